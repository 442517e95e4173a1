#!/usr/bin/python
# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: evidence_proof
short_description: Prove to one person what became of a recording
version_added: 0.1.0
description:
  - Writes the proof that the record of one recording set is in the signed statement of a run, and the letter to the person who asked (GDPR articles 12
    and 17).
  - The proof holds the record of this set and hashes, and shows nothing of any other recording. It can be verified with C(docs/verify_evidence.py), or by
    hand.
  - The set is found by its name in the journals (O(set)), or by what the recording was called (O(source), O(root), and O(recording) or O(file)) with the
    key for identifiers. The plain name comes into no proof, no result and no log, and into the letter only with O(name_in_letter).
  - A set that was not destroyed is refused with the outcome and its reason. Refused are also a set that is in no run, in several, or on several hosts, a
    run that is not sealed, whose statement is not signed by O(signer) or not the last that the ledger names, and a journal that is not what the statement
    names.
  - Where a set was moved to quarantine and destroyed there later, the record of its destruction is the one that is proven.
  - The places and hashes of a run's records are kept in C(cache/RUN.tree) in O(dest), so that the next proof takes milliseconds. It is made anew where it
    does not fit, can be deleted at any time, and is never believed. A proof counts only if it leads to the root in the signed statement.
  - Runs on the controller.
options:
  dest:
    description:
      - State directory on the controller, below which the runs are; a relative path counts from the working directory.
    type: path
    default: disposal
  set:
    description:
      - Name of the recording set, as journals have it.
      - Either this or O(source), O(root) and O(recording) or O(file) is needed.
    type: str
  source:
    description:
      - Name of the recording's source in the policy.
    type: str
  root:
    description:
      - Root of the source that the recording was in, as the policy writes it.
    type: str
  recording:
    description:
      - What the recording set was called below O(root), directories included, without the ending of a file, such as V(2026/11/23/NAME).
      - Give it in a file (C(-e @question.yml)), since the process table shows what stands on a command line.
    type: str
  file:
    description:
      - Path below O(root) of one of the recording's files, in place of O(recording). O(layout) tells which set it belonged to.
    type: str
  layout:
    description:
      - The source's layout, needed with O(file). Where it is V(custom) in the policy, give O(recording).
    type: str
  identifiers_key_file:
    description:
      - File on the controller with the key for identifiers, by which evidence names sets. Once it was destroyed, nobody can ask by a plain name.
      - The default is C(identifiers.key) in O(dest).
    type: path
  run:
    description:
      - Name of the run. Without it all runs are searched.
    type: str
  host:
    description:
      - Host that the recording was on, needed where sets of one name are on several.
    type: str
  allowed_signers:
    description:
      - File in the form of OpenSSH's C(allowed_signers) with who may sign evidence. Dates without the letter Z are read as UTC.
    type: path
    required: true
  signer:
    description:
      - Name of who signs the evidence, as in O(allowed_signers).
    type: str
    required: true
  ledger:
    description:
      - Path of the ledger.
      - The default is C(ledger.jsonl) in O(dest).
    type: path
  output:
    description:
      - Directory for the files.
      - The default is C(proofs/RUN/DIGEST) in O(dest), where C(DIGEST) is the beginning of the SHA-256 of the set's name in the journals.
    type: path
  with_statement:
    description:
      - Copy the statement and its signature beside the proof. Without them the proof tells the statement's digest only, and cannot be verified alone.
      - The statement shows names of hosts and approvers, and counts; it names no recording.
    type: bool
    default: true
  languages:
    description:
      - Languages to write the letter in. With an empty list there is no letter.
    type: list
    elements: str
    choices: [en, pl]
    default: [en, pl]
  organisation:
    description:
      - The organisation that writes the letter, as the controller of the data. A letter needs it.
    type: str
  contact:
    description:
      - Its address, with whatever else the person may need to reach it. A letter needs it.
    type: str
  data_protection_officer:
    description:
      - Its data protection officer, with how to reach them.
    type: str
  supervisory_authority:
    description:
      - The supervisory authority to which the person may complain, with its address. A letter needs it.
    type: str
  case:
    description:
      - Reference of the request, without personal data.
    type: str
  received:
    description:
      - Day on which the request came, such as V(2026-11-23).
    type: str
  question:
    description:
      - What was asked. That the recording be erased (V(erasure)), or what became of it (V(information)).
    type: str
    choices: [erasure, information]
    default: erasure
  name_in_letter:
    description:
      - Write the plain name of the recording into the letter. With O(set) alone nobody knows it, and this is refused.
      - Where the policy has evidence name sets plainly, the record holds the name, and so does the proof; it is written only with this option.
    type: bool
    default: false
  on_not_destroyed:
    description:
      - What to do where the outcome is not V(destroyed). With V(prove) the proof and the letter say that it was not, with the reason of the record, which
        may name a legal hold; read the letter before it is sent.
    type: str
    choices: [fail, prove]
    default: fail
extends_documentation_fragment:
  - recordings.disposal._attributes
attributes:
  check_mode:
    support: full
    details: Finds the record, makes the proof and the letters in memory, and writes nothing.
  diff_mode:
    support: none
    details: The files are about one person.
  idempotent:
    support: full
    details: The letter has its date written by hand.
author:
  - recordings.disposal contributors (@recordings-disposal)
seealso:
  - module: recordings.disposal.evidence_seal
  - module: recordings.disposal.evidence_verify
  - module: recordings.disposal.evidence_sample
"""

EXAMPLES = r"""
- name: Prove what became of a set, with the letter
  recordings.disposal.evidence_proof:
    set: 0000000000000000000000000000000a
    host: rec1
    allowed_signers: allowed_signers
    signer: evidence@example.com
    organisation: Example S.A.
    contact: ul. Długa 1, 00-001 Warszawa, privacy@example.com
    data_protection_officer: Anna Nowak, iod@example.com
    supervisory_authority: Prezes Urzędu Ochrony Danych Osobowych, Warszawa
    case: DP/2026/117
    received: "2026-11-20"
  delegate_to: localhost

- name: The proof alone, for a recording of which a file is known
  recordings.disposal.evidence_proof:
    source: pbx
    root: /var/spool/asterisk/monitor
    file: "{{ question_file }}"
    layout: freepbx
    allowed_signers: allowed_signers
    signer: evidence@example.com
    languages: []
  delegate_to: localhost
  no_log: true
"""

RETURN = r"""
run:
  description: Name of the run whose statement has the record.
  returned: success
  type: str
host:
  description: Host that wrote it.
  returned: success
  type: str
set:
  description: The set's name in the journals; none where that is the plain name.
  returned: success
  type: str
outcome:
  description: V(destroyed), V(not_destroyed) or V(unknown).
  returned: success
  type: str
reason:
  description: Why it was not destroyed; the first five reasons.
  returned: success
  type: list
  elements: str
destroyed_at:
  description: When, by the host's clock; none where it was not destroyed.
  returned: success
  type: str
level:
  description: The level that was required and the one that was achieved, with the standard.
  returned: success
  type: dict
leaf_index:
  description: Number of the record among all that the statement covers, from 0.
  returned: success
  type: int
tree_size:
  description: How many these are.
  returned: success
  type: int
proof:
  description: The proof.
  returned: success
  type: dict
  contains:
    path:
      description: Path of the file.
      type: str
    digest:
      description: Its digest.
      type: str
    bytes:
      description: Its size.
      type: int
statement:
  description: The statement that the proof leads to.
  returned: success
  type: dict
  contains:
    path:
      description: Path of its copy, or of the statement itself where it is not copied.
      type: str
    digest:
      description: Its digest.
      type: str
    key:
      description: Fingerprint of the key that signed it.
      type: str
letters:
  description: Paths of the letters.
  returned: success
  type: list
  elements: str
"""
