# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sealing, signing and verifying a run of a million records against sha256sum over the same bytes, and one proof out of them."""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import typing as t

from measuring import Measured, measure

from ansible_collections.recordings.disposal.plugins.module_utils._evidence.canonical import canonical, digest
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.journal import FORMAT, Journal
from ansible_collections.recordings.disposal.plugins.module_utils._executor import Executor
from ansible_collections.recordings.disposal.plugins.plugin_utils._statement import NAMESPACE

__all__ = ["bench"]

SIGNER = "evidence@example.com"
PLAN_ID = "2026-11-23-4f1c"
BYTES = 1_608_044
SECONDS, TIMES, MEMORY = 30, 3, 200

_SEAL = """
import json, resource, sys
from ansible_collections.recordings.disposal.plugins.module_utils._executor import Executor
from ansible_collections.recordings.disposal.plugins.plugin_utils._seal import Sealing, seal_run
told = json.load(sys.stdin)
done = seal_run(Sealing(**told, executor=Executor(), check_mode=False, languages=[], render=str, render_pdf=str))
usage = [resource.getrusage(which) for which in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
cost = {"peak": [each.ru_maxrss // 1024 for each in usage], "processor": sum(each.ru_utime + each.ru_stime for each in usage)}
print(json.dumps({**cost, "complete": done["complete"], "tree_size": done["tree_size"], "problems": done["problems"][:3]}))
"""
_VERIFY = """
import datetime, json, resource, sys
from ansible_collections.recordings.disposal.plugins.plugin_utils._verify import verify_run
told = json.load(sys.stdin)
now = datetime.datetime(2026, 11, 24, tzinfo=datetime.timezone.utc)
report = verify_run(told["run_directory"], allowed_signers=told["allowed_signers"], signer=told["signer"], ledger=told["ledger"], now=now)
usage = [resource.getrusage(which) for which in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
cost = {"peak": [each.ru_maxrss // 1024 for each in usage], "processor": sum(each.ru_utime + each.ru_stime for each in usage)}
print(json.dumps({**cost, "valid": report.valid, "problems": report.problems[:3]}))
"""


def _manifest(hosts: t.Mapping[str, int]) -> dict[str, t.Any]:
    def part(name: str, due: int) -> dict[str, t.Any]:
        return {
            "plan": {"digest": digest(name.encode()), "path": f"/var/lib/recordings-disposal/plans/{name}.jsonl", "rows": due, "bytes": 1},
            "verdicts": {"due": {"sets": due, "files": due, "bytes": due * BYTES}},
            "classes": {"calls": {"legal_basis": "benchmark"}},
        }

    return {
        **{"format": "recordings.disposal/manifest/1", "plan_id": PLAN_ID, "approvals_required": 0, "author": "ewa@example.com"},
        **{"created": "2026-11-23T20:00:00Z", "expires": "2026-11-30T20:00:00Z", "collection": "0.1.0", "totals": {}, "blocked": []},
        "policy": {"id": "bench", "version": "1", "owner": "o@example.com", "review_by": "2099-01-01", "digest": digest(b"policy")},
        "hosts": {name: part(name, due) for name, due in hosts.items()},
    }


def _journal(path: pathlib.Path, host: str, sets: int, manifest: t.Mapping[str, t.Any], manifest_digest: str) -> int:
    """What a host writes whose every due set is overwritten; returns its records."""
    told = {"class": "calls", "rule": "class:calls", "members": 2, "bytes": BYTES}
    method = {"technique": "overwrite", "scheme": "nist_clear", "level": "clear"}
    times = {"start": "2020-01-01T00:00:00Z", "keep_until": "2025-01-01T00:00:00Z", "destroy_by": "2025-02-01T00:00:00Z"}
    mark = {"at": 0, "length": 4096, "passes": ["5d41402abc4b2a76"]}
    proof = {
        **{"bytes": BYTES, "verified_bytes": BYTES, "passes": 1, "read": "device", "filesystem": "ext4", "extents": "unchanged"},
        "limits": ["spare and remapped areas of the medium are not reached"],
    }
    level = {"required": "clear", "achieved": "clear", "standard": "NIST SP 800-88 Rev. 2"}
    with Journal.open(str(path), executor=Executor()) as journal:
        journal.begin(
            {
                **{"format": FORMAT, "run": digest(host.encode())[7:23], "host": host, "plan": manifest["hosts"][host]["plan"]["digest"]},
                **{"manifest": manifest_digest, "policy": manifest["policy"]["digest"], "approvals": [], "author": manifest["author"]},
                **{"collection": "0.1.0", "identifiers": "hmac"},
            }
        )
        for number in range(sets):
            name = hashlib.sha256(f"{host} {number}".encode()).hexdigest()[:32]
            marks = [{"member": member, **mark} for member in range(2)]
            journal.append("intent", set=name, **told, method=method, **times, aside=None, marks=marks)
            journal.append("erased", set=name, outcome="destroyed", reason=[], proof=proof)
            journal.append(
                "outcome",
                **{"set": name, **told, "outcome": "destroyed", "level": level, "technique": "overwrite", "scheme": "nist_clear"},
                **{"reason": [], "proof": proof},
            )
        journal.end()
        return journal.seq


def _build(work: pathlib.Path, records: int, hosts: int) -> dict[str, t.Any]:
    """A run as the sweep leaves it; returns what sealing and verifying are given."""
    run = work / "runs" / PLAN_ID
    plan = work / "plans" / PLAN_ID
    for directory in (run / "journals", plan):
        directory.mkdir(parents=True)
    names = {f"rec{number}": records // hosts // 3 for number in range(hosts)}
    manifest = _manifest(names)
    data = canonical(manifest) + b"\n"
    (plan / "manifest.json").write_bytes(data)
    for host, sets in names.items():
        _journal(run / "journals" / f"{host}.jsonl", host, sets, manifest, digest(data))
    key = work / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", SIGNER, "-f", str(key)], check=True)
    signers = f'{SIGNER} namespaces="{NAMESPACE}" {key.with_suffix(".pub").read_text(encoding="ascii")}'
    return {
        **{"run_directory": str(run), "manifest": str(plan / "manifest.json"), "signatures_dir": str(plan)},
        **{"ledger": str(work / "ledger.jsonl"), "signing_key": str(key), "signer": SIGNER, "allowed_signers": signers},
        **{"now": "2026-11-23T23:00:00Z", "collection": "0.1.0"},
    }


_PROVE = """
import json, sys, time
from ansible_collections.recordings.disposal.plugins.module_utils._executor import Executor
from ansible_collections.recordings.disposal.plugins.plugin_utils._ledger import read_ledger
from ansible_collections.recordings.disposal.plugins.plugin_utils._proof import proof_bytes
from ansible_collections.recordings.disposal.plugins.plugin_utils._sealed_runs import Signers, open_sealed
from ansible_collections.recordings.disposal.plugins.plugin_utils._tree_cache import kept_index, leaf_index
told = json.load(sys.stdin)
dest, run = told["dest"], told["run"]
sealed = open_sealed(dest, run, ledger=read_ledger(told["ledger"]), signers=Signers(told["allowed_signers"], told["signer"]))
began = time.perf_counter()
leaf_index(sealed, executor=Executor())
made = time.perf_counter() - began
seconds, sizes = [], []
for number in range(50):
    index = number * 7919 % sealed.tree_size
    began = time.perf_counter()
    proof = proof_bytes(sealed, kept_index(sealed).leaf(index))
    seconds.append(time.perf_counter() - began)
    sizes.append(len(proof))
print(json.dumps({"made": made, "seconds": sorted(seconds)[25], "size": max(sizes)}))
"""


def _python(script: str, told: t.Mapping[str, t.Any]) -> tuple[Measured, dict[str, t.Any]]:
    done = measure([sys.executable, "-c", script], json.dumps(told).encode())
    if done.code:
        sys.exit(f"it ended with {done.code}: {done.output.decode()[-500:]}")
    return done, json.loads(done.output)


def bench(medium: str | None, *, records: int, hosts: t.Sequence[int]) -> None:
    """Print the figures of runs with as many hosts."""
    for count in hosts:
        with tempfile.TemporaryDirectory(prefix="recordings-disposal-bench-", dir=medium) as name:
            _bench(pathlib.Path(name), records, count)


def _bench(work: pathlib.Path, records: int, hosts: int) -> None:
    told = _build(work, records, hosts)
    journals = sorted(str(path) for path in (pathlib.Path(told["run_directory"]) / "journals").iterdir())
    size = sum(os.path.getsize(path) for path in journals)
    measure(["sha256sum", *journals])
    hashed = measure(["sha256sum", *journals]).seconds
    sealing, sealed = _python(_SEAL, told)
    if not sealed["complete"]:
        sys.exit(f"sealing found problems: {sealed['problems']}")
    verifying, verified = _python(_VERIFY, told)
    if not verified["valid"]:
        sys.exit(f"verifying found problems: {verified['problems']}")
    _proving, proved = _python(_PROVE, {**told, "dest": str(work), "run": PLAN_ID})
    spent, allowed = sealing.seconds + verifying.seconds, TIMES * hashed + SECONDS
    print(
        f"seal {records:>9,} records of {hosts} hosts ({size >> 20} MiB, {sealed['tree_size']:,} outcomes): seal and sign "
        f"{sealing.seconds:5.2f} s, verify {verifying.seconds:5.2f} s, together {spent:5.2f} s, sha256sum {hashed:4.2f} s "
        f"(to reach: {allowed:5.2f} s), of processors {sealed['processor']:5.2f} and {verified['processor']:5.2f} s, peak memory "
        f"{max(sealing.memory, verifying.memory):5.1f} MiB ({MEMORY}), VmHWM of a process {max(*sealed['peak'], *verified['peak'])} MiB",
        flush=True,
    )
    print(
        f"prove one of {sealed['tree_size']:,} outcomes: {1000 * proved['seconds']:5.1f} ms (50), {proved['size']:,} bytes (4,096), "
        f"once an index is made of them, which takes {proved['made']:5.2f} s",
        flush=True,
    )
