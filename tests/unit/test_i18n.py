# SPDX-License-Identifier: GPL-3.0-or-later
"""Languages: texts switch while the program runs, and all areas' catalogues act as one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polib
import pytest

from app.config import i18n
from app.config.i18n import N_, _, load_catalogues, ngettext, set_language, system_language


@pytest.fixture(autouse=True)
def _english_afterwards() -> Iterator[None]:
    before = i18n.language()
    yield
    set_language(before)


def _catalogue(folder: Path, area: str, texts: dict[str, str]) -> None:
    po = polib.POFile()
    po.metadata = {"Content-Type": "text/plain; charset=UTF-8", "Plural-Forms": "nplurals=1; plural=0;"}
    po.extend(polib.POEntry(msgid=key, msgstr=value) for key, value in texts.items())
    po.append(polib.POEntry(msgid="{n} duck", msgid_plural="{n} ducks", msgstr_plural={0: "오리 {n}마리"}))
    folder.mkdir(parents=True, exist_ok=True)
    po.save_as_mofile(str(folder / f"{area}.mo"))


def test_catalogues_of_all_areas_are_read_as_one(tmp_path: Path) -> None:
    """A text is found whichever area translates it; an unknown one stays English."""
    _catalogue(tmp_path / "ko" / "LC_MESSAGES", "first", {"Duck": "오리"})
    _catalogue(tmp_path / "ko" / "LC_MESSAGES", "second", {"Goose": "거위"})
    merged = load_catalogues("ko", tmp_path)
    assert [merged.gettext(text) for text in ("Duck", "Goose", "Swan")] == ["오리", "거위", "Swan"]
    assert merged.ngettext("{n} duck", "{n} ducks", 2) == "오리 {n}마리"


def test_a_program_without_catalogues_speaks_english(tmp_path: Path) -> None:
    """A damaged installation is still readable."""
    assert load_catalogues("ko", tmp_path).gettext("Duck") == "Duck"


def test_system_language_follows_the_desktop(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Korean desktop gets Korean, every other English."""
    for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "ko_KR.UTF-8")
    assert system_language() == "ko"
    assert set_language("system") == "ko"
    monkeypatch.setenv("LANG", "de_DE.UTF-8")
    assert set_language("system") == "en"


def test_english_is_what_the_source_says() -> None:
    """English needs no catalogue, and counts are right without one."""
    set_language("en")
    assert (_(N_("Duck")), _("")) == ("Duck", "")
    assert [ngettext("{n} duck", "{n} ducks", n).format(n=n) for n in (1, 2)] == ["1 duck", "2 ducks"]
