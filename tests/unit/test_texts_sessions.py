# SPDX-License-Identifier: GPL-3.0-or-later
"""A session's lines in the history: what was allowed, who ended it and why, in both languages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.config.i18n import set_language
from app.domain.assist import EntryType
from app.domain.ports import Choices, ItemKind, ThreadItem
from app.domain.session_facts import session_facts
from app.services.texts_history import event_line
from remote_assist.chain import ChainWriter

SID = "5" * 32


@pytest.fixture(autouse=True)
def _language() -> Iterator[None]:
    set_language("en")
    yield
    set_language("en")


def line(event: str, at_s: int = 0, who: str = "박민수", **data: object) -> ThreadItem:
    """A line of the session."""
    kind = "customer" if who == "박민수" else "user"
    id_ = event.encode().ljust(16, b"-")
    data = {"sid": SID, **data}
    return ThreadItem(id_, ItemKind.EVENT, at_s * 1000, kind, b"a" * 16, who, "", event=f"session.{event}", data=data)


def said(item: ThreadItem, *others: ThreadItem) -> str:
    """What stands there."""
    words = event_line(item, [*others, item], Choices())
    return words.text if words else ""


def test_the_consent_names_what_was_shown_and_that_it_was_all() -> None:
    consent = {kind: line("consent", by="customer", target=kind, scopes=["view"]) for kind in ("window", "screen")}
    assert said(consent["window"]) == "박민수 allowed looking at one window, nothing else"
    assert said(consent["screen"]) == "박민수 allowed looking at the whole screen, nothing else"
    more = line("consent", by="customer", target="window", scopes=["view", "pointer"])
    assert said(more) == "박민수 allowed for one window: look, point"
    assert said(line("consent")) == "박민수 allowed looking at the screen"
    set_language("ko")
    assert said(consent["window"]) == "박민수 님이 창 하나 보기만 허용했습니다"
    assert said(consent["screen"]) == "박민수 님이 화면 전체 보기만 허용했습니다"


@pytest.mark.parametrize(
    ("by", "reason", "english", "korean"),
    [
        ("customer", "stopped", "박민수 ended it.", "박민수 님이 끝냈습니다."),
        ("agent", "stopped", "김지우 ended it.", "김지우 님이 끝냈습니다."),
        ("system", "limit", "The longest time of a session is reached.", "최대 시간"),
        ("system", "ticket_closed", "The ticket is no longer open.", "문의가 더 이상"),
        ("system", "lost", "The connection broke and did not come back.", "연결이 끊"),
    ],
)
def test_the_end_names_who_or_what_ended_it(by: str, reason: str, english: str, korean: str) -> None:
    consent = line("consent", 0)
    end = line("end", 754, by=by, reason=reason, agent="김지우")
    assert said(end, consent) == f"Screen sharing ended after 12 min 34 s. {english}"
    set_language("ko")
    words = said(end, consent)
    assert words.startswith("화면 공유가 12분 34초 만에 끝났습니다. ")
    assert korean in words


def test_an_agent_who_handed_the_entry_in_is_named_as_the_account_says() -> None:
    end = line("end", 60, who="Kim Jiwoo", by="agent", reason="stopped", agent="Kim J.")
    assert said(end, line("consent")) == "Screen sharing ended after 1 min. Kim Jiwoo ended it."
    assert said(line("end", 60, by="agent", reason="stopped"), line("consent")).endswith("The agent ended it.")


def test_a_refusal_a_silence_and_a_refused_further_wish_read_differently() -> None:
    no = line("refusal", by="customer", scopes=["view"])
    assert said(no) == "박민수 did not allow looking at the screen"
    assert said(line("refusal", by="system", scopes=["view"])).startswith("Nobody answered")
    more = line("refusal", by="system", scopes=["control"])
    assert said(more) == "Asked for in the session and not given: mouse and keyboard"
    end = line("end", 3, by="customer", reason="refused")
    assert said(end, no) == ""  # said by the line before
    assert said(end) == "Screen sharing ended before it began. The customer did not allow it."


def test_taken_back_and_differing_numbers_are_said() -> None:
    assert said(line("revoke", by="customer", scopes=["pointer"])) == "박민수 took back: point"
    assert said(line("sas", by="customer", ok=False)) == "The check numbers did not match"
    assert said(line("sas", by="customer", ok=True)) == "The check number was compared"


def test_facts_are_read_from_a_signed_entry_and_only_known_words_pass() -> None:
    """Whatever else an entry holds stays in it."""
    chain = ChainWriter(Ed25519PrivateKey.generate(), bytes(32))
    consent = chain.add(EntryType.CONSENT, "customer", 1, {"scope": "view", "target_kind": "window", "title": "bank"})
    assert session_facts(consent.text) == {"by": "customer", "target": "window", "scopes": ["view"]}
    odd = chain.add(EntryType.END, "nobody", 2, {"reason": "<b>", "scopes": ["view", 7, "all"], "target_kind": []})
    assert session_facts(odd.text) == {"scopes": ["view"]}
    end = chain.add(EntryType.END, "agent", 3, {"reason": "limit", "agent": {"name": " 김지우 ", "id": "1"}})
    assert session_facts(end.text) == {"by": "agent", "reason": "limit", "agent": "김지우"}
    open_ = '{"sid": "00", "after": 4, "reason": "lost", "by": "agent"}'
    assert session_facts(open_) == {"by": "agent", "reason": "lost"}
    for text in ("", "x.y", "{", "{" * 5000, '{"by": []}', "[]"):
        assert session_facts(text) == {}


def test_files_of_a_session_are_named_with_what_came_of_them() -> None:
    """The customer's program wrote the name: it is cleaned like any from outside. The yes before it says nothing."""

    def facts(**data: object) -> dict[str, Any]:
        chain = ChainWriter(Ed25519PrivateKey.generate(), b"\0" * 32)
        return session_facts(chain.add(EntryType.FILE, "system", 1, data).text)

    whole = facts(name="../../error.log", size=3, direction="to_agent", result="whole")
    assert whole == {"by": "system", "file": "error.log", "direction": "to_agent", "outcome": "whole"}
    assert said(line("file", **whole)) == "“error.log” came from the customer"
    assert said(line("file", file="notes.pdf", direction="to_customer", outcome="whole")) == (
        "“notes.pdf” was sent to the customer"
    )
    assert said(line("file", file="notes.pdf", direction="to_customer", outcome="allowed")) == ""
    assert said(line("file", **facts(name="a.log", direction="to_agent", result="revoked"))) == (
        "“a.log” was not sent in the session"
    )
    assert facts(name=3, direction="up", result="whole") == {"by": "system"}
    assert said(line("file")) == "A file in the session"


def test_a_session_whose_customers_end_is_gone_still_says_who_ended_it_and_that_something_is_missing() -> None:
    """The line takes its time from the end, not from when it was written; a true end that comes later replaces it."""
    consent = line("consent", 0)
    gone: dict[str, Any] = {
        "reason": "stopped",
        "ended_by": "customer",
        "ended_at": 65_000,
        "by": "customer",
        "left": True,
    }
    missing = "The customer's computer has not sent the end of the record"
    assert said(line("open", 90, **gone), consent) == (
        f"Screen sharing ended after 1 min 5 s. 박민수 closed the page. {missing}"
    )
    lost: dict[str, Any] = {"reason": "lost", "ended_by": "system", "ended_at": 65_000, "left": False}
    assert said(line("open", 90, **lost), consent) == (
        f"Screen sharing ended after 1 min 5 s. The connection broke and did not come back. {missing}"
    )
    assert said(line("open", 90, **gone)) == f"Screen sharing ended before it began. 박민수 closed the page. {missing}"
    assert said(line("open", 90, reason="lost", by="agent"), consent) == f"Screen sharing broke off. {missing}"
    assert said(line("open", 90, **gone), consent, line("end", 65, by="customer", reason="stopped")) == ""
    assert said(line("receipt", 91), line("open", 90, **gone)).startswith("What there is of the consent receipt")
    set_language("ko")
    assert said(line("open", 90, **gone), consent) == (
        "화면 공유가 1분 5초 만에 끝났습니다. 박민수 님이 페이지를 닫았습니다. "
        "고객 컴퓨터가 아직 기록의 끝을 보내지 않았습니다"
    )


def test_a_refused_invitation_is_a_line_that_names_whose_computer_and_no_cause() -> None:
    """Who sent it may read the ticket, too."""
    item = line("bad_invitation")
    assert said(item) == "An invitation that could not be used came to the computer of 박민수. Nothing was shown there"
    set_language("ko")
    assert said(item) == "박민수 님의 컴퓨터에 사용할 수 없는 초대가 왔습니다. 화면은 보이지 않았습니다"
