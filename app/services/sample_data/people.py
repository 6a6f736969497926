# SPDX-License-Identifier: GPL-3.0-or-later
"""Invented customers, their organisations, addresses, products and support terms. No mail or phone can reach anyone."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app.domain.entities import ASSET, CONTACT_ADDRESS, CUSTOMER, ENTITLEMENT, ORGANISATION, Value, customer_scope
from app.services.sample_data.korean import roman_parts
from app.services.sample_data.phrases import Grammar
from app.services.sample_data.rows import DAY_MS, KST_MS, SampleRow, Stream, js, stream

if TYPE_CHECKING:
    from faker.generator import Generator

MAIL_DOMAINS = ("example.com", "example.net", "example.org")
PHONES = 9_000  # 010-0000-1000 to -9999; further customers have none
_LANGUAGES = (("ko", 0.82), ("en", 0.94), ("ja", 0.98), ("zh", 1.0))
_MIXED_SHARE = 0.024  # of Korean customers: Korean with English in it
_PAST_WARRANTY = 0.20
_LOCALES = {"ko": "ko_KR", "en": "en_US", "ja": "ja_JP"}
_ZONES = {"ko": "Asia/Seoul", "en": "America/New_York", "ja": "Asia/Tokyo", "zh": "Asia/Shanghai"}
_HONORIFIC = {"ko": "님", "ja": "様"}

_COINED = ("새솔", "해람", "도담", "은가비", "라온들", "미르채", "아라솔", "푸르뫼", "온새미", "늘찬", "가온뜰",
           "하람재", "여울목", "다솜채", "윤슬터", "마루한", "별하늬", "슬찬", "너울빛", "이든들")  # fmt: skip
_TRADES = ("물산", "정공", "푸드", "세무회계", "치과의원", "유통", "디자인", "건축사사무소", "학원", "정밀", "로지스",
           "인쇄", "전자", "농원", "커피", "여행", "테크", "어패럴", "동물병원", "출판")  # fmt: skip
_COINED_EN = ("Fernhollow", "Oakmere", "Bluewick", "Stonebarrow", "Larkfield", "Tidewell", "Amberlow", "Quillbrook",
              "Hazelmoor", "Northquay", "Silverthorpe", "Windlecote")  # fmt: skip
_TRADES_EN = ("Logistics", "Dental", "Design", "Trading", "Foods", "Engineering", "Travel", "Books", "Studios",
              "Accounting", "Textiles", "Coffee")  # fmt: skip
_CHINESE = (("王", "wang"), ("李", "li"), ("张", "zhang"), ("刘", "liu"), ("陈", "chen"), ("杨", "yang"),
            ("赵", "zhao"), ("周", "zhou"))  # fmt: skip
_CHINESE_GIVEN = ("伟", "芳", "静", "敏", "磊", "洋", "艳", "勇", "杰", "娟", "明轩", "雨桐", "思远", "佳怡")
_HANDLES = ("blue", "river", "hana", "sora", "moon", "cloud", "maple", "stone", "lime", "pine", "wave", "star")


@dataclass(frozen=True, slots=True)
class Asset:
    """A product that a customer owns."""

    id: bytes
    area: int
    model: str
    serial: str
    warranty_until: str
    covered: bool


@dataclass(frozen=True, slots=True)
class Organisation:
    """A body that customers belong to."""

    id: bytes
    name: str


@dataclass(frozen=True, slots=True)
class Customer:
    """What texts need to know about a customer."""

    id: bytes
    name: str
    language: str
    mixed: bool
    organisation: Organisation | None
    mails: tuple[str, ...]
    bounces: bool
    phone: str
    assets: tuple[Asset, ...]


class People:
    """Makes customers one by one from (seed, kind, index)."""

    def __init__(self, grammar: Grammar, seed: int, as_of_ms: int, span_start_ms: int, persona_areas: tuple[int, ...]):
        from faker import Faker  # here: 0.3 s to load, only the generator needs it

        self._names: dict[str, Generator] = {lang: Faker(locale).factories[0] for lang, locale in _LOCALES.items()}
        self._grammar = grammar
        self._seed = seed
        self._start = span_start_ms
        self._today = dt.date.fromordinal((as_of_ms + KST_MS) // DAY_MS + dt.date(1970, 1, 1).toordinal())
        self._persona_areas = persona_areas
        self._serials = 0

    def organisation(self, index: int) -> tuple[Organisation, SampleRow]:
        """Return an organisation and its row."""
        rng = stream(self._seed, "organisation", index)
        created = self._start - int(rng.random() * 700 * DAY_MS) - DAY_MS
        org = Organisation(rng.row_id(created), _company(index, english=rng.chance(0.12)))
        tier = "vip" if rng.chance(0.05) else "plus" if rng.chance(0.2) else "normal"
        note = rng.one(
            ("", "", "", "본사와 지점이 같은 담당자를 씀.", "월말에는 오전 연락을 선호함.", "연간 지원 계약 고객.")
        )
        values: dict[str, Value] = {"name": org.name, "domains": "[]", "tier": tier, "note": note}
        return org, _row(ORGANISATION.number, org.id, org.id, created, values)

    def customer(self, index: int, organisations: list[Organisation]) -> tuple[Customer, list[SampleRow]]:
        """Return a customer and its rows, parents first. Customer 0 is the demo's: Korean, three covered products."""
        rng = stream(self._seed, "customer", index)
        draw = rng.random() if index else 0.0
        language = next(lang for lang, share in _LANGUAGES if draw < share)
        name = self._name(rng, language)
        created = self._start - int(rng.random() * 700 * DAY_MS) - DAY_MS
        id_ = rng.row_id(created)
        org = rng.one(organisations) if organisations and rng.chance(0.55) else None
        mails = _mails(rng, index, name, language)
        bounces = index > 0 and rng.chance(0.007)
        phone = f"010-0000-{1000 + index % PHONES:04d}"
        assets, asset_rows = self._assets(index, id_, created)
        mixed = index > 0 and language == "ko" and rng.chance(_MIXED_SHARE)
        made = Customer(id_, name, language, mixed, org, mails, bounces, phone, assets)
        values: dict[str, Value] = {
            "name": name, "preferred_name": None, "honorific": _HONORIFIC.get(language, ""), "language": language,
            "zone": _ZONES[language], "tier": "vip" if rng.chance(0.03) else "plus" if rng.chance(0.12) else "normal",
            "organisation": org.id if org else None, "blocked_reason": None, "merged_into": None,
            "call_times": None,
        }  # fmt: skip
        rows = [_row(CUSTOMER.number, id_, id_, created, values)]
        rows += self._addresses(index, made, created)
        return made, rows + asset_rows

    def _name(self, rng: Stream, language: str) -> str:
        if language == "zh":
            return rng.one(_CHINESE)[0] + rng.one(_CHINESE_GIVEN)
        names: Any = self._names[language]
        names.seed_instance(rng.getrandbits(48))
        if language == "en":
            return f"{names.first_name()} {names.last_name()}"
        return str(names.name())

    def _addresses(self, index: int, customer: Customer, created: int) -> Iterator[SampleRow]:
        rng = stream(self._seed, "address", index)
        found = [("email", mail, "업무" if i == 0 else "개인") for i, mail in enumerate(customer.mails)]
        if index < PHONES:
            found.append(("phone", "+82" + customer.phone.replace("-", "")[1:], "휴대전화"))
        if customer.language in _LOCALES and (index == 0 or rng.chance(0.3)):
            names: Any = self._names[customer.language]
            names.seed_instance(rng.getrandbits(48))
            found.append(("postal", names.address().replace("\n", ", "), "주소"))
        for number, (kind, value, label) in enumerate(found):
            bad = created + 30 * DAY_MS if customer.bounces and number == 0 else None
            values: dict[str, Value] = {
                "customer": customer.id, "kind": kind, "value": value, "label": label, "is_primary": number == 0,
                "verified_at": created if kind == "email" else None, "bad_since": bad,
            }  # fmt: skip
            yield _row(CONTACT_ADDRESS.number, rng.row_id(created + number), customer.id, created, values)

    def _assets(self, index: int, owner: bytes, created: int) -> tuple[tuple[Asset, ...], list[SampleRow]]:
        rng = stream(self._seed, "asset", index)
        areas = self._persona_areas if index == 0 else self._owned(rng)
        assets, rows = [], []
        for area in areas:
            asset, made = self._asset(rng, area, owner, created, past=index > 0 and rng.chance(_PAST_WARRANTY))
            assets.append(asset)
            rows.append(made)
            if index == 0 or rng.chance(0.8):
                rows.append(self._entitlement(rng, asset, owner, created))
        return tuple(assets), rows

    def _owned(self, rng: Stream) -> tuple[int, ...]:
        count = 1 + (rng.random() < 0.45) + (rng.random() < 0.2)
        return tuple(rng.sample(range(len(self._grammar.areas)), min(count, len(self._grammar.areas))))

    def _asset(self, rng: Stream, index: int, owner: bytes, created: int, *, past: bool) -> tuple[Asset, SampleRow]:
        area = self._grammar.areas[index]
        self._serials += 1
        years = 2 if area.kind == "device" else 1
        back = rng.randint(365 * years + 5, 365 * years + 700) if past else rng.randint(20, 365 * years - 40)
        bought = self._today - dt.timedelta(days=back)
        until = (bought + dt.timedelta(days=365 * years)).isoformat()
        serial = f"{area.code}{bought:%y}{rng.one('ABCDEFGHJKMNPQRSTVWXYZ')}{100_000 + self._serials}"
        asset = Asset(rng.row_id(created), index, rng.one(area.models), serial, until, not past)
        values: dict[str, Value] = {
            "owner": owner, "product": area.brand, "model": asset.model, "serial": serial,
            "purchased_on": bought.isoformat(), "warranty_until": until,
            "status": "in_repair" if rng.chance(0.02) else "in_use",
            "order_ref": None, "health": None,
        }  # fmt: skip
        return asset, _row(ASSET.number, asset.id, owner, created, values)

    def _entitlement(self, rng: Stream, asset: Asset, owner: bytes, created: int) -> SampleRow:
        kind = self._grammar.areas[asset.area].kind
        until = dt.date.fromisoformat(asset.warranty_until)
        years = 2 if kind == "device" else 1
        plan, ko, en = _PLANS[kind]
        values: dict[str, Value] = {
            "owner": asset.id, "plan": plan, "included_ko": ko, "included_en": en,
            "valid_from": (until - dt.timedelta(days=365 * years)).isoformat(), "valid_until": asset.warranty_until,
            "options_after_ko": "건당 지원(33,000원) 또는 연간 지원 계약 중에서 고르실 수 있습니다.",
            "options_after_en": "Pay per request (KRW 33,000) or a yearly support plan.", "supersedes": None,
        }  # fmt: skip
        return _row(ENTITLEMENT.number, rng.row_id(created), owner, created, values)


_PLANS = {
    "device": ("기본 지원 2년 / Basic 2 years", "전화, 메일, 채팅 상담과 원격 지원, 부품 교체가 무상입니다.",
               "Phone, mail and chat support, remote support and spare parts are free."),
    "software": ("표준 지원 1년 / Standard 1 year", "메일, 채팅 상담과 원격 지원, 버전 업데이트가 포함됩니다.",
                 "Mail and chat support, remote support and version updates are included."),
    "service": ("구독 지원 / Subscription", "이용 기간 동안 상담과 설정 지원이 포함됩니다.",
                "Support and set-up help are included while subscribed."),
}  # fmt: skip


def _company(index: int, *, english: bool) -> str:
    if english:
        first = _COINED_EN[index % len(_COINED_EN)]
        return f"{first} {_TRADES_EN[index // len(_COINED_EN) % len(_TRADES_EN)]} (fictional)"
    count = len(_COINED)
    at, trade, rest = index % count, (index // count + index) % len(_TRADES), index // (count * len(_TRADES))
    second = _COINED[(at + rest) % count] if rest else ""
    return f"{_COINED[at]}{second}{_TRADES[trade]}(가상)"


def _mails(rng: Stream, index: int, name: str, language: str) -> tuple[str, ...]:
    if language == "ko":
        given, surname = roman_parts(name)
        local = rng.one((f"{given}.{surname}", f"{surname}{given}", f"{given[:1]}.{surname}", given))
    elif language == "en":
        first, last = name.lower().split(" ", 1)
        local = rng.one((f"{first}.{last}", f"{first[0]}{last}", first)).replace(" ", "").replace("'", "")
    else:
        local = rng.one(_HANDLES) + "." + rng.one(_HANDLES)
    mails = [f"{local}{index}@{rng.one(MAIL_DOMAINS)}"]
    if rng.chance(0.08):
        mails.append(f"{rng.one(_HANDLES)}{index}@{rng.one(MAIL_DOMAINS)}")
    return tuple(mails)


def _row(number: int, id_: bytes, owner: bytes, created: int, values: dict[str, Value]) -> SampleRow:
    values["created_at"] = created
    values["created_by"] = None  # imported
    return SampleRow(number, id_, customer_scope(owner), values)


def address_json(mail: str, kind: str) -> str:
    """Return the JSON of one participant."""
    return js({"address": mail, "kind": kind})
