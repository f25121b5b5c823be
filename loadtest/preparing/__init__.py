"""The ways to make people and rooms: see loadtest/preparation.py.

bulk           straight into the database of a server of our own
rest           over REST, as people would: accounts, rooms; calls asks, and heeds what it is told
accounts_file  keeps accounts between runs
company        who is in a room with whom
earlier_posts  what home timelines have in them when a run begins
"""
