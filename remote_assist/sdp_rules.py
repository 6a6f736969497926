# SPDX-License-Identifier: GPL-3.0-or-later
"""What a session description may contain; anything more is refused, never repaired in silence.

One video and one application section, bundled, no audio, one SHA-256 certificate fingerprint, retransmission
negotiated, video flowing from the customer only, as H.264 or, from a browser, also as VP8.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

__all__ = ["MAX_CANDIDATES", "MAX_SDP_BYTES", "BadSdp", "SdpFacts", "check_sdp", "clean_sdp"]

MAX_SDP_BYTES = 16 * 1024
MAX_CANDIDATES = 20
_FINGERPRINT = re.compile(r"a=fingerprint:sha-256 ((?:[0-9A-F]{2}:){31}[0-9A-F]{2})", re.IGNORECASE)
_CANDIDATE = re.compile(
    r"a=candidate:\S{1,32} \d{1,5} (?:udp|tcp) \d{1,10} [0-9A-Za-z.:\-]{1,64} \d{1,5} "
    r"typ (host|srflx|prflx|relay)((?: [!-~]+)*)",
    re.IGNORECASE,
)
_RELATED = re.compile(r" raddr \S+ rport \d+", re.IGNORECASE)
_RTPMAP = re.compile(r"a=rtpmap:(\d{1,3}) ([A-Za-z0-9-]+)/90000")
_PROFILE = "profile-level-id=42e01f"
_MODE = "packetization-mode=1"
_DIRECTIONS = ("a=sendrecv", "a=sendonly", "a=recvonly", "a=inactive")
_FOREIGN_HASHES = ("a=fingerprint:sha-384 ", "a=fingerprint:sha-512 ")


class BadSdp(Exception):
    """The description breaks a rule; the text names which."""


@dataclass(frozen=True, slots=True)
class SdpFacts:
    """What was found: the certificate fingerprint (32 bytes) and the number of candidates."""

    fingerprint: bytes
    candidates: int


def clean_sdp(sdp: str, *, relay_only: bool = False) -> str:
    """Return the description without hash lines other than SHA-256 and, with `relay_only`, without our own addresses.

    Used on what goes out and, for the addresses, on what comes in.
    """
    lines = [line for line in _lines(sdp) if not line.lower().startswith(_FOREIGN_HASHES)]
    if relay_only:
        lines = [_hidden(line) for line in lines if not line.startswith("a=candidate:") or _kind(line) == "relay"]
    return "".join(f"{line}\r\n" for line in lines)


def check_sdp(sdp: str, kind: str, *, browser: bool = False) -> SdpFacts:
    """Check an "offer" or "answer"; `browser`: the customer's end is one. Raises BadSdp."""
    if len(sdp.encode(errors="replace")) > MAX_SDP_BYTES:
        raise BadSdp("size")
    lines = _lines(sdp)
    if not lines or lines[0] != "v=0" or any(len(line) < 2 or line[1] != "=" for line in lines):
        raise BadSdp("form")
    session, sections = _split(lines)
    media = sorted(section[0].split(" ")[0] for section in sections)
    if media != ["m=application", "m=video"] or any(section[0].split(" ")[1:2] == ["0"] for section in sections):
        raise BadSdp("sections")
    _check_bundle(session, sections)
    video = next(s for s in sections if s[0].startswith("m=video"))
    _check_video(video, "sendonly" if kind == "offer" else "recvonly")
    _check_codecs(video, browser=browser)
    if any(line in _DIRECTIONS for line in session):
        raise BadSdp("direction")
    return SdpFacts(_fingerprint(lines), _count_candidates(lines))


def _lines(sdp: str) -> list[str]:
    lines = sdp.replace("\r\n", "\n").split("\n")
    if lines and not lines[-1]:
        lines.pop()
    if any(not line.isprintable() for line in lines):
        raise BadSdp("form")
    return lines


def _split(lines: list[str]) -> tuple[list[str], list[list[str]]]:
    starts = [i for i, line in enumerate(lines) if line.startswith("m=")] + [len(lines)]
    return lines[: starts[0]], [lines[a:b] for a, b in pairwise(starts)]


def _check_bundle(session: list[str], sections: list[list[str]]) -> None:
    groups = [line for line in session if line.startswith("a=group:")]
    mids = [line[len("a=mid:") :] for section in sections for line in section if line.startswith("a=mid:")]
    if len(groups) != 1 or len(mids) != 2 or len(set(mids)) != 2:
        raise BadSdp("bundle")
    name, *bundled = groups[0].split(" ")
    if name != "a=group:BUNDLE" or sorted(bundled) != sorted(mids):
        raise BadSdp("bundle")


def _check_video(video: list[str], direction: str) -> None:
    if [line for line in video if line in _DIRECTIONS] != [f"a={direction}"]:
        raise BadSdp("direction")
    if not any(re.fullmatch(r"a=rtpmap:\d+ rtx/90000", line, re.IGNORECASE) for line in video):
        raise BadSdp("retransmission")


def _check_codecs(video: list[str], *, browser: bool) -> None:
    """Only what this product decodes: a browser's VP8, and H.264 in the one form that both ends speak."""
    for line in video:
        if not line.lower().startswith("a=rtpmap:"):
            continue
        match = _RTPMAP.fullmatch(line)
        name = match[2].upper() if match is not None else ""
        if match is None or name not in (("VP8", "H264", "RTX") if browser else ("H264", "RTX")):
            raise BadSdp("codec")
        if name == "H264":
            formats = [f.lower() for f in video if f.lower().startswith(f"a=fmtp:{match[1]} ")]
            if len(formats) != 1 or _PROFILE not in formats[0] or _MODE not in formats[0]:
                raise BadSdp("codec")


def _fingerprint(lines: list[str]) -> bytes:
    found = {line.lower() for line in lines if line.lower().startswith("a=fingerprint")}
    if len(found) != 1 or not (match := _FINGERPRINT.fullmatch(found.pop())):
        raise BadSdp("fingerprint")
    return bytes.fromhex(match[1].replace(":", ""))


def _count_candidates(lines: list[str]) -> int:
    candidates = [line for line in lines if line.startswith("a=candidate")]
    if len(candidates) > MAX_CANDIDATES or not all(map(_kind, candidates)):
        raise BadSdp("candidates")
    return len(candidates)


def _kind(line: str) -> str:
    """Return what a candidate says that it is, empty for one that says so twice or breaks another rule.

    Whoever reads it may take the last word for it, or the first.
    """
    match = _CANDIDATE.fullmatch(line)
    if match is None or "typ" in match[2].lower().split(" "):
        return ""
    return match[1].lower()


def _hidden(line: str) -> str:
    if line.startswith("c="):
        return "c=IN IP4 0.0.0.0"
    if line.startswith("a=rtcp:"):
        return "a=rtcp:9 IN IP4 0.0.0.0"
    if line.startswith("a=candidate:"):
        return _RELATED.sub(" raddr 0.0.0.0 rport 9", line)
    if line.startswith("m="):
        media, _port, rest = line.split(" ", 2)
        return f"{media} 9 {rest}"
    return line
