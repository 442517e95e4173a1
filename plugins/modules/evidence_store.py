#!/usr/bin/python
# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: evidence_store
short_description: Put sealed evidence into a store that keeps it, and let it go when its retention has passed
version_added: 1.0.0
description:
  - Puts every sealed run, the ledger with its signed head and time stamp, the certificates of media and the register's log into a store, reads them back
    from there, and holds what was stored before against what is here. The guide C(store) of the collection shows each kind of store.
  - Nothing in a store is ever overwritten. Each sealed state of a run, each length of the ledger and each issue of a certificate has a name of its own.
    Another content under the same name is refused by name.
  - A run is verified as M(recordings.disposal.evidence_verify) does it before it is stored. What the ledger does not name is not stored, and is listed.
  - The ledger here must be an extension of the last one that was stored; a store is so a witness that nothing was taken out since.
  - A store that is full or read-only makes the task fail. What is whole there counts, and the next run goes on.
  - What is wrong with one run does not keep the others from being stored; the task fails afterwards and names it.
  - Runs on the controller.
options:
  source:
    description:
      - State directory on the controller, with C(runs), C(ledger.jsonl), C(certificates) and C(register). It is only read.
    type: path
    default: disposal
  store:
    description:
      - The store. Which options belong to which O(store.kind) is told at each; one that belongs to another kind is refused.
      - Secrets are never given here, only a file that holds them.
    type: dict
    required: true
    suboptions:
      kind:
        description:
          - V(directory) is another directory, best on another machine's filesystem or another medium. Its files get the mode V(0400), its directories
            V(0500).
          - V(git) is a bare git repository, which is made if it is not there. Each run is a commit; a branch that was rewritten is refused.
          - V(s3) is a bucket, of S3 or what speaks like it, with object lock and versioning, which must be there already. It needs the Python library boto3
            on the controller.
        type: str
        choices: [directory, git, s3]
        required: true
      path:
        description: Of V(directory) and V(git), the path on the controller.
        type: path
      immutable:
        description:
          - Of V(directory), set the immutable flag on each file, by which not even root can write or delete it before taking the flag away.
          - Needs root and ext4, XFS, btrfs or the like; elsewhere the task fails. The default is V(false).
        type: bool
      branch:
        description: Of V(git), the branch, V(evidence) where it is left out.
        type: str
      bucket:
        description: Of V(s3), the bucket.
        type: str
      region:
        description: Of V(s3), the bucket's region.
        type: str
      mode:
        description:
          - Of V(s3), the retention mode of each object; there is no default. In V(COMPLIANCE) nobody can delete it before its time, not even the owner of the
            account; in V(GOVERNANCE) who has a special permission can.
        type: str
        choices: [COMPLIANCE, GOVERNANCE]
      prefix:
        description: Of V(s3), what all names begin with, such as V(disposal/).
        type: str
      endpoint_url:
        description: Of V(s3), another endpoint than the region's own; only https, but on the loopback.
        type: str
      credentials_file:
        description:
          - Of V(s3), file with credentials as the AWS tools write it, which nobody else can read; where it is left out, what boto3 finds on the controller
            counts.
        type: path
      profile:
        description: Of V(s3), the profile in O(store.credentials_file).
        type: str
      ca_file:
        description: Of V(s3), file with the certificates of the authorities that the endpoint's certificate may come from.
        type: path
  keep:
    description:
      - How long evidence is kept, an ISO 8601 period such as V(P10Y), or a date, to whose end (UTC) everything is kept. There is no default.
      - A period counts from when a run was sealed, a head of the ledger was made, a certificate was issued, the register's log was last written.
      - With a store of the kind V(s3), objects are locked until then. A longer O(keep) locks what is stored already for longer, a shorter one does not unlock.
    type: str
    required: true
  state:
    description:
      - V(present) puts into the store what is not there. What has expired by O(keep) is not put there.
      - V(expired) lists the runs in the store whose retention has passed.
    type: str
    choices: [present, expired]
    default: present
  remove:
    description:
      - With O(state=expired), remove the runs that are listed, and leave for each a tombstone (C(tombstones/RUN.json)) with its id, the digests of its
        statements and the time. The ledger stays. A run that has a tombstone is not stored again.
      - A store of the kind V(git) keeps its history and is refused.
      - Nothing is removed from O(source).
    type: bool
    default: false
  holds:
    description:
      - With O(state=expired), ids of runs that stay although their retention has passed. One that the store does not have is refused, since it may be a slip.
      - A legal hold that is placed on an object of a bucket counts too.
    type: list
    elements: str
    default: []
  allowed_signers:
    description:
      - File in the form of OpenSSH's C(allowed_signers) with who may sign evidence and who could approve plans. Needed with O(state=present).
    type: path
  signer:
    description:
      - Name of who signs the evidence, as in O(allowed_signers). Needed with O(state=present).
    type: str
extends_documentation_fragment:
  - recordings.disposal._attributes
attributes:
  check_mode:
    support: full
    details: Verifies what is here and reads what is there; writes nothing.
  diff_mode:
    support: none
    details: What is stored is listed in the result.
  idempotent:
    support: full
    details: What is stored with the same content is not stored again.
author:
  - recordings.disposal contributors (@recordings-disposal)
seealso:
  - module: recordings.disposal.evidence_seal
  - module: recordings.disposal.evidence_verify
"""

EXAMPLES = r"""
- name: Keep the evidence in a directory of another machine's filesystem
  recordings.disposal.evidence_store:
    source: disposal
    store:
      kind: directory
      path: /mnt/evidence
    keep: P10Y
    allowed_signers: allowed_signers
    signer: evidence@example.com
  delegate_to: localhost
  run_once: true

- name: Keep the evidence in a bucket with object lock
  recordings.disposal.evidence_store:
    source: disposal
    store:
      kind: s3
      bucket: example-evidence
      region: eu-central-1
      mode: COMPLIANCE
      credentials_file: /etc/disposal/evidence-credentials
    keep: P10Y
    allowed_signers: allowed_signers
    signer: evidence@example.com
  delegate_to: localhost
  run_once: true

- name: Remove from the directory what need no longer be kept
  recordings.disposal.evidence_store:
    store:
      kind: directory
      path: /mnt/evidence
    keep: P10Y
    state: expired
    remove: true
    holds: [2026-11-23-4f1c]
  delegate_to: localhost
  run_once: true
"""

RETURN = r"""
store:
  description: The store, without any secret.
  returned: when the store could be used
  type: dict
  sample:
    kind: directory
    path: /mnt/evidence
    immutable: false
put:
  description:
    - What was stored (in check mode, would be), C(files), C(bytes), C(units) and the first of their C(titles).
  returned: with O(state=present)
  type: dict
  sample:
    files: 12
    bytes: 65031
    units: 2
    titles:
      - run 2026-11-23-4f1c statement 0 sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
      - ledger 1 sha256:6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d
same:
  description: How many files were stored before and have the same content.
  returned: with O(state=present)
  type: int
extended:
  description: Of how many files that were stored before, lock, mode or flag had to be set (anew).
  returned: with O(state=present)
  type: int
kept_until:
  description: Until when the evidence is kept, C(first) and C(last); none where there is nothing to keep.
  returned: with O(state=present)
  type: dict
  sample:
    first: "2036-11-23T23:00:00Z"
    last: "2036-11-23T23:00:00Z"
unsealed:
  description: Runs that the ledger does not name, which are not stored; the first 50.
  returned: with O(state=present)
  type: list
  elements: str
absent:
  description:
    - Runs that the ledger names and that are not in O(source); the first 50. What the store has of them is held against their statements, and the task
      fails where one is not whole there, unless its time has passed or a tombstone tells of it.
  returned: with O(state=present)
  type: list
  elements: str
removed:
  description: Runs that have a tombstone in the store and are not stored again; the first 50.
  returned: with O(state=present)
  type: list
  elements: str
expired:
  description:
    - With O(state=present), what is not in the store and not put there, since it has expired.
    - With O(state=expired), the runs whose retention has passed, each with C(run), C(kept_until) and C(files); the first 50.
  returned: when the store could be used
  type: list
  elements: raw
expired_count:
  description: How many runs have expired.
  returned: with O(state=expired)
  type: int
staying:
  description: Of the first 50 runs, those that stay, each with C(run), C(kept_until) (none where that is not known), C(files) and C(reason).
  returned: with O(state=expired)
  type: list
  elements: dict
  sample:
    - run: 2026-11-23-4f1c
      kept_until: "2036-11-23T23:00:00Z"
      files: 12
      reason: its retention has not passed
checks:
  description: A sentence for each property of the store that was seen to hold.
  returned: when the store could be used
  type: list
  elements: str
warnings:
  description:
    - A sentence for each run of which sealed files were not in the store though the ledger there names it, so that they were put there again; the
      first 50. The ledger goes in after all that it names.
  returned: with O(state=present)
  type: list
  elements: str
problems:
  description: A sentence for each thing that could not be stored, or is not as it was stored; the first 50.
  returned: when the store could be used
  type: list
  elements: str
"""
