# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The register of media in figures: states by site, and what the last reconciliation found."""

from __future__ import annotations

import collections
import json
import os
import typing as t

from ..module_utils._errors import EvidenceError
from ..module_utils._evidence.canonical import digest
from ._evidence_files import read_bytes
from ._reconcile import FINDINGS
from ._register import STATES
from ._register_book import Book
from ._report_chart import shares

__all__ = ["media_facts"]


def media_facts(book: Book, sites: t.Mapping[str, str]) -> dict[str, t.Any]:
    """Counts only: no serial, no place.

    :raises EvidenceError: the report of the last reconciliation is not what the log names.
    """
    by_site: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    for medium, state in book.current():
        by_site[sites.get(medium.host, "")][state] += 1
    total = sum(by_site.values(), collections.Counter[str]())
    most = max(total.values(), default=0)
    return {
        "total": total.total(),
        "states": [{"state": state, "media": total[state], "parts": shares([total[state]], most)} for state in STATES],
        "sites": [
            {"name": name, "states": {state: by_site[name][state] for state in STATES}, "total": by_site[name].total()}
            for name in sorted(by_site, key=lambda name: (not name, name))
        ],
        "unfinished": len(book.pending),
        "reconciled": _reconciled(book),
    }


def _reconciled(book: Book) -> dict[str, t.Any] | None:
    known = book.log.last_report
    if not known:
        return None
    path = os.path.join(book.directory, "reports", f"{known.removeprefix('sha256:')}.json")
    data = read_bytes(path)
    if digest(data) != known:
        raise EvidenceError(f"{path} is not what the log of the register names; compare it with a copy, or reconcile again")
    told = json.loads(data)
    counts = [(name, told["counts"][name]) for name in FINDINGS if told["counts"][name]]
    return {
        "reported": len(told["hosts"]),
        "silent": sorted(told["silent"]),
        "findings": sum(count for _name, count in counts),
        "counts": counts,
    }
