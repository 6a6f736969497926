# SPDX-License-Identifier: GPL-3.0-or-later
"""What the model's rules are made of: images of rows, deeds, and how a rule reads and writes."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

TICKET, MESSAGE, NOTE, HISTORY, MEMBER, STATE, CUSTOMER, ORGANISATION = 1, 2, 3, 4, 5, 7, 10, 12
RECORD, CONFLICT, TIME = 17, 18, 20
# what hangs on a ticket, and by which column
CHILDREN = {MESSAGE: "ticket", NOTE: "ticket", HISTORY: "subject", MEMBER: "subject", RECORD: "ticket", TIME: "ticket"}
# of it what a merge carries along, in this order
CARRIED = (MESSAGE, NOTE, RECORD, TIME)
HELD = {
    "message.add", "note.add", "time.add", "session.record", "ticket.set", "ticket.move", "ticket.merge",
    "ticket.unmerge", "ticket.split", "member.add", "member.remove",
}  # fmt: skip
Key = tuple[int, bytes]
Stamp = tuple[int, int, str, int]  # rev, hlc, device code, mid
LIVE = {"new", "open", "waiting_customer", "waiting_internal", "held_for_incident"}
ASKED = {"customer"}
# which states may follow which, when an agent who leads nobody says so
FOLLOWING = {
    "new": LIVE | {"solved", "closed"},
    "open": (LIVE | {"solved", "closed"}) - {"new"},
    "waiting_customer": {"open", "waiting_internal", "held_for_incident", "solved"},
    "waiting_internal": {"open", "waiting_customer", "held_for_incident", "solved"},
    "held_for_incident": {"open", "solved"},
    "solved": {"open"},
    "closed": set(),
    "merged": set(),
}
UNANSWERED = {"spam", "automatic", "test", "duplicate"}  # reasons to close what nobody answered
ANY = "ok, merged or conflict"  # of deeds whose outcome is told by what becomes of their words
CHECKED: Mapping[int, tuple[str, ...]] = {
    TICKET: (
        "subject", "state", "priority", "kind", "customer", "team", "owner", "language", "tier", "merged_into",
        "msg_seq", "last_in_no", "last_out_no", "last_at", "preview",
    ),
    MESSAGE: ("ticket", "body", "direction", "author", "msg_no", "arrived_via", "occurred_at"),
    NOTE: ("ticket", "body", "author", "arrived_via"),
    TIME: ("ticket", "author", "duration_s", "kind", "note", "arrived_via"),
    MEMBER: ("subject", "kind", "member", "present"),
    CUSTOMER: ("name", "preferred_name", "tier", "language", "zone"),
    CONFLICT: ("subject_type", "subject", "field", "kind", "mine", "theirs", "status", "created_by"),
}  # fmt: skip


@dataclass
class Image:
    """One row at one moment."""

    scope: str
    rev: int
    values: dict[str, Any]
    fld: dict[str, Stamp] = field(default_factory=dict)
    deleted: bool = False

    def copy(self) -> Image:
        """Return a row that may be changed."""
        return Image(self.scope, self.rev, dict(self.values), dict(self.fld), self.deleted)


@dataclass(frozen=True)
class Deed:
    """A mutation with what the server (or the client, in a replay) knows about it."""

    name: str
    args: dict[str, Any]
    base: Mapping[str, tuple[int, int]]
    hlc: int
    code: str
    mid: int
    account: bytes
    on_server: bool = True


class Refusal(Exception):
    """The mutation does nothing. `code` is the rule."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Rows(Protocol):
    """The rows under a run."""

    def get(self, type_: int, id_: bytes) -> Image | None:
        """Return a row, deleted ones included."""
        ...

    def find(self, type_: int, column: str, value: bytes) -> dict[bytes, Image]:
        """Return the rows that name a parent, deleted ones included."""
        ...


def uuid5(parent: bytes, *parts: str | bytes) -> bytes:
    """Return the id of a derived row."""
    return uuid.uuid5(uuid.UUID(bytes=parent), "/".join(p.hex() if isinstance(p, bytes) else p for p in parts)).bytes


def plain(value: Any) -> str:
    """Return a value as conflict rows keep it."""
    return json.dumps(value.hex() if isinstance(value, bytes) else value, ensure_ascii=False)


class Base:
    """The rows of one deed: read, written, and stamped as the server does."""

    def __init__(
        self,
        states: Mapping[str, bytes],
        category: Mapping[bytes, str],
        owner_of: Callable[[str], bytes | None],
        below: Rows,
        deed: Deed,
    ) -> None:
        self.states, self.category, self.owner_of = states, category, owner_of
        self.below, self.deed, self.args = below, deed, deed.args
        self.st = "ok"
        self.put: dict[Key, Image] = {}

    # --- rows ---------------------------------------------------------------------------------------------------------

    def get(self, type_: int, id_: bytes) -> Image | None:
        return self.put.get((type_, id_)) or self.below.get(type_, id_)

    def find(self, type_: int, parent: bytes) -> dict[bytes, Image]:
        """Return what hangs on a ticket, deleted ones included."""
        return self.find_by(type_, CHILDREN[type_], parent)

    def find_by(self, type_: int, column: str, value: bytes) -> dict[bytes, Image]:
        """Return the rows with this value, deleted ones included."""
        found = {i: row for i, row in self.below.find(type_, column, value).items() if (type_, i) not in self.put}
        own = {i: row for (t, i), row in self.put.items() if t == type_ and row.values.get(column) == value}
        return found | own

    def landing(self) -> tuple[bytes, Image | None]:
        """Return the ticket that takes what is written for another: the one it was merged into."""
        return self.landed(self.args["ticket"])

    def landed(self, id_: bytes) -> tuple[bytes, Image | None]:
        """Return the same for any ticket."""
        row = self.get(TICKET, id_)
        while row is not None and row.values.get("merged_into"):
            id_ = row.values["merged_into"]
            row = self.get(TICKET, id_)
        return id_, row

    # --- writing ------------------------------------------------------------------------------------------------------

    def conflict(self, id_: bytes, owner: bytes, **values: Any) -> None:
        there = self.get(CONFLICT, id_)
        if there is not None and there.values.get("mine") == values.get("mine", there.values.get("mine")):
            return
        if there is not None:
            id_ = uuid5(id_, self.deed.code, str(self.deed.mid))
        self.insert(CONFLICT, id_, f"user:{owner.hex()}", created_by=owner, **values)

    def line(self, subject: bytes, kind: str, **data: Any) -> None:
        """Leave a line in a ticket's history, where later deeds find it."""
        row = self.get(TICKET, subject)
        assert row is not None
        id_ = uuid5(self.args["event"], kind, "")
        self.insert(HISTORY, id_, row.scope, subject=subject, kind=kind, data=json.dumps(data))

    def was_done(self, subject: bytes, kind: str) -> bool:
        """Whether this very deed left its line: it is only sent again, by a device that took a new id."""
        row = self.get(HISTORY, uuid5(self.args["event"], kind, ""))
        return row is not None and row.values["subject"] == subject

    def stamp(self, key: Key, name: str) -> None:
        self.put[key].fld[name] = (1, self.deed.hlc, self.deed.code, self.deed.mid)

    def mark(self, key: Key, **attributes: Any) -> None:
        """Give a row another scope, or delete or restore it."""
        row = self.get(*key)
        assert row is not None
        if any(getattr(row, name) != value for name, value in attributes.items()):
            self.put[key] = replace(row.copy(), **attributes)

    def ticket(self) -> Image:
        row = self.get(TICKET, self.args["ticket"])
        if row is None or row.deleted:
            raise Refusal("no_such_ticket")
        if row.values.get("merged_into"):
            raise Refusal("merged")
        return row

    def insert(self, type_: int, id_: bytes, scope: str, **values: Any) -> None:
        self.put[type_, id_] = Image(scope, 1, values)

    def write(self, type_: int, id_: bytes, **values: Any) -> None:
        row = self.get(type_, id_)
        assert row is not None
        changed = {k: v for k, v in values.items() if row.values.get(k) != v}
        if not changed:
            return
        row = self.put[type_, id_] = row.copy()
        for name, value in changed.items():
            rev = row.rev + 1 if self.deed.on_server else row.fld.get(name, (1, 0, "srv", 0))[0]
            row.values[name] = value
            row.fld[name] = (rev, self.deed.hlc, self.deed.code, self.deed.mid)

    def set_field(
        self, type_: int, id_: bytes, name: str, value: Any, *, ask: bool, rule: Callable[[], None] | None = None
    ) -> None:
        """Set a field unless somebody else's value stays; `rule` refuses what would be set against it."""
        row = self.get(type_, id_)
        assert row is not None
        seen, current = self.deed.base.get(name), row.values.get(name)
        rev, hlc, code, mid = row.fld.get(name, (1, 0, "srv", 0))
        known = seen is None or seen[0] == rev or (seen[1] > 0 and code == self.deed.code and mid == seen[1])
        if value == current:
            return
        wins = known or (not ask and (self.deed.hlc, self.deed.code) > (hlc, code))
        if wins and rule is not None:
            rule()
        if known:
            self.write(type_, id_, **{name: value})
            return
        other = self.owner_of(code)
        loser, lost, kept = (other, current, value) if wins else (self.deed.account, value, current)
        if wins:
            self.write(type_, id_, **{name: value})
        self.st = "conflict" if not wins or self.st == "conflict" else "merged"
        if loser is not None and self.deed.on_server:
            self.conflict(
                uuid5(self.args["event"], "conflict", id_, name), loser, subject_type=type_, subject=id_, field=name,
                kind="field", mine=plain(lost), theirs=plain(kept), status="open" if ask else "auto",
            )  # fmt: skip
