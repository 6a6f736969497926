# SPDX-License-Identifier: GPL-3.0-or-later
"""The pieces of a conversation: a block for a message, reply or note, and a quiet line for a change."""

from __future__ import annotations

import re
from collections.abc import Mapping

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.config.i18n import _
from app.domain.attachments import BlobStatus
from app.domain.formatting import is_ours
from app.domain.ports import ItemKind, ThreadItem
from app.services.texts import polite
from app.services.texts_history import EventLine
from widgets.foundation import Button, Look, Panel, PlainEdit, PlainLabel, Theme, Words, column, fmt, row
from widgets.foundation.html_view import MessageHtml
from widgets.ticket.attachments import AttachmentChips
from widgets.ticket.message_head import HeadWords, MessageHead

__all__ = ["EventRow", "MessageBlock", "split_quote"]

SHOWN_CHARS = 6_000  # longer texts show their head and a button; a label is slow on more
_QUOTE = re.compile(
    r"\n(?:-{2,}\s*(?:Original Message|원본 메시지|Forwarded message)\s*-{2,}|"
    r"On [^\n]{6,120} wrote:|\d{4}[^\n]{6,120}(?:님이 작성|작성:)|>[^\n]*(?:\n>[^\n]*)*)",
)


def split_quote(body: str) -> tuple[str, str]:
    """Return the text and its quoted tail; the tail is empty when words follow a quote or none is there."""
    found = _QUOTE.search("\n" + body)
    if found is None:
        return body, ""
    start = max(0, found.start())
    head, tail = body[:start].rstrip(), body[start:].strip("\n")
    marked = tail.startswith(">")
    if not head or (marked and any(line and not line.startswith(">") for line in tail.splitlines())):
        return body, ""
    return head, tail


class EventRow(QWidget):
    """One change, in plain words and small. `restore_asked` gives the field and the value that gave way."""

    restore_asked = Signal(str, object)

    def __init__(self, theme: Theme, item: ThreadItem, words: EventLine) -> None:
        super().__init__()
        self.item = item
        space = theme.tokens.space
        picture = PlainLabel()
        colour = "fg.default" if words.strong else "fg.muted"
        theme.set_label_icon(picture, words.icon, colour, theme.tokens.icon_small)
        text = Words(words.text, type="caption", tone="" if words.strong else "muted")
        text.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
        at = PlainLabel(fmt.time_of_day(item.at), type="caption", tone="muted")
        at.setToolTip(fmt.moment(item.at))
        box = row(picture, text, at, gap=space.small, margins=(space.medium, 0, space.medium, 0))
        box.setStretch(1, 1)
        if words.restore is not None:
            name, value = words.restore
            button = Button(theme, _("Restore"), look=Look.LINK, pressed=lambda: self.restore_asked.emit(name, value))
            button.setProperty("small", True)
            button.setAccessibleName(_("Restore: {line}").format(line=words.text))
            button.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
            box.insertWidget(2, button)
        box.setAlignment(picture, Qt.AlignmentFlag.AlignTop)
        box.setAlignment(at, Qt.AlignmentFlag.AlignTop)
        self.setLayout(box)
        self.setAccessibleName(f"{words.text}, {fmt.moment(item.at)}")

    def minimumSizeHint(self) -> QSize:
        """As narrow as the pane: a width of its own would spoil the heights of the whole column."""
        return QSize(0, super().minimumSizeHint().height())


class MessageBlock(Panel):
    """A message of the customer, a reply or a note. They differ in ground, icon, label and accessible name."""

    link_chosen = Signal(str)
    file_asked = Signal(str, object, object)  # fetch, look, save or open; the attachment; the item that names it

    def __init__(
        self, theme: Theme, item: ThreadItem, *, own: bool, files: Mapping[bytes, BlobStatus] | None = None
    ) -> None:
        """`files` is how the contents of its attachments stand."""
        kind = {ItemKind.REPLY: "reply", ItemKind.NOTE: "note"}.get(item.kind, "card")
        super().__init__(kind)
        self.item = item
        self._theme = theme
        self._kind = kind
        space = theme.tokens.space
        self._text = self._body()
        self._column = column(
            self._head(item, own),
            self._text,
            gap=space.tiny,
            margins=(space.medium, space.small, space.medium, space.medium),
        )
        self.files: AttachmentChips | None = None
        if item.attachments:
            self.files = AttachmentChips(theme, item.attachments, files)
            self.files.asked.connect(lambda what, file: self.file_asked.emit(what, file, item))
            self._column.addWidget(self.files)
        self.setLayout(self._column)
        names = "".join(f", {file.filename}" for file in item.attachments)
        said = f"{self._label()}, {item.author_name}, {fmt.moment(item.at)}: {item.body[:2000]}{names}"
        self.setAccessibleName(said)

    def mark(self, text: str) -> None:
        """Mark a text where it stands; what is folded away is unfolded for it."""
        if text and not self._select(text) and text.casefold() in self.item.body.casefold():
            self._show_whole()
            self._select(text)

    def _select(self, text: str) -> bool:
        for label in self._text.findChildren(Words) or ([self._text] if isinstance(self._text, Words) else []):
            at = label.text().casefold().find(text.casefold())
            if at >= 0:
                label.make_selectable()
                label.setSelection(at, len(text))
                return True
        return False

    def minimumSizeHint(self) -> QSize:
        """As narrow as the pane: a width of its own would spoil the heights of the whole column."""
        return QSize(0, super().minimumSizeHint().height())

    def _label(self) -> str:
        return {
            ItemKind.REPLY: _("Reply"),
            ItemKind.NOTE: _("Internal note, not visible to the customer"),
        }.get(self.item.kind, _("Message"))

    def _head(self, item: ThreadItem, own: bool) -> MessageHead:
        kind = "" if self._kind == "card" else self._kind
        who = _("You") if own else polite(item.author_name) or _("Unknown sender")
        icon = {ItemKind.REPLY: "reply", ItemKind.NOTE: "lock"}.get(item.kind, "user")
        state = _("waits to be sent") if item.pending else ""
        return MessageHead(
            self._theme, HeadWords(who, self._label() if kind else "", state, fmt.moment(item.at), icon, kind)
        )

    def _body(self) -> QWidget:
        html = self.item.html
        if html and self.item.kind is not ItemKind.MESSAGE_IN and len(html) <= SHOWN_CHARS and is_ours(html):
            return self._formatted()  # an agent's own: small, and it holds nothing but looks
        head, tail = split_quote(self.item.body)
        whole = self.item.body
        parts: list[QWidget] = [self._label_of(head[:SHOWN_CHARS])]
        if len(head) > SHOWN_CHARS:
            size = fmt.size(len(whole.encode()))
            parts.append(self._link(_("Show the whole text ({size})").format(size=size), self._show_whole))
        elif tail:
            parts.append(self._link(_("Show earlier text"), self._show_whole))
        if self.item.html:
            parts.append(self._link(_("Show with formatting"), self._show_html))
        if len(parts) == 1:
            return parts[0]
        holder = QWidget()
        holder.setLayout(column(*parts, gap=self._theme.tokens.space.tiny))
        return holder

    def _label_of(self, text: str) -> Words:
        label = Words(text, tone="" if self._kind == "card" else self._kind, selectable=True)
        label.setAccessibleName(text[:2000])
        return label

    def _link(self, text: str, pressed: object) -> Button:
        button = Button(self._theme, text, look=Look.LINK)
        button.clicked.connect(pressed)
        button.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        return button

    def _show_whole(self) -> None:
        if len(self.item.body) <= SHOWN_CHARS:
            self._replace(self._label_of(self.item.body))
            return
        edit = PlainEdit(name=_("Whole text"))
        edit.setReadOnly(True)
        edit.setPlainText(self.item.body)
        edit.setMinimumHeight(self._theme.tokens.space.vast * 8)
        self._replace(edit)

    def _show_html(self) -> None:
        self._replace(self._formatted())

    def _formatted(self) -> MessageHtml:
        view = MessageHtml(self.item.html or "", _("Message with formatting"))
        view.link_chosen.connect(self.link_chosen)
        return view

    def _replace(self, widget: QWidget) -> None:
        self._column.replaceWidget(self._text, widget)
        self._text.hide()
        self._text.deleteLater()
        self._text = widget
