# SPDX-License-Identifier: GPL-3.0-or-later
"""The oracle's rules: what every mutation does to rows, in plain dicts. Shares no code with the product's rules.

Only what a person would miss is modelled: fields people set, texts, memberships, conflicts. Derived columns (previews,
times, counts) and history lines are checked by presence elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from tests.sync.sim.model_base import (
    CONFLICT,
    CUSTOMER,
    HELD,
    HISTORY,
    MEMBER,
    MESSAGE,
    TICKET,
    Deed,
    Image,
    Key,
    Refusal,
    Rows,
    uuid5,
)
from tests.sync.sim.model_settling import Settling, held_change, held_json, hexed


class Model:
    """Runs deeds over rows. `states` maps categories to ids, `owner_of` device codes to accounts."""

    def __init__(self, states: Mapping[str, bytes], owner_of: Callable[[str], bytes | None]) -> None:
        self._states = states
        self._category = {id_: name for name, id_ in states.items()}
        self._owner_of = owner_of

    def run(self, below: Rows, deed: Deed) -> tuple[str, dict[Key, Image]]:
        """Return (st, changed rows). Raises Refusal."""
        return _Run(self._states, self._category, self._owner_of, below, deed).run()

    def waits(self, below: Rows, deed: Deed) -> bool:
        """Whether this very deed was held for its author before: then it is not refused when it is sent again."""
        return _Run(self._states, self._category, self._owner_of, below, deed).waits()

    def roots(self, below: Rows, deed: Deed) -> set[Key]:
        """Return the rows that a deed names, those that its conflict is about, and in a replay where it lands."""
        return _Run(self._states, self._category, self._owner_of, below, deed).roots()


class _Run(Settling):
    was_done_before = False  # it is only sent again, and what it was about is gone since

    def run(self) -> tuple[str, dict[Key, Image]]:
        handler = getattr(self, self.deed.name.replace(".", "_"), None)
        if handler is None:
            raise Refusal("unknown_mutation")
        if self.deed.on_server and self._is_held():
            return "conflict", self.put
        if self.was_done_before:
            return "ok", self.put
        handler()
        if self.deed.on_server:
            for key, row in self.put.items():
                before = self.below.get(*key)
                if before is not None:
                    row.rev = before.rev + 1
        return self.st, self.put

    # --- what it is about ---------------------------------------------------------------------------------------------

    def roots(self) -> set[Key]:
        out = _named(self.args)
        if self.deed.name in ("conflict.resolve", "reply.release") and (row := self.get(*self._conflict())) is not None:
            out.add((row.values["subject_type"], row.values["subject"]))
            member = self.get(MEMBER, row.values["subject"]) if row.values["subject_type"] == MEMBER else None
            if member is not None:
                out.add((TICKET, member.values["subject"]))
            if row.values["kind"] in ("deleted", "stale_reply"):
                out |= _named(held_change(row)[1])
            out |= {(TICKET, self.landed(id_)[0]) for type_, id_ in out if type_ == TICKET}
        if not self.deed.on_server:
            out |= {(TICKET, self.landed(id_)[0]) for type_, id_ in out if type_ == TICKET}
        return out

    def _conflict(self) -> Key:
        return CONFLICT, self.args["conflict"]

    # --- what is held for its author ----------------------------------------------------------------------------------

    def _is_held(self) -> bool:
        """Whether this must wait for its author; then the row that holds it is put."""
        if self.deed.name == "reply.release":
            return self._is_held_again()
        name, kind = self.deed.name, None
        subject = self.args.get("ticket", b"")
        if name == "ticket.delete":
            kind = "deleted" if self._is_blind() else None
        elif name in HELD:
            subject, ticket = self.landing()
            if ticket is not None and ticket.deleted:
                kind = "deleted"
            elif name == "message.add" and ticket is not None and not self.args["inbound"]:
                kind = "stale_reply" if self._is_stale(subject, ticket) else None
        self.was_done_before = kind == "deleted" and self._was_carried_out()
        if kind is None or self.was_done_before:
            return False
        self.conflict(
            uuid5(self.args["event"], "held"), self.deed.account, subject_type=TICKET, subject=subject, field=None,
            kind=kind, status="open", held={"name": name, "args": hexed(self.args)},
        )  # fmt: skip
        return True

    def waits(self) -> bool:
        """Whether its author has a row that holds it, open or closed."""
        row = self.get(CONFLICT, uuid5(self.args["event"], "held"))
        if row is None or row.deleted or row.values["created_by"] != self.deed.account:
            return False
        return bool(held_json(row)["name"] == self.deed.name)

    def _was_carried_out(self) -> bool:
        """Whether this very change left its line on the ticket: a device with a new id only sends it again."""
        kinds = ("reply", "customer", "note", "time", "merged", "unmerged", "split", "member", "deleted")
        parts = [*((kind, "") for kind in kinds), ("member", "present"), ("field", "team")]
        parts += [(kind, name) for name in self.args.get("fields", ()) for kind in ("field", "gave_way")]
        return any(self.get(HISTORY, uuid5(self.args["event"], *part)) is not None for part in parts)

    def _is_held_again(self) -> bool:
        """A reply that is released, though there is something newer again than its author saw."""
        row = self.get(*self._conflict())
        if row is None or row.values["created_by"] != self.deed.account or row.values["status"] == "closed":
            return False
        id_, ticket = self.landed(held_change(row)[1]["ticket"])
        if ticket is None or not (ticket.deleted or self._has_news(id_, ticket)):
            return False
        data = json.loads(json.dumps(held_json(row)))
        data["args"] |= {"seen_seq": self.args["seen_seq"], "seen_id": hexed(self.args)["seen_id"]}
        data["args"] |= {} if self.args["body"] is None else {"body": self.args["body"]}
        mine = json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        again, kind = row.copy(), "deleted" if ticket.deleted else "stale_reply"
        again.values = {
            "subject_type": TICKET, "subject": id_, "field": None, "kind": kind, "status": "open",
            "created_by": self.deed.account, "mine": mine,
        }  # fmt: skip
        self.put[self._conflict()] = again
        return True

    def _is_blind(self) -> bool:
        row, seen = self.get(TICKET, self.args["ticket"]), self.deed.base.get("*")
        if row is None or row.deleted or seen is None:
            return False
        return any(rev > seen[0] and code != self.deed.code for rev, _, code, _ in row.fld.values())

    def _is_stale(self, id_: bytes, ticket: Image) -> bool:
        if self.get(MESSAGE, self.args["message"]) is not None:
            return False
        if id_ != self.args["ticket"] or self._has_news(id_, ticket):
            return True
        on_hold = self.category[ticket.values["state"]] == "held_for_incident"
        return (
            self._others_set(ticket, "customer")
            or (self._others_set(ticket, "incident") and ticket.values.get("incident") is not None)
            or (self._others_set(ticket, "state") and on_hold)
            or self._others_set(ticket, "merged_into")
        )

    def _has_news(self, id_: bytes, ticket: Image) -> bool:
        """Whether the author had not seen all, or saw what is not there any more: a restored server lost it."""
        seen, which = self.args["seen_seq"], self.args.get("seen_id")
        if seen > ticket.values["msg_seq"]:
            return True
        if which:
            numbers = {row.values["msg_no"] for row in self.find(MESSAGE, id_).values() if not row.deleted}
            there = self.get(MESSAGE, which)
            if there is None or (there.values["ticket"] == id_ and there.values["msg_no"] != seen):
                return True
            if there.values["ticket"] != id_ and seen in numbers:
                return True
        for row in self.find(MESSAGE, id_).values():
            own = row.fld.get("body")
            mine = own is not None and own[2] == self.deed.code and 0 < own[3] < self.deed.mid
            if not row.deleted and row.values["msg_no"] > seen and not mine:
                return True
        return False

    def _others_set(self, ticket: Image, name: str) -> bool:
        seen, (rev, _, code, mid) = self.deed.base.get(name), ticket.fld.get(name, (1, 0, "srv", 0))
        return seen is not None and rev != seen[0] and not (code == self.deed.code and 0 < mid < self.deed.mid)


def _named(args: Mapping[str, Any]) -> set[Key]:
    places = (("ticket", TICKET), ("into", TICKET), ("new_ticket", TICKET), ("conflict", CONFLICT))
    out = {(type_, args[name]) for name, type_ in places if args.get(name)}
    if "customer" in args and "ticket" not in args:
        out.add((CUSTOMER, args["customer"]))
    if "type" in args:
        out.add((args["type"], args["id"]))
    return out
