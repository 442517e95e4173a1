# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an eMMC device says of itself (EXT_CSD), what is known of an SD card, and the commands of mmc-utils that erase.

An SD card has no secure erase and no sanitize that could be asked for; what it does on an erase is left to its maker.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from .._errors import RefusedError
from .tools import Answer, ask, failure

__all__ = [
    "Card",
    "Emmc",
    "ask_emmc",
    "erase_command",
    "erase_problem",
    "parse_ext_csd",
    "parse_ext_csd_text",
    "read_card",
    "sanitize_command",
    "sanitize_problem",
]

_BYTES = 512
_UNIT = 512 << 10
_TIMEOUT_UNIT = 300
_FEATURES = ((0, "secure_erase"), (2, "secure_bad_blocks"), (4, "trim"), (6, "sanitize"))
_WEAR = {1: "normal", 2: "warning", 3: "urgent"}
# Of EXT_CSD: the names as mmc-utils prints them, the first byte and the number of bytes.
_FIELDS = {
    "SEC_COUNT": (212, 4),
    "ERASE_TIMEOUT_MULT": (223, 1),
    "HC_ERASE_GRP_SIZE": (224, 1),
    "SEC_ERASE_MULT": (230, 1),
    "SEC_FEATURE_SUPPORT": (231, 1),
    "TRIM_MULT": (232, 1),
    "EXT_CSD_PRE_EOL_INFO": (267, 1),
}


@dataclass(frozen=True)
class Emmc:
    """Of EXT_CSD.

    :arg revision: of EXT_CSD; 5 is eMMC 4.41, 6 is 4.5, 7 is 5.0, 8 is 5.1.
    :arg size: of the user area in bytes; C(None) up to 2 GiB, where it is not told here.
    :arg features: of C(secure_erase), C(secure_bad_blocks), C(trim), C(sanitize). A sanitize removes what is unmapped only, so all must
        have been erased or trimmed before.
    :arg erase_unit: bytes that are erased at once; C(None) where it is not told.
    :arg erase_ms: the longest that one unit may take, C(secure_erase_ms) with secure erase, C(trim_ms) for a trim; C(None) where it is not told.
    :arg wear: of the reserve of blocks, C(normal), C(warning), C(urgent), or empty where it is not told.
    """

    revision: int
    size: int | None
    features: frozenset[str]
    erase_unit: int | None
    erase_ms: int | None
    secure_erase_ms: int | None
    trim_ms: int | None
    wear: str


@dataclass(frozen=True)
class Card:
    """What the kernel shows of an MMC device or SD card.

    :arg kind: C(MMC), C(SD) or C(SDcombo).
    :arg cid: its identification, C(csd) its specific data, C(ssr) an SD card's status, in hexadecimal.
    :arg erase_size: bytes of the smallest erase; C(preferred_erase_size) of one that is quick; C(None) where the kernel does not tell.
    """

    kind: str
    cid: str
    csd: str
    ssr: str
    erase_size: int | None
    preferred_erase_size: int | None


def _emmc(revision: int, fields: dict[str, int]) -> Emmc:
    sectors, unit = fields.get("SEC_COUNT", 0), fields.get("HC_ERASE_GRP_SIZE", 0)
    erase = _TIMEOUT_UNIT * fields.get("ERASE_TIMEOUT_MULT", 0)
    return Emmc(
        revision=revision,
        size=512 * sectors or None,
        features=frozenset(name for bit, name in _FEATURES if fields.get("SEC_FEATURE_SUPPORT", 0) & 1 << bit),
        erase_unit=unit * _UNIT or None,
        erase_ms=erase or None,
        secure_erase_ms=erase * fields.get("SEC_ERASE_MULT", 0) or None,
        trim_ms=_TIMEOUT_UNIT * fields.get("TRIM_MULT", 0) or None,
        wear=_WEAR.get(fields.get("EXT_CSD_PRE_EOL_INFO", 0), "") if revision >= 7 else "",
    )


def parse_ext_csd(text: str) -> Emmc:
    """What the kernel's C(ext_csd) below debugfs gives: 512 bytes in hexadecimal, from byte 0 on.

    :raises RefusedError: it has another form.
    """
    digits = text.strip()
    if not re.fullmatch(rf"[0-9a-fA-F]{{{2 * _BYTES}}}", digits):
        raise RefusedError(
            f"the device's EXT_CSD has {len(digits)} digits, not {2 * _BYTES}, so nothing is known of it; look at the kernel"
        )
    data = bytes.fromhex(digits)
    fields = {name: int.from_bytes(data[first : first + length], "little") for name, (first, length) in _FIELDS.items()}
    if data[192] < 5:
        # What is younger than the device is reserved in it.
        fields["SEC_FEATURE_SUPPORT"] = fields["SEC_ERASE_MULT"] = fields["TRIM_MULT"] = 0
    return _emmc(data[192], fields)


def parse_ext_csd_text(text: str) -> Emmc:
    """What C(mmc extcsd read) prints.

    :raises RefusedError: it tells no revision, or of a revision that it knows not whether anything can be erased.
    """
    revision = re.search(r"^\s*Extended CSD rev 1\.(\d+) \(MMC [\d.]+\)\s*$", text, re.MULTILINE)
    pairs = re.findall(r"\[([A-Z_]+)(?::|\]:) 0x([0-9a-f]+)\]?", text)
    fields = {name: int(value, 16) for name, value in pairs if name in _FIELDS}
    if revision is None or (int(revision[1]) >= 5 and "SEC_FEATURE_SUPPORT" not in fields):
        raise RefusedError("mmc told nothing of the device's EXT_CSD that can be read; look whether mmc-utils knows its revision")
    return _emmc(int(revision[1]), fields)


def ask_emmc(path: str, debug_file: str) -> tuple[Emmc | None, str]:
    """What an eMMC device tells, or why it does not.

    :arg debug_file: the kernel's C(ext_csd), which needs no tool; mmc opens the device for writing although it writes nothing.
    """
    try:
        with open(debug_file, encoding="ascii", errors="replace") as handle:
            return parse_ext_csd(handle.read()), ""
    except (OSError, RefusedError):
        pass
    answer = ask(["mmc", "extcsd", "read", path])
    if answer.code != 0:
        return None, failure(answer)
    try:
        return parse_ext_csd_text(answer.text), ""
    except RefusedError as error:
        return None, error.message


def read_card(directory: str) -> Card:
    """What the kernel shows in a device's directory, such as C(/sys/block/mmcblk0/device)."""

    def attribute(name: str) -> str:
        try:
            with open(os.path.join(directory, name), encoding="ascii", errors="replace") as handle:
                return handle.read().strip()
        except OSError:
            return ""

    sizes = [attribute(name) for name in ("erase_size", "preferred_erase_size")]
    first, second = (int(size) if size.isdigit() and int(size) else None for size in sizes)
    return Card(attribute("type"), attribute("cid"), attribute("csd"), attribute("ssr"), first, second)


def sanitize_command(path: str, milliseconds: int | None = None) -> list[str]:
    """Sanitize an eMMC device; everything on it must have been erased or trimmed before.

    :arg milliseconds: how long the kernel waits. mmc-utils takes it since October 2022, so Debian 12's does not; without it the kernel's
        own limit is 4 minutes.
    """
    return ["mmc", "sanitize", path, *([] if milliseconds is None else [str(milliseconds)])]


def sanitize_problem(answer: Answer) -> str:
    """Why a sanitize failed, empty where mmc says that the device took it."""
    return "" if answer.code == 0 and not answer.errors.strip() else failure(answer)


def erase_command(path: str, sectors: int, *, kind: str = "secure-erase") -> list[str]:
    """Erase an eMMC device from its first to its last sector; mmc-utils has it since May 2021, so Debian 11's has not.

    :arg sectors: of 512 bytes; only devices above 2 GiB are addressed by sectors.
    :arg kind: C(secure-erase), C(legacy), C(discard) or C(trim).
    """
    return ["mmc", "erase", kind, "0", str(sectors - 1), path]


def erase_problem(answer: Answer) -> str:
    """Why an erase failed, empty where mmc says that it succeeded: its words count besides its exit code.

    It says so too of an erase that a write-protected group stopped, so only reading back proves one.
    """
    succeeded = re.search(r"^ [A-Z][A-Za-z0-9 ]+ Succeed!$", answer.text, re.MULTILINE)
    # It tells the size of its units where others tell their errors.
    errors = "\n".join(line for line in answer.errors.splitlines() if not line.startswith("High Capacity "))
    if answer.code == 0 and succeeded and not errors.strip() and "Failed!" not in answer.text:
        return ""
    told = failure(Answer(answer.code, answer.output, errors, answer.problem))
    return told if answer.code != 0 or errors.strip() else "mmc did not say that the erase succeeded"
