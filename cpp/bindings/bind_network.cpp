// Network for Python: construction, views of theta, forward, trace, gradients.
#include "bindings/bindings.hpp"

#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "bindings/arrays.hpp"
#include "bindings/losses.hpp"
#include "model/backward.hpp"
#include "model/forward.hpp"
#include "model/loss.hpp"

namespace rosenblatt::bindings {

namespace {

Shape make_shape(const std::vector<std::size_t>& layers, const std::vector<std::string>& activations) {
    std::vector<Activation> functions;
    for (const std::string& name : activations)
        functions.push_back(static_cast<Activation>(
            find_name(functions.size() + 1 == activations.size() ? "output" : "activation", name, activation_names)));
    try {
        return Shape(layers, functions);
    } catch (const std::length_error&) {
        throw py::value_error("layers: got " + py::repr(py::cast(layers)).cast<std::string>() +
                              ", needed sizes whose weights fit into the address space");
    }
}

// An initialiser on its way from Python: its name and its parameter.
using NamedInitialiser = std::pair<std::string, double>;

// weights: one for each weight layer.
template <class T>
std::unique_ptr<BoundNetwork<T>> make_network(const std::vector<std::size_t>& layers,
                                              const std::vector<std::string>& activations, std::uint64_t seed,
                                              const std::vector<NamedInitialiser>& weights) {
    std::vector<InitialWeights> drawn;
    for (const auto& [name, parameter] : weights)
        drawn.push_back({static_cast<Initialiser>(find_name("weights", name, initialiser_names)), parameter});
    return std::make_unique<BoundNetwork<T>>(Network<T>(make_shape(layers, activations), seed, drawn));
}

template <class T>
Array<T> theta_view(py::object self) {
    const Vector<T> theta = self.cast<BoundNetwork<T>&>().network.theta();
    return Array<T>(static_cast<py::ssize_t>(theta.size), theta.data, self);
}

template <class T>
Array<T> forward_of(BoundNetwork<T>& self, const Array<T>& X) {
    const Access::Reading reading(self.access);
    const Matrix<const T> rows = take_X("X", X, self.network.shape());
    auto A = new_array<T>(rows.rows, self.network.shape().n_outputs());
    const Matrix<T> out = writeable(A);
    compute(self.threads, [&](Team& team) { predict(self.network, rows, out, team); });
    return A;
}

// Whether X is an array that `forward_of` would take as it is: of the exact class and type, contiguous, one sample or rows
// of them. Anything else goes the long way, which converts it or says what is wrong.
template <class T>
bool is_exact(py::handle X, std::size_t n_features) {
    auto& numpy = py::detail::npy_api::get();
    if (reinterpret_cast<PyObject*>(Py_TYPE(X.ptr())) != reinterpret_cast<PyObject*>(numpy.PyArray_Type_)) return false;
    const auto* const array = py::detail::array_proxy(X.ptr());
    static const py::handle native = py::dtype::of<T>().release();
    constexpr int wanted = py::detail::npy_api::NPY_ARRAY_C_CONTIGUOUS_ | py::detail::npy_api::NPY_ARRAY_ALIGNED_;
    return array->descr == native.ptr() && (array->flags & wanted) == wanted && array->nd >= 1 && array->nd <= 2 &&
           static_cast<std::size_t>(array->dimensions[array->nd - 1]) == n_features &&
           (array->nd == 1 || array->dimensions[0] > 0);
}

// forward for an exact array, in a call that costs as little as the interpreter allows; None where it must go the long
// way. Bound to the network's Python object, `self`.
template <class T>
PyObject* quick_forward(PyObject* self, PyObject* X) noexcept {
    try {
        auto& bound = py::handle(self).cast<BoundNetwork<T>&>();
        const Shape& shape = bound.network.shape();
        if (!is_exact<T>(X, shape.n_features())) Py_RETURN_NONE;
        const auto* const array = py::detail::array_proxy(X);
        const bool one_sample = array->nd == 1;
        const std::size_t n = one_sample ? 1 : static_cast<std::size_t>(array->dimensions[0]);
        const Matrix<const T> rows{reinterpret_cast<const T*>(array->data), n, shape.n_features(), shape.n_features()};
        // So little that giving the interpreter's lock away and asking for signals would take longer.
        constexpr double little = 1e6;
        if (static_cast<double>(n) * static_cast<double>(shape.n_params()) > little) Py_RETURN_NONE;
        if (kernels<T>().first_non_finite(rows.data, n * rows.cols) != n * rows.cols) Py_RETURN_NONE;
        const Access::Reading reading(bound.access);
        const auto n_outputs = static_cast<py::ssize_t>(shape.n_outputs());
        Array<T> A = one_sample ? Array<T>(n_outputs) : Array<T>({static_cast<py::ssize_t>(n), n_outputs});
        const FloatMode mode;
        Stop stop([] { return false; });
        Team team(1, stop);
        predict(bound.network, rows, {A.mutable_data(), n, shape.n_outputs(), shape.n_outputs()}, team);
        return A.release().ptr();
    } catch (...) {
        Py_RETURN_NONE;  // the long way meets the same fault, and says so
    }
}

template <class T>
py::object quick_forward_of(py::object self) {
    static PyMethodDef method{"quick_forward", &quick_forward<T>, METH_O, nullptr};
    return py::reinterpret_steal<py::object>(PyCFunction_New(&method, self.ptr()));
}

template <class T>
std::pair<std::vector<Array<T>>, std::vector<Array<T>>> trace_of(BoundNetwork<T>& self, const Array<T>& X) {
    const Access::Reading reading(self.access);
    const Shape& shape = self.network.shape();
    const Matrix<const T> rows = take_X("X", X, shape);
    std::vector<Array<T>> Z;
    std::vector<Array<T>> A;
    std::vector<std::pair<Matrix<T>, Matrix<T>>> out;
    RowPointers<const T> pointers(rows.rows);
    for (std::size_t layer = 0; layer < shape.n_layers(); ++layer) {
        Z.push_back(new_array<T>(rows.rows, shape.n_out(layer)));
        A.push_back(new_array<T>(rows.rows, shape.n_out(layer)));
        out.emplace_back(writeable(Z.back()), writeable(A.back()));
    }
    compute(self.threads, [&](Team& team) {
        Matrix<const T> A_in = rows;
        for (std::size_t layer = 0; layer < shape.n_layers(); ++layer) {
            forward_layer(self.network, layer, pointers.to(A_in), out[layer].first, team);
            activate_layer<T>(self.network, layer, out[layer].first, out[layer].second, team);
            A_in = out[layer].second;
        }
    });
    return {std::move(Z), std::move(A)};
}

template <class T>
Array<T> copied(Matrix<const T> from) {
    auto array = new_array<T>(from.rows, from.cols);
    for (std::size_t i = 0; i < from.rows; ++i)
        std::copy_n(from.row(i), from.cols, array.mutable_data() + i * from.cols);
    return array;
}

// grad (n_params,), dX (n, n_features), delta of every layer (n, n_out)
template <class T>
using Derivatives = std::tuple<Array<T>, Array<T>, std::vector<Array<T>>>;

// All derivatives of the cost of a batch X, whose output's delta output_delta(X, work, team) puts into the workspace.
template <class T, class F>
Derivatives<T> derivatives(BoundNetwork<T>& self, Matrix<const T> X, F output_delta) {
    const Shape& shape = self.network.shape();
    Workspace<T> work(shape, X.rows);
    auto dX = new_array<T>(X.rows, shape.n_features());
    const Matrix<T> dX_out = writeable(dX);
    Array<T> grad(static_cast<py::ssize_t>(shape.n_params()));
    const Vector<T> grad_out{grad.mutable_data(), shape.n_params()};
    compute(self.threads, [&](Team& team) {
        const Scattered<const T> rows = work.as_batch(X);
        forward(self.network, rows, work, team);
        output_delta(rows, work, team);
        backpropagate(self.network, X.rows, work, team);
        weight_gradients(self.network, rows, work, grad_out, team);
        input_gradients(self.network, work, dX_out, team);
    });
    std::vector<Array<T>> delta;
    for (std::size_t layer = 0; layer < shape.n_layers(); ++layer)
        delta.push_back(copied<T>(work.Delta(layer, X.rows)));
    return {std::move(grad), std::move(dX), std::move(delta)};
}

// cost, and its derivatives
template <class T>
std::pair<double, Derivatives<T>> gradients_of(BoundNetwork<T>& self, const Array<T>& X, const py::array& Y,
                                               const NamedLoss& named_loss,
                                               const std::optional<Array<double>>& sample_weight) {
    const Access::Reading reading(self.access);
    const Shape& shape = self.network.shape();
    const LossRule rule = take_loss<T>(named_loss, shape);
    Samples<T> samples;
    samples.X = take_X("X", X, shape);
    samples.Y = take_Y<T>("Y", Y, samples.size(), rule.loss, shape);
    samples.weights = take_weights("sample_weight", sample_weight, samples.size());
    double C = 0;
    auto found = derivatives(self, samples.X, [&](Scattered<const T> X_rows, Workspace<T>& work, Team& team) {
        C = loss(rule, self.network, Batch<T>{X_rows, samples.Y, samples.weights}, work, team);
    });
    return {C, std::move(found)};
}

template <class T>
Derivatives<T> backward_of(BoundNetwork<T>& self, const Array<T>& X, const Array<T>& dC_dA) {
    const Access::Reading reading(self.access);
    const Matrix<const T> rows = take_X("X", X, self.network.shape());
    const Matrix<const T> G = take_dC_dA("dC_dA", dC_dA, rows.rows, self.network.shape());
    return derivatives(self, rows, [&](Scattered<const T>, Workspace<T>& work, Team& team) {
        output_delta(self.network, G, work, team);
    });
}

template <class T>
std::unique_ptr<BoundNetwork<T>> copy_of(BoundNetwork<T>& self) {
    const Access::Reading reading(self.access);
    auto twin = std::make_unique<BoundNetwork<T>>(self.network);
    twin->threads = self.threads;
    return twin;
}

template <class T>
void bind(py::module_& module, const char* name) {
    using Bound = BoundNetwork<T>;
    py::class_<Bound>(module, name)
        .def(py::init(&make_network<T>), py::arg("layers"), py::arg("activations"), py::arg("seed"), py::arg("weights"))
        .def_property_readonly("theta", &theta_view<T>)
        .def("forward", &forward_of<T>, py::arg("X").noconvert())
        .def("trace", &trace_of<T>, py::arg("X").noconvert())
        .def("gradients", &gradients_of<T>, py::arg("X").noconvert(), py::arg("Y").noconvert(), py::arg("loss"),
             py::arg("sample_weight").noconvert())
        .def("backward", &backward_of<T>, py::arg("X").noconvert(), py::arg("dC_dA").noconvert())
        .def_readwrite("threads", &Bound::threads)
        .def_property_readonly("quick_forward", &quick_forward_of<T>)
        .def("copy", &copy_of<T>);
}

}  // namespace

void bind_network(py::module_& module) {
    bind<float>(module, "NetworkFloat32");
    bind<double>(module, "NetworkFloat64");
}

}  // namespace rosenblatt::bindings
