# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which drives are behind a RAID controller's volumes: nothing but smartctl sees them, and it only where it knows the controller (MegaRAID)."""

from __future__ import annotations

import json
import typing as t

from .told import told
from .tools import ask, failure

__all__ = ["ask_behind", "parse_drive", "parse_scan"]

_SAYS_NOTHING = "the drive does not tell it"
# The bits of smartctl's exit code that mean that it was not understood, or could not open the drive.
_NOT_OPENED = 0b11


def _object(output: bytes) -> dict[str, t.Any]:
    try:
        found = json.loads(output)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def parse_scan(output: bytes, host: int) -> list[str]:
    """The types by which smartctl reaches the drives of one SCSI host, from C(smartctl --json --scan)."""
    rows = _object(output).get("devices") or []
    return [
        row["type"] for row in rows if isinstance(row, dict) and row.get("name") == f"/dev/bus/{host}" and isinstance(row.get("type"), str)
    ]


def _wwn(found: t.Mapping[str, t.Any]) -> str:
    try:
        return f"{found['naa']:x}{found['oui']:06x}{found['id']:09x}"
    except (KeyError, TypeError, ValueError):
        return ""


def parse_drive(output: bytes) -> dict[str, t.Any]:
    """What C(smartctl --json --info) tells of one drive. A SCSI drive's keys have another name from smartmontools 7.3 on."""
    found = _object(output)
    scsi = " ".join(str(found[key]) for key in ("scsi_vendor", "scsi_product") if found.get(key))
    capacity = found.get("user_capacity") if isinstance(found.get("user_capacity"), dict) else {}
    wwn = found.get("wwn") if isinstance(found.get("wwn"), dict) else {}
    return {
        "model": told(found.get("model_name") or found.get("scsi_model_name") or scsi, _SAYS_NOTHING),
        "serial": told(found.get("serial_number"), _SAYS_NOTHING),
        "wwn": told(_wwn(wwn or {}), _SAYS_NOTHING),
        "firmware": told(found.get("firmware_version") or found.get("scsi_revision") or found.get("revision"), _SAYS_NOTHING),
        "size_bytes": told((capacity or {}).get("bytes") or None, _SAYS_NOTHING),
        "rotation": told(found.get("rotation_rate"), _SAYS_NOTHING),
    }


def ask_behind(host: int) -> tuple[list[dict[str, t.Any]], str]:
    """The drives of one SCSI host that are behind its volumes, or why none is told."""
    scan = ask(["smartctl", "--json", "--scan"])
    if scan.code != 0:
        return [], failure(scan)
    types = parse_scan(scan.output, host)
    rows = []
    for type_ in types:
        answer = ask(["smartctl", "--json", "--info", "--device", type_, f"/dev/bus/{host}"])
        if answer.code is None or answer.code & _NOT_OPENED:
            rows.append({"reached_as": type_, "unavailable": answer.problem or _why(answer.output) or failure(answer)})
        else:
            rows.append({"reached_as": type_, **parse_drive(answer.output)})
    return rows, "" if rows else "smartctl sees no drives behind this controller"


def _why(output: bytes) -> str:
    """The words that smartctl has for a failure; it writes them into its JSON."""
    about = _object(output).get("smartctl")
    messages = about.get("messages") if isinstance(about, dict) else None
    return "; ".join(str(each.get("string")) for each in messages or [] if isinstance(each, dict))
