"""A town of accounts that know each other and talk: for demonstrations and benchmarks.

As in life, few have most of the followers, write most of the posts and get most of the likes. The
same seed, time and size make the same town. A map:

    words       what its inhabitants are called, and what they say
    people      who there is, and who follows whom
    posts       what they have published, and shared
    reactions   what others have liked and commented
    town        all of it, written to the database
"""
