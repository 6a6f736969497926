# SPDX-License-Identifier: GPL-3.0-or-later
"""Formatted replies, notes and drafts over real files and a real server: kept, cleaned there, readable plain."""

from __future__ import annotations

from app.domain.changes import MessageAdd, NoteAdd, version_of
from app.domain.entities import MESSAGE, NOTE
from app.domain.formatting import Look, Mark
from app.domain.ids import new_id
from app.domain.ports import Draft, DraftKind, ItemKind, SendOrder, SendWhy
from app.services.needs_you import NeedsYou
from app.services.triage_writing import After, Writing
from tests.sync.desk import Client

BOLD = (Mark(0, 2, Look.BOLD),)
EVIL = '<p onclick="x()">안녕 <b>굵게</b><img src="https://tracker.example/x.png"><script>x()</script></p>'


def test_a_formatted_reply_and_note_arrive_at_a_colleague_with_their_looks(kim: Client, lee: Client) -> None:
    """Who reads plain text has every word; plain texts are sent as an older server takes them."""
    ticket = kim.new_ticket()
    kim.sync()
    writing = Writing(kim.profile.queries, kim.profile.commits, kim.me)
    writing.send_reply(ticket, "굵게 보통", 1, After.NOTHING, kim.profile.queries.choices(), marks=BOLD, anyway=True)
    writing.save_note(ticket, "메모 보통", marks=BOLD)
    kim.core.committed()
    kim.sync()
    lee.sync()
    details = lee.profile.queries.details(ticket)
    assert details is not None
    said = {item.kind: (item.body, item.html) for item in details.items if item.kind is not ItemKind.EVENT}
    assert said[ItemKind.REPLY] == ("굵게 보통", "<p><b>굵게</b> 보통</p>")
    assert said[ItemKind.NOTE] == ("메모 보통", "<p><b>메모</b> 보통</p>")
    assert version_of(NoteAdd(new_id(), new_id(), ticket, "x")) == 1
    assert version_of(NoteAdd(new_id(), new_id(), ticket, "x", html="<p>x</p>")) == 3


def test_the_server_keeps_only_the_subset_of_what_agents_send(kim: Client) -> None:
    """Whatever program sent it; a customer's mail is kept as it came and cleaned when it is shown."""
    ticket = kim.new_ticket()
    kim.do(MessageAdd(new_id(), new_id(), ticket, "안녕 굵게", 1, html=EVIL))
    kim.do(NoteAdd(new_id(), new_id(), ticket, "안녕 굵게", html=EVIL))
    kim.do(MessageAdd(new_id(), new_id(), ticket, "안녕 굵게", inbound=True, html=EVIL))
    kim.sync()
    kept = {row["html"] for row in (*kim.desk.rows(MESSAGE.number), *kim.desk.rows(NOTE.number))}
    assert kept == {None, EVIL, "<p>안녕 <b>굵게</b></p>"}


def test_a_draft_keeps_its_looks_through_a_new_start_also_while_it_waits_to_go(kim: Client) -> None:
    """On disk with the words, in the same transaction."""
    ticket = kim.new_ticket()
    order = SendOrder(5, SendWhy.LATER, "굵게", new_id(), new_id(), html="<p><b>굵게</b></p>")
    draft = Draft(ticket, DraftKind.REPLY, "굵게", 2, 1, marks=BOLD, send=order)
    kim.profile.commits.save_draft(draft)
    kim.restart_window()
    found = kim.profile.commits.draft(ticket, DraftKind.REPLY)
    assert found is not None
    assert (found.marks, found.send) == (BOLD, order)


def test_a_held_reply_that_is_edited_never_goes_out_with_the_looks_of_other_words(kim: Client, lee: Client) -> None:
    """As it was, it keeps them; with other words it has none."""
    ticket = kim.new_ticket()
    kim.sync()
    lee.sync()
    lee.reply(ticket, "제가 먼저")
    lee.sync()
    for _ in range(2):
        kim.do(MessageAdd(new_id(), new_id(), ticket, "늦은 답", 1, html="<p><b>늦은</b> 답</p>"))
    kim.sync()
    items = kim.profile.needs_you.entries()
    needs = NeedsYou(kim.profile.commits, kim.profile.needs_you)
    for item, body in zip(items, (None, "고친 답"), strict=True):
        details = kim.profile.queries.details(ticket)
        assert details is not None
        needs.release(item, details.seen_seq, body, details.seen_id)
        kim.core.committed()
        kim.sync()
    sent = {row["body"]: row["html"] for row in kim.desk.rows(MESSAGE.number) if row["direction"] == "out"}
    assert sent == {"제가 먼저": None, "늦은 답": "<p><b>늦은</b> 답</p>", "고친 답": None}
