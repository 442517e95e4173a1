# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan on the controller: C(plans/<plan_id>/) with the manifest that people sign and the pages that they read."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import os
import pathlib
import typing as t

from ..module_utils._errors import DisposalError, EvidenceError, RefusedError
from ..module_utils._evidence.approval import read_manifest
from ..module_utils._executor import Executor
from ._change_request import Approved
from ._plan_manifest import FORMAT, decided, manifest_bytes
from ._plan_page import render_plan_csv, render_plan_html, render_plan_json, render_plan_markdown

__all__ = ["PAGES", "RECORDINGS", "REQUEST", "PlanFiles", "PlanForm", "place_plan", "recording_pages", "replace_pages"]

MANIFEST = "manifest.json"
PAGES = {"html": "plan.html", "markdown": "plan.md", "csv": "plan.csv"}


@dataclasses.dataclass(frozen=True)
class PlanForm:
    """A kind of plan.

    :ivar format: of its manifest.
    :ivar decided: what a signature over a manifest decides upon.
    :ivar pages: those of C(PAGES), by kind, from a manifest and a language; and what else lies in the plan's directory, by its name there.
    """

    format: str
    decided: t.Callable[[t.Mapping[str, t.Any]], dict[str, t.Any]]
    pages: t.Callable[[dict[str, t.Any], str], dict[str, str]]


REQUEST = "plan.json"


def recording_pages(manifest: dict[str, t.Any], language: str, approved: Approved | None = None) -> dict[str, str]:
    """The pages of a plan over recordings: those of C(PAGES), by kind, and the request for change by its name."""
    return {
        "html": render_plan_html(manifest, language=language, approved=approved),
        "markdown": render_plan_markdown(manifest, language=language, approved=approved),
        "csv": render_plan_csv(manifest),
        REQUEST: render_plan_json(manifest, approved=approved),
    }


RECORDINGS = PlanForm(FORMAT, decided, recording_pages)


@dataclasses.dataclass(frozen=True)
class PlanFiles:
    """What lies in the plan's directory now.

    :ivar manifest: the one that counts: an earlier one where it decides the same.
    :ivar before: the Markdown page that was there before, empty where there was none.
    """

    manifest: dict[str, t.Any]
    directory: str
    changed: bool
    before: str
    after: str

    @property
    def manifest_path(self) -> str:
        return os.path.join(self.directory, MANIFEST)

    @property
    def pages(self) -> dict[str, str]:
        return {kind: os.path.join(self.directory, name) for kind, name in PAGES.items()}


def _read(path: str) -> bytes | None:
    try:
        return pathlib.Path(path).read_bytes()
    except FileNotFoundError:
        return None


def _manifest(data: bytes, form: PlanForm) -> dict[str, t.Any] | None:
    """The manifest that the bytes are; none if they are not what this collection writes."""
    try:
        found = json.loads(data)
        known = isinstance(found, dict) and found.get("format") == form.format and manifest_bytes(found) == data
    except (ValueError, RecursionError):
        return None
    return found if known else None


def _is_other_kind(data: bytes, form: PlanForm) -> bool:
    """Whether the bytes are the manifest of a plan that another module makes."""
    try:
        return str(read_manifest(data)["format"]) != form.format
    except EvidenceError:
        return False


def _signatures(directory: str) -> list[str]:
    try:
        names = os.listdir(directory)
    except FileNotFoundError:
        return []
    return sorted(name for name in names if name.startswith(f"{MANIFEST}.") and name.endswith(".sig"))


def _difference(old: dict[str, t.Any] | None, new: dict[str, t.Any], form: PlanForm, now: str) -> str:
    """Why the manifest that is there cannot stand for the new one; empty where it can."""
    if old is None:
        return "is not a manifest as this collection writes it"
    before, after = form.decided(old), form.decided(new)
    parts = [key for key in after if before.get(key) != after[key]]
    if parts:
        return f"decides otherwise than the plan made now ({', '.join(parts)})"
    return f"expired on {old['expires']}" if str(old["expires"]) <= now else ""


def place_plan(
    manifest: dict[str, t.Any],
    *,
    dest: str,
    language: str,
    executor: Executor,
    check_mode: bool,
    now: dt.datetime,
    form: PlanForm = RECORDINGS,
) -> PlanFiles:
    """Write manifest and pages, unless they are there already.

    An earlier manifest that decides the same and has not expired stays as it is, so that signatures over it stay good; pages are made anew
    from it where they are missing or were changed.

    :arg dest: the state directory on the controller.
    :arg now: the controller's clock, in UTC.
    :raises RefusedError: a manifest that decides otherwise is there and has signatures beside it, or one of another kind.
    :raises DisposalError: a file cannot be read or written.
    """
    directory = os.path.join(dest, "plans", manifest["plan_id"])
    try:
        return _placed(manifest, directory, form, language=language, executor=executor, check_mode=check_mode, now=now)
    except OSError as error:
        raise DisposalError(
            f"the plan cannot be kept in {error.filename or directory} ({error.strerror}); make room or give another dest, and plan again"
        ) from error


def _placed(
    manifest: dict[str, t.Any], directory: str, form: PlanForm, *, language: str, executor: Executor, check_mode: bool, now: dt.datetime
) -> PlanFiles:
    path = os.path.join(directory, MANIFEST)
    data = _read(path)
    if data is not None:
        old = _manifest(data, form)
        if old is None and _is_other_kind(data, form):
            raise RefusedError(f"{path} is the manifest of a plan of another kind, so it was left as it is; give another plan_id")
        difference = _difference(old, manifest, form, f"{now.astimezone(dt.timezone.utc):%Y-%m-%dT%H:%M:%SZ}")
        signatures = _signatures(directory)
        if difference and signatures:
            beside = f"{len(signatures)} signature{'s' if len(signatures) > 1 else ''} beside it"
            raise RefusedError(
                f"{path} has {beside} but {difference}, so it was left as it is; "
                "give another plan_id, or move the directory away if that plan is withdrawn"
            )
        if not difference and old is not None:
            manifest = old
    files = {PAGES.get(kind, kind): page.encode("utf-8") for kind, page in form.pages(manifest, language).items()}
    # The manifest comes last: what can be signed has its pages beside it.
    files[MANIFEST] = manifest_bytes(manifest)
    present = {name: _read(os.path.join(directory, name)) for name in files}
    stale = [name for name, content in files.items() if present[name] != content]
    if stale and not check_mode:
        for name in stale:
            executor.makedirs(os.path.dirname(os.path.join(directory, name)))
            executor.replace_file(os.path.join(directory, name), [files[name]])
    return PlanFiles(
        manifest=manifest,
        directory=directory,
        changed=bool(stale),
        before=(present[PAGES["markdown"]] or b"").decode("utf-8", "replace"),
        after=files[PAGES["markdown"]].decode("utf-8"),
    )


def replace_pages(
    manifest: dict[str, t.Any], directory: str, *, language: str, approved: Approved, executor: Executor, check_mode: bool
) -> tuple[dict[str, str], bool]:
    """Write the pages beside a manifest again, with its approvals; returns them by kind, and whether one changed.

    :raises DisposalError: one cannot be written.
    """
    files = {PAGES.get(kind, kind): page.encode("utf-8") for kind, page in recording_pages(manifest, language, approved).items()}
    try:
        stale = [name for name, content in files.items() if _read(os.path.join(directory, name)) != content]
        for name in () if check_mode else stale:
            executor.replace_file(os.path.join(directory, name), [files[name]])
    except OSError as error:
        raise DisposalError(f"the pages cannot be kept in {directory} ({error.strerror}); make room and run again") from error
    return {kind: os.path.join(directory, name) for kind, name in {**PAGES, "json": REQUEST}.items()}, bool(stale)
