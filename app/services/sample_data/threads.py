# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the texts of one conversation: subject, messages and notes that belong together."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

from app.services.sample_data.korean import particles, with_typos
from app.services.sample_data.people import Customer
from app.services.sample_data.phrases import Area, Bank, Grammar, Problem
from app.services.sample_data.rows import DAY_MS, KST_MS, Stream

IN_ROLES = frozenset({"problem", "answer", "fail", "loop_in", "thanks", "addition", "auto"})
_SHORT = frozenset({"chat", "social"})
_SPOKEN = frozenset({"phone", "visit"})
FIXED_ROLES = ("problem", "question", "answer", "fix", "thanks")
_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
           "November", "December")  # fmt: skip


@dataclass(slots=True)
class Topic:
    """What a conversation is about and who takes part."""

    area: Area
    problem: Problem
    customer: Customer
    channel: str
    agent_name: str
    code: str
    model: str
    serial: str
    warranty: str
    covered: bool
    opened_ms: int
    complaint: bool = False
    urgent: bool = False
    repeated: bool = False
    show_code: bool = False
    typos: bool = False
    with_session: bool = False
    original: int | None = None
    words: dict[str, object] = field(default_factory=dict)

    @property
    def language(self) -> str:
        """Language of the conversation."""
        return self.customer.language


def roles_of(rng: Stream, wanted: int) -> list[str]:
    """Return who says what in a conversation of that many public messages; it starts with the problem."""
    if wanted < 4:
        return ["problem", "fix", "thanks"][:wanted]
    ending = ["fail", "final"] if wanted >= 6 else []
    head = ["problem", "question", "answer", "fix"]
    rest = wanted - len(head) - len(ending)
    if rest == 0:
        return ["problem", "fix", "thanks", "closing"] if wanted == 4 and rng.chance(0.3) else head + ending
    if wanted == 6 and rng.chance(0.4):
        return [*head, "thanks", "closing"]
    tail = ["thanks"] if rest % 2 else []
    middle = ["next", "loop_in"] * ((rest - len(tail)) // 2)
    for i in range(2, len(middle), 2):
        middle[i] = "loop_out"
    return head + ending[:1] + middle + ending[1:] + tail


def local_date(language: str, ms: int) -> str:
    """Return a day and month as written in the language (Seoul time)."""
    day = dt.date.fromordinal((ms + KST_MS) // DAY_MS + dt.date(1970, 1, 1).toordinal())
    if language == "ko":
        return f"{day.month}월 {day.day}일"
    if language == "en":
        return f"{day.day} {_MONTHS[day.month - 1]}"
    return f"{day.month}月{day.day}日"


def full_date(language: str, iso: str) -> str:
    """Return an ISO date as written in the language."""
    day = dt.date.fromisoformat(iso)
    if language == "ko":
        return f"{day.year}년 {day.month}월 {day.day}일"
    if language == "en":
        return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"
    return f"{day.year}年{day.month}月{day.day}日"


class Scribe:
    """Composes texts from the grammar."""

    def __init__(self, grammar: Grammar) -> None:
        self._grammar = grammar

    def prepare(self, rng: Stream, topic: Topic) -> None:
        """Settle the words that stay the same through a conversation."""
        area, customer, language = topic.area, topic.customer, topic.language
        at = rng.randrange(len(area.versions) - 1)
        org = customer.organisation
        who = customer.name
        if org is not None:
            who = f"{org.name} {customer.name}" if language == "ko" else f"{customer.name} ({org.name})"
        topic.words = {
            "c": customer.name, "cf": customer.name.split(" ")[0], "who": who, "a": topic.agent_name,
            "nim": " 님" if language == "ko" else "",
            "noun": area.noun[language], "model": topic.model, "serial": topic.serial, "code": topic.code,
            "verword": area.verword.get(language, area.verword["en"] if language != "ko" else ""),
            "version": area.versions[at], "newversion": area.versions[-1], "phone": customer.phone,
            "warranty": full_date(language, topic.warranty), "en": topic.problem.subject["en"],
            "date": local_date(language, topic.opened_ms - rng.randint(1, 9) * DAY_MS), "log": "",
            "original": topic.original, "mention": "", "minutes": 0,
        }  # fmt: skip

    def bank(self, language: str) -> Bank:
        """Return the sentences of a language."""
        return self._grammar.banks[language]

    def subject(self, rng: Stream, topic: Topic) -> str:
        """Return the ticket's subject."""
        bank = self.bank(topic.language)
        if topic.complaint:
            key = "subject_complaint"
        elif topic.repeated:
            key = "subject_again"
        elif topic.urgent:
            key = "subject_urgent"
        elif topic.show_code and rng.chance(0.6):
            key = "subject_code"
        else:
            key = "subject_plain"
        text = rng.one(bank[key])
        subject = topic.problem.subject[topic.language].format_map(topic.words)
        if key == "subject_plain" and topic.channel in _SHORT:
            text = "{s}"
        return particles(text.replace("{s}", subject).format_map(topic.words))

    def message(self, rng: Stream, topic: Topic, role: str, *, first_reply: bool = False) -> str:
        """Return the text of one public message."""
        if role in IN_ROLES:
            text = self._incoming(rng, topic, role)
            if topic.typos and topic.language == "ko" and topic.channel not in _SPOKEN:
                text = with_typos(rng, text)
            return text
        return self._outgoing(rng, topic, role, first_reply=first_reply)

    def note(self, rng: Stream, topic: Topic, kind: str, mention: str = "", minutes: int = 0) -> str:
        """Return the text of an internal note. Notes are for colleagues, so they are Korean in every conversation."""
        words = {**topic.words, "mention": "@" + mention, "minutes": minutes}
        if kind == "remedy":
            return self._grammar_note(topic).format_map(words)
        bank = self.bank("ko")
        usual = [n for n in bank["notes"] if ("{mention}" in n) == bool(mention)]
        text = rng.one(usual if kind == "usual" else bank[kind])
        words["noun"], words["verword"] = topic.area.noun["ko"], topic.area.verword["ko"]
        return particles(text.format_map(words))

    def _grammar_note(self, topic: Topic) -> str:
        return topic.area.remedies[topic.problem.remedy]["ko"].note

    def _say(self, rng: Stream, topic: Topic, key: str) -> str:
        text = rng.one(self.bank(topic.language)[key]).format_map(topic.words)
        return particles(text) if topic.language == "ko" else text

    def _fill(self, topic: Topic, text: str) -> str:
        text = text.format_map(topic.words)
        return particles(text) if topic.language == "ko" else text

    def _incoming(self, rng: Stream, topic: Topic, role: str) -> str:
        if role == "problem":
            if topic.channel in _SHORT:
                return self._short_problem(rng, topic)
            return self._spoken(rng, topic) if topic.channel in _SPOKEN else self._long_problem(rng, topic)
        if role == "answer":
            answer = self._fill(topic, topic.area.remedy(topic.problem, topic.language).answer)
            if topic.channel in _SHORT:
                return answer
            lead, close = self._say(rng, topic, "answer_lead"), self._say(rng, topic, "answer_close")
            return f"{lead}\n\n{answer}\n\n{close}" if rng.chance(0.7) else f"{lead} {answer}"
        if topic.channel in _SHORT and role == "thanks":
            return self._say(rng, topic, "emoji" if rng.chance(0.4) else "closer_chat")
        if role == "auto":
            return self._say(rng, topic, "auto_reply")
        return self._plain_in(rng, topic, role)

    def _plain_in(self, rng: Stream, topic: Topic, role: str) -> str:
        text = self._say(rng, topic, role)
        if topic.channel in _SHORT or topic.channel in _SPOKEN:
            return text
        if rng.chance(0.04):
            return self._say(rng, topic, "emoji")
        if role in {"fail", "addition"} and rng.chance(0.5):
            text = f"{self._say(rng, topic, 'greet')}\n\n{text}"
        if role == "fail" and rng.chance(0.5):
            text += " " + self._say(rng, topic, "ask")
        return f"{text}\n\n{self._say(rng, topic, 'bye')}" if rng.chance(0.4) and role != "thanks" else text

    def _short_problem(self, rng: Stream, topic: Topic) -> str:
        parts = [self._fill(topic, topic.problem.detail[topic.language])]
        if rng.chance(0.6):
            parts.insert(0, self._say(rng, topic, "chat_open"))
        if topic.show_code:
            parts.append(self._say(rng, topic, "code"))
        if rng.chance(0.3):
            parts.append(self._say(rng, topic, "ask"))
        return "\n".join(parts)

    def _spoken(self, rng: Stream, topic: Topic) -> str:
        lead = self._say(rng, topic, f"{topic.channel}_in")
        parts = [self._say(rng, topic, "intro"), self._fill(topic, topic.problem.detail[topic.language]),
                 ]  # fmt: skip
        if not topic.problem.asks:
            parts.append(self._say(rng, topic, f"since_{topic.area.kind}"))
        if not topic.problem.asks and rng.chance(0.5):
            parts.append(self._say(rng, topic, f"tried_{topic.area.kind}"))
        if rng.chance(0.5):
            parts.append(self._say(rng, topic, "serial"))
        return lead + "\n" + "\n".join(f"- {p}" for p in parts)

    def _long_problem(self, rng: Stream, topic: Topic) -> str:
        # log-normal length: how many of the optional sentences are written
        talk = rng.lognormvariate(0.0, 0.45)
        kind = topic.area.kind

        def maybe(key: str, share: float) -> list[str]:
            return [self._say(rng, topic, key)] if rng.random() < share * talk else []

        what = [*maybe("intro", 0.6), self._fill(topic, topic.problem.detail[topic.language])]
        if topic.customer.mixed:
            what.append(self._fill(topic, rng.one(self.bank("ko")["mixed"])))
        broken = not topic.problem.asks
        since = maybe(f"since_{kind}", 0.75) + maybe(f"tried_{kind}", 0.7) if broken else []
        facts = [self._say(rng, topic, "code")] if topic.show_code else []
        facts += maybe("serial_device" if kind == "device" and rng.chance(0.4) else "serial", 0.4)
        facts += maybe("attached", 0.14) if broken else []
        please = [self._say(rng, topic, "complaint_in")] if topic.complaint else maybe("impact", 0.6)
        please += maybe("ask_device" if kind == "device" and broken and rng.chance(0.4) else "ask", 0.65)
        log = []
        if topic.area.log and broken and rng.random() < 0.05 * talk:
            lines = self._log(rng, topic)
            log = [particles(rng.one(self.bank(topic.language)["log"]).format(log=lines))]
        ending = [self._say(rng, topic, "bye")]
        joint = "" if topic.language in {"ja", "zh"} else " "
        blocks = [joint.join(b) for b in ([self._say(rng, topic, "greet")], what, since + facts, log, please, ending)]
        return "\n\n".join(b for b in blocks if b)

    def _log(self, rng: Stream, topic: Topic) -> str:
        text = self._fill(topic, topic.area.log)
        return "\n".join([text] * min(40, 1 + int(rng.lognormvariate(0.3, 1.0))))

    def _outgoing(self, rng: Stream, topic: Topic, role: str, *, first_reply: bool) -> str:
        if role in {"question", "fix"}:
            core = self._advice(rng, topic, role, first_reply=first_reply)
        else:
            core = [self._say(rng, topic, role)]
        if topic.channel in _SHORT:
            lead = [self._say(rng, topic, "chat_ack")] if first_reply else []
            return "\n".join(lead + core)
        if topic.channel in _SPOKEN:
            return "\n".join([self._say(rng, topic, f"{topic.channel}_out"), *core])
        greeting = self._say(rng, topic, "greet_out" if first_reply else "again_out")
        return "\n\n".join([greeting, *core, self._say(rng, topic, "bye_out")])

    def _advice(self, rng: Stream, topic: Topic, role: str, *, first_reply: bool) -> list[str]:
        remedy = topic.area.remedy(topic.problem, topic.language)
        short = topic.channel in _SHORT
        parts = []
        if first_reply and not short:
            parts.append(self._say(rng, topic, "complaint_out" if topic.complaint else "ack"))
        if role == "question":
            lead = self._say(rng, topic, "q_lead")
            question = self._fill(topic, remedy.question)
            parts.append(question if short else f"{lead}\n{question}")
            if not short and rng.chance(0.5):
                parts.append(self._say(rng, topic, "q_close"))
            return parts
        fix = topic.problem.fix.get(topic.language) or remedy.fix
        steps = fix.startswith("1.")
        usual = "fix_lead" if steps else "fix_say"
        lead = self._say(rng, topic, "session_lead" if topic.with_session else usual)
        parts += [f"{lead}\n\n{self._fill(topic, fix)}"]
        if topic.area.kind != "service" and not short and rng.chance(0.35):
            parts.append(self._say(rng, topic, "warranty_in" if topic.covered else "warranty_out"))
        if not short:
            parts.append(self._say(rng, topic, "fix_close" if steps else "fix_say_close"))
        return parts
