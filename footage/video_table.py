"""The Arrow table that streams through the second pass: one row is one video, taken whole.

The columns by which pools and the ledger know a span are there too: to them a video is a span of its whole length.
"""

from typing import Any

import pyarrow as pa

from footage.sidecar import Manifest
from footage.span_table import SPAN

VIDEO = pa.schema(
    [
        SPAN.field("run_id"),
        SPAN.field("workspace"),
        SPAN.field("source_uri"),
        SPAN.field("source_size_bytes"),
        pa.field("video_id", pa.string(), nullable=False),
        SPAN.field("span_index"),  # 0
        SPAN.field("span_start_s"),  # 0
        SPAN.field("span_end_s"),  # the length of the video
        SPAN.field("failure_code"),
        SPAN.field("failure"),
        SPAN.field("stage_seconds"),
    ]
)


def video_row(manifest: Manifest, run_id: str) -> dict[str, Any]:
    """A video as a row of VIDEO; it is named by the first of its sources, of which there must be one."""
    source = manifest.sources[0]
    return {
        "run_id": run_id,
        "workspace": manifest.workspace,
        "source_uri": source.uri,
        "source_size_bytes": source.size_bytes,
        "video_id": manifest.video_id,
        "span_index": 0,
        "span_start_s": 0.0,
        "span_end_s": manifest.video.duration_s,
        "failure_code": None,
        "failure": None,
        "stage_seconds": [],
    }
