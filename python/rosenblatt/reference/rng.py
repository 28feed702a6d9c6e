"""Counter-based random numbers.

Each depends only on (seed, purpose, epoch, index).

Philox4x32-10: J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw, "Parallel random numbers: as easy
as 1, 2, 3", SC 2011.
"""

from __future__ import annotations

INITIAL_WEIGHTS = 1  # purposes: two uses of one seed never share a number
SHUFFLE = 2
DROPOUT = 3  # plus 2^8 times the layer
INPUT_NOISE = 4
INITIAL_BIASES = 5

LOW_32_BITS = 2**32 - 1

Block = tuple[int, int, int, int]  # four 32-bit words


def philox4x32_10(counter: Block, key: tuple[int, int]) -> Block:
    """Return four random 32-bit words for a counter and a key, after ten rounds."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        product_0 = 0xD2511F53 * c0
        product_1 = 0xCD9E8D57 * c2
        c0, c1, c2, c3 = (
            (product_1 >> 32) ^ c1 ^ k0,
            product_1 & LOW_32_BITS,
            (product_0 >> 32) ^ c3 ^ k1,
            product_0 & LOW_32_BITS,
        )
        k0 = (k0 + 0x9E3779B9) & LOW_32_BITS
        k1 = (k1 + 0xBB67AE85) & LOW_32_BITS
    return c0, c1, c2, c3


def random_u64(seed: int, purpose: int, epoch: int, index: int) -> int:
    """Return a random integer in 0 ... 2^64 - 1.

    Two neighbouring indices share a block.
    """
    key = (seed & LOW_32_BITS, seed >> 32)
    i = index >> 1
    x0, x1, x2, x3 = philox4x32_10((i & LOW_32_BITS, i >> 32, epoch, purpose), key)
    return x0 | x1 << 32 if index % 2 == 0 else x2 | x3 << 32


def uniform(seed: int, purpose: int, epoch: int, index: int) -> float:
    """Return a random float64 in [0, 1), a multiple of 2^-53."""
    return (random_u64(seed, purpose, epoch, index) >> 11) * 2.0**-53


def word_of_row(seed: int, purpose: int, epoch: int, row: int, index: int) -> int:
    """Return 32 random bits for an index in a row of an epoch.

    64 indices share 16 blocks.

    Index j uses word (j / 16) mod 4 of block 16 (j / 64) + j mod 16, with divisions rounded down.
    """
    block = index // 64 * 16 + index % 16
    key = (seed & LOW_32_BITS, seed >> 32)
    return philox4x32_10((block, row & LOW_32_BITS, epoch, purpose), key)[index // 16 % 4]


def shuffled(seed: int, epoch: int, n: int) -> list[int]:
    """Return 0 ... n-1 in the random order of this epoch.

    Fisher-Yates, from the end.
    """
    order = list(range(n))
    for i in range(n - 1, 0, -1):
        j = (random_u64(seed, SHUFFLE, epoch, i) * (i + 1)) >> 64
        order[i], order[j] = order[j], order[i]
    return order
