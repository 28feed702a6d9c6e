// Update: w := w - epsilon dC/dw and what other optimisers make of a gradient, for all parameters at once.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "base/buffer.hpp"
#include "kernels/rules.hpp"
#include "kernels/table.hpp"
#include "model/checkpoint.hpp"
#include "model/network.hpp"
#include "model/schedule.hpp"
#include "model/team.hpp"
#include "model/workspace.hpp"

namespace rosenblatt {

// The optimisers; each is one rule or several variants of it.
enum class Method : std::uint8_t { sgd, adagrad, rmsprop, adadelta, adam, nadam, lion, rprop, lbfgs };
inline constexpr const char* method_names[] = {"sgd",   "adagrad", "rmsprop", "adadelta", "adam",
                                               "nadam", "lion",    "rprop",   "lbfgs"};

struct MethodSettings {
#define ROSENBLATT_METHOD_SETTING(name) double name = 0;
#include "model/settings.def"
};

struct Regularisation {
#define ROSENBLATT_REGULARISATION(name) double name = 0;
#include "model/settings.def"
};

struct OptimizerSettings {
    Method method;
    MethodSettings of_method;
    Schedule learning_rate;
    Regularisation regularisation = {};
    std::vector<double>* step_losses = nullptr;  // receives the cost of every step, if not null
};

// Gradient descent as most want it: no schedule, no penalty. momentum in [0, 1).
inline OptimizerSettings sgd(double learning_rate, double momentum, bool nesterov) {
    MethodSettings settings;
    settings.momentum = momentum;
    settings.nesterov = nesterov ? 1 : 0;
    return {Method::sgd, settings, Schedule(learning_rate)};
}

// The cost of one parameter of an update in multiply-adds; it is bound by memory.
inline constexpr double work_of_a_parameter = 4;

// The sum of a_i b_i over parameters, in float64: a sum for each unit in the order W_j0, W_j1, ..., b_j, g_j, then the
// sum of these over the units and layers in order. a, b have the layout of theta; `scratch` (widest layer,).
enum class Over : std::uint8_t { weights, parameters };
template <class T>
double dot(const Shape& shape, const T* a, const T* b, Over over, double* scratch, Team& team) noexcept;

// The Euclidean norm of numbers in the layout of theta.
template <class T>
double norm(const Shape& shape, const T* a, double* scratch, Team& team) noexcept;

// An optimiser at work on the parameters of one shape.
template <class T>
class Optimizer {
  public:
    Optimizer(const OptimizerSettings& settings, const Shape& shape);
    Optimizer(const Optimizer&) = delete;
    Optimizer& operator=(const Optimizer&) = delete;

    // Before every step: its learning rate and the numbers of its rule, for a batch of this weight. Throws what a
    // schedule's callable throws.
    void begin_step(double weight_of_batch) {
        if (is_steady_) ++number(Number::steps);
        else prepare_step(weight_of_batch);
    }

    // alpha / 2 sum w^2 of the weights as they are; 0 without alpha.
    double penalty(const Network<T>& network, Team& team) noexcept;

    // After every step, with the cost C before it: the limits and averages of weights. Not interruptible.
    void end_step(Network<T>& network, double C, Team& team) {
        if (!idle_after_step_) finish_step(network, C, team);
    }

    // After every epoch. A plateau schedule uses the validation loss if there is one.
    void end_epoch(double loss, std::optional<double> validation_loss) noexcept;

    // The rate of the last step; none if the optimiser does not use one.
    std::optional<double> learning_rate() const noexcept {
        if (method_ == Method::rprop) return {};
        return rate_;
    }

    // The state that future steps depend on, except the settings, to and from a checkpoint. Its vectors have the layout
    // of theta in `shape_of_user`: the states, then the average if there is one.
    void save_state(Checkpoint<T>& to, const Shape& shape_of_user) const;
    void load_state(const Checkpoint<T>& from, const Shape& shape_of_user) noexcept;
    // The numbers of its numbers and vectors.
    static std::size_t n_state_numbers() noexcept { return n_numbers; }
    static std::size_t n_state_vectors(const OptimizerSettings& settings) noexcept;
    // True if the numbers could come from a real run, of `epochs` epochs if given. Anything else must not be used as a
    // count.
    static bool is_valid_state(const std::vector<double>& numbers, std::optional<std::size_t> epochs = {}) noexcept;

    // The rule of the next step.
    const UpdateRule<T>& rule() const noexcept { return rule_; }

    // The state variables of the parameters from `first` on, of W, b and g of a layer.
    States<T> states(std::size_t first) noexcept;
    PanelStates<T> states_of_W(std::size_t layer) noexcept;
    States<T> states_of_b(std::size_t layer) noexcept;
    States<T> states_of_g(std::size_t layer) noexcept;

    // True if an update needs the norm of the whole gradient.
    bool needs_whole_gradient() const noexcept { return regularisation_.clip_norm > 0; }

    // Adds penalties to the gradient (n_params,), then clips it.
    void adjust(const Network<T>& network, Vector<T> grad, Team& team) noexcept;

    // The average of the weights (n_params,), or null.
    const T* average() const noexcept { return average_.data(); }

    // What the optimiser counts; begin_step and end_epoch change these numbers, and a step changes none of them.
    static constexpr std::size_t n_numbers = 10;
    using Numbers = std::array<double, n_numbers>;
    const Numbers& numbers() const noexcept { return numbers_; }
    void set_numbers(const Numbers& numbers) noexcept { numbers_ = numbers; }

  private:
    enum class Number : std::uint8_t {
        steps,
        epochs,
        beta1_power,
        beta2_power,
        momentum_product,
        plateau_rate,
        plateau_best,
        plateau_bad_epochs,
        plateau_cooling,
        plateau_begun
    };
    std::size_t n_vectors() const noexcept { return n_states(rule_.rule) + (average_.size() == 0 ? 0 : 1); }
    // The i-th vector that is kept.
    Buffer<T>& vector(std::size_t i) noexcept { return i < n_states(rule_.rule) ? states_[i] : average_; }
    const Buffer<T>& vector(std::size_t i) const noexcept { return i < n_states(rule_.rule) ? states_[i] : average_; }
    double& number(Number n) noexcept { return numbers_[static_cast<std::size_t>(n)]; }

    void prepare_step(double weight_of_batch);
    void set_rate(double rate) noexcept;
    void finish_step(Network<T>& network, double C, Team& team);
    Plateau plateau() noexcept;
    void keep(const Plateau& plateau) noexcept;

    Shape shape_;
    Method method_;
    MethodSettings of_method_;
    Schedule learning_rate_;
    Regularisation regularisation_;
    std::vector<double>* step_losses_;
    Numbers numbers_{};
    double rate_ = 0;  // of the last step
    std::array<Buffer<T>, max_states> states_;
    Buffer<T> average_;
    Buffer<double> scratch_;  // for the norm of a gradient or of weights
    UpdateRule<T> rule_;
    bool is_steady_;  // every step has the same rule
    bool idle_after_step_;
};

// Updates the parameters along grad (n_params,), which is adjusted in place. Not interruptible: an interrupt never
// leaves a step half done.
template <class T>
void update(Network<T>& network, Vector<T> grad, Optimizer<T>& optimizer, Team& team) noexcept;

// True if the update may be fused with the computation of the gradient, which saves three passes over memory as large
// as the weights. A fused update cannot be interrupted, so an update of more than about half a second is not fused.
template <class T>
bool can_fuse_update(const Optimizer<T>& optimizer, const Shape& shape, std::size_t batch_size,
                     bool is_sparse) noexcept {
    // Other rules also move the weights of inputs that are 0 in the whole batch.
    if (optimizer.needs_whole_gradient() || (is_sparse && !optimizer.rule().is_plain_descent())) return false;
    const double longest = kernels<T>().fma_in_hardware ? 3e10 : 1e9;  // multiply-adds of the update alone
    return static_cast<double>(shape.n_params()) * static_cast<double>(batch_size) <= longest;
}

// weight_gradients and update in one pass over each W: the gradient of a tile is applied while it is in L1, and is
// never stored. Same result, not interruptible. `prefetch` has the rows of the next batch. Requires can_fuse_update.
template <class T>
void update_fused(Network<T>& network, Scattered<const T> X, Workspace<T>& work, Optimizer<T>& optimizer,
                  Prefetch<T> prefetch, Team& team);

}  // namespace rosenblatt
