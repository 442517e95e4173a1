#!/usr/bin/python
# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: retention_plan
short_description: Plan which recordings are due for destruction
version_added: 0.1.0
description:
  - Walks the roots of a retention policy on a host, groups files into recording sets, gives each set a verdict, and writes the host's plan file,
    the explicit list of what M(recordings.disposal.retention_apply) may destroy.
  - Never changes a recording. Whatever is not known (a date that cannot be read, metadata that cannot be read, a field that a rule names and the
    recording lacks) makes a set C(unclassified), and it is kept.
  - The plan file is named by its digest below RV(plan.path), so that the same state of the host gives the same plan.
  - The result stays below 64 KiB whatever the number of recordings; details are in the plan file.
options:
  on_limit:
    description:
      - What to do when a limit of the policy is exceeded.
      - V(fail) writes no plan file and fails.
      - V(report) writes it, so that people can look at it, and tells the limits in RV(blocked); M(recordings.disposal.retention_apply) refuses such a plan.
    type: str
    choices: [fail, report]
    default: fail
  as_of:
    description:
      - Simulate a date, in the past or in the future; the verdicts are as of then, over the recordings that are there now. Such as
        V(2027-01-31), which stands for the end of that day in the policy's time zone, or V(2027-01-31T12:00:00Z).
      - Holds and erasure requests count as they are on that date by what is known now. Files that a process has open now are not taken
        for being recorded.
      - Such a plan can never be signed or carried out; M(recordings.disposal.plan_manifest) and M(recordings.disposal.retention_apply)
        refuse it. M(recordings.disposal.simulation) makes a page of it.
    type: str
extends_documentation_fragment:
  - recordings.disposal._policy
  - recordings.disposal._inputs
  - recordings.disposal._review
  - recordings.disposal._attributes
attributes:
  check_mode:
    support: full
    details: Plans in memory and writes nothing.
  diff_mode:
    support: none
    details: RV(verdicts), RV(classes) and RV(samples) tell what the plan holds.
  idempotent:
    support: full
    details: The same recordings under the same policy, holds and requests give the same plan file, which is then not written again.
author:
  - recordings.disposal contributors (@recordings-disposal)
"""

EXAMPLES = r"""
- name: Plan by a policy kept in git
  recordings.disposal.retention_plan:
    policy_file: policy.yml
    holds_dir: holds
  register: plan

- name: Say what is due
  ansible.builtin.debug:
    msg: "{{ plan.verdicts.due.sets }} sets are due, {{ plan.verdicts.unclassified.sets }} need a look"

- name: See what would be due at the end of the year
  recordings.disposal.retention_plan:
    policy_file: policy.yml
    as_of: "2027-12-31"
    on_limit: report
  register: simulated
"""

RETURN = r"""
plan:
  description: The plan file on the host.
  returned: success
  type: dict
  contains:
    digest:
      description: The file's digest, which is also its name.
      type: str
    path:
      description: Its path.
      type: str
    rows:
      description: The sets in it, which are all that are not C(retained).
      type: int
    bytes:
      description: Its size.
      type: int
  sample: {"digest": "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", "path": "/var/lib/recordings-disposal/plans/9f86….jsonl",
           "rows": 412, "bytes": 151233}
as_of:
  description: What the verdicts are as of, RFC 3339 UTC; the host's clock when it planned, or the date that O(as_of) simulates.
  returned: success
  type: str
simulated:
  description: Says that the plan simulates a date and can never be carried out.
  returned: when O(as_of) is given
  type: bool
policy:
  description: The policy's C(id), C(version), C(owner), C(review_by) and C(digest).
  returned: success
  type: dict
holds:
  description: The C(generation) (digest over all holds) and the number of C(active) ones.
  returned: success
  type: dict
totals:
  description: Recording sets, files and bytes that were found.
  returned: success
  type: dict
  sample: {"sets": 18231, "files": 36462, "bytes": 91230000000}
verdicts:
  description: Sets, files and bytes by verdict (C(due), C(retained), C(held), C(unclassified), C(conflict), C(in_progress)).
  returned: success
  type: dict
classes:
  description: For each retention class its legal basis, periods, method, sets and bytes by verdict, overdue sets, and when the next set falls due.
  returned: success
  type: dict
reasons:
  description: How many sets got a verdict for which reason; at most 25 reasons a verdict, the rest are counted as C(other reasons).
  returned: success
  type: dict
overdue:
  description: Due sets that should have been destroyed before now, with the oldest date.
  returned: success
  type: dict
sources:
  description: For each source its roots, counts, the sets of each root, the newest change, and what was passed over (links, special files, other filesystems).
  returned: success
  type: list
  elements: dict
review:
  description:
    - How the policy stands to its last review that counts, as C(state) (V(current), V(overdue), V(blocking)), C(review_by), C(blocks_from) with the last
      day of the grace, C(signed_off), the number of C(changes) since, what of them may destroy C(sooner), and C(problems), why others do not count.
  returned: success and O(reviews_dir) is given
  type: dict
limits:
  description: Each limit with what was found.
  returned: success
  type: list
  elements: dict
blocked:
  description: A sentence for each limit that is exceeded; empty when the plan may be applied.
  returned: success
  type: list
  elements: str
samples:
  description: The first five sets of each verdict other than C(retained), by id.
  returned: success
  type: dict
problems:
  description: Every fault of a document that is not valid.
  returned: failure
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.recordings.disposal.plugins.module_utils._errors import DisposalError
from ansible_collections.recordings.disposal.plugins.module_utils._executor import CheckExecutor, Executor
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.options import (
    INPUT_OPTIONS,
    INPUT_RULES,
    REVIEW_OPTIONS,
    told_params,
    warned,
)
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.planning import make_plan


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **INPUT_OPTIONS,
            **REVIEW_OPTIONS,
            "on_limit": {"type": "str", "choices": ["fail", "report"], "default": "fail"},
            "as_of": {"type": "str"},
        },
        supports_check_mode=True,
        # The system log of the host is no place for policies and holds.
        no_log=True,
        **INPUT_RULES,
    )
    told = {"module_args": told_params(module.params)}
    try:
        result = make_plan(module.params, CheckExecutor() if module.check_mode else Executor(), check_mode=module.check_mode)
    except DisposalError as error:
        module.fail_json(msg=error.message, invocation=told, **warned(module, error.details))
    module.exit_json(invocation=told, **warned(module, result))


if __name__ == "__main__":
    main()
