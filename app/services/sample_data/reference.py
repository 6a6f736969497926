# SPDX-License-Identifier: GPL-3.0-or-later
"""Shared reference rows: teams, agents, states, tags, calendars with Korean holidays, and how to reach support."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from app.domain.calendars import parse_calendar
from app.domain.entities import (
    CALENDAR,
    CALENDAR_SPANS,
    REF_SCOPE,
    SLA_POLICY,
    STATE,
    SUPPORT_CONTACT,
    TAG,
    TEAM,
    TEMPLATE,
    USER,
    Category,
    Value,
)
from app.services.calendars import compile_calendar, horizon, public_holidays, spans_json
from app.services.sample_data.canned import template_values
from app.services.sample_data.rows import SampleRow, js, stream

SUPPORT_MAIL = "support@example.com"
SUPPORT_PHONE = "010-0000-0100"
_WEEKDAYS = range(5)
_DAY = [["09:00", "12:00"], ["13:00", "18:00"]]
_TEAMS = (("기기 지원팀", "Device support"), ("네트워크·보안팀", "Network and security"),
          ("소프트웨어 지원팀", "Software support"), ("결제·계정팀", "Payment and accounts"))  # fmt: skip
BASE_TEAMS = len(_TEAMS)
_HOUR_S = 3600
# names, priorities (none: any), hours for first, next, resolution
_POLICIES: tuple[tuple[str, str, list[int], tuple[int, int, int]], ...] = (
    ("긴급 문의", "Urgent", [4], (1, 4, 8)),
    ("높은 우선순위", "High priority", [3], (4, 8, 24)),
    ("표준", "Standard", [], (8, 16, 40)),
)
_STATES = (
    (Category.NEW, "새 문의", "New"),
    (Category.OPEN, "처리 중", "Open"),
    (Category.WAITING_CUSTOMER, "고객 답변 대기", "Waiting for customer"),
    (Category.WAITING_INTERNAL, "내부 확인 중", "Waiting internally"),
    (Category.HELD, "장애 보류", "Held for incident"),
    (Category.SOLVED, "해결됨", "Solved"),
    (Category.CLOSED, "종료", "Closed"),
    (Category.MERGED, "합쳐짐", "Merged"),
)
TAGS = (("원격 지원", "accent"), ("부품 교체", "warning"), ("펌웨어", "muted"), ("설정 안내", "muted"),
        ("보증 만료", "warning"), ("불만", "danger"), ("긴급", "danger"), ("재문의", "warning"), ("장애", "danger"),
        ("환불", "accent"), ("교육 필요", "success"), ("현장 방문", "accent"), ("개선 요청", "success"),
        ("문서 보완", "success"), ("VIP", "accent"), ("영문", "muted"))  # fmt: skip
_SURNAMES = (("김", "Kim"), ("이", "Lee"), ("박", "Park"), ("최", "Choi"), ("정", "Jung"), ("강", "Kang"),
             ("조", "Cho"), ("윤", "Yoon"), ("장", "Jang"), ("임", "Lim"), ("한", "Han"), ("오", "Oh"),
             ("서", "Seo"), ("신", "Shin"), ("권", "Kwon"))  # fmt: skip
_GIVEN = (("지우", "Jiwoo"), ("서연", "Seoyeon"), ("민준", "Minjun"), ("하은", "Haeun"), ("도윤", "Doyun"),
          ("유진", "Yujin"), ("현우", "Hyunwoo"), ("수빈", "Subin"), ("태경", "Taekyung"), ("나래", "Narae"),
          ("재민", "Jaemin"), ("소율", "Soyul"), ("건호", "Gunho"), ("예린", "Yerin"), ("승아", "Seunga"),
          ("동하", "Dongha"), ("다인", "Dain"), ("시윤", "Siyun"), ("보경", "Bokyung"), ("해솔", "Haesol"),
          ("규리", "Gyuri"), ("정음", "Jeongeum"))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Account:
    """A generated user who can be given a password: `deskside admin sample` does so for the first."""

    id: bytes
    login: str
    name_ko: str
    name_en: str
    teams: tuple[bytes, ...]
    roles: tuple[str, ...]

    def name(self, language: str) -> str:
        """Return the name as a reader of the language expects it."""
        return self.name_ko if language == "ko" else self.name_en


class Reference:
    """Ids of the shared rows, and the rows themselves."""

    def __init__(self, seed: int, created_ms: int, as_of_ms: int, agents: int, teams: int) -> None:
        self._seed = seed
        self._created = created_ms
        self._as_of = as_of_ms
        self.calendars = [self._id("calendar", i) for i in range(2)]
        self.policies = [self._id("policy", i) for i in range(len(_POLICIES))]
        self.teams = [self._id("team", i) for i in range(teams)]
        self.states = {category: self._id("state", i) for i, (category, _, _) in enumerate(_STATES)}
        self.tags = {name: self._id("tag", i) for i, (name, _) in enumerate(TAGS)}
        self.accounts = [self._account(i, teams) for i in range(agents)]
        self.by_team = {t: [a for a in self.accounts if t in a.teams] for t in self.teams}

    def _id(self, kind: str, index: int) -> bytes:
        return stream(self._seed, kind, index).row_id(self._created)

    def _account(self, index: int, teams: int) -> Account:
        (sur_ko, sur_en), (given_ko, given_en) = (
            _SURNAMES[(index * 7) % len(_SURNAMES)],
            _GIVEN[(index + index // len(_SURNAMES)) % len(_GIVEN)],
        )
        # the first is in every team, so that the demo's client gets all tickets; some help out in a second team
        if index == 0:
            member = tuple(self.teams)
        else:
            own, other = index % teams, (index * 3 + 1) % teams
            member = (self.teams[own],) if index % 4 or own == other else (self.teams[own], self.teams[other])
        roles = ("agent", "lead") if index in {0, 1} else ("agent",)
        return Account(self._id("user", index), f"agent{index + 1}", sur_ko + given_ko, f"{given_en} {sur_en}",
                       member, roles)  # fmt: skip

    def rows(self) -> Iterator[SampleRow]:
        """Yield all shared rows, parents first."""
        yield from self._calendar_rows()
        yield from self._policy_rows()
        for i, id_ in enumerate(self.teams):
            ko, en = _TEAMS[i % BASE_TEAMS]
            wave = i // BASE_TEAMS
            suffix = (f" {wave + 1}", f" {wave + 1}") if wave else ("", "")
            yield self._row(TEAM.number, id_, {"name_ko": ko + suffix[0], "name_en": en + suffix[1],
                                               "calendar": self.calendars[0],
                                               "callback_capacity": None})  # fmt: skip
        yield from self._user_rows()
        for position, (category, ko, en) in enumerate(_STATES):
            values: dict[str, Value] = {"category": category.value, "name_ko": ko, "name_en": en,
                                        "position": position, "active": True}  # fmt: skip
            yield self._row(STATE.number, self.states[category], values)
        for name, colour in TAGS:
            yield self._row(TAG.number, self.tags[name], {"name": name, "colour": colour, "retired": False})
        for index, template in enumerate(template_values(self.tags, self.accounts[0].id)):
            yield self._row(TEMPLATE.number, self._id("template", index), template)
        yield self._row(SUPPORT_CONTACT.number, self._id("contact", 0), {
            "name_ko": "누리봄 고객지원(가상)", "name_en": "Nuribom Support (fictional)", "phone": SUPPORT_PHONE,
            "mail": SUPPORT_MAIL, "calendar": self.calendars[0],
        })  # fmt: skip

    def _user_rows(self) -> Iterator[SampleRow]:
        for account in self.accounts:
            signature = f"누리봄 고객지원 {account.name_ko} 드림\n{SUPPORT_PHONE} / {SUPPORT_MAIL}"
            yield self._row(USER.number, account.id, {
                "login": account.login, "name": account.name_ko,
                "public_name": f"{account.name_ko} ({account.name_en})", "signature": signature,
                "roles": js(sorted(account.roles)), "teams": js([t.hex() for t in account.teams]), "active": True,
            })  # fmt: skip

    def _calendar_rows(self) -> Iterator[SampleRow]:
        from_s, to_s = horizon(self._as_of // 1000)
        first_year, last_year = (1970 + s // 31_556_952 for s in (from_s, to_s))
        holidays = js(public_holidays(range(first_year, last_year + 1)))
        year = 1970 + self._as_of // 1000 // 31_556_952
        half_day = [{"date": f"{year}-12-31", "intervals": [["09:00", "12:00"]], "name": "종무식"}]
        week: dict[str, list[list[str]]] = {str(d): _DAY for d in _WEEKDAYS}
        for id_, name, days in (
            (self.calendars[0], "평일 상담 / Weekdays", week),
            (self.calendars[1], "토요일 포함 / With Saturdays", {**week, "5": [["10:00", "13:00"]]}),
        ):
            columns = {"zone": "Asia/Seoul", "week": js(days), "holidays": holidays, "exceptions": js(half_day)}
            yield self._row(CALENDAR.number, id_, {"name": name, **columns, "supersedes": None})
            spans = compile_calendar(parse_calendar(**columns), from_s, to_s)
            values: dict[str, Value] = {"calendar": id_, "spans": spans_json(spans), "from_s": from_s, "to_s": to_s}
            yield self._row(CALENDAR_SPANS.number, self._id("spans", self.calendars.index(id_)), values)

    def _policy_rows(self) -> Iterator[SampleRow]:
        for position, (ko, en, priorities, hours) in enumerate(_POLICIES):
            first, next_, resolution = (n * _HOUR_S for n in hours)
            yield self._row(SLA_POLICY.number, self.policies[position], {
                "name_ko": ko, "name_en": en, "match": js({"priority": priorities} if priorities else {}),
                "position": position, "calendar": self.calendars[0], "first_s": first, "next_s": next_,
                "resolution_s": resolution, "warn_percent": 25, "warn_min_s": 600, "change_grace_s": 900,
                "pauses": "{}", "active": True, "supersedes": None,
            })  # fmt: skip

    def _row(self, number: int, id_: bytes, values: dict[str, Value]) -> SampleRow:
        return SampleRow(number, id_, REF_SCOPE, {**values, "created_at": self._created, "created_by": None})
