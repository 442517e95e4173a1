# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The manifest of a plan: what each host found, as the document that people sign."""

from __future__ import annotations

import datetime as dt
import re
import typing as t

from ..module_utils._document import plain
from ..module_utils._errors import RefusedError
from ..module_utils._evidence.canonical import canonical, digest_of
from ..module_utils._recordings.periods import positive_period
from ._change_request import read_change, waves_of
from ._language import visible
from ._shapes import COUNTS, DIGEST, Each, Optional, refuse_host_name, selected

__all__ = [
    "FORMAT",
    "RESULT",
    "author_of",
    "build_manifest",
    "checked_result",
    "decided",
    "lifetime",
    "manifest_bytes",
    "plan_name",
    "totals_of",
]

FORMAT = "recordings.disposal/manifest/1"
_LONGEST = dt.timedelta(days=366)
_PLAN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


_VERDICTS = ("due", "retained", "held", "unclassified", "conflict", "in_progress")
_COUNTS = COUNTS
_POLICY = {"id": str, "version": str, "owner": str, "review_by": str, "digest": str}
_METHOD = {"technique": str, "scheme": str, "level": str, "quarantine": Optional(str)}
_CLASS = {
    "legal_basis": str,
    "keep": str,
    "destroy_within": str,
    "method": _METHOD,
    "sets": int,
    "bytes": int,
    "verdicts": Each(_COUNTS, dict),
    "overdue": {"sets": int, "bytes": int},
    "oldest": Optional(str),
    "newest": Optional(str),
    "next_due": Optional(str),
}
_SOURCE = {
    "name": str,
    "layout": str,
    "roots": Each(str, list),
    **_COUNTS,
    "newest": Optional(str),
    "passed_over": Each(int, dict),
}
_SAMPLE = {
    "set": str,
    "class": Optional(str),
    "keep_until": Optional(str),
    "destroy_by": Optional(str),
    "bytes": int,
    "reason": Optional(Each(str, list)),
}
# What a manifest takes over from a host's result. Anything else in it stays out, so that nothing that a host adds gets signed or shown.
RESULT: dict[str, t.Any] = {
    "as_of": str,
    "plan": {"digest": str, "path": str, "rows": int, "bytes": int},
    "policy": _POLICY,
    "holds": {"generation": str, "active": int},
    "totals": _COUNTS,
    "verdicts": dict.fromkeys(_VERDICTS, _COUNTS),
    "classes": Each(_CLASS, dict),
    "reasons": Each(Each(int, dict), dict),
    "overdue": {"sets": int, "bytes": int, "oldest_destroy_by": Optional(str)},
    "sources": Each(_SOURCE, list),
    "limits": Each({"name": str, "scope": str, "limit": str, "actual": str, "ok": bool}, list),
    "blocked": Each(str, list),
    "samples": Each(Each(_SAMPLE, list), dict),
}
_NO_PLAN = {"failed": "planning there failed", "unreachable": "it could not be reached", "skipped": "planning there was skipped"}
_THEN = "so there is no manifest; give the result of retention_plan as it was returned"
# What a signature decides upon. The rest of a host's part (the time it was looked at, counts of what stays) moves on a living host
# while its plan stays the same.
_DECIDED_BY_HOST = ("plan", "policy", "holds", "blocked")


def checked_result(host: str, value: t.Any) -> dict[str, t.Any]:
    """What a manifest takes over from a host's result.

    :raises RefusedError: there is no whole result, or no host of that name can have evidence.
    """
    refuse_host_name(host)
    if not isinstance(value, dict) or not value:
        raise RefusedError(
            f"the host {host} has no result, and what is not known cannot be approved; plan on it, or leave it out on purpose"
        )
    for state, what in _NO_PLAN.items():
        if value.get(state):
            told = visible(str(value.get("msg") or "it gave no reason"))[:300]
            raise RefusedError(f"the host {host} has no plan, {what}: {told}")
    if value.get("simulated"):
        raise RefusedError(
            f"the host {host} has a plan that simulates {visible(str(value.get('as_of')))[:40]} (it was made with as_of), "
            "and nobody can approve what is not due yet; plan without as_of"
        )
    result: dict[str, t.Any] = selected(value, RESULT, f"the host {host}", _THEN)
    for place, text in (("plan", result["plan"]["digest"]), ("policy", result["policy"]["digest"])):
        if not re.fullmatch(DIGEST, text):
            raise RefusedError(f"the host {host} gives {visible(text)[:80]!r} as digest of its {place}, which is none; plan on it again")
    return result


def _one_policy(hosts: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The policy of all hosts.

    :raises RefusedError: they planned under different ones.
    """
    by_digest: dict[str, list[str]] = {}
    for name, part in hosts.items():
        by_digest.setdefault(part["policy"]["digest"], []).append(name)
    if len(by_digest) > 1:
        groups = "; ".join(_policy_group(hosts, names) for names in by_digest.values())
        raise RefusedError(
            f"the hosts planned under different policies, so there is no manifest: {groups}; plan on all of them with the same one"
        )
    policy: dict[str, t.Any] = next(iter(hosts.values()))["policy"]
    return policy


def _policy_group(hosts: t.Mapping[str, t.Any], names: list[str]) -> str:
    policy = hosts[names[0]]["policy"]
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return f"{', '.join(names[:5])}{more} under version {visible(policy['version'])} ({policy['digest'][:19]}...)"


def lifetime(text: t.Any, name: str = "expires_in") -> dt.timedelta:
    """How long a plan may be carried out, or counts for something else, from an ISO 8601 period of days, hours and minutes.

    :arg name: of the option.
    :raises RefusedError: not one, nothing, with months or years, or longer than 366 days.
    """
    try:
        period = positive_period(text)
        if period.months:
            raise ValueError("counts months or years; write days or hours, such as P7D")
        length = dt.timedelta(days=period.days, seconds=period.seconds)
    except ValueError as error:
        raise RefusedError(f"{name}: {visible(repr(text))[:60]} {error}") from error
    if length > _LONGEST:
        raise RefusedError(f"{name}: {text!r} is longer than {_LONGEST.days} days, and so old a plan tells nothing; give a shorter period")
    return length


def build_manifest(
    results: t.Mapping[str, t.Any],
    *,
    author: str,
    approvals_required: int,
    expires_in: str,
    collection: str,
    now: dt.datetime,
    plan_id: str | None = None,
    change: t.Any = None,
    serial: t.Any = None,
) -> dict[str, t.Any]:
    """The manifest over the results of C(retention_plan), by inventory host.

    :arg expires_in: ISO 8601 period.
    :arg collection: version of this collection.
    :arg now: the controller's clock, in UTC.
    :arg change: what people say of the plan as a request for change.
    :arg serial: the waves in which the sweep takes the hosts, which are in the order of C(results).
    :raises RefusedError: a host without a whole result, different policies, an option that is not valid.
    """
    if not isinstance(results, t.Mapping) or not results:
        raise RefusedError("there is no host with a result, so there is nothing to approve; run retention_plan on the hosts first")
    author = author_of(author, approvals_required)
    length = lifetime(expires_in)
    hosts = {host: checked_result(host, value) for host, value in sorted(plain(results).items())}
    policy = _one_policy(hosts)
    decided_on = digest_of({"hosts": {host: part["plan"]["digest"] for host, part in hosts.items()}, "policy": policy["digest"]})
    return {
        "format": FORMAT,
        "plan_id": plan_name(plan_id, decided_on, now),
        "created": _text(now),
        "expires": _text(now + length),
        "author": author,
        "approvals_required": int(approvals_required),
        "collection": collection,
        "policy": policy,
        "hosts": hosts,
        "totals": totals_of(hosts),
        "blocked": [{"host": host, "sentence": sentence} for host, part in hosts.items() for sentence in part["blocked"]],
        **({"change": read_change(change, expires=_text(now + length))} if change else {}),
        **({"waves": waves_of(serial, list(plain(results)))} if serial else {}),
    }


def _text(moment: dt.datetime) -> str:
    return moment.astimezone(dt.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def plan_name(given: str | None, decided_on: str, now: dt.datetime) -> str:
    """The plan's id: the one that is given, else the day and the beginning of the digest of what it decides on.

    :raises RefusedError: the one that is given is no name.
    """
    if given:
        if not _PLAN_ID.fullmatch(given):
            raise RefusedError(
                f"plan_id {visible(given)[:80]} is not a name of up to 64 letters, digits, dots, hyphens and underscores; give another"
            )
        return str(given)
    return f"{now.astimezone(dt.timezone.utc):%Y-%m-%d}-{decided_on.partition(':')[2][:10]}"


def author_of(author: t.Any, approvals_required: int) -> str:
    """Who wrote the plan.

    :raises RefusedError: that is no name, or the number of approvals is none.
    """
    author = plain(author).strip() if isinstance(author, str) else ""
    if not author or visible(author) != author or len(author) > 200:
        raise RefusedError("author is not a name on one line; give the name that the list of signers has for whoever wrote the plan")
    if approvals_required < 0:
        raise RefusedError(f"approvals_required is {approvals_required}; give the number of approvals, 0 where none is needed")
    return str(author)


def totals_of(hosts: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Hosts, and what they found, by verdict, over all of them."""

    def added(counts: t.Iterable[t.Mapping[str, int]]) -> dict[str, int]:
        listed = list(counts)
        return {unit: sum(count[unit] for count in listed) for unit in _COUNTS}

    verdicts = {verdict: added(part["verdicts"][verdict] for part in hosts.values()) for verdict in _VERDICTS}
    return {"hosts": len(hosts), **added(part["totals"] for part in hosts.values()), "due": verdicts["due"], "verdicts": verdicts}


def manifest_bytes(manifest: t.Mapping[str, t.Any]) -> bytes:
    """The bytes of manifest.json: canonical JSON and a newline."""
    return canonical(manifest) + b"\n"


def decided(manifest: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """What a signature over this manifest decides upon, without times and without counts of what is kept."""
    return {
        **{key: manifest.get(key) for key in ("format", "plan_id", "author", "approvals_required", "collection", "policy", "blocked")},
        # What was said of the plan when it was approved was approved with it.
        **{key: manifest.get(key) for key in ("change", "waves")},
        "due": manifest.get("totals", {}).get("due"),
        "hosts": {host: _decided_by_host(part) for host, part in manifest.get("hosts", {}).items()},
    }


def _decided_by_host(part: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    rules = ("legal_basis", "keep", "destroy_within", "method")
    return {
        **{key: part.get(key) for key in _DECIDED_BY_HOST},
        "due": part.get("verdicts", {}).get("due"),
        "classes": {name: {key: item.get(key) for key in rules} for name, item in part.get("classes", {}).items()},
    }
