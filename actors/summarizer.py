"""Descriptions of whole videos, by the language model of the captioner or by another behind a server."""

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import ClassVar

import pyarrow as pa

from actors.model_batches import BatchFill
from actors.summary_prompt import half_of, summary_prompt
from actors.vision_language import VisionLanguageModel, open_vision_language_model
from footage.errors import ModelUnavailable, SettingsError
from footage.model_settings import CaptionSettings, SummarySettings
from footage.span_table import replace_column

LOG = logging.getLogger(__name__)

MOST_HALVINGS = 6  # of what is told of a video; from the default of 12 000 characters down to LEAST_CHARS
MODEL_UNAVAILABLE = "model_unavailable"  # the failure_code of a video for which the model could not be asked

OpenModel = Callable[[CaptionSettings, Path | None, int], VisionLanguageModel]


def writer_settings(summaries: SummarySettings, captions: CaptionSettings) -> CaptionSettings:
    """Where the model that writes is and how it is run: that of the captions, or the server of the summaries.

    Raises:
        SettingsError: descriptions are off, or what the chosen adapter needs is not set.
    """
    if summaries.adapter == "captioner":
        if captions.adapter not in ("native", "http"):
            raise SettingsError(
                f"summaries.adapter is captioner, but captions.adapter is {captions.adapter}, which cannot write"
                " descriptions: set it to native or http, or summaries.adapter to http or off."
            )
        return captions
    if summaries.adapter == "off":
        raise SettingsError("summaries.adapter is off, so nobody writes descriptions; set it to captioner or http.")
    if summaries.model is None or summaries.endpoint.url is None:
        raise SettingsError(
            "summaries.adapter is http, which needs summaries.model, the name that the server knows, and"
            " summaries.endpoint.url, such as http://127.0.0.1:8000/v1; set both, or summaries.adapter to off."
        )
    return captions.model_copy(
        update={"adapter": "http", "model": summaries.model, "endpoint": summaries.endpoint, "toy": summaries.toy}
    )


class Summarizer:
    """Asks a language model for the description of each video, from the lines of its scenes.

    Args:
        summaries: of the descriptions.
        captions: of the captioner, whose language model writes if summaries.adapter is `captioner`.
        folder: PreparedModels.caption_folder; None for a server.
        open_model: how the model is opened: settings, folder and the most new tokens → model.

    Raises:
        SettingsError: see writer_settings().
        ModelMissing: the model is not on this machine.
    """

    ADDS: ClassVar[pa.Schema] = pa.schema([pa.field("description", pa.string())])

    def __init__(
        self,
        summaries: SummarySettings,
        captions: CaptionSettings,
        folder: Path | None,
        open_model: OpenModel = open_vision_language_model,
    ) -> None:
        self._prompt = summaries.prompt
        self._model = open_model(writer_settings(summaries, captions), folder, summaries.max_new_tokens)

    @property
    def fill(self) -> BatchFill:
        """How full the model's batches were."""
        return self._model.fill

    def __call__(self, videos: pa.Table) -> pa.Table:
        """Append `description`, one line of text; null where there is nothing to tell, or the model gave no answer.

        What is too long for the model is told of fewer scenes, still evenly over the whole video, until it fits.

        Where the model cannot be asked at all, the videos get `failure_code` MODEL_UNAVAILABLE and the reason instead
        of an error: it says so of every video, and the driver stops at the first.
        """
        rows = videos.select(["video_id", "lines", "failure_code", "failure"]).to_pylist()
        asked = {row["video_id"]: row["lines"] for row in rows if row["lines"] and row["failure_code"] is None}
        answers: dict[str, str] = {}
        if asked:
            try:
                answers = self._descriptions(asked)
            except ModelUnavailable as error:
                failed = {video_id: (MODEL_UNAVAILABLE, str(error)) for video_id in asked}
                old = [(row["failure_code"], row["failure"]) for row in rows]
                new = [failed.get(row["video_id"], before) for row, before in zip(rows, old, strict=True)]
                videos = replace_column(videos, "failure_code", [code for code, _ in new])
                videos = replace_column(videos, "failure", [reason for _, reason in new])
        descriptions = [" ".join(answers.get(row["video_id"], "").split()) or None for row in rows]
        field = self.ADDS.field("description")
        return videos.append_column(field, pa.array(descriptions, field.type))

    def _descriptions(self, asked: Mapping[str, list[str]]) -> dict[str, str]:
        """Descriptions by video id; "" where the model has none, no entry where even few lines are too long for it."""
        lines_of, answers = dict(asked), dict[str, str]()
        for _ in range(MOST_HALVINGS + 1):
            prompts = [summary_prompt(self._prompt, lines) for lines in lines_of.values()]
            found = dict(zip(lines_of, self._model.complete(prompts), strict=True))
            answers |= {video_id: answer for video_id, answer in found.items() if answer is not None}
            halves = {video_id: half_of(lines_of[video_id]) for video_id, answer in found.items() if answer is None}
            lines_of = {video_id: lines for video_id, lines in halves.items() if lines}
            if not lines_of:
                break
        for video_id in asked.keys() - answers.keys():
            LOG.warning(
                "The prompt for the description of video %s is too long for its model even with few scenes, so it gets "
                "none; raise captions.max_prompt_tokens or the server's context, or shorten summaries.prompt.",
                video_id,
            )
        return answers

    def close(self) -> None:
        """Give the model's memory back."""
        self._model.close()
