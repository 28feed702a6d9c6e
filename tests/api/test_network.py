"""Network: what it is made from, what it shows, and whose memory that is."""

from __future__ import annotations

import copy
import gc
import pickle

import numpy as np
import pytest

import long_double
import rosenblatt as rb
import tolerance
from bits import ACTIVATIONS

DTYPES = ["float32", "float64"]


@pytest.fixture(params=DTYPES)
def net(request: pytest.FixtureRequest) -> rb.Network:
    return rb.Network(
        [3, 5, 4, 2],
        activation=["tanh", "relu"],
        output="softmax",
        dtype=request.param,
        random_state=0,
    )


def numbered(net: rb.Network) -> rb.Network:
    """The network with theta = 0, 1, 2 ..."""
    net.theta[:] = np.arange(net.n_params)
    return net


# ---- what it is ------------------------------------------------------------------------------


def test_it_says_what_it_is(net: rb.Network) -> None:
    assert net.layers == (3, 5, 4, 2)
    assert isinstance(net.layers, tuple)
    assert net.activations == ("tanh", "relu", "softmax")
    assert net.n_params == 3 * 5 + 5 + 5 * 4 + 4 + 4 * 2 + 2
    assert isinstance(net.n_params, int)
    assert isinstance(net.dtype, np.dtype)


def test_its_defaults() -> None:
    net = rb.Network([3, 4, 2])
    assert net.activations == ("relu", "identity")
    assert net.dtype == np.float32


@pytest.mark.parametrize(
    "layers", [[784, 128, 10], (784, 128, 10), np.array([784, 128, 10]).tolist()]
)
def test_layers_may_be_any_sequence(layers: object) -> None:
    assert rb.Network(layers).layers == (784, 128, 10)


def test_layers_may_be_numpy_integers() -> None:
    net = rb.Network([np.int64(3), np.uint8(4), np.int32(2)])
    assert net.layers == (3, 4, 2)
    assert {type(n) for n in net.layers} == {int}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_one_activation_is_for_all_hidden_layers(name: str) -> None:
    assert rb.Network([3, 4, 5, 2], activation=name, output="tanh").activations == (
        name,
        name,
        "tanh",
    )


@pytest.mark.parametrize("names", [["tanh", "softmax"], ("logistic", "identity")])
def test_or_there_is_one_for_each(names: object) -> None:
    assert rb.Network([3, 4, 5, 2], activation=names).activations == (*names, "identity")


def test_without_hidden_layers_there_may_be_none() -> None:
    assert rb.Network([3, 2], activation=[], output="softmax").activations == ("softmax",)
    assert rb.Network([3, 2], activation="relu", output="softmax").activations == ("softmax",)


@pytest.mark.parametrize("names", [["identity", "relu"], ["softmax", "logistic"], ["tanh", "tanh"]])
def test_each_layer_has_its_own_activation(names: list[str]) -> None:
    net = rb.Network([3, 4, 5, 2], activation=names, dtype="float64", random_state=1)
    X = np.linspace(-2, 2, 12).reshape(4, 3)
    W, b = long_double.matrices(net.theta, net.layers)
    Z, A = long_double.forward(W, b, [*names, "identity"], X)
    trace = net.trace(X)
    for ours, theirs in [*zip(trace.Z, Z, strict=True), *zip(trace.A, A, strict=True)]:
        assert long_double.relative_difference(ours, theirs) <= tolerance.LONG_DOUBLE_RELATIVE


@pytest.mark.parametrize(
    "layers",
    [
        [1, 1],
        [1, 1, 1],
        [3, 1, 5],
        [1, 7, 1, 9],
        [2, 1000, 3],
        [5000, 1],
        [1, 5000],
        [17, 33, 65, 31],
    ],
    ids=str,
)
@pytest.mark.parametrize("n", [1, 2, 31, 33])
def test_any_shape_computes(layers: list[int], n: int) -> None:
    net = rb.Network(layers, activation="tanh", dtype="float64", random_state=0)
    X = np.random.default_rng(0).standard_normal((n, layers[0]))
    W, b = long_double.matrices(net.theta, layers)
    expected = long_double.forward(W, b, net.activations, X)[1][-1]
    got = net.forward(X)
    assert got.shape == (n, layers[-1])
    assert long_double.relative_difference(got, expected) <= tolerance.LONG_DOUBLE_RELATIVE


def test_repr_says_what_matters(net: rb.Network) -> None:
    text = repr(net)
    for part in ("Network", "3, 5, 4, 2", "tanh", "relu", "softmax", net.dtype.name):
        assert part in text
    assert "\n" not in text


# ---- views -----------------------------------------------------------------------------------


def test_views_have_the_textbook_shapes(net: rb.Network) -> None:
    assert len(net.W) == len(net.b) == 3
    assert [W.shape for W in net.W] == [(5, 3), (4, 5), (2, 4)]
    assert [b.shape for b in net.b] == [(5,), (4,), (2,)]
    assert net.theta.shape == (net.n_params,)
    assert {view.dtype for view in (*net.W, *net.b, net.theta)} == {net.dtype}


def test_theta_lies_layer_after_layer_with_one_row_per_input(net: rb.Network) -> None:
    numbered(net)
    flat = [x.ravel() for W, b in zip(net.W, net.b, strict=True) for x in (W.T, b)]
    assert np.array_equal(np.concatenate(flat), np.arange(net.n_params))
    assert all(W.T.flags.c_contiguous for W in net.W)


def test_views_are_the_networks_own_memory(net: rb.Network) -> None:
    theta = net.theta
    for view in (*net.W, *net.b):
        assert view.flags.writeable
        assert not view.flags.owndata
        assert np.shares_memory(view, theta)
    assert theta.flags.writeable
    assert theta.flags.c_contiguous
    assert np.shares_memory(theta, net.theta)


def test_writing_to_a_view_changes_the_network(net: rb.Network) -> None:
    X = np.ones((1, 3))
    net.theta[:] = 0
    assert np.array_equal(net.forward(X), [[0.5, 0.5]])
    net.W[1][2, 3] = 7
    net.b[2][:] = [0, 1000]
    assert net.theta[3 * 5 + 5 + 3 * 4 + 2] == 7
    assert np.array_equal(net.theta[-2:], [0, 1000])
    assert np.array_equal(net.forward(X), [[0, 1]])


def test_training_changes_the_views(net: rb.Network) -> None:
    W, b, theta = net.W[0], net.b[0], net.theta
    before = W.copy()
    rb.train(net, np.ones((4, 3)), np.full((4, 2), [0.0, 1.0]), loss="log_loss", epochs=1)
    assert not np.array_equal(W, before)
    assert np.array_equal(W, net.W[0])
    assert np.array_equal(b, net.b[0])
    assert np.array_equal(theta[:15].reshape(3, 5).T, W)


def test_assigning_an_item_copies_into_the_view(net: rb.Network) -> None:
    view, values = net.W[0], np.arange(15.0).reshape(5, 3)
    net.W[0] = values
    net.b[1] = [1, 2, 3, 4]
    assert np.array_equal(view, values)
    assert np.shares_memory(net.W[0], net.theta)
    assert np.array_equal(net.b[1], [1, 2, 3, 4])
    values[:] = -1
    assert net.W[0][4, 2] == 14


def test_items_can_be_changed_in_place(net: rb.Network) -> None:
    numbered(net)
    view = net.W[1]
    before = view.copy()
    net.W[1] += 1
    net.W[1] *= 2
    net.b[0] -= net.b[0]
    assert np.array_equal(view, (before + 1) * 2)
    assert not net.b[0].any()
    assert np.shares_memory(net.W[1], net.theta)


def test_views_are_sequences(net: rb.Network) -> None:
    for views in (net.W, net.b):
        assert [view.shape for view in views] == [views[i].shape for i in range(3)]
        assert np.shares_memory(views[-1], views[2])
        for index in (3, -4):
            with pytest.raises(IndexError):
                views[index]


@pytest.mark.parametrize("name", ["W", "b"])
@pytest.mark.parametrize(
    "value", [np.ones((3, 5)), np.ones(6), np.ones((2, 5, 3)), "text", [[1], [1, 2]]]
)
def test_assigning_what_does_not_fit_changes_nothing(
    net: rb.Network, name: str, value: object
) -> None:
    before = net.theta.tobytes()
    with pytest.raises((ValueError, TypeError)):
        getattr(net, name)[0] = value
    assert net.theta.tobytes() == before


def test_views_outlive_the_network() -> None:
    net = numbered(rb.Network([300, 200]))
    sequence, W, b, theta = net.W, net.W[0], net.b[0], net.theta
    del net
    gc.collect()
    reused = [
        np.full(300 * 200 + 200, np.nan, np.float32) for _ in range(8)
    ]  # would take freed memory
    assert np.array_equal(theta, np.arange(300 * 200 + 200))
    assert np.array_equal(W.T.ravel(), theta[: 300 * 200])
    assert np.array_equal(b, theta[300 * 200 :])
    assert np.array_equal(sequence[0], W)
    assert len(reused) == 8


# ---- initial weights -------------------------------------------------------------------------

LIKE_RELU = (
    *(
        "relu",
        "leaky_relu",
        "relu6",
        "elu",
        "celu",
        "gelu",
        "gelu_tanh",
        "silu",
        "mish",
        "softplus",
    ),
    "sin",
)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_initial_weights_are_uniform_within_their_limit(name: str, dtype: str) -> None:
    """He's limit before a relu or its like, LeCun's before selu, Glorot's elsewhere."""
    n_in, n_out = 300, 200
    net = rb.Network([n_in, n_out], output=name, dtype=dtype, random_state=0)
    size = 6 / n_in if name in LIKE_RELU else 3 / n_in if name == "selu" else 6 / (n_in + n_out)
    limit = np.sqrt(size)
    W = net.W[0].astype(np.float64)
    assert 0.999 * limit < np.abs(W).max() <= np.nextafter(net.dtype.type(limit), net.dtype.type(1))
    assert abs(W.mean()) < tolerance.mean_of_uniform(limit, W.size)
    assert abs(W.var() - limit**2 / 3) < tolerance.variance_of_uniform(limit, W.size)
    assert not net.b[0].any()


def test_the_limit_of_a_layer_depends_on_its_activation() -> None:
    net = rb.Network([30, 50, 70, 90], activation=["relu", "tanh"], output="relu", random_state=0)
    limits = [np.sqrt(6 / 30), np.sqrt(6 / (50 + 70)), np.sqrt(6 / 70)]
    for W, limit in zip(net.W, limits, strict=True):
        assert 0.99 * limit < np.abs(W).max() <= np.nextafter(np.float32(limit), np.float32(1))


def test_a_seed_gives_the_same_weights_again() -> None:
    first, second = (rb.Network([30, 20, 10], random_state=7) for _ in range(2))
    assert first.theta.tobytes() == second.theta.tobytes()


def test_seeds_and_layers_have_different_weights() -> None:
    thetas = [rb.Network([20, 20, 20], random_state=seed).theta.tobytes() for seed in range(10)]
    assert len(set(thetas)) == 10
    net = rb.Network([20, 20, 20], activation="tanh", random_state=0)
    assert not np.any(net.W[0] == net.W[1])


def test_no_seed_gives_other_weights_every_time() -> None:
    thetas = {rb.Network([20, 20], random_state=None).theta.tobytes() for _ in range(3)}
    assert len(thetas) == 3


@pytest.mark.parametrize("seed", [0, 2**32, 2**63, 2**64 - 1, np.int64(5), np.uint64(2**64 - 1)])
def test_any_seed_of_64_bits_is_welcome(seed: int) -> None:
    expected = rb.Network([3, 2], random_state=int(seed)).theta.tobytes()
    assert rb.Network([3, 2], random_state=seed).theta.tobytes() == expected


@pytest.mark.parametrize("generator", [np.random.default_rng, np.random.RandomState])
def test_a_generator_may_give_the_seed(generator) -> None:
    """Every network takes the generator's next number."""
    first, second = generator(3), generator(3)
    thetas = [rb.Network([3, 2], random_state=first).theta.tobytes() for _ in range(3)]
    assert len(set(thetas)) == 3
    assert [rb.Network([3, 2], random_state=second).theta.tobytes() for _ in range(3)] == thetas


def test_the_upper_half_of_a_seed_counts() -> None:
    low, high = (rb.Network([3, 2], random_state=seed) for seed in (1, 2**32 + 1))
    assert low.theta.tobytes() != high.theta.tobytes()


def test_float32_weights_are_the_float64_ones_rounded() -> None:
    single, double = (rb.Network([30, 20, 5], dtype=dtype, random_state=3) for dtype in DTYPES)
    assert np.array_equal(single.theta, double.theta.astype(np.float32))


# ---- copies ----------------------------------------------------------------------------------

COPIES = [
    pytest.param(lambda net: net.copy(), id="copy"),
    pytest.param(copy.deepcopy, id="deepcopy"),
    *(
        pytest.param(
            lambda net, p=protocol: pickle.loads(pickle.dumps(net, p)), id=f"pickle-{protocol}"
        )
        for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1)
    ),
]


@pytest.mark.parametrize("duplicate", COPIES)
def test_a_copy_shares_no_memory(net, duplicate) -> None:
    net.theta[:] = np.random.default_rng(0).standard_normal(net.n_params)
    other = duplicate(net)
    assert type(other) is type(net)
    assert (other.layers, other.activations, other.dtype) == (
        net.layers,
        net.activations,
        net.dtype,
    )
    assert other.theta.tobytes() == net.theta.tobytes()
    assert other.forward(np.ones((2, 3))).tobytes() == net.forward(np.ones((2, 3))).tobytes()
    assert not np.shares_memory(other.theta, net.theta)
    before = net.theta.tobytes()
    other.theta[:] = 0
    assert net.theta.tobytes() == before


def test_a_copy_trains_alone(net: rb.Network) -> None:
    other, before = net.copy(), net.theta.tobytes()
    rb.train(other, np.ones((4, 3)), np.full((4, 2), [0.0, 1.0]), loss="log_loss", epochs=1)
    assert net.theta.tobytes() == before
    assert other.theta.tobytes() != before


def test_a_network_equals_itself_alone(net: rb.Network) -> None:
    """There is no comparison by value: networks with equal weights are still two things."""
    same, other = net, net.copy()
    assert net == same
    assert net != other
    assert len({net, same, other}) == 2


# ---- forward and trace -----------------------------------------------------------------------


def test_forward_gives_one_row_per_sample(net: rb.Network) -> None:
    A = net.forward(np.ones((7, 3)))
    assert A.shape == (7, 2)
    assert A.dtype == net.dtype
    assert A.flags.c_contiguous
    assert A.flags.writeable


def test_a_single_sample_gives_a_single_row(net: rb.Network) -> None:
    X = np.random.default_rng(0).standard_normal((5, 3))
    for x, a in zip(X, net.forward(X), strict=True):
        assert net.forward(x).shape == (2,)
        assert net.forward(x).tobytes() == a.tobytes()


def test_results_keep_their_numbers(net: rb.Network) -> None:
    first = net.forward(np.ones((7, 3)))
    kept = first.tobytes()
    net.forward(np.full((7, 3), 9.0))
    assert first.tobytes() == kept


def test_trace_shows_every_z_and_a(net: rb.Network) -> None:
    X = np.random.default_rng(0).standard_normal((7, 3))
    trace = net.trace(X)
    assert isinstance(trace.Z, tuple)
    assert isinstance(trace.A, tuple)
    assert [Z.shape for Z in trace.Z] == [(7, 5), (7, 4), (7, 2)]
    assert [A.shape for A in trace.A] == [(7, 3), (7, 5), (7, 4), (7, 2)]
    assert {array.dtype for array in (*trace.Z, *trace.A)} == {net.dtype}
    assert np.array_equal(trace.A[0], X.astype(net.dtype))
    assert trace.A[-1].tobytes() == net.forward(X).tobytes()


def test_traces_keep_their_numbers(net: rb.Network) -> None:
    trace = net.trace(np.ones((7, 3)))
    kept = [array.tobytes() for array in (*trace.Z, *trace.A)]
    net.trace(np.full((7, 3), 9.0))
    assert [array.tobytes() for array in (*trace.Z, *trace.A)] == kept


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_a_is_f_of_z(name: str) -> None:
    net = rb.Network([4, 6, 3], activation=name, output="identity", dtype="float64", random_state=0)
    trace = net.trace(3 * np.random.default_rng(0).standard_normal((9, 4)))
    expected = long_double.ACTIVATIONS[name][0](trace.Z[0].astype(np.longdouble))
    assert long_double.relative_difference(trace.A[1], expected) <= tolerance.LONG_DOUBLE_RELATIVE
    assert trace.A[2].tobytes() == trace.Z[1].tobytes()
