#!/usr/bin/python
# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: period_rewrap
short_description: Wrap the keys of recordings that must be kept with another period's key
version_added: 0.1.0
description:
  - Answers what M(recordings.disposal.recording_period) asks. A host sends the headers of recordings that are under a legal hold, or not due for another
    reason, and gets them back made anew for another period's key, before the first period's key is destroyed.
  - Run it where M(recordings.disposal.period_key) runs. Each answer is opened with the new key before it is given out.
options:
  class:
    description: Name of the retention class.
    type: str
    required: true
  period:
    description: The period whose key the recordings have now.
    type: str
    required: true
  to_period:
    description: The period whose key they are to have, as a rule the present one. It must have been made.
    type: str
    required: true
  asks:
    description: Absolute path of the file that the host asks with.
    type: path
    required: true
  answers:
    description: Absolute path of the file that is written for the host.
    type: path
    required: true
  dir:
    description: Absolute path of the directory with the documents of keys.
    type: path
    required: true
  prefix:
    description: Begins the names of the store's keys.
    type: str
    default: recordings
extends_documentation_fragment:
  - recordings.disposal._key_store
  - recordings.disposal._attributes
attributes:
  check_mode:
    support: full
    details: Makes sure that both keys are known, and writes nothing.
  diff_mode:
    support: none
  idempotent:
    support: none
    details: Each header is made with a fresh secret, so the answers differ each time.
author:
  - recordings.disposal contributors (@recordings-disposal)
seealso:
  - module: recordings.disposal.recording_period
  - module: recordings.disposal.period_key
"""

EXAMPLES = r"""
- name: Answer what a recording server asks
  recordings.disposal.period_rewrap:
    class: service-calls
    period: 2024-11
    to_period: 2026-11
    asks: /srv/recording-keys/asks/pbx1.jsonl
    answers: /srv/recording-keys/answers/pbx1.jsonl
    dir: /srv/recording-keys
    key_store:
      kind: directory
      path: /srv/recording-key-store
"""

RETURN = r"""
answered:
  description: Headers that were made anew.
  returned: success
  type: int
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.recordings.disposal.plugins.module_utils._errors import DisposalError
from ansible_collections.recordings.disposal.plugins.module_utils._executor import CheckExecutor, Executor
from ansible_collections.recordings.disposal.plugins.module_utils._keys.stores.options import STORE_OPTIONS, misplaced_secrets
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.periods import wrap_anew


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **STORE_OPTIONS,
            "class": {"type": "str", "required": True},
            "period": {"type": "str", "required": True},
            "to_period": {"type": "str", "required": True},
            "asks": {"type": "path", "required": True},
            "answers": {"type": "path", "required": True},
            "dir": {"type": "path", "required": True},
            "prefix": {"type": "str", "default": "recordings"},
        },
        supports_check_mode=True,
        # The system log of the host is no place for what may be a secret by mistake.
        no_log=True,
    )
    module.no_log_values.update(misplaced_secrets(module.params))
    executor = CheckExecutor() if module.check_mode else Executor()
    try:
        module.exit_json(**wrap_anew(module.params, executor, check_mode=module.check_mode))
    except DisposalError as error:
        module.fail_json(msg=error.message, **error.details)


if __name__ == "__main__":
    main()
