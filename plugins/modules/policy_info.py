#!/usr/bin/python
# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: policy_info
short_description: Check a retention policy and run its examples
version_added: 0.1.0
description:
  - Validates a policy, holds and erasure requests, and runs the examples of the policy's rules as tests. Touches no recording.
  - Fails with every fault by its place in the document, the value and what is allowed, or with every example that does not get its verdict.
  - Warns of a hold or erasure request that names a source which the policy does not have.
  - Usually run on the controller, C(delegate_to=localhost), before a policy is merged.
options:
  policy:
    description:
      - The policy as a mapping, with or without the wrapping key C(disposal_policy).
      - Exactly one of O(policy) and O(policy_file) is required.
    type: dict
  policy_file:
    description:
      - Path on the controller of a YAML file with the policy; Ansible Vault files are read too. A key that stands twice in one mapping is refused.
    type: path
  holds:
    description:
      - Legal holds to check.
    type: list
    elements: dict
    default: []
  holds_dir:
    description:
      - Directory on the controller whose documents are holds. A file that is empty, no mapping, or has a key twice is refused.
    type: path
  requests:
    description:
      - Erasure requests to check.
    type: list
    elements: dict
    default: []
  requests_dir:
    description:
      - Directory on the controller whose documents are erasure requests.
    type: path
extends_documentation_fragment:
  - recordings.disposal._attributes
attributes:
  check_mode:
    support: full
    details: Only reads.
  diff_mode:
    support: none
    details: Changes nothing.
  idempotent:
    support: full
author:
  - recordings.disposal contributors (@recordings-disposal)
"""

EXAMPLES = r"""
- name: Check the policy before it is merged
  recordings.disposal.policy_info:
    policy_file: policy.yml
    holds_dir: holds
  delegate_to: localhost
"""

RETURN = r"""
policy:
  description: The policy's C(id), C(version), C(owner), C(review_by) and C(digest).
  returned: success
  type: dict
examples:
  description: How many examples were run.
  returned: success
  type: int
classes:
  description: Names of the retention classes.
  returned: success
  type: list
  elements: str
holds:
  description: Ids of the holds.
  returned: success
  type: list
  elements: str
requests:
  description: Ids of the erasure requests.
  returned: success
  type: list
  elements: str
problems:
  description: Every fault, or every example that does not get its verdict.
  returned: failure
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.recordings.disposal.plugins.module_utils._errors import DisposalError, PolicyError
from ansible_collections.recordings.disposal.plugins.module_utils._retention.examples import check_examples
from ansible_collections.recordings.disposal.plugins.module_utils._retention.holds import load_holds, load_requests, unknown_sources
from ansible_collections.recordings.disposal.plugins.module_utils._retention.policy import load_policy
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.options import INPUT_OPTIONS, INPUT_RULES, told_params

_OPTIONS = ("policy", "policy_file", "holds", "holds_dir", "requests", "requests_dir")


def main() -> None:
    module = AnsibleModule(
        argument_spec={name: INPUT_OPTIONS[name] for name in _OPTIONS},
        supports_check_mode=True,
        no_log=True,
        **INPUT_RULES,
    )
    told = {"module_args": told_params(module.params)}
    try:
        policy = load_policy(module.params["policy"])
        holds, _generation = load_holds(module.params["holds"])
        requests, _digest = load_requests(module.params["requests"])
        count, failures = check_examples(policy)
        if failures:
            message = f"{len(failures)} of {count} examples of the policy do not get their verdict: {'; '.join(failures[:3])}"
            raise PolicyError(message, details={"problems": failures[:50]})
    except DisposalError as error:
        module.fail_json(msg=error.message, invocation=told, **error.details)
    for warning in unknown_sources(holds, requests, [source.name for source in policy.sources]):
        module.warn(warning)
    module.exit_json(
        changed=False,
        invocation=told,
        policy=policy.summary(),
        examples=count,
        classes=[item.name for item in policy.classes],
        holds=[hold.id for hold in holds],
        requests=[request.id for request in requests],
    )


if __name__ == "__main__":
    main()
