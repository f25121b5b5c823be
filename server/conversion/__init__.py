"""What people upload becomes what others can look at: in processes of its own, under limits.

Decoders of images and videos are large, written in C, and fed by strangers. So they run where they
can do no harm: in a process that knows no secret, whose time and memory are bounded, and that is
forked afresh for every file.

A map:

    sniff       what a file is, by its first bytes
    order       what a worker is asked, and what it answers
    images      Pillow: upright, smaller, without what cameras note
    videos      PyAV: what is to become of a video or sound; streams: how it is written
    worker      the process: takes orders, forks for each
    workers     this side of it: starts, asks and kills them

Nothing here imports anything of ours but protocol.
"""
