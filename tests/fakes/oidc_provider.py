# SPDX-License-Identifier: GPL-3.0-or-later
"""A small OpenID Connect provider: real HTTP on loopback, real keys, PKCE checked, each code good for once."""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

CLIENT_ID = "deskside-test"


@functools.cache
def _key(number: int) -> RSAPrivateKey:
    """Keys take long to make; the tests share them."""
    del number
    return generate_private_key(65537, 2048)


class Provider:
    """One person, `sub`, who says yes at once. The fields below make it misbehave."""

    def __init__(self) -> None:
        self.claims: dict[str, Any] = {"sub": "person-1", "email": "kim@example.com", "email_verified": True}
        self.override: dict[str, Any] = {}  # claims that replace the right ones; None leaves one out
        self.alg = "RS256"
        self.key_alg: str | None = "RS256"  # what the published key says of itself
        self.published: dict[str, Any] | None = None  # instead of the keys
        self.before_token: Callable[[], object] = lambda: None
        self.signed_in_s = 60  # so long ago the person typed a password here
        self.denies = ""  # error that the person's "no" gives
        self.broken = 0  # HTTP status of every answer instead of the right one
        self.html = False
        self.issued: dict[str, dict[str, str]] = {}
        self.asked: list[str] = []
        self._serial = 0
        self.new_key()
        self._key_of_other: RSAPrivateKey | None = None
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.issuer = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def new_key(self) -> None:
        """Sign with another key from now on, and publish it."""
        self.kid = secrets.token_hex(4)
        self._serial += 1
        self._key = _key(self._serial)

    def forge(self) -> None:
        """Sign with a key that is not the published one, under its name."""
        self._key_of_other = _key(0)

    def close(self) -> None:
        """Stop. Idempotent."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    # --- answers ----------------------------------------------------------------------------------------------------

    def configuration(self) -> dict[str, Any]:
        """The discovery document."""
        return {
            "issuer": self.override.get("discovery_issuer", self.issuer),
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "response_types_supported": ["code"],
            "code_challenge_methods_supported": ["S256"],
            **self.override.get("discovery", {}),
        }

    def keys(self) -> dict[str, Any]:
        """The published keys."""
        public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self._key.public_key()))
        if self.published is not None:
            return self.published
        own = {**public, "kid": self.kid, "use": "sig", **({"alg": self.key_alg} if self.key_alg else {})}
        return {"keys": [{"kty": "OKP", "crv": "unknown"}, own]}

    def authorize(self, query: dict[str, str]) -> str:
        """Return where the browser is sent."""
        assert query["response_type"] == "code"
        assert query["client_id"] == CLIENT_ID
        assert query["code_challenge_method"] == "S256"
        assert "openid" in query["scope"].split()
        if self.denies:
            return f"{query['redirect_uri']}?{urlencode({'error': self.denies, 'state': query['state']})}"
        code = secrets.token_urlsafe(16)
        self.issued[code] = query
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"

    def token(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """Exchange a code: once, with the verifier and the redirect that belong to it."""
        asked = self.issued.pop(form.get("code", ""), None)
        hashed = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(hashed).rstrip(b"=").decode()
        if asked is None or asked["code_challenge"] != challenge or asked["redirect_uri"] != form["redirect_uri"]:
            return 400, {"error": "invalid_grant"}
        if form.get("client_id") != CLIENT_ID:
            return 401, {"error": "invalid_client"}
        token = self.id_token(asked.get("nonce", ""), asked.get("max_age"))
        return 200, {"access_token": "x", "token_type": "Bearer", "id_token": token}

    def id_token(self, nonce: str, max_age: str | None = None) -> str:
        """Return an ID token as the fields say; who asks how old the sign-in may be is told how old it is."""
        now = int(time.time())
        right = {"iss": self.issuer, "aud": CLIENT_ID, "iat": now, "exp": now + 300, "nonce": nonce, **self.claims}
        if max_age is not None:
            right["auth_time"] = now if max_age == "0" else now - min(self.signed_in_s, int(max_age))
        claims = {k: v for k, v in {**right, **self.override}.items() if v is not None}
        if self.alg == "none":
            return jwt.encode(claims, "", algorithm="none")
        if self.alg == "HS256":
            # the well-known confusion: the public key used as a shared secret
            return jwt.encode(claims, json.dumps(self.keys()) * 2, algorithm="HS256", headers={"kid": self.kid})
        return jwt.encode(claims, self._key_of_other or self._key, algorithm=self.alg, headers={"kid": self.kid})

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                provider.asked.append(parts.path)
                if parts.path == "/authorize":
                    query = {k: v[0] for k, v in parse_qs(parts.query).items()}
                    self.send_response(302)
                    self.send_header("location", provider.authorize(query))
                    self.end_headers()
                elif parts.path == "/keys":
                    self._say(200, provider.keys())
                else:
                    self._say(200, provider.configuration())

            def do_POST(self) -> None:
                provider.asked.append(self.path)
                raw = self.rfile.read(int(self.headers["content-length"])).decode()
                provider.before_token()
                self._say(*provider.token({k: v[0] for k, v in parse_qs(raw).items()}))

            def _say(self, status: int, data: dict[str, Any]) -> None:
                body = b"<html>hello</html>" if provider.html else json.dumps(data).encode()
                self.send_response(provider.broken or status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_args: object) -> None:
                pass

        return Handler
