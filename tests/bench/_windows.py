# SPDX-License-Identifier: GPL-3.0-or-later
"""Gate G11: how evenly the GUI threads of both ends run during a session, with all their real windows and programs.

A real server with sample data, the agent's client with its session window, the Companion with request, number and
bar: each on a display of its own, as if they were two computers, and the screen of the customer scrolls. A 5 ms timer
on each GUI thread measures from the invitation on.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from app.entry.demo_part import Part, PartFailed
from app.entry.demo_report import least_tickets
from app.entry.demo_server import DemoServer
from tests.bench._scene import stimulus
from tests.fakes.xvfb import own_display

_LOAD_S, _STEP_S = 120.0, 40.0
_SIZE = "small"


def measure(seconds: float, block_ms: float = 0.0) -> dict[str, Any]:
    """Return the heartbeats of both ends: `asking` until the consent, `starting` until the number, then `watching`.

    `block_ms` holds both GUI threads once while they watch, to see that it shows.
    """
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="deskside-bench-")))
        server = DemoServer(folder / "server", _SIZE)
        stack.callback(server.stop)
        server.start()
        theirs, ours = (stack.enter_context(own_display(1920, 1080)) for _ in range(2))
        stack.enter_context(stimulus("scroll", 30, theirs))
        companion = stack.enter_context(_part("companion", folder, theirs, enrol=server.enrolment_link))
        login = {"server": server.url, "login": "agent1", "password": server.password}
        agent = stack.enter_context(_part("agent", folder, ours, **login))
        companion.order("enrol", _STEP_S)
        agent.order("sign_in", _LOAD_S, least=least_tickets(_SIZE))
        agent.order("open", _STEP_S, ticket=server.ticket)
        return _session(agent, companion, folder, seconds, block_ms)


def _session(agent: Part, companion: Part, folder: Path, seconds: float, block_ms: float) -> dict[str, Any]:
    both = {"agent": agent, "companion": companion}
    out: dict[str, Any] = {name: {} for name in both}

    def begin() -> None:
        for part in both.values():
            part.order("begin", _STEP_S)

    def end(what: str) -> None:
        for name, part in both.items():
            out[name][what] = dict(part.order("heartbeat", _STEP_S)["figures"])

    begin()
    agent.order("invite", _STEP_S)
    companion.order("wait_prompt", _STEP_S, path=str(folder / "prompt.png"))
    end("asking")
    begin()
    companion.order("allow", _STEP_S)
    number = agent.order("wait_number", _STEP_S)["number"]
    companion.order("pick_number", _STEP_S, number=number)
    agent.order("confirm_number", _STEP_S)
    end("starting")
    begin()
    before = agent.order("drawn", _STEP_S)["frames"]
    if block_ms:
        for part in both.values():
            part.order("block", _STEP_S, ms=block_ms)
    agent.order("watch", seconds + _STEP_S, seconds=seconds)
    end("watching")
    out["drawn_fps"] = round((agent.order("drawn", _STEP_S)["frames"] - before) / seconds, 1)
    companion.order("stop", _STEP_S)
    return out


@contextlib.contextmanager
def _part(name: str, folder: Path, display: str, **first: str) -> Iterator[Part]:
    program = f"import sys; from tests.bench._windows_part import {name}; sys.exit({name}(sys.argv[1:]))"
    command = [sys.executable, "-c", program, "--profile", str(folder / name), "--lang", "en", "--theme", "light"]
    part = Part(name, command, folder / f"{name}.log", {**os.environ, "DISPLAY": display, "QT_QPA_PLATFORM": "xcb"})
    try:
        part.send({"passphrase": secrets.token_urlsafe(24), **first})
        yield part
    except PartFailed:
        print((folder / f"{name}.log").read_text()[-2000:], file=sys.stderr)
        raise
    finally:
        part.stop()
