# SPDX-License-Identifier: GPL-3.0-or-later
"""The invitation window: on the customer's screen, or by link or code; how long it lives; withdraw."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QDialog, QWidget

from app.config.i18n import _
from app.domain.assist import Phase
from app.domain.clock import monotonic_ms
from app.services.texts import polite
from widgets.foundation import (
    Button,
    Card,
    CopyButton,
    ElidedLabel,
    Look,
    Notice,
    PlainLabel,
    Theme,
    announce,
    column,
    fit,
    fmt,
    grow_with_words,
    row,
)
from widgets.remote.note_card import NoteCard
from widgets.remote.ports import InviteOrder, SessionInfo
from widgets.remote.proof_card import ProofCard
from widgets.remote.words import proof_text, state_text

__all__ = ["InviteWindow", "code_text"]

TICK_MS = 500


def code_text(code: str) -> str:
    """Return nine digits as people read them aloud: 123 456 789."""
    return " ".join(code[i : i + 3] for i in range(0, len(code), 3))


class InviteWindow(QDialog):
    """Shows the invitation until the customer allows, refuses, or it ends. `withdrawn`: the agent took it back."""

    withdrawn = Signal()
    again_asked = Signal()

    def __init__(self, theme: Theme, order: InviteOrder, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._order = order
        self._info: SessionInfo | None = None
        self._said = ""
        space = theme.tokens.space
        self.heading = PlainLabel(type="title", wrap=True)
        self.ticket = PlainLabel(f"{order.ticket_label} {order.subject}", tone="muted", wrap=True)
        self.words = PlainLabel(wrap=True)
        self.proof = PlainLabel(type="caption", tone="muted")
        self.left = PlainLabel(type="caption", tone="muted")
        self.problem = Notice(theme, kind="warning")
        self.problem.hide()
        self.who = ProofCard(theme)
        self.who.hide()
        self.why = NoteCard(theme)
        self.why.hide()
        self.code = PlainLabel(type="figure", selectable=True)
        self.code_label, self.link_label = PlainLabel(type="strong"), PlainLabel(type="strong")
        self.link = ElidedLabel(tone="muted", mode=Qt.TextElideMode.ElideMiddle)
        self.code_words, self.included = (
            PlainLabel(type="caption", tone="muted", wrap=True),
            PlainLabel(wrap=True, tone="muted"),
        )
        self.page = ElidedLabel(tone="muted", mode=Qt.TextElideMode.ElideMiddle)
        self.link_kind, self.page_kind = (
            PlainLabel(type="caption", tone="muted"),
            PlainLabel(type="caption", tone="muted"),
        )
        self.page_words = PlainLabel(type="caption", tone="muted", wrap=True)
        self.copy_code, self.copy_link, self.copy_page = self._copies()
        self.code_card = Card(theme, self.code_label, row(self.code, None, self.copy_code), self.code_words)
        link_row = row(self.link, self.copy_link, gap=space.small)
        link_row.setStretch(0, 1)
        page_row = row(self.page, self.copy_page, gap=space.small)
        page_row.setStretch(0, 1)
        self.link_card = Card(
            theme, self.link_label, self.link_kind, link_row, self.page_kind, page_row, self.page_words
        )
        self.again = Button(theme, "", look=Look.NORMAL, icon="refresh-cw", pressed=self.again_asked.emit)
        self.cancel = Button(theme, "", look=Look.NORMAL, pressed=self.close)
        foot = row(self.left, None, self.again, self.cancel, gap=space.small)
        self.setLayout(
            column(
                self.heading, self.ticket, self.problem, self.why, self.who, self.words, self.proof, self.included,
                self.code_card, self.link_card, None, foot, gap=space.small,
                margins=(space.wide, space.wide, space.wide, space.large),
            )
        )  # fmt: skip
        self.setMinimumWidth(space.vast * 10)
        grow_with_words(self)
        self._tick = QTimer(self, interval=TICK_MS)
        self._tick.timeout.connect(self._tell_left)
        self.cancel.setFocus()
        self.retranslate()

    def _copies(self) -> tuple[CopyButton, CopyButton, CopyButton]:
        def make() -> CopyButton:
            return CopyButton(self._theme, "", label=_("Copy"), done=_("Copied"), name=_("Copy"))

        return make(), make(), make()

    def show_info(self, info: SessionInfo) -> None:
        """Show how the invitation stands."""
        self._info = info
        invited = info.invited
        if invited is not None:
            self.code.setText(code_text(invited.code))
            self.copy_code.set_value(invited.code)
            self.link.setText(invited.link)
            self.copy_link.set_value(invited.link)
            self.page.setText(invited.page)
            self.copy_page.set_value(invited.page)
            if not self._tick.isActive():
                self._tick.start()
        if info.view.phase is Phase.ENDED:
            self._tick.stop()
        self.retranslate()
        self.why.show_ask(on=self._asks_why)
        self.who.show_ask(info.proof_ask if self._asks_who else None)
        fit(
            self,
            max(self.width() if self.isVisible() else 0, self.minimumWidth()),
            self.height() if self.isVisible() else 0,
        )
        told = self.words.text() if self.problem.isHidden() else self.problem.text.text()
        if told and told != self._said:
            self._said = told
            announce(self, told)

    @property
    def _asks_who(self) -> bool:
        """Whether nobody was asked yet, because the agent is to prove something first."""
        info = self._info
        return info is not None and info.proof_ask is not None and info.view.phase is not Phase.ENDED

    @property
    def _asks_why(self) -> bool:
        """Whether nobody was asked yet, because the agent is to write a reason first."""
        info = self._info
        return info is not None and info.note_ask and info.view.phase is not Phase.ENDED

    def is_waiting(self) -> bool:
        """Tell whether closing the window withdraws something."""
        return self._info is not None and self._info.view.phase is not Phase.ENDED

    def closeEvent(self, event: QCloseEvent) -> None:
        """Closing withdraws."""
        self._tick.stop()
        if self.is_waiting():
            self.withdrawn.emit()
        event.accept()  # QDialog's own would call reject, which comes back here

    def reject(self) -> None:
        """Escape closes, and closing withdraws."""
        self.close()

    def _tell_left(self) -> None:
        info = self._info
        waiting = info is not None and info.invited is not None and info.view.phase is Phase.INVITED
        text = ""
        if waiting and info is not None and info.invited is not None:
            left = max(0, info.invited.expires_ms - monotonic_ms())
            text = _("Valid for another {time}").format(time=fmt.clock(round(left / 1000)))
        self.left.setText(text)

    def changeEvent(self, event: QEvent) -> None:
        """Follow the language."""
        if event.type() is QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)

    def retranslate(self) -> None:
        """Say everything in the language spoken now."""
        info, name = self._info, polite(self._order.customer_name)
        self.setWindowTitle(_("Ask to see the screen"))
        self.heading.setText(_("Ask {name} to see the screen").format(name=name))
        self.included.setText(
            _(
                "{name} chooses what you see and can stop at any time. Mouse, keyboard, clipboard, files and recording "
                "are not included."
            ).format(name=name)
        )
        self.code_label.setText(_("Or read this code aloud"))
        self.code_words.setText(_("{name} types it into the companion under “Enter a session code”.").format(name=name))
        self.link_label.setText(_("Or send this link"))
        self._tell_page(info)
        self.again.setText(_("Ask again"))
        ended = info is not None and (info.view.phase is Phase.ENDED or bool(info.problem))
        invited = info is not None and info.view.phase is Phase.INVITED and info.invited is not None
        asks = self._asks_who or self._asks_why
        self.cancel.setText(_("Close") if ended else _("Cancel") if asks else _("Withdraw"))
        self.who.setVisible(self._asks_who)
        self.who.retranslate()
        self.why.setVisible(self._asks_why)
        self.why.retranslate()
        self.again.setVisible(ended)
        self.included.setVisible(not ended)
        self.code_card.setVisible(invited and bool(self.code.text()))
        self.link_card.setVisible(invited and bool(self.link.text()))
        self.words.setVisible(not ended and not asks)
        self.problem.setVisible(ended)
        self.proof.setText(proof_text(info) if info and not ended else "")
        self.proof.setVisible(bool(self.proof.text()))
        if info is None:
            self.words.setText(_("Registering the invitation…"))
        elif ended:
            self.problem.tell(state_text(info), "warning")
        else:
            self.words.setText(self._waiting_words(info, name))
        self._tell_left()

    def _tell_page(self, info: SessionInfo | None) -> None:
        """With a page there are two links; which one helps, the customer knows."""
        offered = info is not None and info.invited is not None and bool(info.invited.page)
        self.link_kind.setText(_("with the Companion"))
        self.page_kind.setText(_("with a browser alone"))
        self.page_words.setText(
            _(
                "In a browser you look and point. For mouse and keyboard, files or recording the Companion is needed. "
                "The page comes from your server, so the check number does not protect against that server."
            )
        )
        self.copy_link.setAccessibleName(_("Copy the link for the Companion") if offered else _("Copy"))
        self.copy_page.setAccessibleName(_("Copy the link for a browser"))
        for part in (self.link_kind, self.page_kind, self.page, self.copy_page, self.page_words):
            part.setVisible(offered)

    @staticmethod
    def _waiting_words(info: SessionInfo, name: str) -> str:
        if info.view.phase is not Phase.INVITED:
            return state_text(info)
        if info.invited is None:
            return _("Registering the invitation…")
        if info.invited.pushed:
            return _(
                "Sent to {name}'s companion. The request shows there now, or as soon as another session there is over."
            ).format(name=name)
        return _("{name}'s companion is not online. Read the code aloud or send the link.").format(name=name)
