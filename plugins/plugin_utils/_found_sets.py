# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the records of one recording set in the journals of all runs."""

from __future__ import annotations

import dataclasses
import json
import os
import typing as t

from ..module_utils._errors import EvidenceError, RefusedError
from ..module_utils._evidence.canonical import canonical
from ..module_utils._evidence.chain import MAX_LINE
from ..module_utils._recordings.layouts import PRESETS, preset
from ..module_utils._recordings.walk import ASIDE
from ..module_utils._retention.rows import Identifiers
from ._sealed_runs import journal_names, run_names

__all__ = ["Asked", "Found", "Recording", "find_set", "is_keyed", "lines_of", "recording_key"]

_KEYED = frozenset("0123456789abcdef")
_MOST_NAMED = 5
# Journals are looked through in parts that end with a line.
_PART = 1 << 22


@dataclasses.dataclass(frozen=True, slots=True)
class Recording:
    """A recording by its plain name: C(key) names its set below the root, as in a plan.

    :ivar identifiers: the key for identifiers; empty where it is gone.
    """

    source: str
    root: str
    key: str
    identifiers: str

    def names(self, base: str = "") -> list[str]:
        """How journals may name its set while it lies in the root, or in the directory C(base) of it."""
        root = f"{self.root}/{base}" if base else self.root
        kinds = ["hmac", "plain"] if self.identifiers else ["plain"]
        return [Identifiers(kind=kind, key=self.identifiers).of(self.source, root, self.key) for kind in kinds]


@dataclasses.dataclass(frozen=True, slots=True)
class Asked:
    """Which set is asked for: by its C(name) in journals, or as a C(recording); C(run) and C(host) narrow it down."""

    name: str
    recording: Recording | None
    run: str
    host: str


@dataclasses.dataclass(frozen=True, slots=True)
class Found:
    """A record of the set: the line at C(offset) of the journal of a host."""

    run: str
    host: str
    offset: int
    record: dict[str, t.Any]

    def told(self) -> str:
        return f"{self.run} on {self.host} ({self.record.get('outcome', 'begun')})"


def is_keyed(name: str) -> bool:
    """Whether a set's name is a keyed hash, or the digest of a medium, and no plain name."""
    return len(name) == 32 and _KEYED.issuperset(name) or (name.startswith("sha256:") and len(name) == 71)


def recording_key(file: str, layout: str) -> str:
    """The key of the set that a file is a member of, by its path below the root.

    :raises RefusedError: the layout is not known, or has no such file; the file is not named, since its name is personal.
    """
    if layout not in PRESETS:
        raise RefusedError(f"the layout {layout!r} is not one of {', '.join(sorted(PRESETS))}; give recording instead of file")
    known = preset(layout)
    directory, _slash, name = file.rpartition("/")
    cut = known.split(name)
    if cut is None or known.stem_fields(cut[0]) is None:
        raise RefusedError(
            f"the file is not named as recordings of the layout {layout} are, so no set can be told by it; give recording instead"
        )
    if known.set_by == "directory":
        return directory
    return cut[0] if known.scope == "root" or not directory else f"{directory}/{cut[0]}"


def lines_of(path: str, names: t.Collection[str]) -> t.Iterator[tuple[int, dict[str, t.Any]]]:
    """Offset and record of each line of a journal that is about one of these sets; of the others none is parsed.

    :raises EvidenceError: it cannot be read.
    """
    # In canonical form a quote within a text has a backslash before it, so this is a key and its value.
    wanted = [b'"set":' + canonical(name) for name in names]
    begin = 0
    try:
        with open(path, "rb", buffering=1 << 16) as file:
            while part := file.read(_PART):
                part += file.readline(MAX_LINE)
                for each in wanted:
                    for at, record in _lines(part, each):
                        if record.get("set") in names:
                            yield begin + at, record
                begin += len(part)
    except OSError as error:
        raise EvidenceError(f"{path} cannot be read ({error.strerror}); repair that, or fetch the journal again") from error


def _lines(part: bytes, wanted: bytes) -> t.Iterator[tuple[int, dict[str, t.Any]]]:
    """Place and record of each whole line that holds C(wanted)."""
    at = 0
    while (at := part.find(wanted, at)) >= 0:
        start, end = part.rfind(b"\n", 0, at) + 1, part.find(b"\n", at)
        if end < 0:
            return
        at = end
        try:
            record = json.loads(part[start:end])
        except ValueError:
            continue
        if isinstance(record, dict):
            yield start, record


def find_set(dest: str, asked: Asked) -> Found:
    """The outcome of the set.

    :raises RefusedError: it is in no run, in several, on several hosts, or has no outcome; no plain name is repeated.
    """
    runs = [asked.run] if asked.run else run_names(dest)
    names = asked.recording.names() if asked.recording else [asked.name]
    found = [each for run in runs for each in _found_in(dest, run, asked, names)]
    if asked.recording is not None:
        found = _with_those_moved_aside(dest, runs, asked, asked.recording, found)
    outcomes = [each for each in found if each.record.get("type") == "outcome"]
    if not outcomes:
        raise RefusedError(_none(asked, runs, found))
    _require_one(outcomes)
    return outcomes[0]


def _found_in(dest: str, run: str, asked: Asked, names: t.Sequence[str]) -> t.Iterator[Found]:
    directory = os.path.join(dest, "runs", run)
    if asked.run and (os.path.basename(run) != run or not os.path.isdir(directory)):
        raise RefusedError(f"{directory} is not a directory; name one of the runs in {os.path.join(dest, 'runs')}")
    for host in journal_names(directory):
        if asked.host in ("", host):
            for offset, record in lines_of(os.path.join(directory, "journals", f"{host}.jsonl"), names):
                yield Found(run, host, offset, record)


def _with_those_moved_aside(dest: str, runs: t.Sequence[str], asked: Asked, recording: Recording, found: list[Found]) -> list[Found]:
    """A set that went to quarantine has another place, and so another name, when it is destroyed there: that record is the one that counts."""
    moved: dict[tuple[str, str], set[str]] = {}
    before = found
    if asked.run:
        # It was moved by another run than the one that destroyed it.
        anywhere = dataclasses.replace(asked, run="")
        before = [each for run in run_names(dest) for each in _found_in(dest, run, anywhere, recording.names())]
    for each in before:
        if each.record.get("type") == "intent" and each.record.get("aside"):
            moved.setdefault((each.host, str(each.record["aside"])), set()).add(each.run)
    for (host, aside), earlier in sorted(moved.items()):
        names = recording.names(f"{ASIDE}/{aside}")
        there = [each for run in runs for each in _found_in(dest, run, dataclasses.replace(asked, host=host), names)]
        if any(each.record.get("type") == "outcome" for each in there):
            found = [each for each in found if each.host != host or each.run not in earlier]
            found += there
    return found


def _none(asked: Asked, runs: t.Sequence[str], found: t.Sequence[Found]) -> str:
    where = f"the run {asked.run}" if asked.run else f"any of the {len(runs)} runs"
    where += f" on {asked.host}" if asked.host else ""
    if found:
        return f"the destruction of the set was begun in {found[0].run} on {found[0].host} and has no outcome yet; run the sweep again, and seal"
    hint = "look whether the name is right"
    if asked.recording:
        hint = "look whether source, root and recording are written as in the plan, and whether the key for identifiers is the one of that time"
    if asked.recording and not asked.recording.identifiers:
        hint = (
            "the key for identifiers is not there, so only runs that name sets plainly could be looked through; give identifiers_key_file"
        )
    return f"the set is not in {where}, so nothing can be proven of it: {hint}"


def _require_one(outcomes: t.Sequence[Found]) -> None:
    told = "; ".join(each.told() for each in outcomes[:_MOST_NAMED])
    told += f" and {len(outcomes) - _MOST_NAMED} more" if len(outcomes) > _MOST_NAMED else ""
    if len({each.run for each in outcomes}) > 1:
        raise RefusedError(f"the set is in several runs: {told}; give run")
    if len({each.host for each in outcomes}) > 1:
        raise RefusedError(f"sets of this name are on several hosts: {told}; give host")
    if len(outcomes) > 1:
        raise RefusedError(f"the set has {len(outcomes)} outcomes in {told}; verify the run, and look what the recording was called then")
