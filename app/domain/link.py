# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages between the agent's window process and its sync worker over the local socket, for both ends.

Frames are a big-endian u32 length and MessagePack. The first message of each side is `Hi`. All but sign-in, calls,
`sig` and presence are hints: the truth is in the two database files.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

LINK_PROTO = 1
MAX_FRAME_BYTES = 8 << 20


class _Msg(msgspec.Struct, frozen=True, kw_only=True, tag_field="m"):
    pass


class Hi(_Msg, frozen=True, kw_only=True, tag="hi"):
    """First message. `socket_token` is the secret from pending.db; `role` is "ui" or "worker"."""

    socket_token: bytes
    role: str
    proto: int = LINK_PROTO
    version: str = ""


# --- window to worker ---------------------------------------------------------------------------------------------


class Committed(_Msg, frozen=True, kw_only=True, tag="committed"):
    """A mutation was saved in pending.db."""

    mid: int


class SyncNow(_Msg, frozen=True, kw_only=True, tag="sync_now"):
    """A person pressed "Sync now"."""


class SignIn(_Msg, frozen=True, kw_only=True, tag="sign_in"):
    """Sign in with login and password at `server`; with `browser` at the server's provider instead."""

    server: str
    login: str
    password: str
    device_name: str
    browser: bool = False


class AskOffer(_Msg, frozen=True, kw_only=True, tag="ask_offer"):
    """Can people of this server sign in in the browser? Answered by SignInOffer."""

    server: str


class SignInCancel(_Msg, frozen=True, kw_only=True, tag="sign_in_cancel"):
    """The person does not want to wait for the browser any more."""


class Prove(_Msg, frozen=True, kw_only=True, tag="prove"):
    """Prove to the server who speaks, with the password, or with `browser` at the provider; answered by Proved."""

    id: int
    password: str = ""
    browser: bool = False


class ProofCancel(_Msg, frozen=True, kw_only=True, tag="proof_cancel"):
    """The person does not want to wait for the browser any more."""


class Call(_Msg, frozen=True, kw_only=True, tag="call"):
    """Call the server under /session/v1 with the worker's token; answered by CallResult."""

    id: int
    method: str
    path: str
    body: bytes = b""


class SigUp(_Msg, frozen=True, kw_only=True, tag="sig_up"):
    """Relay signalling data to the other end of a session."""

    session: bytes
    to: str
    n: int
    data: bytes


class PresenceUp(_Msg, frozen=True, kw_only=True, tag="presence_up"):
    """This person looks at or writes on something."""

    type: int
    id: bytes
    state: str


class GuardAnswer(_Msg, frozen=True, kw_only=True, tag="guard_answer"):
    """The person's answer to a checkpoint that would remove many tickets: apply it, or keep waiting."""

    apply: bool


class BlobsAdded(_Msg, frozen=True, kw_only=True, tag="blobs_added"):
    """A file was taken in and noted in pending.db: it can be uploaded."""


class FetchBlob(_Msg, frozen=True, kw_only=True, tag="fetch_blob"):
    """A person wants the content of an attachment that the row (`type`, `id`) names."""

    sha256: bytes
    size: int
    type: int
    id: bytes


class Quit(_Msg, frozen=True, kw_only=True, tag="quit"):
    """Finish and exit."""


# --- worker to window ---------------------------------------------------------------------------------------------


class Changed(_Msg, frozen=True, kw_only=True, tag="changed"):
    """Rows changed in replica.db; empty `ids` means anything may have."""

    types: list[int] = []
    ids: list[bytes] = []


class Status(_Msg, frozen=True, kw_only=True, tag="status"):
    """How sync stands. `phase` is one of the words below; times are Unix milliseconds.

    signed_out, connecting, loading, syncing, live, offline, stuck, refused. `code` refines: server_unreachable,
    tls_failure, wrong_server, proxy_unusable, token, suspended, revoked, schema, busy, disk_full, store_damaged.
    """

    phase: str
    since: int
    code: str | None = None
    percent: int | None = None
    last_sync: int | None = None
    detail: dict[str, Any] = {}


class SignInNeeded(_Msg, frozen=True, kw_only=True, tag="sign_in_needed"):
    """The tokens are gone or were refused. Local work goes on. `code` says why a sign-in just tried was refused."""

    code: str | None = None


class SignInOffer(_Msg, frozen=True, kw_only=True, tag="sign_in_offer"):
    """Whether `server` lets people sign in in the browser."""

    server: str
    browser: bool


class OpenBrowser(_Msg, frozen=True, kw_only=True, tag="open_browser"):
    """Open the provider's page in the system's browser. The address holds no secret that outlives this sign-in."""

    url: str


class OpenProofPage(_Msg, frozen=True, kw_only=True, tag="open_proof_page"):
    """Open the provider's page in the system's browser, for the proof with this id."""

    id: int
    url: str


class Proved(_Msg, frozen=True, kw_only=True, tag="proved"):
    """Answer to Prove: None, or why not. `retry_s`: so long nobody may try again."""

    id: int
    code: str | None = None
    retry_s: int = 0


class SignedIn(_Msg, frozen=True, kw_only=True, tag="signed_in"):
    """The window stores these in pending.db."""

    server: str
    account: bytes
    login: str
    name: str
    roles: list[str]
    device: bytes
    device_code: str


class CallResult(_Msg, frozen=True, kw_only=True, tag="result"):
    """Answer to Call. `status` is the HTTP status, or 0 when the server could not be reached."""

    id: int
    status: int
    body: bytes = b""


class SigDown(_Msg, frozen=True, kw_only=True, tag="sig_down"):
    """Signalling data from the other end."""

    session: bytes
    n: int
    data: bytes


class SigNack(_Msg, frozen=True, kw_only=True, tag="sig_nack"):
    """The relay could not deliver."""

    session: bytes
    code: str
    n: int = 0


class SessionEnded(_Msg, frozen=True, kw_only=True, tag="session_ended"):
    """The server ended the session."""

    session: bytes
    reason: str


class PresenceDown(_Msg, frozen=True, kw_only=True, tag="presence_down"):
    """Somebody else looks at or writes on something."""

    type: int
    id: bytes
    state: str
    who: bytes


class BlobMoved(_Msg, frozen=True, kw_only=True, tag="blob_moved"):
    """How an attachment's content stands: a word of `BlobState`, bytes so far, and why it failed."""

    sha256: bytes
    state: str
    have: int
    size: int
    code: str = ""


class Reopen(_Msg, frozen=True, kw_only=True, tag="reopen"):
    """The replica was set aside and is loaded again: close readers, open anew."""

    why: str = ""


class Renumber(_Msg, frozen=True, kw_only=True, tag="renumber"):
    """This installation got a new device id: the window renumbers its outbox above `keep_above`."""

    device: bytes
    device_code: str
    keep_above: int


class GuardAsked(_Msg, frozen=True, kw_only=True, tag="guard_asked"):
    """A checkpoint would remove `tickets` of `total` tickets here and waits for `GuardAnswer`; pushing goes on.

    0 of 0: the question is over, the tickets came back or were removed.
    """

    tickets: int
    total: int


class Locked(_Msg, frozen=True, kw_only=True, tag="locked"):
    """The server's word on this device. `why`: suspended (lock the window, keep all), revoked (the key and tokens are
    gone already; close the files, the worker removes them), or "" (usable again).
    """

    why: str


UiToWorker = (
    Hi | Committed | SyncNow | SignIn | AskOffer | SignInCancel | Prove | ProofCancel | Call | SigUp | PresenceUp
    | GuardAnswer | BlobsAdded | FetchBlob | Quit
)  # fmt: skip
WorkerToUi = (
    Hi
    | Changed
    | Status
    | SignInNeeded
    | SignInOffer
    | OpenBrowser
    | OpenProofPage
    | Proved
    | SignedIn
    | CallResult
    | SigDown
    | SigNack
    | SessionEnded
    | PresenceDown
    | BlobMoved
    | Reopen
    | Renumber
    | GuardAsked
    | Locked
)


class LinkError(Exception):
    """The other end sent something that is no message of this protocol."""


_encoder = msgspec.msgpack.Encoder()


def encode_frame(message: UiToWorker | WorkerToUi) -> bytes:
    """Return a length-prefixed frame."""
    raw = _encoder.encode(message)
    return len(raw).to_bytes(4, "big") + raw


class LinkReader:
    """Cuts a byte stream into messages of one direction. Feed bytes as they arrive; raises LinkError."""

    def __init__(self, kind: Any) -> None:
        self._decoder: msgspec.msgpack.Decoder[Any] = msgspec.msgpack.Decoder(kind)
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Any]:
        """Yield each complete message."""
        self._buffer += data
        while len(self._buffer) >= 4:
            size = int.from_bytes(self._buffer[:4], "big")
            if size > MAX_FRAME_BYTES:
                raise LinkError(f"frame of {size} bytes")
            if len(self._buffer) < 4 + size:
                return
            raw = bytes(self._buffer[4 : 4 + size])
            del self._buffer[: 4 + size]
            try:
                yield self._decoder.decode(raw)
            except (msgspec.DecodeError, msgspec.ValidationError, RecursionError) as error:
                raise LinkError(str(error)) from error
