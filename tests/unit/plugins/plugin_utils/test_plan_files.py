# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import copy
import datetime as dt
import os
import pathlib
import stat
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._errors import DisposalError, RefusedError
from ansible_collections.recordings.disposal.plugins.module_utils._executor import CheckExecutor, Executor
from ansible_collections.recordings.disposal.plugins.plugin_utils._plan_files import PAGES, PlanFiles, place_plan
from ansible_collections.recordings.disposal.plugins.plugin_utils._plan_manifest import manifest_bytes
from ansible_collections.recordings.disposal.plugins.plugin_utils._plan_page import render_plan_html
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.plan_world import NOW, fleet, manifest_of, sha

LATER = NOW + dt.timedelta(minutes=50)


def place(dest: pathlib.Path, manifest: dict[str, t.Any] | None = None, **options: t.Any) -> PlanFiles:
    told = {"language": "en", "executor": Executor(), "check_mode": False, "now": NOW, **options}
    return place_plan(manifest or manifest_of(), dest=str(dest), **told)


def contents(directory: pathlib.Path) -> dict[str, tuple[bytes, int]]:
    """Every file below, with its bytes and the time of its last change."""
    found = (path for path in sorted(directory.rglob("*")) if path.is_file())
    return {str(path.relative_to(directory)): (path.read_bytes(), path.stat().st_mtime_ns) for path in found}


def sign(placed: PlanFiles, principal: str = "privacy@example.com") -> None:
    pathlib.Path(f"{placed.manifest_path}.{principal}.sig").write_text("a signature\n", encoding="utf-8")


def changed(what: str) -> dict[str, t.Any]:
    """A manifest of the same name that decides otherwise."""
    results = fleet()
    if what == "author":
        return manifest_of(author="someone@example.com", plan_id=manifest_of()["plan_id"])
    if what == "approvals_required":
        return manifest_of(approvals_required=0, plan_id=manifest_of()["plan_id"])
    results["pbx1"]["plan"]["digest"] = sha("another plan")
    return manifest_of(results, plan_id=manifest_of()["plan_id"])


@pytest.mark.parametrize("what", ["author", "approvals_required", "hosts"])
def test_a_signed_manifest_is_never_replaced(tmp_path: pathlib.Path, what: str) -> None:
    sign(place(tmp_path))
    before = contents(tmp_path)
    for check_mode in (False, True):
        with pytest.raises(RefusedError) as refused:
            place(tmp_path, changed(what), check_mode=check_mode)
        assert "has 1 signature beside it but decides otherwise than the plan made now" in refused.value.message
        assert f"({what}" in refused.value.message and "give another plan_id" in refused.value.message
    assert contents(tmp_path) == before


@pytest.mark.parametrize("name", ["manifest.json.sig", "manifest.json.a@b.sig"])
def test_a_signature_by_any_name_counts(tmp_path: pathlib.Path, name: str) -> None:
    placed = place(tmp_path)
    (pathlib.Path(placed.directory) / name).write_text("x", encoding="utf-8")
    with pytest.raises(RefusedError, match="has 1 signature beside it"):
        place(tmp_path, changed("author"))


def test_an_expired_signed_manifest_is_not_renewed(tmp_path: pathlib.Path) -> None:
    placed = place(tmp_path, manifest_of(expires_in="PT30M"))
    sign(placed)
    sign(placed, "head@example.com")
    before = contents(tmp_path)
    with pytest.raises(RefusedError, match="has 2 signatures beside it but expired on 2026-11-23T22:34:05Z"):
        place(tmp_path, manifest_of(now=LATER), now=LATER)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("damage", [b"", b"{}\n", b"not json", b'{"format":"recordings.disposal/manifest/1"}\n', b"[" * 100_000])
def test_a_signed_manifest_that_was_damaged_is_not_replaced(tmp_path: pathlib.Path, damage: bytes) -> None:
    placed = place(tmp_path)
    sign(placed)
    pathlib.Path(placed.manifest_path).write_bytes(damage)
    before = contents(tmp_path)
    with pytest.raises(RefusedError, match="beside it but (is not a manifest|decides otherwise)"):
        place(tmp_path)
    assert contents(tmp_path) == before


def test_a_place_that_cannot_be_written_is_told(tmp_path: pathlib.Path) -> None:
    (tmp_path / "plans").write_text("a file", encoding="utf-8")
    with pytest.raises(DisposalError, match=r"the plan cannot be kept in .*plans"):
        place(tmp_path)
    (tmp_path / "plans").unlink()
    (tmp_path / "plans" / manifest_of()["plan_id"] / "manifest.json").mkdir(parents=True)
    with pytest.raises(DisposalError, match=r"the plan cannot be kept in .*manifest\.json \(Is a directory\)"):
        place(tmp_path)


def test_what_is_written(tmp_path: pathlib.Path) -> None:
    manifest = manifest_of()
    placed = place(tmp_path / "disposal", manifest)
    directory = tmp_path / "disposal" / "plans" / manifest["plan_id"]
    assert placed.changed and placed.manifest == manifest and placed.directory == str(directory)
    assert sorted(os.listdir(directory)) == ["manifest.json", "plan.csv", "plan.html", "plan.json", "plan.md"]
    assert (directory / "manifest.json").read_bytes() == manifest_bytes(manifest)
    assert (directory / "plan.html").read_text(encoding="utf-8") == render_plan_html(manifest)
    assert placed.pages == {kind: str(directory / name) for kind, name in PAGES.items()}
    assert (placed.before, placed.after) == ("", (directory / "plan.md").read_text(encoding="utf-8"))
    for path in (tmp_path / "disposal", tmp_path / "disposal" / "plans", directory):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    for path in directory.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_same_plan_is_kept_with_its_signatures(tmp_path: pathlib.Path) -> None:
    first = place(tmp_path)
    sign(first)
    before = contents(tmp_path)
    results = fleet()
    results["pbx1"]["as_of"] = "2026-11-23T22:53:00Z"
    results["pbx1"]["verdicts"]["retained"]["sets"] += 12
    again = place(tmp_path, manifest_of(results, now=LATER), now=LATER)
    assert not again.changed and again.manifest == first.manifest and again.before == again.after
    assert contents(tmp_path) == before


def test_an_unsigned_manifest_follows_the_plan(tmp_path: pathlib.Path) -> None:
    first = place(tmp_path)
    new = changed("hosts")
    again = place(tmp_path, new)
    assert again.changed and again.manifest == new != first.manifest
    assert pathlib.Path(again.manifest_path).read_bytes() == manifest_bytes(new)
    assert again.before == first.after != again.after


def test_an_expired_unsigned_manifest_is_renewed(tmp_path: pathlib.Path) -> None:
    place(tmp_path, manifest_of(expires_in="PT30M"))
    again = place(tmp_path, manifest_of(now=LATER), now=LATER)
    assert again.changed and again.manifest["created"] == "2026-11-23T22:54:05Z"


@pytest.mark.parametrize("name", [*PAGES.values()])
def test_a_page_that_was_changed_or_removed_is_made_anew(tmp_path: pathlib.Path, name: str) -> None:
    placed = place(tmp_path)
    sign(placed)
    path = pathlib.Path(placed.directory) / name
    good = path.read_bytes()
    for damage in (b"Nothing goes.", None):
        if damage is None:
            path.unlink()
        else:
            path.write_bytes(damage)
        again = place(tmp_path, manifest_of(now=LATER), now=LATER)
        assert again.changed and path.read_bytes() == good
        assert again.manifest == placed.manifest


def test_another_language_changes_pages_only(tmp_path: pathlib.Path) -> None:
    placed = place(tmp_path)
    sign(placed)
    again = place(tmp_path, language="pl")
    assert again.changed and again.manifest == placed.manifest
    assert 'lang="pl"' in pathlib.Path(again.pages["html"]).read_text(encoding="utf-8")


def test_check_mode_writes_nothing_and_tells_the_same(tmp_path: pathlib.Path) -> None:
    placed = place(tmp_path / "disposal", executor=CheckExecutor(), check_mode=True)
    assert placed.changed and placed.manifest == manifest_of() and placed.after
    assert list(tmp_path.iterdir()) == []
    done = place(tmp_path / "disposal")
    before = contents(tmp_path)
    told = place(tmp_path / "disposal", changed("author"), executor=CheckExecutor(), check_mode=True)
    assert told.changed and told.manifest["author"] == "someone@example.com" and told.before == done.after != told.after
    assert contents(tmp_path) == before
    assert not place(tmp_path / "disposal", executor=CheckExecutor(), check_mode=True).changed


def test_what_is_given_is_not_changed(tmp_path: pathlib.Path) -> None:
    manifest = manifest_of()
    before = copy.deepcopy(manifest)
    place(tmp_path, manifest)
    assert manifest == before


def test_the_manifest_is_written_last(tmp_path: pathlib.Path) -> None:
    class Stops(Executor):
        def replace_file(self, path: str, chunks: t.Iterable[bytes], *, mode: int = 0o600) -> None:
            if path.endswith("manifest.json"):
                raise OSError(28, "No space left on device", path)
            super().replace_file(path, chunks, mode=mode)

    with pytest.raises(DisposalError, match="No space left on device"):
        place(tmp_path, executor=Stops())
    names = [path.name for path in tmp_path.rglob("*") if path.is_file()]
    assert sorted(names) == sorted([*PAGES.values(), "plan.json"]), "nothing can be signed whose pages are not there"
    assert place(tmp_path).changed
