# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The register with its log: check it, move media, reconcile it with the fleet, close hosts and batches."""

from __future__ import annotations

import collections
import datetime as dt
import json
import os
import typing as t

from ..module_utils._errors import DisposalError, EvidenceError, RefusedError
from ..module_utils._evidence.canonical import canonical, digest
from ..module_utils._evidence.chain import Record
from ..module_utils._evidence.clock import time_text
from ..module_utils._executor import Executor
from ..module_utils._media.serials import serial_key
from ._certified import certificate_of
from ._custody import Event
from ._evidence_files import read_bytes
from ._fleet import look_over
from ._reconcile import reconcile
from ._register import Change, Medium
from ._register_files import RegisterFile
from ._register_log import History, append_records, closed_record, moved_record, opening_record, read_log, reconciled_record
from ._register_states import FINAL, refusal

__all__ = ["Book"]

CLOSING = "recordings.disposal/closing/1"
# What a task's result repeats; the files have all of it.
_MOST = 100
_SETTLED_BY_ITS_END = ("missing", "swapped", "unseen")
_MOST_IN_A_SENTENCE = 20


class Book:
    """A register and its log, read and held against each other.

    :ivar pending: changes that the log has and the register does not show yet, since a run was cut off between the two.
    """

    def __init__(self, path: str, dest: str, *, executor: Executor, check_mode: bool, now: dt.datetime, collection: str) -> None:
        """Read both.

        :raises PolicyError: the register is not valid.
        :raises EvidenceError: the log is not, or the register shows what the log does not say.
        """
        self.dest, self.directory = dest, os.path.join(dest, "register")
        self.executor, self.check_mode, self.now, self.collection = executor, check_mode, now, collection
        self.file = RegisterFile(path)
        self.register = self.file.register
        self.log = read_log(os.path.join(self.directory, "log.jsonl"))
        self.pending: list[Change] = []
        self._agree()

    def _agree(self) -> None:
        media = self.register.media
        faults = [
            f"{history.serial} is {history.state} by the log and not in the register any more; put its entry back"
            for plain, history in self.log.media.items()
            if plain not in media
        ]
        for plain, medium in media.items():
            history = self._history(plain)
            shown = medium.state, medium.custody
            if shown == (history.state, history.shown):
                continue
            if history.events and shown == history.before:
                self.pending.append(Change(medium.serial, history.state, history.shown))
            else:
                faults.append(
                    f"{medium.serial} is {_shown(*shown)} in the register and {_shown(history.state, history.shown)} by the log, "
                    "which alone counts; write that, and record as an event what has happened"
                )
        if faults:
            raise EvidenceError(
                f"{self._name()} does not show what its log says, nothing was done: {_few(faults)}", details=_problems(faults)
            )

    def _name(self) -> str:
        return f"the register {self.file.path}"

    def _history(self, plain: str) -> History:
        return self.log.media.get(plain) or History(self.register.media[plain].serial)

    def _result(self, changed: bool, **more: t.Any) -> dict[str, t.Any]:
        states = self.register.states()
        for plain, medium in self.register.media.items():
            states[medium.state] -= 1
            states[self._history(plain).state] += 1
        return {"changed": changed, "media": len(self.register.media), "states": states, "log": self.log.as_dict(), **more}

    def current(self) -> list[tuple[Medium, str]]:
        """Every medium with its state by the log, which alone counts."""
        return [(medium, self._history(plain).state) for plain, medium in self.register.media.items()]

    def check(self) -> dict[str, t.Any]:
        """What the register holds, which is valid and shows what its log says."""
        return self._result(False, unfinished=len(self.pending))

    def move(self, event: Event) -> dict[str, t.Any]:
        """Record an event and have the register show it.

        :raises RefusedError: a medium is not registered, or may not come to that state; every one is named.
        """
        records = self._moves(event)
        if not self.check_mode:
            # First what was cut off: the register is never more than one event behind.
            self._finish()
            if records:
                self._keep_event(event)
                self._append(records)
                self._finish()
        return self._result(bool(records or self.pending), moved=len(records), unfinished=len(self.pending), event=event.digest)

    def _moves(self, event: Event) -> list[Record]:
        records: list[Record] = []
        faults: list[str] = []
        now = time_text(self.now)
        for serial in event.serials:
            plain = serial_key(serial)
            medium = self.register.media.get(plain)
            if medium is None:
                faults.append(f"{serial} is not in the register; correct the serial, or enter the medium first")
                continue
            history = self._history(plain)
            if event.digest in history.events:
                continue
            fault = self._refusal(event, medium, history)
            if fault:
                faults.append(f"{medium.serial} {fault}")
            records.append(moved_record(event, medium, history.state, now=now))
        if faults:
            raise RefusedError(f"no medium was moved: {_few(faults)}", details=_problems(faults))
        return records

    @staticmethod
    def _refusal(event: Event, medium: Medium, history: History) -> str:
        if event.time < history.time:
            return f"was moved at {history.time} already, after the event of {event.time}; correct the time"
        return refusal(
            history.state,
            event.to,
            reason=bool(event.reason),
            evidence=bool(event.evidence),
            verified=history.verified,
            level=medium.required_level,
        )

    def _keep_event(self, event: Event) -> None:
        """Keep what was signed, and the signatures, so that C(ssh-keygen -Y verify) can be asked at any time."""
        name = event.digest.removeprefix("sha256:")
        self._keep("events", name, event.data)
        for principal, signature in event.signatures.items():
            self._keep("events", f"{name}.{principal}.sig", signature.encode("utf-8", "surrogateescape"))

    def _keep(self, kind: str, name: str, data: bytes) -> str:
        path = self._kept(kind, name)
        try:
            self.executor.makedirs(os.path.dirname(path))
            self.executor.replace_file(path, [data])
        except OSError as error:
            raise DisposalError(f"{path} cannot be written ({error.strerror}), so nothing was recorded; make room and run again") from error
        return path

    def _kept(self, kind: str, name: str) -> str:
        return os.path.join(self.directory, kind, name)

    def _append(self, records: t.Sequence[Record]) -> None:
        first = [] if self.log.count else [opening_record(collection=self.collection, now=time_text(self.now))]
        append_records(self.log, [*first, *records], executor=self.executor)

    def _finish(self) -> None:
        """Have the register show what the log says."""
        changes = []
        for plain, medium in self.register.media.items():
            history = self._history(plain)
            if (medium.state, medium.custody) != (history.state, history.shown):
                changes.append(Change(medium.serial, history.state, history.shown))
        if changes:
            self.file.write(changes, executor=self.executor)
            self.file = RegisterFile(self.file.path)
            self.register = self.file.register

    def reconcile(self, results: t.Mapping[str, t.Any], hosts: t.Collection[str]) -> dict[str, t.Any]:
        """Hold the register against what hosts returned; all that it or the results name, unless C(hosts) does.

        Where something differs the result is that of a failure.
        """
        self._require_finished()
        named = hosts or {medium.host for medium in self.register.media.values() if medium.host} | set(results)
        if not named:
            raise RefusedError(
                "neither the register nor the results name a host, so nothing was reconciled; give the results of media_info"
            )
        report = reconcile(self.register, look_over(results, named))
        data = canonical(report) + b"\n"
        known = digest(data)
        new = ({self.log.reconciled.get(host) for host in report["hosts"]} or {self.log.last_report}) != {known}
        path = self._kept("reports", f"{known.removeprefix('sha256:')}.json")
        if new and not self.check_mode:
            self._keep("reports", os.path.basename(path), data)
            self._append([reconciled_record(hosts=report["hosts"], report=known, now=time_text(self.now))])
        findings = report["findings"]
        told = {
            "counts": report["counts"],
            "findings": [
                {**{key: row[key][:300] for key in ("finding", "serial", "told")}, "hosts": row["hosts"][:5]} for row in findings[:_MOST]
            ],
            "hosts": {"reported": len(report["hosts"]), "silent": len(report["silent"])},
            "report": {"path": path, "digest": known},
        }
        result = self._result(new, **told)
        if findings:
            counts = ", ".join(f"{count} {name}" for name, count in report["counts"].items() if count)
            sentences = [f"{row['serial']}: {row['told']}"[:300] if row["serial"] else row["told"][:300] for row in findings]
            result["msg"] = f"{self._name()} and the fleet differ ({counts}), all of it is in {path}: {_few(sentences)}"
        return result

    def _require_finished(self) -> None:
        if self.pending:
            names = ", ".join(change.serial for change in self.pending[:_MOST_IN_A_SENTENCE])
            raise RefusedError(f"{self._name()} does not show the last event of {names} yet; run the task that was cut off again")

    def close(self, *, hosts: t.Sequence[str], serials: t.Sequence[str], excuses: t.Sequence[Event]) -> dict[str, t.Any]:
        """Record that every medium of hosts, or of a batch, is accounted for.

        :raises RefusedError: one is not; every one is named.
        """
        self._require_finished()
        excused = {serial_key(serial): event for event in excuses for serial in event.serials}
        wanted, faults = self._scope(hosts, serials)
        accounted: dict[str, str] = {}
        certificates: dict[str, str] = {}
        for plain, serial in wanted.items():
            medium = self.register.media.get(plain)
            final = medium is not None and medium.state in FINAL
            certificate, why = certificate_of(self.dest, serial, self._history(plain).life) if final else ("", "")
            if medium is not None and certificate:
                accounted[serial], certificates[serial] = medium.state, certificate
            elif plain in excused:
                accounted[serial] = excused[plain].digest
            elif medium is not None and final:
                faults.append(f"{serial} is {medium.state} and {why}, and no signed reason names it")
            else:
                state = f"is {medium.state}" if medium else "is not in the register"
                faults.append(f"{serial} {state}, neither destroyed nor reused, and no signed reason names it")
        for finding in self._open_findings(hosts):
            plain = serial_key(finding["serial"])
            # One that answers somewhere, or is two, is not settled by what became of its entry.
            gone = finding["finding"] in _SETTLED_BY_ITS_END and wanted.get(plain) in accounted
            settled = plain in excused or gone
            if not plain or not settled:
                faults.append(f"{finding['serial'] or finding['hosts'][0]} is {finding['finding']}: {finding['told']}"[:500])
        if faults:
            raise RefusedError(
                f"not closed, {len(faults)} {'is' if len(faults) == 1 else 'are'} unaccounted for: {_few(faults)}",
                details={"unaccounted": [sentence[:300] for sentence in faults[:_MOST]], "unaccounted_count": len(faults)},
            )
        return self._closed(sorted(hosts), accounted, certificates, excuses)

    def _closed(
        self,
        hosts: t.Sequence[str],
        accounted: t.Mapping[str, str],
        certificates: t.Mapping[str, str],
        excuses: t.Sequence[Event],
    ) -> dict[str, t.Any]:
        closing = {
            "format": CLOSING,
            "hosts": {host: self.log.reconciled[host] for host in hosts},
            "media": dict(accounted),
            "certificates": dict(certificates),
            "reasons": sorted(event.digest for event in excuses),
        }
        data = canonical(closing) + b"\n"
        known = digest(data)
        path = self._kept("reports", f"{known.removeprefix('sha256:')}.json")
        new = known not in self.log.closed
        if new and not self.check_mode:
            for event in excuses:
                self._keep_event(event)
            self._keep("reports", os.path.basename(path), data)
            self._append([closed_record(report=known, now=time_text(self.now))])
        ways = collections.Counter(way if way in FINAL else "reason" for way in accounted.values())
        return self._result(new, closed={**dict.fromkeys((*FINAL, "reason"), 0), **ways}, report={"path": path, "digest": known})

    def _scope(self, hosts: t.Sequence[str], serials: t.Sequence[str]) -> tuple[dict[str, str], list[str]]:
        """Serials to be accounted for, by plain serial, and why that is not all."""
        media = self.register.media
        # Also what an entry says no more: who was in the host when it left service belongs to it.
        wanted = {plain: medium.serial for plain, medium in media.items() if {medium.host, *self._history(plain).hosts} & set(hosts)}
        wanted.update(
            (serial_key(serial), media[serial_key(serial)].serial if serial_key(serial) in media else serial) for serial in serials
        )
        for report in self._last_reports(hosts):
            # Who takes an entry out, or has it name another host, takes nothing out of what is to be accounted for.
            wanted.update((serial_key(serial), serial) for serial in self._registered(report, hosts) if serial_key(serial) not in wanted)
        blank = sum(not serial_key(serial) for serial in serials)
        never = [host for host in hosts if host not in self.log.reconciled]
        faults = [f"{host} was never reconciled, so nobody knows what was in it; do that first" for host in never]
        faults += ["a serial is blank; name the medium"] * bool(blank)
        wanted.pop("", None)
        if not wanted and not faults and not hosts:
            faults.append("no medium was named; give hosts or serials")
        return wanted, faults

    def _last_reports(self, hosts: t.Sequence[str]) -> t.Iterator[tuple[str, dict[str, t.Any]]]:
        """The last report of each of these hosts, with its digest.

        :raises EvidenceError: one is not what the log names.
        """
        for known in sorted({self.log.reconciled[host] for host in hosts if host in self.log.reconciled}):
            path = self._kept("reports", f"{known.removeprefix('sha256:')}.json")
            data = read_bytes(path)
            if digest(data) != known:
                raise EvidenceError(f"{path} is not what the log names, so it was changed; compare it with a copy, or reconcile again")
            yield known, json.loads(data)

    def _registered(self, report: tuple[str, dict[str, t.Any]], hosts: t.Iterable[str]) -> list[str]:
        """The media that a report has of those hosts that it is the last one of."""
        known, told = report
        return [serial for host in hosts if self.log.reconciled.get(host) == known for serial in told["registered"].get(host, ())]

    def _open_findings(self, hosts: t.Sequence[str]) -> t.Iterator[dict[str, t.Any]]:
        """What the last reconciliation of each host found there."""
        told: set[str] = set()
        for known, report in self._last_reports(hosts):
            for finding in report["findings"]:
                concerned = [host for host in finding["hosts"] if self.log.reconciled.get(host) == known and host in hosts]
                if concerned and finding["told"] not in told:
                    told.add(finding["told"])
                    yield finding


def _shown(state: str, custody: str) -> str:
    return f"{state} ({custody})" if custody else state


def _problems(faults: t.Sequence[str]) -> dict[str, t.Any]:
    return {"problems": [fault[:300] for fault in faults[:_MOST]]}


def _few(faults: t.Sequence[str]) -> str:
    rest = f" (and {len(faults) - _MOST_IN_A_SENTENCE} more)" if len(faults) > _MOST_IN_A_SENTENCE else ""
    return "; ".join(faults[:_MOST_IN_A_SENTENCE]) + rest
