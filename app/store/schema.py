# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables of the two client files, made from the entity registry, and the statements that read and write their rows."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from app.domain.alarms import ALARM_LINES
from app.domain.changes import FieldStamp, Row
from app.domain.entities import BY_NUMBER, ENTITIES, HISTORY, MESSAGE, NOTE, TICKET, Entity, FieldType, Value

PENDING_VERSION = 11
COMMON = ("id", "scope_id", "seq", "deleted", "rev", "fld")
_SQL = {
    FieldType.ID: "BLOB",
    FieldType.TEXT: "TEXT",
    FieldType.INT: "INTEGER",
    FieldType.TIME: "INTEGER",
    FieldType.BOOL: "INTEGER",
    FieldType.JSON: "TEXT",
    FieldType.BYTES: "BLOB",
}
# every column that a list filters or sorts by, so that the ids of 100,000 tickets come from the index alone
TICKET_LIST = (
    "last_at", "state", "owner", "team", "customer", "snooze_until", "priority", "created_at", "number", "next_due",
    "channel", "incident", "last_in_no", "last_out_no",
)  # fmt: skip
# what search filters by beside: rows with files alone, lines that may be alarms, columns that only clients ask about
_FILES = "deleted = 0 AND attachments IS NOT NULL AND attachments <> '[]'"
_MORE_INDEXES = {
    TICKET.name: ("organisation", "asset"),
    MESSAGE.name: (f"files ON {{table}}(ticket) WHERE {_FILES}",),
    NOTE.name: (f"files ON {{table}}(ticket) WHERE {_FILES}",),
    HISTORY.name: (f"alarms ON {{table}}(subject) WHERE kind IN ({', '.join(map(repr, ALARM_LINES))})",),
}

# text.columns folds, splits and drops accents, so the replica's tokenizer need not: it is twice as fast. The overlay
# keeps the one it was made with; on such text both say the same
_REPLICA_TOKENS, _PENDING_TOKENS = "ascii", "unicode61 remove_diacritics 2"


@dataclass(frozen=True, slots=True)
class Table:
    """The table of an entity: `columns` are the common ones and the entity's own; `bools` the places of booleans."""

    entity: Entity
    columns: tuple[str, ...]
    bools: tuple[str, ...]

    @property
    def name(self) -> str:
        """Name in replica.db."""
        return self.entity.name

    @property
    def overlay(self) -> str:
        """Name in pending.db."""
        return f"over_{self.entity.name}"

    def insert(self, table: str) -> str:
        """Statement that writes a full row over whatever is there."""
        marks = ", ".join("?" * len(self.columns))
        return f"INSERT OR REPLACE INTO {table}({quoted(self.columns)}) VALUES({marks})"

    def row(self, raw: tuple[Any, ...]) -> Row:
        """Return a stored row (all columns, in order) as the domain sees it."""
        values: dict[str, Value] = dict(zip(self.entity.columns, raw[len(COMMON) :], strict=True))
        for name in self.bools:
            if values[name] is not None:
                values[name] = bool(values[name])
        return Row(self.entity.number, raw[0], raw[1], values, raw[4], stamps(raw[5]), bool(raw[3]))

    def raw(self, row: Row, seq: int) -> tuple[Any, ...]:
        """Return a row as it is stored."""
        own = tuple(row.values.get(name) for name in self.entity.columns)
        return (row.id, row.scope, seq, int(row.deleted), row.rev, pack_stamps(row.fld), *own)


def quoted(columns: tuple[str, ...]) -> str:
    """Return column names as SQL."""
    return ", ".join(f'"{c}"' for c in columns)


def stamps(raw: str | None) -> dict[str, FieldStamp]:
    """Return the field stamps of a stored row."""
    if not raw:
        return {}
    parsed: dict[str, tuple[int, int, str, int]] = msgspec.json.decode(raw)
    return {name: FieldStamp(*stamp) for name, stamp in parsed.items()}


def pack_stamps(fld: Mapping[str, FieldStamp]) -> str | None:
    """Return field stamps as stored; None for a row never changed."""
    if not fld:
        return None
    plain = {name: (s.rev, s.hlc, s.device, s.mid) for name, s in fld.items()}
    return msgspec.json.encode(plain).decode()


def _table(entity: Entity) -> Table:
    bools = tuple(f.name for f in entity.fields if f.type is FieldType.BOOL)
    return Table(entity, (*COMMON, *entity.columns), bools)


TABLES: Mapping[int, Table] = {e.number: _table(e) for e in ENTITIES}


def _entity_ddl(entity: Entity, name: str) -> list[str]:
    own = ", ".join(f'"{f.name}" {_SQL[f.type]}' for f in entity.fields)
    common = (
        "id BLOB PRIMARY KEY, scope_id TEXT NOT NULL, seq INTEGER NOT NULL, deleted INTEGER NOT NULL, "
        "rev INTEGER NOT NULL, fld TEXT"
    )
    listed_first = TICKET_LIST[:1] if entity is TICKET else ()
    out = [f"CREATE TABLE {name}({common}, {own})"]
    out += [
        f'CREATE INDEX {name}_{f.name} ON {name}("{f.name}")'
        for f in entity.fields
        if f.index and f.name not in listed_first
    ]
    if entity is TICKET:
        listed = ", ".join(f'"{c}"' for c in (*TICKET_LIST, "id", "deleted"))
        out.append(f"CREATE INDEX {name}_list ON {name}({listed})")
    for index in _MORE_INDEXES.get(entity.name, ()):
        made = index.format(table=name) if " " in index else f'{index} ON {name}("{index}")'
        out.append(f"CREATE INDEX {name}_{made}")
    return out


def _fts(tokenizer: str) -> list[str]:
    return [
        "CREATE TABLE fts_doc(rowid INTEGER PRIMARY KEY, type INTEGER NOT NULL, id BLOB NOT NULL, owner BLOB, "
        "UNIQUE(type, id))",
        f"CREATE VIRTUAL TABLE fts USING fts5(body, cjk, content='', contentless_delete=1, tokenize='{tokenizer}')",
    ]


def replica_ddl() -> list[str]:
    """Statements that create replica.db."""
    out = [
        "CREATE TABLE meta(k TEXT PRIMARY KEY, v) WITHOUT ROWID",
        "CREATE TABLE scope_state(id TEXT PRIMARY KEY, cursor INTEGER NOT NULL, n INTEGER NOT NULL, "
        "xsum INTEGER NOT NULL, prio INTEGER NOT NULL, state TEXT NOT NULL, snapshot_id BLOB, "
        "snap_offset INTEGER NOT NULL DEFAULT 0, checked_at INTEGER)",
        "CREATE TABLE page(scope_id TEXT NOT NULL, from_seq INTEGER NOT NULL, to_seq INTEGER NOT NULL, "
        "body BLOB NOT NULL, PRIMARY KEY(scope_id, from_seq))",
        "CREATE TABLE snap_part(scope_id TEXT NOT NULL, start INTEGER NOT NULL, raw BLOB NOT NULL, body BLOB, "
        "PRIMARY KEY(scope_id, start))",
        "CREATE TABLE unknown_row(type INTEGER, id BLOB, scope_id TEXT, seq INTEGER, rev INTEGER, "
        "PRIMARY KEY(type, id))",
        "CREATE TABLE waiting(mid INTEGER PRIMARY KEY, scopes TEXT NOT NULL)",
        "CREATE TABLE needs_you(id BLOB PRIMARY KEY, device BLOB NOT NULL, mid INTEGER NOT NULL, "
        "kind TEXT NOT NULL, type INTEGER, entity_id BLOB, reason TEXT, name TEXT, v INTEGER, "
        "content BLOB, data TEXT, created INTEGER NOT NULL)",
        "CREATE TABLE blob_state(sha256 BLOB PRIMARY KEY, size INTEGER, have INTEGER, path TEXT, pinned INTEGER, "
        "last_used INTEGER)",
    ]
    for entity in ENTITIES:
        out += _entity_ddl(entity, entity.name)
    return [*out, *_fts(_REPLICA_TOKENS)]


def pending_ddl() -> list[str]:
    """Statements that create pending.db."""
    out = [
        "CREATE TABLE meta(k TEXT PRIMARY KEY, v) WITHOUT ROWID",
        "CREATE TABLE outbox(mid INTEGER PRIMARY KEY, name TEXT NOT NULL, v INTEGER NOT NULL, args BLOB NOT NULL, "
        "base BLOB NOT NULL, hash BLOB NOT NULL, hlc INTEGER NOT NULL, touched BLOB NOT NULL, scopes TEXT NOT NULL, "
        "ticket BLOB, created INTEGER NOT NULL, confirmed INTEGER)",
        "CREATE TABLE over_key(type INTEGER NOT NULL, id BLOB NOT NULL, mid INTEGER NOT NULL, "
        "PRIMARY KEY(type, id, mid)) WITHOUT ROWID",
        "CREATE INDEX over_key_mid ON over_key(mid)",
        "CREATE TABLE draft(id BLOB PRIMARY KEY, kind TEXT NOT NULL, subject_id BLOB NOT NULL, body TEXT NOT NULL, "
        "caret INTEGER NOT NULL, seen_seq INTEGER NOT NULL, send_at INTEGER, updated INTEGER NOT NULL, "
        "discarded INTEGER, attachments TEXT, label TEXT, seen_id BLOB, send TEXT, "
        "marks TEXT, carried INTEGER, ground TEXT)",
        "CREATE INDEX draft_subject ON draft(subject_id)",
        "CREATE TABLE ui_state(k TEXT PRIMARY KEY, v TEXT NOT NULL) WITHOUT ROWID",
        "CREATE TABLE needs_you_done(id BLOB PRIMARY KEY)",
        # events that need no notice any more, and "mine", the tickets known as one's own (app.store.notice_log)
        "CREATE TABLE notice(id BLOB PRIMARY KEY, kind TEXT NOT NULL, at INTEGER NOT NULL) WITHOUT ROWID",
        # the tray as the window last saw it, and in which replica: what a person typed does not rest on that file
        "CREATE TABLE needs_you_kept(id BLOB PRIMARY KEY, device BLOB NOT NULL, mid INTEGER NOT NULL, "
        "kind TEXT NOT NULL, type INTEGER, entity_id BLOB, reason TEXT, name TEXT, v INTEGER, content BLOB, data TEXT, "
        "created INTEGER NOT NULL, replica BLOB, answered INTEGER NOT NULL DEFAULT 0)",
        "CREATE TABLE blob_new(sha256 BLOB PRIMARY KEY, path TEXT NOT NULL)",
    ]
    for entity in ENTITIES:
        out += _entity_ddl(entity, f"over_{entity.name}")
    return [*out, *_fts(_PENDING_TOKENS)]


def fingerprint() -> str:
    """Return a word that changes with the replica's tables: a replica with another one is loaded again."""
    return hashlib.blake2b("\n".join(replica_ddl()).encode(), digest_size=8).hexdigest()


def table_of(type_: int) -> Table:
    """Return the table of an entity number. Raises KeyError for a newer server's."""
    return TABLES[BY_NUMBER[type_].number]
