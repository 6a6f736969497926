# SPDX-License-Identifier: GPL-3.0-or-later
"""The model's rules for what was held or lost: released or discarded replies, conflicts that a person decides."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tests.sync.sim.model_base import CONFLICT, CUSTOMER, MEMBER, MESSAGE, TICKET, Image, Refusal, uuid5
from tests.sync.sim.model_merging import Merging

IDS = {"customer", "owner", "state", "team", "asset", "organisation", "incident"}
_HELD_KINDS = ("deleted", "stale_reply")


def held_json(row: Image) -> dict[str, Any]:
    """Return a held change as the server writes it; of one held a moment ago by the model, as the model knows it."""
    data: dict[str, Any] = json.loads(row.values["mine"]) if "mine" in row.values else row.values["held"]
    return data


def hexed(value: Any) -> Any:
    """Return a value as JSON has it."""
    if isinstance(value, dict):
        return {key: hexed(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [hexed(item) for item in value]
    return value.hex() if isinstance(value, bytes) else value


def held_change(row: Image) -> tuple[str, dict[str, Any]]:
    """Return name and arguments of the change that a conflict row holds."""
    data = held_json(row)
    words = {"note"} if data["name"] == "time.add" else set()  # there it is no id
    args = data["args"].items()
    return data["name"], {name: value if name in words else _unpacked(name, value) for name, value in args}


def _unpacked(name: str, value: Any) -> Any:
    if name == "fields":
        return {key: from_json(key, item) for key, item in value.items()}
    if name == "messages":
        return [bytes.fromhex(item) for item in value]
    return bytes.fromhex(value) if isinstance(value, str) and name in _BYTES else value


_BYTES = {"event", "ticket", "into", "new_ticket", "message", "note", "entry", "member", "team", "customer"}


def from_json(name: str, value: Any) -> Any:
    """Return a field's value from JSON, where ids are hex."""
    return bytes.fromhex(value) if name in IDS and isinstance(value, str) else value


class Settling(Merging):
    """Mutations of conflict rows."""

    def _own(self) -> Image:
        row = self.get(CONFLICT, self.args["conflict"])
        if row is None or row.deleted or row.values["created_by"] != self.deed.account:
            raise Refusal("no_such_conflict")
        return row

    def _set_status(self, status: str) -> None:
        self.write(CONFLICT, self.args["conflict"], status=status)

    def reply_discard(self) -> None:
        self._own()
        self._set_status("closed")

    def reply_release(self) -> None:
        row = self._own()
        _, args = held_change(row)
        if row.values["status"] == "closed":
            if self.get(MESSAGE, args["message"]) is None:
                raise Refusal("already_discarded")
            return
        body = self.args["body"]
        self._run_inner("message.written", {**args, **({} if body is None else {"body": body})}, {})
        self._set_status("closed")

    def message_written(self) -> None:
        """A reply that its author wants to go out whatever happened to the ticket."""
        self.message()

    def conflict_resolve(self) -> None:
        row, choice = self._own(), self.args["choice"]
        kind, closed = row.values["kind"], row.values["status"] == "closed"
        if choice == "reopen":
            if closed:
                self._reopen(row)
            return
        if choice != "theirs":
            if kind in _HELD_KINDS:
                if closed:
                    return
                self._run_held(row)
            else:
                value = self.args["value"] if choice == "edited" else json.loads(row.values["mine"])
                self._edit(row, value)
        self._set_status("closed")

    def _reopen(self, row: Image) -> None:
        if row.values["kind"] in _HELD_KINDS:
            name, args = held_change(row)
            if name == "message.add" and self.get(MESSAGE, args["message"]) is not None:
                raise Refusal("already_sent")
        else:
            self._edit(row, json.loads(row.values["theirs"]), undo=True)
        self._set_status("open")

    def _run_held(self, row: Image) -> None:
        if row.values["kind"] == "stale_reply":
            raise Refusal("release_needed")
        name, args = held_change(row)
        if name == "ticket.delete":
            self._run_inner(name, args, {})
            return
        before, self.args = self.args, args
        id_, ticket = self.landing()
        self.args = before
        if ticket is None:
            raise Refusal("no_such_ticket")
        event = uuid5(self.args["event"], "restore")
        self._run_inner("ticket.restore", {"event": event, "ticket": id_}, {})
        self._run_inner("message.written" if name == "message.add" else name, args, {})

    def _edit(self, row: Image, value: Any, *, undo: bool = False) -> None:
        """Make the edit anew, against what is there now; `undo` brings back also a state that may not follow."""
        type_, subject, name = row.values["subject_type"], row.values["subject"], row.values["field"]
        event, value = self.args["event"], from_json(name, value)
        if row.values["kind"] == "text":
            args, deed = {"event": event, "type": type_, "id": subject, "field": name, "text": value}, "text.edit"
        elif type_ == TICKET and name == "team":
            args, deed = {"event": event, "ticket": subject, "team": value}, "ticket.move"
        elif type_ == TICKET:
            args, deed = {"event": event, "ticket": subject, "fields": {name: value}, "undo": undo}, "ticket.set"
        elif type_ == CUSTOMER:
            args, deed = {"event": event, "customer": subject, "fields": {name: value}}, "customer.set"
        else:
            member = self.get(MEMBER, subject)
            if member is None:
                raise Refusal("bad_conflict")
            v = member.values
            args = {"event": event, "ticket": v["subject"], "kind": v["kind"], "member": v["member"]}
            args, deed = {**args, "present": bool(value)}, "member.add"
        self._run_inner(deed, args, self.deed.base)

    def _run_inner(self, name: str, args: dict[str, Any], base: Mapping[str, tuple[int, int]]) -> None:
        """Run another deed as part of this one."""
        outer = self.deed
        self.deed = replace(outer, name=name, args=args, base=base)
        self.args = args
        getattr(self, name.replace(".", "_"))()
        self.deed, self.args = outer, outer.args
