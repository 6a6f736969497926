# SPDX-License-Identifier: GPL-3.0-or-later
"""The style sheet of every window: resources/themes/base.qss filled in with tokens. No widgets here."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from string import Template

from widgets.foundation.tokens import Scheme, Tokens

_BOX = '<rect x="1.5" y="1.5" width="15" height="15" rx="3" fill="{fill}" stroke="{edge}" stroke-width="1.5"/>'
_DISC = '<circle cx="9" cy="9" r="7.5" fill="{fill}" stroke="{edge}" stroke-width="1.5"/>'
_TICK = '<path d="M5 9.4l2.8 2.8L13.2 6.4" fill="none" stroke="{mark}" stroke-width="2" stroke-linecap="round"/>'
_DOT = '<circle cx="9" cy="9" r="3.2" fill="{mark}"/>'
_CHEVRON = '<path d="M5 7l4 4 4-4" fill="none" stroke="{edge}" stroke-width="1.8" stroke-linecap="round"/>'


def stylesheet(tokens: Tokens, scheme: Scheme, base_pt: float, art: str, control_px: int, text_px: int = 0) -> str:
    """Return the sheet for one scheme and text size. `art` is the folder that `write_art` filled,
    `control_px` the height of buttons and fields, `text_px` that of a line of text: no control is lower inside.
    """
    template = Template(files("resources").joinpath("themes", "base.qss").read_text(encoding="utf-8"))
    values: dict[str, object] = {name.replace(".", "_"): value for name, value in tokens.colour[scheme].items()}
    values |= _mixed(tokens.colour[scheme])
    values |= _sizes(tokens, scheme, control_px, text_px)
    for name, step in tokens.type.items():
        values[f"{name}_pt"] = f"{base_pt * step.factor:.2f}"
        values[f"{name}_weight"] = step.weight
    values["art"] = art
    return template.substitute(values)


def write_art(folder: Path, colour: Mapping[str, str]) -> None:
    """Write the few pictures that a style sheet can only take from files: ticks, dots and the arrow of combo boxes."""
    off = {"fill": colour["bg.surface"], "edge": colour["border.control"], "mark": colour["border.control"]}
    on = {"fill": colour["accent.bg"], "edge": colour["accent.bg"], "mark": colour["accent.fg"]}
    pictures = {
        "check-off": _BOX.format(**off),
        "check-on": (_BOX + _TICK).format(**on),
        "radio-off": _DISC.format(**off),
        "radio-on": (_DISC + _DOT).format(**on),
        "chevron": _CHEVRON.format(edge=colour["fg.muted"]),
    }
    for name, shape in pictures.items():
        svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 18 18">{shape}</svg>'
        (folder / f"{name}.svg").write_text(svg, encoding="utf-8")


def _sizes(tokens: Tokens, scheme: Scheme, control_px: int, text_px: int) -> dict[str, object]:
    line = tokens.line_contrast if scheme.is_contrast else tokens.line_normal
    pad = tokens.space.tiny + line
    more = tokens.focus_width - line  # a focused field keeps its size: what the frame gains, the padding loses
    values: dict[str, object] = {f"space_{name}": getattr(tokens.space, name) for name in tokens.space.__slots__}
    return values | {
        "line": line,
        "radius_small": tokens.radius_small,
        "radius_large": tokens.radius_large,
        "focus_width": tokens.focus_width,
        "list_pad": more,
        "focus_pad_v": tokens.space.tiny - more,
        "focus_pad_h": tokens.space.small - more,
        "target": max(tokens.target_normal, text_px),
        # a minimum given here wins over what the text would need: layouts then squeeze large text
        "button_min": max(control_px - 2 * pad, text_px),
        "button_big": max(tokens.control_big - 2 * pad, text_px),
        "indicator": tokens.indicator,
        "icon_small": tokens.icon_small,
        "scroll": tokens.space.medium,
    }


def _mixed(colour: Mapping[str, str]) -> dict[str, object]:
    return {
        "accent_hover": mix(colour["accent.bg"], colour["fg.default"], 0.12),
        "accent_down": mix(colour["accent.bg"], colour["fg.default"], 0.24),
        "live_hover": mix(colour["live.bg"], colour["live.fg"], 0.16),
        "scroll_handle": mix(colour["bg.window"], colour["border.control"], 0.55),
    }


def mix(first: str, second: str, share: float) -> str:
    """Return `first` with `share` (0 to 1) of `second` mixed in, both "#RRGGBB"."""
    pairs = ((int(first[i : i + 2], 16), int(second[i : i + 2], 16)) for i in (1, 3, 5))
    return "#" + "".join(f"{round(a + (b - a) * share):02X}" for a, b in pairs)
