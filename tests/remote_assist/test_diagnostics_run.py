# SPDX-License-Identifier: GPL-3.0-or-later
"""Collectors run side by side, each within its time; what they may ask of a computer is a closed table."""

from __future__ import annotations

import os
import platform
import threading
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest

from remote_assist import diagnostics_here, diagnostics_machine
from remote_assist.diagnostics import MAX_ITEMS, Item, State
from remote_assist.diagnostics_here import gatherer_here
from remote_assist.diagnostics_linux import COLLECTORS as LINUX
from remote_assist.diagnostics_machine import COMMANDS, Absent, ThisMachine
from remote_assist.diagnostics_macos import COLLECTORS as MACOS
from remote_assist.diagnostics_run import Collector, Context, Gatherer, Wanted
from remote_assist.diagnostics_scrub import Scrubber
from remote_assist.diagnostics_texts import section_text
from remote_assist.diagnostics_windows import COLLECTORS as WINDOWS
from tests.fakes.wait import wait_until

SCRUB = Scrubber(PurePosixPath("/home/kimcs"), ["kimcs"], [])


class NoCommands(ThisMachine):
    """A computer on which nothing is installed."""

    def command(self, name: str, seconds: float) -> str:
        raise Absent(name)


def context(root: Path = Path("/nowhere")) -> Context:
    return Context(NoCommands(root), Wanted(), 1_790_000_000)


def fine(_context: Context) -> Iterator[Item]:
    yield Item("a", "by kimcs")


def broken(_context: Context) -> Iterator[Item]:
    yield Item("a", 1)
    raise ZeroDivisionError


def absent(_context: Context) -> Iterator[Item]:
    yield from ()
    raise Absent("no such thing")


def slow_command(_context: Context) -> Iterator[Item]:
    yield Item("a", 1)
    raise TimeoutError


def endless(_context: Context) -> Iterator[Item]:
    count = 0
    while True:
        yield Item(f"a:{count}", count)
        count += 1


def same(_context: Context) -> Iterator[Item]:
    yield Item("a:kimcs", 1)
    yield Item("a:kimcs", 2)


def test_each_collector_says_how_it_went_and_none_spoils_the_others() -> None:
    """Fine, broken, nothing there, a command too slow, no end: each in its own section, in the order of the table."""
    collectors = [Collector(each.__name__, 30, each) for each in (fine, broken, absent, slow_command, endless, same)]
    gatherer = Gatherer(collectors, SCRUB, "linux")
    found = gatherer.gather(context())
    assert gatherer.names == tuple(each.name for each in found.sections)
    assert found.made == "2026-09-21T14:13:20Z"
    states = {each.name: (each.state, len(each.items), each.cut) for each in found.sections}
    assert states == {
        "fine": (State.OK, 1, False),
        "broken": (State.FAILED, 1, False),
        "absent": (State.ABSENT, 0, False),
        "slow_command": (State.TIMEOUT, 1, False),
        "endless": (State.OK, MAX_ITEMS, True),
        "same": (State.OK, 2, False),
    }
    assert found.sections[0].items == (Item("a", "by <user>"),)
    assert found.sections[5].items == (Item("a:<user>", 1), Item("a:<user> (2)", 2))


def test_what_hangs_gives_what_it_found_and_is_not_started_again_while_it_hangs() -> None:
    """A drive whose server is gone holds up nothing but itself."""
    go, started = threading.Event(), []

    def hangs(_context: Context) -> Iterator[Item]:
        started.append(1)
        yield Item("a", 1)
        go.wait(60)

    gatherer = Gatherer([Collector("hangs", 0.05, hangs), Collector("fine", 30, fine)], SCRUB, "linux")
    first, second = gatherer.gather(context()), gatherer.gather(context())
    assert first.sections[0].state is State.TIMEOUT
    assert second.sections[0].state is State.TIMEOUT
    assert second.sections[0].items == ()
    assert [each.sections[1].state for each in (first, second)] == [State.OK, State.OK]
    assert started == [1]
    go.set()
    wait_until(lambda: gatherer.gather(context()).sections[0].state is State.OK)


def test_commands_are_a_closed_table_without_a_shell() -> None:
    """Nothing from outside gets into a command line, and no program of it reads one."""
    shells = {"sh", "bash", "dash", "zsh", "cmd", "cmd.exe", "powershell", "powershell.exe", "pwsh", "env", "python3"}
    for command in COMMANDS.values():
        assert command[0] not in shells
        assert "/" not in command[0]
        assert all(isinstance(argument, str) and "{0}" not in argument for argument in command)
    with pytest.raises(KeyError):
        ThisMachine().command("rm -rf /", 1)


@pytest.mark.skipif(os.name == "nt", reason="commands of POSIX")
def test_a_command_prints_is_stopped_in_time_and_sees_none_of_our_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """No more than a bounded amount of what it prints is read."""
    table = {"say": ("printf", "%s", "가"), "env": ("env",), "none": ("no-such-program",), "endless": ("yes",)}
    monkeypatch.setattr(diagnostics_machine, "COMMANDS", table)
    monkeypatch.setenv("DESKSIDE_TEST_SECRET", "hunter2")
    monkeypatch.setenv("LD_LIBRARY_PATH", "/nowhere")
    machine = ThisMachine()
    assert machine.command("say", 30) == "가"
    seen = machine.command("env", 30)
    assert "LC_ALL=C.UTF-8" in seen
    assert "hunter2" not in seen
    assert "LD_LIBRARY_PATH" not in seen
    with pytest.raises(Absent):
        machine.command("none", 1)
    monkeypatch.setattr(diagnostics_machine, "_MOST_OUTPUT", 1000)
    assert len(machine.command("endless", 30)) == 1000


@pytest.mark.skipif(os.name == "nt", reason="commands of POSIX")
@pytest.mark.parametrize("script", ["sleep 600", "sleep 600 & sleep 600", "sleep 600 &"])
def test_a_command_that_takes_too_long_is_ended_with_all_it_started(
    script: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when it is through itself and what it started holds on to its output."""
    monkeypatch.setattr(diagnostics_machine, "COMMANDS", {"slow": ("sh", "-c", script)})
    late = threading.Event()

    def wait() -> None:
        with pytest.raises(TimeoutError):
            ThisMachine().command("slow", 0.05)
        late.set()

    threading.Thread(target=wait, daemon=True).start()
    wait_until(late.is_set)


def test_files_are_read_in_bounds_and_missing_ones_are_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a long one the start, or the end from a whole line on."""
    monkeypatch.setattr(diagnostics_machine, "_MOST_READ", 8)
    (tmp_path / "a").write_bytes(b"one\ntwo\nthree\n")
    (tmp_path / "link").symlink_to("/x/driver")
    machine = ThisMachine(tmp_path)
    assert machine.read("/a") == "one\ntwo\n"
    assert machine.tail("/a") == "three\n"
    assert machine.names("/") == ["a", "link"]
    assert machine.target("/link") == "driver"
    assert machine.changed_s("/a") > 0
    assert (machine.read("/none"), machine.tail("/none"), machine.target("/a"), machine.changed_s("/none")) == (
        "",
        "",
        "",
        0,
    )
    assert machine.names("/none") == []
    assert machine.registry("HKLM\\SOFTWARE") == ({}, [])


def test_all_systems_have_the_same_sections_and_each_has_a_title() -> None:
    """The customer reads the same list everywhere; the longest wait is bounded."""
    names = [each.name for each in LINUX]
    assert [each.name for each in WINDOWS] == names
    assert [each.name for each in MACOS] == names
    assert all(section_text(name) != name for name in names)
    assert max(each.seconds for each in (*LINUX, *WINDOWS, *MACOS)) <= 20
    assert gatherer_here("win32").names == gatherer_here("darwin").names == gatherer_here("linux").names


def test_the_person_of_this_computer_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """By log-in, home and computer."""
    monkeypatch.setenv("USER", "younghee.kim")
    monkeypatch.setattr(platform, "node", lambda: "younghee-pc.corp.example")
    monkeypatch.setattr(Path, "home", lambda: Path("/home/younghee.kim"))
    scrub = diagnostics_here.scrubber_here()
    assert scrub.text("younghee.kim at younghee-pc in /home/younghee.kim/.cache") == "<user> at <computer> in ~/.cache"
