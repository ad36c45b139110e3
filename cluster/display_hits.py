"""How the command line shows the answer to a search."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cluster.display_text import clock, marked, print_toy_note, short_names, tags_line
from cluster.list_names import NAMES, By
from footage.search import SearchHit, SearchResponse
from footage.video_search import VideoSearchResponse

_WIDEST = max(len(by) for by in By)


def print_hits(response: SearchResponse) -> None:
    """A table of hits, best first, with what is said and seen in each and the reasons for it."""
    console = Console()
    if not response.hits:
        console.print("Nothing found.", markup=False)
        return
    table = Table(title=Text(f"“{response.query}”"), title_justify="left", expand=True)
    table.add_column("#", justify="right")
    table.add_column("scene", overflow="fold", ratio=2)
    table.add_column("what is said and seen", ratio=3)
    table.add_column("why: rank, score", no_wrap=True)
    names = short_names(hit.source_uris[0] for hit in response.hits)
    for number, hit in enumerate(response.hits, 1):
        video = Text(names[hit.source_uris[0]])
        video.append(f"\n{clock(hit.start_s)} – {clock(hit.end_s)}", style="bold")
        if hit.more_in_video:
            video.append(f"\n+{hit.more_in_video} more scenes in it", style="dim")
        table.add_row(str(number), video, _content(hit), Text(_reasons(hit)))
    console.print(table)
    toys = [NAMES[asked.list] for asked in response.lists if asked.toy and asked.found]
    toys += [By.CAPTION for hit in response.hits if hit.caption_toy]
    print_toy_note(console, [*toys, *("tags" for hit in response.hits if hit.tags_toy)])
    total = sum(response.took_ms.values())
    scenes = "1 scene" if len(response.hits) == 1 else f"{len(response.hits)} scenes"
    console.print(f"{scenes} in {total:.0f} ms", style="dim")


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
    return "\n".join(f"{NAMES[why.list]:{_WIDEST}} {why.rank:3}  {why.score:5.2f}" for why in hit.why)
