# SPDX-License-Identifier: GPL-3.0-or-later
"""What a report of a fault holds: where in our own code it happened, and versions. No texts of tickets, no names."""

from __future__ import annotations

import traceback
from collections.abc import Iterable
from pathlib import PurePath
from types import TracebackType
from urllib.parse import quote

__all__ = ["fault_key", "mail_link", "report_text", "trace_of"]

_TAIL = 40  # frames
_MAIL_CHARS = 6_000  # what mail programs take as a link


def trace_of(kind: type[BaseException], trace: TracebackType | None) -> list[str]:
    """Return type and places of an exception. Its message stays out: it may quote what a customer wrote."""
    frames = traceback.extract_tb(trace)[-_TAIL:]
    return [*(f"{_place(f.filename)}:{f.lineno} in {f.name}" for f in frames), f"{kind.__module__}.{kind.__qualname__}"]


def fault_key(trace: Iterable[str]) -> str:
    """Return what tells two faults apart: the type and the place where it was raised."""
    return "\n".join(list(trace)[-2:])


def report_text(when: str, trace: Iterable[str], versions: Iterable[str], added: str = "") -> str:
    """Return the whole report, exactly as it is shown, saved and sent. `added` is what the person wrote into it."""
    parts = [f"Deskside, {when}", "", *trace, "", *versions]
    if added.strip():
        parts += ["", "Added by hand:", added.strip()]
    return "\n".join(parts) + "\n"


def mail_link(address: str, text: str) -> str:
    """Return a link that opens the person's mail program with the report in it; nothing is sent by us."""
    return (
        f"mailto:{quote(address, safe='@')}?subject={quote('Deskside report')}&body={quote(text[: _MAIL_CHARS // 3])}"
    )


def _place(path: str) -> str:
    """Return a path below our own packages, or the file's name: a full one holds the name of the person."""
    parts = PurePath(path).parts
    for root in ("app", "widgets", "sync", "remote_assist", "site-packages"):
        if root in parts:
            place = len(parts) - 1 - parts[::-1].index(root)
            return "/".join(parts[place:])
    return parts[-1] if parts else ""
