import logging

import pytest

from actors.model_log import log_loaded


@pytest.mark.parametrize(
    ("dtype", "revision", "line"),
    [
        (
            "float16",
            "5617a9f61b028005a4858fdac845db406aefb181",
            "Loaded text model b/m3 at 5617a9f: cuda:0, float16, 3.2 s",
        ),
        ("torch.float32", "sha256:0123", "Loaded text model b/m3 at sha256:0123: cuda:0, float32, 3.2 s"),
        ("int8", None, "Loaded text model b/m3: cuda:0, int8, 3.2 s"),
    ],
)
def test_one_line_names_the_model(
    dtype: str, revision: str | None, line: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        log_loaded("text model", "b/m3", "cuda:0", dtype, revision, 3.21)
    assert caplog.messages == [line]
    assert caplog.records[0].levelno == logging.INFO
