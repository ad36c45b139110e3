"""The file beside an index that says which models its vectors are of."""

import json
import os
from dataclasses import asdict
from pathlib import Path

from footage.errors import IndexMismatch, StoreError
from footage.index_records import IndexSpec


def read_spec(path: Path) -> IndexSpec | None:
    """What the index at `path` says it holds; None where there is no index.

    Raises:
        StoreError: spec.json is not what footage wrote.
    """
    file = path.with_name("spec.json")
    if not path.exists() or not file.exists():
        return None
    try:
        return IndexSpec(**json.loads(file.read_text()))
    except (OSError, ValueError, TypeError) as error:
        raise StoreError(
            f"{file} is damaged ({error}): remove the store {path.parent.parent} and index again."
        ) from error


def check_spec(path: Path, spec: IndexSpec) -> None:
    """Let an index of these models pass.

    Raises:
        IndexMismatch: it holds vectors of others; the message names both.
        StoreError: spec.json is gone or damaged.
    """
    stored = read_spec(path)
    if stored is None:
        raise StoreError(f"The index {path} lost its spec.json: remove the store {path.parent.parent} and index again.")
    for what, held, asked in (
        ("text", (stored.text_model, stored.text_dimensions), (spec.text_model, spec.text_dimensions)),
        ("image", (stored.vision_model, stored.vision_dimensions), (spec.vision_model, spec.vision_dimensions)),
        ("sparse text", stored.sparse_idf, spec.sparse_idf),
    ):
        if held != asked:
            raise IndexMismatch(
                f"The index of {path.parent.parent} holds {what} vectors of {_model(held)}, not of {_model(asked)}: "
                "take the profile it was made with, or another store."
            )


def _model(held: tuple[str, int] | bool) -> str:
    if isinstance(held, bool):
        return "weights scaled by rarity" if held else "weights as the model gives them"
    return f"{held[0]} ({held[1]} dimensions)"


def write_spec(path: Path, spec: IndexSpec) -> None:
    """Say what the index at `path` holds."""
    written = path.with_name(".spec.json.new")
    written.write_text(json.dumps(asdict(spec), indent=1) + "\n")
    os.replace(written, path.with_name("spec.json"))
