"""What must hold between settings of different sections."""

from footage.endpoint_url import EXAMPLE, base_url
from footage.errors import SettingsError
from footage.model_settings import CaptionSettings, EndpointSettings, SummarySettings
from footage.models import COMMIT, is_hub_name


def check_captions(captions: CaptionSettings) -> None:
    """Whether the caption model can be reached as it is set.

    Raises:
        SettingsError: a server without a usable address, or remote code without a pinned commit; says what to set.
    """
    if captions.adapter == "http":
        _check_endpoint("captions", captions.endpoint)
    # The model's repository brings code that is run here: it must be code that somebody can have looked at, chosen here
    # and not by footage's catalogue.
    is_pinned = COMMIT.fullmatch(captions.revision or "") is not None
    if captions.adapter == "chat" and is_hub_name(captions.model) and not is_pinned:
        raise SettingsError(
            f"The setting captions.adapter is chat, which runs code of {captions.model}: set captions.revision to"
            " the commit (40 characters) that you trust."
        )


def check_summaries(summaries: SummarySettings) -> None:
    """Whether the server that is to write descriptions can be asked. A captioner that cannot write is no error: the
    report of the run says that it is off.

    Raises:
        SettingsError: the server lacks a usable address or the model's name; says what to set.
    """
    if summaries.adapter == "http":
        _check_endpoint("summaries", summaries.endpoint)
        if not summaries.model:
            raise SettingsError(
                "The setting summaries.adapter is http: set summaries.model to the name that the server knows."
            )


def _check_endpoint(section: str, endpoint: EndpointSettings) -> None:
    variable = f"FOOTAGE_{section.upper()}__ENDPOINT__URL"
    if not endpoint.url:
        raise SettingsError(
            f"The setting {section}.adapter is http, but {section}.endpoint.url is not set: give the server's address"
            f" with its version, such as {variable}={EXAMPLE}."
        )
    base_url(f"{section}.endpoint.url", endpoint.url)
