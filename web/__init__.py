"""The browser client: plain ES modules, served as they are. No build step.

    index.html   the page; server/rest/web.py says where the rest is found, and under which policy
    app/         the web application
    live/        the pages of live streams: who is live, watch, go live
    sdk/         the JavaScript SDK beneath it, for others, too: docs/sdk-javascript.md

This package is there for its files to be found in a checkout and in an installed wheel alike.
"""
