# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the controller adds before a sweep module starts on a host: documents from files, the key for identifiers, the time."""

from __future__ import annotations

import os
import secrets
import time
import typing as t

import yaml
from ansible.errors import AnsibleActionFail
from ansible.parsing.dataloader import DataLoader

from ..module_utils._document import plain
from ..module_utils._errors import DisposalError
from ._action import located, read_text
from ._signatures import read_signatures
from ._training_files import training_arguments

__all__ = [
    "approval_arguments",
    "comparison_arguments",
    "complete_arguments",
    "document_arguments",
    "hold_arguments",
    "key_that_stands_twice",
    "load_documents",
    "load_yaml",
]

_SUFFIXES = (".yml", ".yaml", ".json")
DEFAULT_KEY_FILE = "disposal/identifiers.key"


def load_yaml(path: str, loader: DataLoader, what: str) -> t.Any:
    """A YAML or JSON document, Vault files included, as plain data; a relative path counts from the working directory.

    :raises AnsibleActionFail: missing, not YAML, or with a key that stands twice.
    """
    location = located(path)
    if not os.path.isfile(location):
        raise AnsibleActionFail(f"{what} {location} is not a file on the controller; correct the path")
    try:
        text = _text(location, loader)
        loaded = plain(loader.load(text, file_name=location, show_content=False))
        twice = key_that_stands_twice(text)
    except RecursionError as error:
        raise AnsibleActionFail(f"{what} {location} refers to itself (an alias within its own anchor); write it out") from error
    except Exception as error:
        raise AnsibleActionFail(f"{what} {location} cannot be read: {error}; correct it") from error
    if twice is not None:
        key, first, second = twice
        raise AnsibleActionFail(
            f"{what} {location} has the key {key} twice in one mapping, on lines {first} and {second}, "
            "so one of the two would be lost; keep the one that is meant"
        )
    return loaded


def _text(location: str, loader: DataLoader) -> str:
    """The text of a file, decrypted where it is a Vault file."""
    if not hasattr(loader, "get_text_file_contents"):
        # ansible-core 2.18 has no public name for it.
        return str(loader._get_file_contents(location)[0], "utf-8")
    text: str = loader.get_text_file_contents(location)
    return text


def key_that_stands_twice(text: str) -> tuple[str, int, int] | None:
    """The first key that a loader would take last-wins, with both its lines; nodes are composed only, so no tag is looked at.

    :raises yaml.YAMLError: the text is not YAML.
    """
    try:
        root = yaml.compose(text, yaml.SafeLoader)
    except yaml.YAMLError:
        # JSON may be indented by tabs, which YAML may not.
        root = yaml.compose(text.replace("\t", " "), yaml.SafeLoader)
    nodes, looked_at = [root], set()
    while nodes:
        node = nodes.pop()
        # An alias is the very node that it names, even one around itself.
        if not isinstance(node, yaml.CollectionNode) or id(node) in looked_at:
            continue
        looked_at.add(id(node))
        if not isinstance(node, yaml.MappingNode):
            nodes.extend(reversed(node.value))
            continue
        lines: dict[str, int] = {}
        for key_node, _value in node.value:
            line = key_node.start_mark.line + 1
            key = _key_text(key_node)
            if key in lines:
                return key[:80], lines[key], line
            lines[key] = line
        nodes.extend(value for _key, value in reversed(node.value))
    return None


def _key_text(node: yaml.Node) -> str:
    """A key as it is after C(plain): 7 and "7" are one, on and "on" too."""
    try:
        value = yaml.SafeLoader("").construct_object(node)
        return str(next(iter(plain({value: None}))))
    except (yaml.YAMLError, TypeError, ValueError):
        return str(node.value)


def load_document(path: str, loader: DataLoader, what: str) -> dict[str, t.Any]:
    """The same, a mapping.

    :raises AnsibleActionFail: it is none, in particular an empty file.
    """
    loaded = load_yaml(path, loader, what)
    if isinstance(loaded, dict) and loaded:
        return loaded
    kind = "is empty" if loaded in (None, {}) else f"is {'a list' if isinstance(loaded, list) else 'a single value'}, not a mapping"
    raise AnsibleActionFail(
        f"{what} {located(path)} {kind}, so nobody can tell what was meant; write one mapping with its keys into it (docs/policy.md), or take the file away"
    )


def load_documents(directory: str, loader: DataLoader, what: str) -> list[t.Any]:
    """The documents of a directory on the controller, in name order.

    :raises AnsibleActionFail: the directory is missing, or a file in it cannot be read.
    """
    location = located(directory)
    if not os.path.isdir(location):
        raise AnsibleActionFail(
            f"the directory of {what}s {location} is missing on the controller; make it (it may be empty) or correct the path"
        )
    names = sorted(name for name in os.listdir(location) if not name.startswith("."))
    for name in names:
        if not name.endswith(_SUFFIXES) or not os.path.isfile(os.path.join(location, name)):
            raise AnsibleActionFail(
                f"{location}/{name} is not a file that ends in {', '.join(_SUFFIXES)}, so it would not be read as a {what}; rename it or take it away"
            )
    return [load_document(os.path.join(location, name), loader, f"the {what}") for name in names]


def identifiers_key(path: str, *, check_mode: bool) -> str:
    """The key for identifiers, made if it is missing; check mode makes one for itself only."""
    location = located(path)
    key = secrets.token_hex(32)
    try:
        with open(location, encoding="ascii") as handle:
            return handle.read().strip()
    except FileNotFoundError:
        pass
    except (OSError, UnicodeError) as error:
        raise AnsibleActionFail(f"the key for identifiers {location} cannot be read ({error}); repair it, or name another") from error
    if check_mode:
        return key
    os.makedirs(os.path.dirname(location), mode=0o700, exist_ok=True)
    try:
        # Several hosts are served at once: the first one makes the key, the others read it.
        temporary = f"{location}.{os.getpid()}.tmp"
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as handle:
            handle.write(key + "\n")
            handle.flush()
            os.fsync(handle.fileno())
        try:
            os.link(temporary, location)
        except FileExistsError:
            return identifiers_key(path, check_mode=check_mode)
        finally:
            os.unlink(temporary)
    except OSError as error:
        raise AnsibleActionFail(f"the key for identifiers {location} cannot be made ({error}); make room, or name another place") from error
    return key


def document_arguments(args: t.Mapping[str, t.Any], loader: DataLoader) -> dict[str, t.Any]:
    """The module's arguments with the documents on the controller read into them."""
    done = dict(args)
    policy_file = done.pop("policy_file", None)
    if policy_file:
        if done.get("policy"):
            raise AnsibleActionFail("policy and policy_file are both given; give one of them")
        done["policy"] = load_document(policy_file, loader, "the policy")
    elif done.get("policy"):
        done["policy"] = plain(done["policy"])
    return _directory_arguments(_directory_arguments(done, loader, "holds", "hold"), loader, "requests", "erasure request")


def hold_arguments(args: t.Mapping[str, t.Any], loader: DataLoader) -> dict[str, t.Any]:
    """The module's arguments with the legal holds on the controller read into them."""
    return _directory_arguments(dict(args), loader, "holds", "hold")


def _directory_arguments(done: dict[str, t.Any], loader: DataLoader, name: str, what: str) -> dict[str, t.Any]:
    directory = done.pop(f"{name}_dir", None)
    documents = plain(done.get(name) or [])
    done[name] = [*documents, *load_documents(directory, loader, what)] if directory else documents
    return done


def complete_arguments(args: t.Mapping[str, t.Any], loader: DataLoader, *, check_mode: bool) -> dict[str, t.Any]:
    """The same, with the key for identifiers and the controller's time."""
    done = document_arguments(args, loader)
    key_file = done.pop("identifiers_key_file", None) or DEFAULT_KEY_FILE
    if not done.get("identifiers_key") and any(_asks_for_key(done.get(name)) for name in ("policy", "changed_policy")):
        done["identifiers_key"] = identifiers_key(key_file, check_mode=check_mode)
    done["controller_time"] = int(time.time())
    return done


def _asks_for_key(policy: t.Any) -> bool:
    inner = policy.get("disposal_policy", policy) if isinstance(policy, dict) else None
    return isinstance(inner, dict) and inner.get("identifiers", "hmac") == "hmac"


def comparison_arguments(args: t.Mapping[str, t.Any], loader: DataLoader) -> dict[str, t.Any]:
    """The same for a comparison with a changed policy; a key for identifiers that is missing is made for this comparison only.

    :raises AnsibleActionFail: a document cannot be read, or is given twice.
    """
    done = dict(args)
    path = done.pop("changed_policy_file", None)
    if path and done.get("changed_policy"):
        raise AnsibleActionFail("changed_policy and changed_policy_file are both given; give one of them")
    if path:
        done["changed_policy"] = load_document(path, loader, "the changed policy")
    elif done.get("changed_policy"):
        done["changed_policy"] = plain(done["changed_policy"])
    return complete_arguments(done, loader, check_mode=True)


def approval_arguments(args: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The module's arguments with the manifest, the signatures beside it, the allowed signers and the signers' training read into them.

    :raises AnsibleActionFail: a file on the controller cannot be read.
    """
    done = dict(args)
    path = done.pop("manifest_file", None)
    signers = done.pop("allowed_signers_file", None)
    try:
        if path:
            done["manifest"] = read_text(path, "the manifest")
            done["signatures"] = read_signatures(located(path), os.path.dirname(located(path))).signatures
        if signers:
            done["allowed_signers"] = read_text(signers, "the file of allowed signers")
        signed_by = {str(item.get("principal")) for item in plain(done.get("signatures") or []) if isinstance(item, dict)}
        return training_arguments(done, about=signed_by)
    except DisposalError as error:
        raise AnsibleActionFail(error.message) from error
