# SPDX-License-Identifier: GPL-3.0-or-later
"""The `deskside` command: the right program starts, and nothing else is loaded for it."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import types
from pathlib import Path

import pytest

from app.config import policy
from app.config.i18n import set_language
from app.config.paths import child_command
from app.entry import cli, versions


class FakeProgram:
    """An entry module that notes what it was called with."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, module: str) -> None:
        self.calls: list[list[str]] = []
        fake = types.ModuleType(module)
        fake.__dict__["main"] = self._main
        monkeypatch.setitem(sys.modules, module, fake)

    def _main(self, argv: list[str]) -> int:
        self.calls.append(argv)
        return 7


@pytest.mark.parametrize(("argv", "module", "passed"), [
    ([], "app.entry.agent", []),
    (["--fresh"], "app.entry.agent", ["--fresh"]),
    (["deskside://ticket/1"], "app.entry.agent", ["deskside://ticket/1"]),
    (["companion", "--x"], "app.entry.companion", ["--x"]),
    (["server"], "app.entry.server", []),
    (["sync-worker", "a", "b"], "app.entry.sync_worker", ["a", "b"]),
    (["session"], "app.entry.session", []),
    (["demo", "--headless"], "app.entry.demo", ["--headless"]),
    (["doctor"], "app.entry.doctor", []),
    (["admin", "user"], "app.entry.admin", ["user"]),
])  # fmt: skip
def test_the_first_argument_picks_the_program(
    monkeypatch: pytest.MonkeyPatch, argv: list[str], module: str, passed: list[str]
) -> None:
    """Each role is a subcommand of one program; what follows belongs to the role."""
    program = FakeProgram(monkeypatch, module)
    assert cli.main(argv) == 7
    assert program.calls == [passed]


def test_the_companion_executable_opens_the_companion_and_its_session(monkeypatch: pytest.MonkeyPatch) -> None:
    """`deskside-companion` needs no subcommand, starts its own children, and is no door to the other programs."""
    companion = FakeProgram(monkeypatch, "app.entry.companion")
    session = FakeProgram(monkeypatch, "app.entry.session")
    server = FakeProgram(monkeypatch, "app.entry.server")
    assert [cli.companion_main(argv) for argv in ([], ["--minimised"], ["session", "3"], ["server"])] == [7, 7, 7, 2]
    assert companion.calls == [[], ["--minimised"]]
    assert session.calls == [["3"]]
    assert server.calls == []


def test_an_unknown_program_is_named_and_the_known_ones_listed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A typing mistake gets help, not a window."""
    monkeypatch.setenv("LANGUAGE", "ko")
    assert cli.main(["sevrer"]) == 2
    text = capsys.readouterr().err
    set_language("en")
    assert "sevrer" in text
    assert "동기화 서버" in text
    assert "sync-worker" not in text


@pytest.mark.parametrize("program", ["demo", "doctor", "companion", "admin", "server"])
@pytest.mark.parametrize("language", ["ko", "en"])
def test_wrong_words_are_answered_in_the_language_of_the_desktop(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], program: str, language: str
) -> None:
    """Usage and complaint as well as the program's own help, and nothing of the other language."""
    monkeypatch.setenv("LANGUAGE", language)
    with pytest.raises(SystemExit, match="2"):
        cli.main([program, "--nonsense"])
    said = capsys.readouterr().err
    with pytest.raises(SystemExit, match="0"):
        cli.main([program, "--help"])
    said += capsys.readouterr().out
    set_language("en")
    korean = ("사용법: ", ": 오류: ", "옵션:", "이 도움말을")
    english = ("usage: ", ": error: ", "options:", "show this help")
    spoken, other = (korean, english) if language == "ko" else (english, korean)
    assert all(words in said for words in spoken), said
    assert not any(words in said for words in other), said


def test_help_speaks_the_language_of_the_desktop(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Help needs no window and no settings."""
    monkeypatch.setenv("LANGUAGE", "en")
    assert cli.main(["--help"]) == 0
    assert "Run the sync server" in capsys.readouterr().out


def test_an_interrupted_program_ends_quietly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl+C in a terminal shows no traceback."""
    fake = types.ModuleType("app.entry.server")

    def interrupted(argv: list[str]) -> int:
        raise KeyboardInterrupt

    fake.__dict__["main"] = interrupted
    monkeypatch.setitem(sys.modules, "app.entry.server", fake)
    assert cli.main(["server"]) == 130


def test_long_version_names_every_native_part() -> None:
    """Support sees from one command which libraries are really loaded."""
    done = subprocess.run([*child_command("--version"), "--long"], capture_output=True, text=True, check=True)
    lines = dict(line.split(": ", 1) for line in done.stdout.splitlines()[1:])
    wanted = {"Python", "Qt", "PySide6", "SQLite", "SQLCipher", "libavcodec", "x264", "OpenSSL", "aiortc", "numpy"}
    assert wanted <= lines.keys()
    assert not [name for name, value in lines.items() if "not available" in value]
    assert done.stderr == ""


def test_a_part_that_does_not_load_is_told_and_the_rest_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    """One broken library does not hide the versions of the others."""
    monkeypatch.setitem(sys.modules, "av", None)
    lines = dict(versions.components())
    assert lines["PyAV"].startswith("not available (ModuleNotFoundError")
    assert lines["numpy"][0].isdigit()


def test_choosing_a_program_loads_nothing_heavy() -> None:
    """The sync worker and the server start without Qt, WebRTC or a database in memory."""
    code = (
        "import sys, app.entry.cli, app.config.paths, app.config.i18n;"
        "print(sorted({m.split('.')[0] for m in sys.modules} & {'PySide6', 'aiortc', 'av', 'sqlalchemy', 'numpy'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.skipif(os.name == "nt", reason="no pipe there breaks with this error")
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize(
    "arguments", [["--help"], ["admin", "--help"], ["doctor", "--help"], ["admin", "user", "list"]]
)
def test_a_reader_that_has_seen_enough_gets_no_traceback(arguments: list[str], unbuffered: str, tmp_path: Path) -> None:
    """`deskside admin user list | head` ends as other tools do: quietly, with the code of a broken pipe."""
    data = ["--data", str(tmp_path)]
    if arguments[0] == "admin":
        arguments = ["admin", *data, *arguments[1:]]
        named = [*child_command("admin"), *data, "organisation", "--name-ko", "한빛", "--name-en", "Hanbit"]
        assert subprocess.run(named, capture_output=True, check=False).returncode == 0
    reading, writing = os.pipe()
    os.close(reading)
    environment = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    command = [*child_command(arguments[0]), *arguments[1:]]
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, env=environment, check=False)
    os.close(writing)
    # a newer argparse swallows what it could not print of its help, and ends well
    wanted = {0, 141} if "--help" in arguments else {141}
    assert done.returncode in wanted
    assert done.stderr == b""


def test_another_broken_pipe_is_no_reader_that_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """What breaks inside a program is told, not swallowed."""
    fake = types.ModuleType("app.entry.doctor")

    def broken(_argv: list[str]) -> int:
        raise BrokenPipeError

    fake.__dict__["main"] = broken
    monkeypatch.setitem(sys.modules, "app.entry.doctor", fake)
    with pytest.raises(BrokenPipeError):
        cli.main(["doctor"])


def test_a_program_loads_without_looks_for_garbage_which_go_on_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Looking for it took a tenth of the loading; a program that cannot be loaded leaves it on as well."""
    (tmp_path / "program_that_looks.py").write_text("import gc\nlooked_for = gc.isenabled()\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert cli.load("program_that_looks").looked_for is False
    assert gc.isenabled()
    with pytest.raises(ModuleNotFoundError):
        cli.load("no_such_program")
    assert gc.isenabled()


@pytest.mark.parametrize(("values", "calls"), [({}, []), ({"companion.at_sign_in": True}, [["--at-sign-in"]])])
def test_at_sign_in_the_companion_starts_only_where_the_organisation_wants_it(
    values: dict[str, object], calls: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everywhere else the question ends before a window is loaded."""
    program = FakeProgram(monkeypatch, "app.entry.companion")
    monkeypatch.setattr(policy, "read_policy", lambda: policy.Policy(values))
    assert cli.companion_main(["--at-sign-in"]) == (7 if calls else 0)
    assert program.calls == calls
