import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from footage.file_names import LONGEST_BYTES, file_stem


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("harbor.mp4", "harbor"),
        ("Der Hafen – 2. Teil.mkv", "Der Hafen – 2. Teil"),
        ("日本語 🎬.mp4", "日本語 🎬"),
        ("e\u0301t\u00e9.mov", "\u00e9t\u00e9"),
        ("no suffix", "no suffix"),
        (".hidden.mp4", "hidden"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ("..", "_"),
        ("", "_"),
        ("/", "_"),
        ("a\nb\0c\x1b[31m.mp4", "a_b_c_[31m"),
        ("x\u202emp4.exe.mp4", "xmp4.exe"),
        ("-rf.mp4", "_-rf"),
        ("CON.mp4", "_CON"),
        ("lpt1.tar.mp4", "_lpt1.tar"),
        ("controls.mp4", "controls"),
        ('a<b>:"|?*\\c.mp4', "a_b_______c"),
        ("ends . .mp4", "ends"),
        ("\ufffd.mp4", "\ufffd"),
        ("é" * 300 + ".mp4", "é" * 80),
    ],
)
def test_a_name_becomes_that_of_a_file(name: str, stem: str) -> None:
    assert file_stem(name) == stem


@given(name=st.text(max_size=300))
@settings(deadline=None, max_examples=60)
def test_any_name_becomes_a_plain_one(name: str) -> None:
    stem = file_stem(name)
    assert Path(stem).name == stem
    assert 1 <= len(stem.encode()) <= LONGEST_BYTES + 1
    assert not any(unicodedata.category(char)[0] == "C" for char in stem)
    assert stem[0] not in ".-~ "
    assert stem[-1] not in ". "
