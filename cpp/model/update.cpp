// Update: the numbers of a step, and the step, spread over theta, after the gradient or together with it.
#include "model/update.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "base/assert.hpp"
#include "kernels/table.hpp"
#include "model/product.hpp"
#include "model/sparse_products.hpp"

namespace rosenblatt {

namespace {

// The rule of a method. A momentum that rounds to 0 in T is no momentum.
template <class T>
Rule rule_of(Method method, const MethodSettings& settings) noexcept {
    const bool moving = static_cast<T>(settings.momentum) > 0;
    switch (method) {
        case Method::sgd:
            if (!moving) return Rule::descent;
            return settings.nesterov != 0 ? Rule::nesterov : Rule::momentum;
        case Method::adagrad:
            return Rule::adagrad;
        case Method::rmsprop:
            if (settings.centered != 0) return moving ? Rule::rmsprop_centered_momentum : Rule::rmsprop_centered;
            return moving ? Rule::rmsprop_momentum : Rule::rmsprop;
        case Method::adadelta:
            return Rule::adadelta;
        case Method::adam:
            return settings.amsgrad != 0 ? Rule::amsgrad : Rule::adam;
        case Method::nadam:
            return Rule::nadam;
        case Method::lion:
            return Rule::lion;
        case Method::rprop:
            return Rule::rprop;
        case Method::lbfgs:
            break;  // has its own steps: model/lbfgs.hpp
    }
    return Rule::descent;
}

template <class T>
Adjustment<T> adjustment_of(const Regularisation& of) noexcept {
    const bool limits = of.clip_value > 0;
    const auto l1 = static_cast<T>(of.l1);
    const auto l2 = static_cast<T>(of.l2);
    return {l1, l2, limits ? static_cast<T>(of.clip_value) : std::numeric_limits<T>::infinity(),
            l1 > 0 || l2 > 0 || of.alpha > 0, limits};
}

// A rule with the numbers that are the same in every step.
template <class T>
UpdateRule<T> update_rule(Rule rule, const MethodSettings& settings, const Regularisation& regularisation) noexcept {
    const auto rounded = [](double x) { return static_cast<T>(x); };
    UpdateRule<T> update{};
    update.rule = rule;
    update.momentum = rounded(settings.momentum);
    update.beta1 = rounded(settings.beta1);
    update.rest1 = rounded(1 - settings.beta1);
    update.beta2 = rounded(settings.beta2);
    update.rest2 = rounded(1 - settings.beta2);
    update.correction = 1;
    update.eps = rounded(settings.eps);
    update.shrink = rounded(settings.shrink);
    update.grow = rounded(settings.grow);
    update.smallest = rounded(settings.smallest);
    update.largest = rounded(settings.largest);
    update.adjustment = adjustment_of<T>(regularisation);
    return update;
}

// f(first, count) over the weights of every layer, without its biases: count parameters from theta[first] on.
template <class T, class F>
void over_weights(const Network<T>& network, Team& team, F f) noexcept {
    const Shape& shape = network.shape();
    const T* const theta = network.theta().data;
    for (std::size_t layer = 0; layer < shape.n_layers(); ++layer) {
        const auto begin = static_cast<std::size_t>(network.W(layer).data - theta);
        const auto end = static_cast<std::size_t>(network.b(layer).data - theta);
        team.slices_uninterrupted(end - begin, work_of_a_parameter,
                                  [&](std::size_t first, std::size_t count) noexcept { f(begin + first, count); });
    }
}

// 0.96^x. Source of the number: Dozat 2016.
double fading_of_momentum(double x) noexcept {
    constexpr double ln_0_96 = -0.040821994520255166;
    double y = ln_0_96 * x;
    kernels<double>().exp(&y, 1, &y);
    return y;
}

}  // namespace

template <class T>
double dot(const Shape& shape, const T* a, const T* b, Over over, double* scratch, Team& team) noexcept {
    double total = 0;
    for (std::size_t layer = 0; layer < shape.n_layers(); ++layer) {
        const std::size_t n_in = shape.n_in(layer);
        const std::size_t n_out = shape.n_out(layer);
        const std::size_t panels = (n_out + panel_cols<T> - 1) / panel_cols<T>;
        const double work = work_of_a_parameter * static_cast<double>(n_in * panel_cols<T>);
        team.slices_uninterrupted(panels, work, [&](std::size_t first, std::size_t count) noexcept {
            const std::size_t j = first * panel_cols<T>;
            const std::size_t cols = std::min(count * panel_cols<T>, n_out - j);
            const auto of_units = [&](Vector<const T> of) noexcept {
                return Panels<const T>{of.data + j, 1, cols, cols, panel_cols<T>};
            };
            std::fill_n(scratch + j, cols, 0.0);
            kernels<T>().sum_products(shape.W(a, layer).part(0, j, n_in, cols),
                                      shape.W(b, layer).part(0, j, n_in, cols), scratch + j);
            if (over == Over::weights) return;
            kernels<T>().sum_products(of_units(shape.b(a, layer)), of_units(shape.b(b, layer)), scratch + j);
            if (shape.normalises(layer))
                kernels<T>().sum_products(of_units(shape.g(a, layer)), of_units(shape.g(b, layer)), scratch + j);
        });
        for (std::size_t j = 0; j < n_out; ++j) total = total + scratch[j];
    }
    return total;
}

template <class T>
double norm(const Shape& shape, const T* a, double* scratch, Team& team) noexcept {
    return std::sqrt(dot<T>(shape, a, a, Over::parameters, scratch, team));
}

template <class T>
Optimizer<T>::Optimizer(const OptimizerSettings& settings, const Shape& shape)
    : shape_(shape),
      method_(settings.method),
      of_method_(settings.of_method),
      learning_rate_(settings.learning_rate),
      regularisation_(settings.regularisation),
      step_losses_(settings.step_losses),
      average_(regularisation_.ema > 0 ? shape.n_params() : 0),
      scratch_(needs_whole_gradient() || regularisation_.alpha > 0 ? shape.widest_output() : 0),
      rule_(update_rule<T>(rule_of<T>(method_, of_method_), of_method_, regularisation_)),
      is_steady_(learning_rate_.constant() && regularisation_.alpha == 0 && method_ != Method::adam &&
                 method_ != Method::nadam),
      idle_after_step_(regularisation_.max_norm == 0 && regularisation_.max_weight == 0 && regularisation_.ema == 0 &&
                       step_losses_ == nullptr) {
    for (std::size_t i = 0; i < n_states(rule_.rule); ++i) states_[i] = Buffer<T>(shape.n_params());
    const auto fill = [&](std::size_t i, double x) {
        std::fill_n(states_[i].data(), states_[i].size(), static_cast<T>(x));
    };
    keep(learning_rate_.plateau());
    number(Number::beta1_power) = number(Number::beta2_power) = number(Number::momentum_product) = 1;
    if (learning_rate_.constant()) rate_ = learning_rate_.rate(0, 0, {});
    if (is_steady_) set_rate(rate_);
    if (rule_.rule == Rule::adagrad) fill(0, of_method_.initial_sum);
    if (rule_.rule == Rule::rprop) fill(1, learning_rate_.rate(0, 0, {}));
}

template <class T>
void Optimizer<T>::prepare_step(double weight_of_batch) {
    const double rate = learning_rate_.rate(static_cast<std::uint64_t>(number(Number::steps)),
                                            static_cast<std::uint64_t>(number(Number::epochs)), plateau());
    ++number(Number::steps);
    rate_ = rate;
    if (regularisation_.alpha > 0)
        rule_.adjustment.l2 = static_cast<T>(regularisation_.l2 + regularisation_.alpha / weight_of_batch);
    set_rate(rate);
}

// The numbers of the rule that depend on the learning rate. Adam and Nadam correct it, because their means begin at 0.
template <class T>
void Optimizer<T>::set_rate(double rate) noexcept {
    const double beta1 = of_method_.beta1;
    const auto mean_square = [&] {
        double& part = number(Number::beta2_power);
        part = part * of_method_.beta2;
        rule_.correction = static_cast<T>(1 / std::sqrt(1 - part));
    };
    rule_.decay = static_cast<T>(rate * of_method_.weight_decay);
    if (method_ == Method::adam) {
        double& part = number(Number::beta1_power);
        part = part * beta1;
        rate = rate / (1 - part);
        mean_square();
        if (of_method_.eps_hat != 0) {
            rate = rate * std::sqrt(1 - number(Number::beta2_power));
            rule_.correction = 1;
        }
    } else if (method_ == Method::nadam) {
        const double t = number(Number::steps);
        const auto momentum = [&](double at) {
            return beta1 * (1 - 0.5 * fading_of_momentum(at * of_method_.momentum_decay));
        };
        double& product = number(Number::momentum_product);
        const double now = momentum(t);
        const double next = momentum(t + 1);
        product = product * now;
        rule_.direct = static_cast<T>(rate * (1 - now) / (1 - product));
        rate = rate * next / (1 - product * next);
        mean_square();
    }
    rule_.rate = static_cast<T>(rate);
}

template <class T>
double Optimizer<T>::penalty(const Network<T>& network, Team& team) noexcept {
    if (regularisation_.alpha == 0) return 0;
    const T* const theta = network.theta().data;
    return 0.5 * regularisation_.alpha * dot<T>(shape_, theta, theta, Over::weights, scratch_.data(), team);
}

template <class T>
void Optimizer<T>::finish_step(Network<T>& network, double C, Team& team) {
    if (step_losses_ != nullptr) step_losses_->push_back(C);
    if (regularisation_.max_norm > 0)
        for (std::size_t layer = 0; layer < shape_.n_layers(); ++layer) {
            const Panels<T> W = network.W(layer).part(0, 0, shape_.n_in(layer), shape_.n_out(layer));
            const std::size_t panels = (W.cols + panel_cols<T> - 1) / panel_cols<T>;
            const double work = work_of_a_parameter * static_cast<double>(W.rows * panel_cols<T>);
            team.slices_uninterrupted(panels, work, [&](std::size_t first, std::size_t count) noexcept {
                const std::size_t begin = first * panel_cols<T>;
                const std::size_t cols = std::min(count * panel_cols<T>, W.cols - begin);
                kernels<T>().limit_norms(W.part(0, begin, W.rows, cols), regularisation_.max_norm);
            });
        }
    T* const theta = network.theta().data;
    if (regularisation_.max_weight > 0)
        over_weights(network, team, [&](std::size_t first, std::size_t count) noexcept {
            kernels<T>().clip(T{1}, static_cast<T>(regularisation_.max_weight), count, theta + first);
        });
    if (regularisation_.ema == 0) return;
    // The first step's weights begin the average.
    const T rest = number(Number::steps) == 1 ? T{1} : static_cast<T>(1 - regularisation_.ema);
    team.slices_uninterrupted(shape_.n_params(), work_of_a_parameter,
                              [&](std::size_t first, std::size_t count) noexcept {
                                  kernels<T>().average(rest, theta + first, count, average_.data() + first);
                              });
}

template <class T>
void Optimizer<T>::end_epoch(double loss, std::optional<double> validation_loss) noexcept {
    ++number(Number::epochs);
    Plateau now = plateau();
    learning_rate_.end_epoch(now, validation_loss.value_or(loss));
    keep(now);
}

template <class T>
Plateau Optimizer<T>::plateau() noexcept {
    return {number(Number::plateau_rate), number(Number::plateau_best), number(Number::plateau_bad_epochs),
            number(Number::plateau_cooling), number(Number::plateau_begun)};
}

template <class T>
void Optimizer<T>::keep(const Plateau& plateau) noexcept {
    number(Number::plateau_rate) = plateau.rate;
    number(Number::plateau_best) = plateau.best;
    number(Number::plateau_bad_epochs) = plateau.bad_epochs;
    number(Number::plateau_cooling) = plateau.cooling;
    number(Number::plateau_begun) = plateau.begun;
}

template <class T>
std::size_t Optimizer<T>::n_state_vectors(const OptimizerSettings& settings) noexcept {
    return n_states(rule_of<T>(settings.method, settings.of_method)) + (settings.regularisation.ema > 0 ? 1 : 0);
}

template <class T>
bool Optimizer<T>::is_valid_state(const std::vector<double>& numbers, std::optional<std::size_t> epochs) noexcept {
    const auto at = [&](Number n) { return numbers[static_cast<std::size_t>(n)]; };
    constexpr double most = 9007199254740992;  // 2^53: every whole number up to it is a double
    const auto is_count = [&](Number n) { return at(n) >= 0 && at(n) <= most && at(n) == std::floor(at(n)); };
    const auto is_part = [&](Number n) { return at(n) >= 0 && at(n) <= 1; };
    return std::ranges::all_of(numbers, [](double x) { return std::isfinite(x); }) && is_count(Number::steps) &&
           is_count(Number::epochs) && (!epochs || at(Number::epochs) == static_cast<double>(*epochs)) &&
           is_part(Number::beta1_power) && is_part(Number::beta2_power) && is_part(Number::momentum_product);
}

template <class T>
void Optimizer<T>::save_state(Checkpoint<T>& to, const Shape& shape_of_user) const {
    to.numbers.assign(numbers_.begin(), numbers_.end());
    for (std::size_t i = 0; i < n_vectors(); ++i) {
        Buffer<T> copy(shape_of_user.n_params());
        copy_theta<T>(shape_, vector(i).data(), shape_of_user, copy.data());
        to.vectors.push_back(std::move(copy));
    }
}

template <class T>
void Optimizer<T>::load_state(const Checkpoint<T>& from, const Shape& shape_of_user) noexcept {
    ROSENBLATT_ASSERT(from.numbers.size() == n_numbers && from.vectors.size() == n_vectors());
    std::copy_n(from.numbers.begin(), n_numbers, numbers_.begin());
    for (std::size_t i = 0; i < n_vectors(); ++i)
        copy_theta<T>(shape_of_user, from.vectors[i].data(), shape_, vector(i).data());
}

template <class T>
States<T> Optimizer<T>::states(std::size_t first) noexcept {
    States<T> states;
    for (std::size_t i = 0; i < n_states(rule_.rule); ++i) states.of[i] = states_[i].data() + first;
    return states;
}

template <class T>
PanelStates<T> Optimizer<T>::states_of_W(std::size_t layer) noexcept {
    PanelStates<T> states;
    for (std::size_t i = 0; i < n_states(rule_.rule); ++i) states.of[i] = shape_.W(states_[i].data(), layer);
    return states;
}

template <class T>
States<T> Optimizer<T>::states_of_b(std::size_t layer) noexcept {
    States<T> states;
    for (std::size_t i = 0; i < n_states(rule_.rule); ++i) states.of[i] = shape_.b(states_[i].data(), layer).data;
    return states;
}

template <class T>
States<T> Optimizer<T>::states_of_g(std::size_t layer) noexcept {
    States<T> states;
    for (std::size_t i = 0; i < n_states(rule_.rule); ++i) states.of[i] = shape_.g(states_[i].data(), layer).data;
    return states;
}

template <class T>
void Optimizer<T>::adjust(const Network<T>& network, Vector<T> grad, Team& team) noexcept {
    const Adjustment<T>& adjustment = rule_.adjustment;
    if (adjustment.penalises)
        over_weights(network, team, [&](std::size_t first, std::size_t count) noexcept {
            kernels<T>().penalise(adjustment.l1, adjustment.l2, network.theta().data + first, count, grad.data + first);
        });
    T scale = 1;
    if (needs_whole_gradient()) {
        const double length = norm<T>(shape_, grad.data, scratch_.data(), team);
        if (length > regularisation_.clip_norm) scale = static_cast<T>(regularisation_.clip_norm / length);
    }
    if (scale == 1 && !adjustment.limits) return;
    team.slices_uninterrupted(grad.size, work_of_a_parameter, [&](std::size_t first, std::size_t count) noexcept {
        kernels<T>().clip(scale, adjustment.limit, count, grad.data + first);
    });
}

template <class T>
void update(Network<T>& network, Vector<T> grad, Optimizer<T>& optimizer, Team& team) noexcept {
    optimizer.adjust(network, grad, team);
    T* const theta = network.theta().data;
    team.slices_uninterrupted(grad.size, work_of_a_parameter, [&](std::size_t first, std::size_t count) noexcept {
        kernels<T>().update(optimizer.rule(), grad.data + first, count, optimizer.states(first), theta + first);
    });
}

namespace {

// dW of a layer as the product that computes it.
template <class T>
Product<T> weight_gradient_of(const Shape& shape, std::size_t layer, Scattered<const T> X,
                              Workspace<T>& work) noexcept {
    return weight_gradient(work.A_in(layer, X), work.dU_rows(layer, X.rows, shape.columns(layer)));
}

// Updates W along its gradient dW, tile by tile.
template <class T>
void update_weights(const Product<T>& dW, const UpdateRule<T>& rule, const PanelStates<T>& states, Panels<T> W,
                    Prefetch<T> prefetch, Team& team) noexcept {
    const Tiling tiling(dW, team);
    const Blocks blocks(dW.part(tiling.tile(0)), true);
    const auto update_tile = [&](std::size_t i, T* scratch) noexcept {
        const Tile tile = tiling.tile(i);
        const auto update_block = [&](const Operands<T>& LR, Init<T>, Tile block) noexcept {
            const auto part = [&](Panels<T> M) noexcept { return block.of(tile.of(as_product_of(M))); };
            PanelStates<T> states_of_block;
            for (std::size_t k = 0; k < n_states(rule.rule); ++k) states_of_block.of[k] = part(states.of[k]);
            kernels<T>().multiply_update(LR, rule, states_of_block, part(W));
        };
        in_blocks<T>(dW.part(tile), blocks, nullptr, prefetch.part(i, tiling.count()), scratch, update_block,
                     update_block);
    };
    team.tiles_with_scratch_uninterrupted<T>(tiling.count(), blocks.scratch_size<T>(), update_tile);
}

// Updates b and g of a layer.
template <class T>
void update_vectors(Network<T>& network, std::size_t layer, std::size_t n, Workspace<T>& work,
                    Optimizer<T>& optimizer) noexcept {
    const UpdateRule<T>& rule = optimizer.rule();
    const Matrix<const T> Delta = work.Delta(layer, n);
    const auto update_vector = [&](const States<T>& states, T* x) noexcept {  // its gradient is in work.db()
        if (rule.adjustment.limits) kernels<T>().clip(T{1}, rule.adjustment.limit, Delta.cols, work.db());
        kernels<T>().update(rule, work.db(), Delta.cols, states, x);
    };
    kernels<T>().sum_rows(Delta, work.db());
    update_vector(optimizer.states_of_b(layer), network.b(layer).data);
    if (!network.shape().normalises(layer)) return;
    kernels<T>().sum_row_products(Delta, work.normalised().U(layer, n), work.db());
    update_vector(optimizer.states_of_g(layer), network.g(layer).data);
}

}  // namespace

template <class T>
void update_fused(Network<T>& network, Scattered<const T> X, Workspace<T>& work, Optimizer<T>& optimizer,
                  Prefetch<T> prefetch, Team& team) {
    const Shape& shape = network.shape();
    const UpdateRule<T>& rule = optimizer.rule();
    const bool is_sparse = X.sparse != nullptr;
    ROSENBLATT_ASSERT(!is_sparse || rule.is_plain_descent());
    // Everything that may fail comes before the first change.
    SparseColumns<T> columns{};
    if (is_sparse) columns = work.columns().of(work.A_in(0, X));
    for (std::size_t layer = is_sparse ? 1 : 0; layer < shape.n_layers(); ++layer) {
        const Product<T> dW = weight_gradient_of(shape, layer, X, work);
        const Tiling tiling(dW, team);
        team.reserve<T>(tiling.count(), Blocks(dW.part(tiling.tile(0)), true).template scratch_size<T>());
    }
    for (std::size_t layer = 0; layer < shape.n_layers(); ++layer) {
        if (layer == 0 && is_sparse) descend_sparse<T>(columns, work.dU(0, X.rows), rule.rate, network.W(0), team);
        else
            update_weights(weight_gradient_of(shape, layer, X, work), rule, optimizer.states_of_W(layer),
                           network.W(layer), layer == 0 ? prefetch : Prefetch<T>{}, team);
        update_vectors(network, layer, X.rows, work, optimizer);
    }
}

template double dot(const Shape&, const float*, const float*, Over, double*, Team&) noexcept;
template double dot(const Shape&, const double*, const double*, Over, double*, Team&) noexcept;
template double norm(const Shape&, const float*, double*, Team&) noexcept;
template double norm(const Shape&, const double*, double*, Team&) noexcept;
template class Optimizer<float>;
template class Optimizer<double>;
template void update(Network<float>&, Vector<float>, Optimizer<float>&, Team&) noexcept;
template void update(Network<double>&, Vector<double>, Optimizer<double>&, Team&) noexcept;
template void update_fused(Network<float>&, Scattered<const float>, Workspace<float>&, Optimizer<float>&,
                           Prefetch<float>, Team&);
template void update_fused(Network<double>&, Scattered<const double>, Workspace<double>&, Optimizer<double>&,
                           Prefetch<double>, Team&);

}  // namespace rosenblatt
