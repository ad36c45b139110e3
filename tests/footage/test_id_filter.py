import uuid

from footage.id_filter import IdFilter


def test_what_was_added_is_always_found_and_hardly_anything_else() -> None:
    names = [str(uuid.uuid5(uuid.NAMESPACE_URL, str(number))) for number in range(20_000)]
    found = IdFilter()
    for name in names[:10_000]:
        found.add(name)
    assert all(name in found for name in names[:10_000])
    assert not any(name in found for name in names[10_000:])  # one in 10^12 of these would be


def test_filters_err_on_different_ids() -> None:
    one, other = IdFilter(), IdFilter()
    one.add("a")
    other.add("a")
    assert one._bits != other._bits
