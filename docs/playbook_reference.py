# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Print the reference of playbooks: what each does, and its variables as the options say that take them.

A playbook has no specification of its own. Its variables are the names that neither it nor a role defines; each is passed to an option of a role
or a module, and means what that option's documentation says.
"""

from __future__ import annotations

import json
import pathlib
import re
import subprocess
import sys
import typing as t

import yaml
from antsibull_docs_parser.md import to_md
from antsibull_docs_parser.parser import Context, parse

TOP = pathlib.Path(__file__).resolve().parent.parent
COLLECTION = "recordings.disposal."
# What the plays themselves take.
OWN = {
    "disposal_hosts": "Hosts of the play, a pattern",
    "disposal_serial": "Waves of the play, as Ansible's C(serial)",
    "disposal_become": "Whether hosts are acted on as another user, as a rule root",
    "disposal_plan_id": "The plan, by its id",
    "disposal_report_look": "Whether hosts are asked what is due now; nothing is written there",
    "training_do": "C(course) or C(roster), entries of the role C(operator_training); a test where it is left out",
    "disposal_site": "The site that a host stands at, given per host or group",
}
_VARIABLE = re.compile(r"\b((?:disposal|hold|restore|training)_\w+)\b")
_DEFAULT = re.compile(r"\|\s*default\(((?:[^()]|\((?:[^()]|\([^()]*\))*\))*)\)")
_ROLE_ACTIONS = ("include_role", "import_role")
_TASK_ACTIONS = ("include_tasks", "import_tasks")

Document = dict[str, t.Any]


class Variable(t.NamedTuple):
    """What a playbook takes: its name, its meaning in Ansible's markup, its default as an expression."""

    name: str
    meaning: str
    default: str


def load(path: pathlib.Path) -> t.Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def strings(value: t.Any) -> t.Iterator[str]:
    """All texts below a value, and those of conditions, which are expressions without braces."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from strings(part)
    elif isinstance(value, list):
        for part in value:
            yield from strings(part)


def module_options() -> dict[str, Document]:
    """The options of every module, with those of its fragments."""
    names = [COLLECTION + path.stem for path in sorted((TOP / "plugins" / "modules").glob("*.py"))]
    tool = pathlib.Path(sys.executable).with_name("ansible-doc")
    told = subprocess.run([str(tool), "--json", "-t", "module", *names], cwd=TOP, capture_output=True, text=True, check=True).stdout
    return {name: found["doc"].get("options", {}) for name, found in json.loads(told).items()}


class Reader:
    """Collects the variables of one playbook."""

    def __init__(self, modules: dict[str, Document]) -> None:
        self.modules = modules
        self.found: dict[str, Variable] = {}
        self.registered: set[str] = set()
        self.role_options: dict[str, Document] = {}

    def playbook(self, path: pathlib.Path) -> None:
        for play in load(path):
            imported = play.get("ansible.builtin.import_playbook")
            if imported:
                self.playbook(path.with_name(imported.removeprefix(COLLECTION).removesuffix(".yml") + ".yml"))
                continue
            heading = {key: value for key, value in play.items() if key != "tasks"}
            self.names(heading)
            self.tasks(play.get("tasks", []), path.parent, {})

    def tasks(self, tasks: list[Document], where: pathlib.Path, defaults: dict[str, str]) -> None:
        for task in tasks:
            for part in ("block", "rescue", "always"):
                self.tasks(task.get(part, []), where, defaults)
            for key, value in task.items():
                action = key.rpartition(".")[2]
                if action in _ROLE_ACTIONS:
                    self.role(value["name"].removeprefix(COLLECTION), value.get("tasks_from", "main.yml"))
                elif action in _TASK_ACTIONS:
                    name = value if isinstance(value, str) else value["file"]
                    self.tasks(load(where / name) or [], where, defaults)
                elif key in self.modules:
                    for option, expression in (value or {}).items():
                        self.option(expression, self.modules[key].get(option, {}))
            self.registered.update(name for name in (task.get("register"),) if name)
            self.names({key: value for key, value in task.items() if key not in ("block", "rescue", "always", "register")})
            self.used_defaults(task, defaults)

    def role(self, name: str, entry: str) -> None:
        top = TOP / "roles" / name
        own = [load(path) for path in (top / "vars" / "main.yml", top / "defaults" / "main.yml") if path.exists()]
        defaults = {key: str(value) for part in own for key, value in part.items()}
        self.role_options = {
            key: option
            for spec in load(top / "meta" / "argument_specs.yml")["argument_specs"].values()
            for key, option in spec["options"].items()
        }
        # An entry that a variable chooses may be any.
        for path in sorted((top / "tasks").glob("*.yml" if "{{" in entry else entry)):
            self.tasks(load(path), top / "tasks", defaults)

    def used_defaults(self, task: Document, defaults: dict[str, str]) -> None:
        """What a role's own variables take, where the task names these."""
        todo = [word for text in strings(task) for word in re.findall(r"\w+", text) if word in defaults]
        seen: set[str] = set()
        while todo:
            name = todo.pop()
            if name in seen:
                continue
            seen.add(name)
            self.option(defaults[name], self.role_options.get(name, {}))
            todo += [word for word in re.findall(r"\w+", defaults[name]) if word in defaults]

    def option(self, expression: t.Any, option: Document) -> None:
        """A variable that is all that an option takes means what the option says; its default is that of the expression, or of the option."""
        for text in strings(expression):
            match = re.fullmatch(r"\{\{\s*\(?" + _VARIABLE.pattern + r"(?:(?!\{\{|\}\}).)*\}\}", text.strip())
            if match is None:
                continue
            description = option.get("description", "")
            meaning = description if isinstance(description, str) else (description or [""])[0]
            default = _DEFAULT.search(text)
            value = (
                default[1]
                if default and default[1] != "omit"
                else str(option["default"])
                if option.get("default") not in (None, "", [])
                else ""
            )
            self.add(match[1], meaning, value)

    def names(self, value: t.Any) -> None:
        for text in strings(value):
            for name in _VARIABLE.findall(text):
                default = re.search(rf"\b{name}\s*{_DEFAULT.pattern}", text)
                self.add(name, "", default[1] if default and default[1] != "omit" else "")

    def add(self, name: str, meaning: str, default: str) -> None:
        known = self.found.get(name, Variable(name, "", ""))
        self.found[name] = Variable(name, known.meaning or meaning, known.default or re.sub("^'([^']*)'$", r"\1", default))


def plain(markup: str) -> str:
    """One cell of a table. What names the variable itself says nothing in its own row."""
    markup = re.sub(r"\s*\((?:the )?variable C\(\w+\)(, [^()]*)?\)", "", markup)
    return to_md(parse(markup.strip().rstrip("."), Context(), errors="exception")).replace("|", "\\|").replace("\n", " ")


def playbooks() -> dict[str, list[str]]:
    """The public playbooks, each with what its plays do."""
    return {path.stem: [play["name"] for play in load(path)] for path in sorted((TOP / "playbooks").glob("*.yml"))}


def variables(modules: dict[str, Document]) -> dict[str, list[Variable]]:
    """What each playbook takes, by name. What only stands within a longer text means what it means in the other playbooks; a result is no variable."""
    readers = {name: Reader(modules) for name in playbooks()}
    for name, reader in readers.items():
        reader.playbook(TOP / "playbooks" / f"{name}.yml")
    meanings = OWN | {
        variable.name: variable.meaning for reader in readers.values() for variable in reader.found.values() if variable.meaning
    }
    return {
        name: [
            found._replace(meaning=found.meaning or meanings.get(found.name, ""))
            for found in sorted(reader.found.values())
            if found.name not in reader.registered
        ]
        for name, reader in readers.items()
    }


def undescribed(taken: dict[str, list[Variable]]) -> list[str]:
    """What a playbook takes and no option says the meaning of; a variable of the plays themselves belongs into C(OWN)."""
    return [f"{variable.name} of the playbook {name}" for name, found in taken.items() for variable in found if not variable.meaning]


def page(taken: dict[str, list[Variable]]) -> str:
    lines = [
        "# Playbooks and their variables",
        "",
        "Written from the playbooks, and from the options of roles and modules that take their variables. The same inventory serves all of them.",
    ]
    for name, plays in playbooks().items():
        lines += ["", f"## recordings.disposal.{name}", "", "\n".join(f"{number}. {play}" for number, play in enumerate(plays, 1)), ""]
        if name == "demo":
            lines += ["Takes the environment's `DEMO_DIR`, the directory that it makes (`demo-run`)."]
            continue
        lines += ["| variable | meaning | default |", "|---|---|---|"]
        for variable in taken[name]:
            default = f"`{variable.default}`".replace("|", "\\|") if variable.default else ""
            lines.append(f"| `{variable.name}` | {plain(variable.meaning)} | {default} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    told = variables(module_options())
    if undescribed(told):
        sys.exit(f"no option documents {', '.join(undescribed(told))}; document the option that takes it, or its name in OWN of {__file__}")
    sys.stdout.write(page(told))
