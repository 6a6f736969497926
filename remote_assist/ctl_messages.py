# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages of the channel `ctl`: JSON with its type under "t", at most 32 KiB. Who may send what is in `messages`."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from app.domain.assist import WHY_MAX, Scope
from app.domain.plain_text import CHAT_CHARS_MAX
from remote_assist.bulk import CLIP_PARTS_MAX, MAX_END, MAX_ID

__all__ = [
    "CHAT_CHARS_MAX",
    "CURSOR_SIDE_MAX",
    "U32",
    "Chat",
    "ChatGot",
    "Claim",
    "Clip",
    "ClipEnd",
    "Covered",
    "Ctl",
    "CursorShape",
    "CursorSide",
    "CursorSpot",
    "DiagOffer",
    "End",
    "FileAccept",
    "FileEnd",
    "FileOffer",
    "Grants",
    "Hello",
    "Limits",
    "OwnHands",
    "Pause",
    "Refused",
    "Request",
    "Retile",
    "SasResult",
    "Target",
    "View",
]

CURSOR_SIDE_MAX = 128
Word = Annotated[str, msgspec.Meta(max_length=64)]
Pixels = Annotated[int, msgspec.Meta(ge=0, le=16_384)]
U32 = Annotated[int, msgspec.Meta(ge=0, le=MAX_ID)]
CursorSide = Annotated[int, msgspec.Meta(ge=1, le=CURSOR_SIDE_MAX)]
CursorSpot = Annotated[int, msgspec.Meta(ge=0, le=CURSOR_SIDE_MAX)]
_Signed = Annotated[int, msgspec.Meta(ge=-65_536, le=65_536)]
_Size = Annotated[int, msgspec.Meta(ge=0, le=MAX_END)]
_Sha256 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]


class _Ctl(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="t"):
    pass


class Hello(_Ctl, frozen=True, tag="hello"):
    """Both: first message of an epoch; DTLS is up."""

    proto: int
    epoch: Annotated[int, msgspec.Meta(ge=0, le=1000)]
    caps: Annotated[list[Word], msgspec.Meta(max_length=32)] = []


class Pause(_Ctl, frozen=True, tag="pause"):
    """Both: the picture is held, or goes on. Only the customer may say that it goes on."""

    on: bool
    by: Word


class End(_Ctl, frozen=True, tag="end"):
    """Both: the session is over."""

    reason: Word


class Grants(_Ctl, frozen=True, tag="grants"):
    """Customer: what is granted now."""

    seq: Annotated[int, msgspec.Meta(ge=0)]
    set: Annotated[list[Scope], msgspec.Meta(max_length=16)]


class Refused(_Ctl, frozen=True, tag="refused"):
    """Customer: a requested scope was refused; `why` is "policy" where no person could have allowed it."""

    scope: Scope
    why: Word = ""


class SasResult(_Ctl, frozen=True, tag="sas"):
    """Customer: the check number was confirmed, or not. The only word that makes the agent's end verified."""

    ok: bool


class Target(_Ctl, frozen=True, tag="target"):
    """Customer: size in physical pixels and kind of what is shared.

    `marks`: what the agent points at and draws shows in the picture, so that the agent's window paints no second copy.
    """

    w: Pixels
    h: Pixels
    scale: Annotated[float, msgspec.Meta(gt=0, le=16)]
    kind: Word
    marks: bool = False


class CursorShape(_Ctl, frozen=True, tag="cursor_shape"):
    """Customer: a shape of the cursor: `bgra_z` is base64url of zlib of premultiplied BGRA rows."""

    id: U32
    hot: tuple[CursorSpot, CursorSpot]
    w: CursorSide
    h: CursorSide
    bgra_z: Annotated[str, msgspec.Meta(max_length=28_000)]


class Covered(_Ctl, frozen=True, tag="covered"):
    """Customer: how many parts of the picture are hidden, and a word for why nothing of it comes, if so."""

    n: Annotated[int, msgspec.Meta(ge=0, le=1000)]
    why: Word = ""


class OwnHands(_Ctl, frozen=True, tag="own_hands"):
    """Customer: the customer's own mouse or keyboard keeps the agent's away, or no longer. Grants stay as they are."""

    on: bool


class Limits(_Ctl, frozen=True, tag="limits"):
    """Customer: the time limits in force, and what policy of the customer's organisation allows in no session."""

    idle_s: Annotated[int, msgspec.Meta(ge=1, le=86_400)]
    hard_s: Annotated[int, msgspec.Meta(ge=1, le=86_400)]
    forbidden: Annotated[list[Scope], msgspec.Meta(max_length=16)] = []


class Request(_Ctl, frozen=True, tag="request"):
    """Agent: asks for a scope."""

    scope: Scope
    why: Annotated[str, msgspec.Meta(max_length=WHY_MAX)] = ""


class View(_Ctl, frozen=True, tag="view"):
    """Agent: what the agent looks at."""

    w: Pixels
    h: Pixels
    src_rect: tuple[_Signed, _Signed, _Signed, _Signed] | None = None


class Retile(_Ctl, frozen=True, tag="retile"):
    """Agent: these exact tiles could not be used; between the two children only."""

    col: Pixels
    row: Pixels
    run: Annotated[int, msgspec.Meta(ge=1, le=16)]


class Claim(_Ctl, frozen=True, tag="claim"):
    """Agent: a fact for the chain, for instance that the customer reported the same check number."""

    type: Word
    data: dict[Word, bool | int | Word]


class FileOffer(_Ctl, frozen=True, tag="fileoffer"):
    """Both: a file that this end would send, and the agent's reason. A question, not access: `fileaccept` begins it."""

    id: U32
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
    size: _Size
    sha256: _Sha256
    why: Annotated[str, msgspec.Meta(max_length=WHY_MAX)] = ""


class FileAccept(_Ctl, frozen=True, tag="fileaccept"):
    """Both: send this file from `offset` on; said again to go on after a reconnect."""

    id: U32
    offset: _Size


class FileEnd(_Ctl, frozen=True, tag="fileend"):
    """Both: this file is through, or will not be: refused, given up, or not what was offered. `why` is a known word."""

    id: U32
    ok: bool
    why: Word = ""


class Clip(_Ctl, frozen=True, tag="clip"):
    """Both: a text for the other end's clipboard follows on `clip`, in so many parts. `dir` is that of the sender."""

    dir: Literal["to_customer", "to_agent"]
    parts: Annotated[int, msgspec.Meta(ge=1, le=CLIP_PARTS_MAX)]


class ClipEnd(_Ctl, frozen=True, tag="clipend"):
    """Both: the text came and was taken, or what came was none."""

    ok: bool


class DiagOffer(_Ctl, frozen=True, tag="diagoffer"):
    """Customer: a bundle with these sections follows on `diag`, of so many bytes with this hash."""

    id: U32
    names: Annotated[list[Word], msgspec.Meta(max_length=32)]
    size: _Size
    sha256: _Sha256


class Chat(_Ctl, frozen=True, tag="chat"):
    """Both: what a person wrote. `n` counts the sender's texts from 1 and is the same when one is sent again."""

    n: Annotated[int, msgspec.Meta(ge=1, le=MAX_ID)]
    text: Annotated[str, msgspec.Meta(min_length=1, max_length=CHAT_CHARS_MAX)]


class ChatGot(_Ctl, frozen=True, tag="chatgot"):
    """Both: every text up to this number has come."""

    n: U32


Ctl = (
    Hello
    | Pause
    | End
    | Grants
    | Refused
    | SasResult
    | Target
    | CursorShape
    | Covered
    | OwnHands
    | Limits
    | Request
    | View
    | Retile
    | Claim
    | FileOffer
    | FileAccept
    | FileEnd
    | Clip
    | ClipEnd
    | DiagOffer
    | Chat
    | ChatGot
)
