"""Calls of another deployment from a thread: bounded in time, and made again when its process dies in between."""

import time
from collections.abc import Callable
from typing import Any

from footage.errors import FootageError

Ask = Callable[[], Any]  # begins the call: gives a DeploymentResponse


class ReplicaCall:
    """A call that is under way. Only calls that may be made twice, since one that a death cut off is made again."""

    def __init__(self, ask: Ask, within_s: float, unavailable: Callable[[str], FootageError]) -> None:
        """Begin it.

        Args:
            ask: begins the call.
            within_s: how long all its tries may take together.
            unavailable: makes the error for who asked, of the reason.
        """
        self._ask = ask
        self._within_s = within_s
        self._until = time.monotonic() + within_s
        self._unavailable = unavailable
        self._response = ask()

    def result(self) -> Any:
        """What it gives.

        Raises:
            FootageError: as the deployment raised it; or, by `unavailable`, it does not answer in time.
        """
        from ray.exceptions import RayActorError, RayTaskError
        from ray.serve.exceptions import BackPressureError, DeploymentUnavailableError, ReplicaUnavailableError

        while True:
            left_s = self._until - time.monotonic()
            try:
                if left_s <= 0:
                    raise TimeoutError
                return self._response.result(timeout_s=left_s)
            except TimeoutError as error:
                self._response.cancel()
                raise self._unavailable(f"did not answer within {self._within_s:g} s") from error
            except (RayActorError, ReplicaUnavailableError):
                # The next one is asked, which waits until there is one.
                time.sleep(min(_PAUSE_S, max(0.0, left_s)))
                self._response = self._ask()
            except (BackPressureError, DeploymentUnavailableError) as error:
                raise self._unavailable("is not to be had at the moment") from error
            except RayTaskError as error:
                if isinstance(error.cause, FootageError):
                    raise error.cause from None  # the text of a RayTaskError is a traceback
                raise


_PAUSE_S = 0.05
