// Train for Python: one call is the whole training; Python is visited once an epoch, if it wants to be.
#include <pybind11/numpy.h>
#include <pybind11/stl.h>
#include <pybind11/typing.h>

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

using Callback = py::typing::Callable<bool(std::size_t, double, std::optional<double>)>;

// Calls callback(epoch, loss, validation_loss) where there is one; its truth ends the training.
class PythonObserver final : public Observer {
  public:
    explicit PythonObserver(std::optional<Callback> callback) : callback_(std::move(callback)) {}

    bool epoch_done(std::size_t epoch, double loss, std::optional<double> validation_loss) override {
        if (!callback_) return false;
        const py::gil_scoped_acquire acquire;
        return py::bool_((*callback_)(epoch, loss, validation_loss));
    }

  private:
    std::optional<Callback> callback_;
};

template <class T>
Samples<T> take_samples(const std::string& X_name, const Array<T>& X, const std::string& Y_name, const py::array& Y,
                        Loss loss, const Shape& shape) {
    Samples<T> samples;
    samples.X = take_X(X_name.c_str(), X, shape);
    samples.Y = take_Y<T>(Y_name.c_str(), Y, samples.size(), loss, shape);
    return samples;
}

std::string divergence_text(const Diverged& diverged) {
    return "training diverged: the " + std::string(diverged.what) + " became infinite or NaN in epoch " +
           std::to_string(diverged.epoch + 1) + "; the network has the weights of the end of epoch " +
           std::to_string(diverged.epoch) + (diverged.epoch == 0 ? " (the initial ones)" : "") +
           "; a smaller learning_rate or scaled inputs may help";
}

// loss_curve, validation_curve, whether the callback ended it
template <class T>
std::tuple<std::vector<double>, std::vector<double>, bool> train_network(
    BoundNetwork<T>& self, const Array<T>& X, const py::array& Y, const NamedLoss& named_loss, double learning_rate,
    double momentum, bool nesterov, std::size_t batch_size, std::size_t epochs, bool shuffle, std::uint64_t seed,
    const std::optional<std::pair<Array<T>, py::array>>& validation, std::optional<Callback> callback, int threads) {
    const Access::Writing writing(self.access);
    const Shape& shape = self.network.shape();
    const LossRule rule = take_loss<T>(named_loss, shape);
    const Samples<T> samples = take_samples<T>("X", X, "Y", Y, rule.loss, shape);
    std::optional<Samples<T>> validation_samples;
    if (validation)
        validation_samples =
            take_samples<T>("validation[0]", validation->first, "validation[1]", validation->second, rule.loss, shape);
    const Training training{rule, {learning_rate, momentum, nesterov}, batch_size, epochs, shuffle, seed};
    PythonObserver observer(std::move(callback));
    TrainingHistory history;
    try {
        compute(threads, [&](Team& team) {
            history = train(self.network, samples, validation_samples, training, observer, team);
        });
    } catch (const Diverged& diverged) {
        PyErr_SetString(PyExc_FloatingPointError, divergence_text(diverged).c_str());
        throw py::error_already_set();
    }
    return {std::move(history.loss_curve), std::move(history.validation_curve), history.stopped_by_observer};
}

template <class T>
void bind(py::module_& module) {
    module.def("train", &train_network<T>, py::arg("network"), py::arg("X").noconvert(), py::arg("Y").noconvert(),
               py::arg("loss"), py::arg("learning_rate"), py::arg("momentum"), py::arg("nesterov"),
               py::arg("batch_size"), py::arg("epochs"), py::arg("shuffle"), py::arg("seed"),
               py::arg("validation").noconvert(), py::arg("callback"), py::arg("threads"));
}

}  // namespace

void bind_train(py::module_& module) {
    bind<float>(module);
    bind<double>(module);
}

}  // namespace rosenblatt::bindings
