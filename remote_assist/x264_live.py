# SPDX-License-Identifier: GPL-3.0-or-later
"""Change the quality of an open x264 encoder. The only place that touches private parts of PyAV.

PyAV has no setter for this. FFmpeg's own `av_opt_set` on the open context works, and its pointer lies 24 bytes into the
CPython object of PyAV 18.1. Before the first use the pointer is proved by reading a known option back through it.
"""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path
from typing import Final

import av
from av.video.codeccontext import VideoCodecContext

_POINTER_OFFSET: Final = 24
_SEARCH_CHILDREN: Final = 1
_VERSION: Final = "18.1."


def _load_avutil() -> ctypes.CDLL | None:
    if sys.platform != "linux" or sys.maxsize < 2**32 or not av.__version__.startswith(_VERSION):
        return None
    folder = Path(av.__file__).parent.parent / "av.libs"
    for path in folder.glob("libavutil-*"):
        lib = ctypes.CDLL(str(path))
        lib.av_opt_set.argtypes = (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_int)
        lib.av_opt_get.argtypes = (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.POINTER(ctypes.c_void_p))
        lib.av_free.argtypes = (ctypes.c_void_p,)
        lib.av_free.restype = None
        return lib
    return None


_avutil = _load_avutil()


def available() -> bool:
    """Say whether this PyAV and system are ones on which the way in is known."""
    return _avutil is not None


def read_option(context: VideoCodecContext, name: str) -> str | None:
    """Return an option of an open encoder as text, or None where that is not possible."""
    if _avutil is None or not context.is_open:
        return None
    out = ctypes.c_void_p()
    status = _avutil.av_opt_get(_pointer(context), name.encode(), _SEARCH_CHILDREN, ctypes.byref(out))
    if status < 0 or out.value is None:
        return None
    try:
        return ctypes.string_at(out.value).decode("ascii", "replace")
    finally:
        _avutil.av_free(out.value)


def set_crf(context: VideoCodecContext, q: int, preset: str) -> bool:
    """Set the quality from the next picture on. False when it cannot be done; then open a new encoder.

    `preset` is what the encoder was opened with: it must read back the same, or the pointer is not what we think.
    """
    if _avutil is None or read_option(context, "preset") != preset:
        return False
    return bool(_avutil.av_opt_set(_pointer(context), b"crf", str(q).encode(), _SEARCH_CHILDREN) == 0)


def _pointer(context: VideoCodecContext) -> int | None:
    return ctypes.c_void_p.from_address(id(context) + _POINTER_OFFSET).value
