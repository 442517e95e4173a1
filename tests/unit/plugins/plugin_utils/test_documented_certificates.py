# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the guide to certificates of media and their module show, taken literally."""

from __future__ import annotations

import pathlib
import re
import subprocess
import textwrap
import typing as t

import pytest
import yaml

from ansible_collections.recordings.disposal.plugins.action.media_certificate import ActionModule
from ansible_collections.recordings.disposal.plugins.module_utils._standards.forms import FIELDS
from ansible_collections.recordings.disposal.plugins.modules.media_certificate import EXAMPLES, RETURN
from ansible_collections.recordings.disposal.plugins.plugin_utils._media_certificate import STATES
from ansible_collections.recordings.disposal.plugins.plugin_utils._register import STATES as ALL_STATES
from ansible_collections.recordings.disposal.tests.unit.plugins.action.action_world import run_action
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.certificate_world import (
    ANNA,
    BOB,
    CertificateWorld,
    medium,
    name_of,
)
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.pdf_world import need_pdf, text_of

TOP = pathlib.Path(__file__).resolve().parents[4]
PAGE = (TOP / "docs" / "media_certificates.md").read_text(encoding="utf-8")
TASK, TAKE_OUT, COMMAND = [textwrap.dedent(block) for block in re.findall(r"(?:^ {4}.*\n)+", PAGE, re.MULTILINE)]
NAME = "recordings.disposal.media_certificate"
SERIAL = "S4EWNX0M501234"


@pytest.fixture(autouse=True)
def _ready() -> None:
    need_pdf()


@pytest.fixture
def world(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> CertificateWorld:
    """A directory with the files that the examples name."""
    world = CertificateWorld(tmp_path, medium(SERIAL))
    world.sanitized(SERIAL)
    world.evidence_signers.rename(tmp_path / "evidence.allowed_signers")
    monkeypatch.chdir(tmp_path)
    return world


def done(world: CertificateWorld, task: dict[str, t.Any]) -> dict[str, t.Any]:
    options = {**task[NAME], "signing_key": world.keys.path("evidence") + ".pub"}
    if isinstance(options["people"], str):
        options["people"] = [{**person, "organisation": "Example S.A."} for person in (ANNA, BOB)]
    # Where the private half is in no agent, the key itself signs.
    options["signing_key"] = options["signing_key"].removesuffix(".pub")
    result = run_action(ActionModule, "media_certificate", options)
    assert not result.get("failed"), result["msg"]
    return result


def test_the_guides_example_is_done_and_its_command_verifies(world: CertificateWorld) -> None:
    result = done(world, yaml.safe_load(TASK)[0])
    assert result["certificates"][0]["serial"] == SERIAL and result["counts"] == {"issued": 1, "changed": 1}
    values = {field["id"]: field["value"] for field in world.certificate(SERIAL)["fields"]}
    assert values["destination"] == "internal_reuse" and values["notes"] == "label torn, serial read off the drive"
    command = COMMAND.replace("NAME", name_of(SERIAL)).replace("evidence.allowed_signers", "../../evidence.allowed_signers")
    run = subprocess.run(["bash", "-e", "-c", command], cwd=world.certificates, capture_output=True, text=True, check=False)
    assert run.returncode == 0 and 'Good "evidence@recordings.disposal" signature' in run.stdout


def test_the_guides_pdf_is_taken_apart_and_verified_alone(world: CertificateWorld, tmp_path: pathlib.Path) -> None:
    result = done(world, yaml.safe_load(TASK)[0])
    name = name_of(SERIAL)
    (tmp_path / "received").mkdir()
    pdf = (world.certificates / f"{name}.en.pdf").read_bytes()
    (tmp_path / "received" / f"{name}.en.pdf").write_bytes(pdf)
    (tmp_path / "evidence.allowed_signers").rename(tmp_path / "received" / "evidence.allowed_signers")
    script = TAKE_OUT.replace("NAME", name)
    run = subprocess.run(["bash", "-e", "-c", script], cwd=tmp_path / "received", capture_output=True, text=True, check=False)
    assert run.returncode == 0 and 'Good "evidence@recordings.disposal" signature' in run.stdout, run.stderr
    known = result["certificates"][0]["digest"]
    assert f"{known[7:]}  {name}.json" in run.stdout and known in text_of(pdf, last=1)


def test_the_modules_examples_are_done(world: CertificateWorld) -> None:
    for task in yaml.safe_load(EXAMPLES):
        result = done(world, task)
        assert result["counts"] == {"issued": 1, "changed": 1}
        documented = yaml.safe_load(RETURN)
        assert set(result) - {"changed"} <= set(documented)
        assert set(result["certificates"][0]) == set(documented["certificates"]["contains"])


def test_the_table_of_fields_is_that_of_the_code() -> None:
    rows = re.findall(r"^\| `(\w+)` \|(.*?)\|(.*?)\|.*\|$", PAGE.partition("## Its fields")[2].partition("## The page")[0], re.MULTILINE)
    assert [name for name, _rev2, _rev1 in rows] == [field.id for field in FIELDS]
    for field, (_name, *cells) in zip(FIELDS, rows):
        word = "if any" if field.optional else "yes"
        assert [cell.strip() for cell in cells] == [word if form in field.asked else "" for form in ("rev2", "rev1")]


def test_the_states_are_those_of_the_code() -> None:
    refused = PAGE.partition("- that is `in_service`")[2].partition("\n")[0]
    named = {"in_service", *re.findall(r"`(\w+)`", refused)}
    assert named == set(ALL_STATES) - set(STATES)
