# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of lists: chips and saved views, the table, a search with remarks, an empty one, the form of a view."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QWidget

from app.domain.ids import ViewId
from app.domain.ports import SavedView, SortKey, ViewKey
from app.services.view_looks import COLUMNS, ViewLook
from tests.fakes.queries import ME, TEAM
from tests.widgets.scenes_agent import agent_window
from tests.widgets.screenshots import Scene
from widgets.foundation import Theme
from widgets.inbox.view_form import ViewForm
from widgets.shell.window import AgentWindow

_VIEWS = (
    ("결제 오류 급한 것", "priority:urgent 결제", "me"),
    ("첨부 있는 새 문의", "state:new has:attachment", "me"),
    ("기술지원 야간 인수", "state:live owner:none", "team"),
    ("장애 보류", "is:held", "all"),
)


def _window(theme: Theme) -> AgentWindow:
    mode = theme.mode
    window, desk, _commits = agent_window(theme)
    theme.set_mode(mode)
    for n, (name, condition, share) in enumerate(_VIEWS):
        view = ViewId(bytes([n + 1]) * 16)
        team = TEAM if share == "team" else None
        desk.views[view] = SavedView(view, name, condition, SortKey.LAST_ACTIVITY, share, team, ME, pinned=True)
    window.refresher.read_counts()
    return window


def _scene(prepare: Callable[[AgentWindow], object]) -> Callable[[Theme], QWidget]:
    def build(theme: Theme) -> QWidget:
        window = _window(theme)
        prepare(window)
        return window

    return build


def _filtered(window: AgentWindow) -> None:
    window.go_view(ViewKey.TEAM)
    window.inbox.narrow("state:live -owner:none priority:high")


def _table(window: AgentWindow) -> None:
    window.go_view(ViewKey.ALL_LIVE)
    window.inbox.wear(ViewLook(SortKey.PRIORITY, "normal", True, COLUMNS))
    window.split.setSizes([200, 900, 300, 0])


def _compact(window: AgentWindow) -> None:
    window.saved_views.go(ViewId(bytes([3]) * 16))
    window.inbox.wear(ViewLook(density="compact"))
    window.inbox.list.selectRow(2)


def _search(window: AgentWindow) -> None:
    window.top.search.put("onwer:kim 프 프린터")


def _empty(window: AgentWindow) -> None:
    window.go_view(ViewKey.MINE)
    window.inbox.narrow("state:merged tag:vip")


def _form(theme: Theme) -> ViewForm:
    window = _window(theme)
    window.inbox.narrow("priority:urgent 결제")
    form = window.saved_views.save()
    form.destroyed.connect(window.deleteLater)
    return form


SCENES = [
    Scene("views-filtered", _scene(_filtered), (1280, 800), contrast=True),
    Scene("views-table", _scene(_table), (1440, 800)),
    Scene("views-compact", _scene(_compact), (1280, 800)),
    Scene("views-search", _scene(_search), (1280, 800)),
    Scene("views-empty", _scene(_empty), (1280, 800)),
    Scene("views-form", _form),
]
