# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hold what was done against what should have been done: the trees before and after, the oracle, the journals. Nothing of the collection.

    judge.py --controller DIR --state DIR --sources JSON --control DIRECTORY

Prints, by host, counts and the first few paths of each kind of mistake, and writes DIR/groups/HOST for the adversary. DIRECTORY holds the
file that is only deleted.
"""

from __future__ import annotations

import argparse
import collections
import datetime as dt
import hashlib
import json
import re
import sys
import typing as t
from pathlib import Path

import oracle

Lines = dict[str, dict[str, t.Any]]
SAME = ("type", "mode", "size", "mtime_ns", "ino", "nlink", "sha256")
# Telephone numbers and the like; digits inside a hexadecimal digest are none.
NUMBER = re.compile(r"(?<![0-9a-f])\d{9,15}(?![0-9a-f])")
# Not the unclassified: there the collection counts files that the factory does not tell of.
VERDICTS = ("due", "held", "in_progress", "retained")
FEW = 5


def read_lines(path: Path, below: tuple[str, ...]) -> Lines:
    """What fingerprint.py wrote of some directories, by path, without the directories themselves (whose times a deletion changes)."""
    lines = (json.loads(line) for line in path.read_text(encoding="ascii").splitlines())
    return {line["path"]: line for line in lines if line["type"] != "directory" and line["path"].startswith(below)}


def destroying_run(state: Path) -> Path:
    """The directory of the one run that destroyed anything."""
    runs = []
    for path in sorted(state.glob("runs/*/statement.json")):
        statement = json.loads(path.read_text(encoding="utf-8"))
        if any(host["counts"]["destroyed"] for host in statement["predicate"]["hosts"].values()):
            runs.append(path.parent)
    if len(runs) != 1:
        sys.exit(f"judge: {len(runs)} runs below {state} destroyed recordings, not one")
    return runs[0]


def read_journal(path: Path) -> list[dict[str, t.Any]]:
    """A journal's records, its chain checked."""
    records = []
    previous = "sha256:" + 64 * "0"
    for number, line in enumerate(path.read_bytes().splitlines()):
        record = json.loads(line)
        if record["seq"] != number or record["prev"] != previous:
            sys.exit(f"judge: {path} line {number + 1} does not follow the line before it")
        previous = f"sha256:{hashlib.sha256(line).hexdigest()}"
        records.append(record)
    return records


def judge_host(before: Lines, after: Lines, due: set[str], control: str, groups_dir: Path) -> dict[str, t.Any]:
    """One host's tree; C(due) holds the paths that must be gone."""
    kept = {path: line for path, line in before.items() if path not in due and path != control}
    groups = {
        "destroyed": [line for path, line in before.items() if path in due],
        "kept": list(kept.values()),
        "control": [before[control]],
    }
    groups_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, lines in groups.items():
        (groups_dir / f"{name}.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="ascii")
    mistakes = {
        "due_but_unknown": sorted(due - set(before)),
        "due_but_there": sorted(due & set(after)),
        "lost": sorted(set(kept) - set(after)),
        "altered": sorted(path for path in set(kept) & set(after) if any(kept[path].get(key) != after[path].get(key) for key in SAME)),
        "new": sorted(set(after) - set(before)),
    }
    return {
        "files": {"due": len(due), "kept": len(kept)},
        "mistakes": {kind: len(paths) for kind, paths in mistakes.items()},
        "examples": {kind: paths[:FEW] for kind, paths in mistakes.items() if paths},
    }


def judge_journal(records: list[dict[str, t.Any]]) -> dict[str, t.Any]:
    """Outcomes as they were written down; a set may have one only."""
    outcomes = [record for record in records if record["type"] == "outcome"]
    sets = collections.Counter(record["set"] for record in outcomes)
    return {
        "outcomes": dict(collections.Counter(record["outcome"] for record in outcomes)),
        "twice": sum(1 for count in sets.values() if count > 1),
        "without_proof": sum(1 for record in outcomes if record["outcome"] == "destroyed" and not record["proof"]),
        "closed": records[-1]["type"] == "close",
    }


def names_in(evidence: list[Path], paths: t.Iterable[str]) -> list[str]:
    """File names of recordings, and numbers in them, that evidence gives away."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in evidence)
    names = {Path(path).name for path in paths}
    numbers = {number for name in names for number in NUMBER.findall(name)}
    return sorted({name for name in names if len(name) > 8 and name in text} | numbers & set(NUMBER.findall(text)))


def main() -> int:
    parser = argparse.ArgumentParser(description="Hold what was done against what should have been done.")
    parser.add_argument("--controller", type=Path, required=True)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--sources", type=json.loads, required=True)
    parser.add_argument("--control", required=True)
    options = parser.parse_args()
    run = destroying_run(options.state)
    statement = json.loads((run / "statement.json").read_text(encoding="utf-8"))["predicate"]
    manifest_file = options.state / "plans" / run.name / "manifest.json"
    manifest = json.loads(manifest_file.read_text(encoding="utf-8"))
    held_open = json.loads((options.controller / "held_open.json").read_text(encoding="utf-8"))
    report: dict[str, t.Any] = {"run": run.name, "hosts": {}}
    everything: set[str] = set()
    for host, sources in options.sources.items():
        as_of = dt.datetime.fromisoformat(manifest["hosts"][host]["as_of"].replace("Z", "+00:00"))
        sets = oracle.judge(options.controller / "recorded", {host: sources}, as_of)[host]
        for one in sets:
            if held_open[host] in one["files"]:
                one["verdict"] = "in_progress"
        due = [one for one in sets if one["verdict"] == "due"]
        below = (*(f"{source['root']}/" for source in sources), f"{options.control}/")
        before = read_lines(options.controller / "prepared" / f"{host}.jsonl", below)
        control = next(path for path in before if path.startswith(f"{options.control}/"))
        report["hosts"][host] = {
            "age": (dt.datetime.now(dt.timezone.utc) - as_of).total_seconds(),
            "expected": {kind: sum(1 for one in sets if one["verdict"] == kind) for kind in VERDICTS},
            "planned": {kind: manifest["hosts"][host]["verdicts"][kind]["sets"] for kind in VERDICTS},
            "stated": statement["hosts"][host]["counts"],
            **judge_journal(read_journal(run / "journals" / f"{host}.jsonl")),
            **judge_host(
                before,
                read_lines(options.controller / "verified" / f"{host}.jsonl", below),
                {path for one in due for path in one["files"]},
                control,
                options.controller / "groups" / host,
            ),
        }
        everything.update(before)
    evidence = [manifest_file, *(path for path in sorted(run.rglob("*")) if path.is_file() and path.suffix != ".sig")]
    report["names_in_evidence"] = names_in(evidence, everything)[:FEW]
    print(json.dumps(report))
    return 0


if __name__ == "__main__":
    sys.exit(main())
