"""English words that say nothing about a topic, for queries to a bag of words."""

_ENGLISH = """
a about above after again all also am an and any are as at be been before being below between both but by can could
did do does doing down during each few for from had has have having he her here hers him his how i if in into is it
its just me more most my no nor not of off on once only or other our out over own same she should so some someone
somebody something such than that the their them then there these they this those through to too under until up us
very was we were what when where which while who whom why will with would you your
"""
FUNCTION_WORDS = frozenset(_ENGLISH.split())


def without_function_words(text: str) -> str:
    """The text without English function words; the whole text where nothing else is left.

    A constant sparse head gives `the` the same weight as `brakes`, and in a small library rarity does not make up
    for it: over 26 scenes, a query such as "a red background" found every transcript with an `a`.
    """
    left = [word for word in text.split() if word.strip(".,;:!?\"'()").lower() not in FUNCTION_WORDS]
    return " ".join(left) or text
