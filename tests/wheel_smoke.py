"""Smoke run of a built wheel: the one file a person gets works where there is no checkout.

.ci/run runs it in a fresh virtual environment with the wheel and NumPy alone, in an empty folder:

    python -I wheel_smoke.py WHEEL FOLDER_WHERE_THE_CHECKOUT_IS_INSTALLED
"""

import shutil
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
import zipfile
from importlib import metadata
from pathlib import Path

LARGEST_WHEEL = 3_000_000  # bytes
IMPORT_TARGET = 0.050  # seconds on top of NumPy
IMPORT_LIMIT = 0.150  # seconds; three times the target, for a shared machine is noisy
N_INTERPRETERS = 15
TIME_THE_IMPORT = """
import time, numpy
start = time.perf_counter()
import rosenblatt
print(time.perf_counter() - start)
"""


def require(holds: bool, sentence: str) -> None:
    """End the run with `sentence` where it does not hold; say it where it does."""
    if not holds:
        sys.exit(f"wheel_smoke: not so: {sentence}")
    print(f"wheel_smoke: {sentence}")


def check_file(wheel: Path, installed: Path) -> None:
    """The wheel is small, and has the files that an installation of the checkout has."""
    size = wheel.stat().st_size
    require(size < LARGEST_WHEEL, f"the wheel has {size:,} bytes, fewer than {LARGEST_WHEEL:,}")
    names = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("rosenblatt/")}
    files = (path for path in (installed / "rosenblatt").rglob("*") if path.is_file())
    others = {str(path.relative_to(installed)) for path in files if path.suffix != ".pyc"}
    require(
        names == others,
        "the wheel holds the files of the installation of the checkout "
        f"(only in one: {sorted(names ^ others) or 'none'})",
    )


def check_dependencies() -> None:
    """NumPy is all that an installation brings along; extras do not count."""
    expected = [line for line in metadata.requires("rosenblatt") or [] if "extra ==" not in line]
    require(
        len(expected) == 1 and expected[0].lower().startswith("numpy"),
        f"the wheel depends on NumPy alone (it says {expected})",
    )


def check_import_time() -> None:
    """Importing costs little on top of NumPy: the median over fresh interpreters."""
    seconds = []
    for _ in range(N_INTERPRETERS + 1):
        command = [sys.executable, "-I", "-c", TIME_THE_IMPORT]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        seconds.append(float(done.stdout))
    median = statistics.median(seconds[1:])  # the first one fills the disk's cache
    require(
        median < IMPORT_LIMIT,
        f"import rosenblatt costs {1e3 * median:.1f} ms on top of NumPy, the median of "
        f"{N_INTERPRETERS} interpreters; the target is {1e3 * IMPORT_TARGET:.0f} ms, above "
        f"{1e3 * IMPORT_LIMIT:.0f} ms this fails",
    )


def check_training() -> None:
    """A network learns the digits, and comes back from its file with the same bits."""
    import rosenblatt as rb

    X, y = rb.datasets.load_digits()
    net = rb.Network([64, 32, 10], activation="relu", output="softmax", random_state=0)
    optimizer = rb.SGD(learning_rate=0.1)
    result = rb.train(net, X, y, loss="log_loss", optimizer=optimizer, batch_size=32, epochs=5)
    first, last = result.loss_curve[0], result.loss_curve[-1]
    require(last < first / 2, f"five epochs bring the loss from {first:.3f} to {last:.3f}")

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "digits.safetensors"
        net.save(path)
        again = rb.load(path)
    require(
        again.forward(X).tobytes() == net.forward(X).tobytes(),
        "a saved and loaded network gives the same bits",
    )


def check_command_line() -> None:
    """The command `rosenblatt` is installed and knows its version."""
    command = shutil.which("rosenblatt", path=sysconfig.get_path("scripts"))
    require(command is not None, "the command rosenblatt is installed")
    done = subprocess.run([str(command), "--version"], check=True, capture_output=True, text=True)
    version = metadata.version("rosenblatt")
    require(version in done.stdout, f"rosenblatt --version prints {done.stdout.strip()!r}")


def check_playground() -> None:
    """The playground serves its page from inside the wheel."""
    import threading
    import urllib.request

    from rosenblatt.playground.server import PlaygroundServer

    with PlaygroundServer(0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        sizes = []
        for name in ("", "main.js", "style.css"):
            with urllib.request.urlopen(server.url + name) as answer:
                sizes.append(len(answer.read()))
        server.shutdown()
        thread.join(60)
    require(min(sizes) > 1000, f"the playground serves its page ({sum(sizes):,} bytes of it)")


def main() -> None:
    started = time.perf_counter()
    wheel, installed = (Path(argument) for argument in sys.argv[1:])
    check_file(wheel, installed)
    check_dependencies()
    check_training()
    check_command_line()
    check_playground()
    check_import_time()
    print(f"wheel_smoke: done in {time.perf_counter() - started:.1f} s")


if __name__ == "__main__":
    main()
