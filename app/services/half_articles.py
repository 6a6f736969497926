# SPDX-License-Identifier: GPL-3.0-or-later
"""Articles before they are saved: kept as text while somebody types, and begun from the words of a ticket. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from app.domain.articles import Audience
from app.domain.ports import ItemKind, ThreadItem, TicketDetails
from app.services.publications import ArticleDraft
from app.services.templates import language_of

__all__ = ["HIDDEN", "HalfArticle", "article_of_ticket", "without_person"]

HIDDEN = "○○○"  # stands where a customer's name, address, number or product was
_MOST_CHARS = 20_000  # of a message; whoever writes an article wants its beginning
_MAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}", re.ASCII)
_PHONE = re.compile(
    r"(?<![\w.-])(?:(?:\+\d{1,3}[ -]?)?(?:\(0?\d{1,4}\) ?|0?\d{1,4}[ -])\d{3,4}[ -]\d{4}(?![\w-])|01\d{8,9}(?!\w))",
    re.ASCII,  # particles follow without a space
)
_HEADS: Mapping[str, tuple[str, str]] = {"ko": ("문의", "답변"), "en": ("Question", "Answer")}


@dataclass(frozen=True, slots=True)
class HalfArticle:
    """What is in the form, and the version it began with (None: a new article)."""

    draft: ArticleDraft
    article: bytes | None = None
    version: bytes | None = None

    def text(self) -> str:
        """Return it as text that `of_text` reads."""
        it = self.draft
        return json.dumps(
            {
                "titles": dict(it.titles), "bodies": dict(it.bodies), "folder": it.folder, "audience": it.audience,
                "review_on": it.review_on, "article": (self.article or b"").hex(),
                "version": (self.version or b"").hex(),
            },
            ensure_ascii=False,
        )  # fmt: skip

    @staticmethod
    def of_text(text: str | None) -> HalfArticle | None:
        """Return what was kept; None when nothing was, or nothing that can be read."""
        try:
            found = json.loads(text or "null")
            if not isinstance(found, dict):
                return None
            titles, bodies = ({k: str(found[part].get(k, "")) for k in ("ko", "en")} for part in ("titles", "bodies"))
            article, version = (bytes.fromhex(str(found.get(part, ""))) or None for part in ("article", "version"))
            audience = str(found.get("audience", ""))
        except (ValueError, KeyError, TypeError, AttributeError):
            return None
        if not any(map(str.strip, (*titles.values(), *bodies.values()))):
            return None
        draft = ArticleDraft(
            titles, bodies, str(found.get("folder", "")), audience if audience in set(Audience) else Audience.PUBLIC,
            str(found.get("review_on", "")),
        )  # fmt: skip
        return HalfArticle(draft, article, version)


def article_of_ticket(details: TicketDetails) -> ArticleDraft:
    """Return the beginning of an article: what was asked first and what was answered last, without the customer.

    Internal notes never get into it. The language is that in which the customer is written to.
    """
    spoken = language_of(details)
    hide = _known_of(details)
    asked = next((each for each in details.items if each.kind is ItemKind.MESSAGE_IN and each.body.strip()), None)
    answered = next((e for e in reversed(details.items) if e.kind is ItemKind.REPLY and e.body.strip()), None)
    parts = [
        f"# {head}\n{without_person(_unquoted(item), hide)}"
        for head, item in zip(_HEADS[spoken], (asked, answered), strict=True)
        if item is not None
    ]
    return ArticleDraft({spoken: without_person(details.row.subject, hide)}, {spoken: "\n\n".join(parts)})


def without_person(text: str, known: Iterable[str]) -> str:
    """Return the text with known names and numbers, mail addresses and phone numbers replaced by `HIDDEN`."""
    for pattern in (_MAIL, _PHONE):
        text = pattern.sub(HIDDEN, text)
    for each in sorted({word.strip() for word in known if len(word.strip()) > 1}, key=len, reverse=True):
        # Korean particles follow a name without a space; letters and digits end a word
        end = r"(?![A-Za-z0-9])" if each[-1].isascii() else ""
        text = re.sub(rf"(?<!\w){re.escape(each)}{end}", HIDDEN, text, flags=re.IGNORECASE)
    return text


def _known_of(details: TicketDetails) -> set[str]:
    out = {details.row.customer_name}
    card = details.customer
    if card is not None:
        out |= {card.name, card.organisation or "", *(each.value for each in card.addresses)}
        out |= {number for each in card.assets for number in (each.serial, each.order_ref)}
    for name in (details.row.customer_name, card.name if card is not None else ""):
        words = name.split()
        out |= {word for word in words if len(word) > 2 and word.isascii()}  # "Dear Anna" of Anna Berg
        if len(words) == 1 and len(name) == 3 and not name.isascii():
            out |= {f"{name[1:]} 님", f"{name[1:]}님"}  # a given name alone could be any word
    return out


def _unquoted(item: ThreadItem) -> str:
    lines = item.body[:_MOST_CHARS].strip().split("\n")
    return "\n".join(line for line in lines if not line.lstrip().startswith(">")).strip()
