#!/usr/bin/python
# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: recording_period
short_description: Tell what goes with a period's key on a host, and give what must be kept another key
version_added: 0.1.0
description:
  - Looks at the header of every encrypted recording of the policy's sources, and counts those that go with one class's and period's key. Those whose verdict
    is not V(due), because of a legal hold, a floor, a longer class or anything unclear, must be kept; with O(plan) also those that an approved plan
    does not list.
  - Without O(answers) it writes the headers of what must be kept into a file, RV(asks), for M(recordings.disposal.period_rewrap). A header tells neither a
    name nor a path.
  - With O(answers) it gives those recordings their new headers. The payload stays as it is; each new file is read back before it takes the old one's name.
  - RV(report) is what M(recordings.disposal.crypto_erase) needs from every host before it destroys the key.
options:
  class:
    description: Name of the retention class.
    type: str
    required: true
  period:
    description: The period whose key is to be destroyed.
    type: str
    required: true
  recipient:
    description: The public half of that key, as M(recordings.disposal.period_key) returns it.
    type: str
    required: true
  host:
    description: The host's name in the report; set to the inventory name on the controller.
    type: str
  plan:
    description:
      - Digest of the approved plan of this host, C(sha256:) and 64 digits. What it does not list as due counts as to be kept.
    type: str
  answers:
    description: Absolute path on the host of what M(recordings.disposal.period_rewrap) answered.
    type: path
  new_recipient:
    description: The public half of the key that what must be kept gets; needed with O(answers).
    type: str
  kept_limit:
    description:
      - In per cent. Where more of the period's sets must be kept, nothing is rewrapped, since then it is more likely that another period is meant.
    type: int
    default: 10
extends_documentation_fragment:
  - recordings.disposal._policy
  - recordings.disposal._inputs
  - recordings.disposal._review
  - recordings.disposal._attributes
attributes:
  check_mode:
    support: full
    details: Looks and counts, and writes nothing.
  diff_mode:
    support: none
  idempotent:
    support: full
    details: A recording that has its new header goes with the old key no more.
author:
  - recordings.disposal contributors (@recordings-disposal)
seealso:
  - module: recordings.disposal.period_rewrap
  - module: recordings.disposal.crypto_erase
"""

EXAMPLES = r"""
- name: What goes with the key, and what must be kept
  recordings.disposal.recording_period:
    policy_file: policy.yml
    holds_dir: holds
    class: service-calls
    period: 2024-11
    recipient: age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj
  register: looked

- name: Give what must be kept the present month's key
  recordings.disposal.recording_period:
    policy_file: policy.yml
    holds_dir: holds
    class: service-calls
    period: 2024-11
    recipient: age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj
    new_recipient: age1lggyhqrw2nlhcxprm67z43rta597azn8gknawjehu9d9dl0jq3yqqvfafg
    answers: /var/lib/recordings-disposal/periods/service-calls-2024-11.answers.jsonl
"""

RETURN = r"""
report:
  description:
    - For M(recordings.disposal.crypto_erase). C(sets) go with the key, of which C(kept) must be kept, for C(reasons); C(plain) sets of the class and period
      lie there in the clear, and of C(undecided) ones nothing tells whether they are of it; C(others) have another recipient besides; C(unread) files
      could not be looked at; C(samples) are headers of some.
  returned: success
  type: dict
asks:
  description: Path of the headers that are to be made anew; none where nothing must be kept, and in check mode.
  returned: success
  type: str
rewrapped:
  description: Files that got a new header.
  returned: success
  type: int
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
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.releasing import release_period


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **INPUT_OPTIONS,
            **REVIEW_OPTIONS,
            "class": {"type": "str", "required": True},
            "period": {"type": "str", "required": True},
            "recipient": {"type": "str", "required": True},
            "host": {"type": "str"},
            "plan": {"type": "str"},
            "answers": {"type": "path"},
            "new_recipient": {"type": "str"},
            "kept_limit": {"type": "int", "default": 10},
        },
        supports_check_mode=True,
        # The system log of the host is no place for policies.
        no_log=True,
        required_by={"answers": ("new_recipient",)},
        **INPUT_RULES,
    )
    told = {"module_args": told_params(module.params)}
    executor = CheckExecutor() if module.check_mode else Executor()
    try:
        result = release_period(module.params, executor, check_mode=module.check_mode)
    except DisposalError as error:
        module.fail_json(msg=error.message, invocation=told, **warned(module, error.details))
    module.exit_json(invocation=told, **warned(module, result))


if __name__ == "__main__":
    main()
