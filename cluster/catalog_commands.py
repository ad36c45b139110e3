"""`footage delete`, `footage gc` and `footage datasets`: the books of a workspace, changed by hand."""

import json
from datetime import UTC, datetime
from typing import Annotated

import typer

from cluster.options import DEFAULT_STORE, Index, Json, Profile, Store, Workspace, sentences
from footage.errors import SettingsError

GRACE_HOURS = 24.0  # a run that was stopped is gone on with on the next day, or not at all

DryRun = Annotated[bool, typer.Option("--dry-run", help="Change nothing, and say what would be done.")]
Videos = Annotated[list[str], typer.Argument(help="Videos: ids, beginnings of ids, or file names.")]


def delete(
    videos: Annotated[
        list[str] | None, typer.Argument(help="Videos: ids, beginnings of ids, or file names.", show_default=False)
    ] = None,
    source: Annotated[
        str | None, typer.Option(help="The videos of a file, a folder, s3://bucket/prefix, or a URL.")
    ] = None,
    dataset: Annotated[str | None, typer.Option(help="This named set, and those of its videos that may go.")] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Also videos whose source is there, or (not with --dataset) in datasets.")
    ] = False,
    dry_run: DryRun = False,
    store: Store = DEFAULT_STORE,
    index: Index = None,
    profile: Profile = "auto",
    workspace: Workspace = "default",
    as_json: Json = False,
) -> None:
    """Remove videos from the index: vectors, sidecars, thumbnails. Their sources are never touched.

    A video stays while its source is there or a dataset refers to it, unless forced. One whose source is there is
    indexed anew by the next run over it.
    """
    with sentences():
        if sum(map(bool, (videos, source, dataset))) != 1:
            raise SettingsError("Say what to delete: videos, or --source URI, or --dataset NAME; one of them.")
        from cluster.audit_notes import HERE, noted_decisions
        from cluster.catalog_work import check_dataset, check_source, find_videos, opened
        from cluster.display_catalog import decision_as_json, print_decisions, print_json_list
        from footage.audit_log import AuditLog
        from footage.deletion import Deleter
        from footage.settings import load_settings

        settings = load_settings(profile)
        with opened("footage delete", store, index, workspace, settings, dry_run) as work:
            deleter = Deleter(
                work.catalog,
                work.index,
                work.is_present,
                work.run_id,
                settings.pipeline.lease_s,
                force=force,
                dry_run=dry_run,
            )
            if videos:
                decisions = deleter.videos([found.video_id for found in find_videos(work.catalog, videos)])
            elif source:
                check_source(work.catalog, source)
                decisions = deleter.source(source)
            else:
                check_dataset(work.catalog, dataset or "")
                decisions = deleter.dataset(dataset or "")
            log = AuditLog(work.catalog.store, workspace)
            noted = noted_decisions(decisions, log, dry_run)
            if as_json:
                print_json_list({"dry_run": dry_run}, "decisions", map(decision_as_json, noted))
            else:
                print_decisions(noted, dry_run)
            if dataset and not dry_run:
                log.add(HERE, "delete dataset", dataset)


def gc(
    grace: Annotated[
        float, typer.Option(min=0, help="Hours that what a stopped run left behind is kept for it to go on with.")
    ] = GRACE_HOURS,
    dry_run: DryRun = False,
    store: Store = DEFAULT_STORE,
    index: Index = None,
    profile: Profile = "auto",
    workspace: Workspace = "default",
    as_json: Json = False,
) -> None:
    """Look through all that is stored of a workspace, and bring into order what is not.

    Videos go that no source has and no dataset refers to; so does what runs and deletions that were killed left
    behind. What a live run works on is passed over.
    """
    with sentences():
        from cluster.audit_notes import noted_mending
        from cluster.catalog_work import opened
        from cluster.display_catalog import mended_as_json, print_json_list, print_mended
        from footage.audit_log import AuditLog
        from footage.garbage import Inspector
        from footage.mending import Mender
        from footage.settings import load_settings

        settings = load_settings(profile)
        with opened("footage gc", store, index, workspace, settings, dry_run) as work:
            inspector = Inspector(
                work.catalog, work.index, work.is_present, datetime.now(UTC), grace * 3600, work.run_id
            )
            mended = Mender(inspector, settings.pipeline.lease_s, dry_run).collect()
            found = noted_mending(mended, AuditLog(work.catalog.store, workspace))
            if as_json:
                print_json_list({"dry_run": dry_run}, "findings", map(mended_as_json, found))
            else:
                print_mended(found, dry_run)


def datasets(
    name: Annotated[str | None, typer.Argument(help="List the videos of this one.", show_default=False)] = None,
    store: Store = DEFAULT_STORE,
    profile: Profile = "auto",
    workspace: Workspace = "default",
    as_json: Json = False,
) -> None:
    """List the named sets of videos, or the videos of one. `datasets add` and `datasets remove` change them."""
    with sentences():
        from cluster.catalog_work import check_dataset
        from cluster.display_catalog import print_dataset, print_datasets
        from cluster.one_shot import catalog_of
        from footage.settings import load_settings

        catalog = catalog_of(store, workspace, load_settings(profile).s3)
        if name is None:
            sizes = {found: sum(1 for _ in catalog.datasets.videos(found)) for found in catalog.datasets.names()}
            if as_json:
                print(json.dumps({"datasets": sizes}))
            else:
                print_datasets(sizes)
            return
        check_dataset(catalog, name)
        if as_json:
            print(json.dumps({"dataset": name, "videos": list(catalog.datasets.videos(name))}))
        else:
            print_dataset((video_id, catalog.manifest(video_id)) for video_id in catalog.datasets.videos(name))


def datasets_add(
    name: Annotated[str, typer.Argument(help="A named set; made if it is not there.")],
    videos: Videos,
    store: Store = DEFAULT_STORE,
    profile: Profile = "auto",
    workspace: Workspace = "default",
) -> None:
    """Put indexed videos into a named set. Nothing of them is copied, and they stay while they are in it."""
    with sentences():
        from cluster.audit_notes import HERE
        from cluster.catalog_work import find_videos
        from cluster.one_shot import catalog_of
        from footage.audit_log import AuditLog
        from footage.dataset_changes import join_dataset
        from footage.identity import check_name
        from footage.settings import load_settings

        check_name("dataset", name)
        catalog = catalog_of(store, workspace, load_settings(profile).s3)
        log = AuditLog(catalog.store, workspace)
        for manifest in find_videos(catalog, videos):
            if not join_dataset(catalog, name, manifest.video_id):
                raise SettingsError(f"Video {manifest.video_id} has just been deleted.")
            log.add(HERE, "add to dataset", f"{name}/{manifest.video_id}")


def datasets_remove(
    name: Annotated[str, typer.Argument(help="A named set; gone when it has no videos.")],
    videos: Videos,
    store: Store = DEFAULT_STORE,
    profile: Profile = "auto",
    workspace: Workspace = "default",
) -> None:
    """Take videos out of a named set. They stay indexed; `footage gc` removes those whose source is gone."""
    with sentences():
        from cluster.audit_notes import HERE
        from cluster.catalog_work import check_dataset, find_videos
        from cluster.one_shot import catalog_of
        from footage.audit_log import AuditLog
        from footage.dataset_changes import leave_dataset
        from footage.settings import load_settings

        catalog = catalog_of(store, workspace, load_settings(profile).s3)
        check_dataset(catalog, name)
        log = AuditLog(catalog.store, workspace)
        for manifest in find_videos(catalog, videos):
            leave_dataset(catalog, name, manifest.video_id)
            log.add(HERE, "remove from dataset", f"{name}/{manifest.video_id}")
