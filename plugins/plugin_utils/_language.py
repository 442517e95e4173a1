# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Words, numbers, sizes, periods and times as people read them, in English and Polish."""

from __future__ import annotations

import datetime as dt
import functools
import pathlib
import re
import typing as t

import yaml

from ..module_utils._errors import DisposalError, RefusedError
from ..module_utils._recordings.periods import parse_period

__all__ = ["LANGUAGES", "Language", "load_language", "visible"]

LANGUAGES = ("en", "pl")
_DIRECTORY = pathlib.Path(__file__).parent / "translations"
_SIZES = ("KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
_UNSEEN = (
    *(range(0x20), range(0x7F, 0xA0), (0xAD, 0x61C, 0x180E, 0xFEFF)),
    *(range(0x200B, 0x2010), range(0x2028, 0x202F), range(0x2060, 0x2070), range(0xFFF9, 0xFFFC)),
    *(range(0xD800, 0xE000), range(0xE0000, 0xE0080)),
)
_VISIBLE = {code: f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}" for codes in _UNSEEN for code in codes}


def visible(text: str) -> str:
    """The text with each character that does not show, or changes how others show, written as its escape.

    These are control characters and newlines, marks that turn the direction of writing, zero-width characters, and lone surrogates,
    which stand for bytes of a file name that is not UTF-8.
    """
    return text.translate(_VISIBLE)


class Language:
    """A language of the pages; C(words) is its translation file."""

    def __init__(self, code: str, words: dict[str, t.Any]) -> None:
        self.code = code
        self.words = words
        self._form = words["language"]

    def word(self, key: str) -> str:
        """The text under a dotted key.

        :raises DisposalError: there is none.
        """
        value = self._at(key)
        if not isinstance(value, str):
            raise DisposalError(f"the translation {self.code}.yml has no text {key}; the collection is not complete, install it again")
        return value

    def table(self, key: str) -> dict[str, str]:
        """The texts below a dotted key."""
        value = self._at(key)
        if not isinstance(value, dict):
            raise DisposalError(f"the translation {self.code}.yml has no texts {key}; the collection is not complete, install it again")
        return value

    def _at(self, key: str) -> t.Any:
        value: t.Any = self.words
        for part in key.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        return value

    def number(self, value: int) -> str:
        """With thousands separators."""
        return f"{value:,}".replace(",", self._form["thousands"])

    def decimal(self, value: float) -> str:
        """With one decimal and thousands separators."""
        whole, part = f"{value:,.1f}".split(".")
        return f"{whole.replace(',', self._form['thousands'])}{self._form['decimal']}{part}"

    def count(self, value: int, noun: str) -> str:
        """The number and its noun in the form that it asks for."""
        return f"{self.number(value)}\u00a0{self._at(f'nouns.{noun}')[self._plural(value)]}"

    def _plural(self, value: int) -> int:
        if value == 1:
            return 0
        few = self._form["plural"] == "polish" and value % 10 in (2, 3, 4) and value % 100 not in (12, 13, 14)
        return 1 if few else 2

    def size(self, value: int) -> str:
        """Bytes in people's units: powers of 1024, one decimal."""
        if value < 1024:
            return f"{self.number(value)}\u00a0B"
        scaled, power = value / 1024, 0
        # 1023.96 would be rounded to 1024.0 of a unit that has a larger one.
        while scaled >= 1023.95 and power + 1 < len(_SIZES):
            scaled, power = scaled / 1024, power + 1
        return f"{self.decimal(scaled)}\u00a0{_SIZES[power]}"

    def share(self, part: int, whole: int) -> str:
        """Percent, one decimal; what is not nothing is never shown as 0, nor what is not all as 100."""
        if not whole or not part:
            return f"{self.number(0)}%"
        if part == whole:
            return "100%"
        percent = part * 100 / whole
        if percent < 0.1:
            return f"<{self.decimal(0.1)}%"
        return f">{self.decimal(99.9)}%" if percent >= 99.95 else f"{self.decimal(percent)}%"

    def measure(self, text: str) -> str:
        """A limit or what was found against it, as hosts write them (200000, 4.2%, 31 days, 2.0 TiB, 5 x 120); anything else stays."""
        if re.fullmatch(r"\d{1,18}", text):
            return self.number(int(text))
        if match := re.fullmatch(r"(\d{1,18}) days", text):
            return self.count(int(match[1]), "days")
        if match := re.fullmatch(r"(\d{1,18}) x (\d{1,18})", text):
            return f"{self.number(int(match[1]))}\u00a0\u00d7\u00a0{self.number(int(match[2]))}"
        if match := re.fullmatch(r"(\d+)\.(\d+)(%| [KMGT]iB)", text):
            return f"{self.number(int(match[1]))}{self._form['decimal']}{match[2]}{match[3]}".replace(" ", "\u00a0")
        return text

    def period(self, text: str) -> str:
        """An ISO 8601 period in words; what is not one stays as it is written."""
        try:
            period = parse_period(text)
        except ValueError:
            return text
        years, months = divmod(period.months, 12)
        weeks = period.days // 7 if "W" in text and not period.days % 7 else 0
        hours, rest = divmod(period.seconds, 3600)
        parts = {"years": years, "months": months, "weeks": weeks, "days": period.days - weeks * 7}
        parts |= {"hours": hours, "minutes": rest // 60, "seconds": rest % 60}
        return " ".join(self.count(value, noun) for noun, value in parts.items() if value) or self.count(0, "days")

    def lasting(self, seconds: int) -> str:
        """About how long, in at most two units, rounded up to a minute."""
        minutes = max(-(-seconds // 60), 1)
        days, hours = divmod(minutes // 60, 24)
        parts = [("days", days), ("hours", hours)] if days else [("hours", hours), ("minutes", minutes % 60)]
        return " ".join(self.count(value, noun) for noun, value in parts if value)

    def instant(self, text: str | None) -> str:
        """An RFC 3339 UTC time with the month in words, to the minute; what is not one stays as it is written."""
        moment = _moment(text)
        if moment is None:
            return text or self.word("words.none")
        month = self._form["months"][moment.month - 1]
        return str(self._form["instant"]).format(day=moment.day, month=month, year=moment.year, time=f"{moment:%H:%M}")

    def day(self, text: str | None) -> str:
        """The date alone, as tables show it: 2026-11-23, in UTC."""
        moment = _moment(text)
        return f"{moment:%Y-%m-%d}" if moment else text or self.word("words.none")

    def listed(self, items: t.Iterable[str]) -> str:
        """Items with commas, and with a word before the last one."""
        *rest, last = list(items) or [self.word("words.none")]
        return f"{', '.join(rest)} {self.word('words.and')} {last}" if rest else last

    def reason(self, text: str) -> str:
        """A reason as hosts give it, in words where it has a known form."""
        known = self.table("reasons")
        kind, colon, name = text.partition(":")
        if colon and kind in ("hold", "floor", "request") and name and not re.search(r"[\s:]", name):
            return known[kind].format(id=name)
        if text == "quarantine":
            return known["quarantine"]
        if match := re.fullmatch(r"quarantined until (\S+)", text):
            return known["quarantined_until"].format(time=self.instant(match[1]))
        if match := re.fullmatch(r"(\w+) since the plan(?:: (.+))?", text):
            verdict = self.table("verdict_changes").get(match[1])
            if verdict is not None:
                parts = [self.reason(part) for part in match[2].split(", ")] if match[2] else []
                return known["since_the_plan"].format(verdict=verdict) + (f" ({', '.join(parts)})" if parts else "")
        if match := re.fullmatch(r"(class|floor):([^\s:]+): ([\w.]+) is not known", text):
            return f"{known[match[1]].format(id=match[2])}: {known['not_known'].format(field=match[3])}"
        if kind == "date" and name[1:] in self.table("host_sentences"):
            return known["date"].format(reason=self.reason(name[1:]))
        return self.table("host_sentences").get(text, text)


def _moment(text: str | None) -> dt.datetime | None:
    try:
        moment = dt.datetime.fromisoformat(str(text).replace("Z", "+00:00"))
    except ValueError:
        return None
    return moment.astimezone(dt.timezone.utc) if moment.tzinfo else None


@functools.cache
def load_language(code: str) -> Language:
    """A language by its code.

    :raises RefusedError: there is no translation.
    :raises DisposalError: the translation cannot be read.
    """
    if code not in LANGUAGES:
        raise RefusedError(f"the language {code!r} is not known; allowed are {', '.join(LANGUAGES)}")
    path = _DIRECTORY / f"{code}.yml"
    try:
        words = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise DisposalError(f"the translation {path} cannot be read ({error}); the collection is not complete, install it again") from error
    return Language(code, words)
