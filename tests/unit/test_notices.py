# SPDX-License-Identifier: GPL-3.0-or-later
"""One notice per event, whatever is dropped or restarted; grouped, quiet at night, silent about what is in front."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import pytest

from app.config.i18n import set_language
from app.domain.ids import TicketId
from app.domain.notices import (
    GROUP_MS,
    LastNotice,
    Moment,
    Notice,
    NoticeEvent,
    NoticeKind,
    Quiet,
    Standing,
    TrayState,
    is_quiet,
    plan,
    tray_state,
)
from app.services.notice_desk import NoticeDesk
from app.services.texts_notices import notice_words, standing_words

NIGHT = Quiet(20 * 60, 8 * 60)
T1, T2 = TicketId(b"1" * 16), TicketId(b"2" * 16)


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    set_language("en")
    yield
    set_language("en")


def event(n: int, ticket: TicketId = T1, kind: NoticeKind = NoticeKind.MESSAGE, **more: object) -> NoticeEvent:
    """One event; its number is its time as well."""
    return NoticeEvent(n.to_bytes(16, "big"), ticket, kind, n, "#4182", "Printer stops", "박민수", "Hello", **more)  # type: ignore[arg-type]  # keywords of a test


@pytest.mark.parametrize(("minute", "quiet"), [(0, True), (8 * 60 - 1, True), (8 * 60, False), (20 * 60, True)])
def test_quiet_hours_may_go_over_midnight(minute: int, quiet: bool) -> None:
    """From 20:00 to 8:00; hours that begin when they end are none."""
    assert is_quiet(NIGHT, minute) is quiet
    assert not is_quiet(Quiet(60, 60), minute)
    assert not is_quiet(None, minute)


@pytest.mark.ux("UX-55")
def test_what_comes_to_a_ticket_within_a_minute_stands_in_one_notice() -> None:
    """In the place of the first; after the minute a new one begins. Other tickets have their own."""
    made = plan([event(2), event(1), event(1), event(3, T2)], {}, Moment(10, 600))
    assert [(n.ticket, [e.at for e in n.events], n.replaces) for n in made.notices] == [
        (T1, [1, 2], False), (T2, [3], False)
    ]  # fmt: skip
    shown = {T1: LastNotice(10, made.notices[0].events)}
    again = plan([event(5)], shown, Moment(10 + GROUP_MS - 1, 600)).notices[0]
    assert (again.replaces, [e.at for e in again.events], [e.at for e in again.fresh]) == (True, [1, 2, 5], [5])
    later = plan([event(5)], shown, Moment(10 + GROUP_MS, 600)).notices[0]
    assert (later.replaces, [e.at for e in later.events]) == (False, [5])


@pytest.mark.ux("UX-55")
def test_the_ticket_in_front_gives_no_notice_and_quiet_hours_let_all_wait() -> None:
    """What is seen needs none later either; the rest comes in the morning."""
    made = plan([event(1), event(2, T2)], {}, Moment(10, 23 * 60, NIGHT, T1))
    assert (made.notices, [e.at for e in made.seen], made.waits) == ((), [1], True)


class World:
    """1,000 events, a desktop that comes and goes, a program that is started again, a disk that keeps what is settled.

    `kept` is the disk. What the program is told of the rows may be dropped at any time: it looks again later.
    """

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.now_ms = 1_790_000_000_000
        self.minute = 600
        self.front: TicketId | None = None
        self.kept: set[bytes] = set()
        self.events: list[NoticeEvent] = []
        self.told: Counter[bytes] = Counter()
        self.seen: set[bytes] = set()
        self.notices = 0
        self.up = True
        self.answers: list[Callable[[bool], object]] = []
        self.desk = self.started()

    def started(self) -> NoticeDesk:
        """A fresh program; calls to the desktop of the one before are answered to nobody."""
        self.answers.clear()
        return NoticeDesk([self.tell], self.moment, self.settle)

    def moment(self) -> Moment:
        """Now."""
        return Moment(self.now_ms, self.minute, NIGHT, self.front)

    def settle(self, events: Sequence[NoticeEvent]) -> None:
        """On the disk at once."""
        self.seen |= {e.id for e in events if e.ticket == self.front and not self.told[e.id]}
        self.kept |= {e.id for e in events}

    def tell(self, notice: Notice, done: Callable[[bool], object]) -> None:
        """The desktop takes it and answers at once; one that is not there refuses, soon or late."""
        assert not is_quiet(NIGHT, self.minute)
        assert notice.ticket != self.front
        if self.up:
            self.notices += 1
            self.told.update(e.id for e in notice.fresh)
            done(True)
        elif self.dice.random() < 0.5:
            done(False)
        else:
            self.answers.append(done)

    def look(self) -> None:
        """The program reads what waits."""
        self.desk.take([e for e in self.events if e.id not in self.kept])

    def step(self, tickets: Sequence[TicketId]) -> None:
        """One thing happens."""
        what = self.dice.random()
        if what < 0.05:
            self.desk = self.started()
        elif what < 0.15:
            self.up = not self.up
        elif what < 0.25:
            self.front = self.dice.choice([None, None, *tickets])
        elif what < 0.3:
            self.minute = self.dice.randrange(24 * 60)
        elif what < 0.4 and self.answers:
            self.answers.pop()(False)
        self.now_ms += self.dice.choice([10, 1_000, 30_000, GROUP_MS])
        if self.dice.random() < 0.6:
            self.look()


@pytest.mark.ux("UX-55")
@pytest.mark.parametrize("seed", range(8))
def test_a_thousand_events_give_a_thousand_tellings_over_drops_and_restarts(seed: int) -> None:
    """None missed, none twice, none at night, none about what is in front; many share a notice."""
    world = World(seed)
    tickets = [TicketId(bytes([n]) * 16) for n in range(20)]
    for n in range(1_000):
        world.events.append(event(n + 1, world.dice.choice(tickets)))
        world.step(tickets)
    world.up, world.front, world.minute = True, None, 600
    world.desk = world.started()
    world.look()
    assert set(world.told.values()) == {1}
    assert len(world.told) + len(world.seen) == 1_000
    assert world.told.keys().isdisjoint(world.seen)
    assert len(world.told) > 700
    assert world.notices < len(world.told)


def test_the_next_way_is_tried_when_the_desktop_refuses_and_what_nobody_shows_waits() -> None:
    """A desktop without notices: the window says it; without a window it is told when there is one."""
    refused: list[Notice] = []
    shown: list[Notice] = []
    settled: list[NoticeEvent] = []
    window = [False]

    def desktop(notice: Notice, done: Callable[[bool], object]) -> None:
        refused.append(notice)
        done(False)

    def toast(notice: Notice, done: Callable[[bool], object]) -> None:
        if window[0]:
            shown.append(notice)
        done(window[0])

    desk = NoticeDesk([desktop, toast], lambda: Moment(10, 600), settled.extend)
    desk.take([event(1)])
    assert (len(refused), shown, settled) == (1, [], [])
    window[0] = True
    desk.take([event(1)])
    desk.take([event(1)])
    assert ([n.fresh for n in shown], settled) == ([(event(1),)], [event(1)])


@pytest.mark.ux("UX-55")
def test_a_hidden_notice_has_no_name_no_number_and_no_text() -> None:
    """By policy, by wish, on a locked screen; it can only be opened."""
    notice = Notice(T1, (event(1), event(2)), (event(2),), replaces=True)
    words = notice_words(notice, hide=True, time_of_day=str)
    assert (words.title, words.body) == ("2 new replies", "")
    assert [name for name, _label in words.buttons] == ["open"]
    open_words = notice_words(notice, hide=False, time_of_day=str)
    assert open_words.title == "#4182 Printer stops"
    assert open_words.body == "1 more piece of news\n박민수 wrote: Hello"
    assert [name for name, _label in open_words.buttons] == ["open", "snooze"]


@pytest.mark.parametrize("kind", list(NoticeKind))
@pytest.mark.parametrize("language", ["en", "ko"])
def test_every_kind_of_event_has_words_in_both_languages(kind: NoticeKind, language: str) -> None:
    """And a ticket of somebody else's can be taken from the notice."""
    set_language("ko" if language == "ko" else "en")
    notice = Notice(T1, (event(1, kind=kind, mine=False),), (), replaces=False)
    words = notice_words(notice, hide=False, time_of_day=str)
    assert words.body
    assert ("assign", {"en": "Assign to me", "ko": "내가 맡기"}[language]) in words.buttons
    assert notice_words(notice, hide=True, time_of_day=str).title


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("session.bad_invitation", "invitation"),
        ("session.sas", "numbers differed"),
        ("session.violation", "not allowed"),
    ],
)
def test_a_notice_of_an_alarm_says_what_happened_with_whom_and_hidden_that_it_is_one(line: str, said: str) -> None:
    """A lead knows from the notice whether to go there now; on a locked screen no name stands."""
    alarm = replace(event(1, kind=NoticeKind.ALARM, mine=False), who="Tom Baker", text=line)
    notice = Notice(T1, (alarm,), (), replaces=False)
    body = notice_words(notice, hide=False, time_of_day=str).body
    assert body.startswith("Security alarm: ")
    assert said in body
    assert "Tom Baker" in body
    assert notice_words(notice, hide=True, time_of_day=str).title == "Security alarm"


@pytest.mark.ux("UX-56")
def test_the_badge_counts_who_waits_for_me_and_what_needs_me_and_the_icon_shows_the_most_pressing() -> None:
    """Sharing first; the tooltip says everything in words."""
    standing = Standing(unread=3, needs_you=2, offline=True)
    assert standing.badge == 5
    assert tray_state(standing) is TrayState.NEEDS_YOU
    assert standing_words(standing).splitlines() == [
        "Deskside", "2 need you", "Offline: what you do is safe here", "3 tickets wait for your answer",
    ]  # fmt: skip
    assert tray_state(Standing(unread=1)) is TrayState.UNREAD
    assert tray_state(Standing(offline=True, unread=1)) is TrayState.OFFLINE
    assert tray_state(Standing(needs_you=1, sharing="Park shows the screen")) is TrayState.SHARING
    assert tray_state(Standing()) is TrayState.IDLE
