# SPDX-License-Identifier: GPL-3.0-or-later
"""The customer's end inside: state, beginning, record, what the child is told, way out. See `customer_end`."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.domain.assist import EndReason, EntryType, PromptInfo, Role, Scope, TargetChoice
from app.domain.device_certificate import read_device_certificate
from app.domain.documents import BadDocument, SignedDocument
from app.domain.masking import MaskRule
from app.domain.session_record import JOIN_LABEL
from app.domain.signed import b64, lp, sign
from remote_assist import child_protocol as child
from remote_assist import envelope as env
from remote_assist import messages as wire
from remote_assist.actions import (
    Alarm,
    Clock,
    GrantsChanged,
    ShowPrompt,
)
from remote_assist.customer_record import CustomerRecord
from remote_assist.end_base import Random
from remote_assist.end_link import EndLink
from remote_assist.envelope import EnvelopeReader, EnvelopeWriter
from remote_assist.grants import BUILT_SCOPES, GrantBook, in_order
from remote_assist.handshake import CustomerHandshake, SessionKeys
from remote_assist.invitation import CheckedInvitation, InvitationChecker
from remote_assist.ladder import DIRECT
from remote_assist.limits import CHAIN_AGAIN_MS, PAUSE_ENTRY_MS, Limits
from remote_assist.marks import MarkBoard
from remote_assist.mask_book import MaskBook
from remote_assist.session import Effect, SessionMachine

__all__ = ["ChosenTarget", "CustomerCore", "CustomerIdentity", "fits"]


@dataclass(frozen=True, slots=True)
class CustomerIdentity:
    """Who this companion is. `device_key` only if it is enrolled for a customer."""

    app: str
    platform: str
    device_key: Ed25519PrivateKey | None = None
    device_certificate: str = ""  # what the organisation signed about that key; the newest
    sources: tuple[str, ...] = ("screen", "window", "region")
    unable: frozenset[Scope] = frozenset()  # what this computer cannot do, whoever allows it
    forbidden: frozenset[Scope] = frozenset()  # what policy of its organisation takes away
    rules: tuple[MaskRule, ...] = ()  # windows that it keeps back, whatever the customer allows
    shares: bool = True  # whether it lets a screen be shared at all


@dataclass(frozen=True, slots=True)
class ChosenTarget:
    """What the customer chose: a target, as which kind, and which part of it."""

    target: TargetChoice
    kind: str
    region: tuple[int, int, int, int] | None

    def message(self) -> wire.Target:
        """What the agent is told of it: never the title."""
        rect = self.region or self.target.rect
        width, height = (min(max(side, 0), 16_384) for side in rect[2:])
        marks = self.target.kind == "screen"  # a window is taken from its own copy, which nothing covers
        return wire.Target(width, height, min(max(self.target.scale, 0.1), 16.0), self.kind, marks)


def fits(target: TargetChoice, kind: str, region: tuple[int, int, int, int] | None) -> bool:
    """Tell whether this is a way to share the target: as what it is, or a region of it that is not empty."""
    if kind != "region":
        return kind == target.kind and region is None
    return region is not None and region[2] > 0 and region[3] > 0


class CustomerCore(EndLink):
    """State and tools; `CustomerLink` adds what happens by itself, `CustomerEnd` what people do."""

    role = Role.CUSTOMER
    decides = True

    def __init__(
        self,
        identity: CustomerIdentity,
        clock: Clock,
        checker: InvitationChecker,
        *,
        random: Random = secrets.token_bytes,
        limits: Limits | None = None,
    ) -> None:
        """`checker` holds the pin and the memory of used invitations: keep it between sessions."""
        super().__init__(clock, random)
        self._identity = identity
        self._checker = checker
        self._own_limits = limits or Limits()
        self._checked: CheckedInvitation | None = None
        self._book = GrantBook(())
        self._record: CustomerRecord | None = None
        self._session_key = Ed25519PrivateKey.from_private_bytes(random(32))
        self._targets: dict[str, TargetChoice] = {}
        self._choosing = False  # something else to share, in mid-session
        self._chosen: ChosenTarget | None = None
        self._seq = 0
        self._handshake: CustomerHandshake | None = None
        self._keys: SessionKeys | None = None
        self._agent_fingerprint = b""
        self._offers: dict[int, str] = {}
        self._offered: set[int] = set()
        self._answered: set[int] = set()
        self._rebuild_at: int | None = None
        self._climb_at: int | None = None
        self._last_rung: int | None = None
        self._good_rung = DIRECT
        self._must_rebuild = False
        self._rebind_asked_at = 0
        self._sas_asked = False
        self._sas_picked = False
        self._sas_claimed = False
        self._violations = 0
        self._violation_entry_at: int | None = None
        self._requests: dict[Scope, int] = {}
        self._scope_asks: dict[Scope, int] = {}
        self._fell_at: dict[Scope, int] = {}
        self._flow_changed_at: int | None = None
        self._board = MarkBoard()
        self._place: tuple[int, int, int, int] | None = None
        self._pause_entry_at: int | None = None
        self._pause_by = ""
        self._again_at: int | None = None
        self.masks = MaskBook()
        self.masks.rules = identity.rules

    # --- beginning -------------------------------------------------------------------------------------------------

    def _begin(self, checked: CheckedInvitation, machine: SessionMachine) -> None:
        self._introduce(checked, machine)
        if not self._identity.shares:
            self._out.append(Alarm("forbidden", ""))
            self._end(EndReason.FORBIDDEN, "system")
            return
        self._start_child()
        if self.masks.rules:
            self._tell_masks()
        self._list_targets()
        self._apply(machine.opened(self._now))
        self._note(EntryType.PROMPTED, "system", {"agent": checked.certificate.agent_id})
        self._send("prompted", env.PromptedBody())
        self._out.append(ShowPrompt(self._prompt(checked, machine)))

    def _introduce(self, checked: CheckedInvitation, machine: SessionMachine) -> None:
        """Begin the record and tell the agent's end who has come."""
        invitation, pin = checked.invitation, self._checker.pin
        self._checked = checked
        self._sid = invitation.sid
        self._relay_only = invitation.policy.relay_only
        self._child_limits = {"fps_max": invitation.policy.fps_max}
        machine.limits = self._own_limits.within(invitation.policy)
        maximum = (scope for scope in BUILT_SCOPES if scope.value in invitation.scopes_max)
        self._book = GrantBook(maximum, self._never)
        self._record = CustomerRecord(self._clock, checked, self._session_key, pin.org_key)
        self._writer = EnvelopeWriter(self._sid, self.role, self._session_key)
        self._reader = EnvelopeReader(self._sid, Role.AGENT, checked.certificate.device_key)
        join = self._join_body(checked)
        facts = {"session_key": join.session_key, "app": join.app, "platform": join.platform}
        if join.device_key is not None:
            facts |= {"device_key": join.device_key, "device_sig": join.device_sig or ""}
        if join.device_cert is not None:
            facts |= {"device_cert": join.device_cert}
        self._out.append(self._record.add(EntryType.JOINED, "customer", facts))
        self._send("join", join)
        self._send("chain", env.ChainBody(self._record.last.text))

    @property
    def _never(self) -> frozenset[Scope]:
        return self._identity.unable | self._identity.forbidden

    def _join_body(self, checked: CheckedInvitation) -> env.JoinBody:
        iid = checked.invitation.iid
        public = self._session_key.public_key().public_bytes_raw()
        device = self._identity.device_key
        return env.JoinBody(
            iid=b64(iid),
            session_key=b64(public),
            proof=b64(env.join_proof(checked.join_secret, iid, public)),
            app=self._identity.app[:64],
            platform=self._identity.platform[:64],
            scopes_supported=[scope.value for scope in BUILT_SCOPES if scope not in self._never],
            sources=list(self._identity.sources),
            device_key=b64(device.public_key().public_bytes_raw()) if device is not None else None,
            device_sig=b64(sign(device, JOIN_LABEL, lp(iid, public))) if device is not None else None,
            device_cert=self._device_certificate(),
        )

    def _device_certificate(self) -> str | None:
        """The certificate to show; none that every reader of the record would refuse."""
        device, pin, text = self._identity.device_key, self._checker.pin, self._identity.device_certificate
        if device is None or not text:
            return None
        try:
            found = read_device_certificate(SignedDocument.from_text(text), pin.org_key)
        except BadDocument:
            return None
        mine = (found.org_id, found.device_key) == (pin.org_id, device.public_key().public_bytes_raw())
        return text if mine and found.valid_at(self._clock.utc_ms()) else None

    def _prompt(self, checked: CheckedInvitation, machine: SessionMachine) -> PromptInfo:
        pin = self._checker.pin
        return PromptInfo(
            agent_name=checked.certificate.name,
            agent_team=checked.certificate.team,
            organisation=pin.org_name,
            key_mark=pin.key_mark,
            ticket_no=checked.invitation.ticket_no,
            subject=checked.invitation.subject,
            scope=Scope.VIEW,
            expires_ms=machine.deadline_ms or self._now,
            hard_limit_s=machine.limits.hard_ms // 1000,
            forbidden=in_order(self._identity.forbidden),
            hidden=tuple(rule.word for rule in self._identity.rules),
        )

    # --- record ----------------------------------------------------------------------------------------------------

    def _note(self, type_: EntryType, by: str, data: Mapping[str, Any]) -> None:
        """Write an entry and hand it to the agent. Call this before the deed it is about."""
        if self._record is not None:
            self._out.append(self._record.add(type_, by, data))
            self._send("chain", env.ChainBody(self._record.last.text))

    def _on_chain_again(self, body: env.ChainAgainBody) -> None:
        """The agent's end lacks entries. It gets them again, some at a time, whatever the phase."""
        if self._record is None or (self._again_at is not None and self._now - self._again_at < CHAIN_AGAIN_MS):
            return
        self._again_at = self._now
        for text in self._record.texts_from(body.n):
            self._send("chain", env.ChainBody(text))

    def _note_pause(self) -> None:
        if self._pause_entry_at is not None and self._record is not None:
            self._pause_entry_at = None
            self._note(EntryType.PAUSE, self._pause_by, {"frames_sent": self._record.frames_sent})

    # --- what the child is told ------------------------------------------------------------------------------------

    def _list_targets(self) -> None:
        self._seq += 1
        self._tell(child.ListTargets(self._seq))

    def _tell_source(self, *, preview: bool) -> None:
        if self._chosen is not None:
            chosen, (width, height) = self._chosen, self._chosen.target.rect[2:]
            self._tell(child.Source(chosen.target.id, chosen.kind, chosen.region, preview, (width, height)))

    def _tell_masks(self, *, looked: bool = False) -> None:
        self._seq += 1
        book = self.masks
        drawn = len(book.drawn)
        self._tell(child.Masks(self._seq, book.rects, list(book.rules), list(book.own_ids), looked, drawn))

    def _tell_grants(self, *, show: bool = True) -> None:
        scopes = self._book.live
        self._grants = scopes
        # a grant of looking is for the target the child was told last: none while one is only looked at here
        told = [scope.value for scope in scopes if not (self._choosing and scope is Scope.VIEW)]
        self._tell(child.Grants(self._book.seq, told))
        self._say(wire.Grants(self._book.seq, list(scopes)))
        if show:
            self._out.append(GrantsChanged(scopes))

    def _say_target(self) -> None:
        if self._chosen is not None:
            self._say(self._chosen.message())

    # --- pause -----------------------------------------------------------------------------------------------------

    def _pause(self, by: str) -> None:
        machine = self._machine
        if machine is None or not machine.live:
            return
        effects = machine.pause(by, self._now)
        self._apply(effects)
        if Effect.PAUSED in effects and machine.live:
            # The entry carries the counter after the last picture: it waits for the child's next figures.
            self._pause_by, self._pause_entry_at = by, self._now + PAUSE_ENTRY_MS
            self._say(wire.Pause(True, by))

    def _resume(self, by: str) -> None:
        machine, record = self._machine, self._record
        if machine is None or record is None or not machine.live or not machine.paused:
            return
        self._apply(machine.tick(self._now))
        if not machine.would_resume(by):
            self._apply(machine.resume(by, self._now))
            return
        self._note_pause()
        self._note(EntryType.RESUME, by, {"frames_sent": record.frames_sent})
        self._apply(machine.resume(by, self._now))
        self._say(wire.Pause(False, by))

    # --- way out ---------------------------------------------------------------------------------------------------

    def _before_end(self) -> None:
        machine = self._machine
        self._rebuild_at = self._climb_at = None
        if self._record is None or machine is None or machine.reason is None:
            return
        if self._book.live:
            self._book.revoke(Scope.VIEW)
            self._out.append(GrantsChanged(()))
        if machine.reason is EndReason.REFUSED:
            self._note(EntryType.REFUSAL, machine.ended_by, {"scope": Scope.VIEW.value})
            self._send("refused", env.RefusedBody(machine.ended_by))
            return
        if machine.reason is EndReason.FORBIDDEN:
            self._note(EntryType.REFUSAL, machine.ended_by, {"scope": Scope.VIEW.value, "policy": True})
        if machine.ended_by != Role.AGENT.value:
            self._send("end", env.EndBody(machine.reason.value))

    def _settle(self) -> None:
        """The child is gone, its last figure is known: close the book."""
        if self._record is None or self._machine is None:
            return
        self._note_pause()
        data = self._record.end_data(self.view)
        self._note(EntryType.END, self._machine.ended_by, data)
        self._out.append(self._record.receipt())
