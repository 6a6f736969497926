# SPDX-License-Identifier: GPL-3.0-or-later
"""Drafts on two computers of one person, over real files and a real server: carried, continued, sent, thrown away."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from app.domain.attachments import Attachment
from app.domain.changes import MessageAdd, NoteAdd, TicketMerge
from app.domain.changes_drafts import DraftPut, draft_id
from app.domain.entities import DRAFT
from app.domain.errors import Refused
from app.domain.formatting import Look, Mark
from app.domain.ids import TicketId, new_id
from app.domain.ports import Draft, DraftKind
from tests.sync.desk import Client, Desk

REPLY, NOTE = DraftKind.REPLY, DraftKind.NOTE
PICTURE = Attachment(sha256=bytes(32), size_bytes=3, filename="a.png", media_type="image/png")


@pytest.fixture
def home(desk: Desk, tmp_path: Path) -> Iterator[Client]:
    """Kim's second computer."""
    client = Client(desk, tmp_path / "home")
    client.sync()
    yield client
    client.close()


@pytest.fixture
def ticket(kim: Client, home: Client) -> TicketId:
    """A ticket that both have."""
    made = kim.new_ticket()
    kim.sync()
    home.sync()
    return made


def types(client: Client, ticket: TicketId, body: str, kind: DraftKind = REPLY) -> None:
    """Type, and leave the composer."""
    client.profile.commits.save_draft(Draft(ticket, kind, body, len(body), 1))
    leaves(client, ticket)


def leaves(client: Client, ticket: TicketId) -> int:
    """Leave the composer; it is carried."""
    mid = client.profile.commits.carry_drafts(ticket)
    client.core.committed()
    return mid


def text(client: Client, ticket: TicketId, kind: DraftKind = REPLY) -> str | None:
    """What the composer would show."""
    draft = client.profile.commits.draft(ticket, kind)
    return draft.body if draft is not None else None


def share(*clients: Client) -> None:
    """Everybody syncs, twice: what one sends the next one gets."""
    for client in (*clients, *clients):
        assert client.sync()


def test_a_draft_is_there_on_the_other_computer_with_looks_files_and_caret(
    kim: Client, home: Client, ticket: TicketId
) -> None:
    """Reply and note apart; nobody else sees them."""
    looks = (Mark(0, 2, Look.BOLD),)
    kim.profile.commits.save_draft(Draft(ticket, REPLY, "내일 갑니다", 3, 1, 0, (PICTURE,), marks=looks))
    types(kim, ticket, "확인할 것", NOTE)
    share(kim, home)
    found = home.profile.commits.draft(ticket, REPLY)
    assert found is not None
    assert (found.body, found.caret, found.attachments, found.marks) == ("내일 갑니다", 3, (PICTURE,), looks)
    assert text(home, ticket, NOTE) == "확인할 것"


def test_a_draft_is_carried_once_until_it_changes(kim: Client, ticket: TicketId) -> None:
    """Leaving again says nothing new."""
    types(kim, ticket, "하나")
    assert leaves(kim, ticket) == 0
    types(kim, ticket, "하나 둘")
    assert kim.profile.queries.outbox()[-1].name == "draft.put"


def test_what_is_typed_here_and_not_carried_wins_here(kim: Client, home: Client, ticket: TicketId) -> None:
    """Two computers offline: each keeps its own words."""
    types(home, ticket, "집에서")
    kim.profile.commits.save_draft(Draft(ticket, REPLY, "사무실에서"))
    share(home, kim)
    assert text(kim, ticket) == "사무실에서"
    leaves(kim, ticket)
    share(kim, home)
    assert text(home, ticket) == "사무실에서"  # it was carried as it was, and the other one is later


def test_one_goes_on_where_one_stopped_on_the_other_computer(kim: Client, home: Client, ticket: TicketId) -> None:
    """And back again."""
    types(kim, ticket, "안녕하세요.")
    share(kim, home)
    types(home, ticket, "안녕하세요. 내일 뵙겠습니다.")
    share(home, kim)
    assert text(kim, ticket) == "안녕하세요. 내일 뵙겠습니다."


def test_a_sent_reply_takes_its_drafts_away_when_the_server_has_it(kim: Client, home: Client, ticket: TicketId) -> None:
    """Not before: until then it is there on the other computer, should this one break."""
    types(kim, ticket, "보냅니다")
    share(kim, home)
    home.profile.commits.commit(
        MessageAdd(new_id(), new_id(), ticket, "보냅니다", 1, seen_id=_newest(home, ticket)), clears=(ticket, REPLY)
    )
    home.core.committed()
    assert text(home, ticket) is None
    assert text(kim, ticket) == "보냅니다"
    share(home, kim)
    assert text(kim, ticket) is None
    assert leaves(kim, ticket) == 0
    assert [row["deleted"] for row in kim.desk.rows(DRAFT.number)] == [True]


def test_a_held_reply_leaves_the_draft_where_it_is(kim: Client, home: Client, lee: Client, ticket: TicketId) -> None:
    """The server did not accept it."""
    types(kim, ticket, "늦은 답")
    share(kim)
    lee.sync()
    lee.reply(ticket, "제가 먼저")
    lee.sync()
    kim.do(MessageAdd(new_id(), new_id(), ticket, "늦은 답", 1))
    share(kim, home)
    assert text(home, ticket) == "늦은 답"


def test_a_saved_note_takes_the_notes_draft_and_not_the_replys(kim: Client, home: Client, ticket: TicketId) -> None:
    """Two drafts, two ends."""
    types(kim, ticket, "메모 초안", NOTE)
    types(kim, ticket, "답변 초안")
    kim.profile.commits.commit(NoteAdd(new_id(), new_id(), ticket, "메모 초안"), clears=(ticket, NOTE))
    kim.core.committed()
    share(kim, home)
    assert (text(home, ticket, NOTE), text(home, ticket)) == (None, "답변 초안")


def test_a_discarded_draft_goes_everywhere_and_is_kept_thirty_days(kim: Client, home: Client, ticket: TicketId) -> None:
    """On the own disk and at the server."""
    types(kim, ticket, "버릴 말")
    share(kim, home)
    kim.profile.commits.save_draft(Draft(ticket, REPLY, ""))
    assert leaves(kim, ticket)
    share(kim, home)
    assert text(home, ticket) is None
    assert [row["body"] for row in kim.desk.rows(DRAFT.number)] == ["버릴 말"]
    types(home, ticket, "새로 씁니다")
    share(home, kim)
    assert text(kim, ticket) == "새로 씁니다"


@pytest.mark.parametrize(("days", "left"), [(7, 0), (30, 1)])
def test_a_discarded_draft_stays_as_long_as_was_set(kim: Client, ticket: TicketId, days: int, left: int) -> None:
    """Eight days later it is gone where seven are set, and there where nothing is."""
    kim.tools = replace(kim.tools, discarded_days=days)
    kim.restart_window()
    types(kim, ticket, "버릴 말")
    share(kim)
    kim.profile.commits.save_draft(Draft(ticket, REPLY, ""))
    leaves(kim, ticket)
    share(kim)
    kim.desk.clock.ms += 8 * 86_400_000
    share(kim)  # what counts no more must be seen to do so for a minute
    kim.desk.clock.ms += 120_000
    share(kim)
    with kim.profile.readers().read() as tx:
        assert tx.value("SELECT count(*) FROM pending.draft WHERE discarded IS NOT NULL") == left


@pytest.mark.parametrize("there", [None, "이미 쓰던 말"])
def test_drafts_move_with_a_merge_and_lose_no_word(kim: Client, ticket: TicketId, there: str | None) -> None:
    """Below what is written there already; all that others said there is news to its author."""
    other = kim.new_ticket("다른 문의")
    types(kim, other, "옮겨 갈 말")
    if there is not None:
        types(kim, ticket, there)
    kim.do(TicketMerge(new_id(), other, ticket))
    found = kim.profile.commits.draft(ticket, REPLY)
    assert found is not None
    assert found.body == ("옮겨 갈 말" if there is None else f"{there}\n\n옮겨 갈 말")
    assert (found.ticket, found.seen_seq) == (ticket, 0)
    assert text(kim, other) is None
    assert text(kim, ticket) == found.body  # once


def test_a_carried_draft_moves_with_a_merge_on_the_other_computer(kim: Client, home: Client, ticket: TicketId) -> None:
    """It was never typed there."""
    other = kim.new_ticket("다른 문의")
    types(kim, other, "옮겨 갈 말")
    kim.do(TicketMerge(new_id(), other, ticket))
    share(kim, home)
    assert text(home, ticket) == "옮겨 갈 말"
    leaves(home, ticket)
    share(home, kim)
    assert sorted((row["ticket"], row["deleted"]) for row in kim.desk.rows(DRAFT.number)) == sorted(
        [(ticket, False), (other, True)]
    )


def test_nobody_writes_into_anothers_drafts(kim: Client, lee: Client, ticket: TicketId) -> None:
    """The id says whose it is."""
    with pytest.raises(Refused, match="not_yours"):
        kim.do(DraftPut(new_id(), draft_id(lee.me, ticket, "reply"), ticket, "reply", "x"))


def _newest(client: Client, ticket: TicketId) -> bytes | None:
    details = client.profile.queries.details(ticket)
    return details.seen_id if details is not None else None
