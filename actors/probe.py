"""What a video is, found out before it is cut into spans: reads every packet once, decodes only the first frames."""

import heapq
import itertools
import math
import shlex
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import av
import av.logging

from actors.key_frames import quarter_turns, shown_size
from actors.media_file import MediaFile, declared_pixels, open_media, refuse_duration, refuse_pixels
from footage.decoder_settings import DecoderLimits
from footage.errors import TruncatedVideo, UndecodableVideo, VideoTooLarge
from footage.records import Video

REORDER = 16  # H.264 and HEVC reorder at most this many pictures
MAX_OUT_OF_ORDER_SHARE = 0.01  # stamps that repeat or fall back a little; a decoder drops those frames
MAX_BACKWARD_S = 1.0  # a stamp that falls back further starts another clock
MISSING_S, MISSING_SHARE = 1.0, 0.02  # a file that ends this much before its declared end was cut off
MAX_PACKETS_TO_FIRST_FRAME = 600  # a recording may begin in the middle of a group of pictures
FRAMES_TO_CHECK = 12  # whose times must rise where the container stores no presentation times
STORES_NO_PRESENTATION_TIMES = "avi"


@dataclass(slots=True)
class _Stamps:
    """Whether presentation times exist and rise once packets are put in order; bounded memory."""

    pending: list[float] = field(default_factory=list)
    latest_s: float = -math.inf
    packets: int = 0
    missing: int = 0
    out_of_order: int = 0
    clocks_jump_back: bool = False

    def add(self, time_s: float | None) -> None:
        self.packets += 1
        if time_s is None:
            self.missing += 1
            return
        heapq.heappush(self.pending, time_s)
        if len(self.pending) > REORDER:
            first_s = heapq.heappop(self.pending)
            self.out_of_order += first_s <= self.latest_s
            self.clocks_jump_back = self.clocks_jump_back or first_s < self.latest_s - MAX_BACKWARD_S
            self.latest_s = max(self.latest_s, first_s)

    @property
    def are_usable(self) -> bool:
        wrong = self.missing + self.out_of_order
        return not self.clocks_jump_back and wrong <= MAX_OUT_OF_ORDER_SHARE * self.packets


@dataclass(frozen=True, slots=True)
class _FirstFrame:
    time_s: float | None
    width_px: int
    height_px: int
    rotation_deg: int
    times_rise: bool


def probe(path: Path, limits: DecoderLimits) -> Video:
    """Reads a video file to its end and says what it is.

    Raises:
        VideoError: the file is no video, is cut off, does not decode or is too large; see media_file.open_media.
    """
    with open_media(path, limits) as media:
        first = _first_frame(media, limits)
    with open_media(path, limits) as media:  # anew: not every container can be read from the start again
        stamps, picture_end_s, end_s = _read_packets(media)
        _refuse_cut_off(media, end_s, picture_end_s)
        has_timestamps = stamps.are_usable and first.times_rise
        duration_s = picture_end_s if has_timestamps else float(stamps.packets / media.frame_rate)
        refuse_duration(path.name, duration_s, limits)
        if not has_timestamps and duration_s > limits.max_untimed_s:
            raise VideoTooLarge(
                f"{path.name} carries no usable time stamps, so it cannot be divided, and is {duration_s:,.0f} s long; "
                f"the limit is {limits.max_untimed_s:,.0f} s. Give it time stamps (ffmpeg -fflags +genpts -i "
                f"{shlex.quote(path.name)} -c copy {shlex.quote(path.stem + '.mkv')}), or raise "
                "decoder.limits.max_untimed_s."
            )
        return Video(
            duration_s=duration_s,
            first_frame_s=(first.time_s or 0.0) if has_timestamps else 0.0,
            width_px=first.width_px,
            height_px=first.height_px,
            rotation_deg=first.rotation_deg,
            frame_rate=float(media.frame_rate),
            video_codec=media.video.codec_context.codec.canonical_name,
            has_audio=media.audio is not None,
            has_timestamps=has_timestamps,
        )


def _first_frame(media: MediaFile, limits: DecoderLimits) -> _FirstFrame:
    wanted = FRAMES_TO_CHECK if media.container.format.name == STORES_NO_PRESENTATION_TIMES else 1
    frames: list[av.VideoFrame] = []
    with av.logging.Capture() as log, closing(media.packets(media.video)) as packets:
        for count, packet in enumerate(packets):
            try:
                frames += packet.decode()
            except MemoryError:
                raise
            except av.error.FFmpegError as error:
                refuse_pixels(media.name, *declared_pixels(log), limits)
                if isinstance(error, av.error.ArgumentError):
                    raise UndecodableVideo(f"{media.name} cannot be decoded: {error.strerror}. Convert it.") from error
            if len(frames) >= wanted or (count >= MAX_PACKETS_TO_FIRST_FRAME and not frames):
                break
    if not frames:
        raise UndecodableVideo(f"No frame of {media.name} could be decoded. Copy the file again, or convert it.")
    frame = frames[0]
    width, height = shown_size(frame, media.video.sample_aspect_ratio)
    turns = quarter_turns(frame)
    times = [None if f.pts is None else max(0.0, media.seconds(f.pts, f.time_base)) for f in frames[:wanted]]
    known = [time for time in times if time is not None]
    return _FirstFrame(
        time_s=times[0],
        width_px=height if turns % 2 else width,
        height_px=width if turns % 2 else height,
        rotation_deg=90 * turns,
        times_rise=len(known) == len(times) and all(a < b for a, b in itertools.pairwise(known)),
    )


def _read_packets(media: MediaFile) -> tuple[_Stamps, float, float]:
    """The time stamps of the pictures, when the last of them ends, and when the last packet of any kind ends."""
    stamps = _Stamps()
    picture_end_s = end_s = 0.0
    streams = [media.video, *([media.audio] if media.audio is not None else [])]
    for packet in media.packets(*streams):
        if packet.size == 0 and packet.pts is None and packet.dts is None:
            continue  # the end: it flushes a codec
        stamp = packet.dts if packet.pts is None else packet.pts
        time_s = None if stamp is None else media.seconds(stamp, packet.time_base)
        packet_end_s = 0.0 if stamp is None else media.end_s(stamp, packet.duration, packet.time_base)
        if packet.stream is media.video:
            stamps.add(None if packet.pts is None else time_s)
            picture_end_s = max(picture_end_s, packet_end_s)
        end_s = max(end_s, packet_end_s)
    return stamps, picture_end_s, end_s


def _refuse_cut_off(media: MediaFile, end_s: float, picture_end_s: float) -> None:
    """Raises TruncatedVideo where the data ends clearly before what the container declares."""
    checks = [(end_s, (media.container.duration or 0) / av.time_base)]
    if media.video.duration is not None:
        start_s = media.seconds(media.video.start_time or 0, media.video.time_base)
        checks.append((picture_end_s, start_s + float(media.video.duration * media.video.time_base)))
    if media.container.format.name == STORES_NO_PRESENTATION_TIMES and media.video.frames:
        checks.append((picture_end_s, float(media.video.frames / media.frame_rate)))
    for found_s, declared_s in checks:
        if found_s < declared_s - max(MISSING_S, MISSING_SHARE * declared_s):
            raise TruncatedVideo(
                f"{media.name} ends after {found_s:.1f} s of the {declared_s:.1f} s that it declares: only a part "
                "of it is there. Copy the file again."
            )
