# SPDX-License-Identifier: GPL-3.0-or-later
"""The customer looks through what was found out about this computer, keeps back some of it, and decides."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Signal
from PySide6.QtGui import QCloseEvent, QFontDatabase

from app.config.i18n import _, ngettext
from app.domain.facts import Facts
from widgets.companion.timed import TimedQuestion
from widgets.foundation import BusyStrip, PlainEdit, PlainLabel, Theme, announce, column, fit, fmt, row
from widgets.foundation.fact_tree import FactTree

__all__ = ["FactsWindow"]


class FactsWindow(TimedQuestion):
    """`sent` carries the exact text as it stands in this window. Escape, the cross and "Don't send" send nothing."""

    sent = Signal(str)
    withheld = Signal()
    closed = Signal()
    struck = Signal(str, int, bool)
    spoken_s = (120, 60, 30)

    def __init__(self, theme: Theme, who: tuple[str, str], deadline_ms: int, now_ms: Callable[[], int]) -> None:
        """`who` is the agent and the organisation."""
        super().__init__(theme, who, deadline_ms, now_ms)
        self._awake_from = None  # there is nothing yet that could be sent
        self._flowing = True
        self._decided = False
        self._build()
        self._count()
        self.no.setFocus()
        self.busy.start(_("Finding out about this computer…"))
        announce(self, self.heading.text())

    def _build(self) -> None:
        theme, space = self._theme, self._theme.tokens.space
        name, organisation = self._who
        self.heading = PlainLabel(_("What {name} would get to know").format(name=name), type="heading", wrap=True)
        self.setWindowTitle(self.heading.text())
        self.words = PlainLabel(
            _(
                "This was found out on your computer. Nothing has been sent. Take the tick away from whatever "
                "{name} ({organisation}) need not know: Space does it as well. Names, addresses and secrets we know of "
                "are taken out already, but read it yourself."
            ).format(name=name, organisation=organisation),
            wrap=True,
        )
        self.busy = BusyStrip(theme)
        self.tree = FactTree(name=_("What was found out, in sections"), choose=True)
        self.tree.struck.connect(self.struck)
        self.exact = PlainEdit(name=_("Exact text that would be sent"))
        self.exact.setReadOnly(True)
        self.exact.setUndoRedoEnabled(False)
        self.exact.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        left = column(PlainLabel(_("In plain words"), type="strong"), self.tree, gap=space.tiny)
        right = column(PlainLabel(_("Exactly what would be sent"), type="strong"), self.exact, gap=space.tiny)
        both = row(left, right, gap=space.large)
        both.setStretch(0, 3)
        both.setStretch(1, 2)
        self.summary = PlainLabel(tone="muted", wrap=True)
        self.no.setText(_("Don't send"))
        self.yes.setText(_("Send exactly this"))
        edge = (space.huge, space.wide, space.huge, space.wide)
        whole = column(
            self.heading, self.words, self.busy, both, self.summary, self.time, row(self.no, None, self.yes),
            gap=space.medium, margins=edge,
        )  # fmt: skip
        whole.setStretch(3, 1)
        self.setLayout(whole)
        fit(self, space.vast * 22, space.vast * 15)

    # --- what the host says ----------------------------------------------------------------------------------

    def show_facts(self, facts: Facts) -> None:
        """Show what was found. From now on it can be sent, after a moment."""
        self.busy.stop()
        self.tree.show_sections(facts.sections)
        self._sleep()
        self.tree.setFocus()
        self.update_facts(facts)

    def update_facts(self, facts: Facts) -> None:
        """Show the exact text anew, after something was kept back or put back."""
        at = self.exact.verticalScrollBar().value()
        self.exact.setPlainText(facts.exact)
        self.exact.verticalScrollBar().setValue(at)
        parts = [_("{size} in all").format(size=fmt.size(facts.size))]
        if facts.kept_back:
            kept = ngettext("{n} kept back", "{n} kept back", facts.kept_back)
            parts.append(kept.format(n=facts.kept_back))
        self.summary.setText("  ·  ".join(parts))
        self._count()

    def show_flow(self, *, flowing: bool) -> None:
        """Whether anything can be sent now: not while sharing is paused or the connection is broken."""
        self._flowing = flowing
        self._count()

    def show_sending(self) -> None:
        """It is on its way."""
        self._decided = True
        self.tree.setEnabled(False)
        self.yes.setEnabled(False)
        self.no.setEnabled(False)
        self._timer.stop()
        self.time.setText(_("Sending. Taking it back in the bar stops it."))
        announce(self, self.time.text())

    def show_result(self, *, arrived: bool) -> None:
        """Say what came of it; the window stays until the customer closes it."""
        name = self._who[0]
        form = (
            _("{name} has got it. It was sent once and is written down.")
            if arrived
            else _("It did not arrive at {name}'s. Nothing of it is shown there.")
        )
        self._done = True
        self.time.setText(form.format(name=name))
        self.no.setText(_("Close"))
        self.no.setEnabled(True)
        self.no.setFocus()
        self.yes.hide()
        announce(self, self.time.text(), urgent=not arrived)

    # --- inside ----------------------------------------------------------------------------------------------

    def _count(self) -> None:
        if not (self._decided or self._done):  # what came of it stands there now
            super()._count()

    def _ready(self) -> bool:
        return self._flowing

    def _time_text(self, left: str) -> str:
        text = _("Without a click within {time} nothing is sent.").format(time=left)
        return text if self._flowing else _("Sharing rests: nothing can be sent until it goes on.") + " " + text

    def _yes(self) -> None:
        if not self._done and self._awake_from is not None:
            self.sent.emit(self.exact.toPlainText())

    def _no(self) -> None:
        if not self._done:
            self._done = True
            self._timer.stop()
            self.withheld.emit()
        self.close()

    def _refused(self) -> None:
        self.withheld.emit()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Closing sends nothing; what is on its way already is stopped in the bar."""
        super().closeEvent(event)
        self.closed.emit()
