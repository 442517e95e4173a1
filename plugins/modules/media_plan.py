#!/usr/bin/python
# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: media_plan
short_description: Plan how media that leave service are destroyed, as a manifest to be approved
version_added: 0.1.0
description:
  - Joins the register of media, a policy of media, and what M(recordings.disposal.media_info) and M(recordings.disposal.media_drain) returned on each
    host, into a plan that tells for each medium which techniques are tried in which order, the level that is required and that they reach, about how long
    they last, what stays open, and what follows where they fail.
  - Writes the manifest, which people sign, and the pages that they read, C(plan.html), C(plan.md) and C(plan.csv), with the lines of each host, whose
    digest the manifest names, to C(plans/<plan_id>) below O(dest).
  - A medium that is not in the register, or not C(released) there, is refused. One that something speaks against (it is not drained, belongs to a running
    array, is the system's disk, is not what the register says, or goes beyond a limit) blocks the plan, which M(recordings.disposal.media_apply) then refuses.
  - Nothing is ever tried that the policy does not name. Media that nothing on their host can bring to their level go to physical destruction.
  - Runs on the controller only; no host is touched. Run it once, with C(run_once) or on V(localhost).
options:
  register:
    description:
      - Path of the register of media on the controller, as M(recordings.disposal.media_register) keeps it. It must show what its log below O(dest) says.
    type: path
    required: true
  results:
    description:
      - For each inventory host a mapping of C(info), the result of M(recordings.disposal.media_info) there, and C(drained), that of
        M(recordings.disposal.media_drain).
      - A host with media of the plan whose looks failed or gave no result is refused by name.
    type: dict
    default: {}
  serials:
    description:
      - The media to plan; all that the register has as C(released) where it is left out. Where there are none, nothing is written, and RV(plan_id) is none.
    type: list
    elements: str
  dead:
    description:
      - Released media that no host can reach any more, such as drives that do not answer. They go to physical destruction as they are, without a look at
        what is on them, so that one which a host of O(results) shows blocks the plan.
      - They are planned besides O(serials), which may name them too.
    type: list
    elements: str
  hosts:
    description:
      - Only media that are registered on these hosts, and those that are O(dead). A medium of O(serials) that is registered elsewhere is refused.
    type: list
    elements: str
  policy:
    description:
      - The policy of media. Without one no fallback is ever tried, a sample is read back, physical destruction means shredding, and a plan has at
        most 50 media, 8 of one host.
      - C(id), C(version), C(owner) and C(review_by) are needed. C(limits) has C(media) and C(media_per_host), each up to 500. C(undetermined) is V(refuse)
        (the default) or V(accept) media of which it cannot be told whether they are drained.
      - C(rules) is a list, each with C(kinds), and where it differs from the default C(technique) (V(auto), V(none), V(overwrite) or one of
        M(recordings.disposal.sanitize)), C(fallback), C(verify) (V(canaries), V(sample), V(all)), C(sample_share), C(canaries), C(physical) (such as V(shred)),
        C(destination) (V(internal_reuse), V(external_reuse), V(recycling), V(manufacturer), V(other)) and C(classification_after).
    type: dict
  policy_file:
    description:
      - The same in a YAML or JSON file on the controller.
    type: path
  author:
    description:
      - Whoever wrote the plan, by the name that the list of allowed signers has for them. An author cannot approve the own plan.
    type: str
    required: true
  approvals_required:
    description:
      - Number of different persons other than O(author) who have to sign the manifest; V(0) where no approval is needed.
    type: int
    default: 2
  expires_in:
    description:
      - How long the plan may be carried out, as an ISO 8601 period of days, hours and minutes such as V(P7D).
    type: str
    default: P7D
  dest:
    description:
      - State directory on the controller; a relative path counts from the working directory.
    type: path
    default: disposal
  plan_id:
    description:
      - Name of the plan, up to 64 letters, digits, dots, hyphens and underscores; by default the date and a part of a digest of what is decided.
    type: str
  language:
    description:
      - Language of C(plan.html) and C(plan.md). Sentences that come from hosts stay English.
    type: str
    choices: [en, pl]
    default: en
extends_documentation_fragment:
  - recordings.disposal._attributes
attributes:
  check_mode:
    support: full
    details: Decides, refuses what would be refused, and writes nothing.
  diff_mode:
    support: full
    details: Shows C(plan.md) before and after.
  idempotent:
    support: full
    details: What decides the same and has not expired stays as it is, so that signatures over it stay good.
seealso:
  - module: recordings.disposal.media_register
  - module: recordings.disposal.media_drain
  - module: recordings.disposal.media_apply
author:
  - recordings.disposal contributors (@recordings-disposal)
"""

EXAMPLES = r"""
- name: Look at the media of every host
  recordings.disposal.media_info:
  register: info

- name: Look whether what must be kept is still on those that leave service
  recordings.disposal.media_drain:
    register: register.yml
    policy_file: policy.yml
  register: drained

- name: Join both
  ansible.builtin.set_fact:
    shown: "{{ {'info': info, 'drained': drained} }}"

- name: Plan
  recordings.disposal.media_plan:
    register: register.yml
    results: "{{ dict(ansible_play_hosts_all | zip(ansible_play_hosts_all | map('extract', hostvars, 'shown'))) }}"
    author: storage@example.com
    policy:
      id: media
      version: "1"
      owner: storage@example.com
      review_by: "2027-06-30"
      limits: {media: 20, media_per_host: 4}
      rules:
        - kinds: [nvme, sata_ssd]
          technique: auto
          fallback: [nvme_sanitize_crypto, ata_sanitize_crypto]
          verify: all
          physical: disintegrate
        - kinds: [tape]
          technique: none
          physical: degauss
  run_once: true
"""

RETURN = r"""
plan_id:
  description: Name of the plan; none where nothing is released.
  returned: success
  type: str
  sample: 2026-11-27-998e220a56
manifest_path:
  description: The file to sign, with its absolute path on the controller; in check mode where it would be.
  returned: success
  type: str
manifest_digest:
  description: The digest of that file's bytes.
  returned: success
  type: str
pages:
  description: The pages, C(html), C(markdown) and C(csv), with their absolute paths on the controller.
  returned: success
  type: dict
totals:
  description: C(hosts) and C(media) of the plan, and what is C(due) on their hosts as C(sets) (media) and C(bytes).
  returned: success
  type: dict
  sample: {"hosts": 2, "media": 5, "due": {"sets": 4, "files": 0, "bytes": 16003148120064}}
hosts:
  description: For each host how many media are C(due) there and how many go to C(physical) destruction.
  returned: success
  type: dict
  sample: {"rec1": {"due": 3, "physical": 1}}
blocked:
  description:
    - Whatever speaks against the plan, each with C(host) and C(sentence), the first hundred; empty where it may be approved and applied.
  returned: success
  type: list
  elements: dict
  sample: []
problems:
  description: A sentence for each fault, the first hundred.
  returned: failure
  type: list
  elements: str
"""
