# SPDX-License-Identifier: GPL-3.0-or-later
"""A ticket is given to another customer: whoever wrote it reads their own words, and nothing of the other's."""

from __future__ import annotations

import re

import sqlalchemy as sa
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext

from app.domain import changes as c
from app.domain.entities import CALLBACK, MESSAGE, SURVEY_ANSWER
from sync.customer_protocol import CheckAnswer, NewMessage
from sync.server.schema import SYSTEM
from tests.fakes.wait import wait_until
from tests.server.test_callbacks import call as call_for
from tests.server.test_callbacks import open_hours, slot_after
from tests.server.test_portal import Visitor, answered, rows, set_state, ticket_of
from tests.server.test_portal_invited import invite
from tests.server.test_portal_live import Events, Line, line  # noqa: F401 - a fixture
from tests.server.test_push import world_state
from tests.server.test_sessions import Inviter
from tests.server.world import Agent, World, row_id

GIVEN = "This request now belongs to somebody else"


def give(desk: World, customer: bytes) -> Agent:
    """An agent finds that the request is another customer's."""
    kim = desk.agent()
    assert kim.do(c.TicketSet(kim.fresh(), bytes(ticket_of(desk)["id"]), {"customer": customer}))[0] == "ok"
    return kim


def asked(world: World) -> tuple[Visitor, bytes, bytes]:
    """Somebody's request that support has answered: the visitor, the ticket, its customer."""
    visitor = Visitor(world.client)
    visitor.write()
    ticket = ticket_of(world)
    answered(world, bytes(ticket["id"]), "Restart it once.")
    return visitor, bytes(ticket["id"]), bytes(ticket["customer"])


def test_the_first_writers_link_shows_nothing_of_the_one_it_was_given_to(world: World) -> None:
    """Own words, and what was answered before, stay; the other's words, subject, state and invitation do not show."""
    visitor, ticket, _ = asked(world)
    kim = give(world, world.other_customer)
    answered(world, ticket, "For the other one alone")
    assert kim.do(c.TicketSet(kim.fresh(), ticket, {"subject": "Other matter"}))[0] == "ok"
    invite(world, modes=("companion", "browser"), requester_id=world.other_customer.hex())
    for path in ("", "/lines"):
        page = visitor.get(f"{visitor.link}{path}").text
        assert "저장하면 멈춥니다." in page
        assert "Restart it once." in page
        assert GIVEN in page
        assert 'href="/help/write' in page
        assert not re.search(r"For the other one|Other matter|id=\"invited\"|/join#|deskside://", page)
    assert "reply-form" not in visitor.page().text


def test_nothing_is_written_in_the_name_of_the_one_it_was_given_to(world: World) -> None:
    """Not words, not answers to the two questions, not calls: from pages that lay open too. What was typed is shown."""
    open_hours(world)
    visitor, ticket, _ = asked(world)
    page = visitor.page()
    reply, call = visitor.mark(page, f"{visitor.link}/reply"), visitor.mark(page, f"{visitor.link}/call")
    slot = re.search(r'<option value="(\d+)"', page.text)
    assert slot is not None
    set_state(world, ticket, "solved", close_reason="duplicate")
    answers = visitor.mark(visitor.page(), f"{visitor.link}/answers")
    give(world, world.other_customer)
    before = [len(rows(world, entity)) for entity in (MESSAGE, SURVEY_ANSWER, CALLBACK)]
    refused = [
        visitor.send(f"{visitor.link}/reply", {"body": "Mine, kept", "form": reply, "live": live}) for live in ("1", "")
    ]
    assert [each.status_code for each in refused] == [403, 403]
    assert all("Mine, kept" in each.text and GIVEN in each.text for each in refused)
    answer = visitor.send(f"{visitor.link}/answers", {"solved": "no", "treated_well": "no", "form": answers})
    assert (answer.status_code, GIVEN in answer.text) == (403, True)
    asked_for = {"slot": slot[1], "phone": "010-1234-5678", "form": call}
    assert visitor.send(f"{visitor.link}/call", asked_for).status_code == 403
    assert [len(rows(world, entity)) for entity in (MESSAGE, SURVEY_ANSWER, CALLBACK)] == before


def test_a_ticket_that_comes_back_or_turns_out_to_be_the_same_persons_is_followed_as_before(world: World) -> None:
    """Given by mistake and back; and when both are one person, the link goes with the one that stays, and back."""
    visitor, ticket, first = asked(world)
    kim = give(world, world.other_customer)
    assert GIVEN in visitor.page().text
    give(world, first)
    assert GIVEN not in visitor.page().text
    assert visitor.reply("Back again").status_code == 303
    assert kim.do(c.CustomerMerge(kim.fresh(), first, world.other_customer))[0] == "ok"
    assert GIVEN not in visitor.page().text
    assert visitor.reply("As one").status_code == 303
    assert kim.do(c.CustomerUnmerge(kim.fresh(), first))[0] == "ok"
    assert GIVEN not in visitor.page().text
    give(world, world.other_customer)
    answered(world, ticket, "For the other one alone")
    page = visitor.page().text
    assert "As one" in page
    assert "For the other one alone" not in page


def test_a_given_ticket_that_is_joined_with_another_shows_its_writers_words_alone(desk: World) -> None:
    """The numbers of its messages are others then."""
    visitor, ticket, _ = asked(desk)
    kim = give(desk, desk.other_customer)
    answered(desk, ticket, "For the other one alone")
    other = kim.ticket(2, customer=desk.other_customer)
    assert kim.do(c.TicketMerge(kim.fresh(), ticket, other))[0] == "ok"
    page = visitor.page().text
    assert "저장하면 멈춥니다." in page
    assert GIVEN in page
    assert "For the other one alone" not in page


def test_no_words_go_into_the_request_of_somebody_else_that_it_was_joined_with(desk: World) -> None:
    """They would stand there as that one's."""
    visitor, ticket, _ = asked(desk)
    form = visitor.mark(visitor.page(), f"{visitor.link}/reply")
    kim = desk.agent()
    assert kim.do(c.TicketMerge(kim.fresh(), ticket, kim.ticket(2, customer=desk.other_customer)))[0] == "ok"
    before = len(rows(desk, MESSAGE))
    assert visitor.send(f"{visitor.link}/reply", {"body": "Hello", "form": form, "live": ""}).status_code == 403
    assert len(rows(desk, MESSAGE)) == before
    assert "Restart it once." in visitor.page().text


def test_links_of_before_belong_to_the_customer_of_their_ticket(world: World) -> None:
    """As the ticket stands when the program is exchanged."""
    visitor, _, first = asked(world)

    from sync.server.migrations import r0020_link_customers

    def again(connection: sa.Connection) -> None:
        op = Operations(MigrationContext.configure(connection))
        for name in ("customer_id", "until_no"):
            op.drop_column("portal_link", name)
        r0020_link_customers.upgrade(op)

    world.store.write(again)
    with world.store.read() as connection:
        assert bytes(connection.execute(sa.select(SYSTEM.portal_link.c.customer_id)).scalar_one()) == first
    assert GIVEN not in visitor.page().text


def test_an_open_page_is_told_at_once_and_then_hears_nothing_more(line: Line) -> None:  # noqa: F811  # the fixture of that name
    """One last mark makes it read anew; a browser that comes back is sent away."""
    visitor, ticket, _ = asked(line)
    events = Events(line, visitor.link)
    wait_until(lambda: "here" in events.heard, 10)
    give(line, line.other_customer)
    wait_until(lambda: events.ended, 10)
    assert len(events.marks) == 2
    assert f'data-mark="{events.marks[1]}"' in visitor.get(f"{visitor.link}/lines").text
    answered(line, ticket, "For the other one alone")
    assert f'data-mark="{events.marks[1]}"' in visitor.get(f"{visitor.link}/lines").text, "nothing of it moves"
    late = Events(line, visitor.link)
    wait_until(lambda: late.ended, 10)
    assert (late.status, late.heard) == (204, [])


def test_a_companion_of_the_first_customer_sees_nothing_of_a_ticket_that_was_given_away(world: World) -> None:
    """Not the ticket, not a word, no way to write to it, answer or ask for a call; no invitation comes there."""
    companion, kim = world.companion(), world.agent("kim")
    ticket = kim.ticket(1)
    assert kim.do(kim.reply(ticket, "first answer"))[0] == "ok"
    assert kim.do(c.TicketSet(kim.fresh(), ticket, {"customer": world.other_customer}))[0] == "ok"
    assert kim.do(kim.reply(ticket, "For the other one alone"))[0] == "ok"
    inviter = Inviter(world, kim)
    assert inviter.invite(ticket, requester_id=world.other_customer.hex()).status_code == 200
    with world.store.read() as connection:
        owner = connection.execute(sa.select(SYSTEM.session.c.customer_id)).scalar_one()
    assert bytes(owner) == world.other_customer, "by this the server chooses whom it tells"
    closed = {"state": world_state(world, "solved"), "close_reason": "duplicate"}
    home = companion.get("/customer/v1/home")
    assert home.json()["tickets"] == []
    assert "other one" not in home.text
    message = NewMessage(id=row_id(9).hex(), ticket=ticket.hex(), body="still me")
    assert companion.post("/customer/v1/message", message).status_code == 404
    assert call_for(companion, 1, ticket.hex(), slot_after(world)).status_code == 404
    assert kim.do(c.TicketSet(kim.fresh(), ticket, closed))[0] == "ok"
    check = CheckAnswer(id=row_id(10).hex(), ticket=ticket.hex(), solved=False, treated_well=None, comment="")
    assert companion.post("/customer/v1/check", check).status_code == 404
