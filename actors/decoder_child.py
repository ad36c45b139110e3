"""The decoder process: `python -m actors.decoder_child SETTINGS_JSON`, started by actors.decoder_process only.

Reads requests on stdin and answers on stdout (decoder_protocol) until stdin ends. A bad video is an answer; whatever
else goes wrong ends the process, and its last words on stderr go into the actor's message.
"""

import json
import logging
import math
import os
import resource
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

from actors.decoder_protocol import OUT_OF_MEMORY, send
from footage.child_process import die_with
from footage.decoder_settings import DecoderSettings
from footage.errors import VideoError, code_of


def main() -> None:
    """Answers requests until stdin ends."""
    settings = DecoderSettings.model_validate_json(sys.argv[1])
    die_with(int(sys.argv[2]))  # a hang would not see stdin end
    _limit_memory(settings.limits.address_space_mib)
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # a stray print must not break the protocol
    _prepare_libraries()
    send(answers, {"ready": True})
    for line in sys.stdin.buffer:
        if not _answer(answers, json.loads(line), settings):
            return


def _answer(answers: BinaryIO, request: dict[str, Any], settings: DecoderSettings) -> bool:
    """Answers one request; False if this process should end, since memory ran out in it."""
    from actors.probe import probe

    def reply(header: dict[str, Any], blobs: Sequence[bytes] = ()) -> None:
        send(answers, {**header, "number": request["number"]}, blobs)

    _limit_cpu(request["cpu_limit_s"])
    try:
        if request["do"] == "probe":
            video = probe(Path(request["path"]), settings.limits)
            reply({"video": {name: getattr(video, name) for name in video.__slots__}})
        else:
            reply(*_decoded(request, settings))
    except VideoError as error:
        reply({"code": code_of(error), "message": str(error)})
    except MemoryError:
        reply({"code": OUT_OF_MEMORY, "message": ""})
        return False
    return True


def _decoded(request: dict[str, Any], settings: DecoderSettings) -> tuple[dict[str, Any], list[bytes]]:
    """The header and the blobs that answer a request to decode a span."""
    from actors.language_sample import language_sample
    from actors.span_decoding import decode_span
    from actors.span_request import SpanRequest

    asked = SpanRequest(**{**request["span"], "path": Path(request["path"])})
    span = decode_span(asked, settings)
    sample = b"" if asked.sampled_s is None else language_sample(asked.path, settings, asked.sampled_s)
    blobs = [sample, span.audio_s16]
    scenes = []
    for scene in span.scenes:
        scenes.append([scene.start_s, scene.end_s, len(scene.pictures.key_frames)])
        blobs += [*scene.pictures.key_frames, scene.pictures.thumbnail]
    counts = {"frames_decoded": span.frames_decoded, "frames_damaged": span.frames_damaged}
    sound = {"sound_damaged": span.sound_damaged, "sound_track": span.sound_track, "audio_start_s": span.audio_start_s}
    return {"scenes": scenes, **sound, **counts}, blobs


def _limit_memory(address_space_mib: int) -> None:
    size = address_space_mib << 20
    resource.setrlimit(resource.RLIMIT_AS, (size, size))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _limit_cpu(limit_s: float) -> None:
    """Lets this request use so many CPU seconds; past them the kernel sends SIGXCPU."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(used.ru_utime + used.ru_stime + limit_s), hard))


def _prepare_libraries() -> None:
    """Imports what decoding needs, before the first request; one thread each."""
    import av.logging
    import cv2

    import actors.span_decoding  # noqa: F401 - so that the first request is not the slow one

    cv2.setNumThreads(1)
    # captured where a message tells why a file is refused (media_file), and silent otherwise
    av.logging.set_level(av.logging.ERROR)
    logging.getLogger("libav").setLevel(logging.CRITICAL + 1)


if __name__ == "__main__":
    main()
