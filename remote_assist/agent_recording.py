# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent's end of recording: asks, tells the child to keep what comes, and has it written into the record.

The child keeps nothing without the customer's grant, and ends by itself when it falls; this only follows.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from app.domain.assist import Scope
from app.domain.recording import RecordingState
from remote_assist import child_protocol as child
from remote_assist import messages as wire
from remote_assist.actions import Action, RecordingChanged, RecordingWanted
from remote_assist.agent_wishes import AgentWishes
from remote_assist.session import Effect

__all__ = ["AgentRecording"]

CLAIM: Final = "recording"
_CLAIMS_MAX: Final = 100
_TOLD: Final = frozenset({"began", "part", "still"})


class AgentRecording(AgentWishes):
    """`record` and `keep_still` ask first where the customer was not asked yet, and act when the answer is yes."""

    def __init__(self, *args: Any, **more: Any) -> None:
        """As `AgentWishes`."""
        super().__init__(*args, **more)
        self._film_wanted = False
        self._still_wanted = False
        self._place: tuple[str, bytes] | None = None
        self._place_asked = False
        self._recording = RecordingState()
        self._claims_due: list[dict[str, bool | int | str]] = []

    # --- the agent's deeds -----------------------------------------------------------------------------------------

    def record(self, why: str = "") -> list[Action]:
        """Keep what is shown from now on, or ask for it."""
        self._film_wanted = True
        return self._wish(why)

    def keep_still(self, why: str = "") -> list[Action]:
        """Keep one picture, or ask for it."""
        self._still_wanted = True
        return self._wish(why)

    def stop_recording(self) -> list[Action]:
        """Keep nothing any more; the grant stays until the customer takes it back or the session ends."""
        self._film_wanted = self._still_wanted = False
        self._tell(child.Record(False))
        self._show_recording(replace(self._recording, on=False))
        return self._flush()

    def recording_place(self, folder: str, secret: bytes) -> list[Action]:
        """Answer to RecordingWanted: where the child keeps it, and under which key."""
        self._place = (folder, secret)
        self._act()
        return self._flush()

    # --- inside ----------------------------------------------------------------------------------------------------

    def _wish(self, why: str) -> list[Action]:
        if Scope.RECORDING in self._grants:
            self._act()
        elif Scope.RECORDING not in self._ask_book.waiting:
            asked = self.request(Scope.RECORDING, why)
            if Scope.RECORDING not in self._ask_book.waiting:
                self._film_wanted = self._still_wanted = False
            self._show_recording(self._recording)
            return asked + self._flush()
        self._show_recording(self._recording)
        return self._flush()

    def _act(self) -> None:
        """Do what is wanted and allowed."""
        machine = self._machine
        if machine is None or Scope.RECORDING not in self._grants or not (self._film_wanted or self._still_wanted):
            return
        if self._place is None:
            if not self._place_asked:
                self._place_asked = True
                self._out.append(RecordingWanted())
            return
        folder, secret = self._place
        if self._film_wanted:
            self._tell(child.Record(True, folder, secret))
        if self._still_wanted and machine.flowing:
            self._tell(child.Record(True, folder, secret, still=True))
        self._still_wanted = False

    def _show_recording(self, state: RecordingState) -> None:
        state = replace(state, wanted=self._film_wanted and not state.on)
        state = replace(state, since_ms=(state.since_ms or self._now) if state.on else None)
        if state != self._recording:
            self._recording = state
            self._out.append(RecordingChanged(state))

    # --- what the child says ---------------------------------------------------------------------------------------

    def _on_other(self, message: child.FromChild) -> None:
        super()._on_other(message)
        if not isinstance(message, child.Recorded):
            return
        state = self._recording
        if message.what == "began":
            self._show_recording(replace(state, on=True, parts=state.parts + 1, problem=""))
        elif message.what == "still":
            self._show_recording(replace(state, stills=state.stills + 1))
        elif message.what in ("stopped", "failed"):
            self._film_wanted = self._film_wanted and message.what == "stopped"
            self._show_recording(replace(state, on=False, problem=message.code[:32]))
        if message.what in _TOLD and len(self._claims_due) < _CLAIMS_MAX:
            self._claims_due.append(_claim(message))
            self._say_claims()

    def _say_claims(self) -> None:
        """What was kept goes into the customer's record; what happened while the line was lost, afterwards."""
        machine = self._machine
        if machine is not None and machine.live and not machine.lost and self._active is not None:
            for data in self._claims_due:
                self._say(wire.Claim(CLAIM, data))
            self._claims_due.clear()

    # --- what the customer says ------------------------------------------------------------------------------------

    def _on_message(self, message: wire.Message) -> None:
        super()._on_message(message)
        if isinstance(message, wire.Grants):
            if Scope.RECORDING in self._grants:
                self._act()
            elif Scope.RECORDING not in self._ask_book.waiting:
                self._film_wanted = self._still_wanted = False
                self._show_recording(replace(self._recording, on=False))
        elif isinstance(message, wire.Refused) and message.scope is Scope.RECORDING:
            self._film_wanted = self._still_wanted = False
            self._show_recording(self._recording)

    def _on_connected(self) -> None:
        super()._on_connected()
        if self._film_wanted:
            self._act()  # the child may be a new one

    def _on_line(self) -> None:
        super()._on_line()
        self._say_claims()

    def _child_replaced(self) -> None:
        self._show_recording(replace(self._recording, on=False))
        super()._child_replaced()

    def _on_effect(self, effect: Effect) -> None:
        super()._on_effect(effect)
        if effect is Effect.BACK:
            self._say_claims()

    def _on_tick(self, now: int) -> None:
        waited = Scope.RECORDING in self._ask_book.waiting
        super()._on_tick(now)
        if waited and Scope.RECORDING not in self._ask_book.waiting and Scope.RECORDING not in self._grants:
            self._film_wanted = self._still_wanted = False
            self._show_recording(self._recording)

    def _before_end(self) -> None:
        self._film_wanted = self._still_wanted = False
        self._show_recording(replace(self._recording, on=False))
        super()._before_end()


def _claim(message: child.Recorded) -> dict[str, bool | int | str]:
    data: dict[str, bool | int | str] = {"what": message.what, "n": message.number}
    if message.what != "began":
        data |= {"ms": message.ms, "bytes": message.size, "sha256": message.sha256.hex()[:64]}
    return data
