# SPDX-License-Identifier: GPL-3.0-or-later
"""The customer's end towards child and agent: connection, messages, check number. See `customer_end`."""

from __future__ import annotations

from app.domain.assist import EndReason, EntryType, Notice, Phase, Question, Scope, TargetChoice
from app.domain.invitation import invite_hash
from app.domain.signed import b64
from remote_assist import child_protocol as child
from remote_assist import envelope as env
from remote_assist import messages as wire
from remote_assist.actions import (
    Alarm,
    AskQuestion,
    Notify,
    SasNumber,
    SasQuestion,
    TargetsListed,
)
from remote_assist.customer_core import CustomerCore
from remote_assist.grants import in_order
from remote_assist.handshake import Binding, CustomerHandshake
from remote_assist.ladder import DIRECT, next_rung
from remote_assist.limits import FAILED_AGAIN_MS, REBUILD_EVERY_MS, VIOLATION_ENTRY_MS, VIOLATIONS_MAX
from remote_assist.session import Effect

__all__ = ["CustomerLink"]

_TARGETS_MAX = 200


class CustomerLink(CustomerCore):
    """What happens by itself: the customer's deeds are in `CustomerEnd`."""

    # --- timers and effects ----------------------------------------------------------------------------------------

    def _own_deadlines(self) -> list[int | None]:
        return [self._rebuild_at, self._climb_at, self._pause_entry_at, self._now if self._must_close else None]

    @property
    def _must_close(self) -> bool:
        """Whether the record is about to be longer than any reader takes."""
        return self._record is not None and self._record.full and self.view.phase is not Phase.ENDED

    def _on_tick(self, now: int) -> None:
        if self._must_close:
            self._end(EndReason.LIMIT, "system")
        if self._pause_entry_at is not None and now >= self._pause_entry_at:
            self._note_pause()
        if self._rebuild_at is not None and now >= self._rebuild_at:
            self._rebuild()
        elif self._climb_at is not None and now >= self._climb_at:
            self._climb_at = None
            self._rebuild()

    def _on_effect(self, effect: Effect) -> None:
        if effect is Effect.ASK_UNVERIFIED:
            self._ask(Question.GO_ON_UNVERIFIED)
        elif effect is Effect.ASK_CONTINUE:
            self._ask(Question.CONTINUE)
        elif effect is Effect.LOST:
            self._sync_pause()
            self._rebuild(self._good_rung)
        elif effect is Effect.BACK:
            self._rebuild_at = None
            self._sync_pause()
        elif effect in (Effect.PAUSED, Effect.RESUMED):
            self._sync_pause()

    def _ask(self, question: Question) -> None:
        if self._machine is not None and self._machine.phase is not Phase.ENDED:
            self._out.append(AskQuestion(question, self._machine.question_deadline_ms(question)))

    # --- connection ------------------------------------------------------------------------------------------------

    def _on_fingerprint(self, epoch: int) -> None:
        if (
            epoch != 0
            or self._handshake is not None
            or self._checked is None
            or self.view.phase is not Phase.CONNECTING
        ):
            return
        binding = Binding(
            invite_hash(self._checked.signed),
            self._sid,
            self._checked.certificate.device_key,
            self._session_key.public_key().public_bytes_raw(),
        )
        self._handshake = CustomerHandshake(binding, self._fingerprints[0], self._random)
        self._send("sas.commit", env.CommitBody(b64(self._handshake.commitment)))

    def _on_sdp(self, message: child.LocalSdp) -> None:
        epoch = self._attempts.get(message.epoch)
        if message.type != "offer" or epoch is None:
            return
        sdp = self._local_sdp(message, epoch)
        if sdp is not None:
            self._offers[message.epoch] = sdp
            self._send_offer(message.epoch)

    def _send_offer(self, epoch: int) -> None:
        attempt = self._attempts.get(epoch)
        if self._keys is None or attempt is None or epoch not in self._offers or epoch in self._offered:
            return
        if self._offered and epoch < max(self._offered):
            self._abandon(attempt)  # a later one was ready sooner; offers go out in order
            return
        self._offered.add(epoch)
        self._send("offer", env.SdpBody(epoch, attempt.rung, self._offers[epoch]))

    def _rebuild(self, rung: int | None = None) -> None:
        """Try a new connection now and every four seconds, along the ladder, until one speaks or time is up."""
        if self._keys is None or self.view.phase is Phase.ENDED:
            self._rebuild_at = None
            return
        self._last_rung = next_rung(self._rungs or (DIRECT,), self._last_rung) if rung is None else rung
        self._open_epoch(self._last_rung)
        self._rebuild_at = self._now + REBUILD_EVERY_MS

    def _on_attempts_failed(self) -> None:
        super()._on_attempts_failed()
        wait_ms = 0 if self._failures == 1 else min(FAILED_AGAIN_MS * (self._failures - 1), REBUILD_EVERY_MS)
        self._rebuild_at, self._climb_at = self._now + wait_ms, None

    def _climb_later(self) -> None:
        """The first connection was offered: unless it speaks soon, go up the ladder. Without one there is no hurry."""
        if self._rungs is None or len(self._rungs) > 1 or self._relay_only:
            self._last_rung = self._last_rung or DIRECT
            self._climb_at = self._now + REBUILD_EVERY_MS

    def _child_replaced(self) -> None:
        if self._record is not None:
            self._record.child_replaced()
        self._list_targets()
        if not self.masks.empty:
            self._tell_masks()
        if self._chosen is not None:
            self._tell_source(preview=self.view.phase is Phase.PROMPTED)
        if self._machine is not None and self._machine.live:
            self._must_rebuild = True
            was_lost = self._machine.lost
            self._apply(self._machine.cut(self._now))
            if was_lost:
                self._rebuild(self._good_rung)
            self._sync_pause()
        elif self.view.phase is Phase.CONNECTING:
            self._reopen()

    def _reopen(self) -> None:
        """Still connecting: begin again, or after the keys if the old certificate was promised already."""
        if self._handshake is None:
            self._next_epoch = 0
            self._open_epoch()
        elif self._keys is not None:
            self._rebuild(DIRECT)
        else:
            self._offers.clear()
            self._must_rebuild = True

    def _on_old_connection_back(self, epoch: int) -> None:
        if self._attempts:
            self._attempts.clear()
            self._tell(child.Keep(epoch))
        self._on_connected()
        self._on_line()

    def _on_connected(self) -> None:
        """A connection works: the first one begins the session, a further one carries it on."""
        first = False
        self._must_rebuild = False
        self._rebuild_at = self._climb_at = None
        self._good_rung = self._active.rung if self._active is not None else DIRECT
        if self._record is None or self._machine is None:
            return
        if Scope.VIEW not in self._book.live:
            first = True
            kind = self._chosen.kind if self._chosen is not None else ""
            self._record.target_kind = kind
            self._note(EntryType.GRANT, "customer", {"scope": Scope.VIEW.value, "target_kind": kind})
            self._book.give(Scope.VIEW, self._machine.phase)
            self._tell_source(preview=False)
        else:
            self._record.reconnects += 1
            epoch = self._active.number if self._active is not None else 0
            self._note(EntryType.RECONNECT, "system", {"epoch": epoch})
        self._tell_grants(show=first)
        self._sync_pause()
        self._tell_agent_all()

    def _tell_agent_all(self) -> None:
        limits = self._machine.limits if self._machine is not None else self._own_limits
        self._say_target()
        never = list(in_order(self._identity.forbidden))
        self._say(wire.Limits(limits.idle_ms // 1000 or 1, limits.hard_ms // 1000 or 1, never))
        if self._machine is not None:  # the agent follows this copy, whatever it missed
            self._say(wire.Pause(self._machine.paused, "customer"))

    # --- what the child tells --------------------------------------------------------------------------------------

    def _on_other(self, message: child.FromChild) -> None:
        if isinstance(message, child.Targets):
            self._on_targets(message)
        elif isinstance(message, child.Stats) and self._record is not None:
            self._record.count_frames(message.values.get("frames_sent", 0))
            self._note_pause()
            self._ask_number()

    def _on_targets(self, message: child.Targets) -> None:
        items = message.items[:_TARGETS_MAX]
        listed = tuple(TargetChoice(i.id, i.kind, i.title[:200], i.rect, i.scale) for i in items)
        self._targets = {choice.id: choice for choice in listed}
        self._out.append(TargetsListed(listed))

    def _on_state(self, message: child.PeerState) -> None:
        if self._must_rebuild and self._active is not None and message.epoch == self._active.number:
            asked_ms = self._now - self._rebind_asked_at
            if not (message.channels_open and 0 <= message.answered_ms < asked_ms):
                return  # the agent says that this connection is dead, whatever still arrives over it
            self._must_rebuild = False  # and has answered on it since
        super()._on_state(message)
        if self._record is not None and self._path:
            self._record.path = self._path

    def _on_child_ended(self, message: child.Ended) -> None:
        if self._record is not None:
            self._record.count_frames(message.frames_sent)

    # --- what the agent says ---------------------------------------------------------------------------------------

    def _on_message(self, message: wire.Message) -> None:
        if self._machine is None:
            return
        if isinstance(message, wire.Pause):
            self._on_agent_pause(message)
        elif isinstance(message, wire.Claim):
            self._on_claim(message)
        if isinstance(message, wire.Pause | wire.Claim | wire.Request | wire.View):
            self._apply(self._machine.agent_active(self._now))

    def _on_agent_pause(self, message: wire.Pause) -> None:
        if message.on:
            self._pause("agent")
        else:
            self._on_violation("pause")  # only the customer lifts a pause

    def _on_claim(self, claim: wire.Claim) -> None:
        same = claim.data.get("same")
        if claim.type != "sas" or not isinstance(same, bool):
            self._on_violation("claim")
        elif self.view.phase is Phase.UNVERIFIED and not self._sas_claimed:
            self._sas_claimed = same
            if same:
                self._confirm_number()
            else:
                self._number_differs("agent")

    def _on_violation(self, what: str) -> None:
        self._violations += 1
        now = self._now
        if self._violation_entry_at is None or now - self._violation_entry_at >= VIOLATION_ENTRY_MS:
            self._violation_entry_at = now
            self._note(EntryType.VIOLATION, "agent", {"type": what[:80], "count": self._violations})
            self._out.append(Notify(Notice.VIOLATION, what[:80]))
        if self._violations >= VIOLATIONS_MAX:
            self._end(EndReason.PROTOCOL, "agent")

    def _on_malformed(self, what: str) -> None:
        self._note(EntryType.VIOLATION, "agent", {"type": what[:80], "malformed": True})
        self._out.append(Alarm("violation", what[:80]))
        self._end(EndReason.PROTOCOL, "agent")

    # --- check number ----------------------------------------------------------------------------------------------

    def _ask_number(self) -> None:
        """After the first picture; three numbers, none marked."""
        record, keys, handshake = self._record, self._keys, self._handshake
        if self._sas_asked or record is None or keys is None or handshake is None:
            return
        if self.view.phase is Phase.UNVERIFIED and record.frames_sent > 0:
            self._sas_asked = True
            self._out.append(SasQuestion(handshake.choices(keys.number)))

    def _picked(self, right: bool) -> None:
        if self.view.phase is not Phase.UNVERIFIED:
            return
        self._sas_picked = True
        if right:
            self._confirm_number()
        else:
            self._number_differs("customer")

    def _confirm_number(self) -> None:
        machine, record = self._machine, self._record
        if machine is None or record is None or self._keys is None:
            return
        if self._sas_picked and self._sas_claimed:
            record.number, record.number_confirmed = self._keys.number, True
            self._note(EntryType.SAS, "customer", {"ok": True, "number": self._keys.number, "confirmed": "voice"})
            self._apply(machine.sas_claimed(True, self._now))
            self._apply(machine.sas_chosen(True, self._now))
            if machine.phase is Phase.VERIFIED:
                self._say(wire.SasResult(True))
                self._out.append(SasNumber(self._keys.number))

    def _on_peer_end(self, reason: str) -> None:
        if reason == EndReason.SAS_MISMATCH.value and self.view.phase is Phase.UNVERIFIED:
            self._number_differs("agent")  # the agent's claim may be overtaken by its end
        super()._on_peer_end(reason)

    def _number_differs(self, by: str) -> None:
        self._note(EntryType.SAS, by, {"ok": False})
        self._out.append(Alarm("sas_mismatch", f"said by the {by}"))
        self._say(wire.SasResult(False))
        if self._machine is not None:
            step = self._machine.sas_chosen if by == "customer" else self._machine.sas_claimed
            self._apply(step(False, self._now))
