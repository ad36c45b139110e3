"""The log of the service: a line for each request, and what went wrong.

It is a part of Ray Serve's own log, so that it stands in the same files (those of `footage serve --logs FOLDER`, else
of Ray's session), with the names of the deployment and the process, and at the level that Serve's logging_config sets.
Python passes what is logged here on to the handlers that Serve gives to `ray.serve` in each of its processes.
"""

import logging

log = logging.getLogger("ray.serve.footage")
