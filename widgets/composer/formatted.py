# SPDX-License-Identifier: GPL-3.0-or-later
"""The editor of replies and notes: plain text whose letters can be bold, italic, monospaced or a link.

Lists and quotes are signs at the start of a line, so that the plain text is the whole text. Undo, input methods and
the clipboard see one document; foreign markup is read into the subset before it gets in.
"""

from __future__ import annotations

import json
from typing import Final

from PySide6.QtCore import QMimeData, Qt, Signal
from PySide6.QtGui import QFocusEvent, QFont, QFontDatabase, QKeyEvent, QTextCharFormat, QTextCursor

from app.domain.foreign_html import read_html
from app.domain.formatting import (
    BULLET,
    FIRST,
    NUMBER,
    QUOTE,
    Look,
    Mark,
    Rich,
    dump_marks,
    link_target,
    load_marks,
    plain,
    tidy,
    to_html,
)
from widgets.foundation.giving import GivenEdit

__all__ = ["BODY_MIME", "FormattedEdit"]

BODY_MIME: Final = "application/x-deskside-text"  # text and marks exactly, for copying within Deskside
_BIG_HTML = 16_000  # characters; more is read by a worker
_MONO: Final = int(QTextCharFormat.Property.UserProperty) + 1
_AS_PLAIN = str.maketrans({"\u2028": "\n", "\u2029": "\n", "\xa0": " ", "\ufdd0": "\n", "\ufdd1": "\n"})


class FormattedEdit(GivenEdit):
    """`looks_changed` when the letters at the caret look otherwise.

    `html_given` gives markup that is too long to be read here, and where it goes; `insert_rich` takes the answer.
    """

    looks_changed = Signal()
    html_given = Signal(str, object)  # markup, QTextCursor
    departed = Signal()  # the focus went elsewhere, not into a menu of its own

    def __init__(self, *, name: str) -> None:
        super().__init__(name=name)
        self._marked = False  # whether a letter may look other than plain
        self.cursorPositionChanged.connect(self._moved)

    # --- what it holds ---------------------------------------------------------------------------------------

    def rich(self) -> Rich:
        """Return text and marks, without what is being composed. GUI thread."""
        text = self.toPlainText()
        if not self._marked:
            return Rich(text)
        marks, at, block = list[Mark](), 0, self.document().begin()
        while block.isValid():
            place, fragments = at, block.begin()
            while not fragments.atEnd():
                fragment = fragments.fragment()
                length = len(fragment.text())
                marks += [Mark(place, place + length, *each) for each in _looks(fragment.charFormat())]
                place += length
                fragments += 1
            at = place + 1
            block = block.next()
        return _without_nul(Rich(text, tidy(marks, len(text))))

    def show_rich(self, rich: Rich) -> None:
        """Show a text from the start: nothing before it can be undone."""
        self._marked = False
        self.setCurrentCharFormat(QTextCharFormat())
        self.setPlainText(rich.text)
        if rich.marks:
            self.document().setUndoRedoEnabled(False)
            cursor = QTextCursor(self.document())
            self._mark(cursor, 0, rich)
            self.document().setUndoRedoEnabled(True)

    def insert_rich(self, rich: Rich, cursor: QTextCursor | None = None) -> None:
        """Put a text where the caret is, in one step of undo; it replaces what is selected."""
        at = cursor if cursor is not None else self.textCursor()
        at.beginEditBlock()
        at.removeSelectedText()
        start = at.position()
        at.insertText(rich.text, QTextCharFormat())
        self._mark(QTextCursor(self.document()), start, rich)
        at.endEditBlock()

    def _mark(self, cursor: QTextCursor, start: int, rich: Rich) -> None:
        for mark in rich.marks:
            cursor.setPosition(start + _units(rich.text, mark.start))
            cursor.setPosition(start + _units(rich.text, mark.end), QTextCursor.MoveMode.KeepAnchor)
            cursor.mergeCharFormat(self._format(mark.look, True, mark.target))
        self._marked = self._marked or bool(rich.marks)

    # --- deeds -----------------------------------------------------------------------------------------------

    def looks(self) -> frozenset[Look]:
        """Return how the letters at the caret look."""
        return frozenset(look for look, _target in _looks(self.currentCharFormat()))

    def toggle(self, look: Look) -> None:
        """Make the selection look so, or no longer; without one, what is typed next."""
        wanted = look not in self.looks()
        self._marked = True
        self.mergeCurrentCharFormat(self._format(look, wanted))
        self.looks_changed.emit()

    def link(self) -> tuple[str, str]:
        """Select the link at the caret, if there is one; return the selected words and their target."""
        cursor = self.textCursor()
        target = cursor.charFormat().anchorHref() if cursor.charFormat().isAnchor() else ""
        if target and not cursor.hasSelection():
            self.setTextCursor(self._around(cursor, target))
        return self.textCursor().selectedText().translate(_AS_PLAIN), target

    def set_link(self, words: str, target: str) -> None:
        """Make the selection a link with these words; without a target it is a link no longer."""
        target = link_target(target)
        words = words or target.removeprefix("mailto:")
        cursor = self.textCursor()
        if target or words != cursor.selectedText():
            self.insert_rich(Rich(words, (Mark(0, len(words), Look.LINK, target),) if target else ()), cursor)
        else:
            cursor.mergeCharFormat(self._format(Look.LINK, False))
        self.setTextCursor(cursor)
        self._moved()

    def toggle_lines(self, sign: str) -> None:
        """Make the selected lines a list or a quote, or plain lines again where all of them are."""
        cursor = self.textCursor()
        first, last = self._blocks(cursor)
        numbers = range(first, last + 1)
        texts = [self.document().findBlockByNumber(n).text() for n in numbers]
        signs = [_sign_of(text) for text in texts]
        off = all(found and _kind(found) == _kind(sign) for found in signs)
        cursor.beginEditBlock()
        edit = QTextCursor(self.document())
        for place, (n, found) in enumerate(zip(numbers, signs, strict=True)):
            new = "" if off else f"{place + 1}. " if sign == FIRST else sign
            edit.setPosition(self.document().findBlockByNumber(n).position())
            edit.setPosition(edit.position() + len(found), QTextCursor.MoveMode.KeepAnchor)
            edit.insertText(new, QTextCharFormat())
        cursor.endEditBlock()

    def _blocks(self, cursor: QTextCursor) -> tuple[int, int]:
        document = self.document()
        first = document.findBlock(cursor.selectionStart()).blockNumber()
        last = document.findBlock(max(cursor.selectionStart(), cursor.selectionEnd() - 1)).blockNumber()
        return first, last if cursor.hasSelection() else first

    def _around(self, cursor: QTextCursor, target: str) -> QTextCursor:
        block, found = cursor.block(), QTextCursor(cursor)
        fragments, start, end = block.begin(), None, 0
        while not fragments.atEnd():
            fragment = fragments.fragment()
            here = fragment.charFormat().anchorHref() == target
            if here and start is None:
                start = fragment.position()
            if here:
                end = fragment.position() + fragment.length()
            elif start is not None and end >= cursor.position():
                break
            else:
                start = None
            fragments += 1
        if start is not None:
            found.setPosition(start)
            found.setPosition(end, QTextCursor.MoveMode.KeepAnchor)
        return found

    def _format(self, look: Look, on: bool, target: str = "") -> QTextCharFormat:
        made = QTextCharFormat()
        if look is Look.BOLD:
            made.setFontWeight(QFont.Weight.Bold if on else QFont.Weight.Normal)
        elif look is Look.ITALIC:
            made.setFontItalic(on)
        elif look is Look.MONO:
            family = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont).family()
            made.setFontFamilies([family] if on else self.font().families() or [self.font().family()])
            made.setProperty(_MONO, on)
        else:
            made.setAnchor(on)
            made.setAnchorHref(target if on else "")
            made.setFontUnderline(on)
        return made

    def _moved(self) -> None:
        """Words typed behind a link are not part of it."""
        cursor = self.textCursor()
        if self._marked and not cursor.hasSelection() and cursor.charFormat().isAnchor():
            after = QTextCursor(cursor)
            if cursor.atBlockEnd() or (
                after.movePosition(QTextCursor.MoveOperation.NextCharacter) and not after.charFormat().isAnchor()
            ):
                self.mergeCurrentCharFormat(self._format(Look.LINK, False))
        self.looks_changed.emit()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Tell that the person goes on elsewhere."""
        super().focusOutEvent(event)
        if event.reason() not in (Qt.FocusReason.PopupFocusReason, Qt.FocusReason.MenuBarFocusReason):
            self.departed.emit()

    # --- keys and clipboard ----------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter goes on with a list or quote and ends it on an empty line; Backspace behind a sign takes it away."""
        bare = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier == Qt.KeyboardModifier.NoModifier
        cursor = self.textCursor()
        sign = _sign_of(cursor.block().text()) if bare and not cursor.hasSelection() else ""
        inside = bool(sign) and cursor.positionInBlock() >= len(sign)
        if inside and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if cursor.block().length() - 1 == len(sign):
                self._drop_sign(cursor, sign)
            else:
                cursor.insertText("\n" + _next(sign), QTextCharFormat())
                self.setTextCursor(cursor)
            self.ensureCursorVisible()
        elif inside and event.key() == Qt.Key.Key_Backspace and cursor.positionInBlock() == len(sign):
            self._drop_sign(cursor, sign)
        else:
            super().keyPressEvent(event)

    @staticmethod
    def _drop_sign(cursor: QTextCursor, sign: str) -> None:
        cursor.setPosition(cursor.block().position())
        cursor.setPosition(cursor.position() + len(sign), QTextCursor.MoveMode.KeepAnchor)
        cursor.removeSelectedText()

    def canInsertFromMimeData(self, source: QMimeData) -> bool:
        """Also markup."""
        return source.hasHtml() or super().canInsertFromMimeData(source)

    def insertFromMimeData(self, source: QMimeData) -> None:
        """What was copied here comes exactly as it was; markup from elsewhere as the subset; the rest as before."""
        if source.hasFormat(BODY_MIME):
            self.insert_rich(_unpacked(bytes(source.data(BODY_MIME).data())))
        elif source.hasHtml() and source.hasText() and not _has_files(source):
            html = source.html()
            if len(html) > _BIG_HTML:
                self.html_given.emit(html, self.textCursor())
            else:
                self.insert_rich(read_html(html))
        else:
            super().insertFromMimeData(source)
        self.ensureCursorVisible()

    def createMimeDataFromSelection(self) -> QMimeData:
        """Give plain text to all, markup to other programs, and the marks to ourselves."""
        cursor = self.textCursor()
        if not self._marked or not cursor.hasSelection():
            return super().createMimeDataFromSelection()
        start, said = _points(self.toPlainText(), cursor.selectionStart()), cursor.selectedText().translate(_AS_PLAIN)
        moved = [Mark(m.start - start, m.end - start, m.look, m.target) for m in self.rich().marks]
        chosen = Rich(said, tidy(moved, len(said)))
        data = QMimeData()
        data.setText(plain(chosen))
        data.setData(BODY_MIME, json.dumps([chosen.text, dump_marks(chosen.marks)], ensure_ascii=False).encode())
        if (html := to_html(chosen)) is not None:
            data.setData("text/html", html.encode())
        return data


def _looks(found: QTextCharFormat) -> list[tuple[Look, str]]:
    out: list[tuple[Look, str]] = []
    if found.fontWeight() > QFont.Weight.Medium:
        out.append((Look.BOLD, ""))
    if found.fontItalic():
        out.append((Look.ITALIC, ""))
    if found.boolProperty(_MONO):
        out.append((Look.MONO, ""))
    if found.isAnchor() and found.anchorHref():
        out.append((Look.LINK, found.anchorHref()))
    return out


def _unpacked(raw: bytes) -> Rich:
    try:
        text, marks = json.loads(raw)
        return Rich(str(text), load_marks(marks, len(str(text))))
    except (ValueError, TypeError):
        return Rich("")


def _has_files(source: QMimeData) -> bool:
    return source.hasUrls() and any(url.isLocalFile() for url in source.urls())


def _without_nul(rich: Rich) -> Rich:
    """Drop NULs, as every reader of a field does; marks keep their letters."""
    if "\0" not in rich.text:
        return rich
    before = [0]
    for letter in rich.text:
        before.append(before[-1] + (letter != "\0"))
    marks = [Mark(before[m.start], before[m.end], m.look, m.target) for m in rich.marks]
    return Rich(rich.text.replace("\0", ""), tidy(marks, before[-1]))


def _units(text: str, points: int) -> int:
    """Return a place in the editor's units (UTF-16) of one in code points."""
    return len(text[:points].encode("utf-16-le", "surrogatepass")) // 2


def _points(text: str, units: int) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")[: units * 2].decode("utf-16-le", "replace"))


def _sign_of(text: str) -> str:
    for sign in (BULLET, QUOTE):
        if text.startswith(sign):
            return sign
    found = NUMBER.match(text)
    return found[0] if found is not None else ""


def _kind(sign: str) -> str:
    return "1" if sign[:1].isdigit() else sign


def _next(sign: str) -> str:
    return f"{int(sign[:-2]) + 1}. " if sign[:1].isdigit() else sign
