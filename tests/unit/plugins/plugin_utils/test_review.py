# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A clean policy with all that it rests on reports nothing; each fault that is planted in it reports itself, and nothing else."""

from __future__ import annotations

import copy
import json
import pathlib
import subprocess
import typing as t

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader

from ansible_collections.recordings.disposal.plugins.module_utils._errors import DisposalError
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.clock import parse_time
from ansible_collections.recordings.disposal.plugins.module_utils._executor import CheckExecutor, Executor
from ansible_collections.recordings.disposal.plugins.module_utils._retention.policy import load_policy
from ansible_collections.recordings.disposal.plugins.plugin_utils._catalogue import SHIPPED
from ansible_collections.recordings.disposal.plugins.plugin_utils._language import LANGUAGES, load_language
from ansible_collections.recordings.disposal.plugins.plugin_utils._plan_manifest import manifest_bytes
from ansible_collections.recordings.disposal.plugins.plugin_utils._review import Review, judged, keep_review, look, told_review
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._evidence.evidence_world import Keys, snapshot
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.plan_world import counts, manifest_of, result, retention_class
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.review_world import ANNA, AUTHOR, POLICY, sign_record
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.schemas import validate

NOW = parse_time("2026-11-27T12:00:00Z")
Told = dict[str, t.Any]
CLEAN: Told = {
    **POLICY,
    "review_by": "2027-05-31",
    "floors": [{"name": "tax", "match": {"source": ["pbx"]}, "keep_at_least": "P30D", "legal_basis": "Reg. (EU) 2017/565 art. 76"}],
    "review": {
        "standards": {"nist-sp-800-88-r2": {"owner": "security@example.com", "edition": "Rev. 2", "review_by": "2027-05-31"}},
        "keys": {"recordings-calls-*": {"owner": "ops@example.com", "edition": "aes256-gcm96", "review_by": "2027-05-31"}},
    },
}
SOURCE: Told = {"name": "pbx", "layout": "freepbx", "roots": ["/srv/pbx"], **counts(8), "newest": None, "passed_over": {}}
MEDIA: Told = {
    **{"id": "media", "version": "1", "owner": "ops@example.com", "review_by": "2027-05-31"},
    "rules": [{"kinds": ["sata_ssd"], "technique": "ata_sanitize_crypto", "physical": "shred"}],
}
HOLD: Told = {
    **{"id": "case-1", "reason": "Court case", "placed": "2026-11-01", "placed_by": "legal@example.com", "review_by": "2027-05-01"},
    "match": {"source": ["pbx"]},
}


class World:
    """All that a review looks at, in files; tests change one of them."""

    def __init__(self, path: pathlib.Path, keys: Keys) -> None:
        self.path = path
        self.keys = keys
        self.policy = copy.deepcopy(CLEAN)
        self.media = copy.deepcopy(MEDIA)
        self.hold = copy.deepcopy(HOLD)
        self.catalogue: Told = yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))
        self.store: list[Told] = [{"name": "recordings-calls-2026-03", "algorithm": "aes256-gcm96", "expires": "2028-01-01"}]
        ends = 'valid-before="20280101Z"'
        self.signers = keys.line(ANNA, "anna", ends) + keys.line(AUTHOR, "ewa", f'namespaces="review@recordings.disposal",{ends}')
        self.hosts: dict[str, Told] = {"pbx1": self.host()}
        self.options: Told = {}

    @staticmethod
    def host(*, matched: int = 8, **source: t.Any) -> Told:
        return result("pbx1", classes={"calls": retention_class(matched, 0)}, sources=[{**SOURCE, **source}])

    def write(self) -> Told:
        for name, document in (("policy.yml", self.policy), ("media.yml", self.media), ("catalogue.yml", self.catalogue)):
            (self.path / name).write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
        (self.path / "holds").mkdir(exist_ok=True)
        (self.path / "holds" / "case-1.yml").write_text(yaml.safe_dump(self.hold), encoding="utf-8")
        (self.path / "allowed_signers").write_text(self.signers, encoding="ascii")
        summary = load_policy(POLICY).summary()
        manifest = manifest_of({host: {**part, "policy": summary} for host, part in self.hosts.items()})
        (self.path / "manifest.json").write_bytes(manifest_bytes(manifest))
        signers = str(self.path / "allowed_signers")
        return {
            **dict.fromkeys(("policy", "holds", "media_policy", "protection_class", "reviewers")),
            **{"levels": {}, "figures": {}, "results": {}, "hosts": ["pbx1"], "expires_within": "P60D", "review_grace": "P30D"},
            "policy_file": str(self.path / "policy.yml"),
            "media_policy_file": str(self.path / "media.yml"),
            "catalogue_file": str(self.path / "catalogue.yml"),
            "holds_dir": str(self.path / "holds"),
            "allowed_signers": signers,
            "keys": self.store,
            "manifests": [str(self.path / "manifest.json")],
            "reviews_dir": str(self.path / "reviews"),
            "review_signers": signers,
            **self.options,
        }

    def look(self) -> Review:
        return look(self.write(), DataLoader(), now=NOW)

    def keep(self, review: Review, *, check_mode: bool = False, language: str = "en") -> Told:
        executor = CheckExecutor() if check_mode else Executor()
        where: Told = {"directory": str(self.path / "reviews"), "language": language, "collection": "0.1.0", "now": NOW}
        return keep_review(review, author=AUTHOR, executor=executor, check_mode=check_mode, **where)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    made = Keys(tmp_path_factory.mktemp("keys"))
    rsa = pathlib.Path(made.directory / "rsa.key")
    subprocess.run(["ssh-keygen", "-q", "-t", "rsa", "-b", "2048", "-N", "", "-C", "rsa", "-f", str(rsa)], check=True)
    return made


@pytest.fixture
def world(tmp_path: pathlib.Path, keys: Keys) -> World:
    return World(tmp_path, keys)


def told(review: Review) -> list[tuple[str, str, str]]:
    return [(item.code, item.severity, item.subject) for item in review.findings]


def test_a_clean_policy_reports_nothing(world: World) -> None:
    review = world.look()
    assert (told(review), review.not_known) == ([], [])
    assert told_review(review)["counts"] == {"severe": 0, "warning": 0, "notice": 0}


def _class(world: World, **changes: t.Any) -> None:
    world.policy["classes"][0].update(changes)


def _scheme(world: World, scheme: str) -> None:
    _class(world, disposal={"technique": "overwrite", "scheme": scheme, "level": "clear"})


def _reviewed(world: World, kind: str, name: str, **changes: t.Any) -> None:
    entry = {"owner": "ops@example.com", "edition": "1", "review_by": "2027-05-31", **changes}
    world.policy["review"].setdefault(kind, {})[name] = entry


def _entry(world: World, name: str, **changes: t.Any) -> None:
    next(entry for entry in world.catalogue["entries"] if entry["id"] == name).update(changes)


def _set(**attributes: t.Any) -> t.Callable[[World], None]:
    def change(world: World) -> None:
        for name, value in attributes.items():
            getattr(world, name).update(value)

    return change


def _signers(options: str, key: str = "anna") -> t.Callable[[World], None]:
    return lambda world: setattr(world, "signers", world.keys.line(ANNA, key, options))


def _hosts(**hosts: Told) -> t.Callable[[World], None]:
    return lambda world: world.hosts.update(hosts)


ELSEWHERE = retention_class(3, 0)
ENDED = {"status": "superseded", "superseded_by": "ieee-2883-2022", "ended": "2026-11-20"}
SEEDS: list[tuple[str, t.Callable[[World], None], list[tuple[str, str, str]], list[str]]] = [
    (
        "overdue policy",
        _set(policy={"review_by": "2026-11-26"}),
        [("overdue", "warning", "policy contact-centre")],
        ["policy.yml: review_by", "The review was due by 2026-11-26", "Have records.manager@example.com review it"],
    ),
    ("due today", _set(policy={"review_by": "2026-11-27"}), [], []),
    ("grace over", _set(policy={"review_by": "2026-10-27"}), [("overdue", "severe", "policy contact-centre")], []),
    (
        "overdue class",
        lambda world: _class(world, review={"owner": "anna@example.com", "review_by": "2026-11-01"}),
        [("overdue", "warning", "class calls")],
        ["policy.yml: classes[0].review.review_by", "Have anna@example.com review it"],
    ),
    (
        "overdue table",
        lambda world: _reviewed(world, "tables", "techniques", review_by="2026-11-01"),
        [("overdue", "warning", "table techniques")],
        [],
    ),
    (
        "overdue scheme",
        lambda world: _reviewed(world, "schemes", "nist_clear", review_by="2026-11-01"),
        [("overdue", "warning", "scheme nist_clear")],
        [],
    ),
    (
        "overdue standard",
        lambda world: _reviewed(world, "standards", "ieee-2883-2022", review_by="2026-11-01"),
        [("overdue", "warning", "standard ieee-2883-2022")],
        [],
    ),
    ("overdue key", lambda world: _reviewed(world, "keys", "vault", review_by="2026-11-01"), [("overdue", "warning", "key vault")], []),
    (
        "overdue catalogue",
        _set(catalogue={"review_by": "2026-11-01"}),
        [("overdue", "warning", "catalogue 2026-11")],
        ["catalogue.yml: review_by"],
    ),
    ("overdue media", _set(media={"review_by": "2026-11-01"}), [("overdue", "warning", "policy media")], ["media.yml: review_by"]),
    (
        "superseded law",
        lambda world: _class(world, legal_basis="Directive 95/46/EC, art. 7"),
        [("superseded", "warning", "class calls")],
        [
            "policy.yml: class calls, legal_basis",
            "Directive 95/46/EC on the protection of personal data was superseded by Regulation (EU) 2016/679",
        ],
    ),
    (
        "superseded edition",
        lambda world: _reviewed(world, "tables", "physical", edition="NIST SP 800-88 Rev. 1 (2014-12)"),
        [("superseded", "warning", "table physical")],
        [
            "policy.yml: review.tables.physical.edition",
            "was superseded by NIST SP 800-88 Rev. 2",
            "(ended: 2025-09-26; catalogue 2026-11, S)",
        ],
    ),
    (
        "superseded edition of a figure",
        lambda world: world.options.update(figures={"din_h_4": {"value": "2000 mm2", "edition": "DIN 32757-1", "source": "a page"}}),
        [("superseded", "warning", "figure din_h_4")],
        ["figures.din_h_4.edition"],
    ),
    (
        "withdrawn",
        lambda world: _class(world, legal_basis="DoD 5220.22-M"),
        [("withdrawn", "warning", "class calls")],
        ["was withdrawn (ended: 2021;"],
    ),
    (
        "the tables' own edition",
        lambda world: _entry(world, "nist-sp-800-88-r2", **ENDED),
        [
            ("scheme_of_an_ended_standard", "warning", "scheme nist_clear"),
            ("superseded", "warning", "standard nist-sp-800-88-r2"),
            ("superseded", "warning", "table levels"),
        ],
        ["_standards/levels.py"],
    ),
    (
        "unknown standard",
        lambda world: _reviewed(world, "standards", "en-12345"),
        [("standard_unknown", "notice", "standard en-12345")],
        ["policy.yml: review.standards.en-12345", "The catalogue 2026-11 does not know this standard"],
    ),
    (
        "DoD, three passes",
        lambda world: _scheme(world, "dod_5220_22m"),
        [("scheme_of_an_ended_standard", "warning", "scheme dod_5220_22m"), ("unverified_scheme", "notice", "scheme dod_5220_22m")],
        [
            "policy.yml: class calls, disposal.scheme",
            "The scheme rests on DoD 5220.22-M (NISPOM), which does not stand any more",
            "such as nist_clear",
        ],
    ),
    ("a publication", lambda world: _scheme(world, "gutmann"), [("scheme_of_a_publication", "warning", "scheme gutmann")], ["P. Gutmann"]),
    (
        "no standing",
        lambda world: world.catalogue["schemes"].pop("nist_clear"),
        [("scheme_without_standing", "warning", "scheme nist_clear")],
        ["names no standard that this scheme rests on"],
    ),
    ("own passes", lambda world: _scheme(world, "custom:zeros,ff"), [("own_passes", "notice", "scheme custom:zeros,ff")], []),
    (
        "weak key",
        _signers('valid-before="20280101"', "rsa"),
        [("algorithm_weak", "warning", "signer anna@example.com")],
        ["allowed_signers line 1", "A key of ssh-rsa with 2048 bits is weaker than the 3072 bits of the catalogue 2026-11"],
    ),
    (
        "weak key in a store",
        lambda world: world.store[0].update(algorithm="RSA", bits=1024),
        [("algorithm_weak", "warning", "key recordings-calls-2026-03")],
        ["keys[0]"],
    ),
    (
        "dead algorithm",
        lambda world: world.store[0].update(algorithm="3DES"),
        [("algorithm_withdrawn", "severe", "key recordings-calls-2026-03")],
        [],
    ),
    (
        "strange algorithm",
        lambda world: world.store[0].update(algorithm="rot13"),
        [("algorithm_unknown", "notice", "key recordings-calls-2026-03")],
        [],
    ),
    (
        "signer about to expire",
        _signers('namespaces="review@recordings.disposal",valid-before="20270101"'),
        [("expiring", "warning", "signer anna@example.com")],
        ["allowed_signers line 1", "It ends on 2027-01-01."],
    ),
    (
        "signer expired",
        _signers('valid-before="20261101120000Z"'),
        [("expired", "warning", "signer anna@example.com")],
        ["It ended on 2026-11-01."],
    ),
    ("signer without end", _signers(""), [("unreviewed", "notice", "signer anna@example.com")], []),
    (
        "key about to expire",
        lambda world: world.store[0].update(expires="2026-12-01"),
        [("expiring", "warning", "key recordings-calls-2026-03")],
        ["keys[0]", "It ends on 2026-12-01."],
    ),
    (
        "key of the policy about to expire",
        lambda world: _reviewed(world, "keys", "vault", expires="2026-12-01"),
        [("expiring", "warning", "key vault")],
        ["policy.yml: review.keys.vault.expires"],
    ),
    ("key of nobody", lambda world: world.store[0].update(name="other"), [("unreviewed", "notice", "key other")], []),
    (
        "unverified scheme",
        lambda world: (_scheme(world, "rcmp_tssit_ops_ii"), _entry(world, "rcmp-tssit-ops-ii", status="current"))[0],
        [("unverified_scheme", "notice", "scheme rcmp_tssit_ops_ii")],
        ["RCMP TSSIT OPS-II, as widely published"],
    ),
    (
        "unverified figure",
        lambda world: world.options.update(protection_class=3),
        [("unverified_figure", "notice", "figure din_e_5"), ("unverified_figure", "notice", "figure protection_class_3")],
        ["media.yml: rule for sata_ssd", "common knowledge, not held against the standard"],
    ),
    (
        "unverified technique",
        lambda world: world.media["rules"].append({"kinds": ["sd"], "technique": "mmc_secure_erase", "physical": "shred"}),
        [("unverified_technique", "notice", "technique mmc_secure_erase")],
        ["media.yml: rule for sd"],
    ),
    (
        "hold past its review",
        _set(hold={"review_by": "2026-11-26"}),
        [("hold_overdue", "warning", "hold case-1")],
        [
            "holds/case-1.yml: review_by",
            "The hold was to be looked at again by 2026-11-26. It goes on holding.",
            "Have legal@example.com confirm it",
        ],
    ),
    (
        "layout that matches nothing",
        _hosts(pbx1=World.host(**counts(0))),
        [("layout_matches_nothing", "warning", "layout freepbx")],
        ["The layout found no recording set in any plan that was given (hosts looked at: 1)."],
    ),
    (
        "root that never yields",
        lambda world: (_hosts(pbx2=World.host(**counts(0)))(world), world.options.update(hosts=["pbx1", "pbx2"]))[0],
        [("root_never_yields", "warning", "root /srv/pbx")],
        ["The root gave no recording set on pbx2 in any plan that was given."],
    ),
    (
        "root beside one that yields",
        lambda world: world.options.update(
            results={"pbx1": World.host(roots=["/srv/pbx", "/old"], sets_by_root={"/srv/pbx": 8, "/old": 0})}
        ),
        [("root_never_yields", "warning", "root /old")],
        ["The root gave no recording set on pbx1"],
    ),
    (
        "class never matched",
        _hosts(pbx1=World.host(matched=0)),
        [("class_never_matched", "warning", "class calls")],
        ["policy.yml: class calls", "The class matched no recording set in any plan that was given"],
    ),
    (
        "class that no plan knows",
        _hosts(pbx1={**World.host(), "classes": {"others": ELSEWHERE}}),
        [("class_unplanned", "notice", "class calls")],
        [],
    ),
    (
        "unreachable host",
        lambda world: world.options.update(results={"pbx2": {"unreachable": True, "msg": "no route"}}),
        [("host_unreachable", "warning", "host pbx2")],
        ["The host could not be reached, so what it has is not known."],
    ),
    (
        "host without a plan",
        lambda world: world.options.update(hosts=["pbx1", "pbx2"]),
        [("host_no_plan", "warning", "host pbx2")],
        ["No plan names the host"],
    ),
    (
        "a host that is not known counts as no zero",
        lambda world: (_hosts(pbx1=World.host(matched=0))(world), world.options.update(results={"pbx2": {"failed": True}}))[0],
        [("host_failed", "warning", "host pbx2"), ("class_never_matched", "notice", "class calls")],
        ["Not known is what these hosts have: pbx2."],
    ),
]


@pytest.mark.parametrize(("seed", "expected", "words"), [item[1:] for item in SEEDS], ids=[item[0] for item in SEEDS])
def test_each_seeded_fault_is_reported_and_nothing_else(
    world: World, seed: t.Callable[[World], t.Any], expected: list[tuple[str, str, str]], words: list[str]
) -> None:
    seed(world)
    review = world.look()
    assert sorted(told(review)) == sorted(expected)
    rows = json.dumps(told_review(review)["findings"], ensure_ascii=False)
    assert [text for text in words if text not in rows] == [], rows
    assert all(row["reason"] and row["action"] and row["severity"] for row in told_review(review)["findings"])


def test_every_code_has_words_and_a_seed() -> None:
    seeded = {code for _name, _seed, expected, _words in SEEDS for code, _severity, _subject in expected}
    # Two states of a host that differ from those that are seeded in a word.
    left = {"host_no_result", "host_skipped"}
    for language in LANGUAGES:
        assert set(load_language(language).words["review"]["findings"]) == seeded | left


# Refusals.

REFUSED: list[tuple[str, t.Callable[[World], t.Any], str]] = [
    (
        "status",
        lambda world: _entry(world, "gdpr", status="repealed"),
        "'repealed' is not known; allowed are current, superseded, withdrawn",
    ),
    ("nothing after", lambda world: _entry(world, "gdpr", status="superseded"), "superseded_by goes with the status superseded"),
    (
        "its own successor",
        lambda world: _entry(world, "gdpr", status="superseded", superseded_by="gdpr"),
        "superseded_by: 'gdpr' leads back to 'gdpr'",
    ),
    (
        "successors in a circle",
        lambda world: _entry(world, "gdpr", status="superseded", superseded_by="directive-95-46"),
        "superseded_by: 'directive-95-46' leads back to 'gdpr'",
    ),
    ("unknown successor", lambda world: _entry(world, "gdpr", status="superseded", superseded_by="x"), "'x' is the id of no entry"),
    ("twice", lambda world: _entry(world, "gdpr", id="directive-95-46"), "an id stands twice"),
    ("no source", lambda world: _entry(world, "gdpr", source=" "), "source: ' ' is not a text"),
    ("confidence", lambda world: _entry(world, "gdpr", confidence="sure"), "'sure' is not known"),
    ("future", _set(catalogue={"dated": "2027-01-01"}), "is dated 2027-01-01, which is later than today, 2026-11-27"),
    ("format", _set(catalogue={"format": "recordings.disposal/catalogue/2"}), "has the format 'recordings.disposal/catalogue/2'"),
    ("scheme", lambda world: world.catalogue["schemes"].update(magic="gdpr"), "schemes.magic: there is no such scheme"),
    ("half a date", lambda world: _entry(world, "gdpr", date="2016-13"), "'2016-13' is not a date such as 2025-09-26, 2018-08 or 1997"),
    ("no date", lambda world: world.catalogue.pop("review_by"), "the key review_by is missing"),
    ("policy", _set(policy={"review_by": "soon"}), "review_by: 'soon' is not a date"),
    ("hold", _set(hold={"colour": "red"}), "is under an unknown key"),
    (
        "keys",
        lambda world: world.store[0].pop("algorithm"),
        "the list of keys is not valid, nothing was done: [0]: the key algorithm is missing",
    ),
    ("period", lambda world: world.options.update(expires_within="soon"), "expires_within: 'soon' is not an ISO 8601 period"),
    ("grace", lambda world: world.options.update(review_grace="PT1H"), "review_grace: 'PT1H' counts hours"),
    ("class", lambda world: world.options.update(protection_class=9), "the protection class 9 is none"),
    ("manifest", lambda world: world.options.update(manifests=["/nowhere/manifest.json"]), "/nowhere/manifest.json cannot be read"),
    ("no policy", lambda world: world.options.update(policy_file=None), "neither policy nor policy_file is given"),
]


@pytest.mark.parametrize(("change", "words"), [item[1:] for item in REFUSED], ids=[item[0] for item in REFUSED])
def test_what_is_not_valid_is_refused(world: World, change: t.Callable[[World], t.Any], words: str) -> None:
    change(world)
    with pytest.raises(DisposalError) as caught:
        world.look()
    assert words in caught.value.message
    assert not (world.path / "reviews").exists()


def test_a_catalogue_past_its_date_is_told_severely_once_the_grace_is_over(world: World) -> None:
    world.catalogue["review_by"] = "2026-10-01"
    (finding,) = world.look().findings
    assert (finding.code, finding.severity, finding.place) == ("overdue", "severe", f"{world.path}/catalogue.yml: review_by")


@pytest.mark.parametrize(("fail_on", "fails"), [("never", False), ("severe", False), ("warning", True), ("notice", True)])
def test_findings_fail_the_task_where_that_is_asked_for(world: World, fail_on: str, fails: bool) -> None:
    world.hold["review_by"] = "2026-11-26"
    review = world.look()
    found = judged(told_review(review), review, fail_on)
    assert bool(found.get("failed")) == fails
    if fails:
        assert "found 1 that must not stay: hold case-1: The hold was to be looked at again by 2026-11-26" in found["msg"]


# The road: review, sign, change, review again.


def test_a_review_is_written_signed_and_followed_by_the_next(world: World) -> None:
    first = world.look()
    assert first.standing and first.standing.signed_off is None
    assert world.keep(first, check_mode=True)["changed"] and not (world.path / "reviews").exists()
    written = world.keep(first)
    assert written["changed"] and not world.keep(first)["changed"] and not world.keep(world.look())["changed"]
    record = pathlib.Path(written["record_path"])
    validate("review-1", json.loads(record.read_bytes()))
    sign_record(world.keys, record)
    before = snapshot(world.path / "reviews")
    signed = world.look()
    assert signed.standing and signed.standing.told()["signed_off"]["signed_by"] == [ANNA] and signed.standing.changes == ()
    world.policy["classes"][0]["keep"] = "P30D"
    world.policy["version"] = "2026-12"
    second = json.loads(pathlib.Path(world.keep(world.look())["record_path"]).read_bytes())
    validate("review-1", second)
    assert second["previous"]["id"] == record.parent.name and second["previous"]["policy_digest"] == load_policy(CLEAN).digest
    assert [(change["subject"], change["what"], change["before"], change["after"], change["sooner"]) for change in second["changes"]] == [
        ("policy", "version", "2026-06", "2026-12", False),
        ("class calls", "keep", "P90D", "P30D", True),
    ]
    now = snapshot(world.path / "reviews")
    assert {name: now[name] for name in before} == before


def test_a_record_that_was_changed_is_not_written_over(world: World) -> None:
    written = world.keep(world.look())
    record = pathlib.Path(written["record_path"])
    record.write_bytes(record.read_bytes().replace(AUTHOR.encode(), b"eve@example.com"))
    before = snapshot(world.path / "reviews")
    with pytest.raises(DisposalError, match="was changed after it was written"):
        world.keep(world.look())
    assert snapshot(world.path / "reviews") == before


@pytest.mark.parametrize("language", LANGUAGES)
def test_pages_tell_it_in_both_languages(world: World, language: str) -> None:
    world.hold["review_by"] = "2026-11-26"
    world.policy["classes"][0]["legal_basis"] = "<script>alert(1)</script> 95/46/EC"
    world.options.update(hosts=["pbx1", "pbx2"], media_policy_file=None)
    review = world.look()
    pages = {kind: pathlib.Path(path).read_text(encoding="utf-8") for kind, path in world.keep(review, language=language)["pages"].items()}
    words = load_language(language)
    hold = words.word("review.findings.hold_overdue.reason").format(review_by="2026-11-26")
    for kind in ("html", "markdown"):
        plain = pages[kind].replace("\\", "")
        assert hold in plain and words.word("review.not_looked.no_media_policy") in plain
        assert words.word("review.standing_never") in plain and "pbx2" in plain
    html = pages["html"]
    assert f'<html lang="{language}">' in html and "<script" not in html and "http://" not in html and "https://" not in html
    assert html.count("<caption") == html.count("<table") and html.count("<h1") == 1
    report = json.loads(pages["json"])
    assert {row["code"] for row in report["findings"]} == {"hold_overdue", "superseded", "host_no_plan"}
