"""The file beside an index that says how it is laid out and which models its vectors are of."""

import json
import os
from dataclasses import asdict
from pathlib import Path

from footage.errors import IndexMismatch, StoreError
from footage.index_records import IndexSpec

LAYOUT = 2  # goes up when vectors or folders are added; 1 had neither captions nor descriptions, and no number


def read_spec(path: Path) -> IndexSpec | None:
    """What the index at `path` says it holds; None where there is no index.

    Raises:
        IndexMismatch: another footage laid it out.
        StoreError: spec.json is not what footage wrote.
    """
    file = path.with_name("spec.json")
    if not path.exists() or not file.exists():
        return None
    try:
        held = json.loads(file.read_text())
        layout = held.pop("layout", 1)
        if layout in (1, LAYOUT):  # their fields are the same: a file without them is damaged and not old
            spec = IndexSpec(**held)
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise StoreError(
            f"{file} is damaged ({error}): remove the store {path.parent.parent} and index again."
        ) from error
    if layout != LAYOUT:
        made = "an earlier footage, which had no captions and no descriptions" if layout == 1 else "a later footage"
        raise IndexMismatch(
            f"The index of {path.parent.parent} was made by {made} (layout {layout}; this footage reads {LAYOUT}):"
            " index into another store, or remove this one and index again."
        )
    return spec


def check_spec(path: Path, spec: IndexSpec) -> None:
    """Let an index of these models pass.

    Raises:
        IndexMismatch: it holds vectors of others, or was laid out by another footage; the message says so.
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
    written.write_text(json.dumps({"layout": LAYOUT, **asdict(spec)}, indent=1) + "\n")
    os.replace(written, path.with_name("spec.json"))
