# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Approved plans of media over loop devices that a test made, and what carries them out.

Run as a program (PARAMETERS.json) it carries one out in a process of its own.
"""

from __future__ import annotations

import datetime as dt
import json
import pathlib
import sys
import typing as t

from ansible_collections.recordings.disposal.plugins.module_utils._errors import DisposalError
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.approval import MEDIA_FORMAT
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.canonical import canonical, digest
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.clock import time_text, utc_now
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.journal import read_journal
from ansible_collections.recordings.disposal.plugins.module_utils._executor import CheckExecutor, Executor
from ansible_collections.recordings.disposal.plugins.module_utils._media.serials import medium_set
from ansible_collections.recordings.disposal.plugins.module_utils._retention.holds import load_holds
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.draining import look_into
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.media_applying import apply_media
from ansible_collections.recordings.disposal.tests.system.device_bed import MIB, marked
from ansible_collections.recordings.disposal.tests.system.loop_bed import Bed, run
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._evidence.evidence_world import Keys

__all__ = ["APPROVERS", "MediaWorld"]

HOST = "rec1"
APPROVERS = ("privacy@example.com", "head@example.com")
AUTHOR = "storage@example.com"


class MediaWorld:
    """Media of one host, their plan, and the people who sign it.

    :ivar rows: of the plan; may be changed before it is approved.
    """

    def __init__(self, bed: Bed, keys: Keys) -> None:
        self.bed, self.keys = bed, keys
        self.state = bed.new("state")
        self.state.mkdir(mode=0o700)
        self.rows: list[dict[str, t.Any]] = []
        self.manifest: dict[str, t.Any] = {}
        self.signatures: list[dict[str, str]] = []
        self.images: dict[str, pathlib.Path] = {}
        self.devices: dict[str, str] = {}

    def raw(self, serial: str, *, mib: int = 4, **changes: t.Any) -> pathlib.Path:
        """A medium with the marker in every sector, into which nobody could look."""
        image = self.bed.fill_image(marked(mib * MIB))
        self.devices[serial] = self.bed.attach(image)
        return self._row(serial, image, mib, {"drained": "unknown", "filesystems": []}, changes)

    def empty_filesystem(self, serial: str, *, mib: int = 8, **changes: t.Any) -> pathlib.Path:
        """A medium with the marker in most sectors, over which lies an empty filesystem, as after moving everything away."""
        image = self.bed.fill_image(marked(mib * MIB))
        self.devices[serial] = self.bed.attach(image)
        # All of it now, so that the kernel has nothing to add once it is mounted.
        run("mkfs.ext4", "-q", "-F", "-E", "nodiscard,lazy_itable_init=0,lazy_journal_init=0", self.devices[serial])
        found = look_into({"backing_file": str(image)})
        return self._row(serial, image, mib, {"drained": "yes", "filesystems": found}, changes)

    def _row(self, serial: str, image: pathlib.Path, mib: int, drain: dict[str, t.Any], changes: dict[str, t.Any]) -> pathlib.Path:
        step = {"technique": "overwrite", "level": "clear", "standard": "s", "source": "s", "confidence": "P", "estimated_seconds": None}
        self.rows.append(
            {
                **{"serial": serial, "set": medium_set(serial), "kind": "usb", "size_bytes": mib * MIB, "steps": [step], "level": "clear"},
                **{"identity": {"backing_file": str(image), "size_bytes": mib * MIB}, "verify": "all", "sample_share": 1, "canaries": 64},
                **dict.fromkeys(("make", "model", "asset_number", "classification", "bay"), ""),
                **{
                    "host": HOST,
                    "physical": {"needed": False, "technique": "shred", "why": ""},
                    "on_failure": "shred",
                    "destination": "recycling",
                },
                **{"all_namespaces": False, "drain": {**drain, "reasons": [], "limits": [], "verdicts": {}}, "required_level": "clear"},
                **changes,
            }
        )
        self.images[serial] = image
        return image

    def approve(self, signers: t.Sequence[str] = APPROVERS, **changes: t.Any) -> None:
        """Write the manifest over the rows, and have it signed."""
        data = b"".join(canonical(row) + b"\n" for row in self.rows)
        now = utc_now()
        due = {"sets": len(self.rows), "files": 0, "bytes": sum(row["size_bytes"] for row in self.rows)}
        part = {
            "plan": {"digest": digest(data), "rows": len(self.rows), "bytes": len(data)},
            "holds": {"generation": load_holds([])[1], "active": 0},
            **{"classes": {}, "verdicts": {"due": due}, "physical": 0, "blocked": []},
        }
        self.plan = data.decode()
        self.manifest = {
            **{"format": MEDIA_FORMAT, "plan_id": "media-1", "author": AUTHOR, "approvals_required": 2, "collection": "0.1.0"},
            **{"created": time_text(now), "expires": time_text(now + dt.timedelta(days=7)), "hosts": {HOST: part}, "blocked": []},
            "policy": {"id": "media", "version": "1", "owner": AUTHOR, "review_by": "none", "digest": digest(b"policy")},
            "totals": {"hosts": 1, "media": len(self.rows), "due": due},
            **changes,
        }
        self.signatures = [{"principal": name, "signature": self.keys.sign(self.data, name)} for name in signers]

    @property
    def data(self) -> bytes:
        return canonical(self.manifest) + b"\n"

    def params(self, **changes: t.Any) -> dict[str, t.Any]:
        signers = "".join(self.keys.line(name, name) for name in (AUTHOR, *APPROVERS))
        return {
            **{"manifest": self.data.decode(), "signatures": self.signatures, "plan": self.plan, "allowed_signers": signers},
            **{"approvals_required": 2, "holds": [], "host": HOST, "parallel": 4, "poll": 1, "timeout": None, "io_priority": "normal"},
            **{"on_unseen": "report", "released": None, "state_dir": str(self.state), **changes},
        }

    def apply(self, *, check: bool = False, **changes: t.Any) -> dict[str, t.Any]:
        return apply_media(self.params(**changes), CheckExecutor() if check else Executor(), check_mode=check)

    def records(self, result: dict[str, t.Any], kind: str = "outcome") -> list[dict[str, t.Any]]:
        return [dict(record) for record in read_journal(result["journal"]["path"]) if record["type"] == kind]


def _main(path: str) -> None:
    params = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
    try:
        print(json.dumps(apply_media(params, Executor(), check_mode=False)))
    except DisposalError as error:
        print(json.dumps({"failed": True, "msg": error.message, **error.details}))


if __name__ == "__main__":
    _main(sys.argv[1])
