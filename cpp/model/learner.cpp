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
    const double C = step(network, {work_.as_batch(sample.X), sample.Y, sample.weights}, 0, team);
    ++calls_;
    optimizer_.end_epoch(C, std::nullopt);
    return C;
}

// The cost C of the batch, before the step.
template <class T>
double Learner<T>::step(Network<T>& network, const Batch<T>& batch, std::size_t first_row, Team& team) {
    work_.dropout().begin_step(calls_, first_row);
    forward(network, batch.X, work_, team);
    const double C = loss(loss_, network, batch, work_, team);
    if (!std::isfinite(C)) throw Diverged{0, "loss"};
    backpropagate(network, batch.size(), work_, team);
    optimizer_.begin_step(batch.weight());
    descend(network, batch.X, work_, optimizer_, Ahead<T>{}, team);
    if (network.shape().has_batch_norm()) follow_batch(network, work_.normalised(), batch.size());
    optimizer_.end_step(network, C, team);
    return C;
}

template class Learner<float>;
template class Learner<double>;

}  // namespace rosenblatt
