# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that are never plain on the disk: written in any order, cut anywhere, changed by somebody."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from remote_assist.sealed_file import PIECE_BYTES, BadSeal, SealedReader, SealedWriter, measure

KEY = b"k" * 32


def content(path: Path, key: bytes = KEY) -> bytes:
    with SealedReader(path, key) as reader:
        return reader.read()


@pytest.mark.parametrize("seed", range(6))
def test_what_was_written_in_any_order_is_read(tmp_path: Path, seed: int) -> None:
    """A writer that goes back and forth, as a film's does, gets back what a plain file would hold."""
    rng, plain = random.Random(seed), bytearray()
    writer = SealedWriter(tmp_path / "film", KEY)
    for _ in range(60):
        data = rng.randbytes(rng.choice((1, 40, 5000, PIECE_BYTES + 7)))
        at = writer.tell() if rng.random() < 0.7 else writer.seek(rng.randrange(len(plain) + 1))
        writer.write(data)
        plain[at : at + len(data)] = data
        if rng.random() < 0.2:
            writer.flush()
    writer.close()
    assert content(tmp_path / "film") == plain
    with SealedReader(tmp_path / "film", KEY) as reader:
        for _ in range(20):
            at, size = rng.randrange(len(plain)), rng.randrange(100_000)
            assert reader.seek(at) == at
            assert reader.read(size) == plain[at : at + size]


def test_a_file_cut_anywhere_is_its_beginning(tmp_path: Path) -> None:
    """Wherever the end is missing, what is left is exactly the beginning of what was written."""
    writer = SealedWriter(tmp_path / "whole", KEY)
    for number in range(5):
        writer.write(bytes([number]) * 50)
        writer.flush()
    writer.close()
    raw, plain = (tmp_path / "whole").read_bytes(), content(tmp_path / "whole")
    for length in range(24, len(raw), 7):
        (tmp_path / "cut").write_bytes(raw[:length])
        left = content(tmp_path / "cut")
        assert plain.startswith(left)
        assert len(left) >= 50 * ((length - 24) // 90 - 1)


def test_a_changed_file_is_not_believed(tmp_path: Path) -> None:
    """A byte changed, two pieces swapped, a piece taken out or another key: the reader says so."""
    writer = SealedWriter(tmp_path / "whole", KEY)
    for number in range(3):
        writer.write(bytes([number]) * 50)
        writer.flush()
    writer.close()
    raw = (tmp_path / "whole").read_bytes()
    size = (len(raw) - 24) // 3
    head, pieces = raw[:24], [raw[24 + size * n : 24 + size * (n + 1)] for n in range(3)]
    flipped = bytes([pieces[0][40] ^ 1])
    for wrong in (
        head + pieces[0][:40] + flipped + pieces[0][41:] + pieces[1] + pieces[2],
        head + pieces[1] + pieces[0] + pieces[2],
        head + pieces[1] + pieces[2],
    ):
        (tmp_path / "wrong").write_bytes(wrong)
        with pytest.raises(BadSeal):
            content(tmp_path / "wrong")
    with pytest.raises(BadSeal):
        measure(tmp_path / "whole", b"x" * 32)
    (tmp_path / "wrong").write_bytes(b"something else")
    with pytest.raises(BadSeal):
        measure(tmp_path / "wrong", KEY)
