"""The `footage` command."""

from typing import Any

import typer
from typer.core import TyperGroup

from cluster.audit_command import audit
from cluster.catalog_commands import datasets, datasets_add, datasets_remove, delete, gc
from cluster.export_commands import export
from cluster.index_commands import index, retry
from cluster.index_upkeep_commands import index_copy, reindex
from cluster.job_submit import submit
from cluster.jobs import jobs, logs, status, stop
from cluster.keys_commands import keys, keys_create, keys_revoke
from cluster.machine_commands import doctor, models
from cluster.search_commands import search, show, videos
from cluster.serve_command import serve

# Nothing heavy is imported here: `footage search` is to answer in a fraction of a second. Each command imports
# what it needs (Ray for indexing; ONNX Runtime for searching) when it runs.


class CommandGroup(TyperGroup):
    """A group in which a command may have a name of two words, such as `index copy` beside `index`."""

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """The longest name that the arguments begin with."""
        two_words = " ".join(args[:2])
        if two_words in self.commands:
            args = [two_words, *args[2:]]
        found: tuple[str | None, Any, list[str]] = super().resolve_command(ctx, args)
        return found


app = typer.Typer(
    cls=CommandGroup,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Find any moment in your footage.",
)
for command in (
    index,
    retry,
    submit,
    jobs,
    status,
    logs,
    stop,
    search,
    videos,
    show,
    export,
    serve,
    datasets,
    delete,
    gc,
    keys,
    audit,
    models,
    doctor,
    reindex,
):
    app.command()(command)
app.command("index copy")(index_copy)
app.command("datasets add")(datasets_add)
app.command("datasets remove")(datasets_remove)
app.command("keys create")(keys_create)
app.command("keys revoke")(keys_revoke)


def main() -> None:
    """Entry point of the `footage` command."""
    app()


if __name__ == "__main__":
    main()
