# SPDX-License-Identifier: GPL-3.0-or-later
"""schemathesis on the server's own OpenAPI: whatever is sent, by a stranger, an agent or a Companion, no 5xx.

`python -m tests.server.fuzz [--seconds 20] [--examples 25] [--postgresql]`: a real server process with sample data; the
seconds are for each of the three speakers. The status is 0 if no answer was a 5xx and the log names no failed request.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.domain.links import parse_enrol
from app.domain.signed import b64, sign, unb64
from sync.server.customers import CHALLENGE_LABEL
from tests.fakes.fleet import PASSWORD, Server, admin
from tests.fakes.services import Postgres

_SEED = 20_260_101
_MAIL = "fuzz@example.com"


@contextmanager
def serving(*, postgresql: bool) -> Iterator[tuple[Path, str | None, Server]]:
    """A server process with sample data."""
    with ExitStack() as stack:
        data = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="deskside-fuzz-"))) / "data"
        data.mkdir()
        database = stack.enter_context(Postgres()).fresh() if postgresql else None
        admin(data, database, "sample", "--size", "small", "--password-stdin", text=PASSWORD + "\n")
        server = Server(data, database)
        server.start()
        try:
            yield data, database, server
        finally:
            server.kill()


def agent_token(url: str) -> str:
    """Sign an agent in."""
    body = {"login": "agent1", "password": PASSWORD, "device_name": "fuzz"}
    return str(httpx.post(f"{url}/auth/v1/login", json=body, timeout=30).json()["access"])


def companion_token(data: Path, database: str | None, url: str) -> str:
    """Enrol a Companion and sign it in."""
    admin(data, database, "create-customer", "--name", "Fuzz", "--mail", _MAIL)
    link = admin(data, database, "enrolment-link", "--customer", _MAIL, "--server", url).splitlines()[0]
    key = Ed25519PrivateKey.generate()
    public = b64(key.public_key().public_bytes_raw())
    with httpx.Client(base_url=url, timeout=30) as client:
        body = {"code": parse_enrol(link).code, "pubkey": public, "name": "fuzz"}
        companion = client.post("/customer/v1/enrol", json=body).json()["companion"]
        nonce = client.post("/customer/v1/challenge", json={"companion": companion}).json()["nonce"]
        signature = b64(sign(key, CHALLENGE_LABEL, unb64(nonce)))
        answer = client.post(
            "/customer/v1/token", json={"companion": companion, "nonce": nonce, "signature": signature}
        )
        return str(answer.json()["access"])


def run(url: str, token: str | None, seconds: int, examples: int) -> int:
    """Run schemathesis once and return its status."""
    command = [
        str(Path(sys.executable).parent / "schemathesis"), "run", f"{url}/schema", "--url", url, "--checks",
        "not_a_server_error", "--max-time", str(seconds), "--max-examples", str(examples), "--seed", str(_SEED),
        "--suppress-health-check", "all", "--no-color", "--warnings", "off", "--continue-on-failure",
    ]  # fmt: skip
    if token is not None:
        command += ["--header", f"Authorization: Bearer {token}"]
    return subprocess.run(command, check=False, cwd=tempfile.gettempdir()).returncode


def main() -> int:
    """Fuzz as a stranger, as an agent and as a Companion."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=20, help="for each speaker")
    parser.add_argument("--examples", type=int, default=25, help="for each operation")
    parser.add_argument("--postgresql", action="store_true")
    args = parser.parse_args()
    failed = []
    with serving(postgresql=args.postgresql) as (data, database, server):
        speakers = {"stranger": None, "agent": agent_token(server.url)}
        speakers["companion"] = companion_token(data, database, server.url)
        for name, token in speakers.items():
            print(f"== {name}", flush=True)
            if run(server.url, token, args.seconds, args.examples):
                failed.append(name)
        alive = httpx.get(f"{server.url}/ready", timeout=30).status_code == 200
        logs = "".join(file.read_text(encoding="utf-8") for file in (data / "logs").glob("*.log"))
    bugs = [line for line in logs.splitlines() if "request failed" in line]
    for line in bugs[:10]:
        print(line, file=sys.stderr)
    print(f"failed: {failed}, bugs in the log: {len(bugs)}, alive: {alive}")
    return 1 if failed or bugs or not alive else 0


if __name__ == "__main__":
    sys.exit(main())
