// Bindings: the parts of the module, one function each.
#pragma once

#include <pybind11/pybind11.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "bindings/computation.hpp"
#include "kernels/functions.hpp"
#include "model/network.hpp"
#include "model/scaling.hpp"

namespace rosenblatt::bindings {

namespace py = pybind11;

// The contents of a Python object: a network, its scalings, and the lock that guards it.
template <class T>
struct BoundNetwork {
    Network<T> network;
    Scalings<T> scalings;
    Access access;
    int threads = 0;  // of its calls; 0 for as many as the process may use

    explicit BoundNetwork(Network<T> made) : network(std::move(made)) {}
};

// The position of a name in a table of names; ValueError naming the argument and what there is.
template <std::size_t N>
std::size_t find_name(const char* argument, const std::string& name, const char* const (&names)[N]) {
    std::string known;
    for (std::size_t i = 0; i < N; ++i) {
        if (name == names[i]) return i;
        known += std::string(i == 0 ? "" : ", ") + "'" + names[i] + "'";
    }
    throw py::value_error(std::string(argument) + ": got '" + name + "', expected one of " + known);
}

// For a class that is bound: a method of an object whose __init__ never ran is a TypeError. pybind11 would give the
// method memory that no constructor ran on.
template <class T>
void need_init() {
    py::detail::get_type_info(typeid(T))->operator_new = [](std::size_t) -> void* {
        throw py::type_error("got an object whose __init__ never ran, expected one that its class has made");
    };
}

void bind_network(py::module_& module);
void bind_train(py::module_& module);
void bind_learner(py::module_& module);
void bind_kernels(py::module_& module);
void bind_scaling(py::module_& module);
void bind_perceptron(py::module_& module);
void bind_checksum(py::module_& module);
void bind_checkpoints(py::module_& module);

}  // namespace rosenblatt::bindings
