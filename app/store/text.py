# SPDX-License-Identifier: GPL-3.0-or-later
"""One normaliser for index and query, and the two columns of the search index. Pure.

`body` holds the text as words; `cjk` holds overlapping pairs of each run of Hangul, Han or Kana, because a
word index alone does not find a noun inside a compound or before a particle.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from operator import add
from typing import Any

from app.domain.entities import (
    ASSET,
    CONTACT_ADDRESS,
    CUSTOMER,
    MESSAGE,
    NOTE,
    ORGANISATION,
    TAG,
    TICKET,
)
from app.domain.search_text import CJK, normalise

__all__ = ["INDEXED", "columns", "document", "normalise", "pairs", "without_marks", "without_quotes"]

IS_CJK = re.compile(f"[{CJK}]")
_SEPARATOR = "0"  # between runs whose border pair would otherwise look like one run
_PART = re.compile(f"[{CJK}]+|[^\\W{CJK}]+")
_MARKED = re.compile("[\u00c0-\u024f\u1e00-\u1eff\u0300-\u036f]")
_MARK = re.compile("[\u0300-\u036f]")
_WORDS_KEPT, _LONGEST_KEPT = 40_000, 40


def pairs(run: str) -> list[str]:
    """Return the overlapping pairs of a run."""
    return list(map(add, run, run[1:]))


def without_marks(normalised: str) -> str:
    """Return a text with the accents of Latin letters dropped, so that cafe finds café."""
    if not _MARKED.search(normalised):
        return normalised
    return unicodedata.normalize("NFC", _MARK.sub("", unicodedata.normalize("NFD", normalised)))


# a word as the index has it: its parts by script, the pairs of its runs, the first and the last letter of these
_Word = tuple[str, str, str, str]


def _word(text: str) -> _Word:
    parts = _PART.findall(without_marks(normalise(text)))
    runs = [part for part in parts if len(part) > 1 and IS_CJK.match(part)]
    out: list[str] = []
    last = ""
    for run in runs:
        if last == run[0]:
            out.append(_SEPARATOR)
        out += map(add, run, run[1:])
        last = run[-1]
    return " ".join(parts), " ".join(out), runs[0][0] if runs else "", last


_known_words: dict[str, _Word] = {}


def _learn(raw: str) -> _Word:
    word = _word(raw)
    if len(raw) <= _LONGEST_KEPT:
        if len(_known_words) >= _WORDS_KEPT:
            _known_words.clear()
        _known_words[raw] = word
    return word


def columns(text: str) -> tuple[str, str]:
    """Return the two columns of the index for a text: its words split where the script changes, and the pairs.

    Words repeat, so what became of one is kept: that makes a first load's texts five times as fast. Pairs of
    neighbouring runs are kept apart where they could be mistaken for one run.
    """
    known = _known_words.get
    body: list[str] = []
    pairs_: list[str] = []
    end = ""
    for raw in text.split():
        words, its_pairs, first, last = known(raw) or _learn(raw)
        body.append(words)
        if its_pairs:
            if first == end:
                pairs_.append(_SEPARATOR)
            pairs_.append(its_pairs)
            end = last
    return " ".join(filter(None, body)), " ".join(pairs_)


def without_quotes(body: str, quoted_ranges: Any) -> str:
    """Return a message's own words: what stands in the quoted ranges was indexed with the message it came from."""
    if not quoted_ranges:
        return body
    try:
        ranges = sorted((int(a), int(b)) for a, b in json.loads(quoted_ranges))
    except (ValueError, TypeError):
        return body
    for start, end in reversed(ranges):
        body = body[:start] + " " + body[end:]
    return body


# the columns of each entity that search looks into, and the column that names the row whose tickets are meant
INDEXED: Mapping[int, tuple[tuple[str, ...], str]] = {
    TICKET.number: (("subject", "number", "provisional", "aliases"), "id"),
    MESSAGE.number: (("body", "quoted_ranges", "attachments"), "ticket"),
    NOTE.number: (("body", "attachments"), "ticket"),
    CUSTOMER.number: (("name", "preferred_name"), "id"),
    CONTACT_ADDRESS.number: (("value",), "customer"),
    ORGANISATION.number: (("name", "domains"), "id"),
    ASSET.number: (("serial", "product", "model"), "owner"),
    TAG.number: (("name",), "id"),
}


def document(type_: int, values: Sequence[Any]) -> str:
    """Return the text of a row that search looks into; `values` in the order of INDEXED."""
    if type_ == MESSAGE.number:
        body, quoted, attachments = values
        parts = [without_quotes(body or "", quoted), _names(attachments)]
    elif type_ == NOTE.number:
        parts = [values[0] or "", _names(values[1])]
    else:
        parts = [_plain(v) for v in values]
    return " \n".join(p for p in parts if p)


def _plain(value: Any) -> str:
    if value is None:
        return ""
    text = str(value)
    if text.startswith("["):
        try:
            return " ".join(str(item) for item in json.loads(text))
        except ValueError:
            return text
    return text


def _names(attachments: Any) -> str:
    if not attachments:
        return ""
    try:
        listed = json.loads(attachments)
    except (ValueError, TypeError):
        return ""
    return " ".join(str(a.get("filename", "")) for a in listed if isinstance(a, dict))
