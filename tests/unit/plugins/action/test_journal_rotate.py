# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Only what is sealed, verified and safe on the controller is named to a host, and the guide's example does what the guide says."""

from __future__ import annotations

import datetime as dt
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import textwrap
import typing as t

import pytest
import yaml

from ansible_collections.recordings.disposal.plugins.action.evidence_fetch import ActionModule as FetchAction
from ansible_collections.recordings.disposal.plugins.action.journal_rotate import ActionModule as RotateAction
from ansible_collections.recordings.disposal.plugins.module_utils._errors import DisposalError
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.canonical import canonical
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.journal import Journal
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.parts import journal_part, journal_told
from ansible_collections.recordings.disposal.plugins.module_utils._executor import CheckExecutor, Executor
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.rotating import rotate_journals
from ansible_collections.recordings.disposal.plugins.modules.journal_rotate import EXAMPLES
from ansible_collections.recordings.disposal.tests.unit.plugins.action.action_world import run_action
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._evidence.evidence_world import snapshot
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._sweep.rotation_world import COMPRESS, START, RotationWorld
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.run_world import SIGNER, RunWorld, rechain

Told = dict[str, t.Any]
TOP = pathlib.Path(__file__).resolve().parents[4]
RUN = "4f1c2b9a6e0d7753"
HOSTS = {"rec1": RUN, "rec2": "00000000000000b2"}


class Run(RunWorld):
    """A run of 2020 over two hosts."""

    def open_journal(self, host: str) -> Journal:
        moments = (START + dt.timedelta(seconds=second) for second in range(10**6))
        return Journal.open(str(self.journal_path(host)), executor=Executor(), clock=lambda: next(moments))

    def swept(self, **changes: t.Any) -> Run:
        for host, run in HOSTS.items():
            self.sweep(host, run=run, **changes)
        self.sealed_at = "2020-01-03T00:00:00Z"
        return self


class Rotating:
    """A controller with that run, sealed, and the host rec1 with its journal."""

    def __init__(self, path: pathlib.Path) -> None:
        self.path = path
        self.host = RotationWorld(path)
        self.run = Run(path, created="2020-01-01T00:00:00Z", expires="2099-01-01T00:00:00Z").swept()
        (path / "allowed_signers").write_text(self.run.signers, encoding="ascii")
        self.journal = self.host.journal(RUN)
        self.journal.parent.mkdir(mode=0o700)
        shutil.copy(self.run.journal_path("rec1"), self.journal)
        self.host.age(self.journal)
        self.asked: list[Told] = []

    def action(self, plugin: type[t.Any]) -> type[t.Any]:
        """The action plugin with a host behind it that runs in this process."""
        asked = self.asked

        class Here(plugin):  # type: ignore[misc]
            def _execute_module(self, *, module_name: str, module_args: Told, task_vars: Told) -> Told:
                asked.append(module_args)
                check = bool(self._task.check_mode)
                try:
                    if module_name.endswith("evidence_fetch"):
                        about = "offset" not in module_args
                        asks = {key: value for key, value in module_args.items() if key in ("offset", "size")}
                        return (
                            journal_told(module_args["src"], module_args["known_bytes"])
                            if about
                            else journal_part(module_args["src"], **asks)
                        )
                    given = {"sealed": None, **module_args}
                    return rotate_journals(given, CheckExecutor() if check else Executor(), check_mode=check)
                except DisposalError as error:
                    return {"failed": True, "msg": error.message, **error.details}

        return Here

    def rotate(self, *, check: bool = False, **changes: t.Any) -> Told:
        given = {"host": "rec1", "dest": str(self.run.state), "allowed_signers": str(self.path / "allowed_signers"), "signer": SIGNER}
        told = {**given, "state_dir": str(self.host.state), **COMPRESS, **changes}
        self.asked.clear()
        options = {key: value for key, value in told.items() if value is not None}
        return run_action(self.action(RotateAction), "journal_rotate", options, check_mode=check)

    def kept(self, words: str, **changes: t.Any) -> None:
        before = snapshot(self.path)
        result = self.rotate(**changes)
        (kept,) = result["kept"]
        assert kept["run"] == RUN and re.search(words, kept["reason"]) and "\n" not in kept["reason"], kept
        assert result["warnings"] == [kept["reason"]]
        assert (result["changed"], result.get("failed", False), len(self.asked)) == (False, False, 1)
        assert snapshot(self.path) == before


@pytest.fixture
def world(tmp_path: pathlib.Path) -> Rotating:
    return Rotating(tmp_path)


@pytest.fixture
def sealed(world: Rotating) -> Rotating:
    world.run.seal()
    return world


def test_without_who_signs_nothing_is_done(sealed: Rotating) -> None:
    for missing in ("allowed_signers", "signer"):
        result = sealed.rotate(**{missing: None})
        assert (result["skipped"], result["changed"], sealed.asked) == (True, False, [])


def test_what_is_not_sealed_is_not_named(world: Rotating) -> None:
    world.kept("the journal of the run 4f1c2b9a6e0d7753 is sealed by no statement here; seal the run first")
    world.kept("is sealed by no statement here", dest=str(world.path / "nowhere"))
    world.run.seal()
    world.kept("is sealed by no statement here", host="rec2")


def test_a_ledger_that_its_head_does_not_confirm_seals_nothing(sealed: Rotating) -> None:
    ledger, head = sealed.run.ledger, sealed.run.ledger.with_name("ledger.head.json")
    whole = ledger.read_bytes()
    ledger.write_bytes(whole.replace(b'"time":"2020-01-03', b'"time":"2020-01-02'))
    sealed.kept(r"is not known to be sealed: the ledger is not an extension of ledger\.head\.json: this is a fork")
    ledger.write_bytes(whole)
    kept = head.read_bytes()
    head.unlink()
    sealed.kept(r"is not known to be sealed: .*ledger\.head\.json cannot be read")
    head.write_bytes(kept)
    assert sealed.rotate()["compressed"] == 1


def test_a_statement_that_is_not_good_seals_nothing(sealed: Rotating) -> None:
    path = sealed.run.run / "statement.json"
    whole = path.read_bytes()
    statement = json.loads(whole)
    statement["predicate"]["collection"] = "0.2.0"
    path.write_bytes(canonical(statement) + b"\n")
    sealed.kept("is not known to be sealed: .* is not the last of the 1 statements that the ledger names for this run")
    sealed.run.resign(statement)
    (path.parent / "statement.json.sig").write_bytes(b"no signature\n")
    sealed.kept("is not known to be sealed: .*statement.json.sig: ")
    path.unlink()
    sealed.kept("is sealed by no statement here")


def test_nobody_else_s_signature_seals(sealed: Rotating) -> None:
    (sealed.path / "allowed_signers").write_text(sealed.run.keys.line(SIGNER, "anna"), encoding="ascii")
    sealed.kept("is not known to be sealed: .*statement.json.sig: ")


def test_a_ledger_that_was_changed_stops_it(sealed: Rotating) -> None:
    sealed.run.ledger.write_bytes(sealed.run.ledger.read_bytes().replace(b'"seq":0', b'"seq":1'))
    before = snapshot(sealed.path)
    result = sealed.rotate()
    assert (result["failed"], result["changed"]) == (True, False) and "ledger.jsonl line 1 has the number 1, not 0" in result["msg"]
    assert snapshot(sealed.path) == before


def test_a_copy_that_is_not_safe_on_the_controller_keeps_the_journal(sealed: Rotating) -> None:
    copy = sealed.run.journal_path("rec1")
    whole = copy.read_bytes()
    copy.write_bytes(rechain(whole.splitlines()[:-1]))
    sealed.kept("has a copy on the controller, .*rec1.jsonl, which is not the one that statement.json names; put that back from a store")
    copy.unlink()
    sealed.kept("is not known to be sealed: the copy .*rec1.jsonl cannot be read")


def test_what_was_sealed_before_its_end_stays(tmp_path: pathlib.Path) -> None:
    world = Rotating(tmp_path)
    world.run.journal_path("rec1").unlink()
    world.run.sweep("rec1", run=RUN, until=1)
    world.run.seal()
    world.kept("was sealed before its run had ended .2026-11-23-4f1c.; run the same play again, and seal it")


def test_a_fault_on_the_host_fails_and_tells_what_was_done(sealed: Rotating) -> None:
    (sealed.host.state / "rotated.jsonl").mkdir()
    result = sealed.rotate(keep="P90D")
    assert result["failed"] and "rotated.jsonl is not a regular file" in result["msg"] and result["changed"] is False
    assert sealed.journal.exists()


def test_compressed_fetched_and_removed(sealed: Rotating) -> None:
    data = sealed.journal.read_bytes()
    before = snapshot(sealed.path)
    checked = sealed.rotate(check=True)
    assert (checked["changed"], checked["compressed"]) == (True, 1) and snapshot(sealed.path) == before
    result = sealed.rotate()
    assert {key: result[key] for key in ("changed", "compressed", "removed", "kept", "warnings")} == {
        **{"changed": True, "compressed": 1, "removed": 0},
        **{"kept": [], "warnings": []},
    }
    assert not sealed.journal.exists() and len(json.dumps(result)) < 1000
    for _again in range(3):
        assert sealed.rotate()["changed"] is False
    fetch = {"src": str(sealed.journal), "dest": str(sealed.path / "again.jsonl"), "host": "rec1"}
    fetched = run_action(sealed.action(FetchAction), "evidence_fetch", fetch)
    assert fetched["changed"] and (sealed.path / "again.jsonl").read_bytes() == data
    # The same journal is sealed as before, and a removed one is refused to whoever asks.
    assert sealed.run.seal()["changed"] is False
    assert sealed.rotate(keep="P90D")["removed"] == 1
    assert not sealed.journal.parent.exists()
    refused = run_action(sealed.action(FetchAction), "evidence_fetch", fetch)
    assert refused["failed"] and "what became of its sets is in runs/2026-11-23-4f1c on the controller" in refused["msg"]
    assert (sealed.path / "again.jsonl").read_bytes() == data
    assert sealed.run.seal()["changed"] is False and not sealed.run.verify().problems
    for _again in range(3):
        assert sealed.rotate(keep="P90D")["changed"] is False


def test_what_was_cut_off_is_gone_on_with_although_nothing_is_left_to_name(sealed: Rotating) -> None:
    data = sealed.journal.read_bytes()
    sealed.rotate(keep="P90D")
    sealed.journal.parent.mkdir(mode=0o700)
    sealed.journal.write_bytes(data)
    assert sealed.rotate(keep="P90D")["removed"] == 1 and not sealed.journal.parent.exists()


def documented() -> list[Told]:
    """The tasks that the guide and the module show."""
    page = (TOP / "docs" / "proof.md").read_text(encoding="utf-8")
    blocks = [textwrap.dedent(block) for block in re.findall(r"(?:^ {4}.*\n|^\n(?= {4}))+", page, re.MULTILINE)]
    tasks = [task for block in [*blocks, EXAMPLES] if "journal_rotate" in block for task in yaml.safe_load(block)]
    return [task["recordings.disposal.journal_rotate"] for task in tasks]


@pytest.mark.parametrize("task", documented())
def test_the_documented_tasks(sealed: Rotating, monkeypatch: pytest.MonkeyPatch, task: Told) -> None:
    monkeypatch.chdir(sealed.path)
    assert task.pop("host") == "{{ inventory_hostname }}"
    assert sealed.rotate(**{"dest": None, "compress_after": None, "keep": None, **task})["removed"] == 1


def test_the_playbook(sealed: Rotating) -> None:
    command = [
        str(pathlib.Path(sys.executable).with_name("ansible-playbook")),
        "-i",
        "rec1,",
        "-c",
        "local",
        str(TOP / "playbooks" / "rotate.yml"),
    ]
    told = {
        **{"disposal_hosts": "all", "disposal_become": False, "disposal_allowed_signers": "allowed_signers", "disposal_signer": SIGNER},
        **{"disposal_host_state_dir": str(sealed.host.state), "ansible_python_interpreter": sys.executable},
    }
    environment = {**os.environ, "HOME": str(sealed.path)}
    done = subprocess.run(
        [*command, "-e", json.dumps(told)], cwd=sealed.path, env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0 and "changed=1 " in done.stdout, done.stdout + done.stderr
    assert not sealed.journal.exists() and (sealed.host.state / "rotated.jsonl").exists()
