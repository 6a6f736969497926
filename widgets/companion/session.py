# SPDX-License-Identifier: GPL-3.0-or-later
"""While a screen is shared: check number and questions, and the summary at the end. The bar is in `bar`."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QKeyEvent
from PySide6.QtWidgets import QGridLayout, QWidget

from app.config.i18n import N_, _, ngettext, pgettext
from app.domain.assist import Question, Scope
from widgets.companion.files import file_line
from widgets.companion.model import EndedView
from widgets.companion.permission import granted_name
from widgets.companion.request import ConsentButton
from widgets.companion.texts import end_reason
from widgets.foundation import (
    ASKS,
    Button,
    Card,
    Look,
    Notice,
    PlainLabel,
    Theme,
    announce,
    column,
    fit,
    fmt,
    row,
)

__all__ = ["CheckNumberWindow", "EndedWindow", "QuestionWindow"]

_SECOND_MS = 1000
_KINDS = (
    ((Scope.CONTROL,), N_("control")),
    ((Scope.CLIPBOARD_TO_CUSTOMER, Scope.CLIPBOARD_TO_AGENT), N_("clipboard")),
    ((Scope.FILES_TO_CUSTOMER, Scope.FILES_TO_AGENT), N_("files")),
    ((Scope.DIAGNOSTICS,), N_("diagnostics")),
    ((Scope.RECORDING,), N_("recording")),
)


class _TopWindow(QWidget):
    """A window of ours above the others, with our ground."""

    spoken_role = ASKS

    def __init__(self, title: str) -> None:
        super().__init__()
        self.setProperty("panel", "window")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setWindowTitle(title)
        self.setWindowFlag(Qt.WindowType.WindowStaysOnTopHint)


class CheckNumberWindow(_TopWindow):
    """Three numbers and "none of these"; no default. `picked` carries the number, `none_picked` means another one."""

    picked = Signal(str)
    none_picked = Signal()

    def __init__(self, theme: Theme, agent: str, numbers: tuple[str, ...]) -> None:
        super().__init__(_("Check number"))
        space = theme.tokens.space
        self._answered = False
        title = PlainLabel(_("Which number did {name} read to you?").format(name=agent), type="heading", wrap=True)
        why = PlainLabel(
            _(
                "The same number on both sides proves that nobody stands between. "
                "Until then, nothing but looking and pointing is possible."
            ),
            tone="muted",
            wrap=True,
        )
        self.numbers = [self._choice(theme, number) for number in numbers]
        self.none = Button(theme, _("None of these"), look=Look.DANGER, big=True, pressed=self._none)
        choices = row(*self.numbers, gap=space.medium)
        edge = (space.huge, space.wide, space.huge, space.wide)
        self.setLayout(column(title, why, choices, self.none, None, gap=space.large, margins=edge))
        fit(self, space.vast * 11, space.vast * 5)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setFocus()
        announce(self, title.text(), urgent=True)

    def _choice(self, theme: Theme, number: str) -> Button:
        button = ConsentButton(theme, number, big=True, pressed=lambda: self._pick(number))
        font = theme.font("title", tabular=True)
        button.setFont(font)
        button.setAccessibleName(_("Number {digits}").format(digits=" ".join(number.replace(" ", ""))))
        return button

    def _pick(self, number: str) -> None:
        if not self._answered:
            self._answered = True
            self.picked.emit(number)
            self.close()

    def _none(self) -> None:
        if not self._answered:
            self._answered = True
            self.none_picked.emit()
            self.close()

    def end(self) -> None:
        """Close: the session is over."""
        self._answered = True
        self.close()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Closing without a choice leaves the question open; it cannot be closed away."""
        if self._answered:
            super().closeEvent(event)
        else:
            event.ignore()


class QuestionWindow(_TopWindow):
    """A question in mid-session; silence ends the session. `answered` is True for going on."""

    answered = Signal(bool)

    def __init__(
        self, theme: Theme, question: Question, agent: str, deadline_ms: int, monotonic_ms: Callable[[], int]
    ) -> None:
        super().__init__(_("Go on sharing?"))
        space = theme.tokens.space
        self._done = False
        self._deadline_ms = deadline_ms
        self._monotonic_ms = monotonic_ms
        if question is Question.GO_ON_UNVERIFIED:
            text = _("The check number was not compared yet. Go on with looking only, unverified?")
        else:
            text = _("{name} still looks at your screen. Go on?").format(name=agent)
        self.no = Button(theme, _("Stop sharing"), look=Look.DANGER, big=True, pressed=lambda: self._answer(False))
        self.yes = ConsentButton(theme, _("Go on"), look=Look.PRIMARY, big=True, pressed=lambda: self._answer(True))
        self.time = PlainLabel(type="caption", tone="muted")
        edge = (space.huge, space.wide, space.huge, space.wide)
        title = PlainLabel(_("Go on sharing?"), type="heading")
        buttons = row(self.no, None, self.yes, gap=space.small)
        self.setLayout(
            column(title, PlainLabel(text, wrap=True), self.time, None, buttons, gap=space.medium, margins=edge)
        )
        fit(self, space.vast * 9, space.vast * 5)
        self._timer = QTimer(self, interval=_SECOND_MS)
        self._timer.timeout.connect(self._count)
        self._timer.start()
        self._count()
        self.no.setFocus()

    def end(self) -> None:
        """Close without an answer."""
        self._done = True
        self.close()

    def _count(self) -> None:
        left = max(0, (self._deadline_ms - self._monotonic_ms()) // 1000)
        text = ngettext("Without an answer it ends in {n} second.", "Without an answer it ends in {n} seconds.", left)
        self.time.setText(text.format(n=left))

    def _answer(self, go_on: bool) -> None:
        if not self._done:
            self._done = True
            self.answered.emit(go_on)
            self.close()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape stops."""
        if event.key() == Qt.Key.Key_Escape:
            self._answer(False)
            return
        super().keyPressEvent(event)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Closing the window stops sharing."""
        self._timer.stop()
        if not self._done:
            self._done = True
            self.answered.emit(False)
        super().closeEvent(event)


class EndedWindow(QWidget):
    """The summary: when, with whom, what was seen, why it ended. `save_wanted` asks to save the receipt."""

    spoken_role = ASKS

    save_wanted = Signal()

    def __init__(self, theme: Theme, ended: EndedView, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        space = theme.tokens.space
        self.setProperty("panel", "window")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setWindowTitle(_("Session ended"))
        self.notice = Notice(theme, kind="success")
        self.notice.hide()
        self.save = Button(theme, _("Save receipt…"), icon="receipt-text", pressed=self.save_wanted.emit)
        self.save.setEnabled(False)
        close = Button(theme, _("Close"), look=Look.PRIMARY, pressed=self.close)
        card = Card(theme)
        grid = QGridLayout()
        grid.setHorizontalSpacing(space.large)
        grid.setVerticalSpacing(space.small)
        grid.setColumnStretch(1, 1)
        for place, (name, value) in enumerate(self._facts(ended)):
            label = PlainLabel(name, tone="muted")
            label.setAlignment(Qt.AlignmentFlag.AlignTop)
            grid.addWidget(label, place, 0)
            grid.addWidget(PlainLabel(value, wrap=True, selectable=True), place, 1)
        card.body.addLayout(grid)
        title = PlainLabel(_("Session ended"), type="heading")
        why = PlainLabel(end_reason(*ended.reason.split("/", 1)), wrap=True)
        edge = (space.huge, space.wide, space.huge, space.wide)
        buttons = row(self.save, None, close, gap=space.small)
        self.setLayout(column(title, why, card, self.notice, None, buttons, gap=space.medium, margins=edge))
        fit(self, space.vast * 11, space.vast * 8)
        close.setFocus()
        self.summary = "\n".join(f"{name}: {value}" for name, value in self._facts(ended))

    @staticmethod
    def _facts(ended: EndedView) -> list[tuple[str, str]]:
        with_ = _("{name}, {organisation}").format(name=ended.agent, organisation=ended.organisation)
        facts = [(pgettext("session", "With"), with_), (_("Ticket"), ended.ticket_no)]
        if ended.started_ms:
            span = _("{start} to {end} ({length})").format(
                start=fmt.time_of_day(ended.started_ms),
                end=fmt.time_of_day(ended.ended_ms),
                length=fmt.duration((ended.ended_ms - ended.started_ms) // 1000),
            )
            seen = (
                _("“{target}”").format(target=ended.seen)
                if ended.frames
                else _("nothing; no picture left this computer")
            )
            facts += [(_("Time"), span), (_("Seen"), seen)]
            if ended.paused_s:
                facts.append((_("Paused"), fmt.duration(ended.paused_s)))
            if ended.allowed:
                names = ", ".join(granted_name(scope) for scope in ended.allowed)
                facts.append((_("Also allowed"), _("{what}, by your consent").format(what=names)))
            if ended.files:
                facts.append((_("Files"), "\n".join(file_line(view) for view in ended.files)))
            check = _("compared and equal") if ended.verified else _("not compared")
            facts.append((_("Check number"), check))
        used = set(ended.allowed)
        unused = ", ".join(_(name) for scopes, name in _KINDS if used.isdisjoint(scopes))
        alone = _("{what}; nobody else watched").format(what=unused) if unused else _("nothing; nobody else watched")
        facts.append((_("Not used"), alone))
        return facts

    def receipt_ready(self) -> None:
        """The receipt can be saved."""
        self.save.setEnabled(True)

    def saved(self, text: str, kind: str = "success") -> None:
        """Say where the receipt is, or why it could not be saved."""
        self.notice.tell(text, kind)
        self.notice.show()
