# SPDX-License-Identifier: GPL-3.0-or-later
"""The administrator's file of business hours and response targets: read whole, or refused with the place."""

from __future__ import annotations

import json

import pytest

from app.domain.errors import Refused
from app.services.sla_file import SlaFile, read_sla_file

GOOD = """
[calendars.seoul]
zone = "Asia/Seoul"
country = "KR"
week.mon = ["09:00-12:00", "13:00-18:00"]
week.sat = ["10:00-13:00"]
holidays = ["2026-06-03"]
exceptions = [{date = 2026-12-31, open = ["09:00-12:00"], name = "종무식"}]

[teams]
"북부" = "seoul"

[[policies]]
name_ko = "긴급"
name_en = "Urgent"
calendar = "seoul"
match = {priority = "urgent", team = ["북부"]}
first = "1h"
resolution = "8h"
pauses = {waiting_customer = []}

[[policies]]
name_ko = "표준"
name_en = "Standard"
first = "90m"
warn_min = "5m"
"""


def _read(text: str) -> SlaFile:
    return read_sla_file(text, lambda country: [{"date": "2026-01-01", "name_ko": country, "name_en": ""}])


def test_a_whole_file_becomes_rows_with_holidays_frozen() -> None:
    spec = _read(GOOD)
    (seoul,) = spec.calendars
    assert json.loads(seoul.columns["week"]) == {
        "0": [["09:00", "12:00"], ["13:00", "18:00"]], "5": [["10:00", "13:00"]],
    }  # fmt: skip
    assert [day["date"] for day in json.loads(seoul.columns["holidays"])] == ["2026-01-01", "2026-06-03"]
    assert spec.teams == {"북부": "seoul"}
    urgent, standard = spec.policies
    assert (urgent.values["first_s"], urgent.values["next_s"], urgent.values["resolution_s"]) == (3600, None, 28_800)
    assert (urgent.match, urgent.calendar) == ({"priority": [4], "team": ["북부"]}, "seoul")
    assert (standard.values["first_s"], standard.values["warn_min_s"], standard.match) == (5400, 300, {})
    assert [p.values["position"] for p in spec.policies] == [0, 1]


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        ('zone = "Asia/Seoul"', 'zone = "Asia/Seoull"', "calendars.seoul.zone"),
        ("week.mon", "week.montag", "calendars.seoul.week"),
        ("09:00-12:00", "12:00-09:00", "calendars.seoul.week.mon"),
        ("2026-06-03", "2026-06-31", "calendars.seoul.holidays"),
        ('"북부" = "seoul"', '"북부" = "busan"', "teams.북부"),
        ('"1h"', '"one hour"', "policies[1].first"),
        ('"urgent"', '"very"', "policies[1].match.priority"),
        ("waiting_customer", "waiting", "policies[1]"),
        ("waiting_customer = []", 'held = ["answer"]', "policies[1]"),
        ('name_en = "Standard"', "", "policies[2]"),
        ("[teams]", "[team]", "team"),
        ("[teams]", "[teams", "Expected"),
    ],
)
def test_a_slip_is_refused_with_its_place(old: str, new: str, where: str) -> None:
    with pytest.raises(Refused, match="bad_sla_file") as refused:
        _read(GOOD.replace(old, new, 1))
    assert where in str(refused.value.data["why"])
