// Checkpoints: numbers and vectors copied out and in; parts that no training has are refused in words.
#include "bindings/checkpoints.hpp"

#include <pybind11/stl.h>

#include <algorithm>

namespace rosenblatt::bindings {

namespace {

[[noreturn]] void refuse(const std::string& name, std::size_t got, const std::string& expected) {
    throw BadCheckpoint(name + ": got " + std::to_string(got) + ", expected " + expected);
}

template <class T>
void check_counts(std::size_t n_numbers, std::size_t n_vectors, const OptimizerSettings& optimizer) {
    if (optimizer.method == Method::lbfgs) {
        const auto most = 2 * static_cast<std::size_t>(optimizer.of_method.history);
        if (n_numbers != 0) refuse("numbers", n_numbers, "none");
        if (n_vectors % 2 != 0 || n_vectors > most)
            refuse("vectors", n_vectors, "pairs, at most " + std::to_string(most) + " vectors");
        return;
    }
    const std::size_t numbers = Optimizer<T>::n_state_numbers();
    const std::size_t vectors = Optimizer<T>::n_state_vectors(optimizer);
    if (n_numbers != numbers) refuse("numbers", n_numbers, std::to_string(numbers));
    if (n_vectors != vectors) refuse("vectors", n_vectors, std::to_string(vectors) + " for this optimizer");
}

}  // namespace

void bind_checkpoints(py::module_& module) {
    py::register_exception<BadCheckpoint>(module, "CheckpointError", PyExc_ValueError);
}

NamedCurves named_curves(const TrainingHistory& history) {
    return {{"loss", history.loss_curve},
            {"validation_loss", history.validation_curve},
            {"learning_rate", history.learning_rates},
            {"gradient_norm", history.gradient_norms}};
}

template <class T>
Checkpoint<T> take_checkpoint(const CheckpointParts<T>& parts, const OptimizerSettings& optimizer, const Shape& shape) {
    const auto& [curves, numbers, vectors] = parts;
    const auto curve = [&](const char* name) {
        const auto found = curves.find(name);
        return found == curves.end() ? std::vector<double>{} : found->second;
    };
    Checkpoint<T> checkpoint;
    checkpoint.history = {curve("loss"), curve("validation_loss"), curve("learning_rate"), curve("gradient_norm")};
    check_counts<T>(numbers.size(), vectors.size(), optimizer);
    if (!numbers.empty() && !Optimizer<T>::is_valid_state(numbers, checkpoint.history.epochs()))
        throw BadCheckpoint("numbers: got counts that no training has after " +
                            std::to_string(checkpoint.history.epochs()) + " epochs");
    checkpoint.numbers = numbers;
    for (const Array<T>& vector : vectors) {
        if (vector.ndim() != 1 || static_cast<std::size_t>(vector.size()) != shape.n_params())
            throw BadCheckpoint("vectors: got shape " + shape_text(vector) + ", expected (" +
                                std::to_string(shape.n_params()) + ",)");
        Buffer<T> copy(shape.n_params());
        std::copy_n(vector.data(), copy.size(), copy.data());
        checkpoint.vectors.push_back(std::move(copy));
    }
    return checkpoint;
}

template <class T>
std::vector<Array<T>> arrays_of(const std::vector<Buffer<T>>& vectors) {
    std::vector<Array<T>> arrays;
    for (const Buffer<T>& vector : vectors) arrays.emplace_back(static_cast<py::ssize_t>(vector.size()), vector.data());
    return arrays;
}

template <class T>
void PythonCheckpointWriter<T>::write(const Checkpoint<T>& checkpoint) {
    const WithInterpreter python;
    const CheckpointParts<T> parts{named_curves(checkpoint.history), checkpoint.numbers, arrays_of(checkpoint.vectors)};
    call(python_.second, parts, checkpoint.history.stop_reason == StopReason::converged);
}

template Checkpoint<float> take_checkpoint(const CheckpointParts<float>&, const OptimizerSettings&, const Shape&);
template Checkpoint<double> take_checkpoint(const CheckpointParts<double>&, const OptimizerSettings&, const Shape&);
template std::vector<Array<float>> arrays_of(const std::vector<Buffer<float>>&);
template std::vector<Array<double>> arrays_of(const std::vector<Buffer<double>>&);
template class PythonCheckpointWriter<float>;
template class PythonCheckpointWriter<double>;

}  // namespace rosenblatt::bindings
