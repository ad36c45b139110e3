import io

from pipelines.progress import Progress, ProgressLine, duration


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def _progress() -> Progress:
    progress = Progress(videos=10, skipped=3, bytes_total=1000)
    progress.done, progress.quarantined, progress.scenes = 4, 1, 40
    progress.bytes_done = 500
    return progress


def test_line_tells_what_is_done_and_left() -> None:
    progress = _progress()
    progress.started_at -= 100
    progress.media_s = 500

    assert progress.line() == (
        "4 of 10 videos done · 3 skipped · 1 quarantined · 5 remaining · 40 scenes · 5.0 video h/h · about 2 min left"
    )


def test_terminal_line_is_written_over() -> None:
    console = Terminal()
    line = ProgressLine(console)
    line.show(_progress(), force=True)
    line.show(_progress(), force=True)
    line.say("done")

    assert console.getvalue().count("\n") == 1
    assert console.getvalue().endswith("\r\x1b[Kdone\n")


def test_log_gets_a_line_every_few_seconds() -> None:
    console, now = io.StringIO(), [0.0]
    line = ProgressLine(console, every_s=5, clock=lambda: now[0])
    for now[0] in (0.0, 1.0, 4.9, 5.1, 6.0):
        line.show(_progress())

    assert console.getvalue().count("\n") == 2


def test_a_long_run_has_a_line_a_minute() -> None:
    console, now = io.StringIO(), [0.0]
    line = ProgressLine(console, every_s=5, clock=lambda: now[0])
    lines = []
    for second in range(4 * 3600):
        now[0] = float(second)
        line.show(_progress())
        if second in (59, 3599, 4 * 3600 - 1):
            lines.append(console.getvalue().count("\n"))

    assert lines == [12, 107, 287]


def test_durations_read_as_spoken() -> None:
    assert [duration(s) for s in (45, 720, 12000)] == ["45 s", "12 min", "3 h 20 min"]
