# SPDX-License-Identifier: GPL-3.0-or-later
"""The model's rules for tickets themselves and for what is written on them."""

from __future__ import annotations

from functools import partial

from tests.sync.sim.model_base import (
    ANY,
    ASKED,
    CHILDREN,
    CUSTOMER,
    FOLLOWING,
    LIVE,
    MEMBER,
    MESSAGE,
    NOTE,
    TICKET,
    TIME,
    UNANSWERED,
    Base,
    Image,
    Refusal,
    uuid5,
)


class Writing(Base):
    """Mutations that create, edit, move and delete tickets, and that add to them."""

    # --- mutations ----------------------------------------------------------------------------------------------------

    def noop(self) -> None:
        pass

    def ticket_create(self) -> None:
        a = self.args
        if self.get(TICKET, a["ticket"]) is not None:
            if self.get(MESSAGE, a["message"]) is None:
                raise Refusal("id_taken")
            return
        if not self.deed.on_server and self.get(MESSAGE, a["message"]) is not None:
            raise Refusal("not here")  # its message went on with a merge, the ticket itself is still to be loaded
        inbound = a["from_customer"]
        scope = f"team:{a['team'].hex()}"
        self.insert(
            TICKET, a["ticket"], scope, subject=a["subject"], state=self.states["new"], priority=a["priority"],
            kind=a["kind"], customer=a["customer"], team=a["team"], owner=a["owner"], language=a["language"], tier=1,
            merged_into=None, msg_seq=1, last_in_no=int(inbound), last_out_no=int(not inbound),
            last_at=self.deed.hlc >> 16, preview=a["body"], channel=a["channel"], organisation=None, asset=a["asset"],
        )  # fmt: skip
        self.insert(
            MESSAGE, a["message"], scope, ticket=a["ticket"], body=a["body"], direction="in" if inbound else "out",
            author=a["customer"] if inbound else self.deed.account, msg_no=1, arrived_via=None,
            occurred_at=self.deed.hlc >> 16,
        )  # fmt: skip
        self.stamp((MESSAGE, a["message"]), "body")
        self.line(a["ticket"], "opened")

    def message_add(self) -> None:
        id_, _ = self._open_landing()
        if id_ != self.args["ticket"] and not self.args["inbound"] and not self.deed.on_server:
            raise Refusal("merged")
        self.message()

    def message(self) -> None:
        """Write a message where it belongs now."""
        a = self.args
        id_, ticket = self._open_landing()
        if self.get(MESSAGE, a["message"]) is not None:
            return
        number = ticket.values["msg_seq"] + 1
        inbound = a["inbound"]
        author = ticket.values["customer"] if inbound else self.deed.account
        self.insert(
            MESSAGE, a["message"], ticket.scope, ticket=id_, body=a["body"],
            direction="in" if inbound else "out", author=author, msg_no=number, arrived_via=self._via(id_),
            occurred_at=self.deed.hlc >> 16,
        )  # fmt: skip
        self.stamp((MESSAGE, a["message"]), "body")
        side = "last_in_no" if inbound else "last_out_no"
        self.write(TICKET, id_, msg_seq=number, last_at=self.deed.hlc >> 16, preview=a["body"], **{side: number})
        self.line(id_, "customer" if inbound else "reply")
        self._open({"waiting_customer", "waiting_internal", "solved"} if inbound else {"new"}, id_)

    def _via(self, landed: bytes) -> bytes | None:
        ticket: bytes = self.args["ticket"]
        return ticket if ticket != landed else None

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
        self.insert(
            NOTE, a["note"], ticket.scope, ticket=id_, body=a["body"], author=self.deed.account,
            arrived_via=self._via(id_),
        )  # fmt: skip
        self.write(TICKET, id_, last_at=self.deed.hlc >> 16)
        self.line(id_, "note")
        self._open({"new"}, id_)

    def time_add(self) -> None:
        a = self.args
        id_, ticket = self._open_landing()
        if self.get(TIME, a["entry"]) is not None:
            return
        self.insert(
            TIME, a["entry"], ticket.scope, ticket=id_, author=self.deed.account, duration_s=a["minutes"] * 60,
            kind=a["kind"], note=a["note"], arrived_via=self._via(id_),
        )  # fmt: skip
        self.line(id_, "time")

    def text_edit(self) -> None:
        row = self.get(self.args["type"], self.args["id"])
        if row is None or row.deleted:
            raise Refusal("no_such_row")
        self.st = ANY

    def _open(self, waking: set[str], id_: bytes) -> None:
        ticket = self.get(TICKET, id_)
        if ticket is not None and self.category[ticket.values["state"]] in waking:
            self.write(TICKET, id_, state=self.states["open"])

    def ticket_set(self) -> None:
        before = self.ticket()
        fields = self.args["fields"]
        if "state" in fields and self.category[fields["state"]] == "merged":
            raise Refusal("transition_refused")  # only a merge does that, no undo either
        for name in sorted(fields):
            ask = name in ASKED or (name == "state" and self.category[fields[name]] not in LIVE)
            rule = partial(self._may_follow, before) if name == "state" and not self.args.get("undo") else None
            self.set_field(TICKET, self.args["ticket"], name, fields[name], ask=ask, rule=rule)
        if fields.get("owner") is not None and "state" not in fields:
            self._open({"new"}, self.args["ticket"])

    def _may_follow(self, before: Image) -> None:
        """Refuse a state that may not come after the one that the ticket is in."""
        fields = self.args["fields"]
        old, new = self.category[before.values["state"]], self.category[fields["state"]]
        answered = (before.values["last_out_no"] or 0) > (before.values["last_in_no"] or 0)
        reason = fields.get("close_reason", before.values.get("close_reason"))
        if new not in FOLLOWING[old]:
            raise Refusal("transition_refused")
        if new == "waiting_customer" and not answered:
            raise Refusal("reply_first")
        if new == "solved" and old in LIVE and not (answered or reason):
            raise Refusal("reply_first")
        if new == "closed" and reason not in UNANSWERED:
            raise Refusal("close_reason_needed")

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
        if row is None or row.deleted or self.was_done(self.args["ticket"], "deleted"):
            return
        self._mark_all(deleted=True)

    def ticket_restore(self) -> None:
        row = self.get(TICKET, self.args["ticket"])
        if row is None:
            raise Refusal("no_such_ticket")
        if row.deleted and not self.was_done(self.args["ticket"], "restored"):
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
