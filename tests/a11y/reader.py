# SPDX-License-Identifier: GPL-3.0-or-later
"""A screen reader of the tests: dogtail on the distribution's Python, told by JSON lines what to find, read and press.

Run by `tests.a11y.stage` with /usr/bin/python3, for dogtail needs gi, which is there alone. Imports nothing of ours.
It looks again whenever a program tells of a change, and after a moment without one, for not every change is told.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

warnings.simplefilter("ignore")  # of gi, at each start

from dogtail.config import config  # type: ignore[import-not-found]  # noqa: E402  # of the distribution's Python

config.checkForA11y = False  # the switch of a desktop; the tests turn it on for their programs alone
config.logDebugToFile = config.logDebugToStdOut = False

from dogtail import tree  # type: ignore[import-not-found]  # noqa: E402  # as above; config comes first
from gi.repository import Atspi, GLib  # type: ignore[import-not-found]  # noqa: E402  # of the distribution's Python

_LOOK_MS, _LAG_S = 200, 45.0
_LINES = ("table cell", "list item")
_TOP = ("frame", "dialog", "window")
_CHANGES = (
    "object:state-changed",
    "object:children-changed",
    "object:property-change",
    "object:text-changed",
    "window",
)
_SAID, _FOCUS = "object:announcement", "object:state-changed:focused"


class Ears:
    """What programs tell by themselves: that something changed, and what is to be spoken."""

    def __init__(self) -> None:
        self.spoken: dict[int, list[str]] = defaultdict(list)
        self.focus: dict[int, Any] = {}
        self._changed = False
        self._context = GLib.MainContext.default()
        self._listener = Atspi.EventListener.new(self._hear)
        for kind in (*_CHANGES, _SAID):
            self._listener.register(kind)

    def _hear(self, event: Any) -> None:
        self._changed = True
        if event.type.startswith(_SAID):
            self.spoken[event.source.get_process_id()].append(str(event.any_data))
        elif event.type == _FOCUS and event.detail1:
            self.focus[event.source.get_process_id()] = event.source

    def listen(self) -> None:
        """Take in what was told meanwhile."""
        while self._context.iteration(False):
            pass

    def wait_for_change(self) -> None:
        """Return at the next change, or after a moment."""
        self._changed = False
        over: list[bool] = []
        timer = GLib.timeout_add(_LOOK_MS, lambda: over.append(True))
        while not self._changed and not over:
            self._context.iteration(True)
        if not over:
            GLib.source_remove(timer)
        self.listen()


def program(pid: int) -> Any:
    """The program of a process, or None while it is not on the bus."""
    for node in list(tree.root.children):
        try:
            if node.get_process_id() == pid:
                return node
        except Exception:  # noqa: BLE001, S112  # it left the bus meanwhile
            continue
    return None


def below(node: Any, states: Sequence[Any] = ()) -> list[Any]:
    """Everything below that shows and has these states, in reading order."""
    every, kinds = Atspi.CollectionMatchType.ALL, Atspi.StateSet.new([Atspi.StateType.SHOWING, *states])
    rule = Atspi.MatchRule.new(kinds, every, {}, every, [], every, [], every, False)
    return list(node.get_matches(rule, Atspi.CollectionSortOrder.CANONICAL, 0, True))


def shown(pid: int, states: Sequence[Any] = ()) -> Iterable[Any]:
    """Everything that a program shows, window by window, the newest first."""
    top = program(pid)
    windows = [top.get_child_at_index(place) for place in range(top.get_child_count())] if top is not None else []
    for window in reversed([w for w in windows if w is not None and w.showing]):
        if all(window.get_state_set().contains(state) for state in states):
            yield window
        yield from below(window, states)


def found(pid: int, role: str, name: str, states: Sequence[Any] = ()) -> Any:
    """The first thing that shows with this role, these states and a name that begins so, or None."""
    try:
        for node in shown(pid, states):
            if (not role or node.roleName == role) and (node.name or "").startswith(name):
                return node
    except Exception:  # noqa: BLE001  # windows come and go while they are read
        return None
    return None


def heard(pid: int) -> str:
    """The words that a program shows now, for whoever asks why something was not found."""
    try:
        words = (f"{node.roleName} {node.name!r}" for node in shown(pid) if node.name and node.roleName != "label")
        return " | ".join(words)[:4000]
    except Exception as error:  # noqa: BLE001  # it is gone
        return f"nothing: {error}"


def said(node: Any) -> dict[str, Any]:
    """What a reader says of something."""
    return {
        "role": node.roleName,
        "name": node.name or "",
        "text": _text(node),
        "description": node.description or "",
        "checked": bool(node.checked),
    }


def _text(node: Any) -> str:
    try:
        return str(node.text or "")
    except Exception:  # noqa: BLE001  # it has none
        return ""


class Orders:
    """What can be asked for. Each method is an order; `pid` names the program."""

    def __init__(self) -> None:
        self.ears = Ears()
        self._was: Any = None

    def wait(self, pid: int, role: str, name: str, usable: bool = False, chosen: bool = False) -> dict[str, Any]:
        """Wait until something shows, or can be used, or is the chosen one, and say it."""
        states = [Atspi.StateType.SENSITIVE] * usable + [Atspi.StateType.CHECKED] * chosen
        return said(self._node(pid, role, name, states))

    def gone(self, pid: int, role: str, name: str) -> dict[str, Any]:
        """Wait until something no longer shows."""
        self._awaited(lambda: found(pid, role, name) is None, f"end of {role} {name!r}")
        return {}

    def press(self, pid: int, role: str, name: str) -> dict[str, Any]:
        """Press a button, or choose one of several."""
        can = self._node(pid, role, name, (Atspi.StateType.SENSITIVE,)).actions
        can["Press" if "Press" in can else "Toggle"].do()
        return {}

    def focus(self, pid: int, role: str, name: str) -> dict[str, Any]:
        """Put the keyboard somewhere, and wait until it is there."""
        node = self._node(pid, role, name)
        node.grabFocus()
        self._awaited(lambda: node.focused or any(each.focused for each in below(node)), f"keyboard in {name!r}")
        return {}

    def write(self, pid: int, role: str, name: str, text: str) -> dict[str, Any]:
        """Fill a field."""
        node = self._node(pid, role, name)
        node.text = text
        return said(node)

    def focused(self, pid: int, name: str = "", words: str = "", elsewhere: bool = False) -> dict[str, Any]:
        """Wait until the keyboard is in something called so, with these words, or `elsewhere` than it was; say it.

        In a list that is the line on which it stands; the list's own name counts as well.
        """

        def look() -> Any:
            here = self._here(pid)
            names = [node.name or "" for node in here]
            fits = any(each.startswith(name) for each in names) and any(words in each for each in names)
            return (here[-1], said(here[-1])) if fits and not (elsewhere and here[-1] == self._was) else None

        try:
            self._was, answer = self._awaited(look, f"keyboard in {name or words!r}")
        except LookupError as error:
            raise LookupError(f"{error}: it is in {[said(node) for node in self._here(pid)]}") from None
        return dict(answer)

    def lines(self, pid: int, role: str, name: str) -> dict[str, Any]:
        """Read the lines of a list that show, as soon as there are some."""

        def look() -> list[str]:
            node = found(pid, role, name)
            return [each.name for each in below(node) if each.name] if node is not None else []

        return {"lines": self._awaited(look, f"lines of {name!r}")}

    def below(self, pid: int, role: str, name: str) -> dict[str, Any]:
        """Read everything in something."""
        return {"said": [said(each) for each in below(self._node(pid, role, name))]}

    def all(self, pid: int) -> dict[str, Any]:
        """Read everything that shows in a program."""
        return {"said": [said(each) for each in shown(pid)]}

    def spoken(self, pid: int, words: str) -> dict[str, Any]:
        """Wait until something with these words was announced, and say it."""

        def look() -> str:
            return next((text for text in self.ears.spoken[pid] if words in text), "")

        try:
            return {"text": self._awaited(look, f"announcement of {words!r}")}
        except LookupError as error:
            raise LookupError(f"{error}; announced: {self.ears.spoken[pid]}") from None

    def _node(self, pid: int, role: str, name: str, states: Sequence[Any] = ()) -> Any:
        return self._awaited(lambda: found(pid, role, name, states), f"{role} {name!r}")

    def _here(self, pid: int) -> list[Any]:
        """What has the keyboard: a widget, and in a list the line on which it stands."""
        try:
            found = list(shown(pid, (Atspi.StateType.FOCUSED,)))
            told = self.ears.focus.get(pid)
            if not found and told is not None and told.focused:
                return [told]  # in a window that opens over another, which Qt tells of but does not list
        except Exception:  # noqa: BLE001  # windows come and go while they are read
            return []
        # what hands the keyboard on to a part of it says that it has it, too: what has a name is meant, the inmost;
        # the line on which a list stands says so also while the keyboard is elsewhere
        every = [node for node in found if node.roleName not in _LINES]
        inside = [node for node in every if node.roleName not in _TOP]
        widgets = ([node for node in inside if node.name] or inside or every)[-1:]
        return widgets + [node for node in found if node.roleName in _LINES and node.get_parent() in widgets]

    def _awaited(self, look: Callable[[], Any], what: str) -> Any:
        end = time.monotonic() + _LAG_S
        while True:
            self.ears.listen()
            try:
                seen = look()
            except Exception:  # noqa: BLE001  # what was looked at went meanwhile
                seen = None
            if seen:
                return seen
            if time.monotonic() > end:
                raise LookupError(f"nothing like {what}")
            self.ears.wait_for_change()


def main() -> None:
    """Carry out orders until standard input ends."""
    orders = Orders()
    for line in sys.stdin:
        order = json.loads(line)
        what = order.pop("do")
        try:
            answer = {"done": what, **getattr(orders, what)(**order)}
        except Exception as error:  # noqa: BLE001  # whatever went wrong is the answer
            answer = {"error": f"{what} {order}: {type(error).__name__}: {error}; shown: {heard(order.get('pid', 0))}"}
        sys.stdout.write(json.dumps(answer, ensure_ascii=False) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
