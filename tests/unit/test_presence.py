# SPDX-License-Identifier: GPL-3.0-or-later
"""Who else is at a ticket: heard, faded after a minute, unknown offline; and how often one's own hint is said."""

from __future__ import annotations

from app.domain.ids import TicketId, UserId
from app.domain.presence import AGAIN_MS, LIFE_MS, UNKNOWN, Others, OwnPresence, PresenceBook, PresenceState

T, U = TicketId(b"t" * 16), TicketId(b"u" * 16)
CHOI, LEE = UserId(b"c" * 16), UserId(b"l" * 16)
R, W = PresenceState.READING, PresenceState.WRITING


def book() -> PresenceBook:
    made = PresenceBook()
    made.set_hears(True)
    return made


def test_who_reads_and_who_writes_are_told_apart() -> None:
    heard = book()
    heard.note(T, CHOI, "reading", 0)
    heard.note(T, LEE, "writing", 0)
    assert heard.others(T) == Others((CHOI,), (LEE,))
    assert heard.written_on() == {T}
    heard.note(T, LEE, "reading", 1)
    assert heard.others(T) == Others((CHOI, LEE), ())
    assert not heard.written_on()


def test_somebody_who_left_or_was_not_heard_for_a_minute_is_not_named_any_more() -> None:
    heard = book()
    heard.note(T, CHOI, "reading", 0)
    heard.note(T, LEE, "writing", 10)
    heard.note(T, CHOI, "gone", 20)
    assert heard.others(T) == Others((), (LEE,))
    assert not heard.fade(LIFE_MS + 9)
    assert heard.fade(LIFE_MS + 10)
    assert heard.others(T) == Others()


def test_offline_nobody_is_named_and_old_names_do_not_come_back() -> None:
    heard = book()
    heard.note(T, CHOI, "reading", 0)
    assert heard.set_hears(False)
    assert heard.others(T) == UNKNOWN
    heard.note(T, CHOI, "reading", 1)
    heard.set_hears(True)
    assert heard.others(T) == Others()


def test_a_word_that_a_newer_server_may_say_changes_nothing() -> None:
    heard = book()
    assert not heard.note(T, CHOI, "dancing", 0)
    assert heard.others(T) == Others()


def test_only_somebody_new_is_answered() -> None:
    heard = book()
    assert heard.note(T, CHOI, "reading", 0)
    assert not heard.note(T, CHOI, "writing", 1)
    assert heard.note(T, CHOI, "reading", LIFE_MS + 1)


def test_ones_own_hint_is_said_when_it_changes_and_again_before_it_fades() -> None:
    own = OwnPresence()
    assert own.due({T: R}, 0) == [(T, "reading")]
    assert own.due({T: R}, AGAIN_MS - 1) == []
    assert own.due({T: W}, AGAIN_MS - 1) == [(T, "writing")]
    assert own.due({T: W}, 2 * AGAIN_MS - 1) == [(T, "writing")]
    assert own.due({U: R}, 2 * AGAIN_MS) == [(T, "gone"), (U, "reading")]
    assert AGAIN_MS * 2 < LIFE_MS  # one lost hint is made good


def test_who_comes_to_a_ticket_hears_at_once_who_is_there() -> None:
    own = OwnPresence()
    own.due({T: R}, 0)
    own.answer(T)
    own.answer(U)
    assert own.due({T: R}, 1) == [(T, "reading")]


def test_never_more_is_said_at_once_than_the_server_hears() -> None:
    own = OwnPresence()
    here = {TicketId(bytes([n]) * 16): R for n in range(6)}
    first, then = own.due(here, 0), own.due(here, 1000)
    assert len(first) == 4
    assert {ticket for ticket, _word in (*first, *then)} == set(here)


def test_after_a_cut_all_is_said_again() -> None:
    own = OwnPresence()
    own.due({T: R}, 0)
    own.forget()
    assert own.due({T: R}, 1) == [(T, "reading")]
