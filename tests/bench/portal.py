# SPDX-License-Identifier: GPL-3.0-or-later
"""The portal under load: many customers write and chat at once, while somebody guesses links; one process, SQLite.

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
from pathlib import Path

import httpx

from tests.fakes.wait import wait_until

_MARK = re.compile(r'name="form" value="([^"]*)"')


def _percentile(values: list[float], share: int) -> float:
    return values[max(0, -(-len(values) * share // 100) - 1)]


class _Load:
    """What was asked and how long each answer took."""

    def __init__(self, url: str) -> None:
        # shorter than the server keeps an idle connection: browsers ask again when they meet its end
        limits = httpx.Limits(max_connections=250, max_keepalive_connections=250, keepalive_expiry=2)
        self.client = httpx.AsyncClient(base_url=url, timeout=60, limits=limits)
        self.took: list[float] = []
        self.errors: list[str] = []
        self.opened = 0
        self.stopped = 0

    async def _timed(self, wanted: int, method: str, path: str, **more: object) -> httpx.Response:
        start = time.perf_counter()
        answer = await self.client.request(method, path, **more)  # type: ignore[arg-type]  # passed on as it is
        self.took.append((time.perf_counter() - start) * 1000)
        if answer.status_code != wanted:
            self.errors.append(f"{method} {path.split('?')[0][:12]}: {answer.status_code}")
        return answer

    async def customer(self, n: int, replies: int) -> str:
        """Write a request and chat; return the link. People pause between, as people do."""
        head = {"x-forwarded-for": f"10.{n // 250}.{n % 250}.1"}
        await asyncio.sleep(5 * n / 200)
        page = await self._timed(200, "GET", "/help/write?lang=ko", headers=head)
        fields = {
            "name": f"고객 {n}",
            "mail": f"c{n}@example.org",
            "phone": "",
            "subject": f"문의 {n}",
            "body": "화면이 멈춥니다.",
        }
        mark = _MARK.findall(page.text)[0]
        sent = await self._timed(303, "POST", "/help/write?lang=ko", data={**fields, "form": mark}, headers=head)
        link = sent.headers["location"].split("?")[0]
        mark = _MARK.findall((await self._timed(200, "GET", link, headers=head)).text)[-1]
        for turn in range(replies):
            await asyncio.sleep(1 + (n % 10) / 5)
            fields = {"form": mark, "body": f"말 {n}-{turn}", "live": "1"}
            answer = await self._timed(200, "POST", f"{link}/reply", data=fields, headers=head)
            mark = answer.json()["form"]
        return link

    async def guess(self, each: int) -> None:
        """Open wrong links from one address."""
        for _ in range(each):
            answer = await self.client.get(
                f"/help/t/{secrets.token_urlsafe(32)}", headers={"x-forwarded-for": "10.9.9.9"}
            )
            self.opened += answer.status_code not in (404, 429)
            self.stopped += answer.status_code == 429

    async def kept(self, link: str, n: int, replies: int) -> int:
        """Count what of a customer's words is not on the page."""
        text = (await self.client.get(link)).text
        return sum(f"말 {n}-{turn}<" not in text for turn in range(replies))


async def _run(url: str, customers: int, replies: int, guesses: int) -> dict[str, object]:
    load = _Load(url)
    links = await asyncio.gather(*(load.customer(n, replies) for n in range(customers)))
    writing = sorted(load.took)
    start = time.perf_counter()
    if guesses:
        await asyncio.gather(*(load.guess(guesses // 20) for _ in range(20)))
    guessed_s = time.perf_counter() - start
    after = [await load.kept(link, n, replies) for n, link in enumerate(links)]
    await load.client.aclose()
    return {
        "customers": customers, "answers": len(writing), "p50_ms": round(_percentile(writing, 50), 1),
        "p95_ms": round(_percentile(writing, 95), 1), "max_ms": round(writing[-1], 1), "errors": load.errors[:10],
        "lost": sum(after), "guesses": guesses, "opened": load.opened, "stopped": load.stopped,
        "guessed_s": round(guessed_s, 1),
    }  # fmt: skip


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
            told = asyncio.run(_run(url, arguments.customers, arguments.replies, arguments.guesses))
        finally:
            server.terminate()
            server.wait(30)
    print(json.dumps(told, ensure_ascii=False))
    if arguments.json:
        arguments.json.write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return int(bool(told["errors"] or told["lost"] or told["opened"]))


if __name__ == "__main__":
    sys.exit(main())
