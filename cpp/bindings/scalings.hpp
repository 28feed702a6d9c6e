// Scalings: offset and factor on their way from Python and back, fitted to samples, and what is wrong with them, in
// words.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "bindings/arrays.hpp"
#include "bindings/bindings.hpp"
#include "model/scaling.hpp"

namespace rosenblatt::bindings {

// offset and factor, each (size,)
using OffsetAndFactor = std::pair<Array<double>, Array<double>>;

// A scaling for the inputs or the targets of a network: ValueError if sizes or numbers do not fit, or the output is
// not identity. None is none.
template <class T>
std::optional<Scaling<T>> take_input_scaling(const std::optional<OffsetAndFactor>& given, const Shape& shape);
template <class T>
std::optional<Scaling<T>> take_target_scaling(const std::optional<OffsetAndFactor>& given, const Shape& shape);

template <class T>
std::optional<OffsetAndFactor> as_arrays(const std::optional<Scaling<T>>& scaling);

// The kinds of scaling to fit: scale_inputs, scale_targets.
using ScalingKinds = std::pair<std::optional<std::string>, std::optional<std::string>>;

// The scalings of a run. A named kind is fitted to the samples; without one, the network keeps its scaling. ValueError
// if a scaling does not suit the samples or the loss. `loss` is empty for a custom loss.
template <class T>
Scalings<T> fit_scalings(const BoundNetwork<T>& self, const Samples<T>& samples, const std::optional<LossRule>& loss,
                         const ScalingKinds& kinds, int threads);

// ValueError if X is sparse and its scaling has an offset that is not 0.
template <class T>
void check_scaled_inputs(const char* name, const Scalings<T>& scalings, const Samples<T>& samples);

// ValueError if targets are scaled and the loss does not take numbers of any size.
template <class T>
void check_scaled_loss(const Scalings<T>& scalings, Loss loss);

}  // namespace rosenblatt::bindings
