"""Scenario files: see loadtest/scenario.py for what one may say.

file           reads one, with what the command line says otherwise, and its variants
keys           which keys there are, and what one probably meant
sense          what is right in itself and makes no sense together
reference      the tables of docs/loadtest.md
"""
