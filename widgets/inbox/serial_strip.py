# SPDX-License-Identifier: GPL-3.0-or-later
"""Above the hits of a search: the product whose serial number was typed, whose it is, and the way to its owner."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QWidget

from app.config.i18n import _, ngettext
from app.domain.customer_ports import CustomerStore, SerialHit
from app.domain.search_text import typed_serial
from app.services.texts import polite
from widgets.foundation import Button, ElidedLabel, Look, PlainLabel, Theme, announce, clear, column, row
from widgets.foundation.jobs import Jobs

__all__ = ["SerialStrip", "serial_words"]

_MOST = 3


def serial_words(hit: SerialHit) -> str:
    """Return product, serial number, owner and how many tickets are about it."""
    n = len(hit.tickets)
    tickets = ngettext("{n} ticket", "{n} tickets", n).format(n=n)
    owner = polite(hit.owner_name) if hit.owner is not None else hit.owner_name
    return " · ".join(filter(None, (hit.product, hit.serial, owner, tickets)))


class SerialStrip(QWidget):
    """Hidden unless what is searched for is a whole serial number. `customer_chosen` gives whose product it is."""

    customer_chosen = Signal(object)  # CustomerId

    def __init__(self, theme: Theme, store: CustomerStore, jobs: Jobs) -> None:
        super().__init__()
        self._theme, self._store, self._jobs = theme, store, jobs
        self._told: tuple[str, ...] = ()
        space = theme.tokens.space
        self._lines = column(gap=space.tiny, margins=(space.large, space.tiny, space.small, space.tiny))
        self.setLayout(self._lines)
        self.hide()

    def look(self, search: str) -> None:
        """Look whether this search text is a serial number; "" for no search."""
        serial = typed_serial(search)
        if not serial:
            # asked for, too: so an answer that is on its way counts no more
            self._jobs.query(lambda: (), self._show, lambda _why: None, key="list.serial")
            return
        self._jobs.query(
            lambda: self._store.by_serial(serial), self._show, lambda _why: self._show(()), key="list.serial"
        )

    def _show(self, hits: Sequence[SerialHit]) -> None:
        told = tuple(serial_words(hit) for hit in hits[:_MOST])
        self.setVisible(bool(told))
        if told == self._told:
            return
        self._told = told
        clear(self._lines)
        for hit, words in zip(hits, told, strict=False):
            self._lines.addWidget(self._line(hit, words))
        if told:
            announce(self, told[0])

    def _line(self, hit: SerialHit, words: str) -> QWidget:
        picture = PlainLabel()
        self._theme.set_label_icon(picture, "archive")
        text = ElidedLabel(words)
        text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        parts: list[QWidget] = [picture, text]
        if hit.owner is not None:
            name = _("Customer card of {name}").format(name=polite(hit.owner_name))
            button = Button(
                self._theme, _("Customer card"), look=Look.QUIET, icon="user",
                pressed=partial(self.customer_chosen.emit, hit.owner),
            )  # fmt: skip
            button.setAccessibleName(name)
            parts.append(button)
        box = row(*parts, gap=self._theme.tokens.space.small)
        box.setStretch(1, 1)
        held = QWidget()
        held.setLayout(box)
        return held
