# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that go with what a customer writes, in companion.db: taken in whole at once, kept until the server has them.

A file is held while a window shows it, named once something that was written goes with it, and owed once the server has
the words that name it. What is none of these goes.
"""

from __future__ import annotations

import hashlib
import io
import mimetypes
import stat
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

from app.domain.attachments import Attachment, accepted, clean_name, is_program
from app.domain.errors import Refused

__all__ = ["FILE_TABLES", "KEPT_BYTES", "OwedFile", "WrittenFiles"]

PART_BYTES: Final = 1 << 20
KEPT_BYTES: Final = 256 << 20  # of everything that waits: an offline week must not fill the disk
FILE_TABLES: Final = """
CREATE TABLE part (sha256 TEXT NOT NULL, n INTEGER NOT NULL, data BLOB NOT NULL, PRIMARY KEY (sha256, n));
CREATE TABLE upload (
  item TEXT NOT NULL, sha256 TEXT NOT NULL, n INTEGER NOT NULL, name TEXT NOT NULL, size INTEGER NOT NULL,
  owed INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (item, sha256))
"""
_LONE: Final = "DELETE FROM part WHERE sha256 NOT IN (SELECT sha256 FROM upload)"


@dataclass(frozen=True, slots=True)
class OwedFile:
    """A file that the server was told of and does not have. `item` is what was written with it."""

    item: str
    sha256: str
    size: int


class WrittenFiles:
    """The part of the customer's store that holds files. Blocks on the disk; raises StoreUnavailable."""

    def __init__(self) -> None:
        self._holding = threading.Lock()
        self._held: Counter[str] = Counter()

    def take_file(self, path: Path, limit: int) -> Attachment:
        """Keep a file, and hold it. Raises Refused: file_missing, not_a_file, file_unreadable, file_empty,
        file_too_large, file_changed, file_is_program, too_much_kept.
        """
        with _readable(path) as stream:
            return self._take(stream, path.name, mimetypes.guess_type(path.name)[0] or "", limit)

    def take_content(self, content: bytes, filename: str, media_type: str, limit: int) -> Attachment:
        """Keep what was pasted or photographed, and hold it. Raises Refused as `take_file`."""
        return self._take(io.BytesIO(content), filename, media_type, limit)

    def release(self, attachments: Iterable[Attachment]) -> None:
        """A window shows these no more: what nothing goes with is removed."""
        with self._holding:
            self._held.subtract(each.sha256.hex() for each in attachments)
            self._held = +self._held
            self._drop_lone()

    def read_part(self, sha256: str, n: int) -> bytes:
        """Return the n-th MiB of a file; empty past its end."""
        found = self._all("SELECT data FROM part WHERE sha256 = ? AND n = ?", sha256, n)
        return bytes(found[0][0]) if found else b""

    def read_file(self, sha256: str, start: int, size: int) -> bytes:
        """Return a piece of a file."""
        out, first = bytearray(), start // PART_BYTES
        for n in range(first, (start + size + PART_BYTES - 1) // PART_BYTES):
            out += self.read_part(sha256, n)
        skip = start - first * PART_BYTES
        return bytes(out[skip : skip + size])

    def owed_files(self) -> list[OwedFile]:
        """Return what is to be uploaded now, in the order in which it was written."""
        rows = self._all(
            "SELECT u.item, u.sha256, u.size FROM upload u LEFT JOIN written w ON w.id = u.item "
            "WHERE u.owed = 1 ORDER BY w.written, u.item, u.n"
        )
        return [OwedFile(*row) for row in rows]

    def file_settled(self, sha256: str, item: str) -> None:
        """The server has it, or will never take it: it is not kept any longer for this."""
        with self._holding:
            self._run("DELETE FROM upload WHERE item = ? AND sha256 = ?", item, sha256)
            self._drop_lone()

    def sweep_files(self) -> None:
        """Remove what a program that was killed left without a request. Only before any window is open."""
        self._run("DELETE FROM upload WHERE item NOT IN (SELECT id FROM written)")
        self._run(_LONE)

    # --- inside ----------------------------------------------------------------------------------------------

    def _take(self, stream: BinaryIO, filename: str, media_type: str, limit: int) -> Attachment:
        name = clean_name(filename)
        sha256, size = _measured(stream, name, limit)
        made = accepted([Attachment(sha256, filename, media_type, size)])[0]
        if is_program(made):
            raise Refused("file_is_program", file=name)
        mark = sha256.hex()
        with self._holding:  # first: nothing that runs beside may take it for left over
            self._held[mark] += 1
        try:
            self._keep(stream, name, mark, size)
        except BaseException:
            self.release([made])
            raise
        return made

    def _keep(self, stream: BinaryIO, name: str, mark: str, size: int) -> None:
        ((have, kept),) = self._all(
            "SELECT coalesce(sum(CASE WHEN sha256 = ? THEN length(data) END), 0), coalesce(sum(length(data)), 0) "
            "FROM part", mark,
        )  # fmt: skip
        if have == size:
            return
        if kept - have + size > KEPT_BYTES:
            raise Refused("too_much_kept", file=name, limit_mb=KEPT_BYTES >> 20)
        stream.seek(0)
        digest, n = hashlib.sha256(), 0
        while piece := _read(stream, PART_BYTES, name):
            digest.update(piece)
            self._run("INSERT OR REPLACE INTO part VALUES (?, ?, ?)", mark, n, piece)
            n += 1
            if n * PART_BYTES > size + PART_BYTES:
                break
        if digest.hexdigest() != mark:
            self._run("DELETE FROM part WHERE sha256 = ?", mark)
            raise Refused("file_changed", file=name)

    def _drop_lone(self) -> None:
        held = sorted(self._held)
        places = ", ".join("?" * len(held))
        self._run(f"{_LONE} AND sha256 NOT IN ({places})", *held)

    def _run(self, sql: str, *values: object) -> None:
        raise NotImplementedError

    def _all(self, sql: str, *values: object) -> Sequence[tuple[Any, ...]]:
        raise NotImplementedError


@contextmanager
def _readable(path: Path) -> Iterator[BinaryIO]:
    name = clean_name(path.name)
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe would never end, a folder is not one file
            raise Refused("not_a_file", file=name)
        stream = path.open("rb")
    except FileNotFoundError as error:
        raise Refused("file_missing", file=name) from error
    except (OSError, ValueError) as error:
        raise Refused("file_unreadable", file=name) from error
    with stream:
        yield stream


def _read(stream: BinaryIO, size: int, name: str) -> bytes:
    try:
        return stream.read(size)
    except OSError as error:
        raise Refused("file_unreadable", file=name) from error


def _measured(stream: BinaryIO, name: str, limit: int) -> tuple[bytes, int]:
    digest, size = hashlib.sha256(), 0
    while piece := _read(stream, PART_BYTES, name):
        digest.update(piece)
        size += len(piece)
        if size > limit:
            raise Refused("file_too_large", file=name, limit_mb=limit >> 20)
    if not size:
        raise Refused("file_empty", file=name)
    return digest.digest(), size
