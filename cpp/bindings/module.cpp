// The compiled module rosenblatt._core.
#include "bindings/bindings.hpp"

#include <string>

#define ROSENBLATT_QUOTE(text) #text
#define ROSENBLATT_TEXT(macro) ROSENBLATT_QUOTE(macro)

#if defined(__clang__)
#define ROSENBLATT_COMPILER "Clang " __clang_version__
#else
#define ROSENBLATT_COMPILER "GCC " __VERSION__
#endif

PYBIND11_MODULE(_core, module) {
    module.doc() =
        "The compiled core of rosenblatt. Use the package, not this module: its arguments are unchecked names "
        "and exact arrays.";
    module.def("version", [] { return std::string(ROSENBLATT_TEXT(ROSENBLATT_VERSION)); });
    module.def("compiler", [] { return std::string(ROSENBLATT_COMPILER); });
    rosenblatt::bindings::bind_network(module);
    rosenblatt::bindings::bind_train(module);
    rosenblatt::bindings::bind_learner(module);
    rosenblatt::bindings::bind_kernels(module);
    rosenblatt::bindings::bind_scaling(module);
    rosenblatt::bindings::bind_perceptron(module);
    rosenblatt::bindings::bind_checksum(module);
    rosenblatt::bindings::bind_checkpoints(module);
}
