# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import typing as t

from ansible.plugins.action import ActionBase

from ansible_collections.recordings.disposal.plugins.module_utils._document import plain
from ansible_collections.recordings.disposal.plugins.module_utils._errors import RefusedError
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.clock import utc_now
from ansible_collections.recordings.disposal.plugins.module_utils._executor import CheckExecutor, Executor
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.version import VERSION
from ansible_collections.recordings.disposal.plugins.modules.fleet_report import DOCUMENTATION
from ansible_collections.recordings.disposal.plugins.plugin_utils._action import argument_spec, attempted, located, read_text
from ansible_collections.recordings.disposal.plugins.plugin_utils._register_book import Book
from ansible_collections.recordings.disposal.plugins.plugin_utils._report import Reporting, make_report
from ansible_collections.recordings.disposal.plugins.plugin_utils._report_people import Reviews
from ansible_collections.recordings.disposal.plugins.plugin_utils._review_signed import Signers as ReviewSigners
from ansible_collections.recordings.disposal.plugins.plugin_utils._sealed_runs import Signers
from ansible_collections.recordings.disposal.plugins.plugin_utils._training_files import given_trainings


class ActionModule(ActionBase):
    """Reports on the whole fleet."""

    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        _checked, options = self.validate_argument_spec(argument_spec=argument_spec(DOCUMENTATION))
        result.update(attempted(lambda: self._act(plain(options))))
        return result

    def _act(self, options: dict[str, t.Any]) -> dict[str, t.Any]:
        check_mode = bool(self._task.check_mode)
        executor = CheckExecutor() if check_mode else Executor()
        dest, now = located(options["dest"]), utc_now()
        book = None
        if options["register"]:
            book = Book(located(options["register"]), dest, executor=executor, check_mode=check_mode, now=now, collection=VERSION)
        result = make_report(
            Reporting(
                dest=dest,
                output=located(options["output"] or os.path.join(dest, "reports")),
                hosts=options["hosts"],
                sites=_sites(options["sites"]),
                results=options["results"],
                signers=_signers(options),
                ledger=located(options["ledger"] or os.path.join(dest, "ledger.jsonl")),
                book=book,
                forecast=_forecast(options["forecast"], dest),
                trainings=given_trainings({name: options[name] for name in ("training_dir", "training_signers_file")}),
                reviews=_reviews(options),
                old_after=options["old_after"],
                languages=list(dict.fromkeys(options["languages"])),
                executor=executor,
                check_mode=check_mode,
                now=now,
                collection=VERSION,
            )
        )
        if not result["whole"] and options["on_gap"] == "fail":
            told = "; ".join(f"{gap['kind']}: {', '.join(gap['names'][:5]) or 'not given'}" for gap in result["gaps"])
            result.update(failed=True, msg=f"the report on the fleet does not know all of it ({told}); see {_first_page(result)}")
        return result


def _first_page(result: dict[str, t.Any]) -> str:
    return next((str(page["path"]) for page in result["pages"].values()), "faults")


def _signers(options: dict[str, t.Any]) -> Signers | None:
    given = [bool(options[name]) for name in ("allowed_signers", "signer")]
    if any(given) and not all(given):
        raise RefusedError(
            "allowed_signers and signer belong together, and one of them is missing, so there is no report; give both or none"
        )
    return Signers(read_text(options["allowed_signers"], "the file of allowed signers"), options["signer"]) if all(given) else None


def _forecast(given: str | None, dest: str) -> str:
    """Where the forecast is; the last one that was made, where none is named."""
    made = os.path.join(dest, "previews", "forecast.json")
    return located(given) if given else made if os.path.exists(made) else ""


def _reviews(options: dict[str, t.Any]) -> Reviews | None:
    given = [bool(options[name]) for name in ("reviews_dir", "review_signers")]
    if not any(given):
        return None
    if not all(given):
        raise RefusedError(
            "reviews_dir and review_signers belong together, and one of them is missing, so there is no report; give both or none"
        )
    allowed = read_text(options["review_signers"], "the file of those who may sign reviews")
    return Reviews(located(options["reviews_dir"]), ReviewSigners(allowed, tuple(options["reviewers"] or ())))


def _sites(given: dict[str, t.Any]) -> dict[str, str]:
    """Site by host; hosts without one are left out."""
    for host, site in given.items():
        if not isinstance(site, str) and site is not None:
            raise RefusedError(f"sites: the site of {host} is no text; write host: site")
    return {host: site.strip() for host, site in given.items() if site and site.strip()}
