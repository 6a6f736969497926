# SPDX-License-Identifier: GPL-3.0-or-later
"""A customer with a browser: Chromium shares the screen by the join page's own modules, our agent's child receives."""

from __future__ import annotations

import contextlib
import functools
import http.server
import json
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

from app.domain.signed import unb64
from remote_assist.child_protocol import Keep, LocalSdp, Open, PeerState, RemoteSdp
from tests.bench import _ours
from tests.fakes.chromium import Page, browser
from tests.fakes.wait import wait_until

_JOIN = Path(__file__).parents[2] / "resources" / "join"
_SCRIPT = """
import { checkAnswer, fingerprintOf, makeCertificate, Peer } from "/peer.js";
import { b64 } from "/bytes.js";
let peer, track;
globalThis.offer = async (fps) => {
  const video = { frameRate: { max: fps } };
  const stream = await navigator.mediaDevices.getDisplayMedia({ video, audio: false, selfBrowserSurface: "exclude" });
  [track] = stream.getVideoTracks();
  track.contentHint = "text";
  const on = { open() {}, message() {}, failed() {} };
  peer = new Peer(0, 0, [], false, await makeCertificate(), on);
  await peer.begin();
  const sdp = await peer.offer();
  return { sdp, mark: b64(fingerprintOf(sdp)) };
};
globalThis.answer = (sdp) => peer.answered(checkAnswer(sdp, false));
globalThis.show = () => peer.show(track);
globalThis.sent = async () => {
  for (const item of (await peer.pc.getStats()).values()) {
    if (item.type === "outbound-rtp") {
      return { frames: item.framesEncoded, qp: item.qpSum, bytes: item.bytesSent, target: item.targetBitrate,
        limited: item.qualityLimitationReason };
    }
  }
  return null;
};
globalThis.ready = true;
"""
# beside the screen, so that it does not cover what it shares; rendered all the same
_FLAGS = (
    "--window-position=4000,0", "--window-size=640,420", "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding", "--disable-background-timer-throttling",
    "--disable-features=CalculateNativeWinOcclusion,WebRtcHideLocalIpsWithMdns,Translate",
)  # fmt: skip


class _Pages(http.server.SimpleHTTPRequestHandler):
    def do_GET(self) -> None:
        """Serve the page's modules, and the page of the bench."""
        script = self.path == "/bench.js"
        if not script and self.path != "/bench":
            super().do_GET()
            return
        body = _SCRIPT if script else "<!doctype html><script type=module src=/bench.js></script>"
        self.send_response(200)
        self.send_header("content-type", "text/javascript" if script else "text/html")
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_args: Any) -> None:
        """Say nothing."""


@contextlib.contextmanager
def _served() -> Iterator[str]:
    handler = functools.partial(_Pages, directory=str(_JOIN))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


class BrowserToAgent:
    """A browser that shares this display, and the agent's child that shows it."""

    def __init__(self, page: Page, agent: _ours.Stub, profile: Path) -> None:
        self._page = page
        self.agent = agent
        words = f"--user-data-dir={profile}"
        self._main = next(p for p in psutil.process_iter(["cmdline"]) if words in (p.info["cmdline"] or []))

    def connect(self, fps: int) -> None:
        """Share and connect, until the picture may leave."""
        made = self._page.run(f"offer({fps})")
        self.agent.link.send(Open(0))
        self.agent.link.send(RemoteSdp(0, "offer", made["sdp"], unb64(made["mark"])))
        answer = self.agent.want(LocalSdp).sdp
        self._page.run(f"answer({json.dumps(answer)})")
        while not self.agent.want(PeerState).channels_open:
            pass
        self.agent.link.send(Keep(0))
        self._page.run("show()")

    def sent(self) -> dict[str, Any]:
        """Return the browser's own counters of what it encoded and sent."""
        found: dict[str, Any] = self._page.run("sent()")
        return found

    def cpu_s(self) -> float:
        """Return the CPU seconds of the browser and the child."""
        total = 0.0
        for process in (self._main, *self._main.children(recursive=True), psutil.Process(self.agent.link.pid)):
            with contextlib.suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                total += times.user + times.system
        return total


@contextlib.contextmanager
def browser_to_agent(display: str) -> Iterator[BrowserToAgent]:
    """Yield both, not yet connected."""
    with (
        tempfile.TemporaryDirectory(prefix="deskside-browser-", ignore_cleanup_errors=True) as folder,
        _served() as url,
        browser(Path(folder), display, *_FLAGS) as page,
    ):
        agent = _ours.start("agent", limits={"loopback": 1, "browser": 1})
        try:
            _ours.show(agent)
            page.open(f"{url}/bench")
            wait_until(lambda: page.run("globalThis.ready === true"), 20)
            yield BrowserToAgent(page, agent, Path(folder))
        finally:
            agent.drop()
