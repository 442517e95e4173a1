# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The words of certificates of media: what codes, sizes and sentences of records are in a language."""

from __future__ import annotations

import typing as t

from ._language import Language

__all__ = ["host_sentence", "sentence", "technique_words", "tool_words", "worded"]

_ROOT = "media_certificate"


def technique_words(words: Language, technique: str) -> str:
    """A technique, with the name that records have for it."""
    known = words.table(f"{_ROOT}.techniques").get(technique) or words.table("order.techniques").get(technique)
    return f"{known} ({technique})" if known else technique


def tool_words(tool: t.Mapping[str, t.Any]) -> str:
    """A tool with its version, which some tell with their name in it."""
    name, version = str(tool.get("name") or ""), str(tool.get("version") or "")
    return version if version.casefold().startswith(name.casefold()) else f"{name} {version}"


def worded(words: Language, values: t.Mapping[str, t.Any]) -> dict[str, str]:
    """Values of a sentence as people read them; how is told by their names."""
    return {name: _worded(words, name, value) for name, value in values.items()}


def _worded(words: Language, name: str, value: t.Any) -> str:
    if name == "technique":
        return technique_words(words, value)
    if name == "why":
        return host_sentence(words, value)
    if name == "level":
        return words.table("levels").get(str(value), str(value))
    if name == "to":
        return words.table(f"{_ROOT}.states").get(value, str(value))
    if name in ("time", "ended"):
        return words.instant(value)
    if name == "fields":
        return words.listed(words.table(f"{_ROOT}.fields").get(each, each) for each in value)
    if isinstance(value, int):
        return words.size(value) if name.endswith("_bytes") else words.number(value)
    return str(value)


def sentence(words: Language, key: str, values: t.Mapping[str, t.Any]) -> str:
    """A sentence of what was not checked."""
    return words.word(f"{_ROOT}.unchecked.{key}").format(**worded(words, values))


def host_sentence(words: Language, text: str) -> str:
    """A sentence of a record, in the language where it is known there."""
    return words.table(f"{_ROOT}.host_sentences").get(text) or words.reason(text)
