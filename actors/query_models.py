"""The models that queries are encoded with."""

from actors.model_preparation import PreparedModels, prepared_models
from footage.errors import ModelMissing
from footage.settings import Settings


def query_models(settings: Settings) -> PreparedModels:
    """The prepared models of these settings.

    Raises:
        ModelMissing: they are not on this machine, or were not prepared.
    """
    prepared = prepared_models(settings)
    if prepared is None:
        raise ModelMissing(
            f"The models of profile {settings.profile} were not prepared on this machine yet: run `footage models"
            f" --profile {settings.profile} --pull` once, or use the profile that indexed."
        )
    return prepared
