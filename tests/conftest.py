# SPDX-License-Identifier: GPL-3.0-or-later
"""How long tests wait for what must come: long enough for a machine that does something else for a while.

And what would cost every run a minute: garbage that is none, and tracebacks with pictures of every variable.
"""

from __future__ import annotations

import gc

import structlog
from pytestqt.qtbot import QtBot

PATIENCE_MS = 30_000

gc.disable()  # what is imported and collected stays to the end: looking for garbage in it again and again finds none

for _wait in (QtBot.waitSignal, QtBot.waitSignals, QtBot.waitUntil, QtBot.waitCallback, QtBot.waitExposed):
    _defaults = _wait.__kwdefaults__ or {}
    assert _defaults["timeout"] == 5000
    _defaults["timeout"] = PATIENCE_MS

for _processor in structlog.get_config()["processors"]:
    if isinstance(_processor, structlog.dev.ConsoleRenderer):  # by itself it draws them with rich: a second each
        _processor.exception_formatter = structlog.dev.plain_traceback


def pytest_collection_finish() -> None:
    """What is loaded now stays to the end: without this each full collection looks through all of it again."""
    gc.collect()
    gc.freeze()
    gc.enable()
