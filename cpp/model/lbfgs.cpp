// L-BFGS: the direction, the line search, and the loop over both.
#include "model/lbfgs.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>
#include <vector>

#include "kernels/table.hpp"
#include "model/backward.hpp"
#include "model/gradient_step.hpp"
#include "model/update.hpp"

namespace rosenblatt {

namespace {

// A point of the line w + a d: the cost there, and its derivative by a.
struct Point {
    double a;
    double cost;
    double slope;
};

// The minimum of a cubic through two points, between them, or the middle if that is no use.
double between(Point low, Point high) noexcept {
    const double width = high.a - low.a;
    const double d = low.slope + high.slope - 3 * (low.cost - high.cost) / (low.a - high.a);
    const double square = d * d - low.slope * high.slope;
    if (square >= 0) {
        const double root = width > 0 ? std::sqrt(square) : -std::sqrt(square);
        const double a = high.a - width * ((high.slope + root - d) / (high.slope - low.slope + 2 * root));
        const double part = (a - low.a) / width;
        if (part >= 0.1 && part <= 0.9) return a;
    }
    return low.a + 0.5 * width;
}

template <class T>
class Minimiser {
  public:
    Minimiser(const TrainingRequest<T>& request, Team& team)
        : network_(request.network.shape().template filled_up<T>(kernels<T>().width)),
          work_(network_.shape(), request.samples.size()),
          batch_{work_.as_batch(request.samples), request.samples.Y, request.samples.weights},
          training_(request.settings),
          objective_(training_.loss, request.cost, network_.shape(), request.samples.size()),
          settings_(training_.optimizer.of_method),
          l2_(training_.optimizer.regularisation.l2 + training_.optimizer.regularisation.alpha / batch_.weight()),
          team_(team),
          grad_(size()),
          direction_(size()),
          w_before_(size()),
          grad_before_(size()),
          scratch_(network_.shape().widest_output()) {
        const std::size_t places = history() + 1;  // one for a pair that may be refused
        for (std::size_t i = 0; i < places; ++i) {
            steps_.emplace_back(size());
            changes_.emplace_back(size());
        }
        curvatures_.resize(places);
        alphas_.resize(places);
    }

    Network<T>& network() noexcept { return network_; }

    // Starts again from the parameters of the network.
    void begin() {
        n_pairs_ = 0;
        evaluate();
    }

    double data_cost() const noexcept { return data_cost_; }
    double penalty() const noexcept { return cost_ - data_cost_; }
    std::optional<double> data_gradient_norm() const noexcept { return data_gradient_norm_; }

    // The stored pairs, to and from a checkpoint, in which they have the layout of theta in `shape_of_user`.
    void save_state(Checkpoint<T>& to, const Shape& shape_of_user) const {
        const auto push = [&](const Buffer<T>& from) {
            Buffer<T> copy(shape_of_user.n_params());
            copy_theta<T>(network_.shape(), from.data(), shape_of_user, copy.data());
            to.vectors.push_back(std::move(copy));
        };
        for (std::size_t back = std::min(n_pairs_, history()); back >= 1; --back) {
            push(steps_[(n_pairs_ - back) % steps_.size()]);
            push(changes_[(n_pairs_ - back) % steps_.size()]);
        }
    }
    void load_state(const Checkpoint<T>& from, const Shape& shape_of_user) noexcept {
        n_pairs_ = from.vectors.size() / 2;
        for (std::size_t i = 0; i < n_pairs_; ++i) {
            copy_theta<T>(shape_of_user, from.vectors[2 * i].data(), network_.shape(), steps_[i].data());
            copy_theta<T>(shape_of_user, from.vectors[2 * i + 1].data(), network_.shape(), changes_[i].data());
            curvatures_[i] = dot_of(steps_[i], changes_[i]);
        }
    }

    // Takes one step. False if none leads down.
    bool step() {
        compute_direction();
        double slope = dot_of(grad_, direction_);
        if (!(slope < 0)) {  // what was learnt is of no use here
            n_pairs_ = 0;
            compute_direction();
            slope = dot_of(grad_, direction_);
            if (!(slope < 0)) return false;
        }
        std::copy_n(theta(), size(), w_before_.data());
        std::copy_n(grad_.data(), size(), grad_before_.data());
        start_ = {0, cost_, slope};
        evaluations_ = 0;
        const double first = n_pairs_ == 0 ? std::min(1.0, 1 / std::sqrt(dot_of(grad_, grad_))) : 1.0;
        if (!search(first)) {
            at(0);
            return false;
        }
        learn();
        return true;
    }

    // Whether the cost is flat: its gradient small, or its fall in the last step.
    bool flat() const noexcept {
        double largest = 0;
        for (std::size_t i = 0; i < size(); ++i)
            largest = std::max(largest, std::abs(static_cast<double>(grad_.data()[i])));
        return largest <= settings_.tolerance ||
               start_.cost - cost_ <= settings_.tolerance_change * std::max(1.0, std::abs(cost_));
    }

  private:
    std::size_t size() const noexcept { return network_.shape().n_params(); }
    T* theta() noexcept { return network_.theta().data; }
    std::size_t history() const noexcept { return static_cast<std::size_t>(settings_.history); }
    double dot_of(const Buffer<T>& a, const Buffer<T>& b) noexcept {
        return dot<T>(network_.shape(), a.data(), b.data(), Over::parameters, scratch_.data(), team_);
    }

    // y := y + a x
    void add(double a, const T* x, T* y) noexcept {
        team_.slices_uninterrupted(size(), work_of_a_parameter, [&](std::size_t first, std::size_t count) noexcept {
            kernels<T>().axpy(static_cast<T>(a), x + first, count, y + first);
        });
    }

    // y := a y
    void scale(double a, T* y) noexcept {
        team_.slices_uninterrupted(size(), work_of_a_parameter, [&](std::size_t first, std::size_t count) noexcept {
            for (std::size_t i = first; i < first + count; ++i) y[i] = static_cast<T>(a) * y[i];
        });
    }

    // The cost of all samples, with the penalty, and its gradient. Throws Stopped.
    void evaluate() {
        const Shape& shape = network_.shape();
        cost_ = data_cost_ = objective_.cost_and_delta(network_, batch_, work_, team_);
        backpropagate(network_, batch_.size(), work_, team_);
        weight_gradients(network_, batch_.X, work_, grad_.view(), team_);
        if (training_.gradient_norm) data_gradient_norm_ = norm<T>(shape, grad_.data(), scratch_.data(), team_);
        if (l2_ == 0) return;
        for (std::size_t layer = 0; layer < shape.n_layers(); ++layer) {
            T* const dw = shape.W(grad_.data(), layer).data;
            const auto n = static_cast<std::size_t>(shape.b(grad_.data(), layer).data - dw);
            kernels<T>().penalise(T{0}, static_cast<T>(l2_), network_.W(layer).data, n, dw);
        }
        cost_ = cost_ + 0.5 * l2_ * dot<T>(shape, theta(), theta(), Over::weights, scratch_.data(), team_);
    }

    // Goes to w + a d.
    Point at(double a) {
        std::copy_n(w_before_.data(), size(), theta());
        add(a, direction_.data(), theta());
        evaluate();
        ++evaluations_;
        return {a, cost_, dot_of(grad_, direction_)};
    }

    // d = -H g with H from the stored pairs, or -g without any: the two-loop recursion, algorithm 7.4.
    void compute_direction() noexcept {
        T* const d = direction_.data();
        std::copy_n(grad_.data(), size(), d);
        scale(-1, d);
        if (n_pairs_ == 0) return;
        const std::size_t n = std::min(n_pairs_, history());
        for (std::size_t back = 1; back <= n; ++back) {
            const std::size_t i = (n_pairs_ - back) % steps_.size();
            alphas_[i] = dot_of(steps_[i], direction_) / curvatures_[i];
            add(-alphas_[i], changes_[i].data(), d);
        }
        const std::size_t last = (n_pairs_ - 1) % steps_.size();
        scale(curvatures_[last] / dot_of(changes_[last], changes_[last]), d);
        for (std::size_t back = n; back >= 1; --back) {
            const std::size_t i = (n_pairs_ - back) % steps_.size();
            add(alphas_[i] - dot_of(changes_[i], direction_) / curvatures_[i], steps_[i].data(), d);
        }
    }

    // Remembers the step and the change of the gradient, if they have curvature.
    void learn() noexcept {
        const std::size_t i = n_pairs_ % steps_.size();
        std::copy_n(theta(), size(), steps_[i].data());
        add(-1, w_before_.data(), steps_[i].data());
        std::copy_n(grad_.data(), size(), changes_[i].data());
        add(-1, grad_before_.data(), changes_[i].data());
        curvatures_[i] = dot_of(steps_[i], changes_[i]);
        if (curvatures_[i] > 1e-10 * dot_of(changes_[i], changes_[i])) ++n_pairs_;
    }

    static constexpr double little = 1e-4;  // c_1 and c_2 of the strong Wolfe conditions, Nocedal and Wright's numbers
    static constexpr double much = 0.9;
    bool too_high(Point p) const noexcept { return !(p.cost <= start_.cost + little * p.a * start_.slope); }
    bool level(Point p) const noexcept { return std::abs(p.slope) <= -much * start_.slope; }
    bool exhausted() const noexcept { return evaluations_ >= settings_.evaluations; }

    // Moves to a point that is lower and less steep; algorithm 3.5. False if none was found.
    bool search(double first) {
        Point before = start_;
        for (double a = first;; a = 2 * a) {
            const Point p = at(a);
            if (too_high(p) || (before.a > 0 && p.cost >= before.cost)) return zoom(before, p);
            if (level(p) || exhausted()) return true;
            if (p.slope >= 0) return zoom(p, before);
            before = p;
        }
    }

    // The same between two points, of which `low` is low enough; algorithm 3.6.
    bool zoom(Point low, Point high) {
        while (!exhausted()) {
            const Point p = at(between(low, high));
            if (too_high(p) || p.cost >= low.cost) {
                high = p;
                continue;
            }
            if (level(p)) return true;
            if (p.slope * (high.a - low.a) >= 0) high = low;
            low = p;
        }
        if (low.a == 0) return false;
        at(low.a);
        return true;
    }

    Network<T> network_;
    Workspace<T> work_;
    Batch<T> batch_;
    const Training& training_;
    Objective<T> objective_;
    MethodSettings settings_;
    double l2_;
    Team& team_;
    Buffer<T> grad_;
    Buffer<T> direction_;
    Buffer<T> w_before_;
    Buffer<T> grad_before_;
    Buffer<double> scratch_;
    std::vector<Buffer<T>> steps_;    // the last pairs, in a ring
    std::vector<Buffer<T>> changes_;  // of the gradient
    std::vector<double> curvatures_;  // step . change
    std::vector<double> alphas_;
    std::size_t n_pairs_ = 0;
    Point start_{};
    double cost_ = 0;
    double data_cost_ = 0;
    std::optional<double> data_gradient_norm_;  // if it is measured
    double evaluations_ = 0;
};

// A run: one step per epoch, and its observer.
template <class T>
class Descent {
  public:
    Descent(const TrainingRequest<T>& request, Team& team)
        : network_(request.network),
          validation_(request.settings.loss, request.cost, network_.shape(), request.validation),
          training_(request.settings),
          observer_(request.observer),
          checkpoint_writer_(request.checkpoint_writer),
          team_(team),
          minimiser_(request, team),
          seen_(network_) {
        read();
        if (request.resumed == nullptr) return;
        minimiser_.load_state(*request.resumed, network_.shape());
        history_ = request.resumed->history;
    }

    TrainingHistory epochs() {
        for (std::size_t epoch = history_.epochs(); epoch < training_.epochs; ++epoch) {
            EpochNumbers numbers{minimiser_.data_cost(), {}, {}, minimiser_.data_gradient_norm(), minimiser_.penalty()};
            if (!std::isfinite(numbers.loss)) throw Diverged{epoch, "loss"};
            const bool moved = minimiser_.step();
            copy_parameters(minimiser_.network(), network_);
            if (validation_) {
                numbers.validation_loss = validation_.cost(network_, team_);
                if (!std::isfinite(*numbers.validation_loss)) {
                    copy_parameters(seen_, network_);
                    throw Diverged{epoch, "validation loss"};
                }
            }
            history_.add(numbers);
            const bool begins_anew = show(epoch, numbers);
            if (!begins_anew && history_.stop_reason == StopReason::epochs && (!moved || minimiser_.flat()))
                history_.stop_reason = StopReason::converged;
            if (checkpoint_writer_ != nullptr)
                checkpoint_writer_->offer(history_, training_.epochs, [&](Checkpoint<T>& to) {
                    // The pairs of a network that was changed after the step are of no use.
                    if (!changed()) minimiser_.save_state(to, network_.shape());
                });
            if (history_.stop_reason != StopReason::epochs) break;
        }
        return std::move(history_);
    }

  private:
    void read() {
        copy_parameters(network_, minimiser_.network());
        copy_parameters(network_, seen_);
        minimiser_.begin();
    }

    // Lets the observer see the network. True if it was changed, so that everything starts again.
    bool show(std::size_t epoch, const EpochNumbers& numbers) {
        copy_parameters(network_, seen_);
        bool stop = observer_.watches_steps() && observer_.step_done(epoch, 0, numbers.loss);
        if (observer_.watches_epochs()) stop = observer_.epoch_done(epoch, numbers) || stop;
        if (stop) history_.stop_reason = StopReason::observer;
        else if (training_.deadline && std::chrono::steady_clock::now() >= *training_.deadline &&
                 epoch + 1 < training_.epochs)
            history_.stop_reason = StopReason::deadline;
        if (!changed()) return false;
        if (history_.stop_reason != StopReason::epochs) return false;
        read();
        return true;
    }

    bool changed() const noexcept {
        const std::size_t bytes = seen_.theta().size * sizeof(T);
        return std::memcmp(seen_.theta().data, network_.theta().data, bytes) != 0;
    }

    Network<T>& network_;
    Validation<T> validation_;
    const Training& training_;
    Observer& observer_;
    CheckpointWriter<T>* checkpoint_writer_;
    Team& team_;
    Minimiser<T> minimiser_;
    Network<T> seen_;  // the parameters that the minimiser has
    TrainingHistory history_;
};

}  // namespace

template <class T>
TrainingHistory minimise(const TrainingRequest<T>& request, Team& team) {
    return Descent<T>(request, team).epochs();
}

template TrainingHistory minimise(const TrainingRequest<float>&, Team&);
template TrainingHistory minimise(const TrainingRequest<double>&, Team&);

}  // namespace rosenblatt
