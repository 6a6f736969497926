# SPDX-License-Identifier: GPL-3.0-or-later
"""The details pane: who asks, how to reach them, what they own and until when it is supported, earlier tickets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from functools import partial

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.config.i18n import N_, _
from app.domain.callbacks import Callback
from app.domain.deed_ports import SimilarTicket
from app.domain.fact_card import FactCard
from app.domain.ids import UserId
from app.domain.ports import AddressView, AssetInfo, Choices, ClockFacts, CustomerCard, TicketRow
from app.domain.promises import Promise
from app.domain.related import Related
from app.services.complaints import Guide
from app.services.texts import polite, state_name
from app.services.texts_customers import address_text, terms_lines
from app.services.texts_links import same_name, similar_title
from widgets.customer.callbacks import CallBlock
from widgets.customer.clock import ClockBlock
from widgets.customer.complaint import ComplaintGuide
from widgets.customer.facts import fact_rows, health_words
from widgets.customer.promises import PromiseBlock
from widgets.customer.related import RelatedBlocks
from widgets.customer.survey import answer_row, newest
from widgets.foundation import (
    Button,
    Chip,
    CopyButton,
    ElidedLabel,
    Fold,
    Look,
    Panel,
    PlainLabel,
    Theme,
    Words,
    clear,
    column,
    fmt,
    row,
    scroll,
)
from widgets.foundation.flow import Flow
from widgets.foundation.scroll_body import ScrollBody
from widgets.foundation.turns import Rank, Steps, delete_later

__all__ = ["CustomerPanel"]

_KINDS = {
    "phone": N_("Phone"),
    "email": N_("E-mail"),
    "mail": N_("E-mail"),
    "chat": N_("Chat"),
    "postal": N_("Postal address"),
    "companion": N_("Companion app"),
}
_ICONS = {
    "phone": "phone",
    "email": "mail",
    "mail": "mail",
    "chat": "message-circle",
    "postal": "map-pin",
    "companion": "app-window",
}
_LANGUAGES = {"ko": N_("Korean"), "en": N_("English"), "ja": N_("Japanese"), "zh": N_("Chinese")}
_STATUS = {"in_use": N_("in use"), "in_repair": N_("in repair"), "retired": N_("no longer used")}


class CustomerPanel(Panel):
    """Shows a customer card. `ticket_chosen` gives the id of an earlier ticket."""

    ticket_chosen = Signal(object)
    fold_changed = Signal(str, bool)  # block, open
    promise_withdrawn = Signal(object)  # Promise
    calls_opened = Signal()
    apology_asked = Signal(object)  # a missed Callback

    def __init__(self, theme: Theme) -> None:
        super().__init__("surface")
        self._theme = theme
        self._card: CustomerCard | None = None
        self._choices = Choices()
        self._today = date(1970, 1, 1)
        self._related: tuple[Related, UserId | None] = (Related(), None)
        self.related = RelatedBlocks(theme, self)
        self.related.ticket_chosen.connect(self.ticket_chosen)
        self.complaint = ComplaintGuide(theme, self)
        self._facts: FactCard | None = None
        self._clock: ClockFacts | None = None
        self._now_ms = 0
        self._block: ClockBlock | None = None
        self._promises: PromiseBlock | None = None
        self._calls: CallBlock | None = None
        self._similar: tuple[SimilarTicket, ...] = ()
        self._alike: Fold | None = None  # what shows of them
        self._built = True
        self._open: dict[str, bool] = {}
        self._building: Iterator[None] = iter(())
        self._steps = Steps(self._step, Rank.BESIDE, self)
        space = theme.tokens.space
        self._body = ScrollBody()
        self._column = column(gap=space.small, margins=(space.medium, space.medium, space.medium, space.medium))
        self._body.setLayout(self._column)
        self.area = scroll(self._body)
        self.area.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setLayout(column(self.area))
        self.setFocusProxy(self.area)
        self.retranslate()

    def show_card(
        self, card: CustomerCard | None, choices: Choices, today: date, clock: ClockFacts | None = None,
        now_ms: int = 0,
    ) -> None:  # fmt: skip
        """Show a customer, None when the ticket has none, and the ticket's clock; nothing is made twice."""
        self._now_ms = now_ms
        if (card, choices, today, clock) == (self._card, self._choices, self._today, self._clock):
            return
        self._card, self._choices, self._today, self._clock = card, choices, today, clock
        self._begin()
        self._steps.start()

    def tick(self, now_ms: int) -> None:
        """Keep the clock true: called every minute."""
        self._now_ms = now_ms
        if self._block is not None and self.isVisible():
            self._block.tick(now_ms)
        if self._promises is not None and self.isVisible():
            self._promises.tick(now_ms)
        if self._calls is not None and self.isVisible():
            self._calls.tick()

    def show_facts(self, facts: FactCard | None) -> None:
        """Show what is already known, above all else; call after `show_card`."""
        if facts != self._facts:
            self._facts = facts
            self._begin()
            self._steps.start()

    def show_related(self, related: Related, me: UserId | None) -> None:
        """Show what hangs on the ticket beside its customer; call after `show_card`."""
        shape, self._related = self._related, (related, me)
        same = replace(shape[0], closing=related.closing) == related  # the guide keeps that itself
        if not same or me != shape[1]:
            self._begin()
            self._steps.start()

    def show_guide(self, guide: Guide | None, choices: Choices, me: UserId | None, now_ms: int) -> None:
        """Show the guide of a complaint; it keeps itself true while the same ticket is open."""
        if self.complaint.know(guide, choices, me, now_ms):
            self._begin()
            self._steps.start()

    def show_similar(self, found: Sequence[SimilarTicket]) -> None:
        """Show tickets that may be about the same, below what is known; nothing else is made anew for it."""
        if tuple(found) == self._similar:
            return
        self._similar = tuple(found)
        if not self._built:
            self._begin()
            self._steps.start()
            return
        if self._alike is not None:
            self._alike.hide()
            delete_later(self._alike)
            self._alike = None
        if self._similar:
            self._column.insertWidget(2 if self._facts is not None else 1, self._similar_fold())

    def _similar_fold(self) -> Fold:
        self._alike = fold = self._fold("similar", similar_title(len(self._similar)), 1)
        for each in self._similar:
            fold.body.addWidget(self._earlier(each.row, same_name(each.same), fmt.when(each.row.last_at, self._now_ms)))
        return fold

    def finish(self) -> None:
        """Make at once what is still to be made."""
        self._steps.stop()
        for _step in self._building:
            pass

    def set_folds(self, open_: dict[str, bool]) -> None:
        """Say which blocks the person keeps open."""
        self._open = dict(open_)

    def changeEvent(self, event: QEvent) -> None:
        """Follow the language."""
        if event.type() is QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)

    def retranslate(self) -> None:
        """Say everything in the language spoken now."""
        self._begin()
        self.finish()

    def _begin(self) -> None:
        """Show who it is; the blocks follow one by one, so that the keyboard gets its turn between them."""
        self.area.setAccessibleName(_("Details"))
        self.setAccessibleName(_("Details"))
        clear(self._column)
        self._alike, self._built = None, False
        self._block = self._promises = self._calls = None
        card = self._card
        if card is None:
            self._column.addWidget(
                PlainLabel(_("The customer of this ticket is not known yet."), tone="muted", wrap=True)
            )
        else:
            self._column.addWidget(self._who(card))
        self._column.addStretch(1)  # from the beginning: what stands there keeps its place while more comes
        self._building = self._build(card)

    def _step(self) -> bool:
        return next(self._building, self) is None

    def _build(self, card: CustomerCard | None) -> Iterator[None]:
        """Make the blocks; each appears when it is whole. A step makes one row."""
        blocks: list[tuple[str, str, list[Callable[[], QWidget]]]] = []
        if self._facts is not None:
            earlier = card.earlier if card is not None else ()
            known = partial(fact_rows, self._theme, self._facts, self._today, self._now_ms, earlier)
            blocks.append(("facts", _("Already known"), [known]))
        if self._clock is not None:
            blocks.append(("clock", _("Deadlines"), [partial(self._deadlines, self._clock)]))
        if self._related[0].promises:
            blocks.append(("promises", _("Promises"), [partial(self._promised, self._related[0].promises)]))
        if self._related[0].calls:
            blocks.append(("calls", _("Calls"), [partial(self._called, self._related[0].calls)]))
        if card is not None:
            blocks += self._of_card(card)
        at = len(blocks) - (self._card is not None)  # before the earlier tickets
        blocks[at:at] = self.related.blocks(self._related[0], self._choices, self._related[1])
        blocks += self.complaint.blocks()
        answers = newest(self._related[0].answers)
        if answers:
            rows = [partial(answer_row, self._theme, each) for each in answers]
            blocks.append(("answers", _("Two-question check"), [*rows]))
        for key, title, makers in blocks:
            fold = self._fold(key, title, len(makers))
            for make in makers:
                made = make()
                for widget in (made, *made.findChildren(QWidget)):
                    widget.ensurePolished()
                fold.body.addWidget(made)
                yield
            self._column.insertWidget(self._column.count() - 1, fold)
            yield
            if key == "facts":
                yield from self._alike_ones()
        if self._facts is None:
            yield from self._alike_ones()
        self._built = True

    def _alike_ones(self) -> Iterator[None]:
        if self._similar:
            self._column.insertWidget(2 if self._facts is not None else 1, self._similar_fold())
            yield

    def _deadlines(self, clock: ClockFacts) -> QWidget:
        self._block = ClockBlock(self._theme, clock, self._now_ms)
        return self._block

    def _promised(self, promises: Sequence[Promise]) -> QWidget:
        self._promises = PromiseBlock(self._theme, promises, self._now_ms)
        self._promises.withdrawn.connect(self.promise_withdrawn)
        return self._promises

    def _called(self, calls: Sequence[Callback]) -> QWidget:
        self._calls = CallBlock(self._theme, calls, lambda: self._now_ms)
        self._calls.opened.connect(self.calls_opened)
        self._calls.apology_asked.connect(self.apology_asked)
        return self._calls

    def _of_card(self, card: CustomerCard) -> list[tuple[str, str, list[Callable[[], QWidget]]]]:
        return [
            ("contacts", _("Contacts"), [partial(self._address, each) for each in card.addresses]),
            ("assets", _("Products"), [partial(self._asset, each) for each in card.assets]),
            ("earlier", _("Earlier tickets"), [partial(self._earlier, each) for each in card.earlier]),
        ]

    def _who(self, card: CustomerCard) -> QWidget:
        space = self._theme.tokens.space
        name = Words(polite(card.name), type="title", selectable=True)
        box = column(name, gap=space.hair, margins=(space.tiny, 0, space.tiny, space.small))
        if card.organisation:
            box.addWidget(Words(card.organisation, tone="muted", selectable=True))
        tier = _("Priority customer") if card.tier not in ("", "standard") else ""
        language = _(_LANGUAGES[card.language]) if card.language in _LANGUAGES else card.language
        chips = [Chip(text, kind=kind) for text, kind in ((tier, "accent"), (language, "neutral")) if text]
        flow = Flow(space.tiny)
        for chip in chips:
            flow.addWidget(chip)
        box.addLayout(flow)
        holder = QWidget()
        holder.setLayout(box)
        return holder

    def _fold(self, key: str, title: str, n: int) -> Fold:
        nothing = () if n else (PlainLabel(_("None"), tone="muted"),)
        shown = f"{title}  {n}" if n > 1 else title
        fold = Fold(self._theme, shown, *nothing, open_=self._open.get(key, True))
        fold.folded.connect(lambda folded: self._keep(key, not folded))
        return fold

    def _keep(self, key: str, open_: bool) -> None:
        self._open[key] = open_
        self.fold_changed.emit(key, open_)

    def _copy(self, value: str, what: str) -> CopyButton:
        name = _("Copy {what} {value}").format(what=what, value=value)
        return CopyButton(self._theme, value, label=_("Copy"), done=_("Copied"), name=name)

    def _address(self, address: AddressView) -> QWidget:
        kind = _(_KINDS[address.kind]) if address.kind in _KINDS else address.kind
        picture = PlainLabel()
        self._theme.set_label_icon(picture, _ICONS.get(address.kind, "at-sign"))
        picture.setAccessibleName(kind)
        text = address_text(address.kind, address.value)
        value = ElidedLabel(text)
        value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        box = row(picture, value, self._copy(text, kind), gap=self._theme.tokens.space.small)
        box.setStretch(1, 1)
        holder = QWidget()
        holder.setLayout(box)
        return holder

    def _asset(self, asset: AssetInfo) -> QWidget:
        space = self._theme.tokens.space
        serial = ElidedLabel(asset.serial, tone="muted")
        head = row(PlainLabel(asset.model or asset.product, type="strong"), None, gap=space.small)
        if asset.status in _STATUS and asset.status != "in_use":
            head.addWidget(Chip(_(_STATUS[asset.status])))
        copy = row(
            PlainLabel(_("Serial"), tone="muted"), serial, self._copy(asset.serial, _("serial number")), gap=space.small
        )
        copy.setStretch(1, 1)
        more = [*self._terms(asset), *self._bought(asset)]
        box = column(head, copy, *more, gap=space.hair, margins=(0, 0, 0, space.small))
        holder = QWidget()
        holder.setLayout(box)
        return holder

    def _terms(self, asset: AssetInfo) -> list[QWidget]:
        lines = terms_lines(asset.terms, asset.warranty_until or "", self._today, fmt.day)
        return [
            self._iconed(each.icon, each.tone, each.text) if each.icon else Words(each.text, tone=each.tone)
            for each in lines
        ]

    def _bought(self, asset: AssetInfo) -> list[QWidget]:
        order = [Words(_("Order {number}").format(number=asset.order_ref), tone="muted")] if asset.order_ref else []
        return [*order, *health_words(asset.health, self._now_ms)]

    def _iconed(self, icon: str, tone: str, text: str) -> QWidget:
        picture = PlainLabel()
        self._theme.set_label_icon(picture, icon, f"{tone}.fg")
        label = Words(text, tone=tone)
        box = row(picture, label, gap=self._theme.tokens.space.tiny)
        box.setStretch(1, 1)
        box.setAlignment(picture, Qt.AlignmentFlag.AlignTop)
        holder = QWidget()
        holder.setLayout(box)
        return holder

    def _earlier(self, line_: TicketRow, *more: str) -> QWidget:
        state = state_name(self._choices, line_.state, line_.category)
        button = Button(self._theme, line_.subject, look=Look.LINK, pressed=lambda: self.ticket_chosen.emit(line_.id))
        button.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        metrics = button.fontMetrics()
        room = self._theme.tokens.space.vast * 4
        button.setText(metrics.elidedText(line_.subject, Qt.TextElideMode.ElideRight, room))
        told = " · ".join(filter(None, (state, *more)))
        button.setAccessibleName(f"{line_.label} {line_.subject}, {told}")
        foot = PlainLabel(f"{line_.label} · {told}", type="caption", tone="muted")
        foot.setContentsMargins(self._theme.tokens.space.hair, 0, 0, 0)
        holder = QWidget()
        holder.setLayout(column(button, foot))
        return holder
