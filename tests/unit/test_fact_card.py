# SPDX-License-Identifier: GPL-3.0-or-later
"""What a customer lets go of the facts that were found: no more than stood there with its tick."""

from __future__ import annotations

from app.domain.fact_card import Finding, ToldFacts, told_facts

FOUND = (
    Finding("device", "LG 14Z90S", 900),
    Finding("serial", "5CD1", 900),
    Finding("network", "", 900),
    Finding("last_error", "paper jam", 300),
)


def test_only_what_was_found_or_typed_and_not_kept_back_is_told() -> None:
    """A fact of its own time says so, unless the customer wrote another one."""
    told = told_facts(FOUND, (), {})
    assert told == ToldFacts(
        {"device": "LG 14Z90S", "serial": "5CD1", "last_error": "paper jam"}, 900, {"last_error": 300}
    )
    told = told_facts(FOUND, ("device",), {"serial": " 5CD2 ", "last_error": "E-7"})
    assert told == ToldFacts({"serial": "5CD2", "last_error": "E-7"}, 900, {})
    assert told_facts(FOUND, ("device", "serial", "last_error"), {}, "PX-200") is None
    assert told_facts((), (), {}) is None


def test_a_serial_number_of_a_product_is_told_with_its_product() -> None:
    """Else it would be taken for that of the computer."""
    told = told_facts(FOUND, (), {"serial": "88-1032"}, "PX-200 WiFi")
    assert told is not None
    assert (told.facts["product"], told.facts["serial"]) == ("PX-200 WiFi", "88-1032")
