# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fields of a recording set that rules may name, and how metadata fills them."""

from __future__ import annotations

import math
import typing as t

__all__ = ["COMPUTED_FIELDS", "FIELDS", "METADATA_FIELDS", "NUMBER_FIELDS", "typed"]

TEXT_FIELDS = frozenset(
    {"agent", "callid", "campaign", "did", "direction", "disposition", "domain", "dst", "queue", "room", "src", "type", "uniqueid", "uuid"}
)
METADATA_NUMBERS = frozenset({"duration"})
METADATA_FIELDS = TEXT_FIELDS | METADATA_NUMBERS
"""Fields that a name or a metadata document may give; C(duration) is in seconds."""

COMPUTED_NUMBERS = frozenset({"age_days", "end_epoch", "members", "size", "start_epoch"})
COMPUTED_FIELDS = COMPUTED_NUMBERS | {"directory", "layout", "name", "source"}
"""Fields that no document can change: C(size) in bytes over all members, C(name) the set's stem, C(directory) below its root."""

NUMBER_FIELDS = METADATA_NUMBERS | COMPUTED_NUMBERS
FIELDS = METADATA_FIELDS | COMPUTED_FIELDS


def typed(name: str, value: t.Any) -> str | int | None:
    """A metadata value as the type that its field has; blank counts as absent.

    :raises ValueError: a value that the field cannot hold.
    """
    if value is None or value == "":
        return None
    if isinstance(value, (bool, list, dict)):
        raise ValueError(f"the field {name} holds {type(value).__name__}, not a text or number")
    if name in METADATA_NUMBERS:
        try:
            number = float(value)
        except (ValueError, OverflowError):
            raise ValueError(f"the field {name} does not hold a number") from None
        if not math.isfinite(number) or number < 0:
            raise ValueError(f"the field {name} does not hold a length of time")
        return math.ceil(number)
    return str(value)
