"""`footage index --dry-run`: what is to do is counted, and nothing is written."""

import json
import os
from pathlib import Path

import pytest

from tests.cluster.test_cli import footage


def test_a_dry_run_says_what_is_to_do_and_what_it_would_take(prepared: object, tmp_path: Path, clips: Path) -> None:
    where = ("--store", tmp_path / "store", "--profile", "offline", "--dry-run")

    said = footage("index", clips, *where)
    told = json.loads(footage("index", clips, *where, "--json", "--max-cpus", "2").stdout)

    size_bytes = sum(path.stat().st_size for path in clips.glob("*.mp4"))
    assert (said.returncode, said.stderr) == (0, "")
    assert said.stdout.startswith(f"8 videos to index ({size_bytes / 2**20:.1f} MiB).\n")
    assert "Bottleneck: " in said.stdout
    assert "indexed already" not in said.stdout
    assert (told["sources"]["to_do"], told["sources"]["skipped"]) == (8, 0)
    assert (told["videos"], told["size_bytes"]) == (8, size_bytes)
    assert not (tmp_path / "store").exists()


@pytest.mark.ray
def test_what_is_indexed_is_not_to_do(prepared: object, indexed_samples: Path, clips: Path) -> None:
    before = sorted(path for path, _, _ in os.walk(indexed_samples))

    said = footage("index", clips, "--store", indexed_samples, "--profile", "offline", "--dry-run")

    assert said.stdout == "Nothing to index, 8 indexed before.\n"
    assert sorted(path for path, _, _ in os.walk(indexed_samples)) == before


def test_a_dry_run_of_parts_is_refused(tmp_path: Path) -> None:
    said = footage("index", tmp_path, "--store", tmp_path, "--profile", "offline", "--dry-run", "--only", "speech")

    assert (said.returncode, said.stderr) == (
        1,
        "footage: --dry-run shows the layout of whole runs: leave --only out.\n",
    )
