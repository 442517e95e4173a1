#!/usr/bin/python
# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: period_key
short_description: Make the key of a retention class and a period
version_added: 0.1.0
description:
  - Makes a key (an X25519 identity in the format of C(age)) for one retention class and one period, wraps it with a key of a key store, and keeps
    it, wrapped, in a document. Recordings are then encrypted to its public half with M(recordings.disposal.recording_encrypt), and
    M(recordings.disposal.crypto_erase) destroys them all by destroying the store's key.
  - Run it on a host that reaches the key store and is no recording server. The private half is in that host's memory only.
  - A key that is there is left as it is. One that was begun and interrupted is brought to its end. One that was destroyed is not made anew; it is told
    with a warning and without RV(recipients).
options:
  class:
    description: Name of the retention class.
    type: str
    required: true
  period:
    description: Such as V(2026-03), V(2026-Q1) or V(2026), as the class's C(encryption.period) says.
    type: str
    required: true
  dir:
    description:
      - Absolute path of the directory with the documents of keys. They are no secrets, but without its document a key is of no use; keep copies.
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
    details: Tells whether the key would be made, and asks the store about one that is there.
  diff_mode:
    support: none
  idempotent:
    support: full
author:
  - recordings.disposal contributors (@recordings-disposal)
seealso:
  - module: recordings.disposal.recording_encrypt
  - module: recordings.disposal.crypto_erase
"""

EXAMPLES = r"""
- name: A key for each class's recordings of this month
  recordings.disposal.period_key:
    class: service-calls
    period: 2026-11
    dir: /srv/recording-keys
    key_store:
      kind: vault
      url: https://vault.example.com:8200
      token_file: /root/vault.token
  register: month_key
"""

RETURN = r"""
class:
  description: The retention class.
  returned: success
  type: str
period:
  description: The period.
  returned: success
  type: str
recipient:
  description: The public half, for M(recordings.disposal.recording_encrypt); none in check mode where there is no key yet.
  returned: success
  type: str
  sample: age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj
recipients:
  description: C(class), C(period) and C(recipient) as a list of one, as M(recordings.disposal.recording_encrypt) takes it; empty where there is no key
    yet, and where the store's key is gone or on its way to it, since what is encrypted for it is lost.
  returned: success
  type: list
  elements: dict
fingerprint:
  description: The name of the recipient in labels and evidence.
  returned: success
  type: str
state:
  description: What the store says of the key that wraps it.
  returned: success
  type: dict
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.recordings.disposal.plugins.module_utils._errors import DisposalError
from ansible_collections.recordings.disposal.plugins.module_utils._executor import CheckExecutor, Executor
from ansible_collections.recordings.disposal.plugins.module_utils._keys.stores.options import STORE_OPTIONS, misplaced_secrets
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.options import warned
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.periods import make_period_key


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **STORE_OPTIONS,
            "class": {"type": "str", "required": True},
            "period": {"type": "str", "required": True},
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
        result = make_period_key(module.params, executor, check_mode=module.check_mode)
    except DisposalError as error:
        module.fail_json(msg=error.message, **warned(module, error.details))
    module.exit_json(**warned(module, result))


if __name__ == "__main__":
    main()
