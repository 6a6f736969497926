# SPDX-License-Identifier: GPL-3.0-or-later
"""The model's rules for merging tickets, for taking that back, and for splitting one."""

from __future__ import annotations

import json
from typing import Any

from tests.sync.sim.model_base import CARRIED, HISTORY, LIVE, MEMBER, MESSAGE, NOTE, TICKET, Image, Key, Refusal, uuid5
from tests.sync.sim.model_writing import Writing

_SLEEPING = {"waiting_customer", "waiting_internal", "solved"}


class Merging(Writing):
    """Mutations that put what hangs on a ticket under another one."""

    def ticket_merge(self) -> None:
        from_, into = self.args["ticket"], self.args["into"]
        if self.was_done(from_, "merged"):
            return
        source, target = self._live(from_), self._live(into)
        states = {self.category[t.values["state"]] for t in (source, target)}
        if from_ == into or not states <= LIVE | {"solved"}:
            raise Refusal("merge_refused")
        carried, old_state = self._carried(from_), source.values["state"]
        number = self._move(carried, into, target.values["msg_seq"])
        waits = source.values["last_in_no"] > source.values["last_out_no"]
        after: dict[str, Any] = {"msg_seq": number, **({"last_in_no": number} if waits else {})}
        if (source.values["last_at"] or 0) > (target.values["last_at"] or 0):
            after |= {"last_at": source.values["last_at"], "preview": source.values["preview"]}
        self.write(TICKET, into, **after)
        if waits and self.category[target.values["state"]] in _SLEEPING:
            self.write(TICKET, into, state=self.states["open"])
        sets = self._add_sets(from_, into, target.scope)
        earlier = sorted(self.find_by(TICKET, "merged_into", from_))
        for id_ in earlier:
            self.write(TICKET, id_, merged_into=into)
        self.write(TICKET, from_, merged_into=into, state=self.states["merged"])
        self.line(
            from_, "merged", into=into.hex(), state=old_state.hex(), moved=[i.hex() for _, i in carried], sets=sets,
            hlc=self.deed.hlc, repointed=[i.hex() for i in earlier],
        )  # fmt: skip

    def _live(self, id_: bytes) -> Image:
        row = self.get(TICKET, id_)
        if row is None or row.deleted:
            raise Refusal("no_such_ticket")
        if row.values.get("merged_into"):
            raise Refusal("merged")
        return row

    def _carried(self, ticket: bytes) -> list[Key]:
        """Return what a merge would carry, messages first and in their order."""
        out = [
            (type_, row.values.get("msg_no") or 0, id_)
            for type_ in CARRIED
            for id_, row in self.find(type_, ticket).items()
            if not row.deleted
        ]
        return [(type_, id_) for type_, _, id_ in sorted(out)]

    def _move(self, keys: list[Key], ticket: bytes, number: int) -> int:
        to = self.get(TICKET, ticket)
        assert to is not None
        for type_, id_ in keys:
            values: dict[str, Any] = {"ticket": ticket}
            if type_ == MESSAGE:
                number += 1
                values["msg_no"] = number
            self.write(type_, id_, **values)
            self.mark((type_, id_), scope=to.scope)
        return number

    def _add_sets(self, from_: bytes, into: bytes, scope: str) -> list[str]:
        added = []
        for _, row in sorted(self.find(MEMBER, from_).items()):
            kind, member = row.values["kind"], row.values["member"]
            if row.deleted or not row.values["present"] or member == into:
                continue
            id_ = uuid5(into, kind, member)
            there = self.get(MEMBER, id_)
            if there is None:
                self.insert(MEMBER, id_, scope, subject=into, kind=kind, member=member, present=True)
                self.stamp((MEMBER, id_), "present")
            elif there.values["present"]:
                continue
            else:
                self.write(MEMBER, id_, present=True)
            added.append(id_.hex())
        return added

    def _tail(self, keys: list[Key]) -> dict[str, Any]:
        """Return a ticket's derived columns as its messages say."""
        out: dict[str, Any] = {"last_in_no": 0, "last_out_no": 0}
        for key in keys:
            row = self.get(*key)
            if key[0] == MESSAGE and row is not None:
                out["last_in_no" if row.values["direction"] == "in" else "last_out_no"] = row.values["msg_no"]
                out |= {"preview": row.values["body"], "last_at": row.values["occurred_at"]}
        return out

    # --- back again ---------------------------------------------------------------------------------------------------

    def _record(self, ticket: bytes) -> tuple[bytes, dict[str, Any]] | None:
        """Return the line of the merge that holds now, and what it says."""
        lines = [(i, r) for i, r in sorted(self.find(HISTORY, ticket).items()) if not r.deleted]
        undone = {json.loads(r.values["data"]).get("record") for _, r in lines if r.values["kind"] == "unmerged"}
        open_ = [(i, r) for i, r in lines if r.values["kind"] == "merged" and i.hex() not in undone]
        return (open_[-1][0], json.loads(open_[-1][1].values["data"])) if open_ else None

    def ticket_unmerge(self) -> None:
        ticket = self.args["ticket"]
        if self.was_done(ticket, "unmerged"):
            return
        source = self.get(TICKET, ticket)
        if source is None or source.deleted:
            raise Refusal("no_such_ticket")
        into: bytes = source.values.get("merged_into") or b""
        target, found = self.get(TICKET, into) if into else None, self._record(ticket)
        if target is None:
            raise Refusal("not_merged")
        if found is None:
            raise Refusal("no_merge_record")
        line, record = found
        here = self._carried(into)
        back = [key for key in here if key[1].hex() in record["moved"] or self._arrived_via(key) == ticket]
        number = self._move(back, ticket, source.values["msg_seq"])
        self.write(
            TICKET, ticket, **self._tail(back), merged_into=None, msg_seq=number, state=bytes.fromhex(record["state"])
        )
        self.write(TICKET, into, **self._tail([key for key in here if key not in back]))
        self._take_sets(record)
        for id_ in map(bytes.fromhex, record["repointed"]):
            row = self.get(TICKET, id_)
            if row is not None and row.values["merged_into"] == into:
                self.write(TICKET, id_, merged_into=ticket)
        self.line(ticket, "unmerged", record=line.hex())

    def _arrived_via(self, key: Key) -> bytes | None:
        row = self.get(*key)
        return row.values.get("arrived_via") if row is not None else None

    def _take_sets(self, record: dict[str, Any]) -> None:
        for id_ in map(bytes.fromhex, record["sets"]):
            row = self.get(MEMBER, id_)
            if row is not None and row.values["present"] and row.fld.get("present", (1, 0))[1] == record["hlc"]:
                self.write(MEMBER, id_, present=False)

    # --- splitting ----------------------------------------------------------------------------------------------------

    def ticket_split(self) -> None:
        a = self.args
        if self.get(TICKET, a["new_ticket"]) is not None:
            if self.was_done(a["new_ticket"], "opened"):
                return
            raise Refusal("id_taken")
        id_, old = self._open_landing()
        here = [key for key in self._carried(id_) if key[0] in (MESSAGE, NOTE)]
        moving = [key for key in here if key[1] in a["messages"]]
        if not moving:
            raise Refusal("no_such_message")
        staying = [key for key in here if key not in moving]
        names = ("customer", "organisation", "asset", "team", "tier", "language", "priority", "kind", "channel")
        kept = {name: old.values.get(name) for name in names}
        self.insert(
            TICKET, a["new_ticket"], old.scope, **kept, owner=None, merged_into=None, subject=a["subject"],
            state=self.states["new"], last_at=self.deed.hlc >> 16, preview="", msg_seq=0,
        )  # fmt: skip
        number = self._move(moving, a["new_ticket"], 0)
        self.put[TICKET, a["new_ticket"]].values |= {"msg_seq": number, **self._tail(moving)}
        if number:
            self.write(TICKET, id_, **self._tail(staying))
        link = uuid5(a["new_ticket"], "split_from", id_)
        self.insert(MEMBER, link, old.scope, subject=a["new_ticket"], kind="split_from", member=id_, present=True)
        self.stamp((MEMBER, link), "present")
        self.line(id_, "split")
        self.line(a["new_ticket"], "opened")
