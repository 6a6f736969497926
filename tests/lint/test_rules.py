# SPDX-License-Identifier: GPL-3.0-or-later
"""House rules: each one notices what it is for, and leaves honest code alone."""

from __future__ import annotations

import ast

import pytest

from tests.lint.rules import Source, check

SPDX = "# SPDX-License-Identifier: GPL-3.0-or-later\n"


def _complaints(place: str, code: str, first: str = SPDX) -> list[str]:
    return [line.split(": ")[1] for line in check(Source(place, first + code, ast.parse(first + code)))]


@pytest.mark.parametrize(
    ("rule", "place", "code"),
    [
        ("plain_labels", "widgets/inbox/a.py", "QLabel('x')"),
        ("plain_labels", "app/desktop/a.py", "QtWidgets.QLabel(text)"),
        ("plain_labels", "widgets/inbox/a.py", "QMessageBox.warning(self, 'a', 'b')"),
        ("rich_text", "widgets/inbox/a.py", "view.setHtml(text)"),
        ("rich_text", "widgets/inbox/a.py", "label.setTextFormat(Qt.TextFormat.RichText)"),
        ("literal_colours", "widgets/inbox/a.py", "x = '#ff0000'"),
        ("literal_colours", "widgets/inbox/a.py", "QColor(1, 2, 3)"),
        ("literal_colours", "app/desktop/a.py", "brush = Qt.GlobalColor.darkGray"),
        ("literal_measures", "widgets/inbox/a.py", "self.setFixedWidth(240)"),
        ("literal_measures", "widgets/inbox/a.py", "view.setIconSize(QSize(16, 16))"),
        ("literal_measures", "widgets/inbox/a.py", "QTimer.singleShot(200, f)"),
        ("literal_measures", "widgets/inbox/a.py", "timer.setInterval(200)"),
        ("launches", "widgets/inbox/a.py", "QDesktopServices.openUrl(url)"),
        ("comments", "app/store/a.py", "import x  # type: ignore"),
        ("comments", "app/store/a.py", "import x  # type: ignore[import-untyped]"),
        ("comments", "app/store/a.py", "import x  # noqa"),
        ("comments", "app/store/a.py", "x = 1  # TO" + "DO later"),
        ("glossary", "widgets/inbox/a.py", "_('Close this case')"),
        ("waiting_tests", "tests/unit/a.py", "time.sleep(1)"),
        ("waiting_tests", "tests/unit/a.py", "x = Mock()"),
    ],
)
def test_a_broken_house_rule_is_noticed(rule: str, place: str, code: str) -> None:
    """Each rule finds its own fault and no other rule complains."""
    assert _complaints(place, code) == [rule]


def test_a_file_without_licence_line_is_noticed() -> None:
    """Every file that holds anything says its licence."""
    assert _complaints("app/store/a.py", "x = 1\n", first="") == ["licence_line"]
    assert _complaints("app/store/__init__.py", "", first="") == []


@pytest.mark.parametrize(
    ("place", "code"),
    [
        ("widgets/foundation/labels.py", "QLabel('x')"),
        ("widgets/inbox/a.py", "PlainLabel('x').setTextFormat(Qt.TextFormat.PlainText)"),
        ("widgets/inbox/a.py", "layout.setContentsMargins(0, 0, 0, 0); layout.setSpacing(tokens.space(2))"),
        ("widgets/inbox/a.py", "QColor(theme.colour('danger')); QTimer.singleShot(0, f); n = '#1234-7 of'"),
        ("widgets/foundation/tokens.py", "x = '#ff0000'"),
        ("app/domain/a.py", "x = '#ff0000'"),
        ("app/store/a.py", "import x  # type: ignore[import-untyped]  # ships no types"),
        ("app/store/a.py", "x = 1  # noqa: N802 - Qt's name"),
        ("widgets/inbox/a.py", "_('In case of fire'); _('The ticket is closed')"),
        ("tests/unit/a.py", "x = Mock(spec=Store)"),
        ("tests/bench/a.py", "time.sleep(1)"),
    ],
)
def test_honest_code_is_left_alone(place: str, code: str) -> None:
    """A rule that cries wolf would be switched off."""
    assert _complaints(place, code) == []
