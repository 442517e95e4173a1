# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Random damage to the evidence of a run, and where whoever verifies it must say that it is."""

from __future__ import annotations

import dataclasses
import pathlib
import random
import re
import typing as t

from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.run_world import RunWorld, rechain

__all__ = ["Damage", "damages", "evidence_files", "names_place"]


@dataclasses.dataclass(frozen=True)
class Damage:
    """What is written instead, none for a file that goes.

    :ivar places: names of files of which one must be told.
    :ivar lines: of which one must be told with it; none where any will do.
    """

    what: str
    files: dict[pathlib.Path, bytes | None]
    places: frozenset[str]
    lines: frozenset[int] = frozenset()


def evidence_files(world: RunWorld) -> list[pathlib.Path]:
    """Every file of the evidence but the certificates, which only show it."""
    kept = {".html", ".pdf"}
    head = world.ledger.with_name("ledger.head.json")
    beside = [world.ledger, head, head.with_name(f"{head.name}.sig")]
    return [*(path for path in sorted(world.run.rglob("*")) if path.is_file() and path.suffix not in kept), *beside]


def place_of(world: RunWorld, path: pathlib.Path) -> str:
    return str(path.relative_to(world.run)) if path.is_relative_to(world.run) else "ledger" if path == world.ledger else path.name


def names_place(sentences: t.Iterable[str], damage: Damage) -> bool:
    """Whether a sentence names the file, and the line where it is one."""
    for sentence in sentences:
        numbers = {
            int(number) for found in re.findall(r"\blines? (\d+(?:(?:,| and) \d+)*)", sentence) for number in re.findall(r"\d+", found)
        }
        if any(place in sentence for place in damage.places) and (not damage.lines or numbers & damage.lines):
            return True
    return False


def damages(world: RunWorld, rng: random.Random) -> t.Iterator[Damage]:
    """Endless; each kind as often as the others, where the world has what it damages."""
    # What is empty says nothing, and is missed by nobody.
    good = {path: data for path in evidence_files(world) if (data := path.read_bytes())}
    kinds = (_flipped, _cut, _moved, _moved_and_chained, _spaced, _exchanged, _gone, _doubled)
    while True:
        for kind in kinds:
            damage = kind(world, good, rng)
            if damage is not None:
                yield damage


_Good = t.Mapping[pathlib.Path, bytes]


def _is_chain(path: pathlib.Path) -> bool:
    return path.suffix == ".jsonl"


def _one(world: RunWorld, path: pathlib.Path, data: bytes, what: str, lines: t.Iterable[int] = ()) -> Damage:
    place = place_of(world, path)
    return Damage(f"{place}: {what}", {path: data}, frozenset({place}), frozenset(lines) if _is_chain(path) else frozenset())


def _flipped(world: RunWorld, good: _Good, rng: random.Random) -> Damage:
    path = rng.choice(list(good))
    data = good[path]
    at = rng.randrange(len(data))
    byte = rng.choice([data[at] ^ 1 << rng.randrange(8), rng.choice([each for each in range(256) if each != data[at]])])
    line, whole = data.count(b"\n", 0, at) + 1, data.count(b"\n")
    # What is no line any more, or was none, shows in the one before it, or in the file as a whole.
    lines = {line, line + 1} | ({line - 1} if at == data.rfind(b"\n") else set())
    return _one(
        world, path, data[:at] + bytes([byte]) + data[at + 1 :], f"byte {at} of line {line} is {byte:#x}", lines if line <= whole else ()
    )


def _cut(world: RunWorld, good: _Good, rng: random.Random) -> Damage:
    """Bytes taken out, put in, or cut off at the end."""
    path = rng.choice(list(good))
    data = good[path]
    at = rng.randrange(len(data))
    size = rng.choice([1, 1, 2, 70])
    bad, what = rng.choice(
        [
            (data[:at] + data[at + size :], f"{size} bytes from {at} are gone"),
            (data[:at] + rng.randbytes(size) + data[at:], f"{size} bytes were put in at {at}"),
            (data[:at], f"it ends at {at}"),
            (data + rng.choice([b"\n", b" ", b"\0", b"{}\n"]), "something was added"),
        ]
    )
    return _one(world, path, bad, what)


def _moves(good: _Good, rng: random.Random) -> tuple[pathlib.Path, str, list[bytes], set[int], bytes]:
    """Lines of a file dropped, swapped or doubled: what was done, the lines, where it shows first, and what was torn off after them."""
    path = rng.choice([path for path in good if _is_chain(path) and good[path].count(b"\n")])
    *lines, torn = good[path].split(b"\n")
    at = rng.randrange(len(lines))
    low, high = sorted((at, rng.randrange(len(lines))))
    # A line that is missing at the end shows in the one before.
    dropped = {at + 1, at} if at == len(lines) - 1 else {at + 1}
    ways = [
        (f"line {at + 1} dropped", [*lines[:at], *lines[at + 1 :]], dropped),
        (f"line {at + 1} doubled", [*lines[: at + 1], *lines[at:]], {at + 2}),
        (f"line {low + 1} doubled at line {high + 1}", [*lines[:high], lines[low], *lines[high:]], {high + 1, high + 2}),
    ]
    if low != high:
        swapped = [*lines[:low], lines[high], *lines[low + 1 : high], lines[low], *lines[high + 1 :]]
        ways.append((f"lines {low + 1} and {high + 1} swapped", swapped, {low + 1}))
    what, moved, where = rng.choice(ways)
    return path, what, moved, where, torn


def _moved(world: RunWorld, good: _Good, rng: random.Random) -> Damage | None:
    path, what, moved, where, torn = _moves(good, rng)
    if len(moved) < 2 and path == world.ledger:
        return None
    # That a ledger ends too early shows only in its not naming the statement.
    ended = path == world.ledger and len(moved) < good[path].count(b"\n") and good[path].startswith(b"\n".join(moved))
    return _one(world, path, b"".join(line + b"\n" for line in moved) + torn, what, set() if ended else where)


def _moved_and_chained(world: RunWorld, good: _Good, rng: random.Random) -> Damage:
    """By somebody who knows how a chain is made: the file is found, the line cannot be."""
    path, what, moved, _where, torn = _moves(good, rng)
    return _one(world, path, rechain(moved) + torn, f"{what}, and chained anew")


def _spaced(world: RunWorld, good: _Good, rng: random.Random) -> Damage:
    """Bytes that mean nothing to whoever reads a signature or JSON."""
    path = rng.choice([path for path in good if not _is_chain(path)])
    data = good[path]
    at = rng.choice([0, len(data), rng.randrange(len(data)), data.find(b"\n") + 1])
    space = rng.choice([b" ", b"\n", b"\r", b"\t", b"\r\n", b"\n\n"])
    return _one(world, path, data[:at] + space + data[at:], f"{space!r} at {at}")


def _several(world: RunWorld, what: str, files: dict[pathlib.Path, bytes | None]) -> Damage:
    return Damage(what, files, frozenset(place_of(world, path) for path in files))


def _pair(good: _Good, rng: random.Random) -> tuple[pathlib.Path, pathlib.Path] | None:
    """Two files of one kind, none where there are no two."""
    kinds: list[list[pathlib.Path]] = [
        [path for path in good if path.parent.name == "journals"],
        [path for path in good if path.name.startswith("statement") and path.suffix == ".json"],
        [path for path in good if path.name.startswith("statement") and path.suffix == ".sig"],
        [path for path in good if path.name.startswith("manifest.json.")],
    ]
    several = [kind for kind in kinds if len(kind) > 1]
    one, other = rng.sample(rng.choice(several), 2) if several else (None, None)
    return (one, other) if one and other else None


def _exchanged(world: RunWorld, good: _Good, rng: random.Random) -> Damage | None:
    pair = _pair(good, rng)
    if pair is None:
        return None
    one, other = pair
    files: dict[pathlib.Path, bytes | None] = {one: good[other], other: good[one]}
    if one.name.startswith("statement") and one.suffix == ".json" and rng.random() < 0.5:
        signatures = [path.with_name(path.name + ".sig") for path in (one, other)]
        files.update({signatures[0]: good[signatures[1]], signatures[1]: good[signatures[0]]})
    return _several(world, f"{one.name} and {other.name} exchanged", files)


def _gone(world: RunWorld, good: _Good, rng: random.Random) -> Damage:
    path = rng.choice(list(good))
    return _several(world, f"{path.name} is gone", {path: None})


def _doubled(world: RunWorld, good: _Good, rng: random.Random) -> Damage | None:
    """A file instead of another one of its kind, or once more under a name that is none of this run's."""
    pair = _pair(good, rng)
    if pair is not None and rng.random() < 0.6:
        return _several(world, f"{pair[0].name} is also {pair[1].name}", {pair[1]: good[pair[0]]})
    path = rng.choice([path for path in good if path.name == "statement.json" or path.parent.name == "journals"])
    name = rng.choice(["rec9.jsonl", "rec1", "journal.jsonl.gz"]) if _is_chain(path) else f"statement-{rng.choice([3, 7])}.json"
    return _several(world, f"{path.name} is also {name}", {path.with_name(name): good[path]})
