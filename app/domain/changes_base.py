# SPDX-License-Identifier: GPL-3.0-or-later
"""What every mutation is made of: rows and how they are read, the context of a change, its effects, shared rules."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from app.domain.entities import (
    CUSTOMER,
    HISTORY,
    STATE,
    TICKET,
    TICKET_CHILDREN,
    Category,
    Policy,
    Value,
)
from app.domain.errors import Refused
from app.domain.ids import derived_id

PREVIEW_CHARS = 140
# as JSON: held for its author a text stands in a row as JSON, and a row travels in one frame of the sync protocol
MAX_BODY_BYTES = 600 << 10
MAX_SUBJECT_CHARS = 300
_LONGEST_LETTER = 6  # bytes of one in JSON, the escaped ones included
_MAX_HOPS = 8  # merged tickets point one hop; more only while an older server's data is mended

Key = tuple[int, bytes]


@dataclass(frozen=True, slots=True)
class FieldStamp:
    """Who last set a field: its revision, the intent's clock, the device code ("srv" for the server) and its mid."""

    rev: int = 1
    hlc: int = 0
    device: str = "srv"
    mid: int = 0


@dataclass(frozen=True, slots=True)
class Row:
    """One row as a reader sees it. `fld` holds stamps of fields changed after the insert."""

    type: int
    id: bytes
    scope: str
    values: Mapping[str, Value]
    rev: int = 1
    fld: Mapping[str, FieldStamp] = field(default_factory=dict)
    deleted: bool = False

    def stamp(self, name: str) -> FieldStamp:
        """Return the stamp of a field; fields never changed are at revision 1."""
        return self.fld.get(name, FieldStamp())


class Rows(Protocol):
    """Read access to the rows as they are now."""

    def get(self, type_: int, id_: bytes) -> Row | None:
        """Return a row, deleted ones included, or None."""
        ...

    def first(self, type_: int, column: str, value: Value) -> Row | None:
        """Return the first live row, by id, whose column has this value."""
        ...

    def find(self, type_: int, column: str, value: Value, *, deleted: bool = False) -> Sequence[Row]:
        """Return all rows, by id, whose column has this value; deleted ones only if asked for."""
        ...


@dataclass(frozen=True, slots=True)
class Actor:
    """Who makes the change. `kind` is user, customer or server."""

    kind: str
    id: bytes | None
    roles: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Context:
    """When and where a change is made. `acted_ms` is the (clamped) time of the deed, `now_ms` the executor's clock."""

    actor: Actor
    acted_ms: int
    now_ms: int
    hlc: int
    device: str
    mid: int
    on_server: bool


@dataclass(frozen=True, slots=True)
class Insert:
    """A new row. Idempotent by id. Fields in `stamped` name the device and mid that wrote them."""

    type: int
    id: bytes
    scope: str
    values: Mapping[str, Value]
    deleted: bool = False
    stamped: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SetField:
    """A person's edit of one field: settled by the conflict policy.

    `base` overrides what the mutation says was seen. If the edit stays, `check` may still refuse it, the row moves to
    `scope`, and `then` follows.
    """

    type: int
    id: bytes
    name: str
    value: Value
    policy: Policy
    base: tuple[int, int] | None = None
    check: Callable[[], None] | None = None
    scope: str | None = None
    then: tuple[Effect, ...] = ()


@dataclass(frozen=True, slots=True)
class SetText:
    """A person's edit of a long text, merged with what others wrote since `base_text` or the revision seen."""

    type: int
    id: bytes
    name: str
    text: str
    base_text: str | None = None


@dataclass(frozen=True, slots=True)
class Derive:
    """What a rule writes: columns as they are, and where the row stands (its scope, whether it is deleted)."""

    type: int
    id: bytes
    values: Mapping[str, Value]
    scope: str | None = None
    deleted: bool | None = None


@dataclass(frozen=True, slots=True)
class Tell:
    """Something the author's device should know of the result."""

    data: Mapping[str, Any]


Effect = Insert | SetField | SetText | Derive | Tell


class Change(Protocol):
    """A mutation's arguments. `event` is a fresh id from which the ids of history lines are derived."""

    event: bytes


class Overlay:
    """`Rows` that shows some images over other rows."""

    def __init__(self, below: Rows, puts: Mapping[Key, Row]) -> None:
        self._below = below
        self._puts = puts

    def get(self, type_: int, id_: bytes) -> Row | None:
        """Return the row as it is now."""
        return self._puts.get((type_, id_)) or self._below.get(type_, id_)

    def first(self, type_: int, column: str, value: Value) -> Row | None:
        """Return the first row with this value; the images are not searched."""
        return self._below.first(type_, column, value)

    def find(self, type_: int, column: str, value: Value, *, deleted: bool = False) -> Sequence[Row]:
        """Return all rows with this value, the images included."""
        found = {row.id: row for row in self._below.find(type_, column, value, deleted=True)}
        found |= {id_: row for (kind, id_), row in self._puts.items() if kind == type_}
        hits = (row for _, row in sorted(found.items()) if row.values.get(column) == value)
        return [row for row in hits if deleted or not row.deleted]


def canonical_json(data: object) -> str:
    """Return JSON with sorted keys and no spaces, the form of every JSON column."""
    return json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def plain(value: Value) -> object:
    """Return a value as JSON can hold it: bytes as hex."""
    return value.hex() if isinstance(value, bytes) else value


def object_of(raw: Value) -> dict[str, Any]:
    """Return the object in a JSON column; an empty one for anything else."""
    try:
        parsed = json.loads(raw) if isinstance(raw, str) else {}
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def history(
    ctx: Context, subject: Row | Insert, event: bytes, kind: str, data: Mapping[str, Any], part: str = ""
) -> Insert:
    """Return a history line on a row. Ids derive from the change's event, so both ends write the same line."""
    return Insert(
        HISTORY.number,
        derived_id(event, kind, part),
        subject.scope,
        {
            "subject_type": subject.type,
            "subject": subject.id,
            "kind": kind,
            "data": canonical_json(data),
            "acted_at": ctx.acted_ms,
            "recorded_at": ctx.now_ms if ctx.on_server else None,
            "actor_kind": ctx.actor.kind,
            "actor": ctx.actor.id,
            "created_at": ctx.acted_ms,
            "created_by": ctx.actor.id,
        },
    )


def was_done(rows: Rows, subject: bytes, event: bytes, kind: str) -> bool:
    """Return whether the line of this very change is there: it was sent again by a device that took a new id."""
    line = derived_id(event, kind, "")
    return any(row.id == line for row in rows.find(HISTORY.number, "subject", subject, deleted=True))


def live_ticket(rows: Rows, ticket: bytes) -> Row:
    """Return the ticket. Raises Refused("no_such_ticket" or "merged")."""
    row = rows.get(TICKET.number, ticket)
    if row is None or row.deleted:
        raise Refused("no_such_ticket")
    if row.values.get("merged_into"):
        raise Refused("merged")
    return row


def landing_of(rows: Rows, ticket: bytes) -> tuple[Row | None, bytes | None]:
    """Return the ticket that takes what is written for `ticket`, and `ticket` itself if it was merged away."""
    row = rows.get(TICKET.number, ticket)
    for _ in range(_MAX_HOPS):
        target = row.values.get("merged_into") if row is not None else None
        if row is None or not isinstance(target, bytes):
            break
        row = rows.get(TICKET.number, target)
    return row, (ticket if row is not None and row.id != ticket else None)


def landing(rows: Rows, ticket: bytes) -> tuple[Row, bytes | None]:
    """Return the live ticket that takes what is written for `ticket`, and by which merged ticket it arrived."""
    row, via = landing_of(rows, ticket)
    if row is None or row.deleted:
        raise Refused("no_such_ticket")
    return row, via


def children(rows: Rows, ticket: bytes, *, deleted: bool = False) -> list[Row]:
    """Return everything that hangs on a ticket and moves with it: messages, notes, history, tags, records, time."""
    out: list[Row] = []
    for entity in TICKET_CHILDREN:
        out += rows.find(entity.number, str(entity.parent), ticket, deleted=deleted)
    return out


def customer_of(rows: Rows, customer: bytes) -> bytes:
    """Return the customer that stands for this one now: merged ones point to the one that is left."""
    row = rows.get(CUSTOMER.number, customer)
    target = row.values.get("merged_into") if row is not None else None
    return target if isinstance(target, bytes) else customer


def category_of(rows: Rows, state: Value) -> Category:
    """Return the category of a state. Raises Refused("no_such_state")."""
    row = rows.get(STATE.number, state) if isinstance(state, bytes) else None
    if row is None:
        raise Refused("no_such_state")
    return Category(str(row.values["category"]))


def set_state_effects(rows: Rows, ctx: Context, ticket: Row, category: Category, event: bytes) -> list[Effect]:
    """Return the effects of a rule that moves a ticket to the first state of a category."""
    state = rows.first(STATE.number, "category", category.value)
    if state is None:
        raise Refused("no_such_state")
    data = {
        "old": plain(ticket.values["state"]), "new": state.id.hex(), "category": category.value,
        "was": seen_stamp(ticket, "state"),
    }  # fmt: skip
    line = history(ctx, ticket, event, "state", data, "rule")
    return [Derive(TICKET.number, ticket.id, {"state": state.id}), line]


def seen_stamp(row: Row, name: str) -> list[int | str]:
    """Return [rev, device, mid] of the value that a history line says was there before."""
    stamp = row.stamp(name)
    return [stamp.rev, stamp.device, stamp.mid]


def fresh_id(
    rows: Rows, type_: int, id_: bytes, event: bytes, same: Callable[[Row], bool]
) -> tuple[bytes | None, list[Effect]]:
    """Return the id under which to insert append-only data: None if it is there already.

    If the id holds something else, the second one gets an id of its own, which is told to its author.
    """
    existing = rows.get(type_, id_)
    if existing is None:
        return id_, []
    if same(existing):
        return None, []
    other = derived_id(event, "again", id_)
    if rows.get(type_, other) is not None:
        return None, []
    return other, [Tell({"id": other.hex()})]


def check_text(value: str, limit_bytes: int) -> None:
    """Raise Refused("empty_text" or "text_too_long")."""
    if not value.strip():
        raise Refused("empty_text")
    if len(value.encode("utf-8", "surrogatepass")) > limit_bytes:
        raise Refused("text_too_long", limit=limit_bytes)


def check_body(body: str, html: str | None = None) -> None:
    """Raise Refused("empty_text" or "text_too_long"): together they must fit into a row, also while they are held."""
    check_text(body, MAX_BODY_BYTES)
    if (len(body) + len(html or "")) * _LONGEST_LETTER <= MAX_BODY_BYTES:
        return
    if len(canonical_json([body, html]).encode("utf-8", "surrogatepass")) > MAX_BODY_BYTES:
        raise Refused("text_too_long", limit=MAX_BODY_BYTES)


def int_of(value: Value) -> int:
    """Return a number, 0 for none."""
    return value if isinstance(value, int) else 0


def json_list(*items: str) -> str:
    """Return a JSON list of the texts that are not empty."""
    return json.dumps([i for i in items if i], ensure_ascii=False)


def preview_of(body: str) -> str:
    """Return the first words of a text on one line."""
    return " ".join(body[: PREVIEW_CHARS * 4].split())[:PREVIEW_CHARS]
