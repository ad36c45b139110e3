"""English words that say nothing about a topic: neither asked for in a bag of words nor marked in a transcript."""

_ENGLISH = """
a about above after again all also am an and any are as at be been before being below between both but by can could
did do does doing down during each few for from had has have having he her here hers him his how i if in into is it
its just me more most my no nor not of off on once only or other our out over own same she should so some someone
somebody something such than that the their them then there these they this those through to too under until up us
very was we were what when where which while who whom why will with would you your
"""
FUNCTION_WORDS = frozenset(_ENGLISH.split())
