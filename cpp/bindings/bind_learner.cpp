// Learner for Python: training that goes on from call to call, and what its optimiser remembers, as arrays.
#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "bindings/arrays.hpp"
#include "bindings/bindings.hpp"
#include "bindings/checkpoints.hpp"
#include "bindings/losses.hpp"
#include "bindings/optimizers.hpp"
#include "model/learner.hpp"

namespace rosenblatt::bindings {

namespace {

// A learner, the network that it changes, and the numbers of its loss, which the rule points to.
template <class T>
class BoundLearner {
  public:
    BoundLearner(BoundNetwork<T>& network, NamedLoss loss, const NamedOptimizer& optimizer, std::size_t batch_size,
                 const std::vector<double>& dropout, std::uint64_t seed)
        : owner_(py::cast(&network)),
          bound_(network),
          named_loss_(std::move(loss)),
          loss_(take_loss<T>(named_loss_, network.network.shape())),
          n_vectors_(Optimizer<T>::n_state_vectors(take_optimizer<T>(optimizer))),
          learner_(network.network.shape(), loss_, take_optimizer<T>(optimizer), batch_size, dropout, seed) {}

    // The mean loss and the mean penalty, both before the steps.
    std::pair<double, double> learn(const DenseOrSparse<T>& X, const py::array& Y,
                                    const std::optional<Array<double>>& weights,
                                    const std::optional<Array<std::int64_t>>& order, std::size_t batch_size,
                                    int threads) {
        const Access::Writing writing(bound_.access);
        const Shape& shape = bound_.network.shape();
        TakenSamples<T> samples = take_inputs("X", X, shape);
        const std::size_t n = samples.view.size();
        samples.view.Y = take_Y<T>("Y", Y, n, loss_.loss, shape, samples.indices);
        samples.view.weights = take_weights("sample_weight", weights, n);
        if (shape.has_batch_norm() && (batch_size == 1 || n % batch_size == 1)) refuse_batch_of_one();
        Buffer<std::size_t> order_of_samples(order ? n : 0);
        if (order) take_order("order", *order, order_of_samples.view());
        EpochMeans means;
        unless_diverged([&] {
            compute(threads, [&](Team& team) {
                means = learner_.learn(bound_.network, samples.view, batch_size, std::as_const(order_of_samples).view(),
                                       team);
            });
        });
        return {means.loss(), means.penalty()};
    }

    // One step with one sample x (n_features,), whose gradient is multiplied by `factor`: y is a label, a number, or a
    // row of targets. The sample's cost before the step. To release the interpreter's lock would take longer than the
    // step.
    double learn_one(Array<T> x, const py::object& y, double factor) {
        const Access::Writing writing(bound_.access);
        const Shape& shape = bound_.network.shape();
        if (shape.has_batch_norm()) refuse_batch_of_one();
        const auto X = py::reinterpret_borrow<Array<T>>(x.reshape({py::ssize_t{1}, x.size()}));
        Samples<T> sample;
        sample.X = take_X("x", X, shape);
        std::int64_t label = 0;
        std::optional<Array<T>> target;
        Indices indices;
        if (PyLong_Check(y.ptr()) != 0) {
            label = y.cast<std::int64_t>();
            check_labels("y", {&label, 1}, loss_.loss, shape);
            sample.Y.labels = &label;
        } else {
            target = as_row(y);
            sample.Y = take_Y<T>("y", *target, 1, loss_.loss, shape, indices);
        }
        double C = 0;
        unless_diverged([&] {
            const FloatMode mode;
            Stop stop([] { return false; });
            Team team(1, stop);
            C = learner_.learn_one(bound_.network, sample, factor, team);
        });
        return C;
    }

    // What the optimiser remembers: its numbers, and its states in theta's order, each (n_params,).
    using Memory = std::pair<std::vector<double>, std::vector<Array<T>>>;
    Memory memory() {
        const Access::Reading reading(bound_.access);
        Checkpoint<T> kept;
        learner_.optimizer().save_state(kept, bound_.network.shape());
        return {kept.numbers, arrays_of(kept.vectors)};
    }
    void set_memory(const Memory& memory) {
        const Access::Writing writing(bound_.access);
        const auto& [numbers, vectors] = memory;
        if (numbers.size() != Optimizer<T>::n_state_numbers() || vectors.size() != n_vectors_)
            throw py::value_error("memory: got that of another optimizer");
        if (!Optimizer<T>::is_valid_state(numbers)) throw py::value_error("memory: got numbers that no optimizer has");
        Checkpoint<T> kept;
        kept.numbers = numbers;
        for (const Array<T>& vector : vectors) {
            const std::size_t n = bound_.network.shape().n_params();
            if (static_cast<std::size_t>(vector.size()) != n)
                throw py::value_error("memory: got that of a network of other sizes");
            Buffer<T> copy(n);
            std::copy_n(vector.data(), n, copy.data());
            kept.vectors.push_back(std::move(copy));
        }
        learner_.optimizer().load_state(kept, bound_.network.shape());
    }

    // The calls so far: dropout draws a mask for each, as for an epoch.
    std::size_t calls() {
        const Access::Reading reading(bound_.access);
        return learner_.calls();
    }
    void set_calls(std::size_t calls) {
        const Access::Writing writing(bound_.access);
        learner_.calls() = calls;
    }

  private:
    [[noreturn]] static void refuse_batch_of_one() {
        throw py::value_error(
            "norm: got 'batch' with a batch of 1 sample, expected batches of at least 2: the variance of one sample is "
            "0");
    }

    template <class F>
    static void unless_diverged(F f) {
        try {
            f();
        } catch (const Diverged& diverged) {
            const std::string text = "training diverged: the " + std::string(diverged.what) +
                                     " became infinite or NaN; a smaller learning_rate or scaled inputs may help";
            PyErr_SetString(PyExc_FloatingPointError, text.c_str());
            throw py::error_already_set();
        }
    }

    static Array<T> as_row(const py::object& y) {
        if (PyFloat_Check(y.ptr()) != 0) {
            auto number = new_array<T>(1, 1);
            number.mutable_data()[0] = static_cast<T>(y.cast<double>());
            return number;
        }
        auto row = y.cast<Array<T>>();
        return py::reinterpret_borrow<Array<T>>(row.reshape({py::ssize_t{1}, row.size()}));
    }

    py::object owner_;
    BoundNetwork<T>& bound_;
    NamedLoss named_loss_;
    LossRule loss_;
    std::size_t n_vectors_;
    Learner<T> learner_;
};

template <class T>
void bind(py::module_& module, const char* name) {
    py::class_<BoundLearner<T>>(module, name)
        .def(py::init<BoundNetwork<T>&, NamedLoss, const NamedOptimizer&, std::size_t, const std::vector<double>&,
                      std::uint64_t>(),
             py::arg("network"), py::arg("loss"), py::arg("optimizer"), py::arg("batch_size"), py::arg("dropout"),
             py::arg("seed"))
        .def("learn", &BoundLearner<T>::learn, py::arg("X").noconvert(), py::arg("Y"),
             py::arg("sample_weight").noconvert(), py::arg("order").noconvert(), py::arg("batch_size"),
             py::arg("threads"))
        .def("learn_one", &BoundLearner<T>::learn_one, py::arg("x").noconvert(), py::arg("y"), py::arg("factor") = 1.0)
        .def_property("memory", &BoundLearner<T>::memory, &BoundLearner<T>::set_memory)
        .def_property("calls", &BoundLearner<T>::calls, &BoundLearner<T>::set_calls);
    need_init<BoundLearner<T>>();
}

}  // namespace

void bind_learner(py::module_& module) {
    bind<float>(module, "LearnerFloat32");
    bind<double>(module, "LearnerFloat64");
}

}  // namespace rosenblatt::bindings
