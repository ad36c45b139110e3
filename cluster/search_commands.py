"""`footage search`, `videos` and `show`: what people ask of an index."""

import json
from pathlib import Path
from typing import Annotated, Literal

import typer

from cluster.options import DEFAULT_STORE, Index, Json, Profile, Store, Workspace, checked, sentences
from footage.errors import SettingsError
from footage.identity import check_name
from footage.list_names import By, lists_of

Order = Literal["relevance", "date"]  # search.Sort, whose file brings more along than --help needs
Seconds = float | None


def search(
    query: Annotated[str | None, typer.Argument(help="What is said or seen, in a few words.")] = None,
    store: Store = DEFAULT_STORE,
    index: Index = None,
    profile: Profile = "auto",
    workspace: Workspace = "default",
    image: Annotated[Path | None, typer.Option(help="What looks like this picture; with words, both count.")] = None,
    scene: Annotated[str | None, typer.Option(help="What looks like this scene: its id, or VIDEO@TIME.")] = None,
    like: Annotated[
        str | None, typer.Option(help="What is like this scene in all: said, seen and captioned. Instead of words.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most this many hits.")] = 10,
    offset: Annotated[int, typer.Option(min=0, max=999, help="Go on after so many hits: the last answer says.")] = 0,
    video: Annotated[list[str] | None, typer.Option(help="Only in this video (id, start of it, or file name).")] = None,
    dataset: Annotated[str | None, typer.Option(help="Only in videos of this set.")] = None,
    language: Annotated[str | None, typer.Option(help="Only where this language is spoken, such as en.")] = None,
    from_s: Annotated[Seconds, typer.Option("--from", help="Only scenes that end after this second.")] = None,
    to_s: Annotated[Seconds, typer.Option("--to", help="Only scenes that begin before this second.")] = None,
    min_duration: Annotated[Seconds, typer.Option(help="Only scenes that last at least so many seconds.")] = None,
    max_duration: Annotated[Seconds, typer.Option(help="Only scenes that last at most so many seconds.")] = None,
    since: Annotated[str | None, typer.Option(help="Only what was indexed at this date or later: 2026-05-31.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="Only scenes with this tag; with several, all.")] = None,
    by: Annotated[list[By] | None, typer.Option(help="Only by this; with several, by all of them.")] = None,
    mode: Annotated[
        list[str] | None, typer.Option(help="How much spoken, seen or captioned counts: seen=0.5; 0 leaves it out.")
    ] = None,
    by_video: Annotated[bool, typer.Option("--by-video", help="Only the best scene of each video.")] = False,
    sort: Annotated[Order, typer.Option(help="The best first, or of what was found the latest indexed.")] = "relevance",
    diverse: Annotated[float, typer.Option(min=0, max=1, help="Towards 1, what is unlike earlier hits comes up.")] = 0,
    min_relevance: Annotated[
        float | None, typer.Option(min=0, max=1, help="Leave out what is less sure to answer; 0: leave out nothing.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Find scenes by what is said, by what is seen, by what their captions say, or by a picture or another scene."""
    with sentences():
        if like is not None and (query is not None or image is not None or scene is not None):
            raise SettingsError(
                "--like looks for what is like a scene in all: leave out the words, --image and --scene."
            )
        if like is None and query is None and image is None and scene is None:
            raise SettingsError('Say what to look for: words such as "red car", or --image, --scene or --like.')
        from cluster.display_hits import print_hits
        from cluster.one_shot import catalog_of, find_video, search_once
        from cluster.search_options import modes_of, moment, picture_of, scene_named
        from footage.search import SearchRequest, SimilarRequest
        from footage.settings import load_settings

        if dataset is not None:
            check_name("dataset", dataset)
        settings = load_settings(profile)
        catalog = catalog_of(store, workspace, settings.s3)
        scope = {
            "limit": limit,
            "offset": offset,
            "workspace": workspace,
            "video_ids": [find_video(catalog, name).video_id for name in video or []],
            "language": language,
            "tags": tag or [],
            "lists": lists_of(by or []),
            "modes": modes_of(mode or []),
            "from_s": from_s,
            "to_s": to_s,
            "min_duration_s": min_duration,
            "max_duration_s": max_duration,
            "indexed_since": moment(since) if since is not None else None,
            "dataset": dataset,
            "group_by_video": by_video,
            "sort": sort,
            "diversity": diverse,
            "min_relevance": min_relevance,
        }
        named = like if like is not None else scene
        scene_id = scene_named(catalog, named) if named is not None else None
        picture = picture_of(image, settings.serve.max_image_mib) if image is not None else None
        request = (
            checked(SearchRequest, query=query, scene_id=scene_id, **scope)
            if like is None
            else checked(SimilarRequest, scene_id=scene_id, **scope)
        )
        response = search_once(request, store, settings, index, picture)
        if as_json:
            print(response.model_dump_json())
        else:
            print_hits(response, like=named if image is None else image.name, first=offset + 1)


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
