# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

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
from ansible_collections.recordings.disposal.plugins.plugin_utils._media_records import failed_records
from ansible_collections.recordings.disposal.plugins.plugin_utils._plan_files import place_plan
from ansible_collections.recordings.disposal.plugins.plugin_utils._plan_manifest import manifest_bytes
from ansible_collections.recordings.disposal.plugins.plugin_utils._register_files import RegisterFile

_MOST_BLOCKED = 100


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
        if options["policy"] and options["policy_file"]:
            raise RefusedError("policy and policy_file are both given; give one of them")
        document = load_yaml(options["policy_file"], self._loader, "the policy of media") if options["policy_file"] else options["policy"]
        register = RegisterFile(located(options["register"])).register
        dest = located(options["dest"])
        chosen = choose_media(register, serials=options["serials"] or [], dead=options["dead"] or [], hosts=options["hosts"] or [])
        plan = build_media_plan(
            register,
            chosen,
            options["results"],
            read_media_policy(document),
            collection=VERSION,
            now=now,
            failed=failed_records(dest),
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
        }
        if self._task.diff:
            page = placed.pages["markdown"]
            result["diff"] = {"before": placed.before, "after": placed.after, "before_header": page, "after_header": page}
        return result
