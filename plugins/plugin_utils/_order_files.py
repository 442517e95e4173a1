# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Work orders on the controller: C(orders/<order_id>/) with the order, the page for the floor and the form that comes back."""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
import typing as t

from ..module_utils._errors import DisposalError, EvidenceError, RefusedError
from ..module_utils._evidence.canonical import digest
from ..module_utils._executor import Executor
from ..module_utils._media.ordered import order_bytes, read_order
from ..module_utils._media.serials import serial_key
from ..module_utils._standards.physical import Figure
from ._order_page import render_order_form, render_order_html

__all__ = ["FILES", "OrderFiles", "other_orders", "place_order"]

FILES = {"order": "order.json", "html": "order.html", "csv": "order.csv"}
_MOST_NAMED = 10


@dataclasses.dataclass(frozen=True)
class OrderFiles:
    """What lies in the order's directory now.

    :ivar order: the one that counts: where the same was ordered earlier, that one.
    """

    order: dict[str, t.Any]
    directory: str
    changed: bool

    @property
    def digest(self) -> str:
        return digest(order_bytes(self.order))

    @property
    def paths(self) -> dict[str, str]:
        return {kind: os.path.join(self.directory, name) for kind, name in FILES.items()}


def _read(path: str) -> bytes | None:
    try:
        return pathlib.Path(path).read_bytes()
    except FileNotFoundError:
        return None


def _directory(dest: str, order: t.Mapping[str, t.Any]) -> str:
    """That of the order, or of the same one of an earlier day: a road that is walked again orders nothing twice."""
    orders = os.path.join(dest, "orders")
    same = sorted(path.parent.name for path in pathlib.Path(orders).glob(f"WO-*-{order['id'][-10:]}/{FILES['order']}"))
    return os.path.join(orders, same[-1] if same else order["id"])


def _standing(data: bytes, path: str, order: dict[str, t.Any], why: t.Mapping[str, str]) -> dict[str, t.Any]:
    """The order that is there, which orders the same.

    :raises RefusedError: it does not.
    """
    try:
        known = read_order(data, path)
    except EvidenceError as error:
        raise RefusedError(
            f"{error.message}; no work order was written, move {os.path.dirname(path)} away if it is not to be kept"
        ) from error
    found: dict[str, t.Any] = json.loads(data)
    told = {serial_key(medium["serial"]): medium["why"] for medium in found["media"]}
    other = [serial for serial, sentence in why.items() if told.get(serial_key(serial)) != sentence]
    if known.id != os.path.basename(os.path.dirname(path)) or other:
        what = f"gives other reasons for {', '.join(other[:_MOST_NAMED])}" if other else f"is the order {known.id}"
        raise RefusedError(f"{path} is there and {what}, so no work order was written; move its directory away if it is withdrawn")
    return found


def place_order(
    order: dict[str, t.Any],
    *,
    dest: str,
    language: str,
    figures: t.Mapping[str, Figure],
    why: t.Mapping[str, str],
    executor: Executor,
    check_mode: bool,
) -> OrderFiles:
    """Write order, page and form, unless they are there already.

    What was ordered earlier stays as it is. The page is made anew where it is missing or would differ; the form is left alone
    once it is there, since people write into it.

    :arg dest: the state directory on the controller.
    :arg why: the reasons that the task gives, which those of an order that is there must not contradict.
    :raises RefusedError: an order of that id is there with other contents.
    :raises DisposalError: a file cannot be read or written, or QR codes cannot be made.
    """
    directory = _directory(dest, order)
    path = os.path.join(directory, FILES["order"])
    try:
        data = _read(path)
        if data is not None:
            order = _standing(data, path, order, why)
        files = {
            FILES["html"]: render_order_html(order, language=language, figures=figures).encode("utf-8"),
            FILES["csv"]: render_order_form(order).encode("utf-8"),
            # The order comes last: what can be given back has its form beside it.
            FILES["order"]: order_bytes(order),
        }
        present = {name: _read(os.path.join(directory, name)) for name in files}
        stale = [name for name, content in files.items() if present[name] != content]
        if data is not None and present[FILES["csv"]] is not None and FILES["csv"] in stale:
            stale.remove(FILES["csv"])
        if stale and not check_mode:
            executor.makedirs(directory)
            for name in stale:
                executor.replace_file(os.path.join(directory, name), [files[name]])
    except OSError as error:
        raise DisposalError(
            f"the work order cannot be kept in {error.filename or directory} ({error.strerror}); make room or give another dest, and run again"
        ) from error
    return OrderFiles(order=order, directory=directory, changed=bool(stale))


def other_orders(dest: str, order: t.Mapping[str, t.Any]) -> list[str]:
    """A sentence for each other work order that names some of the same media."""
    mine = {serial_key(medium["serial"]): medium["serial"] for medium in order["media"]}
    told = []
    for path in sorted(pathlib.Path(dest, "orders").glob(f"*/{FILES['order']}")):
        if path.parent.name == order["id"]:
            continue
        try:
            known = read_order(path.read_bytes(), str(path))
        except (OSError, EvidenceError):
            told.append(f"{path} cannot be read as a work order, so nobody knows whether it names the same media")
            continue
        both = sorted(serial for key, serial in mine.items() if key in known.media)
        if both:
            more = f" and {len(both) - _MOST_NAMED} more" if len(both) > _MOST_NAMED else ""
            told.append(
                f"the work order {known.id} names {', '.join(both[:_MOST_NAMED])}{more} too; call one of the two back if both are still open"
            )
    return told
