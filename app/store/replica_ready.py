# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes a page of rows ready to be written: everything that needs no database, so that a thread of its own can do it.

While one thread writes a page, which is work of SQLite outside of the interpreter's lock, another makes the next ready.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec

from app.domain.entities import BY_NUMBER
from app.domain.replica import RowPage
from app.store.schema import COMMON, table_of
from app.store.text import INDEXED, columns, document

RowHash = Callable[[int, bytes, int], int]
FIRST_VALUE = 5  # a row of the wire: id, seq, deleted, rev, fld, then the values
_encode_json = msgspec.json.Encoder().encode


class Document(NamedTuple):
    """What the search index keeps of a row."""

    type: int
    id: bytes
    owner: bytes | None
    body: str
    cjk: str


@dataclass(frozen=True, slots=True)
class Ready:
    """A page of a known entity: `values` as they are stored, row by row.

    `documents` are what the index gets for each row, None for a deleted one; empty for entities that are not indexed.
    `n` and `total` sum the live rows (a plain sum, not wrapped). `parents` are the rows these are lines of.
    """

    ids: list[bytes]
    values: list[tuple[Any, ...]]
    hashes: list[int]
    documents: list[Document | None]
    n: int
    total: int
    parents: set[bytes]
    is_plain: bool  # no id comes twice


def make_ready(page: RowPage, row_hash: RowHash) -> Ready | None:
    """Return a page as the writer wants it; None for an entity of a newer schema."""
    if page.type not in BY_NUMBER:
        return None
    entity = BY_NUMBER[page.type]
    rows = page.rows
    values = _stored(page, entity.columns)
    ids = [row[0] for row in rows]
    hashes = [0 if row[2] else row_hash(page.type, row[0], row[1]) for row in rows]
    parents: set[bytes] = set()
    if entity.parent is not None:
        place = len(COMMON) + entity.columns.index(entity.parent)
        parents = {value[place] for value in values if value[place] is not None}
    return Ready(
        ids=ids,
        values=values,
        hashes=hashes,
        documents=_documents(page.type, values),
        n=sum(not row[2] for row in rows),
        total=sum(hashes),
        parents=parents,
        is_plain=len(set(ids)) == len(ids),
    )


def joined(pages: Sequence[RowPage]) -> list[RowPage]:
    """Return pages with those of one entity in one scope put together: few large writes instead of many small ones.

    Rows of one id keep their order; rows of different entities do not need one.
    """
    together: dict[tuple[str, int, tuple[str, ...]], list[RowPage]] = {}
    for page in pages:
        together.setdefault((page.scope, page.type, tuple(page.cols)), []).append(page)
    return [_join(several) if len(several) > 1 else several[0] for several in together.values()]


def _join(pages: Sequence[RowPage]) -> RowPage:
    first = pages[0]
    rows = [row for page in pages for row in page.rows]
    parts = [page.ready for page in pages if isinstance(page.ready, Ready)]
    if len(parts) < len(pages):
        return RowPage(first.scope, first.type, first.cols, rows)
    ids = [id_ for part in parts for id_ in part.ids]
    ready = Ready(
        ids=ids,
        values=[value for part in parts for value in part.values],
        hashes=[hashed for part in parts for hashed in part.hashes],
        documents=[document for part in parts for document in part.documents],
        n=sum(part.n for part in parts),
        total=sum(part.total for part in parts),
        parents=set().union(*(part.parents for part in parts)),
        is_plain=len(set(ids)) == len(ids),
    )
    return RowPage(first.scope, first.type, first.cols, rows, ready)


def _stored(page: RowPage, names: Sequence[str]) -> list[tuple[Any, ...]]:
    """Return rows of the wire as they are stored: columns a newer server added are dropped, missing ones are null."""
    scope = page.scope
    heads = (
        (row[0], scope, row[1], 1 if row[2] else 0, row[3], _encode_json(row[4]).decode() if row[4] else None)
        for row in page.rows
    )
    if tuple(page.cols) == tuple(names):
        return [(*head, *row[FIRST_VALUE:]) for head, row in zip(heads, page.rows, strict=True)]
    cols = list(page.cols)
    places = [FIRST_VALUE + cols.index(name) if name in cols else -1 for name in names]
    return [
        (*head, *(row[place] if place >= 0 else None for place in places))
        for head, row in zip(heads, page.rows, strict=True)
    ]


def _documents(type_: int, values: Sequence[tuple[Any, ...]]) -> list[Document | None]:
    indexed = INDEXED.get(type_)
    if indexed is None:
        return []
    names, owner_name = indexed
    place = {name: i for i, name in enumerate(table_of(type_).columns)}
    wanted = [place[name] for name in names]
    owner = place[owner_name]
    return [
        None if row[3] else Document(type_, row[0], row[owner], *columns(document(type_, [row[i] for i in wanted])))
        for row in values
    ]
