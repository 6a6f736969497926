# SPDX-License-Identifier: GPL-3.0-or-later
"""What the agent's child made of a bundle of diagnostics: never on the wire, only up to the window's process.

The child puts the pieces together, checks the hash and parses; the window's process gets lines of known size.
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

__all__ = ["PART_ITEMS_MAX", "BundleBad", "BundlePart"]

PART_ITEMS_MAX: Final = 100  # lines: some 280 kB at most, and a message to the parent may have 1 MiB
_Id = Annotated[int, msgspec.Meta(ge=0, le=0xFFFF_FFFF)]
_Word = Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
_Key = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
_Text = Annotated[str, msgspec.Meta(max_length=500)]


class _Made(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="t"):
    pass


class BundlePart(_Made, frozen=True, tag="bundle_part"):
    """Some lines of one section, in order; a section may come in several. `last`: the bundle is whole."""

    id: _Id
    made: _Word
    system: _Word
    name: _Word
    state: _Word
    struck: int
    cut: bool
    items: Annotated[list[tuple[_Key, _Text | int | float | bool | None]], msgspec.Meta(max_length=PART_ITEMS_MAX)]
    last: bool = False


class BundleBad(_Made, frozen=True, tag="bundle_bad"):
    """What came under this id is no bundle, or not the one that was offered."""

    id: _Id
