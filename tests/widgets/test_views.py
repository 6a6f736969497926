# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists as an agent works with them: filters, looks, ranges, and views of one's own, by keyboard alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QInputMethodEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.config.i18n import set_language
from app.domain.ids import ViewId
from app.domain.ports import SavedView, SortKey, SyncPhase, SyncStatus, ViewKey
from app.services.view_looks import ViewLook, dump_looks, load_looks
from tests.fakes.commits import FakeCommits
from tests.fakes.link import InlineJobs
from tests.fakes.queries import ME, NOW_MS, TEAM, FakeDesk, FakeQueries, ticket_id, user_id
from tests.widgets.test_shell import ALT, CTRL, Desk
from widgets.foundation import Theme
from widgets.inbox.columns import cells
from widgets.inbox.pane import InboxPane
from widgets.inbox.view_form import ViewForm
from widgets.search.field import SearchField


def pane_over(qtbot: QtBot, theme: Theme, size: int = 60, commits: FakeCommits | None = None) -> InboxPane:
    """A list pane that shows every ticket."""
    queries = FakeQueries(FakeDesk(size))
    pane = InboxPane(theme, queries, InlineJobs(), lambda: NOW_MS, commits)
    pane.show_choices(queries.choices())
    qtbot.addWidget(pane)
    pane.resize(400, 600)
    pane.show_view(ViewKey.ALL)
    pane.show()
    qtbot.waitUntil(lambda: pane.model.row_of(ticket_id(0)) is not None)
    return pane


def test_a_filter_is_a_chip_that_can_be_pressed_away(qtbot: QtBot, theme: Theme) -> None:
    """Chosen by typing, said in words, taken out by its chip; the list follows."""
    pane = pane_over(qtbot, theme)
    whole = pane.model.rowCount()
    chooser = pane.bar.ask_filter()
    QTest.keyClicks(chooser.field, "urgent")
    QTest.keyClick(chooser.field, Qt.Key.Key_Return)
    assert [chip.label() for chip in pane.bar.chips] == ["Priority: Urgent"]
    assert 0 < pane.model.rowCount() < whole
    pane.narrow("priority:urgent owner:me -state:solved")
    assert [chip.label() for chip in pane.bar.chips] == ["Priority: Urgent", "Owner: me", "not State: Solved"]
    pane.bar.chips[0].click()
    assert [chip.label() for chip in pane.bar.chips] == ["Owner: me", "not State: Solved"]


@pytest.mark.ux("UX-71")
def test_a_list_that_filters_leave_empty_names_them_and_offers_to_clear_them(qtbot: QtBot, theme: Theme) -> None:
    """Not "nothing here": which filters, and one button that brings the tickets back."""
    pane = pane_over(qtbot, theme)
    pane.narrow("state:merged priority:low")
    assert pane.empty.title.text() == "No ticket fits these filters"
    assert pane.empty.text.text() == "State: Merged · Priority: Low"
    assert pane.empty.action.label() == "Clear the filters"
    pane.empty.action.click()
    assert pane.model.rowCount() == 60


def test_an_empty_list_says_what_is_not_on_this_computer(qtbot: QtBot, theme: Theme) -> None:
    """Before the first load, while it runs, and offline."""
    pane = pane_over(qtbot, theme)
    pane.show_view(ViewKey.SNOOZED)
    for status, words in (
        (SyncStatus(SyncPhase.OFFLINE, 0), "It needs the server once"),
        (SyncStatus(SyncPhase.LOADING, 0, percent=3), "still being loaded"),
        (SyncStatus(SyncPhase.OFFLINE, 0, last_sync=NOW_MS), "is not on this computer"),
    ):
        pane.show_status(status)
        assert words in pane.empty.text.text()
    pane.show_status(SyncStatus(SyncPhase.LIVE, 0, last_sync=NOW_MS))
    assert pane.empty.text.text() == "Tickets that come back later stand here."


@pytest.mark.ux("UX-60")
def test_each_view_keeps_its_own_look(qtbot: QtBot, theme: Theme) -> None:
    """Three densities, cards or table, order and columns; also after a restart."""
    commits = FakeCommits(FakeDesk(60))
    pane = pane_over(qtbot, theme, commits=commits)
    heights = {}
    for density in ("compact", "normal", "comfortable"):
        for table in (False, True):
            pane.wear(ViewLook(density=density, table=table))
            heights[density, table] = pane.list.verticalHeader().defaultSectionSize()
            assert pane.heads.isVisibleTo(pane) is table
            pane.list.viewport().repaint()
    assert heights["compact", True] < heights["normal", True] < heights["comfortable", True]
    worn = ViewLook(SortKey.NUMBER, "compact", True).with_column("owner", True).with_column("state", False)
    assert "owner" in worn.columns
    assert "state" not in worn.columns
    pane.wear(worn)
    pane.show_view(ViewKey.TEAM)
    assert pane.look() == ViewLook()
    again = pane_over(qtbot, theme, commits=commits)
    again.looks.load()
    assert again.look() == worn
    assert load_looks("{") == load_looks('{"mine": 3}') == {}
    assert load_looks(dump_looks({"all": again.look()})) == {"all": again.look()}


def test_the_subject_stays_readable_in_a_narrow_table() -> None:
    """Columns leave before the subject is squeezed; all stand where there is room."""
    wide = cells(("number", "subject", "customer", "state", "owner", "when"), 1200, 8, 12)
    assert [c.name for c in wide] == ["number", "subject", "customer", "state", "owner", "when"]
    assert all(a.left + a.width <= b.left for a, b in pairwise(wide))
    narrow = cells(("number", "subject", "customer", "state", "owner", "when"), 300, 8, 12)
    assert "subject" in [c.name for c in narrow]
    assert next(c.width for c in narrow if c.name == "subject") >= 22 * 8


@pytest.mark.ux("UX-05")
def test_a_million_selected_tickets_are_counted_not_read(qtbot: QtBot, theme: Theme) -> None:
    """Ctrl+A says how many; a deed on them knows them by their places."""
    pane = pane_over(qtbot, theme, 1_000_000)
    pane.list.setFocus()
    QTest.keyClick(pane.list, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    assert pane.selected_count() == 1_000_000
    assert pane.count.text() == "1,000,000 of 1,000,000 selected"
    picked = pane.picked()
    assert len(picked) == 1_000_000
    assert picked.ids[:2] == [ticket_id(0), ticket_id(1)]
    assert picked.ids[-1] == ticket_id(999_999)
    QTest.keyClick(pane.list, Qt.Key.Key_Down)
    assert pane.selected_count() == 1


def test_shift_selects_ranges_to_the_next_row_and_to_the_ends(qtbot: QtBot, theme: Theme) -> None:
    """Shift with Down, End and Home; one row again without it."""
    pane = pane_over(qtbot, theme)
    pane.list.setFocus()
    shift = Qt.KeyboardModifier.ShiftModifier
    QTest.keyClick(pane.list, Qt.Key.Key_Down)
    QTest.keyClick(pane.list, Qt.Key.Key_Down)
    QTest.keyClick(pane.list, Qt.Key.Key_Down, shift)
    assert list(pane.picked().ids) == [ticket_id(1), ticket_id(2)]
    QTest.keyClick(pane.list, Qt.Key.Key_End, shift)
    assert pane.selected_count() == 59
    QTest.keyClick(pane.list, Qt.Key.Key_Home, shift)
    assert list(pane.picked().ids) == [ticket_id(0), ticket_id(1)]
    QTest.keyClick(pane.list, Qt.Key.Key_Home)
    assert list(pane.picked().ids) == [ticket_id(0)]


@pytest.mark.ux("UX-66")
def test_a_syllable_that_is_still_composed_is_searched_for(qtbot: QtBot, theme: Theme) -> None:
    """결 typed, 제 in composition: 결제 is looked for."""
    field = SearchField(theme)
    qtbot.addWidget(field)
    field.show()
    typed = QInputMethodEvent("", [])
    typed.setCommitString("결")
    with qtbot.waitSignal(field.searched, check_params_cb=lambda text: text == "결"):
        QApplication.sendEvent(field, typed)
    with qtbot.waitSignal(field.searched, check_params_cb=lambda text: text == "결제"):
        QApplication.sendEvent(field, QInputMethodEvent("제", []))


def test_a_search_says_what_it_did_not_understand(qtbot: QtBot, theme: Theme) -> None:
    """An unknown filter and a lone syllable; gone with the search."""
    pane = pane_over(qtbot, theme)
    pane.show_search("onwer:kim 해")
    assert "There is no filter “onwer:”" in pane.bar.hint.text()
    assert "One syllable" in pane.bar.hint.text()
    pane.end_search()
    assert pane.bar.hint.isHidden()


# --- views of one's own ---------------------------------------------------------------------------------------


@pytest.fixture
def desk(qtbot: QtBot, theme: Theme, tmp_path: Path) -> Iterator[Desk]:
    """A window with sixty tickets."""
    made = Desk(qtbot, theme, tmp_path)
    yield made
    made.window.close()
    set_language("en")


def form_of(desk: Desk) -> ViewForm:
    """The open form of a view."""
    found = [w for w in desk.window.findChildren(ViewForm) if w.isVisible()]
    assert len(found) == 1
    return found[0]


def names(desk: Desk) -> list[str]:
    """The saved views in the list, as a screen reader says them."""
    return [button.accessibleName() for button in desk.window.views.saved.values()]


def make_view(desk: Desk, name: str, condition: str, **more: object) -> ViewId:
    """A view that is there already."""
    view = ViewId(name.encode().ljust(16, b"-")[:16])
    found = SavedView(view, name, condition, SortKey.LAST_ACTIVITY, "me", None, ME, pinned=True)
    desk.data.views[view] = replace(found, **more)  # type: ignore[arg-type]  # fields by keyword
    desk.window.refresher.read_counts()
    return view


def test_a_search_is_kept_as_a_view_opened_and_undone_by_keys_alone(desk: Desk) -> None:
    """P20: no administrator, no mouse: search, save, name it, and there it stands with its count."""
    desk.key(Qt.Key.Key_F, CTRL)
    desk.type("priority:urgent")
    desk.key(Qt.Key.Key_Return)
    assert desk.window.inbox.bar.save_button.isVisible()
    desk.key(Qt.Key.Key_K, CTRL)
    desk.pick("save this search")
    form = form_of(desk)
    assert form.condition.text() == "priority:urgent"
    form.name.setText("")
    QTest.keyClick(form.name, Qt.Key.Key_Return)
    assert "Give the view a name" in form.problem.text.text()
    form.name.setText("급한 것")
    QTest.keyClick(form.name, Qt.Key.Key_Return)
    assert form.isHidden()
    count = desk.window.inbox.model.rowCount()
    assert desk.window.inbox.title.text() == "급한 것"
    assert names(desk) == [f"급한 것, {count}"]
    assert count > 0
    desk.key(Qt.Key.Key_1, CTRL)
    assert desk.window.inbox.title.text() == "My tickets"
    desk.key(Qt.Key.Key_0, CTRL)
    desk.pick("급한")
    assert desk.window.inbox.title.text() == "급한 것"
    desk.key(Qt.Key.Key_Z, CTRL)
    desk.qtbot.waitUntil(lambda: names(desk) == [])
    assert desk.window.inbox.title.text() == "My tickets"


def test_a_narrowed_view_is_saved_with_what_it_shows(desk: Desk) -> None:
    """My tickets, of these the urgent ones: the view's condition says both."""
    desk.key(Qt.Key.Key_L, CTRL)
    desk.pick("urgent")
    form = desk.window.saved_views.save()
    assert form.condition.text() == "owner:me state:live -is:snoozed priority:urgent"
    desk.key(Qt.Key.Key_Escape)
    assert names(desk) == []


def test_views_are_ordered_edited_and_deleted_where_they_stand(desk: Desk) -> None:
    """Alt+Down, F2 and Delete on the view itself; the order is kept; deleting asks nothing and can be undone."""
    make_view(desk, "a", "owner:me")
    make_view(desk, "b", "owner:none")
    first = next(iter(desk.window.views.saved.values()))
    first.setFocus()
    desk.key(Qt.Key.Key_Down, ALT)
    assert [n[0] for n in names(desk)] == ["b", "a"]
    assert QApplication.focusWidget() is desk.window.views.saved[first.view.id]
    desk.key(Qt.Key.Key_F2)
    form = form_of(desk)
    form.name.setText("c")
    form.share.setCurrentIndex(form.share.findText("Team Technical support"))
    QTest.keyClick(form.name, Qt.Key.Key_Return)
    assert [n[0] for n in names(desk)] == ["b", "c"]
    assert desk.data.views[first.view.id].share == "team"
    desk.window.views.saved[first.view.id].setFocus()
    desk.key(Qt.Key.Key_Delete)
    assert [n[0] for n in names(desk)] == ["b"]
    assert "deleted" in desk.window.toast.text()
    desk.window.toast.undo.click()
    desk.qtbot.waitUntil(lambda: [n[0] for n in names(desk)] == ["b", "c"])


def test_somebody_elses_view_is_kept_as_one_of_ones_own(desk: Desk) -> None:
    """Edit offers a copy, and Delete is not there for what is not mine."""
    view = make_view(desk, "x", "state:open", share="team", team=TEAM, owner=user_id(1))
    form = desk.window.saved_views.edit(view)
    assert form is not None
    assert (form.windowTitle(), form.share.currentText()) == ("Save as a view", "Only me")
    form.reject()


def test_a_view_that_others_change_or_withdraw_follows(desk: Desk) -> None:
    """What shows is what the view is now; when it is gone, My tickets shows."""
    view = make_view(desk, "x", "priority:urgent")
    desk.window.saved_views.go(view)
    make_view(desk, "x", "priority:high")
    assert [c.label() for c in desk.window.inbox.bar.chips] == ["Priority: High"]
    del desk.data.views[view]
    desk.window.refresher.read_counts()
    assert desk.window.inbox.title.text() == "My tickets"


def test_back_returns_to_a_saved_view(desk: Desk) -> None:
    """Alt+Left, also from the outbox and after a search."""
    view = make_view(desk, "x", "priority:urgent")
    desk.window.saved_views.go(view)
    desk.key(Qt.Key.Key_6, CTRL)
    desk.key(Qt.Key.Key_Left, ALT)
    assert desk.window.inbox.title.text() == "x"
    assert desk.window.views.saved[view].isChecked()
    desk.window.top.search.put("간편결제")
    desk.window.top.search.put("")
    assert desk.window.inbox.title.text() == "x"
