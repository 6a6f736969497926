# SPDX-License-Identifier: GPL-3.0-or-later
"""`deskside admin` as somebody uses it for the first time: slips are told in both languages and change nothing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from app.entry import admin
from sync.protocol import Refresh
from tests.server.test_backup import Run, data, database, opened, people, run, set_passwords
from tests.server.test_backup_faults import where
from tests.server.world import PASSWORD

__all__ = ["data", "database", "run"]  # fixtures


@pytest.fixture
def call(run: Run, database: str | None) -> Run:
    """Commands on a server with two people and a customer."""
    people(run, *where(database))
    return lambda *arguments, **more: run(*where(database), *arguments, **more)


def test_a_slip_in_the_folder_founds_no_second_server(
    tmp_path: Path, database: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    """Only what begins a server may make one; everything else says that there is none."""
    wrong = tmp_path / "srv" / "desksid"
    for command in (("device", "list"), ("verify",), ("team", "grant", "kim", "북부"), ("user", "list"), ("resync",),
                    ("enrolment-link", "--customer", "x"), ("archive-days", "3"), ("backup", "b"),
                    ("link-login", "kim", "--issuer", "https://x.example")):  # fmt: skip
        assert admin.main(["--data", str(wrong), *where(database), *command]) == 2
        assert str(wrong) in capsys.readouterr().err
    assert not wrong.exists()


SLIPS: tuple[tuple[str, ...], ...] = (
    ("create-customer", "--name", "Min", "--mail", "min"),
    ("create-customer", "--name", " ", "--mail", "a@example.com"),
    ("create-customer", "--name", "Min", "--mail", "Y@example.com"),
    ("create-user", "kim", "--name", "Kim"),
    ("create-user", "Kim Lee", "--name", "Kim"),
    ("create-user", "choi", "--name", " "),
    ("enrolment-link", "--customer", "nobody"),
    ("enrolment-link", "--customer", "y@example.com", "--hours", "0"),
    ("enrolment-link", "--customer", "y@example.com", "--server", "ftp://x"),
    ("link-login", "nobody", "--issuer", "https://x.example", "--sub", "1"),
    ("link-login", "kim", "--issuer", "nonsense", "--sub", "1"),
    ("link-login", "kim", "--issuer", "https://x.example", "--sub", " "),
    ("organisation", "--name-ko", " ", "--name-en", "x"),
    ("sample",),
    ("team", "grant", "kim", "동부"),
    ("team", "withdraw", "nobody", "북부"),
    ("user", "password", "nobody"),
    ("user", "suspend", "nobody"),
    ("device", "show", "K7"),
    ("device", "list", "--login", "nobody"),
    ("resync", "--scope", "team:x"),
    ("archive-days", "-1"),
    ("restore", "/nowhere/night.backup"),
)


def test_each_slip_has_a_sentence_of_its_own_in_both_languages(call: Run) -> None:
    """Exit code 2, no traceback, no code word; afterwards the database is as it was."""
    before = call("user", "list")[1]
    for slip in SLIPS:
        told = {language: call(*slip, language=language, text=PASSWORD) for language in ("en", "ko")}
        assert {code for code, _ in told.values()} == {2}, slip
        english, korean = told["en"][1], told["ko"][1]
        assert english != korean, slip
        for text in (english, korean):
            assert len(text.splitlines()) == 1, slip
            assert not re.search(r"Traceback|could not be done|[{}]|[a-z]_[a-z]", text), (slip, text)
    assert "북부" in call("team", "grant", "kim", "동부")[1]
    assert call("user", "list")[1] == before
    assert call("verify")[0] == 0


def test_doing_it_twice_is_no_harm_and_is_said(call: Run) -> None:
    """Teams, states, links, backups."""
    assert "Done" in call("team", "grant", "park", "북부")[1]
    assert "already" in call("team", "grant", "park", "북부")[1]
    assert "Done" in call("team", "withdraw", "park", "북부")[1]
    assert "Nothing was changed" in call("team", "withdraw", "park", "북부")[1]
    for _ in range(2):
        assert "go out" in call("team", "stale-replies", "북부", "send")[1]
        assert "wait for their author" in call("team", "stale-replies", "북부", "hold")[1]
    assert "No device" in call("resync")[1]
    for _ in range(2):
        assert call("link-login", "kim", "--issuer", "https://x.example", "--sub", "1")[0] == 0
        assert call("user", "suspend", "kim")[0] == 0
        assert call("archive-days", "30")[0] == 0
    assert "no tickets to see" in call("create-user", "lee", "--name", "Lee", text=PASSWORD)[1]


def test_people_get_new_passwords_and_are_locked_out_and_let_in(call: Run, data: Path, database: str | None) -> None:
    """A leaver: the password ends at once, devices are locked and keep what was not sent; then the way back."""
    world = opened(data, database)
    set_passwords(world)
    with world.client:
        kim = world.agent("kim")
        line = next(line for line in call("user", "list")[1].splitlines() if line.startswith("kim"))
        assert "북부" in line
        assert "1 device" in line
        assert call("user", "password", "kim", text="another horse\n")[0] == 0
        body = {"login": "kim", "password": PASSWORD}
        assert world.client.post("/auth/v1/login", json=body).status_code == 401
        body["password"] = "another horse"
        assert world.client.post("/auth/v1/login", json=body).status_code == 200
        assert kim.pull_raw().status_code == 200
        assert call("user", "suspend", "Kim")[0] == 0
        assert "suspended" in call("user", "list")[1]
        asks = (
            lambda: kim.pull_raw(),
            lambda: world.client.post("/auth/v1/login", json=body),
            lambda: kim.post("/auth/v1/refresh", Refresh(refresh=kim.tokens.refresh, device=kim.device)),
        )
        for ask in asks:
            answer = ask()
            assert (answer.status_code, answer.json()["code"]) == (403, "suspended")
        assert call("user", "activate", "kim")[0] == 0
        for ask in asks:
            assert ask().status_code == 200
        assert call("user", "password", "kim", text="short\n")[0] == 2


def test_answers_are_answers_and_logs_are_logs(call: Run, data: Path, tmp_path: Path) -> None:
    """What a restore notes for later does not stand between what it says."""
    assert call("backup", str(tmp_path / "night"))[0] == 0
    code, said = call("restore", str(tmp_path / "night"))
    assert (code, "epoch" in said) == (0, False)
    assert "a new epoch begins" in (data / "logs" / "admin.log").read_text()
