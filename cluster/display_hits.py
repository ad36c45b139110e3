"""How the command line shows the answer to a search."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cluster.display_text import clock, marked, print_toy_note, short_names, tags_line
from footage.list_names import NAMES
from footage.search import SearchHit, SearchResponse
from footage.video_search import VideoSearchResponse

_WIDEST = max(map(len, NAMES.values()))


def print_hits(response: SearchResponse, like: str | None = None, first: int = 1) -> None:
    """A table of hits in their order, with what is said and seen in each and the reasons for it.

    Args:
        response: to show.
        like: the picture or the scene that was searched by, as the user named it.
        first: number of the first hit, where others were shown before.
    """
    console = Console()
    if not response.hits:
        console.print("Nothing found." if first == 1 else "Nothing more was found.", markup=False)
        _print_left_out(console, response)
        return
    looked_for = [f"“{response.query}”"] if response.query is not None else []
    looked_for += [f"like {like}"] if like is not None else []
    table = Table(title=Text(", ".join(looked_for)), title_justify="left", expand=True)
    table.add_column("#", justify="right")
    table.add_column("scene", overflow="fold", ratio=2)
    table.add_column("what is said and seen", ratio=3)
    table.add_column("why: rank, score", no_wrap=True)
    names = short_names(hit.source_uris[0] for hit in response.hits)
    for number, hit in enumerate(response.hits, first):
        video = Text(names[hit.source_uris[0]])
        video.append(f"\n{clock(hit.start_s)} – {clock(hit.end_s)}", style="bold")
        if hit.more_in_video:
            video.append(f"\n+{hit.more_in_video} more scenes in it", style="dim")
        table.add_row(str(number), video, _content(hit), Text(_reasons(hit)))
    console.print(table)
    toys = [NAMES[asked.list] for asked in response.lists if asked.toy and asked.found]
    toys += [NAMES["caption"] for hit in response.hits if hit.caption_toy]
    print_toy_note(console, [*toys, *("tags" for hit in response.hits if hit.tags_toy)])
    total = sum(response.took_ms.values())
    scenes = "1 scene" if len(response.hits) == 1 else f"{len(response.hits)} scenes"
    more = f"; more: --offset {response.next_offset}" if response.next_offset is not None else ""
    console.print(f"{scenes} in {total:.0f} ms{more}", style="dim", highlight=False)
    _print_left_out(console, response)


def print_found_videos(response: VideoSearchResponse) -> None:
    """A table of videos, the one whose description is nearest first."""
    console = Console()
    if not response.videos:
        console.print("No video has a description here.", markup=False)
        return
    table = Table(title=Text(f"“{response.query}”"), title_justify="left", expand=True)
    table.add_column("#", justify="right")
    table.add_column("video", overflow="fold", ratio=1)
    table.add_column("what it is about", ratio=2)
    table.add_column("score", justify="right", no_wrap=True)
    names = short_names(video.source_uris[0] for video in response.videos)
    for number, video in enumerate(response.videos, 1):
        name = Text(names[video.source_uris[0]])
        name.append(f"\n{video.video_id[:8]}  {clock(video.duration_s)}", style="dim")
        table.add_row(str(number), name, Text(video.description), f"{video.score:.2f}")
    console.print(table)
    print_toy_note(console, ("description" for video in response.videos if video.description_toy))


def _content(hit: SearchHit) -> Text:
    """What is said; then, if known, what is seen."""
    lines = [marked(hit.transcript, hit.highlights)]
    if hit.caption:
        lines.append(Text("seen: ", style="dim").append_text(marked(hit.caption, hit.caption_highlights)))
    if hit.tags:
        lines.append(tags_line(hit.tags))
    return Text("\n").join(lines)


def _reasons(hit: SearchHit) -> str:
    lines = [f"{NAMES[why.list]:{_WIDEST}} {why.rank:3}  {why.score:5.2f}" for why in hit.why]
    if hit.relevance is not None:
        lines.append(f"{'relevance':{_WIDEST}}      {hit.relevance:5.2f}")
    return "\n".join(lines)


def _print_left_out(console: Console, response: SearchResponse) -> None:
    """Say that there are less relevant scenes, and how to see them."""
    if response.left_out:
        scenes = "1 scene" if response.left_out == 1 else f"{response.left_out} scenes"
        console.print(
            f"{scenes} less relevant left out; --min-relevance 0 shows all", style="dim", highlight=False, markup=False
        )
