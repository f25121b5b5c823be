"""The harness's side of a crowd: from people to figures.

program        a run: begins all processes at one moment, lets things happen, settles
sharing        who of the people is in which process
processes      these, and what they say
account        what they have told, put together second by second
figures        what that comes to, beside what the server used
"""
