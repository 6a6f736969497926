# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent's end: invites, follows the customer's end, shows what is granted, and countersigns the receipt."""

from __future__ import annotations

from dataclasses import replace

import msgspec

from app.domain.assist import EndReason, Phase, Scope
from app.domain.invitation import (
    Invitation,
    build_invitation,
    ticket_line,
)
from app.domain.links import InviteLink
from app.domain.signed import b64
from remote_assist import child_protocol as child
from remote_assist import messages as wire
from remote_assist.actions import (
    Action,
    InvitationReady,
)
from remote_assist.agent_clips import AgentClips
from remote_assist.agent_closing import AgentClosing
from remote_assist.agent_control import AgentControl
from remote_assist.agent_core import AgentIdentity, InviteRequest
from remote_assist.agent_diagnostics import AgentDiagnostics
from remote_assist.agent_files import AgentFiles
from remote_assist.agent_masks import AgentMasks
from remote_assist.agent_recording import AgentRecording
from remote_assist.agent_wishes import AgentWishes
from remote_assist.chat import EndChat
from remote_assist.invitation import join_hash
from remote_assist.limits import VIEW_REPEAT_MS, VIEW_SPACING_MS
from remote_assist.session import SessionMachine

__all__ = ["AgentEnd", "AgentIdentity", "InviteRequest"]


class _Made(msgspec.Struct, frozen=True):
    """The server's answer to an invitation."""

    code: str | None = None
    pushed: bool = False


class AgentEnd(
    EndChat,
    AgentClips,
    AgentClosing,
    AgentControl,
    AgentDiagnostics,
    AgentFiles,
    AgentMasks,
    AgentRecording,
    AgentWishes,
):
    """One invitation, from the agent's click to the countersigned receipt. See docs/remote-assist.md."""

    # --- the agent's deeds -----------------------------------------------------------------------------------------

    def invite(self, request: InviteRequest) -> list[Action]:
        """Make, sign and register an invitation. Raises BadDocument for a ticket without id or requester."""
        if self._machine is not None:
            return []
        now, utc = self._now, self._clock.utc_ms()
        self._request, self._join_secret, self._sid = request, self._random(32), self._random(16)
        allowed = set(self._certificate.scopes_max)
        policy = replace(request.policy, relay_only=request.policy.relay_only or self._identity.relay_only)
        self._invitation = Invitation(
            iid=self._random(16),
            sid=self._sid,
            org_id=self._certificate.org_id,
            ticket_id=request.ticket_id,
            ticket_no=request.ticket_no,
            subject=ticket_line(request.subject),
            requester_id=request.requester_id,
            requester_mail=request.requester_mail,
            agent_cert=self._identity.certificate,
            join_hash=join_hash(self._join_secret),
            scopes_max=tuple(
                scope.value
                for scope in request.scopes_max
                if scope.value in allowed and (scope is Scope.VIEW or scope not in request.forbidden)
            ),
            created=utc,
            not_after=utc + self._limits.invited_ms,
            policy=policy,
            modes=request.modes,
        )
        self._signed = build_invitation(self._identity.device_key, self._invitation)
        self._relay_only = policy.relay_only
        self._machine = SessionMachine(self.role, now, self._limits.within(policy))
        document, signature = self._signed.parts
        secret = b64(self._join_secret)
        body = {"invitation": document, "signature": signature, "join_secret": secret, "want_code": request.want_code}
        self._invite_call = self._call("/session/v1/invitations", body)
        return self._flush()

    def _on_answered(self, call_id: int, status: int, body: bytes) -> None:
        """The server's answer to the invitation."""
        if call_id != self._invite_call or self._machine is None or self._invitation is None:
            return
        self._invite_call = None
        if not 200 <= status < 300:
            self._end(EndReason.NOT_REGISTERED, "system")
            return
        self._registered = True
        if self.view.phase is Phase.ENDED:
            self._tell_server()
            return
        try:
            made = msgspec.json.decode(body, type=_Made)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            made = _Made()
        link = InviteLink(self._invitation.iid, self._join_secret).to_text()
        deadline = self._machine.deadline_ms or self._now
        self._out.append(InvitationReady(link, made.code or "", made.pushed, deadline))

    def cancel(self) -> list[Action]:
        """Take the invitation back before anybody opened it; later it is a stop."""
        reason = EndReason.CANCELLED if self.view.phase is Phase.INVITED else EndReason.STOPPED
        self._end(reason, "agent")
        return self._flush()

    def network_changed(self) -> list[Action]:
        """The system says that this computer has other addresses: ask for a new connection now, not after silence."""
        machine = self._machine
        if machine is not None and machine.live:
            self._apply(machine.doubted(self._now))
            self._ask_rebind("network")
        return self._flush()

    def pause(self) -> list[Action]:
        """Ask for the picture to be held. Only the customer lets it go on."""
        machine = self._machine
        if machine is not None and machine.live:
            self._pause_said = True
            self._say(wire.Pause(True, "agent"))
            self._apply(machine.pause("agent", self._now))
        return self._flush()

    def confirm_sas_same(self, same: bool = True) -> list[Action]:
        """What the customer reported over the phone: the number is among the three, or it is not."""
        machine = self._machine
        if machine is None or machine.phase is not Phase.UNVERIFIED or self._claimed:
            return self._flush()
        self._claimed = True
        self._say(wire.Claim("sas", {"same": same}))
        self._apply(machine.sas_claimed(same, self._now))
        return self._flush()

    def note_activity(self) -> list[Action]:
        """Mouse or keyboard in the session window: the session is not idle, at either end."""
        machine = self._machine
        if machine is not None and machine.live:
            self._apply(machine.agent_active(self._now))
            if self._view_sent_at is None or self._now - self._view_sent_at >= VIEW_REPEAT_MS:
                self._view = self._view or wire.View(0, 0)
                self._say_view()
        return self._flush()

    def set_view(self, width: int, height: int, src: tuple[int, int, int, int] | None = None) -> list[Action]:
        """The picture widget's size in device pixels and which part of the source it shows."""
        self._view = wire.View(min(max(width, 0), 16_384), min(max(height, 0), 16_384), src)
        self._tell(child.View(self._view.w, self._view.h, src))
        if self.view.live:
            if self._view_sent_at is None or self._now - self._view_sent_at >= VIEW_SPACING_MS:
                self._say_view()
            elif self._view_due_at is None:
                self._view_due_at = self._view_sent_at + VIEW_SPACING_MS
        return self._flush()
