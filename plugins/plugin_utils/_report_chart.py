# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Charts as shapes: where each bar stands, in percent of the chart, so that the words beside them keep their size on any screen."""

from __future__ import annotations

import math
import typing as t

__all__ = ["columns", "nice_top", "shares"]


def _percent(value: float) -> str:
    return f"{value:.3f}".rstrip("0").rstrip(".") + "%"


def nice_top(value: int, *, base: int = 10) -> int:
    """The least round number, 1, 2 or 5 times a power of C(base), that is not below a value.

    :arg base: 1024 for sizes, where a round number is one of people's units.
    """
    if value <= 1:
        return 1
    power = int(base ** math.floor(math.log(value, base) + 1e-9))
    steps = (1, 2, 5, 10) if base == 10 else (1, 2, 5, 10, 20, 50, 100, 200, 500, base)
    return next((step * power for step in steps if step * power >= value), base * power)


def columns(values: t.Sequence[t.Sequence[int]], *, base: int = 10, labels: int = 13) -> dict[str, t.Any]:
    """A column for each of C(values), whose parts stand on each other.

    :arg labels: how many labels fit below the columns at most.
    """
    top = nice_top(max((sum(parts) for parts in values), default=0), base=base)
    width = 100 / max(len(values), 1)
    every = -(-len(values) // labels)
    bars = []
    for index, parts in enumerate(values):
        low = 0
        for kind, part in enumerate(parts):
            if part:
                # What is there shows, however small it is.
                height = max(part * 100 / top, 0.5)
                place = {"x": _percent((index + 0.14) * width), "width": _percent(0.72 * width)}
                bars.append({**place, "y": _percent(max(100 - low * 100 / top - height, 0)), "height": _percent(height), "kind": kind})
            low += part
    marks = [{"index": index, "x": _percent((index + 0.5) * width)} for index in range(0, len(values), every or 1)]
    lines = [{"y": _percent(100 - share), "value": top * share // 100} for share in (0, 50, 100)]
    return {"bars": bars, "marks": marks, "lines": lines}


def shares(parts: t.Sequence[int], whole: int) -> list[dict[str, t.Any]]:
    """Parts of a bar beside each other, of which C(whole) would fill all."""
    made, before = [], 0
    for kind, part in enumerate(parts):
        if part:
            made.append({"x": _percent(before * 100 / whole), "width": _percent(max(part * 100 / whole, 0.4)), "kind": kind})
        before += part
    return made
