# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Seal the ledger's head: its file, signature and time stamp beside the ledger."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import typing as t

from ..module_utils._errors import EvidenceError
from ..module_utils._evidence.clock import parse_time, time_text
from ..module_utils._evidence.sshsig import fits, read_signature
from ..module_utils._executor import Executor
from ._evidence_files import read_bytes
from ._ledger import Entry
from ._ledger_head import LedgerHead, head_of, head_path, kept_head_path, parse_head, require_clock, require_extension, signed_head
from ._sshsign import sign
from ._statement import NAMESPACE
from ._time_stamp import request_stamp, verify_stamp

__all__ = ["HeadSealer"]


@dataclasses.dataclass(slots=True)
class HeadSealer:
    """Writes the head of a ledger that the caller holds open.

    :ivar changed: a file was written, or would be in check mode.
    """

    ledger: str
    signing_key: str
    signer: str
    allowed_signers: str | None
    executor: Executor
    check_mode: bool
    now: str
    timestamp_url: str | None = None
    timestamp_ca: str | None = None
    changed: bool = False
    _fresh: bool = False

    @property
    def path(self) -> str:
        return head_path(self.ledger)

    def there(self, entries: t.Sequence[Entry]) -> LedgerHead | None:
        """The head that lies there, before anything is written.

        :raises EvidenceError: the ledger is not an extension of it, or it was changed.
        :raises RefusedError: it is of later than now.
        """
        if not os.path.lexists(self.path):
            return None
        head = parse_head(read_bytes(self.path), self.path)
        require_extension(entries, head, self.path)
        return head

    def require_clock(self, entries: t.Sequence[Entry], there: LedgerHead | None) -> None:
        """That now is not before what was sealed last.

        :raises RefusedError: it is.
        """
        if entries:
            require_clock("the statement", self.now, entries[-1].time, f"line {len(entries)} of the ledger")
        if there is not None:
            require_clock("the ledger's head", self.now, there.time, f"the head over {there.size} lines")

    def seal(self, entries: t.Sequence[Entry], there: LedgerHead | None) -> dict[str, t.Any]:
        """The head over all lines, of which there is one at least, signed; a head that is there stays."""
        if there is not None and there.size == len(entries):
            head = there
        else:
            if there is not None:
                self._keep(there)
            head, self._fresh = head_of(entries, self.now), True
            self._write(self.path, head.data)
        self._sign(head)
        return {"path": self.path, "size": head.size, "merkle_root": head.root, "time": head.time}

    def _keep(self, head: LedgerHead) -> None:
        """A head with a time stamp goes on proving when its lines were there; the stamp moves last, so that no crash parts them."""
        kept = kept_head_path(self.ledger, head.size)
        if not os.path.lexists(f"{self.path}.tsr") or self.check_mode:
            return
        self._write(kept, head.data)
        self._write(f"{kept}.sig", read_bytes(f"{self.path}.sig"))
        self.executor.rename(f"{self.path}.tsr", f"{kept}.tsr")
        self.executor.sync_directory(os.path.dirname(kept))

    def _write(self, path: str, data: bytes) -> None:
        self.changed = True
        if not self.check_mode:
            self.executor.replace_file(path, [data])

    def _sign(self, head: LedgerHead) -> None:
        path = f"{self.path}.sig"
        if os.path.exists(path):
            with contextlib.suppress(EvidenceError):
                signature = read_bytes(path)
                if read_signature(signature).armor == signature:
                    self._verify(head, signature)
                    return
        self.changed = True
        if self.check_mode:
            return
        signature = sign(head.data, key=self.signing_key, namespace=NAMESPACE)
        self._verify(head, signature)
        self._write(path, signature)

    def _verify(self, head: LedgerHead, signature: bytes) -> None:
        if self.allowed_signers is None:
            if not fits(head.data, signature, namespace=NAMESPACE):
                raise EvidenceError(f"{self.path}.sig does not fit the ledger's head; seal again")
            return
        at = parse_time(head.time)
        signed_head(head.data, signature, allowed_signers=self.allowed_signers, signer=self.signer, at=at)

    def stamp(self) -> dict[str, t.Any] | None:
        """The head's time stamp, the one that is there if it is good; none where none is asked for, or in check mode if it would be made.

        :raises EvidenceError: there is none and none can be had, or the one that is there is not good; what was sealed stays.
        """
        if self.timestamp_url is None or self.timestamp_ca is None:
            return None
        path = f"{self.path}.tsr"
        if self.check_mode and (self._fresh or not os.path.lexists(path)):
            self.changed = True
            return None
        data = read_bytes(self.path)
        if not os.path.lexists(path):
            try:
                stamp = request_stamp(data, url=self.timestamp_url, ca_file=self.timestamp_ca, now=parse_time(self.now))
            except EvidenceError as error:
                raise EvidenceError(
                    f"the run is sealed, and the ledger's head has no time stamp: {error.message}; then seal again, which stamps it"
                ) from error
            self._write(path, stamp)
        try:
            moment = verify_stamp(data, read_bytes(path), ca_file=self.timestamp_ca)
        except EvidenceError as error:
            if error.details.get("fault") == "no_tool":
                raise
            raise EvidenceError(
                f"{path} {error.message}, so it was changed, or timestamp_ca is not that of its authority; "
                "put it back from a copy, or move it away and seal again, which has the head stamped anew"
            ) from error
        return {"path": path, "time": time_text(moment)}
