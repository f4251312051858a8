"""What is no file of weights is refused before it is read."""

import os

import pytest

from ganforge.errors import CheckpointError
from ganforge_fid.files import read_state_dict, read_weights

LONG = "x" * 300


def refusal(path):
    with pytest.raises(CheckpointError) as caught:
        read_weights(path)
    with pytest.raises(CheckpointError) as again:
        read_state_dict(path, "Download it.")
    assert str(again.value) == f"{caught.value} Download it."
    return str(caught.value)


def test_a_path_that_is_no_file_is_refused(tmp_path):
    pipe, huge = tmp_path / "pipe", tmp_path / "huge"
    os.mkfifo(pipe)
    with huge.open("wb") as file:
        file.truncate(2_000_000_001)
    assert refusal(pipe) == f"{pipe} is no file."
    assert refusal(tmp_path) == f"{tmp_path} is no file."
    assert refusal(huge) == f"{huge} has 2,000,000,001 bytes; files of weights have up to 2,000,000,000."
    assert refusal(tmp_path / LONG) == f"{tmp_path / LONG} can't be read: File name too long."
    assert refusal("~nobodyatall/x") == "~nobodyatall/x can't be read: Could not determine home directory."
