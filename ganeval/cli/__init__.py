"""The command line, one file per command.

A command imports what it works with when it is called, so that help and errors of spelling are
shown at once.
"""
