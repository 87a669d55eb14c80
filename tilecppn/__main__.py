"""`python -m tilecppn`: the command line."""

from tilecppn.cli import main

if __name__ == "__main__":
    main(prog_name="tilecppn")
