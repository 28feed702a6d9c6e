// Activations: those that Python computes are called here, with the interpreter's lock.
#include "bindings/activations.hpp"

#include <pybind11/stl.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "bindings/arrays.hpp"
#include "bindings/bindings.hpp"
#include "bindings/interpreter.hpp"

namespace rosenblatt::bindings {

namespace {

class CalledActivation final : public CustomActivation {
  public:
    CalledActivation(std::string name, ArrayFunction f, ArrayFunction df)
        : name_(std::move(name)), f_(std::move(f)), df_(std::move(df)) {}
    // A network can be destroyed without the lock: the working copy of a run.
    ~CalledActivation() override {
        const WithInterpreter python;
        f_.release().dec_ref();
        df_.release().dec_ref();
    }
    CalledActivation(const CalledActivation&) = delete;
    CalledActivation& operator=(const CalledActivation&) = delete;

    const char* name() const noexcept override { return name_.c_str(); }

    void activate(Matrix<const float> Z, Matrix<float> A) const override { apply(f_, Z, A); }
    void activate(Matrix<const double> Z, Matrix<double> A) const override { apply(f_, Z, A); }

  protected:
    void slope(Matrix<const float> Z, Matrix<float> S) const override { apply(df_, Z, S); }
    void slope(Matrix<const double> Z, Matrix<double> S) const override { apply(df_, Z, S); }

  private:
    template <class T>
    static void apply(const ArrayFunction& f, Matrix<const T> Z, Matrix<T> result) {
        const WithInterpreter python;
        copy_given("activation", call(f, copied<T>(Z)).template cast<Array<T>>(), result);
    }

    std::string name_;
    ArrayFunction f_;
    ArrayFunction df_;
};

}  // namespace

Shape make_shape(const std::vector<std::size_t>& layers, const std::vector<NamedActivation>& activations,
                 const std::vector<std::string>& norms, const std::vector<bool>& skips) {
    std::vector<Activation> functions;
    CustomActivations custom(activations.size());
    for (std::size_t layer = 0; layer < activations.size(); ++layer) {
        if (const auto* const name = std::get_if<std::string>(&activations[layer])) {
            functions.push_back(static_cast<Activation>(
                find_name(layer + 1 == activations.size() ? "output" : "activation", *name, activation_names)));
            continue;
        }
        functions.push_back(Activation::custom);
        const auto& [name, f, df] = std::get<1>(activations[layer]);
        custom[layer] = std::make_shared<CalledActivation>(name, f, df);
    }
    if (std::ranges::none_of(custom, [](const auto& each) { return each != nullptr; })) custom.clear();
    HiddenLayers hidden{{}, skips};
    for (const std::string& name : norms)
        hidden.norms.push_back(static_cast<Norm>(find_name("norm", name, norm_names)));
    try {
        return Shape(layers, functions, custom, hidden);
    } catch (const std::length_error&) {
        throw py::value_error("layers: got more weights than fit into the address space, expected smaller sizes");
    }
}

std::string activation_name(const Shape& shape, std::size_t layer) {
    if (const CustomActivation* const custom = shape.custom(layer)) return custom->name();
    return activation_names[static_cast<std::size_t>(shape.activation(layer))];
}

}  // namespace rosenblatt::bindings
