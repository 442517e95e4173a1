# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of training share: records as the trainer issues them, with real keys."""

from __future__ import annotations

import pathlib
import typing as t

from ansible_collections.recordings.disposal.plugins.module_utils._evidence.canonical import canonical
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.training import FORMAT, NAMESPACE, Trainings
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._evidence.evidence_world import Keys, digest_text

__all__ = ["TRAINER", "School", "record"]

TRAINER = "tomasz@example.com"


def record(principal: str = "anna@example.com", role: str = "approver", **changes: t.Any) -> dict[str, t.Any]:
    """A record that is valid on 2026-11-23, when the other tests of evidence are."""
    return {
        "format": FORMAT,
        "principal": principal,
        "name": f"{principal.partition('@')[0].capitalize()} Nowak",
        "role": role,
        "issuer": TRAINER,
        "issued": "2026-02-01T09:00:00Z",
        "valid_from": "2026-02-01T09:00:00Z",
        "valid_until": "2027-02-01T09:00:00Z",
        "language": "en",
        "course": {"id": "disposal", "edition": "1", "digest": digest_text("course")},
        "bank": {"id": "disposal", "edition": "1", "digest": digest_text("bank")},
        "test": {"seed": "0011223344556677", "questions": 10, "right": 9, "pass_mark": 80, "answers": digest_text("answers")},
        "collection": "0.1.0",
        **changes,
    }


class School:
    """Records and their signers, to be changed before somebody is judged by them."""

    def __init__(self, keys: Keys) -> None:
        self.keys = keys
        self.signers = keys.line(TRAINER, "tomasz", f'namespaces="{NAMESPACE}"')
        self.records: list[dict[str, str]] = []

    def issue(self, *, key: str = "tomasz", namespace: str = NAMESPACE, file: str = "", **told: t.Any) -> School:
        document = record(**told)
        data = canonical(document) + b"\n"
        name = file or f"{document['principal']}.{document['role']}.{len(self.records)}.json"
        self.records.append({"file": name, "record": data.decode(), "signature": self.keys.sign(data, key, namespace)})
        return self

    @property
    def trainings(self) -> Trainings:
        return Trainings(self.records, self.signers)

    def write(self, directory: pathlib.Path) -> dict[str, str]:
        """Write all to a directory; returns the options of a task that name it."""
        directory.mkdir(exist_ok=True)
        for each in self.records:
            (directory / each["file"]).write_text(each["record"], encoding="utf-8")
            if each["signature"]:
                (directory / f"{each['file']}.sig").write_text(each["signature"], encoding="ascii")
        signers = directory.parent / "training_signers"
        signers.write_text(self.signers, encoding="utf-8")
        return {"training_dir": str(directory), "training_signers_file": str(signers)}
