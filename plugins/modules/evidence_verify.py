#!/usr/bin/python
# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: evidence_verify
short_description: Verify the evidence of a run
version_added: 0.1.0
description:
  - Verifies the signature of a run's statement with C(ssh-keygen), the digests of the manifest and of every journal, the chain of
    every journal, the counts and the Merkle root, the approvals, and the statement's place in the ledger.
  - Makes every check that it can, and fails if one fails, naming each place.
  - Valid is not complete. Evidence of a run that a host has not ended can be valid; RV(complete) is then V(false).
  - Runs on the controller.
options:
  run:
    description:
      - Directory of the run on the controller, as M(recordings.disposal.evidence_seal) left it.
    type: path
    required: true
  allowed_signers:
    description:
      - File in the form of OpenSSH's C(allowed_signers) with who may sign evidence and who could approve plans.
      - Keys are judged as of when the statement was made and the hosts began, so an old run stays valid when a key expires.
      - Dates without the letter Z are read as UTC.
    type: path
    required: true
  signer:
    description:
      - Name of who signs the evidence, as in O(allowed_signers).
    type: str
    required: true
  ledger:
    description:
      - Path of the ledger. Without it, whether statements are missing stays open.
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
seealso:
  - module: recordings.disposal.evidence_seal
"""

EXAMPLES = r"""
- name: Verify the evidence of a run
  recordings.disposal.evidence_verify:
    run: disposal/runs/2026-11-23-4f1c
    allowed_signers: allowed_signers
    signer: evidence@example.com
    ledger: disposal/ledger.jsonl
  delegate_to: localhost
"""

RETURN = r"""
valid:
  description: Whether every check that was made has passed.
  returned: success and failure
  type: bool
complete:
  description: Whether the evidence is valid, and every host with due sets has ended its run and accounts for all of them.
  returned: success and failure
  type: bool
checks:
  description: A sentence for each check that has passed.
  returned: success and failure
  type: list
  elements: str
  sample:
    - statement.json is signed by evidence@example.com with key SHA256:HNrFPQiGqjJKwH9HVzO+W+fL8tgm8kEUVaq65rKvXuU.
problems:
  description: A sentence for each check that has failed, with the place.
  returned: success and failure
  type: list
  elements: str
  sample:
    - journals/rec1.jsonl line 17 does not name the digest of the line before it, so lines were changed or moved; compare it with a copy
not_checked:
  description: What was not checked, or cannot be.
  returned: success and failure
  type: list
  elements: str
"""
