# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages of text as a help desk's customers read them: English on the left, Korean on the right, in an interface's size.

Pure: the stimulus draws them, and who counts errors knows what stands there.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

SEED: Final = 20_24
PAGES: Final = 4
_FLIP_S: Final = 2.0
_HELD_S: Final = 6.0
_HELD_EVERY: Final = 5
TOP: Final = 72
_LEFT: Final = {"eng": 48, "kor": 984}
_WIDTH: Final = 888
_EVERY_BLUE: Final = 5

_ENGLISH: Final = (
    "The printer on the second floor takes paper from the wrong tray again.",
    "Please restart the computer once more after the update has been installed.",
    "My mailbox is full, and new messages are returned to the people who wrote them.",
    "The report opens slowly since yesterday, but only in the branch office.",
    "Two invoices were booked twice, so the totals of the month do not agree.",
    "Where does one change the language of a screen without the help of an administrator?",
    "The meeting room screen stays dark when a laptop is connected by cable.",
    "We moved the shared folder to a new server, and the old shortcut is gone.",
    "Could you check whether the backup of last night was finished in time?",
    "The password was changed on the phone, and the desktop still asks for the old one.",
    "After the move the telephone rings at the desk of another colleague.",
    "The scanner saves every page as a file of its own instead of one document.",
    "Thank you, the drive letter is back and all the drawings can be opened.",
    "The calendar shows the appointments of the whole team one hour too late.",
    "A window asks for permission each time the accounting program is started.",
    "The wireless network in the warehouse breaks off near the loading gate.",
    "Somebody sent a strange attachment to all of us, and nobody has opened it.",
    "The order form accepts the address but forgets the number of the house.",
)
_KOREAN: Final = (
    "이 층 복합기가 어제부터 다른 용지함에서 종이를 가져옵니다.",
    "업데이트가 끝난 다음에 컴퓨터를 한 번 더 다시 시작해 주세요.",
    "메일함이 가득 차서 새로 오는 편지가 모두 되돌아갑니다.",
    "어제부터 지점에서만 보고서가 아주 느리게 열립니다.",
    "청구서 두 장이 두 번 등록되어 이번 달 합계가 맞지 않습니다.",
    "관리자 도움 없이 자판 언어를 바꾸려면 어디를 눌러야 하나요?",
    "회의실 화면에 노트북을 연결해도 아무것도 나오지 않습니다.",
    "공유 폴더를 새 서버로 옮긴 뒤에 바로 가기가 사라졌습니다.",
    "지난밤 백업이 제시간에 끝났는지 확인해 주실 수 있나요?",
    "전화기에서 암호를 바꾸었는데 컴퓨터는 예전 암호를 묻습니다.",
    "자리를 옮긴 뒤로 전화가 다른 동료의 책상에서 울립니다.",
    "스캐너가 문서 하나를 쪽마다 다른 파일로 저장합니다.",
    "감사합니다. 이제 도면을 모두 다시 열 수 있습니다.",
    "달력에 우리 부서의 약속이 모두 한 시간 늦게 보입니다.",
    "회계 프로그램을 시작할 때마다 허락을 묻는 창이 나타납니다.",
    "창고 출입문 가까이에서는 무선 연결이 자주 끊어집니다.",
    "모르는 사람이 이상한 첨부 파일을 보냈지만 열지 않았습니다.",
    "주문 화면에 주소를 넣으면 집 번호가 저장되지 않습니다.",
)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of text, where its base line begins. `tongue` is a name of tesseract's."""

    x: int
    y: int
    text: str
    tongue: str
    blue: bool


@dataclass(frozen=True, slots=True)
class Style:
    """How a kind of page is set: height of letters and lines in pixels, and how many of the lines are written on."""

    letters: int
    pitch: int
    filled: float
    sentences: int


STYLES: Final = {"page": Style(14, 24, 0.8, 1), "dense": Style(12, 17, 1.0, 2)}


def lines(kind: str, number: int, height: int) -> Iterator[Line]:
    """Yield what stands on page `number` (any number; they come again after `PAGES`) of a screen of this height."""
    style = STYLES[kind]
    chance = random.Random(SEED + number % PAGES)  # a picture, not a secret
    for tongue, sentences in (("eng", _ENGLISH), ("kor", _KOREAN)):
        pool: list[str] = []
        for row, y in enumerate(range(TOP, height - style.pitch // 2, style.pitch)):
            if chance.random() >= style.filled:
                continue
            said = []
            for _ in range(style.sentences):
                pool = pool or chance.sample(sentences, len(sentences))
                said.append(pool.pop())
            yield Line(_LEFT[tongue], y, " ".join(said), tongue, row % _EVERY_BLUE == 0)


def held(number: int) -> bool:
    """Whether this page stands long enough to become exact."""
    return number % _HELD_EVERY == 0


def stands_s(number: int) -> float:
    """Return how long a page stands before it is flipped."""
    return _HELD_S if held(number) else _FLIP_S


def column(tongue: str) -> tuple[int, int]:
    """Return left edge and width of a language's column."""
    return _LEFT[tongue] - 16, _WIDTH + 32


def truth(kind: str, number: int, height: int, tongue: str) -> str:
    """Return what a reader of a page's column must have read, line by line."""
    return "\n".join(line.text for line in lines(kind, number, height) if line.tongue == tongue)
