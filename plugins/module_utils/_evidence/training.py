# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who was trained for which role, and when: signed records, and whether a person's signature or act counts by them.

Judged alike on the controller and on every host, for approvals, destruction records and custody.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import re
import typing as t

from .._errors import EvidenceError, RefusedError
from .canonical import canonical, digest
from .clock import is_time, parse_time, time_text
from .sshsig import check_principal, shared_lines, verify

__all__ = ["FORMAT", "MOST_BYTES", "NAMESPACE", "ROLES", "TrainingRecord", "Trainings", "read_record", "same_name", "trainings_of"]

FORMAT = "recordings.disposal/training/1"
NAMESPACE = "training@recordings.disposal"
ROLES = ("operator", "approver", "witness", "auditor")
MOST_BYTES = 1 << 16
_MOST_RECORDS = 10_000
_MOST_TOLD = 3

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)
_KEYS = {
    "": {
        *("format", "principal", "name", "role", "issuer", "issued", "valid_from", "valid_until"),
        *("language", "course", "bank", "test", "collection"),
    },
    "course": {"id", "edition", "digest"},
    "bank": {"id", "edition", "digest"},
    "test": {"seed", "questions", "right", "pass_mark", "answers"},
}
_LANGUAGES = ("en", "pl")
_TEXTS = ("principal", "name", "issuer", "collection")
_TIMES = ("issued", "valid_from", "valid_until")


@dataclasses.dataclass(frozen=True)
class TrainingRecord:
    """What a record says; whether its signature is good is not known yet.

    :ivar file: its name, for sentences.
    """

    file: str
    digest: str
    principal: str
    name: str
    role: str
    issuer: str
    issued: str
    valid_from: str
    valid_until: str

    def named(self) -> dict[str, str]:
        """How evidence names it."""
        return {"record": self.digest, "until": self.valid_until}


def same_name(one: str, other: str) -> bool:
    """Whether two names of persons are the same, however they are spaced and capitalised."""
    return " ".join(one.split()).casefold() == " ".join(other.split()).casefold()


def read_record(data: bytes, file: str) -> TrainingRecord:
    """A record, whose bytes must be canonical JSON and a newline.

    :raises EvidenceError: it is none; the sentence begins with C(file).
    """
    try:
        record = json.loads(data) if len(data) <= MOST_BYTES else None
        same = isinstance(record, dict) and canonical(record) + b"\n" == data
    except (ValueError, RecursionError):
        same = False
    if not same or record is None:
        raise EvidenceError(f"{file} is not a training record in canonical form, so it is none, or was changed; issue it again")
    fault = _fault(record)
    if fault:
        raise EvidenceError(f"{file} is not a training record as this version knows it: {fault}; issue it again")
    told = {key: record[key] for key in ("principal", "name", "role", "issuer", *_TIMES)}
    return TrainingRecord(file=file, digest=digest(data), **told)


def _fault(record: t.Mapping[str, t.Any]) -> str:
    """What is wrong with a record's form; empty where nothing is."""
    for part, keys in _KEYS.items():
        value = record[part] if part else record
        if not isinstance(value, dict) or set(value) != keys:
            return f"{part or 'it'} has other keys than {', '.join(sorted(keys))}"
    if record["format"] != FORMAT:
        return f"its format is {record['format']!r}, not {FORMAT}"
    if record["role"] not in ROLES:
        return f"its role is {record['role']!r}, not one of {', '.join(ROLES)}"
    blank = [key for key in _TEXTS if not isinstance(record[key], str) or not record[key].strip()]
    blank += [f"{part}.{key}" for part in ("course", "bank") for key in ("id", "edition") if not _is_text(record[part][key])]
    blank += [key for key in _TIMES if not is_time(record[key])]
    blank += [] if record["language"] in _LANGUAGES else ["language"]
    test = record["test"]
    blank += [f"test.{key}" for key in ("questions", "right", "pass_mark") if not _is_number(test[key])]
    blank += [f"{part}.digest" for part in ("course", "bank") if not _is_digest(record[part]["digest"])]
    blank += [] if _is_digest(test["answers"]) else ["test.answers"]
    blank += [] if _is_text(test["seed"]) else ["test.seed"]
    if blank:
        return f"{', '.join(blank)} cannot be read"
    issued, since, until = (parse_time(record[key]) for key in _TIMES)
    if not issued <= since < until:
        return "it was not issued before it begins, or ends before it begins"
    passed = (
        0 < test["pass_mark"] <= 100 and test["right"] <= test["questions"] and test["right"] * 100 >= test["pass_mark"] * test["questions"]
    )
    return "" if passed and test["questions"] else "its score does not reach its pass mark"


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_digest(value: object) -> bool:
    return isinstance(value, str) and _DIGEST.fullmatch(value) is not None


class Trainings:
    """The records that were given; each is verified when somebody's depends on it.

    :arg records: each with C(file), and the texts C(record) and C(signature).
    :arg signers: text of the file of those who may sign them.
    :ivar problems: a sentence for each that is no record.
    """

    def __init__(self, records: t.Sequence[t.Mapping[str, str]], signers: str) -> None:
        if len(records) > _MOST_RECORDS:
            raise EvidenceError(f"{len(records)} training records are more than {_MOST_RECORDS}; move those away that ended long ago")
        self.problems: list[str] = []
        self._signers = signers
        self._shared = shared_lines(signers)
        self._data: dict[str, tuple[bytes, bytes]] = {}
        self._faults: dict[str, str] = {}
        self._keys: dict[str, str] = {}
        self.records: list[TrainingRecord] = []
        for given in records:
            self._take(given)

    def _take(self, given: t.Mapping[str, str]) -> None:
        if not isinstance(given, dict) or not all(isinstance(given.get(key), str) for key in ("file", "record", "signature")):
            raise EvidenceError("a training record is not a mapping with the texts file, record and signature; name the directory instead")
        data = given["record"].encode("utf-8", "surrogateescape")
        try:
            record = read_record(data, given["file"])
        except EvidenceError as error:
            self.problems.append(error.message)
            return
        self._data[record.digest] = data, given["signature"].encode("utf-8", "surrogateescape")
        self.records.append(record)

    def fault(self, record: TrainingRecord) -> str:
        """Why a record does not count whenever it is; empty where it does.

        :raises EvidenceError: C(ssh-keygen) cannot be used.
        """
        if self._shared:
            return self._shared[0]
        if record.digest not in self._faults:
            self._faults[record.digest] = self._verified(record)
        return self._faults[record.digest]

    def _verified(self, record: TrainingRecord) -> str:
        data, signature = self._data[record.digest]
        if record.issuer.casefold() == record.principal.casefold():
            return f"{record.issuer} issued it to themselves"
        told: dict[str, t.Any] = {"allowed_signers": self._signers, "namespace": NAMESPACE, "at": parse_time(record.issued)}
        try:
            check_principal(record.principal)
            if not signature:
                return f"{record.file}.sig is missing"
            self._keys[record.digest] = verify(data, signature, principal=record.issuer, **told).fingerprint
        except EvidenceError as error:
            if error.details.get("fault") == "no_tool":
                raise
            return error.message
        try:
            verify(data, signature, principal=record.principal, **told)
        except EvidenceError as error:
            if error.details.get("fault") not in ("expired", "not_yet_valid", "key_namespace"):
                return ""
        return f"the key of {record.issuer}, who issued it, is also that of {record.principal}"

    def counted(
        self, person: str, roles: t.Sequence[str], moments: t.Sequence[dt.datetime], *, key: str = "", by_name: bool = False
    ) -> list[dict[str, str]]:
        """The records by which a person's signature or act counts, one for each moment, each once.

        :arg person: principal.
        :arg by_name: it may be the name of one whom records name too, as people write it down who sign nothing.
        :arg roles: any of them is enough.
        :arg moments: at each of which one has to be valid.
        :arg key: fingerprint of the key that the person signed with.
        :raises RefusedError: at one of the moments there is none; the sentence names person, role and date.
        """
        found: dict[str, dict[str, str]] = {}
        for moment in moments:
            record = self._valid(person, self._own(person, by_name=by_name), roles, moment, key)
            found[record.digest] = record.named()
        return [found[each] for each in sorted(found, key=lambda each: (found[each]["until"], each))]

    def principals(self, person: str) -> set[str]:
        """Whom a name, or a principal, may mean."""
        return {record.principal for record in self._own(person, by_name=True)}

    def _own(self, person: str, *, by_name: bool) -> list[TrainingRecord]:
        """All records of a person, those under another name included."""
        principals = {record.principal for record in self.records if by_name and same_name(record.name, person)}
        if any(record.principal == person for record in self.records):
            principals = {person}
        return [record for record in self.records if record.principal in principals]

    def _valid(self, person: str, own: t.Sequence[TrainingRecord], roles: t.Sequence[str], moment: dt.datetime, key: str) -> TrainingRecord:
        principals = sorted({record.principal for record in own})
        why = [f"{' and '.join(principals)} have this name, so the principal has to stand there"] if len(principals) > 1 else []
        good: list[TrainingRecord] = []
        for record in own if not why else ():
            fault = self._fault_at(record, own, moment, roles, key)
            if fault:
                why.append(f"{record.file}: {fault}")
            else:
                good.append(record)
        if good:
            return max(good, key=lambda record: parse_time(record.valid_until))
        told = [*(why or ["there is no record of this person"]), *self.problems]
        rest = f"; and {len(told) - _MOST_TOLD} more" if len(told) > _MOST_TOLD else ""
        raise RefusedError(
            f"{person} has no valid training record as {' or '.join(roles)} on {time_text(moment)} ({'; '.join(told[:_MOST_TOLD])}{rest}), "
            "so this does not count; have the person trained, or another one do it"
        )

    def _fault_at(
        self, record: TrainingRecord, own: t.Sequence[TrainingRecord], moment: dt.datetime, roles: t.Sequence[str], key: str
    ) -> str:
        """Why a record does not count for these roles at that moment; empty where it does."""
        if record.role not in roles:
            return f"it is for the role {record.role}"
        fault = self.fault(record)
        if fault:
            return fault
        if moment < parse_time(record.valid_from):
            return f"it begins on {record.valid_from}"
        if moment >= parse_time(record.valid_until):
            return f"it expired on {record.valid_until}"
        if key and self._keys.get(record.digest) == key:
            return f"{record.issuer} issued it with the key that signs for {record.principal} here"
        newest = self._newest(own, moment)
        if newest is not None and not same_name(newest.name, record.name):
            return (
                f"it was issued to {record.name!a}, and {newest.file} calls {record.principal} {newest.name!a}, so it may be another person"
            )
        return ""

    def _newest(self, own: t.Sequence[TrainingRecord], moment: dt.datetime) -> TrainingRecord | None:
        """The record that was issued last by then, in whatever role, which tells what the person is called."""
        issued = [each for each in own if parse_time(each.issued) <= moment and not self.fault(each)]
        return max(issued, key=lambda each: (parse_time(each.issued), each.digest), default=None)


def trainings_of(params: t.Mapping[str, t.Any]) -> Trainings | None:
    """The records that a task was given; none where it was not asked to look.

    :raises RefusedError: only one of the two is given.
    """
    records, signers = params.get("training_records"), params.get("training_signers")
    if records is None and signers is None:
        return None
    if records is None or signers is None:
        raise RefusedError(
            "training_dir and training_signers_file belong together, and one of them is missing, so nothing was done; give both"
        )
    return Trainings(records, signers)
