// Kernels for Python: single pieces of the arithmetic, for the tests and the benchmarks.
#include <pybind11/numpy.h>
#include <pybind11/stl.h>
#include <pybind11/typing.h>

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/rng.hpp"
#include "base/thread_pool.hpp"
#include "bindings/arrays.hpp"
#include "bindings/bindings.hpp"
#include "bindings/losses.hpp"
#include "model/batches.hpp"
#include "model/initial_weights.hpp"

namespace rosenblatt::bindings {

namespace {

// y = f(x) by the kernels of simd/math.hpp. x (n,), y (n,).
template <class T>
Array<T> evaluate(const std::string& name, const Array<T>& x) {
    static constexpr const char* names[] = {"exp",   "log",      "log1p", "tanh", "logistic",
                                            "expm1", "softplus", "sin",   "cos",  "normal_cdf"};
    const Kernels<T>& k = kernels<T>();
    const decltype(k.exp) functions[] = {k.exp,   k.log,      k.log1p, k.tanh, k.logistic,
                                         k.expm1, k.softplus, k.sin,   k.cos,  k.normal_cdf};
    Array<T> y(x.size());
    const FloatMode mode;
    functions[find_name("name", name, names)](x.data(), static_cast<std::size_t>(x.size()), y.mutable_data());
    return y;
}

Array<std::uint64_t> random_u64(std::uint64_t seed, std::uint32_t purpose, std::uint32_t epoch, std::size_t n) {
    const RandomStream random{seed, static_cast<Purpose>(purpose), epoch};
    Array<std::uint64_t> x(static_cast<py::ssize_t>(n));
    for (std::size_t i = 0; i < n; ++i) x.mutable_data()[i] = random.bits(i);
    return x;
}

Array<std::int64_t> shuffled(std::uint64_t seed, std::uint32_t epoch, std::size_t n) {
    Buffer<std::size_t> order(n);
    compute(1, [&](Team& team) { shuffle(seed, epoch, order.view(), team); });
    Array<std::int64_t> result(static_cast<py::ssize_t>(n));
    for (std::size_t i = 0; i < n; ++i) result.mutable_data()[i] = static_cast<std::int64_t>(order.data()[i]);
    return result;
}

// f() in the specified floating-point mode, for what NumPy computes for us.
py::object in_float_mode(const py::typing::Callable<py::object()>& f) {
    const FloatMode mode;
    return call(f);
}

template <std::size_t N>
std::vector<std::string> as_list(const char* const (&names)[N]) {
    return {names, names + N};
}

// The numbers in a sample's target.
std::size_t targets_of(const std::string& loss, std::size_t n_outputs) {
    return n_targets(static_cast<Loss>(find_name("loss", loss, loss_names)), n_outputs);
}

std::vector<std::string> available_isas() {
    std::vector<std::string> names;
    for (std::size_t i = 0; i < available_tables().count; ++i) names.emplace_back(available_tables().of[i]->isa);
    return names;
}

void set_isa(const std::string& name) {
    std::string available;
    for (std::size_t i = 0; i < available_tables().count; ++i) {
        const KernelTable& table = *available_tables().of[i];
        if (name == table.isa) return use(table);
        available += std::string(i == 0 ? "" : ", ") + "'" + table.isa + "'";
    }
    throw std::runtime_error("isa: got '" + name + "', this machine has " + available);
}

}  // namespace

void bind_kernels(py::module_& module) {
    module.def("activations", [] { return as_list(activation_names); });
    module.def("losses", [] { return as_list(loss_names); });
    module.def("initialisers", [] { return as_list(initialiser_names); });
    module.def("bias_initialisers", [] { return as_list(bias_initialiser_names); });
    module.def("label_losses", [] { return names_of_losses(takes_labels); });
    module.def("number_losses", [] { return names_of_losses(takes_any_number); });
    module.def("n_targets", &targets_of, py::arg("loss"), py::arg("n_outputs"));
    module.def("isa", [] { return std::string(kernel_table().isa); });
    module.def("available_isas", &available_isas);
    module.def("set_isa", &set_isa, py::arg("name"));
    module.def("available_threads", &available_threads);
    module.def("in_float_mode", &in_float_mode, py::arg("f"));
    module.def("evaluate", &evaluate<float>, py::arg("name"), py::arg("x").noconvert());
    module.def("evaluate", &evaluate<double>, py::arg("name"), py::arg("x").noconvert());
    module.def("random_u64", &random_u64, py::arg("seed"), py::arg("purpose"), py::arg("epoch"), py::arg("n"));
    module.def("shuffled", &shuffled, py::arg("seed"), py::arg("epoch"), py::arg("n"));
}

}  // namespace rosenblatt::bindings
