# SPDX-License-Identifier: GPL-3.0-or-later
"""The other end of a real session child: a peer that holds the keys, and sends whatever it is told to.

Between its deeds it is good: as the customer's end it sends a moving picture, as the agent's it takes what comes.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import re
import socket
import struct
import threading
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Self, TypeVar

import pylibsrtp
from aiortc.rtcsctptransport import serialize_packet
from aiortc.rtp import is_rtcp
from OpenSSL import SSL

from app.domain.assist import Role
from remote_assist import aiortc_patches
from remote_assist.capture_drawn import DrawnSource
from remote_assist.child_protocol import Fingerprint, Grants, Keep, LocalSdp, Open, PeerState, Recv, RemoteSdp
from remote_assist.peer import Callbacks, Decoded, Peer
from remote_assist.sending import Gate, Mailbox, Pipeline
from tests.bench import _ours
from tests.bench._ours import Stub
from tests.fakes.wait import wait_until

T = TypeVar("T")
FPS = 10
_PATIENCE_S = 60
_CANDIDATE = re.compile(r"^a=candidate:\S+ 1 udp \d+ (\S+) (\d+) typ host", re.M)


class RawChunk:
    """A chunk whose bytes are given as they are."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def __bytes__(self) -> bytes:
        return self._data


class HostilePeer:
    """One end in this process, a child of the other role under attack. Methods are called from the test's thread."""

    def __init__(self, attacked: Role) -> None:
        """Start the child that is attacked; `connect` makes the first connection."""
        self.attacked = attacked
        self.role = Role.AGENT if attacked is Role.CUSTOMER else Role.CUSTOMER
        self.stub: Stub = _ours.start(attacked.value, {"DISPLAY": ""}, {"loopback": 1})
        self.pictures = 0
        self.faults_of_ours: list[str] = []
        self.heard: list[Recv] = []
        self.offer = ""
        self.last_rtp = self.last_message = b""
        self.ports: list[tuple[str, int]] = []
        self.epoch = -1
        self.attempts: list[int] = []
        self._seq = 0
        self._peer: Peer | None = None
        self._gate, self._mailbox = Gate(), Mailbox()
        self._pipeline = Pipeline(self._mailbox, self._gate, lambda _picture: None)
        self._source = DrawnSource(FPS)
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        aiortc_patches.apply(loopback=True)
        self._thread.start()
        if self.attacked is Role.CUSTOMER:
            _ours.share(self.stub, "drawn")
        else:
            _ours.show(self.stub)
            self._gate.set(granted=True, connected=True)
            self._pipeline.begin(None)
            self._source.start(self._source.targets()[0], self._pipeline.sink, FPS)
        return self

    def __exit__(self, *_: object) -> None:
        self._source.stop()
        self.stub.drop()
        with contextlib.suppress(TimeoutError):
            self._run(self._close(), 10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()
        self._udp.close()
        aiortc_patches.apply()

    # --- being good -----------------------------------------------------------------------------------------------

    def connect(self) -> None:
        """Make the next connection, as after a loss, and wait until it is up. The old one is given up."""
        self._run(self._close())
        self.epoch += 1
        stub = self.stub
        stub.link.send(Open(self.epoch))
        theirs = self._of_epoch(Fingerprint).sha256
        self._run(self._make())
        if self.role is Role.AGENT:
            self.offer = self._of_epoch(LocalSdp).sdp
            self._read_ports(self.offer)
            answer = self._run(self.peer.remote("offer", self.offer, theirs))
            stub.link.send(RemoteSdp(self.epoch, "answer", answer or "", self.peer.fingerprint))
        else:
            self.offer = self._run(self.peer.offer(self._mailbox, self._gate))
            stub.link.send(RemoteSdp(self.epoch, "offer", self.offer, self.peer.fingerprint))
            answer = self._of_epoch(LocalSdp).sdp
            self._read_ports(answer)
            self._run(self.peer.remote("answer", answer, theirs))
        while not self._of_epoch(PeerState).channels_open:
            pass
        wait_until(lambda: self.peer.connected, _PATIENCE_S)
        self._run(self._watch_own_packets())
        stub.link.send(Keep(self.epoch))

    def grant(self, *scopes: str) -> None:
        """Give the child under attack these scopes, and no others."""
        self._seq += 1
        self.stub.link.send(Grants(self._seq, list(scopes)))

    def shows_pictures(self, timeout_s: float = 20) -> bool:
        """Whether a picture made from now on comes through, in the direction of this session.

        One that was on its way already would also arrive at an end that takes nothing more.
        """
        before, asked_us = self.pictures, time.perf_counter_ns() // 1000
        with contextlib.suppress(AssertionError, queue.Empty):
            if self.role is Role.CUSTOMER:
                self._loop.call_soon_threadsafe(self.peer.want_keyframe)
                end = time.perf_counter() + timeout_s
                while self.stub.want_frame(max(0.0, end - time.perf_counter())).captured_us < asked_us:
                    pass
                return True
            self._loop.call_soon_threadsafe(self.peer.ask_keyframe)
            wait_until(lambda: self.pictures > before, timeout_s)
            return True
        return False

    def listen(self) -> list[Recv]:
        """Return what the child handed up since the last call."""
        heard = []
        while not self.stub.inbox.empty():
            message = self.stub.inbox.get()
            if isinstance(message, Recv):
                heard.append(message)
        self.heard += heard
        return heard

    # --- being bad ------------------------------------------------------------------------------------------------

    def media(self, data: bytes) -> None:
        """RTP or RTCP under the session's keys; what cannot even be encrypted goes as it is."""
        self._post(self._media(data))

    def sctp(self, data: bytes, *, tag: int | None = None) -> None:
        """The bytes of one or more chunks in an SCTP packet with a right sum, under the session's keys."""
        own = self._sctp
        tag = own._remote_verification_tag if tag is None else tag
        ports = own._local_port, own._remote_port or 5000
        self.data(serialize_packet(*ports, tag, RawChunk(data)))  # type: ignore[arg-type]  # all it needs are bytes

    def data(self, data: bytes) -> None:
        """Anything inside DTLS."""
        self._post(self._data(data))

    def datagram(self, data: bytes, *, from_path: bool) -> None:
        """A bare datagram: from the address of the session, or from one that nobody knows."""
        if from_path:
            self._post(self._dtls.transport._send(data))
        elif self.ports:
            with contextlib.suppress(OSError):
                self._udp.sendto(data, self.ports[0])

    def say(self, channel: str, data: bytes) -> None:
        """A well-formed message on a channel, with any content."""
        self._loop.call_soon_threadsafe(self.peer.send, channel, data)

    def settle(self) -> None:
        """Wait until everything has left."""
        self._run(asyncio.sleep(0))

    @property
    def peer(self) -> Peer:
        assert self._peer is not None
        return self._peer

    @property
    def next_tsn(self) -> int:
        """The number of the next chunk that a good peer would send."""
        return int(self._sctp._local_tsn)

    def use_tsn(self, count: int) -> None:
        """So many numbers were taken by chunks made by hand."""
        self._sctp._local_tsn = (self.next_tsn + count) % (1 << 32)

    @property
    def remote_tsn(self) -> int:
        """The last number that came."""
        return int(self._sctp._last_received_tsn)

    @property
    def memory_mb(self) -> int:
        """What the child holds now."""
        return int(_status(self.stub.link.pid, "VmRSS")) // 1024

    @property
    def most_memory_mb(self) -> int:
        """The most that it has held."""
        return int(_status(self.stub.link.pid, "VmHWM")) // 1024

    @property
    def media_ssrc(self) -> int:
        """Of the picture."""
        found = re.search(r"^a=ssrc:(\d+) ", self.offer, re.M)
        return int(found[1]) if found is not None else 0

    @property
    def rtx_ssrc(self) -> int:
        """Of what is sent again."""
        found = re.search(r"^a=ssrc-group:FID \d+ (\d+)", self.offer, re.M)
        return int(found[1]) if found is not None else 0

    def payload_type(self, name: str) -> int:
        """The number of a codec in this session."""
        found = re.search(rf"^a=rtpmap:(\d+) {name}/90000", self.offer, re.M)
        return int(found[1]) if found is not None else 0

    # --- inside: on the loop --------------------------------------------------------------------------------------

    async def _make(self) -> None:
        on = Callbacks(message=lambda _c, _d: None, changed=lambda: None, decoded=self._decoded)
        self._peer = Peer(self.epoch, self.role.value, [], on, relay_only=False)

    async def _close(self) -> None:
        if self._peer is not None:
            peer, self._peer = self._peer, None
            await peer.close()

    async def _watch_own_packets(self) -> None:
        send = self._dtls._send_rtp

        async def watched(data: bytes) -> None:
            if len(data) > 12 and not is_rtcp(data):
                self.last_rtp = data
            await send(data)

        async def listened(data: bytes) -> None:
            self.last_message = data
            await send_data(data)

        send_data = self._dtls._send_data
        self._dtls._send_rtp, self._dtls._send_data = watched, listened

    async def _media(self, data: bytes) -> None:
        dtls = self._dtls
        try:
            sealed = (dtls._tx_srtp.protect_rtcp if is_rtcp(data) else dtls._tx_srtp.protect)(data)
        except (pylibsrtp.Error, ValueError):
            sealed = data
        await dtls.transport._send(sealed)

    async def _data(self, data: bytes) -> None:
        with contextlib.suppress(SSL.Error):
            await self._dtls._send_data(data)

    @property
    def _dtls(self) -> Any:
        sctp: Any = self.peer._pc.sctp
        return sctp.transport

    @property
    def _sctp(self) -> Any:
        return self.peer._pc.sctp

    def _decoded(self, _picture: Decoded) -> None:
        self.pictures += 1

    def _read_ports(self, sdp: str) -> None:
        self.ports = [(host, int(port)) for host, port in _CANDIDATE.findall(sdp) if "." in host]

    def _of_epoch(self, kind: type[T]) -> T:
        while True:
            message = self.stub.inbox.get(timeout=_PATIENCE_S)
            if isinstance(message, Recv):
                self.heard.append(message)
            elif isinstance(message, kind) and getattr(message, "epoch", None) == self.epoch:
                return message

    def _post(self, work: Coroutine[object, object, None]) -> None:
        self._run(_quiet(work))

    def _run(self, work: Coroutine[object, object, T], timeout_s: float = _PATIENCE_S) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout_s)


def _status(pid: int, name: str) -> str:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next((line.split()[1] for line in lines if line.startswith(f"{name}:")), "0")


async def _quiet(work: Coroutine[object, object, None]) -> None:
    """The child may have had enough of us."""
    with contextlib.suppress(ConnectionError, OSError, struct.error):
        await work
