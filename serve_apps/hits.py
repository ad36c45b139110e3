"""A scene that was found, as the API shows it."""

from footage.search import SearchHit
from footage.sources import source_name
from serve_apps.addresses import Addresses
from serve_apps.api_types import SceneHit

_NOT_SHOWN = {"thumbnail_key", "sidecar_key"}  # places in the store, for which the API has addresses


def scene_hit(hit: SearchHit, addresses: Addresses) -> SceneHit:
    """A hit with addresses in place of keys."""
    shown = {name: value for name, value in hit if name not in _NOT_SHOWN}
    return SceneHit(
        **shown,
        name=source_name(hit.source_uris[0]),
        thumbnail_url=addresses.thumbnail(hit.video_id, hit.scene_id),
        play_url=addresses.moment(hit.video_id, hit.start_s, hit.end_s),
        sidecar_url=addresses.sidecar(hit.video_id, hit.scene_id),
    )
