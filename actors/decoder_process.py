"""Decoding in a process of its own: a crash, a hang or a bomb costs one span and not the worker."""

import signal
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn, Self

from actors.child_channel import ChildChannel, ChildDied
from actors.decoder_limits import STARTS, TRIES, RequestLimits, decode_request, probe_request
from actors.decoder_protocol import OUT_OF_MEMORY
from actors.source_check import check_source
from footage.decoder_settings import DecoderSettings
from footage.errors import DecoderCrashed, DecoderOutOfMemory, DecoderTimedOut, DecoderUnavailable, ReportedFailure
from footage.records import Video

IDLE_GRACE_S = 0.5  # an idle child ends within this once its stdin is closed

# By what was asked for. A probe reads the file once and decodes its first frame, so its limits have no share per second
# of media to raise. (str.format takes a name with braces as it is.)
_WALL_WORDS = {
    "decode": "{name} was not decoded within {seconds:.0f} s and was ended. If the machine is just slow, raise "
    "decoder.limits.wall_per_media_s.",
    "probe": "{name} was not read to its end within {seconds:.0f} s and was ended. Is its disk slow, or gone? If it is "
    "just slow, raise decoder.limits.wall_base_s.",
}
_CPU_WORDS = {
    "decode": "{name} took more than {seconds:.0f} CPU seconds to decode and was ended. If it is a real video, raise "
    "decoder.limits.cpu_per_media_s.",
    "probe": "{name} took more than {seconds:.0f} CPU seconds before its first frame and its length were known, and "
    "was ended. If it is a real video, raise decoder.limits.cpu_base_s.",
}


class DecoderProcess:
    """One long-lived child process that probes and decodes, with limits on memory, CPU time and wall time.

    It is started at once and anew whenever it has died. It never outlives the thread that made it.
    """

    def __init__(self, settings: DecoderSettings) -> None:
        self._settings = settings
        self._child: ChildChannel | None = ChildChannel(settings)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    @property
    def pid(self) -> int | None:
        """The process id of the child; None between its death and the next request."""
        return None if self._child is None else self._child.pid

    def close(self) -> None:
        """Ends the child; a later request starts another."""
        if self._child is not None:
            self._child.stop(IDLE_GRACE_S)
            self._child = None

    def probe(self, path: Path) -> Video:
        """What a video file is: reads it once, decodes its first frame (see probe.probe).

        Raises:
            VideoError: it cannot be indexed; the code and the sentence say why.
            DecoderUnavailable: the decoder itself does not start.
        """
        limits = probe_request(self._settings.limits, check_source(path))
        header, _ = self._ask({"do": "probe", "path": str(path)}, limits)
        return Video(**header["video"])

    def decode(self, path: Path, span: dict[str, Any], media_s: float) -> tuple[dict[str, Any], list[bytes]]:
        """Runs span_decoding.decode_span in the child.

        Args:
            path: the file.
            span: the fields of SpanRequest but the path.
            media_s: seconds of media that the span may have to read; the time limits follow it.

        Returns:
            The header (`scenes` as [start_s, end_s, number of key frames], `audio_start_s`, `sound_track` and counts)
            and the blobs: the language sample, the sound, then for each scene its key frames and its thumbnail.

        Raises:
            VideoError: the span cannot be decoded; the code and the sentence say why.
        """
        check_source(path)
        limits = decode_request(self._settings.limits, media_s)
        return self._ask({"do": "decode", "path": str(path), "span": span}, limits)

    def _ask(self, request: dict[str, Any], limits: RequestLimits) -> tuple[dict[str, Any], list[bytes]]:
        """The answer to a request, in a second try if need be."""
        name = Path(request["path"]).name
        request = {**request, "cpu_limit_s": limits.cpu_s}
        for tries_left in reversed(range(TRIES)):
            try:
                header, blobs = self._living_child().ask(request, limits.wall_s)
            except TimeoutError as error:  # no second try: it would cost as much again
                raise DecoderTimedOut(_WALL_WORDS[request["do"]].format(name=name, seconds=limits.wall_s)) from error
            except ChildDied as death:
                if -death.exit_code == signal.SIGXCPU:
                    words = _CPU_WORDS[request["do"]]
                    raise DecoderTimedOut(words.format(name=name, seconds=limits.cpu_s)) from death
                if not tries_left:
                    _raise_crash(name, death)
                continue
            if "code" not in header:
                return header, blobs
            if header["code"] != OUT_OF_MEMORY:
                raise ReportedFailure(str(header["code"]), str(header["message"]))
            self.close()  # it ends itself, its memory may be in pieces
        raise DecoderOutOfMemory(
            f"{name} needs more than {self._settings.limits.address_space_mib} MiB to decode. If it is a real video, "
            "raise decoder.limits.address_space_mib."
        )

    def _living_child(self) -> ChildChannel:
        """A child that has started; a new one if the last has died.

        Raises:
            DecoderUnavailable: no child starts, with no video in hand.
        """
        for tries_left in reversed(range(STARTS)):
            if self._child is None or not self._child.is_alive:
                self.close()
                self._child = ChildChannel(self._settings)
            try:
                self._child.wait_until_ready()
            except (ChildDied, TimeoutError) as error:
                if not tries_left:
                    words = error.last_words if isinstance(error, ChildDied) else "no sign of life"
                    raise DecoderUnavailable(
                        f"The decoder process does not start ({words}). Run `footage doctor`; if decoder.limits."
                        f"address_space_mib ({self._settings.limits.address_space_mib}) was lowered, raise it."
                    ) from error
                continue
            return self._child
        raise AssertionError("the last try returns or raises")


def _raise_crash(name: str, death: ChildDied) -> NoReturn:
    how = f"exit code {death.exit_code}" if death.exit_code >= 0 else signal.Signals(-death.exit_code).name
    words = f" ({death.last_words})" if death.last_words else ""
    killed = -death.exit_code == signal.SIGKILL
    advice = "The machine may be short of memory." if killed else "Convert it, or leave it out."
    raise DecoderCrashed(f"The decoder died on {name} {TRIES} times, with {how}{words}. {advice}") from death
