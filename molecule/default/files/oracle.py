# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What must be destroyed: policy.yml read by a person and written down again, with nothing of the collection in it.

    oracle.py --recorded DIR --sources JSON --as-of TIME

DIR holds, by host and source, what the factory says it recorded. Printed is, by host, each set with its files and verdict.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import sys
import typing as t
import zoneinfo
from pathlib import Path

WARSAW = zoneinfo.ZoneInfo("Europe/Warsaw")
UTC = dt.timezone.utc
BROKERAGE, CONSUMER = "+48225550100", "+48225550300"
# The factory tells no date for a set that is a trap; these have a name, a sidecar and a date (in 2020) that are all right.
SOUND_TRAPS = (
    "spaces",
    "brackets",
    "polish",
    "newline",
    "right-to-left",
    "markup",
    "hyphens",
    "skipped hour",
    "doubled hour",
    "leap day",
    "prefix of another",
    "other with prefix",
)
SOUND_TRAP_START = dt.datetime(2020, 11, 1, tzinfo=UTC)

Recorded = dict[str, t.Any]
Source = dict[str, t.Any]


def later(start: dt.datetime, *, months: int) -> dt.datetime:
    """The same day and time by Warsaw's clocks some months later, or on that month's last day."""
    local = start.astimezone(WARSAW)
    years, month = divmod(local.year * 12 + local.month - 1 + months, 12)
    day = local.day
    while True:
        try:
            return local.replace(year=years, month=month + 1, day=day, fold=0)
        except ValueError:
            day -= 1


def next_year(moment: dt.datetime) -> dt.datetime:
    return dt.datetime(moment.astimezone(WARSAW).year + 1, 1, 1, tzinfo=WARSAW)


def next_month(moment: dt.datetime) -> dt.datetime:
    local = moment.astimezone(WARSAW)
    return dt.datetime(local.year + local.month // 12, local.month % 12 + 1, 1, tzinfo=WARSAW)


def pbx(one: Recorded, start: dt.datetime) -> dt.datetime | None:
    """Until when a call is kept; none where no rule is for it."""
    did, product = one["fields"]["did"], one["fields"]["product"]
    if did == BROKERAGE and product != "orders":
        return later(next_month(start), months=18)
    if did == BROKERAGE:
        end = start + dt.timedelta(seconds=one["fields"]["duration"])
        return later(next_year(end), months=36) if one["fields"]["type"] in ("in", "out") else None
    return later(start, months=30 if did == CONSUMER else 24)


def dialer(_one: Recorded, start: dt.datetime) -> dt.datetime:
    return later(next_month(start), months=12)


def conference(one: Recorded, start: dt.datetime, as_of: dt.datetime) -> dt.datetime:
    """The directory tells the day only, so the day's end counts; the data subject of ER-7 is agent 1003."""
    local = start.astimezone(WARSAW).replace(hour=23, minute=59, second=59)
    if one["fields"]["agent"] == "1003" and as_of - local >= dt.timedelta(days=30):
        return as_of - dt.timedelta(days=1)
    return later(local, months=36)


def verdict(source: str, one: Recorded, as_of: dt.datetime) -> str:
    """The verdict on what the factory says that it recorded."""
    if one["trap"] == "in progress":
        return "in_progress"
    if one["trap"] is not None:
        return "due" if one["trap"] in SOUND_TRAPS and later(SOUND_TRAP_START, months=24) <= as_of else "unclassified"
    if source == "dialer" and one["fields"]["agent"] == "666":
        return "held"
    if source == "meetings" and one["fields"]["room"] in ("reklamacje", "zgłoszenie"):
        return "held"
    start = dt.datetime.fromtimestamp(one["start_epoch"], UTC)
    if source == "pbx":
        until = pbx(one, start)
    elif source == "dialer":
        until = dialer(one, start)
    elif source == "conference":
        until = conference(one, start, as_of)
    else:
        until = later(start, months=24)
    if until is None:
        return "unclassified"
    return "due" if until <= as_of else "retained"


def judge(recorded: Path, sources: dict[str, list[Source]], as_of: dt.datetime) -> dict[str, list[dict[str, t.Any]]]:
    """By host, each set: its source, its files as absolute paths, its verdict."""
    found: dict[str, list[dict[str, t.Any]]] = {}
    for host, items in sources.items():
        found[host] = []
        for item in items:
            for line in (recorded / host / f"{item['name']}.jsonl").read_text(encoding="ascii").splitlines():
                one = json.loads(line)
                files = [f"{item['root']}/{name}" for name in one["members"]]
                found[host].append({"source": item["name"], "files": files, "verdict": verdict(item["name"], one, as_of)})
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description="Say which recordings are due.")
    parser.add_argument("--recorded", type=Path, required=True)
    parser.add_argument("--sources", type=json.loads, required=True)
    parser.add_argument("--as-of", required=True)
    options = parser.parse_args()
    as_of = dt.datetime.fromisoformat(options.as_of.replace("Z", "+00:00"))
    print(json.dumps(judge(options.recorded, options.sources, as_of)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
