# SPDX-License-Identifier: GPL-3.0-or-later
"""Saving when the disk gives the wrong answer: a COMMIT that is reported as failed may have been written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from app.domain.entities import NOTE
from app.domain.errors import StoreUnavailable
from app.store.cipher import Database, Session
from tests.sync.desk import Client, Desk


class LyingDisk:
    """A file whose next transaction is reported as failed, written or not."""

    def __init__(self, file: Database, *, written: bool) -> None:
        self._file = file
        self._written = written
        self._lies = 1

    def read(self) -> object:
        """As it is."""
        return self._file.read()

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Do it, or nearly, and report an error once."""
        if not self._lies:
            with self._file.write() as tx:
                yield tx
            return
        self._lies -= 1
        with self._file.write() as tx:
            yield tx
            if not self._written:
                raise StoreUnavailable("disk_full")
        raise StoreUnavailable("disk_full")


def _lie(client: Client, *, written: bool) -> None:
    commits = client.profile.commits
    commits._file = LyingDisk(commits._file, written=written)  # type: ignore[assignment]  # stands in for the file


def test_a_save_that_failed_only_in_words_counts_and_the_next_one_works(desk: Desk, kim: Client) -> None:
    """What is on disk is told as saved, once; the numbers go on behind it without a restart."""
    ticket = kim.new_ticket()
    kim.sync()
    _lie(kim, written=True)
    kim.note(ticket, "eins")
    kim.note(ticket, "zwei")
    assert [item.mid for item in kim.profile.queries.outbox()] == [2, 3]
    assert kim.sync()
    assert kim.profile.numbers().waiting == 0
    assert sorted(str(row["body"]) for row in desk.rows(NOTE.number)) == ["eins", "zwei"]


def test_a_save_that_failed_leaves_its_number_to_the_next_one(desk: Desk, kim: Client) -> None:
    """Numbers have no holes, and what was told as not saved is not there."""
    ticket = kim.new_ticket()
    kim.sync()
    _lie(kim, written=False)
    with pytest.raises(StoreUnavailable, match="disk_full"):
        kim.note(ticket, "eins")
    kim.note(ticket, "zwei")
    assert [item.mid for item in kim.profile.queries.outbox()] == [2]
    assert kim.sync()
    assert [row["body"] for row in desk.rows(NOTE.number)] == ["zwei"]
