# SPDX-License-Identifier: GPL-3.0-or-later
"""The customer's page: who it is and how to reach them, products, support terms, and all that happened in one line."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import pairwise

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication, QDialog, QLayout, QSizePolicy, QWidget

from app.config.i18n import _, language
from app.domain.call_times import call_times_text
from app.domain.customer_ports import ContactRow, CustomerPage, MergedCustomer, OwnedProduct, TimeItem
from app.domain.ports import Choices, TicketRow
from app.services.texts import polite, state_name
from app.services.texts_customers import (
    ADDRESS_ICONS,
    LANGUAGES,
    STATUSES,
    Line,
    address_kind,
    address_text,
    terms_lines,
    tier_name,
)
from widgets.customer.facts import health_words
from widgets.customer.time_line import TimeLine
from widgets.foundation import (
    Button,
    Chip,
    CopyButton,
    ElidedLabel,
    IconButton,
    Look,
    Notice,
    Panel,
    PlainLabel,
    Theme,
    Words,
    clear,
    column,
    fit,
    fmt,
    line,
    row,
    scroll,
)
from widgets.foundation.flow import Flow
from widgets.foundation.scroll_body import ScrollBody
from widgets.foundation.turns import Rank, Steps

__all__ = ["CustomerWindow"]

Maker = Callable[[], QWidget]


class CustomerWindow(QDialog):
    """Not modal: work goes on beside it. It shows what it is given and says what the person asks for."""

    spoken_pickers = True
    edit_asked = Signal()
    merge_asked = Signal()
    address_asked = Signal(object)  # ContactRow, or None for a new one
    product_asked = Signal(object)  # OwnedProduct, or None for a new one
    terms_asked = Signal()
    unmerge_asked = Signal(object)  # MergedCustomer
    ticket_chosen = Signal(object)  # TicketId
    more_wanted = Signal()

    def __init__(self, theme: Theme, now_ms: Callable[[], int], parent: QWidget | None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._theme, self._now_ms = theme, now_ms
        self.page: CustomerPage | None = None
        self.writes_terms = False  # support terms are a lead's to write
        self._choices = Choices()
        self._building: Iterator[None] = iter(())
        self._steps = Steps(lambda: next(self._building, self) is None, Rank.BESIDE, self)
        space = theme.tokens.space
        self.name = Words("", type="title", selectable=True)
        self.about = Words("", tone="muted", selectable=True)
        self._chips = Flow(space.tiny)
        self.edit = Button(theme, _("Edit"), icon="pen-line", pressed=self.edit_asked.emit)
        self.merge = Button(theme, _("Merge with another record…"), icon="merge", pressed=self.merge_asked.emit)
        self.close_button = Button(theme, _("Close"), pressed=self.close)
        self.problem = Notice(theme, kind="warning")
        self.problem.hide()
        self._body = ScrollBody()
        self._column = column(gap=space.large, margins=(0, 0, space.medium, 0))
        self._body.setLayout(self._column)
        self.area = scroll(self._body)
        wide = space.vast * 6 * max(100, theme.text_percent) // 100
        self.area.setMinimumWidth(min(wide, self.screen().availableGeometry().width() * 2 // 5))
        self.line = TimeLine(theme, now_ms)
        self.line.more_wanted.connect(self.more_wanted)
        self.line.ticket_chosen.connect(self.ticket_chosen)
        self.nothing = PlainLabel(_("Nothing was written or said yet."), tone="muted", wrap=True)
        self.nothing.hide()
        self._lay_out()
        fit(self, space.vast * 17, space.vast * 13)
        self.line.setFocus()

    def _lay_out(self) -> None:
        space = self._theme.tokens.space
        buttons = row(self.edit, self.merge, gap=space.small)
        head = row(column(self.name, self.about, self._chips, gap=space.tiny), buttons, gap=space.large)
        head.setStretch(0, 1)
        head.setAlignment(buttons, Qt.AlignmentFlag.AlignTop)
        heading = PlainLabel(_("Time line"), type="strong", tone="muted")
        right = Panel(
            "window",
            column(heading, self.nothing, self.line, gap=space.small, margins=(space.medium, 0, 0, 0)),
        )
        right.setMinimumWidth(space.vast * 6)
        body = row(self.area, line(vertical=True), right)
        body.setStretch(0, 5)
        body.setStretch(2, 6)
        edge = (space.wide, space.wide, space.wide, space.large)
        whole = column(head, self.problem, line(), body, row(None, self.close_button), gap=space.medium, margins=edge)
        whole.setStretch(3, 1)
        self.setLayout(whole)

    # --- showing -----------------------------------------------------------------------------------------------------

    def show_page(self, page: CustomerPage, choices: Choices) -> None:
        """Show who it is at once, the blocks one after the other; what shows already stays."""
        if (page, choices) == (self.page, self._choices):
            return
        if self.page is not None and self.page.id != page.id:
            clear(self._column)
        self.page, self._choices = page, choices
        self.setWindowTitle(_("Customer {name}").format(name=polite(page.name)))
        self.name.setText(polite(page.name))
        full = page.text("name")
        others = (full if full != page.name else "", page.organisation.name if page.organisation else "")
        self.about.setText(" · ".join(filter(None, others)))
        self.about.setVisible(any(others))
        self._show_chips(page)
        self._building = self._build(page)
        self._steps.start()

    def finish(self) -> None:
        """Make at once what is still to be made."""
        self._steps.stop()
        for _step in self._building:
            pass

    def show_line(self, items: Sequence[TimeItem], *, whole: bool) -> None:
        """Show the newest part of what happened."""
        self.line.show_items(items, whole=whole)
        self.nothing.setVisible(not items)

    def tell(self, text: str) -> None:
        """Say what could not be done; "" takes it away."""
        self.problem.tell(text, "warning")
        self.problem.setVisible(bool(text))

    def _show_chips(self, page: CustomerPage) -> None:
        clear(self._chips)
        tier, tongue = page.text("tier"), page.text("language")
        chips = [
            (tier_name(tier) if tier not in ("", "normal") else "", "accent"),
            (_(LANGUAGES[tongue]) if tongue in LANGUAGES else tongue, "neutral"),
            (page.text("zone"), "neutral"),
            (
                _("Blocked: {why}").format(why=page.text("blocked_reason")) if page.text("blocked_reason") else "",
                "danger",
            ),
            (_("Not sent yet") if page.pending else "", "outline"),
        ]
        for text, kind in chips:
            if text:
                self._chips.addWidget(Chip(text, kind=kind))

    # --- the blocks --------------------------------------------------------------------------------------------------

    def _build(self, page: CustomerPage) -> Iterator[None]:
        """Make the blocks, one row in a step; those of before stand there until all are made."""
        contacts: list[Maker] = [partial(self._contact, each) for each in page.contacts]
        calls = call_times_text(page.text("call_times"), language())
        if calls:
            contacts.append(partial(self._line, Line(_("Likes to be called: {times}").format(times=calls), "clock")))
        products: list[Maker] = [partial(self._product, each) for each in page.products]
        tickets: list[Maker] = [partial(self._ticket, each) for each in page.tickets]
        if page.n_tickets > len(page.tickets):
            rest = _("{n} older ones: search for customer:{name}").format(
                n=page.n_tickets - len(page.tickets), name=page.name
            )
            tickets.append(partial(Words, rest, tone="muted"))
        blocks: list[tuple[str, list[Maker], Maker | None]] = [
            (
                _("Contacts"),
                contacts,
                partial(self._add, "address", _("Add an address"), lambda: self.address_asked.emit(None)),
            ),
            (
                _("Products"),
                products,
                partial(self._add, "product", _("Add a product"), lambda: self.product_asked.emit(None)),
            ),
            (
                _("Support terms"),
                [partial(self._terms, page)],
                self._edit_terms if self.writes_terms else None,
            ),
            (_("Tickets"), tickets, None),
        ]
        if page.organisation is not None and (page.organisation.note or page.organisation.tier):
            blocks.insert(3, (_("Organisation"), [partial(self._organisation, page)], None))
        if page.merged_here:
            merged: list[Maker] = [partial(self._merged, each) for each in page.merged_here]
            blocks.append((_("Merged into this customer"), merged, None))
        made: list[QWidget] = []
        for title, makers, add in blocks:
            head = PlainLabel(title, type="strong", tone="muted")
            block = QWidget()
            box = column(row(head, None, *([add()] if add else [])), gap=self._theme.tokens.space.small)
            block.setLayout(box)
            block.setAccessibleName(title)
            for make in makers or [partial(PlainLabel, _("None"), tone="muted")]:
                box.addWidget(make())
                yield
            for widget in (block, *block.findChildren(QWidget)):
                widget.ensurePolished()
            made.append(block)
            yield
        focused = self._focused()
        clear(self._column)
        for block in made:
            self._column.addWidget(block)
        self._column.addStretch(1)
        self._order_keys(made)
        self._restore_focus(made, focused)

    def _add(self, key: str, text: str, pressed: Callable[[], object]) -> QWidget:
        button = Button(self._theme, text, look=Look.QUIET, icon="plus", pressed=pressed)
        button.setObjectName(f"add.{key}")
        return button

    def _contact(self, contact: ContactRow) -> QWidget:
        space, kind = self._theme.tokens.space, address_kind(contact.kind)
        text = address_text(contact.kind, contact.value)
        picture = PlainLabel()
        self._theme.set_label_icon(picture, ADDRESS_ICONS.get(contact.kind, "at-sign"))
        picture.setAccessibleName(kind)
        value = ElidedLabel(text)
        value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        copy = self._copy(text, kind)
        edit = IconButton(self._theme, "pen-line", _("Edit {what}").format(what=text),
                          pressed=lambda: self.address_asked.emit(contact))  # fmt: skip
        edit.setObjectName(f"address.{contact.id.hex()}")
        top = row(picture, value, copy, edit, gap=space.small)
        top.setStretch(1, 1)
        said = [
            (contact.label, "neutral"),
            (_("Main") if contact.is_primary else "", "accent"),
            (_("Verified") if contact.verified_at is not None else "", "success"),
            (_("Does not work since {day}").format(day=fmt.day(fmt.today(contact.bad_since)))
             if contact.bad_since is not None else "", "danger"),
            (_("Not sent yet") if contact.pending else "", "outline"),
        ]  # fmt: skip
        return self._held(column(top, self._flow(said), gap=space.tiny))

    def _product(self, product: OwnedProduct) -> QWidget:
        space = self._theme.tokens.space
        name = product.model or product.product
        title = Words(name if product.product in ("", name) else f"{product.product} {name}", type="strong")
        edit = IconButton(self._theme, "pen-line", _("Edit {what}").format(what=name),
                          pressed=lambda: self.product_asked.emit(product))  # fmt: skip
        edit.setObjectName(f"product.{product.id.hex()}")
        top = row(title, edit, gap=space.small)
        top.setStretch(0, 1)
        box = column(top, gap=space.hair)
        if product.serial:
            serial = ElidedLabel(product.serial, tone="muted")
            copy = self._copy(product.serial, _("serial number"))
            about = row(PlainLabel(_("Serial"), tone="muted"), serial, copy, gap=space.small)
            about.setStretch(1, 1)
            box.addLayout(about)
        status = _(STATUSES[product.status]) if product.status in STATUSES else product.status
        shared = _("of the organisation") if product.shared else ""
        pending = _("Not sent yet") if product.pending else ""
        kind = "warning" if product.status == "in_repair" else "neutral"
        box.addLayout(self._flow([(status, kind), (shared, "neutral"), (pending, "outline")]))
        if product.purchased_on:
            box.addWidget(Words(_("Purchased on {day}").format(day=product.purchased_on), tone="muted"))
        if product.order_ref:
            box.addWidget(Words(_("Order {number}").format(number=product.order_ref), tone="muted", selectable=True))
        for words in health_words(product.health, self._now_ms()):
            box.addWidget(words)
        for each in terms_lines(product.terms, product.warranty_until, fmt.today(self._now_ms()), fmt.day):
            box.addWidget(self._line(each))
        if product.terms is not None and product.warranty_until:
            box.addWidget(Words(_("Warranty until {day}").format(day=product.warranty_until), tone="muted"))
        return self._held(box)

    def _terms(self, page: CustomerPage) -> QWidget:
        lines = terms_lines(page.terms, "", fmt.today(self._now_ms()), fmt.day)
        plan = [Line(page.terms.plan, tone="")] if page.terms is not None and page.terms.plan else []
        return self._held(column(*(self._line(each) for each in (*plan, *lines)), gap=self._theme.tokens.space.hair))

    def _edit_terms(self) -> QWidget:
        edit = IconButton(self._theme, "pen-line", _("Edit support terms"), pressed=self.terms_asked.emit)
        edit.setObjectName("edit.terms")
        return edit

    def _organisation(self, page: CustomerPage) -> QWidget:
        body = page.organisation
        tier = tier_name(body.tier) if body is not None else ""
        note = body.note if body is not None else ""
        parts = [Words(text, selectable=True, tone=tone) for text, tone in ((tier, "muted"), (note, "")) if text]
        return self._held(column(*parts, gap=self._theme.tokens.space.hair))

    def _ticket(self, line_: TicketRow) -> QWidget:
        state = state_name(self._choices, line_.state, line_.category)
        button = Button(self._theme, line_.subject, look=Look.LINK, pressed=lambda: self.ticket_chosen.emit(line_.id))
        button.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        room = self._theme.tokens.space.vast * 5
        button.setText(button.fontMetrics().elidedText(line_.subject, Qt.TextElideMode.ElideRight, room))
        button.setAccessibleName(f"{line_.label} {line_.subject}, {state}")
        button.setObjectName(f"ticket.{line_.id.hex()}")
        foot = f"{line_.label} · {state} · {fmt.when(line_.last_at, self._now_ms())}"
        return self._held(column(button, PlainLabel(foot, type="caption", tone="muted")))

    def _merged(self, merged: MergedCustomer) -> QWidget:
        name = Words(f"{polite(merged.name)} · {fmt.moment(merged.at)}" if merged.at else polite(merged.name))
        undo = Button(self._theme, _("Take out again"), icon="undo-2", pressed=lambda: self.unmerge_asked.emit(merged))
        undo.setAccessibleName(_("Take {ticket} out again").format(ticket=polite(merged.name)))
        undo.setObjectName(f"merged.{merged.id.hex()}")
        box = row(name, undo, gap=self._theme.tokens.space.small)
        box.setStretch(0, 1)
        return self._held(box)

    # --- parts -------------------------------------------------------------------------------------------------------

    def _held(self, layout: QLayout) -> QWidget:
        holder = QWidget()
        holder.setLayout(layout)
        return holder

    def _flow(self, said: Sequence[tuple[str, str]]) -> Flow:
        flow = Flow(self._theme.tokens.space.tiny)
        for text, kind in said:
            if text:
                flow.addWidget(Chip(text, kind=kind))
        return flow

    def _line(self, said: Line) -> QWidget:
        words = Words(said.text, tone=said.tone, selectable=True)
        if not said.icon:
            return words
        picture = PlainLabel()
        self._theme.set_label_icon(picture, said.icon, f"{said.tone}.fg" if said.tone else "fg.muted")
        box = row(picture, words, gap=self._theme.tokens.space.tiny)
        box.setStretch(1, 1)
        box.setAlignment(picture, Qt.AlignmentFlag.AlignTop)
        return self._held(box)

    def _copy(self, value: str, what: str) -> CopyButton:
        name = _("Copy {what} {value}").format(what=what, value=value)
        return CopyButton(self._theme, value, label=_("Copy"), done=_("Copied"), name=name)

    # --- the keyboard ------------------------------------------------------------------------------------------------

    def _focused(self) -> str:
        here = QApplication.focusWidget()
        return here.objectName() if here is not None and self._body.isAncestorOf(here) else ""

    def _order_keys(self, blocks: Sequence[QWidget]) -> None:
        """Tab goes as the eye does: head, blocks from the top, time line, Close."""
        inside = [w for block in blocks for w in block.findChildren(QWidget)]
        stops = [w for w in inside if w.focusPolicy() & Qt.FocusPolicy.TabFocus]
        for one, other in pairwise([self.edit, self.merge, *stops, self.line, self.close_button]):
            QWidget.setTabOrder(one, other)

    def _restore_focus(self, blocks: Sequence[QWidget], name: str) -> None:
        """After the blocks were made anew the keyboard is where it was."""
        found = (block.findChild(QWidget, name) for block in blocks) if name else ()
        target = next((widget for widget in found if isinstance(widget, QWidget)), None)
        if target is not None:
            target.setFocus()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape closes, also while a row is chosen."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            return
        super().keyPressEvent(event)
