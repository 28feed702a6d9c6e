// Learner: the steps of an epoch, on the network itself.
#include "model/learner.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/table.hpp"

namespace rosenblatt {

namespace {

template <class T>
bool is_finite(Vector<T> numbers) noexcept {
    return kernels<T>().first_non_finite(numbers.data, numbers.size) == numbers.size;
}

}  // namespace

template <class T>
EpochMeans Learner<T>::learn(Network<T>& network, const Samples<T>& samples, std::size_t batch_size,
                             Vector<const std::size_t> order, Team& team) {
    reserve(network.shape(), samples.is_sparse());
    Batches<T> batches(samples, std::min(batch_size, step_.work().capacity()), order.size != 0, 0,
                       network.shape().n_out(0) == 1);
    std::copy_n(order.data, order.size, batches.order().data);
    const Before unchanged = before(network);
    try {
        const EpochMeans means = learn_batches(network, batches, batch_size, team);
        ++calls_;
        return means;
    } catch (...) {
        restore(unchanged, network);
        throw;
    }
}

template <class T>
EpochMeans Learner<T>::learn_batches(Network<T>& network, Batches<T>& batches, std::size_t batch_size, Team& team) {
    EpochMeans means;
    for (std::size_t i = 0; i < batches.count(); ++i) {
        const Batch<T> batch = batches.take(i, team);
        const double weight = batch.weight();
        if (weight == 0) continue;  // nothing to learn from
        step_.work().dropout().begin_step(calls_, i * batch_size);
        const double penalty = optimizer().penalty(network, team);
        const double C = step_.take(network, batch, {}, team);
        if (!std::isfinite(C)) throw Diverged{0, "loss"};
        optimizer().end_step(network, C, team);
        team.throw_if_stopped();
        means.add(weight, C, penalty, {});
    }
    if (!is_finite(network.theta())) throw Diverged{0, "weights"};
    optimizer().end_epoch(means.loss(), std::nullopt);
    return means;
}

template <class T>
double Learner<T>::learn_one(Network<T>& network, const Samples<T>& sample, double factor, Team& team) {
    reserve(network.shape(), false);
    const Batch<T> batch{step_.work().as_batch(sample.X), sample.Y, sample.weights};
    step_.work().dropout().begin_step(calls_, 0);
    const double C = step_.cost_and_gradient(network, batch, factor, team);
    if (!std::isfinite(C)) throw Diverged{0, "loss"};
    const typename Optimizer<T>::Numbers numbers = optimizer().numbers();
    try {
        optimizer().begin_step(batch.weight());
        if (cannot_overflow(network.shape(), batch)) end_step(network, batch, C, team);
        else guarded_step(network, batch, C, team);
    } catch (...) {
        optimizer().set_numbers(numbers);
        throw;
    }
    ++calls_;
    optimizer().end_epoch(C, std::nullopt);
    return C;
}

template <class T>
void Learner<T>::guarded_step(Network<T>& network, const Batch<T>& batch, double C, Team& team) {
    const Before unchanged = before(network);
    end_step(network, batch, C, team);
    if (is_finite(network.theta())) return;
    restore(unchanged, network);
    throw Diverged{0, "weights"};
}

template <class T>
auto Learner<T>::before(const Network<T>& network) const -> Before {
    Before before{Snapshot<T>(network), {}};
    step_.optimizer().save_state(before.optimizer, network.shape());
    return before;
}

template <class T>
void Learner<T>::restore(const Before& before, Network<T>& network) noexcept {
    before.network.restore(network);
    optimizer().load_state(before.optimizer, network.shape());
}

// Dropout keeps dense and sparse rows in different memory; the masks are the same.
template <class T>
void Learner<T>::reserve(const Shape& shape, bool is_sparse) {
    if (is_sparse == is_sparse_) return;
    step_.reserve(shape, dropout_, seed_, is_sparse);
    is_sparse_ = is_sparse;
}

// The second half of a step that the optimiser has begun.
template <class T>
void Learner<T>::end_step(Network<T>& network, const Batch<T>& batch, double C, Team& team) {
    step_.update(network, batch, {}, team);
    optimizer().end_step(network, C, team);
}

// Whether no weight and no state of the optimiser can overflow in the step of a batch of one: a gradient is a product
// of an activation and a delta, and its square and its product with the learning rate are the largest numbers of a
// step. So much is known without a look at the weights.
template <class T>
bool Learner<T>::cannot_overflow(const Shape& shape, const Batch<T>& batch) noexcept {
    constexpr T limit = std::numeric_limits<T>::max_exponent == 128 ? T{0x1p16} : static_cast<T>(0x1p128);
    if (!(optimizer().learning_rate().value_or(0) <= static_cast<double>(limit))) return false;
    const auto are_small = [&](const T* numbers, std::size_t n) noexcept {
        for (std::size_t i = 0; i < n; ++i)
            if (!(std::abs(numbers[i]) <= limit)) return false;
        return true;
    };
    if (!are_small(batch.X.row[0], shape.n_features())) return false;
    for (std::size_t layer = 0; layer < shape.n_layers(); ++layer)
        if (!are_small(step_.work().A(layer, 1).row(0), shape.n_out(layer)) ||
            !are_small(step_.work().dU(layer, 1).row(0), shape.n_out(layer)))
            return false;
    return true;
}

template class Learner<float>;
template class Learner<double>;

}  // namespace rosenblatt
