# SPDX-License-Identifier: GPL-3.0-or-later
"""The oracle's rules: what every mutation does to rows, in plain dicts. Shares no code with the product's rules.

Only what a person would miss is modelled: fields people set, texts, memberships, conflicts. Derived columns (previews,
times, counts) and history lines are checked by presence elsewhere.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

TICKET, MESSAGE, NOTE, HISTORY, MEMBER, STATE, CUSTOMER, RECORD, CONFLICT = 1, 2, 3, 4, 5, 7, 10, 17, 18
# what hangs on a ticket, and by which column
CHILDREN = {MESSAGE: "ticket", NOTE: "ticket", HISTORY: "subject", MEMBER: "subject", RECORD: "ticket"}
HELD = {
    "message.add", "note.add", "time.add", "session.record", "ticket.set", "ticket.move", "ticket.merge",
    "ticket.unmerge", "ticket.split", "member.add", "member.remove",
}  # fmt: skip
Key = tuple[int, bytes]
Stamp = tuple[int, int, str, int]  # rev, hlc, device code, mid
LIVE = {"new", "open", "waiting_customer", "waiting_internal", "held_for_incident"}
ASKED = {"customer"}
# refusals by rules about states, which the model does not know: they may come, but then nothing may change
RULES = {"transition_refused", "reply_first", "close_reason_needed"}
CHECKED: Mapping[int, tuple[str, ...]] = {
    TICKET: (
        "subject", "state", "priority", "kind", "customer", "team", "owner", "language", "tier", "merged_into",
        "msg_seq", "last_in_no", "last_out_no", "last_at", "preview",
    ),
    MESSAGE: ("ticket", "body", "direction", "author", "msg_no"),
    NOTE: ("ticket", "body", "author"),
    MEMBER: ("subject", "kind", "member", "present"),
    CUSTOMER: ("name", "preferred_name", "tier", "language", "zone"),
    CONFLICT: ("subject_type", "subject", "field", "kind", "mine", "theirs", "status"),
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


class Model:
    """Runs deeds over rows. `states` maps categories to ids, `owner_of` device codes to accounts."""

    def __init__(self, states: Mapping[str, bytes], owner_of: Callable[[str], bytes | None]) -> None:
        self._states = states
        self._category = {id_: name for name, id_ in states.items()}
        self._owner_of = owner_of

    def run(self, below: Rows, deed: Deed) -> tuple[str, dict[Key, Image]]:
        """Return (st, changed rows). Raises Refusal."""
        return _Run(self._states, self._category, self._owner_of, below, deed).run()


class _Run:
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

    def run(self) -> tuple[str, dict[Key, Image]]:
        handler = getattr(self, self.deed.name.replace(".", "_"), None)
        if handler is None:
            raise Refusal("unknown_mutation")
        if self.deed.on_server and self._is_held():
            return "conflict", self.put
        handler()
        if self.deed.on_server:
            for key, row in self.put.items():
                before = self.below.get(*key)
                if before is not None:
                    row.rev = before.rev + 1
        return self.st, self.put

    # --- rows ---------------------------------------------------------------------------------------------------------

    def get(self, type_: int, id_: bytes) -> Image | None:
        return self.put.get((type_, id_)) or self.below.get(type_, id_)

    def find(self, type_: int, parent: bytes) -> dict[bytes, Image]:
        column = CHILDREN[type_]
        found = self.below.find(type_, column, parent)
        own = {i: row for (t, i), row in self.put.items() if t == type_ and row.values.get(column) == parent}
        return found | own

    def landing(self) -> tuple[bytes, Image | None]:
        """Return the ticket that takes what is written for another: the one it was merged into."""
        id_: bytes = self.args["ticket"]
        row = self.get(TICKET, id_)
        while row is not None and row.values.get("merged_into"):
            id_ = row.values["merged_into"]
            row = self.get(TICKET, id_)
        return id_, row

    # --- what is held for its author ----------------------------------------------------------------------------------

    def _is_held(self) -> bool:
        name, kind = self.deed.name, None
        if name == "ticket.delete":
            kind = "deleted" if self._is_blind() else None
        elif name in HELD:
            id_, ticket = self.landing()
            if ticket is not None and ticket.deleted:
                there = self.get(MESSAGE, self.args["message"]) if name == "message.add" else None
                kind = None if there else "deleted"
            elif name == "message.add" and ticket is not None and not self.args["inbound"]:
                kind = "stale_reply" if self._is_stale(id_, ticket) else None
        if kind is None:
            return False
        subject = self.args["ticket"] if name == "ticket.delete" else self.landing()[0]
        self.conflict(
            uuid5(self.args["event"], "held"), self.deed.account, subject_type=TICKET, subject=subject, field=None,
            kind=kind, status="open",
        )  # fmt: skip
        return True

    def _is_blind(self) -> bool:
        row, seen = self.get(TICKET, self.args["ticket"]), self.deed.base.get("*")
        if row is None or row.deleted or seen is None:
            return False
        return any(rev > seen[0] and code != self.deed.code for rev, _, code, _ in row.fld.values())

    def _is_stale(self, id_: bytes, ticket: Image) -> bool:
        if self.get(MESSAGE, self.args["message"]) is not None:
            return False
        if id_ != self.args["ticket"]:
            return True
        for row in self.find(MESSAGE, id_).values():
            own = row.fld.get("body")
            mine = own is not None and own[2] == self.deed.code and 0 < own[3] < self.deed.mid
            if not row.deleted and row.values["msg_no"] > self.args["seen_seq"] and not mine:
                return True
        on_hold = self.category[ticket.values["state"]] == "held_for_incident"
        return (
            self._others_set(ticket, "customer")
            or (self._others_set(ticket, "incident") and ticket.values.get("incident") is not None)
            or (self._others_set(ticket, "state") and on_hold)
            or self._others_set(ticket, "merged_into")
        )

    def _others_set(self, ticket: Image, name: str) -> bool:
        seen, (rev, _, code, mid) = self.deed.base.get(name), ticket.fld.get(name, (1, 0, "srv", 0))
        return seen is not None and rev != seen[0] and not (code == self.deed.code and 0 < mid < self.deed.mid)

    # --- writing ------------------------------------------------------------------------------------------------------

    def conflict(self, id_: bytes, owner: bytes, **values: Any) -> None:
        there = self.get(CONFLICT, id_)
        if there is not None:
            return
        self.insert(CONFLICT, id_, f"user:{owner.hex()}", **values)

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

    def set_field(self, type_: int, id_: bytes, name: str, value: Any, *, ask: bool) -> None:
        row = self.get(type_, id_)
        assert row is not None
        seen, current = self.deed.base.get(name), row.values.get(name)
        rev, hlc, code, mid = row.fld.get(name, (1, 0, "srv", 0))
        known = seen is None or seen[0] == rev or (seen[1] > 0 and code == self.deed.code and mid == seen[1])
        if known or value == current:
            if known and value != current:
                self.write(type_, id_, **{name: value})
            return
        wins = not ask and (self.deed.hlc, self.deed.code) > (hlc, code)
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

    # --- mutations ----------------------------------------------------------------------------------------------------

    def noop(self) -> None:
        pass

    def ticket_create(self) -> None:
        a = self.args
        if self.get(TICKET, a["ticket"]) is not None:
            if self.get(MESSAGE, a["message"]) is None:
                raise Refusal("id_taken")
            return
        inbound = a["from_customer"]
        scope = f"team:{a['team'].hex()}"
        self.insert(
            TICKET, a["ticket"], scope, subject=a["subject"], state=self.states["new"], priority=a["priority"],
            kind=a["kind"], customer=a["customer"], team=a["team"], owner=a["owner"], language=a["language"], tier=1,
            merged_into=None, msg_seq=1, last_in_no=int(inbound), last_out_no=int(not inbound),
            last_at=self.deed.hlc >> 16, preview=a["body"],
        )  # fmt: skip
        self.insert(
            MESSAGE, a["message"], scope, ticket=a["ticket"], body=a["body"], direction="in" if inbound else "out",
            author=a["customer"] if inbound else self.deed.account, msg_no=1,
        )  # fmt: skip
        self.stamp((MESSAGE, a["message"]), "body")

    def message_add(self) -> None:
        a = self.args
        id_, ticket = self._open_landing()
        if id_ != a["ticket"] and not a["inbound"] and not self.deed.on_server:
            raise Refusal("merged")
        if self.get(MESSAGE, a["message"]) is not None:
            return
        number = ticket.values["msg_seq"] + 1
        inbound = a["inbound"]
        author = ticket.values["customer"] if inbound else self.deed.account
        self.insert(
            MESSAGE, a["message"], ticket.scope, ticket=id_, body=a["body"],
            direction="in" if inbound else "out", author=author, msg_no=number,
        )  # fmt: skip
        self.stamp((MESSAGE, a["message"]), "body")
        side = "last_in_no" if inbound else "last_out_no"
        self.write(TICKET, id_, msg_seq=number, last_at=self.deed.hlc >> 16, preview=a["body"], **{side: number})
        self._open({"waiting_customer", "waiting_internal", "solved"} if inbound else {"new"}, id_)

    def _open_landing(self) -> tuple[bytes, Image]:
        id_, ticket = self.landing()
        if ticket is None or ticket.deleted:
            raise Refusal("no_such_ticket")
        return id_, ticket

    def note_add(self) -> None:
        a = self.args
        id_, ticket = self._open_landing()
        if self.get(NOTE, a["note"]) is not None:
            return
        self.insert(NOTE, a["note"], ticket.scope, ticket=id_, body=a["body"], author=self.deed.account)
        self.write(TICKET, id_, last_at=self.deed.hlc >> 16)
        self._open({"new"}, id_)

    def _open(self, waking: set[str], id_: bytes) -> None:
        ticket = self.get(TICKET, id_)
        if ticket is not None and self.category[ticket.values["state"]] in waking:
            self.write(TICKET, id_, state=self.states["open"])

    def ticket_set(self) -> None:
        self.ticket()
        fields = self.args["fields"]
        for name in sorted(fields):
            ask = name in ASKED or (name == "state" and self.category[fields[name]] not in LIVE)
            self.set_field(TICKET, self.args["ticket"], name, fields[name], ask=ask)
        if fields.get("owner") is not None and "state" not in fields:
            self._open({"new"}, self.args["ticket"])

    def ticket_move(self) -> None:
        a, before = self.args, self.ticket()
        self.set_field(TICKET, a["ticket"], "team", a["team"], ask=False)
        ticket = self.ticket()
        if ticket.values["team"] == before.values["team"]:
            return
        scope = f"team:{a['team'].hex()}"
        self.mark((TICKET, a["ticket"]), scope=scope)
        for type_ in CHILDREN:
            for id_ in self.find(type_, a["ticket"]):
                self.mark((type_, id_), scope=scope)

    def ticket_delete(self) -> None:
        row = self.get(TICKET, self.args["ticket"])
        if row is None or row.deleted:
            return
        self._mark_all(deleted=True)

    def ticket_restore(self) -> None:
        row = self.get(TICKET, self.args["ticket"])
        if row is None:
            raise Refusal("no_such_ticket")
        if row.deleted:
            self._mark_all(deleted=False)

    def _mark_all(self, *, deleted: bool) -> None:
        self.mark((TICKET, self.args["ticket"]), deleted=deleted)
        for type_ in CHILDREN:
            for id_, row in self.find(type_, self.args["ticket"]).items():
                if row.deleted is not deleted:
                    self.mark((type_, id_), deleted=deleted)

    def customer_set(self) -> None:
        row = self.get(CUSTOMER, self.args["customer"])
        if row is None or row.deleted:
            raise Refusal("no_such_customer")
        for name in sorted(self.args["fields"]):
            self.set_field(CUSTOMER, self.args["customer"], name, self.args["fields"][name], ask=False)

    def member_add(self) -> None:
        a = self.args
        of, ticket = self._open_landing()
        id_ = uuid5(of, a["kind"], a["member"])
        if self.get(MEMBER, id_) is not None:
            self.set_field(MEMBER, id_, "present", a["present"], ask=False)
        else:
            self.insert(MEMBER, id_, ticket.scope, subject=of, kind=a["kind"], member=a["member"], present=a["present"])
            self.stamp((MEMBER, id_), "present")

    member_remove = member_add
