# SPDX-License-Identifier: GPL-3.0-or-later
"""How a mail address, a phone number or a serial number is kept, so that the same one is the same text. Pure."""

from __future__ import annotations

import re

__all__ = ["ADDRESS_KINDS", "MAX_SERIAL_CHARS", "address_value", "phone_text", "serial_value"]

ADDRESS_KINDS = ("email", "phone", "chat", "social", "postal")
MAX_SERIAL_CHARS = 64
_MAX_CHARS = 300
_EMAIL = re.compile(r"[^@\s<>,;\"]+@[^@\s<>,;\"]+")
_PHONE = re.compile(r"\+?[\d\s().\-/]+")
_HOME = "82"  # a number without a country is Korean
_SEOUL = 9  # digits of 02-555-0100


def address_value(kind: str, text: str) -> str | None:
    """Return an address as it is kept: mail in lower case, phone numbers as E.164; None for what is none."""
    plain = " ".join(text.split())
    if not plain or len(plain) > _MAX_CHARS or kind not in ADDRESS_KINDS:
        return None
    if kind == "email":
        return plain.lower() if _EMAIL.fullmatch(plain) else None
    return _phone(plain) if kind == "phone" else plain


def _phone(text: str) -> str | None:
    if not _PHONE.fullmatch(text):
        return None
    digits = re.sub(r"\D", "", text)
    if not 3 <= len(digits) <= 15:
        return None
    if text.startswith("+") or digits.startswith("00"):
        bare = digits.removeprefix("00") if not text.startswith("+") else digits
        home = bare.removeprefix(_HOME)
        return f"+{_HOME}{home.lstrip('0')}" if bare.startswith(_HOME) else f"+{bare}"
    return f"+{_HOME}{digits[1:]}" if digits.startswith("0") else digits  # 1588-1234 has no other form


def phone_text(value: str) -> str:
    """Return a phone number as people in Korea read it; others as they are kept."""
    digits = re.sub(r"\D", "", value)
    if value.startswith(f"+{_HOME}"):
        digits = "0" + digits.removeprefix(_HOME)
    elif value.startswith("+") or not re.fullmatch(r"[\d\s\-]+", value):
        return value
    if len(digits) == len("15881234") and not digits.startswith("0"):
        return f"{digits[:4]}-{digits[4:]}"
    area = 2 if digits.startswith("02") else 3
    if not digits.startswith("0") or not _SEOUL <= len(digits) <= area + 8:
        return value
    return f"{digits[:area]}-{digits[area:-4]}-{digits[-4:]}"


def serial_value(text: str) -> str | None:
    """Return a serial number as it is kept: upper case, no spaces; None for one that is too long."""
    plain = "".join(text.split()).upper()
    return plain if len(plain) <= MAX_SERIAL_CHARS else None
