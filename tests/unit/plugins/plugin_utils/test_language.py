# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pathlib
import re
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._erasure import attached, examine, freespace, names, opened
from ansible_collections.recordings.disposal.plugins.module_utils._erasure import files as erasure_files
from ansible_collections.recordings.disposal.plugins.module_utils._erasure import filesystem as erasure_filesystem
from ansible_collections.recordings.disposal.plugins.module_utils._errors import DisposalError, RefusedError
from ansible_collections.recordings.disposal.plugins.module_utils._recordings import metadata, sets
from ansible_collections.recordings.disposal.plugins.plugin_utils import _language
from ansible_collections.recordings.disposal.plugins.plugin_utils._language import LANGUAGES, Language, load_language, visible
from ansible_collections.recordings.disposal.plugins.plugin_utils._statement import NOT_CHECKED
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.plan_world import HOSTILE

EN, PL = load_language("en"), load_language("pl")
NBSP = "\u00a0"
TEMPLATES = pathlib.Path(_language.__file__).parent / "templates"


def leaves(value: t.Any, path: str = "") -> dict[str, str]:
    """Every text by its dotted key; sentences of hosts are keyed by themselves and stand apart."""
    if isinstance(value, dict):
        return {
            key: text
            for name, item in value.items()
            if name != "host_sentences"
            for key, text in leaves(item, f"{path}.{name}".lstrip(".")).items()
        }
    if isinstance(value, list):
        return {f"{path}[{index}]": item for index, item in enumerate(value)}
    return {path: value}


@pytest.mark.parametrize("code", ["de", "", "../en", "EN"])
def test_refuses_a_language_without_a_translation(code: str) -> None:
    with pytest.raises(RefusedError, match="allowed are en, pl"):
        load_language(code)


def test_a_missing_text_is_told_by_its_key() -> None:
    for key in ("plan.nothing_like_it", "plan", "plan.title.more"):
        with pytest.raises(DisposalError, match=f"no text {re.escape(key)}"):
            EN.word(key)
    with pytest.raises(DisposalError, match="no texts plan.title"):
        EN.table("plan.title")


def test_a_broken_translation_is_refused(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_language, "_DIRECTORY", tmp_path)
    for content in (None, b"language: [\n", b"\xff\xfe"):
        if content is not None:
            (tmp_path / "en.yml").write_bytes(content)
        load_language.cache_clear()
        try:
            with pytest.raises(DisposalError, match="install it again"):
                load_language("en")
        finally:
            load_language.cache_clear()


def test_both_languages_have_the_same_keys_and_placeholders() -> None:
    texts = {code: leaves(load_language(code).words) for code in LANGUAGES}
    assert texts["en"].keys() == texts["pl"].keys()
    for key, english in texts["en"].items():
        polish = texts["pl"][key]
        assert isinstance(english, str) and isinstance(polish, str), f"{key} is not a text"
        assert english and polish, f"{key} is blank"
        assert sorted(re.findall(r"\{(\w*)\}", english)) == sorted(re.findall(r"\{(\w*)\}", polish)), key


def test_polish_is_polish() -> None:
    texts = leaves(PL.words)
    same = {key for key, english in leaves(EN.words).items() if texts[key] == english}
    assert same <= {
        "language.months[8]",
        "words.host",
        "nouns.hosts[0]",
        "review.kinds.host",
        "plan.limits_name",
        "certificate.nist.model",
        "certificate.evidence_digest",
        "training.roles.operator",
    }
    assert set("ąćęłńóśźż") <= set("".join(texts.values()))


def test_every_key_that_a_template_names_is_there() -> None:
    named = set()
    for template in TEMPLATES.glob("*.j2"):
        named |= set(re.findall(r"""(?:say|texts)\("([\w.]+[\w])"\s*[,)]""", template.read_text(encoding="utf-8")))
    assert len(named) > 100
    keys = leaves(EN.words)
    assert [key for key in sorted(named) if key not in keys and not any(known.startswith(f"{key}.") for known in keys)] == []


def test_standard_sentences_of_hosts_are_translated() -> None:
    proof = [
        value
        for room in (attached, erasure_files, erasure_filesystem, examine, freespace, names, opened)
        for name, value in vars(room).items()
        if name.startswith("LIMIT_")
    ]
    assert len(proof) > 15
    missing = [text for text in (*NOT_CHECKED, *proof) if PL.reason(text) == text]
    assert missing == [], "translations/pl.yml, host_sentences"


def test_why_sets_are_unclassified_is_translated() -> None:
    rooms = ("sets.py", "metadata.py", "times.py", "source.py")
    text = "".join((pathlib.Path(metadata.__file__).parent / name).read_text(encoding="utf-8") for name in rooms)
    told = re.findall(r"""(?:MetadataError|ValueError)\("([^"]+)"\)""", text)
    told += [value for name, value in vars(sets).items() if name.isupper() and name.isalpha() and isinstance(value, str)]
    assert len(told) > 12
    assert [reason for reason in told if PL.reason(reason) == reason] == []


@pytest.mark.parametrize(
    ("number", "english", "polish"),
    [
        (0, "0 recording sets", "0 zestawów nagrań"),
        (1, "1 recording set", "1 zestaw nagrań"),
        (2, "2 recording sets", "2 zestawy nagrań"),
        (5, "5 recording sets", "5 zestawów nagrań"),
        (12, "12 recording sets", "12 zestawów nagrań"),
        (22, "22 recording sets", "22 zestawy nagrań"),
        (112, "112 recording sets", "112 zestawów nagrań"),
        (1_234_503, "1,234,503 recording sets", f"1{NBSP}234{NBSP}503 zestawy nagrań"),
    ],
)
def test_numbers_have_separators_and_their_noun_its_form(number: int, english: str, polish: str) -> None:
    assert EN.count(number, "sets") == english.replace(" ", NBSP, 1)
    assert PL.count(number, "sets").replace(NBSP, " ") == polish.replace(NBSP, " ")


@pytest.mark.parametrize(
    ("value", "english", "polish"),
    [
        (0, "0 B", "0 B"),
        (1023, "1,023 B", "1 023 B"),
        (1024, "1.0 KiB", "1,0 KiB"),
        (1024**2 - 1, "1.0 MiB", "1,0 MiB"),
        (int(412.6 * 2**30), "412.6 GiB", "412,6 GiB"),
        (2**40, "1.0 TiB", "1,0 TiB"),
        (5_000 * 2**60, "5,000.0 EiB", "5 000,0 EiB"),
    ],
)
def test_sizes_are_in_peoples_units(value: int, english: str, polish: str) -> None:
    assert EN.size(value).replace(NBSP, " ") == english
    assert PL.size(value).replace(NBSP, " ") == polish


def test_a_share_is_never_rounded_to_nothing_or_to_all() -> None:
    assert [EN.share(part, 100_000) for part in (0, 1, 4_200, 99_999, 100_000)] == ["0%", "<0.1%", "4.2%", ">99.9%", "100%"]
    assert (EN.share(0, 0), PL.share(42, 1000)) == ("0%", "4,2%")


@pytest.mark.parametrize(
    ("text", "english", "polish"),
    [
        ("P5Y", "5 years", "5 lat"),
        ("P1Y6M", "1 year 6 months", "1 rok 6 miesięcy"),
        ("P30D", "30 days", "30 dni"),
        ("P2W", "2 weeks", "2 tygodnie"),
        ("PT1H30M", "1 hour 30 minutes", "1 godzina 30 minut"),
        ("P18M", "1 year 6 months", "1 rok 6 miesięcy"),
        ("for ever", "for ever", "for ever"),
    ],
)
def test_periods_are_in_words(text: str, english: str, polish: str) -> None:
    assert EN.period(text).replace(NBSP, " ") == english
    assert PL.period(text).replace(NBSP, " ") == polish


def test_times_are_in_words_and_in_utc() -> None:
    assert EN.instant("2026-11-23T22:00:00Z").replace(NBSP, " ") == "23 November 2026, 22:00 UTC"
    assert PL.instant("2026-02-28T23:30:00.123456+01:00").replace(NBSP, " ") == "28 lutego 2026 r., 22:30 UTC"
    assert (EN.day("2026-11-23T22:00:00Z"), EN.day(None), EN.instant(None), EN.instant("soon")) == ("2026-11-23", "none", "none", "soon")
    assert EN.instant("2026-11-23T22:00:00") == "2026-11-23T22:00:00", "a time without a zone is not taken for UTC"


@pytest.mark.parametrize(
    ("text", "english", "polish"),
    [
        ("hold:H-1", "Legal hold H-1", "Blokada prawna H-1"),
        ("floor:0", "Statutory floor 0", "Minimum ustawowe 0"),
        ("quarantine", "In quarantine, can still be restored", "W kwarantannie, można jeszcze przywrócić"),
        (
            "quarantined until 2026-12-01T22:10:00Z",
            "in quarantine until 1 December 2026, 22:10 UTC",
            "w kwarantannie do 1 grudnia 2026 r., 22:10 UTC",
        ),
        (
            "held since the plan: hold:H-1",
            "under legal hold since the plan was made (Legal hold H-1)",
            "od czasu planu: objęty blokadą prawną (Blokada prawna H-1)",
        ),
        ("no class matches", "no class matches", "żadna klasa nie pasuje"),
        ("class:brokerage: did is not known", "Class brokerage: did is not known", "Klasa brokerage: nie wiadomo, jakie jest did"),
        (
            "floor:orders: metadata.product is not known",
            "Statutory floor orders: metadata.product is not known",
            "Minimum ustawowe orders: nie wiadomo, jakie jest metadata.product",
        ),
        ("date: the date in its name does not exist", "date: the date in its name does not exist", "data: data w nazwie nie istnieje"),
        ("date: nobody wrote this down", "date: nobody wrote this down", "date: nobody wrote this down"),
        (
            "hold:H-1 cannot be excluded, did is not known",
            "hold:H-1 cannot be excluded, did is not known",
            "hold:H-1 cannot be excluded, did is not known",
        ),
        ("a reason nobody wrote down", "a reason nobody wrote down", "a reason nobody wrote down"),
    ],
)
def test_reasons_are_in_words_where_they_are_known(text: str, english: str, polish: str) -> None:
    assert EN.reason(text).replace(NBSP, " ") == english
    assert PL.reason(text).replace(NBSP, " ") == polish


def test_what_does_not_show_is_made_to_show() -> None:
    assert visible("a\u202eb\nc\u200b\x1b\ud800\U000e0041") == "a\\u202eb\\u000ac\\u200b\\u001b\\ud800\\U000e0041"
    assert visible("Zażółć gęślą jaźń, 日本 é — 1\u00a0000") == "Zażółć gęślą jaźń, 日本 é — 1\u00a0000"
    for text in HOSTILE:
        assert visible(text).isprintable() or NBSP in text


@pytest.mark.parametrize(
    ("text", "english", "polish"),
    [
        ("200000", "200,000", "200 000"),
        ("1 days", "1 day", "1 dzień"),
        ("4.2%", "4.2%", "4,2%"),
        ("1023.9 GiB", "1,023.9 GiB", "1 023,9 GiB"),
        ("5 x 9126", "5 \u00d7 9,126", "5 \u00d7 9 126"),
        ("10%", "10%", "10%"),
        ("<b>", "<b>", "<b>"),
        ("", "", ""),
    ],
)
def test_measures_of_hosts_are_written_as_numbers_are(text: str, english: str, polish: str) -> None:
    assert EN.measure(text).replace(NBSP, " ") == english
    assert PL.measure(text).replace(NBSP, " ") == polish


def test_lists_end_in_a_word() -> None:
    assert (EN.listed(["a"]), EN.listed(["a", "b", "c"]), PL.listed(["a", "b"]), EN.listed([])) == ("a", "a, b and c", "a i b", "none")


def test_about_how_long() -> None:
    said = [EN.lasting(seconds).replace(NBSP, " ") for seconds in (0, 61, 3_600, 90_000, 9_000_000)]
    assert said == ["1 minute", "2 minutes", "1 hour", "1 day 1 hour", "104 days 4 hours"]


def test_a_language_needs_no_file() -> None:
    assert Language("xx", {"language": EN.words["language"], "a": {"b": "text"}}).word("a.b") == "text"
