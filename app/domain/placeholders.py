# SPDX-License-Identifier: GPL-3.0-or-later
"""Placeholders in texts to customers: `{{customer.name}}`, with a fallback after a bar: `{{customer.name|고객님}}`.

Pure, one for composer, macros, triggers and the server: an unfilled or empty placeholder never goes out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["NAMES", "Filled", "fill", "is_unfilled", "stand_ins"]

# what people may write -> the fact; the first spelling of each is the one that is offered
NAMES: Mapping[str, str] = {
    "customer.name": "customer.name", "고객.이름": "customer.name",
    "customer.organisation": "customer.organisation", "고객.고객사": "customer.organisation",
    "ticket.number": "ticket.number", "문의.번호": "ticket.number",
    "ticket.subject": "ticket.subject", "문의.제목": "ticket.subject",
    "agent.name": "agent.name", "상담원.이름": "agent.name",
}  # fmt: skip
_PLACEHOLDER = re.compile(r"\{\{([^{}]{0,200})\}\}( ?님)?")
_HALF = re.compile(r"\{\{|\}\}")
# what people type where a name is to stand: OOO, ○○○, [이름], **
_STAND_IN = re.compile(r"(?<![A-Za-z0-9])O{3,}(?![A-Za-z0-9])|[○〇◯]{2,}|\[[^\[\]\n]{1,20}\]|(?<!\*)\*{2,}(?!\*)")
_HONORIFIC = "님"


@dataclass(frozen=True, slots=True)
class Filled:
    """A text with its placeholders filled. `missing` names those without a value; then `text` must not go out.

    `values` are the facts that were used, by name; `edits` says what was put where (from, to, words).
    """

    text: str
    missing: tuple[str, ...]
    values: Mapping[str, str]
    edits: tuple[tuple[int, int, str], ...] = ()


def fill(text: str, facts: Mapping[str, str]) -> Filled:
    """Put the facts in. A fallback counts only where the text states it; 님 is never doubled."""
    missing: list[str] = []
    values: dict[str, str] = {}
    edits: list[tuple[int, int, str]] = []

    def put(found: re.Match[str]) -> str:
        name, _bar, fallback = found[1].partition("|")
        name, after = name.strip(), found[2] or ""
        fact = NAMES.get(name, name)
        value = facts.get(fact, "").strip()
        if value:
            values[fact] = value
        value = value or fallback.strip()
        if not value:
            missing.append(name or "{{}}")
            return found[0]
        said = value if after and value.endswith(_HONORIFIC) else value + after
        edits.append((found.start(), found.end(), said))
        return said

    out = _PLACEHOLDER.sub(put, text)
    rest = _PLACEHOLDER.sub("", text)
    if (half := _HALF.search(rest)) is not None:
        missing.append(half[0])
    return Filled(out, tuple(dict.fromkeys(missing)), values, tuple(edits))


def is_unfilled(text: str) -> bool:
    """Whether a text that is about to go out still holds a placeholder."""
    return "{{" in text and _PLACEHOLDER.search(text) is not None


def stand_ins(text: str) -> tuple[str, ...]:
    """Return what looks like a name that somebody meant to fill in by hand, each once, in order."""
    return tuple(dict.fromkeys(found[0] for found in _STAND_IN.finditer(text)))
