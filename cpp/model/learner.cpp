// Learner: the steps of an epoch, on the network itself.
#include "model/learner.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/table.hpp"
#include "model/backward.hpp"
#include "model/forward.hpp"
#include "model/loss.hpp"

namespace rosenblatt {

template <class T>
auto Learner<T>::learn(Network<T>& network, const Samples<T>& samples, std::size_t batch_size,
                       const std::int64_t* order, Team& team) -> Means {
    make_room(network.shape(), samples.is_sparse());
    Batches<T> batches(samples, std::min(batch_size, work_.capacity()), order != nullptr, 0,
                       network.shape().n_out(0) == 1);
    if (order != nullptr) std::copy_n(order, samples.size(), batches.order().data);
    double total = 0;
    double weight = 0;
    double penalty = 0;
    for (std::size_t i = 0; i < batches.count(); ++i) {
        const Batch<T> batch = batches.take(i, team);
        const double weight_of_batch = batch.weight();
        if (weight_of_batch == 0) continue;  // nothing to learn from
        penalty += optimizer_.penalty(network, team);
        const double C = step(network, batch, i * batch_size, team);
        team.throw_if_stopped();
        total += weight_of_batch * C;
        weight += weight_of_batch;
    }
    const Vector<T> theta = network.theta();
    if (kernels<T>().first_non_finite(theta.data, theta.size) != theta.size) throw Diverged{0, "weights"};
    ++calls_;
    optimizer_.end_epoch(total / weight, std::nullopt);
    return {total / weight, penalty / weight};
}

template <class T>
double Learner<T>::learn_one(Network<T>& network, const Samples<T>& sample, Team& team) {
    make_room(network.shape(), false);
    const double C = step(network, {work_.as_batch(sample.X), sample.Y, sample.weights}, 0, team);
    ++calls_;
    optimizer_.end_epoch(C, std::nullopt);
    return C;
}

// Dropout keeps what is left of full rows in other room than what is left of sparse ones; the masks are the same.
template <class T>
void Learner<T>::make_room(const Shape& shape, bool is_sparse) {
    if (is_sparse == is_sparse_) return;
    if (!dropout_.empty()) work_.dropout() = Dropout<T>(dropout_, shape, work_.capacity(), seed_, is_sparse);
    is_sparse_ = is_sparse;
}

// The cost C of the batch, before the step.
template <class T>
double Learner<T>::step(Network<T>& network, const Batch<T>& batch, std::size_t first_row, Team& team) {
    work_.dropout().begin_step(calls_, first_row);
    forward(network, batch.X, work_, team);
    const double C = loss(loss_, network, batch, work_, team);
    if (!std::isfinite(C)) throw Diverged{0, "loss"};
    backpropagate(network, batch.size(), work_, team);
    if (descends_in_one_pass(optimizer_, network.shape(), batch.size(), batch.X.stored != nullptr)) {
        optimizer_.begin_step(batch.weight());
        descend(network, batch.X, work_, optimizer_, Ahead<T>{}, team);
    } else {
        if (grad_.size() == 0) grad_ = Buffer<T>(network.theta().size);
        weight_gradients(network, batch.X, work_, grad_.view(), team);
        optimizer_.begin_step(batch.weight());
        update(network, grad_.view(), optimizer_, team);
    }
    if (network.shape().has_batch_norm()) follow_batch(network, work_.normalised(), batch.size());
    optimizer_.end_step(network, C, team);
    return C;
}

template class Learner<float>;
template class Learner<double>;

}  // namespace rosenblatt
