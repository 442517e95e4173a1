#!/usr/bin/python
# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: media_register
short_description: Keep the register of media, with evidence of each transition and nothing unaccounted for
version_added: 0.1.0
description:
  - Reads the register of media, a YAML, CSV or SQLite file with one entry for each medium, and its log, a chained file with one record for
    each transition.
  - Moves media from state to state, from V(in_service) over V(released), V(sanitized), V(verified) and V(in_custody) to V(destroyed) or V(reused), as
    the table of transitions in C(docs/register.md) allows, and no other way.
  - Holds the register against what M(recordings.disposal.media_info) returned across the fleet, and names each drive that is unknown, missing, found
    twice, found elsewhere, or not what the register says.
  - Closes a host or a batch only when every serial is V(destroyed) or V(reused) and has a certificate of M(recordings.disposal.media_certificate) for it, or
    has a reason that two persons have signed.
  - A register that is not valid, or that shows what the log does not say, is refused whatever is asked.
  - Runs on the controller only; no host is touched. Run it once, with C(run_once) or on V(localhost).
options:
  register:
    description:
      - Path of the register on the controller, ending in C(.yml), C(.yaml), C(.csv), C(.sqlite), C(.sqlite3) or C(.db).
    type: path
    required: true
  dest:
    description:
      - State directory on the controller; a relative path counts from the working directory. The log and all reports lie in C(register) below it.
      - Each register needs a state directory of its own.
    type: path
    default: disposal
  state:
    description:
      - V(checked) reads register and log and tells what they hold.
      - V(moved) records O(event) or O(event_file), and has the register show it.
      - V(reconciled) holds the register against O(results).
      - V(closed) records that nothing of O(hosts) or O(serials) is unaccounted for, or fails and names what is.
    type: str
    choices: [checked, moved, reconciled, closed]
    default: checked
  event:
    description:
      - What happened, for O(state=moved), where nobody has to sign it.
      - C(to) is the state that the media come to, C(serials) names them, C(time) is when (RFC 3339 in UTC, such as C(2026-11-23T22:00:00Z)), C(persons) lists
        who did it, C(reason) why, where the table asks for it, C(place) where.
      - C(evidence) and C(photos) list files, each with its C(file) (a relative path counts from the working directory) and its C(digest), such as the
        result of a sanitize or a certificate.
    type: dict
  event_file:
    description:
      - The same in a YAML or JSON file, for O(state=moved), with paths that count from its directory.
      - An event of custody (C(to) is V(in_custody)) also tells C(custody), one of V(sealed_bag), V(hand_over), V(transport) and V(storage), its C(place), and
        two different C(persons), each of whom signs the file with C(ssh-keygen -Y sign -f KEY -n custody@recordings.disposal FILE) and has the signature lie
        beside it as C(FILE.PRINCIPAL.sig).
    type: path
  allowed_signers:
    description:
      - File on the controller with the people who may sign, in the form of OpenSSH's C(allowed_signers); its namespaces and validities are honoured.
      - Nobody may sign while a line of it lets one key sign as several people.
    type: path
  results:
    description:
      - For each inventory host the result of M(recordings.disposal.media_info) on it, for O(state=reconciled).
      - A host that failed, was unreachable or gave no result is silent; its media are unseen, not missing.
    type: dict
  hosts:
    description:
      - For O(state=reconciled), the hosts that are meant; by default all that the register or O(results) names.
      - For O(state=closed), the hosts to close, with all media that are registered there, were at an event since they left service, or were when the host
        was reconciled last. Each host must have been reconciled, and nothing that the last reconciliation found there may be open.
    type: list
    elements: str
  serials:
    description:
      - For O(state=closed), the serials of a batch to close.
    type: list
    elements: str
  reasons:
    description:
      - For O(state=closed), files in the form of O(event_file) without C(to), each of which tells the C(reason) why its C(serials) cannot be accounted for
        otherwise, and is signed by two persons alike.
    type: list
    elements: path
  on_finding:
    description:
      - Whether a difference between register and fleet fails the task or is reported only. The report is kept in both cases.
    type: str
    choices: [fail, report]
    default: fail
extends_documentation_fragment:
  - recordings.disposal._training
  - recordings.disposal._attributes
attributes:
  check_mode:
    support: full
    details: Refuses what would be refused, and writes nothing.
  diff_mode:
    support: none
  idempotent:
    support: full
    details: An event is known by its digest; one that is recorded already is not recorded again. A run that was cut off is brought to its end.
seealso:
  - module: recordings.disposal.media_info
author:
  - recordings.disposal contributors (@recordings-disposal)
"""

EXAMPLES = r"""
- name: Check the register
  recordings.disposal.media_register:
    register: register.yml
  delegate_to: localhost
  run_once: true

- name: Hold it against what every host has
  recordings.disposal.media_register:
    register: register.yml
    state: reconciled
    results: "{{ dict(ansible_play_hosts_all | zip(ansible_play_hosts_all | map('extract', hostvars, 'found'))) }}"
  delegate_to: localhost
  run_once: true

- name: Release two drives
  recordings.disposal.media_register:
    register: register.yml
    state: moved
    event:
      to: released
      time: "2026-11-23T20:00:00Z"
      persons: [anna@example.com]
      serials: [S4EWNX0M501234, S4EWNX0M501235]
  delegate_to: localhost
  run_once: true

- name: Record that they were sealed into a bag, as two persons have signed
  recordings.disposal.media_register:
    register: register.yml
    state: moved
    event_file: events/bag-17.yml
    allowed_signers: custody.allowed_signers
  delegate_to: localhost
  run_once: true

- name: Close a host, one of whose drives was lost
  recordings.disposal.media_register:
    register: register.yml
    state: closed
    hosts: [rec1]
    reasons: [events/lost-drive.yml]
    allowed_signers: custody.allowed_signers
  delegate_to: localhost
  run_once: true
"""

RETURN = r"""
media:
  description: How many media the register has.
  returned: success
  type: int
  sample: 200
states:
  description: How many of them are in each state.
  returned: success
  type: dict
  sample: {in_service: 190, released: 2, sanitized: 0, verified: 0, in_custody: 4, destroyed: 3, reused: 1}
log:
  description: The log, with its C(path), its number of C(records) and its C(head), the digest of the last one.
  returned: success
  type: dict
unfinished:
  description: Media whose last event the register did not show, since a run was cut off; O(state=moved) has brought that to its end.
  returned: when O(state=checked) or O(state=moved)
  type: int
  sample: 0
moved:
  description: How many media the event has moved.
  returned: when O(state=moved)
  type: int
  sample: 2
event:
  description: Digest of the event, by which the log names it; its bytes and signatures are kept in C(register/events) below O(dest).
  returned: when O(state=moved)
  type: str
  sample: sha256:3eb953788dafeda84092f7d6f946183840dd1cc2e0fd62f4e6738e5cdebbebda
counts:
  description:
    - How many findings there are of each kind. C(unknown) is a drive that is not in the register, C(missing) one that its host does not have, C(twice) a
      serial that several drives have, C(swapped) a medium found elsewhere than registered, C(contradicted) one that is not what the register says,
      C(unseen) one whose host did not tell, C(silent) such a host, C(unnamed) a drive that tells no serial.
  returned: when O(state=reconciled)
  type: dict
findings:
  description: The first hundred of them, each with C(finding), C(serial), C(hosts) and C(told), one sentence.
  returned: when O(state=reconciled)
  type: list
  elements: dict
hosts:
  description: How many hosts have C(reported), and how many are C(silent).
  returned: when O(state=reconciled)
  type: dict
closed:
  description: How many media are V(destroyed), V(reused), or accounted for by a C(reason).
  returned: when O(state=closed)
  type: dict
report:
  description: The file with all of it, C(path) and C(digest), by which the log names it; in check mode where it would be.
  returned: when O(state=reconciled) or O(state=closed)
  type: dict
unaccounted:
  description: A sentence for each serial that is unaccounted for, the first hundred; C(unaccounted_count) is how many there are.
  returned: failure of O(state=closed)
  type: list
  elements: str
problems:
  description: A sentence for each fault, the first hundred.
  returned: failure
  type: list
  elements: str
"""
