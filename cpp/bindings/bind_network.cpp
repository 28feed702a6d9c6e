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

template <class T>
std::unique_ptr<BoundNetwork<T>> make_network(const std::vector<std::size_t>& layers,
                                              const std::vector<std::string>& activations, std::uint64_t seed) {
    return std::make_unique<BoundNetwork<T>>(Network<T>(make_shape(layers, activations), seed));
}

template <class T>
Array<T> theta_view(py::object self) {
    const Vector<T> theta = self.cast<BoundNetwork<T>&>().network.theta();
    return Array<T>(static_cast<py::ssize_t>(theta.size), theta.data, self);
}

template <class T>
Array<T> forward_of(BoundNetwork<T>& self, const Array<T>& X, int threads) {
    const Access::Reading reading(self.access);
    const Matrix<const T> rows = take_X("X", X, self.network.shape());
    auto A = new_array<T>(rows.rows, self.network.shape().n_outputs());
    const Matrix<T> out = writeable(A);
    compute(threads, [&](Team& team) { predict(self.network, rows, out, team); });
    return A;
}

template <class T>
std::pair<std::vector<Array<T>>, std::vector<Array<T>>> trace_of(BoundNetwork<T>& self, const Array<T>& X,
                                                                 int threads) {
    const Access::Reading reading(self.access);
    const Shape& shape = self.network.shape();
    const Matrix<const T> rows = take_X("X", X, shape);
    std::vector<Array<T>> Z;
    std::vector<Array<T>> A;
    std::vector<std::pair<Matrix<T>, Matrix<T>>> out;
    for (std::size_t layer = 0; layer < shape.n_layers(); ++layer) {
        Z.push_back(new_array<T>(rows.rows, shape.n_out(layer)));
        A.push_back(new_array<T>(rows.rows, shape.n_out(layer)));
        out.emplace_back(writeable(Z.back()), writeable(A.back()));
    }
    compute(threads, [&](Team& team) {
        Matrix<const T> A_in = rows;
        for (std::size_t layer = 0; layer < shape.n_layers(); ++layer) {
            forward_layer(self.network, layer, A_in, out[layer].first, team);
            activate_layer<T>(self.network, layer, out[layer].first, out[layer].second, team);
            A_in = out[layer].second;
        }
    });
    return {std::move(Z), std::move(A)};
}

template <class T>
Array<T> copied(Matrix<const T> from) {
    auto array = new_array<T>(from.rows, from.cols);
    std::copy_n(from.data, from.rows * from.cols, array.mutable_data());
    return array;
}

// cost, grad (n_params,), dX (n, n_features), delta of every layer (n, n_out)
template <class T>
std::tuple<double, Array<T>, Array<T>, std::vector<Array<T>>> gradients_of(
    BoundNetwork<T>& self, const Array<T>& X, const py::array& Y, const std::string& loss_name,
    const std::optional<Array<double>>& sample_weight, int threads) {
    const Access::Reading reading(self.access);
    const Shape& shape = self.network.shape();
    const Loss loss_function = find_loss(loss_name, shape.output());
    Batch<T> batch;
    batch.X = take_X("X", X, shape);
    batch.Y = take_Y<T>("Y", Y, batch.size(), loss_function, shape);
    batch.weights = take_weights("sample_weight", sample_weight, batch.size());
    Workspace<T> work(shape, batch.size());
    auto dX = new_array<T>(batch.size(), shape.n_features());
    const Matrix<T> dX_out = writeable(dX);
    Array<T> grad(static_cast<py::ssize_t>(shape.n_params()));
    const Vector<T> grad_out{grad.mutable_data(), shape.n_params()};
    double C = 0;
    compute(threads, [&](Team& team) {
        forward(self.network, batch.X, work, team);
        C = loss(loss_function, self.network, batch, work, team);
        backpropagate(self.network, batch.size(), work, team);
        weight_gradients(self.network, batch.X, work, grad_out, team);
        input_gradients(self.network, work, dX_out, team);
    });
    std::vector<Array<T>> delta;
    for (std::size_t layer = 0; layer < shape.n_layers(); ++layer)
        delta.push_back(copied<T>(work.Delta(layer, batch.size())));
    return {C, std::move(grad), std::move(dX), std::move(delta)};
}

template <class T>
std::unique_ptr<BoundNetwork<T>> copy_of(BoundNetwork<T>& self) {
    const Access::Reading reading(self.access);
    return std::make_unique<BoundNetwork<T>>(self.network);
}

template <class T>
void bind(py::module_& module, const char* name) {
    using Bound = BoundNetwork<T>;
    py::class_<Bound>(module, name)
        .def(py::init(&make_network<T>), py::arg("layers"), py::arg("activations"), py::arg("seed"))
        .def_property_readonly("theta", &theta_view<T>)
        .def("forward", &forward_of<T>, py::arg("X").noconvert(), py::arg("threads"))
        .def("trace", &trace_of<T>, py::arg("X").noconvert(), py::arg("threads"))
        .def("gradients", &gradients_of<T>, py::arg("X").noconvert(), py::arg("Y").noconvert(), py::arg("loss"),
             py::arg("sample_weight").noconvert(), py::arg("threads"))
        .def("copy", &copy_of<T>);
}

}  // namespace

void bind_network(py::module_& module) {
    bind<float>(module, "NetworkFloat32");
    bind<double>(module, "NetworkFloat64");
}

}  // namespace rosenblatt::bindings
