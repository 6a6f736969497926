# SPDX-License-Identifier: GPL-3.0-or-later
"""The oracle's rules: what every mutation does to rows, in plain dicts. Shares no code with the product's rules.

Only what a person would miss is modelled: fields people set, texts, memberships, conflicts. Derived columns (previews,
times, counts) and history lines are checked by presence elsewhere.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

TICKET, MESSAGE, NOTE, MEMBER, STATE, CUSTOMER, CONFLICT = 1, 2, 3, 5, 7, 10, 18
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


Get = Callable[[int, bytes], Image | None]


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

    def run(self, below: Get, deed: Deed) -> tuple[str, dict[Key, Image]]:
        """Return (st, changed rows). Raises Refusal."""
        return _Run(self._states, self._category, self._owner_of, below, deed).run()


class _Run:
    def __init__(
        self,
        states: Mapping[str, bytes],
        category: Mapping[bytes, str],
        owner_of: Callable[[str], bytes | None],
        below: Get,
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
        handler()
        if self.deed.on_server:
            for key, row in self.put.items():
                before = self.below(*key)
                if before is not None:
                    row.rev = before.rev + 1
        return self.st, self.put

    # --- rows ---------------------------------------------------------------------------------------------------------

    def get(self, type_: int, id_: bytes) -> Image | None:
        return self.put.get((type_, id_)) or self.below(type_, id_)

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
            self.insert(
                CONFLICT, uuid5(self.args["event"], "conflict", name), f"user:{loser.hex()}", subject_type=type_,
                subject=id_, field=name, kind="field", mine=plain(lost), theirs=plain(kept),
                status="open" if ask else "auto",
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

    def message_add(self) -> None:
        a, ticket = self.args, self.ticket()
        if self.get(MESSAGE, a["message"]) is not None:
            return
        number = ticket.values["msg_seq"] + 1
        inbound = a["inbound"]
        author = ticket.values["customer"] if inbound else self.deed.account
        self.insert(
            MESSAGE, a["message"], ticket.scope, ticket=a["ticket"], body=a["body"],
            direction="in" if inbound else "out", author=author, msg_no=number,
        )  # fmt: skip
        side = "last_in_no" if inbound else "last_out_no"
        self.write(
            TICKET, a["ticket"], msg_seq=number, last_at=self.deed.hlc >> 16, preview=a["body"], **{side: number}
        )
        self._open({"waiting_customer", "waiting_internal", "solved"} if inbound else {"new"})

    def note_add(self) -> None:
        a, ticket = self.args, self.ticket()
        if self.get(NOTE, a["note"]) is not None:
            return
        self.insert(NOTE, a["note"], ticket.scope, ticket=a["ticket"], body=a["body"], author=self.deed.account)
        self.write(TICKET, a["ticket"], last_at=self.deed.hlc >> 16)
        self._open({"new"})

    def _open(self, waking: set[str]) -> None:
        if self.category[self.ticket().values["state"]] in waking:
            self.write(TICKET, self.args["ticket"], state=self.states["open"])

    def ticket_set(self) -> None:
        self.ticket()
        fields = self.args["fields"]
        for name in sorted(fields):
            ask = name in ASKED or (name == "state" and self.category[fields[name]] not in LIVE)
            self.set_field(TICKET, self.args["ticket"], name, fields[name], ask=ask)
        if fields.get("owner") is not None and "state" not in fields:
            self._open({"new"})

    def customer_set(self) -> None:
        row = self.get(CUSTOMER, self.args["customer"])
        if row is None or row.deleted:
            raise Refusal("no_such_customer")
        for name in sorted(self.args["fields"]):
            self.set_field(CUSTOMER, self.args["customer"], name, self.args["fields"][name], ask=False)

    def member_add(self) -> None:
        a, ticket = self.args, self.ticket()
        id_ = uuid5(a["ticket"], a["kind"], a["member"])
        if self.get(MEMBER, id_) is not None:
            self.set_field(MEMBER, id_, "present", a["present"], ask=False)
        else:
            self.insert(
                MEMBER, id_, ticket.scope, subject=a["ticket"], kind=a["kind"], member=a["member"], present=a["present"]
            )

    member_remove = member_add
