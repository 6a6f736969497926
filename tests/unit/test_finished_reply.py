# SPDX-License-Identifier: GPL-3.0-or-later
"""What a customer gets of a draft: one rule for the preview and for sending."""

from __future__ import annotations

from dataclasses import replace

from app.domain.changes import MessageAdd
from app.domain.formatting import Look, Mark, Rich
from app.domain.ports import Choices, TicketDetails
from app.services.finished_reply import answered, finish, recipient
from app.services.triage_writing import After, Writing
from tests.fakes.commits import FakeCommits
from tests.fakes.queries import ME, FakeDesk, FakeQueries, ticket_id

SIGN = "누리봄 고객지원\n02-000-0000"


class MailQueries(FakeQueries):
    """The ticket came by mail; its agent has a signature."""

    def details(self, ticket: bytes) -> TicketDetails | None:
        """As before, by mail."""
        found = super().details(ticket_id(0))
        return replace(found, channel="mail") if found is not None else None

    def choices(self) -> Choices:
        """As before, with a signature."""
        return replace(super().choices(), signature=SIGN)


def details(channel: str) -> TicketDetails:
    """A ticket's page."""
    found = FakeQueries(FakeDesk(5)).details(ticket_id(0))
    assert found is not None
    return replace(found, channel=channel)


def test_replies_to_mail_are_signed_once_and_others_are_not() -> None:
    """In the app the name stands beside each message."""
    rich = Rich("네, 됩니다.", (Mark(0, 1, Look.BOLD),))
    signed = finish(details("mail"), rich, "김지우", SIGN)
    assert signed.said == Rich(f"네, 됩니다.\n\n{SIGN}", rich.marks)
    assert finish(details("mail"), signed.said, "김지우", SIGN).said == signed.said
    assert finish(details("companion"), rich, "김지우", SIGN).said == rich


def test_what_the_preview_shows_is_what_is_sent() -> None:
    """Signature and filled placeholders included."""
    desk = FakeDesk(5)
    queries, commits = MailQueries(desk), FakeCommits(desk)
    text = "{{customer.name}} 님, 안녕하세요."
    found = queries.details(ticket_id(0))
    assert found is not None
    shown = finish(found, Rich(text), "", SIGN).said.text
    Writing(queries, commits, ME).send_reply(ticket_id(0), text, found.seen_seq, After.NOTHING, queries.choices())
    assert [c.body for c in commits.changes if isinstance(c, MessageAdd)] == [shown]
    assert shown.endswith(SIGN)


def test_the_preview_names_who_gets_it_and_what_it_answers() -> None:
    """The newest words of the customer, and the mail address where the ticket came by mail."""
    page = details("mail")
    name, _address = recipient(page)
    assert name == "박민수"
    newest = answered(page)
    assert newest is not None
    assert newest.author_kind == "customer"
