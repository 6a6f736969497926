# SPDX-License-Identifier: GPL-3.0-or-later
"""What must be true in the end, when everything works again: I10 to I13 and I17; each raises Violation."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import TYPE_CHECKING

from app.store.shown import Shown
from tests.sync.sim import checks
from tests.sync.sim.model_base import MESSAGE, NOTE, ORGANISATION, TIME
from tests.sync.sim.oracle import Violation

if TYPE_CHECKING:
    from tests.sync.sim.computer import Client
    from tests.sync.sim.world import World


def is_quiet(world: World) -> bool:
    """Whether everything that was saved is confirmed everywhere and every client is at the server's heads."""
    if any(c.worker is None or c.window is None or c.ask is not None for c in world.clients):
        return False  # before any file is looked at
    return not any(_lack(world, c) for c in world.clients) and not world.files.lack()


def _lack(world: World, client: Client) -> str:
    worker = client.worker
    if worker is None or client.window is None:
        return "a process"
    if client.ask is not None:
        return "an answer"
    state = worker.replica.state()
    if state.epoch != world.oracle.epoch:
        return "the new epoch"
    if state.scopes.keys() != world.oracle.access(client.person.account):
        return "or has scopes that are not its own"
    if worker.replica.last_mid() > state.lmid_seen:
        return f"confirmation of {worker.replica.last_mid() - state.lmid_seen} mutations"
    if world.oracle.past.lmids.get(client.person.device, 0) > state.lmid_seen:
        return "word about what came late from it"  # sent before its files were put back to an earlier state
    for scope in state.scopes.values():
        if scope.state != "live" or scope.cursor != world.oracle.past.heads.get(scope.id, 0):
            return f"rows of {scope.id}"
    return ""


def everything_arrived(world: World) -> None:
    """I10 to I13: outboxes empty, all alike, and no word lost or doubled."""
    lacks = {client.person.login: lack for client in world.clients if (lack := _lack(world, client))}
    if set(lacks.values()) <= {"an answer"} and (lack := world.files.lack()):
        raise Violation("I17", f"there still is no {lack}")
    for login, lack in lacks.items():
        raise Violation("I10", f"{login} still lacks {lack}")
    for client in world.clients:
        assert client.worker is not None
        assert client.window is not None
        checks.contents_are_true(world, client, client.worker.replica.state())
        client.window.profile.after_checkpoint()
        client.window.read(partial(_nothing_over_it, client))
        _refusals_are_told(world, client)
        _needs_you_says_it_once(client)
    _no_word_lost(world)


def _refusals_are_told(world: World, client: Client) -> None:
    assert client.window is not None
    told = {m for (m,) in client.window.read(lambda s: s.tx.all("SELECT mid FROM main.needs_you"))}
    device = client.person.device
    refused = {m for (d, m), (st, _) in world.oracle.past.results.items() if d == device and st == "rejected"}
    if refused - told:
        raise Violation("I12", f"{client.person.login} was never told that {sorted(refused - told)} were refused")


def _needs_you_says_it_once(client: Client) -> None:
    """I13: of one change there is one entry in the tray, whatever was sent again under another number."""
    assert client.window is not None
    held = (
        bytes.fromhex(item.mine["args"]["event"])
        if isinstance(item.mine, dict) and "args" in item.mine
        else getattr(item.change, "event", None)
        for item in client.window.profile.needs_you.entries()
    )
    twice = [event.hex() for event, n in Counter(e for e in held if e is not None).items() if n > 1]
    if twice:
        raise Violation("I13", f"{client.person.login}: {twice} need this person more than once")


def _nothing_over_it(client: Client, shown: Shown) -> None:
    if shown.overlaid:
        raise Violation(
            "I11", f"{client.person.login}: images of {sorted(shown.overlaid)} still cover the server's rows"
        )


def _no_word_lost(world: World) -> None:
    server, trays = world.oracle.texts(), ""
    for client in world.clients:
        assert client.window is not None
        trays += str(client.window.read(lambda s: s.tx.all("SELECT content, data FROM main.needs_you")))
    for token, (login, mid, kind) in world.tokens.items():
        if token not in server and token not in trays and token not in world.lost:
            raise Violation("I12", f"{login}'s {kind} mid {mid} with {token} is nowhere")
    words: list[str] = []
    for (type_, _), row in world.oracle.past.rows.items():
        name = {MESSAGE: "body", NOTE: "body", TIME: "note", ORGANISATION: "note"}.get(type_)
        words += str(row.values[name] or "").split() if name else []
    twice = [word for word, n in Counter(words).items() if n > 1 and word in world.tokens]
    if twice:
        raise Violation("I13", f"{twice} are there more than once")
