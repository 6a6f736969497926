# SPDX-License-Identifier: GPL-3.0-or-later
"""What a browser is told of its packets, read back by a reader written from the draft, and who is told it at all."""

from __future__ import annotations

import asyncio
import inspect
import random
import struct
from collections.abc import Iterator

import pytest
from aiortc import RTCPeerConnection, RTCSessionDescription, codecs, rtcrtpreceiver
from aiortc.rtcpeerconnection import find_common_header_extensions
from aiortc.rtp import HeaderExtensionsMap

from remote_assist import aiortc_patches
from remote_assist.sdp_rules import BadSdp, check_sdp
from remote_assist.twcc import FEEDBACK_US, Feedback

SENDER, MEDIA = 0x11223344, 0x55667788
BROWSER_OFFER = """v=0
o=- 1 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0
m=video 9 UDP/TLS/RTP/SAVPF 96 97 98 99 103 104
c=IN IP4 0.0.0.0
a=ice-ufrag:abcd
a=ice-pwd:abcdefghijklmnopqrstuvwx
a=fingerprint:sha-256 {mark}
a=setup:actpass
a=mid:0
a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time
a=extmap:4 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01
a=sendonly
a=rtcp-mux
a=rtpmap:96 VP8/90000
a=rtcp-fb:96 goog-remb
a=rtcp-fb:96 transport-cc
a=rtcp-fb:96 nack
a=rtcp-fb:96 nack pli
a=rtpmap:97 rtx/90000
a=fmtp:97 apt=96
a=rtpmap:98 H264/90000
a=fmtp:98 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f
a=rtpmap:99 rtx/90000
a=fmtp:99 apt=98
a=rtpmap:103 H264/90000
a=rtcp-fb:103 transport-cc
a=fmtp:103 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f
a=rtpmap:104 rtx/90000
a=fmtp:104 apt=103
a=ssrc:1234 cname:x
"""
MARK = ":".join(["AB"] * 32)


@pytest.fixture
def for_browsers() -> Iterator[None]:
    """The libraries as in the child of a session with a browser, and as before again."""
    aiortc_patches.apply(browser=True)
    yield
    aiortc_patches.apply()


def read(packet: bytes) -> dict[int, int]:
    """Return number -> microseconds as draft-holmer-rmcat-transport-wide-cc-extensions-01, section 3.1, says."""
    first, kind, words = struct.unpack(">BBH", packet[:4])
    assert (first >> 6, first & 0x1F, kind, (words + 1) * 4) == (2, 15, 205, len(packet))
    end = len(packet) - (packet[-1] if first & 0x20 else 0)
    sender, media, base, count = struct.unpack(">IIHH", packet[4:16])
    assert (sender, media) == (SENDER, MEDIA)
    at = int.from_bytes(packet[16:19], "big") * 64_000
    place, symbols = 20, list[int]()
    while len(symbols) < count:
        (chunk,) = struct.unpack(">H", packet[place : place + 2])
        place += 2
        if not chunk & 0x8000:
            symbols += [chunk >> 13 & 3] * (chunk & 0x1FFF)
        elif chunk & 0x4000:
            symbols += [chunk >> shift & 3 for shift in range(12, -1, -2)]
        else:
            symbols += [chunk >> shift & 1 for shift in range(13, -1, -1)]
    found: dict[int, int] = {}
    for n, symbol in enumerate(symbols[:count]):
        if symbol:
            form, size = (">B", 1) if symbol == 1 else (">h", 2)
            at += struct.unpack(form, packet[place : place + size])[0] * 250
            place += size
            found[(base + n) & 0xFFFF] = at
    assert 0 <= end - place < 4
    assert len(packet) < 1200
    return found


@pytest.mark.parametrize("seed", range(20))
def test_a_reader_of_the_draft_finds_every_arrival_once_within_a_quarter_of_a_millisecond(seed: int) -> None:
    """Loss, disorder, bursts, pauses and the end of the numbers change nothing."""
    rng = random.Random(seed)  # a test's
    feedback, told, true = Feedback(), dict[int, int](), dict[int, int]()
    at, number, late = 1_000_000, rng.randrange(1 << 16), list[int]()
    for _ in range(1500):
        at += rng.choice((0, 90, 300, 5_000, 70_000, 9_000_000 if rng.random() < 0.01 else 1_000))
        draw = rng.random()
        if draw < 0.05:
            late.append(number)
        elif draw > 0.1:
            true[number] = at
            feedback.arrived(number, at)
        number = (number + 1) & 0xFFFF
        if late and rng.random() < 0.1:
            true[late[0]] = at
            feedback.arrived(late.pop(0), at)
        for packet in feedback.take(at, SENDER, MEDIA):
            told |= read(packet)
    for packet in feedback.take(at + FEEDBACK_US, SENDER, MEDIA):
        told |= read(packet)
    assert told.keys() == true.keys()
    assert all(abs(told[n] - true[n]) <= 500 for n in true)


def test_feedback_waits_forty_milliseconds_and_says_nothing_when_nothing_came() -> None:
    """Asked every 20 ms, a browser hears at most 50 ms after a packet; an idle line carries nothing."""
    feedback = Feedback()
    feedback.arrived(1, 0)
    assert len(feedback.take(0, SENDER, MEDIA)) == 1
    feedback.arrived(2, 10_000)
    assert feedback.take(20_000, SENDER, MEDIA) == []
    assert [read(p).keys() for p in feedback.take(40_000, SENDER, MEDIA)] == [{2}]
    assert feedback.take(900_000, SENDER, MEDIA) == []


def test_a_sender_that_begins_anew_is_not_told_of_thousands_of_lost_packets() -> None:
    """A jump in the numbers is a beginning."""
    feedback = Feedback()
    feedback.arrived(10, 0)
    feedback.take(0, SENDER, MEDIA)
    feedback.arrived(30_000, 100_000)
    (packet,) = feedback.take(100_000, SENDER, MEDIA)
    assert read(packet) == {30_000: 100_000}


async def answer_to_a_browser() -> str:
    pc = RTCPeerConnection()
    try:
        await pc.setRemoteDescription(
            RTCSessionDescription(BROWSER_OFFER.format(mark=MARK).replace("\n", "\r\n"), "offer")
        )
        return (await pc.createAnswer()).sdp
    finally:
        await pc.close()


@pytest.mark.usefixtures("for_browsers")
def test_a_browser_is_promised_transport_wide_feedback_and_no_bit_rate() -> None:
    """P3: VP8 and one profile of H.264, both with their retransmission, in the browser's order."""
    sdp = asyncio.run(answer_to_a_browser())
    assert [line for line in sdp.splitlines() if "transport-cc" in line] == [
        "a=rtcp-fb:96 transport-cc", "a=rtcp-fb:103 transport-cc",
    ]  # fmt: skip
    assert "a=extmap:4 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01" in sdp
    assert "goog-remb" not in sdp
    assert "42001f" not in sdp
    assert "m=video 9 UDP/TLS/RTP/SAVPF 96 97 103 104" in sdp
    own = next(e for e in codecs.HEADER_EXTENSIONS["video"] if "transport-wide" in e.uri)
    assert own.id == 5


def test_between_our_own_ends_nothing_of_it_is_announced() -> None:
    """P3 is for browsers alone, and `apply` without one takes it back."""
    aiortc_patches.apply(browser=True)
    aiortc_patches.apply()
    sdp = asyncio.run(answer_to_a_browser())
    assert "transport-cc" not in sdp
    assert "goog-remb" in sdp


def test_the_library_still_finds_the_number_where_it_is_read() -> None:
    """The library parses the extension once it is announced, and gives both ends the id of the offer."""
    source = inspect.getsource(HeaderExtensionsMap)
    assert "transport_sequence_number" in source
    assert "common.append(rx)" in inspect.getsource(find_common_header_extensions)
    assert "remote_bitrate_estimator is not None" in inspect.getsource(rtcrtpreceiver.RTCRtpReceiver._handle_rtp_packet)


def described(*codec_lines: str) -> str:
    return "\r\n".join([
        "v=0", "o=- 1 2 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=group:BUNDLE 0 1",
        "m=video 9 UDP/TLS/RTP/SAVPF 96 97", "a=mid:0", "a=sendonly", f"a=fingerprint:sha-256 {MARK}",
        *codec_lines, "a=rtpmap:97 rtx/90000", "a=fmtp:97 apt=96",
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel", "a=mid:1", f"a=fingerprint:sha-256 {MARK}", "",
    ])  # fmt: skip


H264 = ("a=rtpmap:96 H264/90000", "a=fmtp:96 packetization-mode=1;profile-level-id=42e01f")


def test_vp8_is_taken_from_a_browser_alone() -> None:
    """A companion sends H.264 with data of ours inside; anything else from it is refused."""
    vp8 = described("a=rtpmap:96 VP8/90000")
    assert check_sdp(vp8, "offer", browser=True).fingerprint == bytes([0xAB] * 32)
    assert check_sdp(described(*H264), "offer", browser=True)
    assert check_sdp(described(*H264), "offer")
    with pytest.raises(BadSdp, match="codec"):
        check_sdp(vp8, "offer")


@pytest.mark.parametrize(
    "lines",
    [
        ("a=rtpmap:96 VP9/90000",),
        ("a=rtpmap:96 AV1/90000",),
        ("a=rtpmap:96 H264/90000",),
        ("a=rtpmap:96 H264/90000", "a=fmtp:96 packetization-mode=0;profile-level-id=42e01f"),
        ("a=rtpmap:96 H264/90000", "a=fmtp:96 packetization-mode=1;profile-level-id=640034"),
    ],
)
def test_what_is_not_decoded_here_is_refused(lines: tuple[str, ...]) -> None:
    """No codec is negotiated that would show nothing."""
    with pytest.raises(BadSdp, match="codec"):
        check_sdp(described(*lines), "offer", browser=True)
