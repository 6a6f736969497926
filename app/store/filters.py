# SPDX-License-Identifier: GPL-3.0-or-later
"""Search operators (`state:`, `owner:` …) as conditions on ticket columns: same one twice, either; others, all."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from app.domain.entities import CUSTOMER, LIVE, MEMBERSHIP, STATE, TAG, TEAM, USER, Category
from app.domain.ports import Identity
from app.store.searchwords import Operator
from app.store.shown import Shown
from app.store.text import normalise

_PRIORITIES = {"low": 1, "낮음": 1, "normal": 2, "보통": 2, "high": 3, "높음": 3, "urgent": 4, "긴급": 4}
_ME, _NONE = {"me", "나"}, {"none", "없음"}
_TODAY, _YESTERDAY = {"today", "오늘"}, {"yesterday", "어제"}
_UNANSWERED = {"unanswered", "미답변", "답변필요"}
_NOTHING = "0"


class Filters:
    """Turns operators into SQL. Names are resolved in the rows as shown; what nothing matches finds nothing."""

    def __init__(self, shown: Shown, identity: Identity | None, now_ms: int) -> None:
        self._shown = shown
        self._identity = identity
        self._now_ms = now_ms

    def where(self, operators: Sequence[Operator]) -> str:
        """Return the condition of all operators together with that of living rows."""
        wanted: dict[str, list[str]] = defaultdict(list)
        conditions = ["deleted = 0"]
        for operator in operators:
            condition = self._condition(operator)
            if operator.negative:
                conditions.append(f"NOT coalesce({condition}, 0)")
            else:
                wanted[operator.name].append(condition)
        conditions += ["(" + " OR ".join(either) + ")" for either in wanted.values()]
        return " AND ".join(conditions)

    def _condition(self, operator: Operator) -> str:
        value = operator.value
        if operator.name == "state":
            return _among("state", self._states(value))
        if operator.name == "owner":
            return self._owner(value)
        if operator.name == "team":
            return _among("team", self._named(TEAM.number, ("name_ko", "name_en"), value))
        if operator.name == "tag":
            tags = self._named(TAG.number, ("name",), value, whole=True)
            return _among("id", self._tagged(tags))
        if operator.name == "customer":
            return _among("customer", self._named(CUSTOMER.number, ("name", "preferred_name"), value))
        if operator.name == "priority":
            return f"priority = {_PRIORITIES.get(value, -1)}"
        if operator.name == "is":
            return "last_in_no > last_out_no" if value in _UNANSWERED else _NOTHING
        return self._when(operator.name, value)

    def _states(self, value: str) -> list[bytes]:
        rows = self._shown.select(STATE.number, "id, category, name_ko, name_en", "deleted = 0")
        if value in ("live", "진행", "진행중"):
            return [r[0] for r in rows if Category(r[1]) in LIVE]
        flat = value.replace("_", " ")
        return [
            r[0] for r in rows
            if flat in (normalise(r[1]).replace("_", " "), normalise(r[2] or ""), normalise(r[3] or ""))
            or flat.replace(" ", "") == normalise(r[2] or "").replace(" ", "")
        ]  # fmt: skip

    def _owner(self, value: str) -> str:
        if value in _NONE:
            return "owner IS NULL"
        if value in _ME:
            return _among("owner", [self._identity.account] if self._identity else [])
        return _among("owner", self._named(USER.number, ("login", "name"), value))

    def _named(self, type_: int, columns: tuple[str, ...], value: str, *, whole: bool = False) -> list[bytes]:
        rows = self._shown.select(type_, "id, " + ", ".join(columns), "deleted = 0")
        if whole:
            return [r[0] for r in rows if value in {normalise(c or "") for c in r[1:]}]
        return [r[0] for r in rows if any(value in normalise(c or "") for c in r[1:])]

    def _tagged(self, tags: Sequence[bytes]) -> list[bytes]:
        rows = self._shown.by_values(
            MEMBERSHIP.number, "subject", "member", tags, " AND present AND kind = 'tag' AND deleted = 0"
        )
        return [r[0] for r in rows]

    def _when(self, name: str, value: str) -> str:
        day = self._day(value)
        if day is None:
            return _NOTHING
        start_ms = int(day.timestamp() * 1000)
        return f"last_at < {start_ms}" if name == "before" else f"last_at >= {start_ms}"

    def _day(self, value: str) -> datetime | None:
        """Return the start of the day meant, in this computer's zone."""
        now = datetime.fromtimestamp(self._now_ms / 1000, UTC).astimezone()
        today = now.replace(hour=0, minute=0, second=0, microsecond=0)
        if value in _TODAY:
            return today
        if value in _YESTERDAY:
            return today - timedelta(days=1)
        ago = re.fullmatch(r"(\d{1,5})(?:d|일)", value)
        if ago:
            return today - timedelta(days=int(ago[1]))
        try:
            return datetime.strptime(value, "%Y-%m-%d").astimezone()
        except ValueError:
            return None


def _among(column: str, ids: Iterable[bytes]) -> str:
    literals = ", ".join(f"x'{i.hex()}'" for i in ids)
    return f"{column} IN ({literals})"
