# SPDX-License-Identifier: GPL-3.0-or-later
"""The customer's page in the window, over a real profile and a real server: seen, edited, merged, by keyboard alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel, QWidget

from app.domain.changes import (
    AddressAdd,
    AssetCreate,
    CustomerCreate,
    CustomerSet,
    FactsAdd,
    MessageAdd,
    NoteAdd,
    TermsAdd,
    TicketCreate,
    TicketSet,
)
from app.domain.entities import ASSET, CONTACT_ADDRESS, CUSTOMER, ENTITLEMENT, TICKET, USER
from app.domain.ids import CustomerId, TicketId, new_id
from app.domain.ports import TermsView
from app.services.texts_customers import terms_lines
from tests.sync.desk import Client, Desk
from tests.widgets.real_desk import RealDesk
from widgets.customer.forms import AddressForm, CustomerForm, ProductForm
from widgets.customer.merge_customers import MergeCustomersWindow
from widgets.customer.page import CustomerWindow
from widgets.customer.terms_form import TermsForm
from widgets.foundation import Fold
from widgets.shell.customer_part import CustomerPart

CTRL = Qt.KeyboardModifier.ControlModifier


def part_of(desk: RealDesk) -> CustomerPart:
    assert desk.window.customers is not None
    return desk.window.customers


def opened(desk: RealDesk, ticket: bytes) -> CustomerWindow:
    """Open a ticket and press O."""
    desk.open(TicketId(ticket))
    desk.key(Qt.Key.Key_O)
    page = shown(desk)
    page.activateWindow()
    desk.qtbot.waitUntil(page.isActiveWindow)
    return page


def shown(desk: RealDesk) -> CustomerWindow:
    page = part_of(desk).page
    assert page is not None
    assert page.isVisible()
    page.finish()
    return page


def says(desk: RealDesk, *words: str, never: str = "") -> None:
    """Wait until the page says all of this, and what it must not say is gone."""

    def told() -> bool:
        page = shown(desk)
        read = " | ".join(texts(page))
        return all(word in read for word in words) and (not never or never not in read)

    desk.qtbot.waitUntil(told)


def texts(widget: QWidget) -> list[str]:
    return [w.text() for w in widget.findChildren(QLabel) if w.isVisibleTo(widget) and w.text()]


def press(desk: RealDesk, name: str) -> None:
    """Go to a button by Tab, and press it with Space."""
    page = shown(desk)
    page.activateWindow()
    desk.qtbot.waitUntil(page.isActiveWindow)
    page.line.setFocus()
    for _ in range(80):
        here = QApplication.focusWidget()
        if here is not None and name in (here.objectName(), here.accessibleName(), getattr(here, "text", str)()):
            QTest.keyClick(here, Qt.Key.Key_Space)
            return
        QTest.keyClick(here or page, Qt.Key.Key_Tab)
    raise AssertionError(f"the keyboard does not get to {name!r}")


def test_the_page_opens_with_o_and_an_address_is_added_by_keys_offline(
    desk: RealDesk, kim: Client, server: Desk
) -> None:
    """It shows at once, goes to the server when there is a line, and Ctrl+Z takes it back."""
    page = opened(desk, kim.new_ticket())
    assert page.name.text() == "한예린"
    press(desk, "add.address")
    form = part_of(desk).form
    assert isinstance(form, AddressForm)
    form.kind.setCurrentIndex(form.kind.findData("phone"))
    form.value.setText("ask Kim")
    QTest.keyClick(form.value, Qt.Key.Key_Return, CTRL)
    assert form.isVisible()
    assert "letter or digit" in form.problem.text.text()
    form.value.setText("010-0000-7777")
    QTest.keyClick(form.value, Qt.Key.Key_Return, CTRL)
    says(desk, "010-0000-7777", "Not sent yet")
    desk.sync()
    says(desk, "010-0000-7777", never="Not sent yet")
    assert [r["value"] for r in server.rows(CONTACT_ADDRESS.number)] == ["+821000007777"]
    page.close()
    desk.window.activateWindow()
    desk.qtbot.waitUntil(desk.window.isActiveWindow)
    desk.window.inbox.list.setFocus()
    desk.key(Qt.Key.Key_Z, CTRL)
    desk.sync()
    assert [bool(r["deleted"]) for r in server.rows(CONTACT_ADDRESS.number)] == [True]


def test_what_two_agents_did_to_one_customer_is_settled_as_any_conflict(
    desk: RealDesk, kim: Client, server: Desk, tmp_path: Path
) -> None:
    """What the form began with counts as seen: the later intent stays, the other one is kept."""
    opened(desk, kim.new_ticket())
    desk.sync()
    press(desk, "Edit")
    form = part_of(desk).form
    assert isinstance(form, CustomerForm)
    lee = Client(server, tmp_path / "lee", "lee")
    lee.sync()
    found = lee.profile.customers.page(CustomerId(server.customer))
    assert found is not None
    lee.do(CustomerSet(new_id(), server.customer, {"name": "한예린 (본사)"}))
    lee.sync()
    lee.close()
    form.name.setText("한예린 부장")
    form.calls.setText("Mon-Fri 09:00-12:00")
    QTest.keyClick(form.name, Qt.Key.Key_Return, CTRL)
    desk.sync()
    row = next(r for r in server.rows(CUSTOMER.number) if r["id"] == server.customer)
    assert row["name"] == "한예린 부장"
    assert row["call_times"] is not None
    says(desk, "Mon-Fri 09:00-12:00")


def test_a_product_is_put_into_repair_and_a_serial_number_of_somebody_else_is_refused(
    desk: RealDesk, kim: Client, server: Desk
) -> None:
    """What is refused says why, on the page."""
    kim.do(AssetCreate(new_id(), new_id(), server.other, {"product": "PX-200", "serial": "1"}))
    asset = new_id()
    kim.do(AssetCreate(new_id(), asset, server.customer, {"product": "PX-200", "serial": "88-1032"}))
    page = opened(desk, kim.new_ticket())
    press(desk, f"product.{asset.hex()}")
    form = part_of(desk).form
    assert isinstance(form, ProductForm)
    form.serial.setText("1")
    QTest.keyClick(form.serial, Qt.Key.Key_Return, CTRL)
    assert "serial number" in page.problem.text.text()
    press(desk, f"product.{asset.hex()}")
    form = part_of(desk).form
    assert isinstance(form, ProductForm)
    form.status.setCurrentIndex(form.status.findData("in_repair"))
    form.until.setText("2027-03-31")
    QTest.keyClick(form.status, Qt.Key.Key_Return, CTRL)
    desk.sync()
    row = next(r for r in server.rows(ASSET.number) if r["id"] == asset)
    assert (row["status"], row["warranty_until"]) == ("in_repair", "2027-03-31")
    says(desk, "in repair")


def made_lead(desk: RealDesk, kim: Client, server: Desk) -> None:
    server.spoil(USER.number, kim.me, roles='["agent","lead"]')
    identity = kim.profile.identity
    assert identity is not None
    kim.profile.commits.save_identity(replace(identity, roles=frozenset({"agent", "lead"})))
    desk.window.show_identity(kim.profile.identity)


@pytest.mark.ux("UX-29")
def test_a_lead_writes_support_terms_by_keyboard_and_undo_brings_the_ones_before_back(
    desk: RealDesk, kim: Client, server: Desk
) -> None:
    """Agents read them; a lead's form begins with what counts now, says what is no date, and reaches the server."""
    page = opened(desk, kim.new_ticket())
    assert page.findChild(QWidget, "edit.terms") is None
    page.close()
    desk.window.activateWindow()
    desk.qtbot.waitUntil(desk.window.isActiveWindow)
    made_lead(desk, kim, server)
    kim.do(TermsAdd(new_id(), new_id(), server.customer, {"valid_until": "2099-03-31", "included_ko": "전화 상담"}))
    opened(desk, kim.new_ticket())
    press(desk, "edit.terms")
    form = part_of(desk).form
    assert isinstance(form, TermsForm)
    assert (form.until.text(), form.included_ko.toPlainText()) == ("2099-03-31", "전화 상담")
    form.activateWindow()
    desk.qtbot.waitUntil(form.isActiveWindow)
    form.until.setText("next year")
    QTest.keyClick(form.until, Qt.Key.Key_Return, CTRL)
    assert "2027-03-31" in form.problem.text.text()
    form.until.selectAll()
    QTest.keyClicks(form.until, "2020-12-31")
    for _step in range(4):
        QTest.keyClick(QApplication.focusWidget() or form, Qt.Key.Key_Tab)
    assert QApplication.focusWidget() is form.after_en
    QTest.keyClicks(form.after_en, "Pay per call")
    QTest.keyClick(form.after_en, Qt.Key.Key_Return, CTRL)
    says(desk, "Free support ended on", "What can be chosen now: Pay per call")
    desk.sync()
    newest = max(server.rows(ENTITLEMENT.number), key=lambda row: repr(row["created_at"]))
    assert (newest["valid_until"], newest["included_ko"]) == ("2020-12-31", "전화 상담")
    assert "2020-12-31" in desk.window.toast.text()
    desk.window.deeds.undo()
    says(desk, "Included: 전화 상담", never="ended")
    desk.sync()
    assert len(server.rows(ENTITLEMENT.number)) == 3


def test_support_terms_can_be_for_a_product_and_typed_words_stay_while_one_looks(
    desk: RealDesk, kim: Client, server: Desk
) -> None:
    """The product has none of its own: they are its owner's until somebody writes some."""
    made_lead(desk, kim, server)
    asset = new_id()
    kim.do(AssetCreate(new_id(), asset, server.customer, {"product": "PX-200", "serial": "88-1032"}))
    opened(desk, kim.new_ticket())
    press(desk, "edit.terms")
    form = part_of(desk).form
    assert isinstance(form, TermsForm)
    assert [form.owner.itemText(n) for n in range(form.owner.count())] == ["한예린", "PX-200 88-1032"]
    form.plan.setText("half typed")
    form.owner.setCurrentIndex(1)
    assert form.plan.text() == ""
    form.owner.setCurrentIndex(0)
    assert form.plan.text() == "half typed"
    form.owner.setCurrentIndex(1)
    form.until.setText("2099-01-01")
    QTest.keyClick(form.until, Qt.Key.Key_Return, CTRL)
    says(desk, "Free support until", "No support terms known")
    desk.sync()
    (row,) = server.rows(ENTITLEMENT.number)
    assert row["owner"] == asset


def _talk(kim: Client, server: Desk, customer: bytes, channel: str, body: str) -> bytes:
    ticket = new_id()
    kim.do(
        TicketCreate(new_id(), ticket, f"{channel}?", server.team("북부"), customer, new_id(), body, channel=channel)
    )
    return ticket


def test_mail_call_and_chat_of_one_person_are_one_line_after_one_merge_and_apart_again(
    desk: RealDesk, kim: Client, server: Desk
) -> None:
    """The other record is found by its name, each differing field is asked, and one press takes it back."""
    second = CustomerId(new_id())
    kim.do(CustomerCreate(new_id(), second, "예린 한", language="en", phone="010-0000-1234", email="y@home.example"))
    kim.do(AddressAdd(new_id(), new_id(), server.customer, "email", "yerin@company.example"))
    mail = _talk(kim, server, server.customer, "mail", "written by mail")
    call = _talk(kim, server, second, "phone", "said on the phone")
    chat = _talk(kim, server, second, "chat", "typed in a chat")
    desk.sync()
    page = opened(desk, mail)
    assert [item.text for item in page.line.items()] == ["written by mail"]
    press(desk, "Merge with another record…")
    desk.pick("예린")
    form = part_of(desk).form
    assert isinstance(form, MergeCustomersWindow)
    assert set(form.answers) == {"name", "language"}
    form.answers["language"][1].setChecked(True)
    form.submit()
    desk.sync()
    says(desk, "010-0000-1234", "y@home.example", "yerin@company.example", "Merged into this customer")
    assert [(i.channel, i.text) for i in page.line.items()] == [
        ("chat", "typed in a chat"), ("phone", "said on the phone"), ("mail", "written by mail"),
    ]  # fmt: skip
    owners = {r["id"]: r["customer"] for r in server.rows(TICKET.number)}
    assert owners == dict.fromkeys((mail, call, chat), server.customer)
    assert next(r for r in server.rows(CUSTOMER.number) if r["id"] == server.customer)["language"] == "en"
    press(desk, f"merged.{second.hex()}")
    desk.sync()
    says(desk, "yerin@company.example", never="y@home.example")
    assert [item.text for item in page.line.items()] == ["written by mail"]
    owners = {r["id"]: r["customer"] for r in server.rows(TICKET.number)}
    assert owners == {mail: server.customer, call: second, chat: second}
    assert next(r for r in server.rows(CUSTOMER.number) if r["id"] == server.customer)["language"] == "ko"


def test_a_long_line_is_read_in_parts_and_a_row_opens_its_ticket(desk: RealDesk, kim: Client) -> None:
    """The latest stand first; older ones come when the end comes into sight."""
    ticket = kim.new_ticket()
    for n in range(70):
        kim.do(MessageAdd(new_id(), new_id(), ticket, f"message {n}", n + 1, inbound=True))
    kim.do(NoteAdd(new_id(), new_id(), ticket, "only for staff"))
    page = opened(desk, ticket)
    assert page.line.items()[0].text == "message 69"
    assert len(page.line.items()) == 50
    page.line.setFocus()
    page.line.scrollToBottom()
    desk.qtbot.waitUntil(lambda: len(page.line.items()) == 71)
    assert [i.text for i in page.line.items()][-2:] == ["message 0", "도와주세요"]
    page.line.setCurrentIndex(page.line.model().index(0, 0))
    QTest.keyClick(page.line, Qt.Key.Key_Return)
    assert part_of(desk).page is None
    assert desk.window.desk.details is not None
    assert desk.window.desk.details.row.id == ticket


def test_support_terms_tell_the_options_from_the_day_after_the_last_one() -> None:
    """F10: until the last day what is included, from the day after what can be chosen."""
    terms = TermsView("basic", "calls and mail", "2026-04-01", "2027-03-31", "per case or yearly plan")
    last = [line.text for line in terms_lines(terms, "", date(2027, 3, 31), date.isoformat)]
    after = [line.text for line in terms_lines(terms, "", date(2027, 4, 1), date.isoformat)]
    assert last == [
        "Free support until 2027-03-31", "Included: calls and mail", "Afterwards: per case or yearly plan",
    ]  # fmt: skip
    assert after == ["Free support ended on 2027-03-31", "What can be chosen now: per case or yearly plan"]


def test_what_is_already_known_stands_above_all_else_as_plain_text(desk: RealDesk, kim: Client) -> None:
    """Whatever a foreign computer says is words, and it is there offline."""
    ticket = kim.new_ticket()
    kim.do(
        FactsAdd(
            new_id(),
            new_id(),
            ticket,
            kim.desk.clock(),
            product="PX-200",
            last_error="<b>E-1042</b> &amp; more",
            found_at={"last_error": kim.desk.clock() - 3 * 86_400_000},
        )
    )
    desk.open(TicketId(ticket))
    panel = desk.window.customer

    def folds() -> list[Fold]:
        return [fold for fold in panel.findChildren(Fold) if fold.isVisible()]

    desk.qtbot.waitUntil(lambda: any(fold.header.text() == "Already known" for fold in folds()))
    first = min(folds(), key=lambda fold: fold.y())
    assert first.header.text() == "Already known"
    labels = [w for w in first.findChildren(QLabel) if "E-1042" in w.text()]
    assert [(w.text(), w.textFormat()) for w in labels] == [("<b>E-1042</b> &amp; more", Qt.TextFormat.PlainText)]
    heads = [w.text() for w in first.findChildren(QLabel)]
    assert "Product" in heads  # as old as the card, which says when that was
    assert any(text.startswith("Last error · ") for text in heads)  # older, and says so


def test_a_serial_number_finds_the_product_its_owner_and_every_ticket(kim: Client, server: Desk) -> None:
    """In whatever way it is typed."""
    asset = new_id()
    kim.do(AssetCreate(new_id(), asset, server.customer, {"product": "PX-200", "serial": "88 1032"}))
    tickets = [kim.new_ticket(), kim.new_ticket()]
    for ticket in tickets:
        kim.do(TicketSet(new_id(), ticket, {"asset": asset}))
    hits = kim.profile.customers.by_serial(" 881032 ")
    assert [(h.product, h.owner, h.owner_name) for h in hits] == [("PX-200", server.customer, "한예린")]
    assert {row.id for row in hits[0].tickets} == set(tickets)
    assert list(kim.profile.customers.by_serial("88")) == []


def test_a_serial_number_typed_into_the_search_leads_to_product_and_customer(
    desk: RealDesk, kim: Client, server: Desk
) -> None:
    """Above the hits stands whose product it is, also when no ticket is about it; a press opens the page."""
    kim.do(AssetCreate(new_id(), new_id(), server.customer, {"product": "PX-200", "serial": "88-1032"}))
    strip, search = desk.window.serials, desk.window.top.search
    assert strip is not None
    search.setText("88-10")
    assert not strip.isVisible()
    search.setText("88 -1032")  # not a number, a word that must not be there
    assert not strip.isVisible()
    search.setText("88-1032")
    desk.qtbot.waitUntil(strip.isVisible)
    assert "PX-200 · 88-1032 · 한예린 · 0 tickets" in texts(strip)
    (button,) = strip.findChildren(QAbstractButton)
    assert button.accessibleName() == "Customer card of 한예린"
    button.setFocus()
    QTest.keyClick(button, Qt.Key.Key_Space)
    assert shown(desk).page is not None
    search.clear()
    desk.qtbot.waitUntil(lambda: not strip.isVisible())


@pytest.mark.ux("UX-24")
def test_the_palette_finds_customers_by_name_and_by_serial_number(desk: RealDesk, kim: Client, server: Desk) -> None:
    """Commands first, then tickets, then people; Enter on one opens the page."""
    kim.do(AssetCreate(new_id(), new_id(), server.customer, {"product": "PX-200", "serial": "88-1032"}))
    for typed in ("한예린", "88-1032"):
        desk.key(Qt.Key.Key_K, CTRL)
        desk.pick(typed)
        page = shown(desk)
        assert page.page is not None
        assert page.page.id == server.customer
        page.close()
        desk.window.activateWindow()
        desk.qtbot.waitUntil(desk.window.isActiveWindow)
