"""What a watch remembers of sources between its looks."""

from dataclasses import replace

from footage import identity
from footage.records import Source
from footage.seen_sources import SeenSources, SourcePile
from footage.sidecar import stored_source
from footage.source_book import EXPECTED, KnownSource
from tests.spans import FINGERPRINT

A, B, C = (Source(f"s3://archive/{name}.mp4", f"etag-{name}", 10) for name in "abc")


def known(source: Source, state: str | None = None) -> KnownSource:
    own = identity.source_state(source.etag, source.size_bytes, FINGERPRINT)
    return KnownSource(identity.uri_hash(source.uri), state or own, "video")


def test_a_source_is_unseen_until_it_is_accounted_for_and_again_when_it_changed() -> None:
    seen = SeenSources(FINGERPRINT)

    assert list(seen.unseen([A, B])) == [A, B]
    seen.add([A])
    assert (list(seen.unseen([A, B])), len(seen)) == ([B], 1)
    changed = replace(A, etag="another")
    assert list(seen.unseen([changed])) == [changed]
    seen.add([changed])
    assert list(seen.unseen([A])) == [A]  # back to what it was: that is to be indexed again
    assert list(seen.unseen([changed])) == []


def test_what_the_store_knows_takes_the_place_of_what_was_seen() -> None:
    seen = SeenSources(FINGERPRINT)
    seen.add([A])

    seen.load([known(B), known(C, EXPECTED)], [])
    assert list(seen.unseen([A, B, C])) == [A, C]
    seen.load([known(A), known(B, "another"), known(B)], [stored_source(C)])  # two records of B: nothing is known
    assert list(seen.unseen([A, B, C])) == [B]
    assert list(SeenSources("another pipeline").unseen([A])) == [A]


def test_a_pile_gives_its_sources_back_in_order_and_as_they_were() -> None:
    odd = Source("file:///tmp/\udcff\n.mp4", "\udcffetag", 2**40)

    pile = SourcePile(iter([C, odd, A]))

    assert (list(pile), list(pile), len(pile)) == ([C, odd, A], [C, odd, A], 3)
    assert (odd in pile, B in pile) == (True, False)
    assert len(SourcePile()) == 0
