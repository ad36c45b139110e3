import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from actors.picture_reading import FORMATS, read_picture
from footage.errors import NoPicture, PictureTooLarge, UnreadablePicture

RED, BLUE, WHITE = (230, 30, 20), (20, 40, 220), (255, 255, 255)


def halves(left: tuple[int, ...] = RED, right: tuple[int, ...] = BLUE, mode: str = "RGB") -> Image.Image:
    """40 x 20 pixels of two colours."""
    picture = Image.new(mode, (40, 20), left)
    picture.paste(right, (20, 0, 40, 20))
    return picture


def file(picture: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    written = io.BytesIO()
    picture.save(written, kind, **options)
    return written.getvalue()


def colours(picture: Image.Image) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Left and right."""
    assert picture.mode == "RGB"
    return picture.getpixel((5, 10)), picture.getpixel((picture.width - 5, picture.height - 10))


def two_pictures(kind: str) -> bytes:
    return file(halves(), kind, save_all=True, append_images=[halves(BLUE, RED)])


def near(found: tuple[int, ...], expected: tuple[int, ...]) -> bool:
    return max(abs(a - b) for a, b in zip(found, expected, strict=True)) < 25


@pytest.mark.parametrize("kind", FORMATS)
def test_each_kind_is_read(kind: str) -> None:
    left, right = colours(read_picture(file(halves(), kind)))
    assert near(left, RED), left
    assert near(right, BLUE), right


@pytest.mark.parametrize(
    ("picture", "left", "right"),
    [
        (halves((200,), (30,), "L"), (200, 200, 200), (30, 30, 30)),
        (halves((1,), (0,), "1"), WHITE, (0, 0, 0)),
        (halves().convert("P", palette=Image.Palette.ADAPTIVE), RED, BLUE),
        (halves((*RED, 255), (0, 0, 0, 0), "RGBA"), RED, WHITE),
        (halves((*RED, 255), (0, 0, 0, 102), "RGBA"), RED, (153, 153, 153)),
        (halves((40, 255), (40, 0), "LA"), (40, 40, 40), WHITE),
        (
            Image.fromarray(np.where(np.arange(40) < 20, 60000, 257).astype(np.uint16)[None].repeat(20, 0)),
            (233, 233, 233),
            (1, 1, 1),
        ),
    ],
    ids=["grey", "bits", "palette", "clear", "half clear", "clear grey", "16 bits"],
)
def test_each_mode_is_what_a_person_would_see(
    picture: Image.Image, left: tuple[int, ...], right: tuple[int, ...]
) -> None:
    found = colours(read_picture(file(picture)))
    assert near(found[0], left), found
    assert near(found[1], right), found


def test_a_transparent_colour_of_a_palette_is_white() -> None:
    palette = halves().convert("P", palette=Image.Palette.ADAPTIVE, colors=2)
    clear = palette.getpixel((30, 10))
    assert near(colours(read_picture(file(palette, "GIF", transparency=clear)))[1], WHITE)


def test_colours_of_print_become_colours_of_a_screen() -> None:
    found = colours(read_picture(file(halves((0, 255, 255, 0), (255, 255, 0, 0), "CMYK"), "JPEG")))
    assert near(found[0], (255, 0, 0))
    assert near(found[1], (0, 0, 255))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_picture_is_turned_as_its_camera_was(kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    left, right = colours(read_picture(file(halves(), kind, exif=exif)))
    assert near(left, BLUE)
    assert near(right, RED)
    exif[0x0112] = 6
    assert read_picture(file(halves(), kind, exif=exif)).size == (20, 40)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_damaged_exif_data_say_nothing() -> None:
    assert near(colours(read_picture(file(halves(), "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\xff")))[0], RED)


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "MPO"])  # MPO: two JPEGs in a file, by some cameras
def test_of_an_animation_the_first_picture_counts(kind: str) -> None:
    found = colours(read_picture(two_pictures(kind)))
    assert near(found[0], RED)
    assert near(found[1], BLUE)


@pytest.mark.parametrize(
    "content",
    [b"", b"no picture", b"%PDF-1.7", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", b"<svg/>", bytes(500)],
)
def test_what_is_no_picture_is_said(content: bytes) -> None:
    with pytest.raises(NoPicture, match=rf"{len(content)} bytes.*send a JPEG"):
        read_picture(content)


def test_other_kinds_that_pillow_knows_are_not_read() -> None:
    with pytest.raises(NoPicture):
        read_picture(file(halves(), "TIFF"))


@pytest.mark.parametrize("kind", FORMATS)
def test_half_a_picture_is_said(kind: str) -> None:
    whole = file(Image.fromarray(np.random.default_rng(0).integers(0, 255, (99, 99, 3), np.uint8)), kind)
    with pytest.raises(UnreadablePicture, match=r"send the whole file|save it anew|no picture"):
        read_picture(whole[: len(whole) // 2])


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_pixels_are_counted_before_they_are_decoded() -> None:
    with pytest.raises(PictureTooLarge, match=r"has 40 x 20 pixels, 0\.0 million of at most 0\.0 million; make it sm"):
        read_picture(file(halves()), most_pixels=799)
    assert read_picture(file(halves()), most_pixels=800).size == (40, 20)
    for side in (10_000, 100_000):  # the second is above what Pillow itself permits
        with pytest.raises(PictureTooLarge, match="make it smaller"):
            read_picture(_claiming(side))


def _claiming(side: int) -> bytes:
    """A PNG of a few bytes that says it is so wide and high."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::PIL.Image.DecompressionBombWarning")
def test_damage_is_never_more_than_an_unreadable_picture() -> None:
    chance = np.random.default_rng(5)
    noise = Image.fromarray(chance.integers(0, 255, (40, 40, 3), np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 6
    read = 0
    for kind in FORMATS:
        whole = np.frombuffer(
            file(noise, kind, **({"exif": exif} if kind in ("JPEG", "PNG", "WEBP") else {})), np.uint8
        )
        for _ in range(60):
            damaged = whole.copy()
            places = chance.integers(0, len(whole) if chance.random() < 0.5 else 64, 4)
            damaged[places] = chance.integers(0, 256, 4)
            try:
                read_picture(damaged.tobytes())
                read += 1
            except UnreadablePicture:
                continue
    assert 0 < read < 360
