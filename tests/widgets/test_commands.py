# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of commands: keys are legal and unique, titles are translated, the docs page is made from it."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from PySide6.QtGui import QKeySequence

from app.commands.docs import shortcuts_page
from app.commands.registry import Registry
from app.commands.table import AGENT, Menu, Place, When, applies, is_single
from app.config.i18n import load_catalogues
from widgets.foundation.hangul import matches

RESERVED = {
    "Ctrl+Space", "Shift+Space", "Ctrl+Shift+Space", "Ctrl+Shift+U", "Ctrl+Shift+E", "Ctrl+.", "Ctrl+;", "F9",
    "Alt+Tab", "Alt+F4",
}  # fmt: skip


@pytest.mark.ux("UX-27")
def test_no_command_takes_a_key_of_input_methods_or_desktops() -> None:
    """No Alt+letter, no Ctrl+Alt+letter, none of the reserved ones; each is a key that Qt knows."""
    for key in itertools.chain.from_iterable(c.keys for c in AGENT):
        assert key not in RESERVED
        assert not (key.startswith("Alt+") and len(key) == 5)
        assert not key.startswith("Ctrl+Alt+")
        assert QKeySequence(key).toString() != ""


@pytest.mark.ux("UX-28")
def test_no_two_commands_share_a_key_in_one_place() -> None:
    """Everything but a session's own window is one place."""
    for session in (True, False):
        keys = [QKeySequence(k).toString() for c in AGENT if (c.when is When.SESSION) is session for k in c.keys]
        twice = {k for k in keys if keys.count(k) > 1}
        assert twice == set()


@pytest.mark.ux("UX-24")
def test_every_title_and_menu_has_korean() -> None:
    """The catalogue is whole."""
    korean = load_catalogues("ko").gettext
    missing = [c.title for c in AGENT if korean(c.title) == c.title]
    missing += [m.value for m in Menu if m.value and m is not Menu.APP and korean(m.value) == m.value]
    assert missing == []


def test_single_keys_are_those_that_type() -> None:
    """A letter, /, ?, Shift+E; not F6 or Ctrl+1."""
    assert all(is_single(key) for key in ("A", "/", "?", "Shift+E", "0", "+"))
    assert not any(is_single(key) for key in ("Ctrl+1", "F1", "F6", "Shift+F6", "F5", "Alt+Left", "F10"))


def test_a_command_runs_only_where_it_applies_and_is_remembered() -> None:
    """`when` guards; recent ones come first."""
    places: list[Place] = []
    registry = Registry(lambda: places)
    ran: list[str] = []
    registry.bind("ticket.solve", lambda: ran.append("solve"))
    registry.bind("palette.open", lambda: ran.append("palette"))
    assert not registry.run("ticket.solve")
    places.append(Place.TICKET)
    assert registry.run("ticket.solve")
    assert registry.run("palette.open")
    assert registry.recent() == ["palette.open", "ticket.solve"]
    assert ran == ["solve", "palette"]
    assert not registry.can_run("ticket.reply")
    with pytest.raises(KeyError):
        registry.bind("no.such", lambda: None)


def test_every_when_is_decided() -> None:
    """Each place answers."""
    assert applies(When.ALWAYS, ())
    assert applies(When.TICKET_OR_COMPOSER, {Place.COMPOSER})
    assert applies(When.COMPOSER_NOTE, {Place.COMPOSER, Place.NOTE})
    assert not applies(When.COMPOSER_NOTE, {Place.COMPOSER})
    assert not applies(When.LIST, {Place.TICKET})


@pytest.mark.parametrize(
    ("typed", "text", "found"),
    [
        ("ㄱㅈ", "결제", True), ("결", "결제 오류", True), ("제 오", "결제 오류", True), ("ㄱㅂ", "결제", False),
        ("send solve", "Send and solve", True), ("", "anything", True), ("xyz", "결제", False),
    ],
)  # fmt: skip
def test_choosers_find_parts_of_words_and_initial_consonants(typed: str, text: str, found: bool) -> None:
    """Words in any order."""
    assert matches(typed, text) is found


def test_the_page_of_shortcuts_is_up_to_date() -> None:
    """docs/shortcuts.md is generated: python -m tests.lint.generated_docs --update."""
    page = Path(__file__).resolve().parents[2] / "docs" / "shortcuts.md"
    assert page.read_text("utf-8") == shortcuts_page(load_catalogues("ko").gettext)
