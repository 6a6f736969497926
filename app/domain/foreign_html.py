# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads HTML of any origin into text with marks: the only way in for what is pasted, kept or received. Pure.

Nothing is kept but words, bold, italic, monospace, links to http, https and mailto, lists and quotes. No picture,
style, script, form or remote reference survives, and no depth or size of markup makes it recurse.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from html.parser import HTMLParser

from app.domain.formatting import BULLET, QUOTE, Look, Mark, Rich, link_target, tidy, to_html

__all__ = ["read_html", "safe_html"]

_SILENT = frozenset({
    "script", "style", "head", "title", "template", "noscript", "noframes", "iframe", "object", "applet", "svg",
    "math", "select", "option", "datalist", "textarea", "button", "audio", "video", "canvas", "map",
})  # fmt: skip
_VOID = frozenset({
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr",
})  # fmt: skip
_LOOKS = {
    "b": Look.BOLD, "strong": Look.BOLD, "th": Look.BOLD, "h1": Look.BOLD, "h2": Look.BOLD, "h3": Look.BOLD,
    "h4": Look.BOLD, "h5": Look.BOLD, "h6": Look.BOLD, "i": Look.ITALIC, "em": Look.ITALIC, "cite": Look.ITALIC,
    "var": Look.ITALIC, "dfn": Look.ITALIC, "code": Look.MONO, "tt": Look.MONO, "kbd": Look.MONO, "samp": Look.MONO,
    "pre": Look.MONO,
}  # fmt: skip
_PARAGRAPHS = frozenset(["p", "h1", "h2", "h3", "h4", "h5", "h6", "table", "pre", "dl"])
_BLOCKS = _PARAGRAPHS | frozenset({
    "div", "ul", "ol", "li", "blockquote", "tr", "section", "article", "header", "footer", "main", "aside", "nav",
    "address", "figure", "figcaption", "dt", "dd", "fieldset", "form", "center", "body", "caption", "details",
    "summary", "hr", "td", "th",
})  # fmt: skip
_WEIGHT = re.compile(r"font-weight\s*:\s*(bold|bolder|normal|lighter|\d{3})", re.IGNORECASE)
_SLANT = re.compile(r"font-style\s*:\s*(italic|oblique|normal)", re.IGNORECASE)
_SPACE = re.compile(r"[ \t\r\n\f]+")
_BOLD_FROM = 600
_MAX_DEPTH = 400  # deeper markup goes on, without looks of its own


@dataclass(slots=True)
class _Level:
    """An open element: the looks in it, and what it is to lines."""

    tag: str
    looks: dict[Look, str]
    number: int = 0  # of an ol: that of its next line


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.marks: list[Mark] = []
        self._length = 0
        self._line_start = 0  # where the line begins
        self._levels: list[_Level] = []
        self._counts: dict[str, int] = {}
        self._silent = 0
        self._gap = False  # a paragraph ended: another one stands apart
        self._space: dict[Look, str] | None = None  # looks of white space that shows only before another word
        self._signed = -1  # where the words begin behind the sign of a line

    # --- tags ------------------------------------------------------------------------------------------------

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _VOID:
            self._void(tag)
            return
        if tag in _SILENT:
            self._silent += 1
        if len(self._levels) >= _MAX_DEPTH:
            return
        given = dict(attrs)
        if tag in _BLOCKS:
            self._begin_block(tag)
        looks = self._looks(tag, given)
        start = given.get("start") or ""
        number = int(start) if tag == "ol" and start.isascii() and start.isdigit() and len(start) < 4 else 1
        self._levels.append(_Level(tag, looks, number))
        self._counts[tag] = self._counts.get(tag, 0) + 1
        if tag == "li" and not self._silent:
            self._begin_item()

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self._counts.get(tag):
            return
        while self._levels:
            level = self._levels.pop()
            self._counts[level.tag] -= 1
            if level.tag in _SILENT:
                self._silent -= 1
            if level.tag in _BLOCKS and level.tag not in ("td", "th"):
                self._new_line()
                self._gap = self._gap or level.tag in _PARAGRAPHS
            if level.tag == tag:
                return

    def _void(self, tag: str) -> None:
        if tag == "br" and not self._silent:
            self._space = None
            self._begin_line()
            self._put("\n", {})
        elif tag == "hr":
            self._new_line()

    def _begin_block(self, tag: str) -> None:
        if tag in ("td", "th"):
            if not self._is_at_start() and not self._silent:
                self._put("\t", {})
            return
        if self._length != self._signed:
            self._new_line()
        if self._gap and tag in _PARAGRAPHS and self._length and not self._silent and not self._counts.get("li"):
            self._begin_line()
            self._put("\n", {})
        if tag in _PARAGRAPHS or tag in ("ul", "ol", "blockquote"):
            self._gap = False

    def _looks(self, tag: str, attrs: dict[str, str | None]) -> dict[Look, str]:
        looks = dict(self._levels[-1].looks) if self._levels else {}
        if tag in _LOOKS:
            looks[_LOOKS[tag]] = ""
        if tag == "a" and (target := link_target(attrs.get("href") or "")):
            looks[Look.LINK] = target
        style = attrs.get("style") or ""
        for look, pattern, on in ((Look.BOLD, _WEIGHT, _is_bold), (Look.ITALIC, _SLANT, _is_slanted)):
            found = pattern.search(style)
            if found is not None and on(found[1].lower()):
                looks[look] = ""
            elif found is not None:
                looks.pop(look, None)
        return looks

    # --- words -----------------------------------------------------------------------------------------------

    def handle_data(self, data: str) -> None:
        if self._silent or not data:
            return
        looks = self._levels[-1].looks if self._levels else {}
        if self._counts.get("pre"):
            self._put_lines(data.replace("\r\n", "\n").replace("\r", "\n"), looks)
            return
        words = _SPACE.sub(" ", data)
        bare = words.strip(" ")
        if self._space is None and words.startswith(" "):
            self._space = looks
        if not bare:
            return
        if self._space is not None and not self._is_at_start():
            self._put(" ", self._space)
        self._space = looks if words.endswith(" ") else None
        self._put_lines(bare, looks)

    def _put_lines(self, text: str, looks: dict[Look, str]) -> None:
        for n, line in enumerate(text.split("\n")):
            if n:
                self._put("\n", {})
            if line:
                self._begin_line()
                self._put(line.replace("\xa0", " ").replace("\0", ""), looks)

    def _begin_item(self) -> None:
        level = next((each for each in reversed(self._levels) if each.tag in ("ul", "ol")), None)
        if level is not None and level.tag == "ol":
            self._put(f"{level.number}. ", {})
            level.number += 1
        else:
            self._put(BULLET, {})
        self._gap, self._space, self._signed = False, None, self._length

    def _is_at_start(self) -> bool:
        """Whether the line has no words of its own yet."""
        return self._length in (self._line_start, self._signed)

    def _begin_line(self) -> None:
        if self._length == self._line_start and self._counts.get("blockquote") and not self._silent:
            self._put(QUOTE, {})
            self._signed = self._length

    def _new_line(self) -> None:
        self._space = None
        if self._length != self._line_start and not self._silent:
            self._put("\n", {})

    def _put(self, text: str, looks: dict[Look, str]) -> None:
        self.parts.append(text)
        start, self._length = self._length, self._length + len(text)
        if text == "\n":
            self._line_start = self._length
        if text != "\n":
            self.marks += [Mark(start, self._length, look, target) for look, target in looks.items()]


def _is_bold(weight: str) -> bool:
    return weight.startswith("bold") or (weight.isdigit() and int(weight) >= _BOLD_FROM)


def _is_slanted(style: str) -> bool:
    return style != "normal"


def read_html(html: str) -> Rich:
    """Return what a piece of HTML says. Never fails."""
    reader = _Reader()
    reader.feed(html.replace("<!--StartFragment-->", "").replace("<!--EndFragment-->", ""))
    reader.close()
    text = "".join(reader.parts).rstrip("\n")
    return Rich(text, tidy(reader.marks, len(text)))


def safe_html(html: str | None) -> str | None:
    """Return the same in the subset; what has no formatting left is None. What is in the subset stays as it is."""
    return to_html(read_html(html)) if html else None
