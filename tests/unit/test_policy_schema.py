# SPDX-License-Identifier: GPL-3.0-or-later
"""Every policy has an effect: it locks, presets, shows in the settings, and some part of the program reads it."""

from __future__ import annotations

import ast
import json
import os
import plistlib
import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from app.config import settings as conf
from app.config.policy import read_policy
from app.config.policy_schema import Kind, choices, example, json_schema, kind_of, policies, wanted
from app.config.policy_systems import RegistryKey, from_plist, from_registry
from app.config.policy_view import Force, policy_rows
from app.config.settings import DECLARED, Setting, SettingLocked, Settings

ROOT = Path(__file__).resolve().parents[2]
# what declares, describes or only shows policies; being read there is no effect
_FORMS = {"app/config/settings.py", "app/config/policy_schema.py", "app/config/policy_view.py"}

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="policy files are read on Linux alone")
each = pytest.mark.parametrize("setting", policies(), ids=lambda setting: setting.key)


def load(folder: Path, own: object = None, **layers: object) -> Settings:
    """Settings as the program makes them, where `layers` stand in the administrator's folders."""
    for name, values in layers.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        path = folder / name / "10.json"
        path.write_text(json.dumps(values), "utf-8")
        path.chmod(0o644)
    if own is not None:
        (folder / "settings.json").write_text(json.dumps(own), "utf-8")
    policy = read_policy(folder / "managed", owner=os.getuid())
    found = Settings.load(folder / "settings.json", policy.values, policy.recommended)
    found.sources, found.preset_sources = policy.sources, policy.recommended_sources
    found.policy_problems = policy.warnings
    return found


def value(setting: Setting[Any]) -> Any:
    """A value of the setting that is not the built-in one."""
    found = setting.accept(example(setting))
    assert found != setting.default, "the example must differ from what is built in"
    return found


def other(setting: Setting[Any]) -> Any:
    """One more value, for the person's own."""
    return setting.default


@on_linux
@each
def test_a_managed_policy_is_in_force_and_nobody_can_change_it(tmp_path: Path, setting: Setting[Any]) -> None:
    """Also above the person's own value, and it says in which file it stands."""
    settings = load(tmp_path, own={setting.key: other(setting)}, managed={setting.key: example(setting)})
    assert settings.get(setting) == value(setting)
    assert settings.is_locked(setting)
    assert settings.managed_by(setting) == str(tmp_path / "managed" / "10.json")
    with pytest.raises(SettingLocked):
        settings.set(setting, setting.default)
    assert not settings.policy_problems


@on_linux
@each
def test_a_recommended_policy_is_a_preset_that_a_person_can_change(tmp_path: Path, setting: Setting[Any]) -> None:
    """What the organisation alone decides cannot be recommended, and that is told."""
    settings = load(tmp_path, recommended={setting.key: example(setting)})
    if setting.managed_only:
        assert settings.get(setting) == setting.default
        assert "cannot be recommended" in settings.policy_problems[0]
        return
    assert settings.get(setting) == value(setting)
    assert not settings.is_locked(setting)
    settings.set(setting, other(setting))
    assert settings.get(setting) == other(setting)
    assert [row.force for row in policy_rows(settings)] == [Force.OVERRULED]


@on_linux
@each
def test_a_policy_is_shown_with_its_value_in_words_and_its_file(tmp_path: Path, setting: Setting[Any]) -> None:
    """As the page of the settings lists it."""
    (row,) = policy_rows(load(tmp_path, managed={setting.key: example(setting)}))
    assert (row.key, row.force, row.source) == (setting.key, Force.FIXED, str(tmp_path / "managed" / "10.json"))
    assert row.label == setting.label
    assert row.value


@on_linux
@each
@pytest.mark.parametrize("wrong", [None, 1.5, [7], {"a": 1}, "\x00"], ids=repr)
def test_a_wrong_value_counts_as_the_safe_one_or_not_at_all(tmp_path: Path, setting: Setting[Any], wrong: Any) -> None:
    """And the problem is told by key; nothing ever raises."""
    settings = load(tmp_path, managed={setting.key: wrong})
    assert settings.get(setting) == (setting.default if setting.safe is None else setting.safe)
    assert setting.key in settings.policy_problems[0]
    lost = read_policy(tmp_path / "managed", owner=os.getuid()).unread
    assert (setting.key in lost) is (setting.managed_only and setting.safe is None), "or nobody would switch it off"
    assert "line 1" in settings.policy_problems[0]


@each
def test_every_policy_has_all_that_its_forms_need(setting: Setting[Any]) -> None:
    """A label, an example, words for what it takes; a number its limits; a key of two or more parts."""
    assert setting.label
    assert "." in setting.key
    assert wanted(setting)
    assert value(setting) is not None
    if kind_of(setting) is Kind.NUMBER:
        assert setting.limits is not None
    if setting.managed_only and kind_of(setting) not in (Kind.RULES, Kind.TEXT):
        assert setting.safe is not None, "what the organisation alone decides needs a value for when nobody can read it"
    if kind_of(setting) is Kind.CHOICE:
        assert setting.default in choices(setting)


def _names() -> dict[str, str]:
    """Key by the name of the setting in app/config/settings.py."""
    return {name: found.key for name, found in vars(conf).items() if isinstance(found, Setting)}


def _sources(word: str) -> Iterator[tuple[str, ast.Module]]:
    """Our modules that hold a word, by place: only those are parsed, so that it takes no time."""
    for package in ("app", "widgets", "remote_assist", "sync"):
        for path in (ROOT / package).rglob("*.py"):
            if word in (text := path.read_text("utf-8")):
                yield path.relative_to(ROOT).as_posix(), ast.parse(text)


def _read_names() -> set[str]:
    """Names of settings that some part of the program uses outside of the forms."""
    found = set()
    for place, tree in chain(_sources("config.settings import"), _sources("import settings as conf")):
        for node in ast.walk(tree) if place not in _FORMS else ():
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "conf":
                found.add(node.attr)
            elif isinstance(node, ast.ImportFrom) and node.module == "app.config.settings":
                found |= {alias.name for alias in node.names}
    return found


def test_every_policy_is_read_by_some_part_of_the_program() -> None:
    """One that nothing reads would be a promise to administrators that nobody keeps."""
    read = _read_names()
    keys = {setting.key for setting in policies()}
    unread = [name for name, key in _names().items() if key in keys and name not in read]
    assert unread == []


def test_every_setting_that_the_program_reads_is_declared_once() -> None:
    """A setting that is made elsewhere, or left out of the list, would be in no form and no file could set it."""
    made = [setting for setting in vars(conf).values() if isinstance(setting, Setting)]
    assert sorted(setting.key for setting in made) == sorted(setting.key for setting in DECLARED)
    assert len({setting.key for setting in DECLARED}) == len(DECLARED)
    elsewhere = [
        place
        for place, tree in _sources(" Setting(")
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Setting"
        if place != "app/config/settings.py"
    ]
    assert elsewhere == []


def test_the_schema_names_every_policy_and_nothing_else() -> None:
    """With what stands in for a value that cannot be read, and Korean texts."""
    schema: dict[str, Any] = json_schema(lambda text: f"ko:{text}")
    assert list(schema["properties"]) == [setting.key for setting in policies()]
    assert schema["additionalProperties"] is False
    control = schema["properties"]["session.allow_control"]
    assert (control["x-level"], control["x-safe"]) == (["managed"], False)
    assert control["x-text-ko"]["title"].startswith("ko:")


def _in_registry(setting: Setting[Any]) -> RegistryKey:
    """A value as the editor of group policies writes it."""
    raw: Any = example(setting)
    if kind_of(setting) is Kind.RULES:
        lines = [part if isinstance(part, str) else json.dumps(part) for part in raw]
        return RegistryKey({}, {setting.key: RegistryKey({str(n): line for n, line in enumerate(lines, 1)})})
    return RegistryKey({setting.key: int(raw) if isinstance(raw, bool) else raw})


@each
def test_windows_policies_say_the_same_as_a_file(setting: Setting[Any]) -> None:
    """Flags are 0 and 1 there, lists are keys; presets stand below Recommended, the machine's above the person's."""
    key = _in_registry(setting)
    tree = {r"HKLM\Software\Policies\Deskside": RegistryKey(key.values, {**key.below, "Recommended": key})}
    managed, preset = from_registry(tree.get)
    assert setting.accept(managed.values[setting.key]) == value(setting)
    assert preset.values == managed.values
    assert (managed.recommended, preset.recommended) == (False, True)
    assert "Recommended" not in managed.values


def test_what_setup_was_told_on_windows_counts_below_group_policy_and_fixes_nothing_from_a_persons_part() -> None:
    """Anybody can write to their own part of the registry: from there a preset counts, nothing more."""
    tree = {
        rf"{hive}\Software\Deskside\{level}": RegistryKey({"server.url": f"https://{hive}.{level}"})
        for hive in ("HKLM", "HKCU")
        for level in ("Managed", "Recommended")
    }
    tree[r"HKLM\Software\Policies\Deskside"] = RegistryKey({"server.url": "https://policy"})
    found = [(place.values["server.url"], place.recommended) for place in from_registry(tree.get)]
    assert found == [
        ("https://HKCU.Recommended", True), ("https://HKLM.Recommended", True), ("https://HKLM.Managed", False),
        ("https://policy", False),
    ]  # fmt: skip


@on_linux
def test_a_profile_of_macos_says_the_same_as_a_file(tmp_path: Path) -> None:
    """Keys of the system's own are left out; what others could have written counts for nothing, broken ones too."""
    path = tmp_path / "org.deskside.agent.plist"
    path.write_bytes(plistlib.dumps({"session.allow_files": False, "PayloadUUID": "x"}))
    path.chmod(0o644)
    (place,) = from_plist(path, owner=os.getuid())
    assert place.values == {"session.allow_files": False}
    assert from_plist(path, owner=os.getuid() + 1) == []
    for broken in (b"", b"<plist>", b"bplist00" + b"\xff" * 40, b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'c'>]>"):
        path.write_bytes(broken)
        assert [place.values for place in from_plist(path, owner=os.getuid())] in ([], [{}])


@each
def test_the_schema_takes_what_the_program_takes(setting: Setting[Any]) -> None:
    """An editor that checks by the schema says the same as `deskside policy check`."""
    schema = json.dumps(json_schema(str))
    validator = jsonschema_rs.validator_for(json.loads(schema))
    tried: list[Any] = [
        None, True, False, 0, 1, 5, 6, 60, 61, 90, 91, 1.5, "", "abc", "off", "ko", "dark", "never", [], {}, [7], ["x"],
        [{"word": "x"}], [{"word": "x", "pause": 1}], [{"pause": True}], "payroll", ["x" * 81], example(setting),
    ]  # fmt: skip
    for one in tried:
        try:
            setting.accept(one)
            taken = True
        except (ValueError, TypeError):
            taken = False
        assert validator.is_valid({setting.key: one}) is taken, one
