# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Media on their way from the register to certificates: a plan, signed and carried out, journals, seals, work of people, events of the register."""

from __future__ import annotations

import datetime as dt
import json
import pathlib
import typing as t

from ansible_collections.recordings.disposal.plugins.action.media_certificate import ActionModule
from ansible_collections.recordings.disposal.plugins.module_utils._errors import DisposalError
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.approval import MEDIA_FORMAT
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.canonical import canonical, digest
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.clock import utc_now
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.journal import FORMAT, Journal
from ansible_collections.recordings.disposal.plugins.module_utils._executor import Executor
from ansible_collections.recordings.disposal.plugins.module_utils._media.serials import medium_set
from ansible_collections.recordings.disposal.plugins.module_utils._standards.levels import STANDARD
from ansible_collections.recordings.disposal.plugins.module_utils._standards.techniques import TECHNIQUES
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.physical import media_destruction_of
from ansible_collections.recordings.disposal.plugins.plugin_utils._custody import given_event, read_event
from ansible_collections.recordings.disposal.plugins.plugin_utils._media_records import record_name
from ansible_collections.recordings.disposal.plugins.plugin_utils._register_book import Book
from ansible_collections.recordings.disposal.plugins.plugin_utils._seal import Sealing, seal_run
from ansible_collections.recordings.disposal.plugins.plugin_utils._statement import NAMESPACE
from ansible_collections.recordings.disposal.tests.unit.plugins.action.action_world import run_action
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._evidence.evidence_world import snapshot
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._evidence.training_world import School
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._media.physical_world import row as result_row
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.register_world import World, entry, write_register

__all__ = ["ANNA", "BOB", "EVA", "SIGNER", "CertificateWorld", "medium", "name_of", "plan_row", "proof"]

SIGNER = "evidence@example.com"
PLAN_NAMESPACE = "plan@recordings.disposal"
START = dt.datetime(2026, 1, 10, 20, 10, tzinfo=dt.timezone.utc)
SIZE = 4000787030016
ANNA = {
    **{"principal": "anna@example.com", "name": "Anna Nowak", "title": "storage engineer", "location": "Kraków, server room 2"},
    **{"contact": "+48 12 555 01 23"},
}
BOB = {
    "principal": "bob@example.com",
    "name": "Robert Lis",
    "title": "data protection officer",
    "location": "Kraków",
    "contact": "bob@example.com",
}
EVA = {"principal": "eva@example.com", "name": "Ewa Żak", "title": "auditor", "location": "Gdańsk", "contact": "eva@example.com"}


def name_of(serial: str) -> str:
    return record_name(medium_set(serial))


def plan_row(medium: t.Mapping[str, str], technique: str = "ata_sanitize_crypto", **changes: t.Any) -> dict[str, t.Any]:
    """A medium's row of a plan, with what the register says of it."""
    known = TECHNIQUES[technique]
    row: dict[str, t.Any] = {
        **{key: medium.get(key, "") for key in ("serial", "kind", "make", "model", "asset_number", "classification", "encryption")},
        **{key: medium.get(key, "") for key in ("required_level", "bay", "host")},
        "set": medium_set(medium["serial"]),
        "identity": {"serial": medium["serial"], "size_bytes": SIZE},
        "level": known.level,
        "steps": [{"technique": technique, **known._asdict(), "estimated_seconds": 120}],
        **{"verify": "sample", "sample_share": 10, "canaries": 64},
        "physical": {"needed": False, "technique": "shred", "why": ""},
        **{"on_failure": "shred", "destination": "internal_reuse", "classification_after": "unclassified", "risk": ["spare_blocks"]},
        "drain": {"drained": "yes", "reasons": [], "limits": [], "backup": {"copied": "yes", "where": ["/srv/copies/rec1"]}},
    }
    row.update(changes)
    return row


def proof(row: t.Mapping[str, t.Any], **changes: t.Any) -> dict[str, t.Any]:
    """What a host tells of a medium that it has sanitized."""
    misses = [{"residue_bytes": 1 << 30, "probability": "0.0027"}]
    sample = {"one_of": 10, "piece_bytes": 1 << 20, "seed": "ab" * 16, "misses": misses}
    told: dict[str, t.Any] = {
        **{"serial": row["serial"], "identity": row["identity"], "run": "0123456789abcdef", "journal": {"head": "sha256:" + "5" * 64}},
        **{"tried": [], "canaries": {"laid": 64, "left": 0, "unread": 0}, "transition": "the drive's log shows that this sanitize ended"},
        "verify": {"verdict": "clean", "read_bytes": SIZE // 10, "size_bytes": SIZE, "sample": sample, "why": ""},
        "tools": [{"name": "recordings.disposal", "version": "0.1.0"}, {"name": "hdparm", "version": "hdparm v9.65"}],
        **{"begun": "2026-01-10T20:05:00Z", "ended": "2026-01-10T20:09:00Z", "operational": True},
        "limits": ["only what the drive shows was read: spare, remapped and hidden blocks were not"],
    }
    told.update(changes)
    return told


class CertificateWorld(World):
    """A register with its state directory."""

    def __init__(self, path: pathlib.Path, *entries: dict[str, str]) -> None:
        super().__init__(path)
        self.entries = {each["serial"]: each for each in entries}
        self.register = write_register(path / "register.yml", entries)
        self.dest = path / "disposal"
        self.dest.mkdir(mode=0o700)
        self.certificates = self.dest / "certificates"
        self.plan_id = "2026-01-09-4f1c"
        self.evidence_signers = path / "evidence_signers"
        self.evidence_signers.write_text(self.keys.line(SIGNER, "evidence", f'namespaces="{NAMESPACE}"'), encoding="ascii")
        self.policy = {"id": "media", "version": "3", "owner": "rm@example.com", "review_by": "2027-01-31", "digest": digest(b"policy")}
        self._day = 8
        # What hosts and tasks are told of training.
        self.approver_training: dict[str, t.Any] = {}
        self.training: School | None = None

    # What hosts do.

    def run_dir(self, plan_id: str = "") -> pathlib.Path:
        return self.dest / "runs" / (plan_id or self.plan_id)

    def carry_out(
        self, *rows: dict[str, t.Any], outcomes: t.Mapping[str, dict[str, t.Any]] | None = None, seal: bool = True, settle: bool = True
    ) -> None:
        """A plan over media of hosts, signed, carried out, fetched, sealed, its records kept; C(outcomes) has by serial what came of it otherwise."""
        by_host: dict[str, list[dict[str, t.Any]]] = {}
        for row in rows:
            by_host.setdefault(row["host"], []).append(row)
        plan = self.dest / "plans" / self.plan_id
        (plan / "media").mkdir(parents=True)
        hosts = {}
        for host, each in by_host.items():
            data = b"".join(canonical(row) + b"\n" for row in each)
            (plan / "media" / f"{host}.jsonl").write_bytes(data)
            due = {"sets": len(each), "files": len(each), "bytes": SIZE * len(each)}
            told = {"digest": digest(data), "rows": len(each), "bytes": len(data)}
            hosts[host] = {"plan": told, "classes": {}, "verdicts": {"due": due}, "blocked": []}
        manifest = {
            **{"format": MEDIA_FORMAT, "plan_id": self.plan_id, "created": "2026-01-09T10:00:00Z", "expires": "2026-01-16T10:00:00Z"},
            **{"author": "ewa@example.com", "approvals_required": 2, "collection": "0.1.0", "policy": self.policy, "hosts": hosts},
            **{"totals": {}, "blocked": []},
        }
        data = canonical(manifest) + b"\n"
        (plan / "manifest.json").write_bytes(data)
        for name in ("carol", "dave"):
            text = self.keys.sign(data, name, PLAN_NAMESPACE)
            (plan / f"manifest.json.{name}@example.com.sig").write_text(text, encoding="ascii")
        (self.run_dir() / "journals").mkdir(parents=True)
        for host, each in by_host.items():
            self._journal(host, each, manifest, data, outcomes or {})
        if seal:
            self.seal()
        if settle:
            self.keep_records(*rows)
        # What the register learns of it comes after it.
        self._day = max(self._day, START.day)

    def _journal(
        self,
        host: str,
        rows: t.Sequence[dict[str, t.Any]],
        manifest: dict[str, t.Any],
        data: bytes,
        outcomes: t.Mapping[str, dict[str, t.Any]],
    ) -> None:
        moments = (START + dt.timedelta(seconds=number) for number in range(10**6))
        approvals: list[dict[str, t.Any]] = [
            {"principal": f"{name}@example.com", "key": self.keys.fingerprint(name), **self.approver_training} for name in ("carol", "dave")
        ]
        path = str(self.run_dir() / "journals" / f"{host}.jsonl")
        with Journal.open(path, executor=Executor(), clock=lambda: next(moments)) as journal:
            journal.begin(
                {
                    **{"format": FORMAT, "run": self.plan_id, "host": host, "plan": manifest["hosts"][host]["plan"]["digest"]},
                    **{"manifest": digest(data), "policy": self.policy["digest"], "approvals": approvals, "author": manifest["author"]},
                    **{"collection": "0.1.0", "identifiers": "plain"},
                }
            )
            for row in rows:
                step = row["steps"][0]
                told = {"set": row["set"], "class": None, "rule": row["kind"], "bytes": SIZE, "members": 1}
                nothing = {"start": None, "keep_until": None, "destroy_by": None, "aside": None, "marks": []}
                journal.append("intent", **told, **nothing, method={"technique": step["technique"], "level": row["level"]})
                given = outcomes.get(row["serial"], {})
                done = given.get("outcome", "destroyed") == "destroyed"
                level = {"required": row["level"], "achieved": step["level"] if done else "none", "standard": STANDARD}
                outcome = {
                    **{**told, "outcome": "destroyed", "level": level, "technique": step["technique"], "scheme": None, "reason": []},
                    **{"proof": proof(row), **given},
                }
                journal.append("outcome", **outcome)
            journal.end()

    def seal(self) -> None:
        seal_run(
            Sealing(
                run_directory=str(self.run_dir()),
                manifest=str(self.dest / "plans" / self.plan_id / "manifest.json"),
                signatures_dir=str(self.dest / "plans" / self.plan_id),
                ledger=str(self.dest / "ledger.jsonl"),
                signing_key=self.keys.path("evidence"),
                signer=SIGNER,
                allowed_signers=self.evidence_signers.read_text(encoding="ascii"),
                languages=[],
                render=lambda *_arguments, **_more: "",
                render_pdf=lambda *_arguments, **_more: b"",
                executor=Executor(),
                check_mode=False,
                now="2026-01-10T23:00:00Z",
                collection="0.1.0",
            )
        )

    def keep_records(self, *rows: dict[str, t.Any]) -> None:
        """The record of each medium, exactly its line of the journal."""
        (self.run_dir() / "media").mkdir(exist_ok=True)
        for row in rows:
            for line in (self.run_dir() / "journals" / f"{row['host']}.jsonl").read_bytes().splitlines(keepends=True):
                record = json.loads(line)
                if record["type"] == "outcome" and record["set"] == row["set"]:
                    self.record(row["serial"]).write_bytes(line)

    def record(self, serial: str) -> pathlib.Path:
        return self.run_dir() / "media" / f"{name_of(serial)}.json"

    # What people do.

    def work(self, technique: str = "shred", *, level: str = "destroy", **facts: t.Any) -> pathlib.Path:
        """Physical work on a medium, recorded; the journal."""
        params: dict[str, t.Any] = dict.fromkeys(("expected", "vendor", "protection_class", "operators", "photos_dir", "figures"))
        params |= {"results": [result_row(technique, **facts)], "level": level, "state_dir": str(self.dest / "physical")}
        if self.training is not None:
            params |= {"training_records": self.training.records, "training_signers": self.training.signers}
        before = {*self.dest.glob("physical/runs/*/journal.jsonl")}
        try:
            media_destruction_of(params, Executor(), check_mode=False)
        except DisposalError as error:
            assert error.details.get("evidence"), error.message
        (journal,) = {*self.dest.glob("physical/runs/*/journal.jsonl")} - before
        return journal

    def book(self) -> Book:
        return Book(str(self.register), str(self.dest), executor=Executor(), check_mode=False, now=utc_now(), collection="0.1.0")

    def moved(self, to: str, *serials: str, evidence: t.Sequence[pathlib.Path] = (), **keys: t.Any) -> None:
        """An event of the register, an hour after the one before."""
        self._day += 1
        time = f"2026-01-{self._day:02}T09:00:00Z" if self._day < 32 else f"2026-02-{self._day - 31:02}T09:00:00Z"
        if to == "in_custody":
            self.record_event(self.bag(f"bag-{self._day}.yml", serials, time=time, **keys))
        else:
            files = [{"file": str(path), "digest": digest(path.read_bytes())} for path in evidence]
            told = {"to": to, "time": time, "persons": ["anna@example.com"], "serials": list(serials), **keys}
            self.book().move(given_event({**told, **({"evidence": files} if files else {})}, now=utc_now()))

    def record_event(self, path: str) -> None:
        """An event that persons have signed."""
        trainings = self.training.trainings if self.training else None
        self.book().move(read_event(path, allowed_signers=self.signers.read_text(encoding="ascii"), now=utc_now(), trainings=trainings))

    # What certificates are asked for.

    def sanitized(self, *serials: str, technique: str = "ata_sanitize_crypto", to: str = "verified", **changes: t.Any) -> None:
        """Media that were sanitized by a plan, and verified."""
        rows = [plan_row(self.entries[serial], technique, **changes) for serial in serials]
        self.moved("released", *serials)
        self.carry_out(*rows)
        self.linked(*serials, to=to)

    def linked(self, *serials: str, to: str = "verified") -> None:
        for state in ("sanitized", "verified"):
            for serial in serials:
                self.moved(state, serial, evidence=[self.record(serial)])
            if state == to:
                return

    def shredded(self, serial: str, technique: str = "shred", *, level: str = "destroy", **facts: t.Any) -> pathlib.Path:
        """A medium that was released, bagged and destroyed by people."""
        self.moved("in_custody", serial, reason="nothing reaches it", photos=[self.attached(f"{name_of(serial)}.jpg", "bag")])
        journal = self.work(technique, level=level, serial=serial, **facts)
        self.moved("destroyed", serial, evidence=[journal])
        return journal

    def options(self, **changes: t.Any) -> dict[str, t.Any]:
        given: dict[str, t.Any] = {
            **{"register": str(self.register), "dest": str(self.dest), "people": [ANNA, BOB], "organisation": "Example S.A."},
            **{"performed_by": "anna@example.com", "validated_by": "bob@example.com", "signing_key": self.keys.path("evidence")},
            **{"signer": SIGNER, "allowed_signers": str(self.evidence_signers)},
            **changes,
        }
        return {key: value for key, value in given.items() if value is not None}

    def issue(self, *serials: str, check_mode: bool = False, **changes: t.Any) -> dict[str, t.Any]:
        asked = {"serials": list(serials)} if serials else {}
        result = run_action(ActionModule, "media_certificate", self.options(**asked, **changes), check_mode=check_mode)
        assert len(json.dumps(result)) < 1 << 16
        return result

    def issued(self, *serials: str, **changes: t.Any) -> dict[str, t.Any]:
        result = self.issue(*serials, **changes)
        assert not result.get("failed"), result["msg"]
        return result

    def certificate(self, serial: str) -> dict[str, t.Any]:
        loaded: dict[str, t.Any] = json.loads((self.certificates / f"{name_of(serial)}.json").read_bytes())
        return loaded

    def page(self, serial: str, language: str) -> str:
        return (self.certificates / f"{name_of(serial)}.{language}.html").read_text(encoding="utf-8")

    def refused(self, words: str, *serials: str, **changes: t.Any) -> dict[str, t.Any]:
        """A task that fails, says so in check mode and not, and writes nothing."""
        # Keys are made when they are first named.
        self.options(**changes)
        before = snapshot(self.path)
        for check_mode in (True, False):
            result = self.issue(*serials, check_mode=check_mode, **changes)
            assert (result.get("failed"), result["changed"]) == (True, False), result
            assert words in result["msg"], result["msg"]
            assert "\n" not in result["msg"]
        assert snapshot(self.path) == before
        return result


def medium(serial: str, **changes: str) -> dict[str, str]:
    """An entry of the register that has all that the forms ask for."""
    return entry(serial, **{"asset_number": "IT-0042", "bay": "Slot 03", "encryption": "luks", **changes})
