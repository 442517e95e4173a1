# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What became of each medium of a plan, by evidence that is sealed and was checked as a whole before anything follows from it."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import os
import typing as t

from ..module_utils._errors import EvidenceError
from ..module_utils._evidence.approval import MEDIA_FORMAT, read_manifest, require_approval
from ..module_utils._evidence.canonical import digest
from ..module_utils._evidence.chain import ChainReader, opened
from ..module_utils._evidence.clock import parse_time, time_text
from ..module_utils._evidence.training import Trainings
from ..module_utils._media.serials import serial_key
from ..module_utils._standards.levels import satisfies
from ._evidence_files import MANIFEST, read_bytes
from ._media_plan_page import rows_name
from ._media_records import record_name
from ._plan_manifest import plan_name
from ._signatures import read_signatures
from ._verify import verify_run

__all__ = ["Ended", "carried_out"]


@dataclasses.dataclass(frozen=True)
class Ended:
    """A medium of a plan.

    :ivar row: of the plan; C(line) its outcome in the host's journal, which is its record, empty where it has none; C(record) that, read.
    :ivar path: of the file of the record, from the state directory on.
    :ivar blocked: something spoke against the plan of its host.
    """

    row: dict[str, t.Any]
    line: bytes
    record: dict[str, t.Any] | None
    path: str
    blocked: bool

    @property
    def serial(self) -> str:
        return str(self.row["serial"])

    @property
    def time(self) -> str:
        return time_text(parse_time((self.record or {})["time"]))

    @property
    def proof(self) -> dict[str, t.Any]:
        """Empty where nothing was begun."""
        proof = (self.record or {}).get("proof")
        return proof if isinstance(proof, dict) else {}

    @property
    def achieved(self) -> str:
        return str((self.record or {})["level"]["achieved"])

    @property
    def clean(self) -> bool:
        """It was read afterwards, and nothing was found."""
        verify = self.proof.get("verify")
        return isinstance(verify, dict) and verify.get("verdict") == "clean"

    @property
    def shortfall(self) -> str:
        """Why what a host tells as destroyed is not what the plan asks for; empty where it is, or was not destroyed."""
        record = self.record or {}
        if record.get("outcome") != "destroyed":
            return ""
        if serial_key(str(self.proof.get("serial"))) != serial_key(self.serial):
            return f"its journal tells the serial {self.proof.get('serial')!r} of what was destroyed"
        if record["technique"] not in [step["technique"] for step in self.row["steps"]]:
            return f"its journal tells that it was destroyed by {record['technique']}, which the plan does not name"
        if not satisfies(self.achieved, self.row["level"]):
            return f"its journal tells that it was destroyed at the level {self.achieved}, and the plan asks for {self.row['level']}"
        return ""


@dataclasses.dataclass(frozen=True)
class CarriedOut:
    """What came of a plan; C(begun) where a host has a journal of it."""

    manifest: dict[str, t.Any]
    begun: bool
    media: list[Ended]


def carried_out(
    dest: str, plan_id: str, *, allowed_signers: str, signer: str, now: dt.datetime, trainings: Trainings | None = None
) -> CarriedOut:
    """Every medium of a plan with what became of it.

    :raises EvidenceError: the evidence is not what was sealed, or is of another plan.
    :raises RefusedError: no host has begun, and the plan is not approved.
    """
    plan_id = plan_name(plan_id, "", now)
    directory = os.path.join(dest, "runs", plan_id)
    manifest, begun = _manifest(dest, plan_id, allowed_signers=allowed_signers, signer=signer, now=now, trainings=trainings)
    media = []
    for host in sorted(manifest["hosts"]):
        blocked = bool(manifest["hosts"][host].get("blocked"))
        lines = _outcomes(os.path.join(directory, "journals", f"{host}.jsonl"))
        for row in _rows(dest, plan_id, host, manifest):
            line = lines.get(row["set"], b"")
            name = os.path.join("runs", plan_id, "media", f"{record_name(row['set'])}.json")
            path = os.path.join(dest, name)
            if line and os.path.exists(path) and read_bytes(path) != line:
                raise EvidenceError(
                    f"{path} is not the line of the journal that it was made from, so nothing was settled; put it back from a copy, or take it away"
                )
            media.append(Ended(row, line, json.loads(line) if line else None, name, blocked))
    return CarriedOut(manifest, begun, media)


def _manifest(
    dest: str, plan_id: str, *, allowed_signers: str, signer: str, now: dt.datetime, trainings: Trainings | None
) -> tuple[dict[str, t.Any], bool]:
    """The manifest, approved, and whether a host has begun: that of the sealed run, or of a plan by which nothing is done on any host."""
    directory, planned = os.path.join(dest, "runs", plan_id), os.path.join(dest, "plans", plan_id, MANIFEST)
    begun, sealed = False, os.path.isdir(directory)
    if sealed:
        ledger = os.path.join(dest, "ledger.jsonl")
        report = verify_run(directory, allowed_signers=allowed_signers, signer=signer, ledger=ledger, now=now)
        if not report.valid:
            raise EvidenceError(
                f"the evidence of the run {plan_id} is not valid, so nothing was settled: {'; '.join(report.problems[:3])}",
                details={"problems": report.problems[:100]},
            )
        planned = os.path.join(directory, MANIFEST)
        begun = bool(report.statement and report.statement["predicate"]["hosts"])
    data = read_bytes(planned)
    manifest = read_manifest(data, formats=[MEDIA_FORMAT])
    if manifest["plan_id"] != plan_id:
        raise EvidenceError(f"{planned} is the manifest of the plan {manifest['plan_id']}, so nothing was settled; name that plan")
    if not begun:
        if not sealed and any(part["verdicts"]["due"]["sets"] for part in manifest["hosts"].values()):
            raise EvidenceError(f"the plan {plan_id} has no sealed run in {directory}, so nothing was settled; apply it, and seal the run")
        # What a host has begun was approved then; here nobody has looked yet.
        beside = os.path.join(dest, "plans", plan_id)
        signatures = read_signatures(os.path.join(beside, MANIFEST), beside).signatures
        seconds = int(now.timestamp())
        require_approval(data, signatures, allowed_signers=allowed_signers, required=0, now=seconds, expiry=False, trainings=trainings)
    return manifest, begun


def _outcomes(path: str) -> dict[str, bytes]:
    """The lines of a journal that tell an outcome, by set; none where there is no journal."""
    found: dict[str, bytes] = {}
    if os.path.exists(path):
        file, name = opened(path)
        with file:
            reader = ChainReader(file, name, allow_torn=True)
            for record in reader:
                if record["type"] == "outcome":
                    found[record["set"]] = reader.line + b"\n"
    return found


def _rows(dest: str, plan_id: str, host: str, manifest: t.Mapping[str, t.Any]) -> list[dict[str, t.Any]]:
    path = os.path.join(dest, "plans", plan_id, rows_name(host))
    data = read_bytes(path)
    if digest(data) != manifest["hosts"][host]["plan"]["digest"]:
        raise EvidenceError(f"{path} is not what the manifest names, so nothing was settled; put it back from a copy")
    return [json.loads(line) for line in data.splitlines()]
