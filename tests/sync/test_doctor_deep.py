# SPDX-License-Identifier: GPL-3.0-or-later
"""`deskside doctor --deep`: whatever changed a row behind Deskside's back, here or at the server, is named."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from app.config.i18n import set_language
from app.desktop.keyring_store import open_secrets
from app.domain.changes import NoteAdd
from app.domain.ids import new_id
from app.domain.ports import ViewKey
from app.entry import doctor, doctor_deep
from app.store.locks import FileLock
from app.store.replica_file import connect, replica_path
from tests.sync.processes import KEY, ServerProcess, Window

PASSPHRASE = "three small words"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    made = ServerProcess(tmp_path_factory.mktemp("server"))
    yield made
    made.stop()


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    set_language("en")
    yield
    set_language("en")


@pytest.fixture(scope="module")
def _loaded(server: ServerProcess, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("computer")
    folder = made / "data" / "agent"
    folder.mkdir(parents=True)
    open_secrets(folder, f"agent {folder}", PASSPHRASE).put("database_key", KEY)
    window = Window(folder)
    try:
        window.start_worker()
        window.connect()
        window.sign_in(server.url)
    finally:
        window.close()
    return made


@pytest.fixture
def data(_loaded: Path) -> Iterator[Path]:
    """A computer that has loaded everything and was switched off; what a test does to its rows is undone."""
    before = {table: _rows(_loaded, table) for table in ("note", "message")}
    yield _loaded
    raw = connect(replica_path(_loaded / "data" / "agent"), KEY)
    raw.execute("BEGIN IMMEDIATE")
    for table, rows in before.items():
        raw.execute(f"DELETE FROM {table}")  # noqa: S608 - own names
        raw.executemany(f"INSERT INTO {table} VALUES({', '.join('?' * len(rows[0]))})", rows)
    raw.execute("COMMIT")
    raw.close()


def _rows(data: Path, table: str) -> list[tuple[Any, ...]]:
    raw = connect(replica_path(data / "data" / "agent"), KEY)
    rows: list[tuple[Any, ...]] = raw.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608 - own names
    raw.close()
    return rows


def _write(data: Path, sql: str, *args: object) -> None:
    raw = connect(replica_path(data / "data" / "agent"), KEY)
    assert raw.execute(sql, args).rowcount == 1
    raw.close()


def _dump(data: Path) -> dict[str, list[Any]]:
    """Everything in replica.db except the refresh token, which is good for one use."""
    raw = connect(replica_path(data / "data" / "agent"), KEY)
    names = [row[0] for row in raw.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    out = {name: raw.execute(f"SELECT * FROM {name}").fetchall() for name in names}  # noqa: S608 - own names
    out["meta"] = [row for row in out["meta"] if row[0] != "refresh_token"]
    raw.close()
    return out


def _any(data: Path, sql: str) -> bytes:
    raw = connect(replica_path(data / "data" / "agent"), KEY)
    found: bytes = raw.execute(sql).fetchone()[0]
    raw.close()
    return found


def _examine(data: Path) -> tuple[int, list[doctor.Finding]]:
    found, status = doctor_deep.deep_examination(data / "data" / "agent", PASSPHRASE)
    return status, found


def _bad(found: list[doctor.Finding]) -> list[doctor.Finding]:
    return [finding for finding in found if finding.level is not doctor.Level.OK]


def test_a_sound_computer_is_the_same_and_stays_untouched(data: Path) -> None:
    """Every scope is compared, more than once, and the replica is what it was."""
    before = _dump(data)
    status, found = _examine(data)
    assert (status, _bad(found)) == (0, [])
    assert len(found) == len(before["scope_state"]) > 3
    assert _examine(data)[0] == 0
    assert _dump(data) == before


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("UPDATE note SET body = 'tampered' WHERE id = ?", "1 have other contents"),
        ("DELETE FROM note WHERE id = ?", "1 rows are missing here"),
        ("UPDATE note SET id = randomblob(16) WHERE id = ?", "1 rows are missing here, 1 are here only"),
    ],
)
def test_a_row_changed_on_this_computer_is_named_with_what_mends_it(data: Path, sql: str, said: str) -> None:
    """Changed, lost or invented: the scope, the row and the command are told; other scopes are the same."""
    note = _any(data, "SELECT id FROM note ORDER BY id LIMIT 1")
    _write(data, sql, note)
    status, found = _examine(data)
    (bad,) = _bad(found)
    assert (status, said in bad.text, f"note {note.hex()}" in bad.text) == (1, True, True)
    assert bad.command.startswith("deskside admin --data DIR resync --device ")
    assert bad.command.split()[-1].startswith("team:")


def test_a_row_changed_in_the_servers_database_is_found_from_here(server: ServerProcess, data: Path) -> None:
    """The row keeps its version, so that sums say nothing; its contents do."""
    note = _any(data, "SELECT id FROM note ORDER BY id DESC LIMIT 1")
    db = sqlite3.connect(server.folder / "server.db")
    (body,) = db.execute("SELECT body FROM note WHERE id = ?", (note,)).fetchone()
    try:
        db.execute("UPDATE note SET body = 'somebody else' WHERE id = ?", (note,))
        db.commit()
        status, found = _examine(data)
    finally:
        db.execute("UPDATE note SET body = ? WHERE id = ?", (body, note))
        db.commit()
        db.close()
    (bad,) = _bad(found)
    assert (status, "1 have other contents" in bad.text, note.hex() in bad.text) == (1, True, True)
    assert _examine(data)[0] == 0


def test_a_wrong_sum_of_the_server_is_told_apart_from_rows(server: ServerProcess, data: Path) -> None:
    """Loading again would not mend it: the server's own check is named instead."""
    db = sqlite3.connect(server.folder / "server.db")
    try:
        db.execute("UPDATE scope SET xsum = xsum + 1 WHERE id = 'ref'")
        db.commit()
        status, found = _examine(data)
    finally:
        db.execute("UPDATE scope SET xsum = xsum - 1 WHERE id = 'ref'")
        db.commit()
        db.close()
    (bad,) = _bad(found)
    assert (status, bad.command) == (1, "deskside admin --data DIR verify")
    assert "ref" in bad.text


def test_what_colleagues_did_meanwhile_is_no_difference(server: ServerProcess, data: Path, tmp_path: Path) -> None:
    """A switched-off computer is behind, not wrong: what is new at the server comes with the next exchange."""
    other = Window(tmp_path / "other")
    try:
        other.start_worker()
        other.connect()
        other.sign_in(server.url)
        other.do(NoteAdd(new_id(), new_id(), other.profile.queries.ids(ViewKey.ALL_LIVE)[0], "meanwhile"))
        other.wait_sent()
    finally:
        other.close()
    status, found = _examine(data)
    assert (status, _bad(found)) == (0, [])


def _without_profile(data: Path) -> Path:
    return data / "nowhere"


def _as_it_is(data: Path) -> Path:
    return data / "data" / "agent"


@pytest.mark.parametrize(
    ("place", "passphrase", "said"),
    [
        (_without_profile, PASSPHRASE, "Nobody has signed in on this computer yet"),
        (_as_it_is, "another one", "This is not the passphrase"),
    ],
)
def test_what_cannot_be_compared_says_why(
    data: Path, place: Callable[[Path], Path], passphrase: str, said: str
) -> None:
    """No profile, a wrong passphrase: one sentence and an exit status of its own."""
    found, status = doctor_deep.deep_examination(place(data), passphrase)
    assert (status, len(found), said in found[0].text) == (2, 1, True)


def test_a_running_deskside_must_be_closed_first(data: Path) -> None:
    """Its worker has the refresh token in use; two users of one token would end the sign-in."""
    lock = FileLock(data / "data" / "agent" / "worker.lock")
    status, (found,) = _examine(data)
    lock.release()
    assert (status, "Close it" in found.text) == (2, True)


def test_the_command_answers_in_korean_and_as_json(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The passphrase comes by standard input; both forms say the same."""
    _write(data, "DELETE FROM message WHERE id = ?", _any(data, "SELECT id FROM message LIMIT 1"))
    options = ["--deep", "--data", str(data), "--passphrase-stdin"]
    monkeypatch.setattr("sys.stdin.readline", lambda: PASSPHRASE + "\n", raising=False)
    assert doctor.main([*options, "--language", "ko"]) == 1
    korean = capsys.readouterr().out
    assert "다릅니다" in korean or "없는" in korean
    assert "server's" not in korean
    assert doctor.main([*options, "--json", "--language", "en"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["same"] is False
    assert any("1 rows are missing here" in finding["text"] for finding in told["findings"])
