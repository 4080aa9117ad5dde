"""The command line, one file per command.

A command imports its libraries when it is called, so that help and spelling errors appear at once.
"""
