"""`python -m bulkagent` is the command `bulkagent`."""

from bulkagent.cli import main

if __name__ == "__main__":
    main()
