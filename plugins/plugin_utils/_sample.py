# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An auditor's sample of the evidence, both ways, with the confidence that it gives, and its report."""

from __future__ import annotations

import dataclasses
import datetime as dt
import fractions
import os
import typing as t

from ..module_utils._errors import RefusedError
from ..module_utils._evidence.canonical import canonical, digest, digest_of
from ..module_utils._evidence.sshsig import check_principal
from ..module_utils._executor import Executor
from . import _sample_assets as asset_way
from . import _sample_records as record_way
from ._evidence_files import keep_files
from ._language import visible
from ._ledger import read_ledger
from ._media_evidence import Evidence
from ._media_runs import Sealers
from ._register_book import Book
from ._sample_plans import Plan, media_plans, read_plans
from ._sample_runs import Item, Runs
from ._sampling import drawn, needed, told
from ._sealed_runs import Signers

__all__ = ["FORMAT", "WAYS", "Sampling", "sample"]

FORMAT = "recordings.disposal/sample/1"
WAYS = (record_way.WAY, asset_way.WAY)
# What a task's result repeats; the report has all of them.
_MOST = 20
_LONGEST = 300


@dataclasses.dataclass(frozen=True, slots=True)
class Sampling:
    """What sampling needs; paths on the controller.

    :ivar runs: names of the runs to draw from; all if empty.
    :ivar book: the register of media; C(None) where there is none.
    :ivar size: how many of each way; 0 where C(tolerable) and C(confidence) tell.
    :ivar output: the directory of the report; empty for one below the state directory C(dest).
    """

    dest: str
    runs: t.Sequence[str]
    ways: t.Sequence[str]
    ledger: str
    signers: Signers
    book: Book | None
    plan_files: t.Sequence[str]
    seed: str
    size: int
    confidence: int
    tolerable: fractions.Fraction
    output: str
    executor: Executor
    check_mode: bool
    now: dt.datetime


def sample(asked: Sampling) -> dict[str, t.Any]:
    """Draw, look, and write the report; returns plain data for the task's result.

    :raises RefusedError: there is nothing to draw from, or a plan is of no sealed run.
    :raises EvidenceError: ledger or register cannot be believed.
    """
    check_principal(asked.signers.signer)
    ledger = read_ledger(asked.ledger)
    runs = Runs(
        asked.dest,
        asked.runs,
        ledger_path=asked.ledger,
        ledger=ledger,
        signers=asked.signers,
        executor=None if asked.check_mode else asked.executor,
        now=asked.now,
    )
    named = read_plans(asked.plan_files, runs.manifests.items())
    not_checked: set[str] = set()
    ways = {}
    if record_way.WAY in asked.ways:
        ways[record_way.WAY] = _records(asked, runs, named, not_checked)
    if asset_way.WAY in asked.ways:
        ways[asset_way.WAY] = _assets(asked, runs, named, not_checked)
    if not any(way["population"] for way in ways.values()) and not runs.broken:
        raise RefusedError(
            "there is nothing to draw from: no sealed run has a record, and no register or plan names an asset; correct dest, or the options"
        )
    report = {
        "format": FORMAT,
        "seed": asked.seed,
        "ledger": {"records": len(ledger), "head": ledger[-1].digest if ledger else None},
        "runs": list(runs.sealed),
        "ways": ways,
        "broken": runs.broken,
        "not_covered": runs.not_covered,
        "not_checked": sorted(not_checked),
        "valid": not runs.broken and not any(way["faulty"] for way in ways.values()),
    }
    return _result(asked, report)


def _way(asked: Sampling, way: str, population: int, look: t.Callable[[list[int]], list[Item]]) -> dict[str, t.Any]:
    size = min(asked.size or needed(population, asked.tolerable, asked.confidence), population)
    items = look(drawn(asked.seed, way, population, size))
    faulty = sum(bool(item.faults) for item in items)
    outcomes: dict[str, int] = {}
    for item in items:
        name = str(item.told["outcome"] or "none")
        outcomes[name] = outcomes.get(name, 0) + 1
    shows = told(population, size, asked.confidence, asked.tolerable)
    if faulty:
        # With a fault the figure would be that of another question.
        shows["at_most"] = None
    counts = {"population": population, "sampled": size, "faulty": faulty, "outcomes": outcomes}
    return {**counts, **shows, "items": [item.as_dict() for item in items]}


def _records(asked: Sampling, runs: Runs, named: t.Sequence[Plan], not_checked: set[str]) -> dict[str, t.Any]:
    # Plans of media are on the controller, and are looked at without being named.
    beside = [path for run in runs.sealed for path in media_plans(asked.dest, run)]
    plans = [*named, *_known(beside, runs)]
    return _way(
        asked, record_way.WAY, record_way.records(runs), lambda numbers: record_way.sampled_records(runs, numbers, plans, not_checked)
    )


def _known(paths: t.Sequence[str], runs: Runs) -> list[Plan]:
    found = []
    for path in paths:
        try:
            found += read_plans([path], runs.manifests.items())
        except RefusedError as error:
            runs.broken.append(error.message)
    return found


def _assets(asked: Sampling, runs: Runs, plans: t.Sequence[Plan], not_checked: set[str]) -> dict[str, t.Any]:
    media = asset_way.final_media(asked.book)
    evidence = None
    if asked.book is not None:
        evidence = Evidence(asked.dest, asked.book.log, Sealers(asked.signers.allowed_signers, asked.signers.signer))
    else:
        not_checked.add("Media that left service: no register was given.")
    if not plans:
        not_checked.add("Sets that plans called due: no plan_files were given.")
    population = asset_way.assets(media, plans)
    return _way(
        asked,
        asset_way.WAY,
        population,
        lambda numbers: asset_way.sampled_assets(runs, numbers, media, evidence, plans, not_checked),
    )


def _result(asked: Sampling, report: dict[str, t.Any]) -> dict[str, t.Any]:
    data = canonical(report) + b"\n"
    directory = asked.output or os.path.join(asked.dest, "samples")
    # The same sample of the same evidence has the same name.
    kept = {
        "seed": report["seed"],
        "ledger": report["ledger"],
        "ways": {way: [told["population"], told["sampled"]] for way, told in report["ways"].items()},
    }
    name = f"sample-{digest_of({**kept, 'runs': report['runs']})[7:23]}"
    files = {f"{name}.json": data, f"{name}.txt": _table(report).encode("utf-8")}
    changed = _keep(asked, directory, files)
    faults = [
        {"way": way, "item": number, "fault": fault[:_LONGEST]}
        for way, told in report["ways"].items()
        for number, item in enumerate(told["items"], 1)
        for fault in item["faults"]
    ]
    return {
        "changed": changed,
        "valid": report["valid"],
        "seed": report["seed"],
        "runs": len(report["runs"]),
        "ways": {way: {key: value for key, value in told.items() if key != "items"} for way, told in report["ways"].items()},
        "faults": faults[:_MOST],
        **{key: [text[:_LONGEST] for text in report[key][:_MOST]] for key in ("broken", "not_covered", "not_checked")},
        "report": {
            "path": os.path.join(directory, f"{name}.json"),
            "digest": digest(data),
            "table": os.path.join(directory, f"{name}.txt"),
        },
    }


def _table(report: t.Mapping[str, t.Any]) -> str:
    """The report as people read it, in plain text."""
    lines = [
        f"Sample of the evidence, seed {report['seed']}",
        f"Ledger: {report['ledger']['records']} lines, head {report['ledger']['head']}",
        "",
    ]
    for way, told_of in report["ways"].items():
        lines += [*_figures(way, told_of), ""]
        for number, item in enumerate(told_of["items"], 1):
            place = [str(item[key]) for key in ("serial", "state", "run", "host", "leaf_index", "line", "set") if item.get(key) is not None]
            lines.append(
                f"{number:>6}  {'FAULT' if item['faults'] else 'ok':<6} {str(item['outcome'] or '-'):<14} {'  '.join(map(visible, place))}"
            )
            lines += [f"{'':15}{visible(fault)}" for fault in item["faults"]]
        lines.append("")
    for heading, key in (("Faults of runs", "broken"), ("Not covered", "not_covered"), ("Not checked", "not_checked")):
        if report[key]:
            lines += [heading, *(f"  - {visible(text)}" for text in report[key]), ""]
    return "\n".join([*lines, "VALID" if report["valid"] else "NOT VALID", ""])


def _figures(way: str, told_of: t.Mapping[str, t.Any]) -> t.Iterator[str]:
    yield f"{way}: {told_of['sampled']} of {told_of['population']} drawn, {told_of['faulty']} with a fault"
    if told_of["at_most"] is not None:
        most = told_of["at_most"]
        yield f"  with a confidence of {told_of['confidence']} at most {most['faulty']} ({most['share']}) have a fault"
    wanted = told_of["needed"]
    yield f"  {wanted['samples']} without a fault show that at most {wanted['share']} have one"


def _keep(asked: Sampling, directory: str, files: t.Mapping[str, bytes]) -> bool:
    lost = "there is no report; make room or repair that, and draw with the same seed again"
    return keep_files(directory, files, executor=asked.executor, check_mode=asked.check_mode, lost=lost)
