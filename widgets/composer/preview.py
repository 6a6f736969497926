# SPDX-License-Identifier: GPL-3.0-or-later
"""The finished reply before it goes: recipient, text as the customer will read it, files, and what it answers."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QLayout, QWidget

from app.config.i18n import _
from app.domain.attachments import Attachment
from app.domain.formatting import plain, to_html
from app.domain.ports import TicketDetails
from app.services.finished_reply import Finished, answered, recipient
from app.services.messages import problem_text
from app.services.texts import polite
from widgets.foundation import Panel, PlainLabel, Theme, Words, column, fmt, row, scroll
from widgets.foundation.form_window import FormWindow
from widgets.foundation.html_view import MessageHtml
from widgets.foundation.states import announce

__all__ = ["PreviewWindow"]

_QUOTED_CHARS = 1_200


class PreviewWindow(FormWindow):
    """`agreed`: the person read it and wants it sent. Ctrl+Enter sends, Escape goes back to the text."""

    agreed = Signal()

    def __init__(
        self, theme: Theme, details: TicketDetails, finished: Finished, files: Sequence[Attachment],
        parent: QWidget | None = None,
    ) -> None:  # fmt: skip
        name, address = recipient(details)
        who = polite(name) or _("the customer")
        space = theme.tokens.space
        super().__init__(
            theme, parent, title=_("What {name} gets").format(name=who), deed=_("Send to {name}").format(name=who),
            wide=space.vast * 11,
        )  # fmt: skip
        self.whom = PlainLabel(f"{who} <{address}>" if address else who, wrap=True, selectable=True)
        self.text = self._said(finished)
        inside: list[QWidget] = [self.text]
        self.files = [PlainLabel(f"{each.filename} ({fmt.size(each.size_bytes)})", wrap=True) for each in files]
        if self.files:
            inside += [PlainLabel(_("Attachments"), type="caption", tone="reply"), *self.files]
        card = Panel("reply", column(*inside, gap=space.medium, margins=(space.medium,) * 4))
        parts: list[QWidget] = [card]
        before = answered(details)
        if before is not None:
            parts += self._answer_to(before.author_name, before.at, before.body)
        holder = QWidget()
        holder.setLayout(column(*parts, None, gap=space.medium))
        area = scroll(holder)
        area.setAccessibleName(_("The finished reply"))
        area.setMinimumHeight(space.vast * 7)
        self.subject = PlainLabel(details.row.subject, wrap=True, selectable=True)
        self.body.addLayout(self._named(_("Recipient"), self.whom))
        self.body.addLayout(self._named(_("Subject"), self.subject))
        self.body.addWidget(area, 1)
        self.cancel.setText(_("Go on writing"))
        self.deed.setEnabled(not finished.missing)
        if finished.missing:
            self.tell(problem_text("unfilled", {"names": ", ".join(finished.missing)}))
        self.setAccessibleDescription(f"{who} {address}. {plain(finished.said)}")
        (self.cancel if finished.missing else self.deed).setFocus()
        announce(self, self.heading.text())

    def _named(self, name: str, widget: PlainLabel) -> QLayout:
        label = PlainLabel(name, type="caption", tone="muted")
        label.setMinimumWidth(self.theme.tokens.space.vast)
        widget.setAccessibleName(f"{name}: {widget.text()}")
        box = row(label, widget, gap=self.theme.tokens.space.small)
        box.setStretch(1, 1)
        return box

    def _said(self, finished: Finished) -> QWidget:
        html = to_html(finished.said)
        if html is not None:
            return MessageHtml(html, _("The finished reply"))
        words = Words(finished.said.text, tone="reply", selectable=True)
        words.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        words.setAccessibleName(finished.said.text[:2000])
        return words

    def _answer_to(self, name: str, at: int, body: str) -> list[QWidget]:
        who = polite(name) or _("the customer")
        head = _("In answer to what {name} wrote on {when}:").format(name=who, when=fmt.moment(at))
        more = "…" if len(body) > _QUOTED_CHARS else ""
        text = "\n".join(f"> {line}".rstrip() for line in body[:_QUOTED_CHARS].strip().splitlines()) + more
        quoted = Words(text, tone="muted", selectable=True)
        quoted.setAccessibleName(f"{head} {body[:_QUOTED_CHARS]}")
        return [PlainLabel(head, type="caption", tone="muted", wrap=True), quoted]

    def submit(self) -> None:
        """Send it."""
        if self.deed.isEnabled():
            self.accept()
            self.agreed.emit()
