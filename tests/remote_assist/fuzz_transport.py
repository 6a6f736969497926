# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad input at the transport of a running session child, from a peer that holds the keys and from strangers.

`python -m tests.remote_assist.fuzz_transport [--seconds N] [--seed S] [--role customer|agent] [--deed NAME]`. Prints
what was done with which seed and the child's memory; exit 1 when a promise is broken: the child lives and answers,
its memory is bounded, good pictures show again (at the latest over a new connection), nothing comes through that is
not granted.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

from app.domain.assist import Role
from remote_assist.child_protocol import Drop, Keep, Pause
from tests.fakes.wait import wait_until
from tests.remote_assist.hostile_packets import DEEDS, closed_channels
from tests.remote_assist.hostile_peer import HostilePeer

__all__ = ["GROWTH_MAX_MB", "BrokenPromise", "Fuzz", "main"]

GROWTH_MAX_MB = 300  # a decoder holds up to seventeen pictures of 3840x2160, 12 MB each
_ANSWER_S = 20
_PATIENCE_S = 1  # for a picture over the connection that was abused
# what an agent's end may say with no grant at all
_OPEN = frozenset({"hello", "view", "request", "claim", "pause", "end", "clip", "fileoffer", "chat", "chatgot"})
_NAMED = frozenset({"malformed", "violation", "bad_sdp", "open_failed", "not_sent", "picture_too_large"})


class BrokenPromise(AssertionError):
    """Says which deed, with which seed, did what."""


class Fuzz:
    """One child under attack; `round` is one deed and the look at what became of it."""

    def __init__(self, peer: HostilePeer, seed: int, tell: Callable[[str], None] = lambda _line: None) -> None:
        self._peer = peer
        self._chance = Random(seed)  # a choice of packets, not a secret
        self._seed = seed
        self._tell = tell
        self.rounds = 0
        self.reconnects = 0
        self.peak_mb = 0
        self.done: dict[str, int] = {}
        self._begin()
        self._base_mb = self._peer.most_memory_mb

    def round(self, name: str = "") -> None:
        """Do one deed, or this one, and hold the child to its promises."""
        deeds = DEEDS[self._peer.attacked]
        name = name or self._chance.choice(sorted(deeds))
        before = len(self._peer.stub.faults)
        deeds[name](self._peer, self._chance)
        self._peer.settle()
        self.rounds += 1
        self.done[name] = self.done.get(name, 0) + 1
        where = f"{name} (seed {self._seed}, round {self.rounds}, attacked: {self._peer.attacked.value})"
        self._answers(where)
        self._named(where, before)
        self._let_nothing_in(where)
        if name == closed_channels.__name__ or not self._peer.shows_pictures(_PATIENCE_S):
            self._again(where)
        self._bounded(where)
        self._tell(f"{self.rounds:4d}  {self.peak_mb:4d} MB  {self.reconnects:3d} new connections  {name}")

    def revoked(self) -> None:
        """Without a grant no picture leaves, whatever is asked for."""
        peer = self._peer
        peer.grant()
        self._answers("revoked")
        before = peer.stub.stats["frames_sent"]
        for name in ("feedback_flood", "chunks", "broken_reports"):
            DEEDS[Role.CUSTOMER][name](peer, self._chance)
        self._answers("revoked")
        if peer.stub.stats["frames_sent"] != before or peer.stub.stats["gate_open"]:
            raise BrokenPromise("pictures left without a grant")
        peer.grant("view")

    # --- promises -------------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        self._peer.connect()
        self._peer.grant("view")
        if not self._peer.shows_pictures(30):
            raise BrokenPromise("no picture over a good connection")

    def _answers(self, where: str) -> None:
        stub = self._peer.stub
        stub.stats = {}
        stub.link.send(Pause(False))  # answered at once, on the loop
        try:
            wait_until(lambda: stub.stats, _ANSWER_S)
        except AssertionError as error:
            state = "dead" if not _alive(stub.link.pid) else "silent"
            raise BrokenPromise(f"the child is {state} after {where}") from error
        for epoch in self._peer.attempts:
            stub.link.send(Drop(epoch))
        if self._peer.attempts:
            stub.link.send(Keep(self._peer.epoch))  # as an end does: an attempt takes the pictures over
        self._peer.attempts.clear()

    def _named(self, where: str, before: int) -> None:
        strange = {fault.code for fault in self._peer.stub.faults[before:]} - _NAMED
        if strange:
            raise BrokenPromise(f"faults {strange} after {where}")

    def _let_nothing_in(self, where: str) -> None:
        for message in self._peer.listen():
            kind = str(message.message.get("t"))
            if self._peer.attacked is Role.CUSTOMER and (message.channel != "ctl" or kind not in _OPEN):
                raise BrokenPromise(f"{message.channel} {kind} was let in after {where}")

    def _again(self, where: str) -> None:
        self.reconnects += 1
        try:
            self._begin()
        except Exception as error:
            raise BrokenPromise(f"no session after {where}: {error!r}") from error

    def _bounded(self, where: str) -> None:
        now = self._peer.most_memory_mb
        self.peak_mb = max(self.peak_mb, now)
        if now > self._base_mb + GROWTH_MAX_MB:
            raise BrokenPromise(f"the child grew from {self._base_mb} to {now} MB until {where}")


def _alive(pid: int) -> bool:
    try:
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.remote_assist.fuzz_transport", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "big"))
    parser.add_argument("--role", choices=[Role.CUSTOMER.value, Role.AGENT.value], action="append")
    parser.add_argument("--deed", default="", help="only this one")
    args = parser.parse_args(argv)
    roles = [Role(role) for role in args.role or (Role.CUSTOMER.value, Role.AGENT.value)]
    broken = 0
    for role in roles:
        print(f"attacked: {role.value}, seed {args.seed}", flush=True)
        try:
            _run(role, args.seed, args.seconds / len(roles), args.deed)
        except BrokenPromise as error:
            print(f"BROKEN: {error}", flush=True)
            broken += 1
    return 1 if broken else 0


def _run(role: Role, seed: int, seconds: float, deed: str) -> None:
    end = time.monotonic() + seconds
    with HostilePeer(role) as peer:
        fuzz = Fuzz(peer, seed, lambda line: print(line, flush=True))
        waiting = [] if deed else sorted(DEEDS[role])  # each once, then by chance
        while time.monotonic() < end:
            fuzz.round(deed or (waiting.pop(0) if waiting else ""))
        if role is Role.CUSTOMER:
            fuzz.revoked()


if __name__ == "__main__":
    sys.exit(main())
