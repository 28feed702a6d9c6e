// Train: the loop that the other files of this folder are the parts of.
#include "model/train.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/table.hpp"
#include "model/backward.hpp"
#include "model/batches.hpp"
#include "model/forward.hpp"
#include "model/loss.hpp"

namespace rosenblatt {

namespace {

// The parameters as they were at the end of the last good epoch.
template <class T>
class Snapshot {
  public:
    explicit Snapshot(const Network<T>& network) : theta_(network.theta().size) { take(network); }

    void take(const Network<T>& network) noexcept { std::copy_n(network.theta().data, theta_.size(), theta_.data()); }
    void restore(Network<T>& network) const noexcept {
        std::copy_n(theta_.data(), theta_.size(), network.theta().data);
    }

  private:
    Buffer<T> theta_;
};

template <class T>
bool finite(Vector<T> theta) noexcept {
    return kernels<T>().first_non_finite(theta.data, theta.size) == theta.size;
}

// One epoch; returns its mean loss, or the first loss that is not finite.
template <class T>
double train_epoch(Network<T>& network, Batches<T>& batches, std::size_t epoch, const Training& training,
                   Optimizer<T>& optimizer, Workspace<T>& work, Team& team) {
    batches.begin_epoch(epoch);
    double total = 0;
    std::size_t n = 0;
    for (std::size_t i = 0; i < batches.count(); ++i) {
        const Batch<T> batch = batches.take(i, team);
        forward(network, batch.X, work, team);                             // z and a of every layer
        const double C = loss(training.loss, network, batch, work, team);  // C, and delta of the output
        if (!std::isfinite(C)) return C;
        backward(network, batch.X, work, Matrix<T>{}, team);  // delta, dW, db of every layer
        update(network, Vector<const T>{work.grad().data, work.grad().size}, optimizer,
               team);  // w := w - epsilon dC/dw
        total += static_cast<double>(batch.size()) * C;
        n += batch.size();
    }
    return total / static_cast<double>(n);
}

}  // namespace

template <class T>
TrainingHistory train(Network<T>& network, const Batch<T>& samples, const std::optional<Batch<T>>& validation,
                      const Training& training, Observer& observer, Team& team) {
    const std::size_t batch_size = std::min(training.batch_size, samples.size());
    Batches<T> batches(samples, batch_size, training.shuffle, training.seed);
    Workspace<T> work(network.shape(), batch_size);
    Optimizer<T> optimizer(training.optimizer, network.shape().n_params());
    Snapshot<T> good(network);
    constexpr std::size_t validation_rows_at_once = 256;
    ForwardWorkspace<T> validation_work(network.shape(),
                                        validation ? std::min(validation->size(), validation_rows_at_once) : 0);
    TrainingHistory history;
    const auto diverged = [&](std::size_t epoch, const char* what) {
        good.restore(network);
        throw Diverged{epoch, what};
    };
    for (std::size_t epoch = 0; epoch < training.epochs; ++epoch) {
        const double mean_loss = train_epoch(network, batches, epoch, training, optimizer, work, team);
        if (!std::isfinite(mean_loss)) diverged(epoch, "loss");
        if (!finite(network.theta())) diverged(epoch, "weights");
        std::optional<double> validation_loss;
        if (validation) {
            validation_loss = cost(training.loss, network, *validation, validation_work, team);
            if (!std::isfinite(*validation_loss)) diverged(epoch, "validation loss");
            history.validation_curve.push_back(*validation_loss);
        }
        history.loss_curve.push_back(mean_loss);
        if (observer.epoch_done(epoch, mean_loss, validation_loss)) {
            history.stopped_by_observer = true;
            break;
        }
        good.take(network);
    }
    return history;
}

template TrainingHistory train(Network<float>&, const Batch<float>&, const std::optional<Batch<float>>&,
                               const Training&, Observer&, Team&);
template TrainingHistory train(Network<double>&, const Batch<double>&, const std::optional<Batch<double>>&,
                               const Training&, Observer&, Team&);

}  // namespace rosenblatt
