# SPDX-License-Identifier: GPL-3.0-or-later
"""The real programs: a server process on a free port, and the administrator's commands beside it."""

from __future__ import annotations

import io
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from app.domain.enrolment_file import read_enrolment_file
from app.domain.links import normalise_code, parse_enrol
from app.domain.signed import unb64
from app.entry import admin
from sync.server.store import Store, sqlite_url
from tests.fakes.wait import wait_until

DESKSIDE = [sys.executable, "-m", "app.entry.cli"]
PASSWORD = "correct horse"


class Admin:
    """Runs administration commands: in this process, which is fast, or as a program of its own."""

    def __init__(self, data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._data = data
        self._patch = monkeypatch
        self._capsys = capsys

    def run(self, *arguments: str, text: str = "") -> tuple[int, str]:
        """Return exit code and output."""
        self._patch.setattr(sys, "stdin", io.StringIO(text))
        self._capsys.readouterr()
        code = admin.main(["--data", str(self._data), *arguments])
        return code, self._capsys.readouterr().out

    def program(self, *arguments: str, text: str = "") -> tuple[int, str]:
        """The same as a process."""
        command = [*DESKSIDE, "admin", "--data", str(self._data), *arguments]
        done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=60, check=False)
        return done.returncode, done.stdout


@contextmanager
def running(data: Path, *arguments: str) -> Iterator[str]:
    """A server process; it must end by itself with code 0 on SIGTERM."""
    port_file = data / "url"
    command = [*DESKSIDE, "server", "--data", str(data), "--port-file", str(port_file), *arguments]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        wait_until(lambda: port_file.exists() or process.poll() is not None, 40)
        assert process.poll() is None, (process.communicate()[1] or b"").decode()
        yield port_file.read_text().strip()
    finally:
        process.send_signal(signal.SIGTERM)
        errors = process.communicate(timeout=20)[1]
    assert (process.returncode, errors) == (0, b"")


def refused(data: Path, *arguments: str, language: str = "en") -> str:
    """Start a server that cannot start; return what it says."""
    command = [*DESKSIDE, "server", "--data", str(data), *arguments]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False, env={"LANGUAGE": language, "PATH": ""}
    )
    assert done.returncode == 2, done
    assert "Traceback" not in done.stderr
    return done.stderr


def test_a_fresh_server_takes_a_first_customer_and_makes_a_link_without_sample_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The commands of the README, in order; the same mail address is refused the second time."""
    desk = Admin(tmp_path, monkeypatch, capsys)
    assert desk.run("organisation", "--name-ko", "한빛 고객지원", "--name-en", "Hanbit Support")[0] == 0
    new = ("create-customer", "--name", "박민수", "--mail", "Minsu@example.com")
    assert desk.run(*new)[0] == 0
    assert desk.run(*new)[0] == 2
    code, text = desk.run("enrolment-link", "--customer", "minsu@example.com", "--server", "https://help.example.com")
    assert code == 0
    assert parse_enrol(text.splitlines()[0]).server == "https://help.example.com"
    file = ("enrolment-link", "--customer", "minsu@example.com", "--file", str(tmp_path / "e.json"))
    assert desk.run(*file)[0] == 2
    code, text = desk.run(*file, "--server", "https://help.example.com")
    named = read_enrolment_file((tmp_path / "e.json").read_bytes())
    assert (code, named.link) == (0, parse_enrol(text.splitlines()[0]))
    assert len(unb64(named.key)) == 32
    assert (tmp_path / "e.json").stat().st_mode & 0o777 == 0o600
    assert desk.run(*file, "--server", "https://help.example.com")[0] == 2
    assert desk.run("verify")[0] == 0


def test_a_team_can_start_a_server_add_a_person_and_enrol_a_customer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Sample data, a user, a link, sign-in, home, a graceful end, and right sums afterwards."""
    desk = Admin(tmp_path, monkeypatch, capsys)
    assert desk.run("sample", "--size", "small", "--password-stdin", text=PASSWORD + "\n")[0] == 0
    assert desk.run("sample", "--size", "small", text=PASSWORD)[0] == 2
    with running(tmp_path) as url, httpx.Client(base_url=url) as client:
        user = ("create-user", "choi", "--name", "최민준", "--team", "all", "--password-stdin")
        assert desk.program(*user, text=PASSWORD)[0] == 0
        assert desk.run(*user, text=PASSWORD)[0] == 2
        body = {"login": "choi", "password": PASSWORD, "device_name": "laptop"}
        assert client.post("/auth/v1/login", json=body).json()["account"]["name"] == "최민준"
        assert client.post("/auth/v1/login", json={"login": "agent1", "password": PASSWORD}).status_code == 200
        code, text = desk.run("enrolment-link", "--customer", _first_customer(tmp_path), "--server", url, "--code")
        assert code == 0
        enrol = parse_enrol(text.splitlines()[0])
        assert enrol.server == url
        for typed in (enrol.code, normalise_code(text.splitlines()[1])):
            seen = client.get("/customer/v1/organisation", params={"code": typed})
            assert seen.status_code == 200, seen.text
    assert desk.run("verify")[0] == 0
    logs = (tmp_path / "logs" / "server.log").read_text()
    assert "agent1" not in logs
    assert "choi" not in logs


def test_the_server_says_why_it_cannot_start(tmp_path: Path) -> None:
    """Port in use, no TLS beyond this machine, bad address: exit code 2, in both languages."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert str(port) in refused(tmp_path, "--listen", f"127.0.0.1:{port}")
    assert "--tls-cert" in refused(tmp_path, "--listen", "0.0.0.0:0")
    korean = refused(tmp_path, "--listen", "nonsense", language="ko")
    assert "nonsense" in korean
    assert any("가" <= c <= "힣" for c in korean)


def test_a_second_server_on_the_same_folder_is_refused_and_administration_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One sentence in both languages, exit code 2; the first serves on, and its folder is free when it has ended."""
    desk = Admin(tmp_path, monkeypatch, capsys)
    with running(tmp_path) as url:
        assert "PostgreSQL" in refused(tmp_path)
        assert "이미" in refused(tmp_path, language="ko")
        assert desk.program("create-customer", "--name", "박민수", "--mail", "minsu@example.com")[0] == 0
        assert httpx.post(f"{url}/customer/v1/identity", json={"nonce": "A" * 43}).status_code == 200
    (tmp_path / "url").unlink()
    with running(tmp_path):
        pass


@pytest.mark.parametrize(
    ("prepare", "words"),
    [
        ("newer", "newer Deskside"),
        ("damaged", "damaged"),
        ("url", "database address"),
        ("folder", "cannot be written"),
    ],
)
def test_a_database_that_cannot_be_used_is_named(
    tmp_path: Path, prepare: str, words: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The program's own entry, in this process."""
    from app.entry import server

    monkeypatch.setenv("LANGUAGE", "en")
    arguments = ["--data", str(tmp_path)]
    if prepare == "newer":
        store = Store.open(sqlite_url(tmp_path))
        store.write(lambda cx: cx.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'"))
        store.close()
    elif prepare == "damaged":
        (tmp_path / "server.db").write_bytes(b"no database" * 999)
    elif prepare == "url":
        arguments += ["--database", "mysql://x"]
    else:
        (tmp_path / "file").touch()
        arguments = ["--data", str(tmp_path / "file" / "inner")]
    assert server.main(arguments) == 2
    assert words in capsys.readouterr().err


def test_an_unreadable_certificate_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One of the two files alone, or files that are none."""
    from app.entry import server

    (tmp_path / "pem").write_text("no certificate")
    pem = str(tmp_path / "pem")
    for arguments in (["--tls-cert", pem], ["--tls-cert", pem, "--tls-key", pem]):
        assert server.main(["--data", str(tmp_path), *arguments]) == 2
        assert "TLS" in capsys.readouterr().err


def _first_customer(data: Path) -> str:
    import sqlalchemy as sa

    from app.domain.entities import CUSTOMER
    from sync.server.schema import ENTITY_TABLES

    store = Store.open(sqlite_url(data))
    with store.read() as cx:
        id_ = cx.execute(sa.select(ENTITY_TABLES[CUSTOMER.number].c.id).limit(1)).scalar_one()
    store.close()
    return bytes(id_).hex()


@pytest.mark.parametrize(("proxy", "is_believed"), [("127.0.0.0/8", True), ("192.0.2.1,192.0.2.2", False)])
def test_wrong_codes_count_against_their_sender_behind_a_proxy_that_was_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], proxy: str, is_believed: bool
) -> None:
    """Else all people behind it are one sender, and one who guesses shuts out the others."""
    people = Admin(tmp_path, monkeypatch, capsys)
    assert people.run("create-user", "kim", "--name", "Kim", "--password-stdin", text=PASSWORD + "\n")[0] == 0
    body = {"login": "kim", "password": "wrong", "device_name": "x"}
    with running(tmp_path, "--proxy", proxy) as url, httpx.Client(base_url=url, timeout=30) as client:
        for _ in range(5):
            answer = client.post("/auth/v1/login", json=body, headers={"x-forwarded-for": "198.51.100.7"})
            assert answer.status_code == 401
        mine = {"x-forwarded-for": "198.51.100.8"}
        answer = client.post("/auth/v1/login", json={**body, "password": PASSWORD}, headers=mine)
        assert answer.status_code == (200 if is_believed else 429)


def test_a_proxy_that_is_no_address_is_named(tmp_path: Path) -> None:
    """In both languages, before anything is begun."""
    assert "is not a list of addresses" in refused(tmp_path, "--proxy", "balancer")
    assert "주소 목록이 아닙니다" in refused(tmp_path, "--proxy", "10.0.0.5;10.0.0.6", language="ko")
