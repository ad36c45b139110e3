"""The log of the service: a line for each request, and what went wrong.

It is a part of Ray Serve's own log, so that it stands in the same files (those of `footage serve --logs FOLDER`, else
of Ray's session), with the names of the deployment and the process, and at the level that Serve's logging_config sets.
Python passes what is logged here on to the handlers that Serve gives to `ray.serve` in each of its processes. Where its
encoding is JSON, Serve writes every attribute of a record: ours have the names that the lines of a run have.
"""

import logging
from datetime import UTC, datetime

from footage.structured_log import without_secrets
from footage.timestamps import stamp


def _named(record: logging.LogRecord) -> bool:
    """Give a record the names that lines of a run have, and no secrets."""
    record.msg, record.args = without_secrets(record.getMessage()), ()
    record.time = stamp(datetime.fromtimestamp(record.created, UTC))
    record.level, record.logger = record.levelname, record.name
    return True


log = logging.getLogger("ray.serve.footage")
log.addFilter(_named)
