# SPDX-License-Identifier: GPL-3.0-or-later
"""A bundle at the agent's end: put together and parsed in the child, checked again in the window's process.

What is shown is everything there is: the window's process writes the bytes anew from the lines it shows, and they must
have the hash that the customer's end told, which is that of the bytes the customer saw.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec

from remote_assist import messages as wire
from remote_assist.bulk import Chunk
from remote_assist.bundle_messages import PART_ITEMS_MAX, BundleBad, BundlePart
from remote_assist.child_protocol import FromChild, Recv
from remote_assist.diagnostics import MAX_BUNDLE_BYTES, MAX_ITEMS, Bundle, Collected, built, bundle_bytes
from remote_assist.messages import Malformed

__all__ = ["BundleBuilder", "BundleReader", "parts_of"]

_PARTS_MAX: Final = 32 * (-(-MAX_ITEMS // PART_ITEMS_MAX))


class BundleReader:
    """In the agent's child: takes what comes on `ctl` and `diag`. One bundle at a time, the newest; in memory."""

    def __init__(self, post: Callable[[FromChild], None]) -> None:
        self._post = post
        self._id = -1
        self._offer: dict[str, Any] | None = None
        self._data = Collected()
        self._done = False

    def heard(self, message: dict[str, Any], epoch: int) -> bool:
        """Take an offer or a piece, which may overtake its offer; True: the window's process need not hear of it."""
        kind = message.get("t")
        if kind == "diagoffer":  # first: what comes of it follows
            self._post(Recv("ctl", message, epoch))
        elif kind != "diag_part":
            return False
        for made in self._take(message):
            self._post(Recv("diag", msgspec.to_builtins(made), epoch))
        return True

    def _take(self, message: dict[str, Any]) -> list[BundlePart | BundleBad]:
        id_ = message["id"]
        if id_ > self._id:
            self._id, self._offer, self._data, self._done = id_, None, Collected(), False
        if id_ < self._id or self._done:
            return []
        try:
            self._add(message)
            return self._finished()
        except Malformed:
            self._done, self._data = True, Collected()
            return [BundleBad(id_)]

    def _add(self, message: dict[str, Any]) -> None:
        if message["t"] == "diagoffer":
            self._offer = message
        elif not self._data.take(Chunk(message["id"], message["offset"], message["data"])):
            raise Malformed("diag order")

    def _finished(self) -> list[BundlePart | BundleBad]:
        offer = self._offer
        if offer is None or self._data.offset < offer["size"]:
            return []
        if self._data.offset != offer["size"] or offer["size"] > MAX_BUNDLE_BYTES:
            raise Malformed("diag size")
        bundle = self._data.finish(bytes.fromhex(offer["sha256"]))
        self._done, self._data = True, Collected()
        return list(parts_of(self._id, bundle))


def parts_of(id_: int, bundle: Bundle) -> Iterator[BundlePart]:
    """Return a bundle as messages to the window's process. Raises Malformed for one without a section."""
    if not bundle.sections:
        raise Malformed("diag sections")
    for section in bundle.sections:
        lines = [(item.key, item.value) for item in section.items]
        for at in range(0, len(lines) or 1, PART_ITEMS_MAX):
            last = section is bundle.sections[-1] and at + PART_ITEMS_MAX >= len(lines)
            piece = lines[at : at + PART_ITEMS_MAX]
            yield BundlePart(
                id_, bundle.made, bundle.system, section.name, section.state.value, section.struck, section.cut, piece,
                last,
            )  # fmt: skip


class BundleBuilder:
    """In the window's process: the lines become a bundle again. `offer` is what the customer's end told of it."""

    def __init__(self, offer: wire.DiagOffer) -> None:
        self.offer = offer
        self._sections: dict[str, dict[str, Any]] = {}
        self._count = 0

    def add(self, part: BundlePart | BundleBad) -> tuple[Bundle, bytes] | None:
        """Add lines; return bundle and bytes when it is whole. Raises Malformed for what was not offered."""
        self._count += 1
        if isinstance(part, BundleBad) or self._count > _PARTS_MAX:
            raise Malformed("diag parts")
        facts = {"name": part.name, "state": part.state, "struck": part.struck, "cut": part.cut}
        section = self._sections.setdefault(part.name, {**facts, "items": []})
        section["items"] += [{"key": key, "value": value} for key, value in part.items]
        if not part.last:
            return None
        bundle = built({"v": 1, "made": part.made, "system": part.system, "sections": list(self._sections.values())})
        payload = bundle_bytes(bundle)
        if not hmac.compare_digest(hashlib.sha256(payload).digest(), bytes.fromhex(self.offer.sha256)):
            raise Malformed("diag form")
        return bundle, payload
