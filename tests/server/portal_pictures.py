# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws the portal for the documentation: `python -m tests.server.portal_pictures FOLDER`; it wants Chromium."""

from __future__ import annotations

import base64
import os
import sys
import tempfile
from pathlib import Path
from typing import Any, cast

from sync.server.publishing import publish
from sync.server.store import Store, sqlite_url
from tests.fakes.chromium import Page, browser
from tests.fakes.wait import wait_until
from tests.server.serving import serving
from tests.server.test_callbacks import open_hours
from tests.server.test_portal import Visitor, answered, ticket_of
from tests.server.world import World

WIDTH = 860
_ARTICLE = {
    "title_ko": "화면이 멈출 때", "body_ko": "잠시 기다린 뒤 프로그램을 다시 시작합니다.", "folder": "",
    "title_en": "When the screen stands still", "body_en": "Wait for a moment, then start the program anew.",
    "state": "published",
}  # fmt: skip
_TALK = {
    "ko": ("화면이 멈춥니다", "저장하면 화면이 멈춥니다.", "확인해 보겠습니다. 화면을 함께 볼 수 있을까요?"),
    "en": ("The screen stands still", "It stops when I save.", "Let me look into it. May we look at it together?"),
}


def _shoot(page: Page, file: Path) -> None:
    height = int(page.run("document.documentElement.scrollHeight"))
    page.call("Emulation.setDeviceMetricsOverride", width=WIDTH, height=height, deviceScaleFactor=1, mobile=False)
    file.write_bytes(base64.b64decode(page.call("Page.captureScreenshot", format="png")["data"]))
    page.call("Emulation.setDeviceMetricsOverride", width=WIDTH, height=700, deviceScaleFactor=1, mobile=False)


def _draw(desk: World, page: Page, base: str, lang: str, folder: Path) -> None:
    subject, body, answer = _TALK[lang]
    page.call("Emulation.setDeviceMetricsOverride", width=WIDTH, height=700, deviceScaleFactor=1, mobile=False)
    page.call("Emulation.setScrollbarsHidden", hidden=True)
    page.open(f"{base}/help/write?lang={lang}")
    page.run(
        f"const s = document.getElementById('subject'); s.value = '{subject}';"
        f"document.getElementById('body').value = '{body}';"
        "s.dispatchEvent(new Event('change', { bubbles: true })); 0"
    )
    wait_until(lambda: page.run("document.querySelector('#fits a') !== null"), 30)
    _shoot(page, folder / f"portal-write-{lang}.png")
    visitor = Visitor(cast("Any", desk.client), lang)
    visitor.write({"subject": subject, "body": body, "name": "민서연" if lang == "ko" else "Seoyeon Min"})
    answered(desk, bytes(ticket_of(desk)["id"]), answer)
    page.open(f"{base}{visitor.link}?lang={lang}")
    # the address of a real help desk, not of this machine
    page.run("const l = document.getElementById('link'); l.value = 'https://help.example.com/help/t/…'; 0")
    _shoot(page, folder / f"portal-request-{lang}.png")


def main(folder: Path) -> None:
    """Draw all of them, in both languages, with the letters of this program: the machine may have no Korean ones."""
    fonts = Path(tempfile.mkdtemp()) / "fonts.conf"
    ours = Path(__file__).resolve().parents[2] / "resources" / "fonts" / "pretendard"
    fonts.write_text(
        '<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig>'
        f'<include ignore_missing="yes">/etc/fonts/fonts.conf</include><dir>{ours}</dir></fontconfig>'
    )
    os.environ["FONTCONFIG_FILE"] = str(fonts)
    for lang in ("ko", "en"):
        with tempfile.TemporaryDirectory() as place:
            desk = World(Store.open(sqlite_url(Path(place))))
            with serving(desk.parts) as (client, _stop), browser(Path(place) / "profile") as page:
                desk.client = cast("Any", client)
                publish(
                    desk.store, desk.clock(), {"name_ko": "고객지원", "name_en": "Support"}, "", {"f": _ARTICLE}, {}
                )
                open_hours(desk)
                _draw(desk, page, str(client.base_url).rstrip("/"), lang, folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
