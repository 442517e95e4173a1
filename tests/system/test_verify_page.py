# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page on verifying with stock tools, each line as it stands, in a root directory that has these tools and nothing else: no Python, no network."""

from __future__ import annotations

import json
import os
import pathlib
import re
import shutil
import subprocess
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._evidence.canonical import canonical, digest
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.merkle import MerkleTree, inclusion_proof, leaf_hash
from ansible_collections.recordings.disposal.tests.system.loop_bed import need
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._evidence.evidence_world import destroy
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.run_world import RunWorld, rechain
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.stamp_authority import Authority

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "verify.md"
TOOLS = (
    *("sh", "grep", "sed", "awk", "openssl", "ssh-keygen"),
    *("base64", "basename", "basenc", "cat", "cut", "date", "head", "ls", "mktemp", "mv", "sha256sum", "sort", "tail", "tr", "uniq", "wc"),
)
SEARCHED = "/usr/sbin:/usr/bin:/sbin:/bin"


def steps() -> dict[str, str]:
    """The blocks of code below each heading, in order."""
    found: dict[str, str] = {}
    heading = ""
    for match in re.finditer(r"^## ([^\n]*)$|^```(\w*)\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL):
        if match[1]:
            heading = match[1]
        else:
            assert match[2] == "sh", f"a block below {heading!r} is no shell"
            found[heading] = found.get(heading, "") + match[3]
    return found


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A root directory with the page's tools, the libraries that they load, and what every system has."""
    need("unshare", "chroot", "mount", "ldd", *TOOLS)
    root = tmp_path_factory.mktemp("root")
    for name in ("bin", "tmp", "dev", "etc", "work"):
        (root / name).mkdir(parents=True)
    files = {pathlib.Path(str(shutil.which(tool, path=SEARCHED))): root / "bin" / tool for tool in TOOLS}
    for source, target in files.items():
        shutil.copy2(source.resolve(), target)
        told = subprocess.run(["ldd", str(source.resolve())], capture_output=True, text=True, check=True).stdout
        for library in re.findall(r"(/\S+) \(0x", told):
            where = root / library.lstrip("/")
            where.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(os.path.realpath(library), where)
    # The package openssl has it, and openssl ts does nothing without it.
    told = subprocess.run(["openssl", "version", "-d"], capture_output=True, text=True, check=True).stdout
    settings = pathlib.Path(told.split('"')[1], "openssl.cnf")
    (root / settings.relative_to("/")).parent.mkdir(parents=True)
    shutil.copy2(settings.resolve(), root / settings.relative_to("/"))
    (root / "etc" / "passwd").write_text("root:x:0:0:root:/:/bin/sh\n", encoding="ascii")
    (root / "dev" / "null").touch()
    assert not list(root.rglob("*python*"))
    return root


class Bench:
    """Evidence in the root directory, under the names that the page has."""

    def __init__(self, root: pathlib.Path, path: pathlib.Path) -> None:
        self.root = root
        self.work = root / "work"
        shutil.rmtree(self.work)
        self.work.mkdir()
        self.world = RunWorld(path)
        self.authority: Authority | None = None
        self.proof = b""

    def evidence(self) -> pathlib.Path:
        """Where the run lies as the page sees it, put there anew from the world."""
        top = self.work / "demo-run"
        shutil.rmtree(top, ignore_errors=True)
        shutil.copytree(self.world.state, top / "disposal")
        for other in (top / "disposal" / "runs").iterdir():
            if other.name != self.world.run.name:
                shutil.rmtree(other)
        (top / "allowed_signers").write_text(self.world.signers, encoding="utf-8")
        if self.authority is not None:
            shutil.copy(self.authority.ca_file, top / "authority.pem")
        if not self.proof:
            self.proof = canonical(prove(self.world, self.world.statement()["predicate"]["tree_size"] // 2)) + b"\n"
        proof = top / "disposal" / "proofs" / self.world.run.name / "0123456789abcdef" / "proof.json"
        proof.parent.mkdir(parents=True)
        proof.write_bytes(self.proof)
        return top

    def run(self) -> tuple[int, str, str]:
        """Exit status, the step that was reached, and what was said."""
        marked = [f"echo '@ {heading}'\n{block}" for heading, block in steps().items()]
        (self.work / "page.sh").write_text("".join(marked), encoding="utf-8")
        # A shell of its own for the mount, which ends with it; the page runs where nothing of this machine is in reach.
        inside = 'mount --bind /dev/null "$1/dev/null" && exec chroot "$1" /bin/sh -c "cd /work && exec sh -eu page.sh"'
        command = ["unshare", "--mount", "--net", "sh", "-c", inside, "sh", str(self.root)]
        environment = {"PATH": f"/bin:{SEARCHED}"}
        done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=300)
        reached = re.findall(r"^@ (.*)$", done.stdout, re.MULTILINE)
        return done.returncode, reached[-1] if reached else "", done.stdout + done.stderr


def prove(world: RunWorld, number: int) -> dict[str, t.Any]:
    lines = [
        (path.stem, line)
        for path in sorted(world.run.glob("journals/*.jsonl"), key=lambda path: path.stem)
        for line in path.read_bytes().split(b"\n")[:-1]
        if json.loads(line)["type"] == "outcome"
    ]
    hashes = [leaf_hash(line) for _host, line in lines]
    host, line = lines[number]
    return {
        "format": "recordings.disposal/proof/1",
        "run": world.run.name,
        "statement": digest((world.run / "statement.json").read_bytes()),
        "host": host,
        "set": json.loads(line)["set"],
        "record": line.decode(),
        "leaf_index": number,
        "tree_size": len(hashes),
        "merkle_root": world.statement()["predicate"]["merkle_root"],
        "path": inclusion_proof(hashes, number, len(hashes)),
    }


@pytest.fixture
def bench(root: pathlib.Path, tmp_path: pathlib.Path) -> Bench:
    return Bench(root, tmp_path)


def whole(bench: Bench) -> None:
    bench.world.swept().seal()


def trained(bench: Bench) -> None:
    """Hosts that looked at training: one approval by one record, the other by two on one host, of which the other host found one."""
    one, two, three = (
        {"record": digest(name), "until": f"202{number}-02-01T09:00:00Z"} for number, name in enumerate((b"1", b"2", b"3"), 7)
    )
    anna, bob = bench.world.approvals
    bench.world.sweep("rec1", approvals=[{**anna, "training": [one]}, {**bob, "training": [two, three]}])
    bench.world.sweep("rec2", approvals=[{**anna, "training": [one]}, {**bob, "training": [two]}])
    bench.world.seal()


def trained_in_part(bench: Bench) -> None:
    """One host looked at training and the other did not, so the statement names none."""
    told = [{**each, "training": [{"record": digest(b"1"), "until": "2027-02-01T09:00:00Z"}]} for each in bench.world.approvals]
    bench.world.sweep("rec1", approvals=told)
    bench.world.sweep("rec2")
    bench.world.seal()


def replaced(bench: Bench) -> None:
    """Cut off twice and sealed each time, with another run between, and a time stamp on the ledger's head."""
    world = bench.world
    world.sweep("rec1", until=1)
    journal = world.journal_path("rec1")
    journal.write_bytes(journal.read_bytes() + b'{"bytes":160044,"cla')
    world.seal()
    other = RunWorld(world.state.parent / "other", plan_id="2026-11-24-aaaa").swept()
    other.ledger = world.ledger
    other.seal()
    world.sweep("rec1", until=2)
    world.seal()
    world.swept().seal()
    bench.authority = Authority(world.state.parent / "authority")
    head = world.ledger.with_name("ledger.head.json")
    stamp = bench.authority.reply(bench.authority.query(head.read_bytes()))
    head.with_name("ledger.head.json.tsr").write_bytes(stamp)


def unfinished(bench: Bench) -> None:
    """Cut off, with zeros where a block was not written, and a set by its plain name, which is not even UTF-8."""
    world = bench.world
    world.sweep("rec1", until=1)
    with world.open_journal("rec1") as journal:
        destroy(journal, 'zażółć "gęślą" \\ jaźń \udcff.wav')
    path = world.journal_path("rec1")
    path.write_bytes(path.read_bytes() + 40 * b"\0")
    world.journal_path("rec3").write_bytes(b"")
    world.seal()


def test_what_the_page_has() -> None:
    assert list(steps()) == [
        "What is verified",
        "1. The statement is signed",
        "2. The files are those that the statement names",
        "3. Each journal is of this run",
        "4. Each journal is an unbroken chain",
        "5. The records follow the rules, and the totals are right",
        "6. The Merkle tree over all outcomes",
        "7. The plan was approved",
        "8. The ledger has the statement as the last of its run",
        "9. One recording set",
    ]


@pytest.mark.parametrize("build", [whole, replaced, unfinished, trained, trained_in_part])
def test_good_evidence_passes_every_step(bench: Bench, build: t.Callable[[Bench], None]) -> None:
    build(bench)
    bench.evidence()
    assert bench.world.verify().valid
    status, reached, said = bench.run()
    assert (status, reached) == (0, "9. One recording set"), said
    predicate = bench.world.statement()["predicate"]
    assert f'"merkle_root":"{predicate["merkle_root"]}"' in said
    assert (
        f'Good "evidence@recordings.disposal" signature for evidence@example.com with ED25519 key {bench.world.keys.fingerprint("evidence")}'
        in said
    )
    assert "FAILED" not in said
    if bench.authority is not None:
        assert "Verification: OK" in said


def changed(path: pathlib.Path, old: bytes, new: bytes, count: int = 1) -> None:
    data = path.read_bytes()
    assert old in data
    path.write_bytes(data.replace(old, new, count))


def lie(world: RunWorld, **lines: list[bytes]) -> None:
    """Journals of hosts with other lines, chained, counted and sealed as if nothing were."""
    statement = world.statement()
    told = statement["predicate"]
    for host, others in lines.items():
        data = rechain(others)
        world.journal_path(host).write_bytes(data)
        told["hosts"][host]["head"] = digest(data.splitlines()[-1])
        told["hosts"][host]["records"] = len(others)
        for item in statement["subject"]:
            if item["name"] == f"journals/{host}.jsonl":
                item["digest"]["sha256"] = digest(data)[7:]
    tree = MerkleTree()
    for path in sorted(world.run.glob("journals/*.jsonl"), key=lambda path: path.stem):
        for line in path.read_bytes().splitlines():
            if json.loads(line)["type"] == "outcome":
                tree.add(line)
    told["merkle_root"], told["tree_size"] = tree.root(), tree.size
    world.resign(statement)


def journal(world: RunWorld, host: str = "rec1") -> list[bytes]:
    return world.journal_path(host).read_bytes().splitlines()


def without(lines: list[bytes], kind: bytes) -> list[bytes]:
    at = next(index for index, line in enumerate(lines) if b'"type":"' + kind + b'"' in line)
    return lines[:at] + lines[at + 1 :]


def one_more_outcome(world: RunWorld) -> None:
    lines = journal(world)
    done = [line for line in lines if b'"type":"outcome"' in line]
    lie(world, rec1=[*lines[:-1], done[0], lines[-1]])


def outcomes_swapped(world: RunWorld) -> None:
    """The journal is another one, and the root that was."""
    root = world.statement()["predicate"]["merkle_root"]
    lines = journal(world)
    at = [index for index, line in enumerate(lines) if b'"type":"outcome"' in line][1:3]
    lines[at[0]], lines[at[1]] = lines[at[1]], lines[at[0]]
    lie(world, rec1=lines)
    statement = world.statement()
    statement["predicate"]["merkle_root"] = root
    world.resign(statement)


def of_another_host(world: RunWorld) -> None:
    lie(world, rec1=journal(world, "rec2"))


def chain_broken(world: RunWorld) -> None:
    """Sealed, with a good digest, by a signer who changed a line before."""
    path = world.journal_path("rec1")
    changed(path, b"brokerage", b"br0kerage")
    statement = world.statement()
    statement["subject"][0]["digest"]["sha256"] = digest(path.read_bytes())[7:]
    world.resign(statement)


def totals(world: RunWorld) -> None:
    statement = world.statement()
    statement["predicate"]["totals"]["bytes"]["destroyed"] += 1
    world.resign(statement)


def other(line: bytes, **fields: t.Any) -> bytes:
    return canonical({**json.loads(line), **fields})


def policy_renamed(statement: dict[str, t.Any]) -> dict[str, t.Any]:
    statement["predicate"]["policy"]["version"] = "2"
    return statement


def host_too_many(world: RunWorld) -> None:
    statement = world.statement()
    hosts = statement["predicate"]["hosts"]
    hosts["rec9"] = hosts["rec2"]
    world.resign(statement)


def yet_to_come(world: RunWorld) -> None:
    statement = world.statement()
    statement["predicate"]["created"] = "2999-01-01T00:00:00Z"
    world.resign(statement)


def words_replaced(world: RunWorld, name: str, value: object) -> None:
    statement = world.statement()
    statement["predicate"][name] = value
    world.resign(statement)


def head_yet_to_come(world: RunWorld) -> None:
    sealed, world.sealed_at = world.sealed_at, "2999-01-01T00:00:00Z"
    world.resign_head()
    world.sealed_at = sealed


LATER = b'{"seq":0,"time":"2026-11-23T22:00:01Z","type":"teleport"}'


def keys(world: RunWorld, principal: str, name: str, options: str) -> None:
    """Another line for a signer."""
    lines = [line for line in world.signers.splitlines(keepends=True) if not line.startswith(principal + " ")]
    world.signers = "".join(lines) + world.keys.line(principal, name, options)


PLAN = 'namespaces="plan@recordings.disposal"'
RUN, LEDGER = "1. The statement is signed", "8. The ledger has the statement as the last of its run"
FILES, ORIGIN, CHAIN = (
    "2. The files are those that the statement names",
    "3. Each journal is of this run",
    "4. Each journal is an unbroken chain",
)
RULES, TREE = "5. The records follow the rules, and the totals are right", "6. The Merkle tree over all outcomes"
APPROVED, PROOF = "7. The plan was approved", "9. One recording set"

BEFORE: list[tuple[str, str, t.Callable[[RunWorld], object]]] = [
    (RUN, "a byte of the statement", lambda world: changed(world.run / "statement.json", b'"complete":true', b'"complete":tru3')),
    (RUN, "no signature", lambda world: (world.run / "statement.json.sig").unlink()),
    (RUN, "a space in the signature", lambda world: changed(world.run / "statement.json.sig", b"\n", b" \n")),
    (
        RUN,
        "a signature for plans",
        lambda world: (world.run / "statement.json.sig").write_text(
            world.keys.sign((world.run / "statement.json").read_bytes(), "evidence")
        ),
    ),
    (RUN, "a key that had expired", lambda world: keys(world, "evidence@example.com", "evidence", 'valid-before="20261123"')),
    (RUN, "somebody else's key", lambda world: keys(world, "evidence@example.com", "eve", "")),
    (
        RUN,
        "a statement of a later form",
        lambda world: world.resign({**world.statement(), "predicateType": "urn:recordings.disposal:evidence:2"}),
    ),
    (RUN, "a statement that is yet to come", yet_to_come),
    (RUN, "a number for what was not checked", lambda world: words_replaced(world, "not_checked", 5)),
    (RUN, "a number among the problems", lambda world: words_replaced(world, "problems", ["x", 5])),
    (FILES, "a byte of a journal", lambda world: changed(world.journal_path("rec2"), b"brokerage", b"br0kerage")),
    (
        FILES,
        "a byte of the manifest",
        lambda world: changed(world.run / "manifest.json", b'"approvals_required":2', b'"approvals_required":0'),
    ),
    (FILES, "a journal is gone", lambda world: world.journal_path("rec2").unlink()),
    (FILES, "a journal more", lambda world: shutil.copy(world.journal_path("rec2"), world.journal_path("rec9"))),
    (FILES, "a hidden file", lambda world: (world.run / "journals" / ".rec1.jsonl").write_bytes(b"x\n")),
    (FILES, "an empty journal of no host", lambda world: world.journal_path("rec9").touch()),
    (FILES, "one host too many in the statement", host_too_many),
    (ORIGIN, "a journal of another host", of_another_host),
    (ORIGIN, "a journal of a later form", lambda world: lie(world, rec1=[other(journal(world)[0], format="x/2"), *journal(world)[1:]])),
    (ORIGIN, "another policy", lambda world: world.resign(policy_renamed(world.statement()))),
    (CHAIN, "a line that does not follow", chain_broken),
    (RULES, "destroyed unannounced", lambda world: lie(world, rec1=without(journal(world), b"intent"))),
    (RULES, "two outcomes", one_more_outcome),
    (RULES, "a record of a later kind", lambda world: lie(world, rec1=[*journal(world)[:1], LATER, *journal(world)[1:]])),
    (RULES, "a record after the end", lambda world: lie(world, rec1=[*journal(world), other(journal(world)[1], set="x")])),
    (RULES, "opened twice", lambda world: lie(world, rec1=[*journal(world)[:1], *journal(world)])),
    (RULES, "other totals", totals),
    (TREE, "outcomes in another order", outcomes_swapped),
    (APPROVED, "an approval is gone", lambda world: (world.run / "manifest.json.bob@example.com.sig").unlink()),
    (
        APPROVED,
        "an approval by somebody else",
        lambda world: (world.run / "manifest.json.bob@example.com.sig").write_text(world.keys.sign(world.data, "eve")),
    ),
    (APPROVED, "a key that expired before", lambda world: keys(world, "bob@example.com", "bob", 'valid-before="20261123"')),
    (APPROVED, "a pattern for names", lambda world: keys(world, "*@example.org", "eve", PLAN)),
    (APPROVED, "a pattern after blanks", lambda world: keys(world, "\t *@example.org", "eve", PLAN)),
    (APPROVED, "a pattern in quotes", lambda world: keys(world, '"eve x,*@example.org"', "eve", PLAN)),
    (APPROVED, "an authority", lambda world: keys(world, "eve@example.org", "eve", "cert-authority")),
    (APPROVED, "the author's own key", lambda world: keys(world, "ewa@example.com", "bob", PLAN)),
    (
        LEDGER,
        "a byte of the ledger",
        lambda world: changed(world.ledger, b'"time":"2026-11-23T23:00:00Z"', b'"time":"2026-11-23T23:00:01Z"'),
    ),
    (LEDGER, "a byte of the head", lambda world: changed(world.ledger.with_name("ledger.head.json"), b'"size":1', b'"size":2')),
    (LEDGER, "half a line of the ledger", lambda world: world.ledger.write_bytes(world.ledger.read_bytes() + b'{"prev"')),
    (LEDGER, "a head that is yet to come", head_yet_to_come),
    (LEDGER, "no head", lambda world: world.ledger.with_name("ledger.head.json").unlink()),
]


def test_damaged_evidence_stops_at_its_step(bench: Bench) -> None:
    whole(bench)
    bench.evidence()
    world, signers = bench.world, bench.world.signers
    good = {path: path.read_bytes() for path in world.state.rglob("*") if path.is_file()}
    for step, what, damage in BEFORE:
        damage(world)
        bench.evidence()
        status, reached, said = bench.run()
        assert status != 0 and reached == step, (what, status, said)
        assert not world.verify().valid, what
        for path in world.state.rglob("*"):
            if path.is_file() and path not in good:
                path.unlink()
        for path, data in good.items():
            path.write_bytes(data)
        world.signers = signers
    bench.evidence()
    status, _reached, said = bench.run()
    assert status == 0, said


@pytest.mark.parametrize(
    ("build", "other"),
    [
        (trained, lambda told: told[0].pop("training")),
        (trained, lambda told: told[0]["training"][0].update(until="2099-01-01T00:00:00Z")),
        (trained, lambda told: told[1]["training"].pop()),
        (whole, lambda told: told[1].update(training=[{"record": digest(b"1"), "until": "2027-02-01T09:00:00Z"}])),
        (trained_in_part, lambda told: told[0].update(training=[{"record": digest(b"1"), "until": "2027-02-01T09:00:00Z"}])),
    ],
)
def test_training_that_no_host_told_stops_at_the_approvals(
    bench: Bench, build: t.Callable[[Bench], None], other: t.Callable[[list[dict[str, t.Any]]], object]
) -> None:
    build(bench)
    statement = bench.world.statement()
    other(statement["predicate"]["approvals"])
    bench.world.resign(statement)
    bench.evidence()
    status, reached, said = bench.run()
    assert status != 0 and reached == APPROVED, said
    assert not bench.world.verify().valid


def test_what_was_replaced_must_be_there_and_nothing_missing(bench: Bench) -> None:
    replaced(bench)
    top = bench.evidence()
    run, ledger = top / "disposal" / "runs" / bench.world.run.name, top / "disposal" / "ledger.jsonl"

    def older_put_back() -> None:
        for suffix in ("", ".sig"):
            shutil.copy(run / f"statement-2.json{suffix}", run / f"statement.json{suffix}")

    damages: list[tuple[str, t.Callable[[], object]]] = [
        (LEDGER, (run / "statement-0.json").unlink),
        (LEDGER, lambda: changed(run / "statement-0.json.sig", b"A", b"B")),
        (LEDGER, lambda: shutil.copy(run / "statement-2.json", run / "statement-0.json")),
        (LEDGER, lambda: shutil.copy(run / "statement-2.json", run / "statement-7.json")),
        (LEDGER, lambda: ledger.write_bytes(b"".join(ledger.read_bytes().splitlines(keepends=True)[:-1]))),
        (LEDGER, lambda: ledger.write_bytes(b"".join(ledger.read_bytes().splitlines(keepends=True)[1:]))),
        (LEDGER, lambda: changed(ledger, b"2026-11-24-aaaa", b"2026-11-24-aaab")),
        (LEDGER, lambda: (top / "authority.pem").write_bytes(b"")),
        # Its journals are those of the newer one.
        (FILES, older_put_back),
    ]
    for step, damage in damages:
        damage()
        status, reached, said = bench.run()
        assert status != 0 and reached == step, (status, said)
        bench.evidence()


def test_no_other_record_is_proven(bench: Bench) -> None:
    whole(bench)
    (path,) = bench.evidence().glob("disposal/proofs/*/*/proof.json")
    proof, other = json.loads(path.read_bytes()), prove(bench.world, 0)
    for change in (
        {"record": other["record"]},
        {"leaf_index": 1},
        {"path": proof["path"][::-1]},
        {"path": proof["path"][:-1]},
        {"statement": "sha256:" + 64 * "0"},
        {"set": other["set"]},
        {"tree_size": 9},
        {"host": "rec2"},
        {"format": "recordings.disposal/proof/2"},
        {"merkle_root": "sha256:" + 64 * "0"},
        {"path": [*proof["path"], "x"]},
        {"note": "x"},
    ):
        path.write_bytes(canonical({**proof, **change}) + b"\n")
        status, reached, said = bench.run()
        assert status != 0 and reached == PROOF, (change, said)


def test_nothing_but_the_named_tools_is_in_reach(root: pathlib.Path) -> None:
    assert sorted(path.name for path in (root / "bin").iterdir()) == sorted(TOOLS)
    text = "\n".join(steps().values())
    assert "python" not in text and "jq" not in text.split()
