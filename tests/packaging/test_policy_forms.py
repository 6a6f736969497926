# SPDX-License-Identifier: GPL-3.0-or-later
"""What `deskside policy generate` writes: templates that an editor of policies takes, and files that the program takes.

Microsoft's own schema files cannot stand here, so the templates are held against a description of our own
(`admx.xsd`) and against the rules that no schema says: each reference leads somewhere, in both languages.
"""

from __future__ import annotations

import importlib
import json
import plistlib
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from app.config.i18n import load_catalogues
from app.config.policy_admx import NAMESPACE
from app.config.policy_check import check
from app.config.policy_forms import forms
from app.config.policy_schema import Kind, kind_of, policies
from app.config.settings import Setting
from app.entry.policy import main

_NS = {"p": NAMESPACE}
_REFERENCE = re.compile(r"\$\((string|presentation)\.(\w+)\)")
_SHAPES = {"decimal": "decimalTextBox", "text": "textBox", "enum": "dropdownList", "list": "listBox"}
_LANGUAGES = ("en-US", "ko-KR")

each = pytest.mark.parametrize("setting", policies(), ids=lambda setting: setting.key)


def _xml(data: bytes) -> ET.Element:
    return ET.fromstring(data)  # noqa: S314 - what the program itself has just written


@pytest.fixture(scope="module")
def made() -> dict[str, bytes]:
    """Every file as it is written."""
    return forms(load_catalogues("ko").gettext)


@pytest.fixture(scope="module")
def template(made: dict[str, bytes]) -> ET.Element:
    return _xml(made["windows/deskside.admx"])


@pytest.fixture(params=_LANGUAGES)
def words(made: dict[str, bytes], request: pytest.FixtureRequest) -> ET.Element:
    return _xml(made[f"windows/{request.param}/deskside.adml"])


@pytest.mark.parametrize("name", ["windows/deskside.admx", *(f"windows/{lang}/deskside.adml" for lang in _LANGUAGES)])
def test_a_template_has_the_documented_structure(made: dict[str, bytes], name: str) -> None:
    """Elements, their order, required attributes, forms of names, keys and versions."""
    etree = importlib.import_module("lxml.etree")  # by name: it has no types
    schema = etree.XMLSchema(etree.parse(Path(__file__).parent / "admx.xsd"))
    schema.assertValid(etree.fromstring(made[name]))


def test_every_word_that_the_template_asks_for_is_there_and_no_other(template: ET.Element, words: ET.Element) -> None:
    """An editor refuses the whole file where one is missing."""
    text = ET.tostring(template, encoding="unicode")
    asked = {kind: {name for k, name in _REFERENCE.findall(text) if k == kind} for kind in ("string", "presentation")}
    there = {found.get("id") for found in words.findall(".//p:string", _NS)}
    shapes = {found.get("id") for found in words.findall(".//p:presentation", _NS)}
    assert (there, shapes) == (asked["string"], asked["presentation"])


def test_categories_lead_to_each_other_and_to_one_root(template: ET.Element) -> None:
    """What has no folder shows nowhere."""
    folders = {
        found.get("name"): found.find("p:parentCategory", _NS) for found in template.iterfind(".//p:category", _NS)
    }
    assert [name for name, parent in folders.items() if parent is None] == ["cat_deskside"]
    for parent in template.iterfind(".//p:parentCategory", _NS):
        assert parent.get("ref") in folders


def test_every_part_of_a_policy_has_the_field_that_fits_it(template: ET.Element, words: ET.Element) -> None:
    """A number a box for numbers, a choice a list that begins with what is built in."""
    shapes = {found.get("id"): found for found in words.iterfind(".//p:presentation", _NS)}
    for policy in template.iterfind(".//p:policy", _NS):
        for element in policy.iterfind("p:elements/*", _NS):
            shape = shapes[policy.get("name")]
            assert [field.tag for field in shape] == [f"{{{NAMESPACE}}}{_SHAPES[element.tag.rpartition('}')[2]]}"]
            assert shape[0].get("refId") == element.get("id")
            if (first := shape[0].get("defaultItem")) is not None:
                assert int(first) < len(element.findall("p:item", _NS))


@each
def test_each_policy_is_in_every_form(made: dict[str, bytes], template: ET.Element, setting: Setting[Any]) -> None:
    """Set for good, and as a preset where people may change it."""
    name = setting.key.replace(".", "_")
    found = {policy.get("name"): policy for policy in template.iterfind(".//p:policy", _NS)}
    assert (f"{name}_recommended" in found) is not setting.managed_only
    stored = {part.get("valueName") or str(part.get("key")).rpartition("\\")[2] for part in found[name].iter()}
    assert setting.key in stored
    manifest = plistlib.loads(made["macos/org.deskside.agent.plist"])
    (part,) = [part for part in manifest["pfm_subkeys"] if part["pfm_name"] == setting.key]
    if kind_of(setting) is not Kind.RULES:
        assert type(part["pfm_default"]) is {"boolean": bool, "integer": int, "string": str}[part["pfm_type"]]
    assert setting.key in json.loads(made["policy.schema.json"])["properties"]
    assert setting.key in json.loads(made["example.json"])


def test_the_korean_words_are_korean(made: dict[str, bytes]) -> None:
    """Each name of a policy and each explanation."""
    root = _xml(made["windows/ko-KR/deskside.adml"])
    english = [
        found.get("id") for found in root.iterfind(".//p:string", _NS)
        if str(found.get("id")).endswith("_help") and not re.search("[가-힣]", found.text or "")
    ]  # fmt: skip
    assert english == []


def test_the_example_counts_whole(tmp_path: Path, made: dict[str, bytes]) -> None:
    """An administrator can begin with it."""
    path = tmp_path / "example.json"
    path.write_bytes(made["example.json"])
    assert [found for found in check([path]) if found.line or found.key] == []


def test_the_command_writes_all_of_it(tmp_path: Path, made: dict[str, bytes]) -> None:
    """Where there is no checkout of the source."""
    assert main(["generate", str(tmp_path / "new")]) == 0
    written = {p.relative_to(tmp_path / "new").as_posix(): p.read_bytes() for p in (tmp_path / "new").rglob("*.*")}
    assert {name: data for name, data in written.items() if name in made} == made
    (tmp_path / "file").touch()
    assert main(["generate", str(tmp_path / "file")]) == 1
