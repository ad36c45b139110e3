"""Options of the commands that deal with a cluster."""

from typing import Annotated

import typer

from footage.errors import SettingsError

ADDRESS_VARIABLES = ["RAY_DASHBOARD_ADDRESS", "RAY_API_SERVER_ADDRESS"]
Address = Annotated[
    str | None,
    typer.Option(
        envvar=ADDRESS_VARIABLES,
        help="Of the cluster's dashboard, such as http://head:8265. Its token is taken from RAY_AUTH_TOKEN.",
    ),
]


def cluster_of(address: str | None) -> str:
    """The address of a cluster, which a command cannot do without.

    Raises:
        SettingsError: none was given.
    """
    if not address:
        raise SettingsError(
            f"No cluster is named: say --address http://head:8265, or set {ADDRESS_VARIABLES[0]} to the address of"
            " Ray's dashboard."
        )
    return address if "://" in address else f"http://{address}"


def resources_of(given: list[str]) -> dict[str, float]:
    """Resources as they are given on the command line, `name=amount` each.

    Raises:
        SettingsError: one is not written so.
    """
    found = {}
    for one in given:
        name, _, amount = one.rpartition("=")
        try:
            found[name] = float(amount)
        except ValueError:
            found[name] = 0.0
        if not name or found[name] <= 0:
            raise SettingsError(f"{one!r} is no resource of a machine: it is written like head=0.01.")
    return found
