"""`footage search`, `videos` and `show`: what people ask of an index."""

import json
from typing import Annotated

import typer

from cluster.list_names import LISTS, By
from cluster.options import DEFAULT_STORE, Index, Json, Profile, Store, Workspace, checked, sentences
from footage.identity import check_name


def search(
    query: Annotated[str, typer.Argument(help="What is said or seen, in a few words.")],
    store: Store = DEFAULT_STORE,
    index: Index = None,
    profile: Profile = "auto",
    workspace: Workspace = "default",
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most this many hits.")] = 10,
    video: Annotated[list[str] | None, typer.Option(help="Only in this video (id, start of it, or file name).")] = None,
    dataset: Annotated[str | None, typer.Option(help="Only in videos of this set.")] = None,
    language: Annotated[str | None, typer.Option(help="Only where this language is spoken, such as en.")] = None,
    from_s: Annotated[float | None, typer.Option("--from", help="Only scenes that end after this second.")] = None,
    to_s: Annotated[float | None, typer.Option("--to", help="Only scenes that begin before this second.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="Only scenes with this tag; with several, all.")] = None,
    by: Annotated[list[By] | None, typer.Option(help="Only by this; with several, by all of them.")] = None,
    by_video: Annotated[bool, typer.Option("--by-video", help="Only the best scene of each video.")] = False,
    as_json: Json = False,
) -> None:
    """Find scenes by what is said, by what is seen, and by what their captions say."""
    with sentences():
        from cluster.display_hits import print_hits
        from cluster.one_shot import catalog_of, find_video, search_once
        from footage.search import SearchRequest
        from footage.settings import load_settings

        if dataset is not None:
            check_name("dataset", dataset)
        settings = load_settings(profile)
        catalog = catalog_of(store, workspace, settings.s3)
        request = checked(
            SearchRequest,
            query=query,
            limit=limit,
            workspace=workspace,
            video_ids=[find_video(catalog, name).video_id for name in video or []],
            language=language,
            tags=tag or [],
            lists=[LISTS[name] for name in by or []],
            from_s=from_s,
            to_s=to_s,
            dataset=dataset,
            group_by_video=by_video,
        )
        response = search_once(request, store, settings, index)
        if as_json:
            print(response.model_dump_json())
        else:
            print_hits(response)


def videos(
    store: Store = DEFAULT_STORE,
    index: Index = None,
    profile: Profile = "auto",
    workspace: Workspace = "default",
    about: Annotated[str | None, typer.Option(help="Find videos by their descriptions: what they are about.")] = None,
    as_json: Json = False,
) -> None:
    """List the videos that are searchable and what is in quarantine, or find videos by what they are about."""
    if about is not None:
        _videos_about(about, store, index, profile, workspace, as_json)
        return
    with sentences():
        from cluster.display import print_videos
        from cluster.one_shot import as_shown, catalog_of
        from footage.settings import load_settings

        settings = load_settings(profile)
        catalog = catalog_of(store, workspace, settings.s3)
        manifests = sorted(catalog.videos(), key=lambda manifest: manifest.sources[0].uri)
        quarantined = list(catalog.quarantine())
        if as_json:
            content = {
                "videos": [as_shown(manifest) for manifest in manifests],
                "quarantine": [record.model_dump() for record in quarantined],
            }
            print(json.dumps(content))
        else:
            print_videos(manifests, quarantined, settings.pipeline.max_attempts)


def _videos_about(query: str, store: str, index: str | None, profile: str, workspace: str, as_json: bool) -> None:
    with sentences():
        from cluster.display_hits import print_found_videos
        from cluster.one_shot import search_videos_once
        from footage.settings import load_settings
        from footage.video_search import VideoSearchRequest

        request = checked(VideoSearchRequest, query=query, workspace=workspace)
        response = search_videos_once(request, store, load_settings(profile), index)
        if as_json:
            print(response.model_dump_json())
        else:
            print_found_videos(response)


def show(
    video: Annotated[str, typer.Argument(help="A video: its id, the start of its id, or a file name.")],
    store: Store = DEFAULT_STORE,
    profile: Profile = "auto",
    workspace: Workspace = "default",
    as_json: Json = False,
) -> None:
    """Show the scenes of one video and what is said in them."""
    with sentences():
        from cluster.display import print_video
        from cluster.one_shot import as_shown, catalog_of, find_video
        from footage.settings import load_settings

        catalog = catalog_of(store, workspace, load_settings(profile).s3)
        manifest = find_video(catalog, video)
        found = [catalog.sidecar(manifest.video_id, scene.scene_id) for scene in manifest.scenes]
        # None: deleted meanwhile
        sidecars = [placed for sidecar in found if sidecar is not None and (placed := manifest.placed(sidecar))]
        if as_json:
            content = {"manifest": as_shown(manifest), "scenes": [sidecar.model_dump() for sidecar in sidecars]}
            print(json.dumps(content))
        else:
            print_video(manifest, sidecars)
