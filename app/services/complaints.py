# SPDX-License-Identifier: GPL-3.0-or-later
"""The complaint guide of a ticket: what each step shows, phrases in the customer's language, what is saved."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from app.config.i18n import N_, _, load_catalogues
from app.domain.changes import AnyChange, ComplaintStep, SurveyAnswer, TicketSet
from app.domain.complaints import COMPLAINT, QUESTIONS, Ask, Closing, Question, Step, done_steps, open_questions
from app.domain.entities import Value
from app.domain.ids import TicketId, new_id
from app.domain.ports import Commits, ItemKind, TicketDetails, TicketRow
from app.domain.surveys import Answered
from app.services.templates import language_of
from app.services.triage import Done, run_changes

__all__ = [
    "ASKS", "CAUSE_NAMES", "PHRASES", "STEP_NAMES", "Complaints", "Guide", "cause_name", "check_words", "greeting",
    "guide_of", "question_words", "spoken",
]  # fmt: skip

STEP_NAMES: Mapping[Step, str] = {
    Step.GREET: N_("Greet by name"),
    Step.LISTEN: N_("Listen"),
    Step.ASK: N_("Ask"),
    Step.EMPATHY: N_("Show that you understand"),
    Step.ACT: N_("Explain and act"),
    Step.CHECK: N_("Ask whether it is solved"),
    Step.FOLLOW_UP: N_("Follow up, name the cause"),
}
CAUSE_NAMES: Mapping[str, str] = {
    "product": N_("Fault of the product"),
    "delivery": N_("Delivery"),
    "billing": N_("Bill or payment"),
    "information": N_("Wrong or missing information"),
    "treatment": N_("How we treated the customer"),
    "waiting": N_("Waiting time"),
    "expectation": N_("Expected something else"),
    "other": N_("Another cause"),
}
ASKS: Mapping[Ask, str] = {
    Ask.BASIC: N_("What happened"), Ask.PROBING: N_("Tell me more"), Ask.EVALUATING: N_("How bad, and what helps"),
}  # fmt: skip
_QUESTIONS: Mapping[str, str] = {
    "when": N_("Since when does this happen?"),
    "product": N_("Which product is it? The model or the serial number helps us."),
    "error": N_("Is there a message or an error code? Please tell us its words."),
    "often": N_("How often does it happen: every time, or now and then?"),
    "tried": N_("What have you tried so far?"),
    "before": N_("Have you told us of this before? When was that?"),
    "impact": N_("What can you not do because of this?"),
    "wish": N_("What would help you most now?"),
}
PHRASES: tuple[str, ...] = (
    N_("I can see how much trouble this has caused you."),
    N_("I am sorry that you had to wait, and to ask more than once."),
    N_("This is not what you expected of us, and I understand that you are disappointed."),
    N_("Thank you for telling us; we can only put right what we know of."),
)
_GREETING = N_("Dear {name},")
_CHECK = (N_("Is your problem solved?"), N_("Were you treated well?"))
_FACTS: Mapping[str, str] = {
    "product": "product", "model": "product", "serial": "product", "error_code": "error", "last_error": "error",
}  # fmt: skip


@lru_cache(maxsize=4)
def _texts(language: str) -> Callable[[str], str]:
    return load_catalogues("ko" if language == "ko" else "en").gettext


def spoken(text: str, language: str) -> str:
    """Return a text of ours in the customer's language, whatever the window speaks."""
    return _texts(language)(text)


def question_words(question: Question, language: str | None = None) -> str:
    """Return a question in the customer's language; in that of the window without one."""
    text = _QUESTIONS[question.topic]
    return _(text) if language is None else spoken(text, language)


def cause_name(cause: object) -> str:
    """Return the name of a class of causes."""
    name = CAUSE_NAMES.get(str(cause))
    return _(name) if name is not None else str(cause)


def greeting(name: str, honorific: str, language: str) -> str:
    """Return the opening line with name and honorific in the customer's language; 님 never twice."""
    if language == "ko":
        tail = honorific or "님"
        name = name if not name or name.endswith(tail) else f"{name} {tail}"
    return spoken(_GREETING, language).format(name=name)


def check_words(language: str) -> str:
    """Return the two questions that end a complaint, asked separately."""
    return "\n".join(f"{n}. {spoken(text, language)}" for n, text in enumerate(_CHECK, 1))


@dataclass(frozen=True, slots=True)
class Guide:
    """What the guide shows of one complaint."""

    ticket: TicketId
    label: str
    language: str
    greeting: str
    name: str
    said: str = ""  # the customer's newest words
    said_at: int = 0
    earlier: int = 0
    earlier_label: str = ""
    questions: tuple[Question, ...] = ()
    done: frozenset[Step] = frozenset()
    marks: tuple[tuple[str, str], ...] = ()  # fact or feeling, words
    closing: Closing = field(default_factory=Closing)
    all_said: str = ""
    answers: tuple[Answered, ...] = ()


def guide_of(details: TicketDetails) -> Guide | None:
    """Return the guide of a complaint; None for any other ticket."""
    if details.kind != COMPLAINT:
        return None
    card, language = details.customer, language_of(details)
    name = card.name if card is not None else details.row.customer_name
    theirs = [item for item in details.items if item.kind is ItemKind.MESSAGE_IN]
    ours = "\n".join(item.body for item in details.items if item.kind is ItemKind.REPLY)
    lines = [item.data for item in details.items if item.event == "complaint"]
    said = "\n".join(item.body for item in theirs)
    known = {topic for name, topic in _FACTS.items() if details.facts is not None and getattr(details.facts, name)}
    if card is not None and len(card.assets) == 1:
        known.add("product")
    known |= {q.topic for q in QUESTIONS if any(question_words(q, spoken_) in ours for spoken_ in ("ko", "en"))}
    earlier = card.earlier if card is not None else ()
    if earlier:
        known.add("before")  # it stands there: nobody asks twice
    return Guide(
        details.row.id, details.row.label, language, greeting(name, card.honorific if card else "", language), name,
        theirs[-1].body if theirs else "", theirs[-1].at if theirs else 0, len(earlier),
        f"{earlier[0].label} {earlier[0].subject}" if earlier else "", tuple(open_questions(said, known)),
        done_steps(lines, details.related.closing),
        tuple((str(d["mark"]), str(d.get("text", ""))) for d in lines if d.get("mark")), details.related.closing, said,
        details.related.answers,
    )  # fmt: skip


class Complaints:
    """Thread: a worker. Saved when a call returns; a rule that forbids it stands in the answer."""

    def __init__(self, commits: Commits, make_id: Callable[[], bytes] = new_id) -> None:
        self._commits, self._make_id = commits, make_id

    def step(self, row: TicketRow, step: Step, *, done: bool = True, mark: str = "", text: str = "") -> Done:
        """Note in the history that a step is done, or no longer; with words that are marked as fact or feeling."""
        words = " ".join(text.split())[:500]
        change = ComplaintStep(self._make_id(), row.id, step.value, done, mark, words)
        label = _("{what}: step “{step}” done") if done else _("{what}: step “{step}” open again")
        return run_changes(
            self._commits, [(row, change)], lambda what: label.format(what=what, step=_(STEP_NAMES[step]))
        )

    def answered(self, row: TicketRow, solved: bool | None, treated_well: bool | None, comment: str) -> Done:
        """Write down what the customer answered; either "no" opens the ticket again."""
        change = SurveyAnswer(self._make_id(), self._make_id(), row.id, solved, treated_well, comment[:2000])
        no = False in (solved, treated_well)
        text = _("{what}: answers written down, the ticket is open") if no else _("{what}: answers written down")
        return run_changes(self._commits, [(row, change)], lambda what: text.format(what=what))

    def close(self, row: TicketRow, closing: Closing) -> Done:
        """Save the class of the cause and the decision about following up."""
        planned = closing.follow_up == "planned"
        fields: dict[str, Value] = {
            "root_cause": closing.cause or None, "follow_up": closing.follow_up or None,
            "follow_up_at": closing.at if planned else None, "follow_up_owner": closing.owner if planned else None,
        }  # fmt: skip
        change: AnyChange = TicketSet(self._make_id(), row.id, dict(fields))
        cause = cause_name(closing.cause)
        return run_changes(
            self._commits, [(row, change)], lambda what: _("{what}: cause “{cause}”").format(what=what, cause=cause)
        )
