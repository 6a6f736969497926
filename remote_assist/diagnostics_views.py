# SPDX-License-Identifier: GPL-3.0-or-later
"""A bundle as windows show it, in the reader's words."""

from __future__ import annotations

import datetime as dt

from app.domain.facts import FactLine, Facts, FactSection
from remote_assist.diagnostics import Bundle, Draft, Item, Section, State, bundle_bytes
from remote_assist.diagnostics_texts import key_text, section_text, state_text, value_text

__all__ = ["facts_of", "facts_of_draft", "made_text"]


def facts_of_draft(draft: Draft) -> Facts:
    """Return everything that was collected, marked with what is kept back; the exact text is what would leave."""
    sections = tuple(
        FactSection(
            section.name,
            section_text(section.name),
            state_text(section.state),
            tuple(
                _line(item, struck=(section.name, index) in draft.struck_items)
                for index, item in enumerate(section.items)
            ),
            struck=section.name in draft.struck_sections,
        )
        for section in draft.collected.sections
    )
    payload = draft.payload
    return Facts(sections, payload.decode(), len(payload), _kept_back(draft.bundle))


def facts_of(bundle: Bundle) -> Facts:
    """Return what came."""
    sections = tuple(
        FactSection(
            section.name, section_text(section.name), state_text(section.state), tuple(map(_line, section.items)),
            struck=section.state is State.STRUCK,
        )
        for section in bundle.sections
    )  # fmt: skip
    payload = bundle_bytes(bundle)
    return Facts(sections, payload.decode(), len(payload), _kept_back(bundle))


def made_text(bundle: Bundle) -> str:
    """Return when a bundle was made, in the time of this computer."""
    made = dt.datetime.strptime(bundle.made, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=dt.UTC)
    return made.astimezone().strftime("%Y-%m-%d %H:%M")


def _line(item: Item, *, struck: bool = False) -> FactLine:
    return FactLine(key_text(item.key), value_text(item.key, item.value), struck)


def _kept_back(bundle: Bundle) -> int:
    """Lines, and a section that is kept back whole as one: how much it held is nobody's business either."""
    return sum(_kept_of(section) for section in bundle.sections)


def _kept_of(section: Section) -> int:
    return 1 if section.state is State.STRUCK else section.struck
