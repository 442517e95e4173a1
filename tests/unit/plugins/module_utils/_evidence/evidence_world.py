# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of evidence share: real keys, a manifest, journals as a host writes them, and a whole run's directory."""

from __future__ import annotations

import os
import pathlib
import subprocess
import typing as t

from ansible_collections.recordings.disposal.plugins.module_utils._evidence.canonical import canonical, digest
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.journal import FORMAT, Journal
from ansible_collections.recordings.disposal.plugins.module_utils._executor import Executor

__all__ = ["PLAN", "Keys", "digest_text", "fields", "manifest_bytes", "opening", "outcome", "snapshot", "write_journal"]

PLAN = "plan@recordings.disposal"
NOW = 1_795_471_200  # 2026-11-23T22:00:00Z

PROOF = {
    "bytes": 160044,
    "verified_bytes": 160044,
    "passes": 1,
    "read": "direct",
    "filesystem": "ext4",
    "extents": "unchanged",
    "limits": [],
}


def digest_text(text: str) -> str:
    return digest(text.encode())


class Keys:
    """Real ed25519 keys, made when first named."""

    def __init__(self, directory: pathlib.Path) -> None:
        self.directory = directory

    def path(self, name: str) -> str:
        path = self.directory / f"{name}.key"
        if not path.exists():
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(path)], check=True)
        return str(path)

    def public(self, name: str) -> str:
        return pathlib.Path(self.path(name) + ".pub").read_text(encoding="ascii").strip()

    def fingerprint(self, name: str) -> str:
        told = subprocess.run(["ssh-keygen", "-l", "-f", self.path(name)], check=True, capture_output=True, text=True)
        return told.stdout.split()[1]

    def line(self, principal: str, name: str, options: str = "") -> str:
        """A line of allowed_signers."""
        return f"{principal} {options + ' ' if options else ''}{self.public(name)}\n"

    def sign(self, data: bytes, name: str, namespace: str = PLAN) -> str:
        done = subprocess.run(
            ["ssh-keygen", "-Y", "sign", "-q", "-f", self.path(name), "-n", namespace], input=data, check=True, capture_output=True
        )
        return done.stdout.decode("ascii")


def host_part(name: str, due: int) -> dict[str, t.Any]:
    return {
        "plan": {
            "digest": digest_text(f"plan of {name}"),
            "path": f"/var/lib/recordings-disposal/plans/{name}.jsonl",
            "rows": due,
            "bytes": 1,
        },
        "verdicts": {"due": {"sets": due, "files": due, "bytes": due * 160044}},
        "as_of": "2026-11-23T20:00:00Z",
        "classes": {
            "brokerage": {
                "legal_basis": "Reg. (EU) 2017/565 art. 76",
                "keep": "P5Y",
                "destroy_within": "P30D",
                "method": {"technique": "overwrite", "scheme": "nist_clear", "level": "clear"},
                "sets": due,
                "bytes": due * 160044,
                "verdicts": {"due": {"sets": due, "files": due, "bytes": due * 160044}},
                "overdue": {"sets": 0, "bytes": 0},
                "next_due": None,
            }
        },
        "sources": [],
    }


def fields(**changes: t.Any) -> dict[str, t.Any]:
    """A manifest."""
    manifest: dict[str, t.Any] = {
        "format": "recordings.disposal/manifest/1",
        "plan_id": "2026-11-23-4f1c",
        "created": "2026-11-23T20:00:00Z",
        "expires": "2026-11-30T20:00:00Z",
        "author": "ewa@example.com",
        "approvals_required": 2,
        "collection": "0.1.0",
        "policy": {
            "id": "p",
            "version": "1",
            "owner": "rm@example.com",
            "review_by": "2027-05-31",
            "digest": digest_text("policy"),
        },
        "hosts": {"rec1": host_part("rec1", 3), "rec2": host_part("rec2", 2), "rec3": host_part("rec3", 0)},
        "totals": {},
        "blocked": [],
    }
    manifest.update(changes)
    return manifest


def manifest_bytes(**changes: t.Any) -> bytes:
    return canonical(fields(**changes)) + b"\n"


def opening(
    plan: t.Mapping[str, t.Any] | None = None, data: bytes | None = None, name: str = "rec1", /, **changes: t.Any
) -> dict[str, t.Any]:
    """The fields of the record open."""
    manifest = plan or fields()
    record = {
        "format": FORMAT,
        "run": f"run-{name}",
        "host": name,
        "plan": manifest["hosts"][name]["plan"]["digest"],
        "manifest": digest(data if data is not None else canonical(manifest) + b"\n"),
        "policy": manifest["policy"]["digest"],
        "approvals": [],
        "author": manifest["author"],
        "collection": "0.1.0",
        "identifiers": "hmac",
    }
    record.update(changes)
    return record


def intent(name: str) -> dict[str, t.Any]:
    return {
        "set": name,
        "class": "brokerage",
        "rule": "class:brokerage",
        "method": {"technique": "overwrite", "scheme": "nist_clear", "level": "clear"},
        "members": 2,
        "bytes": 160044,
        "start": "2020-01-01T00:00:00Z",
        "keep_until": "2025-01-01T00:00:00Z",
        "destroy_by": "2025-02-01T00:00:00Z",
        "aside": None,
        "marks": [],
    }


def outcome(name: str, result: str = "destroyed", reason: str = "", **changes: t.Any) -> dict[str, t.Any]:
    done = result == "destroyed"
    record = {
        "set": name,
        "outcome": result,
        "level": {"required": "clear", "achieved": "clear" if done else "none", "standard": "NIST SP 800-88 Rev. 2"},
        "technique": "overwrite",
        "scheme": "nist_clear",
        "class": "brokerage",
        "rule": "class:brokerage",
        "bytes": 160044,
        "members": 2,
        "reason": [reason] if reason else [],
        "proof": PROOF if done else None,
    }
    record.update(changes)
    return record


def erased(name: str, result: str = "destroyed") -> dict[str, t.Any]:
    return {"set": name, "outcome": result, "reason": [] if result == "destroyed" else ["not read back"], "proof": PROOF}


def destroy(journal: Journal, name: str, **changes: t.Any) -> None:
    journal.append("intent", **intent(name))
    journal.append("erased", **erased(name))
    journal.append("outcome", **outcome(name, **changes))


def close(journal: Journal) -> None:
    state = journal.state
    journal.append("close", counts=dict(state.counts), bytes={"destroyed": state.bytes_destroyed}, interruptions=state.interruptions)


def set_name(number: int) -> str:
    return f"{number:032x}"


def write_journal(
    path: str | os.PathLike[str], *, sets: int = 3, ended: bool = True, first: t.Mapping[str, t.Any] | None = None
) -> Journal:
    """A journal in which all sets but the last are destroyed, the last one skipped; returns it closed."""
    journal = Journal.open(os.fspath(path), executor=Executor())
    journal.append("open", **(first or opening()))
    for number in range(sets - 1):
        destroy(journal, set_name(number))
    if sets:
        journal.append("outcome", **outcome(set_name(sets - 1), "not_destroyed", "zmieniono od planu"))
    if ended:
        close(journal)
    journal.close()
    return journal


def snapshot(directory: pathlib.Path) -> dict[str, bytes]:
    """Every file below a directory with its bytes."""
    return {str(path.relative_to(directory)): path.read_bytes() for path in sorted(directory.rglob("*")) if path.is_file()}
