# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nodes that are another device's."""

from __future__ import annotations

import os
import pathlib

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._media import nodes, nvme_erase, scsi_node
from ansible_collections.recordings.disposal.plugins.module_utils._media.identity import Device
from ansible_collections.recordings.disposal.plugins.module_utils._media.nodes import node_problem


def test_the_number_is_compared_with_the_kernels(tmp_path: pathlib.Path) -> None:
    (tmp_path / "dev").write_text("1:3\n", encoding="ascii")
    assert node_problem("/dev/null", str(tmp_path)) == ""
    assert "is the node of another device (its number is 1:5, and the kernel's is 1:3)" in node_problem("/dev/zero", str(tmp_path))
    assert "is no device" in node_problem("/etc/passwd", str(tmp_path))
    assert "cannot be looked at" in node_problem("/dev/no-such-node", str(tmp_path))
    assert "does not show the number" in node_problem("/dev/null", str(tmp_path / "none"))
    # A link may be turned to another device at any time.
    os.symlink("/dev/null", tmp_path / "link")
    assert "is no device" in node_problem(str(tmp_path / "link"), str(tmp_path))


DEVICE = Device("sdx", "/dev/zero", 1, 5, 1 << 30, 512, 512, None, {"serial": ("S1",)})


def test_scsi_commands_go_through_a_node_of_the_device_only(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    generic = tmp_path / "block" / "sdx" / "device" / "scsi_generic" / "null"
    generic.mkdir(parents=True)
    (generic / "dev").write_text("1:3\n", encoding="ascii")
    whole = tmp_path / "class" / "block" / "sdx"
    whole.mkdir(parents=True)
    (whole / "dev").write_text("1:5\n", encoding="ascii")
    root = str(tmp_path)
    assert scsi_node.command_path(DEVICE, sys_root=root) == "/dev/null"
    assert scsi_node.path_problem(DEVICE, "/dev/null", sys_root=root) == ""
    (generic / "dev").write_text("1:7\n", encoding="ascii")
    assert scsi_node.command_path(DEVICE, sys_root=root) == "/dev/zero"
    assert "is the node of another device" in scsi_node.path_problem(DEVICE, "/dev/null", sys_root=root)
    assert scsi_node.path_problem(DEVICE, "/dev/zero", sys_root=root) == ""
    assert "is no node of sdx any more" in scsi_node.path_problem(DEVICE, "/dev/sg9", sys_root=root)
    # Without the guard the other device would get the command.
    monkeypatch.setattr(scsi_node, "node_problem", lambda path, directory: "")
    assert scsi_node.command_path(DEVICE, sys_root=root) == "/dev/null"
    assert nodes.node_problem("/dev/null", str(generic)) != ""


def test_a_controllers_number_is_compared_too(tmp_path: pathlib.Path) -> None:
    controller = tmp_path / "devices" / "nvme77"
    controller.mkdir(parents=True)
    (controller / "state").write_text("live\n", encoding="ascii")
    (controller / "dev").write_text("1:3\n", encoding="ascii")
    namespace = tmp_path / "class" / "block" / "nvme77n1"
    namespace.mkdir(parents=True)
    os.symlink(controller, namespace / "device")
    device = Device("nvme77n1", "/dev/nvme77n1", 259, 0, 1 << 30, 512, 512, None, {"serial": ("S1",)})
    with pytest.raises(nvme_erase.RefusedError, match="/dev/nvme77 cannot be looked at .*so nothing was done"):
        nvme_erase.controller_of(device, sys_root=str(tmp_path))
