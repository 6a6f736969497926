# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads a search text as people type it: words, phrases, operators in both languages, OR, minus. Pure; never fails.

Lists, saved views and the search field all speak this language, so a search can be kept as it stands.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

__all__ = [
    "CJK", "HAS", "IS", "NONE_WORDS", "OPERATORS", "OWN_WORDS", "Hint", "HintKind", "Item", "Operator", "Part",
    "Query", "Term", "canonical", "normalise", "parts_of", "read_query",
    "typed_serial", "with_operator", "without_part",
]  # fmt: skip

CJK = (
    "\u1100-\u11ff\u3130-\u318f\ua960-\ua97f\uac00-\ud7a3\ud7b0-\ud7ff"  # Hangul and jamo
    "\u2e80-\u2fdf\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Han
    "\u3040-\u30ff\u31f0-\u31ff"  # Kana
)
OPERATORS: Mapping[str, str] = {
    "state": "state", "status": "state", "상태": "state",
    "owner": "owner", "assignee": "owner", "담당": "owner", "담당자": "owner",
    "team": "team", "팀": "team",
    "tag": "tag", "태그": "tag",
    "customer": "customer", "고객": "customer",
    "org": "org", "organisation": "org", "organization": "org", "고객사": "org",
    "priority": "priority", "우선순위": "priority",
    "channel": "channel", "채널": "channel",
    "serial": "serial", "일련번호": "serial",
    "incident": "incident", "장애": "incident",
    "before": "before", "이전": "before",
    "after": "after", "이후": "after",
    "has": "has", "포함": "has",
    "is": "is", "조건": "is",
    "in": "in", "범위": "in",
}  # fmt: skip
HAS: Mapping[str, str] = {
    "attachment": "attachment", "attachments": "attachment", "file": "attachment", "첨부": "attachment",
    "첨부파일": "attachment",
    "note": "note", "notes": "note", "메모": "note", "내부메모": "note",
    "session": "session", "원격지원": "session",
    "promise": "promise", "약속": "promise",
}  # fmt: skip
IS: Mapping[str, str] = {
    "late": "late", "overdue": "late", "기한초과": "late", "지연": "late",
    "snoozed": "snoozed", "다시알림": "snoozed",
    "held": "held", "보류": "held", "장애보류": "held",
    "unread": "unread", "읽지않음": "unread", "안읽음": "unread",
    "alarm": "alarm", "alarms": "alarm", "보안경보": "alarm", "경보": "alarm",
    "unanswered": "unanswered", "미답변": "unanswered", "답변필요": "unanswered",
}  # fmt: skip
_NOTES = frozenset({"notes", "note", "메모", "내부메모"})
OWN_WORDS, NONE_WORDS = frozenset({"me", "나"}), frozenset({"none", "없음"})
_FOLD: dict[int, int | None] = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_FOLD |= {0x3000: 0x20, 0x00AD: None, 0x200B: None, 0x200C: None, 0x200D: None, 0x2060: None, 0xFEFF: None}
_FOLDED = re.compile("[\uff01-\uff5e\u3000\u00ad\u200b-\u200d\u2060\ufeff]")
_TOKEN = re.compile(r'(-?)(?:([^\s":：]+)[:：])?(?:"([^"]*)"?|([^\s"]+))')
_LIKE_OPERATOR = re.compile(r"[^\W\d_]{2,20}")
_UNFIT = re.compile("[\x00\ud800-\udfff]")  # no database keeps them
_MAX_CHARS, _MAX_PARTS = 2000, 40
_ONE_SYLLABLE = re.compile(f"[{CJK}]")


def normalise(text: str) -> str:
    """Return text as index and query see it: NFC, half width, folded case, no invisible characters."""
    text = unicodedata.normalize("NFC", text)
    if _FOLDED.search(text):  # most texts have none, and looking is much faster than translating
        text = text.translate(_FOLD)
    return text.casefold()


class HintKind(StrEnum):
    """What the field says under a search that may not be what its writer meant."""

    UNKNOWN = "unknown"  # an operator that there is not: searched as text
    VALUE = "value"  # an operator's value that means nothing: finds nothing
    ONE_SYLLABLE = "one_syllable"


@dataclass(frozen=True, slots=True)
class Hint:
    """One remark about a search text; `text` is the part that it is about."""

    kind: HintKind
    text: str


@dataclass(frozen=True, slots=True)
class Term:
    """A word or, in quotes, an exact phrase; normalised."""

    text: str
    exact: bool = False


@dataclass(frozen=True, slots=True)
class Operator:
    """`state:open` and the like; `name` is the English one, `value` normalised."""

    name: str
    value: str


Item = Term | Operator


@dataclass(frozen=True, slots=True)
class Query:
    """A search text, read: every group must fit, by any of its items; nothing of `without` may. `raw`: as typed."""

    raw: str
    groups: tuple[tuple[Item, ...], ...] = ()
    without: tuple[Item, ...] = ()
    in_notes: bool = False
    hints: tuple[Hint, ...] = ()

    @property
    def terms(self) -> tuple[Term, ...]:
        """The words looked for, in order."""
        return tuple(item for group in self.groups for item in group if isinstance(item, Term))

    @property
    def operators(self) -> tuple[Operator, ...]:
        """The operators, in order."""
        return tuple(item for group in self.groups for item in group if isinstance(item, Operator))


@dataclass(frozen=True, slots=True)
class Part:
    """One piece of a search text as typed. `name` and `value` are those of an operator, else the word is `text`."""

    text: str
    start: int
    end: int
    name: str = ""
    value: str = ""
    negative: bool = False


def parts_of(text: str) -> list[Part]:
    """Return the pieces of a search text in order: operators, words, phrases, and OR between them."""
    out = []
    for match in _TOKEN.finditer(text):
        minus, key, phrase, word = match.groups()
        value = phrase or word or ""
        name = OPERATORS.get(normalise(key), "") if key else ""
        if name and value:
            out.append(Part(match[0], *match.span(), name, value, bool(minus)))
        elif match[0].strip('-"'):
            out.append(Part(match[0], *match.span(), negative=bool(minus)))
    return out


def without_part(text: str, part: Part) -> str:
    """Return the search text with one of its parts taken out, and the OR that joined it to another."""
    parts = parts_of(text)
    place = next((i for i, p in enumerate(parts) if p.start == part.start), len(parts))
    gone = {place}
    for beside in (place - 1, place + 1):
        if len(gone) == 1 and 0 <= beside < len(parts) and parts[beside].text == "OR":
            gone.add(beside)
    return " ".join(p.text for i, p in enumerate(parts) if i not in gone)


def with_operator(text: str, name: str, value: str) -> str:
    """Return the search text with an operator added; one that is there already is not added twice."""
    quoted = f'"{value}"' if re.search(r"\s", value) else value
    added = f"{name}:{quoted}"
    wanted = (OPERATORS.get(name, name), normalise(value))
    if any((p.name, normalise(p.value)) == wanted and not p.negative for p in parts_of(text)):
        return text.strip()
    return f"{text.strip()} {added}".strip()


def canonical(words: Mapping[str, str], value: str) -> str | None:
    """Return what a value of `has:` or `is:` means; spaces, underscores and hyphens do not count."""
    return words.get(re.sub(r"[\s_-]", "", value))


def read_query(text: str) -> Query:
    """Read a search text. Never fails: what is no operator is a word; what nobody types (too much, no text) is cut."""
    text = _UNFIT.sub(" ", text[:_MAX_CHARS])
    groups: list[list[Item]] = []
    without: list[Item] = []
    hints: list[Hint] = []
    in_notes = joins = False
    for minus, key, phrase, word in _TOKEN.findall(text)[:_MAX_PARTS]:
        if word == "OR" and not minus and not key:
            joins = bool(groups)
            continue
        item = _item(key, phrase, word, hints)
        if item is None:
            continue
        if isinstance(item, Operator) and item.name == "in":
            in_notes = in_notes or _is_notes(item, hints)
        elif minus:
            without.append(item)
        elif joins:
            groups[-1].append(item)
        else:
            groups.append([item])
        joins = False
    if in_notes and not any(isinstance(item, Term) for group in groups for item in group):
        groups.append([Operator("has", "note")])
    return Query(text.strip(), _joined(groups), tuple(without), in_notes, tuple(dict.fromkeys(hints)))


def _is_notes(item: Operator, hints: list[Hint]) -> bool:
    found = item.value.replace(" ", "") in _NOTES
    if not found:
        hints.append(Hint(HintKind.VALUE, f"in:{item.value}"))
    return found


def _item(key: str, phrase: str, word: str, hints: list[Hint]) -> Item | None:
    value = phrase or word
    name = OPERATORS.get(normalise(key)) if key else None
    if name and value:
        return Operator(name, normalise(value).strip())
    if key and _LIKE_OPERATOR.fullmatch(key) and value and not value.startswith("//"):
        hints.append(Hint(HintKind.UNKNOWN, key))
    said = normalise(f"{key}:{value}" if key else value)
    if not re.search(r"[^\W_]", said):
        return None  # signs alone: there is nothing to look for
    if _ONE_SYLLABLE.fullmatch(said):
        hints.append(Hint(HintKind.ONE_SYLLABLE, value))
    return Term(said, exact=bool(phrase))


def _joined(groups: Iterable[list[Item]]) -> tuple[tuple[Item, ...], ...]:
    """Put the same operators together: either of them fits."""
    out: list[list[Item]] = []
    by_name: dict[str, list[Item]] = {}
    for group in groups:
        names = {item.name if isinstance(item, Operator) else "" for item in group}
        name = names.pop() if len(names) == 1 else ""
        if name and name in by_name:
            by_name[name] += group
            continue
        if name:
            by_name[name] = group
        out.append(group)
    return tuple(tuple(dict.fromkeys(group)) for group in out)


def typed_serial(text: str) -> str:
    """Return the serial number that a search text may be, whole and with nothing else; "" when it cannot be one."""
    query = read_query(text)
    if query.without or query.in_notes:
        return ""
    if query.operators:
        (first, *more) = query.operators
        return first.value if first.name == "serial" and not more and not query.terms else ""
    plain = normalise(query.raw)
    return plain if any(c.isdigit() for c in plain) and not any(c in '"@#~' for c in plain) else ""
