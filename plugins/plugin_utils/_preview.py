# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What looks ahead and decides nothing: results of hosts joined over a fleet, and the pages about them on the controller.

A host without a result is named, and is never taken for one that has nothing.
"""

from __future__ import annotations

import os
import pathlib
import typing as t

from ..module_utils._document import plain
from ..module_utils._errors import DisposalError, RefusedError
from ..module_utils._executor import Executor
from ._shapes import failure_of, refuse_host_name, selected

__all__ = ["Fleet", "PlacedPages", "join_results", "judged", "place_pages"]

DIRECTORY = "previews"
_MOST = 50
_MOST_TOLD = 10
_ENDINGS = {"html": "html", "markdown": "md", "csv": "csv", "json": "json"}


class Fleet(t.NamedTuple):
    """Results by host, and the hosts without one: C(host) and C(why)."""

    hosts: dict[str, dict[str, t.Any]]
    unknown: list[dict[str, str]]


def join_results(results: t.Any, shape: t.Any, module: str) -> Fleet:
    """The parts of the results of C(module) that C(shape) names, by inventory host.

    :raises RefusedError: there is no host at all, or a result that is not that module's.
    """
    if not isinstance(results, t.Mapping) or not results:
        raise RefusedError(f"there is no host with a result, so there is nothing to tell; run {module} on the hosts first")
    hosts: dict[str, dict[str, t.Any]] = {}
    unknown = []
    for host, value in sorted(plain(results).items()):
        refuse_host_name(host)
        why = failure_of(value)
        if why is not None:
            unknown.append({"host": host, "why": why})
        else:
            hosts[host] = selected(value, shape, f"the host {host}", f"so nothing is told; give the result of {module} as it was returned")
    return Fleet(hosts, unknown)


class PlacedPages(t.NamedTuple):
    """Pages by kind (C(html), C(markdown), C(csv), C(json)), and whether one of them changed."""

    paths: dict[str, str]
    changed: bool


def place_pages(name: str, pages: t.Mapping[str, str], *, dest: str, executor: Executor, check_mode: bool) -> PlacedPages:
    """Write the pages as C(previews/<name>.*) below the state directory, over those that were there.

    :raises DisposalError: one cannot be written.
    """
    directory = os.path.join(dest, DIRECTORY)
    paths = {kind: os.path.join(directory, f"{name}.{_ENDINGS[kind]}") for kind in pages}
    changed = False
    try:
        for kind, text in pages.items():
            data = text.encode("utf-8")
            path = pathlib.Path(paths[kind])
            if path.is_file() and path.read_bytes() == data:
                continue
            changed = True
            if not check_mode:
                executor.makedirs(directory)
                executor.replace_file(paths[kind], [data])
    except OSError as error:
        raise DisposalError(
            f"the pages cannot be kept in {error.filename or directory} ({error.strerror}); make room or give another dest, and run again"
        ) from error
    return PlacedPages(paths, changed)


def judged(
    told: dict[str, t.Any], document: t.Mapping[str, t.Any], faults: t.Sequence[str], *, on_incomplete: str, what: str
) -> dict[str, t.Any]:
    """The task's result, a failure where something is beyond a limit, or not known and that was not allowed.

    :arg faults: a sentence for each limit that is exceeded.
    """
    result = {**told, "unknown_hosts": document["unknown_hosts"][:_MOST], "unread": document["unread"][:_MOST]}
    sentences = list(faults[:_MOST_TOLD])
    if len(faults) > _MOST_TOLD:
        sentences.append(f"{len(faults) - _MOST_TOLD} more limits are exceeded")
    if not document["complete"] and on_incomplete == "fail":
        missing = [f"{item['host']} ({item['why']})" for item in document["unknown_hosts"]]
        missing += [f"the root {item['root']} of {item['host']} ({item['why']})" for item in document["unread"]]
        more = f" and {len(missing) - _MOST_TOLD} more" if len(missing) > _MOST_TOLD else ""
        sentences.append(f"{what} is incomplete, not known are {'; '.join(missing[:_MOST_TOLD])}{more}; make them reachable and run again")
    if not sentences:
        return result
    return {**result, "failed": True, "msg": f"{'; '.join(sentences)}. The page {told['pages']['html']} has the details."}
