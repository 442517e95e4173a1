# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import typing as t

from ansible.plugins.action import ActionBase

from ansible_collections.recordings.disposal.plugins.module_utils._document import plain
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.clock import utc_now
from ansible_collections.recordings.disposal.plugins.module_utils._executor import CheckExecutor, Executor
from ansible_collections.recordings.disposal.plugins.module_utils._media.serials import serial_key
from ansible_collections.recordings.disposal.plugins.module_utils._standards.physical import figures
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.version import VERSION
from ansible_collections.recordings.disposal.plugins.modules.media_order import DOCUMENTATION
from ansible_collections.recordings.disposal.plugins.plugin_utils._action import argument_spec, attempted, located
from ansible_collections.recordings.disposal.plugins.plugin_utils._order import Wanted, build_order, open_points
from ansible_collections.recordings.disposal.plugins.plugin_utils._order_files import other_orders, place_order
from ansible_collections.recordings.disposal.plugins.plugin_utils._register_book import Book

_MOST_WARNINGS = 20


class ActionModule(ActionBase):
    """Writes a work order for media of the register, with its page and form."""

    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        _checked, options = self.validate_argument_spec(argument_spec=argument_spec(DOCUMENTATION))
        result.update(attempted(lambda: self._act(options)))
        return result

    def _act(self, options: dict[str, t.Any]) -> dict[str, t.Any]:
        options = plain(options)
        check_mode = bool(self._task.check_mode)
        executor = CheckExecutor() if check_mode else Executor()
        now = utc_now()
        dest = located(options["dest"])
        known = figures(options["figures"])
        book = Book(located(options["register"]), dest, executor=executor, check_mode=check_mode, now=now, collection=VERSION)
        unfinished = {serial_key(change.serial) for change in book.pending}
        told = {name: options[name] for name in ("serials", "technique", "issued_by", "level", "protection_class", "due")}
        wanted = Wanted(**told, facility=options["facility"] or "", plan_id=options["plan_id"] or "", why=options["why"] or {})
        placed = place_order(
            build_order(wanted, book.register.media, unfinished, figures=known, now=now),
            dest=dest,
            language=options["language"],
            figures=known,
            why=wanted.why,
            executor=executor,
            check_mode=check_mode,
        )
        return {
            "changed": placed.changed,
            "order_id": placed.order["id"],
            "order": placed.paths["order"],
            "digest": placed.digest,
            "files": placed.paths,
            "media": len(placed.order["media"]),
            "warnings": [*open_points(placed.order), *other_orders(dest, placed.order)][:_MOST_WARNINGS],
        }
