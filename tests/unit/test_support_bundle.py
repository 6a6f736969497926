# SPDX-License-Identifier: GPL-3.0-or-later
"""`deskside doctor --report`: what support needs, listed before it is written, and nothing that is a person's."""

from __future__ import annotations

import json
import os
import stat
import zipfile
from pathlib import Path

import pytest

from app.config.i18n import set_language
from app.config.paths import UserFolders
from app.config.policy import read_policy
from app.entry import doctor_report
from app.services.support_bundle import Part

SECRETS = ("박민수", "minsu", "hanbit", "hunter2", "급여", "payroll", "010-1234-5678", "/home", "xauth")
FINDINGS = [{"check": "display", "level": "problem", "text": "/home/minsu/.Xauthority", "command": "xauth list"}]


@pytest.fixture
def folders(tmp_path: Path) -> UserFolders:
    """The folders of a person whose words got into every place that they should not be in."""
    made = UserFolders.under(tmp_path / "home" / "minsu")
    made.create()
    own = {
        "server.login": "minsu",
        "server.url": "https://desk.hanbit.example",
        "ui.theme": "dark",
        "박민수": "hunter2",
    }
    (made.config / "settings.json").write_text(json.dumps(own), "utf-8")
    (made.data / "agent").mkdir()
    (made.data / "agent" / "pending.db").write_bytes(b"x" * 4096)
    (made.data / "agent" / "박민수 급여.pdf").write_bytes(b"payroll")
    lines = [
        {"event": "push answered", "level": "info", "mutations": 3, "timestamp": "2026-11-23T09:00:00Z"},
        {"event": "박민수 님이 급여를 물었습니다", "level": "info"},
        {"event": "unexpected", "error": "KeyError", "exception": [
            "/home/minsu/deskside/app/services/triage.py:212 move", "/home/minsu/x.py:1 run hunter2"]},
        {"event": "mail to minsu@hanbit.example", "reason": "/home/minsu", "text": "hunter2", "hunter2!": 2},
    ]  # fmt: skip
    text = "\n".join([*(json.dumps(line, ensure_ascii=False) for line in lines), "박민수 hunter2", "[1]", "[" * 9_000])
    (made.logs / "agent.log").write_text(text, "utf-8")
    fault = "Fatal Python error: Aborted\n\nCurrent thread 0x00007f (most recent call first):\n"
    fault += '  File "/home/minsu/deskside/widgets/shell/window.py", line 88 in run\nhunter2\n'
    (made.logs / "fault.txt").write_text(fault, "utf-8")
    return made


def whole(parts: list[Part]) -> str:
    """Everything that would be in the bundle."""
    return "\n".join(f"{part.name}\n{part.text}" for part in parts)


def test_nothing_that_is_a_persons_gets_into_the_bundle(folders: UserFolders, tmp_path: Path) -> None:
    """Whatever the logs, the settings, the names of files or the organisation's files hold."""
    policies = tmp_path / "managed"
    policies.mkdir()
    (policies / "10.json").write_text(
        '{"session.mask_windows": ["payroll", "급여"],\n"server.url": "https://desk.hanbit.example",\n"hunter2": 1,\n'
        '"session.allow_control": "hunter2"}', "utf-8",
    )  # fmt: skip
    (policies / "10.json").chmod(0o644)
    policy = read_policy(policies, owner=os.getuid())
    text = whole(doctor_report.collect(folders, FINDINGS, policy, ["Deskside 0.1.0"]))
    assert [secret for secret in SECRETS if secret in text] == []
    assert text.isascii()
    assert "\\u" not in text


def test_what_support_needs_is_in_it(folders: UserFolders, tmp_path: Path) -> None:
    """Events, places in the program, settings that are no texts, mistakes in policies with file and line, sizes."""
    policies = tmp_path / "managed"
    policies.mkdir()
    (policies / "10.json").write_text('{\n"session.allow_control": "no"}', "utf-8")
    (policies / "10.json").chmod(0o644)
    parts = doctor_report.collect(folders, FINDINGS, read_policy(policies, owner=os.getuid()), ["Deskside 0.1.0"])
    texts = {part.name: part.text for part in parts}
    assert json.loads(texts["checks.json"]) == [{"check": "display", "level": "problem"}]
    settings = json.loads(texts["settings.json"])
    assert settings["ui.theme"] == {"value": "dark", "by": "person"}
    assert settings["server.login"] == {"value": "(set)", "by": "person"}
    assert settings["session.allow_control"] == {"value": False, "by": "organisation"}
    (wrong,) = json.loads(texts["policies.json"])["wrong"]
    assert (wrong["line"], wrong["key"]) == (2, "session.allow_control")
    log = [json.loads(line) for line in texts["logs/agent.log"].splitlines()]
    assert log[0]["event"] == "push answered"
    assert log[0]["mutations"] == 3
    assert "app/services/triage.py:212 move" in log[2]["exception"]
    assert texts["fault.txt"].splitlines()[0] == "Fatal Python error: Aborted"
    assert "widgets/shell/window.py:88 run" in texts["fault.txt"]
    assert {"folder": "data", "name": "pending.db", "bytes": 4096} in json.loads(texts["files.json"])
    assert {"folder": "data", "others": 1, "bytes": 7} in json.loads(texts["files.json"])


def test_the_list_comes_first_and_nothing_is_written_without_a_yes(
    folders: UserFolders, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every file of the bundle stands in the list; only its owner reads it, and no file is written over."""
    monkeypatch.setattr(doctor_report, "_about", lambda: ["Deskside 0.1.0"])
    set_language("en")
    file, data = tmp_path / "report.zip", folders.config.parent
    listed: list[str] = []

    def answer(word: str) -> int:
        def ask(_question: str) -> str:
            listed.append(capsys.readouterr().out)
            assert not file.exists()
            return word

        return doctor_report.run(file, data, FINDINGS, ask=ask)

    assert answer("no") == 1
    assert not file.exists()
    assert answer("yes") == 0
    with zipfile.ZipFile(file) as made:
        names = made.namelist()
        assert made.testzip() is None
    assert {"about.txt", "logs/agent.log", "fault.txt"} <= set(names)
    assert all(f"  {name}" in listed[-1] for name in names)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    before = file.read_bytes()
    assert doctor_report.run(file, data, FINDINGS, yes=True) == 1
    assert file.read_bytes() == before
    assert "is there already" in capsys.readouterr().err


def test_a_computer_without_any_data_gives_a_bundle_too(tmp_path: Path) -> None:
    """The program may never have started here; a link in place of a log is not followed out of the folder's names."""
    parts = doctor_report.collect(UserFolders.under(tmp_path / "none"), [], read_policy(tmp_path), ["x"])
    assert [part.name for part in parts] == [
        "about.txt", "checks.json", "settings.json", "policies.json", "files.json",
    ]  # fmt: skip
