// Losses: their names, checks of the output and the parameters, and their messages.
#include "bindings/losses.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "bindings/activations.hpp"
#include "bindings/bindings.hpp"

namespace rosenblatt::bindings {

namespace {

[[noreturn]] void refuse(const std::string& got, const std::string& expected) {
    throw py::value_error("loss: got " + got + ", expected " + expected);
}

// What a loss takes the outputs for.
enum class OutputKind { reals, probabilities, distribution, scores, rates, moments };
constexpr OutputKind output_kinds[] = {
#define ROSENBLATT_LOSS(name, labels, slopes, targets, outputs) OutputKind::outputs,
#include "kernels/losses.def"
};

// The outputs that a loss allows, and why; none if it allows any.
struct Outputs {
    std::vector<Activation> allowed;
    const char* reason;
};

Outputs outputs(const LossRule& rule) {
    using enum Activation;
    switch (output_kinds[static_cast<std::size_t>(rule.loss)]) {
        case OutputKind::reals:
            return {{}, ""};
        case OutputKind::probabilities:
            return {{softmax, logistic}, "its activations are probabilities"};
        case OutputKind::distribution:
            return {{softmax}, "its activations are a distribution"};
        case OutputKind::scores:
            return {{identity, tanh, softsign, hard_tanh}, "its activations are scores of either sign"};
        case OutputKind::moments:
            return {{identity}, "its activations are means and logarithms of variances"};
        case OutputKind::rates:
            if (rule.parameters[0] != 0) return {{identity}, "its activation is the logarithm of the rate"};
            return {{logistic, softplus}, "its activation is the rate, above 0"};
    }
    return {{}, ""};
}

std::string quoted(const char* name) { return std::string("'") + name + "'"; }

void check_output(const LossRule& rule, const Shape& shape) {
    const Activation output = shape.output();
    const Outputs suited = outputs(rule);
    if (suited.allowed.empty() || std::ranges::find(suited.allowed, output) != suited.allowed.end()) return;
    const bool of_softmax = std::ranges::find(suited.allowed, Activation::softmax) != suited.allowed.end();
    std::string names;
    for (const Activation f : suited.allowed)
        names += (names.empty() ? "" : " or ") + quoted(activation_names[static_cast<std::size_t>(f)]);
    refuse(
        quoted(loss_names[static_cast<std::size_t>(rule.loss)]) + " with output " +
            quoted(activation_name(shape, shape.n_layers() - 1).c_str()),
        "output " + names + ": " + suited.reason +
            (of_softmax && output == Activation::log_softmax ? "; with softmax the loss takes logarithms itself" : ""));
}

void check_n_outputs(const LossRule& rule, std::size_t n_outputs) {
    if (rule.loss == Loss::gaussian_nll && n_outputs % 2 != 0)
        refuse("'gaussian_nll' with " + std::to_string(n_outputs) + (n_outputs == 1 ? " output" : " outputs"),
               "an even number: the means, then the logarithms of the variances");
    if (rule.loss == Loss::cosine && n_outputs == 1)
        refuse("'cosine' with 1 output", "at least 2: a single number has no direction to learn");
    const std::size_t n_levels = rule.parameters.size;
    if (rule.loss == Loss::quantile && n_levels != 1 && n_levels != n_outputs)
        refuse(std::to_string(n_levels) + " levels",
               std::string(n_outputs == 1 ? "1" : "1 or " + std::to_string(n_outputs)) +
                   ": one for all outputs or one for each");
}

// A parameter that is allowed may round to one that is not.
template <class T>
void check_rounding(const LossRule& rule) {
    const auto demand = [&](double parameter, const char* name, bool holds) {
        if (!holds)
            refuse(std::string(name) + " " + py::str(py::float_(parameter)).cast<std::string>(),
                   std::string("one that float") + (sizeof(T) == 4 ? "32" : "64") + " can hold");
    };
    for (std::size_t i = 0; i < rule.parameters.size; ++i) {
        const double parameter = rule.parameters[i];
        const T rounded = static_cast<T>(parameter);
        if (rule.loss == Loss::huber) demand(parameter, "delta", rounded > 0 && std::isfinite(rounded));
        if (rule.loss == Loss::focal) demand(parameter, "gamma", std::isfinite(rounded));
        if (rule.loss == Loss::quantile) demand(parameter, "level", rounded > 0 && rounded < 1);
    }
}

}  // namespace

std::vector<std::string> names_of_losses(bool (*chosen)(Loss)) {
    std::vector<std::string> names;
    for (std::size_t i = 0; i < std::size(loss_names); ++i)
        if (chosen(static_cast<Loss>(i))) names.emplace_back(loss_names[i]);
    return names;
}

TargetKind target_kind(Loss loss, Activation output) noexcept {
    const TargetKind kind = facts(loss).targets;
    const bool sums_to_1 = kind == TargetKind::probabilities && output == Activation::softmax;
    return sums_to_1 ? TargetKind::distribution : kind;
}

template <class T>
LossRule take_loss(const NamedLoss& named, const Shape& shape) {
    const LossRule rule{static_cast<Loss>(find_name("loss", named.first, loss_names)),
                        {named.second.data(), named.second.size()}};
    check_output(rule, shape);
    check_n_outputs(rule, shape.n_outputs());
    check_rounding<T>(rule);
    return rule;
}

template LossRule take_loss<float>(const NamedLoss&, const Shape&);
template LossRule take_loss<double>(const NamedLoss&, const Shape&);

}  // namespace rosenblatt::bindings
