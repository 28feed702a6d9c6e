"""Arrays that change during a call: what is used as an index is the call's own copy.

A callback, a function of the user's or another thread overwrites labels, columns and row starts
while the core computes. The result is that of the numbers at the beginning of the call.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

RunPython = Callable[..., Any]

# Each call runs twice, once while `spoil` overwrites its indices, and gives the same bits. A fault
# is a crash or other bits. `bad` is what is written.
SPOIL = """
    import json, sys, threading, time
    import numpy as np
    import scipy.sparse as sp
    import rosenblatt as rb
    from rosenblatt import _core, _loss, _optimizer
    from rosenblatt._training.train import job_of

    rng = np.random.default_rng(0)
    N, WIDTH = 200, 20
    DENSE = rng.standard_normal((N, WIDTH))
    LABELS = rng.integers(0, 2, N)
    FEW = sp.random(N, WIDTH, density=0.3, format="csr", random_state=0)
    FEW.sort_indices()

    def sparse():
        X = FEW.copy()
        X.indptr = X.indptr.astype(np.int64)  # the type of the core, which needs no copy of it
        return X

    def spoils(bad, *arrays):
        "A function that overwrites arrays of integers with what does not fit into their range."
        def spoil(*_):
            for array in arrays:
                array[:] = np.int64(bad).astype(array.dtype) if array.itemsize == 8 else (
                    bad if abs(bad) < 2**31 else 2**30)
        return spoil

    def indices(X):
        return [X.indices, X.indptr] if sp.issparse(X) else []

    wrong = []
    def compare(name, calm, spoiled):
        calm, spoiled = [[np.asarray(x).tobytes() for x in each] for each in (calm, spoiled)]
        if calm != spoiled:
            wrong.append(name)
"""
BAD = [2**40, -1, 3]


@pytest.mark.parametrize("bad", BAD)
def test_labels_in_a_callback(run_python: RunPython, bad: int) -> None:
    """Every loss with labels, Y and validation, every optimiser that goes its own way."""
    wrong = run_python(
        SPOIL
        + f"""
    bad = {bad}
    losses = [
        ("log_loss", "softmax", 3), (rb.LogLoss(0.1), "softmax", 3), (rb.Focal(2.0), "softmax", 3),
        ("log_loss", "logistic", 1), ("log_loss", "logistic", 3), ("focal", "logistic", 2),
        ("hinge", "identity", 1), ("hinge", "tanh", 3), ("squared_hinge", "identity", 3),
    ]
    def train(loss, output, n_outputs, spoil_is_on, **options):
        net = rb.Network([WIDTH, 16, n_outputs], output=output, dtype="float64", random_state=0)
        y, validation_y = LABELS.copy(), LABELS[::-1].copy()
        spoil = spoils(bad, y, validation_y) if spoil_is_on else (lambda epoch: None)
        result = rb.train(net, DENSE, y, loss=loss, epochs=3, random_state=0, callback=spoil,
                          validation=(DENSE, validation_y), **options)
        return net.theta, result.loss_curve, result.validation_curve
    for loss in losses:
        for options in ({{}}, {{"shuffle": False}}, {{"batch_size": N}},
                        {{"batch_size": None, "optimizer": rb.LBFGS()}}):
            compare(f"{{loss}} {{options}}", *(train(*loss, on, **options) for on in (False, True)))
    print(json.dumps(wrong))
    """
    )
    assert wrong == []


@pytest.mark.parametrize("bad", BAD)
def test_indices_and_labels_in_the_middle_of_a_call(run_python: RunPython, bad: int) -> None:
    """An activation of the user's own overwrites them, for every call that runs one."""
    wrong = run_python(
        SPOIL
        + f"""
    bad = {bad} if {bad} != 3 else WIDTH
    spoil = None
    def f(z):
        if spoil: spoil()
        return np.tanh(z)
    def df(z):
        return 1 - np.tanh(z) ** 2
    own = rb.Activation("own", f, df)
    rule = _loss.rule("log_loss")
    sgd = _optimizer.rule(rb.SGD(0.1), dict())
    def network():
        return rb.Network([WIDTH, 16, 3], activation=own, output="softmax", dtype="float64",
                          random_state=0)
    def arrays_of(X):
        return (X.data, X.indices, X.indptr, WIDTH) if sp.issparse(X) else X
    def trained(net, X, y, **options):
        result = rb.train(net, X, y, loss="log_loss", epochs=2, random_state=0, **options)
        return net.theta, result.loss_curve, result.validation_curve or ()
    def learned(net, X, y):
        learner = _core.LearnerFloat64(net._core, rule, sgd, 32, [], 0)
        order = np.random.default_rng(0).permutation(N)
        given = order.copy()
        if spoil: extra.append(given)
        found = learner.learn(arrays_of(X), y, None, given, 32, 1)
        return net.theta, found
    def many(net, X, y):
        nets = [network(), network()]
        rb.train_many(nets, X, y, loss="log_loss", epochs=2, random_state=0)
        return [each.theta for each in nets]
    calls = {{
        "forward": lambda net, X, y: [net.forward(X)],
        "trace": lambda net, X, y: net._core.trace(arrays_of(X))[1],
        "gradients": lambda net, X, y: net._core.gradients(
            arrays_of(X), y, rule, None)[1][2],
        "cost_and_gradient": lambda net, X, y: net._core.cost_and_gradient(
            arrays_of(X), y, rule, None, 1),
        "input_gradients": lambda net, X, y: [net._core.input_gradients(arrays_of(X), y, rule)],
        "sample_gradients": lambda net, X, y: [net.per_sample_gradients(DENSE, y, loss="log_loss")],
        "train": trained,
        "train in order": lambda net, X, y: trained(net, X, y, shuffle=False),
        "train with validation": lambda net, X, y: trained(net, X, y, validation=(X, y)),
        "train with dropout": lambda net, X, y: trained(net, X, y, input_dropout=0.5),
        "train by Adam": lambda net, X, y: trained(net, X, y, optimizer=rb.Adam()),
        "lbfgs": lambda net, X, y: trained(
            net, X, y, batch_size=None, optimizer=rb.LBFGS()),
        "train_many": many,
        "learner": learned,
    }}
    for name, call in calls.items():
        for X in (DENSE, sparse()):
            y = LABELS.copy()
            net, spoil = network(), None
            calm = call(net, X, y)
            extra = []
            def spoil():
                spoils(bad, y, *indices(X), *extra)()
            compare(f"{{name}} {{type(X).__name__}}", calm, call(network(), X, y))
    print(json.dumps(wrong))
    """
    )
    assert wrong == []


@pytest.mark.parametrize("bad", BAD)
def test_indices_of_a_perceptron(run_python: RunPython, bad: int) -> None:
    """The report of an epoch overwrites the columns and row starts."""
    wrong = run_python(
        SPOIL
        + f"""
    bad = {bad} if {bad} != 3 else WIDTH
    def learned(on):
        X = sparse()
        spoil = spoils(bad, *indices(X)) if on else (lambda *_: None)
        W, b, epochs, finite = _core.learn_perceptrons(
            (X.data, X.indices, X.indptr, WIDTH), LABELS, np.ones(N), np.zeros(N, bool),
            np.zeros((2, WIDTH)), [0.0, 0.0], [(0, 1.0, 1.0, 1), (1, 1.0, 1.0, 2)],
            penalty="l1", alpha=1e-4, l1_ratio=1.0, eta=1.0, intercept_share=1.0, max_iter=5,
            tol=-np.inf, n_iter_no_change=5, shuffle=True, early_stopping=False, report=spoil,
            threads=1)
        return W, b
    compare("perceptron", learned(False), learned(True))
    print(json.dumps(wrong))
    """
    )
    assert wrong == []


@pytest.mark.parametrize("bad", BAD)
def test_another_thread_overwrites_them(run_python: RunPython, bad: int) -> None:
    """Every call ends, with a ValueError if the check met what the thread wrote."""
    calls, refused = run_python(
        SPOIL
        + f"""
    bad = {bad}
    X, y = sparse(), LABELS.copy()
    X = sp.vstack([X] * 20, format="csr"); X.sort_indices()
    X.indptr = X.indptr.astype(np.int64)
    dense, y = X.toarray(), np.tile(y, 20)
    good = [(array, array.copy()) for array in (y, X.indices, X.indptr)]
    stop, turns = threading.Event(), [0]
    def overwrite():
        spoil = spoils(bad, *(array for array, _ in good))
        while not stop.is_set():
            spoil()
            for array, numbers in good:
                array[:] = numbers
            turns[0] += 1
            time.sleep(0)  # lets calls begin while the numbers are good
    net = rb.Network([WIDTH, 64, 3], output="softmax", dtype="float64", random_state=0)
    rule = _loss.rule("log_loss")
    arrays = X.data, X.indices, X.indptr, WIDTH
    W, b = np.ones((3, WIDTH)), np.ones(3)
    calls = [
        lambda: net._core.forward(arrays),
        lambda: net._core.trace(arrays),
        lambda: net._core.gradients(arrays, y, rule, None),
        lambda: net._core.gradients(dense, y, rule, None),
        lambda: net._core.input_gradients(arrays, y, rule),
        lambda: net._core.cost_and_gradient(arrays, y, rule, None, 2),
        lambda: net._core.sample_gradients(dense, y, rule),
        lambda: net._core.hessian_vector_product(dense, y, net.theta, rule, None),
        lambda: rb.train(net, X, y, loss="log_loss", epochs=2, batch_size=64),
        lambda: rb.train(net, dense, y, loss="log_loss", epochs=2),
        lambda: _core.decide(arrays, W, b, 2),
        lambda: _core.columns_rise(arrays, "X"),
    ]
    thread = threading.Thread(target=overwrite)
    thread.start()
    done, refused = 0, 0
    try:
        while done < 10 * len(calls) or turns[0] < 50 or refused == done:
            for call in calls:
                try:
                    call()
                except ValueError:
                    refused += 1
                done += 1
    finally:
        stop.set()
        thread.join()
    print(json.dumps([done, refused]))
    """
    )
    assert calls >= 120
    assert refused < calls
