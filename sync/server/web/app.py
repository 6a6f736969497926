# SPDX-License-Identifier: GPL-3.0-or-later
"""The ASGI application: all routes over the parts, OpenAPI at /schema, liveness and readiness.

The websocket /live is none of its routes: `live_protocol` speaks it on the bare connection.
"""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa
from litestar import Litestar, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin

from sync.server.parts import Parts
from sync.server.schema import SYSTEM
from sync.server.store import DatabaseBusy
from sync.server.web.auth_routes import auth_routes
from sync.server.web.blob_routes import blob_routes
from sync.server.web.customer_routes import customer_routes
from sync.server.web.join_routes import join_routes
from sync.server.web.portal_routes import portal_routes
from sync.server.web.published_routes import published_routes
from sync.server.web.session_routes import session_routes
from sync.server.web.sync_routes import sync_routes
from sync.server.web.wire import EXCEPTION_HANDLERS, DesksideRequest

__all__ = ["Health", "build_app"]

# of a request, unless its route says more: anybody can send to some of them
_OPEN_MAX_BYTES = 64 << 10


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the server lives, or is ready: the worst of what it needs. `broker` is none without one, ok or away."""

    status: str
    database: str = "ok"
    broker: str = "none"


def build_app(parts: Parts) -> Litestar:
    """Return the application. It takes over the parts and closes them at its end."""

    async def start_up(_app: Litestar) -> None:
        parts.hub.start()
        parts.background.start()

    async def shut_down(_app: Litestar) -> None:
        await parts.background.stop()
        await parts.hub.stop()
        parts.close()

    routes: list[Any] = [
        *_health_routes(parts),
        *auth_routes(parts),
        *sync_routes(parts),
        *customer_routes(parts),
        *published_routes(parts),
        *session_routes(parts),
        *blob_routes(parts),
        *join_routes(parts),
        *portal_routes(parts),
    ]
    return Litestar(
        routes,
        request_class=DesksideRequest,
        request_max_body_size=_OPEN_MAX_BYTES,
        exception_handlers=EXCEPTION_HANDLERS,
        on_startup=[start_up],
        on_shutdown=[shut_down],
        openapi_config=OpenAPIConfig(
            title="Deskside",
            version="1",
            description="Accounts, companions and sessions. The sync protocol is described in docs/sync.md.",
            path="/schema",
            render_plugins=[JsonRenderPlugin(path="/")],
        ),
        logging_config=None,
        debug=False,
    )


def _health_routes(parts: Parts) -> list[HTTPRouteHandler]:
    @get("/health", tags=["health"])
    async def health() -> Health:
        """The process answers."""
        return Health(status="ok")

    @get("/ready", tags=["health"])
    async def ready() -> Response[Health]:
        """The database answers too. Without its broker the server works, only hints wait for the devices' polls."""
        broker = parts.hub.broker
        try:
            await parts.jobs.read(lambda: _ask_database(parts))
        except DatabaseBusy:
            return Response(Health(status="database", database="away", broker=broker), status_code=503)
        if parts.store.trouble is not None:  # it answers questions, but could not keep what people write
            return Response(Health(status="database", database=parts.store.trouble, broker=broker), status_code=503)
        return Response(Health(status="broker" if broker == "away" else "ok", broker=broker))

    return [health, ready]


def _ask_database(parts: Parts) -> None:
    with parts.store.read() as connection:
        connection.execute(sa.select(SYSTEM.epoch.c.no).limit(1)).first()
