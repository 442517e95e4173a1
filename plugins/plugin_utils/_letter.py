# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The letter to a person who asked what became of a recording (GDPR articles 12 and 17): what the record says, and nothing beyond it."""

from __future__ import annotations

import dataclasses
import shlex
import typing as t

from ..module_utils._errors import EvidenceError, RefusedError
from ..module_utils._evidence.canonical import digest
from ..module_utils._evidence.clock import parse_time
from ._found_sets import Recording
from ._language import Language, load_language
from ._render import html_page
from ._sealed_runs import SealedRun
from ._tree_cache import Leaf

__all__ = ["QUESTIONS", "Letter", "check_letter", "letter_name", "render_letter"]

QUESTIONS = ("erasure", "information")
_TEMPLATE = "letter.html.j2"
_LONGEST = 500


@dataclasses.dataclass(frozen=True, slots=True)
class Letter:
    """What nobody but who writes the letter knows; what was not told is an empty text.

    :ivar question: one of C(QUESTIONS): what was asked for.
    :ivar received: the day on which it was, C(2026-11-23).
    :ivar signer: of the statement, and C(with_statement) whether that lies beside the letter.
    """

    organisation: str
    contact: str
    supervisory_authority: str
    signer: str
    data_protection_officer: str = ""
    case: str = ""
    received: str = ""
    question: str = QUESTIONS[0]
    with_statement: bool = True


def letter_name(language: str) -> str:
    return f"letter.{language}.html"


def check_letter(letter: Letter) -> Letter:
    """The letter itself.

    :raises RefusedError: something is missing that no letter may lack, too long, or no day.
    """
    for name in ("organisation", "contact", "supervisory_authority"):
        if not getattr(letter, name).strip():
            raise RefusedError(f"the letter needs {name}; give it, or languages=[] for the proof alone")
    for field in dataclasses.fields(letter):
        if len(str(getattr(letter, field.name))) > _LONGEST:
            raise RefusedError(f"{field.name} is longer than {_LONGEST} characters; shorten it")
    if letter.received:
        try:
            parse_time(f"{letter.received}T00:00:00Z")
        except ValueError as error:
            raise RefusedError(f"received is {letter.received[:40]!r}, which is no day; write it as 2026-11-23") from error
    return letter


def render_letter(
    letter: Letter, *, language: str, sealed: SealedRun, leaf: Leaf, proof: bytes, recording: Recording | None, collection: str
) -> str:
    """A self-contained HTML page; the same record and options give the same page.

    :arg recording: where its plain name may stand in the letter.
    :raises EvidenceError: the record lacks what every record has.
    """
    words = load_language(language)
    try:
        view = _view(letter, words, sealed, leaf, proof)
    except (KeyError, TypeError, AttributeError) as error:
        raise EvidenceError(f"the record lacks {error}, so there is no letter; use the version of the collection that wrote it") from error
    return html_page(_TEMPLATE, words, {**view, "recording": recording, "collection": collection})


def _view(letter: Letter, words: Language, sealed: SealedRun, leaf: Leaf, proof: bytes) -> dict[str, t.Any]:
    record = leaf.record
    told = record["proof"] or {}
    classes = sealed.statement["predicate"]["hosts"][leaf.host]["classes"]
    # Of a set that went by another rule than its class, no record says that its period had ended.
    by_class = str(record["rule"] or "").startswith("class:")
    limits = [str(text) for text in told.get("limits", ())]
    return {
        **{"l": letter, "r": record, "p": told, "leaf": leaf, "sealed": sealed, "outcome": record["outcome"]},
        "legal_basis": (classes.get(str(record["class"])) or {}).get("legal_basis") if by_class else None,
        "by_request": str(record["rule"] or "").startswith("request:"),
        "technique": words.table("letter.techniques").get(record["technique"], record["technique"]),
        "read": words.table("letter.reads").get(str(told.get("read")), str(told.get("read"))),
        "reasons": [(words.reason(str(text)), str(text)) for text in record["reason"]],
        "limits": [(words.reason(text), text) for text in limits],
        "proof_digest": digest(proof),
        "signer": shlex.quote(letter.signer),
    }
