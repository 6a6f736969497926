# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages between a window process and its session child, as MessagePack over a local pipe.

The parent treats every message of the child as hostile: decode only with `decode_from_child`.
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from app.domain.masking import MaskRule

MAX_MESSAGE_BYTES = 1 << 20


class _Msg(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="t"):
    pass


# --- parent to child ---------------------------------------------------------------------------------------------


class Start(_Msg, frozen=True, tag="start"):
    """First message. `role` is "agent" or "customer"; `limits` holds numbers such as fps_max, width_max, height_max."""

    role: str
    limits: dict[str, int] = {}


class Open(_Msg, frozen=True, tag="open"):
    """Make the peer connection of `epoch`. `ice` is a list of {urls, username, credential}; empty means host only.

    With `relay_only` nothing but relayed addresses is gathered, used or told.
    """

    epoch: int
    rung: int = 0
    ice: list[dict[str, str]] = []
    relay_only: bool = False


class RemoteSdp(_Msg, frozen=True, tag="remote_sdp"):
    """The other end's description; `type` is "offer" or "answer"; `fingerprint` (32 bytes) must be its only one."""

    epoch: int
    type: str
    sdp: str
    fingerprint: bytes


class Grants(_Msg, frozen=True, tag="grants"):
    """The scopes live now. The child acknowledges with Ack and from then on drops what is not in `scopes`."""

    seq: int
    scopes: list[str]


class ListTargets(_Msg, frozen=True, tag="list_targets"):
    """Ask for what can be shared; answered by Targets."""

    seq: int


class Source(_Msg, frozen=True, tag="source"):
    """Choose what to capture. The customer's local preview begins; nothing is sent before `view` is granted.

    `size` is that of the target when the region and the masks were drawn on it.
    """

    target: str
    kind: str
    region: tuple[int, int, int, int] | None = None
    preview: bool = True
    size: tuple[int, int] | None = None


class Masks(_Msg, frozen=True, tag="masks"):
    """Rectangles of the target, in its physical pixels, painted over before anything else sees the picture.

    `rules` hide foreign windows wherever they are, `own` are ids of windows of the program itself that are hidden so.
    `looked`: the customer has seen the target as it is now, and these rectangles are for it. The first `drawn` of them
    are the customer's, the others lie over windows of the program itself.
    """

    seq: int
    rects: list[tuple[int, int, int, int]]
    rules: list[MaskRule] = []
    own: list[int] = []
    looked: bool = False
    drawn: int = 0


class View(_Msg, frozen=True, tag="view"):
    """What the window shows, in device pixels, of which part of the source: the child scales to exactly that."""

    w: int
    h: int
    src: tuple[int, int, int, int] | None = None


class Keep(_Msg, frozen=True, tag="keep"):
    """`epoch` is the connection in use from now on; close the others. The first that connects is in use without it."""

    epoch: int


class Drop(_Msg, frozen=True, tag="drop"):
    """Give up the attempt of `epoch`."""

    epoch: int


class Send(_Msg, frozen=True, tag="send"):
    """Send bytes on a named data channel ("ctl", "ptr", ...) of the connection in use, or of `epoch` alone.

    On the bulk channels they wait for their turn, always on the connection in use: each that leaves is told by `Sent`,
    and a Fault "not_sent" names a channel on which what waited will not be sent.
    """

    channel: str
    data: bytes
    epoch: int = -1


class Pause(_Msg, frozen=True, tag="pause"):
    """Send no frame while `on`."""

    on: bool


class Alive(_Msg, frozen=True, tag="alive"):
    """Customer: the thread that draws the bar runs. Once a second; from the first one on its silence is acted on."""


class Record(_Msg, frozen=True, tag="record"):
    """Agent: keep what is received in `folder`, sealed with `secret` (32 bytes); `on` False ends it.

    With `still` one picture is kept instead. Nothing happens without the grant of `recording`.
    """

    on: bool
    folder: str = ""
    secret: bytes = b""
    still: bool = False


class End(_Msg, frozen=True, tag="end"):
    """Close everything, answer Ended and exit. Unconfirmed after 80 ms the parent kills the child."""

    reason: str = ""


ToChild = (
    Start
    | Open
    | RemoteSdp
    | Grants
    | ListTargets
    | Source
    | Masks
    | View
    | Keep
    | Drop
    | Send
    | Pause
    | Alive
    | Record
    | End
)

# --- child to parent ---------------------------------------------------------------------------------------------


class Ready(_Msg, frozen=True, tag="ready"):
    """The child has loaded everything and reads messages. `versions` names libraries for diagnostics."""

    pid: int
    versions: dict[str, str] = {}


class Fingerprint(_Msg, frozen=True, tag="fingerprint"):
    """SHA-256 of the DTLS certificate of this epoch, 32 bytes. Comes before any description."""

    epoch: int
    sha256: bytes


class LocalSdp(_Msg, frozen=True, tag="local_sdp"):
    """Own description, candidates gathered, foreign hash lines stripped."""

    epoch: int
    type: str
    sdp: str


class PeerState(_Msg, frozen=True, tag="state"):
    """Connection state. `channels_open` is true once `ctl` is open; `silent_ms` = time since any packet of the peer.

    Sent at each change and, while a peer connection exists, at least once a second: 3 s without one count as silence.
    `answered_ms`: how long ago the newest question was asked that the peer has answered; -1: none was.
    """

    epoch: int
    ice: str
    dtls: str
    path: str
    silent_ms: int
    channels_open: bool = False
    answered_ms: int = -1


class TargetItem(msgspec.Struct, frozen=True):
    """One thing that can be shared (see app.domain.capture.Target)."""

    id: str
    kind: str
    title: str
    rect: tuple[int, int, int, int]
    scale: float = 1.0


class Targets(_Msg, frozen=True, tag="targets"):
    """Answer to ListTargets."""

    seq: int
    items: list[TargetItem]


class Recv(_Msg, frozen=True, tag="recv"):
    """A data-channel message of the peer, already typed and size-checked by the child; it came by `epoch`."""

    channel: str
    message: dict[str, Any]
    epoch: int = -1


class Frame(_Msg, frozen=True, tag="frame"):
    """A picture is in shared memory: the viewer's (agent) or the preview (customer); `dirty` is a rectangle or None."""

    slot: int
    seq: int
    w: int
    h: int
    captured_us: int
    decoded_us: int
    dirty: tuple[int, int, int, int] | None = None


class Stats(_Msg, frozen=True, tag="stats"):
    """Once a second and on Pause: counters since start. Keys used: frames_sent, frames_received, bytes_sent, ..."""

    values: dict[str, float]


class Sent(_Msg, frozen=True, tag="sent"):
    """One message that waited on the bulk channel ("clip", "diag", "file") has left: there is room for the next."""

    channel: str


class PictureLeft(_Msg, frozen=True, tag="picture_left"):
    """Customer, while control is granted: this picture went out; `changed`: it shows something else than before."""

    frame_id: int
    changed: bool


class Place(_Msg, frozen=True, tag="place"):
    """Customer: where the captured target is now, x, y, width, height in physical pixels of the desktop."""

    rect: tuple[int, int, int, int]


class Recorded(_Msg, frozen=True, tag="recorded"):
    """Agent: `what` of a recording: "began" or "part" (ended) with its number, "still", "stopped", or "failed".

    `ms`, `size` and `sha256` (of the plain content) tell of what has ended; `code` why it failed.
    """

    what: str
    number: int = 0
    ms: int = 0
    size: int = 0
    sha256: bytes = b""
    code: str = ""


class Covered(_Msg, frozen=True, tag="covered"):
    """Customer: what hides windows now, in pixels of the target; `hits` counts the windows that rules found.

    `hold` is "rule" or "locked" while nothing of the screen may be seen, else empty.
    """

    rects: list[tuple[int, int, int, int]]
    hits: int
    hold: str = ""


class Ack(_Msg, frozen=True, tag="ack"):
    """Grants or Masks of this seq are in force."""

    seq: int


class Fault(_Msg, frozen=True, tag="fault"):
    """Something broke. `code` is one of the words in docs/remote-assist.md; the child may exit afterwards."""

    code: str
    detail: str = ""


class Ended(_Msg, frozen=True, tag="ended"):
    """Answer to End: nothing leaves this process any more. `frames_sent` is final."""

    frames_sent: int = 0


FromChild = (
    Ready
    | Fingerprint
    | LocalSdp
    | PeerState
    | Targets
    | Recv
    | Frame
    | Stats
    | Sent
    | PictureLeft
    | Place
    | Covered
    | Recorded
    | Ack
    | Fault
    | Ended
)

_encoder = msgspec.msgpack.Encoder()
_to_child: msgspec.msgpack.Decoder[ToChild] = msgspec.msgpack.Decoder(ToChild)
_from_child: msgspec.msgpack.Decoder[FromChild] = msgspec.msgpack.Decoder(FromChild)
_M = TypeVar("_M")


class BadMessage(Exception):
    """The bytes are no message of this protocol, or too many."""


def encode(message: ToChild | FromChild) -> bytes:
    """Return the message as bytes. Raises BadMessage when it would exceed MAX_MESSAGE_BYTES."""
    raw = _encoder.encode(message)
    if len(raw) > MAX_MESSAGE_BYTES:
        raise BadMessage(f"message of {len(raw)} bytes")
    return raw


def decode_to_child(raw: bytes) -> ToChild:
    """Decode what a parent sent. Raises BadMessage."""
    return _decode(_to_child, raw)


def decode_from_child(raw: bytes) -> FromChild:
    """Decode what a child sent; never trusts it. Raises BadMessage."""
    return _decode(_from_child, raw)


def _decode(decoder: msgspec.msgpack.Decoder[_M], raw: bytes) -> _M:
    if len(raw) > MAX_MESSAGE_BYTES:
        raise BadMessage(f"message of {len(raw)} bytes")
    try:
        return decoder.decode(raw)
    except (msgspec.DecodeError, msgspec.ValidationError, RecursionError) as error:
        raise BadMessage(str(error)) from error
