# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A headless Chromium, and axe-core to judge what it shows."""

from __future__ import annotations

import os
import pathlib
import shutil
import typing as t

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

from ansible_collections.recordings.disposal.tests.system.loop_bed import not_run

__all__ = ["DESKTOP", "PHONE", "Browser", "Seen"]

TOP = pathlib.Path(__file__).resolve().parents[2]
AXE = TOP / ".venv" / "browser" / "node_modules" / "axe-core" / "axe.min.js"
DESKTOP, PHONE = 1280, 360
_FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"),
)
_JUDGE = """
const done = arguments[arguments.length - 1];
axe.run(document, {resultTypes: ['violations']}).then(
  found => done({
    rules: found.passes.length,
    faults: found.violations.flatMap(rule => rule.nodes.map(node => ({
      rule: rule.id, impact: rule.impact, target: node.target.join(' '), why: node.failureSummary,
    }))),
  }),
  error => done({error: String(error)}));
"""


class Seen(t.NamedTuple):
    """What axe-core found: C(faults) by rule, impact, target and why; C(rules) that were kept."""

    rules: int
    faults: list[dict[str, str]]

    @property
    def grave(self) -> list[dict[str, str]]:
        return [fault for fault in self.faults if fault["impact"] in ("serious", "critical")]


class Browser:
    """A Chromium with a profile of its own, which reaches nothing."""

    def __init__(self, profile: pathlib.Path) -> None:
        found = {name: shutil.which(name) for name in ("chromium", "chromedriver")}
        for name, path in found.items():
            if path is None:
                not_run(f"{name} is not installed; as root, molecule/testbed/install.sh installs it")
        if not AXE.exists():
            not_run("axe-core is not there; run make clean setup where npm reaches its registry")
        options = Options()
        options.binary_location = str(found["chromium"])
        for flag in (*_FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        # Whoever names the driver needs none to be looked for.
        environment = {**os.environ, "SE_OFFLINE": "true", "SE_AVOID_STATS": "true"}
        self.driver = webdriver.Chrome(options=options, service=Service(str(found["chromedriver"]), env=environment))

    def quit(self) -> None:
        self.driver.quit()

    def open(self, page: pathlib.Path, *, scheme: str = "light", width: int = DESKTOP, media: str = "screen") -> None:
        """Open a page as a reader with this screen would."""
        told = {"media": media, "features": [{"name": "prefers-color-scheme", "value": scheme}]}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", told)
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        self.driver.get(page.as_uri())

    def ask(self, script: str, *arguments: t.Any) -> t.Any:
        return self.driver.execute_script(script, *arguments)

    def judge(self) -> Seen:
        """What axe-core says of the page that is open."""
        self.ask(AXE.read_text(encoding="utf-8"))
        told = self.driver.execute_async_script(_JUDGE)
        assert "error" not in told, told
        return Seen(**told)

    def all(self, selector: str) -> list[WebElement]:
        return self.driver.find_elements("css selector", selector)

    def press(self, key: str) -> WebElement:
        """Press a key where the focus is; returns what has the focus then."""
        self.driver.switch_to.active_element.send_keys(key)
        return self.driver.switch_to.active_element

    def tab(self) -> WebElement:
        return self.press(Keys.TAB)

    def complaints(self) -> list[str]:
        """What the browser had to say since it was asked last."""
        return [str(line["message"]) for line in self.driver.get_log("browser")]
