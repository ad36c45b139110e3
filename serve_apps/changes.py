"""What the service changes on behalf of a caller, each with its entry in the audit log."""

from dataclasses import dataclass
from datetime import UTC, datetime

from footage.audit_log import AuditLog
from footage.catalog import Catalog
from footage.dataset_changes import join_dataset, leave_dataset
from footage.deletion import Decision, Deleter
from footage.errors import NoSuchVideo
from footage.identity import check_name
from footage.lease_keeper import LeaseKeeper
from footage.leases import new_run_id
from footage.reindex_guard import refuse_during_reindex
from footage.remote_access import RemoteAccess
from footage.sources import is_present
from serve_apps.access import Caller
from serve_apps.api_types import Changed
from serve_apps.backend import Backend
from serve_apps.ids import checked_video


@dataclass(frozen=True)
class Changes:
    """Changes of one caller, in the caller's workspace."""

    backend: Backend
    caller: Caller

    @property
    def log(self) -> AuditLog:
        """Of the workspace."""
        return AuditLog(self.backend.store, self.caller.workspace)

    def delete_video(self, video_id: str, force: bool) -> Changed:
        """Remove a video from index and store; its sources stay as they are.

        Args:
            video_id: of the video.
            force: also if its source is there, or a dataset refers to it.

        Raises:
            NoSuchVideo: the workspace has none with this id.
            IndexBusy: the index is being rebuilt.
            StoreUnavailable: it cannot be told whether a source is there.
        """
        catalog = self._catalog_with(video_id)
        actor = self.caller.actor
        with self.log.noting_failure(actor, "delete video", video_id):
            decision = self._decide(catalog, video_id, force)
        self.backend.forget(self.caller.workspace, video_id)
        if decision is None:  # somebody else was faster
            raise _no_such_video(video_id)
        is_done = decision.action == "delete"
        self.log.add(actor, "delete video", video_id, "done" if is_done else "kept", decision.why)
        return Changed(done=is_done, detail=decision.why)

    def _decide(self, catalog: Catalog, video_id: str, force: bool) -> Decision | None:
        settings = self.backend.settings
        sources = RemoteAccess.of(settings)
        run_id, lease_s = new_run_id(datetime.now(UTC)), settings.pipeline.lease_s
        with LeaseKeeper(catalog, run_id, "DELETE /v1/videos", source="", lease_s=lease_s):
            refuse_during_reindex(catalog.store)
            deleter = Deleter(catalog, self.backend.index, lambda uri: is_present(uri, sources), run_id, lease_s, force)
            return next(deleter.videos([video_id]), None)

    def add_to_dataset(self, name: str, video_id: str) -> Changed:
        """Put a video into a dataset, which is made if it is not there.

        Raises:
            NoSuchVideo: the workspace has none with this id.
            SettingsError: the name cannot be one.
        """
        check_name("dataset", name)
        catalog = self._catalog_with(video_id)
        held = catalog.datasets.get(name, video_id)
        if held is not None and held.by_name:
            return Changed(done=False, detail=f"The video was in dataset {name} before.")
        actor, subject = self.caller.actor, f"{name}/{video_id}"
        with self.log.noting_failure(actor, "add to dataset", subject):
            is_done = join_dataset(catalog, name, video_id)
        self.backend.forget(self.caller.workspace, video_id)
        if not is_done:
            raise _no_such_video(video_id)
        self.log.add(actor, "add to dataset", subject)
        return Changed(done=True, detail=f"The video is in dataset {name}, and stays indexed while it is.")

    def remove_from_dataset(self, name: str, video_id: str) -> Changed:
        """Take a video out of a dataset; it stays indexed until `footage gc` if its source is gone.

        Raises:
            NoSuchVideo: the workspace has none with this id.
            SettingsError: the name cannot be one.
        """
        check_name("dataset", name)
        catalog = self._catalog_with(video_id)
        if catalog.datasets.get(name, video_id) is None:
            return Changed(done=False, detail=f"The video is not in dataset {name}.")
        actor, subject = self.caller.actor, f"{name}/{video_id}"
        with self.log.noting_failure(actor, "remove from dataset", subject):
            leave_dataset(catalog, name, video_id)
        self.backend.forget(self.caller.workspace, video_id)
        self.log.add(actor, "remove from dataset", subject)
        return Changed(done=True, detail=f"The video is not in dataset {name} any more. It stays indexed.")

    def _catalog_with(self, video_id: str) -> Catalog:
        """The catalog of the workspace, which has this video."""
        catalog = self.backend.catalog(self.caller.workspace)
        if catalog.manifest(checked_video(video_id)) is None:
            raise _no_such_video(video_id)
        return catalog


def _no_such_video(video_id: str) -> NoSuchVideo:
    return NoSuchVideo(f"There is no video {video_id!r} in this workspace; GET /v1/videos lists them.")
