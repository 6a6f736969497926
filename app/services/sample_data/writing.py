# SPDX-License-Identifier: GPL-3.0-or-later
"""Turns one conversation into rows: messages, notes, history, tags and a session's record."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from app.domain.changes import membership_id, preview_of
from app.domain.entities import HISTORY, MEMBERSHIP, MESSAGE, NOTE, TICKET, Category, Value
from app.services.sample_data import mail_html
from app.services.sample_data.mail_html import Said
from app.services.sample_data.outcome import Outcome, Step
from app.services.sample_data.people import Customer
from app.services.sample_data.plan import Plan, Timeline
from app.services.sample_data.reference import SUPPORT_MAIL, Account, Reference
from app.services.sample_data.rows import HOUR_MS, MINUTE_MS, SampleRow, Stream, js, stream
from app.services.sample_data.sessions import Shared, session_rows
from app.services.sample_data.threads import IN_ROLES, Scribe, Topic

_HTML_SHARE = 0.25  # of mails
_HUGE_MAIL_SHARE = 0.01  # of HTML mails, where the size asks for them
_HUGE_BYTES = 500_000
_ATTACHMENTS = 0.02  # of messages that do not mention one; together about 18 % of tickets
# words with which a message announces what it brings
_MENTIONED = re.compile(
    r"첨부합니다|첨부했|첨부로|캡처를 함께|진단 파일을 보내|사진 보냅니다|attached|diagnostics file you|"
    r"添付|附上|诊断文件已|診断ファイルをお送り"
)
_SECOND_ADDRESS = 0.5  # of tickets of customers who have two
_FILES = (("화면캡처", "png", "image/png"), ("사진", "jpg", "image/jpeg"), ("IMG", "jpg", "image/jpeg"),
          ("로그", "txt", "text/plain"), ("진단파일", "zip", "application/zip"), ("견적서", "pdf", "application/pdf"),
          ("설정화면", "png", "image/png"))  # fmt: skip
_SPOKEN = frozenset({"phone", "visit"})


@dataclass(frozen=True, slots=True)
class Writing:
    """What every row of a ticket needs."""

    plan: Plan
    reference: Reference
    scribe: Scribe
    index: int
    id: bytes
    scope: str

    def stream(self, kind: str, part: int = 0) -> Stream:
        """Return the random numbers of one part of the ticket."""
        return stream(self.plan.seed, f"{kind}/{part}", self.index)


def ticket_children(
    w: Writing, topic: Topic, customer: Customer, line: Timeline, roles: Sequence[str], owner: Account, outcome: Outcome
) -> tuple[list[SampleRow], dict[str, Value]]:
    """Return the rows below a ticket in order of time, and the ticket's derived columns."""
    messages = _messages(w, topic, customer, line, roles, owner)
    notes = _notes(w, topic, line, owner)
    rows = [*messages, *notes, *_history(w, line, owner, customer, outcome), *_session(w, topic, line, owner)]
    rows.sort(key=_time)
    rows += _tags(w, topic, owner, line)
    last = messages[-1].values
    ins = [int(str(m.values["msg_no"])) for m in messages if m.values["direction"] == "in"]
    outs = [int(str(m.values["msg_no"])) for m in messages if m.values["direction"] == "out"]
    derived: dict[str, Value] = {
        "msg_seq": len(messages), "last_in_no": max(ins, default=0), "last_out_no": max(outs, default=0),
        "last_at": max(_time(r) for r in (*messages, *notes)), "preview": preview_of(_own_words(last)),
    }  # fmt: skip
    return rows, derived


def _own_words(message: dict[str, Value]) -> str:
    """Return a message's text without the quoted conversation below it."""
    ranges = json.loads(str(message["quoted_ranges"]))
    return str(message["body"])[: ranges[0][0] if ranges else None]


def _time(row: SampleRow) -> int:
    at = row.values["created_at"]
    return at if isinstance(at, int) else 0


def _messages(
    w: Writing, topic: Topic, customer: Customer, line: Timeline, roles: Sequence[str], owner: Account
) -> list[SampleRow]:
    rows: list[SampleRow] = []
    earlier: list[Said] = []
    replied = False
    address = customer.mails[-1] if w.stream("address").chance(_SECOND_ADDRESS) else customer.mails[0]
    for number, at in enumerate(line.times, 1):
        rng = w.stream("message", number)
        role = roles[number - 1]
        inbound = role in IN_ROLES
        text = w.scribe.message(rng, topic, role, first_reply=not inbound and not replied)
        replied = replied or not inbound
        author = customer.name if inbound else owner.name(customer.language)
        values = _content(w, rng, topic, text, earlier)
        values |= _envelope(rng, number, role, inbound=inbound, line=line, address=address)
        nine = not inbound and line.wanted > 41 and number == 4
        values["attachments"] = _attachments(rng, nine=nine, mentioned=_MENTIONED.search(text) is not None)
        values["author"] = customer.id if inbound else owner.id
        values |= {"ticket": w.id, "origin_ticket": w.id, "arrived_via": None, "channel": line.channel,
                   "sent_at": at, "created_at": at,
                   "created_by": owner.id if line.channel in _SPOKEN else values["author"],
                   "occurred_at": at - 5 * MINUTE_MS if line.channel in _SPOKEN else at}  # fmt: skip
        rows.append(SampleRow(MESSAGE.number, rng.row_id(at), w.scope, values))
        earlier.append(Said(at, author, text))
        del earlier[:-40]
    return rows


def _envelope(rng: Stream, number: int, role: str, *, inbound: bool, line: Timeline, address: str) -> dict[str, Value]:
    people: list[dict[str, str]] = []
    message_id: str | None = None
    if line.channel == "mail":
        sender, receiver = (address, SUPPORT_MAIL) if inbound else (SUPPORT_MAIL, address)
        people = [{"address": sender, "kind": "from"}, {"address": receiver, "kind": "to"}]
        message_id = f"<{rng.getrandbits(96):024x}@example.com>"
    return {
        "direction": "in" if inbound else "out", "author_kind": "customer" if inbound else "user",
        "participants": js(people), "header_message_id": message_id, "automatic": role == "auto",
        "seen_seq": None if inbound else number - 1, "msg_no": number,
    }  # fmt: skip


def _content(w: Writing, rng: Stream, topic: Topic, text: str, earlier: list[Said]) -> dict[str, Value]:
    body, html, ranges = text, None, "[]"
    if topic.channel == "mail" and rng.chance(_HTML_SHARE):
        bank = w.scribe.bank(topic.language)
        filler = ""
        if w.plan.size.huge_mails and rng.chance(_HUGE_MAIL_SHARE):
            filler = mail_html.large_table(text[:200].replace("\n", " "), _HUGE_BYTES)
        html = mail_html.html_body(bank, text, earlier, filler)
        if earlier:
            body = f"{text}\n\n{mail_html.plain_tail(bank, earlier)}"
            ranges = js([[len(text) + 2, len(body)]])
    return {"body": body, "html": html, "quoted_ranges": ranges, "body_hash": hashlib.sha256(body.encode()).digest()}


def _attachments(rng: Stream, *, nine: bool, mentioned: bool) -> str:
    if nine:
        images = [("화면", "png", "image/png", 150_000 + rng.randrange(200_000)) for _ in range(9)]
    elif mentioned or rng.chance(_ATTACHMENTS):
        name, ending, media = rng.one(_FILES)
        size = 10_000_000 + rng.randrange(12_000_000) if rng.chance(0.01) else int(180_000 * rng.lognormvariate(0, 1.1))
        images = [(name, ending, media, min(size, 24_000_000))]
    else:
        return "[]"
    return js([{"id": f"{rng.getrandbits(128):032x}", "filename": f"{name}_{rng.randrange(1, 9999):04d}.{ending}",
                "media_type": media, "size_bytes": size} for name, ending, media, size in images])  # fmt: skip


def _notes(w: Writing, topic: Topic, line: Timeline, owner: Account) -> list[SampleRow]:
    rows = []
    for part in range(w.plan.notes[w.index]):
        rng = w.stream("note", part)
        at = _note_time(w, rng, line)
        mention = None
        if topic.original is not None:
            kind = "duplicate_note"
        elif part == 0 and topic.with_session:
            kind = "session_note"
        else:
            kind = "remedy" if part == 0 and (rng.chance(0.6) or w.index in w.plan.fixed) else "usual"
        if kind == "usual" and rng.chance(0.25):
            mention = rng.one(w.reference.by_team[w.reference.teams[topic.area.team]])
        text = w.scribe.note(rng, topic, kind, mention.name_ko if mention else "", minutes=rng.randint(4, 25))
        values: dict[str, Value] = {
            "ticket": w.id, "origin_ticket": w.id, "arrived_via": None, "author": owner.id, "body": text,
            "mentions": js([mention.id.hex()] if mention else []), "attachments": "[]", "html": None, "replaces": None,
            "created_at": at, "created_by": owner.id,
        }  # fmt: skip
        rows.append(SampleRow(NOTE.number, rng.row_id(at), w.scope, values))
    return rows


def _note_time(w: Writing, rng: Stream, line: Timeline) -> int:
    """Between two messages, or some time after the last."""
    at = rng.randrange(len(line.times))
    start = line.times[at]
    end = line.times[at + 1] if at + 1 < len(line.times) else min(start + 2 * HOUR_MS, w.plan.as_of_ms)
    return start + 1 + int(rng.random() * max(end - start - 2, 0))


def _line(w: Writing, rng: Stream, kind: str, data: dict[str, object], at: int, actor: bytes | None,
          actor_kind: str = "user") -> SampleRow:  # fmt: skip
    values: dict[str, Value] = {
        "subject_type": TICKET.number, "subject": w.id, "kind": kind, "data": js(data), "acted_at": at,
        "recorded_at": at, "actor_kind": actor_kind, "actor": actor, "created_at": at, "created_by": actor,
    }  # fmt: skip
    return SampleRow(HISTORY.number, rng.row_id(at), w.scope, values)


def _history(w: Writing, line: Timeline, owner: Account, customer: Customer, outcome: Outcome) -> list[SampleRow]:
    rng = w.stream("history")
    opened = line.times[0]
    by_agent = line.channel in _SPOKEN
    rows = [_line(w, rng, "opened", {"origin": "agent" if by_agent else "customer"}, opened,
                  owner.id if by_agent else customer.id, "user" if by_agent else "customer")]  # fmt: skip
    for step in outcome.steps:
        rows += _step_lines(w, rng, step, owner, customer)
    if len(line.times) > 1 and rng.chance(0.06):
        at = opened + (line.times[1] - opened) // 2
        rows.append(_line(w, rng, "field", {"field": "priority", "old": 2, "new": 3}, at, owner.id))
    if len(line.times) > 4 and rng.chance(0.25):
        before = rng.one(w.reference.accounts)
        if before.id != owner.id:
            data: dict[str, object] = {"field": "owner", "old": before.id.hex(), "new": owner.id.hex()}
            rows.append(_line(w, rng, "field", data, line.times[2] + 1, before.id))
    if customer.bounces and len(line.times) > 1 and line.channel == "mail":
        rows.append(_line(w, rng, "delivery.bounced", {"address": customer.mails[0]}, line.times[1] + 4_000, None,
                          "server"))  # fmt: skip
    return rows


def _step_lines(w: Writing, rng: Stream, step: Step, owner: Account, customer: Customer) -> list[SampleRow]:
    states = w.reference.states
    old, new = states[step.old].hex(), states[step.new].hex()
    change: dict[str, object] = {"field": "state", "old": old, "new": new}
    if not step.rule:
        return [_line(w, rng, "field", change, step.at_ms, owner.id)]
    data: dict[str, object] = {"old": old, "new": new, "category": step.new.value}
    if step.old is Category.NEW and step.new is Category.OPEN:
        taken: dict[str, object] = {"field": "owner", "old": None, "new": owner.id.hex()}
        return [_line(w, rng, "field", taken, step.at_ms, owner.id), _line(w, rng, "state", data, step.at_ms, owner.id)]
    if step.new is Category.OPEN:  # the customer wrote again
        return [_line(w, rng, "state", data, step.at_ms, customer.id, "customer")]
    return [_line(w, rng, "field", change, step.at_ms, None, "server")]


def _session(w: Writing, topic: Topic, line: Timeline, owner: Account) -> list[SampleRow]:
    if not topic.with_session:
        return []
    rng = w.stream("session")
    duration = rng.randint(3, 10) * MINUTE_MS + rng.randrange(60_000)
    consent = line.times[3] - duration - 2 * MINUTE_MS
    shared = Shared(owner, topic.customer.id, consent, duration)
    return list(session_rows(rng, shared, w.id, w.index + 1, w.scope))


def _tags(w: Writing, topic: Topic, owner: Account, line: Timeline) -> list[SampleRow]:
    rng = w.stream("tags")
    names: list[str] = []
    names += ["불만"] if topic.complaint else []
    names += ["긴급"] if topic.urgent else []
    names += ["재문의"] if topic.repeated else []
    names += ["장애"] if w.plan.arrivals.surge[w.index] else []
    names += ["원격 지원"] if topic.with_session else []
    names += ["보증 만료"] if not topic.covered and topic.area.kind == "device" and rng.chance(0.5) else []
    names += ["영문"] if topic.language == "en" and rng.chance(0.5) else []
    by_kind = {"device": ("펌웨어", "부품 교체", "현장 방문"), "software": ("설정 안내", "교육 필요", "개선 요청"),
               "service": ("환불", "설정 안내", "문서 보완")}  # fmt: skip
    names += [rng.one(by_kind[topic.area.kind])] if rng.chance(0.4) else []
    at = line.times[min(1, len(line.times) - 1)]
    return [
        SampleRow(MEMBERSHIP.number, membership_id(w.id, "tag", w.reference.tags[name]), w.scope, {
            "subject": w.id, "kind": "tag", "member": w.reference.tags[name], "present": True, "created_at": at,
            "created_by": owner.id,
        })
        for name in dict.fromkeys(names)
    ]  # fmt: skip
