"""One decoding pass over a span: its scenes, their pictures, and its sound. Runs in the decoder process."""

from contextlib import closing, suppress
from fractions import Fraction

import av

from actors.cuts import CutRule
from actors.frame_score import FrameScorer
from actors.key_frames import KeyFrames
from actors.media_file import MediaFile, open_media
from actors.pieces import PieceRule
from actors.sound_track import track_words
from actors.span_audio import SpanAudio
from actors.span_request import SceneResult, SpanRequest, SpanResult
from actors.span_start import seek_before
from footage.decoder_settings import DecoderSettings
from footage.errors import UndecodableVideo

AUDIO_MARGIN_S = 1.0  # sound before the first and after the last scene, so that words at the edges are heard whole
AUDIO_SKEW_S = 10.0  # how far behind the pictures the sound may lie in a file; what lies further is left out
# Tried in turn: some frames must come before the first that is judged (warm_up_frames of the rule), and where the frame
# rate varies they may lie far apart. After the last the file is decoded from its start.
WARM_UP_S = (0.0, 10.0, 60.0)
MAX_DAMAGED_SHARE = 0.1  # more packets refused than this: the scenes would be guesses


def decode_span(request: SpanRequest, settings: DecoderSettings) -> SpanResult:
    """Decodes the scenes that start in a span.

    Decoding begins early enough to decide the span's first boundaries and goes on until the last scene's end is known,
    so the scenes of all spans of a video are the scenes of one pass over it.

    Raises:
        VideoError: the file cannot be opened (see media_file), no frame decodes, or too many packets are damaged.
    """
    rule = _rule_of(settings)
    for warm_up_s in () if request.is_first or not request.has_timestamps else WARM_UP_S:
        with suppress(_LateStart), open_media(request.path, settings.limits, settings.audio_language) as media:
            first_key_s = _seek(media, request, rule, warm_up_s)
            if first_key_s is None:
                break
            return _SpanPass(media, request, settings, first_key_s).run()
    with open_media(request.path, settings.limits, settings.audio_language) as media:
        return _SpanPass(media, request, settings, None).run()


class _LateStart(Exception):
    """After a seek too few frames came before the first that counts."""


def _rule_of(settings: DecoderSettings) -> CutRule | PieceRule:
    """Where scenes begin and end."""
    return CutRule.of(settings) if settings.segmentation == "cuts" else PieceRule.of(settings)


def _seek(media: MediaFile, request: SpanRequest, rule: CutRule | PieceRule, warm_up_s: float) -> float | None:
    """Goes to where decoding must begin; the time of the key frame there, None where only the file's start will do."""
    warm_up_s += (rule.warm_up_frames + 1) / float(media.frame_rate)
    picture_s = rule.judged_from_s(request.start_s) - warm_up_s
    sound_s = request.start_s - AUDIO_MARGIN_S
    if min(picture_s, sound_s) <= request.first_frame_s:
        return None
    return seek_before(media, picture_s, sound_s if request.has_audio and media.audio is not None else None)


class _SpanPass:
    """The state of one pass, which begins with the key frame at `first_key_s`; None: at the start of the file."""

    def __init__(
        self, media: MediaFile, request: SpanRequest, settings: DecoderSettings, first_key_s: float | None
    ) -> None:
        self._media = media
        self._request = request
        self._rule = _rule_of(settings)
        self._first_key_s = first_key_s
        self._key_seen = first_key_s is None
        self._judged_from_s = self._rule.judged_from_s(request.start_s)
        self._warm_up_frames = 0
        self._finder = self._rule.finder(request.first_frame_s, from_video_start=first_key_s is None)
        self._scorer = FrameScorer(settings.analysis_width_px) if isinstance(self._rule, CutRule) else None
        self._pictures = KeyFrames(settings, media.video.sample_aspect_ratio)
        self._hears = request.has_audio and media.audio is not None
        self._audio = SpanAudio(request.start_s - AUDIO_MARGIN_S, self._audio_seconds) if self._hears else None
        self._scenes: list[SceneResult] = []
        self._open_scene_s = 0.0 if request.is_first else None  # start of the scene that is not closed yet
        self._scenes_done = False
        self._last_s: float | None = None  # time of the last frame that counted
        self._last_stamp: tuple[int, int, Fraction] | None = None  # its pts, duration and time base
        self._video_end_s: float | None = None  # known if the file was decoded to its end
        self._decoded = self._packets = self._damaged = self._sound_damaged = 0
        self._damaged_before_first = 0  # a file may begin in the middle of a group of pictures

    def run(self) -> SpanResult:
        streams = [self._media.video, *([self._media.audio] if self._hears else [])]
        # closing: an abandoned generator keeps the container's read buffer
        with closing(self._media.packets(*streams)) as packets:
            for packet in packets:
                if packet.stream is self._media.video:
                    if not self._scenes_done:
                        self._take_picture_packet(packet)
                    elif self._is_past(packet, AUDIO_MARGIN_S + AUDIO_SKEW_S):
                        break
                elif not self._take_sound_packet(packet) and self._scenes_done:
                    break
                if self._scenes_done and (self._audio is None or not self._scenes):
                    break
        if not self._scenes_done:
            self._finish_scenes()
        self._refuse_damage()
        audio, audio_start_s = self._cut_audio()
        track = track_words(self._media.container.streams.audio, self._media.audio) if self._hears else ""
        return SpanResult(self._scenes, audio, audio_start_s, self._decoded, self._damaged, self._sound_damaged, track)

    def _take_picture_packet(self, packet: av.Packet) -> None:
        self._key_seen = self._key_seen or packet.is_keyframe
        if not self._key_seen:
            return  # some seeks land between key frames
        self._packets += packet.size > 0
        try:
            frames = packet.decode()
        except MemoryError:
            raise
        except av.error.FFmpegError:
            self._damaged += 1
            return
        for frame in frames:
            if self._decoded == 0:
                self._damaged_before_first = self._damaged
            self._decoded += 1
            self._take_frame(frame)
            if self._scenes_done:
                return

    def _take_frame(self, frame: av.VideoFrame) -> None:
        if not self._request.has_timestamps:
            time_s = float((self._decoded - 1) / self._media.frame_rate)
        elif frame.pts is None:
            return
        else:
            time_s = max(0.0, self._media.seconds(frame.pts, frame.time_base))
            if self._last_s is not None and time_s <= self._last_s:
                return  # out of order: a player would not show it either
            if self._first_key_s is not None and time_s < self._first_key_s:
                return  # an open group's leading pictures lean on frames that were not decoded
            self._check_warm_up(time_s)
        score = 0.0 if self._scorer is None else self._scorer.score(frame)
        may_cut = isinstance(self._rule, CutRule) and score >= self._rule.min_score
        self._pictures.offer(time_s, frame, may_start_scene=may_cut)
        self._last_s = time_s
        if self._request.has_timestamps:
            self._last_stamp = (frame.pts, frame.duration, frame.time_base)
        for boundary_s in self._finder.add(time_s, score):
            self._take_boundary(boundary_s)
        self._pictures.settle(self._finder.decided_until_s, self._open_scene_s)
        if self._open_scene_s is None and not self._scenes_done:
            self._pictures.drop_before(self._request.start_s)
            if not self._request.is_last and self._finder.decided_until_s >= self._request.end_s:
                self._scenes_done = True  # no scene starts in this span

    def _check_warm_up(self, time_s: float) -> None:
        """Raises _LateStart if this frame would be judged without the frames before it."""
        if self._first_key_s is not None and self._warm_up_frames < self._rule.warm_up_frames:
            if time_s >= self._judged_from_s:
                raise _LateStart
            self._warm_up_frames += 1

    def _take_boundary(self, boundary_s: float) -> None:
        if self._scenes_done or boundary_s < self._request.start_s:
            return
        if self._open_scene_s is not None:
            pictures = self._pictures.take(self._open_scene_s, boundary_s)
            self._scenes.append(SceneResult(self._open_scene_s, boundary_s, pictures))
        if boundary_s < self._request.end_s or self._request.is_last:
            self._open_scene_s = boundary_s
            if self._audio is not None and not self._scenes:
                self._audio.forget_before(boundary_s - AUDIO_MARGIN_S)
        else:
            self._open_scene_s = None
            self._scenes_done = True

    def _finish_scenes(self) -> None:
        """The file ended before the last scene did."""
        if self._last_s is None and self._first_key_s is not None:
            raise _LateStart
        if self._last_s is None:
            raise UndecodableVideo(
                f"No frame of {self._media.name} could be decoded"
                f"{'' if self._request.is_first else f' after {self._request.start_s:.1f} s'}"
                f" ({self._damaged} of {self._packets} packets damaged). Copy the file again, or convert it."
            )
        counted_s = float(self._decoded / self._media.frame_rate)
        self._video_end_s = self._media.end_s(*self._last_stamp) if self._last_stamp else counted_s
        self._pictures.hold_last()
        for boundary_s in self._finder.finish(self._video_end_s):
            self._take_boundary(boundary_s)
        if self._open_scene_s is not None and not self._scenes_done:
            pictures = self._pictures.take(self._open_scene_s, self._video_end_s)
            self._scenes.append(SceneResult(self._open_scene_s, self._video_end_s, pictures))
        self._scenes_done = True

    def _refuse_damage(self) -> None:
        damaged = self._damaged - self._damaged_before_first
        if damaged > MAX_DAMAGED_SHARE * self._packets:
            raise UndecodableVideo(
                f"{damaged} of {self._packets} packets ({damaged / self._packets:.0%}) of "
                f"{self._media.name} from {self._request.start_s:.1f} s on are damaged. Copy the file again."
            )

    def _take_sound_packet(self, packet: av.Packet) -> bool:
        """Takes a packet of sound; False if it lies after all that is wanted."""
        if self._audio is None or self._is_past(packet, AUDIO_MARGIN_S):
            return False
        try:
            for frame in packet.decode():
                self._audio.add(frame)
        except MemoryError:
            raise
        except av.error.FFmpegError:
            self._sound_damaged += 1  # broken sound does not lose the pictures
        return True

    def _audio_seconds(self, frame: av.AudioFrame) -> float | None:
        if frame.pts is None or not self._request.has_timestamps:
            return None
        return self._media.seconds(frame.pts, frame.time_base)

    def _is_past(self, packet: av.Packet, margin_s: float) -> bool:
        """Whether a packet begins later than this after the last scene, once that is known."""
        if not self._scenes_done or not self._scenes or not self._request.has_timestamps:
            return False
        stamp = packet.dts if packet.pts is None else packet.pts
        return stamp is not None and self._media.seconds(stamp, packet.time_base) > self._scenes[-1].end_s + margin_s

    def _cut_audio(self) -> tuple[bytes, float]:
        if self._audio is None or not self._scenes:
            return b"", 0.0
        end_s = self._scenes[-1].end_s + AUDIO_MARGIN_S
        if self._video_end_s is not None:
            end_s = min(end_s, self._video_end_s)
        return self._audio.cut(max(0.0, self._scenes[0].start_s - AUDIO_MARGIN_S), end_s)
