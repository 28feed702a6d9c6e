// Network for Python: construction, views of theta, forward, trace, derivatives.
#include "bindings/bindings.hpp"

#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "bindings/activations.hpp"
#include "bindings/arrays.hpp"
#include "bindings/losses.hpp"
#include "bindings/scalings.hpp"
#include "model/backward.hpp"
#include "model/forward.hpp"
#include "model/hessian.hpp"
#include "model/jacobian.hpp"
#include "model/loss.hpp"
#include "model/sample_gradients.hpp"
#include "model/scaling.hpp"

namespace rosenblatt::bindings {

namespace {

// An initialiser on its way from Python: its name and its parameter.
using NamedInitialiser = std::pair<std::string, double>;

// weights, biases: one for each weight layer; norms, skips: one for each hidden layer, or none at all.
template <class T>
std::unique_ptr<BoundNetwork<T>> make_network(const std::vector<std::size_t>& layers,
                                              const std::vector<NamedActivation>& activations, std::uint64_t seed,
                                              const std::vector<NamedInitialiser>& weights,
                                              const std::vector<std::string>& biases,
                                              const std::vector<std::string>& norms, const std::vector<bool>& skips) {
    Shape shape = make_shape(layers, activations, norms, skips);
    std::vector<InitialLayer> initial(shape.n_layers());
    for (std::size_t layer = 0; layer < initial.size(); ++layer) {
        const auto& [name, parameter] = weights.at(layer);
        const std::size_t biases_index = find_name("biases", biases.at(layer), bias_initialiser_names);
        initial[layer] = {{static_cast<Initialiser>(find_name("weights", name, initialiser_names)), parameter},
                          static_cast<InitialBiases>(biases_index)};
    }
    std::unique_ptr<BoundNetwork<T>> made;
    compute(1, [&](Team& team) {
        made = std::make_unique<BoundNetwork<T>>(Network<T>(std::move(shape), seed, initial, team));
    });
    return made;
}

template <class T>
Array<T> theta_view(py::object self) {
    const Vector<T> theta = self.cast<BoundNetwork<T>&>().network.theta();
    return Array<T>(static_cast<py::ssize_t>(theta.size), theta.data, self);
}

// The running statistics of batch norm, (n_running,).
template <class T>
Array<T> running_view(py::object self) {
    const Vector<T> running = self.cast<BoundNetwork<T>&>().network.running();
    return Array<T>(static_cast<py::ssize_t>(running.size), running.data, self);
}

template <class T>
Array<T> forward_of(BoundNetwork<T>& self, const DenseOrSparse<T>& X) {
    const Access::Reading reading(self.access);
    const TakenSamples<T> taken = take_inputs("X", X, self.network.shape());
    const Samples<T>& samples = taken.view;
    check_scaled_inputs("X", self.scalings, samples);
    auto A = new_array<T>(samples.size(), self.network.shape().n_outputs());
    const Matrix<T> out = writeable(A);
    compute(self.threads, [&](Team& team) {
        if (samples.is_sparse()) predict(self.network, self.scalings, samples.sparse, out, team);
        else predict(self.network, self.scalings, samples.X, out, team);
    });
    return A;
}

// Whether X is an array that `forward_of` would take as it is: of the exact class and type, contiguous, one sample or
// rows of them. Anything else goes the long way, which converts it or says what is wrong.
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

// forward for an exact array, in a call that costs as little as the interpreter allows; None if it must go the long
// way. Bound to the network's Python object, `self`.
template <class T>
PyObject* quick_forward(PyObject* self, PyObject* X) noexcept {
    try {
        auto& bound = py::handle(self).cast<BoundNetwork<T>&>();
        const Shape& shape = bound.network.shape();
        if (!is_exact<T>(X, shape.n_features()) || shape.has_custom_activations()) Py_RETURN_NONE;
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
        const Matrix<T> out{A.mutable_data(), n, shape.n_outputs(), shape.n_outputs()};
        predict(bound.network, bound.scalings, rows, out, team);
        return A.release().ptr();
    } catch (...) {
        Py_RETURN_NONE;  // the long way meets the same fault, and says so
    }
}

template <class T>
py::object quick_forward_of(py::object self) {
    self.cast<BoundNetwork<T>&>();  // or TypeError
    static PyMethodDef method{"quick_forward", &quick_forward<T>, METH_O, nullptr};
    return py::reinterpret_steal<py::object>(PyCFunction_New(&method, self.ptr()));
}

// Z and A of every layer; A begins with what the first layer reads, which is X, or X scaled, unless X is sparse.
template <class T>
std::pair<std::vector<Array<T>>, std::vector<Array<T>>> trace_of(BoundNetwork<T>& self, const DenseOrSparse<T>& X) {
    const Access::Reading reading(self.access);
    const Shape& shape = self.network.shape();
    const TakenSamples<T> taken = take_inputs("X", X, shape);
    check_scaled_inputs("X", self.scalings, taken.view);
    const ScaledSamples<T> scaled(taken.view, self.scalings);
    const Samples<T>& samples = scaled.samples();
    const std::size_t n = samples.size();
    std::vector<Array<T>> Z;
    std::vector<Array<T>> A;
    if (!samples.is_sparse()) A.push_back(copied<T>(samples.X));
    std::vector<std::pair<Matrix<T>, Matrix<T>>> out;
    for (std::size_t layer = 0; layer < shape.n_layers(); ++layer) {
        Z.push_back(new_array<T>(n, shape.n_out(layer)));
        A.push_back(new_array<T>(n, shape.n_out(layer)));
        out.emplace_back(writeable(Z.back()), writeable(A.back()));
    }
    SparseRowPointers<T> sparse(samples.is_sparse() ? n : 0);
    RowPointers<const T> pointers(n);
    compute(self.threads, [&](Team& team) {
        Scattered<const T> A_in = samples.is_sparse() ? sparse.to(samples.sparse) : pointers.to(samples.X);
        for (std::size_t layer = 0; layer < shape.n_layers(); ++layer) {
            forward_layer(self.network, layer, A_in, out[layer].first, team);
            activate_layer<T>(self.network, layer, out[layer].first, out[layer].second, team);
            if (shape.skips(layer)) skip(A_in, out[layer].second, team);
            A_in = pointers.to(out[layer].second);
        }
    });
    return {std::move(Z), std::move(A)};
}

// grad (n_params,), dX (n, n_features) or None if X is sparse, delta of every layer (n, n_out)
template <class T>
using Derivatives = std::tuple<Array<T>, std::optional<Array<T>>, std::vector<Array<T>>>;

// dX (n, n_features), by the user's X, of a batch whose deltas are in the workspace.
template <class T>
void input_gradients_of_users(const BoundNetwork<T>& self, Workspace<T>& work, Matrix<T> dX, Team& team) {
    input_gradients(self.network, work, dX, team);
    if (self.scalings.inputs) self.scalings.inputs->multiply_by_factor(dX);
}

// Takes a batch, X scaled, through the network and back: output_delta(X, work, team) puts the output's delta into the
// workspace, which then has that of every layer. Returns X.
template <class T, class F>
Scattered<const T> there_and_back(const Network<T>& network, const Samples<T>& samples, Workspace<T>& work, Team& team,
                                  const F& output_delta) {
    const Scattered<const T> rows = work.as_batch(samples);
    forward(network, rows, work, team);
    output_delta(rows, work, team);
    backpropagate(network, samples.size(), work, team);
    return rows;
}

// All derivatives of the cost of a batch, as above. dX is by the user's X.
template <class T, class F>
Derivatives<T> derivatives(BoundNetwork<T>& self, const Samples<T>& samples, F output_delta) {
    const Shape& shape = self.network.shape();
    const std::size_t n = samples.size();
    Workspace<T> work(shape, n);
    std::optional<Array<T>> dX;
    if (!samples.is_sparse()) dX = new_array<T>(n, shape.n_features());
    const Matrix<T> dX_out = dX ? writeable(*dX) : Matrix<T>{};
    Array<T> grad(static_cast<py::ssize_t>(shape.n_params()));
    const Vector<T> grad_out{grad.mutable_data(), shape.n_params()};
    compute(self.threads, [&](Team& team) {
        const Scattered<const T> rows = there_and_back(self.network, samples, work, team, output_delta);
        weight_gradients(self.network, rows, work, grad_out, team);
        if (dX) input_gradients_of_users(self, work, dX_out, team);
    });
    std::vector<Array<T>> delta;
    for (std::size_t layer = 0; layer < shape.n_layers(); ++layer) delta.push_back(copied<T>(work.Delta(layer, n)));
    return {std::move(grad), std::move(dX), std::move(delta)};
}

// The samples of a batch, for a loss that suits the network.
template <class T>
TakenSamples<T> take_batch(const BoundNetwork<T>& self, const DenseOrSparse<T>& X, const py::array& Y, Loss loss,
                           const std::optional<Array<double>>& sample_weight) {
    const Shape& shape = self.network.shape();
    check_scaled_loss(self.scalings, loss);
    TakenSamples<T> samples = take_inputs("X", X, shape);
    const std::size_t n = samples.view.size();
    check_scaled_inputs("X", self.scalings, samples.view);
    samples.view.Y = take_Y<T>("Y", Y, n, loss, shape, samples.indices);
    samples.view.weights = take_weights("sample_weight", sample_weight, n);
    return samples;
}

// A loss, and a batch that suits it.
template <class T>
class LossOfBatch {
  public:
    LossOfBatch(const BoundNetwork<T>& self, const DenseOrSparse<T>& X, const py::array& Y, const NamedLoss& named_loss,
                const std::optional<Array<double>>& sample_weight)
        : network_(self.network),
          rule_(take_loss<T>(named_loss, self.network.shape())),
          taken_(take_batch<T>(self, X, Y, rule_.loss, sample_weight)),
          scaled_(taken_.view, self.scalings) {}

    const LossRule& rule() const noexcept { return rule_; }
    const Samples<T>& samples() const noexcept { return scaled_.samples(); }

    // The cost C; the output's delta goes into the workspace.
    double operator()(Scattered<const T> rows, Workspace<T>& work, Team& team) const {
        return loss(rule_, network_, Batch<T>{rows, samples().Y, samples().weights}, work, team);
    }

  private:
    const Network<T>& network_;
    LossRule rule_;
    TakenSamples<T> taken_;
    ScaledSamples<T> scaled_;
};

// cost, and its derivatives
template <class T>
std::pair<double, Derivatives<T>> gradients_of(BoundNetwork<T>& self, const DenseOrSparse<T>& X, const py::array& Y,
                                               const NamedLoss& named_loss,
                                               const std::optional<Array<double>>& sample_weight) {
    const Access::Reading reading(self.access);
    const LossOfBatch<T> loss_of(self, X, Y, named_loss, sample_weight);
    double C = 0;
    auto found = derivatives(self, loss_of.samples(), [&](auto&&... of) { C = loss_of(of...); });
    return {C, std::move(found)};
}

// The cost and its gradient (n_params,) alone, for a minimiser that asks for nothing else.
template <class T>
std::pair<double, Array<T>> cost_and_gradient_of(BoundNetwork<T>& self, const DenseOrSparse<T>& X, const py::array& Y,
                                                 const NamedLoss& named_loss,
                                                 const std::optional<Array<double>>& sample_weight, int threads) {
    const Access::Reading reading(self.access);
    const Shape& shape = self.network.shape();
    const LossOfBatch<T> loss_of(self, X, Y, named_loss, sample_weight);
    Workspace<T> work(shape, loss_of.samples().size());
    Array<T> grad(static_cast<py::ssize_t>(shape.n_params()));
    const Vector<T> grad_out{grad.mutable_data(), shape.n_params()};
    double C = 0;
    compute(threads, [&](Team& team) {
        const auto output_delta = [&](auto&&... of) { C = loss_of(of...); };
        const Scattered<const T> rows = there_and_back(self.network, loss_of.samples(), work, team, output_delta);
        weight_gradients(self.network, rows, work, grad_out, team);
    });
    return {C, std::move(grad)};
}

// The cost alone, measured as a training measures that of its validation samples.
template <class T>
double cost_of(BoundNetwork<T>& self, const DenseOrSparse<T>& X, const py::array& Y, const NamedLoss& named_loss,
               const std::optional<Array<double>>& sample_weight, int threads) {
    const Access::Reading reading(self.access);
    const LossOfBatch<T> loss_of(self, X, Y, named_loss, sample_weight);
    ForwardWorkspace<T> work(self.network.shape(), std::min(loss_of.samples().size(), rows_at_once));
    double C = 0;
    compute(threads, [&](Team& team) { C = cost(loss_of.rule(), self.network, loss_of.samples(), work, team); });
    return C;
}

// dX (n, n_features) alone, also of a sparse X.
template <class T>
Array<T> input_gradients_of(BoundNetwork<T>& self, const DenseOrSparse<T>& X, const py::array& Y,
                            const NamedLoss& named_loss) {
    const Access::Reading reading(self.access);
    const LossOfBatch<T> loss_of(self, X, Y, named_loss, std::nullopt);
    const std::size_t n = loss_of.samples().size();
    Workspace<T> work(self.network.shape(), n);
    auto dX = new_array<T>(n, self.network.shape().n_features());
    const Matrix<T> dX_out = writeable(dX);
    compute(self.threads, [&](Team& team) {
        there_and_back(self.network, loss_of.samples(), work, team, loss_of);
        input_gradients_of_users(self, work, dX_out, team);
    });
    return dX;
}

template <class T>
Derivatives<T> backward_of(BoundNetwork<T>& self, const Array<T>& X, const Array<T>& dC_dA) {
    const Access::Reading reading(self.access);
    const Matrix<const T> rows = take_X("X", X, self.network.shape());
    const Matrix<const T> G = take_dC_dA("dC_dA", dC_dA, rows.rows, self.network.shape());
    const ScaledSamples<T> scaled({rows, {}, nullptr}, self.scalings);
    Array<T> by_scaled_output = copied<T>(G);
    const Matrix<T> G_scaled = writeable(by_scaled_output);
    return derivatives(self, scaled.samples(), [&](Scattered<const T>, Workspace<T>& work, Team& team) {
        if (self.scalings.targets) self.scalings.targets->divide_by_factor(G_scaled);
        output_delta<T>(self.network, G_scaled, work, team);
    });
}

// J (n n_outputs, n_features) of scaled outputs by scaled inputs becomes that of the user's by the user's.
template <class T>
void scale_jacobian(const Scalings<T>& scalings, Matrix<T> J) noexcept {
    if (scalings.inputs) scalings.inputs->multiply_by_factor(J);
    if (!scalings.targets) return;
    const Vector<const T> factor = scalings.targets->factor();
    for (std::size_t row = 0; row < J.rows; ++row)
        for (std::size_t k = 0; k < J.cols; ++k) J.row(row)[k] /= factor[row % factor.size];
}

// (n, n_outputs, n_features)
template <class T>
Array<T> jacobian_of(BoundNetwork<T>& self, const Array<T>& X) {
    const Access::Reading reading(self.access);
    const Shape& shape = self.network.shape();
    const Matrix<const T> rows = take_X("X", X, shape);
    Array<T> J({X.shape(0), static_cast<py::ssize_t>(shape.n_outputs()), X.shape(1)});
    T* const out = J.mutable_data();
    const ScaledSamples<T> scaled({rows, {}, nullptr}, self.scalings);
    compute(self.threads, [&](Team& team) {
        jacobian(self.network, scaled.samples().X, out, team);
        scale_jacobian(self.scalings, {out, rows.rows * shape.n_outputs(), rows.cols, rows.cols});
    });
    return J;
}

// (n, n_params)
template <class T>
Array<T> sample_gradients_of(BoundNetwork<T>& self, const Array<T>& X, const py::array& Y,
                             const NamedLoss& named_loss) {
    const Access::Reading reading(self.access);
    const LossOfBatch<T> loss_of(self, X, Y, named_loss, std::nullopt);
    auto grads = new_array<T>(loss_of.samples().size(), self.network.shape().n_params());
    const Matrix<T> out = writeable(grads);
    compute(self.threads,
            [&](Team& team) { sample_gradients(loss_of.rule(), self.network, loss_of.samples(), out, team); });
    return grads;
}

void check_second_derivatives(const Shape& shape) {
    for (std::size_t layer = 0; layer < shape.n_layers(); ++layer)
        if (shape.activation(layer) == Activation::custom)
            throw py::value_error(
                "activation: got '" + activation_name(shape, layer) +
                "', expected activations whose second derivative is known here (docs/derivatives.md)");
}

// (n_params,)
template <class T>
Array<T> hessian_vector_product_of(BoundNetwork<T>& self, const Array<T>& X, const py::array& Y, const Array<T>& v,
                                   const NamedLoss& named_loss, const std::optional<Array<double>>& sample_weight) {
    const Access::Reading reading(self.access);
    const Shape& shape = self.network.shape();
    check_second_derivatives(shape);
    const LossRule rule = take_loss<T>(named_loss, shape);
    const TakenSamples<T> taken = take_batch<T>(self, X, Y, rule.loss, sample_weight);
    const ScaledSamples<T> batch(taken.view, self.scalings);
    const Vector<const T> along = take_direction("v", v, shape);
    Network<T> direction(shape);
    copy_in_slices<T>(along, direction.theta());
    Array<T> product(static_cast<py::ssize_t>(shape.n_params()));
    const Vector<T> out{product.mutable_data(), shape.n_params()};
    compute(self.threads,
            [&](Team& team) { hessian_vector_product(rule, self.network, batch.samples(), direction, out, team); });
    return product;
}

template <class T>
std::unique_ptr<BoundNetwork<T>> copy_of(BoundNetwork<T>& self) {
    const Access::Reading reading(self.access);
    auto twin = std::make_unique<BoundNetwork<T>>(Network<T>(self.network.shape()));
    copy_in_slices<T>(std::as_const(self.network).theta(), twin->network.theta());
    copy_in_slices<T>(std::as_const(self.network).running(), twin->network.running());
    twin->scalings = self.scalings;
    twin->threads = self.threads;
    return twin;
}

template <class T>
std::optional<OffsetAndFactor> input_scaling_of(BoundNetwork<T>& self) {
    const Access::Reading reading(self.access);
    return as_arrays(self.scalings.inputs);
}

template <class T>
std::optional<OffsetAndFactor> target_scaling_of(BoundNetwork<T>& self) {
    const Access::Reading reading(self.access);
    return as_arrays(self.scalings.targets);
}

template <class T>
void set_input_scaling(BoundNetwork<T>& self, const std::optional<OffsetAndFactor>& scaling) {
    const Access::Writing writing(self.access);
    self.scalings.inputs = take_input_scaling<T>(scaling, self.network.shape());
}

template <class T>
void set_target_scaling(BoundNetwork<T>& self, const std::optional<OffsetAndFactor>& scaling) {
    const Access::Writing writing(self.access);
    self.scalings.targets = take_target_scaling<T>(scaling, self.network.shape());
}

template <class T>
void bind(py::module_& module, const char* name) {
    using Bound = BoundNetwork<T>;
    py::class_<Bound>(module, name)
        .def(py::init(&make_network<T>), py::arg("layers"), py::arg("activations"), py::arg("seed"), py::arg("weights"),
             py::arg("biases"), py::arg("norms"), py::arg("skips"))
        .def_property_readonly("theta", &theta_view<T>)
        .def_property_readonly("running", &running_view<T>)
        .def("forward", &forward_of<T>, py::arg("X").noconvert())
        .def("trace", &trace_of<T>, py::arg("X").noconvert())
        .def("gradients", &gradients_of<T>, py::arg("X").noconvert(), py::arg("Y").noconvert(), py::arg("loss"),
             py::arg("sample_weight").noconvert())
        .def("cost_and_gradient", &cost_and_gradient_of<T>, py::arg("X").noconvert(), py::arg("Y").noconvert(),
             py::arg("loss"), py::arg("sample_weight").noconvert(), py::arg("threads"))
        .def("cost", &cost_of<T>, py::arg("X").noconvert(), py::arg("Y").noconvert(), py::arg("loss"),
             py::arg("sample_weight").noconvert(), py::arg("threads"))
        .def("input_gradients", &input_gradients_of<T>, py::arg("X").noconvert(), py::arg("Y").noconvert(),
             py::arg("loss"))
        .def("backward", &backward_of<T>, py::arg("X").noconvert(), py::arg("dC_dA").noconvert())
        .def("jacobian", &jacobian_of<T>, py::arg("X").noconvert())
        .def("sample_gradients", &sample_gradients_of<T>, py::arg("X").noconvert(), py::arg("Y").noconvert(),
             py::arg("loss"))
        .def("hessian_vector_product", &hessian_vector_product_of<T>, py::arg("X").noconvert(),
             py::arg("Y").noconvert(), py::arg("v").noconvert(), py::arg("loss"), py::arg("sample_weight").noconvert())
        .def_property("input_scaling", &input_scaling_of<T>, &set_input_scaling<T>)
        .def_property("target_scaling", &target_scaling_of<T>, &set_target_scaling<T>)
        .def_readwrite("threads", &Bound::threads)
        .def_property_readonly("quick_forward", &quick_forward_of<T>)
        .def("copy", &copy_of<T>);
    need_init<Bound>();
}

}  // namespace

void bind_network(py::module_& module) {
    bind<float>(module, "NetworkFloat32");
    bind<double>(module, "NetworkFloat64");
}

}  // namespace rosenblatt::bindings
