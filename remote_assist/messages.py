# SPDX-License-Identifier: GPL-3.0-or-later
"""Data-channel messages of the scopes `view` and `pointer`: types, who may send them, and their bytes.

The session child decodes bytes with `decode`; the window process, which does not trust the child, checks the same
message again with `typed`. Channels whose scope is not built yet are listed, so that a message on them is told from a
malformed one.
"""

from __future__ import annotations

import struct
from typing import Annotated, Any

import msgspec

from app.domain.assist import Role, Scope
from app.domain.marks import MARK_POINTS_MAX, UNIT, MarkKind

__all__ = [
    "CHANNELS",
    "CHANNEL_SCOPE",
    "CURSOR_SIDE_MAX",
    "MAX_CTL_BYTES",
    "AddMark",
    "Arrival",
    "Channel",
    "Claim",
    "ClearMarks",
    "Cursor",
    "CursorImage",
    "CursorShape",
    "End",
    "Grants",
    "Hello",
    "Limits",
    "Malformed",
    "Message",
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
    "sender_allowed",
    "typed",
]

MAX_CTL_BYTES = 32 * 1024
MAX_ANN_BYTES = 16 * 1024
CURSOR_SIDE_MAX = 128
_TTL_MAX_S = 60
MAX_ARRIVALS = 500
_BOTH = frozenset(Role)
_AGENT = frozenset({Role.AGENT})
_CUSTOMER = frozenset({Role.CUSTOMER})
_Word = Annotated[str, msgspec.Meta(max_length=64)]
_Pixels = Annotated[int, msgspec.Meta(ge=0, le=16_384)]
_Signed = Annotated[int, msgspec.Meta(ge=-65_536, le=65_536)]
_U32 = Annotated[int, msgspec.Meta(ge=0, le=0xFFFF_FFFF)]
_Step = Annotated[int, msgspec.Meta(ge=0, le=UNIT)]
_CursorSide = Annotated[int, msgspec.Meta(ge=1, le=CURSOR_SIDE_MAX)]
_CursorSpot = Annotated[int, msgspec.Meta(ge=0, le=CURSOR_SIDE_MAX)]


class Malformed(Exception):
    """No message of this channel and sender. The text names the channel and type."""


class Channel(msgspec.Struct, frozen=True):
    """One negotiated data channel: its fixed id, delivery, senders, and the scope its messages need."""

    id: int
    ordered: bool
    reliable: bool
    senders: frozenset[Role]
    scope: Scope | None


CHANNELS: dict[str, Channel] = {
    "ctl": Channel(0, True, True, _BOTH, None),
    "hb": Channel(1, False, False, _BOTH, None),
    "fb": Channel(2, False, False, _AGENT, Scope.VIEW),
    "cur": Channel(3, False, False, _CUSTOMER, Scope.VIEW),
    "ptr": Channel(4, False, False, _AGENT, Scope.POINTER),
    "inp": Channel(5, True, True, _AGENT, Scope.CONTROL),
    "ann": Channel(6, True, True, _AGENT, Scope.POINTER),
    "tile": Channel(7, True, True, _CUSTOMER, Scope.VIEW),
    "file": Channel(8, True, True, _BOTH, Scope.FILES_TO_CUSTOMER),
    "clip": Channel(9, True, True, _BOTH, Scope.CLIPBOARD_TO_CUSTOMER),
    "diag": Channel(10, True, True, _CUSTOMER, Scope.DIAGNOSTICS),
}
# What an agent's message on a channel needs; `ctl` and `hb` carry no access.
CHANNEL_SCOPE: dict[str, Scope] = {name: c.scope for name, c in CHANNELS.items() if c.scope is not None}


class _Ctl(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="t"):
    pass


class Hello(_Ctl, frozen=True, tag="hello"):
    """Both: first message of an epoch; DTLS is up."""

    proto: int
    epoch: Annotated[int, msgspec.Meta(ge=0, le=1000)]
    caps: Annotated[list[_Word], msgspec.Meta(max_length=32)] = []


class Pause(_Ctl, frozen=True, tag="pause"):
    """Both: the picture is held, or goes on. Only the customer may say that it goes on."""

    on: bool
    by: _Word


class End(_Ctl, frozen=True, tag="end"):
    """Both: the session is over."""

    reason: _Word


class Grants(_Ctl, frozen=True, tag="grants"):
    """Customer: what is granted now."""

    seq: Annotated[int, msgspec.Meta(ge=0)]
    set: Annotated[list[Scope], msgspec.Meta(max_length=16)]


class Refused(_Ctl, frozen=True, tag="refused"):
    """Customer: a requested scope was refused."""

    scope: Scope


class SasResult(_Ctl, frozen=True, tag="sas"):
    """Customer: the check number was confirmed, or not. The only word that makes the agent's end verified."""

    ok: bool


class Target(_Ctl, frozen=True, tag="target"):
    """Customer: size in physical pixels and kind of what is shared.

    `marks`: what the agent points at and draws shows in the picture, so that the agent's window paints no second copy.
    """

    w: _Pixels
    h: _Pixels
    scale: Annotated[float, msgspec.Meta(gt=0, le=16)]
    kind: _Word
    marks: bool = False


class CursorShape(_Ctl, frozen=True, tag="cursor_shape"):
    """Customer: a shape of the cursor: `bgra_z` is base64url of zlib of premultiplied BGRA rows."""

    id: _U32
    hot: tuple[_CursorSpot, _CursorSpot]
    w: _CursorSide
    h: _CursorSide
    bgra_z: Annotated[str, msgspec.Meta(max_length=28_000)]


class Limits(_Ctl, frozen=True, tag="limits"):
    """Customer: the time limits in force."""

    idle_s: Annotated[int, msgspec.Meta(ge=1, le=86_400)]
    hard_s: Annotated[int, msgspec.Meta(ge=1, le=86_400)]


class Request(_Ctl, frozen=True, tag="request"):
    """Agent: asks for a scope."""

    scope: Scope
    why: Annotated[str, msgspec.Meta(max_length=200)] = ""


class View(_Ctl, frozen=True, tag="view"):
    """Agent: what the agent looks at."""

    w: _Pixels
    h: _Pixels
    src_rect: tuple[_Signed, _Signed, _Signed, _Signed] | None = None


class Retile(_Ctl, frozen=True, tag="retile"):
    """Agent: these exact tiles could not be used; between the two children only."""

    col: _Pixels
    row: _Pixels
    run: Annotated[int, msgspec.Meta(ge=1, le=16)]


class Claim(_Ctl, frozen=True, tag="claim"):
    """Agent: a fact for the chain, for instance that the customer reported the same check number."""

    type: _Word
    data: dict[_Word, bool | int | _Word]


class _Bin(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="t"):
    pass


class Ping(_Bin, frozen=True, tag="ping"):
    """Both, every second on `hb`; `t1` in microseconds of the sender's media clock."""

    n: int
    t1: int


class Pong(_Bin, frozen=True, tag="pong"):
    """Answer: `t2` when the ping came, `t3` when this left, on the answerer's clock."""

    n: int
    t1: int
    t2: int
    t3: int


class Arrival(_Bin, frozen=True, tag="arrival"):
    """Agent, on `fb`: when packets came. `deltas` in steps of 250 us from the packet before, None for a missing one."""

    base_seq: int
    ref_us: int
    deltas: Annotated[tuple[int | None, ...], msgspec.Meta(max_length=MAX_ARRIVALS)]


class Shown(_Bin, frozen=True, tag="shown"):
    """Agent, on `fb`: the newest picture that was decoded and drawn; times of the agent's media clock."""

    frame_id: int
    decoded_us: int
    drawn_us: int


class Cursor(_Bin, frozen=True, tag="cur"):
    """Customer, on `cur`: where the pointer is, in source pixels."""

    x: int
    y: int
    visible: bool
    shape: int
    us: int


class CursorImage(_Bin, frozen=True, tag="cursor_image"):
    """Never on the wire: what the agent's child made of a CursorShape. `bgra` is exactly w * h * 4 bytes."""

    id: _U32
    hot: tuple[_CursorSpot, _CursorSpot]
    w: _CursorSide
    h: _CursorSide
    bgra: bytes


class Pointer(_Bin, frozen=True, tag="ptr"):
    """Agent, on `ptr`: where the agent points, in steps of 1/65535 of the target."""

    x: _Step
    y: _Step
    visible: bool


class AddMark(_Bin, frozen=True, tag="add"):
    """Agent, on `ann`: a drawing, or another form of the one with this id. `ttl` in seconds, 0 = pinned."""

    id: _U32
    kind: MarkKind
    points: Annotated[list[tuple[_Step, _Step]], msgspec.Meta(min_length=1, max_length=MARK_POINTS_MAX)]
    colour: Annotated[int, msgspec.Meta(ge=0, le=0xFF_FFFF)]
    ttl: Annotated[int, msgspec.Meta(ge=0, le=_TTL_MAX_S)]


class RemoveMark(_Bin, frozen=True, tag="remove"):
    """Agent, on `ann`: take one drawing away."""

    id: _U32


class ClearMarks(_Bin, frozen=True, tag="clear"):
    """Agent, on `ann`: take everything away."""


Ctl = (
    Hello | Pause | End | Grants | Refused | SasResult | Target | CursorShape | Limits | Request | View | Retile | Claim
)
Ann = AddMark | RemoveMark | ClearMarks
Message = Ctl | Ann | Ping | Pong | Arrival | Shown | Cursor | CursorImage | Pointer

_SENDERS: dict[type[Message], tuple[str, frozenset[Role]]] = {
    Hello: ("ctl", _BOTH),
    Pause: ("ctl", _BOTH),
    End: ("ctl", _BOTH),
    Grants: ("ctl", _CUSTOMER),
    Refused: ("ctl", _CUSTOMER),
    SasResult: ("ctl", _CUSTOMER),
    Target: ("ctl", _CUSTOMER),
    Limits: ("ctl", _CUSTOMER),
    Request: ("ctl", _AGENT),
    View: ("ctl", _AGENT),
    Retile: ("ctl", _AGENT),
    Claim: ("ctl", _AGENT),
    Ping: ("hb", _BOTH),
    Pong: ("hb", _BOTH),
    Arrival: ("fb", _AGENT),
    Shown: ("fb", _AGENT),
    Cursor: ("cur", _CUSTOMER),
    CursorShape: ("ctl", _CUSTOMER),
    CursorImage: ("ctl", _CUSTOMER),
    Pointer: ("ptr", _AGENT),
    AddMark: ("ann", _AGENT),
    RemoveMark: ("ann", _AGENT),
    ClearMarks: ("ann", _AGENT),
}
_ctl: msgspec.json.Decoder[Ctl] = msgspec.json.Decoder(Ctl)
_ann: msgspec.json.Decoder[Ann] = msgspec.json.Decoder(Ann)
_MISSING = -0x8000


def encode(message: Message) -> bytes:
    """Return a message's bytes on its channel. Raises struct.error for numbers that do not fit."""
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
    return msgspec.json.encode(message)


def decode(channel: str, raw: bytes | str, sender: Role) -> Message:
    """Return the message that `sender` sent. Raises Malformed, and nothing else, for anything that is none."""
    data = raw.encode(errors="replace") if isinstance(raw, str) else raw
    if channel == "ctl":
        return _allowed(_decode_ctl(data), channel, sender)
    if channel == "ann":
        return _allowed(_decode_ann(data), channel, sender)
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
    raise Malformed(f"binary {kind}")
