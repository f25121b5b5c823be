"""`python -m server` is `plaza`."""

from server.cli import main

main()
