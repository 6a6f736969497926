# SPDX-License-Identifier: GPL-3.0-or-later
"""Gate G10: after Stop no picture leaves later than 100 ms, measured at the wire with real windows and children.

`python -m tests.bench.stop [--ways bar,key,hotkey,revoke,killed,frozen,thawed] [--rounds 5] [--json FILE]`. Each round
is a session of its own: the real Companion on its own X display shares a moving screen with a real agent over UDP, the
packets on loopback are taken with the kernel's time stamps (AF_PACKET, needs root), and Stop comes by

bar     a mouse click on STOP, from the X server
key     Return on STOP
hotkey  Ctrl+Alt+End, from the X server
revoke  taking back the grant of looking
killed  the windows' process is killed (SIGKILL): nobody is left to say stop
frozen  the session child is frozen (SIGSTOP), then a click on STOP
thawed  the same, and the child is woken again (SIGCONT) right before it would have to be dead

Counted from the moment before the input is sent. Without the right to capture it says so and is no pass (exit 2).
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import psutil
from Xlib import XK, X
from Xlib.display import Display
from Xlib.ext import xtest

from tests.bench._wire import Capture, Stop, after_stop, figures
from tests.fakes import xvfb

_AFTER_S = 1.0
_SETTLE_S = 1.0
_THAW_S = 0.07


class Session:
    """One session on its own stage."""

    def __init__(self, display: str, folder: Path) -> None:
        env = os.environ | {"DISPLAY": display, "QT_QPA_PLATFORM": "xcb"}
        program = "from tests.bench._stop_stage import main; main()"
        command = [sys.executable, "-c", program, "--folder", str(folder)]
        self._log = (folder.parent / f"{folder.name}.log").open("w")
        self.stage = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log, text=True, env=env
        )
        self.display = display
        told = self.told("live")
        self.child: int = told["child"]
        self.at: tuple[int, int] = tuple(told["stop"])
        self.bar: int = told["bar"]
        self.ports = {
            connection.laddr.port
            for connection in psutil.Process(self.child).net_connections("inet")
            if connection.type == socket.SOCK_DGRAM
        }

    def told(self, name: str) -> dict[str, Any]:
        """Return the next line of the stage that has this word."""
        assert self.stage.stdout is not None
        for line in self.stage.stdout:
            if line.startswith("{") and name in (found := json.loads(line)):
                return dict(found)
        raise RuntimeError("the stage fell silent")

    def order(self, word: str) -> None:
        assert self.stage.stdin is not None
        self.stage.stdin.write(f"{word}\n")
        self.stage.stdin.flush()

    def close(self) -> None:
        """Take the stage down, whatever became of it."""
        with contextlib.suppress(BrokenPipeError, OSError):
            self.order("leave")
        try:
            self.stage.wait(20)
        except subprocess.TimeoutExpired:
            self.stage.kill()
            self.stage.wait()
        for pipe in (self.stage.stdin, self.stage.stdout, self._log):
            with contextlib.suppress(BrokenPipeError, OSError):
                if pipe is not None:
                    pipe.close()


def _click(session: Session) -> int:
    screen = Display(session.display)
    xtest.fake_input(screen, X.MotionNotify, x=session.at[0], y=session.at[1])
    screen.sync()
    at_ns = time.time_ns()
    xtest.fake_input(screen, X.ButtonPress, 1)
    xtest.fake_input(screen, X.ButtonRelease, 1)
    screen.sync()
    screen.close()
    return at_ns


def _press(session: Session, *names: str, focus: bool = False) -> int:
    screen = Display(session.display)
    if focus:
        screen.create_resource_object("window", session.bar).set_input_focus(X.RevertToParent, X.CurrentTime)
        screen.sync()
        time.sleep(0.3)  # Qt hears of it
    codes = [screen.keysym_to_keycode(XK.string_to_keysym(name)) for name in names]
    for code in codes[:-1]:
        xtest.fake_input(screen, X.KeyPress, code)
    at_ns = time.time_ns()
    xtest.fake_input(screen, X.KeyPress, codes[-1])
    for code in reversed(codes):
        xtest.fake_input(screen, X.KeyRelease, code)
    screen.sync()
    screen.close()
    return at_ns


def _revoke(session: Session) -> int:
    session.order("revoke")
    return int(session.told("at_ns")["at_ns"])


def _killed(session: Session) -> int:
    at_ns = time.time_ns()
    session.stage.kill()
    return at_ns


def _frozen(session: Session) -> int:
    os.kill(session.child, signal.SIGSTOP)
    return _click(session)


def _thawed(session: Session) -> int:
    at_ns = _frozen(session)
    time.sleep(_THAW_S)
    with contextlib.suppress(ProcessLookupError):
        os.kill(session.child, signal.SIGCONT)
    return at_ns


WAYS: dict[str, Callable[[Session], int]] = {
    "bar": _click,
    "key": lambda session: _press(session, "Return", focus=True),
    "hotkey": lambda session: _press(session, "Control_L", "Alt_L", "End"),
    "revoke": _revoke,
    "killed": _killed,
    "frozen": _frozen,
    "thawed": _thawed,
}


@contextlib.contextmanager
def _moving_screen() -> Iterator[str]:
    """A display on which a page scrolls."""
    with xvfb.own_display(1920, 1080) as display:
        program = "from tests.bench._stimulus import main; main()"
        command = [sys.executable, "-c", program, "--kind", "scroll", "--seconds", "7200"]
        env = os.environ | {"DISPLAY": display, "QT_QPA_PLATFORM": "xcb"}
        with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as moving:
            assert moving.stdout is not None
            try:
                if moving.stdout.readline().strip() != "shown":
                    raise RuntimeError("the moving picture did not start")
                yield display
            finally:
                moving.kill()


def measure(way: str, display: str, folder: Path) -> tuple[Stop, bool]:
    """Run one session and stop it so; also tell whether the child is gone afterwards."""
    session = Session(display, folder)
    try:
        time.sleep(_SETTLE_S)
        with Capture() as capture:
            time.sleep(_SETTLE_S)
            at_ns = WAYS[way](session)
            time.sleep(_AFTER_S)
        gone = not psutil.pid_exists(session.child) or psutil.Process(session.child).status() == psutil.STATUS_ZOMBIE
        return after_stop(capture.packets, session.ports, at_ns), gone
    finally:
        session.close()


def run(ways: Sequence[str], rounds: int) -> dict[str, Any]:
    """Measure every way `rounds` times, in turns."""
    stops: dict[str, list[Stop]] = {way: [] for way in ways}
    stayed = dict.fromkeys(ways, 0)
    with tempfile.TemporaryDirectory() as folder, _moving_screen() as display:
        for number in range(rounds):
            for way in ways:
                stop, gone = measure(way, display, Path(folder) / f"{way}-{number}")
                stops[way].append(stop)
                stayed[way] += not gone
                last = {kind: round(ms, 1) for kind, ms in stop.last_ms.items() if stop.packets[kind]}
                print(f"{way:7s} {number}: before {stop.before}, last after {last}", file=sys.stderr, flush=True)
    results = [{"way": way, "child_stayed": stayed[way], **figures(stops[way])} for way in ways]
    passed = all(result["pass"] and not result["child_stayed"] for result in results)
    machine = {"cores": os.cpu_count(), "python": sys.version.split()[0], "os": os.uname().release}
    gate = {"id": "G10", "value": max(_worst(result) for result in results), "limit": 100.0, "pass": passed}
    return {"schema": 1, "run": machine, "rounds": rounds, "results": results, "gates": [gate]}


def _worst(result: dict[str, Any]) -> float:
    return max(result[kind]["max_ms"] or 0.0 for kind in ("rtp", "rtcp"))


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ways", default=",".join(WAYS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args(argv)
    try:
        with Capture():
            pass
    except (PermissionError, AttributeError):
        print("not run, which is no pass: packets can be taken as root on Linux only", file=sys.stderr)
        return 2
    report = run(args.ways.split(","), args.rounds)
    text = json.dumps(report, indent=1)
    if args.json is not None:
        args.json.parent.mkdir(parents=True, exist_ok=True)
        args.json.write_text(text)
    print(text)
    return 0 if report["gates"][0]["pass"] else 1


if __name__ == "__main__":
    sys.exit(main())
