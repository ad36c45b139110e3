"""Evenly chosen places in a row of things."""


def even_places(count: int, wanted: int) -> list[int]:
    """Up to `wanted` of the numbers 0 to `count` - 1: the middles of as many equal parts."""
    if count <= wanted:
        return list(range(count))
    return [(2 * part + 1) * count // (2 * wanted) for part in range(wanted)]
