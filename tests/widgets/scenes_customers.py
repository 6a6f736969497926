# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of the customer's page, its forms, and two records that become one."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from PySide6.QtWidgets import QWidget

from app.domain.customer_ports import (
    ContactRow,
    CustomerPage,
    CustomerStore,
    MergedCustomer,
    OrganisationView,
    OwnedProduct,
    SerialHit,
    TermsTexts,
    TimeItem,
)
from app.domain.ids import CustomerId
from app.domain.ports import TermsView
from tests.fakes.link import InlineJobs
from tests.fakes.queries import NOW_MS, FakeDesk, FakeQueries, customer_id, ticket_id
from tests.widgets.screenshots import Scene
from widgets.customer.forms import AddressForm, CustomerForm, ProductForm
from widgets.customer.merge_customers import MergeCustomersWindow
from widgets.customer.page import CustomerWindow
from widgets.customer.terms_form import TermsForm, terms_owners
from widgets.foundation import Theme
from widgets.inbox.pane import InboxPane
from widgets.inbox.serial_strip import SerialStrip

__all__ = ["SCENES"]

_HOUR_MS = 3_600_000


def _page(name: str = "박민수") -> CustomerPage:
    queries = FakeQueries(FakeDesk(60))
    rows = list(queries.rows([ticket_id(0), ticket_id(10), ticket_id(20)]).values())
    terms = TermsView(
        "기본 지원", "전화와 메일 상담, 원격 지원", "2025-04-01", "2099-03-31", "건당 결제 또는 연간 계약"
    )
    ended = replace(terms, valid_until="2024-12-31")
    return CustomerPage(
        id=customer_id(3),
        fields={
            "name": name, "language": "ko", "zone": "Asia/Seoul", "tier": "vip",
            "call_times": '{"0":[["09:00","12:00"]],"1":[["09:00","12:00"]],"4":[["14:00","17:00"]]}',
        },
        organisation=OrganisationView(b"o" * 16, "한빛상사 (가상)", "plus", "월말에는 오전 연락을 선호함."),
        contacts=[
            ContactRow(b"1" * 16, "email", "minsu.park@hanbit.example", "업무", True, NOW_MS, None),
            ContactRow(b"2" * 16, "email", "old.park@hanbit.example", "예전", False, None, NOW_MS - 90 * _HOUR_MS),
            ContactRow(b"3" * 16, "phone", "+821000001203", "휴대전화", True, None, None, pending=True),
            ContactRow(b"4" * 16, "postal", "서울 중구 세종대로 110, 가상빌딩 12층", "", True, None, None),
        ],
        products=[
            OwnedProduct(
                b"5" * 16, "프린터", "PX-200", "88-1032", "2024-03-31", "2026-03-31", "in_repair", False, terms,
                order_ref="SO-2024-0331", health={"reported_at": NOW_MS - _HOUR_MS, "os": "Debian 12"},
            ),
            OwnedProduct(b"6" * 16, "복합기", "QX-900", "QX9-0007", "", "", "in_use", True, ended),
        ],
        terms=terms,
        merged_here=[MergedCustomer(CustomerId(b"7" * 16), "민수 박", NOW_MS - 30 * _HOUR_MS)],
        tickets=rows,
        n_tickets=len(rows),
    )  # fmt: skip


def _line() -> list[TimeItem]:
    said = (
        ("message", "mail", "박민수", "두 장을 인쇄하면 E-1042가 나오고 멈춥니다. 어제부터 그렇습니다."),
        ("reply", "mail", "김지우", "불편을 드려 죄송합니다. 어떤 문서에서 그런지 알려 주시겠습니까?"),
        ("session", "session", "", ""),
        ("message", "phone", "박민수", "전화로 물어보심: 설치 기사가 언제 오는지 확인 요청"),
        ("message", "chat", "박민수", "드라이버를 다시 설치해 봤는데 그대로예요"),
    )
    queries = FakeQueries(FakeDesk(60))
    rows = list(queries.rows([ticket_id(0), ticket_id(10)]).values())
    out = []
    for n in range(15):
        kind, channel, who, text = said[n % len(said)]
        row = rows[n % 2]
        at = NOW_MS - n * 7 * _HOUR_MS
        out.append(TimeItem(bytes([n]) * 16, at, kind, channel, who, text, row.id, row.label, row.subject))
    return out


def _shown(theme: Theme) -> QWidget:
    window = CustomerWindow(theme, lambda: NOW_MS, None)
    window.show_page(_page(), FakeQueries(FakeDesk(60)).choices())
    window.show_line(_line(), whole=True)
    window.finish()
    return window


def _merge(theme: Theme) -> QWidget:
    going = replace(
        _page("민수 박"), id=customer_id(4), organisation=None, contacts=_page().contacts[2:3],
        products=[], n_tickets=2,
        fields={"name": "민수 박", "language": "en", "tier": "normal", "call_times": '{"5":[["10:00","11:00"]]}'},
    )  # fmt: skip
    return MergeCustomersWindow(theme, going, _page(), None)


def _address(theme: Theme) -> QWidget:
    page = _page()
    return AddressForm(theme, page, page.contacts[1], lambda: NOW_MS, None)


def _terms(theme: Theme) -> QWidget:
    page = _page()
    fields = {
        "plan": "기본 지원", "valid_from": "2025-04-01", "valid_until": "2027-03-31",
        "included_ko": "전화와 메일 상담, 원격 지원", "included_en": "Phone, mail, screen sharing",
        "options_after_ko": "건당 결제 또는 연간 계약", "options_after_en": "Per request, or a yearly plan",
    }  # fmt: skip
    return TermsForm(theme, terms_owners(page), {page.id: TermsTexts(b"t" * 16, fields)}, None)


def _as_lead(theme: Theme) -> QWidget:
    window = CustomerWindow(theme, lambda: NOW_MS, None)
    window.writes_terms = True
    window.show_page(_page(), FakeQueries(FakeDesk(60)).choices())
    window.show_line(_line(), whole=True)
    window.finish()
    return window


class _Products:
    """A store that knows one serial number."""

    def by_serial(self, text: str) -> list[SerialHit]:
        del text
        rows = list(FakeQueries(FakeDesk(60)).rows([ticket_id(0), ticket_id(10)]).values())
        return [SerialHit(b"5" * 16, "PX-200", "88-1032", customer_id(3), "박민수", rows)]


def _serial(theme: Theme) -> QWidget:
    pane = InboxPane(theme, FakeQueries(FakeDesk(60)), InlineJobs(), lambda: NOW_MS)
    strip = SerialStrip(theme, cast("CustomerStore", _Products()), InlineJobs())
    pane.stand_above(strip)
    pane.show_search("88-1032")
    strip.look("88-1032")
    return pane


SCENES = [
    Scene("customer-page", _shown),
    Scene("customer-merge", _merge),
    Scene("customer-edit", lambda theme: CustomerForm(theme, _page(), None)),
    Scene("customer-address", _address),
    Scene("customer-product", lambda theme: ProductForm(theme, _page(), _page().products[0], None)),
    Scene("customer-serial", _serial, (460, 420)),
    Scene("customer-terms", _terms),
    Scene("customer-page-lead", _as_lead),
]
