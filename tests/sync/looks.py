# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of the client look at on a computer, and what they do behind the protocol's back."""

from __future__ import annotations

from app.domain.entities import team_scope
from sync.protocol import (
    HelloAnswer,
    Limits,
    SchemaRange,
)
from sync.server.schema import SYSTEM
from tests.sync.desk import Client, Desk

NORTH = "북부"


NORTH = "북부"


def scope_north(desk: Desk) -> str:
    """The team that the tests move people out of."""
    return team_scope(desk.team(NORTH))


def lose(desk: Desk, client: Client) -> None:
    """Take somebody out of the team, behind the protocol."""
    table = SYSTEM.scope_access
    where = (table.c.account_id == client.me) & (table.c.scope_id == scope_north(desk))
    desk.store.write(lambda cx: cx.execute(table.delete().where(where)))


def tray(client: Client) -> list[tuple[int, str, str, bool]]:
    """What waits in the tray: number, kind, why, and whether the content is kept."""
    with client.profile.readers().read() as tx:
        return tx.all("SELECT mid, kind, reason, content IS NOT NULL FROM main.needs_you ORDER BY mid")


def guard(client: Client) -> tuple[int, int] | None:
    """What the open question of the guard says."""
    return client.core.guard


def keep_above(client: Client) -> int | None:
    """Up to which number a new device id drops work."""
    return client.core.keep_above


def tickets_here(client: Client) -> list[dict[str, object]]:
    """The tickets of the replica, with the sequence numbers of their rows."""
    with client.replica._file.read() as tx:
        return [{"id": id_, "seq": seq} for id_, seq in tx.all("SELECT id, seq FROM ticket")]


def hello(client: Client, **more: object) -> HelloAnswer:
    """What the server answers to this computer."""
    values: dict[str, object] = {
        "epoch": client.core.state.epoch, "proto": 1, "schema": SchemaRange(min=1, cur=1), "server_ms": 0, "lmid": 0,
        "lmid_hash": None, "drop": [], "limits": Limits(), "scopes": [], **more,
    }  # fmt: skip
    return HelloAnswer(**values)  # type: ignore[arg-type]  # keyword arguments of a test
