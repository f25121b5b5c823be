"""Virtual users: a process full of them, that does what it is told and says what it saw.

orders         what is said between the harness and such a process

From the outside in:

process        the process: orders in, words out
crowd          its users, and what they share
course         who is to be there when, what falls due, and what happens
schedule       when what falls due, and how many are to be there
alarm          to the microsecond
mix            the table of what users do, and the choice among it
actions        what such a thing is; chat_actions, echo_actions, presence_actions, feed_actions
user           a user: what it hears, where it is
asking         what it has asked, and what has become of that
arrival        how it comes, and comes back
catching_up    how it gets what it has missed
cursors        what it has of each room, and what is wrong with that
connection     its connection
rest           what it asks over REST, until it is through; http has the connections for that
chunks         received bytes -> what they mean, once for all who receive the same
body           what is said, and how a forgery shows
meter          counts, latencies, and what must never be
"""
