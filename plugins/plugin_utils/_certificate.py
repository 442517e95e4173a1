# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The certificate of destruction: a signed statement as people read it.

It says nothing that the statement does not prove. What is not destroyed stands beside what is, and what was not checked stands
on the first page.
"""

from __future__ import annotations

import functools
import re
import shlex
import typing as t

from ..module_utils._errors import EvidenceError
from ..module_utils._evidence.canonical import canonical, digest
from ._language import Language, load_language
from ._pdf import Attached, pdf_page
from ._plan_view import class_rows
from ._qr import qr_code
from ._render import html_page
from ._statement import statement_bytes

__all__ = ["OUTCOMES", "render_certificate", "render_certificate_pdf"]

OUTCOMES = ("destroyed", "not_destroyed", "unknown")
_TEMPLATE = "certificate.html.j2"
EVIDENCE_NAMESPACE = "evidence@recordings.disposal"
PLAN_NAMESPACE = "plan@recordings.disposal"
# A sentence of the statement about the proof on one host: its text and number of sets are taken apart to add up hosts.
_OF_HOST = re.compile(r"(?P<host>\S+): (?P<text>.+) \((?P<sets>\d+) sets\)\.")
_SAFE_NAME = re.compile(r"[\w@%+=:,.][\w@%+=:,./-]*", re.ASCII)
# As many hosts and sentences as leave room on the first sheet for what was not checked; all of them stand in the details.
_MOST_ON_FIRST = 8
# What no statement says, since it holds for whatever is destroyed as files.
_ALWAYS_UNCHECKED = ("databases", "content")


def render_certificate(statement: dict[str, t.Any], *, language: str, manifest: dict[str, t.Any]) -> str:
    """A self-contained HTML page; the same statement gives the same page.

    :arg statement: as it stands in statement.json.
    :arg language: C(en) or C(pl).
    :arg manifest: the one that the statement names.
    :raises EvidenceError: the statement names another manifest, or is not one.
    :raises RefusedError: another language.
    """
    words = load_language(language)
    return html_page(_TEMPLATE, words, {**_checked_view(statement, manifest, words), "pdf": None})


def render_certificate_pdf(statement: dict[str, t.Any], *, language: str, manifest: dict[str, t.Any], signature: bytes | None) -> bytes:
    """The same page as PDF/A-3b, with a QR code of the statement's digest and the statement attached.

    :arg signature: of the statement, attached too.
    :raises EvidenceError: the statement names another manifest, or is not one.
    :raises RefusedError: another language.
    :raises DisposalError: a library or the fonts are missing.
    """
    words, data = load_language(language), statement_bytes(statement)
    view = _checked_view(statement, manifest, words)
    title = words.word("certificate.title" if view["complete"] else "certificate.title_incomplete")
    attached = [Attached("statement.json", data, words.word("certificate.attached_statement"), "application/json")]
    if signature is not None:
        about = words.word("certificate.attached_signature")
        attached.append(Attached("statement.json.sig", signature, about, "application/octet-stream", "Supplement"))
    return pdf_page(
        html_page(_TEMPLATE, words, {**view, "pdf": {"name": f"certificate.{language}.pdf", "code": qr_code(digest(data))}}),
        attachments=attached,
        language=language,
        title=f"{title}, {view['p']['run']}",
        created=view["p"]["created"],
        identifier=digest(data),
    )


def _checked_view(statement: dict[str, t.Any], manifest: dict[str, t.Any], words: Language) -> dict[str, t.Any]:
    predicate = statement.get("predicate")
    if not isinstance(predicate, dict):
        raise EvidenceError("the statement has no predicate, so there is no certificate; name the statement that the collection wrote")
    found = digest(canonical(manifest) + b"\n")
    if predicate.get("manifest") != found:
        raise EvidenceError(
            f"the statement is over the manifest {predicate.get('manifest')}, but the one given is {found}, so there is no certificate; "
            "give the manifest of this run"
        )
    try:
        return _view(statement, predicate, manifest, words)
    except (KeyError, TypeError, AttributeError) as error:
        raise EvidenceError(
            f"the statement or the manifest lacks {error}, so there is no certificate; use the version of the collection that wrote them"
        ) from error


def _view(statement: dict[str, t.Any], predicate: dict[str, t.Any], manifest: dict[str, t.Any], words: Language) -> dict[str, t.Any]:
    hosts = _host_rows(predicate, manifest)
    totals = predicate["totals"]
    planned = sum(row["planned"] for row in hosts)
    accounted = sum(totals["counts"][name] for name in OUTCOMES)
    missing = sorted({*predicate["missing_hosts"], *(row["name"] for row in hosts if row["planned"] and row["entry"] is None)})
    unfinished = [row["name"] for row in hosts if row["entry"] is not None and not row["entry"]["closed"]]
    # Each sign of an unfinished run counts by itself, whatever the statement concludes from them.
    complete = predicate["complete"] is True and not missing and not unfinished and accounted == planned
    return {
        "p": predicate,
        "m": manifest,
        "digest": digest(canonical(statement) + b"\n"),
        "complete": complete,
        "planned": planned,
        "unaccounted": max(planned - accounted, 0),
        "missing": missing,
        "unfinished": unfinished,
        "problems": predicate.get("problems") or [],
        "most": _MOST_ON_FIRST,
        "few": functools.partial(_few, words),
        "totals": totals,
        "whole": complete and planned > 0 and totals["counts"]["destroyed"] == planned,
        "nothing": complete and planned == 0,
        "outcomes": OUTCOMES,
        "hosts": hosts,
        "reasons": [(row["name"], _ordered(row["entry"]["reasons"])) for row in hosts if row["entry"] and row["entry"]["reasons"]],
        "classes": _class_rows(predicate, manifest),
        "unchecked": [*_unchecked(predicate["not_checked"], words), *_untrained(predicate["approvals"], words)],
        "subjects": [(item["name"], item["digest"]["sha256"]) for item in statement["subject"]],
        "safe_subjects": [(item["name"], item["digest"]["sha256"]) for item in statement["subject"] if _SAFE_NAME.fullmatch(item["name"])],
        "approvals": predicate["approvals"],
        "approval_lines": [_approval_line(approval["principal"]) for approval in predicate["approvals"]],
        "verify_time": re.sub(r"\.\d+|\D", "", predicate["created"]),
        "evidence_namespace": EVIDENCE_NAMESPACE,
        "levels": _distinct(words, "levels", "level", manifest),
        "techniques": _distinct(words, "techniques", "technique", manifest),
        "sources": [(name, part["sources"]) for name, part in sorted(manifest["hosts"].items())],
    }


def _few(words: Language, names: t.Sequence[str]) -> list[str]:
    """The first names, and how many more there are."""
    more = len(names) - _MOST_ON_FIRST
    rest = [words.word("certificate.incomplete_more").format(number=words.number(more))] if more > 0 else []
    return [*names[:_MOST_ON_FIRST], *rest]


def _distinct(words: Language, table: str, key: str, manifest: t.Mapping[str, t.Any]) -> list[str]:
    """What the methods of the classes with due sets name under C(key), in words."""
    names = dict.fromkeys(row["method"][key] for row in class_rows(manifest["hosts"]) if row["due"]["sets"])
    return [words.table(table).get(name, name) for name in names]


def _ordered(reasons: t.Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(reasons.items(), key=lambda item: (-item[1], item[0]))


def _host_rows(predicate: t.Mapping[str, t.Any], manifest: t.Mapping[str, t.Any]) -> list[dict[str, t.Any]]:
    rows = []
    for name in sorted({*manifest["hosts"], *predicate["hosts"], *predicate["missing_hosts"]}):
        part, entry = manifest["hosts"].get(name), predicate["hosts"].get(name)
        planned = part["verdicts"]["due"]["sets"] if part else 0
        rows.append({"name": name, "planned": planned, "plan": part["plan"]["digest"] if part else None, "entry": entry})
    return rows


def _class_rows(predicate: t.Mapping[str, t.Any], manifest: t.Mapping[str, t.Any]) -> list[dict[str, t.Any]]:
    """Each class of the plan with its outcomes over all hosts; classes that only the statement names come last."""
    rules = {row["name"]: row for row in class_rows(manifest["hosts"])}
    found: dict[str, dict[str, t.Any]] = {}
    for entry in predicate["hosts"].values():
        for name, item in entry["classes"].items():
            row = found.setdefault(name, {**dict.fromkeys((*OUTCOMES, "bytes"), 0), "legal_basis": item.get("legal_basis"), "levels": {}})
            for key in (*OUTCOMES, "bytes"):
                row[key] += item[key]
            for level, count in (item.get("levels") or {}).items():
                row["levels"][level] = row["levels"].get(level, 0) + count
    names = [name for name, rule in rules.items() if rule["due"]["sets"] or name in found]
    names += sorted(found.keys() - set(names))
    nothing: dict[str, t.Any] = {**dict.fromkeys((*OUTCOMES, "bytes"), 0), "legal_basis": None, "levels": {}}
    return [_class_row(name, found.get(name, nothing), rules.get(name)) for name in names]


def _class_row(name: str, outcomes: dict[str, t.Any], rule: dict[str, t.Any] | None) -> dict[str, t.Any]:
    basis = outcomes["legal_basis"] or (rule["legal_basis"] if rule else None)
    planned, method = (rule["due"]["sets"], rule["method"]) if rule else (0, None)
    return {**outcomes, "name": name, "legal_basis": basis, "planned": planned, "method": method}


def _unchecked(sentences: t.Iterable[str], words: Language) -> list[dict[str, t.Any]]:
    """What was not checked: the statement's sentences, those that differ by host only in one row."""
    rows: dict[str, dict[str, t.Any]] = {}
    for sentence in sentences:
        match = _OF_HOST.fullmatch(sentence)
        text = match["text"] if match else sentence
        row = rows.setdefault(text, {"text": words.reason(text), "original": text, "sets": 0, "hosts": []})
        if match:
            row["sets"] += int(match["sets"])
            row["hosts"].append(match["host"])
    keys = _ALWAYS_UNCHECKED if rows else tuple(words.table("method_limits"))
    always = [{"text": text, "original": "", "sets": 0, "hosts": []} for text in (words.word(f"method_limits.{key}") for key in keys)]
    return [*rows.values(), *always]


def _untrained(approvals: t.Iterable[t.Mapping[str, t.Any]], words: Language) -> list[dict[str, t.Any]]:
    """That nobody looked whether who approved was trained, where that is so."""
    if all(approval.get("training") for approval in approvals):
        return []
    return [{"text": words.word("training.untrained_unchecked"), "original": "", "sets": 0, "hosts": []}]


def _approval_line(principal: str) -> str:
    signer, signature = shlex.quote(principal), shlex.quote(f"manifest.json.{principal}.sig")
    return f"ssh-keygen -Y verify -f allowed_signers -I {signer} -n {PLAN_NAMESPACE} -s {signature} < manifest.json"
