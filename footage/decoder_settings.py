"""Settings of decoding: spans, scenes and their pictures."""

from typing import Literal

from pydantic import Field, model_validator

from footage.setting_section import Section


class DecoderLimits(Section):
    """What one video may ask of a decoder process before it is refused or ended."""

    max_pixels: int = Field(default=66_400_000, gt=0)
    """Width x height; the default admits 8K (7680 x 8640 for stereo) and refuses decompression bombs."""
    max_duration_s: float = Field(default=172_800, gt=0)
    """Length of one video; 48 hours."""
    max_untimed_s: float = Field(default=3600, gt=0)
    """Length of a video without time stamps. It is one span, so its whole sound is held: 115 MB for an hour."""
    max_streams: int = Field(default=64, gt=0)
    """Streams in one container."""
    address_space_mib: int = Field(default=4096, ge=512)
    """RLIMIT_AS of the decoder process. Python with PyAV and OpenCV maps about 1 GiB before the first frame."""
    cpu_base_s: float = Field(default=60, gt=0)
    """CPU seconds a span may take on top of its share per media second."""
    cpu_per_media_s: float = Field(default=6, gt=0)
    """CPU seconds per second of media: 4K HEVC takes about 2 on one slow core."""
    wall_base_s: float = Field(default=120, gt=0)
    """Wall-clock seconds a span may take on top of its share per media second."""
    wall_per_media_s: float = Field(default=8, gt=0)
    """Wall-clock seconds per second of media."""


class DecoderSettings(Section):
    """How videos are cut into spans and scenes, and which pictures of a scene are kept."""

    span_s: float = Field(default=300, gt=0)
    """Length of a span: the unit of work, retry and commit."""
    min_scene_s: float = Field(default=0.6, gt=0)
    """Shortest time between two cuts (PySceneDetect's own sweep found 0.6 s best on hard cuts)."""
    segmentation: Literal["cuts", "fixed"] = "cuts"
    """Scenes lie between cuts, or are pieces of one length."""
    max_shot_s: float = Field(default=15, gt=1)
    """By cuts: a shot without a cut is divided at multiples of this; no scene is longer than twice it."""
    segment_s: float = Field(default=30, gt=1)
    """Fixed: the length of a piece."""
    min_segment_s: float = Field(default=5, ge=0)
    """Fixed: a last piece shorter than this is joined to the one before."""
    cut_score: float = Field(default=15, gt=0)
    """Least frame score of a cut: PySceneDetect's AdaptiveDetector default for min_content_val."""
    cut_ratio: float = Field(default=3.5, gt=1)
    """A cut scores this many times the mean of its neighbours (best in PySceneDetect's sweep, window 3)."""
    analysis_width_px: int = Field(default=160, ge=32)
    """Frames are scored at this width."""
    key_frames_per_scene: int = Field(default=3, ge=1, le=16)
    """At most this many key frames of a scene are kept. With one, the toy frame model found 20 of the 26 scenes of
    samples/ by a short query, with two 25, with three 24, with five 21; three also show how a scene goes on."""
    key_frame_interval_s: float = Field(default=0.25, gt=0)
    """Key frame candidates lie on this grid of video time; below min_scene_s, so that every scene has one."""
    key_frame_choice: Literal["even", "sharpest"] = "sharpest"
    """Which candidates of a scene are kept: those at even places, or the sharp ones nearest to them, neither black nor
    plain. On made camera shots (pans, lost focus, fades, flashes) 22 % of the even ones were blurred and 3 % flashes,
    of the sharp ones 4 % and none (9 % and none on a grid of 0.5 s), for 5 % more CPU time at 1080p."""
    key_frame_max_px: int = Field(default=768, ge=96)
    """Longer side of a key frame."""
    thumbnail_px: int = Field(default=320, ge=32)
    """Longer side of a thumbnail."""
    jpeg_quality: int = Field(default=85, ge=1, le=100)
    """Quality of key frames and thumbnails."""
    audio_language: str | None = None
    """Language tag (ISO 639, as the file writes it: `en` or `eng`) of the sound track to hear; None, or a language that
    the file has no track of, takes the default track."""
    limits: DecoderLimits = DecoderLimits()
    """What one video may ask of a decoder process."""

    @model_validator(mode="after")
    def _marks_are_far_apart(self) -> "DecoderSettings":
        if self.max_shot_s < 2 * self.min_scene_s:  # a mark would make scenes shorter than min_scene_s
            raise ValueError(f"max_shot_s must be at least twice min_scene_s ({self.min_scene_s})")
        if self.min_segment_s > self.segment_s:
            raise ValueError(f"min_segment_s must not be above segment_s ({self.segment_s})")
        return self
