# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a page of text can be read in a picture: tesseract reads it, its errors are counted against the true text."""

from __future__ import annotations

import os
import shutil
import subprocess
import unicodedata
from dataclasses import dataclass
from typing import Final

import av
import numpy as np
import numpy.typing as npt
from av.video.reformatter import Interpolation

from tests.bench import _pages

MISSING: Final = "no OCR: apt-get install tesseract-ocr tesseract-ocr-kor"
_TONGUES: Final = ("eng", "kor")
_SCALE: Final = 2  # letters of 12 to 14 px are smaller than what the OCR was taught with
_ABOVE: Final = 32
_LUMA: Final = (0.0722, 0.7152, 0.2126)  # of BGR: BT.709

Rows = npt.NDArray[np.uint32]
Grey = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Errors:
    """Letters that were read wrong, missed or added, and how many there are."""

    wrong: int = 0
    letters: int = 0

    def __add__(self, other: Errors) -> Errors:
        return Errors(self.wrong + other.wrong, self.letters + other.letters)

    @property
    def rate(self) -> float:
        """The character error rate; never more than 1."""
        return min(1.0, self.wrong / self.letters) if self.letters else 0.0


def available() -> bool:
    """Whether the OCR and both languages are installed."""
    if shutil.which("tesseract") is None:
        return False
    found = subprocess.run(["tesseract", "--list-langs"], capture_output=True, text=True, check=False).stdout.split()
    return all(tongue in found for tongue in _TONGUES)


def errors(true: str, read: str) -> Errors:
    """Compare letter by letter (edit distance). Space and line ends do not count: Korean is read without them, too."""
    wanted, found = _letters(true), _letters(read)
    places = np.arange(len(found) + 1)
    row = places.copy()
    for number, letter in enumerate(wanted, 1):
        step = np.minimum(row[1:] + 1, row[:-1] + (found != letter))
        row = np.minimum.accumulate(np.concatenate(([number], step)) - places) + places
    return Errors(int(row[-1]), len(wanted))


def _letters(text: str) -> npt.NDArray[np.uint32]:
    bare = "".join(unicodedata.normalize("NFC", text).split())
    return np.frombuffer(bare.encode("utf-32-le"), np.uint32)


def read_page(kind: str, number: int, rows: Rows) -> Errors:
    """Return what a reader gets wrong of a page in this picture of the whole screen."""
    height = rows.shape[0]
    grey = luma(rows)
    total = Errors()
    for tongue in _TONGUES:
        left, width = _pages.column(tongue)
        part = grey[_pages.TOP - _ABOVE :, left : left + width]
        total += errors(_pages.truth(kind, number, height, tongue), _read(_larger(part), tongue))
    return total


def luma(rows: Rows) -> Grey:
    """Return the brightness of a BGRX picture."""
    height, width = rows.shape
    bgr = rows.view(np.uint8).reshape(height, width, 4)[:, :, :3]
    return np.rint(bgr @ np.array(_LUMA, np.float32)).astype(np.uint8)


def _larger(grey: Grey) -> Grey:
    height, width = grey.shape
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(grey), "gray")
    large = frame.reformat(width * _SCALE, height * _SCALE, "gray", interpolation=Interpolation.BICUBIC)
    return large.to_ndarray().astype(np.uint8, copy=False)


def _read(grey: Grey, tongue: str) -> str:
    height, width = grey.shape
    picture = b"P5 %d %d 255\n" % (width, height) + grey.tobytes()
    command = ["tesseract", "-", "-", "-l", tongue, "--psm", "6"]  # 6: one block of text
    done = subprocess.run(
        command, input=picture, env=os.environ | {"OMP_THREAD_LIMIT": "1"}, capture_output=True, check=True
    )
    return done.stdout.decode("utf-8", "replace")
