# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an overdue review forbids: nothing that keeps, but everything that may destroy what the policy as last signed off still keeps."""

from __future__ import annotations

import dataclasses
import datetime as dt
import typing as t

from ..module_utils._errors import RefusedError
from ..module_utils._recordings.periods import Period, parse_period
from ..module_utils._retention.changes import Change, policy_changes
from ..module_utils._retention.policy import Policy, load_policy, policy_document
from ._action import located, read_text
from ._review_signed import Signers, SignOff, last_sign_off, other_sign_off

__all__ = ["DEFAULT_GRACE", "GATE_OPTIONS", "Standing", "date_after", "gate", "grace_of", "reviewed_before", "standing_of"]

DEFAULT_GRACE = "P30D"
GATE_OPTIONS = ("reviews_dir", "review_signers", "reviewers", "review_grace")
STATES = ("current", "overdue", "blocking")
_MOST = 5


@dataclasses.dataclass(frozen=True)
class Standing:
    """How a policy stands to its last review.

    :ivar state: C(current), C(overdue) or C(blocking): overdue, and the grace is over.
    :ivar review_by: the earlier one of the policy's date and that of the policy as signed off, so that no change puts it off by itself.
    :ivar blocks_from: the last day of the grace.
    :ivar changes: what changed since; all of the policy where no review is signed off.
    :ivar problems: why reviews that are there do not count.
    """

    state: str
    review_by: str
    blocks_from: str
    signed_off: SignOff | None
    changes: tuple[Change, ...]
    problems: tuple[str, ...]

    @property
    def sooner(self) -> list[Change]:
        return [change for change in self.changes if change.sooner]

    def told(self) -> dict[str, t.Any]:
        """As results repeat it."""
        return {
            "state": self.state,
            "review_by": self.review_by,
            "blocks_from": self.blocks_from,
            "signed_off": self.signed_off.told() if self.signed_off else None,
            "changes": len(self.changes),
            "sooner": [change.sentence()[:300] for change in self.sooner[:_MOST]],
            "problems": [problem[:300] for problem in self.problems[:_MOST]],
        }


def grace_of(text: str) -> t.Callable[[str], str]:
    """What a date becomes after the grace.

    :raises RefusedError: not a period of days, months or years.
    """
    try:
        period = parse_period(text)
    except ValueError as error:
        raise RefusedError(f"review_grace: {text!r} {error}; give a period of days such as {DEFAULT_GRACE}") from error
    if period.seconds:
        raise RefusedError(f"review_grace: {text!r} counts hours; give a period of days such as {DEFAULT_GRACE}")
    return lambda date: date_after(period, dt.date.fromisoformat(date))


def date_after(period: Period, date: dt.date) -> str:
    """The date a period after another one; the last one that there is where it ends later."""
    try:
        return dt.date.fromordinal(period.day_after(date.toordinal())).isoformat()
    except ValueError:
        return dt.date.max.isoformat()


def standing_of(
    policy: Policy,
    document: t.Mapping[str, t.Any],
    signed_off: SignOff | None,
    *,
    after_grace: t.Callable[[str], str],
    today: str,
    problems: t.Sequence[str] = (),
) -> Standing:
    """How a policy, with its plain C(document), stands to what was signed off; pure."""
    review_by = min(policy.review_by, signed_off.review_by) if signed_off else policy.review_by
    blocks_from = after_grace(review_by)
    changes = policy_changes(signed_off.document, document) if signed_off else _all_new(policy)
    state = "current" if today <= review_by else "overdue" if today <= blocks_from else "blocking"
    return Standing(state, review_by, blocks_from, signed_off, tuple(changes), tuple(problems))


def reviewed_before(
    directory: str, document: t.Mapping[str, t.Any], signers: Signers, *, now: dt.datetime
) -> tuple[SignOff | None, list[str]]:
    """What a policy is held against: its own last review that counts, else that of one that had its roots under another name."""
    signed_off, problems = last_sign_off(directory, document["id"], signers, now=now)
    return signed_off or other_sign_off(directory, document, None, signers, now=now), problems


def _all_new(policy: Policy) -> list[Change]:
    return [Change(f"class {item.name}", "added", "nothing", f"keep {item.keep_text}", True) for item in policy.classes]


def gate(args: t.Mapping[str, t.Any], document: t.Any, *, now: dt.datetime) -> tuple[Standing | None, list[str]]:
    """How the policy stands, where the options ask for it, and warnings.

    :arg args: a task's arguments, with C(GATE_OPTIONS) or some of them.
    :raises RefusedError: the review is overdue, the grace is over, and the policy may destroy sooner than what was signed off.
    """
    directory = args.get("reviews_dir")
    if not directory:
        given = [name for name in GATE_OPTIONS if args.get(name) and name != "review_grace"]
        if given:
            raise RefusedError(f"{given[0]} is given without reviews_dir, so no review would be looked at; give the directory too")
        return None, []
    if not args.get("review_signers"):
        raise RefusedError("reviews_dir is given without review_signers, so no signature could count; give the file of allowed signers too")
    after_grace = grace_of(str(args.get("review_grace") or DEFAULT_GRACE))
    plain = policy_document(document)
    policy = load_policy(plain)
    reviewers = args.get("reviewers") or ()
    names = tuple(str(name) for name in ([reviewers] if isinstance(reviewers, str) else reviewers))
    signers = Signers(read_text(args["review_signers"], "the file of allowed signers"), names)
    today = now.astimezone(dt.timezone.utc).date().isoformat()
    signed_off, problems = reviewed_before(located(directory), plain, signers, now=now)
    held_against = [signed_off]
    if signed_off is not None and signed_off.record["policy"]["id"] == policy.id:
        # A root that another policy had is held against the review of that one too.
        other = other_sign_off(located(directory), plain, signed_off, signers, now=now)
        held_against += [other] if other else []
    standings = [standing_of(policy, plain, item, after_grace=after_grace, today=today, problems=problems) for item in held_against]
    standing = max(standings, key=lambda item: STATES.index(item.state))
    return standing, _judged(standing, policy)


def _judged(standing: Standing, policy: Policy) -> list[str]:
    """Warnings of an overdue review.

    :raises RefusedError: the plan is forbidden.
    """
    signed = standing.signed_off
    named = signed.record["policy"]["id"] if signed else policy.id
    last = f"signed off on {signed.record['created'][:10]} by {', '.join(signed.signed_by)}" if signed else "never signed off"
    if named != policy.id:
        last = f"whose roots were reviewed as those of the policy {named}, {last}"
    ask = f"have {policy.owner} review it and the review signed (docs/review.md)"
    if standing.state == "current":
        return [] if signed and named == policy.id else [f"no review of the policy {policy.id} counts; {ask} by {standing.review_by}"]
    sentences = [change.sentence() for change in standing.sooner]
    more = f" (and {len(sentences) - _MOST} more)" if len(sentences) > _MOST else ""
    differs = "; ".join(sentences[:_MOST]) + more
    if standing.state == "blocking" and sentences:
        why = "" if signed or not standing.problems else f"; reviews that are there do not count: {'; '.join(standing.problems[:2])}"
        raise RefusedError(
            f"the policy {policy.id}, {last}, was to be reviewed by {standing.review_by} and the grace ended on {standing.blocks_from}, "
            f"so nothing may be destroyed sooner than was signed off: {differs}{why}; {ask}, or plan under the policy that was signed off"
        )
    told = f"the policy {policy.id}, {last}, was to be reviewed by {standing.review_by}; {ask}"
    if sentences:
        told += f", or from the day after {standing.blocks_from} no plan is made with what may destroy sooner: {differs}"
    return [told]
