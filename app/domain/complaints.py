# SPDX-License-Identifier: GPL-3.0-or-later
"""Complaints: the seven steps of the guide, what closes one, which questions are still open. Pure; both ends run it."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

__all__ = [
    "CAUSES", "COMPLAINT", "FOLLOW_UPS", "QUESTIONS", "STEPS", "Ask", "Closing", "Question", "Step", "done_steps",
    "missing_for_solved", "names_situation", "open_questions", "words_of",
]  # fmt: skip

COMPLAINT: Final = "complaint"  # the kind of ticket
CAUSES: Final = ("product", "delivery", "billing", "information", "treatment", "waiting", "expectation", "other")
FOLLOW_UPS: Final = ("none", "planned")
_READ_CHARS: Final = 4000


class Step(StrEnum):
    """The steps, in order. They suggest; only the last one is asked for, when the ticket is to be solved."""

    GREET = "greet"
    LISTEN = "listen"
    ASK = "ask"
    EMPATHY = "empathy"
    ACT = "act"
    CHECK = "check"
    FOLLOW_UP = "follow_up"


STEPS: Final = tuple(Step)


@dataclass(frozen=True, slots=True)
class Closing:
    """What a complaint is closed with: the class of its cause, and whether and when somebody comes back to it."""

    cause: str = ""
    follow_up: str = ""
    at: int | None = None
    owner: bytes | None = None


def missing_for_solved(kind: object, closing: Closing) -> str:
    """Return the refusal code that keeps a ticket from being solved; empty when nothing is missing."""
    if kind != COMPLAINT:
        return ""
    if closing.cause not in CAUSES:
        return "root_cause_needed"
    planned = closing.follow_up == "planned" and closing.at is not None and closing.owner is not None
    return "" if closing.follow_up == "none" or planned else "follow_up_needed"


class Ask(StrEnum):
    """The three kinds of question."""

    BASIC = "basic"  # what happened
    PROBING = "probing"  # tell me more
    EVALUATING = "evaluating"  # how bad it is, what would help


@dataclass(frozen=True, slots=True)
class Question:
    """A question by its topic; its words are in the catalogues. `answer` finds one in what the customer wrote."""

    topic: str
    ask: Ask
    answer: re.Pattern[str]


def _q(topic: str, ask: Ask, *answers: str) -> Question:
    return Question(topic, ask, re.compile("|".join(answers), re.IGNORECASE))


# fmt: off
QUESTIONS: Final = (
    _q("when", Ask.BASIC, r"어제|오늘|그제|지난|아침|부터|\d{1,2}[월일시]", r"yesterday|today|since|last week"),
    _q("product", Ask.BASIC, r"(?<![A-Z0-9])[A-Z]{1,4}-?\d{2,}", r"일련번호|모델|serial|model"),
    _q("error", Ask.BASIC, r"(?<![A-Z0-9])[A-Z]{1,3}-\d{3,}", r"오류 ?코드|메시지가|error (?:code|message)"),
    _q("often", Ask.PROBING, r"매번|항상|가끔|자주|번째|할 때마다", r"every time|always|sometimes|twice|third"),
    _q("tried", Ask.PROBING, r"재부팅|다시 (?:해|설치|켜|시도)|껐다|초기화", r"restart|reinstall|reboot|tried|reset"),
    _q("before", Ask.PROBING, r"전에도|지난번|여러 번|문의했|통화했", r"called before|last time|already told"),
    _q("impact", Ask.EVALUATING, r"업무|손해|마감|급|못 ?하고|지장", r"deadline|can't work|lost|urgent"),
    _q("wish", Ask.EVALUATING, r"환불|교환|보상|해 ?주세요|바랍니다|원합니다", r"refund|replac|i want|please"),
)
# fmt: on


def open_questions(said: str, known: Collection[str]) -> list[Question]:
    """Return the questions still worth asking: neither known, nor answered in what the customer said.

    `known` are the topics that the facts answer, and those that we asked already.
    """
    words = said[-_READ_CHARS:]
    return [q for q in QUESTIONS if q.topic not in known and not q.answer.search(words)]


_WORD = re.compile(r"[가-힣]{2,}|[A-Za-z]{4,}|[A-Z]+-?\d+")
_TAIL = re.compile(
    r"(?:입니다|습니다|합니다|했어요|네요|어요|아요|은|는|이|가|을|를|에|의|도|로|으로|와|과|에서|까지|부터|하고|해서|되어|돼요)$"
)
# fmt: off
_EMPTY = frozenset({
    "안녕하세", "안녕하세요", "감사", "고객", "고객님", "문의", "답변", "정말", "너무", "그리고", "그런데", "지금",
    "말씀", "확인", "부탁", "hello", "dear", "thank", "thanks", "this", "that", "with", "have", "your", "from", "what",
    "when", "please", "very",
})
# fmt: on


def words_of(text: str) -> frozenset[str]:
    """Return the words that carry a matter, without particles and courtesies."""
    found = set()
    for raw in _WORD.findall(text[:_READ_CHARS]):
        word = raw.lower()
        bare = _TAIL.sub("", word)
        found.add(bare if len(bare) > 1 else word)
    return frozenset(found - _EMPTY)


def names_situation(draft: str, said: str) -> bool:
    """Tell whether the first paragraph of a draft, after its greeting, takes up words of the customer's."""
    paragraphs = [part.strip() for part in re.split(r"\n\s*\n", draft[:_READ_CHARS]) if part.strip()]
    if paragraphs and len(paragraphs) > 1 and len(paragraphs[0]) < 40:
        paragraphs[0] = f"{paragraphs[0]}\n{paragraphs[1]}"  # a greeting stands alone
    theirs = words_of(said)
    own = words_of(paragraphs[0]) if paragraphs else frozenset()
    return any(_alike(word, other) for word in own for other in theirs)


def _alike(one: str, other: str) -> bool:
    """Korean words change their endings: the same beginning up to the second vowel is the same matter."""
    return one == other or (_stem(one) == _stem(other) != "")


def _stem(word: str) -> str:
    if not all("가" <= letter <= "힣" for letter in word[:2]):
        return ""
    second = ord(word[1]) - ord("가")
    return word[0] + chr(ord("가") + second - second % 28)  # without the final consonant: 멈춥니다, 멈춘다니


def done_steps(lines: Sequence[Mapping[str, object]], closing: Closing) -> frozenset[Step]:
    """Return the steps that the history says are done; the last one is done when nothing is missing."""
    state: dict[str, bool] = {}
    for data in lines:
        state[str(data.get("step", ""))] = bool(data.get("done"))
    done = {step for step in STEPS if state.get(step.value)}
    if missing_for_solved(COMPLAINT, closing):
        done.discard(Step.FOLLOW_UP)
    else:
        done.add(Step.FOLLOW_UP)
    return frozenset(done)
