from pathlib import Path

import pytest

from footage.source_scope import lies_in, source_address


@pytest.mark.parametrize(
    ("uri", "address", "is_in"),
    [
        ("file:///films/a%20b.mp4", "/films/a b.mp4", True),
        ("file:///films/a.mp4", "/films", True),
        ("file:///films/a.mp4", "/films/", True),
        ("file:///films/a.mp4", "/film", False),
        ("file:///films/a.mp4", "file:///films", True),
        ("file:///films/a.mp4", "/films/a.mp", False),
        ("s3://bucket/films/a.mp4", "s3://bucket/films", True),
        ("s3://bucket/films/a.mp4", "s3://bucket/films/", True),
        ("s3://bucket/films", "s3://bucket/films", True),
        ("s3://bucket/films2/a.mp4", "s3://bucket/films", False),
        ("s3://bucket/films/a.mp4", "s3://bucket", True),
        ("s3://bucket2/a.mp4", "s3://bucket", False),
        ("https://host/a.mp4", "https://host/a.mp4", True),
        ("https://host.evil/a.mp4", "https://host", False),
    ],
)
def test_what_lies_at_or_below_an_address(uri: str, address: str, is_in: bool) -> None:
    assert lies_in(uri, address) is is_in


def test_a_path_is_of_this_folder() -> None:
    assert source_address("films") == Path.cwd().joinpath("films").as_uri()
