#!/usr/bin/python
# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: evidence_fetch
short_description: Fetch the journal of a run from a host, compressed and checked
version_added: 0.1.0
description:
  - Brings a journal to the controller in compressed parts, so that neither the line nor the memory of the controller must hold all of it. A journal is about
    a tenth as long on the way. With C(become) it is read as that user, and nothing is written on the host.
  - A copy that is there already is gone on with where the host's journal begins with it, so that a run that was resumed costs only its new records.
  - Before the copy takes its place on the controller, it is read whole. Each line must be in canonical form and name the digest of the line before, the
    digest of all bytes must be what the host told, and O(host), O(head) and O(records) must be found in it.
  - A journal that has fewer records than the copy that is there, or others, is refused, and the copy stays as it is. So does a copy beside which the host
    has nothing new but a torn last record.
  - A journal whose run has not ended is fetched as it is then. M(recordings.disposal.evidence_seal) tells what is missing.
options:
  src:
    description:
      - Absolute path of the journal on the host, as the C(path) in RV(recordings.disposal.retention_apply#module:journal) tells it.
    type: path
    required: true
  dest:
    description:
      - Path of the copy on the controller. Its directory is made with mode V(0700), the file gets the mode V(0600).
    type: path
    required: true
  host:
    description:
      - The host that the journal must name in its first record.
      - Left out, any is taken, which is right where the run gave itself another name than the inventory has.
    type: str
  head:
    description:
      - Digest of the journal's last record, as the module that wrote it returned it.
    type: str
  records:
    description:
      - Number of the record that O(head) is the digest of, counted from 1. There may be more after it.
    type: int
  known_bytes:
    description:
      - Length of the copy on the controller; set by the controller.
    type: int
    default: 0
  offset:
    description:
      - Where the part begins that the host is asked for; set by the controller. Without it the host tells about the whole journal.
    type: int
  size:
    description:
      - Up to where the journal is fetched; set by the controller.
    type: int
extends_documentation_fragment:
  - recordings.disposal._attributes
attributes:
  check_mode:
    support: full
    details: Only length and digest are asked for, and compared with the copy that is there.
  diff_mode:
    support: none
    details: A journal is too long for a difference; RV(records) and RV(head) tell what came.
  idempotent:
    support: full
author:
  - recordings.disposal contributors (@recordings-disposal)
seealso:
  - module: recordings.disposal.evidence_seal
"""

EXAMPLES = r"""
- name: Fetch the journal of the run
  recordings.disposal.evidence_fetch:
    src: "{{ applied.journal.path }}"
    dest: "disposal/runs/{{ plan_id }}/journals/{{ inventory_hostname }}.jsonl"
    host: "{{ inventory_hostname }}"
    head: "{{ applied.journal.head }}"
    records: "{{ applied.journal.records }}"
"""

RETURN = r"""
dest:
  description: Path of the copy.
  returned: success
  type: str
records:
  description: Whole records in the copy.
  returned: success, except in check mode
  type: int
head:
  description: Digest of the last of them.
  returned: success, except in check mode
  type: str
torn:
  description: Bytes of a torn last record, such as a crash leaves; 0 where there is none.
  returned: success, except in check mode
  type: int
bytes:
  description: Length of the host's journal.
  returned: success
  type: int
digest:
  description: Digest of the host's journal.
  returned: success
  type: str
transferred:
  description: Bytes that were brought over, compressed.
  returned: success, except in check mode
  type: int
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.recordings.disposal.plugins.module_utils._errors import DisposalError
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.parts import journal_part, journal_told


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "src": {"type": "path", "required": True},
            "dest": {"type": "path", "required": True},
            "host": {"type": "str"},
            "head": {"type": "str"},
            "records": {"type": "int"},
            "known_bytes": {"type": "int", "default": 0},
            "offset": {"type": "int"},
            "size": {"type": "int"},
        },
        required_together=[("head", "records"), ("offset", "size")],
        supports_check_mode=True,
    )
    told = module.params
    try:
        about = told["offset"] is None
        result = journal_told(told["src"], told["known_bytes"]) if about else journal_part(told["src"], told["offset"], told["size"])
    except DisposalError as error:
        module.fail_json(msg=error.message, **error.details)
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
