# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages between agent client and server: hello, push, pull, accounts, live channel; canonical bytes and row hash.

Bodies are MessagePack (``CONTENT_TYPE``) compressed with zstd (RFC 8878). Answers to a pull are frames: a
big-endian u32 length and one tagged struct. The same structs encode to JSON for debugging.
docs/sync.md explains the rules.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Annotated, Any

import msgspec
import zstandard

from app.domain.changes import CHANGES, AnyChange, is_known, name_of, version_of

CONTENT_TYPE = "application/vnd.deskside.sync+msgpack"
PROTO = 1
PUSH_MAX_MUTATIONS = 200
PUSH_MAX_BYTES = 1 << 20
INFLATED_MAX_BYTES = 8 << 20
FRAME_MAX_BYTES = 256 << 10
PULL_MAX_BYTES = 4 << 20
LIVE_MAX_BYTES = 128 << 10
SIG_MAX_BYTES = 64 << 10


class ProtocolError(Exception):
    """Bytes that are no message of this protocol. `code`: malformed, too_large."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code


class _Struct(msgspec.Struct, frozen=True, kw_only=True):
    """Unknown fields of a newer version are ignored."""


class _Frame(msgspec.Struct, frozen=True, kw_only=True, tag_field="f"):
    pass


# --- sync --------------------------------------------------------------------------------------------------------


class Hello(_Struct, frozen=True, kw_only=True):
    """What the client has. `scopes` maps scope id to cursor, `optional` names archives that the person wants.

    `seen_hash` is the hash of the own mutation `lmid_seen`, `sums` maps scopes to [n, xsum] at their cursors: together
    with what they belong to they prove that the server lost what it once had.
    """

    device: bytes
    epoch: bytes | None = None
    proto: list[int] = msgspec.field(default_factory=lambda: [PROTO])
    schema: int
    app: str = ""
    wall_ms: int
    lmid_seen: int
    last_mid: int
    scopes: dict[str, int] = {}
    optional: list[str] = []
    seen_hash: bytes | None = None
    sums: dict[str, tuple[int, int]] = {}


class SnapshotRef(_Struct, frozen=True, kw_only=True):
    """A prepared download of one scope."""

    id: bytes
    at_seq: int
    size: int = msgspec.field(name="bytes")
    sha256: bytes


class ScopeInfo(_Struct, frozen=True, kw_only=True):
    """One scope this device may hold. `state` is "ok" or "reset" (start over from 0)."""

    id: str
    prio: int
    head: int
    floor: int
    n: int
    state: str = "ok"
    snapshot: SnapshotRef | None = None


class SchemaRange(_Struct, frozen=True, kw_only=True):
    """Oldest and current client schema the server serves."""

    min: int
    cur: int


class Limits(_Struct, frozen=True, kw_only=True):
    """What the server asks clients to keep to. Sizes in bytes, poll in seconds."""

    push_n: int = PUSH_MAX_MUTATIONS
    push_bytes: int = PUSH_MAX_BYTES
    pull_bytes: int = PULL_MAX_BYTES
    poll_s: int = 60
    offline_days: int = 14


class HelloAnswer(_Struct, frozen=True, kw_only=True):
    """What the server has. `drop` names scopes this device may no longer hold."""

    epoch: bytes
    proto: int
    schema: SchemaRange
    server_ms: int
    lmid: int
    lmid_hash: bytes | None
    drop: list[str]
    limits: Limits
    scopes: list[ScopeInfo]


# field -> (rev seen, mid of the own pending mutation that last set it, or 0)
BaseEntries = dict[str, tuple[int, int]]


class Mutation(_Struct, frozen=True, kw_only=True):
    """One named change. `args` is the canonical MessagePack of the change's dataclass; `hash` as `mutation_hash`."""

    mid: int
    name: str
    v: int
    hlc: int
    hash: bytes
    args: bytes
    base: BaseEntries = {}


class Push(_Struct, frozen=True, kw_only=True):
    """Mutations in mid order without holes."""

    device: bytes
    epoch: bytes
    muts: list[Mutation]


class Result(_Struct, frozen=True, kw_only=True):
    """What became of one mutation. `was` is the first `st` of a dup; `data` is canonical JSON-able details."""

    mid: int
    st: str  # ok, dup, merged, conflict, rejected
    was: str | None = None
    code: str | None = None
    data: dict[str, Any] | None = None


class PushAnswer(_Struct, frozen=True, kw_only=True):
    """`lmid` after the push; `heads` of the scopes touched."""

    lmid: int
    results: list[Result]
    heads: dict[str, int]


class Pull(_Struct, frozen=True, kw_only=True):
    """Ask for everything above a seq, per scope."""

    device: bytes
    epoch: bytes
    lmid_seen: int
    scopes: dict[str, int]
    max_bytes: int = PULL_MAX_BYTES


class Begin(_Frame, frozen=True, kw_only=True, tag="begin"):
    """First frame of a pull: one server snapshot."""

    snap: bytes
    epoch: bytes
    lmid: int
    server_ms: int
    heads: dict[str, int]
    drop: list[str] = []
    rehello: bool = False


class Results(_Frame, frozen=True, kw_only=True, tag="results"):
    """Results other than plain ok with lmid_seen < mid <= lmid."""

    items: list[Result]


class Rows(_Frame, frozen=True, kw_only=True, tag="rows"):
    """Rows of one entity: [id, seq, deleted, rev, fld, values of cols...].

    `fld` maps a field to [rev, hlc, device code, mid].
    """

    scope: str
    type: int
    cols: list[str]
    rows: list[list[Any]]


class Exits(_Frame, frozen=True, kw_only=True, tag="exits"):
    """Rows that left a scope: (seq, type, id, to)."""

    scope: str
    items: list[tuple[int, int, bytes, str | None]]


class Mark(_Frame, frozen=True, kw_only=True, tag="mark"):
    """Everything of `scope` up to seq `to` has now been sent."""

    scope: str
    to: int


class More(_Frame, frozen=True, kw_only=True, tag="more"):
    """The answer reached max_bytes; ask again from here."""

    next: dict[str, int]


class ScopeSum(_Struct, frozen=True, kw_only=True):
    """Live rows and additive hash of a scope."""

    n: int
    xsum: int


class Sums(_Frame, frozen=True, kw_only=True, tag="sums"):
    """Sums of every requested scope, in the snapshot."""

    scopes: dict[str, ScopeSum]


class Finish(_Frame, frozen=True, kw_only=True, tag="end"):
    """Last frame of a complete pull."""

    snap: bytes


class SnapEnd(_Frame, frozen=True, kw_only=True, tag="snap_end"):
    """Last frame of a snapshot file: the seq up to which it holds the scope, and the scope's sums there."""

    at_seq: int
    n: int
    xsum: int


PullFrame = Begin | Results | Rows | Exits | Mark | More | Sums | Finish | SnapEnd

# --- accounts ----------------------------------------------------------------------------------------------------


class OidcCode(_Struct, frozen=True, kw_only=True):
    """What came back from the provider to `redirect`, and what the client knew when it sent the person there."""

    code: Annotated[str, msgspec.Meta(max_length=4096)]
    verifier: Annotated[str, msgspec.Meta(min_length=43, max_length=128)]
    redirect: Annotated[str, msgspec.Meta(max_length=200)]
    nonce: Annotated[str, msgspec.Meta(min_length=16, max_length=128)]


class OidcOffer(_Struct, frozen=True, kw_only=True):
    """The provider at which people of this server can sign in.

    `max_age_s`: the provider is to let nobody through whose sign-in there is older, and to say how old it is.
    """

    issuer: str
    client_id: str
    scopes: list[str]
    max_age_s: int | None = None


class Login(_Struct, frozen=True, kw_only=True):
    """Sign in with a local account, or with `oidc`. `device` is set when this installation is already registered."""

    login: str = ""
    password: str = ""
    oidc: OidcCode | None = None
    device: bytes | None = None
    device_name: str = ""


class Prove(_Struct, frozen=True, kw_only=True):
    """Prove again who speaks, with the password of the account or with `oidc`: before an invitation."""

    password: str = ""
    oidc: OidcCode | None = None


class Account(_Struct, frozen=True, kw_only=True):
    """Who signed in."""

    id: bytes
    login: str
    name: str
    roles: list[str] = []


class Tokens(_Struct, frozen=True, kw_only=True):
    """Access token (short, memory only) and refresh token (rotating). Device fields only after sign-in.

    `lmid`, with a new device id, is how far the server got with the mutations of the id that it replaces.
    """

    access: str
    refresh: str
    expires_s: int
    device: bytes | None = None
    device_code: str | None = None
    account: Account | None = None
    lmid: int | None = None


class Refresh(_Struct, frozen=True, kw_only=True):
    """Exchange a refresh token for the next pair."""

    refresh: str
    device: bytes


class NewDevice(_Struct, frozen=True, kw_only=True):
    """Ask for a new device id in place of `replaces`."""

    name: str
    replaces: bytes


class Wiped(_Struct, frozen=True, kw_only=True):
    """A revoked device says that key and data are gone; `wipe_token` is that of the refusal."""

    device: bytes
    wipe_token: str


class Problem(_Struct, frozen=True, kw_only=True):
    """Body of every error answer. `code` is a word of the table in docs/sync.md."""

    code: str
    detail: str = ""
    expected: int | None = None
    mid: int | None = None
    scope: str | None = None
    min: int | None = None
    wipe_token: str | None = None


# --- live channel (websocket, one MessagePack message per frame) -----------------------------------------------


class _Live(msgspec.Struct, frozen=True, kw_only=True, tag_field="m"):
    pass


class Auth(_Live, frozen=True, kw_only=True, tag="auth"):
    """First message of a client, and again before the token ends."""

    token: str


class Presence(_Live, frozen=True, kw_only=True, tag="presence"):
    """Somebody looks at or writes on something. A hint, never stored. From the server `who` is set."""

    type: int
    id: bytes
    state: str  # reading, writing, gone
    who: bytes | None = None


class Sig(_Live, frozen=True, kw_only=True, tag="sig"):
    """Opaque signalling data between the members of a session; `n` counts per sender. `to` is "agent" or "customer"."""

    session: bytes
    to: str
    n: int
    data: bytes


class SigNack(_Live, frozen=True, kw_only=True, tag="sig_nack"):
    """A `sig` was not delivered. `code`: absent, not_member, too_large, rate."""

    session: bytes
    code: str
    n: int = 0


class Ping(_Live, frozen=True, kw_only=True, tag="ping"):
    """Every 25 s."""


class Pong(_Live, frozen=True, kw_only=True, tag="pong"):
    """Answer to ping."""


class Poke(_Live, frozen=True, kw_only=True, tag="poke"):
    """Some scopes are at these heads: a hint to pull. To a Companion without heads: look at home."""

    heads: dict[str, int]


class Rehello(_Live, frozen=True, kw_only=True, tag="rehello"):
    """Access changed: say hello again."""


class Invite(_Live, frozen=True, kw_only=True, tag="invite"):
    """To an enrolled companion: an invitation for its customer."""

    iid: bytes
    invitation: bytes  # exact signed bytes
    signature: bytes
    join_secret: bytes


class SessionEnded(_Live, frozen=True, kw_only=True, tag="session_ended"):
    """To both members: the session is over. For the server's own reasons it ends at once, whatever the other says."""

    session: bytes
    reason: str


class Bye(_Live, frozen=True, kw_only=True, tag="bye"):
    """The server closes the socket; come back after retry_ms."""

    code: str
    retry_ms: int = 0


LiveUp = Auth | Presence | Sig | Ping
LiveDown = Poke | Rehello | Presence | Invite | Sig | SigNack | SessionEnded | Bye | Pong

# --- encoding ----------------------------------------------------------------------------------------------------

_encoder = msgspec.msgpack.Encoder()
_decoders: dict[Any, msgspec.msgpack.Decoder[Any]] = {}


def encode(message: Any) -> bytes:
    """Return MessagePack."""
    return _encoder.encode(message)


def decode(raw: bytes, kind: Any) -> Any:
    """Decode MessagePack into `kind` (a struct or a union of structs). Raises ProtocolError."""
    decoder = _decoders.get(kind)
    if decoder is None:
        decoder = _decoders[kind] = msgspec.msgpack.Decoder(kind)
    try:
        return decoder.decode(raw)
    except (msgspec.DecodeError, msgspec.ValidationError, RecursionError, UnicodeDecodeError) as error:
        raise ProtocolError("malformed", str(error)) from error


def pack(message: Any) -> bytes:
    """Return the zstd-compressed body of a request or of a single answer."""
    return zstandard.ZstdCompressor(level=3).compress(encode(message))


def inflate(body: bytes, limit: int = INFLATED_MAX_BYTES) -> bytes:
    """Undo zstd without ever holding more than twice `limit` bytes. Raises ProtocolError."""
    try:
        out = zstandard.ZstdDecompressor().decompressobj()
        raw = bytearray()
        # four bytes of zstd unfold to at most a block of 128 KiB: small steps keep one step within the limit
        step = max(64, limit >> 15)
        for start in range(0, len(body), step):
            raw += out.decompress(body[start : start + step])
            if len(raw) > limit:
                raise ProtocolError("too_large", f"more than {limit} bytes")
        if not out.eof:
            raise ProtocolError("malformed", "compressed data ends early")
    except zstandard.ZstdError as error:
        raise ProtocolError("malformed", str(error)) from error
    return bytes(raw)


def unpack(body: bytes, kind: Any, limit: int = INFLATED_MAX_BYTES) -> Any:
    """Decompress and decode. Raises ProtocolError."""
    return decode(inflate(body, limit), kind)


def frame(message: PullFrame) -> bytes:
    """Return a length-prefixed frame."""
    raw = encode(message)
    return len(raw).to_bytes(4, "big") + raw


class FrameReader:
    """Cuts a decompressed byte stream into frames. Feed bytes as they arrive; raises ProtocolError."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[PullFrame]:
        """Yield each complete frame."""
        self._buffer += data
        while len(self._buffer) >= 4:
            size = int.from_bytes(self._buffer[:4], "big")
            if size > 4 * FRAME_MAX_BYTES:
                raise ProtocolError("too_large", f"frame of {size} bytes")
            if len(self._buffer) < 4 + size:
                return
            raw = bytes(self._buffer[4 : 4 + size])
            del self._buffer[: 4 + size]
            yield decode(raw, PullFrame)

    @property
    def rest(self) -> int:
        """Bytes of an unfinished frame; not 0 at the end means that the answer was cut."""
        return len(self._buffer)


_args_encoder = msgspec.msgpack.Encoder(order="deterministic")


def encode_args(change: AnyChange) -> tuple[str, int, bytes]:
    """Return a change as (name, version, canonical MessagePack of its arguments)."""
    return name_of(change), version_of(change), _args_encoder.encode(change)


def decode_args(name: str, v: int, raw: bytes) -> AnyChange:
    """Return the change. Raises ProtocolError("unknown_mutation" or "malformed")."""
    if not is_known(name, v):
        raise ProtocolError("unknown_mutation", f"{name} v{v}")
    change: AnyChange = decode(raw, CHANGES[name][1])
    return change


def mutation_hash(name: str, v: int, hlc: int, args: bytes, base: BaseEntries) -> bytes:
    """Return BLAKE2b-64 over the canonical bytes of a mutation."""
    ordered = sorted((field, rev, after) for field, (rev, after) in base.items())
    return hashlib.blake2b(encode([name, v, hlc, args, ordered]), digest_size=8).digest()


def row_hash(type_: int, id_: bytes, seq: int) -> int:
    """Return the signed 64-bit hash of a row's version: BLAKE2b-64 over type (u16), id, seq (u64), big-endian."""
    raw = type_.to_bytes(2, "big") + id_ + seq.to_bytes(8, "big")
    return int.from_bytes(hashlib.blake2b(raw, digest_size=8).digest(), "big", signed=True)


def add_sum(total: int, delta: int) -> int:
    """Add modulo 2^64, kept as signed: PostgreSQL raises on bigint overflow, so the sum is made in Python."""
    return ((total + delta + (1 << 63)) & ((1 << 64) - 1)) - (1 << 63)
