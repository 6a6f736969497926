# SPDX-License-Identifier: GPL-3.0-or-later
"""How dues look everywhere: tones, icons and chips for how much they press, and times as the reader writes them."""

from __future__ import annotations

from collections.abc import Mapping

from app.services.texts_due import Level, Moments
from widgets.foundation import format as fmt

__all__ = ["CHIPS", "ICONS", "MOMENTS", "TONES"]

MOMENTS = Moments(fmt.near, fmt.rough_age, fmt.duration)
TONES: Mapping[Level, str] = {
    Level.DONE: "success", Level.CALM: "muted", Level.PAUSED: "muted", Level.WARNING: "warning",
    Level.LATE: "danger",
}  # fmt: skip
CHIPS: Mapping[Level, str] = {
    Level.DONE: "success", Level.CALM: "neutral", Level.PAUSED: "neutral", Level.WARNING: "warning",
    Level.LATE: "danger",
}  # fmt: skip
ICONS: Mapping[Level, str] = {
    Level.DONE: "circle-check", Level.CALM: "clock", Level.PAUSED: "circle-pause", Level.WARNING: "hourglass",
    Level.LATE: "circle-alert",
}  # fmt: skip
