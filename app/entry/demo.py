# SPDX-License-Identifier: GPL-3.0-or-later
"""`deskside demo`: the main job on one machine, with real programs on a fresh data folder; see docs/demo.md.

This process conducts. The server is the real server, the clients are the real clients; with `--headless` a driver in
the demo's own client processes plays the two people and presses the real buttons. The demo serves only its own loopback
server and the organisation key made for this run.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import secrets
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.config.i18n import _, set_language
from app.config.paths import child_command
from app.domain.errors import StoreUnavailable
from app.entry.command_line import CommandLine
from app.entry.demo_part import Part, PartFailed
from app.entry.demo_relay import Relay
from app.entry.demo_report import Report, ServerTruth, least_tickets
from app.entry.demo_server import DemoServer
from app.entry.display import no_display
from app.store.locks import FileLock

LOGIN = "agent1"
_LOAD_S = {"small": 60, "demo": 60, "large": 900}  # for signing in and loading everything
_WORKER_S = 10.0
_LOOK_S = 5.0  # how long the picture is watched


@dataclass(slots=True)
class Run:
    """Everything one run started. `close` ends it all, in the right order."""

    folder: Path
    keep: bool
    parts: list[Part] = field(default_factory=list)
    relays: list[Relay] = field(default_factory=list)
    server: DemoServer | None = None

    def close(self) -> None:
        """End clients, line and server; remove the data folder."""
        for part in reversed(self.parts):
            part.stop()
        for relay in self.relays:
            relay.stop()
        if self.server is not None:
            self.server.stop()
        for part in self.parts:
            _wait_for_worker(self.folder / part.name)
        if not self.keep:
            shutil.rmtree(self.folder, ignore_errors=True)


def _wait_for_worker(profile: Path) -> None:
    """Wait until the sync worker of a client that has ended is gone too; it must not write into a removed folder."""
    end = time.monotonic() + _WORKER_S
    while (profile / "worker.lock").exists() and time.monotonic() < end:
        with contextlib.suppress(StoreUnavailable):
            return FileLock(profile / "worker.lock").release()
        time.sleep(0.05)
    return None


def main(argv: Sequence[str]) -> int:
    """Run the demo. Returns 0 when the journey went as it should, 1 when not, 2 for wrong words, 130 when ended."""
    if argv[:1] == ["--part"]:
        return _run_part(argv[1], list(argv[2:]))
    set_language("system")
    options = _parse(argv)
    set_language(options.lang)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends everything and removes the data, as Ctrl+C does
    try:
        return _run(options)
    except KeyboardInterrupt:
        return 130


def _run(options: argparse.Namespace) -> int:
    nowhere = no_display()
    if nowhere:
        unusable = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
        if unusable:
            told = _("The display {name} does not answer.").format(name=unusable)
            print(told, file=sys.stderr)
            if options.headless:  # somebody wants this very screen to be shared: a drawn picture is no answer
                print(
                    _("Start it, or leave DISPLAY and WAYLAND_DISPLAY out: then a drawn picture is shared."),
                    file=sys.stderr,
                )
                return 1
        # one that does not answer (an ended ssh -X) would end the programs that try it
        for name in ("DISPLAY", "WAYLAND_DISPLAY"):
            os.environ.pop(name, None)
    if options.headless:
        return _headless(options)
    if nowhere:
        print(_("There is no display here, so the demo makes its journey without a person."))
        options.headless = True
        return _headless(options)
    return _with_a_person(options)


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = CommandLine(prog="deskside demo", description=_("The main job on one machine."))
    parser.add_argument("--headless", action="store_true", help=_("make the journey without a person"))
    parser.add_argument("--refuse", action="store_true", help=_("headless: the customer refuses"))
    parser.add_argument("--out", type=Path, default=Path("build/demo"), help=_("folder for pictures and report"))
    parser.add_argument("--lang", choices=("ko", "en", "system"), default="system", help=_("language of the windows"))
    parser.add_argument("--theme", choices=("light", "dark", "system"), default="system", help=_("light or dark"))
    parser.add_argument("--size", choices=("small", "demo", "large"), default="demo", help=_("how many tickets"))
    parser.add_argument("--keep", action="store_true", help=_("keep the data folder"))
    return parser.parse_args(list(argv))


def _run_part(name: str, argv: list[str]) -> int:
    # here: the clients load Qt and their stores, which the conducting process does not need
    if name == "agent":
        from app.entry.demo_agent import main as run_agent

        return run_agent(argv)
    from app.entry.demo_companion import main as run_companion

    return run_companion(argv)


# --- starting -------------------------------------------------------------------------------------------------------


def _start(options: argparse.Namespace) -> Run:
    folder = Path(tempfile.mkdtemp(prefix="deskside-demo-"))
    run = Run(folder, options.keep)
    try:
        print(_("Preparing a server with sample data…"), flush=True)
        run.server = DemoServer(folder / "server", options.size)
        run.server.start()
    except BaseException:
        run.close()
        raise
    return run


def _client(run: Run, name: str, options: argparse.Namespace, environment: dict[str, str], **first: object) -> Part:
    """Start a client; its secrets go over standard input, never in arguments or environment."""
    profile = run.folder / name
    command = [*child_command("demo"), "--part", name, "--profile", str(profile)]
    command += ["--lang", options.lang, "--theme", options.theme]
    part = Part(name, command, run.folder / f"{name}.log", environment)
    run.parts.append(part)
    part.send({"passphrase": secrets.token_urlsafe(24), **first})
    return part


def _start_clients(run: Run, options: argparse.Namespace) -> tuple[Part, Part, Relay]:
    assert run.server is not None  # noqa: S101  # _start made it
    line = Relay("127.0.0.1", run.server.port)
    run.relays.append(line)
    line.start()
    environment = dict(os.environ)
    agent_environment = dict(environment)
    if options.headless:
        # a real agent sits at another computer: its windows must not cover the screen that the customer shares
        agent_environment["QT_QPA_PLATFORM"] = "offscreen"
        if not environment.get("DISPLAY"):
            environment["QT_QPA_PLATFORM"] = "offscreen"
    companion = _client(run, "companion", options, environment, enrol=run.server.enrolment_link)
    agent = _client(
        run, "agent", options, agent_environment,
        server=f"http://127.0.0.1:{line.port}", login=LOGIN, password=run.server.password,
    )  # fmt: skip
    return agent, companion, line


def _with_a_person(options: argparse.Namespace) -> int:
    """Open both windows signed in and enrolled, and wait until the person closes the agent's."""
    try:
        run = _start(options)
    except PartFailed as error:
        print(str(error), file=sys.stderr)
        return 1
    try:
        agent, companion, _line = _start_clients(run, options)
        companion.order("enrol", 30)
        agent.order("sign_in", _LOAD_S[options.size], least=least_tickets(options.size))
        print(_("Both windows are open. Close the agent's window to end the demo."), flush=True)
        agent.wait()
    except PartFailed as error:
        print(str(error), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0
    finally:
        run.close()
    return 0


# --- the journey without a person -------------------------------------------------------------------------------------


def _headless(options: argparse.Namespace) -> int:
    out: Path = options.out
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / "report.json").write_text("{}\n", "utf-8")
    except OSError as error:
        told = _("{folder} cannot be written: {reason}. Name another folder with --out.")
        print(told.format(folder=out, reason=error.strerror or error), file=sys.stderr)
        return 2
    started = time.monotonic()
    report = Report(out, least_tickets(options.size))
    try:
        run = _start(options)
        try:
            _journey(run, options, report)
        finally:
            _keep_logs(run, out)
            run.close()
    except PartFailed as error:
        report.fail(str(error))
    except KeyboardInterrupt:
        report.fail("interrupted")
    report.data["seconds"] = round(time.monotonic() - started, 1)
    problems = report.finish(refused=options.refuse)
    print(json.dumps(report.data, indent=2, ensure_ascii=False))
    print(_("Pictures and report: {folder}").format(folder=out.resolve()))
    for problem in problems:
        print(problem, file=sys.stderr)
    for gate in report.data["gates"]:
        if not gate["pass"]:
            told = _("Missed on this machine: {name} {value}, goal {limit} (docs/demo.md)")
            print(told.format(name=gate["id"], value=gate["value"], limit=gate["limit"]))
    return 1 if problems else 0


def _keep_logs(run: Run, out: Path) -> None:
    for log in run.folder.rglob("*.log"):  # also those that the programs write in their own folders
        shutil.copy(log, out / "-".join(log.relative_to(run.folder).parts))


def _journey(run: Run, options: argparse.Namespace, report: Report) -> None:
    out: Path = options.out
    agent, companion, line = _start_clients(run, options)
    assert run.server is not None  # noqa: S101  # _start made it
    truth = ServerTruth(run.server)
    companion.order("enrol", 30)
    least = least_tickets(options.size)
    report.data |= agent.order("sign_in", _LOAD_S[options.size], least=least)["figures"]
    opened = agent.order("open", 20, ticket=run.server.ticket)
    report.data["ticket"] = opened["label"]
    agent.order("work_online", 30)
    _offline(agent, line, truth, report)
    session = _session(agent, companion, options)
    report.data["session"] = session
    agent.order("picture", 10, path=str((out / "agent.png").resolve()), shows="main")
    report.data["ticket_history"] = agent.order("history", 20, ended=True)["kinds"]
    report.data["ui_heartbeat_ms"] = agent.order("heartbeat", 10)["figures"]


def _offline(agent: Part, line: Relay, truth: ServerTruth, report: Report) -> None:
    agent.order("wait_sent", 20)
    line.cut()
    agent.order("wait_offline", 20)
    done = agent.order("work_offline", 40)
    missing = truth.missing(done["texts"])
    mended = time.monotonic()
    line.restore()
    agent.order("wait_sent", 30)
    report.data["offline"] = {
        "edits": done["edits"],
        "visible_while_offline": bool(done["visible"]),
        "reached_server_while_offline": missing != len(done["texts"]),
        "strip": done["strip"],
        "waiting": done["waiting"],
        "sync_ms": round((time.monotonic() - mended) * 1000),
        "synced_once": truth.each_once(done["texts"]) and truth.fields_are(done["ticket"], done["fields"]),
    }


def _session(agent: Part, companion: Part, options: argparse.Namespace) -> dict[str, Any]:
    out: Path = options.out
    agent.order("invite", 20)
    prompt = companion.order("wait_prompt", 20, path=str((out / "companion.png").resolve()))
    if options.refuse:
        companion.order("refuse", 20)
        ended = agent.order("wait_ended", 20, look_s=1.0)
        agent.order("picture", 10, path=str((out / "session.png").resolve()), shows="session")
        return dict(ended["figures"]) | {"consent_prompted": True, "prompt": prompt["prompt"], "target": None}
    target = companion.order("allow", 30)["target"]
    number = agent.order("wait_number", 20)["number"]
    companion.order("pick_number", 20, number=number)
    agent.order("confirm_number", 20)
    agent.order("watch", 30, seconds=_LOOK_S)
    agent.order("picture", 10, path=str((out / "session.png").resolve()), shows="session")
    stopped = companion.order("stop", 20)
    ended = agent.order("wait_ended", 20, look_s=1.5)
    companion.order("close_summary", 10)
    return dict(ended["figures"]) | {
        "consent_prompted": True, "prompt": prompt["prompt"], "target": target, "frames_sent": stopped["frames_sent"],
    }  # fmt: skip
