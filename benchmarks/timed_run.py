"""One index run with timed stand-ins, as a program of its own: what a job's entry point is.

    python -m benchmarks.timed_run FILMS STORE --notes FOLDER --paces '{"VideoDecoder": {"span_s": 1}}'

FILMS are of benchmarks.timed_models.make_film(). Settings come from the environment, the cluster from RAY_ADDRESS. The
last line is the report of the run, as JSON.
"""

import argparse
import json
import os
from pathlib import Path

from benchmarks.timed_models import Pace, TimedModels
from footage.settings import load_settings
from pipelines.index_request import IndexRequest
from pipelines.index_run import run_index

# The models of the offline profile, on cards that only count them: one actor a card, without the second pass.
ENVIRONMENT = {
    "FOOTAGE_SUMMARIES__ADAPTER": "off",
    "FOOTAGE_PIPELINE__SPEECH_NUM_GPUS": "0.25",
    "FOOTAGE_PIPELINE__CAPTIONS_NUM_GPUS": "0.5",
    "FOOTAGE_PIPELINE__FRAMES_NUM_GPUS": "0.125",
    "FOOTAGE_PIPELINE__TEXT_NUM_GPUS": "0.125",
}
# Of the time that a span takes on a card, by stage.
SHARES = {"Transcriber": 0.25, "Captioner": 0.5, "FrameEmbedder": 0.125, "TextEmbedder": 0.125}


def paces(model: Pace, decode: Pace) -> str:
    """The option --paces for a fused model actor and a decoder."""
    parts = {
        stage: {
            "span_s": model.span_s * share,
            "per_media_s": model.per_media_s * share,
            "load_s": model.load_s * share,
        }
        for stage, share in SHARES.items()
    }
    return json.dumps(parts | {"VideoDecoder": vars(decode)})


def main() -> None:
    """Run, and print the report."""
    parser = argparse.ArgumentParser(description="An index run with timed stand-ins.")
    parser.add_argument("films")
    parser.add_argument("store")
    parser.add_argument("--notes", type=Path, required=True)
    parser.add_argument("--paces", required=True)
    parser.add_argument("--no-payload", action="store_true", help="spans carry no sound and no key frames")
    options = parser.parse_args()
    stages = {stage: Pace(**pace) for stage, pace in json.loads(options.paces).items()}
    stand_ins = TimedModels(options.notes, stages, payload=not options.no_payload)
    request = IndexRequest(
        options.films, options.store, ray_address=os.environ["RAY_ADDRESS"], job=os.environ.get("FOOTAGE_JOB", "")
    )
    report = run_index(request, load_settings("offline"), stand_ins.pools_of())
    print(report.model_dump_json(), flush=True)


if __name__ == "__main__":
    main()
