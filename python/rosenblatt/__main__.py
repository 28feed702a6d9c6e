"""Entry point of ``python -m rosenblatt``, the command line."""

import sys

from rosenblatt._cli.main import main

if __name__ == "__main__":
    sys.exit(main())
