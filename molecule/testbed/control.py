# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write a playable recording with a marker in it: the one that is only deleted, so that the adversary must find it.

usage: control.py FILE
"""

from __future__ import annotations

import io
import math
import secrets
import struct
import sys
import wave

RATE = 8000
SECONDS = 3


def main() -> None:
    tone = (int(9000 * math.sin(2 * math.pi * 440 * i / RATE)) + secrets.randbelow(400) for i in range(RATE * SECONDS))
    sound = io.BytesIO()
    with wave.open(sound, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(b"".join(struct.pack("<h", sample) for sample in tone))
    content = bytearray(sound.getvalue())
    marker = f"RDMARK:{secrets.token_hex(8)}".encode()
    content[5000 : 5000 + len(marker)] = marker
    with open(sys.argv[1], "wb") as file:
        file.write(content)


if __name__ == "__main__":
    main()
