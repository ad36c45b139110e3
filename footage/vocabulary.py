"""The vocabulary of vision_tags: a YAML file of tags in groups, and what the frame model is shown for each.

```yaml
extends: default                  # optional: all of footage's own tags too, or those of a file beside this one
prompt: "This is a photo of {}."  # optional, of all groups; {} stands for the tag
groups:
  vehicle: [tram, {ferry: a ferry on the water}]       # the model is shown the words after the colon for `ferry`
  mood: {prompt: "a {} scene", tags: [calm, tense]}    # a group with a prompt of its own
```
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from footage.errors import SettingsError
from footage.models import PROJECT_ROOT

VOCABULARIES = Path(__file__).parent / "vocabularies"
PROMPT = "This is a photo of {}."  # SigLIP's own template for labels: https://huggingface.co/docs/transformers/model_doc/siglip
MOST_TAGS = 1000  # the features of a tag cost half a second of a core, once, and an actor has 900 s to start
MOST_TAG_CHARS = 60  # a tag is a word or a few: it is shown, typed and filtered by
MOST_TEXT_CHARS = 200  # SigLIP reads 64 tokens
KEYS = frozenset({"extends", "prompt", "groups"})
GROUP_KEYS = frozenset({"prompt", "tags"})


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag and the text that the frame model is shown for it."""

    name: str
    group: str
    text: str


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Tags in the order of their file; names are unique."""

    tags: tuple[Tag, ...]

    @property
    def content_hash(self) -> str:
        """16 hex digits that change when a tag, its text or their order does; groups change no result."""
        content = json.dumps([(tag.name, tag.text) for tag in self.tags])
        return hashlib.sha256(content.encode()).hexdigest()[:16]


def load_vocabulary(place: str) -> Vocabulary:
    """The vocabulary in a file.

    Args:
        place: TagSettings.vocabulary: a path, or `project:FILE` for a file of footage's own.

    Raises:
        SettingsError: there is no such file, or something in it is wrong; the message names the file.
    """
    own = place.startswith("project:")
    path = PROJECT_ROOT / place.removeprefix("project:") if own else Path(place).expanduser().absolute()
    tags = _read(path, ())
    if not tags:
        raise _wrong(path, "names no tag; add one under `groups`, or switch tags off with an empty tags.vocabulary")
    return Vocabulary(tuple(tags.values()))


def _read(path: Path, extended_by: tuple[Path, ...]) -> dict[str, Tag]:
    """The tags of a file by name, after those of the file it extends. A file may reword a tag that it inherits."""
    if path in extended_by:
        raise _wrong(path, "extends itself; take one `extends` out of the circle")
    content = _mapping(path)
    unknown = sorted(map(str, content.keys() - KEYS))
    if unknown:
        raise _wrong(path, f"has the unknown entry {unknown[0]!r}; it may have {', '.join(sorted(KEYS))}")
    inherited = _read(_extended(path, content["extends"]), (*extended_by, path)) if "extends" in content else {}
    groups = content.get("groups", {})
    if not isinstance(groups, dict):
        raise _wrong(path, "needs `groups:` to be names of groups, each with a list of tags")
    prompt = _prompt(path, content.get("prompt", PROMPT))
    own: dict[str, Tag] = {}
    for group, value in groups.items():
        for tag in _group(path, group, value, prompt):
            if tag.name in own:
                raise _wrong(path, f"has the tag {tag.name!r} twice, in {own[tag.name].group!r} and {tag.group!r}")
            own[tag.name] = tag
            if len(own | inherited) > MOST_TAGS:
                raise _wrong(path, f"has more than {MOST_TAGS} tags, which is the most footage scores")
    return inherited | own


def _mapping(path: Path) -> dict[Any, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise _wrong(path, "is not there; correct tags.vocabulary") from error
    except (OSError, UnicodeDecodeError) as error:
        raise _wrong(path, f"cannot be read ({error})") from error
    except yaml.YAMLError as error:
        raise _wrong(path, f"is no YAML ({' '.join(str(error).split())})") from error
    if not isinstance(content, dict):
        raise _wrong(path, "needs an entry `groups:` with names of groups, each with a list of tags")
    return content


def _extended(path: Path, name: Any) -> Path:
    if not isinstance(name, str) or not name:
        raise _wrong(path, "needs `extends:` to be `default` or the path of another vocabulary")
    shipped = VOCABULARIES / f"{name}.yaml"
    return shipped if name.isidentifier() and shipped.is_file() else (path.parent / Path(name).expanduser()).absolute()


def _prompt(path: Path, prompt: Any) -> str:
    if not isinstance(prompt, str) or prompt.count("{}") != 1:
        raise _wrong(path, f"has the prompt {prompt!r}; a prompt is a text with {{}} once, where the tag goes")
    return prompt


def _group(path: Path, group: Any, value: Any, prompt: str) -> list[Tag]:
    if isinstance(value, dict) and "tags" in value and value.keys() <= GROUP_KEYS:
        prompt, value = _prompt(path, value.get("prompt", prompt)), value["tags"]
    if not isinstance(group, str) or not isinstance(value, list):
        raise _wrong(path, f"needs the group {group!r} to be a list of tags, or `prompt` and `tags`")
    return [_tag(path, group, entry, prompt) for entry in value]


def _tag(path: Path, group: str, entry: Any, prompt: str) -> Tag:
    one_text = isinstance(entry, dict) and len(entry) == 1
    name, shown = next(iter(entry.items())) if one_text else (entry, entry)
    if not isinstance(name, str) or not isinstance(shown, str) or not name.strip() or not shown.strip():
        raise _wrong(
            path,
            f"has {entry!r} in the group {group!r}; a tag is a text, or one tag and its text as `{{tag: text}}` "
            "(write words such as no, on or 1920 in quotes)",
        )
    name, text = " ".join(name.split()), prompt.replace("{}", " ".join(shown.split()))
    if len(name) > MOST_TAG_CHARS or len(text) > MOST_TEXT_CHARS:
        raise _wrong(
            path,
            f"has the tag {name[:MOST_TAG_CHARS]!r}, which is too long: a tag has at most {MOST_TAG_CHARS} characters "
            f"and its text with the prompt {MOST_TEXT_CHARS}",
        )
    return Tag(name, group, text)


def _wrong(path: Path, what: str) -> SettingsError:
    return SettingsError(f"The vocabulary {path} {what}.")
