"""What the benchmark of searches asks for."""

_THINGS = ("a red car", "the harbor at night", "a speech about taxes", "children on a beach")
_HOW = ("seen from above", "in the rain", "and people who laugh", "while music plays", "with snow", "in close-up")
QUERIES = tuple(f"{thing} {how}" for thing in _THINGS for how in _HOW)
LIMIT = 20
# The scenes are made up: what they say is like no query, so a floor would leave all of them out.
PARAMETERS = f"limit={LIMIT}&min_relevance=0"
