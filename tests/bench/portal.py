# SPDX-License-Identifier: GPL-3.0-or-later
"""The portal under load: many customers write and chat at once, then somebody guesses links; one process, SQLite.

python -m tests.bench.portal --customers 200 --guesses 50000 [--json FILE]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from tests.bench._visitors import Answer, Visitor
from tests.fakes.wait import wait_until

_MARK = re.compile(r'name="form" value="([^"]*)"')
_STATE = re.compile(r'data-mark="([^"]*)"')


def _percentile(values: list[float], share: int) -> float:
    return values[max(0, -(-len(values) * share // 100) - 1)]


class _Page:
    """What a page with a live chat knows: the state that it shows, and the one that the live line told of last."""

    def __init__(self) -> None:
        self._shown = self._told = ""
        self._stirred = asyncio.Event()

    def shows(self, answer: Answer) -> None:
        """Take over the state that came with the conversation."""
        self._shown = _STATE.findall(answer.text)[-1]

    def moved(self, mark: str) -> None:
        """Hear of a state."""
        self._told = mark
        self._stirred.set()

    async def told(self) -> None:
        """Wait until the live line told of the state that is shown."""
        while self._told != self._shown:
            self._stirred.clear()
            await self._stirred.wait()

    async def read_if_told(self, read: Callable[[], Awaitable[Answer]]) -> None:
        """Read the conversation again when the line told of another state."""
        if self._told and self._told != self._shown:
            self.shows(await read())


class _Load:
    """What was asked and how long each answer took."""

    def __init__(self, url: str) -> None:
        split = urlsplit(url)
        self._where = split.hostname or "", split.port or 0
        self.took: dict[str, list[float]] = {}
        self.errors: list[str] = []
        self.opened = 0
        self.stopped = 0

    def visitor(self, address: str) -> Visitor:
        """Return a browser at an address."""
        return Visitor(*self._where, address)

    async def _timed(self, what: str, wanted: int, asked: Awaitable[Answer]) -> Answer:
        start = time.perf_counter()
        answer = await asked
        self.took.setdefault(what, []).append((time.perf_counter() - start) * 1000)
        if answer.status != wanted:
            self.errors.append(f"{what}: {answer.status}")
        return answer

    async def customer(self, n: int, replies: int) -> str:
        """Write a request and chat with the live line open; return the link. People pause between, as people do."""
        browser, page = self.visitor(f"10.{n // 250}.{n % 250}.1"), _Page()
        await asyncio.sleep(5 * n / 200)
        empty = await self._timed("form", 200, browser.get("/help/write?lang=ko"))
        fields = {
            "name": f"고객 {n}",
            "mail": f"c{n}@example.org",
            "phone": "",
            "subject": f"문의 {n}",
            "body": "화면이 멈춥니다.",
        }
        mark = _MARK.findall(empty.text)[0]
        sent = await self._timed("request", 303, browser.post("/help/write?lang=ko", {**fields, "form": mark}))
        link = sent.field("location").split("?")[0]
        opened = await self._timed("page", 200, browser.get(link))
        page.shows(opened)
        mark = _MARK.findall(opened.text)[-1]
        if await browser.listen(f"{link}/live", page.moved) != 200:
            self.errors.append("live")
        for turn in range(replies):
            await asyncio.sleep(1 + (n % 10) / 5)
            await page.read_if_told(lambda: self._timed("lines", 200, browser.get(f"{link}/lines?lang=ko")))
            fields = {"form": mark, "body": f"말 {n}-{turn}", "live": "1"}
            answer = await self._timed("reply", 200, browser.post(f"{link}/reply", fields))
            mark = json.loads(answer.body)["form"]
            page.shows(await self._timed("lines", 200, browser.get(f"{link}/lines?lang=ko")))
            start = time.perf_counter()
            async with asyncio.timeout(60):
                await page.told()
            self.took.setdefault("told", []).append((time.perf_counter() - start) * 1000)
        await browser.close()
        return link

    async def guess(self, each: int) -> None:
        """Open wrong links from one address."""
        browser = self.visitor("10.9.9.9")
        for _ in range(each):
            answer = await browser.get(f"/help/t/{secrets.token_urlsafe(32)}")
            self.opened += answer.status not in (404, 429)
            self.stopped += answer.status == 429
        await browser.close()

    async def kept(self, link: str, n: int, replies: int) -> int:
        """Count what of a customer's words is not on the page; also from the address that guesses came from."""
        browser = self.visitor("10.9.9.9")
        answer = await browser.get(link)
        await browser.close()
        return sum(f"말 {n}-{turn}<" not in answer.text for turn in range(replies))


async def _run(url: str, server: psutil.Process, customers: int, replies: int, guesses: int) -> dict[str, object]:
    load, own = _Load(url), psutil.Process()
    busy = _cpu(server), _cpu(own)
    start = time.perf_counter()
    links = await asyncio.gather(*(load.customer(n, replies) for n in range(customers)))
    writing_s = time.perf_counter() - start
    busy = _cpu(server) - busy[0], _cpu(own) - busy[1]
    answers = sorted(ms for what, took in load.took.items() if what != "told" for ms in took)
    start = time.perf_counter()
    if guesses:
        await asyncio.gather(*(load.guess(guesses // 20) for _ in range(20)))
    guessed_s = time.perf_counter() - start
    after = [await load.kept(link, n, replies) for n, link in enumerate(links)]
    return {
        "customers": customers, "answers": len(answers), "p50_ms": round(_percentile(answers, 50), 1),
        "p95_ms": round(_percentile(answers, 95), 1), "max_ms": round(answers[-1], 1),
        "p95_of": {what: round(_percentile(sorted(took), 95), 1) for what, took in load.took.items()},
        "writing_s": round(writing_s, 1), "server_cpu_s": round(busy[0], 2), "load_cpu_s": round(busy[1], 2),
        "errors": load.errors[:10], "lost": sum(after), "guesses": guesses, "opened": load.opened,
        "stopped": load.stopped, "guessed_s": round(guessed_s, 1),
    }  # fmt: skip


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def main() -> int:
    """Run it; 1 when something was lost, failed or opened."""
    out = argparse.ArgumentParser(description=__doc__)
    out.add_argument("--customers", type=int, default=200)
    out.add_argument("--replies", type=int, default=5)
    out.add_argument("--guesses", type=int, default=50_000)
    out.add_argument("--json", type=Path)
    arguments = out.parse_args()
    deskside = [sys.executable, "-m", "app.entry.cli"]
    with tempfile.TemporaryDirectory() as folder:
        data, port = Path(folder) / "server", Path(folder) / "url"
        make = [*deskside, "admin", "--data", str(data), "sample", "--size", "small", "--password-stdin"]
        subprocess.run(make, input="correct horse battery\n", text=True, check=True, stdout=subprocess.DEVNULL)
        serve = [*deskside, "server", "--data", str(data), "--listen", "127.0.0.1:0", "--port-file", str(port)]
        server = subprocess.Popen(serve, stdout=subprocess.DEVNULL)
        try:
            wait_until(port.exists, 60)
            url = port.read_text().strip()
            process = psutil.Process(server.pid)
            told = asyncio.run(_run(url, process, arguments.customers, arguments.replies, arguments.guesses))
        finally:
            server.terminate()
            server.wait(30)
    print(json.dumps(told, ensure_ascii=False))
    if arguments.json:
        arguments.json.write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return int(bool(told["errors"] or told["lost"] or told["opened"]))


if __name__ == "__main__":
    sys.exit(main())
