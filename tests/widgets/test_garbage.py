# SPDX-License-Identifier: GPL-3.0-or-later
"""Widgets are deleted in the GUI thread, whoever makes objects elsewhere."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QObject
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from app.desktop.garbage import GarbageCollector, collect_here


@pytest.fixture
def collector(qapp: QApplication) -> Iterator[GarbageCollector]:
    """A collector of its own, gone afterwards; Python's is as it was."""
    parent = QObject(qapp)
    collect_here(parent)
    collect_here(parent)
    (found,) = parent.findChildren(GarbageCollector)
    yield found
    found.setParent(None)
    gc.unfreeze()


def test_a_window_left_in_a_cycle_is_deleted_by_its_own_thread_only(qtbot: QtBot, collector: GarbageCollector) -> None:
    """Another thread makes very many objects meanwhile; the widget goes when the GUI thread collects."""
    threads: list[int] = []
    collector.collect()
    widget = QWidget()
    widget.me = widget  # type: ignore[attr-defined]  # a cycle, as callbacks make them
    gone = weakref.finalize(widget, lambda: threads.append(threading.get_ident()))
    del widget
    busy = threading.Thread(target=lambda: [[n] for n in range(200_000)])
    busy.start()
    busy.join()
    assert gone.alive
    for _turn in range(10):
        collector.collect()
    assert threads == [threading.get_ident()]
