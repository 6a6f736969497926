# SPDX-License-Identifier: GPL-3.0-or-later
"""The ticket page: text from outside stays text, markup is shown in one place only, history is told in words."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from PySide6.QtCore import QPoint, Qt, QUrl
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QTextBrowser
from pytestqt.qtbot import QtBot

from app.domain.entities import Category
from app.domain.ports import Choices, ItemKind, ThreadItem, TicketDetails
from app.services.texts_history import event_line
from tests.fakes.queries import ME, NOW_MS, FakeDesk, FakeQueries, customer_id, state_id, ticket_id
from widgets.foundation import Button, Theme, Words
from widgets.foundation.html_view import MessageHtml, clean_html
from widgets.ticket import conversation as conversation_pane
from widgets.ticket.conversation import Conversation
from widgets.ticket.header import TicketHeader
from widgets.ticket.items import MessageBlock, split_quote
from widgets.ticket.message_head import MessageHead

EVIL = '<b>bold</b><img src="http://example.com/x.png"><script>alert(1)</script>'


def message(body: str, html: str | None = None, kind: ItemKind = ItemKind.MESSAGE_IN) -> ThreadItem:
    """A message of a customer."""
    return ThreadItem(b"m" * 16, kind, NOW_MS, "customer", customer_id(0), "<i>박민수</i>", body, html=html, msg_no=1)


def details_of(n: int = 0) -> TicketDetails:
    """A ticket's page."""
    details = FakeQueries(FakeDesk(20)).details(ticket_id(n))
    assert details is not None
    return details


@pytest.mark.ux("UX-32")
def test_markup_in_a_message_or_a_name_is_shown_letter_by_letter(qtbot: QtBot, theme: Theme) -> None:
    """Nothing from outside becomes rich text."""
    block = MessageBlock(theme, message(EVIL), own=False)
    qtbot.addWidget(block)
    texts = [label.text() for label in block.findChildren(QLabel)]
    assert EVIL in texts
    assert block.findChildren(MessageHead)[0].accessibleName().startswith("<i>박민수</i>")
    assert not block.findChildren(QTextBrowser)


@pytest.mark.ux("UX-33")
def test_formatting_is_shown_on_demand_cleaned_and_without_fetching(qtbot: QtBot, theme: Theme) -> None:
    """Scripts and pictures are gone; a link is reported with its target, and only of harmless kinds."""
    page = EVIL + '<a href="https://example.com/help">help</a><a href="javascript:x()">bad</a><a href="file:///x">f</a>'
    cleaned = clean_html(page)
    assert "<b>bold</b>" in cleaned
    assert all(word not in cleaned for word in ("img", "script", "file:", "example.com/x.png"))
    view = MessageHtml(page, "message")
    qtbot.addWidget(view)
    assert not view.openLinks()
    with qtbot.waitSignal(view.link_chosen) as chosen:
        view.anchorClicked.emit(QUrl("https://example.com/help"))
    assert chosen.args == ["https://example.com/help"]
    with qtbot.assertNotEmitted(view.link_chosen):
        view.anchorClicked.emit(QUrl("file:///etc/passwd"))
    assert bytes(view.loadResource(2, QUrl("http://example.com/x.png"))) == b""  # type: ignore[call-overload]  # returns object


def test_a_quoted_tail_is_folded_and_words_between_quotes_never(qtbot: QtBot, theme: Theme) -> None:
    """Only what is at the end and quoted."""
    assert split_quote("Thanks\n\nOn Mon, 30 Mar 2026, Kim wrote:\n> hello\n> you") == (
        "Thanks",
        "On Mon, 30 Mar 2026, Kim wrote:\n> hello\n> you",
    )
    between = "> first question\nmy answer\n> second question\nanother answer"
    assert split_quote(between) == (between, "")
    block = MessageBlock(theme, message("Thanks\n> old\n> older"), own=False)
    qtbot.addWidget(block)
    assert "Thanks" in [label.text() for label in block.findChildren(QLabel)]


def test_the_words_of_a_message_can_be_selected_with_the_mouse(qtbot: QtBot, theme: Theme) -> None:
    """A label has its means of selecting from the first press on; before that nobody needs them."""
    block = MessageBlock(theme, message("one two three"), own=False)
    qtbot.addWidget(block)
    block.resize(500, 100)
    block.show()
    words = block.findChildren(Words)[0]
    QTest.mouseDClick(words, Qt.MouseButton.LeftButton, pos=QPoint(4, words.height() // 2))
    assert words.selectedText() == "one"


def test_the_whole_name_is_told_where_it_is_cut_off(qtbot: QtBot, theme: Theme) -> None:
    """A name that has room has no tooltip; a narrow pane gives it one, letter by letter."""
    block = MessageBlock(theme, replace(message("Hello"), author_name="<b>A very long name</b>"), own=False)
    qtbot.addWidget(block)
    head = block.findChildren(MessageHead)[0]
    head.resize(900, head.sizeHint().height())
    head.grab()
    assert not head.toolTip()
    head.resize(200, head.sizeHint().height())
    head.grab()
    assert "&lt;b&gt;A very long name" in head.toolTip()


def test_a_long_conversation_opens_with_its_newest_part_and_the_rest_on_demand(qtbot: QtBot, theme: Theme) -> None:
    """200 messages: the first paint makes few; earlier ones come by a button."""
    details = details_of()
    items = tuple(replace(message(f"number {n}"), id=n.to_bytes(16, "big"), msg_no=n) for n in range(200))
    conversation = Conversation(theme)
    qtbot.addWidget(conversation)
    conversation.resize(500, 400)
    conversation.show()
    conversation.show_details(replace(details, items=items), FakeQueries().choices(), ME)
    assert 0 < len(conversation.texts()) < 20
    qtbot.waitUntil(lambda: len(conversation.texts()) == 40)
    assert conversation.texts()[-1].endswith("number 199")
    assert conversation.earlier.label() == "Show 40 earlier items"
    conversation.earlier.click()
    qtbot.waitUntil(lambda: len(conversation.texts()) == 80)
    assert conversation.texts()[0].endswith("number 120")


def test_the_newest_messages_are_painted_together_once_the_pane_is_full(
    qtbot: QtBot, theme: Theme, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A ticket does not grow block by block before one's eyes, and no turn of the event loop makes all of it."""
    monkeypatch.setattr(conversation_pane, "TOGETHER_NS", 10**12)  # a busy machine shows what it has after a moment
    conversation = Conversation(theme)
    qtbot.addWidget(conversation)
    conversation.resize(500, 600)
    conversation.show()
    items = [replace(message("안녕하세요.\n" * 3), id=bytes([n]) * 16, msg_no=n) for n in range(1, 41)]
    conversation.show_details(replace(details_of(), items=items), Choices(), ME)
    assert len(conversation.texts()) < 4
    assert not conversation.area.viewport().updatesEnabled()
    qtbot.waitUntil(conversation.area.viewport().updatesEnabled)
    assert conversation.area.verticalScrollBar().maximum() > 0
    qtbot.waitUntil(lambda: len(conversation.texts()) == 40)
    assert conversation.area.viewport().updatesEnabled()


def test_history_lines_are_sentences_and_unknown_kinds_are_left_out() -> None:
    """Who did what; nothing technical."""
    choices = FakeQueries().choices()

    def line(event: str, **data: object) -> str:
        item = ThreadItem(b"e" * 16, ItemKind.EVENT, NOW_MS, "user", ME, "Kim", "", event=event, data=data)
        words = event_line(item, [item], choices)
        return words.text if words else ""

    state = state_id(Category.SOLVED).hex()
    assert line("field", field="state", new=state) == "Kim set the state to “Solved”"
    assert line("field", field="owner", new=ME.hex()) == "Kim gave the ticket to 김지우"
    assert line("field", field="owner", new=None) == "Kim put the ticket back: nobody has it now"
    assert line("field", field="priority", new=4, cause="undo") == "Kim set the priority to Urgent (undone)"
    assert line("state", new=state, category="solved") == "State became “Solved” by writing"
    assert line("session.end", reason="lost").startswith("Screen sharing ended before it began")
    assert line("reply") == ""
    assert line("something.new") == ""


def test_the_head_names_every_field_for_a_screen_reader(qtbot: QtBot, theme: Theme) -> None:
    """Field and value."""
    header = TicketHeader(theme)
    qtbot.addWidget(header)
    header.show_details(details_of(), FakeQueries().choices(), ME)
    names = [b.accessibleName() for b in (header.state, header.priority, header.owner, header.tags)]
    assert names == ["State: In progress", "Priority: Normal", "Owner: 김지우", "Tags: 결제, 프린터"]


@pytest.mark.ux("UX-44")
def test_the_screen_can_be_asked_for_only_on_an_open_ticket_with_a_known_customer(qtbot: QtBot, theme: Theme) -> None:
    """Else the button is off and says why."""
    header = TicketHeader(theme)
    qtbot.addWidget(header)
    details = details_of()
    header.show_details(details, FakeQueries().choices(), ME)
    assert header.see.isEnabled()
    solved = replace(details, row=replace(details.row, category=Category.SOLVED))
    header.show_details(solved, FakeQueries().choices(), ME)
    assert not header.see.isEnabled()
    assert "open ticket" in header.see.toolTip()
    header.show_details(replace(details, customer=None), FakeQueries().choices(), ME)
    assert not header.see.isEnabled()


@pytest.mark.ux("UX-61")
@pytest.mark.parametrize("percent", [100, 200])
def test_no_text_of_a_conversation_is_clipped_at_any_text_size(qtbot: QtBot, theme: Theme, percent: int) -> None:
    """In a narrow pane every block is as high as its words need, and nothing is left empty below."""
    theme.set_text_percent(percent)
    conversation = Conversation(theme)
    qtbot.addWidget(conversation)
    conversation.resize(372, 400)
    conversation.show()
    conversation.show_details(details_of(), FakeQueries().choices(), ME)
    qtbot.waitUntil(lambda: len(conversation.texts()) == 11)
    body = conversation.area.widget()
    assert body is not None

    qtbot.waitUntil(lambda: body.width() == conversation.area.viewport().width())
    qtbot.waitUntil(lambda: body.height() == body.minimumSizeHint().height())
    blocks = sorted(conversation.findChildren(MessageBlock), key=lambda block: block.y())
    assert len(blocks) > 3
    for block in blocks:
        assert block.height() >= block.heightForWidth(block.width())
        assert block.geometry().right() < body.width()
    for above, below in pairwise(blocks):
        assert above.geometry().bottom() < below.y()
    assert body.height() - blocks[-1].geometry().bottom() < 200


@pytest.mark.ux("UX-61")
def test_a_block_that_grows_or_a_wider_pane_moves_what_is_below(qtbot: QtBot, theme: Theme) -> None:
    """Show the whole text, then make the pane narrower: nothing overlaps, nothing is cut."""
    details = details_of()
    long = "\n".join(f"> quoted line {n}" for n in range(30))
    items = tuple(replace(message(f"number {n}\n{long}"), id=n.to_bytes(16, "big"), msg_no=n) for n in range(6))
    conversation = Conversation(theme)
    qtbot.addWidget(conversation)
    conversation.resize(500, 400)
    conversation.show()
    conversation.show_details(replace(details, items=items), FakeQueries().choices(), ME)
    qtbot.waitUntil(lambda: len(conversation.texts()) == 6)
    body = conversation.area.widget()
    assert body is not None
    before = body.height()
    opener = next(b for b in conversation.findChildren(Button) if b.label() == "Show earlier text")
    opener.click()
    qtbot.waitUntil(lambda: body.height() > before + 100)

    def apart() -> bool:
        blocks = sorted(conversation.findChildren(MessageBlock), key=lambda block: block.y())
        fits = all(block.height() >= block.heightForWidth(block.width()) for block in blocks)
        return fits and all(above.geometry().bottom() < below.y() for above, below in pairwise(blocks))

    qtbot.waitUntil(apart)
    conversation.resize(320, 400)
    qtbot.waitUntil(lambda: body.width() == conversation.area.viewport().width())
    qtbot.waitUntil(apart)
