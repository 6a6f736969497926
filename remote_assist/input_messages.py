# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages of the channel `inp`: the agent's mouse and keyboard, each numbered and with the picture it is for.

Binary, big endian: type, `seq u32, frame_id u32`, then `x u16, y u16` in 1/65535 of the target for move, button and
wheel, and `button u8, down u8`, `dx i8, dy i8`, `code u16, char u32, down u8`, or UTF-8.
"""

from __future__ import annotations

import struct
from typing import Annotated, Final

import msgspec

from app.domain.control import BUTTONS, TEXT_MAX, TO_EVDEV, Deed, Key, MoveTo, Press, Text, Wheel
from app.domain.marks import UNIT
from remote_assist.channels import Malformed

__all__ = [
    "Inp",
    "InpButton",
    "InpKey",
    "InpMove",
    "InpText",
    "InpWheel",
    "check",
    "decode",
    "deed_of",
    "encode",
    "from_deed",
]

_U32 = Annotated[int, msgspec.Meta(ge=0, le=0xFFFF_FFFF)]
_Step = Annotated[int, msgspec.Meta(ge=0, le=UNIT)]
_Notches = Annotated[int, msgspec.Meta(ge=-16, le=16)]
_HEAD: Final = struct.Struct(">BII")


class _Inp(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="t"):
    seq: _U32
    frame_id: _U32


class InpMove(_Inp, frozen=True, tag="inp_move"):
    """The mouse goes there."""

    x: _Step
    y: _Step


class InpButton(_Inp, frozen=True, tag="inp_button"):
    """A button goes down or up, there."""

    x: _Step
    y: _Step
    button: Annotated[int, msgspec.Meta(ge=1, le=9)]
    down: bool


class InpWheel(_Inp, frozen=True, tag="inp_wheel"):
    """The wheel turns, there."""

    x: _Step
    y: _Step
    dx: _Notches
    dy: _Notches


class InpKey(_Inp, frozen=True, tag="inp_key"):
    """A key goes down or up; `char` is "" or one character."""

    code: Annotated[int, msgspec.Meta(ge=0, le=0xFFFF)]
    char: Annotated[str, msgspec.Meta(max_length=1)]
    down: bool


class InpText(_Inp, frozen=True, tag="inp_text"):
    """Characters, one after the other."""

    text: Annotated[str, msgspec.Meta(min_length=1, max_length=TEXT_MAX)]


Inp = InpMove | InpButton | InpWheel | InpKey | InpText


def from_deed(deed: Deed, seq: int, frame_id: int) -> Inp:
    """Return the message for what an agent did."""
    match deed:
        case MoveTo(x, y):
            return InpMove(seq, frame_id, x, y)
        case Press(x, y, button, down):
            return InpButton(seq, frame_id, x, y, button, down)
        case Wheel(x, y, dx, dy):
            return InpWheel(seq, frame_id, x, y, dx, dy)
        case Key(code, char, down):
            return InpKey(seq, frame_id, code, char, down)
        case Text(text):
            return InpText(seq, frame_id, text)


def deed_of(message: Inp) -> Deed:
    """Return what an agent wants done; places are still steps."""
    match message:
        case InpMove():
            return MoveTo(message.x, message.y)
        case InpButton():
            return Press(message.x, message.y, message.button, message.down)
        case InpWheel():
            return Wheel(message.x, message.y, message.dx, message.dy)
        case InpKey():
            return Key(message.code, message.char, message.down)
        case InpText():
            return Text(message.text)


def encode(message: Inp) -> bytes:
    """Return the bytes. Raises struct.error for numbers that do not fit."""
    seq, frame = message.seq, message.frame_id
    match message:
        case InpMove():
            return _HEAD.pack(0x40, seq, frame) + struct.pack(">HH", message.x, message.y)
        case InpButton():
            more = struct.pack(">HHBB", message.x, message.y, message.button, message.down)
            return _HEAD.pack(0x41, seq, frame) + more
        case InpWheel():
            more = struct.pack(">HHbb", message.x, message.y, message.dx, message.dy)
            return _HEAD.pack(0x42, seq, frame) + more
        case InpKey():
            char = ord(message.char) if message.char else 0
            return _HEAD.pack(0x43, seq, frame) + struct.pack(">HIB", message.code, char, message.down)
        case InpText():
            return _HEAD.pack(0x44, seq, frame) + message.text.encode()


def decode(data: bytes) -> Inp:
    """Return the message. Raises Malformed, and nothing else, for anything that is none."""
    try:
        return check(_read(data))
    except (struct.error, ValueError, IndexError, OverflowError):
        raise Malformed("inp") from None


def _read(data: bytes) -> Inp:
    kind, seq, frame = _HEAD.unpack(data[: _HEAD.size])
    rest = data[_HEAD.size :]
    if kind == 0x40:
        return InpMove(seq, frame, *struct.unpack(">HH", rest))
    if kind == 0x41:
        x, y, button, down = struct.unpack(">HHBB", rest)
        return InpButton(seq, frame, x, y, button, _flag(down))
    if kind == 0x42:
        return InpWheel(seq, frame, *struct.unpack(">HHbb", rest))
    if kind == 0x43:
        code, char, down = struct.unpack(">HIB", rest)
        return InpKey(seq, frame, code, chr(char) if char else "", _flag(down))
    if kind == 0x44 and len(rest) <= TEXT_MAX * 4:
        return InpText(seq, frame, rest.decode())
    raise Malformed("inp")


def _flag(value: int) -> bool:
    if value > 1:
        raise Malformed("inp")
    return value == 1


def check(message: Inp) -> Inp:
    """Return the message when its values mean something: real buttons, keys and characters. Raises Malformed."""
    good = True
    match message:
        case InpButton():
            good = message.button in BUTTONS
        case InpWheel():
            good = max(abs(message.dx), abs(message.dy)) <= 16
        case InpKey():
            known = message.code in TO_EVDEV or (message.code == 0 and message.char != "")
            good = known and (not message.char or message.char.isprintable())
        case InpText():
            good = 1 <= len(message.text) <= TEXT_MAX and message.text.isprintable()
        case _:
            pass
    if not good:
        raise Malformed("inp")
    return message
