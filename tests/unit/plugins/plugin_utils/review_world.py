# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reviews of a policy on a controller, signed with real keys."""

from __future__ import annotations

import copy
import datetime as dt
import json
import pathlib
import typing as t

from ansible_collections.recordings.disposal.plugins.module_utils._evidence.clock import parse_time
from ansible_collections.recordings.disposal.plugins.module_utils._retention.policy import load_policy
from ansible_collections.recordings.disposal.plugins.plugin_utils._review_record import NAMESPACE, new_record, record_bytes
from ansible_collections.recordings.disposal.plugins.plugin_utils._review_signed import policy_bytes
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._evidence.evidence_world import Keys

__all__ = ["ANNA", "AUTHOR", "CATALOGUE", "POLICY", "SIGNED", "ReviewWorld", "sign_record"]

ANNA = "anna@example.com"
AUTHOR = "ewa@example.com"
SIGNED = parse_time("2026-06-01T10:00:00Z")
CATALOGUE = {"edition": "2026-11", "dated": "2026-11-27", "digest": "sha256:" + "0" * 64}
Document = dict[str, t.Any]
POLICY: Document = {
    "id": "contact-centre",
    "version": "2026-06",
    "owner": "records.manager@example.com",
    "review_by": "2026-11-30",
    "time_zone": "Europe/Warsaw",
    "sources": [{"name": "pbx", "layout": "freepbx", "roots": ["/srv/pbx"]}],
    "classes": [
        {
            "name": "calls",
            "match": {"source": ["pbx"]},
            "start": {"event": "recording_start"},
            "keep": "P90D",
            "destroy_within": "P30D",
            "legal_basis": "GDPR art. 6(1)(f), claims from the contract",
            "disposal": {"technique": "overwrite", "scheme": "nist_clear", "level": "clear"},
        }
    ],
}


def sign_record(keys: Keys, path: pathlib.Path, *, signer: str = ANNA, key: str = "anna", namespace: str = NAMESPACE) -> None:
    path.with_name(f"record.json.{signer}.sig").write_text(keys.sign(path.read_bytes(), key, namespace), encoding="ascii")


class ReviewWorld:
    """A directory of reviews; C(signers) is the text of the allowed signers."""

    def __init__(self, path: pathlib.Path, keys: Keys) -> None:
        self.keys = keys
        self.reviews = path / "reviews"
        self.reviews.mkdir()
        self.signers = keys.line(ANNA, "anna") + keys.line(AUTHOR, "ewa")
        self.signers_file = path / "allowed_signers"
        self.signers_file.write_text(self.signers, encoding="ascii")

    def policy(self, *, keep: str = "P90D", **changes: t.Any) -> Document:
        made = copy.deepcopy({**POLICY, **changes})
        if "classes" not in changes:
            made["classes"][0]["keep"] = keep
        return made

    def record(self, policy: Document | None = None, *, now: dt.datetime = SIGNED, **changes: t.Any) -> Document:
        told: Document = {"author": AUTHOR, "changes": [], "findings": [], "previous": None, "not_known": [], **changes}
        summary = load_policy(policy or POLICY).summary()
        return new_record(collection="0.1.0", now=now, policy=summary, catalogue=CATALOGUE, **told)

    def review(
        self, policy: Document | None = None, *, signer: str = ANNA, key: str = "anna", namespace: str = NAMESPACE, **changes: t.Any
    ) -> pathlib.Path:
        """A review that is signed; the path of its record."""
        record = self.record(policy, **changes)
        directory = self.reviews / record["id"]
        directory.mkdir()
        (directory / "policy.json").write_bytes(policy_bytes(policy or POLICY))
        path = directory / "record.json"
        path.write_bytes(record_bytes(record))
        if key:
            sign_record(self.keys, path, signer=signer, key=key, namespace=namespace)
        return path

    def edit(self, path: pathlib.Path, **changes: t.Any) -> None:
        """Change a record after it was signed, in canonical form."""
        path.write_bytes(record_bytes({**json.loads(path.read_bytes()), **changes}))

    def options(self, **changes: t.Any) -> Document:
        return {"reviews_dir": str(self.reviews), "review_signers": str(self.signers_file), **changes}
