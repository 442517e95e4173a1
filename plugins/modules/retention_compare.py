#!/usr/bin/python
# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: retention_compare
short_description: Tell what a changed retention policy would newly destroy on a host
version_added: 0.1.0
description:
  - Judges every recording set of a host under two policies, the one in force and a changed one, over one and the same walk, and tells which sets
    the change would newly destroy, no longer destroy, or let fall due sooner or later; by class, rule and verdict, with counts, bytes and samples.
  - Only reads. Nothing is planned and nothing is written on the host.
  - A root that cannot be read to its end is named in RV(unread) and nothing in it is counted, so that what is not known is never taken for nothing;
    RV(complete) says whether there is none. M(recordings.disposal.policy_diff) joins the results of a fleet and fails where one is not complete.
  - A root that only one of the policies has, or where their layouts find different sets (RV(regrouped)), counts under each policy by itself, with
    the verdict C(absent) under the other one.
  - The result stays below 64 KiB whatever the number of recordings.
options:
  changed_policy:
    description:
      - The changed policy as a mapping; O(policy) or O(policy_file) is the one in force.
      - Exactly one of O(changed_policy) and O(changed_policy_file) is required.
    type: dict
  changed_policy_file:
    description:
      - Path on the controller of a YAML file with the changed policy; Ansible Vault files are read too.
    type: path
  sources:
    description:
      - Names of the sources that this host has, from either policy; the default is all of them.
  samples:
    description:
      - How many sets of each transition are told by their id, at most 200. Fewer are where the result would grow too large (RV(samples_each)).
      - Ids are the keyed hashes that evidence has, names only where both policies say C(identifiers=plain).
    type: int
    default: 5
  as_of:
    description:
      - Judge as of this date instead of now, such as V(2027-01-31), which stands for the end of that day in the changed policy's time zone.
    type: str
extends_documentation_fragment:
  - recordings.disposal._policy
  - recordings.disposal._inputs
  - recordings.disposal._attributes
attributes:
  check_mode:
    support: full
    details: Only reads.
  diff_mode:
    support: none
    details: Changes nothing; what it tells is the difference between policies.
  idempotent:
    support: full
seealso:
  - module: recordings.disposal.policy_diff
  - module: recordings.disposal.retention_plan
author:
  - recordings.disposal contributors (@recordings-disposal)
"""

EXAMPLES = r"""
- name: See what the changed policy would do to this host
  recordings.disposal.retention_compare:
    policy_file: policy.yml
    changed_policy_file: policy.changed.yml
    holds_dir: holds
  register: compared

- name: Say what would newly go
  ansible.builtin.debug:
    msg: "{{ compared.effects.newly_destroyed.sets }} sets would newly be destroyed"
"""

RETURN = r"""
as_of:
  description: What the verdicts are as of, RFC 3339 UTC.
  returned: success
  type: str
simulated:
  description: Says that O(as_of) was given.
  returned: when O(as_of) is given
  type: bool
policies:
  description: C(present) and C(changed), each with C(id), C(version), C(owner), C(review_by) and C(digest).
  returned: success
  type: dict
holds:
  description: The C(generation) (digest over all holds) and the number of C(active) ones; both policies are judged with the same holds and requests.
  returned: success
  type: dict
complete:
  description: Whether every root could be read.
  returned: success
  type: bool
roots:
  description: How many roots were C(looked_at), and how many are C(unread).
  returned: success
  type: dict
unread:
  description: The first 50 roots that could not be read to their end, each with C(why). Nothing in them is counted.
  returned: success
  type: list
  elements: dict
regrouped:
  description: Roots whose layout the change alters so that other sets are found, which therefore count under each policy by itself.
  returned: success
  type: list
  elements: str
totals:
  description: Sets, files and bytes that each policy finds.
  returned: success
  type: dict
verdicts:
  description: The same by verdict under each policy.
  returned: success
  type: dict
classes:
  description: How many sets each class has under each policy, and how many of them the change would newly, or no longer, destroy.
  returned: success
  type: dict
effects:
  description: >-
    Sets, files and bytes that the change would let C(newly_destroyed) or C(no_longer_destroyed), those that stay and fall due C(sooner) or C(later),
    and C(other) changes of verdict, class or method.
  returned: success
  type: dict
  sample: {"newly_destroyed": {"sets": 412, "files": 824, "bytes": 2130000000}}
transitions:
  description: >-
    The same in parts, the largest first, at most 120 of them, each with C(effect), C(from) and C(to) (C(verdict), C(class), C(rule)), C(sets), C(files),
    C(bytes) and C(samples).
  returned: success
  type: list
  elements: dict
more_transitions:
  description: What transitions beyond those add up to, by effect.
  returned: success
  type: dict
samples_each:
  description: How many samples of each transition are told at most.
  returned: success
  type: int
problems:
  description: Every fault of a document that is not valid.
  returned: failure
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.recordings.disposal.plugins.module_utils._errors import DisposalError
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.comparing import compare_policies
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.options import INPUT_OPTIONS, told_params, warned

_MOST_SAMPLES = 200


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **INPUT_OPTIONS,
            "changed_policy": {"type": "dict"},
            "changed_policy_file": {"type": "path"},
            "samples": {"type": "int", "default": 5},
            "as_of": {"type": "str"},
        },
        mutually_exclusive=[("policy", "policy_file"), ("changed_policy", "changed_policy_file")],
        required_one_of=[("policy", "policy_file"), ("changed_policy", "changed_policy_file")],
        supports_check_mode=True,
        # The system log of the host is no place for policies and holds.
        no_log=True,
    )
    told = {"module_args": told_params(module.params)}
    if not 0 <= module.params["samples"] <= _MOST_SAMPLES:
        module.fail_json(msg=f"samples is {module.params['samples']}; give a number from 0 to {_MOST_SAMPLES}", invocation=told)
    try:
        result = compare_policies(module.params)
    except DisposalError as error:
        module.fail_json(msg=error.message, invocation=told, **warned(module, error.details))
    module.exit_json(invocation=told, **warned(module, result))


if __name__ == "__main__":
    main()
