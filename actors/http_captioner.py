"""Captions by an OpenAI-compatible server, such as vLLM."""

import base64
import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import replace
from typing import Any

from actors.caption_prompt import answer_text, caption_prompt, harmless
from actors.chat_server import ChatServer, RequestRefused, patience_s
from actors.model_batches import BatchFill
from actors.scene_pictures import Picture, pictures_of
from footage.errors import ModelUnavailable
from footage.model_settings import CaptionSettings
from footage.records import SceneToCaption

LOG = logging.getLogger(__name__)

# Refused requests before the first answer that make it the server's fault, or the settings', and not the scenes'.
MOST_REFUSED = 16
# How long an outage is remembered: the spans that already wait for this actor shall not cost the patience for a dead
# server each, and a server that comes back within minutes shall be asked again.
OUTAGE_S = 60.0


class HttpCaptioner:
    """A vision-language model behind HTTP; a VisionLanguageModel.

    A request for each scene, endpoint.concurrency of them at once; the server makes the batches. A prompt that it
    calls too long is asked once more without what is said. A question that takes longer than patience_s() is an
    outage, which ends all others and is remembered: for `outage_s` seconds every call fails at once.

    Args:
        settings: of the captions; `model` is the name that the server knows.
        outage_s: see above.

    Raises:
        SettingsError: the URL is missing or is none, or the key cannot be sent.
    """

    def __init__(self, settings: CaptionSettings, outage_s: float = OUTAGE_S) -> None:
        self._settings = settings
        self.fill = BatchFill()
        self._server = ChatServer(settings.endpoint, settings.model, settings.max_new_tokens)
        self._threads = ThreadPoolExecutor(settings.endpoint.concurrency, thread_name_prefix="captions")
        self._answered, self._refused = 0, 0
        self._outage_s, self._outage, self._outage_ends = outage_s, "", 0.0
        LOG.info("Captions come from %s at %s", settings.model, self._server.url)

    def caption(self, scenes: Sequence[SceneToCaption]) -> list[str]:
        """See VisionLanguageModel."""
        by_id = {scene.scene_id: scene for scene in scenes}
        captions = self._gather(list(by_id), lambda scene_id, stopped: self._caption(by_id[scene_id], stopped))
        return [captions[scene.scene_id] or "" for scene in scenes]

    def complete(self, prompts: Sequence[str]) -> list[str | None]:
        """See VisionLanguageModel."""
        by_id = {f"prompt {position}": prompt for position, prompt in enumerate(prompts)}
        return list(self._gather(list(by_id), lambda name, stopped: self._complete(by_id[name], stopped)).values())

    def close(self) -> None:
        """See VisionLanguageModel."""
        self._threads.shutdown(wait=True, cancel_futures=True)
        self._server.close()

    def _caption(self, scene: SceneToCaption, stopped: threading.Event) -> str:
        pictures = pictures_of(scene, self._settings.frames_per_scene)
        if not pictures:
            return ""
        ends = time.monotonic() + patience_s(self._settings.endpoint)
        try:
            return self._ask(self._content(scene, pictures), stopped, ends)
        except RequestRefused as refusal:
            if not (refusal.too_long and scene.transcript):
                raise
            return self._ask(self._content(replace(scene, transcript=""), pictures), stopped, ends)

    def _complete(self, prompt: str, stopped: threading.Event) -> str | None:
        ends = time.monotonic() + patience_s(self._settings.endpoint)
        try:
            return self._ask([_text(harmless(prompt))], stopped, ends)
        except RequestRefused as refusal:
            if refusal.too_long:
                return None
            raise

    def _content(self, scene: SceneToCaption, pictures: Sequence[Picture]) -> list[dict[str, Any]]:
        return [*map(_image, pictures), _text(caption_prompt(self._settings, scene.transcript))]

    def _ask(self, content: list[dict[str, Any]], stopped: threading.Event, ends: float) -> str:
        answer = self._server.ask(content, stopped, ends)
        return answer_text(answer.text, answer.cut_off)

    def _gather(self, names: Sequence[str], ask: Callable[[str, threading.Event], str | None]) -> dict[str, str | None]:
        """The answers by name, in the order of the names, however the server finishes them.

        Raises:
            ModelUnavailable: as in VisionLanguageModel; requests that wait or are under way are given up.
        """
        if names and time.monotonic() < self._outage_ends:
            raise ModelUnavailable(self._outage)
        stopped = threading.Event()
        under_way: dict[Future[str | None], str] = {self._threads.submit(ask, name, stopped): name for name in names}
        answers: dict[str, str | None] = dict.fromkeys(names, "")
        try:
            for done in as_completed(under_way):
                try:
                    answers[under_way[done]] = answer = done.result()
                    self._answered += answer is not None
                except RequestRefused as refusal:
                    self._note(under_way[done], refusal)
        except ModelUnavailable as error:
            self._outage, self._outage_ends = str(error), time.monotonic() + self._outage_s
            raise
        finally:
            stopped.set()
            for future in under_way:
                future.cancel()
        return answers

    def _note(self, name: str, refusal: RequestRefused) -> None:
        self._refused += 1
        LOG.warning("%s refused the request for %s, which gets no answer: %s", self._server.url, name, refusal)
        if not self._answered and self._refused >= MOST_REFUSED:
            raise ModelUnavailable(
                f"The model server {self._server.url} refused each of the first {self._refused} requests, at last with "
                f"{refusal}. See that {self._settings.model} is a model that takes pictures, and that captions.prompt, "
                "frames_per_scene and max_new_tokens fit its context."
            )


def _image(picture: Picture) -> dict[str, Any]:
    data = base64.b64encode(picture.jpeg).decode("ascii")
    return {"type": "image_url", "image_url": {"url": f"data:image/jpeg;base64,{data}"}}


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}
