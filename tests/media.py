"""Makes the videos that tests need, good and bad, with PyAV; nothing here is downloaded or stored.

Every maker takes the path to write and returns it. The good clips show three coloured scenes; the left half of a frame
is brighter than the right, so that a picture tells how it was turned.
"""

import struct
import zlib
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

from tests.media_damage import halve, picture_places, spoil, with_macroblocks

Picture = npt.NDArray[np.uint8]

RATE = 25
SCENES_S = (2.0, 2.4, 1.6)
CUTS_S = (2.0, 4.4)
DURATION_S = 6.0
SIZE = (192, 108)
SOUND_RATE_HZ = 48_000
COLORS = ((200, 40, 40), (40, 160, 60), (50, 60, 210), (210, 180, 40), (150, 40, 170), (30, 170, 190))
H264 = {"preset": "veryfast", "g": "50", "threads": "1"}


def picture(scene: int, frame: int, size: tuple[int, int] = SIZE) -> Picture:
    """An RGB frame of a scene: its colour, bright on the left, dark on the right, with a bar that moves."""
    width, height = size
    image = np.empty((height, width, 3), np.uint8)
    color = np.array(COLORS[scene % len(COLORS)])
    image[:, : width // 2] = color
    image[:, width // 2 :] = color // 2
    left = frame * 3 % (width - 8)
    image[height // 3 : height // 2, left : left + 8] = 255
    return image


def scene_pictures(scenes_s: Iterable[float], rate: int = RATE, size: tuple[int, int] = SIZE) -> Iterator[Picture]:
    """The frames of scenes that last so many seconds each."""
    number = 0
    for scene, seconds in enumerate(scenes_s):
        for _ in range(round(seconds * rate)):
            yield picture(scene, number, size)
            number += 1


def tone(start_s: float, end_s: float, rate_hz: int = SOUND_RATE_HZ, bursts_s: Iterable[float] = ()) -> Picture:
    """Mono s16 samples of silence with a loud burst of 0.1 s at each of these times."""
    at = np.arange(round(start_s * rate_hz), round(end_s * rate_hz)) / rate_hz
    loud = np.zeros(len(at), bool)
    for burst_s in bursts_s:
        loud |= (at >= burst_s) & (at < burst_s + 0.1)
    return (loud * 20_000 * np.sign(np.sin(2 * np.pi * 440 * at) + 0.001)).astype(np.int16)


def write_clip(
    path: Path,
    scenes_s: Iterable[float] = SCENES_S,
    *,
    codec: str = "libx264",
    codec_options: dict[str, str] | None = None,
    pixel_format: str = "yuv420p",
    container_format: str | None = None,
    container_options: dict[str, str] | None = None,
    frame_times_ms: list[int] | None = None,
    sound_codec: str | None = "aac",
    sound_parts_s: Iterable[tuple[float, float]] | None = None,
    bursts_s: Iterable[float] = (0.5, 2.5, 4.5),
    rate: int = RATE,
    size: tuple[int, int] = SIZE,
) -> Path:
    """Writes a clip; without `frame_times_ms` its frames are 1/rate s apart.

    `sound_parts_s` are the stretches of time that have samples at all (silence with bursts); the whole by default.
    """
    scenes = list(scenes_s)
    total_s = sum(scenes)
    options = H264 if codec_options is None else codec_options
    with av.open(str(path), "w", format=container_format, options=container_options or {}) as container:
        video = container.add_stream(codec, rate=rate, options=options)
        video.width, video.height, video.pix_fmt = *size, pixel_format
        if frame_times_ms is not None:
            video.time_base = video.codec_context.time_base = Fraction(1, 1000)
        sound = None
        if sound_codec is not None:
            sound = container.add_stream(sound_codec, rate=SOUND_RATE_HZ, layout="mono")
        parts = list(sound_parts_s or [(0.0, total_s)])
        blocks = _sound_blocks(parts, list(bursts_s), "s16" if sound_codec == "pcm_s16le" else "fltp") if sound else []
        waiting = iter(blocks)
        block = next(waiting, None)
        for number, image in enumerate(scene_pictures(scenes, rate, size)):
            frame = av.VideoFrame.from_ndarray(image, "rgb24")
            if frame_times_ms is None:
                frame.pts, frame.time_base = number, Fraction(1, rate)
            else:
                frame.pts, frame.time_base = frame_times_ms[number], Fraction(1, 1000)
            container.mux(video.encode(frame))
            while block is not None and sound is not None and block.time <= float(frame.pts * frame.time_base):
                container.mux(sound.encode(block))
                block = next(waiting, None)
        container.mux(video.encode())
        while block is not None and sound is not None:
            container.mux(sound.encode(block))
            block = next(waiting, None)
        if sound is not None:
            container.mux(sound.encode())
    return path


def _sound_blocks(parts_s: list[tuple[float, float]], bursts_s: list[float], sample_format: str) -> list[av.AudioFrame]:
    blocks = []
    for start_s, end_s in parts_s:
        samples = tone(start_s, end_s, bursts_s=bursts_s)
        first = round(start_s * SOUND_RATE_HZ)
        for offset in range(0, len(samples), 1024):
            part = samples[None, offset : offset + 1024]
            data = part if sample_format == "s16" else (part / 32768).astype(np.float32)
            block = av.AudioFrame.from_ndarray(np.ascontiguousarray(data), sample_format, "mono")
            block.sample_rate, block.pts, block.time_base = SOUND_RATE_HZ, first + offset, Fraction(1, SOUND_RATE_HZ)
            blocks.append(block)
    return blocks


def plain(path: Path) -> Path:
    """H.264 and AAC in MP4: DURATION_S long, cuts at CUTS_S."""
    return write_clip(path)


def silent(path: Path) -> Path:
    """The plain clip without a sound stream."""
    return write_clip(path, sound_codec=None)


def rotated(path: Path) -> Path:
    """The plain clip with a display matrix that turns it by 90 degrees clockwise: the bright half is on top."""
    data = bytearray(plain(path).read_bytes())
    matrix = data.find(b"tkhd") + 4 + 40  # ISO 14496-12, 8.3.2, version 0
    struct.pack_into(">9i", data, matrix, 0, 1 << 16, 0, -1 << 16, 0, 0, 0, 0, 1 << 30)
    path.write_bytes(data)
    return path


VARIABLE_TIMES_MS = [40 * number if number < 60 else 2400 + 100 * (number - 60) for number in range(100)]
VARIABLE_CUTS_S = (2.0, 4.5)
VARIABLE_DURATION_S = 6.4


def variable_frame_rate(path: Path) -> Path:
    """100 frames, 40 ms apart up to 2.4 s and 100 ms apart after; cuts at VARIABLE_CUTS_S."""
    # in frames: a cut at number 50 (2.0 s) and at number 81 (2.4 + 21 * 0.1 = 4.5 s)
    return write_clip(path, (2.0, 31 / RATE, 19 / RATE), frame_times_ms=VARIABLE_TIMES_MS, sound_codec=None)


def without_timestamps(path: Path) -> Path:
    """H.264 with B-frames in AVI, which stores no presentation times: frames can only be counted."""
    return write_clip(path, container_format="avi", sound_codec="mp3")


def broken_sound(path: Path) -> Path:
    """The plain clip with every packet of its sound replaced by nonsense."""
    plain(path)
    with av.open(str(path)) as container:
        places = [(packet.pos, packet.size) for packet in container.demux(audio=0) if packet.size]
    return spoil(path, places)


def text(path: Path) -> Path:
    """A text."""
    path.write_text("This is not a video, whatever its name says.\n" * 50)
    return path


def empty(path: Path) -> Path:
    """No bytes."""
    path.write_bytes(b"")
    return path


def audio_only(path: Path) -> Path:
    """AAC in MP4."""
    with av.open(str(path), "w", format="mp4") as container:
        sound = container.add_stream("aac", rate=SOUND_RATE_HZ, layout="mono")
        for block in _sound_blocks([(0.0, 2.0)], [0.5], "fltp"):
            container.mux(sound.encode(block))
        container.mux(sound.encode())
    return path


def truncated(path: Path) -> Path:
    """The first half of an MP4 whose index comes first."""
    write_clip(path, container_options={"movflags": "faststart"})
    return halve(path)


def cut_before_index(path: Path) -> Path:
    """The first half of an MP4 whose index comes last."""
    return halve(plain(path))


def png(path: Path) -> Path:
    """A picture of 64 x 64 pixels."""
    rows = b"".join(b"\0" + bytes(64 * 3) for _ in range(64))
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", 64, 64, 8, 2, 0, 0, 0)), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    data = b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in chunks
    )
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + data)
    return path


def playlist(path: Path, *targets: str) -> Path:
    """An HLS playlist that names files or URLs; by default a port of this machine where nobody listens."""
    names = targets or ("http://127.0.0.1:9/secret.ts",)
    entries = "".join(f"#EXTINF:10.0,\n{name}\n" for name in names)
    path.write_text(f"#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:10\n{entries}#EXT-X-ENDLIST\n")
    return path


def dangling_link(path: Path) -> Path:
    """A link to a file that does not exist."""
    path.symlink_to(path.with_name("gone.mp4"))
    return path


def enormous(path: Path) -> Path:
    """A Matroska of a few KB whose header, which is all that FFV1 goes by, declares 30,000 x 30,000 pixels."""
    write_clip(
        path, (0.2,), codec="ffv1", codec_options={}, container_format="matroska", sound_codec=None, size=(640, 360)
    )
    data = path.read_bytes()
    for element, value in ((b"\xb0\x82", 640), (b"\xba\x82", 360)):  # PixelWidth and PixelHeight, two bytes each
        old = element + struct.pack(">H", value)
        if data.count(old) != 1:
            raise AssertionError(f"{old!r} is not unique in the file")
        data = data.replace(old, element + struct.pack(">H", 30_000))
    path.write_bytes(data)
    return path


def enormous_inside(path: Path, size_px: int = 12_000) -> Path:
    """An MP4 that declares 192 x 112 pixels, with H.264 that is coded as `size_px` x `size_px`."""
    options = {**H264, "profile": "baseline"}
    write_clip(path, (0.2,), container_format="mp4", codec_options=options, sound_codec=None, size=(192, 112))
    data = bytearray(path.read_bytes())
    at = data.find(b"avcC")
    length = struct.unpack_from(">H", data, at + 10)[0]
    parameters = with_macroblocks(bytes(data[at + 12 : at + 12 + length]), size_px // 16)
    # the boxes around it, outermost first, grow with it; the index comes last, so no offset moves
    for box in (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd", b"avc1", b"avcC"):
        place = data.find(box) - 4
        struct.pack_into(">I", data, place, struct.unpack_from(">I", data, place)[0] + len(parameters) - length)
    struct.pack_into(">H", data, at + 10, len(parameters))
    data[at + 12 : at + 12 + length] = parameters
    path.write_bytes(data)
    return path


def undecodable(path: Path) -> Path:
    """An MP4 with a whole index, whose pictures are all nonsense."""
    return spoil(silent(path), picture_places(path))


def corrupt_middle(path: Path) -> Path:
    """The silent clip with three packets in its middle replaced by nonsense: too few to give it up."""
    return spoil(silent(path), picture_places(path)[60:63])


def corrupt_half(path: Path) -> Path:
    """The silent clip with every second packet replaced by nonsense."""
    return spoil(silent(path), picture_places(path)[1::2])


BAD = {
    "text.mp4": (text, "unsupported_container"),
    "truncated.mp4": (truncated, "truncated_video"),
    "cut-before-index.mp4": (cut_before_index, "truncated_video"),
    "empty.mp4": (empty, "empty_source"),
    "sound-only.mp4": (audio_only, "no_video_stream"),
    "picture.mkv": (png, "unsupported_container"),
    "playlist.mp4": (playlist, "unsupported_container"),
    "dangling.mp4": (dangling_link, "missing_source"),
    "enormous.mkv": (enormous, "video_too_large"),
    "enormous-inside.mp4": (enormous_inside, "video_too_large"),
    "nonsense.mp4": (undecodable, "undecodable_video"),
}


def make_bad_folder(folder: Path) -> dict[str, str]:
    """Fills a folder with videos that cannot be indexed; the failure code expected for each name."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, (make, _) in BAD.items():
        make(folder / name)
    return {name: code for name, (_, code) in BAD.items()}
