# SPDX-License-Identifier: GPL-3.0-or-later
"""Mouse and keyboard over the remote picture as deeds on the customer's screen, while control is on."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from PySide6.QtCore import QEvent, QObject, QPointF, QRect, Qt, Signal
from PySide6.QtGui import QInputMethodEvent, QInputMethodQueryEvent, QKeyEvent, QMouseEvent, QWheelEvent

from app.domain.control import MODIFIERS, TEXT_MAX, Deed, Key, MoveTo, Press, Text, Wheel, from_evdev
from app.domain.marks import Point, to_steps
from widgets.remote.picture import Picture

__all__ = ["Steering", "key_of"]

_BUTTONS: Mapping[Qt.MouseButton, int] = {
    Qt.MouseButton.LeftButton: 1,
    Qt.MouseButton.MiddleButton: 2,
    Qt.MouseButton.RightButton: 3,
    Qt.MouseButton.BackButton: 8,
    Qt.MouseButton.ForwardButton: 9,
}
_NOTCH = 120
_X11_OFFSET = 8  # X11 and Wayland count keys from here
_K = Qt.Key
_PLACES: Mapping[int, int] = {
    **{_K.Key_A + n: 0x04 + n for n in range(26)},
    **{_K.Key_1 + n: 0x1E + n for n in range(9)},
    **{_K.Key_F1 + n: 0x3A + n for n in range(12)},
    **dict(zip(
        (_K.Key_0, _K.Key_Return, _K.Key_Escape, _K.Key_Backspace, _K.Key_Tab, _K.Key_Space), range(0x27, 0x2D),
        strict=True,
    )),
    **dict(zip(
        (_K.Key_Print, _K.Key_ScrollLock, _K.Key_Pause, _K.Key_Insert, _K.Key_Home, _K.Key_PageUp, _K.Key_Delete,
         _K.Key_End, _K.Key_PageDown, _K.Key_Right, _K.Key_Left, _K.Key_Down, _K.Key_Up), range(0x46, 0x53),
        strict=True,
    )),
    _K.Key_Enter: 0x58, _K.Key_Backtab: 0x2B, _K.Key_Menu: 0x65, _K.Key_Hangul: 0x90, _K.Key_Hangul_Hanja: 0x91,
    _K.Key_Control: 0xE0, _K.Key_Shift: 0xE1, _K.Key_Alt: 0xE2, _K.Key_Meta: 0xE3,
}  # fmt: skip
# What only changes how this keyboard writes is not pressed there: the characters that come of it are.
_HERE_ONLY = frozenset({_K.Key_AltGr, _K.Key_CapsLock, _K.Key_NumLock, _K.Key_ScrollLock, _K.Key_Mode_switch})
_DEAD = range(0x0100_1250, 0x0100_1300)
_SHORTCUT = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.MetaModifier
_OURS = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier


class Steering(QObject):
    """Watches the picture. `did` has each deed, `let_go` says that the hands are elsewhere, `released` that it is off
    by the key for it or because the focus went, `composing` what an input method has not finished yet."""

    did = Signal(object)
    let_go = Signal()
    released = Signal()
    composing = Signal(str)

    def __init__(self, picture: Picture) -> None:
        super().__init__(picture)
        self._picture = picture
        self._on = False
        self._buttons: set[int] = set()
        self._keys: set[int | str] = set()
        self._at = QPointF()
        self._turned = [0, 0]
        picture.installEventFilter(self)

    @property
    def on(self) -> bool:
        """Whether mouse and keys go to the customer's computer."""
        return self._on

    def turn(self, on: bool) -> None:
        """Send everything there from now on, or nothing."""
        if on == self._on:
            return
        self._on = on
        self._picture.setAttribute(Qt.WidgetAttribute.WA_InputMethodEnabled, on)
        if on:
            self._picture.setFocus()
            self._picture.grabKeyboard()  # keys of the desktop too, such as Alt+Tab
        else:
            self._picture.releaseKeyboard()
            self._buttons.clear()
            self._keys.clear()
            self._turned = [0, 0]
            self.composing.emit("")
            self.let_go.emit()

    # --- events ----------------------------------------------------------------------------------------------------

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Take what goes there; the rest goes on."""
        if not self._on or watched is not self._picture:
            return False
        kind = event.type()
        if kind is QEvent.Type.FocusOut:
            self._release()
        elif kind is QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            event.setAccepted(not _is_ours(event))  # no other key of this program while another one's are pressed
            return True
        elif isinstance(event, QKeyEvent):
            self._key(event)
            return True
        elif isinstance(event, QMouseEvent):
            self._mouse(event)
            return True
        elif isinstance(event, QWheelEvent):
            self._wheel(event)
            return True
        elif isinstance(event, QInputMethodQueryEvent):
            self._tell_input_method(event)
            return True
        elif isinstance(event, QInputMethodEvent):
            self._composed(event)
            return True
        return False

    def _do(self, deed: Deed) -> None:
        self._picture.active.emit()
        self.did.emit(deed)

    def _key(self, event: QKeyEvent) -> None:
        event.accept()
        down = event.type() is QEvent.Type.KeyPress
        if down and _is_ours(event):
            self._release()
            return
        if event.isAutoRepeat() and not down:
            return
        if down and len(event.text()) > 1 and not event.modifiers() & _SHORTCUT:
            self._write(event.text())
            return
        key = key_of(event)
        if key is None or (event.isAutoRepeat() and key.code in MODIFIERS):
            return
        name = key.code or key.char
        if down or name in self._keys:  # a key that went down before it was on goes up here alone
            self._keys.add(name) if down else self._keys.discard(name)
            self._do(key)

    def _write(self, text: str) -> None:
        text = "".join(char for char in text if char.isprintable())
        for start in range(0, len(text), TEXT_MAX):
            self._do(Text(text[start : start + TEXT_MAX]))

    def _mouse(self, event: QMouseEvent) -> None:
        event.accept()
        self._at = event.position()
        place = self._place(event.position(), keep=bool(self._buttons))
        button, kind = _BUTTONS.get(event.button(), 0), event.type()
        if kind is QEvent.Type.MouseButtonRelease:
            if button in self._buttons and place is not None:
                self._buttons.discard(button)
                self._do(Press(*place, button, down=False))
        elif place is None:
            return
        elif kind is QEvent.Type.MouseMove:
            self._do(MoveTo(*place))
        elif button:
            self._buttons.add(button)
            self._do(Press(*place, button, down=True))

    def _wheel(self, event: QWheelEvent) -> None:
        event.accept()
        place, turned = self._place(event.position(), keep=False), event.angleDelta()
        self._turned[0] -= turned.x()
        self._turned[1] += turned.y()
        dx, dy = (min(max(int(side / _NOTCH), -16), 16) for side in self._turned)
        self._turned[0] -= dx * _NOTCH
        self._turned[1] -= dy * _NOTCH
        if place is not None and (dx or dy):
            self._do(Wheel(*place, dx, dy))

    def _place(self, at: QPointF, *, keep: bool) -> Point | None:
        """Return the middle of the source's pixel under the mouse; None beside the picture, unless a button is held."""
        ratio, view = self._picture.devicePixelRatioF(), self._picture.view()
        x, y = view.point(at.x() * ratio, at.y() * ratio)
        width, height = view.source
        if not keep and not (0 <= x < width and 0 <= y < height):
            return None
        inside_x, inside_y = min(max(int(x), 0), width - 1), min(max(int(y), 0), height - 1)
        return to_steps(inside_x + 0.5, inside_y + 0.5, width, height)

    # --- input methods -----------------------------------------------------------------------------------------------

    def _tell_input_method(self, event: QInputMethodQueryEvent) -> None:
        event.setValue(Qt.InputMethodQuery.ImEnabled, True)
        event.setValue(Qt.InputMethodQuery.ImCursorRectangle, QRect(self._at.toPoint(), self._at.toPoint()))
        event.accept()

    def _composed(self, event: QInputMethodEvent) -> None:
        if event.commitString():
            self._write(event.commitString())
        self.composing.emit(event.preeditString())
        event.accept()

    def _release(self) -> None:
        self.turn(False)
        self.released.emit()


def _is_ours(event: QKeyEvent) -> bool:
    """Tell whether this is one of the two keys that stay here: the one that releases, and the one that ends."""
    modifiers = event.modifiers() & (_SHORTCUT | Qt.KeyboardModifier.ShiftModifier)
    return modifiers == _OURS and event.key() in (_K.Key_F12, _K.Key_End)


def key_of(event: QKeyEvent) -> Key | None:
    """Return a key by its place and by what it writes; None for one that means something on this keyboard alone."""
    qt_key = event.key()
    if qt_key in _HERE_ONLY or qt_key in _DEAD:
        return None
    scan = event.nativeScanCode()
    code = from_evdev(scan - _X11_OFFSET) if sys.platform == "linux" and scan > _X11_OFFSET else 0
    code = code or _PLACES.get(qt_key, 0)
    char = event.text()
    if event.modifiers() & _SHORTCUT:
        char = chr(qt_key).lower() if 0x20 < qt_key < 0x7F else ""
    char = char if len(char) == 1 and char.isprintable() else ""
    return Key(code, char, event.type() is QEvent.Type.KeyPress) if code or char else None
