# SPDX-License-Identifier: GPL-3.0-or-later
"""Enrolment of a companion: link, whom it leads to, the person's yes, and only then the code is used up."""

from __future__ import annotations

import asyncio
import platform
import time
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from PySide6.QtCore import QObject, Qt, Signal

from app.config.policy import Policy
from app.config.settings import ENROLMENT_KEY, ENROLMENT_SERVER
from app.desktop.enrolment_place import find_enrolment_file
from app.domain.enrolment_file import Origin, Preset
from app.domain.errors import WorldError
from app.domain.links import BadLink, EnrolLink, normalise_code, parse_enrol
from app.entry.companion_rows import Enrolment, Opened, new_device_key, organisation_of
from sync.customer_api import CustomerApi, CustomerRefused
from sync.customer_protocol import OrganisationKey
from sync.network_thread import NetworkThread
from widgets.companion.enrol import EnrolWindow
from widgets.companion.texts import trouble

__all__ = ["EnrolController", "find_preset"]

T = TypeVar("T")


def find_preset(policy: Policy, places: Iterable[Path]) -> Preset | None:
    """Return whom this computer was told to trust: by policy, else by a file. Blocks. Raises WorldError.

    A file beside a policy may bring the code; a broken one does not matter then.
    """
    if policy.unread & {ENROLMENT_SERVER.key, ENROLMENT_KEY.key}:
        raise WorldError("enrol_policy_broken")  # it was to be fixed, and nobody can read to what
    fixed = Preset.of_policy(policy.get(ENROLMENT_SERVER), policy.get(ENROLMENT_KEY))
    try:
        found = find_enrolment_file(places)
    except WorldError:
        if fixed is None:
            raise
        return fixed
    return found if fixed is None else fixed.with_code_of(found)


class EnrolController(QObject):
    """Drives the enrolment window. `enrolled` carries (Enrolment, device key) once both are kept on disk."""

    enrolled = Signal(object, object)
    _answered = Signal(object, object)

    def __init__(self, window: EnrolWindow, net: NetworkThread, opened: Opened, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.window = window
        self._net = net
        self._opened = opened
        self._preset: Preset | None = None
        self.closed = ""  # why this computer is enrolled nowhere, as `trouble` names it
        self._link: EnrolLink | None = None
        self._shown: OrganisationKey | None = None
        window.link_given.connect(self._look)
        window.confirmed.connect(self._confirm)
        self._answered.connect(self._deliver, Qt.ConnectionType.QueuedConnection)

    def take_preset(self, preset: Preset) -> None:
        """Take what policy or a file beside the program says; with a code in it nobody has to type one."""
        self._preset = preset
        if preset.link is not None:
            self.begin(preset.link.to_text())

    def begin(self, link: str) -> None:
        """Fill in a link that the program was started with, and ask whom it belongs to."""
        self.window.link.setText(link)
        self.window.next.click()

    def _look(self, text: str) -> None:
        if self.closed:
            self._fail(self.closed)
            return
        try:
            link = self._read(text)
        except BadLink:
            self._fail("bad_link")
            return
        if self._origin(link) is not Origin.POLICY and self._fixed:
            self._fail("enrol_fixed", server=self._fixed)
            return
        if link.insecure:
            self._fail("insecure_link")
            return
        self._link = link
        self._call(lambda api: api.organisation(link.code), self._show)

    def _read(self, text: str) -> EnrolLink:
        """A link, or a code alone where it is known already which server it is for. Raises BadLink."""
        if self._preset is not None and "://" not in text:
            return EnrolLink(self._preset.server, normalise_code(text))
        return parse_enrol(text)

    @property
    def _fixed(self) -> str:
        """The only server that policy lets this computer belong to."""
        return self._preset.server if self._preset is not None and self._preset.origin is Origin.POLICY else ""

    def _origin(self, link: EnrolLink) -> Origin:
        preset = self._preset
        return preset.origin if preset is not None and preset.server == link.server else Origin.LINK

    def _show(self, key: OrganisationKey) -> None:
        if self._link is None:
            return
        origin = self._origin(self._link)
        named = self._preset.key if self._preset is not None and origin is not Origin.LINK else ""
        if named and named != key.org_key:
            self._fail("enrol_other_key", server=self._link.server)
            return
        try:
            organisation = organisation_of(key, self._link.server)
        except ValueError:
            self._fail("wrong_server", server=self._link.server)
            return
        self._shown = key
        self.window.show_organisation(organisation, origin, key_named=bool(named))

    def _confirm(self) -> None:
        link, shown, opened = self._link, self._shown, self._opened
        if link is None or shown is None:
            return

        async def enrol(api: CustomerApi) -> tuple[Enrolment, Ed25519PrivateKey]:
            # the key is kept before the code is used up: a crash between costs nothing, the server takes the same again
            key = opened.device_key
            if key is None:
                key = await asyncio.to_thread(new_device_key, opened.secrets)
            answer = await api.enrol(link.code, key.public_key().public_bytes_raw(), platform.node())
            if answer.organisation != shown:
                raise WorldError("key_changed")
            enrolment = Enrolment(
                server=link.server,
                companion=answer.companion,
                customer=answer.customer,
                customer_name=answer.customer_name,
                org_id=shown.org_id,
                org_name_ko=shown.org_name_ko,
                org_name_en=shown.org_name_en,
                org_key=shown.org_key,
                pinned_at=time.time_ns() // 1_000_000,
                origin=self._origin(link).value,
            )
            raw = msgspec.json.encode(enrolment).decode()
            await asyncio.to_thread(opened.store.put, "enrolment", raw)
            return enrolment, key

        self._call(enrol, lambda result: self.enrolled.emit(*result))

    def _call(self, work: Callable[[CustomerApi], Awaitable[T]], then: Callable[[T], object]) -> None:
        if self._link is None:
            return
        server = self._link.server

        async def run() -> tuple[Any, WorldError | None]:
            api = CustomerApi(server)
            try:
                return await work(api), None
            except WorldError as error:
                return None, error
            finally:
                await api.close()

        self._net.spawn(run()).add_done_callback(lambda future: self._hand_over(future.result(), then))

    def _hand_over(self, result: tuple[Any, WorldError | None], then: Callable[[T], object]) -> None:
        self._answered.emit(result, then)

    def _deliver(self, result: tuple[Any, WorldError | None], then: Callable[[Any], object]) -> None:
        value, error = result
        if error is None:
            then(value)
            return
        code = error.code
        if isinstance(error, CustomerRefused):
            code = "blocked" if error.status == 429 else "code_used"
        self._fail(code, server=self._link.server if self._link else "")

    def _fail(self, code: str, **details: object) -> None:
        self.window.show_problem(trouble(code, **details))
