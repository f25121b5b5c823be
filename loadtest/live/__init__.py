"""Live streams under load, and calls that are made of them.

program        a stream and its viewers, at a pace or at one that rises
call           a call that is made of streams: everybody watches everybody
show           what both do: streams that are on, second by second
streams        they are made over REST
peers          who publish and watch, in processes of their own
publisher      one such process: cameras; camera is one of them
viewers        the other: viewer is one, and counts exactly
orders         what peers and their processes say to each other
sample         what some seconds have shown: figures
limit          what is too much
"""
