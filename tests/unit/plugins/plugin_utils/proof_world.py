# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sealed runs whose sets are named as a policy names them, by keyed hashes of recordings' names, and tasks that ask for one of them."""

from __future__ import annotations

import json
import pathlib
import typing as t

from ansible_collections.recordings.disposal.plugins.action.evidence_proof import ActionModule as ProofAction
from ansible_collections.recordings.disposal.plugins.action.evidence_sample import ActionModule as SampleAction
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.canonical import canonical, digest
from ansible_collections.recordings.disposal.plugins.module_utils._retention.rows import Identifiers
from ansible_collections.recordings.disposal.plugins.plugin_utils._tree_cache import place_of
from ansible_collections.recordings.disposal.tests.unit.plugins.action.action_world import run_action
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._evidence.evidence_world import (
    close,
    destroy,
    fields,
    host_part,
    intent,
    opening,
    outcome,
    snapshot,
)
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.run_world import SIGNER, RunWorld

__all__ = ["FILE", "KEY", "LETTER", "NUMBER", "ROOT", "ProofWorld", "name_of"]

NUMBER = "48600100200"
KEY = f"2026/11/23/out-+{NUMBER}-1001-20261123-101500-1763892900.42"
FILE = f"{KEY}.wav"
ROOT = "/var/spool/asterisk/monitor"
SECRET = "5f" * 32
LETTER = {
    **{"organisation": "Example S.A.", "contact": "ul. Długa 1\n00-001 Warszawa", "supervisory_authority": "Prezes UODO, Warszawa"},
    **{"data_protection_officer": "Anna Nowak, iod@example.com", "case": "DP/2026/117", "received": "2026-11-20"},
}


def name_of(key: str, *, kind: str = "hmac", root: str = ROOT) -> str:
    return Identifiers(kind=kind, key=SECRET).of("pbx", root, key)


class ProofWorld(RunWorld):
    """A run of two hosts: KEY and one more are destroyed on rec1, a third is not; rec2 has two others.

    :ivar kind: how evidence names sets.
    """

    def __init__(self, path: pathlib.Path, *, plan_id: str = "2026-11-23-4f1c", kind: str = "hmac", **manifest: t.Any) -> None:
        times = {"created": "2020-01-01T00:00:00Z", "expires": "2099-01-01T00:00:00Z"}
        super().__init__(path, plan_id=plan_id, **{**times, **manifest})
        self.kind = kind
        self.sealed_at = "2020-01-02T00:00:00Z"
        self.path = path
        (self.state / "identifiers.key").write_text(SECRET + "\n", encoding="ascii")
        (path / "allowed_signers").write_text(self.signers, encoding="ascii")

    def name(self, key: str, **more: str) -> str:
        return name_of(key, kind=self.kind, **more)

    def journal(self, host: str, destroyed: t.Sequence[str], skipped: t.Mapping[str, str] | None = None, *, ended: bool = True) -> None:
        """A host's journal, of sets by the names that it has of them."""
        with self.open_journal(host) as journal:
            told = {"approvals": self.approvals, "identifiers": self.kind}
            journal.append("open", **opening(self.fields, self.data, host, **told))
            for name in destroyed:
                destroy(journal, name)
            for name, reason in (skipped or {}).items():
                journal.append("outcome", **outcome(name, "not_destroyed", reason))
            if ended:
                close(journal)

    def standard(self) -> ProofWorld:
        self.journal("rec1", [self.name(KEY), self.name("another")], {self.name("third"): "hold:2026-007"})
        self.journal("rec2", [self.name("fourth"), self.name("fifth")])
        self.seal()
        return self

    def other_run(
        self, plan_id: str, destroyed: t.Sequence[str], skipped: t.Mapping[str, str] | None = None, *, seal: bool = True
    ) -> ProofWorld:
        """A later run of rec1 in the same state directory."""
        other = object.__new__(ProofWorld)
        other.__dict__.update(self.__dict__)
        due = len(destroyed) + len(skipped or {})
        hosts = {"rec1": host_part("rec1", due)}
        hosts["rec1"]["plan"]["digest"] = digest(plan_id.encode())
        times = {"created": "2020-01-01T00:00:00Z", "expires": "2099-01-01T00:00:00Z"}
        other._plan(fields(plan_id=plan_id, hosts=hosts, **times))
        other.journal("rec1", destroyed, skipped)
        if seal:
            other.seal()
        return other

    def _plan(self, manifest: dict[str, t.Any]) -> None:
        self.fields = manifest
        self.data = canonical(manifest) + b"\n"
        self.run = self.state / "runs" / manifest["plan_id"]
        self.plan = self.state / "plans" / manifest["plan_id"]
        for directory in (self.run / "journals", self.plan):
            directory.mkdir(parents=True)
        self.manifest = self.plan / "manifest.json"
        self.manifest.write_bytes(self.data)
        for name in ("anna", "bob"):
            self.approve(f"{name}@example.com", name)

    def options(self, **changes: t.Any) -> dict[str, t.Any]:
        given = {"dest": str(self.state), "allowed_signers": str(self.path / "allowed_signers"), "signer": SIGNER, **changes}
        return {key: value for key, value in given.items() if value is not None}

    def prove(self, *, check_mode: bool = False, **changes: t.Any) -> dict[str, t.Any]:
        asked = {"source": "pbx", "root": ROOT, "recording": KEY, **LETTER}
        if "set" in changes:
            asked = dict(LETTER)
        result = run_action(ProofAction, "evidence_proof", self.options(**{**asked, **changes}), check_mode=check_mode)
        assert len(json.dumps(result)) < 1 << 14
        return result

    def proven(self, **changes: t.Any) -> dict[str, t.Any]:
        result = self.prove(**changes)
        assert not result.get("failed"), result["msg"]
        return result

    def refused(self, words: str, **changes: t.Any) -> dict[str, t.Any]:
        """A proof that is refused in check mode and not; nothing but the index of leaves is written, and no name is repeated."""
        before = self.files()
        for check_mode in (True, False):
            result = self.prove(check_mode=check_mode, **changes)
            assert (result.get("failed"), result["changed"]) == (True, False), result
            assert words in result["msg"], result["msg"]
            assert "\n" not in result["msg"] and NUMBER not in json.dumps(result)
        assert self.files() == before
        return result

    def index(self) -> pathlib.Path:
        """Where the index of the run's leaves is kept."""
        return pathlib.Path(place_of(str(self.state), self.fields["plan_id"]))

    def files(self) -> dict[str, bytes]:
        return {name: data for name, data in snapshot(self.path).items() if not name.endswith(".tree")}

    def sample(self, *, check_mode: bool = False, **changes: t.Any) -> dict[str, t.Any]:
        result = run_action(SampleAction, "evidence_sample", self.options(seed="audit-7", **changes), check_mode=check_mode)
        assert len(json.dumps(result)) < 1 << 16
        return result


def moved_aside(world: ProofWorld, key: str, aside: str) -> dict[str, t.Any]:
    """The intent of a set that goes to quarantine."""
    return {**intent(world.name(key)), "aside": aside}
