# SPDX-License-Identifier: GPL-3.0-or-later
"""Words of a customer's page: kinds of addresses, tiers, states of products, support terms, what is already known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

from app.config.i18n import N_, _, language
from app.domain.addresses import phone_text
from app.domain.call_times import call_times_text
from app.domain.customer_ports import CustomerPage, TimeItem
from app.domain.entities import Value
from app.domain.fact_card import FactCard
from app.domain.ports import TermsView
from app.services.texts import channel_name, polite

__all__ = [
    "ADDRESS_ICONS", "ADDRESS_KINDS", "FACT_NAMES", "LANGUAGES", "STATUSES", "TIERS", "Line", "address_kind",
    "address_text", "fact_lines", "field_text", "health_lines", "merge_field_name", "terms_lines", "tier_name",
    "time_icon", "time_words",
]  # fmt: skip

ADDRESS_KINDS: Mapping[str, str] = {
    "email": N_("E-mail"),
    "phone": N_("Phone"),
    "chat": N_("Chat"),
    "social": N_("Social media"),
    "postal": N_("Postal address"),
}
ADDRESS_ICONS: Mapping[str, str] = {
    "phone": "phone", "email": "mail", "mail": "mail", "chat": "message-circle", "postal": "map-pin",
    "companion": "app-window",
}  # fmt: skip
LANGUAGES: Mapping[str, str] = {"ko": N_("Korean"), "en": N_("English"), "ja": N_("Japanese"), "zh": N_("Chinese")}
TIERS: Mapping[str, str] = {"normal": N_("Normal"), "plus": N_("Plus"), "vip": N_("Priority customer")}
STATUSES: Mapping[str, str] = {
    "in_use": N_("in use"), "in_repair": N_("in repair"), "retired": N_("no longer used"),
}  # fmt: skip
FACT_NAMES: Mapping[str, str] = {
    "product": N_("Product"), "device": N_("Device"), "serial": N_("Serial number"), "os": N_("System"),
    "app_version": N_("Version"), "last_error": N_("Last error"), "error_code": N_("Error code"),
    "free_disk": N_("Free space"), "network": N_("Network"), "warranty_until": N_("Warranty"),
}  # fmt: skip
_FIELDS: Mapping[str, str] = {
    "name": N_("Name"),
    "preferred_name": N_("Preferred name"),
    "honorific": N_("Form of address"),
    "language": N_("Language"),
    "zone": N_("Time zone"),
    "tier": N_("Level of support"),
    "organisation": N_("Organisation"),
    "call_times": N_("Likes to be called"),
    "blocked_reason": N_("Blocked because"),
}
_CHANNEL_ICONS: Mapping[str, str] = {
    "phone": "phone", "visit": "map-pin", "mail": "mail", "email": "mail", "chat": "message-circle",
    "companion": "app-window", "session": "monitor-up", "social": "at-sign",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """One line with its picture; `tone` is a colour role, the words say all of it."""

    text: str
    icon: str = ""
    tone: str = ""


def address_kind(kind: str) -> str:
    """Return the word for a kind of address; one unknown here stays as it is."""
    return _(ADDRESS_KINDS[kind]) if kind in ADDRESS_KINDS else channel_name(kind)


def address_text(kind: str, value: str) -> str:
    """Return an address as people read it."""
    return phone_text(value) if kind == "phone" else value


def tier_name(tier: str) -> str:
    """Return the word for a level of support."""
    return _(TIERS[tier]) if tier in TIERS else tier


def merge_field_name(name: str) -> str:
    """Return the word for a field that a merge asks about."""
    return _(_FIELDS[name]) if name in _FIELDS else name


def field_text(page: CustomerPage, name: str, value: Value) -> str:
    """Return a customer's field as people read it."""
    if value is None or value == "":
        return _("Empty")
    if name == "organisation":
        return page.organisation.name if page.organisation is not None else _("another organisation")
    if name == "call_times":
        return call_times_text(str(value), language())
    if name == "tier":
        return tier_name(str(value))
    return _(LANGUAGES[str(value)]) if name == "language" and value in LANGUAGES else str(value)


# --- support terms ---------------------------------------------------------------------------------------------------


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def terms_lines(terms: TermsView | None, warranty_until: str, today: date, day: Callable[[date], str]) -> list[Line]:
    """Return until when support is free, what is in it while it lasts, and what comes after.

    From the day after the last one the options stand first: that is what the customer can choose from now.
    """
    until = _date(terms.valid_until if terms is not None else warranty_until)
    if until is None:
        return [Line(_("No support terms known"), tone="muted")]
    good = until >= today
    icon, tone = ("shield-check", "success") if good else ("shield-alert", "warning")
    if terms is None:
        text = _("Warranty until {day}") if good else _("Warranty ended on {day}")
        return [Line(text.format(day=day(until)), icon, tone)]
    text = _("Free support until {day}") if good else _("Free support ended on {day}")
    lines = [Line(text.format(day=day(until)), icon, tone)]
    if terms.included and good:
        lines.append(Line(_("Included: {what}").format(what=terms.included), tone="muted"))
    if terms.options_after:
        now = _("Afterwards: {what}") if good else _("What can be chosen now: {what}")
        lines.append(Line(now.format(what=terms.options_after), tone="muted" if good else ""))
    return lines


# --- what is already known -------------------------------------------------------------------------------------------


def fact_lines(card: FactCard, today: date, day: Callable[[date], str]) -> list[tuple[str, str, int]]:
    """Return names, values and times of what was told; nothing for what was not.

    A serial number stands with what it is of: the product that is meant, else the computer itself.
    """
    until = _date(card.warranty_until)
    warranty = ""
    if until is not None:
        warranty = day(until) if until >= today else _("ended on {day}").format(day=day(until))
    product = " ".join(dict.fromkeys(filter(None, (card.product, card.model))))
    first = ("product", "serial", "device") if product else ("device", "serial")
    values = {"product": product, "warranty_until": warranty}
    rest = ("os", "app_version", "last_error", "error_code", "free_disk", "network", "warranty_until")
    told = ((name, values.get(name, getattr(card, name))) for name in (*first, *rest))
    return [(_(FACT_NAMES[n]), value, card.found_at.get(n, card.collected_at)) for n, value in told if value]


def health_lines(health: Mapping[str, object]) -> list[tuple[str, str]]:
    """Return names and values of what a product's own computer told last."""
    return [(_(name), str(health[word])) for word, name in FACT_NAMES.items() if health.get(word)]


# --- the time line ---------------------------------------------------------------------------------------------------


def time_icon(item: TimeItem) -> str:
    """Return the picture of a line: by which way it came or went."""
    return _CHANNEL_ICONS.get(item.channel, "reply" if item.kind == "reply" else "message-circle")


def time_words(item: TimeItem) -> str:
    """Return who did what, without the words themselves."""
    if item.kind == "session":
        return _("Screen sharing")
    who = polite(item.who) or _("Unknown sender")
    way = channel_name(item.channel)
    return f"{who} · {way}" if item.kind == "message" else _("{who} answered · {way}").format(who=who, way=way)
