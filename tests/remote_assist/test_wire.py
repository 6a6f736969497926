# SPDX-License-Identifier: GPL-3.0-or-later
"""The measure of Stop at the wire: which packets count, and from which moment. Without a clock and without sockets."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bench._wire import Packet, Stop, after_stop, figures, kind_of, udp_of

MS = 1_000_000
STOP = 5_000 * MS
OURS = {5000, 5001}


def packet(ms: float, kind: str = "rtp", source: int = 5000) -> Packet:
    return Packet(STOP + round(ms * MS), source, kind, 1200)


@pytest.mark.parametrize(
    ("payload", "kind"),
    [
        (b"\x80\x60abc", "rtp"),
        (b"\x80\xe0abc", "rtp"),
        (b"\x90\x61abc", "rtp"),
        (b"\x80\xc8abc", "rtcp"),
        (b"\x81\xcdabc", "rtcp"),
        (b"\x17\xfeabc", "dtls"),
        (b"\x00\x01abc", "stun"),
        (b"\x40\x00abc", "other"),
        (b"\x80", "other"),
        (b"", "other"),
    ],
)
def test_media_is_told_from_what_shares_its_port(payload: bytes, kind: str) -> None:
    """A picture's packet with the marker bit is not taken for a report, and the other way round."""
    assert kind_of(payload) == kind


def test_the_payload_is_found_behind_both_kinds_of_address() -> None:
    """IPv4 with and without options, IPv6; TCP and stumps are passed over."""
    udp = struct.pack("!HHHH", 5000, 6000, 11, 0) + b"\x80\x60x"
    four = bytes(12) + b"\x08\x00\x45" + bytes(8) + b"\x11" + bytes(10)
    options = bytes(12) + b"\x08\x00\x46" + bytes(8) + b"\x11" + bytes(14)
    six = bytes(12) + b"\x86\xdd\x60" + bytes(5) + b"\x11" + bytes(33)
    for head in (four, options, six):
        assert udp_of(head + udp) == (5000, b"\x80\x60x")
        for cut in range(len(head) + 8):
            assert udp_of((head + udp)[:cut]) is None
    assert udp_of(four.replace(b"\x11", b"\x06") + udp) is None


@given(
    st.permutations(
        [packet(-3), packet(2), packet(90), packet(150, source=7000), packet(120, "stun"), packet(4, "rtcp")]
    )
)
def test_the_last_packet_of_ours_counts_in_whatever_order_they_are_seen(packets: list[Packet]) -> None:
    """What others send, and connectivity checks, are no media of ours."""
    stop = after_stop(packets, OURS, STOP)
    assert stop.last_ms["rtp"] == 90
    assert stop.last_ms["rtcp"] == 4
    assert stop.packets["rtp"] == 2
    assert figures([stop])["pass"]


@pytest.mark.parametrize("kind", ["rtp", "rtcp"])
def test_one_packet_too_late_fails_the_gate(kind: str) -> None:
    """In one round of many."""
    good = after_stop([packet(-3), packet(99)], OURS, STOP)
    late = after_stop([packet(-3), packet(101, kind, 5001)], OURS, STOP)
    assert figures([good] * 9)["pass"]
    assert not figures([*[good] * 9, late])["pass"]
    assert figures([*[good] * 9, late])[kind]["max_ms"] == 101


def test_where_nothing_flowed_before_nothing_was_measured() -> None:
    """Silence before Stop proves nothing about Stop."""
    void = after_stop([packet(-600), packet(-1, "stun")], OURS, STOP)
    assert not void.flowed
    assert figures([void]) | {"rtp": None, "rtcp": None, "dtls": None} == {
        "rounds": 0, "void": 1, "rtp": None, "rtcp": None, "dtls": None, "pass": False,
    }  # fmt: skip
    assert isinstance(void, Stop)
