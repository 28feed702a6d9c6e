// Gradient step: forward, loss, backward and update on one batch, the same steps for train and for Learner.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/buffer.hpp"
#include "model/forward.hpp"
#include "model/loss.hpp"
#include "model/network.hpp"
#include "model/rows.hpp"
#include "model/team.hpp"
#include "model/update.hpp"
#include "model/workspace.hpp"

namespace rosenblatt {

// A cost of the user's, in place of a LossRule. Both functions may throw.
template <class T>
class CustomCost {
  public:
    virtual ~CustomCost() = default;
    // C of the output activations A (n, n_outputs) of a batch, and its derivative dC_dA of the same shape. The batch is
    // made of the samples `indices` (n,), or of the n from sample `first` on if it is null.
    virtual double of_batch(Matrix<const T> A, const std::size_t* indices, std::size_t first, Matrix<T> dC_dA) = 0;
    // C of the output activations of the validation samples.
    virtual double of_validation(Matrix<const T> A) = 0;
};

// What a training minimises: a loss, or a cost of the user's.
template <class T>
class Objective {
  public:
    // For batches of at most `capacity` samples; `custom` may be null.
    Objective(LossRule rule, CustomCost<T>* custom, const Shape& shape, std::size_t capacity)
        : rule_(rule), custom_(custom), dC_dA_(custom == nullptr ? 0 : capacity, shape.n_outputs()) {}

    // Forward and loss: C of a batch; delta of the output goes to `work`. Throws Stopped, and what the cost throws.
    double cost_and_delta(const Network<T>& network, const Batch<T>& batch, Workspace<T>& work, Team& team) {
        forward(network, batch.X, work, team);
        if (custom_ == nullptr) return loss(rule_, network, batch, work, team);
        const Matrix<T> dC_dA = dC_dA_.first(batch.size());
        const Matrix<const T> A = output_activations(network, batch.size(), work, team);
        const double C = custom_->of_batch(A, batch.indices, batch.first, dC_dA);
        output_delta<T>(network, dC_dA, work, team);
        return C;
    }

  private:
    LossRule rule_;
    CustomCost<T>* custom_;
    Rows<T> dC_dA_;  // of a custom cost
};

// The validation samples of a training; it may have none.
template <class T>
class Validation {
  public:
    Validation(LossRule rule, CustomCost<T>* custom, const Shape& shape, const std::optional<Samples<T>>& samples)
        : rule_(rule),
          custom_(custom),
          samples_(samples),
          work_(shape, samples && custom == nullptr ? std::min(samples->size(), rows_at_once) : 0),
          A_(samples && custom != nullptr ? samples->size() : 0, shape.n_outputs()) {}

    explicit operator bool() const noexcept { return samples_.has_value(); }

    // C of the samples. Throws Stopped, and what the cost throws.
    double cost(const Network<T>& network, Team& team) {
        if (custom_ == nullptr) return rosenblatt::cost(rule_, network, *samples_, work_, team);
        const Matrix<T> A = A_.first(samples_->size());
        predict(network, *samples_, A, team);
        return custom_->of_validation(A);
    }

  private:
    LossRule rule_;
    CustomCost<T>* custom_;
    const std::optional<Samples<T>>& samples_;
    ForwardWorkspace<T> work_;
    Rows<T> A_;  // of a custom cost
};

template <class T>
class GradientStep {
  public:
    // For networks of this shape and batches of at most `capacity` samples. `custom` may be null. With `gradient_norm`
    // every gradient is stored and measured.
    GradientStep(const Shape& shape, LossRule rule, CustomCost<T>* custom, const OptimizerSettings& optimizer,
                 std::size_t capacity, bool gradient_norm);

    // Allocates for samples of one kind what the steps need. `dropout` as Training has it.
    void reserve(const Shape& shape, const std::vector<double>& dropout, std::uint64_t seed, bool is_sparse);

    // True if no gradient of a batch of n samples is stored.
    bool is_fused(const Shape& shape, std::size_t n, bool is_sparse) const noexcept {
        return norm_scratch_.size() == 0 && can_fuse_update(optimizer_, shape, n, is_sparse);
    }

    // One step on one batch. C is the cost before it; if C is not finite, nothing changes.
    double take(Network<T>& network, const Batch<T>& batch, Prefetch<T> next, Team& team) {
        const double C = cost_and_gradient(network, batch, 1, team);  // forward, loss, backward
        if (!std::isfinite(C)) return C;
        optimizer_.begin_step(batch.weight());  // epsilon, and what else the step depends on
        update(network, batch, next, team);     // w := w - epsilon dC/dw
        return C;
    }

    // The two halves of a step. The first computes C, and if C is finite the delta of every layer, multiplied by
    // `factor`, and the gradient unless the step is fused. It can be interrupted, the second cannot.
    double cost_and_gradient(const Network<T>& network, const Batch<T>& batch, double factor, Team& team);
    void update(Network<T>& network, const Batch<T>& batch, Prefetch<T> next, Team& team);

    Optimizer<T>& optimizer() noexcept { return optimizer_; }
    const Optimizer<T>& optimizer() const noexcept { return optimizer_; }
    Workspace<T>& work() noexcept { return work_; }

    // The norm of the last gradient, if it is measured.
    std::optional<double> gradient_norm() const noexcept { return gradient_norm_; }

  private:
    Objective<T> objective_;
    Workspace<T> work_;
    Optimizer<T> optimizer_;
    Buffer<T> grad_;  // (n_params,), or empty while every step is fused
    Buffer<double> norm_scratch_;
    std::optional<double> gradient_norm_;
};

// The parameters and running statistics of a network as they were.
template <class T>
class Snapshot {
  public:
    explicit Snapshot(const Network<T>& network) : theta_(network.theta().size), running_(network.running().size) {
        take(network);
    }

    void take(const Network<T>& network) noexcept {
        std::copy_n(network.theta().data, theta_.size(), theta_.data());
        std::copy_n(network.running().data, running_.size(), running_.data());
    }
    void restore(Network<T>& network) const noexcept {
        std::copy_n(theta_.data(), theta_.size(), network.theta().data);
        std::copy_n(running_.data(), running_.size(), network.running().data);
    }

  private:
    Buffer<T> theta_;
    Buffer<T> running_;
};

// What an epoch reports: the mean cost and the mean penalty of alpha, over the samples, each as its batch saw it; the
// mean gradient norm over the steps, if it is measured.
class EpochMeans {
  public:
    void add(double weight, double C, double penalty, std::optional<double> gradient_norm) noexcept {
        total_ += weight * C;
        weight_ += weight;
        penalty_ += penalty;
        if (gradient_norm) norms_ += *gradient_norm;
        steps_ += gradient_norm ? 1 : 0;
    }
    double loss() const noexcept { return total_ / weight_; }
    double penalty() const noexcept { return penalty_ / weight_; }
    std::optional<double> gradient_norm() const noexcept {
        if (steps_ == 0) return {};
        return norms_ / steps_;
    }

  private:
    double total_ = 0;
    double weight_ = 0;
    double penalty_ = 0;
    double norms_ = 0;
    double steps_ = 0;  // whose gradient is measured
};

}  // namespace rosenblatt
