# SPDX-License-Identifier: GPL-3.0-or-later
"""The customer's page in the agent's window: reads it, opens its forms, and hands what they say to the service."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QDialog
from shiboken6 import isValid

from app.config.i18n import _
from app.domain.changes_belongings import LEADS
from app.domain.customer_ports import (
    ContactRow,
    CustomerPage,
    CustomerStore,
    MergedCustomer,
    OwnedProduct,
    TermsTexts,
    TimeItem,
)
from app.domain.deed_ports import CustomerHit
from app.domain.entities import ASSET, CONTACT_ADDRESS, CUSTOMER, Value
from app.domain.ids import CustomerId, TicketId
from app.domain.ports import Seen
from app.services.customers import Customers
from app.services.messages import error_text
from app.services.texts import polite
from app.services.triage import Done
from widgets.customer.forms import AddressForm, CustomerForm, ProductForm
from widgets.customer.merge_customers import MergeCustomersWindow
from widgets.customer.page import CustomerWindow
from widgets.customer.terms_form import TermsForm, terms_owners
from widgets.customer.time_line import PART
from widgets.foundation import Theme
from widgets.foundation.chooser import Chooser, Option
from widgets.shell.frame import Ports

if TYPE_CHECKING:
    from widgets.shell.window import AgentWindow

__all__ = ["CustomerPart"]

_CUSTOMER_FIELDS = ("name", "preferred_name", "language", "zone", "tier", "call_times")
_ADDRESS_FIELDS = ("value", "label", "is_primary", "verified_at", "bad_since")
_PRODUCT_FIELDS = ("product", "model", "serial", "purchased_on", "warranty_until", "status")
_HITS = 8


class CustomerPart:
    """GUI thread. At most one page is open, and one form over it."""

    def __init__(self, window: AgentWindow, theme: Theme, ports: Ports, store: CustomerStore) -> None:
        self._window, self._theme, self._ports, self._store = window, theme, ports, store
        self._service = Customers(ports.commits)
        self.page: CustomerWindow | None = None
        self.form: QDialog | None = None
        self.chooser: Chooser | None = None
        self._shown: CustomerId | None = None

    def runs(self) -> dict[str, Callable[[], object]]:
        """Return what each command does."""
        return {"customer.open": self.open, "customer.merge": self.merge}

    # --- the page ----------------------------------------------------------------------------------------------------

    def open(self) -> None:
        """Open the page of the open ticket's customer."""
        details = self._window.desk.details
        if details is None or details.customer is None:
            self._window.ticket.tell(_("The customer of this ticket is not known yet."))
            return
        self.show(details.customer.id)

    def show(self, customer: CustomerId) -> None:
        """Open a customer's page, or bring it to the front."""
        self._shown = customer
        self._read(self._present)

    def _read(self, then: Callable[[CustomerPage | None, Sequence[TimeItem]], None]) -> None:
        customer, store = self._shown, self._store
        if customer is None:
            return
        self._ports.jobs.query(
            lambda: (store.page(customer), store.time_line(customer, None, PART)),
            lambda read: then(*read),
            self._fail,
            key="customer.page",
        )

    def _present(self, page: CustomerPage | None, line: Sequence[TimeItem]) -> None:
        if page is None:
            self._window.ticket.tell(_("This customer is not on this computer."))
            return
        known, self.page = self.page, self.page or self._made()
        self._refresh(page, line)
        self.page.show()
        if known is not None:
            self.page.raise_()
        self.page.activateWindow()

    def _made(self) -> CustomerWindow:
        made = CustomerWindow(self._theme, self._ports.now_ms, self._window)
        made.finished.connect(lambda _result: self._closed(made))
        made.edit_asked.connect(self._edit)
        made.merge_asked.connect(self.merge)
        made.address_asked.connect(self._edit_address)
        made.product_asked.connect(self._edit_product)
        made.terms_asked.connect(self._edit_terms)
        made.unmerge_asked.connect(self._unmerge)
        made.ticket_chosen.connect(self._go)
        made.more_wanted.connect(self._more)
        return made

    def _closed(self, page: CustomerWindow) -> None:
        if self.page is page:
            self.page, self._shown = None, None

    def _refresh(self, page: CustomerPage | None, line: Sequence[TimeItem]) -> None:
        if self.page is None or not isValid(self.page) or page is None:
            return
        self._shown = page.id
        identity = self._window.identity
        self.page.writes_terms = identity is not None and bool(identity.roles & LEADS)
        self.page.show_page(page, self._window.desk.choices)
        self.page.show_line(line, whole=len(line) < PART)

    def _more(self) -> None:
        shown, customer, store = self.page, self._shown, self._store
        items = shown.line.items() if shown is not None else ()
        if customer is None or not items:
            return
        before = items[-1].place
        self._ports.jobs.query(
            lambda: store.time_line(customer, before, PART),
            lambda more: self._add(customer, more),
            self._fail,
            key="customer.line",
        )

    def _add(self, customer: CustomerId, more: Sequence[TimeItem]) -> None:
        if self.page is not None and customer == self._shown:
            self.page.line.add(more, whole=len(more) < PART)

    def rows_changed(self, ids: frozenset[bytes]) -> None:
        """Read the page again when it may have changed."""
        page = self.page.page if self.page is not None else None
        if page is None:
            return
        owned = {page.id, *(c.id for c in page.contacts), *(p.id for p in page.products), *(t.id for t in page.tickets)}
        if not ids or ids & owned or page.id in ids:
            self._read(self._refresh)

    def _go(self, ticket: TicketId) -> None:
        if self.page is not None:
            self.page.close()
        self._window.read_ticket(ticket)

    def _fail(self, why: Exception) -> None:
        if self.page is not None and self.page.isVisible():
            self.page.tell(error_text(why))
        else:
            self._window.ticket.tell(error_text(why))

    # --- forms -------------------------------------------------------------------------------------------------------

    def _do(self, work: Callable[[], Done]) -> None:
        if self.page is not None:
            self.page.tell("")
        self._ports.jobs.change(work, self._done, self._fail)

    def _done(self, done: Done) -> None:
        self._window.desk.take_done(done)
        if done.ids:
            self.rows_changed(done.ids)

    def _show(self, form: QDialog) -> None:
        if self.form is not None:
            self.form.close()
        self.form = form
        form.finished.connect(lambda _result: self._form_closed(form))
        form.open()

    def _form_closed(self, form: QDialog) -> None:
        if self.form is form:
            self.form = None

    def _seen(self, type_: int, id_: bytes, names: Sequence[str], then: Callable[[Mapping[str, Seen]], None]) -> None:
        """What the form begins with is what counts as seen, however long it is open."""
        store = self._store
        self._ports.jobs.query(lambda: store.seen(type_, id_, names), then, self._fail, key="customer.seen")

    def _edit(self) -> None:
        page = self._current()
        if page is not None:
            self._seen(CUSTOMER.number, page.id, _CUSTOMER_FIELDS, lambda seen: self._edit_fields(page, seen))

    def _edit_fields(self, page: CustomerPage, seen: Mapping[str, Seen]) -> None:
        form = CustomerForm(self._theme, page, self.page)
        form.agreed.connect(lambda fields: self._do(lambda: self._service.set_fields(page, fields, _of(seen, fields))))
        self._show(form)

    def _edit_address(self, contact: ContactRow | None) -> None:
        page = self._current()
        if page is None:
            return
        if contact is None:
            self._show_address(page, None, {})
            return
        self._seen(
            CONTACT_ADDRESS.number, contact.id, _ADDRESS_FIELDS, lambda seen: self._show_address(page, contact, seen)
        )

    def _show_address(self, page: CustomerPage, contact: ContactRow | None, seen: Mapping[str, Seen]) -> None:
        form = AddressForm(self._theme, page, contact, self._ports.now_ms, self.page)
        form.agreed.connect(lambda kind, fields: self._save_address(page, contact, seen, kind, fields))
        if contact is not None:
            form.removal_asked.connect(lambda: self._do(lambda: self._service.remove_address(page, contact)))
        self._show(form)

    def _save_address(
        self, page: CustomerPage, contact: ContactRow | None, seen: Mapping[str, Seen], kind: str,
        fields: Mapping[str, Value],
    ) -> None:  # fmt: skip
        service = self._service
        if contact is not None:
            self._do(lambda: service.set_address(page, contact, fields, _of(seen, fields)))
            return
        value, label = str(fields["value"]), str(fields.get("label") or "")
        more = {name: fields[name] for name in ("verified_at", "bad_since") if name in fields}
        main = bool(fields.get("is_primary"))
        self._do(lambda: service.add_address(page, kind, value, label, primary=main, more=more))

    def _edit_product(self, product: OwnedProduct | None) -> None:
        page = self._current()
        if page is None:
            return
        if product is None:
            self._show_product(page, None, {})
            return
        self._seen(ASSET.number, product.id, _PRODUCT_FIELDS, lambda seen: self._show_product(page, product, seen))

    def _show_product(self, page: CustomerPage, product: OwnedProduct | None, seen: Mapping[str, Seen]) -> None:
        form, service = ProductForm(self._theme, page, product, self.page), self._service
        if product is None:
            form.agreed.connect(lambda fields: self._do(lambda: service.add_product(page, fields)))
        else:
            form.agreed.connect(
                lambda fields: self._do(lambda: service.set_product(page, product, fields, _of(seen, fields)))
            )
            form.removal_asked.connect(lambda: self._do(lambda: service.remove_product(page, product)))
        self._show(form)

    def _edit_terms(self) -> None:
        page, store = self._current(), self._store
        if page is not None:
            owners = terms_owners(page)
            self._ports.jobs.query(
                lambda: store.terms([id_ for id_, _name in owners]),
                lambda texts: self._show_terms(page, owners, texts), self._fail, key="customer.terms",
            )  # fmt: skip

    def _show_terms(
        self, page: CustomerPage, owners: Sequence[tuple[bytes, str]], texts: Mapping[bytes, TermsTexts]
    ) -> None:
        form, service, names = TermsForm(self._theme, owners, texts, self.page), self._service, dict(owners)
        form.agreed.connect(
            lambda id_, fields: self._do(lambda: service.set_terms(page, (id_, names[id_]), fields, texts.get(id_)))
        )
        self._show(form)

    def _current(self) -> CustomerPage | None:
        return self.page.page if self.page is not None else None

    # --- merge -------------------------------------------------------------------------------------------------------

    def merge(self) -> None:
        """Choose the other record of the same person; from a ticket the page opens first."""
        deeds = self._ports.deeds
        if self._current() is None:
            self.open()
        page = self._current()
        if page is None or self.page is None or deeds is None:
            return
        chooser = self.chooser = Chooser(
            self._theme, _("The other record of {name}").format(name=polite(page.name)), self.page,
            wide=self._theme.tokens.space.vast * 8,
        )  # fmt: skip
        chooser.set_nothing(_("Type two letters or four digits."))
        chooser.typed.connect(lambda text: self._ask(chooser, page, text))
        chooser.chosen.connect(lambda hit: self._compare(page, hit))
        chooser.show_options([], narrow=False)
        chooser.open_at(self.page.merge.mapToGlobal(QPoint(0, self.page.merge.height())))

    def _ask(self, chooser: Chooser, page: CustomerPage, text: str) -> None:
        wanted, deeds = text.strip(), self._ports.deeds
        if len(wanted) < 2 or deeds is None:
            chooser.show_options([], narrow=False)
            return
        self._ports.jobs.query(
            lambda: deeds.customers(wanted, _HITS),
            lambda hits: self._offer(chooser, page, hits),
            self._fail,
            key="customer.search",
        )

    def _offer(self, chooser: Chooser, page: CustomerPage, hits: Sequence[CustomerHit]) -> None:
        if chooser is self.chooser and isValid(chooser):
            chooser.show_options(
                [
                    Option(
                        hit, polite(hit.name), "user", detail=" · ".join(filter(None, (hit.organisation, hit.address)))
                    )
                    for hit in hits
                    if hit.id != page.id
                ],
                narrow=False,
            )

    def _compare(self, page: CustomerPage, hit: object) -> None:
        store = self._store
        if isinstance(hit, CustomerHit):
            other = hit.id
            self._ports.jobs.query(
                lambda: store.page(other), lambda found: self._preview(found, page), self._fail, key="customer.merge"
            )

    def _preview(self, going: CustomerPage | None, staying: CustomerPage) -> None:
        if going is None or going.id == staying.id or self.page is None:
            return
        form = MergeCustomersWindow(self._theme, going, staying, self.page)
        form.agreed.connect(self._merge)
        self._show(form)

    def _merge(self, going: CustomerPage, staying: CustomerPage, fields: Mapping[str, Value]) -> None:
        self._shown = staying.id
        self._do(lambda: self._service.merge(going, staying, fields))

    def _unmerge(self, merged: MergedCustomer) -> None:
        page = self._current()
        if page is not None:
            self._do(lambda: self._service.unmerge(merged, page.id))


def _of(seen: Mapping[str, Seen], fields: Mapping[str, Value]) -> dict[str, Seen]:
    return {name: each for name, each in seen.items() if name in fields}
