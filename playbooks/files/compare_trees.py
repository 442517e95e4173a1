# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What became of every file of the demo, found out without the collection: C(remember) before, C(compare) after.

C(compare) reads the journals for their outcomes, checks that every file is gone or byte for byte what it was, and that exactly the
sets with the outcome C(destroyed) account for what is gone; it fails otherwise.
"""

from __future__ import annotations

import collections
import hashlib
import json
import os
import pathlib
import sys
import typing as t

STATE = "recordings-disposal"


def look(top: pathlib.Path) -> dict[str, list[t.Any]]:
    """Each file and link below, the servers' own state left out: digest (or target), bytes, time of change."""
    found: dict[str, list[t.Any]] = {}
    for directory, names, files in os.walk(top):
        names[:] = [name for name in names if name != STATE]
        for name in files:
            path = os.path.join(directory, name)
            facts = os.lstat(path)
            key = os.path.relpath(path, top)
            if os.path.islink(path):
                found[key] = ["link " + os.readlink(path), 0, 0]
            elif os.path.isfile(path):
                found[key] = [hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest(), facts.st_size, facts.st_mtime_ns]
    return found


def people(count: int) -> str:
    return f"{count / 2**20:,.1f} MiB"


def compare(top: pathlib.Path, before: dict[str, list[t.Any]], journals: pathlib.Path) -> list[str]:
    """Lines for people.

    :raises SystemExit: something is not as it was.
    """
    after = look(top)
    changed = sorted(key for key in after if before.get(key) != after[key])
    if changed:
        sys.exit(f"{len(changed)} files are not what they were, the first: {changed[0]!r}")
    gone = {key: facts for key, facts in before.items() if key not in after}
    outcomes: collections.Counter[str] = collections.Counter()
    members = size = 0
    for journal in sorted(journals.glob("*.jsonl")):
        for line in journal.read_text(encoding="utf-8").splitlines():
            record = json.loads(line)
            if record["type"] == "outcome":
                outcomes[record["outcome"]] += 1
                if record["outcome"] == "destroyed":
                    members += record["members"]
                    size += record["bytes"]
    if (members, size) != (len(gone), sum(facts[1] for facts in gone.values())):
        sys.exit(f"the journals account for {members} files of {size} bytes, and {len(gone)} files are gone")
    states: collections.Counter[str] = collections.Counter()
    for plan in top.glob(f"*/var/lib/{STATE}/plans/*.jsonl"):
        for line in plan.read_text(encoding="utf-8").splitlines()[1:]:
            states[json.loads(line)["verdict"]] += 1
    kept = sum(facts[1] for facts in after.values())
    return [
        f"Destroyed:    {outcomes['destroyed']} sets, {len(gone)} files, {people(size)} of capacity freed",
        f"Not destroyed although due: {outcomes['not_destroyed']} sets; unknown: {outcomes['unknown']}",
        f"Kept:         {len(after)} files, {people(kept)}, each byte for byte what it was",
        f"Held: {states['held']} sets; unclassified: {states['unclassified']}; in progress: {states['in_progress']}; in conflict: {states['conflict']}",
    ]


def main() -> None:
    action, top, memory, *rest = sys.argv[1:]
    if action == "remember":
        with open(memory, "w", encoding="utf-8") as handle:
            json.dump(look(pathlib.Path(top)), handle)
        return
    with open(memory, encoding="utf-8") as handle:
        before = json.load(handle)
    print("\n".join(compare(pathlib.Path(top), before, pathlib.Path(rest[0]))))


if __name__ == "__main__":
    main()
