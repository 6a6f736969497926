# SPDX-License-Identifier: GPL-3.0-or-later
"""Proof that the tests of the threat table see an attack: each control is removed once, and its tests must fail.

`python -m tests.remote_assist.threats [--row N] [--control ID] [--json FILE] [--jobs N] [--list]`. First every test
runs with all controls on and must pass. Then, for each control, its tests run in a process in which it is missing.
Exit 1 when a test is not green with everything on, passes without its control, or fails for another reason than
expected.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, settings
from pytestqt.qtbot import QtBot

from remote_assist import ipc
from tests.fakes import wait
from tests.remote_assist.controls import ALL, canaries
from tests.remote_assist.controls.base import Control, StaleEdit, apply, check

ROOT = Path(__file__).resolve().parents[2]
_QUIET = ("-W", "ignore::pytest.PytestAssertRewriteWarning")  # of modules loaded before
# loaded once, before the processes split
_WARM = (
    "pytestqt.plugin", "pytest_asyncio.plugin", "aiortc", "av", "numpy", "litestar", "sync.server.parts",
    "sync.server.web.session_routes", "app.entry.companion_session",
)  # fmt: skip


@dataclass(eq=False)
class Seen:
    """A pytest plugin: how each test ended, and with which words it failed."""

    outcomes: dict[str, str] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or report.outcome != "passed":
            self.outcomes[report.nodeid] = report.outcome
            if report.failed:
                crash = getattr(report.longrepr, "reprcrash", None)
                self.words[report.nodeid] = f"{crash.message if crash is not None else ''}\n{report.longreprtext}"

    def pytest_pycollect_makemodule(self) -> None:
        """The tests' own profile, but a failure is not made smaller."""
        settings.register_profile("threats", settings(), phases=[Phase.explicit, Phase.generate])
        settings.load_profile("threats")

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.outcomes[report.nodeid] = "error"
            self.words[report.nodeid] = str(report.longrepr)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one control's tests without it."""

    control: Control
    problems: tuple[str, ...]
    said: str
    seconds: float


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.remote_assist.threats", description=__doc__)
    parser.add_argument("--row", type=int, action="append", help="only this row (again for more)")
    parser.add_argument("--control", action="append", help="only this control")
    parser.add_argument("--json", type=Path, help="write the result here")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--list", action="store_true", help="say what there is and run nothing")
    args = parser.parse_args(argv)
    chosen = [
        control
        for control in ALL
        if (not args.row or control.row in args.row) and (not args.control or control.id in args.control)
    ]
    if args.list:
        for control in chosen:
            print(f"{control.id}\n    {control.what}\n    " + "\n    ".join(str(one) for one in control.edits))
        return 0
    os.chdir(ROOT)
    warm()
    if moved := stale(chosen):
        print("\n".join(["controls that have moved; look at what holds the attack back now:", *moved]))
        return 1
    return report(chosen, *prove(chosen, args.jobs), args.json)


def warm() -> None:
    """Load what most tests need, so that a new process only forks."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    for name in _WARM:
        __import__(name)


def stale(chosen: Sequence[Control]) -> list[str]:
    out = []
    for control in chosen:
        for one in control.edits:
            try:
                check(one)
            except StaleEdit as error:
                out.append(f"{control.id}: {error}")
    return out


def prove(chosen: list[Control], jobs: int) -> tuple[dict[str, str], list[Verdict]]:
    """Run all tests with everything on, and each control's without it; `jobs` processes at a time."""
    tests = sorted({test for control in chosen for test in control.tests})
    parts = [tests[n::jobs] for n in range(jobs) if tests[n::jobs]]
    green: dict[str, str] = {}
    first = [seen for seen, _ in _run([(part, None) for part in parts], jobs)]
    for part, seen in zip(parts, first, strict=True):
        green |= {test: outcome for test, outcome in seen.outcomes.items() if outcome != "passed"}
        green |= {test: "did not run" for test in part if not _cases(test, seen)}
        for test, words in seen.words.items():
            print(f"with everything on, {test} does not pass:\n{words[-2000:]}", file=sys.stderr)
    verdicts = [
        _judge(control, seen, seconds)
        for control, (seen, seconds) in zip(
            chosen, _run([(list(control.tests), control) for control in chosen], jobs), strict=True
        )
    ]
    return green, verdicts


def _judge(control: Control, seen: Seen, seconds: float) -> Verdict:
    problems = []
    said = ""
    for test in control.tests:
        cases = _cases(test, seen)
        failed = [case for case in cases if seen.outcomes[case] == "failed"]
        if not cases:
            problems.append(f"{test} did not run")
        elif not failed:
            problems.append(f"{test} passes without it ({seen.outcomes[cases[0]]})")
        elif not any(re.search(control.says, seen.words[case]) for case in failed):
            problems.append(f"{test} fails for another reason: {_short(seen.words[failed[0]])}")
        else:
            said = said or _short(
                next(seen.words[case] for case in failed if re.search(control.says, seen.words[case]))
            )
    problems += [f"{where}: {_short(seen.words[where])}" for where, how in seen.outcomes.items() if how == "error"]
    return Verdict(control, tuple(problems), said, seconds)


def _cases(test: str, seen: Seen) -> list[str]:
    return [case for case in seen.outcomes if case == test or case.startswith(f"{test}[")]


def _short(words: str) -> str:
    return " ".join(words.split())[:160]


def _run(work: list[tuple[list[str], Control | None]], jobs: int) -> list[tuple[Seen, float]]:
    """Run each piece in a process of its own; results in the order of the work."""
    out: dict[int, tuple[Seen, float]] = {}
    running: dict[int, tuple[int, Path, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        waiting = list(enumerate(work))
        while waiting or running:
            while waiting and len(running) < jobs:
                number, (tests, control) = waiting.pop(0)
                file = Path(folder) / f"{number}.json"
                running[_fork(tests, control, file)] = (number, file, time.monotonic())
            pid, status = os.wait()
            number, file, begun = running.pop(pid)
            died = file.with_suffix(".log").read_text(errors="replace")[-3000:]
            done = file.exists()
            seen = Seen(**json.loads(file.read_text())) if done else Seen({"": "error"}, {"": f"{status}: {died}"})
            out[number] = (seen, time.monotonic() - begun)
            _progress(work[number][1], seen, out[number][1])
    return [out[number] for number in range(len(work))]


def _died(status: int, log: Path) -> Seen:
    return Seen({"": "error"}, {"": f"died with {status}: {log.read_text(errors='replace')[-3000:]}"})


def _progress(control: Control | None, seen: Seen, seconds: float) -> None:
    failed = sum(outcome == "failed" for outcome in seen.outcomes.values())
    name = f"without {control.id}" if control is not None else "everything on"
    print(f"{seconds:6.1f} s  {failed:3d} of {len(seen.outcomes):3d} failed  {name}", file=sys.stderr, flush=True)


def _fork(tests: list[str], control: Control | None, file: Path) -> int:
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        log = os.open(file.with_suffix(".log"), os.O_WRONLY | os.O_CREAT, 0o600)
        os.dup2(log, 1)
        os.dup2(log, 2)
        if control is not None:
            _remove(control)
        seen = Seen()
        how = pytest.main(["-q", "-p", "no:randomly", "-p", "no:xdist", *_QUIET, *tests], plugins=[seen])
        if how not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
            seen.outcomes[""], seen.words[""] = "error", f"pytest ended with {how}"
        part = file.with_suffix(".part")
        part.write_text(json.dumps({"outcomes": seen.outcomes, "words": seen.words}))
        part.rename(file)
        status = 0
    except BaseException:  # noqa: BLE001  # said in the log, whatever it was
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def _impatient() -> None:
    """Tests that wait for what will never come need not wait for a slow machine too."""
    wait_until = QtBot.waitUntil

    def soon(self: QtBot, callback: Any, *, timeout: int = 5000) -> None:
        wait_until(self, callback, timeout=min(timeout, 5000))

    QtBot.waitUntil = soon  # type: ignore[method-assign]  # in this process alone
    forever = wait.wait_until

    def briefly(cond: Callable[[], object], timeout_s: float = 5.0, step_s: float = 0.01) -> None:
        forever(cond, min(timeout_s, 5.0), step_s)

    wait.wait_until = briefly


def _remove(control: Control) -> None:
    """Take the control away in this process, or in the session children that it will start."""
    _impatient()
    if control.spoils:
        canaries.spoil(control.spoils)
        return
    if not control.in_child:
        for one in control.edits:
            apply(one)
        return
    command = [sys.executable, "-m", "tests.remote_assist.controls.child", control.id]
    ipc.child_command = lambda: command


def report(chosen: list[Control], green: dict[str, str], verdicts: list[Verdict], file: Path | None) -> int:
    for verdict in verdicts:
        control = verdict.control
        print(
            f"\n{f'row {control.row:2d}  ' if control.row else ''}{control.what}\n        removed by: "
            + "; ".join(map(str, control.edits or (f"a changed source of {control.spoils}",)))
        )
        print(f"        its tests fail: {verdict.said}" if not verdict.problems else "        NOT PROVED")
        for problem in verdict.problems:
            print(f"        {problem}")
    bad = [verdict for verdict in verdicts if verdict.problems]
    rows = len({control.row for control in chosen} - {0})
    tests = len({test for control in chosen for test in control.tests})
    print(
        f"\n{rows} rows, {len(chosen)} controls, {tests} tests: {len(bad)} not proved, {len(green)} not green at first"
    )
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(_json(green, verdicts), indent=1))
    return 1 if bad or green else 0


def _json(green: dict[str, str], verdicts: list[Verdict]) -> dict[str, Any]:
    return {
        "schema": 1,
        "not_green": green,
        "controls": [
            {
                "row": verdict.control.row,
                "id": verdict.control.id,
                "control": verdict.control.what,
                "tests": verdict.control.tests,
                "removed_by": [str(one) for one in verdict.control.edits],
                "failure": verdict.said,
                "problems": verdict.problems,
                "proved": not verdict.problems,
                "seconds": round(verdict.seconds, 2),
            }
            for verdict in verdicts
        ],
    }


if __name__ == "__main__":
    sys.exit(main())
