# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations


class ModuleDocFragment:
    """The policy and what goes with it; twin of C(POLICY_OPTIONS) in C(module_utils/_sweep/options.py)."""

    DOCUMENTATION = r"""
options:
  policy:
    description:
      - The policy as a mapping, with or without the wrapping key C(disposal_policy). It is validated whole before anything else.
      - Exactly one of O(policy) and O(policy_file) is required.
      - See C(docs/policy.md) in the collection for every key.
    type: dict
  policy_file:
    description:
      - Path on the controller of a YAML file with the policy; Ansible Vault files are read too. A key that stands twice in one mapping is refused.
    type: path
  sources:
    description:
      - Names of the policy's sources that this host has; the default is all of them. A source that is missing on the host is refused, since
        nobody could tell it from an unmounted one.
    type: list
    elements: str
  identifiers_key_file:
    description:
      - File on the controller with the key under which evidence names recording sets, at least 32 characters. It is made with a random key
        (mode V(0600)) if it is missing, except in check mode.
      - Destroying this file later makes all evidence made under it anonymous.
      - Needed unless the policy says C(identifiers=plain).
    type: path
    default: disposal/identifiers.key
  identifiers_key:
    description:
      - The key itself; set from O(identifiers_key_file) on the controller.
    type: str
  state_dir:
    description:
      - Directory on the host for plans, journals and holds, with mode V(0700).
    type: path
    default: /var/lib/recordings-disposal
  controller_time:
    description:
      - The controller's clock in seconds since 1970 UTC, set by the controller just before the module starts.
      - The host is refused when its clock differs by more than the policy's C(limits.clock_skew).
    type: int
"""
