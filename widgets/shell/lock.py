# SPDX-License-Identifier: GPL-3.0-or-later
"""The page that covers the window while the organisation withholds this device: what happened, what is safe, whom to
ask.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, Signal

from app.config.i18n import _, ngettext
from widgets.foundation import Button, Look, Panel, PlainLabel, Theme, announce, column, row

__all__ = ["LockPage"]


class LockPage(Panel):
    """`check_asked`: look whether the lock is lifted; `quit_asked`: close the program."""

    check_asked = Signal()
    quit_asked = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__("window")
        self._theme = theme
        self._why, self._waiting, self._server = "", 0, ""
        space = theme.tokens.space
        self.picture = PlainLabel()
        self.title = PlainLabel(type="heading", wrap=True)
        self.text = PlainLabel(wrap=True, selectable=True)
        self.kept = PlainLabel(wrap=True, tone="muted")
        self.who = PlainLabel(wrap=True, tone="muted")
        self.check = Button(theme, "", look=Look.PRIMARY, icon="refresh-cw", pressed=self.check_asked.emit)
        self.quit = Button(theme, "", pressed=self.quit_asked.emit)
        card = Panel("card")
        edge = (space.huge, space.huge, space.huge, space.wide)
        buttons = row(None, self.quit, self.check, gap=space.small)
        card.setLayout(
            column(self.picture, self.title, self.text, self.kept, self.who, space.small, buttons, gap=space.medium,
                   margins=edge)
        )  # fmt: skip
        card.setMinimumWidth(space.vast * 10)
        card.setMaximumWidth(space.vast * 13)
        self.setLayout(column(None, row(None, card, None), None, margins=(space.wide,) * 4))
        self.retranslate()

    def show_why(self, why: str, waiting: int, server: str) -> None:
        """Show why the window is locked: "suspended" or "revoked"."""
        self._why, self._waiting, self._server = why, waiting, server
        self.retranslate()
        announce(self, f"{self.title.text()}. {self.text.text()}", urgent=True)

    def why(self) -> str:
        """Return why the window was locked last."""
        return self._why

    def focus(self) -> None:
        """Take the keyboard."""
        (self.quit if self._why == "revoked" else self.check).setFocus(Qt.FocusReason.ActiveWindowFocusReason)

    def changeEvent(self, event: QEvent) -> None:
        """Follow the language."""
        if event.type() is QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)

    def retranslate(self) -> None:
        """Say everything in the language spoken now."""
        revoked = self._why == "revoked"
        icon = "shield-alert" if revoked else "lock"
        self._theme.set_label_icon(self.picture, icon, "fg.muted", self._theme.tokens.icon_large)
        self.check.setText(_("Check again"))
        self.check.setVisible(not revoked)
        self.quit.setText(_("Quit"))
        self.who.setText(_("Ask your administrator at {server}.").format(server=self._server) if self._server else "")
        self.who.setVisible(bool(self._server))
        if revoked:
            self._tell_revoked()
        else:
            self._tell_suspended()
        self.setAccessibleName(self.title.text())

    def _tell_suspended(self) -> None:
        self.title.setText(_("Deskside is locked for now"))
        self.text.setText(
            _(
                "Your organisation suspended this device or your account. Everything on this computer is kept, and the "
                "window opens again by itself when the suspension is lifted."
            )
        )
        n = self._waiting
        self.kept.setText(
            ngettext(
                "{n} change of yours is kept here and goes out then.",
                "{n} changes of yours are kept here and go out then.",
                n,
            ).format(n=n)
        )
        self.kept.setVisible(n > 0)

    def _tell_revoked(self) -> None:
        self.title.setText(_("This device was withdrawn"))
        self.text.setText(
            _(
                "Your administrator withdrew this device from your organisation. The tickets and customers on this "
                "computer are being removed. What you had not sent is removed with them, as your administrator decided."
            )
        )
        self.kept.setText(_("What you had sent is on the server. To work on this computer again, sign in anew."))
        self.kept.show()
