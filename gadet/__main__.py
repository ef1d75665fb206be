"""The command line by `python -m gadet`."""

from gadet.cli import main

if __name__ == "__main__":
    main()
