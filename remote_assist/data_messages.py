# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages of the other channels: binary with a type byte first, or JSON on `ann`. `messages` has their bytes."""

from __future__ import annotations

from typing import Annotated

import msgspec

from app.domain.marks import MARK_POINTS_MAX, UNIT, MarkKind
from remote_assist.bulk import CLIP_PARTS_MAX, MAX_CLIP_DATA_BYTES, MAX_DATA_BYTES, MAX_END, Chunk
from remote_assist.ctl_messages import U32, CursorSide, CursorSpot

__all__ = [
    "MAX_ARRIVALS",
    "AddMark",
    "Ann",
    "Arrival",
    "ClearMarks",
    "ClipPart",
    "Cursor",
    "CursorImage",
    "DiagPart",
    "FilePart",
    "Ping",
    "Pointer",
    "Pong",
    "RemoveMark",
    "Shown",
]

MAX_ARRIVALS = 500
_TTL_MAX_S = 60
_Step = Annotated[int, msgspec.Meta(ge=0, le=UNIT)]
_Part = Annotated[int, msgspec.Meta(ge=0, le=CLIP_PARTS_MAX)]
_Offset = Annotated[int, msgspec.Meta(ge=0, le=MAX_END)]
_Data = Annotated[bytes, msgspec.Meta(min_length=1, max_length=MAX_DATA_BYTES)]


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

    id: U32
    hot: tuple[CursorSpot, CursorSpot]
    w: CursorSide
    h: CursorSide
    bgra: bytes


class Pointer(_Bin, frozen=True, tag="ptr"):
    """Agent, on `ptr`: where the agent points, in steps of 1/65535 of the target."""

    x: _Step
    y: _Step
    visible: bool


class AddMark(_Bin, frozen=True, tag="add"):
    """Agent, on `ann`: a drawing, or another form of the one with this id. `ttl` in seconds, 0 = pinned."""

    id: U32
    kind: MarkKind
    points: Annotated[list[tuple[_Step, _Step]], msgspec.Meta(min_length=1, max_length=MARK_POINTS_MAX)]
    colour: Annotated[int, msgspec.Meta(ge=0, le=0xFF_FFFF)]
    ttl: Annotated[int, msgspec.Meta(ge=0, le=_TTL_MAX_S)]


class RemoveMark(_Bin, frozen=True, tag="remove"):
    """Agent, on `ann`: take one drawing away."""

    id: U32


class ClearMarks(_Bin, frozen=True, tag="clear"):
    """Agent, on `ann`: take everything away."""


class ClipPart(_Bin, frozen=True, tag="clip_part"):
    """Both, on `clip`: part number `part`, from 0, of `of`."""

    part: _Part
    of: _Part
    data: Annotated[bytes, msgspec.Meta(min_length=1, max_length=MAX_CLIP_DATA_BYTES)]


class _Chunk(_Bin, frozen=True):
    id: U32
    offset: _Offset
    data: _Data

    @property
    def chunk(self) -> Chunk:
        """The piece that came."""
        return Chunk(self.id, self.offset, self.data)


class FilePart(_Chunk, frozen=True, tag="file_part"):
    """Both, on `file`: bytes of the file `id` from `offset` on."""


class DiagPart(_Chunk, frozen=True, tag="diag_part"):
    """Customer, on `diag`: bytes of the bundle `id` from `offset` on."""


Ann = AddMark | RemoveMark | ClearMarks
