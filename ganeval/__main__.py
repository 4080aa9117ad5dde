"""`python -m ganeval` is the command `ganeval`."""

from ganeval.cli.main import main

main()
