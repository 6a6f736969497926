# SPDX-License-Identifier: GPL-3.0-or-later
"""Korean as people write it: particles that fit the word before them, roman letters for names, everyday typos."""

from __future__ import annotations

import re

from app.services.sample_data.rows import Stream

_FIRST, _VOWELS, _FINALS = 0xAC00, 21, 28
_LAST = 0xD7A3
_RIEUL = 8
_PAIRS = {"은": ("은", "는"), "이": ("이", "가"), "을": ("을", "를"), "과": ("과", "와"), "으로": ("으로", "로"),
          "이라": ("이라", "라"), "이나": ("이나", "나"), "아": ("아", "야")}  # fmt: skip
_MARK = re.compile(r"(\S)\((은|이|을|과|으로|이라|이나|아)\)")
# how a figure or letter is read aloud decides: 1 일, 3 삼, 6 육, 7 칠, 8 팔, 0 영; L 엘, M 엠, N 엔, R 알
_READ_FINAL = {"0": 21, "1": _RIEUL, "3": 16, "6": 1, "7": _RIEUL, "8": _RIEUL, "l": _RIEUL, "m": 16, "n": 4,
               "r": _RIEUL}  # fmt: skip


def final_of(char: str) -> int:
    """Return the index of the final consonant that a character is read with; 0 for none."""
    code = ord(char)
    if _FIRST <= code <= _LAST:
        return (code - _FIRST) % _FINALS
    if "a" <= char <= "z":  # the end of a word, read as one: Web 웹, Mail 메일
        return _RIEUL if char == "l" else int(char in "bckmnpt")
    return _READ_FINAL.get(char.lower(), 0)


def _fit(match: re.Match[str]) -> str:
    before, mark = match.group(1), match.group(2)
    final = final_of(before)
    closed, opened = _PAIRS[mark]
    if mark == "으로" and final == _RIEUL:
        return before + opened
    return before + (closed if final else opened)


def particles(text: str) -> str:
    """Replace marks such as ``PX-220(이)`` by the particle that fits: ``PX-220이``, ``PX-222가``."""
    return _MARK.sub(_fit, text) if "(" in text else text


_ONSETS = ("g", "kk", "n", "d", "tt", "r", "m", "b", "pp", "s", "ss", "", "j", "jj", "ch", "k", "t", "p", "h")
_NUCLEI = ("a", "ae", "ya", "yae", "eo", "e", "yeo", "ye", "o", "wa", "wae", "oe", "yo", "u", "wo", "we", "wi", "yu",
           "eu", "ui", "i")  # fmt: skip
_CODAS = ("", "k", "k", "k", "n", "n", "n", "t", "l", "k", "m", "l", "l", "l", "p", "l", "m", "p", "p", "t", "t", "ng",
          "t", "t", "k", "t", "p", "t")  # fmt: skip
_SURNAMES = {"김": "kim", "이": "lee", "박": "park", "최": "choi", "정": "jung", "강": "kang", "조": "cho",
             "윤": "yoon", "임": "lim", "우": "woo", "오": "oh", "안": "ahn", "류": "ryu", "유": "yoo"}  # fmt: skip


def roman(name: str) -> str:
    """Return a name in roman letters, syllable by syllable (Revised Romanization without sound changes)."""
    out = []
    for char in name:
        if not _FIRST <= ord(char) <= _LAST:
            continue
        code = ord(char) - _FIRST
        onset, rest = divmod(code, _VOWELS * _FINALS)
        out.append(_ONSETS[onset] + _NUCLEI[rest // _FINALS] + _CODAS[rest % _FINALS])
    return "".join(out)


def roman_parts(name: str) -> tuple[str, str]:
    """Return (given name, surname) in roman letters; surnames in the spelling people use."""
    return roman(name[1:]), _SURNAMES.get(name[0], roman(name[0]))


_SLIPS = (("안 됩니다", "안됍니다"), ("안 돼", "안되"), ("되었", "됬"), ("됐", "됬"), ("할게요", "할께요"),
          ("않습니다", "안습니다"), ("어떻게", "어떡해"), ("며칠", "몇일"), ("바랍니다", "바람니다"),
          ("왜 ", "웨 "), ("감사합니다", "감사합니당"), ("괜찮", "괜찬"), ("있습니다", "잇습니다"),
          ("없습니다", "업습니다"), ("부탁드립니다", "부탁드림니다"))  # fmt: skip


def with_typos(rng: Stream, text: str) -> str:
    """Return the text as typed in a hurry: spaces missing, one common slip of spelling."""
    for right, wrong in _SLIPS:
        if right in text and rng.chance(0.35):
            text = text.replace(right, wrong, 1)
            break
    words = text.split(" ")
    out = words[0]
    for word in words[1:]:
        out += word if rng.chance(0.22) and _FIRST <= ord(word[:1] or " ") <= _LAST else " " + word
    return out
