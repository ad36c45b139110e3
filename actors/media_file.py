"""Opens a video file with PyAV: media containers only, the file alone, and nothing larger than the limits.

A playlist, or a container that names other files, would let an input read local files or reach the network. So formats
come from a list (FORMATS), the only protocol is a plain file, and the file is opened by descriptor.
"""

import re
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import av.logging

from actors.box_walk import ends_before_its_index
from actors.file_kind import refusal
from actors.sound_track import by_preference, first_that_decodes
from actors.source_check import refuse_unreadable
from footage.decoder_settings import DecoderLimits
from footage.errors import NoVideoStream, TruncatedVideo, UndecodableVideo, UnsupportedContainer, VideoTooLarge

# libav's names of containers that hold media themselves. Never hls, dash, concat, image2, sdp or the like: those read
# what their text names. A mov's external data references stay off (enable_drefs is off by default); libav's mxf knows
# essence in the file itself only, its locators are not read.
FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,mpegts,mpeg,avi,flv,ogg,asf,mxf"
READ_BUFFER_BYTES = 1 << 20  # with 32 KiB, PyAV's default, a slow disk is asked too often
LogLines = list[tuple[int, str, str]]  # libav: level, who, what
MAX_REFUSALS_IN_A_ROW = 64  # unreadable places that the demuxer may step over before the rest counts as lost


@dataclass(frozen=True)
class MediaFile:
    """An open container, its streams of interest, and the zero of video time."""

    path: Path
    container: av.container.InputContainer
    video: av.VideoStream
    audio: av.AudioStream | None
    start_s: Fraction  # the container's start on its own clock: 0 of video time
    frame_rate: Fraction  # frames per second on average; 25 where the container does not say

    @property
    def name(self) -> str:
        """The file's name, for messages."""
        return self.path.name

    def seconds(self, ticks: int, time_base: Fraction) -> float:
        """A time stamp as seconds of video time, rounded once."""
        # in integers: Fractions took 15 us a frame, a fifth of what scoring it takes
        denominator = time_base.denominator * self.start_s.denominator
        start = self.start_s.numerator * time_base.denominator
        return (ticks * time_base.numerator * self.start_s.denominator - start) / denominator

    def end_s(self, ticks: int, lasts_ticks: int | None, time_base: Fraction) -> float:
        """When what begins at `ticks` ends; without a duration it lasts as long as an average frame."""
        lasts_s = lasts_ticks * time_base if lasts_ticks else 1 / self.frame_rate
        return float(ticks * time_base + lasts_s - self.start_s)

    def packets(self, *streams: av.stream.Stream) -> Generator[av.Packet, None, None]:
        """The packets of these streams from here to the end, then one empty packet per stream, which flushes its codec.

        Places that the demuxer cannot make out are stepped over; where they do not end, the file does.

        Raises:
            MissingSource: the system cannot read the file any more.
        """
        return _packets(self.path, self.container, streams)


@contextmanager
def open_media(path: Path, limits: DecoderLimits, audio_language: str | None = None) -> Iterator[MediaFile]:
    """Opens a file and picks its video stream and the sound track to hear (see sound_track).

    Raises:
        UnsupportedContainer: no known container, or one that footage does not open.
        TruncatedVideo: the file ends before its index.
        UndecodableVideo: the index is damaged, or there is no decoder for the codec.
        NoVideoStream: no moving pictures.
        VideoTooLarge: it declares more pixels, seconds or streams than the limits allow.
        MissingSource: the system cannot read it.
    """
    with path.open("rb") as file, av.logging.Capture() as log:
        container = _open(path, file.fileno(), limits, log)
        with container:
            _check_limits(path.name, container, limits, log)
            video = _video_stream(path.name, container)
            audio = _sound_track(path, container, audio_language, lambda: _open(path, file.fileno(), limits, log))
            for stream in container.streams:
                if stream not in (video, audio):
                    stream.discard = av.stream.Discard.all
            for stream in (video, audio):
                if stream is not None:
                    stream.thread_type = "NONE"
                    stream.codec_context.thread_count = 1
            video.codec_context.options = {"max_pixels": str(limits.max_pixels)}
            rate = video.average_rate or video.guessed_rate or Fraction(25)
            yield MediaFile(path, container, video, audio, _start_s(container), rate)


def declared_pixels(log: LogLines) -> tuple[int, int]:
    """The largest picture size, width and height, that libav complained about; (0, 0) if it did not."""
    sizes = [re.search(r"[Pp]icture size (\d+)x(\d+)", message) for _, _, message in log]
    return max(((int(m[1]), int(m[2])) for m in sizes if m), key=lambda size: size[0] * size[1], default=(0, 0))


def refuse_pixels(name: str, width_px: int, height_px: int, limits: DecoderLimits) -> None:
    """Raises VideoTooLarge if a picture of this size is above the limit."""
    if width_px * height_px > limits.max_pixels:
        raise VideoTooLarge(
            f"{name} declares pictures of {width_px} x {height_px} pixels; the limit is {limits.max_pixels:,} pixels. "
            "If it is a real video, raise decoder.limits.max_pixels."
        )


def _open(path: Path, descriptor: int, limits: DecoderLimits, log: LogLines) -> av.container.InputContainer:
    options = {
        "format_whitelist": FORMATS,
        "protocol_whitelist": "file",
        "max_pixels": str(limits.max_pixels),
        "max_streams": str(limits.max_streams + 1),  # one more, so that too many can be told from exactly enough
    }
    try:
        # by descriptor: a path may hold a colon, which libav takes for a protocol, or bytes that are no text
        return av.open(
            f"/proc/self/fd/{descriptor}", options=options, buffer_size=READ_BUFFER_BYTES, metadata_errors="replace"
        )
    except (av.error.FFmpegError, MemoryError) as error:
        if any("max_streams" in message for _, _, message in log):
            raise VideoTooLarge(_too_many_streams(path.name, limits)) from error
        if isinstance(error, MemoryError):
            raise
        if isinstance(error, OSError):
            refuse_unreadable(path, error)
        refuse_pixels(path.name, *declared_pixels(log), limits)
        if ends_before_its_index(path):
            raise TruncatedVideo(
                f"{path.name} ends before its index was written: only a part of it is there. Copy the file again."
            ) from error
        raise UnsupportedContainer(refusal(path)) from error


def _too_many_streams(name: str, limits: DecoderLimits) -> str:
    return (
        f"{name} has more than {limits.max_streams} streams. If it is a real video, raise decoder.limits.max_streams."
    )


def _check_limits(name: str, container: av.container.InputContainer, limits: DecoderLimits, log: LogLines) -> None:
    if len(container.streams) > limits.max_streams or any("max_streams" in message for _, _, message in log):
        raise VideoTooLarge(_too_many_streams(name, limits))
    refuse_pixels(name, *declared_pixels(log), limits)
    for stream in container.streams.video:
        if stream.codec_context is not None:
            refuse_pixels(name, stream.codec_context.width, stream.codec_context.height, limits)
    refuse_duration(name, (container.duration or 0) / av.time_base, limits)


def refuse_duration(name: str, duration_s: float, limits: DecoderLimits) -> None:
    """Raises VideoTooLarge if a video of this many seconds is above the limit."""
    if duration_s > limits.max_duration_s:
        raise VideoTooLarge(
            f"{name} is {duration_s:,.0f} s long; the limit is {limits.max_duration_s:,.0f} s. "
            "If it is a real video, raise decoder.limits.max_duration_s."
        )


def _video_stream(name: str, container: av.container.InputContainer) -> av.VideoStream:
    still = av.stream.Disposition.attached_pic | av.stream.Disposition.still_image
    moving = [stream for stream in container.streams.video if not stream.disposition & still]
    if not moving:
        what = (
            "sound and cover art" if container.streams.video else "sound" if container.streams.audio else "no pictures"
        )
        raise NoVideoStream(f"{name} has no moving pictures ({what} only); footage indexes videos. Leave it out.")
    best = container.streams.best("video")
    stream = best if best in moving else moving[0]
    if stream.codec_context is None:
        raise UndecodableVideo(f"{name} is coded in a way that has no decoder here; convert it, to H.264 for example.")
    return stream


def _packets(
    path: Path, container: av.container.InputContainer, streams: Sequence[av.stream.Stream]
) -> Generator[av.Packet, None, None]:
    refusals = 0
    while True:
        try:
            for packet in container.demux(*streams):
                refusals = 0
                yield packet
        except av.error.InvalidDataError:
            refusals += 1
            if refusals < MAX_REFUSALS_IN_A_ROW:
                continue
        except av.error.FFmpegError as error:
            if not isinstance(error, OSError):
                raise
            refuse_unreadable(path, error)
        return


def _sound_track(
    path: Path,
    container: av.container.InputContainer,
    language: str | None,
    open_again: Callable[[], av.container.InputContainer],
) -> av.AudioStream | None:
    tracks = by_preference(container.streams.audio, language)
    if len(tracks) < 2:
        return tracks[0] if tracks else None
    with open_again() as trial:  # not every container can be read from the start again
        indexes = [track.index for track in tracks]
        streams = [stream for stream in trial.streams if stream.index in indexes or stream.type == "video"]
        with closing(_packets(path, trial, streams)) as packets:
            chosen = first_that_decodes(packets, indexes)
    return next(track for track in tracks if track.index == chosen)


def _start_s(container: av.container.InputContainer) -> Fraction:
    """The container's start exactly: libav rounds it to microseconds, the stream that starts first knows better."""
    if container.start_time is None:
        return Fraction(0)
    rounded = Fraction(container.start_time, av.time_base)
    starts = [s.start_time * s.time_base for s in container.streams if s.start_time is not None and s.time_base]
    nearest = min(starts, key=lambda start: abs(start - rounded), default=rounded)
    return nearest if abs(nearest - rounded) <= Fraction(1, av.time_base) else rounded
