"""What the inhabitants are called, and what they say."""

from itertools import accumulate
from random import Random

_QUALITIES = (
    "amber", "bright", "calm", "clear", "distant", "early", "evening", "gentle", "golden", "green",
    "hidden", "late", "little", "long", "merry", "misty", "northern", "old", "open", "patient",
    "quiet", "rainy", "silver", "slow", "southern", "steady", "sunny", "tall", "warm", "wild",
)  # fmt: skip
_THINGS = (
    "barn", "bay", "birch", "bridge", "brook", "canyon", "cedar", "cliff", "cloud", "comet",
    "dune", "falcon", "fern", "field", "finch", "fjord", "garden", "grove", "harbour", "heron",
    "hill", "island", "lake", "lantern", "maple", "meadow", "mill", "moor", "orchard", "otter",
    "path", "pine", "pond", "reef", "river", "robin", "shore", "spring", "thicket", "valley",
)  # fmt: skip

# From the most to the least used: each is as frequent as its place allows (Zipf's law).
TAGS = (
    "photography", "cooking", "music", "books", "running", "gardening", "travel", "cycling",
    "coffee", "hiking", "football", "films", "baking", "birds", "python", "chess", "architecture",
    "sailing", "astronomy", "pottery", "drawing", "history", "swimming", "trains", "theatre",
    "climbing", "maps", "knitting", "mathematics", "cheese", "camping", "poetry", "jazz",
    "typography", "bees", "rowing", "puzzles", "mushrooms", "woodwork", "radio", "gliding",
    "languages", "fishing", "volcanoes", "bread", "lighthouses", "kites", "moss", "clocks",
    "bridges", "origami", "fossils", "tea", "marathon", "opera", "weather", "caves", "stamps",
    "calligraphy", "tides",
)  # fmt: skip
_TAG_SHARES = list(accumulate(1 / (place + 1) for place in range(len(TAGS))))

_WHEN = (
    "This morning", "Yesterday", "Last weekend", "On the way home", "Before breakfast",
    "After the rain", "Late in the evening", "On Tuesday", "During lunch", "Two weeks ago",
    "In the first light", "Between two trains",
)  # fmt: skip
_WHAT = (
    "we walked along the river", "I repaired the old bicycle", "I read about the tides",
    "we planted three apple trees", "I found a café without music", "the whole street had no power",
    "I counted eleven herons", "we missed the last bus", "I finished a very long book",
    "the neighbours brought soup", "I tried the new bakery", "we watched the moon come up",
    "I learned two chords", "the library opened again", "I ran further than I had meant to",
    "we painted the kitchen yellow", "somebody played the piano next door",
    "I took the wrong train", "we cooked for twelve people", "I lost at chess again",
)  # fmt: skip
_AND = (
    "It was worth it.", "I would do it again.", "Nobody had told me how cold it gets.",
    "There are pictures somewhere.", "Next time I bring a jacket.", "The dog liked it most.",
    "Who else was there?", "It took three hours.", "I have questions.", "More of that, please.",
    "The weather helped.", "I am still surprised.", "It will be on my list for a while.",
    "You should try it.", "That is all I have to report.", "Has anybody done this before?",
)  # fmt: skip
_REPLIES = (
    "That sounds good.", "Where was that?", "I was there last year.", "Thank you for sharing this.",
    "I do not agree, but I see why.", "How long did it take?", "The same happened to me.",
    "Next time tell me before.", "I had not thought of that.", "Is it open in winter, too?",
    "Now I am hungry.", "Well done!", "Can you recommend it?", "I have to try this.",
    "It looks different on the map.", "What a day.",
)  # fmt: skip


def username(number: int) -> str:
    """A name for each number; no two have the same."""
    quality, thing = number % len(_QUALITIES), number // len(_QUALITIES) % len(_THINGS)
    again = number // (len(_QUALITIES) * len(_THINGS))
    return f"{_QUALITIES[quality]}_{_THINGS[thing]}" + (f"_{again + 1}" if again else "")


def display_name(username: str) -> str:
    """How it is written for people."""
    return username.replace("_", " ").title()


def bio(chance: Random) -> str:
    """What somebody says of themselves."""
    one, other = chance.sample(TAGS[:30], 2)
    return f"Mostly {one}, sometimes {other}."


def tags(chance: Random) -> list[str]:
    """The hashtags of a post: often none."""
    count = chance.choices((0, 1, 2, 3), (55, 30, 11, 4))[0]
    return list(dict.fromkeys(chance.choices(TAGS, cum_weights=_TAG_SHARES, k=count)))


def sentence(chance: Random) -> str:
    """What a post says, hashtags apart."""
    said = f"{chance.choice(_WHEN)} {chance.choice(_WHAT)}."
    return f"{said} {chance.choice(_AND)}" if chance.random() < 0.7 else said


def reply(chance: Random) -> str:
    """What a comment says."""
    return chance.choice(_REPLIES)
