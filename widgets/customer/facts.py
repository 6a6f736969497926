# SPDX-License-Identifier: GPL-3.0-or-later
"""The fact card: what is already known of the matter, so that nobody asks for it again. All of it is plain text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from PySide6.QtWidgets import QWidget

from app.config.i18n import _, ngettext
from app.domain.fact_card import FactCard
from app.domain.ports import TicketRow
from app.services.texts_customers import FACT_NAMES, fact_lines, health_lines
from widgets.foundation import CopyButton, PlainLabel, Theme, Words, column, fmt, row

__all__ = ["fact_rows", "health_words"]

_SAME_MS = 60_000
_COPIED = ("serial", "last_error", "error_code")  # what is looked up elsewhere; the others can be selected


def fact_rows(theme: Theme, card: FactCard, today: date, now_ms: int, earlier: Sequence[TicketRow] = ()) -> QWidget:
    """Return the card's facts under each other, Copy with those one looks up, and when and how they were collected.

    A fact older than the card says from when it is; earlier tickets of the customer are facts as well.
    """
    space = theme.tokens.space
    box = column(gap=space.small)
    copied = {_(name) for key, name in FACT_NAMES.items() if key in _COPIED}
    for name, value, at in fact_lines(card, today, fmt.day):
        age = fmt.when(at, now_ms) if abs(at - card.collected_at) > _SAME_MS else ""
        words = Words(value, selectable=True)
        words.setAccessibleName(f"{name}: {value}")
        said = row(words, gap=space.small)
        said.setStretch(0, 1)
        if name in copied:
            told_name = _("Copy {what} {value}").format(what=name, value=value)
            said.addWidget(CopyButton(theme, value, label=_("Copy"), done=_("Copied"), name=told_name))
        head = PlainLabel(" · ".join(filter(None, (name, age))), type="caption", tone="muted")
        box.addLayout(column(head, said))
    if earlier:
        box.addLayout(column(PlainLabel(_("Earlier tickets"), type="caption", tone="muted"), Words(_told(earlier))))
    told = _("Told by the customer's computer on {when}, with consent") if card.by_customer else _("Written on {when}")
    box.addWidget(Words(told.format(when=fmt.moment(card.collected_at)), type="caption", tone="muted"))
    holder = QWidget()
    holder.setLayout(box)
    return holder


def _told(earlier: Sequence[TicketRow]) -> str:
    last = f"{earlier[0].label} {earlier[0].subject}"
    return ngettext("{n}, the last: {last}", "{n}, the last: {last}", len(earlier)).format(n=len(earlier), last=last)


def health_words(health: Mapping[str, object], now_ms: int) -> list[Words]:
    """Return what a product's own computer told last, and when that was; nothing where it never did."""
    at = health.get("reported_at")
    lines = health_lines(health)
    if not lines or not isinstance(at, int):
        return []
    told = " · ".join(f"{name}: {value}" for name, value in lines)
    return [Words(_("As of {when}: {told}").format(when=fmt.when(at, now_ms), told=told), tone="muted")]
