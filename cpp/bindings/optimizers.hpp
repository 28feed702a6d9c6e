// Optimisers: what Python says of one, as the model takes it, and what is wrong with it, in words.
#pragma once

#include <pybind11/typing.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "model/update.hpp"

namespace rosenblatt::bindings {

namespace py = pybind11;

// Settings by name; those that are not named are 0.
using NamedNumbers = std::map<std::string, double>;

// The parts of a schedule from the outside in, whether its time is epochs, and the callable, if one part is a callable.
using NamedSchedule = std::tuple<std::vector<std::pair<std::string, std::vector<double>>>, bool,
                                 std::optional<py::typing::Callable<double(std::uint64_t)>>>;

// An optimiser on its way from Python: its method, the method's settings, the learning rate, the regularisation.
using NamedOptimizer = std::tuple<std::string, NamedNumbers, NamedSchedule, NamedNumbers>;

// ValueError if a name is unknown, as below.
Schedule take_schedule(const NamedSchedule& named);

// ValueError also if T cannot hold a setting.
template <class T>
OptimizerSettings take_optimizer(const NamedOptimizer& named);

}  // namespace rosenblatt::bindings
