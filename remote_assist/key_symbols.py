# SPDX-License-Identifier: GPL-3.0-or-later
"""The X symbols of physical keys and of characters, and which physical key an agent would name for a symbol."""

from __future__ import annotations

from typing import Final

from app.domain.control import PRINT_SCREEN

__all__ = ["PLACES", "SYMBOLS", "symbol_of"]

# Keys that write nothing, by what they are on this keyboard rather than by where they are on the agent's.
SYMBOLS: Final = {
    0x28: 0xFF0D, 0x29: 0xFF1B, 0x2A: 0xFF08, 0x2B: 0xFF09, 0x2C: 0x20, 0x48: 0xFF13, 0x49: 0xFF63, 0x4A: 0xFF50,
    0x4B: 0xFF55, 0x4C: 0xFFFF, 0x4D: 0xFF57, 0x4E: 0xFF56, 0x4F: 0xFF53, 0x50: 0xFF51, 0x51: 0xFF54, 0x52: 0xFF52,
    0x58: 0xFF8D, 0x65: 0xFF67, 0x90: 0xFF31, 0x91: 0xFF34,
    0xE0: 0xFFE3, 0xE1: 0xFFE1, 0xE2: 0xFFE9, 0xE3: 0xFFEB, 0xE4: 0xFFE4, 0xE5: 0xFFE2, 0xE6: 0xFFE9, 0xE7: 0xFFEC,
} | {0x3A + n: 0xFFBE + n for n in range(12)}  # fmt: skip
# The other way round, with further names of them: Print, Sys_Req, the pad's End, Delete and pages, Terminate_Server,
# and the keys to another terminal, which are a level of F1 to F12.
PLACES: Final[dict[int, frozenset[int]]] = {
    **{symbol: frozenset({place}) for place, symbol in SYMBOLS.items()},
    0xFF61: frozenset({PRINT_SCREEN}), 0xFF15: frozenset({PRINT_SCREEN}),
    0xFF9C: frozenset({0x4D}), 0xFF9F: frozenset({0x4C}), 0xFF9A: frozenset({0x4B}), 0xFF9B: frozenset({0x4E}),
    0xFED5: frozenset({0x2A}),
    **{0x1008FE01 + n: frozenset({0x3A + n}) for n in range(12)},
}  # fmt: skip


def symbol_of(char: str) -> int:
    """Return the X symbol of a character."""
    code = ord(char)
    return code if 0x20 <= code <= 0x7E or 0xA0 <= code <= 0xFF else 0x0100_0000 + code
