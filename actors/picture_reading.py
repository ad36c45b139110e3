"""Reads a picture that somebody searches by: any that a browser shows, as the pixels that a person would see."""

import io
import struct
import zlib
from typing import Any

import numpy as np

from footage.errors import NoPicture, PictureTooLarge, UnreadablePicture

# What browsers show. Not what Pillow hands to other programs, such as EPS.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "AVIF")
MOST_PIXELS = 40_000_000  # the default of serve.max_image_mpx; decoding takes 4 bytes for each
# What Pillow's readers raise on damaged files, found by damaging files of all formats; an OSError is the usual one.
DAMAGE = (
    *(OSError, SyntaxError, ValueError, EOFError, LookupError, TypeError, ArithmeticError, RuntimeError),
    *(struct.error, zlib.error),
)


def read_picture(picture: bytes, most_pixels: int = MOST_PIXELS) -> Any:
    """An RGB Image of Pillow: turned as its EXIF orientation says, on white where it is transparent, an animation's
    first picture, 16 bits scaled down to 8.

    Args:
        picture: a file of FORMATS.
        most_pixels: pixels are counted before they are decoded.

    Raises:
        NoPicture: these bytes are no picture of FORMATS.
        PictureTooLarge: it has more pixels.
        UnreadablePicture: it ends too early or is damaged.
    """
    from PIL import Image

    opened = _opened(picture)
    pixels = opened.width * opened.height
    if pixels > most_pixels:
        raise PictureTooLarge(
            f"The picture has {opened.width} x {opened.height} pixels, {pixels / 1e6:.1f} million of at most "
            f"{most_pixels / 1e6:.1f} million; make it smaller."
        )
    try:
        opened.load()
        return _flat(_turned(opened))
    except Image.DecompressionBombError as error:
        raise PictureTooLarge(f"The picture unpacks to too much ({error}); save it anew.") from error
    except DAMAGE as error:
        raise UnreadablePicture(
            f"The {opened.format} picture ({len(picture)} bytes) ends too early or is damaged ({error}); send the "
            f"whole file, or save it anew."
        ) from error


def _opened(picture: bytes) -> Any:
    """The picture with only its header read."""
    from PIL import Image, UnidentifiedImageError

    if not picture:
        raise NoPicture("The picture is empty (0 bytes); send a JPEG, PNG or WebP file.")
    try:
        return Image.open(io.BytesIO(picture), formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        # Pillow counts on its own where a header claims more than any picture has.
        raise PictureTooLarge(f"The picture has too many pixels ({error}); make it smaller.") from error
    except UnidentifiedImageError as error:
        raise NoPicture(
            f"These {len(picture)} bytes are no picture that is read here: send a JPEG, PNG, WebP, GIF, BMP or AVIF "
            f"file."
        ) from error
    except DAMAGE as error:
        raise UnreadablePicture(
            f"The picture's header ({len(picture)} bytes in all) is damaged ({error}); save it anew."
        ) from error


def _turned(picture: Any) -> Any:
    from PIL import ImageOps

    try:
        return ImageOps.exif_transpose(picture)
    except DAMAGE:
        return picture  # damaged EXIF data say nothing of the orientation


def _flat(picture: Any) -> Any:
    """RGB with 8 bits, on white."""
    from PIL import Image

    if picture.mode.startswith("I") or picture.mode == "F":
        # Grey of 16 bits; Pillow's own conversion cuts off at 255.
        grey = np.clip(np.asarray(picture, np.float32) / 257, 0, 255).round().astype(np.uint8)
        return Image.fromarray(grey).convert("RGB")
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    seen = picture.convert("RGBA")
    white = Image.new("RGBA", seen.size, "white")
    white.alpha_composite(seen)
    return white.convert("RGB")
