# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The test-bed's programs are scripts beside each other, not packages."""

from __future__ import annotations

import sys
from pathlib import Path

MOLECULE = Path(__file__).resolve().parents[2] / "molecule"
sys.path[:0] = [str(MOLECULE / "testbed"), str(MOLECULE / "default" / "files")]
