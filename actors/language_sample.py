"""Sound from all over a video, by which its language is told: the same for every span of it."""

from contextlib import closing
from pathlib import Path

import av

from actors.media_file import MediaFile, open_media
from actors.span_audio import SpanAudio
from footage.decoder_settings import DecoderSettings

# 60 s (1.9 MB) are two windows of Whisper, and little beside a span. Six places, since a film begins with music and has
# long stretches without a word: where a quarter of it is speech, all of six points miss it in 18 % of cases, all of
# two (30 s pieces) in 56 %. Ten seconds each, since a language is told far better from 10 s than from 3 (the durations
# of NIST's language recognition evaluations: 3, 10 and 30 s), and hold a whole sentence.
PIECES = 6
PIECE_S = 10.0
WARM_UP_S = 1.0  # a codec's first frames after a seek lean on those before
MAX_PACKETS = 20_000  # of sound, read for one piece: a seek may land far before it


def language_sample(path: Path, settings: DecoderSettings, duration_s: float) -> bytes:
    """Pieces of sound, evenly placed over a video of this many seconds, one after the other.

    Returns:
        Mono, records.AUDIO_RATE_HZ, s16 little-endian, at most PIECES * PIECE_S long; of a shorter video all of it.
        Empty without sound. Damaged packets are left out, and so are pieces where nothing is found.

    Raises:
        VideoError: the file cannot be opened (see media_file).
    """
    each_s = duration_s / PIECES
    length_s = min(PIECE_S, each_s)
    starts_s = [(piece + 0.5) * each_s - length_s / 2 for piece in range(PIECES)]
    with open_media(path, settings.limits, settings.audio_language) as media:
        if media.audio is None:
            return b""
        return b"".join(_piece(media, media.audio, start_s, start_s + length_s) for start_s in starts_s)


def _piece(media: MediaFile, track: av.AudioStream, start_s: float, end_s: float) -> bytes:
    def seconds_of(frame: av.AudioFrame) -> float | None:
        return None if frame.pts is None else media.seconds(frame.pts, frame.time_base)

    place_s = max(0.0, start_s - WARM_UP_S) + float(media.start_s)
    media.video.discard = av.stream.Discard.default  # a transport stream is sought by their packets
    try:
        # by the pictures: Matroska indexes no sound, and would be read from its start
        media.container.seek(int(place_s / float(media.video.time_base)), stream=media.video, backward=True)
    except av.error.FFmpegError:
        return b""  # no entry of the index lies before
    media.video.discard = av.stream.Discard.all
    sound = SpanAudio(start_s, seconds_of)
    with closing(media.packets(track)) as packets:
        for count, packet in enumerate(packets):
            stamp = packet.dts if packet.pts is None else packet.pts
            time_s = start_s if stamp is None else media.seconds(stamp, packet.time_base)
            if time_s >= end_s or count >= MAX_PACKETS:
                break
            if time_s < start_s - 2 * WARM_UP_S:
                continue
            try:
                for frame in packet.decode():
                    sound.add(frame)
            except MemoryError:
                raise
            except av.error.FFmpegError:
                continue  # broken sound does not lose the pictures
    return sound.cut(start_s, end_s)[0]
