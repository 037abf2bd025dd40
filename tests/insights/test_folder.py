"""A folder for each process."""

from pathlib import Path

import pytest

from services.insights.folder import FolderError, own_folder


def test_two_processes_have_a_folder_each_and_a_restart_finds_its_own(tmp_path: Path) -> None:
    with own_folder(tmp_path, "cluster", "group") as first, own_folder(tmp_path, "cluster", "group") as second:
        assert (first, second) == (tmp_path / "cluster/group/0", tmp_path / "cluster/group/1")
    with own_folder(tmp_path, "cluster", "group") as again:
        assert again == first
        with own_folder(tmp_path, "other", "group") as elsewhere:
            assert elsewhere == tmp_path / "other/group/0"


def test_a_folder_that_cannot_be_made_is_named_with_its_setting(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with (
        pytest.raises(FolderError, match=r"TAGWIRE_INSIGHTS_DATA_FOLDER: .*/file/c/0: Not a directory"),
        own_folder(tmp_path / "file", "c"),
    ):
        raise AssertionError
