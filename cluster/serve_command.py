"""`footage serve`: the search service and its page on this machine."""

from pathlib import Path
from typing import Annotated

import typer

from cluster.options import DEFAULT_STORE, Index, Profile, Store, Verbose, sentences


def serve(
    store: Store = DEFAULT_STORE,
    index: Index = None,
    profile: Profile = "auto",
    host: Annotated[str, typer.Option(help="Address to listen on; others than loopback need keys.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8000,
    workspace: Annotated[
        str, typer.Option(envvar="FOOTAGE_WORKSPACE", help="What is shown where no keys are needed.")
    ] = "default",
    open_to_all: Annotated[
        bool, typer.Option("--open", help="Need no keys although the store has some; on loopback only.")
    ] = False,
    logs: Annotated[Path | None, typer.Option(help="Keep the logs in this folder; otherwise they are gone.")] = None,
    verbose: Verbose = False,
) -> None:
    """Answer searches by HTTP, with a page for people, until Ctrl-C.

    Without keys everybody on this machine may search and change the workspace. Make a key with `footage keys create`,
    and every request needs one.
    """
    with sentences():
        from cluster.one_shot import catalog_of
        from cluster.service import Service, open_workspace, serve_until_signalled
        from footage.settings import load_settings

        settings = load_settings(profile)
        catalog = catalog_of(store, workspace, settings.s3)
        service = Service(
            store=store,
            index=index,
            host=host,
            port=port,
            open_workspace=open_workspace(catalog.store, host, workspace, open_to_all),
            logs=logs,
            verbose=verbose,
        )
        serve_until_signalled(service, settings)
