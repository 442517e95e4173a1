# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""ZFS native encryption: the dataset's key is wrapped anew with one that nobody keeps, and the key file that opened it before is destroyed.

ZFS keeps the wrapped key in the pool, where nobody can overwrite it in place. So both ends are cut: the wrapping key that people have opens what is
wrapped now no more, and is destroyed itself, since older blocks of the pool may still hold what it does open.
"""

from __future__ import annotations

import os
import typing as t

from .._errors import DisposalError, RefusedError
from .._executor import Executor
from .._media.tools import Answer, ask, failure, tell
from .backups import Backups, Read
from .erasable import KeyTarget, Note, Steps
from .files import destroy_noted, facts_of, proven_in, require_destroyable, require_plain
from .memory import look_in_memory, worst
from .preconditions import Gone, Precondition
from .recalled import Recalled, recalled_from
from .traces import Trace, no_stale_copy
from .zfs_listing import PROPERTIES, Dataset, group_of, key_path, new_key, opened_by, parse_datasets, strength_of

__all__ = ["ZfsDataset"]

LIMIT_NAMES = "ZFS leaves names of datasets and snapshots, their properties and sizes in the clear"
LIMIT_SENT = "copies that zfs send --raw has made keep the key as it was wrapped then, and were not looked for"
LIMIT_POOLS = "pools that are not imported were not looked at for datasets that the key file opens too"
_WRONG_KEY = "Incorrect key provided"
_UNLOADED = "Key already unloaded"
_KEY_BYTES = 4096


class _Copies(Backups):
    """Copies of the key files."""

    what, many, whose = "copy of the key", "copies of the key", "copy of this key"

    def __init__(self, places: t.Sequence[str] | None) -> None:
        super().__init__(places)
        self.keys: list[bytes] = []

    def sought(self, uuid: str) -> t.Hashable:
        return uuid, tuple(self.keys)

    def recognises(self, read: Read, uuid: str) -> bool:
        return read(0, _KEY_BYTES).strip() in [key.strip() for key in self.keys]


class ZfsDataset(KeyTarget):
    """One encryption root.

    :arg key_file: that opens it, where the dataset itself names none.
    :arg covers: other datasets with the same key that are meant too.
    :arg backups: places in which copies of the key may lie, C(None) where nobody has declared any.
    :arg scan: the whole block device below the key file is read for older copies of it.
    """

    kind = "zfs"

    def __init__(
        self,
        dataset: str,
        *,
        key_file: str | None = None,
        covers: t.Sequence[str] = (),
        backups: t.Sequence[str] | None = None,
        scan: bool = False,
        proc_root: str = "/proc",
    ) -> None:
        self.dataset, self.key_file, self.covers, self.scan, self.proc_root = dataset, key_file, list(covers), scan, proc_root
        self.name, self.size, self.limits = dataset, 0, [LIMIT_NAMES, LIMIT_SENT, LIMIT_POOLS]
        self.copies = _Copies(backups)
        self._proven: t.Mapping[str, str] = {}
        self._steps: set[str] = set()
        self._listed: dict[str, Dataset] | None = None
        self._recalled: Recalled | None = None
        if dataset.startswith("-") or "@" in dataset or "#" in dataset:
            raise RefusedError(f"{dataset} is no name of a dataset, so nothing was done; name a filesystem or volume")

    @property
    def subject(self) -> dict[str, t.Any]:
        return {"kind": self.kind, "dataset": self.dataset}

    def take_up(self, plan: t.Mapping[str, t.Any], steps: Steps) -> None:
        self._steps, self._proven = {step for step, _told in steps}, proven_in(steps)
        self._require_alone([each["path"] for each in (*plan["files"], *plan["copies"]) if os.path.lexists(each["path"])])

    def recall(self, plan: t.Mapping[str, t.Any], found: t.Sequence[Precondition], steps: Steps) -> bool:
        now = self._list().get(self.dataset)
        if now is None or not self._as_left(now, plan["guid"]):
            return False
        # Once its file is gone nobody can try the former key any more.
        if plan["files"] and "recalled" not in plan and all(step != "refused" for step, _told in steps):
            return False
        self._recalled = recalled_from(plan, found, steps)
        return self._recalled is not None

    def _as_left(self, found: Dataset, guid: str) -> bool:
        return found.guid == guid and found.root == self.dataset and not found.loaded and found.location == "prompt"

    def _list(self, *, fresh: bool = False) -> dict[str, Dataset]:
        """All datasets of the pool.

        :raises RefusedError: they cannot be listed.
        """
        if self._listed is None or fresh:
            pool = self.dataset.partition("/")[0]
            told = _get("filesystem,volume,snapshot,bookmark", "-r", pool=pool)
            if told.code != 0:
                raise RefusedError(
                    f"the datasets of {pool} cannot be listed ({failure(told)}), so nothing was done; import the pool, or correct the name"
                )
            self._listed = parse_datasets(told.text)
        return self._listed

    def _require_alone(self, paths: t.Sequence[str]) -> None:
        """:raises RefusedError: one of the files opens another dataset, of whatever pool, or that cannot be seen."""
        told = _get("filesystem,volume")
        if told.code != 0:
            raise RefusedError(
                f"the datasets of all pools cannot be listed ({failure(told)}), so whether another one needs the key file is not known and nothing "
                "was done; look at the pools"
            )
        for path, name in opened_by(paths, self.dataset, parse_datasets(told.text)):
            raise RefusedError(
                f"the file {path} also opens the dataset {name}, which names it as its keylocation, so nothing was done; "
                f"give {name} another key with zfs change-key, or destroy its key first"
            )

    def _look(self, *, fresh: bool = False) -> Dataset:
        """:raises RefusedError: it is no encryption root."""
        found = self._list(fresh=fresh).get(self.dataset)
        if found is None or found.kind not in ("filesystem", "volume"):
            raise RefusedError(f"there is no dataset {self.dataset}, so nothing was done; correct the name")
        if not found.encryption:
            raise RefusedError(f"{self.dataset} is not encrypted, so nothing was done; correct the name, or destroy the pool's media")
        if found.root != self.dataset:
            raise RefusedError(f"{self.dataset} has its key from {found.root}, so nothing was done; name that, and this one under covers")
        self.size = found.used
        return found

    def _key_files(self, found: Dataset) -> list[str]:
        """All that are named, each once."""
        named = [path for path in (key_path(found.location), self.key_file) if path is not None]
        return list(dict.fromkeys(os.path.normpath(path) for path in named))

    def require_ready(self) -> None:
        found = self._look()
        if self._recalled is not None:
            self._recalled.require_gone(each["path"] for kind in ("files", "copies") for each in self._recalled.earlier[kind])
            self.limits += [limit for limit in self._recalled.limits() if limit not in self.limits]
            return
        group = group_of(self.dataset, self._list())
        self._require_covered(group)
        if found.origin:
            raise RefusedError(
                f"{self.dataset} is a clone of {found.origin}, whose key ZFS does not change, so nothing was done; promote it, or destroy the pool's media"
            )
        mounted = [each.name for each in group if each.mounted]
        if mounted:
            raise RefusedError(f"{', '.join(mounted)} mounted, so nothing was done; stop what uses it and unmount it")
        if found.keyformat not in ("raw", "hex", "passphrase"):
            raise RefusedError(
                f"the key of {self.dataset} has the format {found.keyformat or 'none'}, which is not known here, so nothing was done"
            )
        files = self._key_files(found)
        for path in files:
            self.copies.keys.append(_content(path))
            require_destroyable(path, "the key file")
        if not found.loaded and not files:
            raise RefusedError(
                f"the key of {self.dataset} is not loaded and no file of it is known, so it can be neither changed nor destroyed and nothing was done; "
                "load it, or give key_file"
            )
        self.copies.require_ready(found.guid)
        self._require_alone([*files, *(each["path"] for each in self.copies.found(found.guid))])

    def _require_covered(self, group: t.Sequence[Dataset]) -> None:
        others = [each.name for each in group if each.kind in ("filesystem", "volume") and each.name != self.dataset]
        foreign = [name for name in others if name not in self.covers]
        if foreign:
            raise RefusedError(
                f"the key of {self.dataset} also opens {len(foreign)} other datasets, {', '.join(foreign[:3])} among them, so nothing was done; "
                "name them under covers if they are meant too"
            )
        missing = [name for name in self.covers if name not in others]
        if missing:
            raise RefusedError(f"{missing[0]} does not have its key from {self.dataset}, so nothing was done; correct covers")

    def preconditions(self) -> list[Precondition]:
        found = self._look()
        files = [] if self._recalled else self._key_files(found)
        strength, told = strength_of(found.encryption)
        first = "ZFS encrypts a dataset from its creation or never"
        return [
            Precondition("encrypted_from_first_write", "met", (first,)),
            Precondition("strength", strength, (told,)),
            Precondition("no_other_key", "met", ("an encryption root has one wrapping key, which is changed",)),
            *self._open(found, files),
        ]

    def _open(self, found: Dataset, files: t.Sequence[str]) -> list[Precondition]:
        """What is seen with the key alone; once that is gone, as the run saw it that destroyed it."""
        secret = _content(files[0]).strip() if files else None
        memory = look_in_memory((), ("zfs",), secret=secret, proc_root=self.proc_root)
        if self._recalled is None:
            return [self._backup(found, files), self._stale(files), memory]
        gone = "the key is gone, so nothing tells a copy of it from another file any more"
        backup = self._recalled.saw("no_backup", gone)
        if backup.state == "unknown" and self.copies.places is not None and not self.copies.places and self._recalled.earlier["files"]:
            backup = self.copies.precondition(found.guid)
        return [backup, self._recalled.saw("no_stale_copy", gone), self._recalled.with_secret(memory)]

    def _backup(self, found: Dataset, files: t.Sequence[str]) -> Precondition:
        group = group_of(self.dataset, self._list())
        counts = [sum(each.kind == kind for each in group) for kind in ("snapshot", "bookmark")]
        told = f"{counts[0]} snapshots and {counts[1]} bookmarks of it have the same key"
        known = self.copies.precondition(found.guid)
        if not files:
            where = "asks for the wrapping key" if found.location == "prompt" else f"has the wrapping key from {found.location}"
            told = f"{told}; ZFS {where}, which was not destroyed where it is kept"
            # What people declare of its copies does not concern the original.
            return Precondition(known.name, worst((known.state, "unknown")), (told, *known.looked_at))
        return known._replace(looked_at=(told, *known.looked_at))

    def _stale(self, files: t.Sequence[str]) -> Precondition:
        found = no_stale_copy([Trace(path, "key file", _content(path).strip()) for path in files], self.limits, scan=self.scan)
        told = "older blocks of the pool may keep the key as the former wrapping key wrapped it, and nobody can overwrite them"
        return Precondition(found.name, worst((found.state, "unknown")), (told, *found.looked_at))

    def _tried(self, path: str) -> Answer:
        """Whether a key file opens it; nothing is loaded."""
        return ask(["zfs", "load-key", "-n", "-L", f"file://{path}", self.dataset])

    def opens(self) -> str:
        if self._recalled is not None:
            return ""
        found = self._look()
        files = self._key_files(found)
        for path in files:
            told = self._tried(path)
            if told.code != 0:
                raise RefusedError(
                    f"the key file {path} does not open {self.dataset} ({failure(told)}), so nothing was done; correct it, or the dataset"
                )
        loaded = "its key is loaded" if found.loaded else ""
        return ", ".join(filter(None, ("the key file opened it before" if files else "", loaded)))

    def plan(self) -> dict[str, t.Any]:
        if self._recalled is not None:
            return self._recalled.plan(self._recalled.earlier["copies"])
        found = self._look()
        files = [facts_of(path) for path in self._key_files(found)]
        going = {each["path"] for each in files}
        copies = [each for each in self.copies.found(found.guid) if each["path"] not in going]
        return {"guid": found.guid, "keyformat": found.keyformat, "files": files, "copies": copies}

    def erase(self, executor: Executor, plan: t.Mapping[str, t.Any], note: Note) -> None:
        found = self._look(fresh=True)
        if found.guid != plan["guid"]:
            raise DisposalError(f"{self.dataset} is another dataset than the one that was looked at; look at the pool")
        if "recalled" in plan:
            return
        present = [each["path"] for each in plan["files"] if os.path.lexists(each["path"])]
        if "rewrapped" not in self._steps:
            self._wrap_anew(executor, plan, note, found, present)
        for path in present:
            told = self._tried(path)
            if told.code == 0 or _WRONG_KEY not in told.errors:
                raise DisposalError(
                    f"the key of {self.dataset} was changed, but that the file {path} opens it no more was not seen ({failure(told)}); look at the pool"
                )
            note("refused", {"told": failure(told)})
            self._steps.add("refused")
        if self._look(fresh=True).loaded:
            self._unload(executor, note)
        self.copies.destroy(executor, plan["copies"], note, self._proven)
        for each in plan["files"]:
            destroy_noted(executor, each, "the key file", note, self._proven)

    def _wrap_anew(self, executor: Executor, plan: t.Mapping[str, t.Any], note: Note, found: Dataset, present: t.Sequence[str]) -> None:
        """Change the wrapping key to one that only this process ever has."""
        if not found.loaded:
            if not present:
                raise DisposalError(
                    f"the key of {self.dataset} is not loaded any more and its file is gone, so it cannot be changed; load it, and run again"
                )
            note("loading", {})
            told = tell(executor, ["zfs", "load-key", "-L", f"file://{present[0]}", self.dataset], "load a dataset's key")
            if told.code != 0:
                if "rewrapping" in self._steps and _WRONG_KEY in told.errors:
                    # An earlier run had changed it before it was cut off.
                    return
                raise DisposalError(f"the key of {self.dataset} could not be loaded ({failure(told)}); nothing was destroyed")
        note("rewrapping", {})
        options = ["-o", f"keyformat={plan['keyformat']}", "-o", "keylocation=prompt"]
        key = new_key(plan["keyformat"], os.urandom(32))
        told = tell(executor, ["zfs", "change-key", *options, self.dataset], "change a dataset's key", stdin=key)
        if told.code != 0:
            raise DisposalError(f"the key of {self.dataset} could not be changed ({failure(told)}); nothing was destroyed")
        note("rewrapped", {})

    def _unload(self, executor: Executor, note: Note) -> None:
        note("unloading", {})
        told = tell(executor, ["zfs", "unload-key", self.dataset], "unload a dataset's key")
        if told.code != 0 and _UNLOADED not in told.errors:
            raise DisposalError(
                f"the key of {self.dataset} was changed, but the kernel still has it ({failure(told)}); stop what uses the dataset, and run again"
            )

    def look_back(self, plan: t.Mapping[str, t.Any]) -> Gone:
        left = [each["path"] for each in (*plan["files"], *plan["copies"]) if os.path.lexists(each["path"])]
        try:
            group = group_of(self.dataset, self._list(fresh=True))
        except RefusedError as error:
            return Gone("unknown", f"the dataset cannot be looked at any more ({error.message})", {})
        loaded = [each.name for each in group if each.loaded]
        seen: dict[str, t.Any] = {
            "loaded": len(loaded),
            "files": len(plan["files"]),
            "copies": len(plan["copies"]),
            "refused": "refused" in self._steps,
        }
        if left:
            return Gone("left", f"{len(left)} files that hold the key are still there", seen)
        if loaded:
            return Gone("left", f"ZFS still has the key of {', '.join(loaded[:3])} loaded", seen)
        if "recalled" in plan:
            if not group or not self._as_left(group[0], plan["guid"]):
                return Gone("unknown", "the dataset is not as the run left it that changed its key", seen)
            del seen["refused"]
        elif plan["files"] and not seen["refused"]:
            return Gone("unknown", "that the former key opens it no more was not seen", seen)
        return Gone("gone", "", seen)

    def left(self, plan: t.Mapping[str, t.Any]) -> t.Any:
        return {"guid": self._look(fresh=True).guid}

    def still(self, left: t.Any) -> bool:
        found = self._list(fresh=True).get(self.dataset)
        if found is None:
            return True
        return self._as_left(found, left["guid"])


def _get(kinds: str, *options: str, pool: str = "") -> Answer:
    """What C(zfs get) tells, of all pools where none is named."""
    columns = ["-H", "-p", *options, "-t", kinds, "-o", "name,property,value"]
    return ask(["zfs", "get", *columns, ",".join(PROPERTIES), *([pool] if pool else [])])


def _content(path: str) -> bytes:
    """:raises RefusedError: the key file cannot be read."""
    require_plain(path, "the key file")
    try:
        with open(path, "rb") as handle:
            return handle.read(_KEY_BYTES)
    except OSError as error:
        raise RefusedError(f"the key file {path} cannot be read ({error.strerror}), so nothing was done; correct it") from error
