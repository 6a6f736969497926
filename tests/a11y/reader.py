# SPDX-License-Identifier: GPL-3.0-or-later
"""A screen reader of the tests: dogtail on the distribution's Python, told by JSON lines what to find, read and press.

Run by `tests.a11y.stage` with /usr/bin/python3, for dogtail needs gi, which is there alone. Imports nothing of ours.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from dogtail.config import config  # type: ignore[import-not-found]  # of the distribution's Python

config.checkForA11y = False  # the switch of a desktop; the tests turn it on for their programs alone
config.logDebugToFile = config.logDebugToStdOut = False

from dogtail import rawinput, tree  # type: ignore[import-not-found]  # noqa: E402  # as above; config comes first

_LOOK_S, _LAG_S = 0.1, 45.0
_MANY = 60  # a table with more lines is read by place, as screen readers do


def program(pid: int) -> Any:
    """The program of a process, or None while it is not on the bus."""
    for node in list(tree.root.children):
        try:
            if node.get_process_id() == pid:
                return node
        except Exception:  # noqa: BLE001, S112  # it left the bus meanwhile
            continue
    return None


def walk(node: Any) -> Iterator[Any]:
    """Everything below that shows, in reading order."""
    count = node.get_child_count()
    for place in range(min(count, _MANY)):
        child = node.get_child_at_index(place)
        if child is None:
            continue
        # a window is listed before it has been mapped
        if child.showing or child.roleName in ("frame", "dialog", "window", "filler", "panel"):
            yield child
            yield from walk(child)


def found(pid: int, role: str, name: str) -> Any:
    """The first thing that shows with this role and a name that begins so, or None."""
    top = program(pid)
    if top is None:
        return None
    try:
        for node in walk(top):
            if (not role or node.roleName == role) and node.showing and (node.name or "").startswith(name):
                return node
    except Exception:  # noqa: BLE001  # windows come and go while they are read
        return None
    return None


_PAUSE = threading.Event()  # this file runs on the distribution's Python, alone: nothing of ours is there to wait with


def awaited(look: Callable[[], Any], what: str, seconds: float) -> Any:
    """Look until there is something."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        seen = look()
        if seen:
            return seen
        _PAUSE.wait(_LOOK_S)
    raise LookupError(f"nothing like {what}")


def heard(pid: int) -> str:
    """The words that a program shows now, for whoever asks why something was not found."""
    try:
        top = program(pid)
        return " | ".join(node.name for node in walk(top) if node.name and node.roleName != "table cell")[-2500:]
    except Exception as error:  # noqa: BLE001  # it is gone
        return f"nothing: {error}"


def said(node: Any) -> dict[str, Any]:
    """What a reader says of something."""
    return {"role": node.roleName, "name": node.name or "", "text": _text(node), "focused": bool(node.focused)}


def _text(node: Any) -> str:
    try:
        return str(node.text or "")
    except Exception:  # noqa: BLE001  # it has none
        return ""


class Orders:
    """What can be asked for. Each method is an order; `pid` names the program."""

    def wait(self, pid: int, role: str = "", name: str = "", seconds: float = _LAG_S) -> dict[str, Any]:
        """Wait until something shows, and say it."""
        return said(awaited(lambda: found(pid, role, name), f"{role} {name!r}", seconds))

    def wait_enabled(self, pid: int, role: str, name: str, seconds: float = _LAG_S) -> dict[str, Any]:
        """Wait until something can be used."""

        def look() -> Any:
            node = found(pid, role, name)
            return node if node is not None and node.sensitive else None

        return said(awaited(look, f"enabled {role} {name!r}", seconds))

    def gone(self, pid: int, role: str, name: str, seconds: float = _LAG_S) -> dict[str, Any]:
        """Wait until something no longer shows."""
        awaited(lambda: found(pid, role, name) is None, f"end of {role} {name!r}", seconds)
        return {}

    def press(self, pid: int, role: str, name: str, seconds: float = _LAG_S) -> dict[str, Any]:
        """Press a button, or choose one of several."""
        node = awaited(lambda: found(pid, role, name), f"{role} {name!r}", seconds)
        can = node.actions
        can["Press" if "Press" in can else "Toggle"].do()
        return {}

    def focus(self, pid: int, role: str, name: str) -> dict[str, Any]:
        """Put the keyboard somewhere."""
        awaited(lambda: found(pid, role, name), f"{role} {name!r}", _LAG_S).grabFocus()
        return {}

    def write(self, pid: int, role: str, name: str, text: str) -> dict[str, Any]:
        """Fill a field."""
        node = awaited(lambda: found(pid, role, name), f"{role} {name!r}", _LAG_S)
        node.text = text
        return said(node)

    def focused(self, pid: int) -> dict[str, Any]:
        """Say where the keyboard is; nothing when it is nowhere here."""
        top = program(pid)
        here = [node for node in (walk(top) if top is not None else ()) if node.focused and node.roleName != "frame"]
        # the cell on which a table stands says so also while the keyboard is elsewhere
        here.sort(key=lambda node: node.roleName == "table cell")
        return said(here[0]) if here else {"role": "", "name": "", "text": "", "focused": False}

    def key(self, keys: str) -> dict[str, Any]:
        """Press keys, as `Down` or `<Control>Return`, where the keyboard is."""
        rawinput.keyCombo(keys)
        return {}

    def lines(self, pid: int, role: str, name: str) -> dict[str, Any]:
        """Read the first lines of a list or table."""
        node = awaited(lambda: found(pid, role, name), f"{role} {name!r}", _LAG_S)
        names = [node.get_child_at_index(i).name for i in range(min(node.get_child_count(), _MANY))]
        return {"lines": names, "count": node.get_child_count()}

    def below(self, pid: int, role: str, name: str) -> dict[str, Any]:
        """Read everything in something."""
        node = awaited(lambda: found(pid, role, name), f"{role} {name!r}", _LAG_S)
        return {"said": [said(each) for each in walk(node)]}

    def all(self, pid: int) -> dict[str, Any]:
        """Read everything that shows in a program."""
        top = program(pid)
        return {"said": [said(each) for each in walk(top)] if top is not None else []}


def main() -> None:
    """Carry out orders until standard input ends."""
    orders = Orders()
    for line in sys.stdin:
        order = json.loads(line)
        what = order.pop("do")
        try:
            answer = {"done": what, **getattr(orders, what)(**order)}
        except Exception as error:  # noqa: BLE001  # whatever went wrong is the answer
            answer = {"error": f"{what} {order}: {type(error).__name__}: {error}; heard {heard(order.get('pid', 0))}"}
        sys.stdout.write(json.dumps(answer, ensure_ascii=False) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
