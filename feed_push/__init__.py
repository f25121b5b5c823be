"""Posts reach people: what a post may be, whom it reaches, in which order it is shown.

Pure rules: no I/O, no clock, no randomness; time is an argument. A map:

    profile_rules   what a profile may say; markdown makes HTML of it that is safe to show
    composition     what a post may be: checks, and brings into the form that is kept
    hashtags        what in a text is a hashtag, and when two are the same
    post_status     from which state to which a post may go, and who may take it there
    comment_rules   what a comment may be, and who may change one
    poll_rules      what a vote may be
    trending        what more accounts take part in than was to be expected
    ranking         in which order a ranked home feed shows posts
    activity        whose timelines are filled
    watching        which connection watches which feeds
    news            what has happened to posts and waits to be told, coalesced
    pushes          what is said of it, feed by feed
    ports           what other parts of the process are told of posts
"""
