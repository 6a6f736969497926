# SPDX-License-Identifier: GPL-3.0-or-later
"""In mid-session the agent asks for more than looking: one window for each kind of access, and its words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from app.config.i18n import N_, _
from app.domain.assist import Scope
from widgets.companion.timed import TimedQuestion, said_by
from widgets.foundation import Card, PlainLabel, Theme, announce, column, fit, row

__all__ = ["PermissionWindow", "bar_name", "granted_name", "taken_back"]


@dataclass(frozen=True, slots=True)
class _Words:
    """What a kind of access is in plain words: the question, what it allows, what stays out, the button."""

    question: str
    allows: str
    without: str
    yes: str
    name: str
    take_back: str


_LOOKING = N_("looking")
_WORDS: Mapping[Scope, _Words] = {
    Scope.DIAGNOSTICS: _Words(
        N_("{name} asks for facts about this computer"),
        N_(
            "With your yes they are found out and shown to you alone: system, memory, drives, printers, network, "
            "running programs, last errors. You can take lines out. Only then you decide whether {name} gets them."
        ),
        N_(
            "NOT included: documents, pictures, what you typed or visited. Nothing is sent by this yes. Without it you "
            "go on looking together as before."
        ),
        N_("Find out and show me"),
        N_("facts about this computer"),
        N_("Take back: facts about this computer"),
    ),
    Scope.RECORDING: _Words(
        N_("May {name} record what you share?"),
        N_(
            "From your yes on, {name}'s program can keep what it shows: a film, or single pictures. What you hid or "
            "paused is not in it. It is stored with your request, where support can look at it again. As long as this "
            "is allowed the bar says REC, and one click there takes it back."
        ),
        N_(
            "NOT included: sound, your camera, anything from before your yes. Without it you go on looking together "
            "as before. Good to know: whoever sees a screen could also film it in ways that no program can prevent."
        ),
        N_("Allow recording"),
        N_("recording"),
        N_("Take back: recording"),
    ),
    Scope.POINTER: _Words(
        N_("May {name} point and draw on your screen?"),
        N_(
            "{name} can then show you places with a pointer and with drawings. They lie on top of what you see. "
            "They press nothing and change nothing, and a drawing goes by itself after a few seconds."
        ),
        N_("NOT included: control, clipboard, files, recording. Without it you go on looking together as before."),
        N_("Allow pointing"),
        N_("pointing"),
        N_("Take back: pointing and drawing"),
    ),
    Scope.CONTROL: _Words(
        N_("{name} asks to use your mouse and keyboard"),
        N_(
            "{name} can then click and type in what you share. Your own mouse and keyboard always win: when you use "
            "them, {name} has to wait. Locking, logging out and the windows of this program stay yours alone."
        ),
        N_("NOT included: clipboard, files, recording. You can go on looking together without it."),
        N_("Allow control"),
        N_("control"),
        N_("Take back: mouse and keyboard"),
    ),
    Scope.CLIPBOARD_TO_CUSTOMER: _Words(
        N_("May {name} put one text on your clipboard?"),
        N_(
            "{name} sends you a text that you can paste where you need it, for instance an address or a command. It "
            "takes the place of what you copied last, and you see it at once. It is one text, then it is over."
        ),
        N_(
            "NOT included: reading your clipboard, pasting or pressing anything. Without it you go on looking "
            "together as before."
        ),
        N_("Allow one text"),
        N_("one text to your clipboard"),
        N_("Take back: one text to your clipboard"),
    ),
    Scope.CLIPBOARD_TO_AGENT: _Words(
        N_("May {name} have the text that is on your clipboard?"),
        N_(
            "{name} gets exactly the text below, once. Read it first: passwords and other people's data do not belong "
            "in it. What you copy later is not sent."
        ),
        N_(
            "NOT included: pictures, files and anything you copy later. Without it you go on looking together as "
            "before."
        ),
        N_("Send this text"),
        N_("one text from your clipboard"),
        N_("Take back: one text from your clipboard"),
    ),
}
# what the bar says of a text, where a longer name would not fit: which way it goes, as with files
_TEXTS: Mapping[Scope, str] = {
    Scope.CLIPBOARD_TO_CUSTOMER: N_("a text for you"),
    Scope.CLIPBOARD_TO_AGENT: N_("a text of yours"),
}
# what the bar says of a file on its way; the question before it is in `files`
_FILES: Mapping[Scope, tuple[str, str]] = {
    Scope.FILES_TO_CUSTOMER: (N_("a file for you"), N_("Stop the file that comes")),
    Scope.FILES_TO_AGENT: (N_("a file of yours"), N_("Stop the file that goes")),
}


def granted_name(scope: Scope) -> str:
    """Return the short name of a grant, as the bar shows it."""
    if scope is Scope.VIEW:
        return _(_LOOKING)
    if scope in _FILES:
        return _(_FILES[scope][0])
    return _(_WORDS[scope].name) if scope in _WORDS else scope.value


def bar_name(scope: Scope) -> str:
    """Return what the bar's button for this grant says: the bar is short of room, and REC is known everywhere."""
    if scope in _TEXTS:
        return _(_TEXTS[scope])
    return _("REC") if scope is Scope.RECORDING else granted_name(scope)


def taken_back(scope: Scope) -> str:
    """Return what the bar's button for this grant does."""
    if scope in _FILES:
        return _(_FILES[scope][1])
    return _(_WORDS[scope].take_back) if scope in _WORDS else scope.value


class PermissionWindow(TimedQuestion):
    """`answered` is True for a click on allowing; Escape, closing and "Don't allow" are a no, and so is silence."""

    answered = Signal(bool)

    def __init__(
        self, theme: Theme, scope: Scope, who: tuple[str, str], why: str, deadline_ms: int, now_ms: Callable[[], int]
    ) -> None:
        """`who` is the agent and the organisation, `why` the agent's own text: both are from outside."""
        super().__init__(theme, who, deadline_ms, now_ms)
        self._build(_WORDS[scope], said_by(who[0], why))
        self._count()
        self.no.setFocus()
        announce(self, self.question.text(), urgent=True)

    def _build(self, words: _Words, said: str) -> None:
        theme, space, name = self._theme, self._theme.tokens.space, self._who[0]
        self.question = PlainLabel(_(words.question).format(name=name), type="heading", wrap=True)
        self.setWindowTitle(self.question.text())
        card = Card(theme, PlainLabel(_(words.allows).format(name=name), wrap=True))
        if said:
            card.body.addWidget(PlainLabel(said, wrap=True))
        self.no.setText(_("Don't allow"))
        self.yes.setText(_(words.yes))
        left_out = PlainLabel(_(words.without), wrap=True)
        buttons = row(self.no, None, self.yes, gap=space.small)
        edge = (space.huge, space.wide, space.huge, space.wide)
        more = self._more()
        box = column(self.question, self._from_whom(), card, gap=space.medium, margins=edge)
        if more is not None:
            box.addWidget(more, 1)
        box.addWidget(left_out)
        if more is None:
            box.addStretch(1)
        box.addWidget(self.time)
        box.addLayout(buttons)
        self.setLayout(box)
        fit(self, space.vast * 10, space.vast * 6)

    def _more(self) -> QWidget | None:
        """Return what this kind of access shows before the answer."""
        return None

    def _yes(self) -> None:
        self._answer(True)

    def _no(self) -> None:
        self._answer(False)

    def _refused(self) -> None:
        self.answered.emit(False)

    def _answer(self, allowed: bool) -> None:
        if not self._done:
            self._done = True
            self._timer.stop()
            self.answered.emit(allowed)
            self.close()
