# SPDX-License-Identifier: GPL-3.0-or-later
"""The small bar under a draft: bold, italic, monospace, lists, quote, link; and the window that asks for a link."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QLineEdit, QWidget

from app.config.i18n import _
from app.domain.formatting import BULLET, FIRST, QUOTE, Look, link_target
from widgets.composer.formatted import FormattedEdit
from widgets.foundation import IconButton, Theme, read_text, row
from widgets.foundation.form_window import FormWindow

__all__ = ["AskLink", "FormatBar"]


class FormatBar(QWidget):
    """One button for each look and kind of line. The buttons take no focus: the keys are in the menu, Tab stays short.

    Those of looks are pressed while the letters at the caret look so.
    """

    def __init__(self, theme: Theme, edit: FormattedEdit, ask_link: Callable[[], object], *others: QWidget) -> None:
        """`others` stand behind the rest."""
        super().__init__()
        self._edit = edit

        def button(icon: str, pressed: Callable[[], object], *, checkable: bool = False) -> IconButton:
            made = IconButton(theme, icon, "-", pressed=pressed)
            made.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            made.setCheckable(checkable)
            return made

        self.looks = {
            look: button(icon, partial(edit.toggle, look), checkable=True)
            for look, icon in ((Look.BOLD, "bold"), (Look.ITALIC, "italic"), (Look.MONO, "code"))
        }
        self.bullets = button("list", lambda: edit.toggle_lines(BULLET))
        self.numbers = button("list-ordered", lambda: edit.toggle_lines(FIRST))
        self.quote = button("text-quote", lambda: edit.toggle_lines(QUOTE))
        self.link = button("link", ask_link)
        space = theme.tokens.space
        buttons = (*self.looks.values(), self.bullets, self.numbers, self.quote, self.link)
        self.setLayout(row(*buttons, space.small, *others, None, gap=space.tiny))
        edit.looks_changed.connect(self._show)

    def _show(self) -> None:
        now = self._edit.looks()
        for look, button in self.looks.items():
            if button.isChecked() is not (look in now):
                button.setChecked(look in now)

    def retranslate(self) -> None:
        """Say everything in the language spoken now."""
        self.setAccessibleName(_("Formatting"))
        self.looks[Look.BOLD].set_name(_("Bold"), "Ctrl+B")
        self.looks[Look.ITALIC].set_name(_("Italic"), "Ctrl+I")
        self.looks[Look.MONO].set_name(_("Monospace"), "Ctrl+Shift+M")
        self.bullets.set_name(_("Bulleted list"), "Ctrl+Shift+L")
        self.numbers.set_name(_("Numbered list"), "Ctrl+Shift+O")
        self.quote.set_name(_("Quote"), "Ctrl+Shift+B")
        self.link.set_name(_("Insert link…"), "Ctrl+Shift+K")


class AskLink(FormWindow):
    """Asks for the words and the address of a link; an empty address makes plain words of it."""

    chosen = Signal(str, str)

    def __init__(self, theme: Theme, words: str, target: str, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent, title=_("Insert link"), deed=_("Insert link"))
        self._had = bool(target)
        given = "" if "\n" in words else words
        self.words = QLineEdit(given)
        self.target = QLineEdit(target.removeprefix("mailto:") or (given if link_target(given) else ""))
        hint = _("A web page or an e-mail address. The customer sees where it leads.")
        self.body.addLayout(self.field(_("Web or e-mail address"), self.target, hint=hint))
        self.body.addLayout(self.field(_("Words"), self.words))
        for field in (self.target, self.words):
            field.returnPressed.connect(self.submit)
        self.target.setFocus()
        self.target.selectAll()

    def submit(self) -> None:
        """Give it, or say what is wrong with the address."""
        target, words = read_text(self.target).strip(), read_text(self.words).strip()
        if (not target and not self._had) or (target and not link_target(target)):
            self.tell(
                _("This is no web or e-mail address: it begins with https://, http:// or holds an @."), self.target
            )
            return
        self.accept()
        self.chosen.emit(words, target)
