# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import typing as t

from ansible.plugins.action import ActionBase

from ansible_collections.recordings.disposal.plugins.module_utils._executor import CheckExecutor, Executor
from ansible_collections.recordings.disposal.plugins.modules.training_course import DOCUMENTATION
from ansible_collections.recordings.disposal.plugins.plugin_utils._action import argument_spec, attempted, located
from ansible_collections.recordings.disposal.plugins.plugin_utils._evidence_files import keep_files
from ansible_collections.recordings.disposal.plugins.plugin_utils._training_course import load_training
from ansible_collections.recordings.disposal.plugins.plugin_utils._training_pages import course_pages


class ActionModule(ActionBase):
    """Reads course and question bank, and writes the pages."""

    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        _checked, options = self.validate_argument_spec(argument_spec=argument_spec(DOCUMENTATION))
        result.update(attempted(lambda: self._act(options)))
        return result

    def _act(self, options: dict[str, t.Any]) -> dict[str, t.Any]:
        course, bank = load_training(options["course"], options["bank"], self._loader)
        result: dict[str, t.Any] = {
            "changed": False,
            "course": {**course.named(), "languages": list(course.languages), "chapters": len(course.chapters)},
            "bank": {**bank.named(), "questions": len(bank.questions), "asked": bank.asked, "pass_mark": bank.pass_mark},
            "pages": [],
        }
        if options["dest"]:
            check_mode = bool(self._task.check_mode)
            pages = course_pages(course, bank, languages=course.languages)
            directory = located(options["dest"])
            result["changed"] = keep_files(
                directory,
                {name: page.encode("utf-8") for name, page in pages.items()},
                executor=CheckExecutor() if check_mode else Executor(),
                check_mode=check_mode,
                lost="the pages of the course are not complete; make room, or give another dest",
            )
            result["pages"] = [f"{directory}/{name}" for name in pages]
        return result
