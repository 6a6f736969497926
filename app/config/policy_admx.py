# SPDX-License-Identifier: GPL-3.0-or-later
"""Administrative templates for Windows: the policies as ADMX, their words as ADML, one file a language."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final
from xml.etree import ElementTree as ET

from app.config.i18n import N_
from app.config.policy_schema import Kind, choices, group_of, kind_of, policies, value_word
from app.config.policy_systems import REGISTRY_KEY
from app.config.settings import Setting

__all__ = ["NAMESPACE", "adml", "admx"]

NAMESPACE: Final = "http://schemas.microsoft.com/GroupPolicy/2006/07/PolicyDefinitions"
_OURS: Final = "Deskside.Policies"
_VERSION: Final = "1.0"
_TEXT_MAX: Final = 1024
_ROOT: Final = "cat_deskside"
_PRESETS: Final = "cat_recommended"
_FLAG: Final = N_("Enabled means yes, disabled means no. Not configured: as Deskside is delivered.")
_CHOSEN: Final = N_("Enabled, the value below counts. Disabled or not configured: as Deskside is delivered.")
_FIXED: Final = N_("Who sits at the computer cannot change it.")
_PRESET: Final = N_("Who sits at the computer can change it.")

Translate = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class _Item:
    """One entry of the editor: a policy, set for good or as a preset."""

    setting: Setting[Any]
    preset: bool

    @property
    def name(self) -> str:
        plain = self.setting.key.replace(".", "_")
        return f"{plain}_recommended" if self.preset else plain

    @property
    def key(self) -> str:
        return rf"{REGISTRY_KEY}\Recommended" if self.preset else REGISTRY_KEY


def _items() -> Iterator[_Item]:
    for setting in policies():
        yield _Item(setting, preset=False)
        if not setting.managed_only:
            yield _Item(setting, preset=True)


def _category(setting: Setting[Any]) -> str:
    return f"cat_{setting.key.partition('.')[0]}"


def admx() -> str:
    """Return the template without words."""
    root = ET.Element("policyDefinitions", {"xmlns": NAMESPACE, "revision": _VERSION, "schemaVersion": _VERSION})
    spaces = ET.SubElement(root, "policyNamespaces")
    ET.SubElement(spaces, "target", {"prefix": "deskside", "namespace": _OURS})
    ET.SubElement(root, "resources", {"minRequiredRevision": _VERSION})
    supported = ET.SubElement(ET.SubElement(root, "supportedOn"), "definitions")
    ET.SubElement(supported, "definition", {"name": "sup_deskside", "displayName": "$(string.sup_deskside)"})
    folders = ET.SubElement(root, "categories")
    _folder(folders, _ROOT, "")
    _folder(folders, _PRESETS, _ROOT)
    for name in dict.fromkeys(_category(setting) for setting in policies()):
        _folder(folders, name, _ROOT)
    listed = ET.SubElement(root, "policies")
    for item in _items():
        _policy(listed, item)
    return _text(root)


def _folder(folders: ET.Element, name: str, parent: str) -> None:
    made = ET.SubElement(folders, "category", {"name": name, "displayName": f"$(string.{name})"})
    if parent:
        ET.SubElement(made, "parentCategory", {"ref": parent})


def _policy(listed: ET.Element, item: _Item) -> None:
    kind = kind_of(item.setting)
    name = item.name
    about = {
        "name": name, "class": "Both", "displayName": f"$(string.{name})", "explainText": f"$(string.{name}_help)",
        "key": item.key,
    }  # fmt: skip
    about |= {"valueName": item.setting.key} if kind is Kind.FLAG else {"presentation": f"$(presentation.{name})"}
    made = ET.SubElement(listed, "policy", about)
    ET.SubElement(made, "parentCategory", {"ref": _PRESETS if item.preset else _category(item.setting)})
    ET.SubElement(made, "supportedOn", {"ref": "sup_deskside"})
    if kind is Kind.FLAG:
        for part, value in (("enabledValue", "1"), ("disabledValue", "0")):
            ET.SubElement(ET.SubElement(made, part), "decimal", {"value": value})
    else:
        _element(ET.SubElement(made, "elements"), item, kind)


def _element(elements: ET.Element, item: _Item, kind: Kind) -> None:
    setting = item.setting
    about = {"id": f"{item.name}_value", "valueName": setting.key, "required": "true"}
    if kind is Kind.RULES:
        ET.SubElement(elements, "list", {"id": about["id"], "key": rf"{item.key}\{setting.key}"})
    elif kind is Kind.NUMBER:
        low, high = setting.limits or (0, 2**31 - 1)
        ET.SubElement(elements, "decimal", {**about, "minValue": str(low), "maxValue": str(high)})
    elif kind is Kind.TEXT:
        ET.SubElement(elements, "text", {**about, "maxLength": str(_TEXT_MAX)})
    else:
        made = ET.SubElement(elements, "enum", about)
        for word in choices(setting):
            part = ET.SubElement(made, "item", {"displayName": f"$(string.{item.name}_{word})"})
            ET.SubElement(ET.SubElement(part, "value"), "string").text = word


def adml(translate: Translate) -> str:
    """Return the words of the template in the language that `translate` speaks."""
    root = ET.Element(
        "policyDefinitionResources", {"xmlns": NAMESPACE, "revision": _VERSION, "schemaVersion": _VERSION}
    )
    ET.SubElement(root, "displayName").text = "Deskside"
    ET.SubElement(root, "description").text = translate(N_("What an organisation sets for Deskside."))
    resources = ET.SubElement(root, "resources")
    table = ET.SubElement(resources, "stringTable")
    for name, text in _strings(translate):
        ET.SubElement(table, "string", {"id": name}).text = text
    shapes = ET.SubElement(resources, "presentationTable")
    for item in _items():
        if kind_of(item.setting) is not Kind.FLAG:
            _shape(ET.SubElement(shapes, "presentation", {"id": item.name}), item, translate(item.setting.label))
    return _text(root)


def _strings(translate: Translate) -> Iterator[tuple[str, str]]:
    yield "sup_deskside", "Deskside"
    yield _ROOT, "Deskside"
    yield _PRESETS, translate(N_("Presets that people may change"))
    for name, setting in {_category(setting): setting for setting in policies()}.items():
        yield name, translate(group_of(setting))
    for item in _items():
        setting = item.setting
        yield item.name, translate(setting.label)
        how = _FLAG if kind_of(setting) is Kind.FLAG else _CHOSEN
        parts = [translate(setting.help) if setting.help else "", translate(how)]
        parts += [translate(_PRESET if item.preset else _FIXED), setting.key]
        yield f"{item.name}_help", "\n\n".join(part for part in parts if part)
        for word in choices(setting):
            yield f"{item.name}_{word}", translate(value_word(setting, word))


def _shape(shape: ET.Element, item: _Item, label: str) -> None:
    kind, ref = kind_of(item.setting), {"refId": f"{item.name}_value"}
    if kind is Kind.NUMBER:
        ET.SubElement(shape, "decimalTextBox", {**ref, "defaultValue": str(item.setting.default)}).text = label
    elif kind is Kind.TEXT:
        ET.SubElement(ET.SubElement(shape, "textBox", ref), "label").text = label
    elif kind is Kind.RULES:
        ET.SubElement(shape, "listBox", ref).text = label
    else:
        place = choices(item.setting).index(item.setting.default)
        ET.SubElement(shape, "dropdownList", {**ref, "defaultItem": str(place)}).text = label


def _text(root: ET.Element) -> str:
    ET.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"
