# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The certificate of a medium as people read and sign it. It says nothing that the certificate's data does not."""

from __future__ import annotations

import json
import re
import shlex
import typing as t

from ..module_utils._errors import EvidenceError
from ..module_utils._evidence.canonical import canonical, digest
from ..module_utils._standards.forms import FIELDS, FORMS, SECTIONS, FormField
from ._language import Language, load_language
from ._media_records import record_name
from ._media_words import host_sentence, technique_words, tool_words, worded
from ._pdf import Attached, pdf_page
from ._qr import qr_code
from ._render import html_page
from ._statement import NAMESPACE

__all__ = ["render_media_certificate", "render_media_certificate_pdf"]

# A part of a value: how it is to be shown, and the text.
_Part = tuple[str, str]
_ROOT = "media_certificate"
_TEMPLATE = "media_certificate.html.j2"
# Facts that stand in the head of an act, or are what the certificate is about.
_SHOWN_ELSEWHERE = ("serial", "kind", "technique")
_PERSONS = {"performing": "performer", "validation": "validator"}


def render_media_certificate(certificate: dict[str, t.Any], *, language: str, key: str) -> str:
    """A self-contained HTML page; the same certificate gives the same page.

    :arg certificate: as it stands in its file.
    :arg key: fingerprint of the key that signed it.
    :raises EvidenceError: it is none.
    :raises RefusedError: another language.
    """
    words = load_language(language)
    return html_page(_TEMPLATE, words, {**_checked_view(certificate, words, key), "pdf": None})


def render_media_certificate_pdf(certificate: dict[str, t.Any], *, language: str, key: str, signature: bytes) -> bytes:
    """The same page as PDF/A-3b, with a QR code of the certificate's digest, and the certificate and its signature attached.

    :raises EvidenceError: it is none.
    :raises RefusedError: another language.
    :raises DisposalError: a library or the fonts are missing.
    """
    words = load_language(language)
    view = _checked_view(certificate, words, key)
    file = view["file"]
    pdf = {"name": f"{file.removesuffix('.json')}.{language}.pdf", "code": qr_code(view["digest"])}
    about = {name: words.word(f"{_ROOT}.attached_{name}") for name in ("certificate", "signature")}
    return pdf_page(
        html_page(_TEMPLATE, words, {**view, "pdf": pdf}),
        attachments=[
            Attached(file, canonical(certificate) + b"\n", about["certificate"], "application/json"),
            Attached(f"{file}.sig", signature, about["signature"], "application/octet-stream", "Supplement"),
        ],
        language=language,
        title=f"{words.word(view['title'])}, {certificate['serial']}",
        created=certificate["issued"],
        identifier=view["digest"],
    )


def _checked_view(certificate: dict[str, t.Any], words: Language, key: str) -> dict[str, t.Any]:
    # The order in which it was made must not show, as it is gone once it was read from its file.
    certificate = json.loads(canonical(certificate))
    try:
        return _view(certificate, words, key)
    except (KeyError, TypeError, AttributeError, StopIteration) as error:
        raise EvidenceError(
            f"the certificate lacks {error}, so there is no page; use the version of the collection that wrote it"
        ) from error


def _view(certificate: dict[str, t.Any], words: Language, key: str) -> dict[str, t.Any]:
    values = {field["id"]: field for field in certificate["fields"]}
    decisive = next(act for act in certificate["acts"] if act["decisive"])
    rows = {field.id: _row(field, values[field.id], decisive, words) for field in FIELDS}
    name = record_name(certificate["set"])
    issued_by = certificate["issued_by"]["principal"]
    return {
        "c": certificate,
        "digest": digest(canonical(certificate) + b"\n"),
        "key": key,
        "file": f"{name}.json",
        "title": f"{_ROOT}.title_destroyed" if decisive["kind"] == "physical" else f"{_ROOT}.title",
        "values": {name: field["value"] for name, field in values.items()},
        "technique": technique_words(words, decisive["technique"]),
        "sections": [(section, _of(section, rows)) for section in SECTIONS if section not in _PERSONS],
        "persons": [(section, _person(section, rows, certificate, issued_by)) for section in _PERSONS],
        "forms": [form for name, form in FORMS.items() if name in certificate["forms"]],
        "unchecked": [_unchecked(row, words) for row in certificate["not_checked"]],
        "acts": [_act(act, words) for act in certificate["acts"]],
        "figures": [_figure(row, words) for row in certificate["figures"]],
        "verify_lines": _verify_lines(f"{name}.json", issued_by),
        "verify_time": re.sub(r"\D", "", certificate["issued"]),
        "namespace": NAMESPACE,
    }


def _of(section: str, rows: t.Mapping[str, dict[str, t.Any]]) -> list[dict[str, t.Any]]:
    return [rows[field.id] for field in FIELDS if field.section == section]


def _row(field: FormField, told: dict[str, t.Any], decisive: dict[str, t.Any], words: Language) -> dict[str, t.Any]:
    """A field with its boxes, of which one is ticked, or its text."""
    boxes = words.table(f"{_ROOT}.boxes.{field.id}") if field.values else {}
    return {
        "id": field.id,
        "label": words.table(f"{_ROOT}.fields")[field.id],
        "asked": [FORMS[form].short for form in field.asked],
        "boxes": [(boxes[value], value == told["value"]) for value in field.values],
        "parts": [*_parts(field, told, words), *_more(field, decisive, words)],
        "state": told["state"],
        "value": told["value"],
    }


def _parts(field: FormField, told: dict[str, t.Any], words: Language) -> t.Iterator[_Part]:
    value = told["value"]
    if value is None:
        yield "words", words.word(f"{_ROOT}.{told['state']}")
    elif field.values:
        return
    elif field.id == "media_type":
        yield "words", f"{words.table('order.kinds').get(value, value)} ({value})"
    elif field.id == "method_details":
        yield "words", technique_words(words, value)
    elif field.id.endswith("_date"):
        yield "words", words.instant(value)
    elif field.id.endswith("_signature"):
        for signed in value:
            yield "code", f"{signed['key']}, {signed['over']}"
    else:
        for text in value if isinstance(value, list) else [value]:
            yield "name", str(text)


def _more(field: FormField, decisive: dict[str, t.Any], words: Language) -> t.Iterator[_Part]:
    """What belongs to a field besides its value: how the method worked, and how much was read back."""
    if field.id == "method_details":
        if decisive.get("transition"):
            yield "sentence", decisive["transition"]
        if decisive.get("particles"):
            yield "words", _din(decisive["particles"], words)
    elif field.id == "verification":
        yield from _reading(decisive, words)


def _din(particles: dict[str, t.Any], words: Language) -> str:
    letter = particles["class"]
    levels = {"required": f"{letter}-{particles['required']}", "achieved": f"{letter}-{particles['achieved']}"}
    return words.word(f"{_ROOT}.din").format(**levels, standard=particles["standard"])


def _reading(act: dict[str, t.Any], words: Language) -> t.Iterator[_Part]:
    """What was read back or measured."""

    def said(key: str, **values: str) -> _Part:
        return "words", words.word(f"{_ROOT}.read.{key}").format(**values)

    facts = act.get("facts") or {}
    if "particle" in facts:
        yield said("particles", particle=str(facts["particle"]), samples=str(facts.get("samples", "")))
    if "readback" in facts:
        yield said("readback", found=words.table(f"{_ROOT}.readbacks").get(facts["readback"], facts["readback"]))
    verify, canaries = act.get("verify") or {}, act.get("canaries") or {}
    read, size = verify.get("read_bytes") or 0, verify.get("size_bytes") or 0
    if read and size:
        verdict = words.table(f"{_ROOT}.verdicts").get(verify["verdict"], verify["verdict"])
        yield said("back", read=words.size(read), size=words.size(size), share=words.share(read, size), verdict=verdict)
    sample = verify.get("sample") or {}
    if sample.get("one_of") and sample.get("piece_bytes"):
        yield said("sample", one_of=words.number(sample["one_of"]), piece=words.size(sample["piece_bytes"]))
    for miss in sample.get("misses") or ():
        yield said("misses", residue=words.size(miss["residue_bytes"]), probability=str(miss["probability"]))
    if canaries.get("laid"):
        counts = {name: words.number(canaries.get(name) or 0) for name in ("laid", "left", "unread")}
        yield said("canaries", **counts)


def _person(section: str, rows: t.Mapping[str, dict[str, t.Any]], certificate: dict[str, t.Any], issued_by: str) -> dict[str, t.Any]:
    """A person's block: the fields, what that person has signed electronically, and whether the certificate itself is among it."""
    role = _PERSONS[section]
    person = certificate["persons"][role]
    fields = _of(section, rows)
    return {
        "principal": person["principal"],
        "fields": [row for row in fields if row["id"] != f"{role}_signature"],
        "signature": next(row for row in fields if row["id"] == f"{role}_signature"),
        "keys": person["keys"],
        "signs": person["principal"].casefold() == issued_by.casefold(),
    }


def _unchecked(row: dict[str, t.Any], words: Language) -> dict[str, t.Any]:
    """A sentence of ours by its key, one of a record by its text."""
    if row["key"]:
        values = worded(words, row["values"])
        text = words.word(f"{_ROOT}.unchecked.{row['key']}").format(**values)
        return {"text": text, "original": ""}
    return {"text": _sentence(host_sentence(words, row["text"])), "original": _sentence(row["text"])}


def _sentence(text: str) -> str:
    """A clause of a record as a sentence."""
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


def _act(act: dict[str, t.Any], words: Language) -> dict[str, t.Any]:
    labels = {**words.table("order.facts"), **words.table(f"{_ROOT}.facts")}
    told = {**(act.get("facts") or {}), **({"order": act["order"]} if act.get("order") else {})}
    facts = [(labels.get(name, name), _fact(value)) for name, value in told.items() if name not in _SHOWN_ELSEWHERE]
    return {
        **act,
        "transition": act.get("transition") or "",
        "words": technique_words(words, act["technique"]),
        "facts": facts,
        "training": [(labels.get(part, part), records) for part, records in (act.get("training") or {}).items()],
        "tools": [tool_words(tool) for tool in act.get("tools") or ()],
        "din": _din(act["particles"], words) if act.get("particles") else "",
        "reading": [text for _kind, text in _reading(act, words)],
        "reasons": [(host_sentence(words, text), text) for text in map(str, act["reason"])],
        "identity": [f"{name}: {value}" for name, value in sorted((act.get("identity") or {}).items())],
        "tried": [_tried(each, words) for each in act.get("tried") or ()],
    }


def _fact(value: t.Any) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{name}: {_fact(item)}" for name, item in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _tried(each: t.Any, words: Language) -> str:
    """A step that was tried, in whatever form the record tells it."""
    if isinstance(each, dict) and "technique" in each:
        rest = "; ".join(f"{name}: {_fact(value)}" for name, value in each.items() if name != "technique" and value not in (None, "", []))
        return f"{technique_words(words, str(each['technique']))}: {rest}" if rest else technique_words(words, str(each["technique"]))
    return _fact(each)


def _figure(row: dict[str, t.Any], words: Language) -> dict[str, t.Any]:
    """A figure, or the level that a technique is taken to reach."""
    level = "technique" in row
    name = technique_words(words, row["technique"]) if level else row["figure"]
    value = words.table("levels").get(str(row["value"]), str(row["value"])) if level else str(row["value"])
    confidence = words.table(f"{_ROOT}.confidence").get(str(row["confidence"]), str(row["confidence"]))
    return {**row, "name": name, "value": value, "confidence": confidence, "doubtful": row["confidence"] == "unverified"}


def _verify_lines(name: str, signer: str) -> list[str]:
    who = shlex.quote(signer)
    return [
        f"ssh-keygen -Y verify -f allowed_signers -I {who} -n {NAMESPACE} -s {name}.sig < {name}",
        f"sha256sum {name}",
    ]
