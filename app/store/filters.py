# SPDX-License-Identifier: GPL-3.0-or-later
"""Search operators (`state:`, `owner:` …) as conditions on ticket columns."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from app.domain.entities import (
    ASSET,
    BY_NAME,
    CUSTOMER,
    LIVE,
    MEMBERSHIP,
    MESSAGE,
    NOTE,
    ORGANISATION,
    SESSION_RECORD,
    STATE,
    TAG,
    TEAM,
    TICKET,
    USER,
    Category,
)
from app.domain.ports import Identity
from app.domain.search_text import (
    HAS,
    IS,
    NONE_WORDS,
    OWN_WORDS,
    Hint,
    HintKind,
    Item,
    Operator,
    canonical,
    normalise,
)
from app.store.alarms import alarm_condition
from app.store.read_marks import unread_condition
from app.store.shown import Shown

__all__ = ["Filters"]

_PRIORITIES = {"low": 1, "낮음": 1, "normal": 2, "보통": 2, "high": 3, "높음": 3, "urgent": 4, "긴급": 4}
_CHANNELS = {
    "mail": "mail", "email": "mail", "메일": "mail", "이메일": "mail", "portal": "portal", "포털": "portal",
    "companion": "companion", "고객앱": "companion", "chat": "chat", "채팅": "chat", "phone": "phone",
    "전화": "phone", "visit": "visit", "방문": "visit", "social": "social", "소셜": "social",
}  # fmt: skip
_LIVE_WORDS = {"live", "진행", "진행중"}
_ANY_WORDS = {"any", "있음", "yes"}
_TODAY, _YESTERDAY = {"today", "오늘"}, {"yesterday", "어제"}
_AGO = re.compile(r"(\d{1,5})(d|일|w|주)")
_HEX = re.compile("[0-9a-f]{32}")
_DATE = re.compile(r"(\d{4})[-./](\d{1,2})[-./](\d{1,2})\.?")
_MANY = frozenset({CUSTOMER.number, ORGANISATION.number})
_NOTHING = "0"
_FILES = "h.attachments IS NOT NULL AND h.attachments <> '[]'"
_DUE = next((f.name for f in TICKET.fields if f.name == "next_due"), None)  # brought by the SLA clock


class Filters:
    """Turns operators into SQL on the tickets `s`. Names are resolved in the rows as shown.

    What nothing matches finds nothing, and is told in `hints`.
    """

    def __init__(self, shown: Shown, identity: Identity | None, now_ms: int) -> None:
        self._shown = shown
        self._identity = identity
        self._now_ms = now_ms
        self.hints: list[Hint] = []
        self._known: dict[Operator, str] = {}
        self._makers: Mapping[str, Callable[[str], str]] = {
            "state": self._state,
            "owner": self._owner,
            "team": self._team,
            "tag": self._tag,
            "customer": lambda v: _among("customer", self._named(CUSTOMER.number, ("name", "preferred_name"), v)),
            "org": self._organisation,
            "priority": lambda v: _known("priority", _PRIORITIES.get(v)),
            "channel": lambda v: _known("channel", _CHANNELS.get(v.replace(" ", ""))),
            "serial": self._serial,
            "incident": self._incident,
            "before": lambda v: self._when("<", v),
            "after": lambda v: self._when(">=", v),
            "has": self._has,
            "is": self._is,
        }

    def where(self, groups: Sequence[Sequence[Item]], without: Sequence[Item] = ()) -> str:
        """Return the condition of all groups together with that of living rows. Words are left to the index."""
        conditions = ["s.deleted = 0"]
        for group in groups:
            operators = [item for item in group if isinstance(item, Operator)]
            conditions.append("(" + " OR ".join(self.condition(o) for o in operators) + ")")
        conditions += [f"NOT coalesce(({self.condition(item)}), 0)" for item in without if isinstance(item, Operator)]
        return " AND ".join(conditions)

    def condition(self, operator: Operator) -> str:
        """Return the condition of one operator."""
        if operator not in self._known:
            maker = self._makers.get(operator.name)
            made = maker(operator.value) if maker is not None else _NOTHING
            if made == _NOTHING or made.endswith("IN ()"):
                self.hints.append(Hint(HintKind.VALUE, f"{operator.name}:{operator.value}"))
                made = _NOTHING
            self._known[operator] = made
        return self._known[operator]

    # --- columns of the ticket ----------------------------------------------------------------------------------------

    def _state(self, value: str) -> str:
        rows = self._shown.select(STATE.number, "id, category, name_ko, name_en", "deleted = 0")
        if value.replace(" ", "") in _LIVE_WORDS:
            return _among("state", [r[0] for r in rows if Category(r[1]) in LIVE])
        flat = value.replace("_", " ")
        fitting = [
            (r[0], Category(r[1])) for r in rows
            if flat in (normalise(r[1]).replace("_", " "), normalise(r[2] or ""), normalise(r[3] or ""))
            or flat.replace(" ", "") == normalise(r[2] or "").replace(" ", "")
        ]  # fmt: skip
        few = all(category in LIVE for _id, category in fitting)
        return (_among if few else _among_many)("state", [id_ for id_, _category in fitting])

    def _categories(self, *wanted: Category) -> str:
        rows = self._shown.select(STATE.number, "id, category", "1")
        return _among("state", [id_ for id_, category in rows if Category(category) in wanted])

    def _owner(self, value: str) -> str:
        if value in NONE_WORDS:
            return "+s.owner IS NULL"
        if value in OWN_WORDS:
            return _among_many("owner", [self._identity.account] if self._identity else [])
        return _among_many("owner", self._named(USER.number, ("login", "name"), value))

    def _team(self, value: str) -> str:
        if value not in OWN_WORDS:
            return _among_many("team", self._named(TEAM.number, ("name_ko", "name_en"), value))
        account = self._identity.account if self._identity else b""
        found = self._shown.select(USER.number, "teams", "id = ?", (account,))
        named = json.loads(found[0][0]) if found and found[0][0] else []
        return _among_many("team", [bytes.fromhex(t) for t in named if isinstance(t, str) and _HEX.fullmatch(t)])

    def _tag(self, value: str) -> str:
        if value in NONE_WORDS:
            return "NOT " + self._there(MEMBERSHIP.number, "h.kind = 'tag' AND h.present", column="subject")
        tags = self._named(TAG.number, ("name",), value, whole=True)
        rows = self._shown.by_values(
            MEMBERSHIP.number, "subject", "member", tags, " AND present AND kind = 'tag' AND deleted = 0"
        )
        return _among("id", [r[0] for r in rows]) if tags else _NOTHING

    def _organisation(self, value: str) -> str:
        if value in NONE_WORDS:
            return "s.organisation IS NULL"
        found = self._named(ORGANISATION.number, ("name", "domains"), value)
        return _among("organisation", found)

    def _serial(self, value: str) -> str:
        serial = re.sub(r"[^\w./+-]|_", "", value).upper()
        if not serial:
            return _NOTHING
        found = self._shown.select(ASSET.number, "id, owner", f"deleted = 0 AND serial >= '{serial}' "
                                   f"AND serial < '{serial}\U0010ffff'")  # fmt: skip
        # a ticket that names no product is of any of its customer's
        assets, owners = _literals(a for a, _ in found), _literals(o for _, o in found if o)
        if not found:
            return _NOTHING
        return f"(s.asset IN ({assets}) OR (s.asset IS NULL AND s.customer IN ({owners})))"

    def _incident(self, value: str) -> str:
        if value in NONE_WORDS:
            return "s.incident IS NULL"
        if value in _ANY_WORDS:
            return "s.incident IS NOT NULL"
        incident = BY_NAME.get("incident")
        if incident is None:
            return _NOTHING
        names = tuple(f.name for f in incident.fields if f.name.startswith(("title", "name")))
        return _among("incident", self._named(incident.number, names, value))

    def _named(self, type_: int, columns: tuple[str, ...], value: str, *, whole: bool = False) -> list[bytes]:
        bare = value if whole else value.removesuffix("님").strip() or value
        where, args = "deleted = 0", []
        if type_ in _MANY:  # there the database looks first: letters of ASCII in either case, all else as it is kept
            where += " AND (" + " OR ".join(f"{c} LIKE ? ESCAPE '!'" for c in columns) + ")"
            args = ["%" + re.sub(r"([%_!])", r"!\1", bare) + "%"] * len(columns)
        rows = self._shown.select(type_, "id, " + ", ".join(columns), where, args)
        if whole:
            return [r[0] for r in rows if value in {normalise(c or "") for c in r[1:]}]
        return [r[0] for r in rows if any(bare in normalise(c or "") for c in r[1:])]

    # --- what hangs on the ticket, and what is true of it -------------------------------------------------------------

    def _has(self, value: str) -> str:
        what = canonical(HAS, value)
        if what == "attachment":
            return " OR ".join(self._with_files(type_) for type_ in (MESSAGE.number, NOTE.number))
        if what == "note":
            return self._there(NOTE.number)
        if what == "session":
            return self._there(SESSION_RECORD.number)
        promise = BY_NAME.get("promise")
        if what == "promise" and promise is not None:
            return self._there(promise.number)
        return "0 = 1" if what else _NOTHING

    def _with_files(self, type_: int) -> str:
        """Return the condition that a message or note with files hangs on the ticket; an index has just these."""
        table = self._shown.name_of(type_)
        theirs = f"SELECT h.ticket FROM main.{table} h INDEXED BY {table}_files WHERE h.deleted = 0 AND {_FILES}"
        own = {t for (t,) in self._shown.own(type_, "h.ticket", f"h.deleted = 0 AND {_FILES}") if t}
        return f"(s.id IN ({theirs}) OR {_among('id', sorted(own))})" if own else f"(s.id IN ({theirs}))"

    def _there(self, type_: int, extra: str = "1", column: str = "ticket") -> str:
        """Return the condition that a living row of an entity hangs on the ticket, own unsent ones included."""
        table = self._shown.name_of(type_)
        theirs = f"EXISTS (SELECT 1 FROM main.{table} h WHERE h.{column} = s.id AND h.deleted = 0 AND {extra})"
        own = {t for (t,) in self._shown.own(type_, f"h.{column}", f"h.deleted = 0 AND {extra}") if t}
        return f"({theirs} OR {_among('id', sorted(own))})" if own else f"({theirs})"

    def _is(self, value: str) -> str:
        what = canonical(IS, value)
        if what == "unread":
            return unread_condition(self._shown)
        if what == "unanswered":
            return "s.last_in_no > s.last_out_no"
        if what == "snoozed":
            return f"s.snooze_until > {self._now_ms}"
        if what == "held":
            return self._categories(Category.HELD)
        if what == "alarm":
            return alarm_condition(self._shown)
        if what == "late":
            return f"(s.{_DUE} < {self._now_ms} AND {self._categories(*LIVE)})" if _DUE else "0 = 1"
        return _NOTHING

    def _when(self, sign: str, value: str) -> str:
        day = self._day(value)
        return _NOTHING if day is None else f"s.last_at {sign} {day}"

    def _day(self, value: str) -> int | None:
        """Return the start of the day meant, in this computer's zone, as Unix ms."""
        now = datetime.fromtimestamp(self._now_ms / 1000, UTC).astimezone()
        today = now.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
        ago, date = _AGO.fullmatch(value), _DATE.fullmatch(value)
        try:
            if value in _TODAY:
                day = today
            elif value in _YESTERDAY:
                day = today - timedelta(days=1)
            elif ago:
                day = today - timedelta(days=int(ago[1]) * (7 if ago[2] in "w주" else 1))
            elif date:
                day = datetime(int(date[1]), int(date[2]), int(date[3]))  # noqa: DTZ001 - made local below
            else:
                return None
            return int(day.astimezone().timestamp() * 1000)  # of that day: its offset may differ from today's
        except (ValueError, OverflowError, OSError):
            return None


def _known(column: str, value: int | str | None) -> str:
    if value is None:
        return _NOTHING
    return f"s.{column} = {value}" if isinstance(value, int) else f"s.{column} = '{value}'"


def _literals(ids: Iterable[bytes]) -> str:
    return ", ".join(f"x'{i.hex()}'" for i in dict.fromkeys(ids))


def _among(column: str, ids: Iterable[bytes]) -> str:
    return f"s.{column} IN ({_literals(ids)})"


def _among_many(column: str, ids: Iterable[bytes]) -> str:
    """As `_among`, for values that very many tickets have: their index would be the long way (`+` hides the column).

    So the list's own index is walked in its order, which ends early where only the newest are wanted.
    """
    return f"+{_among(column, ids)}"
