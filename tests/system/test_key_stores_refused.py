# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a key store cannot be asked, does not permit, or is not what is needed: said in one sentence, with nothing destroyed and nothing claimed."""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
import time
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._errors import PolicyError, RefusedError
from ansible_collections.recordings.disposal.plugins.module_utils._executor import Executor
from ansible_collections.recordings.disposal.plugins.module_utils._keys.stores.options import open_store
from ansible_collections.recordings.disposal.plugins.module_utils._keys.stores.store import Key, KeyState, KeyStore, StoreRefusedError
from ansible_collections.recordings.disposal.tests.system import store_bed
from ansible_collections.recordings.disposal.tests.system.loop_bed import Bed, Mounted

SECRET = b"a secret of 32 bytes for tests.."
NAME = "recordings-calls-2026-03"
TOP = pathlib.Path(__file__).resolve().parent.parent.parent


def refusal(kind: str, act: t.Callable[[], object], *words: str) -> str:
    """The sentence of a refusal of that kind, which tells no secret."""
    with pytest.raises(StoreRefusedError) as caught:
        act()
    assert caught.value.kind == kind, caught.value.message
    told = repr(caught.value) + str(caught.value) + repr(caught.value.details) + repr(caught.value.__cause__)
    for secret in (SECRET.decode(), SECRET.hex(), store_bed.SoftHsm.pin, "root-for-tests", "secret-for-tests"):
        assert secret not in told
    assert all(word in caught.value.message for word in words), caught.value.message
    return caught.value.message


def copies(state: KeyState) -> dict[str, str]:
    return {found.what: found.met for found in state.copies}


def opened(options: t.Mapping[str, t.Any]) -> KeyStore:
    return open_store(options, Executor())


class TestDirectory:
    @pytest.fixture
    def path(self, bed: Bed) -> pathlib.Path:
        path = bed.directory / "keys"
        path.mkdir(mode=0o700)
        return path

    @staticmethod
    def store(path: pathlib.Path) -> KeyStore:
        return opened({"kind": "directory", "path": str(path)})

    def test_others_can_enter_it(self, path: pathlib.Path) -> None:
        key = self.store(path).create(NAME)
        before = _fingerprint(path)
        path.chmod(0o750)
        refusal("unfit", lambda: self.store(path).destroy(key), "0750", "mode 0700")
        assert self.store(path).look(key).state == "unknown"
        path.chmod(0o700)
        os.chown(path, 12345, 0)
        refusal("unfit", lambda: self.store(path).destroy(key), "owner 12345")
        os.chown(path, 0, 0)
        assert _fingerprint(path) == before

    def test_a_link_on_the_way(self, path: pathlib.Path) -> None:
        (path.parent / "link").symlink_to(path)
        refusal("unfit", lambda: self.store(path.parent / "link").create(NAME), "symbolic link")
        assert not os.listdir(path)

    def test_it_is_not_mounted(self, path: pathlib.Path, tmp_path: pathlib.Path) -> None:
        """An empty directory in its place does not mean that the keys are gone."""
        key = self.store(path).create(NAME)
        path.rename(path.parent / "away")
        path.mkdir(mode=0o700)
        state = self.store(path).look(key)
        assert state.state == "unknown" and "mounted" in state.told
        refusal("unreachable", lambda: self.store(path).destroy(key), "mounted")
        self.store(path).create(NAME)
        assert self.store(path).look(key).state == "unknown"
        path.joinpath("lock").unlink()
        refusal("unreachable", lambda: self.store(path.parent / "nowhere").find(NAME), "cannot be opened")
        assert self.store(path.parent / "nowhere").look(key).state == "unknown"

    def test_something_else_is_in_it(self, path: pathlib.Path) -> None:
        (path / "letters").write_text("private")
        refusal("unfit", lambda: self.store(path).create(NAME), "letters")
        assert sorted(os.listdir(path)) in (["letters"], ["letters", "lock"])

    @pytest.mark.parametrize("how", ["linked", "symlink", "readable", "short"])
    def test_a_key_file_that_is_not_as_it_was_made(self, path: pathlib.Path, how: str) -> None:
        store = self.store(path)
        key = store.create(NAME)
        wrapped = store.wrap(key, SECRET, "c")
        file = path / f"{NAME}.key"
        if how == "linked":
            os.link(file, path.parent / "copy")
        elif how == "symlink":
            file.rename(path.parent / "moved")
            file.symlink_to(path.parent / "moved")
        elif how == "readable":
            file.chmod(0o640)
        else:
            os.truncate(file, 16)
        before = _fingerprint(path.parent)
        refusal("unfit", lambda: store.unwrap(key, wrapped, "c"), f"{NAME}.key")
        if how != "short":
            refusal("unfit", lambda: store.destroy(key), f"{NAME}.key")
            assert _fingerprint(path.parent) == before
            assert store.look(key).state == "present"

    def test_a_file_that_somebody_moved_away_is_not_destroyed(self, path: pathlib.Path) -> None:
        store = self.store(path)
        key = store.create(NAME)
        (path / f"{NAME}.key").rename(path.parent / "mine")
        state = store.look(key)
        assert state.state == "unknown" and "nothing there tells that it was destroyed" in state.told
        assert store.destroy(key).state == "unknown"

    def test_where_an_overwrite_proves_nothing(self, loop_filesystem: t.Callable[..., Mounted]) -> None:
        mounted = loop_filesystem("btrfs")
        path = mounted.path / "keys"
        path.mkdir(mode=0o700)
        store = self.store(path)
        key = store.create(NAME)
        state = store.destroy(key)
        assert state.state == "unknown" and "copy-on-write" in state.told
        assert store.look(key).state == store.destroy(key).state == "unknown"
        refusal("missing", lambda: store.unwrap(key, b"x" * 60, "c"), "has no key")

    def test_the_raw_disk_holds_the_key_before_and_not_after(self, bed: Bed) -> None:
        mounted = bed.filesystem("ext4")
        path = mounted.path / "keys"
        path.mkdir(mode=0o700)
        store = self.store(path)
        key = store.create(NAME)
        material = (path / f"{NAME}.key").read_bytes()
        os.sync()
        assert material in mounted.image.read_bytes()
        assert store.destroy(key).state == "gone"
        os.sync()
        assert material not in mounted.image.read_bytes()

    def test_a_destruction_that_was_killed_is_brought_to_its_end(self, path: pathlib.Path) -> None:
        died = 0
        for step in range(1, 60):
            name = f"k-{step}"
            key = self.store(path).create(name)
            dying = _Dying(step)
            store = open_store({"kind": "directory", "path": str(path)}, dying)
            try:
                store.destroy(key)
            except _Killed:
                died += 1
            assert self.store(path).look(key).state in ("present", "gone")
            if (path / f"{name}.gone").exists() and (path / f"{name}.key").exists():
                refusal("pending", lambda key=key: self.store(path).wrap(key, SECRET, "c"), "was begun")
            assert self.store(path).destroy(key).state == "gone"
            assert not (path / f"{name}.key").exists()
            if len(dying.told) < step:
                break
        assert died > 10

    def test_a_file_that_somebody_has_open(self, path: pathlib.Path) -> None:
        store = self.store(path)
        key = store.create(NAME)
        with (path / f"{NAME}.key").open("rb"):
            refusal("not_allowed", lambda: store.destroy(key), "busy", "still there")
        assert store.look(key).state == "present" and "was begun" in store.look(key).told
        assert store.destroy(key).state == "gone"


class _Killed(BaseException):
    pass


class _Dying(Executor):
    def __init__(self, last: int) -> None:
        self.last, self.told = last, t.cast("list[str]", [])

    def _allow(self, what: str) -> None:
        self.told.append(what)
        if len(self.told) >= self.last:
            raise _Killed(what)


def _fingerprint(path: pathlib.Path) -> dict[str, str]:
    files = (file for file in sorted(path.rglob("*")) if file.is_file() and file.name != "lock")
    return {str(file): f"{hashlib.sha256(file.read_bytes()).hexdigest()} {file.lstat().st_mode:o}" for file in files}


class TestVault:
    @pytest.fixture(scope="class")
    def bao(self, tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[store_bed.Openbao]:
        with store_bed.openbao(tmp_path_factory.mktemp("vault")) as bao:
            yield bao

    def test_nothing_answers(self, bao: store_bed.Openbao) -> None:
        store = opened(bao.options(url=f"https://127.0.0.1:{store_bed.free_port()}"))
        state = store.look(Key(NAME, "x/y/z/1"))
        assert state.state == "unknown" and "could not be asked" in state.told
        refusal("unreachable", lambda: store.create(NAME), "could not be asked")
        refusal("unreachable", lambda: store.destroy(Key(NAME, "x/y/z/1")))

    def test_an_authority_that_is_not_its_own(self, bao: store_bed.Openbao) -> None:
        options = bao.options()
        del options["ca_file"]
        refusal("unreachable", lambda: opened(options).create(NAME), "certificate is not trusted", "ca_file")

    def test_another_server_and_another_engine_do_not_tell_that_a_key_is_gone(self, bao: store_bed.Openbao) -> None:
        key = opened(bao.options()).create("v-identity")
        cluster, namespace, accessor, made = key.id.split("/")
        for other in (f"another/{namespace}/{accessor}/{made}", f"{cluster}/{namespace}/transit_0/{made}"):
            state = opened(bao.options()).look(Key("v-missing", other))
            assert state.state == "unknown" and "another identity" in state.told
        refusal("unfit", lambda: opened(bao.options()).unwrap(Key("v-identity", f"another/{namespace}/{accessor}/{made}"), b"x", "c"))
        remade = opened(bao.options()).look(Key("v-identity", f"{cluster}/{namespace}/{accessor}/1"))
        assert remade.state == "gone" and "made at another time" in remade.told

    def test_a_mount_that_is_no_transit_engine(self, bao: store_bed.Openbao) -> None:
        for mount in ("secret", "nowhere"):
            store = opened(bao.options(mount=mount))
            assert store.look(Key(NAME, "x")).state == "unknown"
            with pytest.raises(StoreRefusedError) as caught:
                store.create(NAME)
            assert caught.value.kind in ("unfit", "denied")

    def test_no_permission(self, bao: store_bed.Openbao) -> None:
        key = opened(bao.options()).create("v-denied")
        store = opened(bao.limited("nothing", 'path "transit/keys/other" { capabilities = ["read"] }'))
        assert store.look(key).state == "unknown" and "does not permit" in store.look(key).told
        refusal("denied", lambda: store.destroy(key), "does not permit this token")
        refusal("denied", lambda: store.create("v-new"), "does not permit this token")
        assert opened(bao.options()).look(key).state == "present"

    @pytest.mark.parametrize("allows", ["neither", "delete only", "configure only"])
    def test_deletion_is_refused(self, bao: store_bed.Openbao, allows: str) -> None:
        name = f"v-{allows.replace(' ', '-')}"
        key = opened(bao.options()).create(name)
        rules = ['path "transit/keys/+" { capabilities = ["read"] }']
        if allows == "delete only":
            rules = ['path "transit/keys/+" { capabilities = ["read", "delete"] }']
        if allows == "configure only":
            rules.append('path "transit/keys/+/config" { capabilities = ["update"] }')
        store = opened(bao.limited(name, "\n".join(rules)))
        refusal("not_allowed", lambda: store.destroy(key))
        state = opened(bao.options()).look(key)
        assert state.state == "present" and "deletion is not allowed" in state.told

    def test_the_documented_policy_is_enough_and_makes_no_key_by_wrapping(self, bao: store_bed.Openbao) -> None:
        documented = (TOP / "docs" / "keys.md").read_text().partition("```text\n")[2].partition("```")[0]
        assert documented.startswith('path "transit/')
        store = opened(bao.limited("documented", documented))
        key = store.create("recordings-v-2026")
        wrapped = store.wrap(key, SECRET, "c")
        assert store.unwrap(key, wrapped, "c") == SECRET and store.names() and store.find("recordings-v-2026") == key
        assert store.destroy(key).state == "gone"
        refusal("missing", lambda: store.unwrap(key, wrapped, "c"), "has no key")
        import hvac

        client = hvac.Client(url=bao.url, verify=bao.ca_file, token=(bao.directory / "token-documented").read_text())
        with pytest.raises(hvac.exceptions.Forbidden):
            client.secrets.transit.encrypt_data("recordings-v-2026", plaintext="")

    @pytest.mark.parametrize("option", ["exportable", "allow_plaintext_backup"])
    def test_a_key_that_can_be_taken_out(self, bao: store_bed.Openbao, option: str) -> None:
        name = f"v-{option.replace('_', '-')}"
        bao.root.secrets.transit.create_key(name, key_type="aes256-gcm96", **{option: True})
        store = opened(bao.options())
        key = store.find(name)
        assert key is not None
        assert copies(store.look(key))["exportable" if option == "exportable" else "plaintext_backup"] == "not_met"
        refusal("unfit", lambda: store.wrap(key, SECRET, "c"), "cannot be destroyed for certain")
        refusal("unfit", lambda: store.create(name, resume=True))

    def test_versions_are_told(self, bao: store_bed.Openbao) -> None:
        store = opened(bao.options())
        key = store.create("v-versions")
        old = store.wrap(key, SECRET, "c")
        for _turn in range(2):
            bao.root.secrets.transit.rotate_key("v-versions")
        assert store.look(key).versions == 3
        bao.root.secrets.transit.update_key_configuration("v-versions", min_decryption_version=2)
        assert store.look(key).state == "present", "a key whose first version is cut off is still there"
        refusal("unfit", lambda: store.unwrap(key, old, "c"))
        assert store.destroy(key).state == "gone"

    def test_a_key_that_is_missing_is_not_made_by_wrapping(self, bao: store_bed.Openbao) -> None:
        store = opened(bao.options())
        refusal("missing", lambda: store.wrap(Key("v-never", ""), SECRET, "c"), "has no key v-never")
        assert "v-never" not in store.names()

    def test_a_token_file_that_others_can_read(self, bao: store_bed.Openbao, tmp_path: pathlib.Path) -> None:
        token = tmp_path / "token"
        token.write_text("root-for-tests")
        token.chmod(0o644)
        refusal("unfit", lambda: opened(bao.options(token_file=str(token))), "0644", "others may read it")
        refusal("unfit", lambda: opened(bao.options(token_file=str(tmp_path / "none"))), "cannot be read")
        token.write_text("")
        token.chmod(0o600)
        refusal("unfit", lambda: opened(bao.options(token_file=str(token))), "empty")
        refusal("unfit", lambda: opened(bao.options(url="http://vault.example.org:8200")), "not https")

    def test_a_sealed_server_knows_nothing(self, bao: store_bed.Openbao) -> None:
        store = opened(bao.options())
        key = store.create("v-sealed")
        bao.root.sys.seal()
        state = store.look(key)
        assert state.state == "unknown" and "is sealed" in state.told
        refusal("sealed", lambda: store.destroy(key), "unseal it")
        refusal("sealed", lambda: store.unwrap(key, b"vault:v1:AAAA", "c"))
        refusal("sealed", lambda: store.create("v-other"))


_NO_DESTROY = {
    "kept": {
        "preset": {
            "SYMMETRIC_KEY": {
                **dict.fromkeys(("GET", "GET_ATTRIBUTES", "LOCATE", "ACTIVATE", "REVOKE"), "ALLOW_ALL"),
                "DESTROY": "DISALLOW_ALL",
            }
        }
    }
}


class TestKmip:
    @pytest.fixture(scope="class")
    def authority(self, tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[store_bed.Authority]:
        with store_bed.kmip(tmp_path_factory.mktemp("kmip"), policies={"kept.json": json.dumps(_NO_DESTROY)}) as authority:
            yield authority

    def test_nothing_answers(self, authority: store_bed.Authority) -> None:
        store = opened({**authority.options(), "port": store_bed.free_port()})
        assert store.look(Key(NAME, "1/2")).state == "unknown"
        refusal("unreachable", lambda: store.destroy(Key(NAME, "1/2")), "could not be asked")

    def test_another_client(self, authority: store_bed.Authority) -> None:
        key = opened(authority.options()).create("m-owned")
        store = opened(authority.options("stranger"))
        assert store.look(key).state == "unknown"
        refusal("denied", lambda: store.destroy(key), "does not permit this client")
        assert opened(authority.options()).look(key).state == "present"

    def test_a_client_of_another_authority(self, authority: store_bed.Authority, tmp_path: pathlib.Path) -> None:
        strange = store_bed.Authority(tmp_path, authority.port)
        certificate, key_file = strange.issue("recorder")
        store = opened({**authority.options(), "cert_file": certificate, "key_file": key_file})
        refusal("unreachable", lambda: store.find(NAME), "could not be asked")
        untrusted = opened({**authority.options(), "ca_file": strange.ca_file})
        refusal("unreachable", lambda: untrusted.find(NAME), "ca_file")

    def test_deletion_is_refused(self, authority: store_bed.Authority) -> None:
        from kmip.core import enums
        from kmip.pie.client import ProxyKmipClient
        from kmip.pie.exceptions import KmipOperationFailure

        given = authority.options()
        with ProxyKmipClient(
            hostname="127.0.0.1", port=authority.port, ca=given["ca_file"], cert=given["cert_file"], key=given["key_file"], config="none"
        ) as client:
            made = client.create(enums.CryptographicAlgorithm.AES, 256, operation_policy_name="kept", name="m-kept")
            # The server reads its policies in a process of its own, and refuses everything until it has them.
            deadline = time.monotonic() + 20
            while True:
                try:
                    client.activate(made)
                    break
                except KmipOperationFailure:
                    if time.monotonic() > deadline:
                        raise
                    time.sleep(0.2)
        store = opened(given)
        key = store.find("m-kept")
        assert key is not None
        message = refusal("not_allowed", lambda: store.destroy(key), "still there")
        assert "revoked" in message
        assert store.look(key).state == "present" and "DEACTIVATED" in store.look(key).told
        refusal("pending", lambda: store.wrap(key, SECRET, "c"), "was begun")

    def test_another_key_by_the_same_identifier(self, authority: store_bed.Authority) -> None:
        store = opened(authority.options())
        key = store.create("m-first")
        state = store.look(Key("m-first", key.id.partition("/")[0] + "/1"))
        assert state.state == "gone" and "made at another time" in state.told
        assert store.look(Key("m-second", key.id)).state == "unknown"

    def test_a_key_file_that_others_can_read(self, authority: store_bed.Authority, tmp_path: pathlib.Path) -> None:
        copy = tmp_path / "key"
        copy.write_text(pathlib.Path(authority.options()["key_file"]).read_text())
        copy.chmod(0o644)
        refusal("unfit", lambda: opened({**authority.options(), "key_file": str(copy)}), "others may read it")


class TestPkcs11:
    @pytest.fixture(scope="class")
    def hsm(self) -> store_bed.SoftHsm:
        """The token of the process: its library reads the configuration once."""
        return store_bed.the_softhsm()

    def test_a_wrong_pin(self, hsm: store_bed.SoftHsm, tmp_path: pathlib.Path) -> None:
        wrong = store_bed.private(tmp_path / "pin", "0000")
        store = opened(hsm.options(pin_file=wrong))
        assert "does not take the PIN" in refusal("denied", lambda: store.create(NAME))
        assert "0000" not in store.look(Key(NAME, "x/00")).told and store.look(Key(NAME, "x/00")).state == "unknown"

    def test_no_such_token_and_no_such_library(self, hsm: store_bed.SoftHsm) -> None:
        refusal("unreachable", lambda: opened(hsm.options(token="nowhere")).find(NAME), "no token")
        refusal("unfit", lambda: opened(hsm.options(module="/usr/lib/nowhere.so")).find(NAME), "no PKCS#11 library")

    def test_another_token_does_not_tell_that_a_key_is_gone(self, hsm: store_bed.SoftHsm) -> None:
        key = opened(hsm.options()).create("p-identity")
        other = opened(hsm.options(token="others"))
        state = other.look(key)
        assert state.state == "unknown" and "serial number" in state.told
        refusal("missing", lambda: other.unwrap(key, b"x" * 60, "c"))
        assert other.destroy(key).state == "unknown"
        assert opened(hsm.options()).look(key).state == "present"

    def test_keys_that_can_be_taken_out_and_keys_that_cannot_be_destroyed(self, hsm: store_bed.SoftHsm) -> None:
        import pkcs11

        with pkcs11.lib(hsm.module).get_token(token_label="recordings").open(rw=True, user_pin=hsm.pin) as session:
            taken = {pkcs11.Attribute.EXTRACTABLE: True, pkcs11.Attribute.SENSITIVE: False}
            session.generate_key(pkcs11.KeyType.AES, 256, id=b"\x01", label="p-open", store=True, template=taken)
            kept = {pkcs11.Attribute.DESTROYABLE: False, pkcs11.Attribute.EXTRACTABLE: False, pkcs11.Attribute.SENSITIVE: True}
            session.generate_key(pkcs11.KeyType.AES, 256, id=b"\x02", label="p-kept", store=True, template=kept)
        store = opened(hsm.options())
        loose = store.find("p-open")
        assert loose is not None and copies(store.look(loose))["exportable"] == "not_met"
        refusal("unfit", lambda: store.wrap(loose, SECRET, "c"), "CKA_NEVER_EXTRACTABLE is false")
        fast = store.find("p-kept")
        assert fast is not None
        refusal("not_allowed", lambda: store.destroy(fast), "CKA_DESTROYABLE")
        assert store.look(fast).state == "present"


class TestAwsKms:
    @pytest.fixture(scope="class")
    def kms(self, tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[store_bed.Kms]:
        with store_bed.kms(tmp_path_factory.mktemp("kms")) as kms:
            yield kms

    @pytest.fixture(scope="class")
    def store(self, kms: store_bed.Kms) -> KeyStore:
        return opened(kms.options(window_days=7))

    def test_nothing_answers(self, kms: store_bed.Kms) -> None:
        store = opened(kms.options(endpoint_url=f"http://127.0.0.1:{store_bed.free_port()}"))
        state = store.look(Key(NAME, "arn:aws:kms:eu-central-1:1:key/x"))
        assert state.state == "unknown" and "could not be asked" in state.told

    def test_another_region_does_not_tell_that_a_key_is_gone(self, kms: store_bed.Kms, store: KeyStore) -> None:
        key = store.create("a-region")
        state = opened(kms.options(region="eu-west-1")).look(key)
        assert state.state == "unknown" and "correct the region" in state.told

    def test_no_permission(self, kms: store_bed.Kms, store: KeyStore) -> None:
        key = store.create("a-denied")
        statement = {"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "kms:DescribeKey", "Resource": "*"}
        kms.client().put_key_policy(
            KeyId=key.id.rpartition("/")[2], PolicyName="default", Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        )
        state = store.look(key)
        assert state.state == "unknown" and "does not permit these credentials" in state.told
        refusal("denied", lambda: store.destroy(key))

    def test_an_alias_that_somebody_took_away_does_not_tell_that_the_key_is_gone(self, kms: store_bed.Kms, store: KeyStore) -> None:
        key = store.create("a-alias")
        kms.client().delete_alias(AliasName="alias/a-alias")
        assert store.find("a-alias") is None
        assert store.look(key).state == "present"

    def test_replicas_and_imported_keys_are_told(self, kms: store_bed.Kms, store: KeyStore) -> None:
        client = kms.client()
        made = client.create_key(MultiRegion=True)["KeyMetadata"]
        client.replicate_key(KeyId=made["KeyId"], ReplicaRegion="eu-west-1")
        state = store.look(Key("a-many", made["Arn"]))
        assert copies(state)["replicas"] == "not_met" and "eu-west-1" in str(state.copies)
        brought = client.create_key(Origin="EXTERNAL")["KeyMetadata"]
        assert copies(store.look(Key("a-brought", brought["Arn"])))["exportable"] == "not_met"

    def test_rotations_are_told(self, kms: store_bed.Kms, store: KeyStore) -> None:
        key = store.create("a-rotated")
        kms.client().rotate_key_on_demand(KeyId=key.id.rpartition("/")[2])
        assert store.look(key).versions == 2

    def test_a_destruction_that_was_taken_back(self, kms: store_bed.Kms, store: KeyStore) -> None:
        key = store.create("a-back")
        assert store.destroy(key).state == "pending"
        kms.client().cancel_key_deletion(KeyId=key.id.rpartition("/")[2])
        assert store.look(key).state == "present"

    def test_no_credentials(self, kms: store_bed.Kms, monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        empty = store_bed.private(tmp_path / "credentials", "[other]\n")
        refusal("denied", lambda: opened(kms.options(credentials_file=empty)).find(NAME), "no credentials")
        os.chmod(empty, 0o644)
        refusal("unfit", lambda: opened(kms.options(credentials_file=empty)), "others may read it")

    def test_the_waiting_period_and_the_day_after_it(self, kms: store_bed.Kms, store: KeyStore) -> None:
        """The last test of the class: the server's clock is moved."""
        key = store.create("a-waits")
        wrapped = store.wrap(key, SECRET, "c")
        state = store.destroy(key)
        assert state.state == "pending" and state.until is not None and 6.9 * 86400 < state.until - time.time() < 7.1 * 86400
        date = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(state.until))
        words = f"was begun and ends after {date}, so it is used no more; .* else cancel its deletion .kms:CancelKeyDeletion. and enable it first"
        with pytest.raises(StoreRefusedError, match=words):
            store.unwrap(key, wrapped, "c")
        kms.move_clock(6)
        assert store.look(key) == state and store.destroy(key) == state
        kms.move_clock(8)
        after = store.look(key)
        assert (after.state, after.until) == ("gone", None) and key.id in after.told
        assert store.destroy(key).state == "gone"
        refusal("missing", lambda: store.unwrap(key, wrapped, "c"), "has no key a-waits")


class TestOptions:
    @pytest.mark.parametrize(
        ("given", "words"),
        [
            ({}, "the key kind is missing"),
            ({"kind": "drawer"}, "kind: the str there is not known; allowed are aws_kms, directory, kmip, pkcs11, vault"),
            ({"kind": "directory"}, "the key path is missing"),
            ({"kind": "directory", "path": "keys"}, "path: the str there is not an absolute path"),
            (
                {"kind": "directory", "path": "/keys", "url": "https://x"},
                "url: the str there is under an unknown key; allowed are kind, path",
            ),
            ({"kind": "vault", "url": "https://x", "token_file": "token"}, "token_file: the str there is not an absolute path"),
            ({"kind": "kmip", "host": "x", "port": 0}, "port: the int there is not a whole number from 1 up"),
            ({"kind": "pkcs11", "module": "/m", "token": ""}, "token: the str there is not a text"),
            ({"kind": "aws_kms", "region": "x", "window_days": 6}, "window_days: the int there is not a whole number from 7 up"),
            ({"kind": "aws_kms", "region": "x", "window_days": 31}, "window_days: the int there is more than 30"),
        ],
    )
    def test_what_is_not_valid_is_told(self, given: dict[str, t.Any], words: str) -> None:
        with pytest.raises(PolicyError) as caught:
            opened(given)
        assert words in "; ".join(caught.value.details["problems"])

    @pytest.mark.parametrize("name", ["", "-a", "a-", "A", "a.b", "a/b", "a" * 101, "a b", "ä"])
    def test_a_name_that_not_every_store_takes(self, name: str, tmp_path: pathlib.Path) -> None:
        with pytest.raises(RefusedError, match="cannot be the name of a key"):
            opened({"kind": "directory", "path": str(tmp_path)}).create(name)
