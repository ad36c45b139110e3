"""Settings of relevance: what the scores of each list mean."""

from pydantic import Field

from footage.setting_section import Section


class RelevanceCurve(Section):
    """The probability that a scene answers, from its score in a list: 1 / (1 + exp(-slope * (score - half)))."""

    half: float
    """The score at which the probability is a half."""
    slope: float = Field(gt=0)
    """How much the log odds rise with the score; one tenth of it with a score that is 0.1 higher."""


class RelevanceSettings(Section):
    """A curve for each list. They belong to the models: fit them with `python -m benchmarks.relevance`."""

    transcript: RelevanceCurve | None = None
    """Of the cosine of query and transcript; None, here and below: not calibrated, and the list says nothing."""
    transcript_sparse: RelevanceCurve | None = None
    """Of the dot product of word weights, divided by that of the query with itself."""
    visual: RelevanceCurve | None = None
    """Of the cosine of the query's words and the key frames."""
    caption: RelevanceCurve | None = None
    """Of the cosine of query and caption."""
    image: RelevanceCurve | None = None
    """Of the cosine of a picture and the key frames."""
