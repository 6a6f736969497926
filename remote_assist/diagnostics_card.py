# SPDX-License-Identifier: GPL-3.0-or-later
"""From a bundle of diagnostics to the few facts of a fact card: in words of no language, for agents read them. Pure."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping
from typing import Final

from app.domain.fact_card import Finding
from remote_assist.diagnostics import Bundle, Value

__all__ = ["CARD_SECTIONS", "findings"]

CARD_SECTIONS: Final = frozenset({"os", "device", "disks", "network", "software", "events"})
_DAY_S: Final = 86_400
_ERROR_DAYS: Final = 7  # an older error is hardly what somebody asks about today
_NOT_OUT: Final = ("lo", "docker", "veth", "br-", "virbr", "vmnet", "vboxnet", "utun", "awdl", "llw")


def findings(bundle: Bundle) -> tuple[Finding, ...]:
    """Return what the card can say of a computer, in the card's order; "" for what could not be found out."""
    made = _seconds(bundle.made) or 0
    values = {item.key: item.value for section in bundle.sections for item in section.items}
    error, error_at = _last_error(bundle, made)
    texts = {
        "device": _words(values, "device.maker", "device.model"),
        "serial": _words(values, "device.serial"),
        "os": ", ".join(filter(None, (_words(values, word) for word in ("os", "kernel", "architecture")))),
        "app_version": _own(values),
        "free_disk": "; ".join(_drives(values)),
        "network": "; ".join(_ways(values)),
        "last_error": error,
    }
    return tuple(
        Finding(name, text, (error_at if name == "last_error" and text else made) * 1000)
        for name, text in texts.items()
    )


def _words(values: Mapping[str, Value], *names: str) -> str:
    """One after another; a model that begins with its maker does not say it twice."""
    said: list[str] = []
    for name in names:
        text = str(values.get(name) or "")
        if text and said and text.casefold().startswith(said[-1].casefold()):
            said.pop()
        said += [text] if text else []
    return " ".join(said)


def _own(values: Mapping[str, Value]) -> str:
    version = _words(values, "software:deskside")
    return f"Deskside Companion {version}" if version else ""


def _drives(values: Mapping[str, Value]) -> list[str]:
    """Those with the least room first."""
    found = []
    for key, free in values.items():
        word, _colon, place = key.partition(":")
        whole = values.get(f"disk.total_gb:{place}")
        if place.startswith("/run/"):
            continue
        if word == "disk.free_gb" and isinstance(free, int | float) and isinstance(whole, int | float):
            found.append((float(free), f"{place} {free:.1f} / {whole:.1f} GB"))
    return [text for _free, text in sorted(found)]


def _ways(values: Mapping[str, Value]) -> list[str]:
    """Interfaces that are on and lead out, with speed and addresses."""
    parts: dict[str, list[str]] = defaultdict(list)
    for key, value in values.items():
        word, _colon, name = key.partition(":")
        if word == "network.up" and value is True and not name.startswith(_NOT_OUT):
            parts[name].insert(0, name)
        elif word == "network.speed_mbit" and name in parts:
            parts[name].append(f"{value} Mbit/s")
        elif word == "network.address" and name.partition(" (")[0] in parts:  # a second one has a number
            parts[name.partition(" (")[0]] += [] if str(value).startswith("fe80:") else [str(value)]
    ways = [", ".join(dict.fromkeys(each)) for each in parts.values() if len(each) > 1]
    return ways + (["proxy"] if values.get("network.proxy") is True else [])


def _last_error(bundle: Bundle, made: int) -> tuple[str, int]:
    section = bundle.section("events")
    newest = ("", 0)
    for item in section.items if section is not None else ():
        at_text, _space, source = item.key.removeprefix("event:").partition(" ")
        at = _seconds(at_text)
        if at is not None and newest[1] < at <= made and at > made - _ERROR_DAYS * _DAY_S:
            newest = (": ".join(filter(None, (source.partition(" (")[0], str(item.value or "")))), at)
    return newest


def _seconds(text: str) -> int | None:
    for form in ("%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d"):  # crash reports of macOS have the day
        try:
            return int(dt.datetime.strptime(text, form).replace(tzinfo=dt.UTC).timestamp())
        except ValueError:
            continue
    return None
