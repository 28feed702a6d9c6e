// Learner: the steps of an epoch, on the network itself.
#include "model/learner.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/table.hpp"
#include "model/backward.hpp"
#include "model/forward.hpp"
#include "model/loss.hpp"

namespace rosenblatt {

namespace {

template <class T>
bool is_finite(Vector<T> numbers) noexcept {
    return kernels<T>().first_non_finite(numbers.data, numbers.size) == numbers.size;
}

template <class T>
Buffer<T> copy_of(Vector<const T> numbers) {
    Buffer<T> copy(numbers.size);
    std::copy_n(numbers.data, numbers.size, copy.data());
    return copy;
}

}  // namespace

template <class T>
auto Learner<T>::learn(Network<T>& network, const Samples<T>& samples, std::size_t batch_size,
                       Vector<const std::size_t> order, Team& team) -> Means {
    make_room(network.shape(), samples.is_sparse());
    Batches<T> batches(samples, std::min(batch_size, work_.capacity()), order.size != 0, 0,
                       network.shape().n_out(0) == 1);
    std::copy_n(order.data, order.size, batches.order().data);
    const Before unchanged = before(network);
    try {
        const Means means = learn_batches(network, batches, batch_size, team);
        ++calls_;
        return means;
    } catch (...) {
        restore(unchanged, network);
        throw;
    }
}

template <class T>
auto Learner<T>::learn_batches(Network<T>& network, Batches<T>& batches, std::size_t batch_size, Team& team) -> Means {
    double total = 0;
    double weight = 0;
    double penalty = 0;
    for (std::size_t i = 0; i < batches.count(); ++i) {
        const Batch<T> batch = batches.take(i, team);
        const double weight_of_batch = batch.weight();
        if (weight_of_batch == 0) continue;  // nothing to learn from
        penalty += optimizer_.penalty(network, team);
        const double C = cost_and_deltas(network, batch, i * batch_size, 1, team);
        optimizer_.begin_step(weight_of_batch);
        step(network, batch, C, team);
        team.throw_if_stopped();
        total += weight_of_batch * C;
        weight += weight_of_batch;
    }
    if (!is_finite(network.theta())) throw Diverged{0, "weights"};
    optimizer_.end_epoch(total / weight, std::nullopt);
    return {total / weight, penalty / weight};
}

template <class T>
double Learner<T>::learn_one(Network<T>& network, const Samples<T>& sample, double factor, Team& team) {
    make_room(network.shape(), false);
    const Batch<T> batch{work_.as_batch(sample.X), sample.Y, sample.weights};
    const double C = cost_and_deltas(network, batch, 0, factor, team);
    const typename Optimizer<T>::Numbers numbers = optimizer_.numbers();
    try {
        optimizer_.begin_step(batch.weight());
        if (cannot_overflow(network.shape(), batch)) step(network, batch, C, team);
        else guarded_step(network, batch, C, team);
    } catch (...) {
        optimizer_.set_numbers(numbers);
        throw;
    }
    ++calls_;
    optimizer_.end_epoch(C, std::nullopt);
    return C;
}

template <class T>
void Learner<T>::guarded_step(Network<T>& network, const Batch<T>& batch, double C, Team& team) {
    const Before unchanged = before(network);
    step(network, batch, C, team);
    if (is_finite(network.theta())) return;
    restore(unchanged, network);
    throw Diverged{0, "weights"};
}

template <class T>
auto Learner<T>::before(const Network<T>& network) const -> Before {
    Before before{copy_of<T>(network.theta()), copy_of<T>(network.running()), {}};
    optimizer_.save_state(before.optimizer, network.shape());
    return before;
}

template <class T>
void Learner<T>::restore(const Before& before, Network<T>& network) noexcept {
    std::copy_n(before.theta.data(), before.theta.size(), network.theta().data);
    std::copy_n(before.running.data(), before.running.size(), network.running().data);
    optimizer_.load_state(before.optimizer, network.shape());
}

// Dropout keeps what is left of full rows in other room than what is left of sparse ones; the masks are the same.
template <class T>
void Learner<T>::make_room(const Shape& shape, bool is_sparse) {
    if (is_sparse == is_sparse_) return;
    if (!dropout_.empty()) work_.dropout() = Dropout<T>(dropout_, shape, work_.capacity(), seed_, is_sparse);
    is_sparse_ = is_sparse;
}

// The cost C of the batch; delta of every layer, that of the output multiplied by `factor`.
template <class T>
double Learner<T>::cost_and_deltas(Network<T>& network, const Batch<T>& batch, std::size_t first_row, double factor,
                                   Team& team) {
    work_.dropout().begin_step(calls_, first_row);
    forward(network, batch.X, work_, team);
    const double C = loss(loss_, network, batch, work_, team);
    if (!std::isfinite(C)) throw Diverged{0, "loss"};
    if (factor != 1) {
        const std::size_t output = network.shape().n_layers() - 1;
        const Matrix<T> Delta = work_.Delta(output, batch.size());
        for (std::size_t i = 0; i < Delta.rows; ++i)
            for (std::size_t j = 0; j < Delta.cols; ++j) Delta.row(i)[j] *= static_cast<T>(factor);
    }
    backpropagate(network, batch.size(), work_, team);
    return C;
}

// A step that the optimiser has begun.
template <class T>
void Learner<T>::step(Network<T>& network, const Batch<T>& batch, double C, Team& team) {
    if (descends_in_one_pass(optimizer_, network.shape(), batch.size(), batch.X.sparse != nullptr)) {
        descend(network, batch.X, work_, optimizer_, Prefetch<T>{}, team);
    } else {
        if (grad_.size() == 0) grad_ = Buffer<T>(network.theta().size);
        weight_gradients(network, batch.X, work_, grad_.view(), team);
        update(network, grad_.view(), optimizer_, team);
    }
    if (network.shape().has_batch_norm()) follow_batch(network, work_.normalised(), batch.size());
    optimizer_.end_step(network, C, team);
}

// Whether no weight and no state of the optimiser can overflow in the step of a batch of one: a gradient is a product
// of an activation and a delta, and its square and its product with the learning rate are the largest numbers of a
// step. So much is known without a look at the weights.
template <class T>
bool Learner<T>::cannot_overflow(const Shape& shape, const Batch<T>& batch) noexcept {
    constexpr T limit = std::numeric_limits<T>::max_exponent == 128 ? T{0x1p16} : static_cast<T>(0x1p128);
    if (!(optimizer_.learning_rate().value_or(0) <= static_cast<double>(limit))) return false;
    const auto are_small = [&](const T* numbers, std::size_t n) noexcept {
        for (std::size_t i = 0; i < n; ++i)
            if (!(std::abs(numbers[i]) <= limit)) return false;
        return true;
    };
    if (!are_small(batch.X.row[0], shape.n_features())) return false;
    for (std::size_t layer = 0; layer < shape.n_layers(); ++layer)
        if (!are_small(work_.A(layer, 1).row(0), shape.n_out(layer)) ||
            !are_small(work_.dU(layer, 1).row(0), shape.n_out(layer)))
            return false;
    return true;
}

template class Learner<float>;
template class Learner<double>;

}  // namespace rosenblatt
