"""Damages video files in the ways that tests need; see media.py for the makers."""

from collections.abc import Iterable
from pathlib import Path

import av
import numpy as np


def halve(path: Path) -> Path:
    """Keeps the first half of a file."""
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    return path


def picture_places(path: Path) -> list[tuple[int, int]]:
    """Where in a file the packets of its pictures are: (position, size) in order."""
    with av.open(str(path)) as container:
        return [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]


def spoil(path: Path, places: Iterable[tuple[int, int]]) -> Path:
    """Replaces the bytes at these places, (position, size), by nonsense."""
    data = bytearray(path.read_bytes())
    random = np.random.default_rng(1)
    for position, size in places:
        data[position : position + size] = random.bytes(size)
    path.write_bytes(data)
    return path


def with_macroblocks(parameters: bytes, macroblocks: int) -> bytes:
    """A baseline H.264 sequence parameter set (7.3.2.1.1) with another width and height, both in macroblocks."""
    bits = "".join(f"{byte:08b}" for byte in parameters.replace(b"\0\0\3", b"\0\0"))

    def skip(at: int) -> tuple[int, int]:
        zeros = bits.index("1", at) - at
        return int(bits[at + zeros : at + 2 * zeros + 1], 2) - 1, at + 2 * zeros + 1

    def coded(value: int) -> str:
        digits = f"{value + 1:b}"
        return "0" * (len(digits) - 1) + digits

    _, at = skip(32)  # after the NAL header, profile, constraints and level: seq_parameter_set_id
    _, at = skip(at)  # log2_max_frame_num_minus4
    order_type, at = skip(at)
    if order_type == 0:
        _, at = skip(at)  # log2_max_pic_order_cnt_lsb_minus4
    _, at = skip(at)  # max_num_ref_frames
    sizes_from = at + 1  # after gaps_in_frame_num_value_allowed_flag
    _, at = skip(sizes_from)
    _, at = skip(at)
    bits = bits[:sizes_from] + coded(macroblocks - 1) * 2 + bits[at:].rstrip("0")
    bits += "0" * (-len(bits) % 8)
    escaped = bytearray()
    for start in range(0, len(bits), 8):
        byte = int(bits[start : start + 8], 2)
        if escaped[-2:] == b"\0\0" and byte <= 3:
            escaped.append(3)
        escaped.append(byte)
    return bytes(escaped)
