# SPDX-License-Identifier: GPL-3.0-or-later
"""The details pane: contacts and serials to copy, support terms in words, earlier tickets to open."""

from __future__ import annotations

from datetime import date

from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

from app.config.i18n import set_language
from tests.fakes.queries import FakeDesk, FakeQueries, ticket_id
from widgets.customer.panel import CustomerPanel
from widgets.foundation import Button, CopyButton, Fold, Theme

TODAY = date(2026, 3, 31)


def panel_of(qtbot: QtBot, theme: Theme, n: int = 0) -> CustomerPanel:
    """The pane on a ticket's customer."""
    queries = FakeQueries(FakeDesk(60))
    details = queries.details(ticket_id(n))
    assert details is not None
    panel = CustomerPanel(theme)
    qtbot.addWidget(panel)
    panel.resize(280, 700)
    panel.show_card(details.customer, queries.choices(), TODAY)
    panel.finish()
    panel.show()
    return panel


def texts(panel: CustomerPanel) -> list[str]:
    """What can be read."""
    return [w.text() for w in panel.findChildren(QLabel) if w.isVisible() and w.text()]


def test_contacts_and_serials_are_copied_with_one_press(qtbot: QtBot, theme: Theme) -> None:
    """Each Copy says for a screen reader what it copies."""
    panel = panel_of(qtbot, theme)
    copies = {b.accessibleName(): b for b in panel.findChildren(CopyButton) if b.isVisible()}
    copies["Copy serial number 88-1032"].click()
    assert QApplication.clipboard().text() == "88-1032"
    copies["Copy Phone 010-0000-1200"].click()
    assert QApplication.clipboard().text() == "010-0000-1200"


def test_support_terms_are_told_in_words_with_what_comes_after(qtbot: QtBot, theme: Theme) -> None:
    """Until when free, what is in it, what follows; ended warranties say so."""
    shown = texts(panel_of(qtbot, theme))
    assert "Free support until 31 March 2027" in shown
    assert any(t.startswith("Included: ") for t in shown)
    assert any(t.startswith("Afterwards: ") for t in shown)
    assert "Warranty ended on 31 January 2025" in shown


def test_an_earlier_ticket_opens(qtbot: QtBot, theme: Theme) -> None:
    """Its subject is a link, its state is said."""
    panel = panel_of(qtbot, theme)
    links = [b for b in panel.findChildren(Button) if b.isVisible() and b.accessibleName().startswith("#")]
    with qtbot.waitSignal(panel.ticket_chosen):
        links[0].click()


def test_a_folded_block_is_remembered(qtbot: QtBot, theme: Theme) -> None:
    """Contacts closed stay closed with the next customer."""
    panel = panel_of(qtbot, theme)
    fold = next(f for f in panel.findChildren(Fold) if f.isVisible())
    with qtbot.waitSignal(panel.fold_changed) as told:
        fold.header.click()
    assert told.args == ["contacts", False]
    panel.retranslate()
    qtbot.waitUntil(lambda: any(f.isVisible() for f in panel.findChildren(Fold)))
    fold = next(f for f in panel.findChildren(Fold) if f.isVisible())
    assert not fold.is_open()


def test_a_ticket_without_a_customer_says_so(qtbot: QtBot, theme: Theme) -> None:
    """In words, not an empty pane."""
    panel = panel_of(qtbot, theme)
    panel.show_card(None, FakeQueries().choices(), TODAY)
    panel.finish()
    qtbot.waitUntil(lambda: "The customer of this ticket is not known yet." in texts(panel))


def test_names_carry_the_honorific_in_korean(qtbot: QtBot, theme: Theme) -> None:
    """박민수 님."""
    set_language("ko")
    assert "박민수 님" in texts(panel_of(qtbot, theme))
