# SPDX-License-Identifier: GPL-3.0-or-later
"""Where windows are that must not be seen, on X11: asked after each grab, and right for the moment of the grab.

The server reports every step of every window in order. What is asked after a grab therefore knows each place a window
has had since the time before, however often it moved: all of them are covered. Places of the last quarter of a second
are covered too, because a compositor shows windows a little later than the server counts them.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from Xlib import X
from Xlib.display import Display
from Xlib.error import XError
from Xlib.ext import screensaver

from app.domain.masking import Box, MaskRule, first_hit
from remote_assist.sights import Hit, Sight
from remote_assist.x11_windows import X_ERRORS, window_title

GROWN_PX: Final = 16
STALE_US: Final = 100_000
LAG_US: Final = 250_000
_DEEP: Final = 3  # a window manager puts a window into a frame, some into two
_SAVER_ON: Final = 1
_SAVER_EVERY_S: Final = 1.0  # also when nothing was reported
_NAMES_MAX: Final = 500


@dataclass(slots=True)
class _Top:
    """A child of the root window: a frame, or a window that nobody framed."""

    box: Box
    mapped: bool = False
    known: bool = False
    gone: bool = False
    ruled_us: int = 0  # when a rule was last seen to find it
    client: int = 0
    leader: int = 0
    title: str = ""
    program: str = ""
    trail: list[tuple[int, Box]] = field(default_factory=list)


class WindowWatch:
    """Windows of one display that rules or ids name. Any thread, one at a time by its lock."""

    def __init__(self, name: str) -> None:
        """Raises one of X_ERRORS."""
        self._lock = threading.Lock()
        self._display = Display(name)
        self._display.set_error_handler(lambda *_about: None)  # windows go while they are asked about
        self._root = self._display.screen().root
        self._rules: tuple[MaskRule, ...] = ()
        self._own: frozenset[int] = frozenset()
        self._known_names: dict[tuple[str, str], MaskRule | None] = {}
        self._tops: dict[int, _Top] = {}
        self._clients: dict[int, int] = {}
        self._looked_us = 0
        self._asleep = False
        self._saver_due = 0.0
        self._unknown = False  # something showed, and is gone before it could be asked for its name
        self._root.change_attributes(event_mask=X.SubstructureNotifyMask)
        self._has_saver = bool(self._display.has_extension(screensaver.extname))
        if self._has_saver:
            self._root.screensaver_select_input(screensaver.NotifyMask)
        for child in self._root.query_tree().children:
            self._add(child.id)

    def close(self) -> None:
        """Let go of the display. Idempotent."""
        with self._lock, contextlib.suppress(*X_ERRORS):
            self._display.close()

    def hide(self, rules: Sequence[MaskRule], own: Iterable[int]) -> None:
        """Cover windows that these rules find, and these ids (of the program itself)."""
        with self._lock:
            self._rules, self._own = tuple(rules), frozenset(own)
            self._known_names.clear()

    @property
    def wanted(self) -> bool:
        """Whether there is anything to look for."""
        return bool(self._rules or self._own)

    def look(self) -> Sight | None:
        """Return what was to cover at any moment since the last look; None: the server was too slow to be believed."""
        with self._lock:
            if not self.wanted:
                return Sight()
            began = _now_us()
            self._unknown = False
            try:
                self._read_events()
                sight = self._sight()
            except X_ERRORS:
                return None
            self._looked_us = _now_us()
            late = self._looked_us - began > STALE_US
            return None if late or self._unknown else sight

    def asleep(self) -> bool:
        """Tell whether the screen saver is on, with or without a lock."""
        with self._lock, contextlib.suppress(*X_ERRORS):
            if not self._has_saver:
                return False
            self._take_events()
            if time.monotonic() >= self._saver_due:
                self._saver_due = time.monotonic() + _SAVER_EVERY_S
                self._asleep = int(self._root.screensaver_query_info().state) == _SAVER_ON
            return self._asleep
        return False

    # --- what the server tells -------------------------------------------------------------------------------------

    def _read_events(self) -> None:
        self._display.sync()
        self._take_events()

    def _take_events(self) -> None:
        while self._display.pending_events():
            self._on_event(self._display.next_event())

    def _on_event(self, event: Any) -> None:
        if isinstance(event, screensaver.Notify):
            self._saver_due = 0.0
            return
        if event.type == X.PropertyNotify:
            top = self._tops.get(self._clients.get(event.window.id, event.window.id))
            if top is not None:
                top.known = False
            return
        window = getattr(event, "window", None)
        if window is None or getattr(event, "event", self._root).id != self._root.id:
            return
        if event.type == X.CreateNotify:
            self._add(window.id)
        elif event.type == X.DestroyNotify or (event.type == X.ReparentNotify and event.parent.id != self._root.id):
            self._gone(window.id)
        elif event.type == X.ReparentNotify:
            self._add(window.id)
        elif window.id in self._tops:
            self._changed(event, self._tops[window.id])

    def _changed(self, event: Any, top: _Top) -> None:
        if event.type == X.ConfigureNotify:
            wide = 2 * event.border_width
            self._leave(top)
            top.box = (event.x, event.y, event.width + wide, event.height + wide)
        elif event.type == X.MapNotify:
            top.mapped, top.known = True, False
        elif event.type == X.UnmapNotify:
            self._leave(top)
            top.mapped = False

    def _leave(self, top: _Top) -> None:
        """It was there until now: cover that a little longer."""
        if top.mapped and (not top.trail or top.trail[-1][1] != top.box):
            top.trail.append((_now_us(), top.box))

    def _add(self, window: int) -> None:
        resource = self._display.create_resource_object("window", window)
        try:
            size, attributes = resource.get_geometry(), resource.get_attributes()
        except XError:
            self._tops.pop(window, None)  # gone already
            return
        if attributes.win_class == X.InputOnly:
            return
        wide = 2 * size.border_width
        box = (size.x, size.y, size.width + wide, size.height + wide)
        self._tops[window] = _Top(box, attributes.map_state == X.IsViewable)

    def _gone(self, window: int) -> None:
        """A window that a rule found leaves its last place covered for a moment."""
        top = self._tops.get(window)
        if top is None:
            return
        self._unknown = self._unknown or (top.mapped and not top.known and not top.ruled_us)
        self._leave(top)
        top.mapped, top.gone, top.known = False, True, True

    # --- which of them ---------------------------------------------------------------------------------------------

    def _sight(self) -> Sight:
        now: list[Box] = []
        trail: list[Box] = []
        hits: list[Hit] = []
        at = _now_us()
        oldest = min(self._looked_us or at, at - LAG_US)
        for id_, top in list(self._tops.items()):
            top.trail = [(until, box) for until, box in top.trail if until >= oldest]
            if not top.mapped and not top.trail:
                if top.gone:
                    del self._tops[id_]
                continue
            if not top.known:
                self._name(id_, top)
            own = id_ in self._own or top.client in self._own
            rule = None if own else self._rule_of(top)
            if own or rule is not None:
                top.ruled_us = at
            elif top.ruled_us < oldest:
                continue
            trail += [_grown(box) for _until, box in (*top.trail, (at, top.box))]
            if top.mapped and (own or rule is not None):
                now.append(_grown(top.box))
                if rule is not None:
                    hits.append(Hit(frozenset({id_, top.client}), top.box, rule.pause))
        return Sight(tuple(now), tuple(trail), tuple(hits))

    def _rule_of(self, top: _Top) -> MaskRule | None:
        """A menu or question of a window falls under its rule."""
        rule = self._rule_for(top)
        leader = self._tops.get(self._clients.get(top.leader, top.leader)) if top.leader else None
        if rule is None and leader is not None and leader is not top:
            return self._rule_for(leader)
        return rule

    def _rule_for(self, top: _Top) -> MaskRule | None:
        name = (top.title, top.program)
        if name not in self._known_names:
            if len(self._known_names) > _NAMES_MAX:
                self._known_names.clear()
            self._known_names[name] = first_hit(self._rules, *name)
        return self._known_names[name]

    def _name(self, id_: int, top: _Top) -> None:
        """Ask what a window is called, and hear when that changes."""
        client = self._client(id_)
        top.client, top.known = client.id, True
        self._clients[client.id] = id_
        client.change_attributes(event_mask=X.PropertyChangeMask)
        try:
            top.title = window_title(self._display, client)
            names = client.get_wm_class()
            leader = client.get_wm_transient_for()
        except XError:
            self._unknown = self._unknown or not top.ruled_us
            return  # going: what it was called before still counts
        top.program = " ".join(names) if names else ""
        top.leader = leader.id if leader is not None else 0

    def _client(self, id_: int) -> Any:
        """Return the window inside a frame that has a name of its own; else the frame."""
        frame = self._display.create_resource_object("window", id_)
        level = [frame]
        for _depth in range(_DEEP):
            for window in level:
                with contextlib.suppress(XError):
                    if window.get_wm_class() or window.get_wm_name():
                        return window
            below = []
            for window in level:
                with contextlib.suppress(XError):
                    below += window.query_tree().children
            level = below
        return frame


def _grown(box: Box) -> Box:
    x, y, width, height = box
    return x - GROWN_PX, y - GROWN_PX, width + 2 * GROWN_PX, height + 2 * GROWN_PX


def _now_us() -> int:
    return time.perf_counter_ns() // 1000
