# SPDX-License-Identifier: GPL-3.0-or-later
"""Mail bodies: plain text and simple HTML with the earlier conversation quoted below."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from app.services.sample_data.phrases import Bank
from app.services.sample_data.rows import KST_MS

MAX_TAIL = 40_000
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True)
class Said:
    """An earlier message, to be quoted."""

    at_ms: int
    author: str
    text: str


def quote_head(bank: Bank, said: Said) -> str:
    """Return the line above a quotation, as mail programs of the language write it."""
    at = _EPOCH + dt.timedelta(milliseconds=said.at_ms + KST_MS)
    days = bank["weekdays"]
    names = days[0] if len(days) == 1 else days
    return bank["quote_head"][0].format(
        y=at.year, m=at.month, d=at.day, wd=names[at.weekday()], ampm="오전" if at.hour < 12 else "오후",
        h=at.hour % 12 or 12, h24=at.hour, mi=at.minute, author=said.author,
    )  # fmt: skip


def plain_tail(bank: Bank, earlier: Sequence[Said]) -> str:
    """Return the quoted conversation as text, newest first, each older one a level deeper."""
    out: list[str] = []
    size = 0
    for depth, said in enumerate(reversed(earlier)):
        mark = "> " * depth
        lines = [f"{mark}{quote_head(bank, said)}"] + [f"{mark}> {line}" for line in said.text.split("\n")]
        block = "\n".join(lines)
        size += len(block)
        if out and size > MAX_TAIL:
            break
        out.append(block)
    return "\n".join(out)


def _paragraphs(text: str) -> str:
    parts = escape(text, quote=False).split("\n\n")
    return "".join(f"<p>{part.replace(chr(10), '<br>')}</p>" for part in parts)


def html_body(bank: Bank, text: str, earlier: Sequence[Said], filler: str = "") -> str:
    """Return the message as simple HTML with nested quotations; `filler` makes the rare very large mail."""
    tail, closing, size = "", "", 0
    for said in reversed(earlier):
        block = f"<blockquote><p>{escape(quote_head(bank, said), quote=False)}</p>{_paragraphs(said.text)}"
        size += len(block)
        if closing and size > MAX_TAIL:
            break
        tail += block
        closing += "</blockquote>"
    return f"<div>{_paragraphs(text)}</div>{tail}{closing}{filler}"


def large_table(log_line: str, wanted_bytes: int) -> str:
    """Return a forwarded table of at least that many bytes."""
    row = f"<tr><td>{escape(log_line, quote=False)}</td></tr>"
    return "<table>" + row * (wanted_bytes // len(row.encode()) + 1) + "</table>"
