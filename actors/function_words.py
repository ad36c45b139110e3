"""Queries without English words that say nothing about a topic, for a bag of words."""

from footage.function_words import FUNCTION_WORDS


def without_function_words(text: str) -> str:
    """The text without English function words; the whole text where nothing else is left.

    A constant sparse head gives `the` the same weight as `brakes`, and in a small library rarity does not make up
    for it: over 26 scenes, a query such as "a red background" found every transcript with an `a`.
    """
    left = [word for word in text.split() if word.strip(".,;:!?\"'()").lower() not in FUNCTION_WORDS]
    return " ".join(left) or text
