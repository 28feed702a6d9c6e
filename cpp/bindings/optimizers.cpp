// Optimisers: names to members, and the rounding of settings.
#include "bindings/optimizers.hpp"

#include <pybind11/stl.h>

#include <cmath>
#include <memory>

#include "bindings/bindings.hpp"
#include "bindings/interpreter.hpp"

namespace rosenblatt::bindings {

namespace {

template <class Settings>
struct Member {
    const char* name;
    double Settings::* value;
};

constexpr Member<MethodSettings> method_members[] = {
#define ROSENBLATT_METHOD_SETTING(name) {#name, &MethodSettings::name},
#include "model/settings.def"
};

constexpr Member<Regularisation> regularisation_members[] = {
#define ROSENBLATT_REGULARISATION(name) {#name, &Regularisation::name},
#include "model/settings.def"
};

std::string text(double x) { return py::str(py::float_(x)).cast<std::string>(); }

template <class Settings, std::size_t N>
Settings take_members(const NamedNumbers& named, const Member<Settings> (&members)[N]) {
    Settings settings;
    for (const auto& [name, number] : named) {
        const Member<Settings>* found = nullptr;
        for (const auto& member : members)
            if (name == member.name) found = &member;
        if (found == nullptr) throw py::value_error("optimizer: got an unknown setting '" + name + "'");
        settings.*found->value = number;
    }
    return settings;
}

// A setting that is allowed may round to one that is not.
template <class T>
void check_rounding(const NamedNumbers& named) {
    const std::string type = sizeof(T) == 4 ? "float32" : "float64";
    for (const auto& [name, number] : named) {
        const T rounded = static_cast<T>(number);
        const bool divides = name == "eps" || name == "clip_value";
        if (!std::isfinite(rounded) || (divides && number > 0 && rounded == 0))
            throw py::value_error(name + ": got " + text(number) + ", expected a number that " + type + " can hold");
    }
}

// Calls the callable with the interpreter's lock, once per time. It is shared, because a schedule is copied
// without that lock.
Schedule::Callable take_callable(const std::optional<py::typing::Callable<double(std::uint64_t)>>& callable) {
    if (!callable) return {};
    return [shared = std::make_shared<const py::object>(*callable),
            last = std::optional<std::pair<std::uint64_t, double>>{}](std::uint64_t step) mutable {
        if (last && last->first == step) return last->second;
        const WithInterpreter python;
        const double rate = call(*shared, step).cast<double>();  // finite and not negative: schedules.py checks it
        last.emplace(step, rate);
        return rate;
    };
}

}  // namespace

Schedule take_schedule(const NamedSchedule& named) {
    const auto& [parts, per_epoch, callable] = named;
    std::vector<SchedulePart> taken;
    for (const auto& [name, numbers] : parts)
        taken.push_back({static_cast<ScheduleKind>(find_name("learning_rate", name, schedule_names)), numbers});
    return {std::move(taken), per_epoch, take_callable(callable)};
}

template <class T>
OptimizerSettings take_optimizer(const NamedOptimizer& named) {
    const auto& [method, settings, learning_rate, regularisation] = named;
    check_rounding<T>(settings);
    check_rounding<T>(regularisation);
    return {static_cast<Method>(find_name("optimizer", method, method_names)), take_members(settings, method_members),
            take_schedule(learning_rate), take_members(regularisation, regularisation_members)};
}

template OptimizerSettings take_optimizer<float>(const NamedOptimizer&);
template OptimizerSettings take_optimizer<double>(const NamedOptimizer&);

}  // namespace rosenblatt::bindings
