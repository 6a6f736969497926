# SPDX-License-Identifier: GPL-3.0-or-later
"""The yardstick of browsers: a real Chromium that shares the screen with itself, one connection, both ends in a page.

The receiving end reads the stamp from each picture it presents, without converting the picture; times are those of
`requestVideoFrameCallback`, on the clock of the machine.
"""

from __future__ import annotations

import contextlib
import http.server
import json
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

from tests.bench import _stamp
from tests.fakes.chromium import Page, browser

_BITRATE = 20_000_000
_PAGE = f"""<!doctype html><meta charset="utf-8"><title>loopback</title><video muted autoplay playsinline></video>
<script>
'use strict';
const seen = [];
let began = 0, first = 0;
async function strip(frame, at) {{
  try {{
    const rect = {{x: 0, y: 0, width: {_stamp.CELLS * _stamp.CELL}, height: {_stamp.CELL}}};
    const size = frame.allocationSize({{rect}});
    const bytes = new Uint8Array(size);
    const [luma] = await frame.copyTo(bytes, {{rect}});
    let bits = 0;
    for (let cell = 0; cell < {_stamp.CELLS}; cell++) {{
      let sum = 0;
      for (let y = 12; y < 20; y++)
        for (let x = 12; x < 20; x++)
          sum += bytes[luma.offset + y * luma.stride + cell * {_stamp.CELL} + x];
      bits = bits * 2 + (sum > 127 * 64 ? 1 : 0);
    }}
    seen.push([at, bits]);
  }} finally {{ frame.close(); }}
}}
function watch(video) {{
  const step = (_now, meta) => {{
    if (!first) first = meta.presentationTime;
    // the next first: making a frame of the very first picture can fail, and would end the watching for good
    video.requestVideoFrameCallback(step);
    strip(new VideoFrame(video), meta.presentationTime);
  }};
  video.requestVideoFrameCallback(step);
}}
async function start(fps) {{
  const video = document.querySelector('video');
  const stream = await navigator.mediaDevices.getDisplayMedia({{video: {{frameRate: {{max: fps}}}}, audio: false}});
  began = performance.now();
  const from = new RTCPeerConnection(), to = new RTCPeerConnection();
  // an address that comes before the other end knows the description is refused: with both lost nothing ever connects
  const early = [];
  let known = false;
  const tell = (end) => (e) => {{
    if (!e.candidate) return;
    if (known) end.addIceCandidate(e.candidate); else early.push([end, e.candidate]);
  }};
  from.onicecandidate = tell(to);
  to.onicecandidate = tell(from);
  to.ontrack = (e) => {{ video.srcObject = new MediaStream([e.track]); watch(video); }};
  const sender = from.addTrack(stream.getVideoTracks()[0], stream);
  await from.setLocalDescription();
  await to.setRemoteDescription(from.localDescription);
  await to.setLocalDescription();
  await from.setRemoteDescription(to.localDescription);
  known = true;
  for (const [end, candidate] of early) end.addIceCandidate(candidate);
  const parameters = sender.getParameters();
  parameters.encodings[0].maxBitrate = {_BITRATE};
  await sender.setParameters(parameters);
  window.from = from;
}}
async function sent() {{
  let bytes = 0;
  for (const item of (await window.from.getStats()).values())
    if (item.type === 'outbound-rtp') bytes += item.bytesSent;
  return bytes;
}}
</script>"""
# beside the screen, so that it does not cover what it shares; rendered all the same
_FLAGS = (
    "--window-position=4000,0", "--window-size=640,420", "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding", "--disable-background-timer-throttling",
    "--disable-features=CalculateNativeWinOcclusion,WebRtcHideLocalIpsWithMdns,Translate",
)  # fmt: skip
_OFFSET_TRIES = 30


class _OnePage(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        """Serve the page, whatever is asked for."""
        body = _PAGE.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def _served() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _OnePage)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Loopback:
    """A running loopback. Times are in microseconds of the media clock."""

    def __init__(self, page: Page, profile: Path) -> None:
        self._page = page
        self._main = next(p for p in psutil.process_iter(["cmdline"]) if _is_main(p, profile))

    def start(self, fps: int) -> None:
        """Share and connect; wait for nothing."""
        self._page.run(f"start({fps})")

    def first_frame_ms(self) -> float:
        """Return the time from the shared screen to the first picture presented."""
        return float(self._page.run("first ? first - began : 0"))

    def cpu_s(self) -> float:
        """Return the CPU seconds of all processes of the browser."""
        total = 0.0
        for process in (self._main, *self._main.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                total += times.user + times.system
        return total

    def rss_mb(self) -> float:
        """Return the memory of the biggest process."""
        sizes = [0]
        for process in (self._main, *self._main.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                sizes.append(process.memory_info().rss)
        return max(sizes) / 2**20

    def bytes_sent(self) -> float:
        """Return what the sending end has sent."""
        return float(self._page.run("sent()"))

    def take(self) -> list[tuple[int, int, int]]:
        """Return and forget [presented_us, clock, number] of every picture whose stamp was whole."""
        offset = self._offset_us()
        found: list[Any] = json.loads(self._page.run("JSON.stringify(seen.splice(0))"))
        out = []
        for at_ms, bits in found:
            stamp = _stamp.parse(int(bits))
            if stamp is not None:
                out.append((round(at_ms * 1000 + offset), stamp[1], stamp[0]))
        return out

    def _offset_us(self) -> float:
        """Return what must be added to the page's clock; the fastest of many questions errs by half its way."""
        best = (float("inf"), 0.0)
        for _ in range(_OFFSET_TRIES):
            before = time.perf_counter_ns() / 1000
            there = float(self._page.run("performance.now()")) * 1000
            after = time.perf_counter_ns() / 1000
            best = min(best, (after - before, (before + after) / 2 - there))
        return best[1]


def _is_main(process: psutil.Process, profile: Path) -> bool:
    words = process.info["cmdline"] or []
    return f"--user-data-dir={profile}" in words and not any(word.startswith("--type=") for word in words)


@contextlib.contextmanager
def loopback(display: str) -> Iterator[Loopback]:
    """Yield a Chromium that can share this display with itself."""
    with (
        tempfile.TemporaryDirectory(prefix="deskside-chromium-", ignore_cleanup_errors=True) as folder,
        _served() as url,
        browser(Path(folder), display, *_FLAGS) as page,
    ):
        page.open(url)
        yield Loopback(page, Path(folder))
