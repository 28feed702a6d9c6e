// Scalings: offset and factor, checked once.
#include "bindings/scalings.hpp"
#include "bindings/activations.hpp"
#include "bindings/losses.hpp"

#include <pybind11/stl.h>

#include <cmath>
#include <iterator>
#include <vector>

namespace rosenblatt::bindings {

namespace {

[[noreturn]] void refuse(const char* name, const std::string& what) {
    throw py::value_error(std::string(name) + ": " + what);
}

std::string number_text(double x) { return py::str(py::float_(x)).cast<std::string>(); }

template <class T>
const char* type_name() {
    return sizeof(T) == 4 ? "float32" : "float64";
}

// offset and factor rounded to T. `where` says in words what column j is.
template <class T, class F>
Scaling<T> rounded(const char* name, const double* offset, const double* factor, std::size_t size, F where) {
    const FloatMode mode;
    Scaling<T> scaling(size);
    for (std::size_t j = 0; j < size; ++j) {
        const T shift = static_cast<T>(offset[j]);
        const T scale = static_cast<T>(factor[j]);
        if (!std::isfinite(shift) || !(scale > 0) || std::isinf(scale))
            refuse(name, "got an offset of " + number_text(offset[j]) + " and a factor of " + number_text(factor[j]) +
                             " for " + where(j) + ", expected a finite offset and a finite factor above 0 in " +
                             type_name<T>());
        scaling.offset()[j] = shift;
        scaling.factor()[j] = scale;
    }
    return scaling;
}

void check_identity(const char* name, const Shape& shape) {
    if (shape.output() == Activation::identity) return;
    refuse(name, "got one for output '" + activation_name(shape, shape.n_layers() - 1) +
                     "', expected output 'identity': scaled outputs must be able to take any value");
}

// A scaled target is a number of any size and sign.
void check_number_loss(Loss loss) {
    if (takes_any_number(loss)) return;
    std::string names;
    for (const std::string& name : names_of_losses(takes_any_number))
        names += (names.empty() ? "'" : ", '") + name + "'";
    refuse("loss", std::string("got '") + loss_names[static_cast<std::size_t>(loss)] +
                       "' with scaled targets, expected one of " + names);
}

template <class T>
Scaling<T> take(const char* name, const OffsetAndFactor& given, std::size_t size, const char* one_per) {
    for (const Array<double>& array : {given.first, given.second})
        if (array.ndim() != 1 || static_cast<std::size_t>(array.shape(0)) != size)
            refuse(name, "got shape " + shape_text(array) + ", expected (" + std::to_string(size) +
                             ",): one number per " + one_per);
    return rounded<T>(name, given.first.data(), given.second.data(), size,
                      [&](std::size_t j) { return std::string(one_per) + " " + std::to_string(j); });
}

template <class T>
Scaling<T> fitted(const char* name, const std::string& rule_name, const char* array, Matrix<const T> rows,
                  int threads) {
    const auto rule = static_cast<ScalingRule>(find_name(name, rule_name, scaling_names));
    Buffer<double> offset(rows.cols);
    Buffer<double> factor(rows.cols);
    compute(threads, [&](Team& team) { fit(rule, rows, offset.view(), factor.view(), team); });
    return rounded<T>(array, offset.data(), factor.data(), rows.cols, [&](std::size_t j) {
        return std::string("column ") + std::to_string(j) + " by '" + rule_name + "'";
    });
}

// offset and factor of X (n, cols)
std::pair<Array<double>, Array<double>> fit_array(const Array<double>& X, const std::string& rule_name) {
    const Matrix<const double> rows = take_rows("X", X);
    const Scaling<double> scaling = fitted<double>("kind", rule_name, "X", rows, 0);
    return *as_arrays(std::optional<Scaling<double>>(scaling));
}

}  // namespace

template <class T>
std::optional<Scaling<T>> take_input_scaling(const std::optional<OffsetAndFactor>& given, const Shape& shape) {
    if (!given) return std::nullopt;
    return take<T>("input_scaling", *given, shape.n_features(), "input");
}

template <class T>
std::optional<Scaling<T>> take_target_scaling(const std::optional<OffsetAndFactor>& given, const Shape& shape) {
    if (!given) return std::nullopt;
    check_identity("target_scaling", shape);
    return take<T>("target_scaling", *given, shape.n_outputs(), "output");
}

template <class T>
std::optional<OffsetAndFactor> as_arrays(const std::optional<Scaling<T>>& scaling) {
    if (!scaling) return std::nullopt;
    const auto size = static_cast<py::ssize_t>(scaling->size());
    OffsetAndFactor arrays{Array<double>(size), Array<double>(size)};
    for (std::size_t j = 0; j < scaling->size(); ++j) {
        arrays.first.mutable_data()[j] = static_cast<double>(scaling->offset()[j]);
        arrays.second.mutable_data()[j] = static_cast<double>(scaling->factor()[j]);
    }
    return arrays;
}

template <class T>
Scalings<T> fit_scalings(const BoundNetwork<T>& self, const Samples<T>& samples, const std::optional<LossRule>& loss,
                         const ScalingKinds& kinds, int threads) {
    const auto& [scale_inputs, scale_targets] = kinds;
    Scalings<T> scalings = self.scalings;
    if (scale_inputs && samples.is_sparse())
        refuse("scale_inputs", "got '" + *scale_inputs +
                                   "' with a sparse X, expected none: its offset would fill X up; "
                                   "give the network an input_scaling without offsets");
    if (scale_inputs) scalings.inputs = fitted<T>("scale_inputs", *scale_inputs, "X", samples.X, threads);
    if (scale_targets) {
        check_identity("scale_targets", self.network.shape());
        if (!loss)
            refuse("scale_targets",
                   "got '" + *scale_targets +
                       "' with a loss of your own, expected none: give the network a target_scaling, and "
                       "the loss gets outputs in your units");
        check_number_loss(loss->loss);
        scalings.targets = fitted<T>("scale_targets", *scale_targets, "Y", samples.Y.Y, threads);
    }
    if (loss) check_scaled_loss(scalings, loss->loss);
    check_scaled_inputs("X", scalings, samples);
    return scalings;
}

template <class T>
void check_scaled_inputs(const char* name, const Scalings<T>& scalings, const Samples<T>& samples) {
    if (!samples.is_sparse() || !scalings.inputs) return;
    const Vector<const T> offset = scalings.inputs->offset();
    for (std::size_t j = 0; j < offset.size; ++j)
        if (offset[j] != 0)
            refuse(name,
                   "got a sparse matrix for a network whose input_scaling has an offset, expected an array or offsets "
                   "of 0: "
                   "others would fill it up");
}

template <class T>
void check_scaled_loss(const Scalings<T>& scalings, Loss loss) {
    if (scalings.targets) check_number_loss(loss);
}

void bind_scaling(py::module_& module) {
    module.def("scalings", [] { return std::vector<std::string>(std::begin(scaling_names), std::end(scaling_names)); });
    module.def("fit_scaling", &fit_array, py::arg("X").noconvert(), py::arg("kind"));
}

template std::optional<Scaling<float>> take_input_scaling(const std::optional<OffsetAndFactor>&, const Shape&);
template std::optional<Scaling<double>> take_input_scaling(const std::optional<OffsetAndFactor>&, const Shape&);
template std::optional<Scaling<float>> take_target_scaling(const std::optional<OffsetAndFactor>&, const Shape&);
template std::optional<Scaling<double>> take_target_scaling(const std::optional<OffsetAndFactor>&, const Shape&);
template std::optional<OffsetAndFactor> as_arrays(const std::optional<Scaling<float>>&);
template std::optional<OffsetAndFactor> as_arrays(const std::optional<Scaling<double>>&);
template Scalings<float> fit_scalings(const BoundNetwork<float>&, const Samples<float>&, const std::optional<LossRule>&,
                                      const ScalingKinds&, int);
template Scalings<double> fit_scalings(const BoundNetwork<double>&, const Samples<double>&,
                                       const std::optional<LossRule>&, const ScalingKinds&, int);
template void check_scaled_inputs(const char*, const Scalings<float>&, const Samples<float>&);
template void check_scaled_inputs(const char*, const Scalings<double>&, const Samples<double>&);
template void check_scaled_loss(const Scalings<float>&, Loss);
template void check_scaled_loss(const Scalings<double>&, Loss);

}  // namespace rosenblatt::bindings
