"""What is stored beside an index: how it is laid out and which models its vectors are of."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from footage.durable_files import write_text
from footage.errors import IndexMismatch, StoreError
from footage.folder_exchange import folder_exists
from footage.index_records import IndexSpec

LAYOUT = 3  # goes up when vectors, folders or fields that are filtered by are added
_FORMER = {  # layouts that this footage knows and does not read, by what they lack; 1 had no number
    1: "captions and no descriptions",
    2: "durations and no times of indexing",
}


def read_spec(path: Path) -> IndexSpec | None:
    """What the index at `path` says it holds; None where there is no index.

    Raises:
        IndexMismatch: another footage laid it out.
        StoreError: spec.json is not what footage wrote.
    """
    file = path.with_name("spec.json")
    if not folder_exists(path) or not file.exists():
        return None
    try:
        held = json.loads(file.read_text())
    except (OSError, ValueError) as error:
        raise _damaged(path, error) from error
    try:
        return spec_of(held, f"The index of {path.parent.parent}", "index into another store")
    except (TypeError, AttributeError) as error:
        raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> StoreError:
    file = path.with_name("spec.json")
    return StoreError(f"{file} is damaged ({error}): remove the store {path.parent.parent} and index again.")


def spec_of(held: dict[str, Any], index: str, instead: str) -> IndexSpec:
    """The spec that was stored as `fields_of` gives it.

    Args:
        held: what was stored.
        index: begins the message, such as "The index of STORE".
        instead: what to do rather than to remove it, such as "index into another store".

    Raises:
        IndexMismatch: another footage laid it out.
        TypeError, AttributeError: it is not what footage wrote.
    """
    fields = dict(held)
    layout = fields.pop("layout", 1)
    if layout in (*_FORMER, LAYOUT):  # their fields are the same: what lacks some is damaged and not old
        spec = IndexSpec(**fields)
    if layout != LAYOUT:
        former = _FORMER.get(layout)
        made = f"an earlier footage, which had no {former}" if former else "a later footage"
        raise IndexMismatch(
            f"{index} was made by {made} (layout {layout}; this footage reads {LAYOUT}):"
            f" {instead}, or remove this one and index again."
        )
    return spec


def fields_of(spec: IndexSpec) -> dict[str, Any]:
    """What is stored beside an index."""
    return {"layout": LAYOUT, **asdict(spec)}


def check_spec(path: Path, spec: IndexSpec) -> None:
    """Let an index of these models pass.

    Raises:
        IndexMismatch: it holds vectors of others, or was laid out by another footage; the message says so.
        StoreError: spec.json is gone or damaged.
    """
    stored = read_spec(path)
    if stored is None:
        raise StoreError(f"The index {path} lost its spec.json: remove the store {path.parent.parent} and index again.")
    check_same(stored, spec, f"The index of {path.parent.parent}", "another store")


def check_same(stored: IndexSpec, spec: IndexSpec, index: str, instead: str) -> None:
    """Let a stored spec pass that is of the models asked for.

    Args:
        stored: of the index.
        spec: asked for.
        index: begins the message, such as "The index of STORE".
        instead: what else can be taken, such as "another store".

    Raises:
        IndexMismatch: they differ; the message says in what.
    """
    for what, held, asked in (
        ("text", (stored.text_model, stored.text_dimensions), (spec.text_model, spec.text_dimensions)),
        ("image", (stored.vision_model, stored.vision_dimensions), (spec.vision_model, spec.vision_dimensions)),
        ("sparse text", stored.sparse_idf, spec.sparse_idf),
    ):
        if held != asked:
            raise IndexMismatch(
                f"{index} holds {what} vectors of {_model(held)}, not of {_model(asked)}: "
                f"take the profile it was made with, or {instead}."
            )


def _model(held: tuple[str, int] | bool) -> str:
    if isinstance(held, bool):
        return "weights scaled by rarity" if held else "weights as the model gives them"
    return f"{held[0]} ({held[1]} dimensions)"


def write_spec(path: Path, spec: IndexSpec) -> None:
    """Say what the index at `path` holds; durable on return."""
    write_text(path.with_name("spec.json"), json.dumps(fields_of(spec), indent=1) + "\n")
