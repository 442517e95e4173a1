# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A review of a policy and what it rests on: what the options name is read, looked at, and written down for people to sign."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import os
import typing as t

from ansible.parsing.dataloader import DataLoader

from ..module_utils._document import plain
from ..module_utils._errors import DisposalError, EvidenceError, RefusedError
from ..module_utils._evidence.approval import FORMAT as PLAN_FORMAT
from ..module_utils._evidence.approval import read_manifest
from ..module_utils._executor import Executor
from ..module_utils._recordings.periods import Period, parse_period
from ..module_utils._retention.holds import load_holds
from ..module_utils._retention.policy import Policy, load_policy, policy_document
from ._action import located, read_text
from ._catalogue import SHIPPED, read_catalogue
from ._evidence_files import keep_files, read_bytes
from ._inputs import document_arguments, load_yaml
from ._language import load_language
from ._media_policy import read_media_policy
from ._review_findings import Dates, Documents, Finding, document_findings
from ._review_fleet import Fleet, fleet_findings, fleet_of
from ._review_gate import Standing, date_after, grace_of, reviewed_before, standing_of
from ._review_keys import key_findings, read_keys, signers_of
from ._review_page import PAGES, counted, review_pages, sorted_findings, told_finding
from ._review_record import SEVERITIES, new_record, read_record, record_bytes
from ._review_signed import POLICY, RECORD, Signers, policy_bytes

__all__ = ["Review", "judged", "keep_review", "look", "told_review"]

# A task's result stays below 64 KiB; the pages have all of them.
_MOST = 30
_LONGEST = 300


@dataclasses.dataclass(frozen=True)
class Review:
    """What was found, before anything is written.

    :ivar document: the policy in its plain form.
    :ivar not_looked: what was not looked at since nothing was given, by its key in the translations.
    """

    policy: Policy
    document: dict[str, t.Any]
    catalogue: dict[str, str]
    standing: Standing | None
    findings: list[Finding]
    not_looked: list[str]
    fleet: Fleet

    @property
    def not_known(self) -> list[str]:
        hosts = [f"host {host}: {why}" for host, why in sorted(self.fleet.not_known.items())]
        return [*self.not_looked, *hosts]


def look(options: t.Mapping[str, t.Any], loader: DataLoader, *, now: dt.datetime) -> Review:
    """Review what the options name; nothing is written.

    :raises DisposalError: something that is given is not valid.
    """
    today = now.astimezone(dt.timezone.utc).date()
    dates = Dates(today.isoformat(), _soon(options["expires_within"], today), grace_of(options["review_grace"]))
    given = document_arguments({name: options[name] for name in ("policy", "policy_file", "holds", "holds_dir") if options[name]}, loader)
    if not given.get("policy"):
        raise RefusedError("neither policy nor policy_file is given, so there is nothing to review; give one of them")
    document = policy_document(given["policy"])
    documents = _documents(options, loader, load_policy(document), _placed(options, given["holds"]), dates)
    policy, place = documents.policy, documents.policy_place
    fleet = fleet_of(_manifests(options["manifests"] or []), plain(options["results"] or {}), options["hosts"] or [])
    keys = read_keys(plain(options["keys"] or []))
    if options["allowed_signers"]:
        keys += signers_of(read_text(options["allowed_signers"], "the file of allowed signers"), options["allowed_signers"])
    findings = [
        *document_findings(documents, dates),
        *key_findings(keys, policy.reviewed, place, documents.catalogue, dates),
        *fleet_findings(fleet, policy, place),
    ]
    missing = {
        "no_plans": not fleet.looks,
        "no_media_policy": documents.media is None,
        "no_signers": not options["allowed_signers"],
        "no_keys": not options["keys"],
        "no_holds": not (options["holds"] or options["holds_dir"]),
    }
    return Review(
        policy=policy,
        document=document,
        catalogue=documents.catalogue.told(),
        standing=_standing(options, policy, document, dates, now),
        findings=sorted_findings(findings),
        not_looked=[name for name, is_missing in missing.items() if is_missing],
        fleet=fleet,
    )


def _soon(text: str, today: dt.date) -> str:
    try:
        period = parse_period(text)
    except ValueError as error:
        raise RefusedError(f"expires_within: {text!r} {error}; give a period of days such as P60D") from error
    return date_after(Period(period.months, period.days), today)


def _placed(options: t.Mapping[str, t.Any], holds: t.Sequence[t.Mapping[str, t.Any]]) -> list[tuple[str, t.Mapping[str, t.Any]]]:
    """Each hold with its place: those of the option come first, then the files of the directory by name."""
    own, directory = len(options["holds"] or ()), options["holds_dir"]
    names = sorted(name for name in os.listdir(located(directory)) if not name.startswith(".")) if directory else []
    places = [f"holds[{number}]" for number in range(own)] + [os.path.join(directory, name) for name in names]
    return list(zip(places, holds))


def _documents(
    options: t.Mapping[str, t.Any], loader: DataLoader, policy: Policy, holds: t.Sequence[tuple[str, t.Mapping[str, t.Any]]], dates: Dates
) -> Documents:
    load_holds(document for _place, document in holds)
    catalogue_file = located(options["catalogue_file"] or str(SHIPPED))
    catalogue = read_catalogue(load_yaml(catalogue_file, loader, "the catalogue"), today=dates.today)
    media = plain(options["media_policy"]) if options["media_policy"] else None
    if options["media_policy_file"]:
        if media:
            raise RefusedError("media_policy and media_policy_file are both given; give one of them")
        media = load_yaml(options["media_policy_file"], loader, "the policy of media")
    protection_class = options["protection_class"] or 0
    if protection_class not in range(4):
        raise RefusedError(f"the protection class {protection_class} is none; give 1, 2 or 3")
    return Documents(
        policy=policy,
        policy_place=options["policy_file"] or "policy",
        catalogue=catalogue,
        catalogue_place=options["catalogue_file"] or "catalogues/standards.yml",
        media=read_media_policy(media) if media else None,
        media_place=options["media_policy_file"] or "media_policy",
        holds=holds,
        levels=plain(options["levels"] or {}),
        figures=plain(options["figures"] or {}),
        protection_class=protection_class,
    )


def _manifests(paths: t.Iterable[str]) -> t.Iterator[tuple[str, dict[str, t.Any]]]:
    for path in paths:
        place = located(path)
        try:
            yield path, read_manifest(read_bytes(place), formats=(PLAN_FORMAT,))
        except EvidenceError as error:
            raise EvidenceError(f"{place}: {error.message}") from error


def _standing(
    options: t.Mapping[str, t.Any], policy: Policy, document: dict[str, t.Any], dates: Dates, now: dt.datetime
) -> Standing | None:
    """How the policy stands to the reviews that are there; a directory that is not there yet holds none."""
    directory = options["reviews_dir"]
    if not directory:
        return None
    signed, problems = None, list[str]()
    if options["review_signers"] and os.path.isdir(located(directory)):
        signers = Signers(read_text(options["review_signers"], "the file of allowed signers"), tuple(options["reviewers"] or ()))
        signed, problems = reviewed_before(located(directory), document, signers, now=now)
    return standing_of(policy, document, signed, after_grace=dates.after_grace, today=dates.today, problems=problems)


def told_review(review: Review) -> dict[str, t.Any]:
    """The task's result, without files."""
    words = load_language("en")
    rows = [told_finding(item, words) for item in review.findings[:_MOST]]
    return {
        "policy": review.policy.summary(),
        "catalogue": review.catalogue,
        "findings": [{name: text[:_LONGEST] for name, text in row.items()} for row in rows],
        "counts": counted(review.findings),
        "review": review.standing.told() if review.standing else None,
        "not_known": review.not_known[:_MOST],
    }


def judged(result: dict[str, t.Any], review: Review, fail_on: str) -> dict[str, t.Any]:
    """The result, failed where something is found that is at least as severe as C(fail_on)."""
    bad = SEVERITIES[: SEVERITIES.index(fail_on) + 1] if fail_on in SEVERITIES else ()
    found = [row for row in result["findings"] if row["severity"] in bad]
    if found:
        count = sum(result["counts"][severity] for severity in bad)
        told = "; ".join(f"{row['subject']}: {row['reason']} {row['action']}" for row in found[:3])
        result.update(failed=True, msg=f"the review of the policy {review.policy.id} found {count} that must not stay: {told}")
    return result


def keep_review(
    review: Review, *, author: str, directory: str, language: str, collection: str, executor: Executor, check_mode: bool, now: dt.datetime
) -> dict[str, t.Any]:
    """Write the record, the policy as it was reviewed, and the pages; what the result tells of them.

    A record of the same day that says the same stays as it is, so that signatures over it stay good.

    :raises DisposalError: something cannot be written, or the author is no name.
    """
    standing = review.standing
    signed = standing.signed_off if standing else None
    previous = {"id": signed.record["id"], "digest": signed.digest, "policy_digest": signed.policy_digest} if signed else None
    record = new_record(
        author=author,
        collection=collection,
        now=now,
        policy=review.policy.summary(),
        previous=previous,
        changes=standing.changes if standing else (),
        findings=[item.row() for item in review.findings],
        catalogue=review.catalogue,
        not_known=review.not_known,
    )
    place = os.path.join(directory, record["id"])
    record = _there(os.path.join(place, RECORD), record)
    if standing:
        # That nobody has signed this very review yet is no news to whoever reads it.
        standing = dataclasses.replace(standing, problems=tuple(told for told in standing.problems if place not in told))
    files = {
        POLICY: policy_bytes(review.document),
        **review_pages(record, review.findings, standing, review.not_looked, language),
        # The record comes last: what can be signed has its pages beside it.
        RECORD: record_bytes(record),
    }
    lost = "there is no whole review; make room or give another reviews_dir, and review again"
    changed = keep_files(place, files, executor=executor, check_mode=check_mode, lost=lost)
    return {
        "changed": changed,
        "review_id": record["id"],
        "record_path": os.path.join(place, RECORD),
        "pages": {kind: os.path.join(place, name) for kind, name in PAGES.items()},
    }


def _there(path: str, record: dict[str, t.Any]) -> dict[str, t.Any]:
    """The record that is there already, if it says the same."""
    if not os.path.exists(path):
        return record
    try:
        found = read_record(read_bytes(path))
    except DisposalError:
        found = {}
    if {**found, "created": record["created"]} != json.loads(record_bytes(record)):
        raise EvidenceError(f"{path} was changed after it was written; put it back from a copy, or move its directory away")
    return found
