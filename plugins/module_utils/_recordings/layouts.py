# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Layouts: how a system lays recordings on disk. A preset and a custom layout are the same data, read by the same code.

A file name is a stem and a suffix: the suffix gives the member's role, the stem is matched by the layout's pattern.
Whatever the layout, C(<name>.age) is the encrypted form of the member C(<name>) and has its stem and role.
Named groups of the pattern, and of the pattern of the directory, become the recording's fields. These groups are understood:
C(epoch), C(epoch_ms); C(date) and C(time) or C(ts) (digits, separators ignored, year first); C(Y), C(m) or C(b), C(d), C(H), C(M), C(S).
A date without a time of day counts as the last second of that day.
"""

from __future__ import annotations

import dataclasses
import itertools
import re
import typing as t

from .._document import Node, read_document
from .periods import Period, parse_period
from .times import StartTime

__all__ = ["ENCRYPTED", "PRESETS", "ROLES", "Layout", "layout_from_node", "preset", "read_layout"]

ENCRYPTED = ".age"
"""The ending that encryption adds to a member's name."""

ROLES = ("primary", "leg", "transcode", "encrypted", "video", "sidecar", "transcript", "waveform", "thumbnail")
_COMPANIONS: dict[str, list[str]] = {
    "sidecar": [".json", ".xml"],
    "transcript": [".txt", ".vtt", ".srt"],
    "waveform": [".png"],
}
_COMPANION_ROLES = frozenset({"sidecar", "transcript", "waveform", "thumbnail"})
_VICIDIAL_AUDIO = (".wav", ".gsm", ".mp3", ".ogg", ".gsw")
_VICIDIAL_ENCRYPTED = (".gpg", ".pgp")
_VICIDIAL_LEGS = ("-in", "-out", "-all")
_MONTHS = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"

PRESETS: dict[str, dict[str, t.Any]] = {
    "freepbx": {
        "pattern": r"(?P<type>[^-]+)-(?P<dst>.+)-(?P<src>[^-]*)-(?P<date>\d{8})-(?P<time>\d{6})-(?P<uniqueid>(?:[\w.]+-)?\d+(?:\.\d+)?)",
        "members": {
            "primary": [".wav", ".WAV", ".gsm", ".mp3", ".ogg", ".opus"],
            **_COMPANIONS,
        },
        "values": {"direction": {"from": "type", "map": {"in": "in", "out": "out", "exten": "internal"}}},
        "in_progress": {"quiet": "PT15M"},
    },
    "fusionpbx": {
        "directory": rf"(?:(?P<domain>[^/]+)/)?archive/(?P<Y>\d{{4}})/(?P<b>{_MONTHS})/(?P<d>\d{{2}})",
        "pattern": r"(?P<uuid>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})",
        "members": {"primary": [".wav", ".mp3"], **_COMPANIONS},
        "in_progress": {"quiet": "PT15M"},
    },
    "vicidial": {
        "pattern": r"(?P<date>\d{8})-(?P<time>\d{6})_(?P<agent>[^_.]+)",
        "members": {
            "primary": [*_VICIDIAL_AUDIO],
            "leg": [leg + audio for leg, audio in itertools.product(_VICIDIAL_LEGS, _VICIDIAL_AUDIO)],
            "encrypted": [
                leg + audio + lock for leg, audio, lock in itertools.product(("", *_VICIDIAL_LEGS), _VICIDIAL_AUDIO, _VICIDIAL_ENCRYPTED)
            ],
            **_COMPANIONS,
        },
        "primary_roles": ["primary", "leg", "encrypted"],
        "scope": "root",
        "in_progress": {"quiet": "PT1H"},
    },
    "jibri": {
        "set": "directory",
        "pattern": r"(?P<room>.+)_(?P<ts>\d{4}(?:-\d{2}){5})",
        "members": {"primary": [".mp4", ".mkv", ".webm"], "sidecar": [".json"]},
        "in_progress": {"quiet": "PT30M"},
    },
}


@dataclasses.dataclass(frozen=True)
class Layout:
    """A checked layout.

    C(quiet) is in seconds; C(set_by) is C(stem) or C(directory); C(scope) is where members lie: C(directory) or C(root).
    """

    name: str
    pattern: re.Pattern[str]
    directory: re.Pattern[str] | None
    endings: dict[str, tuple[tuple[str, str], ...]]
    primary_roles: frozenset[str]
    values: dict[str, tuple[str, dict[str, str]]]
    set_by: str
    scope: str
    time_zone: str | None
    quiet: int
    open_files: bool
    marker: str | None
    start: StartTime

    @property
    def named_fields(self) -> set[str]:
        """Fields that a name, or its directory, gives."""
        groups = {*self.pattern.groupindex, *(self.directory.groupindex if self.directory else ())}
        return groups | set(self.values)

    def split(self, name: str) -> tuple[str, str] | None:
        """Stem and role of a file name, by its longest known suffix; none where no suffix fits.

        A companion of a whole file name, such as C(call.wav.json), has the stem of that file.
        """
        dot = name.rfind(".")
        for suffix, role in self.endings.get(name[dot:] if dot >= 0 else "", ()):
            if name.endswith(suffix) and len(name) > len(suffix):
                stem = name[: -len(suffix)]
                return (self._companion_stem(stem), role) if role in _COMPANION_ROLES else (stem, role)
        plain = self.plain_name(name)
        return self.split(plain) if plain != name else None

    def plain_name(self, name: str) -> str:
        """The name without the ending of the encrypted form; itself where it has none, or where the layout's own suffixes know that ending."""
        if not name.endswith(ENCRYPTED) or name.endswith(2 * ENCRYPTED) or name == ENCRYPTED:
            return name
        own = any(name.endswith(suffix) and len(name) > len(suffix) for suffix, _role in self.endings.get(ENCRYPTED, ()))
        return name if own else name[: -len(ENCRYPTED)]

    def _companion_stem(self, stem: str) -> str:
        inner = self.split(stem) if "." in stem else None
        if inner is not None and self.pattern.fullmatch(inner[0]) and not self.pattern.fullmatch(stem):
            return inner[0]
        return stem

    def directory_fields(self, directory: str) -> dict[str, str] | None:
        """Fields of a directory below the root; none where the layout has no recordings in such a directory."""
        if self.directory is None:
            return {}
        match = self.directory.fullmatch(directory)
        return None if match is None else {key: value for key, value in match.groupdict().items() if value is not None}

    def stem_fields(self, stem: str) -> dict[str, str] | None:
        """Fields of a stem; none where it is not a name of this layout."""
        match = self.pattern.fullmatch(stem)
        if match is None:
            return None
        fields = match.groupdict()
        if not all(fields.values()):
            fields = {key: value for key, value in fields.items() if value}
        for name, (source, mapping) in self.values.items():
            if fields.get(source) in mapping:
                fields[name] = mapping[fields[source]]
        return fields


def _pattern(node: Node | None) -> re.Pattern[str] | None:
    if node is None:
        return None
    text = node.text()
    try:
        return re.compile(text, re.ASCII | re.DOTALL)
    except re.error as error:
        node.problem(f"is not a regular expression ({error})")
        return None


def _endings(node: Node) -> dict[str, tuple[tuple[str, str], ...]]:
    by_ending: dict[str, list[tuple[str, str]]] = {}
    seen: dict[str, str] = {}
    for role, suffixes in node.mapping(required=["primary"], optional=ROLES).items():
        for suffix in suffixes.texts():
            if suffix in seen:
                suffixes.problem(f"names the suffix {suffix} twice")
            seen[suffix] = role
            ending = suffix[suffix.rfind(".") :] if "." in suffix else ""
            by_ending.setdefault(ending, []).append((suffix, role))
    return {ending: tuple(sorted(pairs, key=lambda pair: -len(pair[0]))) for ending, pairs in by_ending.items()}


def _values(node: Node | None) -> dict[str, tuple[str, dict[str, str]]]:
    found = {}
    for name, item in node.items() if node else []:
        keys = item.mapping(required=["from", "map"])
        if len(keys) == 2:
            found[name] = (keys["from"].text(), {key: value.text() for key, value in keys["map"].items()})
    return found


def layout_from_node(node: Node, name: str) -> Layout | None:
    """Read a layout; faults are noted in the node, and then there is none."""
    before = len(node.problems)
    keys = node.mapping(
        required=["pattern", "members"],
        optional=["directory", "set", "scope", "time_zone", "in_progress", "values", "primary_roles"],
    )
    if len(node.problems) > before:
        return None
    pattern = _pattern(keys["pattern"])
    directory = _pattern(keys.get("directory"))
    busy = keys["in_progress"].mapping(optional=["quiet", "open_files", "marker"]) if "in_progress" in keys else {}
    quiet = busy["quiet"].parsed(parse_period, Period()) if "quiet" in busy else Period(seconds=900)
    if quiet.has_dates:
        busy["quiet"].problem("is not a period of hours, minutes and seconds")
    groups = {*(pattern.groupindex if pattern else ()), *(directory.groupindex if directory else ())}
    start = StartTime.of_groups(groups)
    if pattern and start is None:
        keys["pattern"].problem("has no groups that give a date; name one of epoch, epoch_ms, ts, date (and time), or Y, m or b, d")
    layout_values = _values(keys.get("values"))
    endings = _endings(keys["members"])
    set_by = keys["set"].text(allowed=["stem", "directory"]) if "set" in keys else "stem"
    scope = keys["scope"].text(allowed=["directory", "root"]) if "scope" in keys else "directory"
    if set_by == "directory" and scope == "root":
        keys["scope"].problem("does not go with set: directory, whose members lie in that directory")
    primary_roles = keys["primary_roles"].texts(allowed=ROLES) if "primary_roles" in keys else ["primary"]
    if len(node.problems) > before or pattern is None or start is None:
        return None
    return Layout(
        name=name,
        pattern=pattern,
        directory=directory,
        endings=endings,
        primary_roles=frozenset(primary_roles),
        values=layout_values,
        set_by=set_by,
        scope=scope,
        time_zone=keys["time_zone"].text() if "time_zone" in keys else None,
        quiet=quiet.seconds,
        open_files=busy["open_files"].boolean() if "open_files" in busy else True,
        marker=busy["marker"].text() if "marker" in busy else None,
        start=start,
    )


def preset(name: str, *, time_zone: str | None = None) -> Layout:
    """A layout that ships with the collection.

    :raises KeyError: no preset of that name.
    """
    layout = read_layout(PRESETS[name], name)
    return dataclasses.replace(layout, time_zone=time_zone)


def read_layout(document: t.Any, name: str) -> Layout:
    """A layout from a document.

    :raises PolicyError: with every fault.
    """
    layout = read_document(document, f"the layout {name}", lambda node: layout_from_node(node, name))
    if layout is None:
        raise AssertionError("a layout without faults is there")
    return layout
