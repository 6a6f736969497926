# SPDX-License-Identifier: GPL-3.0-or-later
"""Design tokens: every colour, size and duration, read once from resources/themes/tokens.toml. No Qt."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files


class Scheme(StrEnum):
    """One complete set of colours."""

    LIGHT = "light"
    DARK = "dark"
    CONTRAST_LIGHT = "contrast_light"
    CONTRAST_DARK = "contrast_dark"

    @property
    def is_dark(self) -> bool:
        """True where text is lighter than its ground."""
        return self in (Scheme.DARK, Scheme.CONTRAST_DARK)

    @property
    def is_contrast(self) -> bool:
        """True for the high contrast schemes."""
        return self in (Scheme.CONTRAST_LIGHT, Scheme.CONTRAST_DARK)


@dataclass(frozen=True, slots=True)
class Space:
    """Distances in px."""

    hair: int
    tiny: int
    small: int
    medium: int
    large: int
    wide: int
    huge: int
    vast: int


@dataclass(frozen=True, slots=True)
class TypeStep:
    """One step of the type scale: factor on the base size, and weight."""

    factor: float
    weight: int


@dataclass(frozen=True, slots=True)
class Density:
    """Height of a list row and padding in px, and how many lines of text a row has."""

    row: int
    padding: int
    lines: int


@dataclass(frozen=True, slots=True)
class Tokens:
    """The whole token file."""

    space: Space
    radius_small: int
    radius_large: int
    line_normal: int
    line_contrast: int
    focus_width: int
    focus_gap: int
    target_normal: int
    target_companion: int
    control_normal: int
    control_big: int
    indicator: int
    icon_small: int
    icon_normal: int
    icon_large: int
    motion_ms: Mapping[str, int]
    time_ms: Mapping[str, int]
    text_scale_smallest: int
    text_scale_largest: int
    type: Mapping[str, TypeStep]
    font_base_pt: float
    font_families: tuple[str, ...]
    density: Mapping[str, Density]
    colour: Mapping[Scheme, Mapping[str, str]]


def load_tokens() -> Tokens:
    """Read the token file that comes with the program. Raises KeyError or ValueError for a file that is not whole."""
    raw = tomllib.loads(files("resources").joinpath("themes", "tokens.toml").read_text(encoding="utf-8"))
    colour = {scheme: dict(raw["colour"][scheme]) for scheme in Scheme}
    _same_names(colour)
    return Tokens(
        space=Space(**raw["space"]),
        radius_small=raw["radius"]["small"],
        radius_large=raw["radius"]["large"],
        line_normal=raw["line"]["normal"],
        line_contrast=raw["line"]["contrast"],
        focus_width=raw["focus"]["width"],
        focus_gap=raw["focus"]["gap"],
        target_normal=raw["target"]["normal"],
        target_companion=raw["target"]["companion"],
        control_normal=raw["control"]["normal"],
        control_big=raw["control"]["big"],
        indicator=raw["control"]["indicator"],
        icon_small=raw["icon"]["small"],
        icon_normal=raw["icon"]["normal"],
        icon_large=raw["icon"]["large"],
        motion_ms=raw["motion_ms"],
        time_ms=raw["time_ms"],
        text_scale_smallest=raw["text_scale"]["smallest"],
        text_scale_largest=raw["text_scale"]["largest"],
        type={name: TypeStep(**step) for name, step in raw["type"].items()},
        font_base_pt=raw["font"]["base_pt"],
        font_families=tuple(raw["font"]["families"]),
        density={name: Density(**values) for name, values in raw["density"].items()},
        colour=colour,
    )


def _same_names(colour: Mapping[Scheme, Mapping[str, str]]) -> None:
    names = set(colour[Scheme.LIGHT])
    for scheme, values in colour.items():
        if set(values) != names:
            raise ValueError(f"{scheme} lacks or adds {sorted(names ^ set(values))}")


def contrast(first: str, second: str) -> float:
    """Return the contrast ratio of two "#RRGGBB" colours, 1 to 21 (WCAG 2.2)."""
    high, low = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    def linear(channel: int) -> float:
        value = channel / 255
        return value / 12.92 if value <= 0.04045 else float(((value + 0.055) / 1.055) ** 2.4)

    red, green, blue = (linear(int(colour[i : i + 2], 16)) for i in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
