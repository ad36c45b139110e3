"""What is out of order about one video: the rules of gc, as a function of what there is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from footage.completion import UNFIT
from footage.erasing import REMOVED
from footage.index_records import StoredPoint
from footage.shelf import Shelf
from footage.sidecar import Manifest

Kind = Literal[
    "gone",  # no source has it and no dataset: removed
    "half_deleted",  # a deletion was cut off: ended
    "leftovers",  # files, records or points of a video without a manifest: removed
    "damaged",  # scenes lack a part: given back, so that the next run indexes the video anew
    "waiting",  # as above, found before: nothing is done but to say so
    "surplus",  # files or points that the manifest does not name: removed
    "datasets",  # the manifest lists other datasets than refer to the video: the list is mended
    "claim",  # of a run that is gone: removed
    "mark",  # that means nothing any more: removed
    "source_record",  # names a video that does not have the source: removed, the source is read again when it is met
    "original",  # a deletion of an original was cut off: taken back
    "lease",  # of a run that is gone: removed
]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is out of order."""

    kind: Kind
    subject: str  # a video's id; of a record or a lease, its key
    why: str  # a sentence for the user
    name: str = ""  # what users know the video by; empty where there is no such video


@dataclass(frozen=True)
class Parts:
    """Which parts of a video are too few and which too many."""

    lacking: dict[str, int]  # how many scenes of the manifest lack it: sidecar, thumbnail, point
    sidecars: list[str]  # scene ids of those that the manifest does not name
    thumbnails: list[str]
    spans: list[int]  # records past the manifest's last span
    generations: set[str]  # of points, other than the manifest's


def parts_of(shelf: Shelf, manifest: Manifest, points: Sequence[StoredPoint], written_before: float) -> Parts:
    """Compare a video with its manifest.

    Args:
        shelf: what the store has of it.
        manifest: of it.
        points: of it, whether live or not.
        written_before: POSIX seconds; younger files are not counted among those too many.
    """
    scenes = {scene.scene_id for scene in manifest.scenes}
    generation = manifest.pipeline_fingerprint
    live = {stored.point.scene_id for stored in points if stored.live and stored.point.generation == generation}
    found = {"sidecar": shelf.sidecars.keys(), "thumbnail": shelf.thumbnails.keys(), "point": live}
    missing = {part: len(scenes - there) for part, there in found.items()}
    extra = [
        sorted(name for name, at in files.items() if name not in scenes and at < written_before)
        for files in (shelf.sidecars, shelf.thumbnails)
    ]
    return Parts(
        lacking={part: count for part, count in missing.items() if count},
        sidecars=extra[0],
        thumbnails=extra[1],
        spans=sorted(index for index in shelf.spans if index >= manifest.span_count),
        generations={stored.point.generation for stored in points} - {generation},
    )


def check_parts(manifest: Manifest, parts: Parts, waits: bool) -> list[Finding]:
    """What is out of order about a complete video's scenes.

    Args:
        manifest: of the video.
        parts: what parts_of() found.
        waits: it was given back for indexing, and the next run over its source will come to it.
    """
    video_id = manifest.video_id
    if waits:
        return [Finding("waiting", video_id, "Parts of it were lost. The next run over its source indexes it anew.")]
    if parts.lacking or manifest.pipeline_fingerprint == UNFIT:
        scenes = ", ".join(f"{count} lack their {part}" for part, count in parts.lacking.items())
        why = f"Of its {len(manifest.scenes)} scenes {scenes}. The next run over its source indexes it anew."
        return [Finding("damaged", video_id, why)]
    counts = (
        (len(parts.sidecars), "sidecars"),
        (len(parts.thumbnails), "thumbnails"),
        (len(parts.spans), "span records"),
        (len(parts.generations), "other pipelines' points"),
    )
    extra = ", ".join(f"{what} ({count})" for count, what in counts if count)
    return [Finding("surplus", video_id, f"Its manifest does not name all that there is: {extra}.")] if extra else []


def check_datasets(manifest: Manifest, shelf: Shelf) -> list[Finding]:
    """Whether the manifest lists the datasets that refer to the video."""
    if manifest.pipeline_fingerprint == REMOVED or set(manifest.datasets) == shelf.datasets:
        return []
    listed, true = (", ".join(sorted(names)) or "none" for names in (manifest.datasets, shelf.datasets))
    why = f"Its manifest lists datasets {listed}; those that refer to it are {true}."
    return [Finding("datasets", manifest.video_id, why)]
