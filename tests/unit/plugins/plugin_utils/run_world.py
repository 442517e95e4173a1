# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run on the controller as the sweep leaves it: a signed manifest, journals fetched from two hosts, keys and a place for the ledger."""

from __future__ import annotations

import datetime as dt
import json
import pathlib
import typing as t

from ansible_collections.recordings.disposal.plugins.module_utils._evidence.canonical import canonical, digest
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.chain import NO_HEAD
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.journal import Journal
from ansible_collections.recordings.disposal.plugins.module_utils._executor import CheckExecutor, Executor
from ansible_collections.recordings.disposal.plugins.plugin_utils._ledger import read_ledger
from ansible_collections.recordings.disposal.plugins.plugin_utils._ledger_head import head_of
from ansible_collections.recordings.disposal.plugins.plugin_utils._seal import Sealing, seal_run
from ansible_collections.recordings.disposal.plugins.plugin_utils._statement import NAMESPACE
from ansible_collections.recordings.disposal.plugins.plugin_utils._verify import Report, verify_run
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._evidence.evidence_world import (
    Keys,
    close,
    destroy,
    fields,
    opening,
    outcome,
    set_name,
)

__all__ = ["SIGNER", "RunWorld", "rechain"]

SIGNER = "evidence@example.com"
APPROVERS = ("anna", "bob")
START = dt.datetime(2026, 11, 23, 22, 0, tzinfo=dt.timezone.utc)


def rechain(lines: t.Iterable[bytes]) -> bytes:
    """Lines numbered and chained anew, as whoever can write the file could."""
    head, done = NO_HEAD, []
    for number, line in enumerate(lines):
        record = canonical({**json.loads(line), "seq": number, "prev": head})
        head = digest(record)
        done.append(record + b"\n")
    return b"".join(done)


class RunWorld:
    def __init__(self, path: pathlib.Path, **manifest: t.Any) -> None:
        self.keys = Keys(path)
        self.state = path / "disposal"
        self.fields = fields(**manifest)
        self.data = canonical(self.fields) + b"\n"
        self.run = self.state / "runs" / self.fields["plan_id"]
        self.plan = self.state / "plans" / self.fields["plan_id"]
        self.ledger = self.state / "ledger.jsonl"
        for directory in (self.run / "journals", self.plan):
            directory.mkdir(parents=True)
        self.manifest = self.plan / "manifest.json"
        self.manifest.write_bytes(self.data)
        self.signers = self.keys.line(SIGNER, "evidence", f'namespaces="{NAMESPACE}"')
        for name in APPROVERS:
            self.signers += self.keys.line(f"{name}@example.com", name, 'namespaces="plan@recordings.disposal"')
            self.approve(f"{name}@example.com", name)
        self.approvals = [{"principal": f"{name}@example.com", "key": self.keys.fingerprint(name)} for name in APPROVERS]
        self.key = "evidence"
        self.sealed_at = "2026-11-23T23:00:00Z"

    def approve(self, principal: str, key: str) -> None:
        (self.plan / f"manifest.json.{principal}.sig").write_text(self.keys.sign(self.data, key), encoding="ascii")

    def journal_path(self, host: str) -> pathlib.Path:
        return self.run / "journals" / f"{host}.jsonl"

    def open_journal(self, host: str) -> Journal:
        moments = (START + dt.timedelta(seconds=number) for number in range(10**6))
        return Journal.open(str(self.journal_path(host)), executor=Executor(), clock=lambda: next(moments))

    def sweep(self, host: str, /, *, until: int | None = None, **changes: t.Any) -> None:
        """The journal of a host whose last due set is skipped; it stops after C(until) sets, unfinished."""
        due = self.fields["hosts"][host]["verdicts"]["due"]["sets"]
        with self.open_journal(host) as journal:
            if journal.state.opening is None:
                journal.append("open", **opening(self.fields, self.data, host, **{"approvals": self.approvals, **changes}))
            else:
                journal.append("resume", torn=journal.torn, pending=len(journal.state.pending), policy="p")
            for number in range(due if until is None else until):
                name = set_name(number)
                if journal.state.outcome_of(name) is not None:
                    continue
                if number < due - 1:
                    destroy(journal, name)
                else:
                    journal.append("outcome", **outcome(name, "not_destroyed", "changed since the plan"))
            if until is None:
                close(journal)

    def swept(self) -> RunWorld:
        self.sweep("rec1")
        self.sweep("rec2")
        return self

    def seal(self, *, check_mode: bool = False, **changes: t.Any) -> dict[str, t.Any]:
        told: dict[str, t.Any] = {
            "run_directory": str(self.run),
            "manifest": str(self.manifest),
            "signatures_dir": str(self.plan),
            "ledger": str(self.ledger),
            "signing_key": self.keys.path(self.key),
            "signer": SIGNER,
            "allowed_signers": self.signers,
            "languages": ["en", "pl"],
            "render": render,
            "render_pdf": render_pdf,
            "executor": CheckExecutor() if check_mode else Executor(),
            "check_mode": check_mode,
            "now": self.sealed_at,
            "collection": "0.1.0",
        }
        told.update(changes)
        return seal_run(Sealing(**told))

    def verify(self, *, ledger: bool = True, **changes: t.Any) -> Report:
        told: dict[str, t.Any] = {
            "allowed_signers": self.signers,
            "signer": SIGNER,
            "ledger": str(self.ledger) if ledger else None,
            "now": START + dt.timedelta(days=1),
        }
        told.update(changes)
        return verify_run(str(self.run), **told)

    def statement(self) -> dict[str, t.Any]:
        return json.loads((self.run / "statement.json").read_bytes())

    def resign(self, statement: t.Mapping[str, t.Any]) -> None:
        """Replace the statement by another one with a good signature and a ledger that names it: a signer who lies."""
        data = canonical(statement) + b"\n"
        (self.run / "statement.json").write_bytes(data)
        (self.run / "statement.json.sig").write_text(self.keys.sign(data, "evidence", NAMESPACE), encoding="ascii")
        line = json.loads(self.ledger.read_bytes().splitlines()[-1])
        self.ledger.write_bytes(rechain([canonical({**line, "statement": digest(data)})]))
        self.resign_head()

    def resign_head(self) -> None:
        """A head with a good signature over whatever the ledger holds now."""
        head = head_of(read_ledger(str(self.ledger)), self.sealed_at).data
        path = self.ledger.with_name("ledger.head.json")
        path.write_bytes(head)
        path.with_name("ledger.head.json.sig").write_text(self.keys.sign(head, "evidence", NAMESPACE), encoding="ascii")


def render(statement: dict[str, t.Any], *, language: str, manifest: dict[str, t.Any]) -> str:
    return f"<p lang={language}>{statement['predicate']['merkle_root']} {manifest['plan_id']} żółw</p>\n"


def render_pdf(statement: dict[str, t.Any], *, language: str, manifest: dict[str, t.Any], signature: bytes | None) -> bytes:
    return f"%PDF {language} {statement['predicate']['merkle_root']} {digest(signature or b'')}".encode()
