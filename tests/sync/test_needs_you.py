# SPDX-License-Identifier: GPL-3.0-or-later
"""What waits for a person over real files and a real server: entries, decisions offline, undo, counts, badges."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.domain.changes import MessageAdd, TextEdit
from app.domain.entities import ORGANISATION, TICKET, Category, customer_scope
from app.domain.ids import TicketId, new_id
from app.domain.needs import NeedItem, NeedKind
from app.domain.ports import Draft, DraftKind, FieldMark
from app.services.needs_you import NeedsYou
from app.store.replica import remove_database
from sync.protocol import Pull
from sync.server.bulk import load_rows
from sync.server.schema import SYSTEM
from tests.sync.desk import Client, Desk, Row
from tests.sync.looks import lose, scope_north


@pytest.fixture
def lee(desk: Desk, tmp_path: Path) -> Iterator[Client]:
    client = Client(desk, tmp_path / "lee", "lee")
    client.sync()
    yield client
    client.close()


def state(client: Client, category: Category) -> bytes:
    """The first state of a category."""
    return next(c.id for c in client.profile.queries.choices().states if c.category is category)


def entries(client: Client) -> list[NeedItem]:
    """What waits; the strip's count is always the same."""
    found = list(client.profile.needs_you.entries())
    assert client.profile.numbers().needs_you == len(found)
    return found


def sync(client: Client) -> None:
    """Send what was decided and get what others did."""
    client.core.committed()
    assert client.sync()


def decide(client: Client) -> NeedsYou:
    """The page's use cases."""
    return NeedsYou(client.profile.commits, client.profile.needs_you)


def shown_state(client: Client, ticket: TicketId) -> bytes:
    """The state as the window shows it."""
    return bytes(client.profile.queries.rows([ticket])[ticket].state)


def two_values(kim: Client, lee: Client) -> TicketId:
    """Both set the state of one ticket without knowing of each other; Lee was first at the server."""
    ticket = kim.new_ticket()
    sync(kim)
    sync(lee)
    kim.reply(ticket)
    sync(kim)
    sync(lee)
    lee.set(ticket, state=state(lee, Category.WAITING_CUSTOMER))
    kim.set(ticket, state=state(kim, Category.SOLVED))
    sync(lee)
    sync(kim)
    sync(kim)
    return ticket


@pytest.mark.ux("UX-12", "UX-10")
def test_two_values_of_one_field_wait_with_both_and_the_winners_name(kim: Client, lee: Client) -> None:
    """The server's value is in place; mine is kept; who set the other one and when is said. One entry, not two."""
    ticket = two_values(kim, lee)
    [item] = entries(kim)
    assert (item.kind, item.field, item.ticket) == (NeedKind.FIELD, "state", ticket)
    assert item.mine == state(kim, Category.SOLVED).hex()
    assert item.theirs == state(kim, Category.WAITING_CUSTOMER).hex()
    assert item.author_name == "이서준"
    assert item.author_at is not None
    assert entries(lee) == []
    detail = kim.profile.needs_you.detail(item.id)
    assert detail is not None
    assert detail.mine_at is not None
    page = kim.profile.queries.details(ticket)
    assert page is not None
    assert page.row.needs_you
    assert page.marks["state"] is FieldMark.CONFLICT


def test_mine_is_kept_offline_shown_at_once_and_agreed_after_the_next_sync(kim: Client, lee: Client) -> None:
    """The decision is a commit of pending.db; afterwards everybody has the value and nothing waits."""
    ticket = two_values(kim, lee)
    kim.line.down = True
    done = decide(kim).keep(entries(kim), mine=True)
    assert done.refused == ()
    assert entries(kim) == []
    assert shown_state(kim, ticket) == state(kim, Category.SOLVED)
    kim.line.down = False
    sync(kim)
    sync(lee)
    assert entries(kim) == []
    assert shown_state(lee, ticket) == shown_state(kim, ticket) == state(kim, Category.SOLVED)


def test_a_decision_is_taken_back_before_and_after_it_was_sent(kim: Client, lee: Client) -> None:
    """Undo puts the other value back in place and the entry waits again, on this device and on the server."""
    ticket = two_values(kim, lee)
    for sent in (False, True):
        service = decide(kim)
        done = service.keep(entries(kim), mine=True)
        if sent:
            sync(kim)
        assert service.undo(done).refused == ()
        assert [i.field for i in entries(kim)] == ["state"]
        assert shown_state(kim, ticket) == state(kim, Category.WAITING_CUSTOMER)
        sync(kim)
        assert [i.field for i in entries(kim)] == ["state"]
        assert shown_state(kim, ticket) == state(kim, Category.WAITING_CUSTOMER)


def test_keeping_theirs_closes_the_entry_and_changes_nothing(kim: Client, lee: Client) -> None:
    """The same on the person's second start."""
    ticket = two_values(kim, lee)
    decide(kim).keep(entries(kim), mine=False)
    sync(kim)
    kim.restart_window()
    assert entries(kim) == []
    assert shown_state(kim, ticket) == state(kim, Category.WAITING_CUSTOMER)


def stale(kim: Client, lee: Client) -> TicketId:
    """Kim wrote a reply without having seen Lee's."""
    ticket = kim.new_ticket()
    sync(kim)
    sync(lee)
    lee.do(MessageAdd(new_id(), new_id(), ticket, "프린터를 껐다 켜 보시겠어요?", seen_seq=1))
    kim.do(MessageAdd(new_id(), new_id(), ticket, "확인해 드리겠습니다.", seen_seq=1))
    sync(lee)
    sync(kim)
    sync(kim)
    return ticket


@pytest.mark.ux("UX-20", "UX-11")
def test_a_stale_reply_is_held_with_its_news_and_sent_once_when_released(kim: Client, lee: Client) -> None:
    """Nobody else sees it before; released with what was read it is there once, for all."""
    ticket = stale(kim, lee)
    [item] = entries(kim)
    assert item.kind is NeedKind.STALE_REPLY
    assert item.body == "확인해 드리겠습니다."
    detail = kim.profile.needs_you.detail(item.id)
    assert detail is not None
    assert [n.body for n in detail.news] == ["프린터를 껐다 켜 보시겠어요?"]
    assert detail.news[0].author_name == "이서준"
    done = decide(kim).release(item, detail.seen_seq, "확인했습니다.")
    assert done.refused == ()
    assert entries(kim) == []
    sync(kim)
    assert entries(kim) == []
    sync(lee)
    page = lee.profile.queries.details(ticket)
    assert page is not None
    assert [i.body for i in page.items if i.body].count("확인했습니다.") == 1
    assert entries(kim) == []


def test_what_was_decided_does_not_come_back_with_a_replica_that_is_loaded_again(kim: Client, lee: Client) -> None:
    """The results of the server come a second time; the closed rows say that nothing waits."""
    stale(kim, lee)
    two_values(kim, lee)
    for item in entries(kim):
        if item.kind is NeedKind.STALE_REPLY:
            decide(kim).discard([item])
        else:
            decide(kim).keep([item], mine=False)
    sync(kim)
    assert entries(kim) == []
    kim.replica.close()
    remove_database(kim.folder / "replica.db")
    kim.open_worker()
    for _ in range(40):
        request = kim.core.next(kim.desk.clock())
        if request is None:
            break
        kim._exchange(request)
        assert entries(kim) == []
    sync(kim)
    assert entries(kim) == []


def test_a_discarded_reply_can_be_brought_back_and_is_never_sent(kim: Client, lee: Client) -> None:
    """Its text stays in the closed row."""
    stale(kim, lee)
    service = decide(kim)
    done = service.discard(entries(kim))
    sync(kim)
    assert entries(kim) == []
    assert service.undo(done).refused == ()
    sync(kim)
    assert [i.body for i in entries(kim)] == ["확인해 드리겠습니다."]


def test_a_refused_change_waits_with_its_text_is_discarded_and_brought_back(kim: Client, lee: Client) -> None:
    """A note on a ticket that nobody has any more stays with its content; discarding is this device's own matter."""
    ticket = kim.new_ticket()
    sync(kim)
    sync(lee)
    kim.note(ticket, "급지 롤러 확인")
    kim.desk.spoil(TICKET.number, ticket, scope_id=f"team:{kim.desk.team('남부').hex()}")
    sync(kim)
    [item] = entries(kim)
    assert item.kind is NeedKind.REJECTED
    assert item.body == "급지 롤러 확인"
    service = decide(kim)
    done = service.discard([item])
    assert entries(kim) == []
    service.undo(done)
    assert [i.id for i in entries(kim)] == [item.id]
    again = service.send_again([item])
    assert again.refused == ()
    assert entries(kim) == []


@pytest.mark.ux("UX-18")
def test_work_on_a_team_that_was_withdrawn_is_kept_with_its_content(kim: Client, desk: Desk) -> None:
    """The ticket's rows go, the unsent note stays and can be copied."""
    ticket = kim.new_ticket()
    sync(kim)
    kim.note(ticket, "급지 롤러를 갈아야 함")
    kim.replica.set_scopes(None, {}, [], [f"team:{desk.team('북부').hex()}"])
    found = [i for i in entries(kim) if i.kind is NeedKind.ORPHANED]
    assert [i.body for i in found] == ["급지 롤러를 갈아야 함"]
    assert found[0].change is not None


def test_a_field_carries_its_mark_while_the_server_has_not_confirmed_it(kim: Client) -> None:
    """Pending until the next sync, then nothing."""
    ticket = kim.new_ticket()
    sync(kim)
    kim.set(ticket, priority=4)
    page = kim.profile.queries.details(ticket)
    assert page is not None
    assert page.marks == {"priority": FieldMark.PENDING}
    sync(kim)
    page = kim.profile.queries.details(ticket)
    assert page is not None
    assert page.marks == {}


def test_a_text_both_changed_in_the_same_line_waits_and_the_merged_one_stands_for_all(desk: Desk, kim: Client) -> None:
    """The server's line stays in place until the person chose; the choice can be taken back."""
    org = new_id()
    rows = [Row(ORGANISATION.number, org, customer_scope(org), {"name": "한빛상사", "note": "출입은 18시까지.\n"})]
    desk.store.write(lambda cx: load_rows(cx, rows))
    lee = Client(desk, kim.folder.parent / "other", "lee")
    sync(kim)
    sync(lee)
    lee.do(TextEdit(new_id(), ORGANISATION.number, org, "note", "출입은 19시까지.\n", "출입은 18시까지.\n"))
    kim.do(TextEdit(new_id(), ORGANISATION.number, org, "note", "출입은 17시까지.\n", "출입은 18시까지.\n"))
    sync(lee)
    sync(kim)
    [item] = entries(kim)
    assert (item.kind, item.title, item.theirs) == (NeedKind.TEXT, "한빛상사", "출입은 19시까지.\n")
    assert item.mine == "출입은 17시까지.\n"
    service = decide(kim)
    done = service.edited(item, "출입은 19시까지, 금요일은 17시까지.\n")
    assert done.refused == ()
    sync(kim)
    sync(lee)
    note = [r["note"] for r in desk.rows(ORGANISATION.number) if r["id"] == org]
    assert note == ["출입은 19시까지, 금요일은 17시까지.\n"]
    assert entries(kim) == []
    assert service.undo(done).refused == ()
    sync(kim)
    assert [r["note"] for r in desk.rows(ORGANISATION.number) if r["id"] == org] == ["출입은 19시까지.\n"]
    assert [i.id for i in entries(kim)] == [item.id]
    lee.close()


def withdraw(desk: Desk, client: Client) -> None:
    """Take somebody out of the team and let the computer learn of it."""
    lose(desk, client)
    client.core.rehello()
    sync(client)


def come_back(desk: Desk, client: Client) -> None:
    """Put somebody into the team again."""
    table = SYSTEM.scope_access
    values = {"account_id": client.me, "scope_id": scope_north(desk), "role": "member", "granted_at": desk.clock()}
    desk.store.write(lambda cx: cx.execute(table.insert().values(**values)))
    client.core.rehello()
    sync(client)


@pytest.mark.parametrize(("kind", "name"), [(DraftKind.REPLY, "message.add"), (DraftKind.NOTE, "note.add")])
def test_a_draft_whose_ticket_was_withdrawn_waits_with_its_text_until_the_ticket_is_back(
    desk: Desk, kim: Client, kind: DraftKind, name: str
) -> None:
    """It says which ticket it was for; what is on a ticket that can be opened does not stand here as well."""
    ticket = kim.new_ticket()
    sync(kim)
    kim.profile.commits.save_draft(Draft(ticket, kind, "drei Stunden"))
    number = kim.profile.queries.rows([ticket])[ticket].label
    assert number.startswith("#")
    assert entries(kim) == []
    withdraw(desk, kim)
    [item] = entries(kim)
    assert (item.kind, item.body, item.label, item.name) == (NeedKind.DRAFT, "drei Stunden", number, name)
    kim.restart_window()
    assert [i.body for i in entries(kim)] == ["drei Stunden"]
    detail = kim.profile.needs_you.detail(item.id)
    assert detail is not None
    assert detail.item.ticket is None
    come_back(desk, kim)
    assert entries(kim) == []
    draft = kim.profile.commits.draft(ticket, kind)
    assert draft is not None
    assert draft.body == "drei Stunden"


def test_a_draft_without_its_ticket_is_discarded_with_undo(desk: Desk, kim: Client) -> None:
    """Nothing else is ticked off: a later draft of the same ticket waits again."""
    ticket = kim.new_ticket()
    sync(kim)
    kim.profile.commits.save_draft(Draft(ticket, DraftKind.REPLY, "drei Stunden"))
    withdraw(desk, kim)
    service = decide(kim)
    done = service.discard(entries(kim))
    assert done.can_undo
    assert entries(kim) == []
    assert kim.profile.commits.draft(ticket, DraftKind.REPLY) is None
    service.undo(done)
    assert [i.body for i in entries(kim)] == ["drei Stunden"]
    service.discard(entries(kim))
    kim.profile.commits.save_draft(Draft(ticket, DraftKind.REPLY, "noch eine"))
    [item] = entries(kim)
    assert (item.body, item.label[:1]) == ("noch eine", "#")


def test_drafts_do_not_wait_while_their_tickets_are_being_loaded(kim: Client) -> None:
    """A replica that is loaded again says nothing about which tickets are gone."""
    ticket = kim.new_ticket()
    sync(kim)
    kim.profile.commits.save_draft(Draft(ticket, DraftKind.REPLY, "drei Stunden"))
    kim.replica.close()
    remove_database(kim.folder / "replica.db")
    assert entries(kim) == []
    kim.open_worker()
    assert entries(kim) == []
    kim.core.poked()
    kim.line.lose = lambda request: isinstance(request, Pull)
    assert not kim.sync()
    assert entries(kim) == []
    kim.line.lose = lambda _: False
    sync(kim)
    assert entries(kim) == []
