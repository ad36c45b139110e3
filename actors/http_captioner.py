"""Captions by an OpenAI-compatible server, such as vLLM."""

import base64
import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import replace
from typing import Any

from actors.caption_prompt import answer_text, caption_prompt, harmless
from actors.chat_server import ChatServer, RequestRefused
from actors.model_batches import BatchFill
from actors.scene_pictures import Picture, pictures_of
from footage.errors import ModelUnavailable
from footage.model_settings import CaptionSettings
from footage.records import SceneToCaption

LOG = logging.getLogger(__name__)

# Refused requests before the first answer that make it the server's fault, or the settings', and not the scenes'.
MOST_REFUSED = 16


class HttpCaptioner:
    """A vision-language model behind HTTP; a VisionLanguageModel.

    A request for each scene, endpoint.concurrency of them at once; the server makes the batches. A prompt that it
    calls too long is asked once more without what is said.

    Args:
        settings: of the captions; `model` is the name that the server knows.

    Raises:
        SettingsError: the URL is missing or is none, or the key cannot be sent.
    """

    def __init__(self, settings: CaptionSettings) -> None:
        self._settings = settings
        self.fill = BatchFill()
        self._server = ChatServer(settings.endpoint, settings.model, settings.max_new_tokens)
        self._threads = ThreadPoolExecutor(settings.endpoint.concurrency, thread_name_prefix="captions")
        self._answered, self._refused = 0, 0
        LOG.info("Captions come from %s at %s", settings.model, self._server.url)

    def caption(self, scenes: Sequence[SceneToCaption]) -> list[str]:
        """See VisionLanguageModel."""
        by_id = {scene.scene_id: scene for scene in scenes}
        captions = self._gather(list(by_id), lambda scene_id, stopped: self._caption(by_id[scene_id], stopped))
        return [captions[scene.scene_id] for scene in scenes]

    def complete(self, prompts: Sequence[str]) -> list[str]:
        """See VisionLanguageModel."""
        by_id = {f"prompt {position}": [_text(harmless(prompt))] for position, prompt in enumerate(prompts)}
        return list(self._gather(list(by_id), lambda name, stopped: self._ask(by_id[name], stopped)).values())

    def close(self) -> None:
        """See VisionLanguageModel."""
        self._threads.shutdown(wait=True, cancel_futures=True)
        self._server.close()

    def _caption(self, scene: SceneToCaption, stopped: threading.Event) -> str:
        pictures = pictures_of(scene, self._settings.frames_per_scene)
        if not pictures:
            return ""
        try:
            return self._ask(self._content(scene, pictures), stopped)
        except RequestRefused as refusal:
            if not (refusal.too_long and scene.transcript):
                raise
            return self._ask(self._content(replace(scene, transcript=""), pictures), stopped)

    def _content(self, scene: SceneToCaption, pictures: Sequence[Picture]) -> list[dict[str, Any]]:
        return [*map(_image, pictures), _text(caption_prompt(self._settings, scene.transcript))]

    def _ask(self, content: list[dict[str, Any]], stopped: threading.Event) -> str:
        answer = self._server.ask(content, stopped)
        return answer_text(answer.text, answer.cut_off)

    def _gather(self, names: Sequence[str], ask: Callable[[str, threading.Event], str]) -> dict[str, str]:
        """The answers by name, in the order of the names, however the server finishes them.

        Raises:
            ModelUnavailable: as in VisionLanguageModel; requests that wait are given up.
        """
        stopped = threading.Event()
        under_way: dict[Future[str], str] = {self._threads.submit(ask, name, stopped): name for name in names}
        answers = dict.fromkeys(names, "")
        try:
            for done in as_completed(under_way):
                try:
                    answers[under_way[done]] = done.result()
                    self._answered += 1
                except RequestRefused as refusal:
                    self._note(under_way[done], refusal)
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
