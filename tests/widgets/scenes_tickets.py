# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of the windows in which whole tickets are taken down, merged, split and handed over."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from app.domain.deed_ports import CustomerHit, SimilarTicket
from app.domain.related import LinkedTicket, Related
from app.services.picked import Picked
from tests.fakes.commits import FakeCommits
from tests.fakes.deeds import FakeDeeds
from tests.fakes.link import InlineJobs
from tests.fakes.queries import NOW_MS, FakeDesk, FakeQueries, customer_id, ticket_id, user_id
from tests.widgets.screenshots import Scene
from widgets.foundation import Theme
from widgets.ticket.hand_over import HandOverWindow
from widgets.ticket.history_window import HistoryWindow
from widgets.ticket.merge_window import MergeWindow
from widgets.ticket.new_ticket import NewTicketWindow
from widgets.ticket.split_window import SplitWindow
from widgets.ticket.survey_window import SurveyWindow
from widgets.ticket.talk_window import TalkWindow, TimeWindow

__all__ = ["SCENES"]


def _queries() -> FakeQueries:
    return FakeQueries(FakeDesk(60))


def _new(theme: Theme) -> QWidget:
    queries = _queries()
    store = FakeDeeds(queries)
    window = NewTicketWindow(
        theme, store, FakeCommits(queries.desk), InlineJobs(), queries.choices(), lambda: NOW_MS, None
    )
    window.customer.show_hit(
        CustomerHit(customer_id(3), "박민수", "한빛상사 (가상)", "010-0000-1203", ((b"a" * 16, "PX-200 88-1032"),))
    )
    window.subject.setText("2페이지 뒤에 프린터가 멈춤")
    window.text.setPlainText("두 장을 인쇄하면 E-1042가 나오고 멈춘다고 합니다. 어제부터 그렇다고 합니다.")
    rows = queries.rows([ticket_id(0), ticket_id(10), ticket_id(20)])
    found = [
        SimilarTicket(row, same) for row, same in zip(rows.values(), ("customer", "organisation", ""), strict=True)
    ]
    window.similar.show_found(found, queries.choices())
    return window


def _merge(theme: Theme) -> QWidget:
    queries = _queries()
    one, two = queries.details(ticket_id(0)), queries.details(ticket_id(7))
    assert one is not None
    assert two is not None
    return MergeWindow(theme, one, two, queries.choices(), None)


def _split(theme: Theme) -> QWidget:
    details = _queries().details(ticket_id(0))
    assert details is not None
    window = SplitWindow(theme, details)
    window.later.setChecked(True)
    return window


def _hand_over(theme: Theme) -> QWidget:
    queries = _queries()
    row = queries.rows([ticket_id(0)])[ticket_id(0)]
    window = HandOverWindow(theme, Picked.of([row]), 1, None, queries.choices(), user_id(0), None)
    window.choose_owner(user_id(2))
    window.reason.setText("펌웨어 로그를 볼 수 있는 사람이 필요합니다")
    return window


def _talk(theme: Theme) -> QWidget:
    details = _queries().details(ticket_id(0))
    assert details is not None
    return TalkWindow(theme, details, lambda: NOW_MS, None, 12)


def _history(theme: Theme) -> QWidget:
    queries = _queries()
    details = queries.details(ticket_id(0))
    assert details is not None
    return HistoryWindow(theme, details, queries.choices(), user_id(0), None)


def _survey(theme: Theme) -> QWidget:
    """Told that one answer is wanted at least."""
    window = SurveyWindow(theme, "#4182", None)
    window.submit()
    return window


def related(queries: FakeQueries) -> Related:
    """What hangs on a ticket in the pictures."""
    rows = list(queries.rows([ticket_id(3), ticket_id(8), ticket_id(12)]).values())
    one, two, three = (LinkedTicket(r.id, r.label, r.subject, r.state, r.category, "parent_of") for r in rows)
    return Related((user_id(0), user_id(2)), (one, two), None, (three,), None, 2, 4_500)


SCENES = [
    Scene("tickets-new", _new, contrast=True),
    Scene("tickets-merge", _merge, contrast=True),
    Scene("tickets-split", _split),
    Scene("tickets-hand-over", _hand_over),
    Scene("tickets-talk", _talk),
    Scene("tickets-history", _history),
    Scene("tickets-survey", _survey),
    Scene("tickets-time", lambda theme: TimeWindow(theme, "#4182", 12, None)),
]
