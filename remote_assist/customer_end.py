# SPDX-License-Identifier: GPL-3.0-or-later
"""The customer's end: it alone grants, decides what is verified, and writes the record.

Every grant comes from one of the methods under "the customer's deeds", which a window calls for a person's click; no
envelope, message of the child or passing of time adds one.
"""

from __future__ import annotations

from collections.abc import Sequence

from app.domain.assist import EndReason, EntryType, Phase, Question, Scope
from app.domain.documents import SignedDocument
from app.domain.signed import b64
from remote_assist import child_protocol as child
from remote_assist import envelope as env
from remote_assist.actions import Action, Alarm, ScopeSettled
from remote_assist.chat import EndChat
from remote_assist.customer_clips import CustomerClips
from remote_assist.customer_control import CustomerControl
from remote_assist.customer_core import ChosenTarget, CustomerIdentity, fits
from remote_assist.customer_diagnostics import CustomerDiagnostics
from remote_assist.customer_files import CustomerFiles
from remote_assist.customer_recording import CustomerRecording
from remote_assist.customer_scopes import CustomerScopes
from remote_assist.customer_targets import CustomerTargets
from remote_assist.envelope import DroppedEnvelope, Envelope, PeerMisbehaved
from remote_assist.grants import ITEM_SCOPES
from remote_assist.handshake import HandshakeError, Reveal
from remote_assist.invitation import BadInvitation
from remote_assist.ladder import DIRECT
from remote_assist.session import SessionMachine

__all__ = ["CustomerEnd", "CustomerIdentity"]


class CustomerEnd(
    EndChat,
    CustomerClips,
    CustomerControl,
    CustomerDiagnostics,
    CustomerFiles,
    CustomerTargets,
    CustomerRecording,
    CustomerScopes,
):
    """One invitation, from its arrival to the receipt. See docs/remote-assist.md for how to drive it."""

    # --- the customer's deeds --------------------------------------------------------------------------------------

    def open(self, signed: SignedDocument, join_secret: bytes) -> list[Action]:
        """Check an invitation and show the prompt. Any fault ends the session, silently towards the sender."""
        if self._machine is not None:
            return []
        self._machine = SessionMachine(self.role, self._now, self._own_limits)
        try:
            checked = self._checker.check(signed, join_secret, self._clock.utc_ms())
        except BadInvitation as error:
            self._out.append(Alarm("bad_invitation", str(error)))
            self._end(EndReason.BAD_INVITATION, "system")
            return self._flush()
        self._begin(checked, self._machine)
        return self._flush()

    def refresh_targets(self) -> list[Action]:
        """Ask anew what can be shared; answered by TargetsListed."""
        if self.view.phase is Phase.PROMPTED or self.view.live:
            self._list_targets()
        return self._flush()

    def choose_target(
        self,
        target_id: str,
        kind: str,
        region: tuple[int, int, int, int] | None = None,
        own: Sequence[tuple[int, int, int, int]] = (),
    ) -> list[Action]:
        """Choose what to share, as one of the targets listed; kind "region" needs a `region` of a screen or window.

        `own` windows are painted over from its first picture on. What was drawn on another target is forgotten.

        Before `allow` this starts the local preview. In a live session it is a consent of its own to another target.
        """
        target = self._targets.get(target_id)
        live = self.view.live
        if target is None or not fits(target, kind, region) or not (live or self.view.phase is Phase.PROMPTED):
            return self._flush()
        if live:
            self._note(EntryType.TARGET, "customer", {"kind": kind})
            if self._record is not None:
                self._record.target_kind = kind
            self._clear_marks()
        had = not self.masks.empty
        if self._chosen is None or self._chosen.target.id != target_id:
            self.masks.another_target(target.rect[:2])
        self._chosen = ChosenTarget(target, kind, region)
        self.masks.own = tuple(own)
        if had or not self.masks.empty:
            self._tell_masks()
        self._tell_kept()
        self._tell_source(preview=not live)
        if live:
            self._tell_grants()
            self._say_target()
        return self._flush()

    def allow(self) -> list[Action]:
        """The customer's click on "Allow looking". Needs a chosen target; the record is written first."""
        machine, chosen = self._machine, self._chosen
        if machine is None or self._record is None or chosen is None:
            return self._flush()
        self._apply(machine.tick(self._now))
        if machine.phase is Phase.PROMPTED:
            self._note(EntryType.CONSENT, "customer", {"scope": Scope.VIEW.value, "target_kind": chosen.kind})
            self._record.target_kind = chosen.kind
            self._send("consented", env.ConsentedBody(b64(self._record.head), Scope.VIEW.value, chosen.kind))
            self._apply(machine.consented(self._now))
            self._open_epoch()
        return self._flush()

    def refuse(self) -> list[Action]:
        """The customer's click on "Don't allow", Escape, or the closed window."""
        if self.view.phase is Phase.PROMPTED:
            self._end(EndReason.REFUSED, "customer")
        return self._flush()

    def pick_number(self, number: str) -> list[Action]:
        """The number the customer says the agent read aloud; spaces do not matter."""
        if self._sas_asked and not self._sas_picked and self._keys is not None:
            self._picked("".join(number.split()) == self._keys.number.replace(" ", ""))
        return self._flush()

    def none_of_these(self) -> list[Action]:
        """The agent read another number than the three shown."""
        if self._sas_asked and not self._sas_picked:
            self._picked(False)
        return self._flush()

    def network_changed(self) -> list[Action]:
        """The system says that this computer has other addresses: try a new connection now, not after silence."""
        machine = self._machine
        if machine is not None and machine.live:
            if machine.lost:
                self._rebuild(self._good_rung)  # perhaps the way is back: no waiting for the next turn
            else:
                self._apply(machine.doubted(self._now))
        return self._flush()

    def pause(self) -> list[Action]:
        """Hold the picture."""
        self._pause("customer")
        return self._flush()

    def resume(self) -> list[Action]:
        """Let the picture go on, whoever of the two held it."""
        self._resume("customer")
        return self._flush()

    def system_pause(self, on: bool) -> list[Action]:
        """The screen was locked, a secure desktop or screen saver came; or went."""
        if on:
            self._pause("system")
        else:
            self._resume("system")
        return self._flush()

    def confirm_continue(self) -> list[Action]:
        """Answer to the question that comes every 30 minutes."""
        self._answer(Question.CONTINUE)
        return self._flush()

    def go_on_unverified(self) -> list[Action]:
        """Answer "go on, looking only, unverified"."""
        self._answer(Question.GO_ON_UNVERIFIED)
        return self._flush()

    def revoke(self, scope: Scope) -> list[Action]:
        """Take a grant back. Without looking there is no session."""
        if scope is Scope.VIEW:
            return self.stop()
        if fallen := self._book.revoke(scope):
            self._fell_at |= dict.fromkeys(fallen, self._now)
            self._note(EntryType.REVOKE, "customer", {"scopes": [s.value for s in fallen]})
            self._tell_grants()
            self._on_fallen(fallen)
        return self._flush()

    def grant(self, scope: Scope) -> list[Action]:
        """The customer's click on allowing what was asked for. Only an open question can be answered so."""
        self._on_tick(self._now)  # a question that is over was answered by silence
        machine = self._machine
        if machine is None or scope not in self._scope_asks or scope in ITEM_SCOPES:
            return self._flush()
        del self._scope_asks[scope]
        self._out.append(ScopeSettled(scope))
        if self._book.possible(scope, machine.phase):
            self._note(EntryType.GRANT, "customer", {"scope": scope.value})
            self._book.give(scope, machine.phase)
            self._fell_at.pop(scope, None)
            self._tell_grants()
        return self._flush()

    def refuse_scope(self, scope: Scope) -> list[Action]:
        """The customer's click on not allowing it, Escape, or the closed window."""
        self._refuse_scope(scope, "customer", self._now)
        return self._flush()

    def _answer(self, question: Question) -> None:
        machine = self._machine
        if machine is None or machine.question is None:
            return
        self._apply(machine.tick(self._now))
        if machine.phase is Phase.ENDED or question not in machine.questions:
            return
        self._note(EntryType.CONFIRM, "customer", {"question": question.value})
        go_on = machine.confirmed if question is Question.CONTINUE else machine.go_on_unverified
        self._apply(go_on(self._now))

    # --- the agent's envelopes -------------------------------------------------------------------------------------

    def on_envelope(self, raw: bytes) -> list[Action]:
        """Bytes from the relay, from anybody. What is not signed by the certified agent is ignored."""
        if self._reader is None:
            return self._flush()
        try:
            envelope = self._reader.read(raw)
            if isinstance(envelope.body, env.ChainAgainBody):
                self._on_chain_again(envelope.body)
            elif self.view.phase is Phase.ENDED:
                self._on_countersign(envelope)
            else:
                self._handle(envelope)
        except DroppedEnvelope:
            pass
        except (PeerMisbehaved, HandshakeError) as error:
            if self.view.phase is not Phase.ENDED:
                self._on_malformed(str(error))
        return self._flush()

    def _handle(self, envelope: Envelope) -> None:
        body = envelope.body
        if isinstance(body, env.EndBody):
            self._on_peer_end(body.reason)
        elif isinstance(body, env.AcceptBody):
            self._on_accept(body)
        elif isinstance(body, env.SdpBody) and self._keys is not None:
            self._on_answer(envelope, body)
        elif isinstance(body, env.RebindBody) and self._keys is not None:
            self._on_rebind()
        else:
            raise PeerMisbehaved(envelope.t)

    def _on_accept(self, body: env.AcceptBody) -> None:
        if self._handshake is None or self._keys is not None or self._reader is None or self._writer is None:
            raise PeerMisbehaved("sas.accept")
        agent = Reveal(*(env.key_bytes(text) for text in (body.A, body.Na, body.Fa)))
        self._keys = self._handshake.accept(agent)
        self._agent_fingerprint = agent.fingerprint
        own = self._handshake.reveal
        self._send("sas.reveal", env.RevealBody(b64(own.public), b64(own.nonce), b64(own.fingerprint)))
        self._writer.use_key(self._keys.seal_c2a)
        self._reader.use_key(self._keys.seal_a2c)
        self._keyed = True
        if self._must_rebuild:
            self._rebuild(DIRECT)
        else:
            self._send_offer(0)
            self._climb_later()

    def _on_answer(self, envelope: Envelope, body: env.SdpBody) -> None:
        if body.epoch not in self._attempts or body.epoch in self._answered:
            return  # late, for an attempt that was given up
        sdp, facts = self._check_remote_sdp(envelope, body.sdp)
        if body.epoch == 0 and facts.fingerprint != self._agent_fingerprint:
            raise PeerMisbehaved("answer: fingerprint")
        self._answered.add(body.epoch)
        self._tell(child.RemoteSdp(body.epoch, "answer", sdp, facts.fingerprint))

    def _on_rebind(self) -> None:
        """The agent's connection is dead. An attempt under way is the answer already."""
        if self._machine is None or self._rebuild_at is not None:
            return
        self._must_rebuild = True
        self._rebind_asked_at = self._now
        if self._machine.live and not self._machine.lost:
            self._apply(self._machine.cut(self._now))
        else:
            self._rebuild(self._good_rung)

    def _on_countersign(self, envelope: Envelope) -> None:
        body = envelope.body
        if isinstance(body, env.EndBody) and body.countersign is not None and self._record is not None:
            receipt = self._record.countersigned(body.countersign)
            if receipt is not None:
                self._out.append(receipt)
