# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import typing as t

from ansible.plugins.action import ActionBase

from ansible_collections.recordings.disposal.plugins.module_utils._document import plain
from ansible_collections.recordings.disposal.plugins.module_utils._errors import RefusedError
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.clock import utc_now
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.training import Trainings
from ansible_collections.recordings.disposal.plugins.modules.training_info import DOCUMENTATION
from ansible_collections.recordings.disposal.plugins.plugin_utils._action import argument_spec, attempted, located, read_text
from ansible_collections.recordings.disposal.plugins.plugin_utils._inputs import load_yaml
from ansible_collections.recordings.disposal.plugins.plugin_utils._training_files import read_training_dir
from ansible_collections.recordings.disposal.plugins.plugin_utils._training_roster import (
    STATES,
    read_people,
    reminders,
    roster,
    roster_csv,
    roster_html,
)
from ansible_collections.recordings.disposal.plugins.plugin_utils._training_test import until

_MOST_TOLD = 100


class ActionModule(ActionBase):
    """Reads training records, and tells who is trained."""

    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        _checked, options = self.validate_argument_spec(argument_spec=argument_spec(DOCUMENTATION))
        result.update(attempted(lambda: self._act(plain(options))))
        return result

    def _act(self, options: dict[str, t.Any]) -> dict[str, t.Any]:
        now, language = utc_now(), options["language"]
        signers = read_text(options["training_signers_file"], "the file of those who may sign training records")
        trainings = Trainings(read_training_dir(located(options["training_dir"])), signers)
        rows, problems = roster(trainings, self._people(options), now=now, soon=until(now, options["expiring_within"]))
        formats = options["formats"]
        return {
            "changed": False,
            "roster": [row.told() for row in rows],
            "counts": {state: sum(row.state == state for row in rows) for state in STATES},
            "problems": problems[:_MOST_TOLD],
            "reminders": reminders(rows, language=language),
            **({"csv": roster_csv(rows)} if "csv" in formats else {}),
            **({"html": roster_html(rows, problems, language=language, now=now)} if "html" in formats else {}),
        }

    def _people(self, options: dict[str, t.Any]) -> dict[str, tuple[str, tuple[str, ...]]]:
        path = options["people_file"]
        if not path:
            return read_people(options["people"], "the list of people")
        if options["people"] is not None:
            raise RefusedError("people and people_file are both given; give one of them")
        return read_people(load_yaml(path, self._loader, "the list of people"), f"the list of people {located(path)}")
