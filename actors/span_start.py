"""Seeks to where the decoding of a span must begin. A seek that lands late is never trusted."""

from contextlib import closing

import av

from actors.media_file import MediaFile

FIRST_STEP_S = 1.0  # doubled at each try
MAX_SOUND_STEP_S = 8.0  # sound that is not found this far back is taken for absent: it may begin late in the video
MAX_PACKETS = 2000  # read at a place before it is judged: key frames lie further apart in few files


def seek_before(media: MediaFile, picture_s: float, sound_s: float | None) -> float | None:
    """Positions the container so that the first key frame read is shown at or before `picture_s` (video time).

    With `sound_s` it also tries to have sound from there on: it may lie before the pictures of its time in the file.

    Returns:
        The time at which that key frame is shown; None if no place suits: the file must be read from its start.
    """
    step_s = 0.0
    while picture_s - step_s > 0:
        if _seek(media, picture_s - step_s):
            key_s, first_sound_s = _first_times(media, sound_s is not None)
            sound_is_late = sound_s is not None and (first_sound_s is None or first_sound_s > sound_s)
            if key_s is not None and key_s <= picture_s and (not sound_is_late or step_s >= MAX_SOUND_STEP_S):
                _seek(media, picture_s - step_s)
                return key_s
        step_s = max(FIRST_STEP_S, 2 * step_s)
    return None


def _seek(media: MediaFile, time_s: float) -> bool:
    """Whether the demuxer found a place; backward, so that it takes the key frame before."""
    offset = int((time_s + float(media.start_s)) / float(media.video.time_base))
    try:
        media.container.seek(offset, stream=media.video, backward=True)
    except av.error.FFmpegError:
        return False  # no entry of the index lies before
    return True


def _first_times(media: MediaFile, wants_sound: bool) -> tuple[float | None, float | None]:
    """When the first key frame read from here is shown and when the first sound is heard; None where not found."""
    key_s = sound_s = None
    streams = [media.video, *([media.audio] if wants_sound and media.audio is not None else [])]
    with closing(media.packets(*streams)) as packets:
        for count, packet in enumerate(packets):
            if packet.pts is not None:
                time_s = media.seconds(packet.pts, packet.time_base)
                if packet.stream is media.audio:
                    sound_s = time_s if sound_s is None else sound_s
                elif packet.is_keyframe and key_s is None:
                    key_s = time_s
            if count >= MAX_PACKETS or (key_s is not None and (sound_s is not None or not wants_sound)):
                break
    return key_s, sound_s
