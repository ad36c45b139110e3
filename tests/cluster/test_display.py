import pytest

from cluster.display import print_videos, short_names
from tests.footage.test_catalog import failure_of, manifest_of
from tests.spans import source_of


@pytest.mark.parametrize(
    ("uris", "names"),
    [
        (["file:///a/x.mp4", "file:///b/y%20z.mp4"], ["x.mp4", "y z.mp4"]),
        (["file:///a/x.mp4", "file:///b/x.mp4", "file:///b/y.mp4"], ["a/x.mp4", "b/x.mp4", "y.mp4"]),
        (["file:///1/a/x.mp4", "file:///2/a/x.mp4", "file:///2/b/x.mp4"], ["1/a/x.mp4", "2/a/x.mp4", "b/x.mp4"]),
        (["file:///a/x.mp4", "file:///a/x.mp4"], ["x.mp4", "x.mp4"]),
        (["file:///x.mp4", "file:///a/x.mp4"], ["/x.mp4", "a/x.mp4"]),
        ([], []),
    ],
)
def test_names_are_as_long_as_they_need_to_be(uris: list[str], names: list[str]) -> None:
    assert [short_names(uris)[uri] for uri in uris] == names


def test_files_of_one_name_can_be_told_apart(capsys: pytest.CaptureFixture[str]) -> None:
    print_videos(
        [manifest_of(sources=[source_of("monday/take")]), manifest_of(sources=[source_of("tuesday/take")])],
        [failure_of("file:///a/broken.mp4"), failure_of("file:///b/broken.mp4"), failure_of("file:///b/other.mp4")],
    )
    shown = capsys.readouterr().out
    assert [name in shown for name in ("monday/take.mp4", "tuesday/take.mp4", "a/broken.mp4", "b/broken.mp4")] == [
        True
    ] * 4
    assert "b/other.mp4" not in shown
