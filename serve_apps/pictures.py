"""Pictures that are searched by, as they come in with a form. The encoder looks at what is in them."""

from fastapi import UploadFile

from footage.serve_settings import ServeSettings
from serve_apps.problems import problem


def picture_of(upload: UploadFile | None, settings: ServeSettings) -> bytes | None:
    """The bytes of a file that was sent; None where there is none, or an empty one, as browsers send for no file.

    Raises:
        HttpProblem: 413, it is larger than permitted.
    """
    if upload is None:
        return None
    most_bytes = int(settings.max_image_mib * 2**20)
    data = upload.file.read(most_bytes + 1)
    if len(data) > most_bytes:
        raise problem(413, f"The picture is larger than the {settings.max_image_mib:g} MiB that are permitted.")
    return data or None
