# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent's hands at the customer's computer: each deed is checked against the desktop, done in order, and let go.

One thread; the time is handed in.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Protocol

from app.domain.control import ALT, CONTROL, MODIFIERS, SUPER, Deed, Key, MoveTo, Press, Text, Wheel
from app.domain.masking import Box, inside
from remote_assist.control_rules import OWN_MS, forbidden, of_the_desktop

__all__ = ["Backend", "Done", "Hands", "NoInput", "Sharing"]

WAITING_MAX: Final = 256
_AT_ONCE: Final = 8  # the window has to hear Stop in between, whatever an agent sends
KEY_HOLD_MS: Final = (
    400  # shorter than the wait before a key repeats: a cut line must not write "aaaa" or delete a page
)
_SHORTCUT: Final = CONTROL | ALT | SUPER


class NoInput(Exception):
    """Nothing can be injected here. The text says why, for logs."""


class Done(StrEnum):
    """What became of a deed."""

    DONE = "done"
    OWN = "own"  # the customer's own hands were there
    COMPANION = "companion"
    OUTSIDE = "outside"
    HIDDEN = "hidden"  # the customer keeps it back
    FORBIDDEN = "forbidden"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Sharing:
    """What is shared: where the session child says it is, in pixels of the desktop, and which window, if it is one.

    `target` is the id of what the customer chose, by which the desktop is asked where it really is. `region` and
    `hidden`, the parts that are kept back, count from its corner.
    """

    rect: Box
    window: int | None = None
    target: str = ""
    region: Box | None = None
    hidden: tuple[Box, ...] = ()


@dataclass(frozen=True, slots=True)
class Ground:
    """Where deeds may take effect, as the desktop says now: what is shared, and what is kept back of it."""

    rect: Box
    hidden: tuple[Box, ...] = ()


@dataclass(frozen=True, slots=True)
class Spot:
    """Windows at a place or with the keyboard, one in another; `rect` is that of the outermost with the keyboard."""

    windows: frozenset[int] = field(default_factory=frozenset)
    rect: Box = (0, 0, 0, 0)


class Backend(Protocol):
    """The desktop. Calls return at once; each may raise NoInput when it is gone."""

    def place(self) -> tuple[int, int]:
        """Return where the mouse is."""
        ...

    def customer_acted(self) -> bool:
        """Tell whether a device of the customer moved, pressed or turned anything since the last call."""
        ...

    def modifiers(self) -> frozenset[int]:
        """Return the modifiers that are down, whoever holds them."""
        ...

    def at(self, x: int, y: int) -> Spot:
        """Return the window at a place."""
        ...

    def focus(self) -> Spot:
        """Return the window that has the keyboard."""
        ...

    def tops(self, windows: frozenset[int]) -> frozenset[int]:
        """Return the outermost windows in which these are."""
        ...

    def owners(self, windows: frozenset[int]) -> frozenset[int]:
        """Return the windows whose dialogs or menus these are."""
        ...

    def where(self, target: str) -> Box | None:
        """Return where a screen or window that can be shared is, by its id; None when it is gone or does not show."""
        ...

    def desktop(self) -> Box:
        """Return the whole desktop, all screens of it."""
        ...

    def keyboard_taken(self) -> bool:
        """Tell whether a program has all keys, whichever window has the keyboard: a menu, a password question."""
        ...

    def goes_elsewhere(self, code: int, char: str) -> bool:
        """Tell whether a program waits for this key as it would be pressed now, whoever has the keyboard.

        Code 0: for the character as `char` would write it.
        """
        ...

    def means(self, code: int, char: str) -> frozenset[tuple[int, str]]:
        """Return what else this key is on this keyboard: other places, and characters that it writes."""
        ...

    def move(self, x: int, y: int) -> None:
        """Put the mouse there."""
        ...

    def button(self, button: int, *, down: bool) -> None:
        """Press a button of the mouse, or let it go."""
        ...

    def scroll(self, dx: int, dy: int) -> None:
        """Turn the wheel."""
        ...

    def key(self, code: int, char: str, *, down: bool) -> bool:
        """Press a key or let it go; False when this keyboard has no such key."""
        ...

    def char(self, char: str, now_ms: int) -> bool | None:
        """Write one character; None when it has to wait a moment, False when it is impossible."""
        ...

    def close(self) -> None:
        """Leave the desktop as it was."""
        ...


class Hands:
    """`own_windows` returns the Companion's windows, `barred` whether one of its questions is open."""

    def __init__(
        self,
        backend: Backend,
        own_windows: Callable[[], frozenset[int]],
        barred: Callable[[], bool] = lambda: False,
        counts: Counter[str] | None = None,
    ) -> None:
        """`counts` is what is counted on, by name: what was done, and what was not for which reason."""
        self._backend = backend
        self._own_windows = own_windows
        self._barred = barred
        self._buttons: set[int] = set()
        self._keys: dict[int, int | None] = {}
        self._waiting: deque[Deed] = deque()
        self._sharing = Sharing((0, 0, 0, 0))  # the newest; what waits is judged by it, not by that of its arrival
        self._left_at: tuple[int, int] | None = None
        self._quiet_until: int | None = None
        self.counts: Counter[str] = Counter() if counts is None else counts

    @property
    def held(self) -> bool:
        """Whether anything is held down."""
        return bool(self._buttons or self._keys)

    @property
    def kept_out(self) -> bool:
        """Whether the customer's own hands keep the agent's away now."""
        return self._quiet_until is not None

    @property
    def waits(self) -> bool:
        """Whether `pump` has something to do soon."""
        return bool(self._waiting) or any(until is not None for until in self._keys.values())

    def share(self, sharing: Sharing) -> None:
        """From now on this is shared, and this hidden of it: also for all that waits."""
        self._sharing = sharing

    def do(self, deed: Deed, sharing: Sharing, now_ms: int) -> Done:
        """Carry out a deed, or put it behind those that wait, for `pump`. Returns what became of the last one."""
        self.share(sharing)
        parts: list[Deed] = [Text(char) for char in deed.text] if isinstance(deed, Text) else [deed]
        if len(self._waiting) + len(parts) > WAITING_MAX and not _lets_go(deed):
            return Done.FAILED
        busy = bool(self._waiting)
        self._waiting += parts
        return Done.DONE if busy else self.pump(now_ms)

    def pump(self, now_ms: int) -> Done:
        """Go on with what waits, and let go of keys that were held long enough."""
        for code in [code for code, until in self._keys.items() if until is not None and now_ms >= until]:
            self._key_up(code)
        done = Done.DONE
        for _ in range(min(len(self._waiting), _AT_ONCE)):
            if not self._waiting:
                break
            deed = self._waiting[0]
            found = self._try(deed, self._sharing, now_ms)
            if found is None:
                break
            if self._waiting:  # the customer's own hands empty it
                self._waiting.popleft()
            done = found
            self.counts[_name(deed) if found is Done.DONE else found.value] += 1
        return done

    def watch(self, now_ms: int) -> None:
        """Look whether the customer does something, also while the agent does nothing."""
        self._customer_is_there(now_ms)

    def let_go(self) -> None:
        """Release everything held and forget what waits."""
        self._waiting.clear()
        for button in sorted(self._buttons):
            self._backend.button(button, down=False)
        self._buttons.clear()
        for code in sorted(self._keys, key=lambda code: code in MODIFIERS):
            self._backend.key(code, "", down=False)
        self._keys.clear()

    def close(self) -> None:
        """Let go and leave the desktop as it was."""
        self.let_go()
        self._backend.close()

    # --- inside ----------------------------------------------------------------------------------------------------

    def _try(self, deed: Deed, sharing: Sharing, now_ms: int) -> Done | None:
        if _lets_go(deed):
            return self._release(deed)
        if self._customer_is_there(now_ms):
            return Done.OWN
        if isinstance(deed, Key | Text):
            return self._type(deed, sharing, now_ms)
        return self._point(deed, sharing)

    def _customer_is_there(self, now_ms: int) -> bool:
        """The customer wins: whatever is held is let go, and nothing more happens for two seconds."""
        moved = self._left_at is not None and self._backend.place() != self._left_at
        if self._backend.customer_acted() or moved:
            self._quiet_until = now_ms + OWN_MS
            self._left_at = None
            self.let_go()
        if self._quiet_until is not None and now_ms >= self._quiet_until:
            self._quiet_until = None
        return self._quiet_until is not None

    def _point(self, deed: Deed, sharing: Sharing) -> Done:
        assert isinstance(deed, MoveTo | Press | Wheel)  # noqa: S101  # the only ones with a place
        spot, at = self._backend.at(deed.x, deed.y), (deed.x, deed.y)
        if self._is_own(spot):
            return Done.COMPANION
        ground = self._ground(sharing)
        if ground is None or not inside(at, ground.rect):
            return Done.OUTSIDE
        if any(inside(at, box) for box in ground.hidden):
            return Done.HIDDEN
        if sharing.window is not None and not isinstance(deed, MoveTo) and not self._is_in(sharing.window, spot):
            return Done.OUTSIDE
        self._backend.move(deed.x, deed.y)
        self._left_at = self._backend.place()
        if isinstance(deed, Press):
            self._buttons.add(deed.button)
            self._backend.button(deed.button, down=True)
        elif isinstance(deed, Wheel):
            self._backend.scroll(deed.dx, deed.dy)
        return Done.DONE

    def _type(self, deed: Key | Text, sharing: Sharing, now_ms: int) -> Done | None:
        spot = self._backend.focus()
        if self._barred() or self._is_own(spot):
            return Done.COMPANION
        ground = self._ground(sharing)
        if ground is None or not self._shows(spot, sharing, ground):
            return Done.OUTSIDE
        if any(_meet(spot.rect, box) for box in ground.hidden):
            return Done.HIDDEN
        part = not self._all_shared(ground)
        if part and self._backend.keyboard_taken():
            return Done.OUTSIDE
        down = self._backend.modifiers() | self._keys.keys()
        shortcut = bool(_SHORTCUT & down)
        if isinstance(deed, Key):
            meanings = self._backend.means(deed.code, deed.char) | {(deed.code, deed.char)}
            if any(forbidden(*key, down) or (part and of_the_desktop(*key, down)) for key in meanings):
                return Done.FORBIDDEN
        elif shortcut:
            return Done.FORBIDDEN  # characters written while a shortcut is held could make another one
        pressed = deed if isinstance(deed, Key) and (not deed.char or shortcut) else None
        char = deed.char if isinstance(deed, Key) else deed.text
        if part and self._backend.goes_elsewhere(0 if pressed is None else pressed.code, char):
            return Done.OUTSIDE
        if pressed is not None:
            return self._key_down(pressed, now_ms)
        wrote = self._backend.char(char, now_ms)
        return None if wrote is None else Done.DONE if wrote else Done.FAILED

    def _ground(self, sharing: Sharing) -> Ground | None:
        """Ask the desktop where it is: the child could name another place, and what is hidden would be elsewhere."""
        if not sharing.target:
            return Ground(sharing.rect)
        real = self._backend.where(sharing.target)
        if real is None:
            return None
        rect = real if sharing.region is None else _common(_moved(sharing.region, real), real)
        return Ground(rect, tuple(_moved(box, real) for box in sharing.hidden))

    def _shows(self, spot: Spot, sharing: Sharing, ground: Ground) -> bool:
        """Tell whether what is typed shows in what is shared. A region has all of the window with the keyboard."""
        if sharing.window is not None and not self._is_in(sharing.window, spot):
            return False
        if sharing.region is not None:
            return bool(spot.windows) and spot.rect[2] > 0 and _common(spot.rect, ground.rect) == spot.rect
        return sharing.window is not None or _is_inside(spot, ground.rect)

    def _all_shared(self, ground: Ground) -> bool:
        """Whether the agent sees the whole desktop, so that whoever takes the keys does it before its eyes."""
        desktop = self._backend.desktop()
        return not ground.hidden and _common(desktop, ground.rect) == desktop

    def _is_own(self, spot: Spot) -> bool:
        own = self._own_windows()
        return bool(own and spot.windows & (own | self._backend.tops(own)))

    def _is_in(self, window: int, spot: Spot) -> bool:
        """Tell whether these belong to the shared window, as its frame, its inside, or a dialog or menu of it."""
        wanted = frozenset({window}) | self._backend.tops(frozenset({window}))
        return bool(spot.windows & wanted or self._backend.owners(spot.windows) & wanted)

    def _key_down(self, deed: Key, now_ms: int) -> Done:
        if deed.code in self._keys:
            self._key_up(deed.code)
        if not self._backend.key(deed.code, deed.char, down=True):
            return Done.FAILED
        self._keys[deed.code] = None if deed.code in MODIFIERS else now_ms + KEY_HOLD_MS
        return Done.DONE

    def _key_up(self, code: int) -> None:
        del self._keys[code]
        self._backend.key(code, "", down=False)

    def _release(self, deed: Deed) -> Done:
        """Always allowed: letting go harms nobody. What is not held needs nothing."""
        if isinstance(deed, Press) and deed.button in self._buttons:
            self._buttons.discard(deed.button)
            self._backend.button(deed.button, down=False)
        elif isinstance(deed, Key) and deed.code in self._keys:
            self._key_up(deed.code)
        return Done.DONE


def _lets_go(deed: Deed) -> bool:
    return isinstance(deed, Press | Key) and not deed.down


def _is_inside(spot: Spot, screen: Box) -> bool:
    """Tell whether what is typed shows on a screen: the middle of the window with the keyboard is on it."""
    left, top, width, height = spot.rect
    return bool(spot.windows) and inside((left + width // 2, top + height // 2), screen)


def _moved(box: Box, to: Box) -> Box:
    return box[0] + to[0], box[1] + to[1], box[2], box[3]


def _common(one: Box, other: Box) -> Box:
    left, top = max(one[0], other[0]), max(one[1], other[1])
    right, bottom = min(one[0] + one[2], other[0] + other[2]), min(one[1] + one[3], other[1] + other[3])
    return left, top, max(0, right - left), max(0, bottom - top)


def _meet(one: Box, other: Box) -> bool:
    return min(_common(one, other)[2:]) > 0


def _name(deed: Deed) -> str:
    match deed:
        case MoveTo():
            return "moves"
        case Press(down=True):
            return "presses"
        case Wheel():
            return "turns"
        case Key(down=True) | Text():
            return "keys"
    return "releases"
