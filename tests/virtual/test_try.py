from __future__ import annotations
import json


def test_nvme(guest):
    drive = guest.drive("nvme", "NVMEX1", port=4430)
    drive.fill(b"RECORDING")
    assert drive.holds(b"RECORDING") > 1000
    print(json.dumps(guest.module("media_info", device=drive.identity), indent=1))
    r = guest.module("sanitize", device=drive.identity, level="purge", check=True)
    print(r)
    r = guest.module("sanitize", device=drive.identity, level="purge")
    print(json.dumps(r, indent=1))
    print(guest.vm.run("cat /var/lib/recordings-disposal/runs/*/journal.jsonl").stdout)
    print(drive.holds(b"RECORDING"))
    r = guest.module("sanitize", device=drive.identity, level="purge")
    print(r)
    r = guest.module("sanitize", device=drive.identity, level="purge", check=True)
    print(r)
    assert 0
