# SPDX-License-Identifier: GPL-3.0-or-later
"""Chromium as the end that looks: it answers our customer's child, decodes its H.264 and shows it as it is."""

from __future__ import annotations

import contextlib
import functools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from Xlib.display import Display

from remote_assist.capture_drawn import HEIGHT, WIDTH, background
from remote_assist.channels import CHANNELS
from remote_assist.child_protocol import Grants, Keep, LocalSdp, Open, PeerState, RemoteSdp
from remote_assist.sdp_rules import check_sdp
from tests.bench import _ours
from tests.bench._ours import Stub
from tests.fakes import chromium, xvfb
from tests.fakes.chromium import Page, browser
from tests.fakes.wait import wait_until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(chromium.program() is None, reason="Chromium is not installed"),
]
until = functools.partial(wait_until, timeout_s=90)  # processes start meanwhile, on a machine that may be busy
FULL = (1920, 1080)
NEAR = 8  # of 255: what the encoder's finest step leaves of a strong colour; BT.601 taken for BT.709 errs by more
_PAGE = """
globalThis.answered = async (sdp, channels) => {
  const pc = globalThis.pc = new RTCPeerConnection({ iceServers: [], bundlePolicy: 'max-bundle' });
  globalThis.open = new Set();
  for (const [name, { id, ordered, reliable }] of Object.entries(channels)) {
    const limit = reliable ? {} : { maxRetransmits: 0 };
    const channel = pc.createDataChannel(name, { id, ordered, negotiated: true, ...limit });
    channel.onopen = () => open.add(name);
  }
  const video = globalThis.video = document.createElement('video');
  Object.assign(video, { muted: true, autoplay: true, playsInline: true });
  document.body.append(video);
  pc.ontrack = (event) => { video.srcObject = new MediaStream([event.track]); };
  await pc.setRemoteDescription({ type: 'offer', sdp });
  await pc.setLocalDescription(await pc.createAnswer());
  while (pc.iceGatheringState !== 'complete')
    await new Promise((done) => pc.addEventListener('icegatheringstatechange', done, { once: true }));
  return pc.localDescription.sdp;
};
globalThis.received = async () => {
  const all = [...(await pc.getStats()).values()];
  const video = all.find((item) => item.type === 'inbound-rtp' && item.kind === 'video');
  return video ? { ...video, codec: (all.find((item) => item.id === video.codecId) || {}).mimeType } : {};
};
globalThis.colours = (places) => {
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
  const pen = canvas.getContext('2d', { willReadFrequently: true });
  pen.drawImage(video, 0, 0);
  return places.map(([x, y]) => [...pen.getImageData(x, y, 1, 1).data.slice(0, 3)]);
};
true
"""
Pixels = npt.NDArray[np.int_]


@contextlib.contextmanager
def looking(profile: Path, environment: dict[str, str], kind: str) -> Iterator[tuple[Stub, Page]]:
    """A page that is connected to our customer's child, which may show its picture."""
    customer = _ours.start("customer", environment, {"loopback": 1})
    try:
        with browser(profile) as page:
            page.run(_PAGE)
            _ours.share(customer, kind)
            customer.link.send(Open(0))
            offer = customer.want(LocalSdp).sdp
            channels = {
                name: {"id": c.id, "ordered": c.ordered, "reliable": c.reliable} for name, c in CHANNELS.items()
            }
            answer = page.run(f"answered({json.dumps(offer)}, {json.dumps(channels)})")
            customer.link.send(RemoteSdp(0, "answer", answer, check_sdp(answer, "answer").fingerprint))
            until(lambda: customer.want(PeerState).channels_open)
            customer.link.send(Keep(0))
            customer.link.send(Grants(1, ["view"]))
            yield customer, page
    finally:
        customer.drop()


def received(page: Page) -> dict[str, Any]:
    found: dict[str, Any] = page.run("received()")
    return found


def shown(page: Page, places: list[tuple[int, int]]) -> Pixels:
    """Return red, green and blue of these places of the picture."""
    return np.array(page.run(f"colours({json.dumps(places)})"), int).reshape(-1, 3)


def flat_places(rows: npt.NDArray[np.uint32]) -> list[tuple[int, int]]:
    """Return places around which, for 8 pixels, everything has one colour, and never moves."""
    found = []
    for y in range(16, HEIGHT - 80, 40):
        for x in range(16, WIDTH - 16, 40):
            moves = (90 <= x < 1190 and 480 <= y < 560) or (840 <= x < 1190 and 140 <= y < 240)
            if not moves and len(np.unique(rows[y - 8 : y + 9, x - 8 : x + 9])) == 1:
                found.append((x, y))
    return found


def test_a_browser_decodes_our_picture_in_its_size_and_colours(tmp_path: Path) -> None:
    """H.264 by its own decoder; every channel open; where the source is flat the colours are the source's."""
    source = background()
    places = flat_places(source)
    assert len(places) > 100
    wanted = np.array([[v >> 16 & 255, v >> 8 & 255, v & 255] for v in (int(source[y, x]) for x, y in places)])
    with looking(tmp_path, {"DISPLAY": ""}, "drawn") as (customer, page):
        until(lambda: received(page).get("framesDecoded", 0) >= 10)
        stats = received(page)
        assert stats["codec"] == "video/H264"
        assert (stats["frameWidth"], stats["frameHeight"]) == (WIDTH, HEIGHT)
        assert page.run("open.size") == len(CHANNELS)
        until(lambda: np.abs(shown(page, places) - wanted).max() <= NEAR)
        assert not customer.faults


@pytest.mark.x11
@pytest.mark.skipif(not xvfb.available(), reason="Xvfb is not installed")
def test_a_whole_screen_is_larger_than_the_level_we_name_and_a_browser_shows_it_all_the_same(tmp_path: Path) -> None:
    """1920 x 1080 under `42e01f` (level 3.1); a change on the screen is seen in its place and colour."""
    with xvfb.own_display(*FULL) as name:
        display = Display(name)
        try:
            window = display.screen().root.create_window(1200, 700, 600, 300, 0, 24, background_pixel=0x20C040)
            window.map()
            display.sync()
            with looking(tmp_path, {"DISPLAY": name}, "screen") as (customer, page):
                places = [(1250, 750), (1500, 850), (1780, 980)]
                until(lambda: np.abs(shown(page, places) - [0x20, 0xC0, 0x40]).max() <= NEAR)
                stats = received(page)
                assert (stats["frameWidth"], stats["frameHeight"]) == FULL
                window.fill_rectangle(window.create_gc(foreground=0xD03020), 0, 0, 600, 300)
                display.sync()
                until(lambda: np.abs(shown(page, places) - [0xD0, 0x30, 0x20]).max() <= NEAR)
                assert not customer.faults
        finally:
            display.close()
