# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Chromium, driven by its own protocol: one page, a fresh profile, gone with the block."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shutil
import signal
import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

from tests.fakes.wait import wait_until

_FLAGS = (
    "--auto-select-desktop-capture-source=Entire screen", "--autoplay-policy=no-user-gesture-required",
    "--no-first-run", "--no-default-browser-check", "--disable-gpu", "--disable-dev-shm-usage", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-extensions", "--password-store=basic",
    "--use-mock-keychain", "--remote-debugging-port=0", "--remote-allow-origins=*", "--lang=en-GB",
    "--force-webrtc-ip-handling-policy=default", "--disable-features=WebRtcHideLocalIpsWithMdns,Translate",
)  # fmt: skip


def program() -> str | None:
    """Return where Chromium is on this machine, or None."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


class BrowserError(Exception):
    """A script of the test failed in the page; the text is the page's."""


class Page:
    """The one page of a browser."""

    def __init__(self, socket: ClientConnection, end: Callable[[], None]) -> None:
        """`end` kills the whole browser."""
        self._socket = socket
        self.end = end
        self._last = 0
        self.log: list[str] = []
        for name in ("Page", "Runtime", "Log"):
            self.call(f"{name}.enable")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Ask the browser and wait for its answer."""
        self._last += 1
        self._socket.send(json.dumps({"id": self._last, "method": method, "params": params}))
        while True:
            message: dict[str, Any] = json.loads(self._socket.recv(timeout=40))
            if message.get("id") == self._last:
                if "error" in message:
                    raise BrowserError(str(message["error"]))
                answer: dict[str, Any] = message["result"]
                return answer
            self._note(message)

    def _note(self, message: dict[str, Any]) -> None:
        if message.get("method") in ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded"):
            self.log.append(json.dumps(message["params"])[:2000])

    def open(self, url: str) -> None:
        """Go to an address and wait until its scripts are there."""
        self.call("Page.navigate", url=url)
        wait_until(lambda: self.run("document.readyState") == "complete", 20)

    def run(self, script: str) -> Any:
        """Return what a script gives; it may be a promise, and it counts as a person's deed. Raises BrowserError."""
        answer = self.call(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True, userGesture=True
        )
        if "exceptionDetails" in answer:
            raise BrowserError(json.dumps(answer["exceptionDetails"])[:2000])
        return answer["result"].get("value")

    def press(self, text: str) -> None:
        """Click the button that says so, with the mouse, once it can be clicked and no longer moves."""
        place = json.dumps(text)
        script = f"""(() => {{
            const all = [...document.querySelectorAll('button')];
            const found = all.find((b) => b.textContent === {place} && !b.disabled);
            if (!found) return null;
            found.scrollIntoView({{block: 'center'}});
            const at = found.getBoundingClientRect();
            const middle = [at.x + at.width / 2, at.y + at.height / 2];
            return at.width && found.contains(document.elementFromPoint(...middle)) ? middle : null;
        }})()"""
        places: list[object] = [None]

        def rests() -> bool:
            places.append(self.run(script))
            return places[-1] is not None and places[-1] == places[-2]

        wait_until(rests, 20)
        x, y = self.run(script)
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def text(self) -> str:
        """Return what the page says."""
        return str(self.run("document.body?.innerText ?? ''"))

    def screenshot(self) -> bytes:
        """Return a PNG of the page."""
        return base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"])


@contextlib.contextmanager
def browser(profile: Path, display: str | None = None, *more: str) -> Iterator[Page]:
    """Yield the page of a new Chromium, on a display or headless."""
    found = program()
    assert found is not None, "Chromium is not installed"
    own = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    shown = [] if display else ["--headless=new"]
    environment = {**os.environ, "DISPLAY": display or ""}
    command = [found, f"--user-data-dir={profile}", *_FLAGS, *own, *shown, *more, "about:blank"]
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )

    def end() -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)

    try:
        port = profile / "DevToolsActivePort"
        wait_until(lambda: port.is_file() and port.read_text().count("\n") >= 1, 30)
        with connect(_page_of(int(port.read_text().split()[0])), max_size=1 << 26, proxy=None) as socket:
            yield Page(socket, end)
    finally:
        end()
        process.wait()


def _page_of(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list", timeout=10) as answer:
        pages = json.load(answer)
    return str(next(page["webSocketDebuggerUrl"] for page in pages if page["type"] == "page"))
