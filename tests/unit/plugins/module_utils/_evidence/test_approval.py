# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Approvals: what does not count and why, before what does."""

from __future__ import annotations

import json
import pathlib
import subprocess
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._errors import EvidenceError, RefusedError
from ansible_collections.recordings.disposal.plugins.module_utils._evidence import approval as module
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.approval import (
    Approval,
    ApprovalState,
    check_approvals,
    manifest_digest,
    read_manifest,
    require_approval,
)
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.canonical import canonical
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.sshsig import verify
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._evidence.evidence_world import (
    NOW,
    PLAN,
    Keys,
    fields,
    manifest_bytes,
)

ANNA, BOB, EWA = "anna@example.com", "bob@example.com", "ewa@example.com"


@pytest.fixture
def keys(tmp_path: pathlib.Path) -> Keys:
    return Keys(tmp_path)


class Board:
    """A manifest, signers and signatures, to be changed before they are judged."""

    def __init__(self, keys: Keys, **changes: t.Any) -> None:
        self.keys = keys
        self.manifest = manifest_bytes(**changes)
        self.signers = "".join(keys.line(f"{name}@example.com", name) for name in ("anna", "bob", "ewa"))
        self.signatures: list[dict[str, str]] = []

    def sign(self, principal: str, key: str, *, data: bytes | None = None, namespace: str = "plan@recordings.disposal") -> Board:
        signature = self.keys.sign(self.manifest if data is None else data, key, namespace)
        self.signatures.append({"principal": principal, "signature": signature})
        return self

    def judge(self, *, required: int = 0, now: int = NOW, **options: t.Any) -> ApprovalState:
        return check_approvals(self.manifest, self.signatures, allowed_signers=self.signers, required=required, now=now, **options)

    def refused(self, *, required: int = 0, now: int = NOW) -> str:
        with pytest.raises(RefusedError) as caught:
            require_approval(self.manifest, self.signatures, allowed_signers=self.signers, required=required, now=now)
        assert caught.value.details["approval"]["approved"] is False
        assert caught.value.message.startswith("the plan is not approved, nothing was done: ")
        return caught.value.message.partition("nothing was done: ")[2]


@pytest.fixture
def board(keys: Keys) -> Board:
    return Board(keys)


def test_nobody(board: Board) -> None:
    assert board.refused() == "2 approvals needed, none counts"


def test_one_signer_twice(board: Board) -> None:
    board.sign(ANNA, "anna").sign(ANNA, "anna")
    assert board.refused() == f"2 approvals needed, 1 counts ({ANNA}); {ANNA} signed more than once, which counts once"


def test_one_signer_with_two_keys(board: Board, keys: Keys) -> None:
    board.signers += keys.line(ANNA, "anna2")
    board.sign(ANNA, "anna").sign(ANNA, "anna2")
    assert f"{ANNA} signed more than once" in board.refused()


def test_one_signer_under_two_spellings(board: Board, keys: Keys) -> None:
    board.signers += keys.line("Anna@Example.com", "anna2")
    board.sign(ANNA, "anna").sign("Anna@Example.com", "anna2")
    assert "signed more than once" in board.refused()


@pytest.mark.parametrize("listed", ["bob@example.com", "carl@example.com,bob@example.com"])
def test_one_key_under_two_names(keys: Keys, listed: str) -> None:
    board = Board(keys, author="zoe@example.org")
    board.signers = keys.line(ANNA, "anna") + keys.line(listed, "anna")
    board.sign(ANNA, "anna").sign(BOB, "anna")
    assert board.refused() == f"2 approvals needed, 1 counts ({ANNA}); {BOB} signed with a key that {ANNA} uses too, which counts once"


@pytest.mark.parametrize(
    "listed", ["*", "*@example.com", "carl@example.com,?ob@example.com", '"*"', "!anna@example.com,*@example.com", "a\v,*"]
)
def test_a_pattern_for_names(board: Board, keys: Keys, listed: str) -> None:
    """However well the others signed: the author's own key might be under the pattern."""
    board.signers += "# people\n\n" + keys.line(listed, "zoe")
    board.sign(ANNA, "anna").sign(BOB, "bob")
    names = listed.strip('"')
    words = f"line 6 of allowed_signers has the pattern {names!r}, under which one key signs as several people; write each person's name"
    assert board.refused() == f"2 approvals needed, none counts; {words}"


@pytest.mark.parametrize(
    "options",
    ["cert-authority", "CERT-AUTHORITY", 'namespaces="plan@recordings.disposal",cert-authority', 'namespaces="a, \\"b",Cert-Authority'],
)
def test_a_certificate_authority(board: Board, keys: Keys, options: str) -> None:
    board.signers += keys.line("carl@example.com", "ca", options)
    board.sign(ANNA, "anna").sign(BOB, "bob")
    words = "line 4 of allowed_signers is a cert-authority, whose holder signs as several people; list each person's own key"
    assert board.refused() == f"2 approvals needed, none counts; {words}"


def test_two_people_by_one_certificate_authority(keys: Keys) -> None:
    """What is refused is real: ssh-keygen takes both for good, each with a key of their own."""
    board = Board(keys, author="zoe@example.org")
    board.signers = keys.line("*@example.com", "ca", "cert-authority")
    for principal, name in ((ANNA, "k1"), (BOB, "k2")):
        public = keys.path(name) + ".pub"
        subprocess.run(["ssh-keygen", "-q", "-s", keys.path("ca"), "-I", name, "-n", principal, public], check=True)
        path = keys.path(name) + "-cert.pub"
        done = subprocess.run(
            ["ssh-keygen", "-q", "-Y", "sign", "-f", path, "-n", PLAN], input=board.manifest, check=True, capture_output=True
        )
        signature = done.stdout.decode("ascii")
        board.signatures.append({"principal": principal, "signature": signature})
        found = verify(board.manifest, signature.encode(), allowed_signers=board.signers, principal=principal, namespace=PLAN)
        assert found.principal == principal
    told = board.refused()
    assert told.startswith("2 approvals needed, none counts; line 1 of allowed_signers has the pattern '*@example.com'")
    assert "; line 1 of allowed_signers is a cert-authority" in told


def test_stars_elsewhere_are_no_patterns_for_names(board: Board, keys: Keys) -> None:
    board.signers = "# * cert-authority\n" + keys.line(f'"{ANNA}"', "anna", 'namespaces="plan@*,cert-authority"')
    board.signers += f"  {BOB} {keys.public('bob')} * cert-authority?\n"
    assert board.sign(ANNA, "anna").sign(BOB, "bob").judge().approved


def test_a_pattern_in_a_plan_that_needs_nobody(keys: Keys) -> None:
    board = Board(keys, approvals_required=0)
    board.signers += keys.line("*", "zoe")
    state = board.sign(ANNA, "anna").judge()
    assert state.approved and state.approvals == [] and "line 4 of allowed_signers has the pattern" in state.sentence()


def test_a_chain_of_shared_keys_is_one_person(board: Board, keys: Keys) -> None:
    board.signers += keys.line(ANNA, "shared") + keys.line(BOB, "shared")
    board.sign(ANNA, "anna").sign(ANNA, "shared").sign(BOB, "shared").sign(BOB, "bob")
    state = board.judge()
    assert (state.approved, len(state.approvals), state.missing) == (False, 1, 1)


def test_the_author(board: Board) -> None:
    board.sign(ANNA, "anna").sign(EWA, "ewa")
    assert board.refused() == f"2 approvals needed, 1 counts ({ANNA}); {EWA} is the plan's author, who does not count"


@pytest.mark.parametrize("options", ["", 'valid-before="20200101"', 'valid-after="20300101"', 'namespaces="evidence@recordings.disposal"'])
def test_the_author_s_key_under_another_name(board: Board, keys: Keys, options: str) -> None:
    board.signers = keys.line(ANNA, "anna") + keys.line(EWA, "ewa", options) + keys.line(BOB, "ewa")
    board.sign(ANNA, "anna").sign(BOB, "ewa")
    told = board.refused()
    assert told.startswith(f"2 approvals needed, 1 counts ({ANNA}); {BOB}: the key SHA256:")
    assert told.endswith(f"is also that of the plan's author {EWA}, so it does not count")


def test_another_manifest(board: Board) -> None:
    board.sign(ANNA, "anna").sign(BOB, "bob", data=manifest_bytes(plan_id="another"))
    told = board.refused()
    assert told.startswith(f"2 approvals needed, 1 counts ({ANNA}); {BOB}: the signature does not fit the text")


def test_another_namespace(board: Board) -> None:
    board.sign(ANNA, "anna", namespace="evidence@recordings.disposal").sign(BOB, "bob")
    assert f"1 counts ({BOB}); {ANNA}: the signature is for the namespace 'evidence@recordings.disposal'" in board.refused()


def test_a_key_outside_its_validity_and_an_unknown_one(board: Board, keys: Keys) -> None:
    board.signers = keys.line(ANNA, "anna", 'valid-before="20261101"')
    board.sign(ANNA, "anna").sign(BOB, "bob")
    told = board.refused()
    assert f"{ANNA}: signed with key {keys.fingerprint('anna')}, which is outside its validity" in told
    assert f"{BOB}: signed with key {keys.fingerprint('bob')}, which allowed_signers does not list" in told
    assert told.startswith("2 approvals needed, none counts; ")


def test_no_signers_at_all(board: Board) -> None:
    board.signers = ""
    board.sign(ANNA, "anna").sign(BOB, "bob")
    assert board.refused().startswith("2 approvals needed, none counts; ")


def test_the_stricter_number_wins(board: Board) -> None:
    board.sign(ANNA, "anna").sign(BOB, "bob")
    assert board.refused(required=3) == f"3 approvals needed, 2 count ({ANNA}, {BOB})"
    assert board.judge(required=-5).required == 2


@pytest.mark.parametrize("now", [NOW + 7 * 86400, NOW + 10**9])
def test_an_expired_plan_however_well_signed(board: Board, now: int) -> None:
    board.sign(ANNA, "anna").sign(BOB, "bob")
    told = board.refused(now=now)
    assert "2 count" in told
    assert "the plan expired on 2026-11-30T20:00:00Z and it is 20" in told
    state = board.judge(now=now)
    assert (state.approved, state.missing) == (False, 0)
    assert board.judge(now=now, expiry=False).approved


def test_an_expired_plan_that_needs_nobody(keys: Keys) -> None:
    assert "the plan expired" in Board(keys, approvals_required=0).refused(now=NOW + 10**8)


def test_a_clock_that_is_behind(board: Board) -> None:
    board.sign(ANNA, "anna").sign(BOB, "bob")
    assert "the plan was made on 2026-11-23T20:00:00Z and the clock here says 2025-" in board.refused(now=NOW - 365 * 86400)


WRONG: list[tuple[t.Callable[[bytes], bytes], str]] = [
    (lambda data: b"", "cannot be read"),
    (lambda data: b"[" * 100000, "cannot be read"),
    (lambda data: data.rstrip(b"\n"), "not canonical JSON and a newline"),
    (lambda data: data + b"\n", "not canonical JSON and a newline"),
    (lambda data: json.dumps(json.loads(data), indent=2).encode(), "not canonical JSON and a newline"),
    (lambda data: b"[]\n", "not canonical JSON and a newline"),
    (lambda data: manifest_bytes(format="recordings.disposal/manifest/2"), "has the format 'recordings.disposal/manifest/2'"),
    (lambda data: manifest_bytes(author=" ", approvals_required=True, hosts=[]), "lacks or spoils author, approvals_required, hosts"),
    (lambda data: manifest_bytes(approvals_required=-1, policy={}), "lacks or spoils approvals_required, policy"),
    (lambda data: manifest_bytes(expires="tomorrow"), "expires cannot be read"),
]


@pytest.mark.parametrize(("spoil", "words"), WRONG)
def test_what_is_no_manifest(board: Board, spoil: t.Callable[[bytes], bytes], words: str) -> None:
    board.manifest = spoil(board.manifest)
    with pytest.raises(EvidenceError, match=words):
        board.judge()


@pytest.mark.parametrize("signatures", [[{"principal": ANNA}], ["text"], [{"principal": 1, "signature": "x"}]])
def test_what_is_no_list_of_signatures(board: Board, signatures: list[t.Any]) -> None:
    board.signatures = signatures
    with pytest.raises(EvidenceError, match="not a mapping with the texts principal and signature"):
        board.judge()


def test_a_flood_of_signatures(board: Board) -> None:
    board.signatures = [{"principal": ANNA, "signature": ""}] * (module.MOST_SIGNATURES + 1)
    with pytest.raises(EvidenceError, match="are more than 64"):
        board.judge()


def test_a_name_that_is_none_does_not_stop_the_others(board: Board) -> None:
    board.sign("an\u202ena", "anna").sign(ANNA, "anna").sign(BOB, "bob")
    state = board.judge()
    assert state.approved
    assert state.problems == ["'an\\u202ena' is no name of a signer; use the name from allowed_signers, such as anna@example.com"]


def test_without_ssh_keygen_it_is_an_error_not_a_refusal(board: Board, monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    board.sign(ANNA, "anna")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EvidenceError, match="openssh-client"):
        board.judge()


def test_two_people_approve(board: Board, keys: Keys) -> None:
    board.sign(BOB, "bob").sign(ANNA, "anna").sign(EWA, "ewa")
    state = board.judge(required=1)
    approvals = [Approval(ANNA, keys.fingerprint("anna")), Approval(BOB, keys.fingerprint("bob"))]
    assert (state.approved, state.required, state.missing) == (True, 2, 0)
    assert state.approvals == approvals
    assert state.problems == [f"{EWA} is the plan's author, who does not count"]
    assert require_approval(board.manifest, board.signatures, allowed_signers=board.signers, required=0, now=NOW) == approvals
    assert state.as_dict()["approvals"][0] == {
        "principal": ANNA,
        "key": keys.fingerprint("anna"),
        "namespace": "plan@recordings.disposal",
    }


def test_a_plan_that_needs_nobody(keys: Keys) -> None:
    assert Board(keys, approvals_required=0).judge().approved


def test_the_manifest_is_digested_as_it_is() -> None:
    data = manifest_bytes()
    assert read_manifest(data) == fields()
    assert manifest_digest(data) != manifest_digest(canonical(fields()))
