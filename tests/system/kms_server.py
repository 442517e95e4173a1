# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""moto's KMS server, run by itself: keys whose date is over are gone and their aliases with them, as AWS documents and moto leaves out.

usage: kms_server.py PORT
"""

from __future__ import annotations

import sys
import typing as t

from moto.core.utils import utcnow
from moto.kms.models import kms_backends
from moto.kms.responses import KmsResponse
from moto.server import main

_call_action = KmsResponse.call_action


def _purge() -> None:
    for regions in list(kms_backends.values()):
        for backend in list(regions.values()):
            for key in list(backend.keys.values()):
                if key.deletion_date is not None and key.deletion_date <= utcnow():
                    del backend.keys[key.id]


def _call_after_purge(response: KmsResponse) -> t.Any:
    _purge()
    return _call_action(response)


if __name__ == "__main__":
    KmsResponse.call_action = _call_after_purge  # type: ignore[method-assign]
    main(["-H", "127.0.0.1", "-p", sys.argv[1]])
