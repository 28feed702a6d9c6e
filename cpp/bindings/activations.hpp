// Activations: names and functions on their way from Python, as the model takes them.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/typing.h>

#include <string>
#include <tuple>
#include <variant>
#include <vector>

#include "model/shape.hpp"

namespace rosenblatt::bindings {

namespace py = pybind11;

// A function of z (n, n_l) that returns an array of the same shape and type: python/rosenblatt/_activation.py checks
// that.
using ArrayFunction = py::typing::Callable<py::array(py::array)>;

// An activation by its name, or one of the user's own: its name, f and f'.
using NamedActivation = std::variant<std::string, std::tuple<std::string, ArrayFunction, ArrayFunction>>;

// The shape of a network; ValueError if a name is unknown, or there are too many parameters. norms, skips: one for
// each hidden layer, or none at all.
Shape make_shape(const std::vector<std::size_t>& layers, const std::vector<NamedActivation>& activations,
                 const std::vector<std::string>& norms, const std::vector<bool>& skips);

// What the activation of a layer is called.
std::string activation_name(const Shape& shape, std::size_t layer);

}  // namespace rosenblatt::bindings
