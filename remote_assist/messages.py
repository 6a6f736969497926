# SPDX-License-Identifier: GPL-3.0-or-later
"""Data-channel messages: all types, who may send them, and their bytes.

The session child decodes bytes with `decode`; the window process, which does not trust the child, checks the same
message again with `typed`. The types are in `ctl_messages` and `data_messages`, the channels in `channels`.
"""

from __future__ import annotations

import struct
from typing import Any

import msgspec

from app.domain.assist import Role
from app.domain.marks import MarkKind
from remote_assist import bulk, input_messages
from remote_assist.bundle_messages import BundleBad, BundlePart
from remote_assist.channels import (
    AGENT,
    BOTH,
    CHANNEL_SCOPE,
    CHANNELS,
    CUSTOMER,
    Channel,
    Malformed,
    scope_of,
)
from remote_assist.ctl_messages import (
    CHAT_CHARS_MAX,
    CURSOR_SIDE_MAX,
    Chat,
    ChatGot,
    Claim,
    Clip,
    ClipEnd,
    Covered,
    Ctl,
    CursorShape,
    DiagOffer,
    End,
    FileAccept,
    FileEnd,
    FileOffer,
    Grants,
    Hello,
    Limits,
    OwnHands,
    Pause,
    Refused,
    Request,
    Retile,
    SasResult,
    Target,
    View,
)
from remote_assist.data_messages import (
    MAX_ARRIVALS,
    AddMark,
    Ann,
    Arrival,
    ClearMarks,
    ClipPart,
    Cursor,
    CursorImage,
    DiagPart,
    FilePart,
    Ping,
    Pointer,
    Pong,
    RemoveMark,
    Shown,
)
from remote_assist.input_messages import Inp, InpButton, InpKey, InpMove, InpText, InpWheel

__all__ = [
    "CHANNELS",
    "CHANNEL_SCOPE",
    "CHAT_CHARS_MAX",
    "CURSOR_SIDE_MAX",
    "MAX_CTL_BYTES",
    "AddMark",
    "Ann",
    "Arrival",
    "Channel",
    "Chat",
    "ChatGot",
    "Claim",
    "ClearMarks",
    "Clip",
    "ClipEnd",
    "ClipPart",
    "Covered",
    "Ctl",
    "Cursor",
    "CursorImage",
    "CursorShape",
    "DiagOffer",
    "DiagPart",
    "End",
    "FileAccept",
    "FileEnd",
    "FileOffer",
    "FilePart",
    "Grants",
    "Hello",
    "Limits",
    "Malformed",
    "Message",
    "OwnHands",
    "Pause",
    "Ping",
    "Pointer",
    "Pong",
    "Refused",
    "RemoveMark",
    "Request",
    "Retile",
    "SasResult",
    "Shown",
    "Target",
    "View",
    "decode",
    "encode",
    "scope_of",
    "sender_allowed",
    "typed",
]

MAX_CTL_BYTES = 32 * 1024
MAX_ANN_BYTES = 16 * 1024

_Bulk = ClipPart | FilePart | DiagPart | BundlePart | BundleBad
Message = Ctl | Ann | Ping | Pong | Arrival | Shown | Cursor | CursorImage | Pointer | _Bulk | Inp

_SENDERS: dict[type[Message], tuple[str, frozenset[Role]]] = {
    Hello: ("ctl", BOTH),
    Pause: ("ctl", BOTH),
    End: ("ctl", BOTH),
    Grants: ("ctl", CUSTOMER),
    Refused: ("ctl", CUSTOMER),
    Covered: ("ctl", CUSTOMER),
    OwnHands: ("ctl", CUSTOMER),
    SasResult: ("ctl", CUSTOMER),
    Target: ("ctl", CUSTOMER),
    Limits: ("ctl", CUSTOMER),
    Request: ("ctl", AGENT),
    View: ("ctl", AGENT),
    Retile: ("ctl", AGENT),
    Claim: ("ctl", AGENT),
    FileOffer: ("ctl", BOTH),
    FileAccept: ("ctl", BOTH),
    FileEnd: ("ctl", BOTH),
    Clip: ("ctl", BOTH),
    ClipEnd: ("ctl", BOTH),
    DiagOffer: ("ctl", CUSTOMER),
    Chat: ("ctl", BOTH),
    ChatGot: ("ctl", BOTH),
    Ping: ("hb", BOTH),
    Pong: ("hb", BOTH),
    Arrival: ("fb", AGENT),
    Shown: ("fb", AGENT),
    Cursor: ("cur", CUSTOMER),
    CursorShape: ("ctl", CUSTOMER),
    CursorImage: ("ctl", CUSTOMER),
    Pointer: ("ptr", AGENT),
    **dict.fromkeys((InpMove, InpButton, InpWheel, InpKey, InpText), ("inp", AGENT)),
    AddMark: ("ann", AGENT),
    RemoveMark: ("ann", AGENT),
    ClearMarks: ("ann", AGENT),
    ClipPart: ("clip", BOTH),
    FilePart: ("file", BOTH),
    DiagPart: ("diag", CUSTOMER),
    BundlePart: ("diag", CUSTOMER),
    BundleBad: ("diag", CUSTOMER),
}
_CLIP_DIR = {Role.AGENT: "to_customer", Role.CUSTOMER: "to_agent"}
_ctl: msgspec.json.Decoder[Ctl] = msgspec.json.Decoder(Ctl)
_ann: msgspec.json.Decoder[Ann] = msgspec.json.Decoder(Ann)
_MISSING = -0x8000


def encode(message: Message) -> bytes:
    """Return a message's bytes on its channel. Raises struct.error or ValueError for what does not fit."""
    if isinstance(message, Ping):
        return struct.pack(">BIQ", 0x01, message.n, message.t1)
    if isinstance(message, Pong):
        return struct.pack(">BIQQQ", 0x02, message.n, message.t1, message.t2, message.t3)
    if isinstance(message, Arrival):
        steps = [_MISSING if delta is None else delta for delta in message.deltas]
        return struct.pack(f">BHHI{len(steps)}h", 0x10, message.base_seq, len(steps), message.ref_us, *steps)
    if isinstance(message, Shown):
        return struct.pack(">BIQQ", 0x11, message.frame_id, message.decoded_us, message.drawn_us)
    if isinstance(message, Cursor):
        return struct.pack(">BiiBIQ", 0x20, message.x, message.y, message.visible, message.shape, message.us)
    if isinstance(message, Pointer):
        return struct.pack(">BHHB", 0x30, message.x, message.y, message.visible)
    if isinstance(message, Inp):
        return input_messages.encode(message)
    if isinstance(message, ClipPart):
        return bulk.encode_part(message.part, message.of, message.data)
    if isinstance(message, FilePart | DiagPart):
        return bulk.encode(bulk.FILE if isinstance(message, FilePart) else bulk.DIAG, message.chunk)
    return msgspec.json.encode(message)


def decode(channel: str, raw: bytes | str, sender: Role) -> Message:
    """Return the message that `sender` sent. Raises Malformed, and nothing else, for anything that is none."""
    data = raw.encode(errors="replace") if isinstance(raw, str) else raw
    if channel == "ctl":
        return _allowed(_decode_ctl(data), channel, sender)
    if channel == "ann":
        return _allowed(_decode_ann(data), channel, sender)
    if channel == "inp":
        return _allowed(input_messages.decode(data), channel, sender)
    try:
        message = _decode_binary(data)
    except (struct.error, IndexError):
        raise Malformed(channel) from None
    return _allowed(message, channel, sender)


def typed(channel: str, message: dict[str, Any], sender: Role) -> Message:
    """Check a message that a session child says it received from `sender`. Raises Malformed, and nothing else."""
    try:
        found: Message = msgspec.convert(message, Message)
    except (msgspec.MsgspecError, ValueError, TypeError, RecursionError):
        raise Malformed(channel) from None
    return _allowed(found, channel, sender)


def sender_allowed(channel: str, sender: Role) -> bool:
    """Tell whether this end may send on this channel at all."""
    return channel in CHANNELS and sender in CHANNELS[channel].senders


def _allowed(message: Message, channel: str, sender: Role) -> Message:
    right_channel, senders = _SENDERS[type(message)]
    if channel != right_channel or sender not in senders:
        raise Malformed(f"{channel} {type(message).__name__}")
    if isinstance(message, AddMark) and message.kind is not MarkKind.PEN and len(message.points) != 2:
        raise Malformed("ann points")
    if isinstance(message, Inp):
        input_messages.check(message)
    if isinstance(message, Clip) and message.dir != _CLIP_DIR[sender]:
        raise Malformed("ctl clip")
    if isinstance(message, ClipPart) and not message.part < message.of:
        raise Malformed("clip part")
    if isinstance(message, FilePart | DiagPart) and message.chunk.end > bulk.MAX_END:
        raise Malformed(f"{channel} end")
    if isinstance(message, CursorImage) and len(message.bgra) != message.w * message.h * 4:
        raise Malformed("cursor size")
    return message


def _decode_ctl(data: bytes) -> Ctl:
    if len(data) > MAX_CTL_BYTES:
        raise Malformed("ctl size")
    try:
        return _ctl.decode(data)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise Malformed("ctl") from None


def _decode_ann(data: bytes) -> Ann:
    if len(data) > MAX_ANN_BYTES:
        raise Malformed("ann size")
    try:
        return _ann.decode(data)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise Malformed("ann") from None


def _decode_binary(data: bytes) -> Message:
    kind = data[0]
    if kind == 0x01:
        return Ping(*struct.unpack(">IQ", data[1:]))
    if kind == 0x02:
        return Pong(*struct.unpack(">IQQQ", data[1:]))
    if kind == 0x10:
        base_seq, count, ref_us = struct.unpack(">HHI", data[1:9])
        if count > MAX_ARRIVALS:
            raise Malformed("fb size")
        steps = struct.unpack(f">{count}h", data[9:])
        return Arrival(base_seq, ref_us, tuple(None if step == _MISSING else step for step in steps))
    if kind == 0x11:
        return Shown(*struct.unpack(">IQQ", data[1:]))
    if kind == 0x20:
        x, y, visible, shape, us = struct.unpack(">iiBIQ", data[1:])
        return Cursor(x, y, bool(visible), shape, us)
    if kind == 0x30:
        x, y, visible = struct.unpack(">HHB", data[1:])
        return Pointer(x, y, bool(visible))
    if kind == bulk.CLIP:
        return ClipPart(*bulk.decode_part(data))
    if kind in (bulk.FILE, bulk.DIAG):
        piece = bulk.decode(kind, data)
        return (FilePart if kind == bulk.FILE else DiagPart)(piece.id, piece.offset, piece.data)
    raise Malformed(f"binary {kind}")
