# SPDX-License-Identifier: GPL-3.0-or-later
"""Handing a ticket over: to whom, which support level and team, and one line why, which the next owner reads first."""

from __future__ import annotations

from typing import cast

from PySide6.QtCore import QPoint, Signal
from PySide6.QtWidgets import QComboBox, QLineEdit, QSizePolicy, QWidget

from app.config.i18n import _, language
from app.domain.ids import TeamId, UserId
from app.domain.ports import Choices
from app.services.messages import problem_text
from app.services.picked import Picked
from app.services.texts import owner_name, polite
from app.services.tickets import HandOver
from widgets.foundation import Button, Theme, fit, fmt, read_text
from widgets.foundation.chooser import Chooser
from widgets.foundation.form_window import FormWindow
from widgets.ticket.choices import owner_options

__all__ = ["HandOverWindow"]

_REASON_CHARS = 200


class HandOverWindow(FormWindow):
    """`agreed` gives a HandOver."""

    agreed = Signal(object)

    def __init__(
        self, theme: Theme, picked: Picked, tier: int, team: TeamId | None, choices: Choices, me: UserId | None,
        parent: QWidget | None,
    ) -> None:  # fmt: skip
        """`tier` and `team` are those of the ticket now; without a team the tickets keep theirs."""
        one = picked.one()
        what = one.label if one is not None else _("{n} tickets").format(n=fmt.number(len(picked)))
        super().__init__(theme, parent, title=_("Hand over {what}").format(what=what), deed=_("Hand over"))
        self._choices, self._me = choices, me
        self._before = (one.owner if one is not None else UserId(b""), tier, team)
        self.owner: UserId | None = one.owner if one is not None else None
        self.chooser: Chooser | None = None
        space = theme.tokens.space
        self.to = Button(theme, "", icon="user", pressed=self._choose)
        self.to.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.tier = QComboBox()
        for level in (1, 2, 3):
            self.tier.addItem(_("Level {n}").format(n=level), level)
        self.tier.setCurrentIndex(max(1, min(3, tier)) - 1)
        self.team = QComboBox()
        self._teams: list[TeamId | None] = [None]
        self.team.addItem(_("Keep the team"))
        at = 0 if language() == "ko" else 1
        for id_, names in sorted(choices.teams.items(), key=lambda pair: pair[1][at]):
            if id_ != team:
                self._teams.append(id_)
                self.team.addItem(names[at])
        self.reason = QLineEdit()
        self.reason.setMaxLength(_REASON_CHARS)
        self.body.addLayout(self.field(_("To"), self.to))
        self.body.addLayout(self.beside(self.field(_("Support level"), self.tier), self.field(_("Team"), self.team)))
        hint = _("One line. The next owner reads it before the conversation; customers never see it.")
        self.body.addLayout(self.field(_("Reason"), self.reason, hint=hint))
        self._tell()
        fit(self, space.vast * 10, 0)
        self.to.setFocus()

    def _choose(self) -> None:
        chooser = self.chooser = Chooser(self.theme, _("Hand over to"), self, wide=self.to.width())
        chooser.set_nothing(_("Nothing fits."))
        chooser.show_options(owner_options(self._choices, self.owner, self._me))
        chooser.chosen.connect(self._chosen)
        chooser.open_at(self.to.mapToGlobal(QPoint(0, self.to.height())))

    def _chosen(self, value: object) -> None:
        self.choose_owner(cast("UserId | None", value))
        self.reason.setFocus()

    def choose_owner(self, owner: UserId | None) -> None:
        """Say to whom."""
        self.owner = owner
        self._tell()

    def _tell(self) -> None:
        name = polite(owner_name(self._choices, self.owner)) if self.owner else _("Nobody: the team's queue")
        self.to.setText(name)
        self.to.setAccessibleName(_("To: {name}").format(name=name))

    def submit(self) -> None:
        """Hand over; without a reason, or to where it is already, nothing happens."""
        reason = read_text(self.reason).strip()
        team = self._teams[self.team.currentIndex()]
        tier = self.tier.currentIndex() + 1
        if not reason:
            self.tell(problem_text("reason_needed"), self.reason)
        elif (self.owner, tier) == self._before[:2] and team is None:
            self.tell(_("It is there already. Choose somebody else, another level or another team."), self.to)
        else:
            self.agreed.emit(HandOver(reason, self.owner, tier, team))
            self.accept()
