// Train for Python: one call is the whole training; Python is visited once an epoch, if it wants to be.
#include <pybind11/numpy.h>
#include <pybind11/stl.h>
#include <pybind11/typing.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "bindings/arrays.hpp"
#include "bindings/bindings.hpp"
#include "bindings/losses.hpp"
#include "model/train.hpp"

namespace rosenblatt::bindings {

namespace {

using EpochCallback = py::typing::Callable<bool(std::size_t, double, std::optional<double>)>;
using StepCallback = py::typing::Callable<bool(std::size_t, std::size_t, double)>;

// Calls epoch_done(epoch, loss, validation_loss) and step_done(epoch, batch, loss) where there are such; their truth ends
// the training.
class PythonObserver final : public Observer {
  public:
    PythonObserver(std::optional<EpochCallback> epoch_done, std::optional<StepCallback> step_done)
        : epoch_done_(std::move(epoch_done)), step_done_(std::move(step_done)) {}

    bool epoch_done(std::size_t epoch, double loss, std::optional<double> validation_loss) override {
        if (!epoch_done_) return false;
        const py::gil_scoped_acquire acquire;
        return py::bool_((*epoch_done_)(epoch, loss, validation_loss));
    }

    bool watches_steps() const override { return step_done_.has_value(); }

    bool step_done(std::size_t epoch, std::size_t batch, double loss) override {
        const py::gil_scoped_acquire acquire;
        return py::bool_((*step_done_)(epoch, batch, loss));
    }

  private:
    std::optional<EpochCallback> epoch_done_;
    std::optional<StepCallback> step_done_;
};

// A cost in Python: of_batch(A, rows) gives (C, dC/dA), where rows are the indices of the batch's samples, and of_validation(A)
// gives C. Both check what the user's function gives.
template <class T>
using BatchCost = py::typing::Callable<std::pair<double, Array<T>>(Array<T>, py::object)>;
template <class T>
using ValidationCost = py::typing::Callable<double(Array<T>)>;
template <class T>
using PythonCost = std::pair<BatchCost<T>, ValidationCost<T>>;

template <class T>
class CalledCost final : public CustomCost<T> {
  public:
    explicit CalledCost(PythonCost<T> cost) : cost_(std::move(cost)) {}

    double of_batch(Matrix<const T> A, const std::size_t* indices, std::size_t first, Matrix<T> dC_dA) override {
        const py::gil_scoped_acquire acquire;
        const auto [C, G] =
            cost_.first(as_array(A), rows(indices, first, A.rows)).template cast<std::pair<double, Array<T>>>();
        for (std::size_t i = 0; i < A.rows; ++i) std::copy_n(G.data(static_cast<py::ssize_t>(i)), A.cols, dC_dA.row(i));
        return C;
    }

    double of_validation(Matrix<const T> A) override {
        const py::gil_scoped_acquire acquire;
        return cost_.second(as_array(A)).template cast<double>();
    }

  private:
    static Array<T> as_array(Matrix<const T> from) {
        auto array = new_array<T>(from.rows, from.cols);
        for (std::size_t i = 0; i < from.rows; ++i)
            std::copy_n(from.row(i), from.cols, array.mutable_data() + i * from.cols);
        return array;
    }

    // What Python takes rows of an array with.
    static py::object rows(const std::size_t* indices, std::size_t first, std::size_t n) {
        if (indices == nullptr)
            return py::slice(static_cast<py::ssize_t>(first), static_cast<py::ssize_t>(first + n), 1);
        Array<std::int64_t> array(static_cast<py::ssize_t>(n));
        std::copy_n(indices, n, array.mutable_data());
        return array;
    }

    PythonCost<T> cost_;
};

// What a set of samples is made of: X, Y, weights.
template <class T>
using ArraysOfSamples = std::tuple<Array<T>, py::array, std::optional<Array<double>>>;

// Y is looked at where there is a loss that knows it.
template <class T>
Samples<T> take_samples(const std::array<const char*, 3>& names, const ArraysOfSamples<T>& arrays,
                        const std::optional<LossRule>& rule, const Shape& shape) {
    const auto& [X, Y, weights] = arrays;
    Samples<T> samples;
    samples.X = take_X(names[0], X, shape);
    if (rule) samples.Y = take_Y<T>(names[1], Y, samples.size(), rule->loss, shape);
    samples.weights = take_weights(names[2], weights, samples.size());
    return samples;
}

std::string divergence_text(const Diverged& diverged) {
    return "training diverged: the " + std::string(diverged.what) + " became infinite or NaN in epoch " +
           std::to_string(diverged.epoch + 1) + "; the network has the weights of the end of epoch " +
           std::to_string(diverged.epoch) + (diverged.epoch == 0 ? " (the initial ones)" : "") +
           "; a smaller learning_rate or scaled inputs may help";
}

constexpr const char* stop_reasons[] = {"epochs", "callback", "time_limit"};

// loss_curve, validation_curve, and why it ended
using History = std::tuple<std::vector<double>, std::vector<double>, const char*>;

// Either a named loss or a cost of the user's.
template <class T>
History train_network(BoundNetwork<T>& self, const ArraysOfSamples<T>& arrays,
                      const std::optional<NamedLoss>& named_loss, std::optional<PythonCost<T>> python_cost,
                      double learning_rate, double momentum, bool nesterov, std::size_t batch_size,
                      std::size_t first_epoch, std::size_t epochs, bool shuffle, std::uint64_t seed,
                      const std::optional<ArraysOfSamples<T>>& validation, std::optional<double> time_limit,
                      std::optional<EpochCallback> epoch_done, std::optional<StepCallback> step_done, int threads) {
    using Clock = std::chrono::steady_clock;
    const Clock::time_point began = Clock::now();
    const Access::Writing writing(self.access);
    const Shape& shape = self.network.shape();
    std::optional<LossRule> rule;
    if (named_loss) rule = take_loss<T>(*named_loss, shape);
    const Samples<T> samples = take_samples<T>({"X", "Y", "sample_weight"}, arrays, rule, shape);
    std::optional<Samples<T>> validation_samples;
    if (validation)
        validation_samples =
            take_samples<T>({"validation[0]", "validation[1]", "validation[2]"}, *validation, rule, shape);
    Training training{
        rule.value_or(LossRule{}), {learning_rate, momentum, nesterov}, batch_size, epochs, shuffle, seed};
    training.first_epoch = first_epoch;
    if (time_limit)
        training.deadline =
            began + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(*time_limit));
    PythonObserver observer(std::move(epoch_done), std::move(step_done));
    std::optional<CalledCost<T>> cost;
    if (python_cost) cost.emplace(std::move(*python_cost));
    TrainingHistory history;
    try {
        compute(threads, [&](Team& team) {
            history =
                train(self.network, samples, validation_samples, training, cost ? &*cost : nullptr, observer, team);
        });
    } catch (const Diverged& diverged) {
        PyErr_SetString(PyExc_FloatingPointError, divergence_text(diverged).c_str());
        throw py::error_already_set();
    }
    return {std::move(history.loss_curve), std::move(history.validation_curve),
            stop_reasons[static_cast<std::size_t>(history.stop_reason)]};
}

template <class T>
void bind(py::module_& module) {
    module.def("train", &train_network<T>, py::arg("network"), py::arg("samples").noconvert(), py::kw_only(),
               py::arg("loss"), py::arg("cost"), py::arg("learning_rate"), py::arg("momentum"), py::arg("nesterov"),
               py::arg("batch_size"), py::arg("first_epoch"), py::arg("epochs"), py::arg("shuffle"), py::arg("seed"),
               py::arg("validation").noconvert(), py::arg("time_limit"), py::arg("epoch_done"), py::arg("step_done"),
               py::arg("threads"));
}

}  // namespace

void bind_train(py::module_& module) {
    bind<float>(module);
    bind<double>(module);
}

}  // namespace rosenblatt::bindings
