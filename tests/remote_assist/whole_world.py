# SPDX-License-Identifier: GPL-3.0-or-later
"""The world with every kind of access in it: bundles that are read, a recorder that keeps what it receives."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import Any

from app.domain.assist import Scope
from app.domain.documents import SignedDocument
from remote_assist import child_protocol as child
from remote_assist.actions import Action, ChainEntry, DiagnosticsArrived, RecordingWanted
from remote_assist.limits import Limits
from tests.remote_assist.test_diagnostics_session import DiagWorld, confirmed
from tests.remote_assist.world import Side

PLACE = ("/somewhere", b"k" * 32)
SHOWN = confirmed()  # what the customer saw and let go, in every session


class WholeWorld(DiagWorld):
    """`kept` is what the agent's recorder began to keep, each with whether the record had a grant for it."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[tuple[str, bool]] = []
        self.running = False
        self.parts = 0
        self._recorder: object = None
        self._unheard_since = -1

    def perform(self, side: Side, actions: list[Action]) -> None:
        """As the world does; a recorder gets its place from the host at once."""
        super().perform(side, actions)
        if side is self.agent and any(isinstance(action, RecordingWanted) for action in actions):
            self.perform(side, self.agent_end.recording_place(*PLACE))

    @property
    def heard(self) -> bool:
        """Whether the agent's end has the customer's last word. This world does not send again what a cut swallowed."""
        return self.talking and self._unheard_since != self.customer.entries().count("reconnect")

    def _carry(self, side: Side, message: child.ToChild) -> None:
        if side is self.customer and isinstance(message, child.Send) and not self.talking:
            self._unheard_since = self.customer.entries().count("reconnect")
        super()._carry(side, message)
        if side is self.agent:
            self._record(message)

    def _record(self, message: child.ToChild) -> None:
        """The agent's child keeps what comes behind its own copy of the grant, and ends when that falls."""
        fake = self.agent.child
        assert fake is not None
        if fake is not self._recorder:
            self._recorder, self.running = fake, False  # a part of one that died never ends
        if isinstance(message, child.Record) and message.on and Scope.RECORDING not in self.agent.end.view.grants:
            self.kept.append(("order", False))
        allowed = "recording" in fake.scopes and not fake.ended and fake.alive and not fake.frozen
        if isinstance(message, child.Record) and message.on and allowed:
            self._keep(fake.out, still=message.still)
        elif self.running and (not allowed or (isinstance(message, child.Record) and not message.on)):
            self.running = False
            if fake.alive and not fake.frozen:
                fake.out += [child.Recorded("part", self.parts, 1000, 10, b"\7" * 32), child.Recorded("stopped")]

    def _keep(self, out: list[child.FromChild], *, still: bool) -> None:
        if still and not (self.agent.child is not None and self.agent.child.paused):
            self.kept.append(("still", self._granted))
            out.append(child.Recorded("still", len(self.kept), 0, 77, b"\7" * 32))
        elif not still and not self.running:
            self.running, self.parts = True, self.parts + 1
            self.kept.append(("film", self._granted))
            out.append(child.Recorded("began", self.parts))

    @property
    def _granted(self) -> bool:
        """Whether there is a grant on record, or was until a line broke that may yet come back: no picture is on it."""
        held, fell_at = False, 0
        for entry in map(said_in, self.customer.of(ChainEntry)):
            if entry.type == "grant" and entry.data["scope"] == Scope.RECORDING.value:
                held = True
            elif held and (entry.type == "end" or Scope.RECORDING.value in entry.data.get("scopes", ())):
                held, fell_at = False, entry.at
        limits = Limits()
        return held or self.clock.utc_ms() - fell_at <= limits.silent_ms + limits.lost_ms + 1_000


@dataclass(frozen=True, slots=True)
class Said:
    """An entry of the record."""

    type: str
    at: int
    data: dict[str, Any]


def said_in(entry: ChainEntry) -> Said:
    """Return what an entry says."""
    found = json.loads(SignedDocument.from_text(entry.text).document)
    return Said(found["type"], entry.at, found["data"])


def reached(world: WholeWorld) -> Counter[str]:
    """What came to its end in this session."""
    said = [said_in(entry) for entry in world.customer.of(ChainEntry)]
    return Counter(
        bundles=len(world.agent.of(DiagnosticsArrived)),
        films=sum(kind == "film" for kind, _ in world.kept),
        stills=sum(kind == "still" for kind, _ in world.kept),
        films_on_record=sum(entry.type == "recording" and entry.data.get("on") is True for entry in said),
        deaths=sum(not fake.alive for side in (world.agent, world.customer) for fake in side.children),
    )
