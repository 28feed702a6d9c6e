// Checkpoints: what a training is between two epochs, as Python keeps it, and the way back.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/typing.h>

#include <map>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "bindings/arrays.hpp"
#include "bindings/bindings.hpp"
#include "model/checkpoint.hpp"
#include "model/update.hpp"

namespace rosenblatt::bindings {

// The parts of a checkpoint contradict the training that would resume with them: CheckpointError in Python.
class BadCheckpoint final : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

// "loss", "validation_loss", "learning_rate" and "gradient_norm", each empty or a number for every epoch.
using NamedCurves = std::map<std::string, std::vector<double>>;
NamedCurves named_curves(const TrainingHistory& history);

// The curves, the numbers and the vectors of a checkpoint.
template <class T>
using CheckpointParts = std::tuple<NamedCurves, std::vector<double>, std::vector<Array<T>>>;

// Copies of vectors (n_params,) that an optimiser has.
template <class T>
std::vector<Array<T>> arrays_of(const std::vector<Buffer<T>>& vectors);

// A checkpoint, and the network that belongs to it.
template <class T>
using SavedCheckpoint = std::pair<const BoundNetwork<T>*, CheckpointParts<T>>;

// BadCheckpoint if the parts are not those of a training with this optimiser on this shape.
template <class T>
Checkpoint<T> take_checkpoint(const CheckpointParts<T>& parts, const OptimizerSettings& optimizer, const Shape& shape);

// Asked wants(last_epoch), then given keep(parts, converged).
template <class T>
using PythonCheckpointFunctions =
    std::pair<py::typing::Callable<bool(bool)>, py::typing::Callable<void(CheckpointParts<T>, bool)>>;

template <class T>
class PythonCheckpointWriter final : public CheckpointWriter<T> {
  public:
    explicit PythonCheckpointWriter(PythonCheckpointFunctions<T> python) : python_(std::move(python)) {}

    bool wants(bool last_epoch) override {
        const WithInterpreter python;
        return py::bool_(call(python_.first, last_epoch));
    }

    void write(const Checkpoint<T>& checkpoint) override;

  private:
    PythonCheckpointFunctions<T> python_;
};

}  // namespace rosenblatt::bindings
