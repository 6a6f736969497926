# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers to the two questions in words; colour never stands alone."""

from __future__ import annotations

from collections.abc import Mapping

from app.config.i18n import _
from app.domain.surveys import Answered

__all__ = ["answer_lines", "survey_line"]


def answer_lines(answered: Answered) -> list[tuple[str, str, str]]:
    """Return (words, tone, icon) of each question that was answered."""
    return _lines(answered.solved, answered.treated_well)


def survey_line(data: Mapping[str, object], who: str) -> tuple[str, str, bool]:
    """Return words, icon and weight of the history line; a "no" must not be missed."""
    solved, well = data.get("solved"), data.get("treated_well")
    lines = _lines(*(each if isinstance(each, bool) else None for each in (solved, well)))
    text = _("{who} answered: {answers}").format(who=who, answers=", ".join(words for words, _tone, _icon in lines))
    comment = str(data.get("comment") or "")
    if comment:
        text = f"{text} “{comment}”"
    bad = False in (solved, well)
    return text, "circle-alert" if bad else "circle-check", bad


def _lines(solved: bool | None, well: bool | None) -> list[tuple[str, str, str]]:
    out = []
    if solved is not None:
        words = _("The problem is solved") if solved else _("The problem is not solved")
        out.append((words, "success" if solved else "danger", "circle-check" if solved else "circle-alert"))
    if well is not None:
        words = _("Was treated well") if well else _("Was not treated well")
        out.append((words, "success" if well else "danger", "circle-check" if well else "circle-alert"))
    return out
