# SPDX-License-Identifier: GPL-3.0-or-later
"""Beside the picture: what the customer sent about the computer, what changed since the last time, the exact text."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontDatabase, QKeyEvent
from PySide6.QtWidgets import QStackedWidget

from app.config.i18n import _, ngettext
from app.domain.facts import FactLine, FactSection, FactsReport
from widgets.foundation import Button, Look, Panel, PlainEdit, PlainLabel, Theme, announce, column, row
from widgets.foundation.fact_tree import FactTree

__all__ = ["FactsPanel"]


class FactsPanel(Panel):
    """Hidden until something came. All of it is from outside and shown as plain text."""

    def __init__(self, theme: Theme) -> None:
        super().__init__("surface")
        space = theme.tokens.space
        self._report: FactsReport | None = None
        self.heading = PlainLabel(type="title", wrap=True)
        self.since = PlainLabel(tone="muted", wrap=True)
        self.problem = PlainLabel(tone="danger", wrap=True)
        self.tree = FactTree(name="")
        self.whole = PlainLabel(tone="muted", wrap=True, selectable=True)  # of a line that is cut off in the list
        self.tree.read.connect(self.whole.setText)
        self.exact = PlainEdit(name="")
        self.exact.setReadOnly(True)
        self.exact.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.pages = QStackedWidget()
        self.pages.addWidget(self.tree)
        self.pages.addWidget(self.exact)
        self.form = Button(theme, "", look=Look.QUIET, pressed=self._turn)
        self.away = Button(theme, "", look=Look.QUIET, icon="x", pressed=self.hide)
        edge = (space.large, space.medium, space.large, space.medium)
        foot = row(self.form, None, self.away, gap=space.small)
        box = column(
            self.heading, self.since, self.problem, self.pages, self.whole, foot, gap=space.small, margins=edge
        )
        box.setStretch(3, 1)
        self.setLayout(box)
        self.setFixedWidth(space.vast * 9)
        self.hide()

    def show_report(self, report: FactsReport) -> None:
        """Show what came."""
        self._report = report
        self.problem.setText(report.problem)
        self.problem.setVisible(bool(report.problem))
        self.pages.setCurrentIndex(0)
        self.whole.show()
        self.retranslate()
        self.exact.clear()  # filled when it is asked for: it may be long
        self.show()
        announce(self, f"{self.heading.text()}. {self.since.text()}")

    def show_problem(self, text: str) -> None:
        """Something came that cannot be read."""
        self._report = None
        self.heading.setText(_("Diagnostics"))
        self.since.setText("")
        self.tree.show_sections(())
        self.exact.clear()
        self.problem.setText(text)
        self.problem.show()
        self.show()
        announce(self, text, urgent=True)

    def retranslate(self) -> None:
        """Say everything in the language spoken now."""
        self.away.setText(_("Close"))
        self.tree.setAccessibleName(_("Diagnostics in sections"))
        self.exact.setAccessibleName(_("Exact text that came"))
        self._name_form()
        if self._report is None:
            return
        report = self._report
        self.heading.setText(_("Diagnostics of {time}").format(time=report.made))
        self.since.setText(_since(report))
        self.tree.show_sections((*_changed(report), *report.facts.sections))

    def _name_form(self) -> None:
        self.form.setText(_("Show in plain words") if self.pages.currentIndex() else _("Show exact text"))

    def _turn(self) -> None:
        self.pages.setCurrentIndex(1 - self.pages.currentIndex())
        self.whole.setVisible(self.pages.currentIndex() == 0)
        if self.pages.currentIndex() and self._report is not None:
            self.exact.setPlainText(self._report.facts.exact)
        self._name_form()
        (self.exact if self.pages.currentIndex() else self.tree).setFocus()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape puts it away; it stands on the ticket."""
        if event.key() == Qt.Key.Key_Escape:
            self.hide()
            return
        super().keyPressEvent(event)


def _since(report: FactsReport) -> str:
    kept = report.facts.kept_back
    back = ngettext("{n} line kept back.", "{n} lines kept back.", kept).format(n=kept) if kept else ""
    if report.since is None:
        text = _("There is no earlier bundle of this computer here to compare with.")
    elif not report.changes:
        text = _("Nothing changed since {time}.").format(time=report.since)
    else:
        count = len(report.changes)
        form = ngettext("{n} change since {time}.", "{n} changes since {time}.", count)
        text = form.format(n=count, time=report.since)
    return " ".join(filter(None, (text, back)))


def _changed(report: FactsReport) -> tuple[FactSection, ...]:
    if report.since is None or not report.changes:
        return ()
    title = _("Changed since {time}").format(time=report.since)
    return (FactSection("changed", title, "", tuple(FactLine(change, "") for change in report.changes)),)
