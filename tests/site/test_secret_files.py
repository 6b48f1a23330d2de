"""Secrets this installation makes: only their owner's, made once, refused when others could read them."""

from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from yba.site import secret_files
from yba.site.secret_files import SecretProblem, kept


def test_it_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        assert kept(tmp_path / "new", "key", lambda: b"first") == b"first"
    finally:
        os.umask(old)
    assert kept(tmp_path / "new", "key", lambda: b"second") == b"first"
    assert stat.S_IMODE((tmp_path / "new" / "key").stat().st_mode) == 0o600
    assert [one.name for one in (tmp_path / "new").iterdir()] == ["key"]


def test_all_who_start_at_once_have_the_same(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda number: kept(tmp_path, "key", lambda: b"%d" % number), range(8)))
    assert len(found) == 1


@pytest.mark.parametrize("rights", [0o640, 0o604, 0o620, 0o660, 0o644])
def test_a_file_with_wider_rights_is_refused(tmp_path: Path, rights: int) -> None:
    kept(tmp_path, "key", lambda: b"x")
    (tmp_path / "key").chmod(rights)
    with pytest.raises(SecretProblem, match=f"rights {rights:04o}.*0600"):
        kept(tmp_path, "key", lambda: b"y")


def test_a_link_a_folder_and_an_empty_file_are_refused(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("x")
    (tmp_path / "real").chmod(0o600)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty").touch(0o600)
    for name, said in (
        ("link", "opened"), ("dangling", "opened"), ("folder", "no ordinary file"), ("empty", "is empty"),
    ):  # fmt: skip
        with pytest.raises(SecretProblem, match=said):
            kept(tmp_path, name, lambda: b"y")


def test_another_users_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept(tmp_path, "key", lambda: b"x")
    os.chown(tmp_path / "key", 12345, -1) if os.geteuid() == 0 else pytest.skip("only root gives files away")
    with pytest.raises(SecretProblem, match="another user"):
        secret_files.read(tmp_path / "key")
