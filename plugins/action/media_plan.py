# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import datetime as dt
import typing as t

from ansible.plugins.action import ActionBase

from ansible_collections.recordings.disposal.plugins.module_utils._document import plain
from ansible_collections.recordings.disposal.plugins.module_utils._errors import RefusedError
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.canonical import digest
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.clock import utc_now
from ansible_collections.recordings.disposal.plugins.module_utils._executor import CheckExecutor, Executor
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.version import VERSION
from ansible_collections.recordings.disposal.plugins.modules.media_plan import DOCUMENTATION
from ansible_collections.recordings.disposal.plugins.plugin_utils._action import argument_spec, attempted, located
from ansible_collections.recordings.disposal.plugins.plugin_utils._inputs import load_yaml
from ansible_collections.recordings.disposal.plugins.plugin_utils._media_manifest import build_media_plan
from ansible_collections.recordings.disposal.plugins.plugin_utils._media_plan import choose_media
from ansible_collections.recordings.disposal.plugins.plugin_utils._media_plan_page import media_form
from ansible_collections.recordings.disposal.plugins.plugin_utils._media_policy import read_media_policy
from ansible_collections.recordings.disposal.plugins.plugin_utils._media_records import earlier_records
from ansible_collections.recordings.disposal.plugins.plugin_utils._plan_files import place_plan
from ansible_collections.recordings.disposal.plugins.plugin_utils._plan_manifest import manifest_bytes
from ansible_collections.recordings.disposal.plugins.plugin_utils._register import Register
from ansible_collections.recordings.disposal.plugins.plugin_utils._register_book import Book

_MOST_BLOCKED = 100
_MOST_NAMED = 20
# Where nothing is released there is nothing to sign.
_NOTHING: dict[str, t.Any] = {
    **{"changed": False, "plan_id": None, "manifest_path": None, "manifest_digest": None, "pages": {}, "hosts": {}, "blocked": []},
    "totals": {"hosts": 0, "media": 0, "due": {"sets": 0, "files": 0, "bytes": 0}},
}


class ActionModule(ActionBase):
    """Decides what becomes of released media, and writes the manifest with its pages."""

    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        _checked, options = self.validate_argument_spec(argument_spec=argument_spec(DOCUMENTATION))
        result.update(attempted(lambda: self._act(plain(options))))
        return result

    def _act(self, options: dict[str, t.Any]) -> dict[str, t.Any]:
        now, check_mode = utc_now(), bool(self._task.check_mode)
        policy = read_media_policy(self._policy(options))
        register, dest = self._register(options, now), located(options["dest"])
        chosen = choose_media(register, serials=options["serials"] or [], dead=options["dead"] or [], hosts=options["hosts"] or [])
        if not chosen.hosts:
            return dict(_NOTHING)
        plan = build_media_plan(
            register,
            chosen,
            options["results"],
            policy,
            collection=VERSION,
            now=now,
            earlier=earlier_records(dest),
            **{name: options[name] for name in ("author", "approvals_required", "expires_in", "plan_id")},
        )
        placed = place_plan(
            plan.manifest,
            form=media_form(plan),
            dest=dest,
            language=options["language"],
            executor=CheckExecutor() if check_mode else Executor(),
            check_mode=check_mode,
            now=now,
        )
        manifest = placed.manifest
        result = {
            "changed": placed.changed,
            "plan_id": manifest["plan_id"],
            "manifest_path": placed.manifest_path,
            "manifest_digest": digest(manifest_bytes(manifest)),
            "pages": placed.pages,
            "totals": manifest["totals"],
            "hosts": {
                host: {"due": part["verdicts"]["due"]["sets"], "physical": part["physical"]} for host, part in manifest["hosts"].items()
            },
            "blocked": manifest["blocked"][:_MOST_BLOCKED],
            "warnings": list(_overdue(policy.about, now)),
        }
        if self._task.diff:
            page = placed.pages["markdown"]
            result["diff"] = {"before": placed.before, "after": placed.after, "before_header": page, "after_header": page}
        return result

    def _policy(self, options: dict[str, t.Any]) -> t.Any:
        path = options["policy_file"]
        if not path:
            return options["policy"]
        if options["policy"]:
            raise RefusedError("policy and policy_file are both given; give one of them")
        document = load_yaml(path, self._loader, "the policy of media")
        if document in (None, {}):
            raise RefusedError(
                f"the policy of media {located(path)} is empty, so nobody can tell what was meant; write it (docs/decommissioning.md), or leave policy_file out"
            )
        return document

    def _register(self, options: dict[str, t.Any], now: dt.datetime) -> Register:
        """The register, which shows what its log says."""
        executor = CheckExecutor()
        book = Book(located(options["register"]), located(options["dest"]), executor=executor, check_mode=True, now=now, collection=VERSION)
        if book.pending:
            names = ", ".join(change.serial for change in book.pending[:_MOST_NAMED])
            raise RefusedError(
                f"the register {book.file.path} does not show the last event of {names} yet; run the task that was cut off again, and plan then"
            )
        return book.register


def _overdue(policy: dict[str, str], now: dt.datetime) -> t.Iterator[str]:
    if policy["review_by"] < f"{now:%Y-%m-%d}":
        yield f"the policy {policy['id']} was to be reviewed by {policy['review_by']}; have its owner {policy['owner']} review it"
