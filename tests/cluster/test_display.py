import pytest

from cluster.display import print_report, print_video, print_videos
from cluster.display_text import short_names
from footage.sidecar import Sidecar
from tests.cluster.test_cli import sidecar_of
from tests.describing import DESCRIPTION, NOTHING_TO_TELL
from tests.footage.test_catalog import failure_of, manifest_of, report_of
from tests.spans import source_of

NOTE = "by a toy model that knows colours, textures and sizes of drawn scenes"


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


def test_a_video_is_shown_with_what_it_is_about(capsys: pytest.CaptureFixture[str]) -> None:
    print_videos([manifest_of()], [])
    plain = capsys.readouterr().out
    assert "what it is about" not in plain
    print_videos([manifest_of(description=NOTHING_TO_TELL)], [])
    assert capsys.readouterr().out == plain
    untold = manifest_of(sources=[source_of("other")])
    print_videos([manifest_of(description=DESCRIPTION), untold], [])
    shown = capsys.readouterr().out
    assert "A car drives by the sea." in shown
    assert shown.endswith(f"description: {NOTE}\n")


def test_scenes_are_shown_with_what_is_said_and_seen(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "140")
    plain = sidecar_of("s1", 0, 0.0, 5.0)
    print_video(manifest_of(), [plain])
    shown = capsys.readouterr().out
    assert "what is seen" not in shown
    print_video(manifest_of(description=NOTHING_TO_TELL), [plain])
    assert capsys.readouterr().out == shown

    seen = sidecar_of("s2", 1, 5.0, 9.0).model_dump() | {
        "transcript": {"text": "Look there!", "language": "en"},
        "caption": {"text": "A [red] car.", "model": "m", "toy": True},
        "vision_tags": {f"tag {number}": 0.9 - number / 10 for number in range(7)},
    }
    print_video(manifest_of(description=DESCRIPTION), [plain, Sidecar.model_validate(seen)])
    shown = capsys.readouterr().out
    for part in ("A car drives by the sea.", "Look there!", "A [red] car.", "tag 0 90%", "tag 6 30%"):
        assert part in shown
    assert shown.endswith(f"description, caption: {NOTE}\n")  # these tags are no toy's


def test_a_report_says_what_was_described_and_why_not_all(capsys: pytest.CaptureFixture[str]) -> None:
    why = "Videos are not described: the profile has no model that can."
    done = {"videos_found": 2, "videos_done": 2, "videos_described": 1, "descriptions": why}
    print_report(report_of("r").model_copy(update=done), "store")
    again = {"videos_found": 2, "videos_skipped": 2, "descriptions": why}
    print_report(report_of("r").model_copy(update=again), "store")
    assert capsys.readouterr().out.splitlines() == [
        "2 videos indexed.",
        "1 video described.",
        why,
        "Report: store/runs/r.json",
        "Nothing to do: all 2 videos are indexed already.",
        why,
    ]
