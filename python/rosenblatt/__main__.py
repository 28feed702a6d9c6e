"""Entry point of ``python -m rosenblatt``, the same command line as ``rosenblatt``."""

import sys

from rosenblatt._cli.main import main

if __name__ == "__main__":
    sys.exit(main())
