# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages and snapshot pieces in replica.db that were downloaded but not applied: what kill -9 must not cost again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from app.domain.replica import ExitPage, RowPage, Segment, SnapshotPart
from app.store.cipher import Session

_Body = tuple[list[tuple[int, list[str], list[list[object]]]], list[list[tuple[int, int, bytes, str | None]]]]
_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[_Body] = msgspec.msgpack.Decoder(_Body)


def _packed(pages: Sequence[RowPage], exits: Sequence[ExitPage]) -> bytes:
    return _encoder.encode(([(p.type, p.cols, p.rows) for p in pages], [e.items for e in exits]))


def _segment(scope: str, start: int, end: int, body: bytes) -> Segment:
    pages, exits = _decoder.decode(body)
    return Segment(scope, start, end, [RowPage(scope, *p) for p in pages], [ExitPage(scope, e) for e in exits])


def keep(tx: Session, segments: Iterable[Segment]) -> None:
    """Store segments."""
    tx.many(
        "INSERT OR REPLACE INTO page(scope_id, from_seq, to_seq, body) VALUES(?, ?, ?, ?)",
        [(s.scope, s.start, s.end, _packed(s.pages, s.exits)) for s in segments],
    )


def kept(tx: Session) -> dict[str, int]:
    """Return how far the stored pages reach, per scope. They follow each other: each pull goes on where they end."""
    return dict(tx.all("SELECT scope_id, max(to_seq) FROM page GROUP BY scope_id"))


def stored(tx: Session, scopes: Iterable[str]) -> Iterator[Segment]:
    """Yield the stored segments of some scopes, oldest first, one at a time."""
    for scope in scopes:
        starts = tx.all("SELECT from_seq FROM page WHERE scope_id = ? ORDER BY from_seq", (scope,))
        for (start,) in starts:
            row = tx.one("SELECT to_seq, body FROM page WHERE scope_id = ? AND from_seq = ?", (scope, start))
            if row is not None:
                yield _segment(scope, start, *row)


def forget(tx: Session, scopes: Iterable[str]) -> None:
    """Remove the stored pages and snapshot pieces of some scopes."""
    named = [(scope,) for scope in scopes]
    tx.many("DELETE FROM page WHERE scope_id = ?", named)
    tx.many("DELETE FROM snap_part WHERE scope_id = ?", named)
    tx.many("UPDATE scope_state SET snapshot_id = NULL, snap_offset = 0 WHERE id = ?", named)


# --- snapshots --------------------------------------------------------------------------------------------------------


def keep_part(tx: Session, part: SnapshotPart, *, rows_too: bool) -> None:
    """Store the bytes of a snapshot piece, and its rows if they are not applied at once."""
    body = _packed(part.pages, ()) if rows_too else None
    tx.run("INSERT OR REPLACE INTO snap_part VALUES(?, ?, ?, ?)", (part.scope, part.start, part.raw, body))
    tx.run(
        "UPDATE scope_state SET snapshot_id = ?, snap_offset = ? WHERE id = ?",
        (part.snapshot, part.start + len(part.raw), part.scope),
    )


def is_sound(tx: Session, scope: str, sha256: bytes) -> bool:
    """Tell whether the pieces are, one after the other, the whole file."""
    digest, end = hashlib.sha256(), 0
    for (start,) in tx.all("SELECT start FROM snap_part WHERE scope_id = ? ORDER BY start", (scope,)):
        raw = tx.value("SELECT raw FROM snap_part WHERE scope_id = ? AND start = ?", (scope, start))
        if start != end:
            return False
        digest.update(raw)
        end += len(raw)
    return digest.digest() == sha256


def parts_to_pages(tx: Session, scope: str, at_seq: int) -> None:
    """Let the rows of a whole snapshot count as one segment from 0 to `at_seq`: pages from_seq -n to 0, then this."""
    starts = tx.all("SELECT start FROM snap_part WHERE scope_id = ? AND body IS NOT NULL ORDER BY start", (scope,))
    for number, (start,) in enumerate(starts):
        # negative places: before everything that a pull stores later
        tx.run(
            "INSERT OR REPLACE INTO page(scope_id, from_seq, to_seq, body) "
            "SELECT scope_id, ?, ?, body FROM snap_part WHERE scope_id = ? AND start = ?",
            (number - len(starts), at_seq, scope, start),
        )
    if not starts:
        tx.run("INSERT OR REPLACE INTO page VALUES(?, -1, ?, ?)", (scope, at_seq, _packed((), ())))
