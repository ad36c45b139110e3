"""What can go wrong. A VideoError is bad input and costs its video; anything else stops the run.

Every message is a sentence for the user: it names the thing and says what to do about it.
"""

from typing import ClassVar


class FootageError(Exception):
    """Base of all errors that footage raises on purpose."""


class VideoError(FootageError):
    """One video, or one span of it, cannot be indexed. `code` is stored in the quarantine record."""

    code: ClassVar[str] = "video_error"


class MissingSource(VideoError):
    """The source cannot be opened: gone, a dangling link, no permission, not a regular file."""

    code = "missing_source"


class SourceChanged(VideoError):
    """The file was written to, or replaced, since it was listed: what was read may be two contents."""

    code = "source_changed"


class EmptySource(VideoError):
    """The source has no bytes."""

    code = "empty_source"


class UnsupportedContainer(VideoError):
    """Not one of the media containers that footage opens (a text, a picture, a playlist)."""

    code = "unsupported_container"


class UndecodableVideo(VideoError):
    """The container opens, but its video cannot be decoded."""

    code = "undecodable_video"


class TruncatedVideo(VideoError):
    """The data ends before the container says it should."""

    code = "truncated_video"


class NoVideoStream(VideoError):
    """The container has no moving pictures."""

    code = "no_video_stream"


class VideoTooLarge(VideoError):
    """Pixels, duration or number of streams are above the limits of the settings."""

    code = "video_too_large"


class DecoderCrashed(VideoError):
    """The decoder process died on this span each time it was tried."""

    code = "decoder_crashed"


class DecoderTimedOut(VideoError):
    """The decoder process did not end within its wall-clock or CPU limit."""

    code = "decoder_timed_out"


class DecoderOutOfMemory(VideoError):
    """The decoder process needed more than its address space."""

    code = "decoder_out_of_memory"


class WorkerLost(VideoError):
    """A worker died or stalled on this span each time it was tried."""

    code = "worker_lost"


class PartsDiffer(VideoError):
    """What `footage index --only` is to keep of the video is not there, or was made in another way."""

    code = "parts_differ"


class DecoderUnavailable(FootageError):
    """The decoder process cannot even start: the installation, not the video, is at fault."""


class IndexBusy(FootageError):
    """Another process owns the embedded index."""


class IndexFailed(FootageError):
    """The process that owns the embedded index could not answer a search."""


class IndexUnavailable(FootageError):
    """The server of the index does not answer, or refuses for now, after all tries: an outage."""


class IndexMismatch(FootageError):
    """The index was made with other models than the ones asked for, or for another store."""


class ModelMissing(FootageError):
    """A model cannot be had; the message names the ways out."""


class ModelUnavailable(FootageError):
    """A model server does not answer, or refuses every request: an outage, not the video's fault."""


class EncoderUnavailable(FootageError):
    """What encodes queries does not answer in time, or is away for the moment."""


class StoreError(FootageError):
    """The object store cannot be used."""


class StoreUnavailable(StoreError):
    """The object store does not answer, or refuses for now, after all tries: an outage, not the video's fault."""


class StoreRefused(StoreError):
    """The object store does not permit it to these credentials."""


class ObjectChanged(StoreError):
    """The object is another one than it was: it was written since it was listed, or while it was read."""


class LeaseLost(FootageError):
    """This run gave no sign of life for too long, and another one took over its videos."""


class ObjectMissing(StoreError):
    """No object has this key."""


class UnreadablePicture(FootageError):
    """A picture that is searched by cannot be decoded."""


class NoPicture(UnreadablePicture):
    """It is no picture at all, or of a kind that is not read."""


class PictureTooLarge(UnreadablePicture):
    """It has more pixels than permitted."""


class NoSuchVideo(FootageError):
    """No video of the workspace has this id."""


class NoSuchScene(FootageError):
    """No scene of the workspace that can be searched has this id."""


class SettingsError(FootageError):
    """A setting, a profile or an argument is wrong."""


class NothingThere(SettingsError):
    """A prefix of a bucket has no objects: it is misspelled, or nothing has arrived yet."""


class InstallationError(SettingsError):
    """A setting of the installation is wrong: of the bucket, say. Who asks a service for something cannot help it."""


class ReportedFailure(VideoError):
    """A VideoError that happened in another process, rebuilt from what that process reported."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.reported_code = code


def code_of(error: VideoError) -> str:
    """The code to store for this error."""
    return error.reported_code if isinstance(error, ReportedFailure) else error.code
