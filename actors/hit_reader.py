"""Reads what the store knows of the scenes that an answer shows."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import cast

from actors.found_scenes import Found
from actors.scene_order import Place
from footage.catalog import Catalog
from footage.highlights import highlights
from footage.index_records import ListName
from footage.record_store import Parse
from footage.search import SearchHit, Why
from footage.sidecar import Manifest, Sidecar
from footage.store_reads import StoreReads
from footage.timestamps import stamp


class HitReader:
    """Makes hits of scenes. A scene whose sidecar, video, or last source is gone is none, nor one that is not yet."""

    def __init__(self, catalog: Catalog, reads: StoreReads, parse: Parse, query: str | None, grouped: bool) -> None:
        """Take where to read, what parses it, the words to mark, and whether a place is a video."""
        self._catalog, self._reads, self._parse = catalog, reads, parse
        self._query, self._grouped = query or "", grouped
        self._manifests: dict[str, Manifest | None] = {}

    def page(self, places: Sequence[Place], limit: int) -> tuple[list[SearchHit], int]:
        """The hits of the first places, at most `limit`; and how many places were looked at for them."""
        hits: list[SearchHit] = []
        at = 0
        while len(hits) < limit and at < len(places):
            batch = places[at : at + limit - len(hits)]
            at += len(batch)
            hits.extend(hit for hit in self._batch(batch) if hit is not None)
        return hits, at

    def _batch(self, places: Sequence[Place]) -> list[SearchHit | None]:
        """What each place shows, with as much read at once as can be."""
        unread = [id_ for id_ in dict.fromkeys(place[0].hit.video_id for place in places) if id_ not in self._manifests]
        reads: list[Callable[[], Manifest | Sidecar | None]] = [
            *(partial(self._catalog.manifest, video_id, self._parse) for video_id in unread),
            *(partial(self._sidecar, place[0]) for place in places),
        ]
        read = self._reads.all(reads)
        for video_id, manifest in zip(unread, read, strict=False):
            self._manifests[video_id] = manifest if isinstance(manifest, Manifest) else None
        sidecars = [one if isinstance(one, Sidecar) else None for one in read[len(unread) :]]
        return [self._of_place(place, sidecar) for place, sidecar in zip(places, sidecars, strict=True)]

    def _of_place(self, place: Place, sidecar: Sidecar | None) -> SearchHit | None:
        """The best scene of a place that can be shown; `sidecar` is that of its first."""
        manifest = self._manifests[place[0].hit.video_id]
        if manifest is None or not manifest.sources:
            return None
        for number, found in enumerate(place):
            stored = self._sidecar(found) if number else sidecar
            placed = stored and manifest.placed(stored)
            if placed is not None:
                return self._hit(found, manifest, placed, len(place) - 1 if self._grouped else None)
        return None

    def _sidecar(self, found: Found) -> Sidecar | None:
        return self._catalog.sidecar(found.hit.video_id, found.hit.scene_id, self._parse)

    def _hit(self, found: Found, manifest: Manifest, sidecar: Sidecar, more_in_video: int | None) -> SearchHit:
        caption = sidecar.caption
        return SearchHit(
            video_id=manifest.video_id,
            scene_id=sidecar.scene_id,
            index=sidecar.index,
            source_uris=[source.uri for source in manifest.sources],
            start_s=sidecar.start_s,
            end_s=sidecar.end_s,
            indexed_at=stamp(datetime.fromtimestamp(found.hit.indexed_at, UTC)),
            score=found.fused.score,
            relevance=found.relevance,
            why=[
                Why(
                    list=cast(ListName, part.list_name),
                    rank=part.rank,
                    score=part.score,
                    weight=part.weight,
                    contribution=part.contribution,
                )
                for part in found.fused.contributions
            ],
            transcript=sidecar.transcript.text,
            language=sidecar.transcript.language,
            highlights=highlights(self._query, sidecar.transcript.text),
            caption=caption.text if caption else "",
            caption_toy=caption.toy if caption else False,
            caption_highlights=highlights(self._query, caption.text) if caption else [],
            tags=sidecar.vision_tags,
            tags_toy=sidecar.embeddings.vision.toy and bool(sidecar.vision_tags),
            thumbnail_key=sidecar.thumbnail_key,
            sidecar_key=self._catalog.sidecar_key(manifest.video_id, sidecar.scene_id),
            more_in_video=more_in_video,
        )
