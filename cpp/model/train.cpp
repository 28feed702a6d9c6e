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

// Whether the gradient becomes a step without being stored, which spares three passes over memory as large as the
// weights. A descent that has begun must be finished, so this is for those that take less than a third of a second; a
// longer one computes its gradient first, and can be left until it is whole.
template <class T>
bool descends_in_one_pass(const Shape& shape, std::size_t batch_size) noexcept {
    const double longest = kernels<T>().fma_in_hardware ? 3e10 : 1e9;  // multiply-adds of the descent alone
    return static_cast<double>(shape.n_params()) * static_cast<double>(batch_size) <= longest;
}

// A network so small that a step of it is one call of a kernel, on one thread.
template <class T>
class SmallSteps {
  public:
    // Whether a step is worth no more than that: its multiply-adds, and no sum of the way back that is interleaved.
    static bool suit(const Shape& shape, std::size_t batch_size) noexcept {
        constexpr double most = 5e5;
        for (std::size_t layer = 1; layer < shape.n_layers(); ++layer)
            if (interleaved(shape.n_out(layer), shape.n_in(layer))) return false;
        return static_cast<double>(shape.n_params()) * static_cast<double>(batch_size) <= most;
    }

    SmallSteps(Network<T>& network, const Training& training, Optimizer<T>& optimizer, Workspace<T>& work)
        : work_(static_cast<double>(network.shape().n_params())) {
        const Shape& shape = network.shape();
        const std::size_t n = work.capacity();
        T* const velocity = optimizer.velocity();
        std::size_t widest = 0;
        for (std::size_t layer = 0; layer < shape.n_layers(); ++layer) {
            const bool moving = velocity != nullptr;
            const std::size_t columns = shape.columns(layer);
            layers_.push_back({network.W(layer), network.b(layer).data, moving ? shape.W(velocity, layer) : Panels<T>{},
                               moving ? shape.b(velocity, layer).data : nullptr, shape.activation(layer),
                               shape.n_out(layer), work.A(layer, n), work.A_rows(layer, n, columns).row,
                               work.Delta(layer, n), work.Delta_rows(layer, n, columns).row});
            widest = std::max(widest, shape.n_out(layer));
        }
        space_ = Buffer<T>(panels_at_once(1) * panel_cols<T> * widest);
        step_ = {layers_.data(),    layers_.size(),          training.loss, optimizer.step(), work.Z(n),
                 work.scale().data, work.sample_loss().data, work.db(),     space_.data()};
    }

    // The cost C of the batch, before the step. Throws Stopped.
    double take(const Batch<T>& batch, Ahead<T> ahead, Team& team) {
        double C = 0;
        team.tiles(1, work_ * static_cast<double>(batch.size()),
                   [&](std::size_t) noexcept { C = kernels<T>().small_step(step_, batch.X, batch.Y, ahead); });
        return C;
    }

  private:
    double work_;
    std::vector<StepLayer<T>> layers_;
    Buffer<T> space_;
    Step<T> step_;
};

// One epoch; grad (n_params,), or empty to descend in one pass. Returns its mean loss, or the first loss that is not finite.
template <class T>
double train_epoch(Network<T>& network, Batches<T>& batches, std::size_t epoch, const Training& training,
                   Optimizer<T>& optimizer, Workspace<T>& work, Vector<T> grad, std::optional<SmallSteps<T>>& small,
                   Team& team) {
    batches.begin_epoch(epoch);
    double total = 0;
    std::size_t n = 0;
    for (std::size_t i = 0; i < batches.count(); ++i) {
        const Batch<T> batch = batches.take(i, team);
        if (small) {
            const double C = small->take(batch, batches.after(i), team);
            if (!std::isfinite(C)) return C;
            total += static_cast<double>(batch.size()) * C;
            n += batch.size();
            continue;
        }
        forward(network, batch.X, work, team);                             // z and a of every layer
        const double C = loss(training.loss, network, batch, work, team);  // C, and delta of the output
        if (!std::isfinite(C)) return C;
        backpropagate(network, batch.size(), work, team);  // delta of every layer
        if (grad.size == 0) {
            descend(network, batch.X, work, optimizer, batches.after(i), team);  // w := w - epsilon dC/dw, in one pass
        } else {
            weight_gradients(network, batch.X, work, grad, team);                     // dW, db of every layer
            update(network, Vector<const T>{grad.data, grad.size}, optimizer, team);  // w := w - epsilon dC/dw
        }
        total += static_cast<double>(batch.size()) * C;
        n += batch.size();
    }
    return total / static_cast<double>(n);
}

// The network as the epochs work on it: filled up to whole registers. Its parameters go back to the user's network
// whenever somebody can look, at the latest when it goes out of scope.
template <class T>
class WorkingCopy {
  public:
    explicit WorkingCopy(Network<T>& original)
        : original_(original), copy_(original.shape().template filled_up<T>(kernels<T>().width)) {
        read();
    }
    ~WorkingCopy() {
        if (ahead_) write_back();
    }
    WorkingCopy(const WorkingCopy&) = delete;
    WorkingCopy& operator=(const WorkingCopy&) = delete;

    Network<T>& network() noexcept { return copy_; }
    void read() noexcept {
        copy_parameters(original_, copy_);
        ahead_ = true;
    }
    // Until the next read() the original counts: somebody may be changing it.
    void write_back() noexcept {
        copy_parameters(copy_, original_);
        ahead_ = false;
    }

  private:
    Network<T>& original_;
    Network<T> copy_;
    bool ahead_ = false;
};

}  // namespace

template <class T>
TrainingHistory train(Network<T>& original, const Samples<T>& samples, const std::optional<Samples<T>>& validation,
                      const Training& training, Observer& observer, Team& team) {
    WorkingCopy<T> copy(original);
    Network<T>& network = copy.network();
    const Shape& shape = network.shape();
    const std::size_t batch_size = std::min(training.batch_size, samples.size());
    Batches<T> batches(samples, batch_size, training.shuffle, training.seed, shape.n_out(0) == 1);
    Workspace<T> work(shape, batch_size);
    Buffer<T> grad(descends_in_one_pass<T>(shape, batch_size) ? 0 : shape.n_params());
    Optimizer<T> optimizer(training.optimizer, shape.n_params());
    std::optional<SmallSteps<T>> small;
    if (SmallSteps<T>::suit(shape, batch_size)) small.emplace(network, training, optimizer, work);
    Snapshot<T> good(network);
    constexpr std::size_t validation_rows_at_once = 256;
    ForwardWorkspace<T> validation_work(shape, validation ? std::min(validation->size(), validation_rows_at_once) : 0);
    TrainingHistory history;
    const auto diverged = [&](std::size_t epoch, const char* what) {
        good.restore(network);
        throw Diverged{epoch, what};
    };
    for (std::size_t epoch = 0; epoch < training.epochs; ++epoch) {
        const double mean_loss =
            train_epoch(network, batches, epoch, training, optimizer, work, grad.view(), small, team);
        if (!std::isfinite(mean_loss)) diverged(epoch, "loss");
        if (!finite(network.theta())) diverged(epoch, "weights");
        std::optional<double> validation_loss;
        if (validation) {
            validation_loss = cost(training.loss, network, *validation, validation_work, team);
            if (!std::isfinite(*validation_loss)) diverged(epoch, "validation loss");
            history.validation_curve.push_back(*validation_loss);
        }
        history.loss_curve.push_back(mean_loss);
        copy.write_back();
        history.stopped_by_observer = observer.epoch_done(epoch, mean_loss, validation_loss);
        copy.read();
        if (history.stopped_by_observer) break;
        good.take(network);
    }
    return history;
}

template TrainingHistory train(Network<float>&, const Samples<float>&, const std::optional<Samples<float>>&,
                               const Training&, Observer&, Team&);
template TrainingHistory train(Network<double>&, const Samples<double>&, const std::optional<Samples<double>>&,
                               const Training&, Observer&, Team&);

}  // namespace rosenblatt
