# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A controller with plans, sealed runs and a register of several sites, as sweeps leave them, for tests of the report on the fleet."""

from __future__ import annotations

import copy
import datetime as dt
import pathlib
import typing as t

from ansible_collections.recordings.disposal.plugins.module_utils._evidence.canonical import canonical
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.journal import Journal
from ansible_collections.recordings.disposal.plugins.module_utils._executor import CheckExecutor, Executor
from ansible_collections.recordings.disposal.plugins.plugin_utils._forecast import build_forecast
from ansible_collections.recordings.disposal.plugins.plugin_utils._forecast_page import forecast_pages
from ansible_collections.recordings.disposal.plugins.plugin_utils._plan_manifest import build_manifest
from ansible_collections.recordings.disposal.plugins.plugin_utils._register_book import Book
from ansible_collections.recordings.disposal.plugins.plugin_utils._report import Reporting, make_report
from ansible_collections.recordings.disposal.plugins.plugin_utils._report_people import Reviews
from ansible_collections.recordings.disposal.plugins.plugin_utils._review_signed import Signers as ReviewSigners
from ansible_collections.recordings.disposal.plugins.plugin_utils._sealed_runs import Signers
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._evidence.evidence_world import (
    close,
    destroy,
    opening,
    outcome,
)
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._evidence.training_world import School
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.plan_world import counts, result, retention_class, sha
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.register_world import drive, entry, write_register
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.review_world import ReviewWorld
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.run_world import APPROVERS, SIGNER, RunWorld

__all__ = ["NOW", "SITES", "ReportWorld", "found"]

NOW = dt.datetime(2026, 11, 25, 9, 30, tzinfo=dt.timezone.utc)
SITES = {"pbx1": "Warszawa", "pbx2": "Warszawa", "dialer1": "Kraków", "meet1": "Kraków"}
_SIZE = 160044


def found(name: str, as_of: str, due: t.Mapping[str, tuple[int, int]], **changes: t.Any) -> dict[str, t.Any]:
    """A host's result of planning with, by class, how many sets are due and how many of them are overdue."""
    classes = {}
    for cls, (sets, overdue) in due.items():
        made = retention_class(sets, 40 + len(cls), overdue={"sets": overdue, "bytes": overdue * _SIZE})
        made["verdicts"]["due"] = counts(sets, size=sets * _SIZE)
        made["bytes"] = sum(each["bytes"] for each in made["verdicts"].values())
        classes[cls] = made
    told = result(name, classes=classes, as_of=as_of, **changes)
    told["plan"] = {**told["plan"], "digest": sha(f"plan {name} {as_of}")}
    return told


def _ahead(classes: t.Mapping[str, t.Any], *, freed: t.Mapping[str, int], full: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """What retention_forecast returned on a host."""
    nothing = {"sets": 0, "bytes": 0}
    told = {"due": {"sets": 2, "bytes": 2**31}, "overdue": nothing, "later": {"sets": 40, "bytes": 2**35}}
    return {
        "as_of": "2026-11-24T20:00:00Z",
        "policy": result("any")["policy"],
        "time_zone": "Europe/Warsaw",
        "complete": True,
        "unread": [],
        "roots": {"looked_at": 1, "unread": 0},
        "horizon": {"first_week": "2026-11-23", "weeks": 3, "end": "2026-12-14"},
        "totals": counts(200),
        **{"due": {"sets": 2, "bytes": 2**31}, "overdue": nothing},
        "apart": {name: counts(number) for number, name in enumerate(("held", "unclassified", "conflict", "in_progress"), 3)},
        "classes": {name: {**told, "weeks": weeks} for name, weeks in classes.items()},
        "filesystems": [
            {
                **{"roots": ["/rec"], "more_roots": 0, "size": 2**40, "free": 2**38, "recordings": 2**39},
                "intake": {"bytes_per_day": 2**30, "days": 28, "why": None},
                **{"freed": dict(freed), "full": dict(full)},
            }
        ],
    }


class ReportWorld:
    """A state directory, filled by what a test asks for; runs are sealed by a real key."""

    def __init__(self, path: pathlib.Path) -> None:
        path.mkdir(exist_ok=True)
        self.path = path
        self.first: RunWorld | None = None
        self.state = path / "disposal"
        self.register = path / "register.yml"
        self.trained: School | None = None
        self.reviews: ReviewWorld | None = None

    def plan(self, created: dt.datetime, results: t.Mapping[str, t.Any]) -> RunWorld:
        """A plan that two people have approved."""
        told = {"author": "ewa@example.com", "approvals_required": 2, "expires_in": "P7D", "collection": "0.1.0"}
        manifest = build_manifest(copy.deepcopy(dict(results)), now=created, **told)
        if self.first is None:
            self.first = world = RunWorld(self.path, **manifest)
        else:
            world = copy.copy(self.first)
            world.fields, world.data = manifest, canonical(manifest) + b"\n"
            world.run, world.plan = self.state / "runs" / manifest["plan_id"], self.state / "plans" / manifest["plan_id"]
            (world.run / "journals").mkdir(parents=True)
            world.plan.mkdir(parents=True)
            world.manifest = world.plan / "manifest.json"
            world.manifest.write_bytes(world.data)
            for name in APPROVERS:
                world.approve(f"{name}@example.com", name)
        world.sealed_at = f"{created + dt.timedelta(hours=3):%Y-%m-%dT%H:%M:%SZ}"
        return world

    def sweep(self, world: RunWorld, host: str, *, skipped: int = 0, unknown: int = 0, ended: bool = True) -> None:
        """A host's journal: everything that is due is destroyed but the last sets of its first class."""
        part = world.fields["hosts"][host]
        start = dt.datetime.fromisoformat(world.fields["created"].replace("Z", "+00:00")) + dt.timedelta(hours=1)
        moments = (start + dt.timedelta(seconds=number) for number in range(10**6))
        with Journal.open(str(world.journal_path(host)), executor=Executor(), clock=lambda: next(moments)) as journal:
            journal.append("open", **opening(world.fields, world.data, host, approvals=world.approvals))
            for index, (name, item) in enumerate(sorted(part["classes"].items())):
                sets = item["verdicts"]["due"]["sets"]
                left = (skipped, unknown) if index == 0 else (0, 0)
                for number in range(sets):
                    known = {"class": name, "rule": f"class:{name}"}
                    each = sha(f"{host} {name} {number}")[7:39]
                    if number >= sets - left[0]:
                        journal.append("outcome", **{**outcome(each, "not_destroyed", "changed since the plan"), **known})
                    elif number >= sets - sum(left):
                        journal.append("outcome", **{**outcome(each, "unknown", "not read back"), **known})
                    else:
                        destroy(journal, each, **known)
            if ended:
                close(journal)

    def standard(self) -> ReportWorld:
        """Two runs two months apart, a plan of today that nobody has carried out, a host that has none."""
        october = dt.datetime(2026, 9, 20, 20, 0, tzinfo=dt.timezone.utc)
        november = dt.datetime(2026, 11, 23, 20, 0, tzinfo=dt.timezone.utc)
        old = {
            "pbx1": found("pbx1", "2026-09-20T19:00:00Z", {"brokerage": (6, 0)}),
            "gone1": found("gone1", "2026-09-20T19:00:00Z", {"calls": (2, 0)}),
        }
        new = {
            "pbx1": found("pbx1", "2026-11-23T19:00:00Z", {"brokerage": (9, 4), "complaints": (3, 0)}),
            "dialer1": found("dialer1", "2026-11-23T19:10:00Z", {"brokerage": (5, 0), "training": (4, 4)}),
        }
        for created, results in ((october, old), (november, new)):
            world = self.plan(created, results)
            for host in results:
                self.sweep(world, host, **({"skipped": 2, "unknown": 1} if host == "pbx1" and created is november else {}))
            world.seal()
        self.plan(november + dt.timedelta(days=1), {"pbx2": found("pbx2", "2026-11-24T19:00:00Z", {"brokerage": (7, 1)})})
        return self

    def media(self) -> ReportWorld:
        """A register of eight media, reconciled once."""
        hosts = ("pbx1", "pbx2", "dialer1", "dialer1", "meet1", "meet1", "store9", "pbx1")
        rows = [entry(f"S{number:07}", host=host) for number, host in enumerate(hosts)]
        write_register(self.register, rows)
        book = self.book(check_mode=False)
        seen = {"pbx1": {"media": [drive("S0000000"), drive("X1")]}, "pbx2": {"unreachable": True}}
        book.reconcile(seen, ["pbx1", "pbx2"])
        return self

    def people(self) -> ReportWorld:
        """Training records: two approvers, of whom one's ends soon, an operator's that ended, an auditor's that the auditor signed."""
        school = self.school
        school.issue(principal="anna@example.com", role="approver")
        school.issue(principal="bob@example.com", role="approver", valid_until="2026-12-10T09:00:00Z")
        school.issue(principal="ola@example.com", role="operator", valid_until="2026-11-01T09:00:00Z")
        school.issue(principal="adam@example.com", role="auditor", key="adam")
        self.trained = school
        return self

    @property
    def school(self) -> School:
        assert self.first is not None
        return School(self.first.keys)

    def reviewed(self) -> ReportWorld:
        """A review of the policy by which the hosts planned, of an earlier edition."""
        assert self.first is not None
        self.reviews = ReviewWorld(self.path, self.first.keys)
        findings = [
            {"code": "superseded", "severity": severity, "subject": "s", "place": "p"} for severity in ("severe", "warning", "warning")
        ]
        self.reviews.review(findings=findings)
        return self

    def outlook(self) -> ReportWorld:
        """A forecast over three weeks, without a host that did not answer, as the module forecast writes it."""
        weeks = ("2026-11-23", "2026-11-30", "2026-12-07")
        sizes = {"brokerage": (4, 0, 7), "complaints": (1, 2, 0), "training": (0, 0, 3)}
        full = {"without_destruction": {"state": "date", "date": "2026-12-20"}, "with_destruction": {"state": "beyond", "date": None}}
        soon = {**full, "with_destruction": {"state": "date", "date": "2027-01-03"}}
        freed = {week: sum(each[index] for each in sizes.values()) * 3 * 2**30 for index, week in enumerate(weeks)}
        classes = {name: {week: [sets, sets * 3 * 2**30] for week, sets in zip(weeks, each) if sets} for name, each in sizes.items()}
        results = {
            "pbx1": _ahead(classes, freed=freed, full=soon),
            "pbx2": _ahead({}, freed={}, full=full),
            "meet1": {"unreachable": True, "msg": "ssh jan.kowalski@10.0.0.7"},
        }
        document = build_forecast(results, collection="0.1.0")
        path = self.state / "previews" / "forecast.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(forecast_pages(document, language="en")["json"], encoding="ascii")
        return self

    def book(self, *, check_mode: bool = True) -> Book:
        executor = CheckExecutor() if check_mode else Executor()
        return Book(str(self.register), str(self.state), executor=executor, check_mode=check_mode, now=NOW, collection="0.1.0")

    def signers(self) -> Signers:
        assert self.first is not None
        return Signers(self.first.signers, SIGNER)

    def report(self, **changes: t.Any) -> dict[str, t.Any]:
        told: dict[str, t.Any] = {
            "dest": str(self.state),
            "output": str(self.path / "reports"),
            "hosts": [*SITES, "spare1"],
            "sites": SITES,
            "results": {},
            "signers": self.signers() if self.first else None,
            "ledger": str(self.state / "ledger.jsonl"),
            "book": self.book() if self.register.exists() else None,
            "forecast": "",
            "trainings": self.trained.trainings if self.trained else None,
            "reviews": Reviews(str(self.reviews.reviews), ReviewSigners(self.reviews.signers)) if self.reviews else None,
            "old_after": "P14D",
            "languages": ["en", "pl"],
            "executor": Executor(),
            "check_mode": False,
            "now": NOW,
            "collection": "0.1.0",
        }
        return make_report(Reporting(**{**told, **changes}))

    def page(self, language: str = "en") -> str:
        return (self.path / "reports" / f"fleet.{language}.html").read_text(encoding="utf-8")
