# SPDX-License-Identifier: GPL-3.0-or-later
"""The customer's end of diagnostics: one bundle for each grant, sent when the customer has seen it, and only so.

The grant lets the agent have one bundle; collecting and reading it happens here first. Nothing leaves before
`send_diagnostics`, and left alone it is a no.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from app.domain.assist import EntryType, Scope
from remote_assist import child_protocol as child
from remote_assist import messages as wire
from remote_assist.actions import Action, CollectDiagnostics, DiagnosticsSettled, DiagnosticsStep
from remote_assist.customer_scopes import CustomerScopes
from remote_assist.diagnostics import Bundle, Confirmed, State, messages, read_bundle
from remote_assist.messages import Malformed

__all__ = ["REVIEW_MS", "CustomerDiagnostics"]

REVIEW_MS: Final = 600_000  # collecting takes up to twenty seconds, the rest is for reading
_ARRIVE_MS: Final = 180_000  # 2 MiB at the lowest rate a session bears
_HELD_MS: Final = 5_000
_AGAIN_MS: Final = 1_000
_AT_ONCE: Final = 8  # messages that may wait in the child; each that leaves calls the next


@dataclass(frozen=True, slots=True)
class _Outgoing:
    """What is on its way: confirmed by the customer, told in the record."""

    confirmed: Confirmed
    names: tuple[str, ...]


class CustomerDiagnostics(CustomerScopes):
    """Follows the grant: while there is one, a bundle is looked through or on its way."""

    def __init__(self, *args: Any, **more: Any) -> None:
        """As `CustomerCore`."""
        super().__init__(*args, **more)
        self._diag_wanted = False
        self._diag_until: int | None = None
        self._diag_out: _Outgoing | None = None
        self._diag_id = 0
        self._diag_feed: Iterator[bytes] = iter(())
        self._diag_again: int | None = None

    # --- the customer's deeds --------------------------------------------------------------------------------------

    def send_diagnostics(self, confirmed: Confirmed) -> list[Action]:
        """The customer's click on sending exactly what was shown. False starts do nothing."""
        self._on_tick(self._now)
        machine = self._machine
        if machine is None or not self._diag_wanted or self._diag_out is not None:
            return self._flush()
        if not self._book.allows(Scope.DIAGNOSTICS, machine.phase, flowing=machine.flowing):
            return self._flush()
        try:
            bundle = read_bundle(confirmed.payload)
        except Malformed:  # what no agent's end would read need not leave
            self._withhold_bundle("system")
            return self._flush()
        self._note_bundle(bundle, confirmed)
        self._diag_out = _Outgoing(confirmed, tuple(section.name for section in bundle.sections))
        self._diag_until = self._now + _ARRIVE_MS
        self._out.append(DiagnosticsSettled(DiagnosticsStep.SENDING))
        self._offer_bundle()
        return self._flush()

    def _note_bundle(self, bundle: Bundle, confirmed: Confirmed) -> None:
        sent = [section for section in bundle.sections if section.state is not State.STRUCK]
        self._note(
            EntryType.DIAGNOSTICS,
            "customer",
            {
                "sections": [section.name for section in sent],
                "kept_back": sum(section.struck for section in sent) + len(bundle.sections) - len(sent),
                "bytes": len(confirmed.payload),
                "sha256": confirmed.sha256.hex(),
            },
        )

    def withhold_diagnostics(self) -> list[Action]:
        """The customer's click on sending nothing, Escape, or the closed window."""
        if self._diag_wanted and self._diag_out is None:
            self._withhold_bundle("customer")
        return self._flush()

    # --- inside ----------------------------------------------------------------------------------------------------

    def _tell_grants(self, *, show: bool = True) -> None:
        super()._tell_grants(show=show)
        live = Scope.DIAGNOSTICS in self._book.live
        if live and not self._diag_wanted:
            self._diag_wanted, self._diag_until = True, self._now + REVIEW_MS
            self._out.append(CollectDiagnostics(self._diag_until))
        elif not live and self._diag_wanted:
            self._diag_over(DiagnosticsStep.TAKEN_BACK)

    def _diag_over(self, step: DiagnosticsStep) -> None:
        self._diag_wanted, self._diag_until, self._diag_out = False, None, None
        self._diag_feed, self._diag_again = iter(()), None
        self._out.append(DiagnosticsSettled(step))

    def _offer_bundle(self) -> None:
        """Send everything, from the beginning: a further connection knows nothing of the one before."""
        out, self._diag_again = self._diag_out, None
        if out is not None:
            self._diag_id += 1
            payload, sha256 = out.confirmed.payload, out.confirmed.sha256
            self._say(wire.DiagOffer(self._diag_id, list(out.names), len(payload), sha256.hex()))
            self._diag_feed = messages(out.confirmed, self._diag_id)
            for _ in range(_AT_ONCE):
                self._feed_bundle()

    def _feed_bundle(self) -> None:
        data = next(self._diag_feed, None)
        if data is not None:
            self._tell(child.Send("diag", data))

    def _withhold_bundle(self, by: str) -> None:
        """Nothing is sent: written down, then the grant falls, then the agent hears a no."""
        self._note(EntryType.REFUSAL, by, {"scope": Scope.DIAGNOSTICS.value})
        self._book.refused(Scope.DIAGNOSTICS, self._now)
        self._spend_diagnostics(DiagnosticsStep.WITHHELD)
        self._say(wire.Refused(Scope.DIAGNOSTICS))

    def _bundle_arrived(self, *, ok: bool, by: str) -> None:
        out = self._diag_out
        if out is not None:
            self._note(EntryType.DIAGNOSTICS, by, {"sha256": out.confirmed.sha256.hex(), "arrived": ok})
            self._spend_diagnostics(DiagnosticsStep.ARRIVED if ok else DiagnosticsStep.NOT_ARRIVED)

    def _spend_diagnostics(self, step: DiagnosticsStep) -> None:
        self._diag_over(step)
        self._spend(Scope.DIAGNOSTICS)

    # --- what happens by itself ------------------------------------------------------------------------------------

    def _on_message(self, message: wire.Message) -> None:
        if isinstance(message, wire.Claim) and message.type == Scope.DIAGNOSTICS.value:
            ok = message.data.get("ok")
            if message.data.get("id") == self._diag_id and isinstance(ok, bool):
                self._bundle_arrived(ok=ok, by="agent")
            return
        super()._on_message(message)

    def _on_connected(self) -> None:
        super()._on_connected()
        self._offer_bundle()

    def _on_other(self, message: child.FromChild) -> None:
        if isinstance(message, child.Sent) and message.channel == "diag" and self._diag_again is None:
            self._feed_bundle()
        super()._on_other(message)

    def _on_fault(self, message: child.Fault) -> None:
        if message.code == "not_sent" and message.detail == "diag" and self._diag_out is not None:
            self._diag_again = self._now + _AGAIN_MS
        super()._on_fault(message)

    def _own_deadlines(self) -> list[int | None]:
        return [*super()._own_deadlines(), self._diag_until, self._diag_again]

    def _on_tick(self, now: int) -> None:
        super()._on_tick(now)
        flowing = self._machine is not None and self._machine.flowing
        if self._diag_again is not None and now >= self._diag_again:
            if flowing:
                self._offer_bundle()
            else:
                self._diag_again = now + _AGAIN_MS
        if self._diag_until is not None and now >= self._diag_until:
            if self._diag_out is None:
                self._withhold_bundle("system")
            elif flowing:
                self._bundle_arrived(ok=False, by="system")
            else:
                self._diag_until = now + _HELD_MS

    def _before_end(self) -> None:
        if self._diag_wanted:
            self._diag_over(DiagnosticsStep.ENDED)
        super()._before_end()
