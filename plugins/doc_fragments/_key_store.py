# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations


class ModuleDocFragment:
    """Where keys are kept; twin of C(STORE_OPTIONS) in C(module_utils/_keys/stores/options.py)."""

    DOCUMENTATION = r"""
options:
  key_store:
    description:
      - Where the keys are kept that wrap others. Secrets are never given here, only files on the host that hold them and that nobody else can read.
      - Which options belong to which O(key_store.kind), and what each store must permit, is in the guide C(keys) of the collection. One that belongs to
        another kind is refused.
    type: dict
    suboptions:
      kind:
        description: The kind of the store.
        type: str
        choices: [directory, vault, kmip, pkcs11, aws_kms]
        required: true
      path:
        description: Of V(directory), the real absolute path of a directory with mode V(0700), owned by the user that Ansible runs as.
        type: path
      url:
        description: Of V(vault), the URL of OpenBao or HashiCorp Vault; only https, but on the loopback.
        type: str
      mount:
        description: Of V(vault), where the transit engine is mounted, V(transit) where it is left out.
        type: str
      namespace:
        description: Of V(vault), the namespace.
        type: str
      host:
        description: Of V(kmip), the server.
        type: str
      port:
        description: Of V(kmip), its port, V(5696) where it is left out.
        type: int
      ca_file:
        description: Of V(vault) and V(kmip), file with the certificates of the authorities that the server's certificate may come from.
        type: path
      cert_file:
        description: Of V(kmip), the client's certificate.
        type: path
      key_file:
        description: Of V(kmip), the key of O(key_store.cert_file).
        type: path
      token_file:
        description: Of V(vault), file with the token; where it is left out, C(VAULT_TOKEN) in the environment counts, or C(~/.vault-token).
        type: path
      username:
        description: Of V(kmip), a user, where the server wants one beside the certificate.
        type: str
      password_file:
        description: Of V(kmip), file with the password of O(key_store.username).
        type: path
      module:
        description: Of V(pkcs11), the PKCS#11 library of the token.
        type: path
      token:
        description: Of V(pkcs11), the label of the token.
        type: str
      pin_file:
        description: Of V(pkcs11), file with the user's PIN.
        type: path
      region:
        description: Of V(aws_kms), the region.
        type: str
      endpoint_url:
        description: Of V(aws_kms), another endpoint than the region's own.
        type: str
      credentials_file:
        description: Of V(aws_kms), file with credentials as the AWS tools write it; where it is left out, what boto3 finds on the host counts.
        type: path
      profile:
        description: Of V(aws_kms), the profile in O(key_store.credentials_file).
        type: str
      window_days:
        description: Of V(aws_kms), how long a key waits before AWS destroys it, from V(7) to V(30), which it is where it is left out.
        type: int
"""
