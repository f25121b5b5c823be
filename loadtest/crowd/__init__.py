"""Virtual users: a process full of them, that does what it is told and says what it saw.

orders         what is said between the harness and such a process
"""
