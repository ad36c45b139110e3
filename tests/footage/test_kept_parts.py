"""What `--only` makes and keeps, and which videos it refuses."""

import pytest

from footage.errors import PartsDiffer, SettingsError
from footage.kept_parts import PartsOfRun, check_kept, parts_of_run
from footage.parts import Part
from footage.settings import Settings
from footage.sidecar import Manifest, StoredVideo

COMPONENTS = dict.fromkeys(["version", "decoder", "speech", "text", "frames", "tags", "captions"], "a")
REST = "Index it without --only, or run `footage retry`: both make all of it anew."


def manifest_of(components: dict[str, str]) -> Manifest:
    video = StoredVideo(
        duration_s=1.0,
        first_frame_s=0.0,
        width_px=64,
        height_px=36,
        rotation_deg=0,
        frame_rate=25.0,
        video_codec="h264",
        has_audio=False,
        has_timestamps=True,
    )
    return Manifest(
        workspace="studio",
        video_id="v1",
        sha256="0" * 64,
        video=video,
        sources=[],
        datasets=[],
        language="",
        span_count=1,
        scenes=[],
        pipeline_fingerprint="f",
        components=components,
        run_id="run-1",
        committed_at="",
    )


def test_what_is_not_named_is_kept(offline: Settings) -> None:
    assert parts_of_run(offline, ()) == PartsOfRun(frozenset(Part), frozenset())
    assert parts_of_run(offline, tuple(Part)) == PartsOfRun(frozenset(Part), frozenset())
    assert parts_of_run(offline, [Part.CAPTIONS, Part.CAPTIONS]) == PartsOfRun(
        frozenset({Part.CAPTIONS}), frozenset({Part.SPEECH, Part.FRAMES})
    )


def test_captions_that_are_off_are_neither_made_nor_kept(offline: Settings) -> None:
    off = offline.model_copy(update={"captions": offline.captions.model_copy(update={"adapter": "off"})})
    assert parts_of_run(off, ()) == PartsOfRun(frozenset({Part.SPEECH, Part.FRAMES}), frozenset())
    assert parts_of_run(off, [Part.SPEECH]) == PartsOfRun(frozenset({Part.SPEECH}), frozenset({Part.FRAMES}))
    with pytest.raises(SettingsError, match=r"^Profile offline makes no captions \(captions.adapter is off\)"):
        parts_of_run(off, [Part.SPEECH, Part.CAPTIONS])


@pytest.mark.parametrize(
    ("only", "changed"),
    [
        ([Part.SPEECH], ["speech"]),
        ([Part.FRAMES], ["frames", "tags"]),
        ([Part.CAPTIONS], ["captions"]),
        (list(Part), ["speech", "frames", "tags", "captions"]),
        ([Part.CAPTIONS], []),
    ],
)
def test_what_is_made_anew_may_differ_and_nothing_else(only: list[Part], changed: list[str]) -> None:
    manifest = manifest_of(COMPONENTS | dict.fromkeys(changed, "b"))
    check_kept("a.mp4", manifest, COMPONENTS, only)
    for other in COMPONENTS.keys() - {"speech", "frames", "tags", "captions"}:
        with pytest.raises(PartsDiffer, match=f"models or settings of {other}, which"):
            check_kept("a.mp4", manifest_of(manifest.components | {other: "b"}), COMPONENTS, only)


def test_the_parts_that_differ_are_named() -> None:
    held = COMPONENTS | {"speech": "b", "decoder": "b", "captions": "b"}
    del held["text"]
    with pytest.raises(PartsDiffer) as refused:
        check_kept("a.mp4", manifest_of(held), COMPONENTS, [Part.FRAMES, Part.CAPTIONS])
    assert str(refused.value) == (
        "a.mp4 was indexed with other models or settings of decoder, speech, text, which --only captions --only frames"
        f" does not make anew. {REST}"
    )


@pytest.mark.parametrize(
    ("manifest", "says"),
    [
        (None, "The content of a.mp4 is not indexed yet, so nothing of it can be kept."),
        (manifest_of({}), "a.mp4 was indexed by a version of footage that noted no parts of a pipeline."),
    ],
)
def test_a_video_of_which_nothing_is_known(manifest: Manifest | None, says: str) -> None:
    with pytest.raises(PartsDiffer) as refused:
        check_kept("a.mp4", manifest, COMPONENTS, list(Part))
    assert str(refused.value) == f"{says} {REST}"
