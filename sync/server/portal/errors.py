# SPDX-License-Identifier: GPL-3.0-or-later
"""Refusals that only pages tell: no program speaks with the portal, so the protocol has none of these words."""

from __future__ import annotations

from sync.server.problems import ProblemError

__all__ = ["PageError"]


class PageError(ProblemError):
    """Answer with a page; `code` names its words: foreign, given, limit, many_refused, no_files, slow_line."""
