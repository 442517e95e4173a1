# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Results of hosts, manifests and statements for tests, and a page taken apart."""

from __future__ import annotations

import copy
import datetime as dt
import html.parser
import typing as t

from ansible_collections.recordings.disposal.plugins.module_utils._evidence.canonical import canonical, digest
from ansible_collections.recordings.disposal.plugins.plugin_utils._plan_manifest import build_manifest

NOW = dt.datetime(2026, 11, 23, 22, 4, 5, tzinfo=dt.timezone.utc)
VERDICTS = ("due", "retained", "held", "unclassified", "conflict", "in_progress")
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "rtl\u202eslrq\u202c mark",
    "line\nbreak\r\nand\ttab",
    "=cmd|' /C calc'!A0",
    "| pipe | `tick` **bold** [link](https://example.com) <b>",
    "zero\u200bwidth\u2066isolate\ufeff",
    "{{ 7 * 7 }} {% raw %} {0} {plan_id}",
    "caf\udce9 lone surrogate",
    "Zażółć gęślą jaźń",
)


def sha(text: str) -> str:
    return digest(text.encode("utf-8", "surrogateescape"))


def counts(sets: int, files: int | None = None, size: int | None = None) -> dict[str, int]:
    return {"sets": sets, "files": sets * 2 if files is None else files, "bytes": sets * 1_234_567 if size is None else size}


def retention_class(due: int, retained: int, *, quarantine: str | None = None, **changes: t.Any) -> dict[str, t.Any]:
    """A class of a host's result with sets due and retained."""
    method = {"technique": "overwrite", "scheme": "nist_clear", "level": "clear"}
    if quarantine:
        method["quarantine"] = quarantine
    return {
        "legal_basis": "Reg. (EU) 2017/565 art. 76",
        "keep": "P5Y",
        "destroy_within": "P30D",
        "method": method,
        "sets": due + retained,
        "bytes": counts(due + retained)["bytes"],
        "verdicts": {"due": counts(due), "retained": counts(retained)},
        "overdue": {"sets": 0, "bytes": 0},
        "oldest": "2019-02-03T08:11:00Z",
        "newest": "2026-11-23T19:40:11Z",
        "next_due": "2026-12-01T23:00:00Z",
        **changes,
    }


def sample(name: str, **changes: t.Any) -> dict[str, t.Any]:
    made = {"set": sha(name)[7:39], "class": "brokerage", "keep_until": "2026-11-01T23:00:00Z", "destroy_by": "2026-12-01T23:00:00Z"}
    return {**made, "bytes": 4_211, "reason": [], **changes}


def result(name: str, *, classes: dict[str, t.Any] | None = None, **changes: t.Any) -> dict[str, t.Any]:
    """What retention_plan returns on a host, with Ansible's own keys in it."""
    classes = (
        classes
        if classes is not None
        else {"brokerage": retention_class(101, 4_007), "complaints": retention_class(37, 911, quarantine="P7D")}
    )
    verdicts = {verdict: counts(0) for verdict in VERDICTS}
    for item in classes.values():
        for verdict, found in item["verdicts"].items():
            verdicts[verdict] = {key: verdicts[verdict][key] + found[key] for key in found}
    verdicts.update(held=counts(13), unclassified=counts(5), conflict=counts(2), in_progress=counts(3))
    totals = {key: sum(found[key] for found in verdicts.values()) for key in ("sets", "files", "bytes")}
    overdue = {key: sum(item["overdue"][key] for item in classes.values()) for key in ("sets", "bytes")}
    made = {
        "changed": True,
        "failed": False,
        "warnings": [],
        "invocation": {"module_args": {"policy": True}},
        "as_of": "2026-11-23T22:00:01Z",
        "plan": {
            "digest": sha(f"plan {name}"),
            "path": f"/var/lib/recordings-disposal/plans/{sha(f'plan {name}')[7:]}.jsonl",
            "rows": 161,
            "bytes": 70_001,
        },
        "policy": {
            "id": "contact-centre",
            "version": "2026-11",
            "owner": "records.manager@example.com",
            "review_by": "2027-05-31",
            "digest": sha("policy"),
        },
        "holds": {"generation": sha("holds"), "active": 1},
        "totals": totals,
        "verdicts": verdicts,
        "classes": classes,
        "reasons": {
            "held": {"hold:H-1": 13},
            "unclassified": {"no class matches": 4, "date: the name gives none": 1},
            "retained": {"floor:trading": 411, "quarantine": 6},
            "conflict": {"class:brokerage and class:complaints ask for different methods": 2},
        },
        "overdue": {**overdue, "oldest_destroy_by": "2026-10-03T22:00:00Z" if overdue["sets"] else None},
        "sources": [
            {
                "name": "pbx",
                "layout": "freepbx",
                "roots": ["/var/spool/asterisk/monitor"],
                **totals,
                "newest": "2026-11-23T21:58:00Z",
                "passed_over": {"symlink": 7, "not_regular": 0},
            }
        ],
        "limits": [
            {"name": "share", "scope": "class:brokerage", "limit": "10%", "actual": "2.5%", "ok": True},
            {"name": "sets", "scope": "host", "limit": "200000", "actual": "138", "ok": True},
            {"name": "clock_witness", "scope": "source:pbx", "limit": "31 days", "actual": "0 days", "ok": True},
        ],
        "blocked": [],
        "samples": {"due": [sample(f"{name} due {number}") for number in range(5)], "held": [sample(f"{name} held", reason=["hold:H-1"])]},
    }
    return {**made, **changes}


def fleet() -> dict[str, t.Any]:
    overdue = retention_class(19, 5, overdue={"sets": 4, "bytes": 4_938_268}, destroy_within="P90D", keep="P3M")
    return {"pbx1": result("pbx1"), "dialer1": result("dialer1", classes={"brokerage": retention_class(211, 8_123), "training": overdue})}


def manifest_of(results: dict[str, t.Any] | None = None, **options: t.Any) -> dict[str, t.Any]:
    told = {"author": "operations@example.com", "approvals_required": 2, "expires_in": "P7D", "collection": "0.1.0", "now": NOW, **options}
    return build_manifest(copy.deepcopy(results or fleet()), **told)


def blocked_fleet() -> dict[str, t.Any]:
    results = fleet()
    results["dialer1"]["limits"][0].update(ok=False, actual="14.2%")
    results["dialer1"]["blocked"] = ["211 of 1486 sets of class:brokerage are due, 14.2%, more than the limit share 10%"]
    return results


def entry_of(part: dict[str, t.Any], *, not_destroyed: int = 0, unknown: int = 0, closed: bool = True, lost: int = 0) -> dict[str, t.Any]:
    """A host's part of a statement; C(lost) sets have no outcome."""
    classes: dict[str, dict[str, t.Any]] = {}
    for name, item in part["classes"].items():
        due = item["verdicts"]["due"]
        taken = (not_destroyed, unknown, lost) if not classes else (0, 0, 0)
        destroyed = due["sets"] - sum(taken)
        made = {"destroyed": destroyed, "not_destroyed": taken[0], "unknown": taken[1], "bytes": destroyed * 1_234_567}
        classes[name] = {**made, "legal_basis": item["legal_basis"]}
    total = {key: sum(item[key] for item in classes.values()) for key in ("destroyed", "not_destroyed", "unknown")}
    return {
        "run": "0123456789abcdef",
        "records": sum(total.values()) * 3 + 2,
        "head": sha(f"head {part['plan']['digest']}"),
        "torn": 0,
        "counts": total,
        "bytes": {"destroyed": sum(item["bytes"] for item in classes.values())},
        "reasons": {"changed since the plan": not_destroyed} if not_destroyed else {},
        "interruptions": 1,
        "closed": closed,
        "classes": classes,
    }


def statement_of(manifest: dict[str, t.Any], entries: dict[str, t.Any] | None = None, **changes: t.Any) -> dict[str, t.Any]:
    """The statement over a manifest; without C(entries) everything was destroyed."""
    hosts = entries if entries is not None else {host: entry_of(part) for host, part in manifest["hosts"].items()}
    total = {key: sum(host["counts"][key] for host in hosts.values()) for key in ("destroyed", "not_destroyed", "unknown")}
    data = canonical(manifest) + b"\n"
    subject = [{"name": f"journals/{host}.jsonl", "digest": {"sha256": sha(f"{host}\n")[7:]}} for host in hosts]
    predicate = {
        "run": manifest["plan_id"],
        "created": "2026-11-24T03:41:09.120000Z",
        "complete": True,
        "problems": [],
        "hosts": hosts,
        "missing_hosts": [],
        "totals": {"counts": total, "bytes": {"destroyed": sum(host["bytes"]["destroyed"] for host in hosts.values())}},
        "merkle_root": sha("root"),
        "tree_size": sum(total.values()),
        "policy": manifest["policy"],
        "approvals": [
            {
                "principal": "privacy@example.com",
                "key": "SHA256:Zb4a8CIK0pY2s7bGmWcXwQz9mW5n1HfJt3rLq8v2dEk",
                "namespace": "plan@recordings.disposal",
            },
            {
                "principal": "head@example.com",
                "key": "SHA256:1n9uXo2LkV7qkzE0mD4wYh6TtPs3cRgB5aJf8iKxNqQ",
                "namespace": "plan@recordings.disposal",
            },
        ],
        "author": manifest["author"],
        "manifest": digest(data),
        "previous": None,
        "collection": "0.1.0",
        "not_checked": ["Copies outside the roots that the plan names (backups, snapshots, replicas, exports) were not looked for."],
        **changes,
    }
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [*subject, {"name": "manifest.json", "digest": {"sha256": digest(data)[7:]}}],
        "predicateType": "urn:recordings.disposal:evidence:1",
        "predicate": predicate,
    }


class Table(t.NamedTuple):
    caption: str
    cells: list[tuple[str, dict[str, str | None], str]]
    rows: list[list[str]]


class Page(html.parser.HTMLParser):
    """A page taken apart; tags that are not closed in order are faults."""

    _VOID = frozenset({"meta", "br", "img", "link", "input", "hr"})

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.stack: list[str] = []
        self.faults: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.headings: list[tuple[int, str]] = []
        self.tables: list[Table] = []
        self.code: list[str] = []
        self.title = ""
        self.words: list[str] = []
        self._open: list[str] = []
        self._glue = False
        self.feed(text)
        self.close()

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "wbr":
            self._glue = True
            return
        attributes = dict(attrs)
        self.elements.append((tag, attributes))
        if tag in self._VOID:
            return
        self.stack.append(tag)
        if tag == "table":
            self.tables.append(Table("", [], []))
        elif tag == "tr":
            self.tables[-1].rows.append([])
        elif tag in ("th", "td"):
            self.tables[-1].cells.append((tag, attributes, ""))
        if tag in ("h1", "h2", "h3", "caption", "th", "td", "pre", "title"):
            self._open.append("")

    def handle_endtag(self, tag: str) -> None:
        self._glue = False
        if not self.stack or self.stack.pop() != tag:
            self.faults.append(f"</{tag}> closes what is not open at line {self.getpos()[0]}")
        if tag not in ("h1", "h2", "h3", "caption", "th", "td", "pre", "title"):
            return
        text = self._open.pop()
        plain = " ".join(text.split())
        if tag in ("h1", "h2", "h3"):
            self.headings.append((int(tag[1]), plain))
        elif tag == "caption":
            self.tables[-1] = self.tables[-1]._replace(caption=plain)
        elif tag in ("th", "td"):
            kind, attributes, _none = self.tables[-1].cells[-1]
            self.tables[-1].cells[-1] = (kind, attributes, plain)
            self.tables[-1].rows[-1].append(plain)
        elif tag == "pre":
            self.code.append(text)
        else:
            self.title = plain

    def handle_data(self, data: str) -> None:
        if "style" in self.stack:
            return
        if self._glue:
            self.words[-1] += data
        else:
            self.words.append(data)
        self._glue = False
        for index in range(len(self._open)):
            self._open[index] += data

    def table(self, words: str) -> Table:
        return next(table for table in self.tables if words in table.caption)


def structure_faults(page: Page, language: str) -> list[str]:
    """What would trip a screen reader or a browser without a network."""
    faults = list(page.faults) + [f"<{tag}> is not closed" for tag in page.stack]
    if page.all("html")[0].get("lang") != language:
        faults.append("the language is not told")
    faults += [f"there is not one {tag}" for tag in ("main", "h1", "title", "footer") if len(page.all(tag)) != 1]
    levels = [level for level, _text in page.headings]
    faults += [f"heading {after} follows {before}" for before, after in zip(levels, levels[1:]) if after > before + 1]
    if levels[:1] != [1]:
        faults.append("the first heading is not of level 1")
    faults += ["a heading is empty" for _level, text in page.headings if not text]
    for table in page.tables:
        if not table.caption:
            faults.append("a table has no caption")
        faults += [
            f"{table.caption}: a th has no scope" for kind, attributes, _text in table.cells if kind == "th" and "scope" not in attributes
        ]
    ids = [attributes["id"] for _tag, attributes in page.elements if attributes.get("id")]
    faults += [f"the id {name} stands twice" for name in set(ids) if ids.count(name) > 1]
    for tag, attributes in page.elements:
        pointer = attributes.get("aria-labelledby") or (attributes.get("href") or "").removeprefix("#")
        if pointer and pointer not in ids:
            faults.append(f"<{tag}> points to {pointer}, which is not there")
        faults += [
            f"<{tag}> has the attribute {name}" for name in attributes if name in ("src", "srcset", "action") or name.startswith("on")
        ]
    faults += [f"there is a <{tag}>" for tag in ("script", "img", "link", "iframe", "form", "object", "a_") if page.all(tag)]
    faults += ["a section has no name" for attributes in page.all("section") if not attributes.get("aria-labelledby")]
    return faults
