# SPDX-License-Identifier: GPL-3.0-or-later
"""What a peer without manners sends: each deed is a name and a function of a hostile peer and a source of chance."""

from __future__ import annotations

import functools
import re
import struct
import zlib
from collections.abc import Callable
from random import Random
from typing import Final

import numpy as np
from aiortc.codecs.h264 import H264Encoder
from av.video.frame import VideoFrame

from app.domain.assist import Role
from remote_assist.child_protocol import Open, RemoteSdp
from remote_assist.encoder import X264, FrameData, _with_sei, sei_nal
from tests.remote_assist.hostile_peer import HostilePeer

Deed = Callable[[HostilePeer, Random], None]
_LENGTHS: Final = (0, 1, 2, 4, 11, 12, 13, 20, 28, 100, 1100, 1400, 2047, 2049, 9000, 60_000)
_START: Final = b"\x00\x00\x00\x01"
_HUGE: Final = (0, 1, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF)


def noise(chance: Random, most: int = 60_000) -> bytes:
    return chance.randbytes(min(most, chance.choice(_LENGTHS)))


def mutated(chance: Random, data: bytes) -> bytes:
    """A few bytes of it changed, cut off, doubled or put in."""
    out = bytearray(data or b"\0")
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(out)) if out else 0
        how = chance.randrange(4)
        if how == 0 and out:
            out[at] = chance.choice((0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)))
        elif how == 1:
            del out[at:]
        elif how == 2:
            out[at:at] = out[at : at + chance.randint(1, 300)]
        else:
            out[at:at] = noise(chance, 64)
    return bytes(out)


# --- bare datagrams ---------------------------------------------------------------------------------------------------


def datagrams(peer: HostilePeer, chance: Random) -> None:
    """Noise that looks like STUN, DTLS, RTP or nothing, from the session's address and from elsewhere."""
    for _ in range(60):
        first = bytes([chance.choice((0, 1, 20, 21, 22, 23, 63, 64, 127, 128, 144, 191, 192, 255))])
        data = chance.choice((b"", first)) + noise(chance)
        peer.datagram(data, from_path=chance.random() < 0.5)


def stun(peer: HostilePeer, chance: Random) -> None:
    """STUN whose attributes lie about their lengths."""
    for _ in range(60):
        kind = chance.choice((0x0001, 0x0101, 0x0111, 0x0011, 0x0003, 0x3FFF))
        body = b"".join(
            struct.pack("!HH", chance.choice((1, 6, 8, 9, 0x20, 0x24, 0x25, 0x8028, 0x8029, 0x802A)), chance.choice(
                (0, 1, 3, 4, 8, 20, 65_535))) + chance.randbytes(chance.choice((0, 1, 4, 8, 20)))
            for _ in range(chance.randint(0, 5))
        )  # fmt: skip
        length = len(body) if chance.random() < 0.7 else chance.choice((0, 1, 65_535))
        header = struct.pack("!HHI", kind, length, 0x2112A442) + chance.randbytes(12)
        peer.datagram(header + body, from_path=chance.random() < 0.5)


def dtls_records(peer: HostilePeer, chance: Random) -> None:
    """Records of every type and epoch, with lengths that do not fit, alerts and handshakes among them."""
    for _ in range(60):
        kind, body = chance.choice((20, 21, 22, 23, 24, 25)), noise(chance, 1400)
        length = len(body) if chance.random() < 0.6 else chance.choice((0, 1, 65_535))
        epoch = chance.choice((0, 1, 2, 65_535))
        record = struct.pack("!BHHHIH", kind, 0xFEFD, epoch, 0, chance.choice(_HUGE), length) + body
        peer.datagram(record * chance.choice((1, 1, 3)), from_path=chance.random() < 0.8)


# --- SCTP, inside DTLS ------------------------------------------------------------------------------------------------


def chunk(kind: int, body: bytes, flags: int = 0, length: int | None = None) -> bytes:
    size = len(body) + 4 if length is None else length
    return struct.pack("!BBH", kind, flags, size & 0xFFFF) + body + bytes(-len(body) % 4)


def data_chunk(tsn: int, stream: int, body: bytes, flags: int = 3, protocol: int = 53, seq: int = 0) -> bytes:
    return chunk(0, struct.pack("!LHHL", tsn % (1 << 32), stream, seq, protocol) + body, flags)


def chunks(peer: HostilePeer, chance: Random) -> None:
    """Chunks of every type with wrong lengths and noise inside; not those that close the association."""
    kinds = (0, 1, 2, 3, 4, 5, 9, 10, 11, 130, 192, 14, 77, 255)
    for _ in range(60):
        parts = [
            chunk(
                chance.choice(kinds),
                noise(chance, 1100),
                chance.randrange(256),
                chance.choice((None, None, 0, 3, 5, 65_535)),
            )
            for _ in range(chance.randint(1, 3))
        ]
        peer.sctp(b"".join(parts)[:1400], tag=chance.choice((None, None, None, 0)))
    for _ in range(20):
        peer.data(noise(chance, 16_000))
        peer.sctp(mutated(chance, peer.last_message[12:])[:1400])


def acknowledgements(peer: HostilePeer, chance: Random) -> None:
    """SACKs with thousands of gaps of the whole range, backwards, and of what was never sent."""
    for _ in range(8):
        count = chance.choice((1, 100, 330))
        gaps = b"".join(struct.pack("!HH", *chance.choice(((0, 65_535), (1, 65_535), (9, 3)))) for _ in range(count))
        cumulative = chance.choice((peer.remote_tsn, *_HUGE))
        peer.sctp(chunk(3, struct.pack("!LLHH", cumulative, 1 << 20, count, 0) + gaps))
        peer.sctp(chunk(3, struct.pack("!LLHH", cumulative, 0, 65_535, 65_535)))


def jumps(peer: HostilePeer, chance: Random) -> None:
    """Data far ahead of what is due, and the order to forget up to there."""
    for _ in range(300):
        ahead = chance.choice((2, 50, 4_000, 5_000, 1 << 20, 1 << 30)) + chance.randrange(1000)
        stream = chance.choice((3, 9, 11, 400, 65_535))
        peer.sctp(data_chunk(peer.next_tsn + ahead, stream, bytes(1000), chance.choice((0, 1, 2, 4))))
    streams = b"".join(struct.pack("!HH", n, 65_535) for n in range(0, 3000, 10))
    for cumulative in (peer.next_tsn + (1 << 29), peer.next_tsn - 3):
        peer.sctp(chunk(192, struct.pack("!L", cumulative % (1 << 32)) + streams))


def endless_message(peer: HostilePeer, chance: Random) -> None:
    """A message whose end never comes, in large and in tiny pieces."""
    size = chance.choice((1, 1100))
    for n in range(3000):
        peer.sctp(data_chunk(peer.next_tsn + n, 9, bytes(size), 2 if n == 0 else 0))
    peer.use_tsn(3000)


def open_channels(peer: HostilePeer, chance: Random) -> None:
    """Channels opened in-band, by the thousand, with names that are no text, also where one is already."""
    for n in range(1500):
        stream = chance.choice((n + 20, n + 20, 0, 65_535))
        body = struct.pack("!BBHLHH", 3, chance.randrange(256), 0, 0, chance.choice((3, 65_535)), 9) + noise(chance, 40)
        peer.sctp(data_chunk(peer.next_tsn + n, stream, body, protocol=50))
    for n in range(300):
        protocol = chance.choice((50, 51, 53, 56, 57, 0, 99))
        peer.sctp(data_chunk(peer.next_tsn + 1500 + n, chance.randrange(12), noise(chance, 400), protocol=protocol))
    peer.use_tsn(1800)


def closed_channels(peer: HostilePeer, chance: Random) -> None:
    """Streams reset one after the other, or the association aborted or shut down."""
    end = chance.choice((6, 7, 130))
    if end == 130:
        ids = b"".join(struct.pack("!H", n) for n in range(12))
        reset = struct.pack("!HHLLL", 13, 16 + len(ids), 1, 1, peer.next_tsn % (1 << 32)) + ids
        peer.sctp(chunk(130, reset))
    else:
        peer.sctp(chunk(end, struct.pack("!L", 0) if end == 7 else b""))


# --- RTP --------------------------------------------------------------------------------------------------------------


def rtp(kind: int, seq: int, timestamp: int, ssrc: int, payload: bytes, *, marker: bool = False) -> bytes:
    head = struct.pack("!BBHLL", 0x80, kind | marker << 7, seq & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc & 0xFFFFFFFF)
    return head + payload


def _next_rtp(peer: HostilePeer) -> tuple[int, int]:
    """Sequence number and time behind the last good packet."""
    if len(peer.last_rtp) < 12:
        return 1, 1
    _, _, seq, timestamp = struct.unpack_from("!BBHL", peer.last_rtp)
    return seq + 1, timestamp + 3000


def broken_rtp(peer: HostilePeer, chance: Random) -> None:
    """Good packets changed a little, and headers that promise more than there is."""
    for _ in range(60):
        data = mutated(chance, peer.last_rtp) if chance.random() < 0.7 else b"\xbf\xe5" + noise(chance, 1400)
        peer.media(data[:1400])


def strange_streams(peer: HostilePeer, chance: Random) -> None:
    """A stream of its own for every packet, and retransmissions of nothing."""
    h264, rtx = peer.payload_type("H264"), peer.payload_type("rtx")
    for n in range(1500):
        peer.media(rtp(chance.choice((h264, rtx, 127)), n, n, chance.randrange(1 << 32), noise(chance, 60)))
    for n in range(60):
        peer.media(rtp(rtx, n, n, peer.rtx_ssrc, noise(chance, 30)))


def sequence_jumps(peer: HostilePeer, chance: Random) -> None:
    """The picture's own stream, far ahead, far behind, and each packet twice."""
    kind, (seq, timestamp) = peer.payload_type("H264"), _next_rtp(peer)
    for _ in range(60):
        jump = chance.choice((0, 1, 100, 3_000, 5_000, 32_767, 32_769, 65_000))
        packet = rtp(kind, seq + jump, timestamp + chance.choice(_HUGE), peer.media_ssrc, noise(chance, 600))
        for _ in range(chance.choice((1, 2))):
            peer.media(packet)


def endless_frame(peer: HostilePeer, chance: Random) -> None:
    """A frame that never ends, in the largest packets that pass."""
    kind, (seq, timestamp) = peer.payload_type("H264"), _next_rtp(peer)
    for n in range(6000):
        body = bytes([0x7C, 0x85 if n == 0 else 0x05]) + bytes(chance.choice((1200, 1900)))
        peer.media(rtp(kind, seq + n, timestamp, peer.media_ssrc, body))


class Bits:
    """Bits as H.264 writes them."""

    def __init__(self) -> None:
        self._bits = ""

    def u(self, value: int, count: int) -> Bits:
        self._bits += f"{value:0{count}b}"
        return self

    def ue(self, *values: int) -> Bits:
        for value in values:
            code = f"{value + 1:b}"
            self._bits += "0" * (len(code) - 1) + code
        return self

    def raw(self) -> bytes:
        bits = self._bits + "1"
        bits += "0" * (-len(bits) % 8)
        data = int(bits, 2).to_bytes(len(bits) // 8, "big")
        return re.sub(rb"\x00\x00(?=[\x00-\x03])", b"\x00\x00\x03", data)


def parameter_sets(width: int, height: int, references: int = 1) -> list[bytes]:
    """SPS and PPS of a picture of that size."""
    size = (width // 16 - 1, height // 16 - 1)
    sps = Bits().u(66, 8).u(0xC0, 8).u(51, 8).ue(0, 0, 2, references).u(0, 1).ue(*size).u(1, 1).u(1, 1).u(0, 1).u(0, 1)
    pps = Bits().ue(0, 0).u(0, 1).u(0, 1).ue(0, 0, 0).u(0, 1).u(0, 2).ue(0, 0, 0).u(0, 3)
    return [b"\x67" + sps.raw(), b"\x68" + pps.raw()]


def empty_picture() -> bytes:
    """An IDR slice that begins at the first block and holds hardly anything: what is missing is made up."""
    return b"\x65" + Bits().ue(0, 7, 0).u(0, 4).ue(0).u(0, 1).u(0, 1).ue(0, 0).raw()


def send_frame(peer: HostilePeer, seq: int, timestamp: int, nals: list[bytes]) -> None:
    """Each NAL unit in a packet of its own, the last with the marker."""
    for n, nal in enumerate(nals):
        marker = n == len(nals) - 1
        peer.media(rtp(peer.payload_type("H264"), seq + n, timestamp, peer.media_ssrc, nal[:1900], marker=marker))


def absurd_pictures(peer: HostilePeer, chance: Random) -> None:
    """Sizes beyond everything, changing with each picture, with as many references as there can be."""
    seq, timestamp = _next_rtp(peer)
    for size in ((16_384, 16_384), (65_536, 16), (16, 65_536), (3_840, 2_160), (16, 16), (1_048_576, 1_048_576)) * 3:
        nals = [*parameter_sets(*size, references=chance.choice((1, 16))), empty_picture()]
        send_frame(peer, seq, timestamp, nals)
        seq, timestamp = seq + len(nals), timestamp + 3000


def broken_pictures(peer: HostilePeer, chance: Random) -> None:
    """Parameter sets and slices of noise, packets that aggregate or continue nothing."""
    seq, timestamp = _next_rtp(peer)
    for _ in range(60):
        kinds = (1, 5, 6, 7, 8, 9, 24, 25, 28, 29, 31, 0)
        nals = [bytes([0x60 | chance.choice(kinds)]) + noise(chance, 1200) for _ in range(chance.randint(1, 4))]
        send_frame(peer, seq, timestamp, nals)
        seq, timestamp = seq + len(nals), timestamp + chance.choice((0, 3000, 1 << 31))


@functools.cache
def encoded(width: int, height: int) -> bytes:
    """A whole grey picture that every decoder takes."""
    return X264(width, height, 44, "ultrafast").encode(VideoFrame(width, height, "yuv420p"), 0, keyframe=True)


def absurd_facts(peer: HostilePeer, chance: Random) -> None:
    """Good pictures of changing sizes whose own data name other sizes, times and numbers; and a clock that jumps."""
    seq, timestamp = _next_rtp(peer)
    for _ in range(30):
        clock_jumps(peer, chance)
        raw = encoded(*chance.choice(((1280, 720), (1280, 720), (16, 16), (3840, 2160), (64, 1080))))
        payloads = H264Encoder._packetize(_with_sei(raw, facts(chance)))
        for n, payload in enumerate(payloads):
            last = n == len(payloads) - 1
            peer.media(rtp(peer.payload_type("H264"), seq + n, timestamp, peer.media_ssrc, payload, marker=last))
        seq, timestamp = seq + len(payloads), timestamp + 3000


def too_large(peer: HostilePeer, chance: Random) -> None:
    """A picture wider than anything that is shown, within what a decoder takes."""
    seq, timestamp = _next_rtp(peer)
    payloads = H264Encoder._packetize(_with_sei(encoded(*chance.choice(((7680, 1072), (2160, 3840)))), facts(chance)))
    for n, payload in enumerate(payloads):
        last = n == len(payloads) - 1
        peer.media(rtp(peer.payload_type("H264"), seq + n, timestamp, peer.media_ssrc, payload, marker=last))


def facts(chance: Random) -> bytes:
    """The data of a picture, well packed and absurd."""
    cols, rows = chance.choice(((20, 12), (20, 12), (0, 0), (1, 1), (60, 34), (64, 64)))
    us = chance.choice((0, 1, 1 << 40, (1 << 62) - 1, (1 << 64) - 1))
    data = FrameData(
        chance.choice(_HUGE), us, chance.randrange(256), chance.randrange(8), np.ones((rows, cols), np.bool_)
    )
    nal = sei_nal(data)
    return mutated(chance, nal)[:1200] if chance.random() < 0.2 else nal


def clock_jumps(peer: HostilePeer, chance: Random) -> None:
    """Pongs from the end of time and pings of any length."""
    for _ in range(30):
        times = [chance.choice((0, 1, 1 << 40, (1 << 63), (1 << 64) - 1)) for _ in range(3)]
        peer.say("hb", struct.pack("!BIQQQ", 2, chance.randrange(1 << 32), *times))
        peer.say("hb", noise(chance, 100) or b"\x01")


# --- RTCP -------------------------------------------------------------------------------------------------------------


def report(kind: int, count: int, body: bytes, length: int | None = None) -> bytes:
    words = len(body) // 4 if length is None else length
    return struct.pack("!BBH", 0x80 | count & 31, kind, words & 0xFFFF) + body


def broken_reports(peer: HostilePeer, chance: Random) -> None:
    """Every type with wrong counts and lengths, numbers beyond everything, and a farewell."""
    ssrc = peer.media_ssrc
    for _ in range(80):
        kind, body = chance.choice((200, 201, 202, 203, 204, 205, 206, 207)), noise(chance, 1300)
        peer.media(
            report(kind, chance.randrange(32), body[: len(body) // 4 * 4], chance.choice((None, None, 0, 65_535)))
        )
        info = struct.pack("!LLLLLL", ssrc, *(chance.choice(_HUGE) for _ in range(5)))
        peer.media(report(201, 1, struct.pack("!L", 7) + info))
        peer.media(report(200, 0, struct.pack("!LLLLLL", ssrc, *(chance.choice(_HUGE) for _ in range(5)))))
    peer.media(report(203, 1, struct.pack("!L", ssrc)))


def feedback_flood(peer: HostilePeer, chance: Random) -> None:
    """Everything is missing, over and over; a whole picture is wanted each time; rates of nothing and of everything."""
    ssrc = peer.media_ssrc
    missing = b"".join(struct.pack("!HH", n * 17 & 0xFFFF, 0xFFFF) for n in range(450))
    for _ in range(60):
        peer.media(report(205, 1, struct.pack("!LL", 7, ssrc) + missing))
        peer.media(report(206, 1, struct.pack("!LL", 7, ssrc)))
        peer.media(report(206, 4, struct.pack("!LLLL", 7, 0, ssrc, chance.choice(_HUGE))))
        rate = struct.pack("!LL4sBBHL", 7, 0, b"REMB", 1, chance.choice((0, 0xFF)), chance.choice((0, 0xFFFF)), ssrc)
        peer.media(report(206, 15, rate))
    for _ in range(60):
        peer.say("fb", b"\x10" + struct.pack("!HHL", chance.randrange(1 << 16), 400, chance.choice(_HUGE)) + bytes(800))
        peer.say("fb", noise(chance, 1500) or b"\x10")


# --- messages and descriptions ----------------------------------------------------------------------------------------


def bombs(peer: HostilePeer, chance: Random) -> None:
    """What unpacks to far more than it says, on the channels that unpack."""
    packed = zlib.compress(bytes(64 << 20), 9)[:15_000]
    for _ in range(10):
        head = struct.pack(
            "!BLHHBBLL", 0x50, chance.choice(_HUGE), 0, 0, chance.choice((1, 16, 255)), 0, 0, len(packed)
        )
        peer.say("tile", head + packed)
        peer.say(
            chance.choice(("cur", "ptr", "file", "clip", "diag", "inp")),
            bytes([0x10 * chance.randrange(16)]) + noise(chance, 15_000),
        )


def descriptions(peer: HostilePeer, chance: Random) -> None:
    """Offers and answers changed a little, for connections that never come to be."""
    kind = "answer" if peer.attacked is Role.CUSTOMER else "offer"
    lines = peer.offer.split("\r\n")
    for n in range(12):
        epoch = 5000 + n + 100 * peer.epoch
        changed = list(lines)
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(changed))
            changed[at] = chance.choice((
                changed[chance.randrange(len(changed))], changed[at][: len(changed[at]) // 2], changed[at] * 40,
                re.sub(r"\d+", lambda _: str(chance.choice((*_HUGE, -1, 10**30))), changed[at]),
                "a=candidate:1 1 udp 1 999.999.999.999 99999 typ host", "a=candidate:x", "m=video", "\x00\ud7ff",
            ))  # fmt: skip
        peer.stub.link.send(Open(epoch))
        peer.stub.link.send(RemoteSdp(epoch, kind, "\r\n".join(changed)[:60_000], peer.peer.fingerprint))
        peer.attempts.append(epoch)


ANY: Final[dict[str, Deed]] = {
    deed.__name__: deed
    for deed in (
        datagrams, stun, dtls_records, chunks, acknowledgements, jumps, endless_message, open_channels, broken_rtp,
        strange_streams, broken_reports, clock_jumps, bombs, descriptions, closed_channels,
    )
}  # fmt: skip
DEEDS: Final[dict[Role, dict[str, Deed]]] = {
    Role.CUSTOMER: ANY | {feedback_flood.__name__: feedback_flood},
    Role.AGENT: ANY
    | {
        deed.__name__: deed
        for deed in (sequence_jumps, endless_frame, absurd_pictures, broken_pictures, absurd_facts, too_large)
    },
}
