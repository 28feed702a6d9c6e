"""Tolerances: every number that a test allows between two results, with the reason for its size.

Where docs/arithmetic.md specifies the result there is none: those tests compare bits.
"""

from __future__ import annotations

import math

U = 2.0**-53  # the largest relative error of one rounding in float64

# ---- gradients against long double -----------------------------------------------------------

# The norm of the difference over the norm of the array, for each of cost, z, a, delta, dW, db, dX
# by itself. The promise is 1e-10. A network of depth 8 and width 5 rounds some 8 * 2 * (5 + 10)
# numbers in a row on the way to dW^(1), each by u, and a saturating function may amplify them by
# its condition, below 10^3 for the networks here: 3e-11, were all of them in one direction, and
# below 1e-12 as they come. A wrong factor or index shows as 1e-2 or more. The long double itself
# is 2^11 times as exact.
LONG_DOUBLE_RELATIVE = 1e-10

# ---- gradients against central differences ---------------------------------------------------

# The norm of the difference over the norm of the array, for every dW, db and dX by itself: the
# promise.
DIFFERENCES_RELATIVE = 1e-8

# The central difference of order eight,
# dC/dw = sum_i weight_i (C(w + i h) - C(w - i h)) / h + O(h^8).
STENCIL = ((1, 4 / 5), (2, -1 / 5), (3, 4 / 105), (4, -1 / 280))
REACH = max(offset for offset, _ in STENCIL)

# The truncation error is h^8 C^(9) / 630. By Cauchy's estimate C^(9) <= 9! M / r^9, with M about C
# and r the distance to the nearest singularity in w: tanh has its own at i pi / 2, and the networks
# here amplify a weight by less than 6, so r > 1/4. That makes 2300 (4 h)^8 C. The rounding error is
# that of C, some 8 u C, times 2 sum |weight_i| / h = 2.1 / h. Their sum is smallest near h = 2^-9:
# 3e-14 C from the first, 1e-12 C from the second.
STEP = 2.0**-9
DIFFERENCES_ROUNDING = 8 * U * 2 * math.fsum(abs(weight) for _, weight in STENCIL) / STEP

# So much is a difference wrong relative to the cost; relative to the gradient it is 1e-8 where the
# norm of the array is at least this part of the cost (times sqrt(size), for as many roundings).
# The tests look for points of which that is true, so that the first layers of deep networks are
# tested as sharply as the last. w + i h is exact, for w is a multiple of GRID.
SMALLEST_GRADIENT = DIFFERENCES_ROUNDING / DIFFERENCES_RELATIVE
GRID = 2.0**-20

# ---- statistics of the initial weights -------------------------------------------------------


def mean_of_uniform(limit: float, n: int) -> float:
    """Return five standard errors of the mean of n numbers uniform in +-limit.

    One seed in two million is further off, and the tests' seeds are fixed.
    """
    return 5 * limit / math.sqrt(3 * n)


def variance_of_uniform(limit: float, n: int) -> float:
    """Return five standard errors of the variance limit^2 / 3: that of x^2 is limit^4 * 4 / 45."""
    return 5 * limit**2 * math.sqrt(4 / 45 / n)


def mean_of_normal(variance: float, n: int) -> float:
    """Return five standard errors of the mean of n normal numbers."""
    return 5 * math.sqrt(variance / n)


def variance_of_normal(variance: float, n: int) -> float:
    """Return five standard errors of the variance: that of x^2 is 2 variance^2."""
    return 5 * variance * math.sqrt(2 / n)


# How far W W^T may be from the identity. Modified Gram-Schmidt leaves about u times the condition
# of the matrix (Bjorck 1967); that of a square one of n normal numbers is about n, and 1000 n in
# one case of 1000 (Edelman 1988). The tests have n = 30.
ORTHOGONAL = 30 * 1000 * U

# ---- targets ---------------------------------------------------------------------------------

# A row is a distribution if its sum is within 1e-4 of 1: the float32 probabilities of 1,000 classes
# sum to 1 within 1000 * 2^-24 = 6e-5. The tests stand a factor of 2 on either side.
ROW_SUM = 1e-4

# ---- times -----------------------------------------------------------------------------------

# Seconds of processor time, for each thread of the call, from Ctrl-C to KeyboardInterrupt. The
# promise is 0.1 for steps that are not very large. Processor time does not count the time for which
# a busy machine lets a process wait, but two threads that share a core slow each other down.
INTERRUPT_SECONDS = 1.0

# The same while memory and arguments are prepared. The promise is 0.1; a busy machine is slow to
# give memory. It was up to 3 for the memory of a large batch.
PREPARATION_SECONDS = 0.3

# Seconds that one thread computes between two wakings of another that sleeps 1 ms at a time: the
# median of the processor's time. A computation that held the interpreter's lock, and let go of it
# only to look for Ctrl-C, would show 0.02.
WAKING_SECONDS = 0.01

# How many times as much of the processor's time a training may take with more threads than there
# are cores, or beside other processes on the same cores, as with one thread: the least of some runs
# under the same load. On one core, 7 threads alone take 1.8 times as much; beside three busy
# processes 2 or 7 take 1.0 to 1.4 times. With a pool whose threads spin until they meet it is 5 to
# 6 times.
OVERSUBSCRIBED_PROCESSOR = 4.0

# Seconds that `import rosenblatt` takes on top of NumPy: the promise.
IMPORT_SECONDS = 0.05

# ---- allocations -----------------------------------------------------------------------------

# Calls of malloc and its kin that one more epoch may make: the growing list of losses, and the
# interpreter's own while it looks for Ctrl-C. One per batch would be 313 an epoch in the tests.
ALLOCATIONS_PER_EPOCH = 16

# ---- trainings whose sums run in another order -------------------------------------------------

# Copies of a sample in place of a weight, or equal weights in place of none, round the sums of a
# gradient, of up to 100 terms, differently: 100 u a step at most, and some 100 steps of a descent
# that contracts or keeps distances add them up to 1e-12. A weight that were left out shows as 1e-2.
REORDERED_TRAINING = 1e-10
