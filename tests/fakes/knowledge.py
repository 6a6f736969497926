# SPDX-License-Identifier: GPL-3.0-or-later
"""Articles and announcements in memory, as an organisation might have them; for pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from app.domain.announcements import Announcement
from app.domain.articles import Article
from app.domain.knowledge_ports import ArticlePage, HoursView, SupportContact, VersionLine
from tests.fakes.queries import ME, NOW_MS

__all__ = ["ANNOUNCEMENTS", "ARTICLES", "FakeKnowledge"]

_HOUR = 3_600_000
_RESET_KO = """로그인 화면에서 ‘비밀번호 찾기’를 누르면 새 비밀번호를 정할 수 있는 메일이 갑니다.

# 순서
1. 로그인 화면을 엽니다
2. ‘비밀번호 찾기’를 누릅니다
3. 메일의 링크를 눌러 새 비밀번호를 정합니다

# 메일이 오지 않으면
- 스팸함을 확인합니다
- 등록된 주소가 맞는지 확인합니다
- 10분 뒤에 다시 해 봅니다"""
_RESET_EN = """Press “Forgot password” on the sign-in page; a mail lets you choose a new one.

# Steps
1. Open the sign-in page
2. Press “Forgot password”
3. Follow the link in the mail

# If no mail comes
- Look into the spam folder
- Check the address we have
- Try again after ten minutes"""
_CARD_KO = """카드를 지우고 다시 등록합니다.

- 유효 기간을 확인합니다
- 해외 결제가 막혀 있는지 확인합니다"""
_TEXTS: tuple[tuple[str, str, str, tuple[str, str], tuple[str, str]], ...] = (
    ("로그인", "published", "public", ("비밀번호를 잊었을 때", "When you forgot your password"),
     (_RESET_KO, _RESET_EN)),
    ("결제", "published", "public", ("간편결제가 되지 않을 때", "When a payment does not go through"),
     (_CARD_KO, "Remove the card and add it again.")),
    ("결제", "review", "public", ("환불은 언제 들어오나요?", ""), ("영업일로 3일에서 5일이 걸립니다.", "")),
    ("프린터", "published", "public", ("인쇄가 흐릴 때", "When prints are faint"),
     ("토너를 흔듭니다.", "Shake the toner.")),
    ("프린터", "published", "staff", ("수리 접수 전에 확인할 것", "Before a repair"),
     ("보증 기간을 봅니다.", "Look at the warranty.")),
    ("프린터", "draft", "public", ("새 펌웨어 2.4.3 설치", "Installing firmware 2.4.3"),
     ("내려받습니다.", "Download it.")),
    ("", "retired", "public", ("옛 프로그램 안내", "The old program"), ("더 쓰지 않습니다.", "No longer in use.")),
)  # fmt: skip

ARTICLES: tuple[Article, ...] = tuple(
    Article(
        bytes([n]) * 16, bytes([n, 1]) * 8, None, NOW_MS - (n + 1) * 31 * _HOUR,
        dict(zip(("ko", "en"), titles, strict=True)),
        dict(zip(("ko", "en"), bodies, strict=True)), folder, audience, state, "2026-09-30" if n == 0 else "", ME,
    )
    for n, (folder, state, audience, titles, bodies) in enumerate(_TEXTS)
)  # fmt: skip

ANNOUNCEMENTS: tuple[Announcement, ...] = (
    Announcement(
        b"1" * 16, b"a" * 16, None, NOW_MS, {
            "ko": "오늘 오전 11시부터 간편결제가 되지 않습니다. 원인을 찾고 있으며, 다시 되면 여기에 알려 드립니다.",
            "en": "Since 11 this morning payments fail. We look for the cause and tell you here when they work.",
        }, frozenset({"portal", "companion", "desktop"}), NOW_MS - _HOUR, None, "urgent", author=ME,
    ),
    Announcement(
        b"2" * 16, b"b" * 16, None, NOW_MS, {
            "ko": "4월 5일 새벽 2시부터 4시까지 점검합니다.", "en": "Maintenance on 5 April, 2 to 4 in the morning.",
        }, frozenset({"portal", "companion"}), NOW_MS + 20 * _HOUR, NOW_MS + 90 * _HOUR, author=ME,
    ),
    Announcement(
        b"3" * 16, b"c" * 16, None, NOW_MS, {"ko": "3월 점검이 끝났습니다.", "en": "The maintenance of March is over."},
        frozenset({"portal"}), NOW_MS - 400 * _HOUR, NOW_MS - 390 * _HOUR, author=ME,
    ),
)  # fmt: skip


@dataclass
class FakeKnowledge:
    """What there is can be replaced."""

    listed: Sequence[Article] = ARTICLES
    told: Sequence[Announcement] = ANNOUNCEMENTS
    names: Mapping[bytes, str] = field(default_factory=lambda: {ME: "김지우"})

    def articles(self) -> Sequence[Article]:
        """All."""
        return self.listed

    def article(self, article: bytes, version: bytes | None = None) -> ArticlePage | None:
        """By id; each has one version but the first, which has two."""
        del version
        found = next((each for each in self.listed if each.of == article), None)
        if found is None:
            return None
        lines = [VersionLine(found.id, found.saved_at, "김지우", found.state)]
        if found is self.listed[0]:
            lines.append(VersionLine(b"o" * 16, found.saved_at - 40 * _HOUR, "이서준", "draft"))
        return ArticlePage(found, self.names.get(found.author or b"", ""), versions=lines)

    def announcements(self) -> Sequence[Announcement]:
        """All."""
        return self.told

    def contact(self) -> SupportContact:
        """The contact."""
        texts = {"name_ko": "누리봄 고객지원", "name_en": "Nuribom Support"}
        return SupportContact(b"s" * 16, {**texts, "phone": "02-000-0000", "mail": "help@example.com"})

    def hours(self) -> Sequence[HoursView]:
        """One calendar."""
        usual = [("09:00", "12:00"), ("13:00", "18:00")]
        return [HoursView(
            "본사", "Asia/Seoul", dict.fromkeys(range(5), usual),
            [("2026-05-05", {"ko": "어린이날", "en": "Children's Day"})], [("2026-12-31", usual[:1], "종무식")], True,
            [{"ko": "고객지원팀", "en": "Support"}],
        )]  # fmt: skip

    def users(self) -> Mapping[bytes, str]:
        """Names."""
        return self.names
