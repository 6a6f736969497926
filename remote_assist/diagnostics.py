# SPDX-License-Identifier: GPL-3.0-or-later
"""A bundle of diagnostics: what it holds, what the customer strikes from it, and the exact bytes that may leave. Pure.

The customer reads a `Draft`; `confirm` takes the very bytes that were on the screen and gives them back as `Confirmed`,
the only thing that `messages` sends. At the other end a `Collected` grows from chunks and is read strictly.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Annotated, Any, Final

import msgspec

from app.domain.attachments import shows
from remote_assist import bulk
from remote_assist.bulk import MAX_DATA_BYTES, Chunk
from remote_assist.messages import Malformed

__all__ = [
    "MAX_BUNDLE_BYTES",
    "MAX_ITEMS",
    "MAX_KEY",
    "MAX_TEXT",
    "Bundle",
    "Collected",
    "Confirmed",
    "Draft",
    "Item",
    "NotShown",
    "Section",
    "State",
    "Value",
    "built",
    "bundle_bytes",
    "fitted",
    "messages",
    "read_bundle",
    "unseen",
]

MAX_BUNDLE_BYTES: Final = 2 << 20
MAX_ITEMS: Final = 500  # of one section
MAX_TEXT: Final = 500  # characters of one value
MAX_KEY: Final = 200
_MAX_SECTIONS: Final = 32
_MARGIN: Final = 4096  # striking may add a few bytes, never make a bundle too large
_VERSION: Final = 1

Value = str | int | float | bool | None
_Text = Annotated[str, msgspec.Meta(max_length=MAX_TEXT)]
_Key = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_KEY)]
_Word = Annotated[str, msgspec.Meta(min_length=1, max_length=40, pattern="^[a-z0-9_]+$")]
_Count = Annotated[int, msgspec.Meta(ge=0, le=MAX_ITEMS)]


class State(StrEnum):
    """How a section came about."""

    OK = "ok"
    TIMEOUT = "timeout"  # what was found until then is there
    FAILED = "failed"
    ABSENT = "absent"  # this computer has no such thing
    STRUCK = "struck"  # the customer keeps all of it back


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pass


class Item(_Strict, frozen=True):
    """One line. The key is a word of ours, and behind a colon what it is about: `disk.free_gb:/home`."""

    key: _Key
    value: _Text | int | float | bool | None


class Section(_Strict, frozen=True):
    """The lines of one collector. `struck` counts those that the customer keeps back; `cut` says that some are left
    out for want of room.
    """

    name: _Word
    state: State
    items: Annotated[tuple[Item, ...], msgspec.Meta(max_length=MAX_ITEMS)] = ()
    struck: _Count = 0
    cut: bool = False


class Bundle(_Strict, frozen=True):
    """Everything that was collected at one time. `made` is UTC as people write it to computers."""

    v: int
    made: Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")]
    system: _Word
    sections: Annotated[tuple[Section, ...], msgspec.Meta(max_length=_MAX_SECTIONS)]

    def section(self, name: str) -> Section | None:
        """The section of this name."""
        return next((each for each in self.sections if each.name == name), None)


class NotShown(Exception):
    """The bytes that were shown are not those that would leave."""


_decoder: msgspec.json.Decoder[Bundle] = msgspec.json.Decoder(Bundle)


def bundle_bytes(bundle: Bundle) -> bytes:
    """JSON with one value a line, so that people can read it as it is."""
    head = msgspec.json.encode({"v": bundle.v, "made": bundle.made, "system": bundle.system})[:-1]
    return head + b',"sections":[\n' + b",\n".join(map(_dump_section, bundle.sections)) + b"\n]}\n"


def _dump_section(section: Section) -> bytes:
    facts = {"name": section.name, "state": section.state, "struck": section.struck, "cut": section.cut}
    lines = b",\n".join(b"  " + msgspec.json.encode(item) for item in section.items)
    return b" " + msgspec.json.encode(facts)[:-1] + b',"items":[' + (b"\n" + lines + b"\n " if lines else b"") + b"]}"


def unseen(char: str) -> bool:
    """Whether a character shows nothing or turns the direction of text: what is shown must be what is sent."""
    return not shows(char) or (char.isspace() and char != " ")


def _as_shown(bundle: Bundle) -> bool:
    """Whether all texts show as they are; each character is looked at once, however often it stands there."""
    chars = set[str]()
    for section in bundle.sections:
        chars.update(*(f"{item.key}{item.value}" for item in section.items))
    return not any(map(unseen, chars))


def read_bundle(raw: bytes) -> Bundle:
    """Return what another end sent. Raises Malformed, and nothing else."""
    if len(raw) > MAX_BUNDLE_BYTES:
        raise Malformed("diag size")
    try:
        return _checked(_decoder.decode(raw))
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise Malformed("diag") from None


def built(values: dict[str, Any]) -> Bundle:
    """Return a bundle of values that a session child typed. Raises Malformed, and nothing else."""
    try:
        return _checked(msgspec.convert(values, Bundle))
    except (msgspec.MsgspecError, ValueError, TypeError, RecursionError):
        raise Malformed("diag") from None


def _checked(bundle: Bundle) -> Bundle:
    if bundle.v != _VERSION or len({each.name for each in bundle.sections}) != len(bundle.sections):
        raise Malformed("diag")
    if not _as_shown(bundle):
        raise Malformed("diag text")
    return bundle


def fitted(made: str, system: str, sections: tuple[Section, ...]) -> Bundle:
    """Return a bundle within its size; of the largest sections the last lines go first, and `cut` says so."""
    bundle = Bundle(_VERSION, made, system, sections)
    while len(bundle_bytes(bundle)) > MAX_BUNDLE_BYTES - _MARGIN:
        largest = max(bundle.sections, key=lambda each: len(msgspec.json.encode(each)))
        smaller = msgspec.structs.replace(largest, items=largest.items[: len(largest.items) // 2], cut=True)
        changed = tuple(smaller if each is largest else each for each in bundle.sections)
        bundle = msgspec.structs.replace(bundle, sections=changed)
    return bundle


@dataclass(frozen=True, slots=True)
class Confirmed:
    """What the customer saw and let go: these bytes. Made by `Draft.confirm` only."""

    payload: bytes
    sha256: bytes


@dataclass(frozen=True, slots=True)
class Draft:
    """What was collected, less what the customer has struck so far. Every method returns a new draft."""

    collected: Bundle
    struck_items: frozenset[tuple[str, int]] = frozenset()
    struck_sections: frozenset[str] = frozenset()

    def strike(self, section: str, index: int) -> Draft:
        """Keep one line back; `index` counts in `collected`."""
        return replace(self, struck_items=self.struck_items | {(section, index)})

    def put_back(self, section: str, index: int) -> Draft:
        """Let a struck line go after all."""
        return replace(self, struck_items=self.struck_items - {(section, index)})

    def strike_section(self, section: str) -> Draft:
        """Keep a whole section back, also whether there was anything in it."""
        return replace(self, struck_sections=self.struck_sections | {section})

    def put_section_back(self, section: str) -> Draft:
        """Let a struck section go after all, less its struck lines."""
        return replace(self, struck_sections=self.struck_sections - {section})

    @property
    def bundle(self) -> Bundle:
        """What would leave."""
        return msgspec.structs.replace(self.collected, sections=tuple(map(self._kept, self.collected.sections)))

    @property
    def payload(self) -> bytes:
        """The bytes that would leave; UTF-8 text, one value a line, fit to be shown as it is."""
        return bundle_bytes(self.bundle)

    def confirm(self, shown: bytes) -> Confirmed:
        """The customer let `shown` go. Raises NotShown when that is not this draft."""
        if not hmac.compare_digest(shown, self.payload):
            raise NotShown
        return Confirmed(shown, hashlib.sha256(shown).digest())

    def _kept(self, section: Section) -> Section:
        if section.name in self.struck_sections:
            return Section(section.name, State.STRUCK)
        items = tuple(item for at, item in enumerate(section.items) if (section.name, at) not in self.struck_items)
        return msgspec.structs.replace(section, items=items, struck=len(section.items) - len(items))


def messages(confirmed: Confirmed, id_: int, offset: int = 0) -> Iterator[bytes]:
    """The messages of channel `diag` from `offset` on. Raises NotShown for bytes that nobody confirmed."""
    if not hmac.compare_digest(hashlib.sha256(confirmed.payload).digest(), confirmed.sha256):
        raise NotShown
    for at in range(offset, len(confirmed.payload), MAX_DATA_BYTES):
        yield bulk.encode(bulk.DIAG, Chunk(id_, at, confirmed.payload[at : at + MAX_DATA_BYTES]))


class Collected:
    """The agent's end: a bundle that grows. In memory, for it is small."""

    def __init__(self) -> None:
        self._data = bytearray()

    @property
    def offset(self) -> int:
        """From where to go on after a reconnect."""
        return len(self._data)

    def take(self, chunk: Chunk) -> bool:
        """Add what follows; False for a piece from elsewhere, which changes nothing. Raises Malformed."""
        if chunk.end > MAX_BUNDLE_BYTES:
            raise Malformed("diag size")
        if chunk.offset != len(self._data):
            return False
        self._data += chunk.data
        return True

    def finish(self, sha256: bytes) -> Bundle:
        """Return the bundle whose hash the customer's end told. Raises Malformed."""
        if not hmac.compare_digest(hashlib.sha256(self._data).digest(), sha256):
            raise Malformed("diag hash")
        return read_bundle(bytes(self._data))
