# SPDX-License-Identifier: GPL-3.0-or-later
"""The phrase grammar: product areas with their problems and remedies, and the sentences around them."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

PROBLEMS_PER_AREA = 40
# a wish or a question rather than something broken: no error code, nothing tried before
_ASKS = re.compile(
    r"(싶습니다|궁금합니다|있을까요|있나요|되나요|가능한가요|필요합니다|모르겠습니다|주세요|주소가 바뀌었|잊었|잊어버)"
)
Bank = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Remedy:
    """What the agent asks, what the customer finds, what helps, and what the agent notes for colleagues."""

    question: str
    answer: str
    fix: str
    note: str


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem in the languages it exists in."""

    remedy: str
    subject: Mapping[str, str]
    detail: Mapping[str, str]
    fix: Mapping[str, str]  # where the remedy's advice is too general
    asks: bool  # a question or wish, nothing is broken


@dataclass(frozen=True, slots=True)
class Area:
    """A product area. `kind` is device, software or service; `team` the index of the team that answers."""

    key: str
    code: str
    kind: str
    team: int
    brand: str
    models: tuple[str, ...]
    noun: Mapping[str, str]
    verword: Mapping[str, str]
    versions: tuple[str, ...]
    log: str
    problems: tuple[Problem, ...]
    remedies: Mapping[str, Mapping[str, Remedy]]  # name -> language -> remedy
    in_language: Mapping[str, tuple[int, ...]]  # language -> problems that exist in it

    def remedy(self, problem: Problem, language: str) -> Remedy:
        """Return the remedy of a problem in a language."""
        by_language = self.remedies[problem.remedy if language in {"ko", "en"} else language]
        return by_language[language]


@dataclass(frozen=True, slots=True)
class Grammar:
    """Everything the texts are made of."""

    areas: tuple[Area, ...]
    banks: Mapping[str, Bank]  # language -> key -> sentences


def _problems(data: dict[str, Any]) -> tuple[Problem, ...]:
    found = []
    for number, (remedy, ko, ko_detail, en, en_detail, *fix) in enumerate(data["problems"]):
        subject, detail = {"ko": ko, "en": en}, {"ko": ko_detail, "en": en_detail}
        for language, extra in data["extra"].items():
            for index, text, more in extra["problems"]:
                if index == number:
                    subject[language], detail[language] = text, more
        own = dict(zip(("ko", "en"), fix, strict=False))
        found.append(Problem(remedy, subject, detail, own, _ASKS.search(ko) is not None))
    return tuple(found)


def _remedies(data: dict[str, Any]) -> dict[str, dict[str, Remedy]]:
    found = {
        name: {
            language: Remedy(r[f"q_{language}"], r[f"a_{language}"], r[f"fix_{language}"], r["note_ko"])
            for language in ("ko", "en")
        }
        for name, r in data["remedies"].items()
    }
    for language, r in data["extra"].items():
        found[language] = {language: Remedy(r["q"], r["a"], r["fix"], "")}
    return found


def _area(data: dict[str, Any]) -> Area:
    problems = _problems(data)
    return Area(
        data["key"], data["code"], data["kind"], data["team"], data["brand"], tuple(data["models"]), data["noun"],
        data["verword"], tuple(data["versions"]), data["log"], problems, _remedies(data),
        {lang: tuple(i for i, p in enumerate(problems) if lang in p.subject) for lang in ("ko", "en", "ja", "zh")},
    )  # fmt: skip


def _bank(data: dict[str, Any]) -> Bank:
    return {key: (value,) if isinstance(value, str) else tuple(value) for key, value in data.items()}


def load_grammar() -> Grammar:
    """Read the grammar from the resources. Some tens of milliseconds."""
    root = files("resources") / "sample_data"
    paths = sorted((p for p in (root / "areas").iterdir() if p.name.endswith(".toml")), key=lambda p: p.name)
    areas = tuple(_area(tomllib.loads(p.read_text("utf-8"))) for p in paths)
    banks = {
        language: _bank(tomllib.loads((root / f"common_{language}.toml").read_text("utf-8")))
        for language in ("ko", "en", "ja", "zh")
    }
    return Grammar(areas, banks)
