# SPDX-License-Identifier: GPL-3.0-or-later
"""Session descriptions: what is let through and what is refused."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remote_assist.sdp_rules import BadSdp, check_sdp, clean_sdp
from tests.remote_assist.world import sdp

MARK = bytes(range(32))
LINE = "a=fingerprint:sha-256 " + ":".join(f"{byte:02X}" for byte in MARK)
OTHER = "a=fingerprint:sha-256 " + ":".join(f"{byte:02X}" for byte in reversed(MARK))
CANDIDATE = "a=candidate:1 1 udp 2130706431 127.0.0.1 40000 typ host"
RELAY = "a=candidate:2 1 udp 16777215 192.0.2.9 50000 typ relay raddr 10.0.0.7 rport 40000"


@pytest.mark.parametrize("kind", ["offer", "answer"])
def test_a_plain_description_passes_and_tells_its_fingerprint(kind: str) -> None:
    """Both ways."""
    facts = check_sdp(sdp(kind, MARK), kind)
    assert (facts.fingerprint, facts.candidates) == (MARK, 1)


@pytest.mark.parametrize(
    ("rule", "old", "new"),
    [
        ("second value in a section", LINE, f"{LINE}\n{OTHER}"),
        ("sha-512 beside it", LINE, f"{LINE}\na=fingerprint:sha-512 {':'.join(['AB'] * 64)}"),
        ("sha-1 only", LINE, "a=fingerprint:sha-1 " + ":".join(["AB"] * 20)),
        ("other value at session level", "a=msid-semantic:WMS *", OTHER),
        ("no fingerprint", LINE + "\n", ""),
        ("short value", LINE, LINE[:-3]),
        ("audio", "m=application", "m=audio 9 UDP/TLS/RTP/SAVPF 0\na=mid:2\nm=application"),
        ("two videos", "m=application", "m=video 9 UDP/TLS/RTP/SAVPF 96\na=mid:2\nm=application"),
        ("no application", "m=application 9 UDP/DTLS/SCTP webrtc-datachannel", "m=audio 9 RTP/AVP 0"),
        ("section switched off", "m=video 9", "m=video 0"),
        ("no bundle", "a=group:BUNDLE 0 1\n", ""),
        ("bundle of one", "a=group:BUNDLE 0 1", "a=group:BUNDLE 0"),
        ("both directions", "a=sendonly", "a=sendrecv"),
        ("agent sends", "a=sendonly", "a=recvonly"),
        ("no direction", "a=sendonly\n", ""),
        ("direction twice", "a=sendonly", "a=sendonly\na=recvonly"),
        ("direction for all", "t=0 0", "t=0 0\na=sendrecv"),
        ("no retransmission", "rtx/90000", "red/90000"),
        ("21 candidates", CANDIDATE, "\n".join([CANDIDATE] * 21)),
        ("strange candidate", CANDIDATE, "a=candidate:1 1 udp 1 evil;host 1 typ host"),
        ("two kinds of candidate", CANDIDATE, CANDIDATE + " ufrag typ relay"),
        ("two kinds in capitals", CANDIDATE, CANDIDATE + " TYP relay"),
        ("too long", "s=-", "s=" + "x" * 17_000),
        ("control character", "s=-", "s=\x07"),
        ("not SDP", "v=0", "hello"),
    ],
)
def test_a_description_that_breaks_a_rule_is_refused(rule: str, old: str, new: str) -> None:
    """One rule each."""
    text = sdp("offer", MARK).replace("\r\n", "\n")
    assert old in text, rule
    with pytest.raises(BadSdp):
        check_sdp(text.replace(old, new), "offer")


def test_without_retransmission_there_is_no_session() -> None:
    """A description that leaves it out, and names nothing foreign in its place, is refused."""
    text = sdp("offer", MARK).replace("a=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n", "")
    assert "rtx" not in text
    with pytest.raises(BadSdp, match="retransmission"):
        check_sdp(text, "offer")


def test_own_foreign_hashes_are_taken_out_before_sending() -> None:
    """aiortc writes three; only SHA-256 leaves."""
    raw = sdp("offer", MARK, **{LINE: f"{LINE}\na=fingerprint:sha-384 AA\na=fingerprint:sha-512 BB"})
    assert check_sdp(clean_sdp(raw), "offer").fingerprint == MARK


def test_relay_only_leaves_no_own_address() -> None:
    """Neither as candidate nor as related address nor in a connection line."""
    raw = sdp(
        "offer",
        MARK,
        **{CANDIDATE: f"{CANDIDATE}\n{RELAY}", "c=IN IP4 0.0.0.0": "c=IN IP4 127.0.0.1", "video 9": "video 40000"},
    )
    clean = clean_sdp(raw, relay_only=True)
    assert check_sdp(clean, "offer").candidates == 1
    assert "127.0.0.1" not in clean
    assert "10.0.0.7" not in clean
    assert "40000" not in clean
    assert "192.0.2.9" in clean


@pytest.mark.parametrize("more", [" ufrag typ relay", " typ relay", "  typ relay", " generation 0 TYP RELAY typ relay"])
def test_relay_only_leaves_no_address_that_calls_itself_relayed_further_on(more: str) -> None:
    """What reads it goes by the pairs of words, and would send straight to the address."""
    raw = sdp("offer", MARK, **{CANDIDATE: f"{CANDIDATE}{more}\n{RELAY}"})
    assert "127.0.0.1" not in clean_sdp(raw, relay_only=True)
    assert "192.0.2.9" in clean_sdp(raw, relay_only=True)


@given(st.text(max_size=400))
def test_no_text_makes_the_check_fall_over(text: str) -> None:
    """Only BadSdp comes out."""
    with pytest.raises(BadSdp):
        check_sdp(text, "offer")


@given(st.lists(st.sampled_from(sdp("offer", MARK).split("\r\n")), max_size=40))
def test_no_shuffled_lines_make_the_check_fall_over(lines: list[str]) -> None:
    """Real lines in any order and number."""
    with contextlib.suppress(BadSdp):
        check_sdp("\n".join(["v=0", *lines]), "offer")
