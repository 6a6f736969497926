# SPDX-License-Identifier: GPL-3.0-or-later
"""What customers are told, as people write it: saving versions of articles and announcements. Blocks on disk."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from app.config.i18n import _
from app.domain.announcements import Announcement
from app.domain.articles import Article, Audience, Publication
from app.domain.changes import AnnouncementSave, AnyChange, ArticleSave, CalendarSave, ContactSet, canonical_json
from app.domain.changes_publishing import may_save_article
from app.domain.entities import Value
from app.domain.ids import derived_id, new_id
from app.domain.knowledge_ports import HoursView, SupportContact
from app.domain.opening_hours import HoursDraft
from app.domain.ports import Commits, Identity
from app.services.triage import Done

__all__ = [
    "AnnouncementDraft", "ArticleDraft", "Publications", "ends_for", "may_announce", "publication_name",
]  # fmt: skip

_LEADS = frozenset({"lead", "admin"})
_CONTACT = b"deskside-support"  # so that the first contact is one row, whoever writes it


def publication_name(state: str) -> str:
    """Return what people call where an article stands."""
    return {
        Publication.DRAFT: _("Draft"),
        Publication.REVIEW: _("Waits for a review"),
        Publication.PUBLISHED: _("Published"),
        Publication.RETIRED: _("Withdrawn"),
    }.get(Publication(state) if state in set(Publication) else Publication.DRAFT, "")


def may_announce(identity: Identity | None) -> bool:
    """Tell whether the person signed in writes announcements, contact and hours."""
    return identity is not None and bool(identity.roles & _LEADS)


def ends_for(identity: Identity | None, article: Article | None) -> frozenset[Publication]:
    """Return the states in which the person may save an article (None: a new one)."""
    roles = identity.roles if identity is not None else frozenset()
    heads = [article.state] if article is not None else []
    return frozenset(state for state in Publication if may_save_article(roles, state, heads))


@dataclass(frozen=True, slots=True)
class ArticleDraft:
    """An article as a person fills it in."""

    titles: Mapping[str, str]
    bodies: Mapping[str, str]
    folder: str = ""
    audience: str = Audience.PUBLIC
    review_on: str = ""

    @staticmethod
    def of(article: Article) -> ArticleDraft:
        """Return what a version says."""
        return ArticleDraft(article.titles, article.bodies, article.folder, article.audience, article.review_on)

    def missing(self, state: Publication) -> str:
        """Return what it lacks for a state: `title`, `body`, or "" when nothing is missing."""
        if state is not Publication.PUBLISHED:
            return "" if any(map(str.strip, self.titles.values())) else "title"
        whole = any(self.titles.get(lang, "").strip() and self.bodies.get(lang, "").strip() for lang in ("ko", "en"))
        if whole:
            return ""
        return "body" if any(map(str.strip, self.titles.values())) else "title"

    def fields(self, state: Publication) -> dict[str, Value]:
        """Return the columns."""
        return {
            **{f"title_{lang}": self.titles.get(lang, "").strip() for lang in ("ko", "en")},
            **{f"body_{lang}": self.bodies.get(lang, "").strip() for lang in ("ko", "en")},
            "folder": self.folder.strip(), "audience": self.audience, "state": state.value,
            "review_on": self.review_on,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class AnnouncementDraft:
    """An announcement as a person fills it in."""

    texts: Mapping[str, str]
    places: frozenset[str]
    from_at: int
    until_at: int | None = None
    urgency: str = ""

    @staticmethod
    def of(announcement: Announcement) -> AnnouncementDraft:
        """Return what a version says."""
        it = announcement
        return AnnouncementDraft(it.texts, it.places, it.from_at, it.until_at, it.urgency)

    def missing(self) -> str:
        """Return what is wrong: `text`, `places`, `until_at`, or "" when nothing is."""
        if not any(map(str.strip, self.texts.values())):
            return "text"
        if not self.places:
            return "places"
        return "until_at" if self.until_at is not None and self.until_at <= self.from_at else ""

    def fields(self, *, withdrawn: bool = False) -> dict[str, Value]:
        """Return the columns."""
        return {
            **{f"text_{lang}": self.texts.get(lang, "").strip() for lang in ("ko", "en")},
            "places": canonical_json(sorted(self.places)), "from_at": self.from_at, "until_at": self.until_at,
            "urgency": self.urgency, "withdrawn": withdrawn,
        }  # fmt: skip


class Publications:
    """Use cases on what customers are told. Thread: a worker; saved when a call returns.

    Raises Refused, StoreUnavailable.
    """

    def __init__(self, commits: Commits, make_id: Callable[[], bytes] = new_id) -> None:
        self._commits = commits
        self._make_id = make_id

    def save_article(self, before: Article | None, draft: ArticleDraft, state: Publication) -> tuple[Done, bytes]:
        """Save a version that replaces `before` (None: of a new article); return the article's id, too."""
        article = before.of if before is not None else self._make_id()
        change = ArticleSave(
            self._make_id(), self._make_id(), article, dict(draft.fields(state)),
            before.id if before is not None else None,
        )  # fmt: skip
        names = {
            Publication.PUBLISHED: _("“{title}” published"),
            Publication.RETIRED: _("“{title}” withdrawn"),
            Publication.REVIEW: _("“{title}” waits for a review"),
            Publication.DRAFT: _("Draft of “{title}” saved"),
        }
        title = next((title.strip() for title in draft.titles.values() if title.strip()), "")
        return self._run(change, article, names[state].format(title=title)), article

    def withdraw_article(self, article: Article) -> tuple[Done, bytes]:
        """Take it from where customers read it; its texts stay."""
        return self.save_article(article, ArticleDraft.of(article), Publication.RETIRED)

    def save_announcement(self, before: Announcement | None, draft: AnnouncementDraft) -> Done:
        """Save a version that replaces `before` (None: of a new announcement); it shows again if it was withdrawn."""
        return self._announce(before, draft, _("Announcement saved"), withdrawn=False)

    def save_contact(self, before: SupportContact, fields: Mapping[str, str]) -> Done:
        """Set what differs of how customers reach support."""
        wanted = {name: text.strip() for name, text in fields.items() if text.strip() != before.fields.get(name, "")}
        if not wanted:
            return Done("", (), frozenset())
        contact = before.id or derived_id(_CONTACT, "support_contact", "")
        return self._run(ContactSet(self._make_id(), contact, dict(wanted)), contact, _("Contact saved"))

    def save_hours(self, before: HoursView, draft: HoursDraft) -> Done:
        """Save other weekly hours and holidays of a calendar; they count once the server has compiled them."""
        version = self._make_id()
        change = CalendarSave(self._make_id(), version, before.id, dict(draft.columns()))
        return self._run(change, version, _("Opening hours saved"))

    def withdraw_announcement(self, announcement: Announcement) -> Done:
        """Let it show nowhere any more."""
        return self._announce(
            announcement, AnnouncementDraft.of(announcement), _("Announcement withdrawn"), withdrawn=True
        )

    def _announce(self, before: Announcement | None, draft: AnnouncementDraft, label: str, *, withdrawn: bool) -> Done:
        announcement = before.of if before is not None else self._make_id()
        change = AnnouncementSave(
            self._make_id(), self._make_id(), announcement, dict(draft.fields(withdrawn=withdrawn)),
            before.id if before is not None else None,
        )  # fmt: skip
        return self._run(change, announcement, label)

    def _run(self, change: AnyChange, id_: bytes, label: str) -> Done:
        done = self._commits.commit(change)
        return replace(Done(label, (done.undo,) if done.undo else (), done.ids | {id_}), mid=done.mid)
