# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that a recording system could have written: true names, playable audio, sidecars, legs, and the odd ends that real trees have.

Names come from the systems' own naming rules. What was made is told in a file of its own, so that a test can hold it against what the collection
finds: one JSON object a line with C(set_key), C(layout), C(members), C(start_epoch) (seconds since 1970, none where the name has no
date), C(fields), C(trap) and C(markers). Each file with audio or video carries a marker, C(RDMARK:) and 16 hexadecimal digits, again and again.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import io
import json
import math
import os
import pathlib
import random
import shutil
import struct
import subprocess
import sys
import typing as t
import uuid
import wave
import zlib
import zoneinfo

LAYOUTS = ("freepbx", "fusionpbx", "vicidial", "jibri")
RATE = 8000
# Numbers of agents; of the distinctive ones none looks like a count, a size or a mode, so that a search finds them or nothing.
AGENTS = {"usual": ("1001", "1002", "1003", "666", "6666"), "distinctive": ("0819", "0862", "0938", "097", "0975")}
DIDS = ("+48225550100", "+48225550200", "+48225550300")
PRODUCTS = ("orders", "support", "survey")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Made(t.NamedTuple):
    """One set: its key, its files below the root, when it began, what its documents say, the markers in its files."""

    key: str
    files: dict[str, bytes]
    start: dt.datetime
    fields: dict[str, t.Any]
    markers: list[str]
    trap: str | None = None
    dated: bool = True


class Factory:
    """Makes sets of one layout below one root; the same seed makes the same files.

    :arg seconds: the longest audio, in seconds.
    :arg agents: which of C(AGENTS) take the calls.
    """

    def __init__(self, layout: str, *, seed: int, zone: str, seconds: float = 1.5, agents: str = "usual") -> None:
        self.layout = layout
        self.agents = AGENTS[agents]
        self.random = random.Random(f"{layout} {seed}")
        self.zone = zoneinfo.ZoneInfo(zone)
        self.seconds = seconds
        self.lame = shutil.which("lame")

    def marker(self) -> str:
        return f"RDMARK:{self.random.getrandbits(64):016x}"

    def wav(self, marker: str, *, seconds: float | None = None) -> bytes:
        """8 kHz mono 16-bit: tones that rise and fall like speech, the marker in the samples every 4 KiB."""
        length = self.random.uniform(0.3, self.seconds) if seconds is None else seconds
        count = int(length * RATE)
        tone = self.random.randrange(120, 400)
        cycle = [int(9000 * math.sin(2 * math.pi * tone * i / RATE) * math.sin(math.pi * i / 1600)) for i in range(1600)]
        samples = bytearray(struct.pack("<1600h", *cycle) * (count // 1600 + 1))[: count * 2]
        mark = marker.encode() + b" "
        for offset in range(0, max(len(samples) - len(mark), 0), 4096):
            samples[offset : offset + len(mark)] = mark
        buffer = io.BytesIO()
        with wave.open(buffer, "wb") as writer:
            writer.setnchannels(1)
            writer.setsampwidth(2)
            writer.setframerate(RATE)
            writer.writeframes(bytes(samples))
        return buffer.getvalue()

    def mp3(self, marker: str) -> bytes:
        """MPEG audio by lame where it is at hand, else silent frames; the marker in an ID3v2 comment and in each frame's padding."""
        text = b"\0eng\0" + marker.encode()
        frame = b"COMM" + struct.pack(">I", len(text)) + b"\0\0" + text
        size = len(frame)
        tag = b"ID3\x03\0\0" + bytes([size >> 21 & 127, size >> 14 & 127, size >> 7 & 127, size & 127]) + frame
        if self.lame:
            done = subprocess.run([self.lame, "--quiet", "-b", "32", "-", "-"], input=self.wav(marker), capture_output=True, check=False)
            if done.returncode == 0:
                return tag + done.stdout
        # MPEG-2 layer III, 32 kbit/s, 16 kHz, mono: 144-byte frames; with no granule data each decodes to silence.
        head = b"\xff\xf3\x48\xc4" + bytes(9)
        body = (marker.encode() + b" ").ljust(144 - len(head), b"\0")
        return tag + (head + body) * self.random.randrange(20, 60)

    def mp4(self, marker: str) -> bytes:
        """A well-formed ISO base media file without tracks: ftyp, moov with its header, mdat."""

        def box(kind: bytes, body: bytes) -> bytes:
            return struct.pack(">I", 8 + len(body)) + kind + body

        mvhd = bytes(12) + struct.pack(">IIIH", 1000, 1000, 0x00010000, 0x0100) + bytes(10)
        matrix = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
        moov = box(b"moov", box(b"mvhd", mvhd + matrix + bytes(24) + struct.pack(">I", 2)))
        media = (marker.encode() + b" ").ljust(4096, b"\x2e") * self.random.randrange(2, 12)
        return box(b"ftyp", b"isom\0\0\2\0isommp42") + moov + box(b"mdat", media)

    def png(self) -> bytes:
        """A waveform of 64 by 16 points."""

        def chunk(kind: bytes, body: bytes) -> bytes:
            return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

        rows = b"".join(b"\0" + bytes(255 if abs(y - 8) > self.random.randrange(8) else 0 for _x in range(64)) for y in range(16))
        return (
            b"\x89PNG\r\n\x1a\n"
            + chunk(b"IHDR", struct.pack(">IIBBBBB", 64, 16, 8, 0, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(rows))
            + chunk(b"IEND", b"")
        )

    def note(self, **more: t.Any) -> dict[str, t.Any]:
        """What a sidecar tells."""
        choose = self.random.choice
        return {
            "did": choose(DIDS),
            "agent": choose(self.agents),
            "product": choose(PRODUCTS),
            "duration": self.random.randrange(20, 900),
            "consent": choose([True, True, False]),
            "customer": f"C-{self.random.randrange(10**6):06d}",
            **more,
        }

    def make(self, start: dt.datetime, number: int, *, trap: str | None = None) -> Made:
        """One set that began at C(start)."""
        made: Made = getattr(self, f"_{self.layout}")(start, number)
        return made._replace(trap=trap)

    def _freepbx(self, start: dt.datetime, number: int) -> Made:
        kind = self.random.choice(["in", "in", "in", "out", "out", "exten", "q", "rg", "parked", "ondemand"])
        customer = f"+4860{self.random.randrange(10**7):07d}"
        local = start.astimezone(self.zone)
        dialled = self.random.choice(["+48225550100", "2001", "800-555-0199", "600 4001"])
        source = customer if kind != "out" else self.random.choice(["2001", "2002"])
        unique = f"{int(start.timestamp())}.{number}"
        if number % 7 == 0:
            unique = f"pbx1-{unique}"
        stem = f"{kind}-{dialled}-{source}-{local:%Y%m%d-%H%M%S}-{unique}"
        ending = ".WAV" if number % 11 == 0 else ".mp3" if number % 5 == 0 else ".wav"
        marker = self.marker()
        note = self.note()
        if kind in ("in", "out"):
            note["direction"] = kind
        files = {
            stem + ending: self.mp3(marker) if ending == ".mp3" else self.wav(marker, seconds=0 if number % 53 == 0 else None),
            stem + ".json": json.dumps(note).encode(),
        }
        if number % 3 == 0:
            files[stem + ".txt"] = f"Agent: Dzień dobry, w czym mogę pomóc?\nCustomer: {marker}\n".encode()
        return _below(f"{local:%Y/%m/%d}", stem, files, start, {**note, "type": kind, "dst": dialled, "src": source}, [marker])

    def _fusionpbx(self, start: dt.datetime, number: int) -> Made:
        local = start.astimezone(self.zone)
        stem = str(uuid.UUID(int=self.random.getrandbits(128), version=4))
        marker = self.marker()
        ending = ".mp3" if number % 4 == 0 else ".wav"
        note = self.note(direction=self.random.choice(["in", "out"]))
        files = {
            stem + ending: self.mp3(marker) if ending == ".mp3" else self.wav(marker),
            stem + ".json": json.dumps(note).encode(),
            stem + ".png": self.png(),
        }
        place = f"sip.example.com/archive/{local.year}/{_MONTHS[local.month - 1]}/{local.day:02d}"
        return _below(place, stem, files, start, note, [marker])

    def _vicidial(self, start: dt.datetime, number: int) -> Made:
        local = start.astimezone(self.zone)
        agent = self.agents[number % len(self.agents)] if number % 9 else f"agent{number}"
        stem = f"{local:%Y%m%d-%H%M%S}_{agent}"
        markers = [self.marker() for _leg in range(3)]
        files = {
            f"ORIG/{stem}-in.wav": self.wav(markers[0]),
            f"ORIG/{stem}-out.wav": self.wav(markers[1]),
            f"MP3/{stem}-all.mp3" if number % 2 else f"{stem}-all.wav": self.mp3(markers[2]) if number % 2 else self.wav(markers[2]),
        }
        if number % 6 == 0:
            files[f"GPG/{stem}-all.mp3.gpg"] = b"\x85\x02" + self.random.randbytes(4000)
        return Made(stem, files, start, {"agent": agent}, markers)

    def _jibri(self, start: dt.datetime, number: int) -> Made:
        local = start.astimezone(self.zone)
        session = f"{self.random.getrandbits(80):020x}"
        name = f"Anna {number}"
        room = self.random.choice(["team standup", "reklamacje", "zgłoszenie", "sales_call"])
        marker = self.marker()
        note = {"meeting_url": f"https://meet.example.com/{room}", "participants": [{"user": {"name": name}}]}
        files = {
            f"{session}/{room}_{local:%Y-%m-%d-%H-%M-%S}.mp4": self.mp4(marker),
            f"{session}/metadata.json": json.dumps(note, ensure_ascii=False).encode(),
        }
        return Made(session, files, start, {"room": room, "participants": [name]}, [marker])


def _below(place: str, stem: str, files: dict[str, bytes], start: dt.datetime, fields: dict[str, t.Any], markers: list[str]) -> Made:
    return Made(f"{place}/{stem}", {f"{place}/{name}": data for name, data in files.items()}, start, fields, markers)


def spread(factory: Factory, sets: int, years: float, now: dt.datetime, in_progress: int, quiet: int) -> t.Iterator[Made]:
    """Sets over the years up to an hour before C(now), the newest within the last day, then those in progress."""
    random_ = factory.random
    used: set[int] = set()
    for number in range(sets):
        age = random_.uniform(2 * 3600, years * 365.25 * 86400) if number else 5 * 3600
        # Two calls of one agent in one second would have one name.
        second = int(now.timestamp() - age)
        while second in used:
            second -= 1
        used.add(second)
        yield factory.make(dt.datetime.fromtimestamp(second, dt.timezone.utc), number)
    for number in range(in_progress):
        yield factory.make(now - dt.timedelta(seconds=max(quiet // 4, 1) + number), sets + number, trap="in progress")


def traps(factory: Factory, now: dt.datetime) -> t.Iterator[Made]:
    """Names and files that a careless reader stumbles over; all old, so that only care keeps those that must be kept."""
    old = now - dt.timedelta(days=6 * 365)
    names = {
        "spaces": "in-2001-+48 600 100 200-20200301-101500-1583054100.1",
        "brackets": "in-[2001]-(anna)-20200301-101501-1583054101.1",
        "polish": "in-2001-zażółć gęślą-20200301-101502-1583054102.1",
        "newline": "in-2001-48600\n100-20200301-101503-1583054103.1",
        "right-to-left": "in-2001-\u202e48600-20200301-101504-1583054104.1",
        "markup": "in-2001-<script>alert(1)<|script>-20200301-101505-1583054105.1",
        "hyphens": "out-0-800-555-01-99-2001-20200301-101506-1583054106.1",
        "impossible date": "in-2001-48600-20200231-101507-1583054107.1",
        "impossible time": "in-2001-48600-20200301-256107-1583054107.2",
        "no match": "voicemail broken name",
        "skipped hour": "in-2001-48600-20200329-023000-1585445400.1",
        "doubled hour": "in-2001-48600-20201025-023000-1603587600.1",
        "leap day": "in-2001-48600-20200229-120000-1582974000.1",
        "prefix of another": "in-666-48600-20200301-101508-1583054108.1",
        "other with prefix": "in-666-48600-20200301-101508-1583054108.11",
    }
    for trap, stem in names.items():
        marker = factory.marker()
        note = json.dumps(factory.note(did=DIDS[1], direction="in")).encode()
        made = _below("2020/03/01", stem, {f"{stem}.wav": factory.wav(marker), f"{stem}.json": note}, old, {}, [marker])
        yield made._replace(trap=trap, dated=trap not in ("impossible date", "impossible time", "no match"))
    broken = {"sidecar broken": b'{"did": "+4822', "sidecar empty": b"", "sidecar a list": b"[1, 2]"}
    for number, (trap, data) in enumerate(broken.items()):
        stem = f"in-2001-48600-20200302-10150{number}-158314050{number}.1"
        marker = factory.marker()
        yield _below("2020/03/02", stem, {f"{stem}.wav": factory.wav(marker), f"{stem}.json": data}, old, {}, [marker])._replace(trap=trap)
    stem = "in-2001-48600-20200303-101500-1583226900.1"
    yield _below("2020/03/03", stem, {f"{stem}.json": b"{}"}, old, {}, [])._replace(trap="sidecar alone")


def special_files(root: pathlib.Path) -> None:
    """What is no regular file of one name: links, a pipe, a second name, bytes that are no text."""
    place = root / "2020" / "03" / "04"
    place.mkdir(parents=True, exist_ok=True)
    target = place / "in-2001-48600-20200304-101500-1583313300.1.wav"
    target.write_bytes(b"RIFF\x24\0\0\0WAVE")
    os.link(target, place / "in-2001-48600-20200304-101501-1583313301.1.wav")
    (place / "in-2001-48600-20200304-101502-1583313302.1.wav").symlink_to(target.name)
    (root / "2020" / "linked").symlink_to("03")
    os.mkfifo(place / "in-2001-48600-20200304-101503-1583313303.1.wav")
    fd = os.open(bytes(place) + b"/in-2001-\xff\xfe-20200304-101504-1583313304.1.wav", os.O_CREAT | os.O_WRONLY, 0o640)
    os.write(fd, b"RIFF\x24\0\0\0WAVE")
    os.close(fd)
    for name in os.listdir(place):
        with contextlib.suppress(FileNotFoundError):
            os.utime(place / name, (1583313300, 1583313300), follow_symlinks=False)


def write(root: pathlib.Path, made: Made, *, now: dt.datetime) -> None:
    """Write a set's files; each was changed last when its call had ended, and none after C(now)."""
    seconds = int(made.fields.get("duration", 60))
    ended = min(made.start.timestamp() + seconds, now.timestamp() - 1)
    for name, data in made.files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        os.utime(path, (ended, ended))


def told(made: Made, layout: str) -> dict[str, t.Any]:
    return {
        "set_key": made.key,
        "layout": layout,
        "members": sorted(made.files),
        "start_epoch": int(made.start.timestamp()) if made.dated and made.trap is None or made.trap == "in progress" else None,
        "fields": made.fields,
        "trap": made.trap,
        "markers": made.markers,
    }


def main(arguments: t.Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--layout", choices=LAYOUTS, required=True)
    parser.add_argument("--root", type=pathlib.Path, required=True)
    parser.add_argument("--sets", type=int, default=100)
    parser.add_argument("--years", type=float, default=7)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--now", help="RFC 3339; the clock by default")
    parser.add_argument("--time-zone", default="Europe/Warsaw")
    parser.add_argument("--seconds", type=float, default=1.5, help="longest audio")
    parser.add_argument("--in-progress", type=int, default=0)
    parser.add_argument("--quiet-seconds", type=int, default=900)
    parser.add_argument("--agents", choices=sorted(AGENTS), default="usual")
    parser.add_argument("--traps", action="store_true", help="only for the layout freepbx")
    parser.add_argument("--expect", type=pathlib.Path)
    options = parser.parse_args(arguments)
    now = dt.datetime.fromisoformat(options.now.replace("Z", "+00:00")) if options.now else dt.datetime.now(dt.timezone.utc)
    factory = Factory(options.layout, seed=options.seed, zone=options.time_zone, seconds=options.seconds, agents=options.agents)
    options.root.mkdir(parents=True, exist_ok=True)
    lines = []
    for made in spread(factory, options.sets, options.years, now, options.in_progress, options.quiet_seconds):
        write(options.root, made, now=now)
        lines.append(told(made, options.layout))
    if options.traps and options.layout == "freepbx":
        for made in traps(factory, now):
            write(options.root, made, now=now)
            lines.append(told(made, options.layout))
        special_files(options.root)
    if options.expect:
        options.expect.write_text("".join(json.dumps(line, ensure_ascii=True) + "\n" for line in lines), encoding="ascii")
    return 0


if __name__ == "__main__":
    sys.exit(main())
