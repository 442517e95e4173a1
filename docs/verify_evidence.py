# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verify the evidence of a run that destroyed recordings, with this file, Python 3.9 or later and ssh-keygen alone.

The directory of a run holds
  statement.json       what became of the recordings on each host, and the digests of the files below; statement.json.sig signs it
  manifest.json        the plan; manifest.json.NAME.sig is the signature of each person who approved it
  journals/HOST.jsonl  what a host wrote before and after each act, a record in each line, which names the digest of the line before
  statement-N.json     a statement that a later one replaced; N is its line in the ledger, counted from 0
The ledger, one for all runs, has a line for each statement, chained like a journal. A proof shows that the record of one recording set
is in the statement; where the directory holds no more than the statement and its signature, only these and the proof are verified.

Prints what passed, what is wrong, and what was not checked. Ends with 0 if all is valid, 1 if not, 2 if it could not begin.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import datetime as dt
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import typing as t

Record = dict[str, t.Any]
TYPES = {"_type": "https://in-toto.io/Statement/v1", "predicateType": "urn:recordings.disposal:evidence:1"}
EVIDENCE, PLAN, NO_HEAD = "evidence@recordings.disposal", "plan@recordings.disposal", "sha256:" + 64 * "0"
OUTCOMES, LEVELS = ("destroyed", "not_destroyed", "unknown"), {"none": 0, "clear": 1, "purge": 2, "destroy": 3}
CLOCKS, SET, CHAIN = dt.timedelta(minutes=5), "set class rule members bytes ", {"seq", "prev", "time", "type"}
FIELDS = {  # what each type of record may have besides its number, link, time and type
    **{"open": "format run host plan collection identifiers approvals manifest policy author keys", "resume": "torn pending policy"},
    "intent": SET + "method start keep_until destroy_by aside marks serial steps row plan preconditions opened reached level standard",
    **{"outcome": SET + "outcome level technique scheme reason proof", "erased": "set outcome reason proof", "step": "set step told"},
    "close": "counts bytes interruptions",
}
OPTIONAL = {"open": "keys", "intent": "serial steps row plan preconditions opened reached level standard"}  # of these, what only some have
UNSEEN, GIVEN = ("classes", "other_policies", "reasons", "torn"), "approvals collection created manifest previous"
NOT_CHECKED = (
    "when the signatures were made: they hold no time, and time stamps were not read, so keys were judged by what statement and journals tell",
    "whether the hosts told the truth: a journal shows what a host wrote, and that nobody changed it since it was sealed",
    "whether each set was in its host's plan, of which only digest and size are here; what is told of classes, reasons, policies, torn lines",
)


class Fault(Exception):
    """What is wrong, in one sentence that names the place."""


def require(holds: object, fault: str) -> None:
    if not holds:
        raise Fault(fault)


def sha256(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def digest(data: bytes) -> str:
    return "sha256:" + sha256(data).hex()


def moment(text: str) -> dt.datetime:
    return dt.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S" + (".%fZ" if "." in text else "Z")).replace(tzinfo=dt.timezone.utc)


def canonical(value: t.Any) -> bytes:
    """The only form in which evidence is written: keys in order, no spaces, UTF-8; bytes of a name that are not UTF-8 are escapes."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode(errors="backslashreplace")


def parse(data: bytes, place: str) -> Record:
    """A file or a line that is a JSON object in canonical form, with whole numbers only, and a newline."""
    try:
        value: Record = json.loads(data.decode(), parse_float=str, parse_constant=str)
    except (RecursionError, ValueError) as error:
        raise Fault(f"{place} was changed after it was written: it cannot be read ({error})") from error
    require(isinstance(value, dict) and canonical(value) + b"\n" == data, f"{place} was changed after it was written: not canonical")
    return value


def chained(path: pathlib.Path, name: str, *, allow_torn: bool = False) -> t.Iterator[tuple[str, bytes, Record]]:
    """Place, bytes and record of each line of a file in which every line names the digest of the line before it."""
    head, count = NO_HEAD, 0
    with path.open("rb") as file:
        for raw in file:
            if allow_torn and (b"\0" in raw or not raw.endswith(b"\n")) and not file.read(1):  # by a crash, which also leaves zeros
                return
            place = f"{name} line {count + 1}"
            record = parse(raw, place)
            same = record.get("prev") == head and repr(record.get("seq")) == str(count)  # by repr, since true equals 1 otherwise
            require(same, f"{place} does not name digest and number of the line before it: lines were changed or moved")
            yield place, raw[:-1], record
            head, count = digest(raw[:-1]), count + 1


def root(leaves: list[bytes]) -> bytes:
    """The Merkle tree of RFC 9162, section 2.1.1; its left half has the largest power of two of leaves that is smaller than all."""
    if len(leaves) < 2:
        return leaves[0] if leaves else sha256()
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return sha256(b"\1", root(leaves[:half]), root(leaves[half:]))


def root_by_path(leaf: bytes, index: int, size: int, path: list[bytes]) -> bytes:
    """The root of the tree of size leaves whose leaf index is leaf; path has the nodes beside its way up."""
    require(bool(path) == (size > 1), "the proof's path is of another length")
    if size == 1:
        return leaf
    half = 1 << (size - 1).bit_length() - 1
    if index < half:
        return sha256(b"\1", root_by_path(leaf, index, half, path[:-1]), path[-1])
    return sha256(b"\1", path[-1], root_by_path(leaf, index - half, size - half, path[:-1]))


def ssh_keygen(action: str, path: pathlib.Path, at: dt.datetime, signers: str, *more: str, data: bytes = b"") -> str:
    """What ssh-keygen says of the signature at path; times in signers, the file of those who may sign, are UTC."""
    command = ["ssh-keygen", "-Y", action, f"-Overify-time={at:%Y%m%d%H%M%S}", "-f", signers, "-s", str(path), *more]
    done = subprocess.run(command, input=data, capture_output=True, env={**os.environ, "TZ": "UTC0", "LC_ALL": "C"}, check=False)
    return (done.stdout if done.returncode == 0 else b"no: " + done.stderr).decode(errors="replace").strip()


def signing_key(data: bytes, path: pathlib.Path, who: str, namespace: str, at: dt.datetime, signers: str) -> str:
    """The fingerprint of the key with which who signed, one that they might sign with at that time."""
    # Byte for byte what ssh-keygen writes (PROTOCOL.sshsig): it would read others, with spaces and parts that mean nothing.
    signature = path.read_bytes()
    blob = base64.b64decode(b"".join(signature.split(b"\n")[1:-2]))
    lines = re.sub(rb"(.{70})(?=.)", rb"\1\n", base64.b64encode(blob))
    same = signature == b"-----BEGIN SSH SIGNATURE-----\n%b\n-----END SSH SIGNATURE-----\n" % lines and blob.startswith(b"SSHSIG\0\0\0\1")
    after_key = blob[14 + int.from_bytes(blob[10:14], "big") :]
    known = [b"".join(len(part).to_bytes(4, "big") + part for part in (namespace.encode(), b"", each)) for each in (b"sha256", b"sha512")]
    require(same and after_key.startswith(tuple(known)), f"{path.name} is not a signature for {namespace} as ssh-keygen writes it")
    said = ssh_keygen("verify", path, at, signers, "-I", who, "-n", namespace, data=data)
    found = re.fullmatch(rf'Good "{re.escape(namespace)}" signature for {re.escape(who)} with \S+ key (SHA256:\S+)', said)
    require(found, f"{path.name} is no valid signature of {who} for {namespace} as of {at:%Y-%m-%dT%H:%M:%SZ}: {said}")
    return found[1] if found else ""


class Journal:
    """The journal of one host: what each record may say where it stands, and what the statement must say of all of them."""

    def __init__(self, path: pathlib.Path, host: str, part: Record, expected: Record) -> None:
        self.path, self.place = path, f"journals/{host}.jsonl"
        self.expected = {**expected, "format": "recordings.disposal/journal/1", "host": host, "plan": part["plan"]["digest"]}
        # The first record; sets that are begun, each with the best outcome that the lines before let it have; sets that have theirs.
        self.opening, self.begun, self.done = Record(), dict[str, str](), set[str]()
        self.told: Record = {"records": 0, "interruptions": 0, "closed": False, "bytes": {"destroyed": 0}}
        self.told["counts"] = dict.fromkeys(OUTCOMES, 0)

    def require(self, holds: object, fault: str) -> None:
        require(holds, f"{self.place} {fault}")

    def read(self, leaves: list[bytes], sealed: dict[int, str]) -> None:
        """Read it to its end; sealed are the heads that statements name, by the number of lines up to each."""
        told, most = self.told, max(sealed, default=0)
        for place, line, record in chained(self.path, self.place, allow_torn=True):
            self.place = place
            self.require(moment(record["time"]) and not told["closed"], "stands after the end of the run")
            kind, fields = record["type"], set(FIELDS[record["type"]].split())
            unknown, lacking = sorted(record.keys() - CHAIN - fields), sorted(fields - record.keys() - set(OPTIONAL.get(kind, "").split()))
            self.require(not lacking, f"({kind}) lacks {lacking}")
            self.require(not unknown, f"({kind}) has fields that are not known here, and may mean anything: {unknown}")
            self.take(kind, record)
            if kind == "outcome":
                leaves.append(sha256(b"\0", line))
            told["records"], told["head"] = told["records"] + 1, digest(line)
            self.require(sealed.get(told["records"], told["head"]) == told["head"], "is not the line that a statement sealed")
        self.require(told["records"] >= most, f"is followed by nothing, and a statement sealed {most} lines")

    def take(self, kind: str, record: Record) -> None:
        self.told["interruptions"] += kind == "resume"
        name = record.get("set", "the run")
        self.require(name and isinstance(name, str) and name not in self.done, f"({kind}) is about set {name!r}, which is no new one")
        self.require((kind == "open") != bool(self.opening), "opens the run a second time, or stands before it was opened")
        if kind == "open":
            for key, value in self.expected.items():
                self.require(record[key] == value, f"names the {key} {record[key]!r}, not {value!r}: it is of another run or host")
            self.opening, self.told["run"] = record, record["run"]
        elif kind == "close":
            told, found = ([one[key] for key in ("counts", "bytes", "interruptions")] for one in (record, self.told))
            self.require(canonical(told) == canonical(found), f"ends the run with {told}, and the lines before it add up to {found}")
            self.require(not self.begun, f"ends the run while {len(self.begun)} sets are begun and have no outcome")
            self.told["closed"] = True
        elif kind == "intent":
            self.begun.setdefault(name, "destroyed")
        elif kind in ("step", "erased"):
            self.require(name in self.begun, f"({kind}) is about set {name}, which no line before it announced")
            self.begun[name] = record["outcome"] if kind == "erased" else self.begun[name]
        elif kind == "outcome":
            outcome, size, level, best = record["outcome"], record["bytes"], record["level"], self.begun.pop(name, "nothing")
            self.require(outcome in OUTCOMES and repr(size).isdecimal(), "is of a form that is not known")
            if outcome == "destroyed":
                self.require(best == "destroyed", f"claims set {name} as destroyed, and the lines before it say {best}")
                self.require(record["proof"], f"claims set {name} as destroyed without proof")
                enough = LEVELS[level["achieved"]] >= max(LEVELS[level["required"]], LEVELS["clear"])
                self.require(enough, f"claims set {name} as destroyed at a level that falls short: {level!r}")
                self.told["bytes"]["destroyed"] += size
            self.told["counts"][outcome] += 1
            self.done.add(name)


class Verifier:
    """Verifies what lies in one directory; passed, faults and unchecked are what there is to say."""

    def __init__(self, directory: str, signers: str, signer: str, now: dt.datetime) -> None:
        self.directory, self.signers, self.signer, self.now = pathlib.Path(directory), signers, signer, now
        self.passed, self.faults, self.unchecked = list[str](), list[str](), list(NOT_CHECKED)

    @contextlib.contextmanager
    def step(self, at: Journal | str) -> t.Iterator[None]:
        """Keep what is wrong, and go on with the next step."""
        try:
            yield
        except Fault as fault:
            self.faults.append(str(fault))
        except (AttributeError, LookupError, OSError, RecursionError, TypeError, ValueError) as error:
            self.faults.append(f"{getattr(at, 'place', at)} cannot be read, or is of another form ({type(error).__name__}: {error})")

    def verify(self, ledger: str | None, proof: str | None) -> None:
        with self.step("statement.json"):
            statement = parse(data := (self.directory / "statement.json").read_bytes(), "statement.json")
            require({**statement, **TYPES} == statement and len(statement) == 4, "statement.json is of a type that is not known")
            self.signed(self.directory / "statement.json", data, moment(statement["predicate"]["created"]), self.signer)
            replaced = self.in_ledger(pathlib.Path(ledger), statement) if ledger else []
            self.unchecked += [] if ledger else ["the ledger, which was not given: this may not be the last statement of its run"]
            if proof:
                self.proven(pathlib.Path(proof), statement["predicate"], digest(data))
            if proof and not any((self.directory / name).exists() for name in ("journals", "manifest.json")):
                self.unchecked.append("manifest, journals, totals and approvals, since they are not here")
            else:
                with self.step("manifest.json, or what statement.json says of it,"):
                    self.contents(statement, replaced)
            self.unchecked += [f"as the statement says: {words}" for words in statement["predicate"]["not_checked"]]

    def signed(self, name: pathlib.Path, data: bytes, at: dt.datetime, who: str) -> None:
        path = name.with_name(f"{name.name}.sig")
        with self.step(path.name):
            key = signing_key(data, path, who, EVIDENCE, at, self.signers)
            require(at <= self.now + CLOCKS, f"{name.name} was made at {at}, which has not come yet by the clock here")
            self.passed.append(f"{name.name} is signed by {who} with key {key}, which was valid then")

    def in_ledger(self, ledger: pathlib.Path, statement: Record) -> list[Record]:
        """Whether the ledger names the statement as the last of its run; returns what those say that it replaced."""
        replaced: list[Record] = []
        with self.step(str(ledger)):
            lines = [record for _place, _line, record in chained(ledger, str(ledger))]
            with self.step(ledger.with_suffix(".head.json").name):
                self.head(ledger, lines)
            own = [line for line in lines if line["run"] == statement["predicate"]["run"]]
            require(own, f"{ledger} names no statement of this run, {statement['predicate']['run']}")
            names = [*(f"statement-{line['seq']}.json" for line in own[:-1]), "statement.json"]
            for name, line in zip(names, own):
                data, place = (self.directory / name).read_bytes(), f"{ledger} line {line['seq'] + 1}"
                require(digest(data) == line["statement"], f"{name} is not the statement that {place} names")
                told = parse(data, name)["predicate"]
                known = {**line, "prev": told["previous"] or NO_HEAD, "run": told["run"], "time": told["created"]}
                require(line == known and len(line) == 5, f"{place} says {line}, and {name} confirms {known}")
                if line is not own[-1]:
                    self.signed(self.directory / name, data, moment(told["created"]), self.signer)
                    replaced.append(told)
            strays = {path.name for path in self.directory.glob("statement-[0-9]*.json")} - set(names)
            require(not strays, f"{', '.join(sorted(strays))}: no line of {ledger} names it for this run")
            self.passed.append(f"{ledger} is an unbroken chain, and line {own[-1]['seq'] + 1} of {len(lines)} names statement.json")
        return replaced

    def head(self, ledger: pathlib.Path, lines: list[Record]) -> None:
        """Without the ledger's head, lines could be missing at its end; it is signed by whoever sealed last."""
        path = ledger.with_suffix(".head.json")
        self.unchecked += [f"{each.name}, a head that was kept" for each in sorted(path.parent.glob(f"{ledger.stem}.head-[1-9]*.json"))]
        data, leaves = path.read_bytes(), [sha256(b"\0", canonical(line)) for line in lines]
        at = json.loads(data)["time"]
        known = {"format": "recordings.disposal/ledger-head/1", "size": len(lines), "head": digest(canonical(lines[-1])), "time": at}
        known["merkle_root"] = "sha256:" + root(leaves).hex()
        require(data == canonical(known) + b"\n", f"{ledger} line {len(lines)} is not the last one of those that {path.name} is over")
        told = path.with_name(f"{path.name}.sig"), moment(at), self.signers
        mine = ssh_keygen("verify", *told, "-I", self.signer, "-n", EVIDENCE, data=data).startswith("Good")
        self.signed(path, data, moment(at), self.signer if mine else ssh_keygen("find-principals", *told).split(",")[0])

    def contents(self, statement: Record, replaced: list[Record]) -> None:
        """Manifest, journals, totals and approvals."""
        data = (self.directory / "manifest.json").read_bytes()
        require(digest(data) == statement["predicate"]["manifest"], "manifest.json is not the one that statement.json names")
        manifest = parse(data, "manifest.json")
        require(re.fullmatch("recordings.disposal/(media-)?manifest/1", manifest["format"]), "manifest.json is of another form")
        sealed: dict[str, dict[int, str]] = {}
        for host, told in (item for one in (*replaced, statement["predicate"]) for item in one["hosts"].items()):
            sealed.setdefault(host, {})[int(told["records"])] = told["head"]
        journals, leaves, faults = dict[str, Journal](), list[bytes](), len(self.faults)
        expected = {"manifest": digest(data), "policy": manifest["policy"]["digest"], "author": manifest["author"]}
        names = {path.name for path in (self.directory / "journals").iterdir()} | {f"{host}.jsonl" for host in sealed}
        for host, name in sorted((name.removesuffix(".jsonl"), name) for name in names):
            with self.step(f"journals/{name}"):
                require(host != name and host in manifest["hosts"], f"journals/{name} belongs to no host of the manifest")
                journal = Journal(self.directory / "journals" / name, host, manifest["hosts"][host], expected)
                with self.step(journal):
                    journal.read(leaves, sealed.get(host, {}))
                journals.update({host: journal} if journal.opening else {})
        require(len(self.faults) == faults, "statement.json says totals and approvals that such journals do not confirm")
        self.passed.append(f"journals of {', '.join(journals)} are unbroken chains of this run")
        self.totals(statement, {host: journal.told for host, journal in journals.items()}, leaves, manifest)
        self.approved({host: journal.opening for host, journal in journals.items()}, manifest, data, statement["predicate"]["approvals"])

    def totals(self, statement: Record, hosts: dict[str, Record], leaves: list[bytes], manifest: Record) -> None:
        """Whether the statement says what manifest and journals add up to."""
        says = {**statement["predicate"], "subject": statement["subject"]}
        due = {host: part["verdicts"]["due"]["sets"] for host, part in manifest["hosts"].items()}
        missing = sorted(host for host in due if due[host] and host not in hosts)
        ended = all(told["closed"] and sum(told["counts"].values()) == due[host] for host, told in hosts.items())
        names = [*(f"journals/{host}.jsonl" for host in hosts), "manifest.json"]
        counts = {outcome: sum(told["counts"][outcome] for told in hosts.values()) for outcome in OUTCOMES}
        found = {
            "subject": [{"name": name, "digest": {"sha256": sha256((self.directory / name).read_bytes()).hex()}} for name in names],
            "hosts": {host: {**{key: says["hosts"].get(host, {}).get(key) for key in UNSEEN}, **told} for host, told in hosts.items()},
            "totals": {"counts": counts, "bytes": {"destroyed": sum(told["bytes"]["destroyed"] for told in hosts.values())}},
            **{"run": manifest["plan_id"], "policy": manifest["policy"], "author": manifest["author"], "complete": ended and not missing},
            **{"merkle_root": "sha256:" + root(leaves).hex(), "tree_size": len(leaves), "missing_hosts": missing},
            **{name: [str(words) for words in says[name]] for name in ("not_checked", "problems")},  # sentences, whatever they say
        }
        wrong = [name for name in says | found if name not in GIVEN.split() and canonical(says.get(name)) != canonical(found.get(name))]
        self.faults += [f"statement.json says of {name}: {says.get(name)}, and here is {found.get(name)}" for name in wrong]
        self.passed += [] if wrong else [f"{len(names)} digests, {counts}, bytes, Merkle root over {len(leaves)} outcomes are right"]

    def approved(self, openings: dict[str, Record], manifest: Record, data: bytes, says: list[Record]) -> None:
        """Whether each host began with approvals that counted then: enough, of distinct persons with keys of their own, and no author."""
        named, author, times, told = set[tuple[str, str]](), manifest["author"], set[dt.datetime](), list[Record]()
        for host, opening in openings.items():
            place, began = f"journals/{host}.jsonl line 1", moment(opening["time"])
            require(moment(manifest["created"]) - CLOCKS <= began < moment(manifest["expires"]), f"{place} began at a time not of the plan")
            approvals = {(item["principal"], item["key"]) for item in opening["approvals"]}
            require(len(approvals) >= manifest["approvals_required"], f"{place} names fewer approvals than the plan needs")
            named, times, told = named | approvals, times | {began}, told + opening["approvals"]
        found: list[Record] = [{"principal": who, "key": key, "namespace": PLAN} for who, key in sorted(named)]
        for each in found:
            looked = [set(map(canonical, item.get("training", ()))) for item in told if item["key"] == each["key"]]
            each.update({"training": [json.loads(one) for one in sorted(set[bytes]().union(*looked))]} if all(looked) else {})
        require(says == found, f"statement.json has other approvals than the journals, which have {found}")
        self.unchecked.append("training of those who approved" if named else "approvals: the run began without any, and needed none")
        shared = re.search(rb'(?im)^(?![ \t]*#)[ \t]*("[^"]*[*?]|\S*[*?]|.*cert-authority)', pathlib.Path(self.signers).read_bytes())
        require(not (named and shared), f"{self.signers} has a pattern or a cert-authority, by which one key signs as several persons")
        for who, key in sorted(named):
            path = self.directory / f"manifest.json.{who}.sig"
            with self.step(path.name):
                keys = {signing_key(data, path, who, PLAN, time, self.signers) for time in (min(times), max(times))}
                require(keys == {key}, f"{path.name} is signed with {keys}, and journals name an approval with {key}")
                # A key of the author's stays theirs when it may not be used any more.
                said = ssh_keygen("verify", path, min(times), self.signers, "-I", author, "-n", PLAN, data=data)
                own = re.search("^Good|has expired|not yet valid|not permitted", said) or who.casefold() == author.casefold()
                require(not own, f"{path.name} is signed by the plan's author {author}, who does not count")
                self.passed.append(f"{path.name} is an approval of manifest.json by {who} with key {key}, which was valid then")
        alone = len({who.casefold() for who, _key in named}) == len({key for _who, key in named}) == len(named)
        require(alone, f"manifest.json was approved twice by one person, or with one key: {sorted(named)}")

    def proven(self, path: pathlib.Path, told: Record, statement: str) -> None:
        """Whether the record in a proof is the leaf of the statement's tree that the proof says."""
        with self.step(path.name):
            proof = parse(path.read_bytes(), path.name)
            line, index, size, host = proof["record"].encode(), proof["leaf_index"], told["tree_size"], proof["host"]
            nodes = [bytes.fromhex(each[7:]) for each in proof["path"]]
            confirmed = {key: proof[key] for key in ("host", "set", "record", "leaf_index")}
            confirmed.update(format="recordings.disposal/proof/1", run=told["run"], statement=statement, tree_size=size)
            confirmed.update(merkle_root=told["merkle_root"], path=[f"sha256:{each.hex()}" for each in nodes])
            require(canonical(proof) == canonical(confirmed), f"{path.name} is no proof for this statement, which confirms {confirmed}")
            record = parse(line + b"\n", f"{path.name} record")
            same = (record["type"], record["set"]) == ("outcome", proof["set"]) and record.keys() == CHAIN | set(FIELDS["outcome"].split())
            require(same, f"{path.name} record is not the outcome of its set, or has fields that are not known here")
            counts = {name: sum(entry["counts"].values()) for name, entry in told["hosts"].items()}
            first = sum(counts[name] for name in counts if name < host)  # leaves of a host follow those of the hosts before it
            require(repr(index).isdecimal() and first <= index < first + counts[host], f"{path.name} leaf_index is not one of {host}")
            found = "sha256:" + root_by_path(sha256(b"\0", line), index, size, nodes).hex()
            require(found == told["merkle_root"], f"{path.name} does not lead to the Merkle root of statement.json")
            self.passed.append(f"{path.name}: set {proof['set']} on {host} is {record['outcome']}, by leaf {index} of {size}")


def main(arguments: list[str] | None = None, now: dt.datetime | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", metavar="RUN_DIRECTORY")
    parser.add_argument("--allowed-signers", required=True, metavar="FILE", help="who may sign, in OpenSSH's form; its times are UTC")
    parser.add_argument("--signer", required=True, metavar="NAME", help="who signs the evidence")
    parser.add_argument("--ledger", metavar="FILE")
    parser.add_argument("--proof", metavar="FILE")
    told = parser.parse_args(arguments)
    if not shutil.which("ssh-keygen") or not os.path.isdir(told.directory):
        parser.error(f"ssh-keygen is not installed, or {told.directory} is no directory")
    verifier = Verifier(told.directory, told.allowed_signers, told.signer, now or dt.datetime.now(dt.timezone.utc))
    verifier.verify(told.ledger, told.proof)
    for word, sentences in (("ok", verifier.passed), ("FAULT", verifier.faults), ("not checked", verifier.unchecked)):
        for sentence in sentences:
            print(f"{word}: " + "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in sentence))
    print("NOT VALID" if verifier.faults else "valid")
    return int(bool(verifier.faults))


if __name__ == "__main__":
    raise SystemExit(main())
