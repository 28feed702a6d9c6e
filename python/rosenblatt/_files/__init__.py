"""Model files and checkpoints on the disk."""

from .model import from_bytes as from_bytes  # by this name in pickles of networks
