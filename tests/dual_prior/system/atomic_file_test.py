import os
import socket
import stat
import subprocess
import sys

import pytest

from dual_prior.system.atomic_file import atomic_file, remove_leftovers
from tests.conftest import ROOT


def test_the_file_appears_when_it_is_complete(tmp_path):
    with atomic_file(tmp_path / "a") as file:
        file.write(b"new")
        assert not (tmp_path / "a").exists()
    assert os.listdir(tmp_path) == ["a"] and (tmp_path / "a").read_bytes() == b"new"


def test_a_failure_keeps_the_old_content(tmp_path):
    (tmp_path / "a").write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt), atomic_file(tmp_path / "a") as file:
        file.write(b"half")
        raise KeyboardInterrupt
    assert os.listdir(tmp_path) == ["a"] and (tmp_path / "a").read_bytes() == b"old"


def test_a_signal_after_the_last_step_is_not_lost(tmp_path, monkeypatch):
    def replace(source, target, really=os.replace):
        really(source, target)
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", replace)
    with pytest.raises(KeyboardInterrupt), atomic_file(tmp_path / "a") as file:
        file.write(b"new")
    assert (tmp_path / "a").read_bytes() == b"new"


def test_permissions_of_a_replaced_file_stay(tmp_path):
    path = tmp_path / "a"
    path.touch()
    path.chmod(0o640)
    with atomic_file(path) as file:
        file.write(b"new")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_attributes_of_a_replaced_file_stay(tmp_path, monkeypatch):
    held = {str(tmp_path / "a"): {"user.note": b"mine"}}  # not every disk has them

    def set_one(path, name, value):
        held.setdefault(str(path), {})[name] = value

    monkeypatch.setattr(os, "listxattr", lambda path: list(held[str(path)]))
    monkeypatch.setattr(os, "getxattr", lambda path, name: held[str(path)][name])
    monkeypatch.setattr(os, "setxattr", set_one)
    (tmp_path / "a").touch()
    with atomic_file(tmp_path / "a") as file:
        file.write(b"new")
    (temporary,) = set(held) - {str(tmp_path / "a")}  # which has its name now
    assert held[temporary] == {"user.note": b"mine"}


def test_the_owner_of_a_replaced_file_stays(tmp_path, monkeypatch):
    path = tmp_path / "a"
    path.touch()
    owners = []
    monkeypatch.setattr(os, "chown", lambda _, *owner: owners.append(owner))
    for _ in range(2):
        with atomic_file(path) as file:
            file.write(b"new")
    with atomic_file(tmp_path / "b"):
        pass
    assert owners == [(path.stat().st_uid, path.stat().st_gid)] * 2


def test_the_target_of_a_link_is_replaced(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a").write_bytes(b"old")
    os.symlink("sub/a", tmp_path / "link")
    with atomic_file(tmp_path / "link") as file:
        file.write(b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "sub" / "a").read_bytes() == b"new"


# Dies in the middle of writing, as from SIGKILL.
KILLED = """
import os, sys
from dual_prior.system.atomic_file import atomic_file
with atomic_file(sys.argv[1]):
    os._exit(0)
"""


def test_only_files_of_dead_processes_are_removed(tmp_path):
    command = [sys.executable, "-c", KILLED, tmp_path / "a"]
    subprocess.run(command, cwd=ROOT, check=True)
    (leftover,) = os.listdir(tmp_path)
    (tmp_path / "photo.jpg").touch()
    elsewhere = leftover.replace(socket.gethostname(), "elsewhere")
    (tmp_path / elsewhere).touch()  # another machine's
    with atomic_file(tmp_path / "b"):
        kept = set(os.listdir(tmp_path)) - {leftover}
        remove_leftovers(tmp_path)
        assert set(os.listdir(tmp_path)) == kept and len(kept) == 3
    remove_leftovers(tmp_path / "not there")
