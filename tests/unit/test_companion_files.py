# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that a customer attaches are kept whole and encrypted with the request until the server has them, no longer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.desktop.companion_files import PART_BYTES
from app.desktop.companion_store import CompanionStore, WrittenItem, open_companion_store
from app.domain.errors import Refused

_KEY = bytes(range(32))
_ITEM = WrittenItem("01", "request", "01", "Printer stops", b"{}", 1000)
_LIMIT = 4 << 20
_V1 = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE written (
  id TEXT PRIMARY KEY, kind TEXT NOT NULL, ticket TEXT NOT NULL, subject TEXT NOT NULL, body BLOB NOT NULL,
  written INTEGER NOT NULL, state TEXT NOT NULL, number INTEGER, code TEXT NOT NULL DEFAULT '');
INSERT INTO written VALUES ('01', 'request', '01', 'Printer stops', X'7B7D', 1000, 'waiting', NULL, '');
PRAGMA user_version = 1
"""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[CompanionStore]:
    opened, _kept = open_companion_store(tmp_path / "companion.db", _KEY)
    yield opened
    opened.close()


def _parts(store: CompanionStore) -> int:
    return int(store._all("SELECT count(*) FROM part")[0][0])


def _again(store: CompanionStore) -> CompanionStore:
    store.close()
    opened, kept = open_companion_store(store._path, _KEY)
    assert kept is None
    opened.sweep_files()
    return opened


def test_a_file_is_read_once_and_is_there_after_a_kill_whatever_became_of_the_original(
    store: CompanionStore, tmp_path: Path
) -> None:
    """The request names it; it is owed when the server has the words, and gone from here when it has the file."""
    content = bytes(range(256)) * 9000  # three parts
    (tmp_path / "shot.png").write_bytes(content)
    made = store.take_file(tmp_path / "shot.png", _LIMIT)
    assert (made.filename, made.media_type, made.size_bytes) == ("shot.png", "image/png", len(content))
    (tmp_path / "shot.png").unlink()
    store.add_written(_ITEM, [made])

    again = _again(store)
    assert again.owed_files() == []
    assert again.written()[0].files == 1
    again.settle("01", "sent", 4182)
    (owed,) = again.owed_files()
    assert again.read_file(owed.sha256, 0, owed.size) == content
    assert again.read_file(owed.sha256, PART_BYTES - 5, 10) == content[PART_BYTES - 5 : PART_BYTES + 5]
    again.forget_written(["01"])
    assert again.written() != [], "the line stays while a file is on its way"
    again.file_settled(owed.sha256, owed.item)
    again.forget_written(["01"])
    assert (again.written(), again.owed_files(), _parts(again)) == ([], [], 0)
    again.close()


def test_nothing_of_a_file_can_be_read_on_the_disk(store: CompanionStore) -> None:
    """It lies in the encrypted file with the request, and its room is given back when the server has it."""
    before = store._path.stat().st_size
    made = store.take_content(b"a very secret screenshot " * 90_000, "shot.png", "image/png", _LIMIT)
    store.add_written(_ITEM, [made])
    assert store._path.stat().st_size > before + (2 << 20)
    assert b"secret screenshot" not in store._path.read_bytes()
    store.settle("01", "sent")
    store.release([made])
    store.file_settled(made.sha256.hex(), "01")
    assert store._path.stat().st_size < before + (1 << 20)


def test_what_no_request_goes_with_leaves_the_disk(store: CompanionStore) -> None:
    """Taken out again, the window closed, or the program killed in between."""
    one = store.take_content(b"one", "one.png", "image/png", _LIMIT)
    two = store.take_content(b"two", "two.png", "image/png", _LIMIT)
    twice = store.take_content(b"two", "again.png", "image/png", _LIMIT)
    store.release([one, two])
    assert _parts(store) == 1, "another window still shows it"
    store.add_written(_ITEM, [twice])
    store.release([twice])
    assert _parts(store) == 1, "it waits to be sent"
    store.settle("01", "refused", code="suspended")
    store.release([])
    assert _parts(store) == 0
    store.take_content(b"three", "three.png", "image/png", _LIMIT)
    again = _again(store)
    assert _parts(again) == 0
    again.close()


def test_what_cannot_be_attached_is_refused_and_nothing_of_it_stays(store: CompanionStore, tmp_path: Path) -> None:
    """Each reason has its own word."""
    (tmp_path / "empty.txt").write_bytes(b"")
    (tmp_path / "big.txt").write_bytes(bytes(_LIMIT + 1))
    (tmp_path / "run.exe").write_bytes(b"MZ")
    reasons = {}
    for name in ("gone.txt", "", "empty.txt", "big.txt", "run.exe"):
        with pytest.raises(Refused) as refused:
            store.take_file(tmp_path / name, _LIMIT)
        reasons[name] = refused.value.code
    assert reasons == {"gone.txt": "file_missing", "": "not_a_file", "empty.txt": "file_empty",
                       "big.txt": "file_too_large", "run.exe": "file_is_program"}  # fmt: skip
    assert _parts(store) == 0


def test_a_store_of_an_earlier_version_keeps_what_waits_in_it_and_takes_files(store: CompanionStore) -> None:
    """An update loses no request."""
    for statement in ("DROP TABLE upload", "DROP TABLE part", "DROP TABLE written", "DROP TABLE meta"):
        store._run(statement)
    for statement in _V1.split(";"):
        store._run(statement)
    again = _again(store)
    assert again.written() == [_ITEM]
    made = again.take_content(b"one", "one.png", "image/png", _LIMIT)
    again.add_written(WrittenItem("02", "message", "01", "See here", b"{}", 2000), [made])
    assert [item.files for item in again.written()] == [0, 1]
    again.close()
