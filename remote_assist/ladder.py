# SPDX-License-Identifier: GPL-3.0-or-later
"""The rungs on which a connection is tried, and what the server's answer about its relay offers for each. Pure.

0 takes every candidate, with TURN over UDP; 1 is relayed over TCP; 2 is relayed over TLS. aiortc takes one TURN server
a connection, so every rung is a connection of its own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

__all__ = ["DIRECT", "NO_RELAY", "TLS", "Relay", "next_rung", "read_relay"]

DIRECT = 0
TLS = 2
_URLS_MAX = 8
_ANSWER_MAX = 8192
_URL = re.compile(r"(stun|turn|turns):[A-Za-z0-9.-]{1,253}:[1-9][0-9]{0,4}(?:\?transport=(udp|tcp))?")
_WORDS = re.compile(r"[\x21-\x7e]{1,256}")
_RUNGS = {("turn", "udp"): DIRECT, ("turn", "tcp"): 1, ("turns", "tcp"): TLS}


class _Answer(msgspec.Struct, frozen=True):
    urls: list[str]
    username: str = ""
    credential: str = ""


@dataclass(frozen=True, slots=True)
class Relay:
    """What the server offers for one connection. Credentials never show in a text of this object."""

    turn: dict[int, str] = field(default_factory=dict)
    stun: str = ""
    username: str = field(default="", repr=False)
    credential: str = field(default="", repr=False)

    def rungs(self, *, relay_only: bool) -> tuple[int, ...]:
        """Return the rungs that can be tried, first things first."""
        return tuple(sorted(self.turn if relay_only else {DIRECT, *self.turn}))

    def ice(self, rung: int, *, relay_only: bool) -> list[dict[str, str]]:
        """Return the servers for a connection on this rung; a relayed one asks nobody for its own address."""
        found = [{"urls": self.stun}] if self.stun and rung == DIRECT and not relay_only else []
        if rung in self.turn:
            found.append({"urls": self.turn[rung], "username": self.username, "credential": self.credential})
        return found


NO_RELAY = Relay()


def read_relay(body: bytes) -> Relay | None:
    """Return what an answer of the server offers; None when it is no such answer. Unknown addresses are passed over."""
    if len(body) > _ANSWER_MAX:
        return None
    try:
        answer = msgspec.json.decode(body, type=_Answer)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    turn: dict[int, str] = {}
    stun = ""
    for url in answer.urls[:_URLS_MAX]:
        match = _URL.fullmatch(url)
        if match is None:
            continue
        rung = _RUNGS.get((match[1], match[2] or ""))
        if rung is not None:
            turn.setdefault(rung, url)
        elif match[1] == "stun" and match[2] is None:
            stun = stun or url
    if not (_WORDS.fullmatch(answer.username) and _WORDS.fullmatch(answer.credential)):
        turn = {}
    return Relay(turn, stun, answer.username, answer.credential)


def next_rung(rungs: Sequence[int], last: int | None) -> int:
    """Return the rung after the last one tried, beginning again at the first behind the end."""
    if last is None:
        return rungs[0] if rungs else DIRECT
    return next((rung for rung in rungs if rung > last), rungs[0] if rungs else DIRECT)
