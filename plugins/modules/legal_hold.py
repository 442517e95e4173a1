#!/usr/bin/python
# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: legal_hold
short_description: Place or release a legal hold on recordings
version_added: 0.1.0
description:
  - Keeps a legal hold as a document in a directory, by default the one on a host that M(recordings.disposal.retention_plan) and
    M(recordings.disposal.retention_apply) read; the latter reads it again just before it destroys each recording set.
  - A hold that names a field which a recording lacks holds that recording too.
  - A release does not end a hold at once. The hold stays in force for its cooling period.
options:
  id:
    description:
      - Name of the hold, such as a case number; letters, digits, dots, hyphens and underscores.
    type: str
    required: true
  state:
    description:
      - V(present) places the hold. A hold that stands with other contents is refused, since it would be narrowed silently.
      - V(released) starts the cooling period.
    type: str
    choices: [present, released]
    default: present
  match:
    description:
      - Typed conditions by field, all of which must hold, as in the classes of a policy; an empty mapping holds every recording.
      - For O(state=present) one of O(match) and O(where) is required.
    type: dict
  where:
    description:
      - JMESPath expression over a recording's fields and its C(metadata), ANDed to O(match).
    type: str
  reason:
    description:
      - Why the hold is placed. Required for O(state=present).
    type: str
  placed_by:
    description:
      - Who placed it. Required for O(state=present).
    type: str
  released_by:
    description:
      - Who released it. Required for O(state=released).
    type: str
  review_by:
    description:
      - Date by which somebody looks whether the hold is still needed, such as V(2027-05-31).
    type: str
  cooling:
    description:
      - ISO 8601 period for which the hold stays in force after its release; P30D unless the hold says otherwise.
      - At a release it may only lengthen the hold's own period; one that ends earlier is refused.
    type: str
  dir:
    description:
      - Directory of the holds, one JSON file in each; made with mode V(0700) if it is missing.
    type: path
    default: /var/lib/recordings-disposal/holds
extends_documentation_fragment:
  - recordings.disposal._attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
author:
  - recordings.disposal contributors (@recordings-disposal)
"""

EXAMPLES = r"""
- name: Hold the calls of one customer
  recordings.disposal.legal_hold:
    id: case-2026-114
    reason: Court case VI C 114/26
    placed_by: legal@example.com
    match:
      source: [pbx]
      src: ["+48600100200"]

- name: Release it, in force for another 60 days
  recordings.disposal.legal_hold:
    id: case-2026-114
    state: released
    released_by: legal@example.com
    cooling: P60D
"""

RETURN = r"""
id:
  description: The hold's name.
  returned: success
  type: str
state:
  description: What the hold is now, V(present) or V(released); whom and what it names is in its document only, and in the diff where one is asked for.
  returned: success
  type: str
document:
  description: Path of its file.
  returned: success
  type: str
in_force_until:
  description: When the cooling period of a released hold ends (RFC 3339 UTC), none while the hold stands.
  returned: success
  type: str
generation:
  description: Digest over the hold.
  returned: success
  type: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.recordings.disposal.plugins.module_utils._errors import DisposalError
from ansible_collections.recordings.disposal.plugins.module_utils._executor import CheckExecutor, Executor
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.holding import hold_changes
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.options import told_params


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "id": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "released"], "default": "present"},
            "match": {"type": "dict"},
            "where": {"type": "str"},
            "reason": {"type": "str"},
            "placed_by": {"type": "str"},
            "released_by": {"type": "str"},
            "review_by": {"type": "str"},
            "cooling": {"type": "str"},
            "dir": {"type": "path", "default": "/var/lib/recordings-disposal/holds"},
        },
        required_if=[
            ("state", "present", ["match", "where"], True),
            ("state", "present", ["reason", "placed_by"]),
            ("state", "released", ["released_by"]),
        ],
        supports_check_mode=True,
        # Holds name persons; the system log of the host is no place for them.
        no_log=True,
    )
    told = {"module_args": told_params(module.params)}
    try:
        result = hold_changes(module.params, CheckExecutor() if module.check_mode else Executor(), check_mode=module.check_mode)
    except DisposalError as error:
        module.fail_json(msg=error.message, invocation=told, **error.details)
    diff = result.pop("diff")
    module.exit_json(invocation=told, **result, **({"diff": diff} if module._diff else {}))


if __name__ == "__main__":
    main()
