# SPDX-License-Identifier: GPL-3.0-or-later
"""The `deskside` command: picks the program by its first argument before anything heavy is loaded."""

from __future__ import annotations

import gc
import importlib
import multiprocessing
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import cast

from app.config.i18n import N_, _, set_language

Main = Callable[[list[str]], int]


@dataclass(frozen=True, slots=True)
class Program:
    """One subcommand: the entry module that answers it and a line of help."""

    module: str
    summary: str
    internal: bool = False


AGENT = Program("app.entry.agent", N_("Open the help desk for support staff"))
PROGRAMS: dict[str, Program] = {
    "companion": Program("app.entry.companion", N_("Open the Companion for customers")),
    "server": Program("app.entry.server", N_("Run the sync server")),
    "admin": Program("app.entry.admin", N_("Manage users and enrolment on the server")),
    "demo": Program("app.entry.demo", N_("Try everything on this machine")),
    "open": Program("app.entry.open_link", N_("Show what a deskside:// link leads to")),
    "doctor": Program("app.entry.doctor", N_("Say what is missing on this machine and how to mend it")),
    "policy": Program("app.entry.policy", N_("Check and show what an organisation sets on its computers")),
    "data": Program("app.entry.data", N_("Show, take out or remove what you have on this computer")),
    "updates": Program("app.entry.updates", N_("Say whether there is a newer version, or make a feed of updates")),
    "sync-worker": Program("app.entry.sync_worker", N_("Started by the help desk itself"), internal=True),
    "session": Program("app.entry.session", N_("Started by the help desk and the Companion themselves"), internal=True),
}
COMPANION_PROGRAMS = ("companion", "session")
AT_SIGN_IN = "--at-sign-in"  # what the desktop's autostart says; the organisation's policy decides
READER_LEFT = 128 + 13  # what a shell calls the end by SIGPIPE


def load(name: str) -> ModuleType:
    """Import the entry module of a program. Garbage is not looked for meanwhile: that takes a tenth of the time."""
    gc.disable()
    try:
        # here and by name: the worker must not load Qt, nor the window the server, so only the chosen role is imported
        return importlib.import_module(name)
    finally:
        gc.enable()


def _run(program: Program, argv: list[str]) -> int:
    module = load(program.module)
    try:
        return cast(Main, module.main)(argv)
    except KeyboardInterrupt:
        return 130


def _print_version(argv: Sequence[str]) -> int:
    from app.entry import versions  # here: reads package metadata, which the children never need

    print(versions.version_line())
    if "--long" in argv:
        print("\n".join(f"{name}: {value}" for name, value in versions.components()))
    return 0


def help_text() -> str:
    """What `deskside --help` prints, in the language spoken now."""
    rows = [("", _(AGENT.summary))]
    rows += [(name, _(program.summary)) for name, program in PROGRAMS.items() if not program.internal]
    lines = [_("Usage: deskside [PROGRAM] [OPTIONS]"), "", _("Programs:")]
    lines += [f"  deskside {name:<12}{summary}" for name, summary in rows]
    lines += ["", _("Options:")]
    lines += ["  --version [--long]   " + _("Print the version, with --long that of every native part")]
    lines += ["  --help               " + _("Print this help; each program has its own: deskside demo --help")]
    return "\n".join(lines)


def _dispatch(argv: list[str], programs: dict[str, Program], default: Program) -> int:
    first = argv[0] if argv else ""
    if first in programs:
        return _run(programs[first], argv[1:])
    if first == "--version":
        return _print_version(argv[1:])
    if first in ("--help", "-h", "help"):
        set_language("system")
        print(help_text())
        return 0
    if first and not first.startswith("-") and "://" not in first:
        set_language("system")
        print(_("Deskside has no program “{name}”.").format(name=first), file=sys.stderr)
        print(help_text(), file=sys.stderr)
        return 2
    return _run(default, argv)


def _to_a_reader(work: Callable[[], int]) -> int:
    """Do the work. When whoever reads the output has seen enough (`| head`), end quietly, as other tools do."""
    try:
        try:
            return work()
        finally:
            if sys.stdout is not None:  # a program with windows only may have none
                sys.stdout.flush()
    except BrokenPipeError:
        if not _reader_left():
            raise
        return READER_LEFT


def _reader_left() -> bool:
    """Whether standard output leads nowhere any more; what is left in it then goes to nobody, also at exit."""
    try:
        sys.stdout.write("\n")
        sys.stdout.flush()
    except BrokenPipeError:
        nobody = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nobody, sys.stdout.fileno())
        os.close(nobody)
        return True
    return False


def main(argv: list[str] | None = None) -> int:
    """Run the program that the arguments name, the agent's help desk if they name none; returns the exit code."""
    multiprocessing.freeze_support()
    return _to_a_reader(lambda: _dispatch(sys.argv[1:] if argv is None else argv, PROGRAMS, AGENT))


def companion_main(argv: list[str] | None = None) -> int:
    """The same for `deskside-companion`: it knows the Companion and its own children only."""
    multiprocessing.freeze_support()
    known = {name: PROGRAMS[name] for name in COMPANION_PROGRAMS}
    words = sys.argv[1:] if argv is None else argv
    if words[:1] == [AT_SIGN_IN] and not _wanted_at_sign_in():
        return 0
    return _to_a_reader(lambda: _dispatch(words, known, PROGRAMS["companion"]))


def _wanted_at_sign_in() -> bool:
    """Ask the policy before Qt is loaded: most computers do not want it, and pay for the question at each sign-in."""
    from app.config import settings as conf  # here, as below: other starts read them later, with their windows
    from app.config.policy import read_policy

    return read_policy().get(conf.AT_SIGN_IN)


if __name__ == "__main__":
    sys.exit(main())
