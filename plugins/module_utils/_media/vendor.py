# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Destruction by a vendor: the certificate by its digest, its serials against those that were handed over, and an own check."""

from __future__ import annotations

import datetime as dt
import typing as t

from .._document import Node, read_document
from .._errors import RefusedError
from .findings import parse_moment
from .operators import person
from .serials import serial_key

__all__ = ["VENDOR_OPTIONS", "Vendor", "read_vendor", "refuse_unmatched"]

_FOUND = ("as_stated", "deviates")
VENDOR_OPTIONS: dict[str, dict[str, t.Any]] = {
    "name": {"type": "str", "required": True},
    "certificate": {"type": "str", "required": True},
    "certificate_file": {"type": "path"},
    "sample_check": {
        "type": "dict",
        "required": True,
        "options": {
            "by": {"type": "str", "required": True},
            "date": {"type": "str", "required": True},
            "serials": {"type": "list", "elements": "str", "required": True},
            "found": {"type": "str", "choices": list(_FOUND), "required": True},
        },
    },
}
_DIGEST = r"sha256:[0-9a-f]{64}"


class Vendor(t.NamedTuple):
    """Who destroyed the media, and what proves it besides the rows.

    :ivar checked: serials that were looked at by people of one's own.
    """

    name: str
    certificate: str
    checked: tuple[str, ...]
    sample_check: dict[str, t.Any]

    def told(self) -> dict[str, t.Any]:
        return {"name": self.name, "certificate": self.certificate, "sample_check": self.sample_check}


def _read(now: dt.datetime) -> t.Callable[[Node], Vendor]:
    def read(root: Node) -> Vendor:
        parts = root.mapping(required=("name", "certificate", "sample_check"), optional=("certificate_file",))
        name = parts["name"].text() if "name" in parts else ""
        certificate = (
            parts["certificate"].text(pattern=_DIGEST, form="a digest of the form sha256: and 64 hexadecimal digits")
            if "certificate" in parts
            else ""
        )
        check = parts["sample_check"].mapping(required=("by", "date", "serials", "found")) if "sample_check" in parts else {}
        if len(check) < 4:
            return Vendor(name, certificate, (), {})
        check["by"].private = True
        moment = check["date"].parsed(parse_moment, None)
        if moment is not None and moment > now:
            check["date"].problem("is in the future; correct it, or the clock")
        told = {"by": check["by"].text(), "date": str(check["date"].value), "found": check["found"].text(allowed=_FOUND)}
        if told["found"] == "deviates":
            check["found"].problem(
                "means that the media were not destroyed as the certificate states; have the vendor explain before anything is recorded"
            )
        checked = tuple(check["serials"].texts())
        return Vendor(name, certificate, checked, {**told, "serials": list(checked)})

    return read


def read_vendor(value: t.Any, *, now: dt.datetime) -> Vendor:
    """What the task tells of a vendor.

    :raises PolicyError: it is faulty, or the own check found something else than the certificate states.
    """
    return read_document(value, "what is told of the vendor", _read(now))


def refuse_unmatched(vendor: Vendor, handed_over: t.Sequence[str], rows: t.Sequence[t.Mapping[str, t.Any]]) -> None:
    """Match the certificate's serials one by one against those that were handed over.

    :raises RefusedError: one is too many or too few, or the check was not one's own or not of these media; C(details["open"]) names what is open.
    """
    given = {serial_key(serial): serial for serial in handed_over}
    stated = {serial_key(str(row.get("serial", ""))): str(row.get("serial", "")) for row in rows}
    lacking = sorted(given[key] for key in given.keys() - stated.keys())
    beyond = sorted(stated[key] for key in stated.keys() - given.keys() if key)
    told = []
    if lacking:
        told.append(f"it lacks {len(lacking)} of {len(given)} media that were handed over ({_some(lacking)}), which stay open")
    if beyond:
        told.append(f"it names {len(beyond)} that nobody handed over ({_some(beyond)})")
    if told:
        raise RefusedError(
            f"the certificate of {vendor.name} does not match what was handed over, so nothing was recorded: {' and '.join(told)}; "
            "have the vendor account for each of them",
            details={"open": lacking},
        )
    others = sorted(serial for serial in vendor.checked if serial_key(serial) not in stated)
    if others:
        raise RefusedError(
            f"the sample check names media that are not in the results ({_some(others)}), so nothing was recorded; correct it"
        )
    if person(vendor.sample_check["by"]) in {person(str(row.get("operator", ""))) for row in rows}:
        raise RefusedError(
            "the sample check was made by an operator of the vendor, so nothing was recorded; have one of your own people check"
        )


def _some(serials: t.Sequence[str]) -> str:
    return ", ".join(serials[:10]) + (f" and {len(serials) - 10} more" if len(serials) > 10 else "")
