# SPDX-License-Identifier: GPL-3.0-or-later
"""What is looked at after a torture run: every word that was typed, and every row of every computer."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from app.domain.entities import CONFLICT, ENTITIES, MESSAGE, NOTE, TICKET
from app.store.cipher import Session, file_uri, open_raw
from sync.server.bulk import scope_errors
from sync.server.schema import ENTITY_TABLES, SYSTEM
from tests.sync.processes import KEY
from tests.sync.torture_computer import Computer

__all__ = ["Verdict", "converged", "differing", "judge", "read_journals"]

_TOKEN = 32
_TEXTS = {"note": (NOTE.number, "body"), "reply": (MESSAGE.number, "body"), "new": (TICKET.number, "subject")}
Typed = dict[str, str]


@dataclass(slots=True)
class Verdict:
    """What became of what was typed."""

    lost: list[str]
    doubled: list[str]
    wrong_sums: list[str]
    held: int


def read_journals(folders: Iterable[Path]) -> tuple[Typed, Typed]:
    """Return token -> kind of everything that was begun, and of everything that was saved."""
    tried: Typed = {}
    done: Typed = {}
    for folder in folders:
        for line in (folder / "journal").read_text().splitlines():
            parts = line.split()
            if len(parts) == 3 and len(parts[2]) == _TOKEN:  # a kill may cut the last line
                (done if parts[0] == "done" else tried)[parts[2]] = parts[1]
    return tried, done


def judge(database: str, tried: Typed, done: Typed, folders: Sequence[Path]) -> Verdict:
    """Look for every token on the server, and for held ones where people find them again."""
    engine = sa.create_engine(database)
    with engine.connect() as cx:
        found = {kind: Counter(_tokens(cx, type_, column)) for kind, (type_, column) in _TEXTS.items()}
        conflicts = _all_text(cx.execute(sa.select(ENTITY_TABLES[CONFLICT.number].c.mine)).scalars())
        tickets = ENTITY_TABLES[TICKET.number]
        numbers = Counter(cx.execute(sa.select(tickets.c.number)).scalars())
        wrong = scope_errors(cx)
    engine.dispose()
    tray = " ".join(_tray(folder) for folder in folders)
    lost, held = [], 0
    for token, kind in done.items():
        if kind not in _TEXTS or found[kind][token]:
            continue
        if token in conflicts or token in tray:
            held += 1
        else:
            lost.append(f"{kind} {token}")
    doubled = [f"{kind} {token}" for token, kind in tried.items() if kind in _TEXTS and found[kind][token] > 1]
    doubled += [f"number {number}" for number, count in numbers.items() if number is None or count > 1]
    return Verdict(lost, doubled, wrong, held)


def converged(computer: Computer, database: str) -> bool:
    """Whether everything is sent, and everything that the server has is here."""
    status = computer.status()
    if status.get("waiting") != 0 or status.get("phase") != "live" or not status.get("connected"):
        return False
    with _replica(computer.folder) as tx:
        cursors = dict(tx.all("SELECT id, cursor FROM scope_state"))
    return all(cursors.get(scope) == head for scope, head in _heads(database).items() if scope in cursors)


def differing(database: str, folders: Sequence[Path]) -> list[str]:
    """Compare the rows of every computer, field by field, with the server's."""
    out: list[str] = []
    engine = sa.create_engine(database)
    with engine.connect() as cx:
        for folder in folders:
            with _replica(folder) as tx:
                scopes = [row[0] for row in tx.all("SELECT id FROM scope_state")]
                for entity in ENTITIES:
                    out += _differing(cx, tx, entity, scopes, folder.name)
    engine.dispose()
    return out


def _differing(cx: sa.Connection, tx: Session, entity: Any, scopes: Sequence[str], name: str) -> list[str]:
    columns = ["id", "scope_id", "seq", "rev", *entity.columns]
    table = ENTITY_TABLES[entity.number]
    query = sa.select(*(table.c[column] for column in columns))
    theirs = cx.execute(query.where(table.c.scope_id.in_(scopes), table.c.deleted == sa.false()))
    marks = ", ".join(f'"{column}"' for column in columns)
    ours = tx.all(f'SELECT {marks} FROM "{entity.name}" WHERE NOT deleted')  # noqa: S608 - names of the registry
    left = {row[0]: row for row in map(_plain, theirs)}
    right = {row[0]: row for row in map(_plain, ours)}
    return [f"{name} {entity.name} {id_.hex()}" for id_ in {*left, *right} if left.get(id_) != right.get(id_)]


def _plain(row: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(bytes(v) if isinstance(v, memoryview) else int(v) if isinstance(v, bool) else v for v in row)


def _heads(database: str) -> dict[str, int]:
    engine = sa.create_engine(database)
    try:
        with engine.connect() as cx:
            return {row.id: row.head for row in cx.execute(sa.select(SYSTEM.scope.c.id, SYSTEM.scope.c.head))}
    finally:
        engine.dispose()


def _tokens(cx: sa.Connection, type_: int, column: str) -> Iterator[str]:
    table = ENTITY_TABLES[type_]
    for text in cx.execute(sa.select(table.c[column])).scalars():
        if text and " " in text:
            yield text.rpartition(" ")[2]


def _tray(folder: Path) -> str:
    with _replica(folder) as tx:
        return _all_text(row[0] for row in tx.all("SELECT content FROM needs_you"))


def _all_text(values: Iterable[Any]) -> str:
    return " ".join(
        value.decode("utf-8", "replace") if isinstance(value, bytes) else json.dumps(value, default=str)
        for value in values
        if value is not None
    )


@contextmanager
def _replica(folder: Path) -> Iterator[Session]:
    raw = open_raw(file_uri(folder / "replica.db", "rw"), KEY)
    try:
        yield Session(raw)
    finally:
        raw.close()
