#!/usr/bin/python
# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: journal_rotate
short_description: Compress old journals on a host, and later remove them, once they are sealed
version_added: 0.1.0
description:
  - Journals of runs that are over are compressed where they lie when O(compress_after) has passed, and removed when O(keep) has passed. Before one is removed,
    a line in C(rotated.jsonl) in O(state_dir) tells which it was, how long, and which statement sealed it. The lines are chained as those of a journal are.
  - Only a journal is touched that a statement on the controller seals, whose signature is good and that the ledger names last for its run, whose copy there
    has the sealed bytes, and that itself has exactly those bytes on the host, is whole, and has the end of its run.
  - It must be old by its own last time and by the file's. Where either is yet to come, or the host's clock and the controller's are more than 5 minutes
    apart, it stays.
  - A journal stays, and RV(kept) tells why, where it is a link or has several names, lies beside other files, is written by another process, is of another
    host, or was changed. Journals of runs that no statement seals, such as those of M(recordings.disposal.overwrite), M(recordings.disposal.sanitize) and
    M(recordings.disposal.crypto_erase), are never touched, since later runs are judged by them.
  - A compressed journal is read as before by every module, and fetched with the same bytes. A plan whose journal was removed is refused if it is applied once
    more, with the statement that sealed it; nothing is destroyed or claimed again.
  - What was cut off is gone on with by the next call.
options:
  host:
    description:
      - The host, as the manifest and the journals name it, which is C(inventory_hostname) where the roles made them.
    type: str
    required: true
  dest:
    description:
      - State directory on the controller, below which the sealed runs are; a relative path counts from the working directory.
    type: path
    default: disposal
  ledger:
    description:
      - Path of the ledger on the controller.
      - The default is C(ledger.jsonl) in O(dest).
    type: path
  allowed_signers:
    description:
      - File on the controller in the form of OpenSSH's C(allowed_signers) with who may sign evidence.
      - Without it or O(signer) nothing is known to be sealed, and the task is skipped.
    type: path
  signer:
    description:
      - Name of who signs the evidence, as in O(allowed_signers).
    type: str
  state_dir:
    description:
      - Directory on the host with the journals.
    type: path
    default: /var/lib/recordings-disposal
  compress_after:
    description:
      - When a journal is compressed, an ISO 8601 period since it was last written. A period of nothing is refused.
    type: str
    default: P7D
  keep:
    description:
      - When it is removed from the host, an ISO 8601 period since it was last written, not shorter than O(compress_after).
      - The copy on the controller is not touched, nor what M(recordings.disposal.evidence_store) keeps.
    type: str
    default: P90D
  controller_time:
    description:
      - Seconds since 1970 UTC by the controller's clock; set by the controller.
    type: int
  sealed:
    description:
      - Journals that are sealed; set by the controller. Without it the host tells which are old enough, and does nothing.
    type: list
    elements: dict
extends_documentation_fragment:
  - recordings.disposal._attributes
attributes:
  check_mode:
    support: full
    details: Every journal is verified as else, and nothing is written.
  diff_mode:
    support: none
    details: RV(compressed) and RV(removed) count what was or would be done.
  idempotent:
    support: full
author:
  - recordings.disposal contributors (@recordings-disposal)
seealso:
  - module: recordings.disposal.evidence_seal
  - module: recordings.disposal.evidence_fetch
  - module: recordings.disposal.evidence_store
"""

EXAMPLES = r"""
- name: Compress journals after a week, and keep them for half a year
  recordings.disposal.journal_rotate:
    host: "{{ inventory_hostname }}"
    allowed_signers: allowed_signers
    signer: evidence@example.com
    compress_after: P7D
    keep: P6M
"""

RETURN = r"""
compressed:
  description: How many journals were compressed, or would be in check mode.
  returned: success, and on failure as far as it got
  type: int
removed:
  description: How many were removed, or would be in check mode.
  returned: success, and on failure as far as it got
  type: int
freed:
  description: Bytes that became free; 0 in check mode.
  returned: success, and on failure as far as it got
  type: int
kept:
  description: The first fifty journals that are old enough and stay, C(run) and C(reason). Each is a warning too.
  returned: success, and on failure as far as it got
  type: list
  elements: dict
  sample:
    - run: 4f1c2b9a6e0d7753
      reason: the journal of the run 4f1c2b9a6e0d7753 is sealed by no statement here; seal the run first
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.recordings.disposal.plugins.module_utils._errors import DisposalError
from ansible_collections.recordings.disposal.plugins.module_utils._executor import CheckExecutor, Executor
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.options import ROTATE_OPTIONS
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.rotating import rotate_journals


def main() -> None:
    module = AnsibleModule(argument_spec=ROTATE_OPTIONS, supports_check_mode=True)
    try:
        result = rotate_journals(module.params, CheckExecutor() if module.check_mode else Executor(), check_mode=module.check_mode)
    except DisposalError as error:
        module.fail_json(msg=error.message, **error.details)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
