"""The end of a video: all its spans are written, so it becomes one searchable whole.

The order matters, since the writer may be killed after any step and another may do the same steps at the same time:
sidecars are right first, then the points are live (and those of an older pipeline gone, so that its other files can go
too), then the manifest says so. Every step may be done again, and until the manifest is there, all of them are.
"""

from collections import Counter

from footage.catalog import Catalog, utc_now
from footage.index import VectorIndex
from footage.sidecar import Claim, Manifest, SpanRecord


def spans_of_plan(catalog: Catalog, claim: Claim) -> list[SpanRecord] | None:
    """The records of all planned spans in order, or None while one is missing or is of another plan or pipeline."""
    if not catalog.span_indices(claim.video_id) >= {span.index for span in claim.spans}:
        return None
    records = []
    for span in claim.spans:
        record = catalog.span_record(claim.video_id, span.index)
        if record is None or record.span != span or record.pipeline_fingerprint != claim.pipeline_fingerprint:
            return None
        records.append(record)
    return records


def complete_video(
    catalog: Catalog, index: VectorIndex, claim: Claim, spans: list[SpanRecord], dataset: str | None, run_id: str
) -> None:
    """Make a video searchable.

    Args:
        catalog: of the video's workspace.
        index: holds the points of all spans.
        claim: the plan and the source that was read.
        spans: the records of all planned spans, in order.
        dataset: the dataset that the run adds videos to.
        run_id: of the run that completes the video.
    """
    scenes = [scene for span in spans for scene in span.scenes]
    _number(catalog, claim.video_id, spans)
    index.publish(catalog.workspace, claim.video_id, claim.pipeline_fingerprint)

    words: Counter[str] = Counter()
    for span in spans:
        words.update(span.words_by_language)
    made = Manifest(
        workspace=catalog.workspace,
        video_id=claim.video_id,
        sha256=claim.sha256,
        video=claim.video,
        sources=[claim.source],
        datasets=[] if dataset is None else [dataset],
        language=most_spoken(words),
        span_count=len(claim.spans),
        scenes=scenes,
        pipeline_fingerprint=claim.pipeline_fingerprint,
        run_id=run_id,
        committed_at=utc_now(),
    )
    _remove_older(catalog, made)
    if not catalog.create_manifest(made):
        catalog.change_manifest(claim.video_id, lambda held: _succeed(held, made, dataset))

    catalog.record_source(claim.video_id, claim.source, claim.pipeline_fingerprint)
    if dataset is not None:
        catalog.put_reference(dataset, claim.video_id)
    catalog.delete_quarantine(claim.source.uri, len(claim.spans))


def _number(catalog: Catalog, video_id: str, spans: list[SpanRecord]) -> None:
    """Give sidecars their scene's place in the video; the first span's were written with it."""
    position = len(spans[0].scenes)
    for span in spans[1:]:
        for scene in span.scenes:
            sidecar = catalog.sidecar(video_id, scene.scene_id)
            if sidecar is not None and sidecar.index != position:
                catalog.put_sidecar(sidecar.model_copy(update={"index": position}))
            position += 1


def most_spoken(words: Counter[str]) -> str:
    """The language with the most words (the first by name among equals); empty where nothing is said."""
    return min((language for language in words if words[language]), key=lambda name: (-words[name], name), default="")


def _succeed(held: Manifest, made: Manifest, dataset: str | None) -> Manifest:
    """What follows a manifest that is already there: itself if it says the same, else the new one with its sources."""
    kept = held
    if held.pipeline_fingerprint != made.pipeline_fingerprint or held.scenes != made.scenes:
        kept = made.model_copy(update={"sources": held.sources, "datasets": held.datasets})
    return kept.with_source(made.sources[0], dataset)


def _remove_older(catalog: Catalog, made: Manifest) -> None:
    """Remove the scenes and span records that an older pipeline's manifest has and the new one has not."""
    older = catalog.manifest(made.video_id)
    if older is None:
        return
    for scene_id in sorted({scene.scene_id for scene in older.scenes} - {scene.scene_id for scene in made.scenes}):
        catalog.delete_scene(made.video_id, scene_id)
    for span_index in range(made.span_count, older.span_count):
        catalog.delete_span(made.video_id, span_index)
