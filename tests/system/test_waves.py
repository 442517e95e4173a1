# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbooks over several hosts in waves: what was destroyed is sealed, whatever becomes of the other hosts."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import time
import typing as t

import pytest
import yaml

TOP = pathlib.Path(__file__).resolve().parents[2]
HOSTS = ("a", "b", "c")


class Fleet:
    """Hosts that are directories of this one, each with its own source, root and state."""

    hosts: tuple[str, ...] = HOSTS

    def __init__(self, path: pathlib.Path) -> None:
        self.path = path
        self.lost: set[str] = set()
        self.environment: dict[str, str] = {}
        self.variables: dict[str, t.Any] = {
            "disposal_policy_file": str(path / "policy.yml"),
            "disposal_state_dir": str(path / "disposal"),
            "disposal_approvals_required": 0,
            "disposal_become": False,
            "disposal_author": "ewa@example.com",
            "disposal_allowed_signers": str(path / "allowed_signers"),
            "disposal_signing_key": str(path / "robot"),
            "disposal_signer": "robot@example.com",
            "disposal_serial": 1,
        }
        classes = [
            {
                "name": "calls",
                "start": {"event": "recording_start"},
                "keep": "P90D",
                "destroy_within": "P30D",
                "legal_basis": "test",
                "disposal": {"technique": "overwrite", "scheme": "nist_clear", "level": "clear"},
            }
        ]
        sources = [{"name": host, "layout": "freepbx", "roots": [str(path / host / "monitor")]} for host in self.hosts]
        policy = {
            **{"id": "waves", "version": "1", "owner": "ewa@example.com", "review_by": "2099-01-01", "time_zone": "Europe/Warsaw"},
            **{"sources": sources, "classes": classes, "limits": {"share": "100%", "clock_witness": "P3650D"}},
        }
        (path / "policy.yml").write_text(yaml.safe_dump(policy))
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "robot", "-f", str(path / "robot")], check=True)
        public = " ".join((path / "robot.pub").read_text().split()[:2])
        (path / "allowed_signers").write_text(f'robot@example.com namespaces="evidence@recordings.disposal" {public}\n')
        for host in self.hosts:
            for number, days in enumerate((300, 301, 1)):
                self.record(host, number, days)

    def record(self, host: str, number: int, days: int) -> pathlib.Path:
        moment = time.time() - days * 86400
        local = time.localtime(moment)
        directory = self.path / host / "monitor" / time.strftime("%Y/%m/%d", local)
        directory.mkdir(parents=True, exist_ok=True)
        path = directory / f"in-+48225550100-+48600100200-{time.strftime('%Y%m%d-%H%M%S', local)}-{int(moment)}.{number}.wav"
        path.write_bytes(f"MARK{host}{number}".encode() * 500)
        os.utime(path, (moment, moment))
        return path

    def play(self, name: str, *options: str) -> subprocess.CompletedProcess[str]:
        # A port on which nobody listens stands for a host that is gone.
        gone = {
            "ansible_connection": "ssh",
            "ansible_host": "127.0.0.1",
            "ansible_port": 1,
            "ansible_ssh_common_args": "-o ConnectTimeout=2",
        }
        here = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        hosts = {
            host: {
                **(gone if host in self.lost else here),
                "disposal_sources": [host],
                "disposal_host_state_dir": str(self.path / host / "state"),
            }
            for host in self.hosts
        }
        inventory = self.path / "inventory.yml"
        inventory.write_text(yaml.safe_dump({"recording_servers": {"hosts": hosts, "vars": self.variables}}))
        return subprocess.run(
            [
                str(pathlib.Path(sys.executable).with_name("ansible-playbook")),
                f"recordings.disposal.{name}",
                "-i",
                str(inventory),
                *options,
            ],
            cwd=TOP,
            env={**os.environ, "HOME": str(self.path), **self.environment},
            capture_output=True,
            text=True,
            check=False,
        )

    def old(self, host: str) -> list[pathlib.Path]:
        return [path for path in (self.path / host / "monitor").glob("**/*.wav") if path.stat().st_mtime < time.time() - 86400 * 30]

    def statement(self) -> dict[str, t.Any]:
        (path,) = (self.path / "disposal" / "runs").glob("*/statement.json")
        found: dict[str, t.Any] = json.loads(path.read_text())["predicate"]
        return found

    def plan_id(self) -> str:
        return (self.path / "disposal" / "plans" / "latest").read_text().strip()


@pytest.fixture
def fleet(tmp_path: pathlib.Path) -> Fleet:
    return Fleet(tmp_path)


def test_a_host_lost_in_a_later_wave_leaves_the_earlier_ones_sealed(fleet: Fleet) -> None:
    planned = fleet.play("plan")
    assert planned.returncode == 0, planned.stdout
    fleet.lost = {"b"}
    done = fleet.play("sweep", "-e", f"disposal_plan_id={fleet.plan_id()}")
    assert done.returncode != 0
    assert "The host could not be reached while it was to apply the plan" in done.stdout
    assert not fleet.old("a") and len(fleet.old("b")) == 2 and len(fleet.old("c")) == 2
    statement = fleet.statement()
    assert statement["totals"]["counts"]["destroyed"] == 2, statement
    told = " ".join(statement["problems"])
    assert "b" in told and "c" in told
    # The same play again, once the host is back, ends the plan.
    fleet.lost = set()
    again = fleet.play("sweep", "-e", f"disposal_plan_id={fleet.plan_id()}")
    assert again.returncode == 0, again.stdout
    assert not any(fleet.old(host) for host in HOSTS)
    whole = fleet.statement()
    assert whole["totals"]["counts"]["destroyed"] == 6 and whole["problems"] == []


def test_a_part_of_the_hosts_is_sealed_as_a_part(fleet: Fleet) -> None:
    assert fleet.play("plan").returncode == 0
    named = f"disposal_plan_id={fleet.plan_id()}"
    first = fleet.play("sweep", "-e", named, "--limit", "b")
    assert first.returncode == 0, first.stdout
    assert [len(fleet.old(host)) for host in HOSTS] == [2, 0, 2]
    part = fleet.statement()
    assert part["totals"]["counts"]["destroyed"] == 2 and not part["complete"] and part["missing_hosts"] == ["a", "c"]
    rest = fleet.play("sweep", "-e", named, "--limit", "a,c")
    assert rest.returncode == 0, rest.stdout
    whole = fleet.statement()
    assert whole["complete"] and whole["totals"]["counts"]["destroyed"] == 6


def test_a_first_wave_that_cannot_be_reached_changes_nothing(fleet: Fleet) -> None:
    assert fleet.play("plan").returncode == 0
    fleet.lost = {"a"}
    done = fleet.play("sweep", "-e", f"disposal_plan_id={fleet.plan_id()}")
    assert done.returncode != 0 and "Run the sweep again once it can be reached" in done.stdout
    assert [len(fleet.old(host)) for host in HOSTS] == [2, 2, 2]
    assert not list((fleet.path / "disposal").glob("runs/*/statement.json"))


def refused(fleet: Fleet, words: str) -> None:
    """A sweep that says the words, and after which everything is as it was."""
    before = {path: path.read_bytes() for host in HOSTS for path in (fleet.path / host / "monitor").glob("**/*.wav")}
    done = fleet.play("sweep", "-e", f"disposal_plan_id={fleet.plan_id()}")
    told = " ".join(done.stdout.split())
    assert done.returncode != 0 and words in told, done.stdout
    assert {path: path.read_bytes() for host in HOSTS for path in (fleet.path / host / "monitor").glob("**/*.wav")} == before


def test_an_evidence_key_that_has_expired_is_noticed_before_anything_is_destroyed(fleet: Fleet) -> None:
    assert fleet.play("plan").returncode == 0
    signers = fleet.path / "allowed_signers"
    signers.write_text(signers.read_text().replace("namespaces=", 'valid-before="20260101",namespaces='))
    refused(fleet, "the evidence could not be sealed by robot@example.com, so nothing was done")


def test_a_signing_key_that_is_not_there_is_noticed_before_anything_is_destroyed(fleet: Fleet) -> None:
    assert fleet.play("plan").returncode == 0
    (fleet.path / "robot").rename(fleet.path / "elsewhere")
    refused(fleet, "is not a file; correct the path")


def test_a_plan_that_nobody_has_signed_says_so(fleet: Fleet) -> None:
    fleet.variables["disposal_approvals_required"] = 2
    assert fleet.play("plan").returncode == 0
    refused(fleet, "is not approved, nothing was done: ")
