# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the guide on training shows, taken literally."""

from __future__ import annotations

import os
import pathlib
import re
import shlex
import subprocess
import sys
import textwrap
import typing as t

import pytest
import yaml

from ansible_collections.recordings.disposal.plugins.action.training_test import ActionModule
from ansible_collections.recordings.disposal.plugins.module_utils._errors import RefusedError
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.approval import require_approval
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.training import Trainings
from ansible_collections.recordings.disposal.plugins.modules import training_test
from ansible_collections.recordings.disposal.plugins.plugin_utils._training_course import Bank, load_training, read_bank, read_course
from ansible_collections.recordings.disposal.plugins.plugin_utils._training_roster import read_people
from ansible_collections.recordings.disposal.plugins.plugin_utils._training_test import draw
from ansible_collections.recordings.disposal.tests.unit.plugins.action.action_world import run_action
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._evidence.evidence_world import NOW, Keys, manifest_bytes

TOP = pathlib.Path(__file__).resolve().parents[4]
FILES = TOP / "roles" / "operator_training" / "files"
PAGE = (TOP / "docs" / "training.md").read_text(encoding="utf-8")
# A blank line within an example is followed by more of it.
BLOCKS = [textwrap.dedent(block).strip("\n") for block in re.findall(r"(?:^ {4}.*\n(?:\n(?= {4}))?)+", PAGE, re.MULTILINE)]
_COURSE_DO, VARIABLES, ASKING, TASK, COURSE, BANK, _ROSTER, PEOPLE, REFUSAL, VERIFY = BLOCKS


@pytest.fixture
def room(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    """A directory with the files that the examples name."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "keys").mkdir()
    keys = Keys(tmp_path / "keys")
    os.rename(keys.path("trainer"), tmp_path / "keys" / "trainer")
    line = keys.directory.joinpath("trainer.key.pub").read_text(encoding="ascii")
    (tmp_path / "training_signers").write_text(f'tomasz@example.com namespaces="training@recordings.disposal" {line}', encoding="ascii")
    (tmp_path / "training.yml").write_text(VARIABLES, encoding="utf-8")
    for name in ("course.yml", "bank.yml"):
        (tmp_path / name).write_bytes((FILES / name).read_bytes())
    return tmp_path


def shipped() -> Bank:
    from ansible.parsing.dataloader import DataLoader

    return load_training(str(FILES / "course.yml"), str(FILES / "bank.yml"), DataLoader())[1]


def test_the_task_marks(room: pathlib.Path) -> None:
    [task] = yaml.safe_load(TASK)
    options = task["recordings.disposal.training_test"]
    asked = {question.id: sorted(question.answers) for question in draw(shipped(), options["role"], options["seed"])}
    # The page shows the form of answers; here are all of this test.
    assert all(re.fullmatch("[a-c]", each) for answer in options["answers"].values() for each in answer)
    result = run_action(ActionModule, "training_test", {**options, "answers": asked})
    assert result["changed"], result
    record = pathlib.Path(result["record"]["path"])
    assert record.parent == room / "disposal" / "training" / "records"
    done = subprocess.run(
        ["bash", "-c", VERIFY.replace("RECORD.json", shlex.quote(str(record)))], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0 and 'Good "training@recordings.disposal" signature for tomasz@example.com' in done.stdout


def test_the_playbook_refuses_to_mark_nothing_and_marks_a_sheet(room: pathlib.Path) -> None:
    program, *more = shlex.split(ASKING)
    command = [str(pathlib.Path(sys.executable).with_name(program)), *more]
    # The module's own place is not resolved, so the collection is found through whatever link leads to it.
    found = pathlib.Path(training_test.__file__).parents[5]
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(found), "ANSIBLE_NOCOLOR": "1"}

    def play(*words: str) -> subprocess.CompletedProcess[str]:
        options: dict[str, t.Any] = {"capture_output": True, "text": True, "env": environment, "stdin": subprocess.DEVNULL}
        return subprocess.run([*command, *words], check=False, **options)

    drawn = play("-e", "training_sheet=sheet.yml")
    assert drawn.returncode == 0, drawn.stdout + drawn.stderr
    sheet = yaml.safe_load((room / "sheet.yml").read_text(encoding="utf-8"))
    right = {question.id: question for question in draw(shipped(), "approver", sheet["seed"])}
    assert list(sheet["answers"]) == list(right) and set(sheet["answers"].values()) == {""}
    unanswered = play("-e", "training_answers_file=sheet.yml")
    assert unanswered.returncode and "not one question was answered" in unanswered.stdout and not (room / "disposal").exists()
    sheet["answers"] = {name: " ".join(sorted(question.answers)) for name, question in right.items()}
    (room / "sheet.yml").write_text(yaml.safe_dump(sheet), encoding="utf-8")
    marked = play("-e", "training_answers_file=sheet.yml")
    assert marked.returncode == 0, marked.stdout + marked.stderr
    assert "anna@example.com has 10 of 10 right and is trained as approver until" in marked.stdout
    assert len(list((room / "disposal" / "training" / "records").glob("anna@example.com.approver.*.json"))) == 1


def test_a_course_of_ones_own() -> None:
    course = read_course(yaml.safe_load(COURSE), "the course")
    bank = read_bank(yaml.safe_load(BANK), "the bank", course)
    assert (len(bank.questions), bank.pass_mark, course.languages) == (1, 100, ("en",))
    assert read_people(yaml.safe_load(PEOPLE), "the list") == {"anna@example.com": ("Anna Nowak", ("approver", "witness"))}


def test_the_refusal_is_the_one_on_the_page(tmp_path: pathlib.Path) -> None:
    keys, manifest = Keys(tmp_path), manifest_bytes(approvals_required=1)
    signatures = [{"principal": "anna@example.com", "signature": keys.sign(manifest, "anna")}]
    with pytest.raises(RefusedError) as caught:
        require_approval(
            manifest, signatures, allowed_signers=keys.line("anna@example.com", "anna"), required=1, now=NOW, trainings=Trainings([], "")
        )
    assert REFUSAL in caught.value.message


def test_every_variable_on_the_page_is_one_of_the_roles() -> None:
    defaults = "".join(path.read_text(encoding="utf-8") for path in (TOP / "roles").glob("*/defaults/main.yml"))
    named = set(re.findall(r"\b(?:disposal_training|training)_[a-z_]+\b", PAGE)) & set(re.findall(r"\bdisposal_training_[a-z_]+\b", PAGE))
    assert len(named) > 5 and all(name in defaults for name in named)
