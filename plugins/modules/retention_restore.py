#!/usr/bin/python
# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: retention_restore
short_description: Move quarantined recordings back to where they were
version_added: 0.1.0
description:
  - Moves recording sets that M(recordings.disposal.retention_apply) quarantined back to their places, and never over a file that stands there.
  - A restored set is seen by the next plan again. Place a hold on what must stay.
options:
  sets:
    description:
      - Ids of the sets to restore, as plan and evidence name them while the sets are in quarantine; all by default.
    type: list
    elements: str
  run:
    description:
      - Restore only what this run quarantined; 16 hexadecimal digits.
    type: str
extends_documentation_fragment:
  - recordings.disposal._policy
  - recordings.disposal._inputs
  - recordings.disposal._attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
    details: RV(restored) counts what was or would be moved.
  idempotent:
    support: full
author:
  - recordings.disposal contributors (@recordings-disposal)
"""

EXAMPLES = r"""
- name: Bring back everything that is in quarantine
  recordings.disposal.retention_restore:
    policy_file: policy.yml
"""

RETURN = r"""
restored:
  description: How many sets are back in their places, or would be in check mode.
  returned: success
  type: int
left:
  description: How many sets could not be restored, by reason.
  returned: success, and on failure as far as it got
  type: dict
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.recordings.disposal.plugins.module_utils._errors import DisposalError
from ansible_collections.recordings.disposal.plugins.module_utils._executor import CheckExecutor, Executor
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.options import INPUT_OPTIONS, INPUT_RULES, told_params
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.restoring import restore


def main() -> None:
    module = AnsibleModule(
        argument_spec={**INPUT_OPTIONS, "sets": {"type": "list", "elements": "str"}, "run": {"type": "str"}},
        supports_check_mode=True,
        # The system log of the host is no place for policies and holds.
        no_log=True,
        **INPUT_RULES,
    )
    told = {"module_args": told_params(module.params)}
    try:
        result = restore(module.params, CheckExecutor() if module.check_mode else Executor(), check_mode=module.check_mode)
    except DisposalError as error:
        module.fail_json(msg=error.message, invocation=told, **error.details)
    module.exit_json(invocation=told, **result)


if __name__ == "__main__":
    main()
