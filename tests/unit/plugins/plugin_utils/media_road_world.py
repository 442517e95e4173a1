# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Media on their road by tasks: released, planned, signed, carried out in the journals of hosts, sealed, settled."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import itertools
import json
import pathlib
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.action import media_plan, media_settle
from ansible_collections.recordings.disposal.plugins.module_utils._errors import DisposalError
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.canonical import digest
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.clock import time_text, utc_now
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.journal import FORMAT, Journal
from ansible_collections.recordings.disposal.plugins.module_utils._executor import Executor
from ansible_collections.recordings.disposal.plugins.module_utils._media.serials import medium_set
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.physical import media_destruction_of
from ansible_collections.recordings.disposal.plugins.plugin_utils._custody import read_event
from ansible_collections.recordings.disposal.plugins.plugin_utils._media_records import record_name
from ansible_collections.recordings.disposal.plugins.plugin_utils._register_book import Book
from ansible_collections.recordings.disposal.plugins.plugin_utils._register_files import RegisterFile
from ansible_collections.recordings.disposal.plugins.plugin_utils._seal import Sealing, seal_run
from ansible_collections.recordings.disposal.plugins.plugin_utils._statement import NAMESPACE
from ansible_collections.recordings.disposal.tests.unit.plugins.action.action_world import run_action
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._media.physical_world import row as result_row
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.media_plan_world import Looks, host_of
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.register_world import World, entry, write_register

__all__ = ["EVIDENCE", "Road", "in_service"]

EVIDENCE = "evidence@example.com"
PLAN = "plan@recordings.disposal"
APPROVERS = ("carol", "dave")
_LOOKED_AT: list[dict[str, t.Any]] = []


def in_service(of: str, /, **changes: str) -> dict[str, str]:
    return entry(of, **{"size_bytes": "", "make": "", "model": "", **changes})


class Road(World):
    """A register with its state directory, hosts with drives, and persons with keys."""

    def __init__(self, path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, *entries: dict[str, str]) -> None:
        super().__init__(path)
        self.register = write_register(path / "register.yml", entries)
        self.dest = path / "disposal"
        self.dest.mkdir(mode=0o700)
        # One look is enough: the drives differ in their serials.
        if not _LOOKED_AT:
            _LOOKED_AT.append(Looks(path / "looks", monkeypatch).ata("S1"))
        self.results: dict[str, t.Any] = {}
        for each in entries:
            if each["kind"] == "sata_ssd":
                rows = self.results.get(each["host"], {"info": {"media": []}})["info"]["media"]
                self.results[each["host"]] = host_of([*rows, {**_LOOKED_AT[0], "serial": [each["serial"]], "name": f"sd{len(rows)}"}])
        self.plan_signers = path / "plan_signers"
        lines = [self.keys.line(EVIDENCE, "evidence", f'namespaces="{NAMESPACE}"')]
        lines += [self.keys.line(f"{name}@example.com", name, f'namespaces="{PLAN}"') for name in APPROVERS]
        self.plan_signers.write_text("".join(lines), encoding="ascii")
        self.plan_id = ""
        self._numbers = itertools.count()

    def snapshot(self) -> dict[str, str]:
        """Every file but those of persons, with its bytes and the time of its last change."""
        found = [self.register, *sorted(path for path in self.dest.rglob("*") if path.is_file())]
        return {str(path): f"{path.stat().st_mtime_ns} {hashlib.sha256(path.read_bytes()).hexdigest()}" for path in found}

    # The register.

    def book(self) -> Book:
        return Book(str(self.register), str(self.dest), executor=Executor(), check_mode=False, now=utc_now(), collection="0.1.0")

    def moved(self, to: str, *serials: str, **keys: t.Any) -> None:
        """An event of people, a minute after the one before unless it has a time."""
        number = next(self._numbers)
        given = {"time": f"2020-11-20T{number // 60:02}:{number % 60:02}:00Z", "reason": "so it was", **keys}
        name = f"event-{number}.json"
        if to == "in_custody":
            path = self.bag(name, serials, **given)
        else:
            path = self.event(name, serials, to=to, evidence=[self.attached(f"result-{number}.json", "{}")], **given)
        self.book().move(read_event(path, allowed_signers=self.signers.read_text(encoding="ascii"), now=utc_now()))

    def states(self) -> dict[str, str]:
        return {medium.serial: medium.state for medium in RegisterFile(str(self.register)).register.media.values()}

    def log(self) -> list[dict[str, t.Any]]:
        lines = (self.dest / "register" / "log.jsonl").read_text(encoding="utf-8").splitlines()
        return [record for record in map(json.loads, lines) if record["type"] == "moved"]

    # The plan.

    def plan(self, *, check_mode: bool = False, diff: bool = False, **options: t.Any) -> dict[str, t.Any]:
        """The result of C(media_plan); an option that is C(None) is left out."""
        given = {"register": str(self.register), "dest": str(self.dest), "results": self.results, "author": "ewa@example.com", **options}
        told = {key: value for key, value in given.items() if value is not None}
        result = run_action(media_plan.ActionModule, "media_plan", told, check_mode=check_mode, diff=diff)
        if not diff:
            assert len(json.dumps(result)) < 1 << 16
        return result

    def planned(self, *, sign: bool = True, **options: t.Any) -> dict[str, t.Any]:
        """A plan that was made, and signed by all who have to."""
        result = self.plan(**options)
        assert not result.get("failed"), result["msg"]
        self.plan_id = result["plan_id"]
        if sign:
            self.approve(*APPROVERS)
        return result

    @property
    def manifest_path(self) -> pathlib.Path:
        return self.dest / "plans" / self.plan_id / "manifest.json"

    def approve(self, *names: str) -> None:
        for name in names:
            text = self.keys.sign(self.manifest_path.read_bytes(), name, PLAN)
            self.manifest_path.with_name(f"manifest.json.{name}@example.com.sig").write_text(text, encoding="ascii")

    def rows(self, host: str) -> dict[str, dict[str, t.Any]]:
        lines = (self.manifest_path.parent / "media" / f"{host}.jsonl").read_bytes().splitlines()
        return {row["serial"]: row for row in map(json.loads, lines)}

    # The run.

    @property
    def run(self) -> pathlib.Path:
        return self.dest / "runs" / self.plan_id

    def journal_path(self, host: str) -> pathlib.Path:
        return self.run / "journals" / f"{host}.jsonl"

    def carry_out(
        self,
        host: str,
        outcomes: t.Mapping[str, dict[str, t.Any] | None] | None = None,
        *,
        end: bool = True,
        clock: t.Callable[[], dt.datetime] = utc_now,
    ) -> None:
        """The journal of a host as C(media_apply) writes it; C(outcomes) has by serial what came of it otherwise, C(None) nothing yet."""
        data = self.manifest_path.read_bytes()
        manifest = json.loads(data)
        self.journal_path(host).parent.mkdir(parents=True, exist_ok=True)
        approvals = [{"principal": f"{name}@example.com", "key": self.keys.fingerprint(name)} for name in APPROVERS]
        with Journal.open(str(self.journal_path(host)), executor=Executor(), clock=clock) as journal:
            journal.begin(
                {
                    **{"format": FORMAT, "run": f"run-{host}", "host": host, "plan": manifest["hosts"][host]["plan"]["digest"]},
                    **{"manifest": digest(data), "policy": manifest["policy"]["digest"], "author": manifest["author"]},
                    **{"approvals": approvals if manifest["approvals_required"] else [], "collection": "0.1.0", "identifiers": "plain"},
                }
            )
            for serial, row in self.rows(host).items():
                if row["steps"] and journal.state.outcome_of(row["set"]) is None:
                    self._act(journal, row, (outcomes or {}).get(serial, {}))
            if end:
                journal.end()

    @staticmethod
    def _act(journal: Journal, row: dict[str, t.Any], changes: dict[str, t.Any] | None) -> None:
        step = row["steps"][0]
        about = {"set": row["set"], "class": None, "rule": row["kind"], "bytes": row["size_bytes"], "members": 1}
        nothing = {"start": None, "keep_until": None, "destroy_by": None, "aside": None, "marks": []}
        method = {"technique": step["technique"], "level": row["level"]}
        if changes is None or changes.get("proof", {}) is not None:
            journal.append("intent", **about, **nothing, method=method, serial=row["serial"], steps=[step["technique"]])
        if changes is None:
            return
        done = changes.get("outcome", "destroyed") == "destroyed"
        level = {"required": row["level"], "achieved": step["level"] if done else "none", "standard": step["standard"]}
        proof = {"serial": row["serial"], "identity": row["identity"], "run": "0" * 16, "tried": [], "limits": []}
        proof["verify"] = {
            "verdict": changes.get("verdict", "clean" if done else "not_done"),
            "read_bytes": 1,
            "size_bytes": row["size_bytes"],
        }
        told = {"outcome": "destroyed", "level": level, "technique": step["technique"], "scheme": None, "reason": [], "proof": proof}
        journal.append("outcome", **about, **{**told, **{key: value for key, value in changes.items() if key != "verdict"}})

    def seal(self, **changes: t.Any) -> None:
        told: dict[str, t.Any] = {
            **{"run_directory": str(self.run), "manifest": str(self.manifest_path), "signatures_dir": str(self.manifest_path.parent)},
            **{"ledger": str(self.dest / "ledger.jsonl"), "signing_key": self.keys.path("evidence"), "signer": EVIDENCE},
            **{"allowed_signers": self.plan_signers.read_text(encoding="ascii"), "languages": []},
            **dict.fromkeys(("render", "render_pdf"), lambda *_none, **_more: b""),
            **{"executor": Executor(), "check_mode": False, "now": time_text(utc_now()), "collection": "0.1.0", **changes},
        }
        seal_run(Sealing(**{field.name: told[field.name] for field in dataclasses.fields(Sealing) if field.name in told}))

    def record(self, serial: str) -> pathlib.Path:
        return self.run / "media" / f"{record_name(medium_set(serial))}.json"

    # Settling.

    def settle(self, *, check_mode: bool = False, **options: t.Any) -> dict[str, t.Any]:
        """The result of C(media_settle) for the run; an option that is C(None) is left out."""
        given = {"register": str(self.register), "dest": str(self.dest), "plan_id": self.plan_id, "person": "anna@example.com"}
        given |= {"signer": EVIDENCE, "allowed_signers": str(self.plan_signers), **options}
        told = {key: value for key, value in given.items() if value is not None}
        result = run_action(media_settle.ActionModule, "media_settle", told, check_mode=check_mode)
        assert len(json.dumps(result)) < 1 << 16
        return result

    def settled(self, **options: t.Any) -> dict[str, t.Any]:
        result = self.settle(**options)
        assert not result.get("failed"), result["msg"]
        return result

    def destroyed(self, evidence: t.Sequence[dict[str, t.Any]], **options: t.Any) -> dict[str, t.Any]:
        return self.settle(
            destroyed=list(evidence), **{"plan_id": None, "person": None, "signer": None, "allowed_signers": None, **options}
        )

    def refused(self, words: str, task: t.Callable[..., dict[str, t.Any]], **options: t.Any) -> dict[str, t.Any]:
        """A task that fails, says so in one line and changes nothing, in check mode and not."""
        before = self.snapshot()
        told = [task(check_mode=check_mode, **options) for check_mode in (True, False)]
        assert self.snapshot() == before
        for result in told:
            assert (result.get("failed"), result["changed"]) == (True, False), result
            assert words in result["msg"] and "\n" not in result["msg"], result["msg"]
        return told[1]

    def work(self, technique: str = "shred", *, level: str = "destroy", **facts: t.Any) -> list[dict[str, t.Any]]:
        """Physical work on a medium, recorded; what C(media_destruction) returns as evidence."""
        params: dict[str, t.Any] = dict.fromkeys(
            ("expected", "vendor", "protection_class", "operators", "photos_dir", "figures", "work_order")
        )
        params |= {"results": [result_row(technique, **facts)], "level": level, "state_dir": str(self.dest / "physical")}
        try:
            evidence = media_destruction_of(params, Executor(), check_mode=False)["evidence"]
        except DisposalError as error:
            evidence = error.details["evidence"]
        return t.cast("list[dict[str, t.Any]]", evidence)
