// Train: the loop that the other files of this folder are the parts of.
#include "model/train.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/table.hpp"
#include "model/batches.hpp"
#include "model/lbfgs.hpp"
#include "model/loss.hpp"
#include "model/noise.hpp"

namespace rosenblatt {

namespace {

// Throws Stopped.
template <class T>
bool finite(Vector<T> theta, Team& team) {
    bool all = true;
    team.in_order(theta.size, 1, [&](std::size_t first, std::size_t count) noexcept {
        all = all && kernels<T>().first_non_finite(theta.data + first, count) == count;
    });
    return all;
}

// The step of a network so small that it is one call of a kernel, on one thread.
template <class T>
class SmallNetworkStep {
  public:
    // True if a step is so short: few multiply-adds, no interleaved sum in the backward pass, none in the forward pass
    // that needs a transpose, and no custom activation.
    static bool suits(const Shape& shape, std::size_t batch_size) noexcept {
        constexpr double most = 5e5;
        constexpr std::size_t few = 4;
        if (shape.has_custom_activations() || !shape.plain()) return false;
        for (std::size_t layer = 0; layer < shape.n_layers(); ++layer) {
            if (layer > 0 && interleaved(shape.n_out(layer), shape.n_in(layer))) return false;
            const std::size_t n_out = shape.n_out(layer);
            if (interleaved(shape.n_in(layer), n_out) && n_out > 1 && batch_size > few) return false;
        }
        return static_cast<double>(shape.n_params()) * static_cast<double>(batch_size) <= most;
    }

    SmallNetworkStep(Network<T>& network, const Training& training, Optimizer<T>& optimizer, Workspace<T>& work)
        : multiply_adds_(static_cast<double>(network.shape().n_params())),
          optimizer_(optimizer),
          dropout_(work.dropout()) {
        const Shape& shape = network.shape();
        const std::size_t n = work.capacity();
        for (std::size_t layer = 0; layer < shape.n_layers(); ++layer) {
            const std::size_t columns = shape.columns(layer);
            layers_.push_back({network.W(layer),
                               network.b(layer).data,
                               optimizer.states_of_W(layer),
                               optimizer.states_of_b(layer),
                               shape.activation(layer),
                               shape.n_out(layer),
                               work.A(layer, n),
                               work.A_rows(layer, n, columns).row,
                               work.Delta(layer, n),
                               work.dU_rows(layer, n, columns).row,
                               work.Z(layer, n),
                               {},
                               nullptr});
            if (!dropout_.applies_to(layer)) continue;
            layers_.back().drop = dropout_.rule(layer, n);
            layers_.back().dropped_rows = dropout_.dropped(layer, n).row;
        }
        const std::size_t widest = shape.widest_output();
        scratch_ = Buffer<T>(panels_at_once(1) * panel_cols<T> * widest);
        small_ = {
            layers_.data(),    layers_.size(),          training.loss, &optimizer.rule(), work.Z(layers_.size() - 1, n),
            work.scale().data, work.sample_loss().data, work.db(),     scratch_.data(),   dropout_.stream()};
    }

    // As GradientStep::take, but the step is taken even if C is not finite, and cannot be interrupted.
    double take(const Batch<T>& batch, Prefetch<T> prefetch, Team& team) {
        double C = 0;
        optimizer_.begin_step(batch.weight());
        small_.dropout = dropout_.stream();
        share_of_samples(batch, {small_.scale, batch.size()});
        team.alone(multiply_adds_ * static_cast<double>(batch.size()), [&]() noexcept {
            C = kernels<T>().small_step(small_, batch.X, batch.Y, batch.weights, batch.weight(), prefetch);
        });
        return C;
    }

  private:
    double multiply_adds_;
    Optimizer<T>& optimizer_;
    Dropout<T>& dropout_;
    std::vector<SmallLayer<T>> layers_;
    Buffer<T> scratch_;
    SmallNetwork<T> small_;
};

// The network that the epochs work on: filled up to whole registers. Its parameters go back to the user's network
// after every epoch, before each callback, and at the latest when it goes out of scope.
template <class T>
class WorkingCopy {
  public:
    WorkingCopy(Network<T>& original, Team& team)
        : original_(original), copy_(original.shape().template filled_up<T>(kernels<T>().width)) {
        copy_parameters(original_, copy_, team);
    }
    ~WorkingCopy() {
        if (ahead_) write_back();
    }
    WorkingCopy(const WorkingCopy&) = delete;
    WorkingCopy& operator=(const WorkingCopy&) = delete;

    Network<T>& network() noexcept { return copy_; }
    // Both leave the two equal. A callback may change the original between write_back() and read().
    void read() noexcept {
        copy_parameters(original_, copy_);
        ahead_ = false;
    }
    void write_back() noexcept {
        copy_parameters(copy_, original_);
        ahead_ = false;
    }
    // The copy is about to be changed.
    void go_ahead() noexcept { ahead_ = true; }

  private:
    Network<T>& original_;
    Network<T> copy_;
    bool ahead_ = false;
};

// A training run.
template <class T>
class Run {
  public:
    Run(const TrainingRequest<T>& request, Team& team)
        : training_(request.settings),
          observer_(request.observer),
          checkpoint_writer_(request.checkpoint_writer),
          team_(team),
          original_(request.network),
          copy_(request.network, team),
          batch_size_(std::min(training_.batch_size, request.samples.size())),
          batches_(request.samples, batch_size_, training_.shuffle, training_.seed, shape().n_out(0) == 1),
          noise_(training_.input_noise, shape().n_features(), batch_size_, training_.seed),
          step_(shape(), training_.loss, request.cost, training_.optimizer, batch_size_, training_.gradient_norm),
          validation_(training_.loss, request.cost, shape(), request.validation) {
        const bool is_sparse = request.samples.is_sparse();
        step_.reserve(shape(), training_.dropout, training_.seed, is_sparse);
        if (observer_.watches_steps()) good_.emplace(network());
        if (request.resumed != nullptr) {
            optimizer().load_state(*request.resumed, original_.shape());
            history_ = request.resumed->history;
        }
        if (request.cost == nullptr && !is_sparse && step_.is_fused(shape(), batch_size_, false) &&
            SmallNetworkStep<T>::suits(shape(), batch_size_))
            small_.emplace(network(), training_, optimizer(), step_.work());
    }

    TrainingHistory epochs() {
        for (std::size_t epoch = history_.epochs(); epoch < training_.epochs; ++epoch) {
            const std::optional<double> mean_loss = one_epoch(epoch);
            if (!finite(network().theta(), team_)) diverged(epoch, "weights");
            if (!finite(network().running(), team_)) diverged(epoch, "running statistics");
            if (mean_loss) finish_epoch(epoch, *mean_loss);
            if (mean_loss && checkpoint_writer_ != nullptr)
                checkpoint_writer_->offer(history_, training_.epochs,
                                          [&](Checkpoint<T>& to) { optimizer().save_state(to, original_.shape()); });
            if (history_.stop_reason != StopReason::epochs) break;
            if (good_) good_->take(network());
        }
        return std::move(history_);
    }

    void remember(Checkpoint<T>* memory) const {
        if (memory != nullptr) step_.optimizer().save_state(*memory, original_.shape());
    }

    // The average of the weights, if the optimiser keeps one.
    void write_average(const Shape& shape_of_original, Vector<T> average) {
        if (optimizer().average() != nullptr)
            copy_theta<T>(shape(), optimizer().average(), shape_of_original, average.data);
    }

  private:
    Network<T>& network() noexcept { return copy_.network(); }
    const Shape& shape() noexcept { return network().shape(); }
    Optimizer<T>& optimizer() noexcept { return step_.optimizer(); }

    // Returns its mean loss, or none if it was left before its last step.
    std::optional<double> one_epoch(std::size_t epoch) {
        if (!training_.shuffle || !observer_.gives_order(epoch, batches_.order())) batches_.begin_epoch(epoch, team_);
        const bool watched = observer_.watches_steps();
        means_ = {};
        for (std::size_t i = 0; i < batches_.count(); ++i) {
            Batch<T> batch = batches_.take(i, team_);
            const double weight_of_batch = batch.weight();
            if (weight_of_batch == 0) continue;  // nothing to learn from
            if (noise_.active()) batch.X = noise_.on(batch.X, epoch, i * batch_size_, team_);
            step_.work().dropout().begin_step(epoch, i * batch_size_);
            const double penalty = optimizer().penalty(network(), team_);
            copy_.go_ahead();
            const Prefetch<T> next = batches_.prefetch_after(i);
            const double C = small_ ? small_->take(batch, next, team_) : step_.take(network(), batch, next, team_);
            if (!std::isfinite(C)) diverged(epoch, "loss");
            optimizer().end_step(network(), C, team_);
            team_.throw_if_stopped();
            means_.add(weight_of_batch, C, penalty, step_.gradient_norm());
            if (watched) show([&] { return observer_.step_done(epoch, i, C); });
            look_at_the_clock();
            if (history_.stop_reason != StopReason::epochs && i + 1 < batches_.count()) return {};
        }
        return means_.loss();
    }

    void look_at_the_clock() {
        if (training_.deadline && std::chrono::steady_clock::now() >= *training_.deadline)
            history_.stop_reason = StopReason::deadline;
    }

    void finish_epoch(std::size_t epoch, double mean_loss) {
        EpochNumbers numbers{mean_loss, {}, optimizer().learning_rate(), means_.gradient_norm(), means_.penalty()};
        if (validation_) {
            numbers.validation_loss = validation_.cost(network(), team_);
            if (!std::isfinite(*numbers.validation_loss)) diverged(epoch, "validation loss");
        }
        history_.add(numbers);
        optimizer().end_epoch(mean_loss, numbers.validation_loss);
        if (observer_.watches_epochs()) show([&] { return observer_.epoch_done(epoch, numbers); });
        else copy_.write_back();
        // Running out of epochs wins over the deadline as stop reason.
        if (history_.stop_reason == StopReason::deadline && epoch + 1 == training_.epochs)
            history_.stop_reason = StopReason::epochs;
    }

    // Lets the observer see and change the network, and stop the run.
    template <class F>
    void show(F ask) {
        copy_.write_back();
        if (ask()) history_.stop_reason = StopReason::observer;
        copy_.read();
    }

    [[noreturn]] void diverged(std::size_t epoch, const char* what) {
        copy_.go_ahead();
        if (good_) good_->restore(network());
        else copy_.read();
        throw Diverged{epoch, what};
    }

    const Training& training_;
    Observer& observer_;
    CheckpointWriter<T>* checkpoint_writer_;
    Team& team_;
    const Network<T>& original_;
    WorkingCopy<T> copy_;
    std::size_t batch_size_;
    Batches<T> batches_;
    InputNoise<T> noise_;
    GradientStep<T> step_;
    EpochMeans means_;
    std::optional<SmallNetworkStep<T>> small_;
    std::optional<Snapshot<T>> good_;  // only if step events show the network within epochs
    Validation<T> validation_;
    TrainingHistory history_;
};

}  // namespace

template <class T>
TrainingHistory train(const TrainingRequest<T>& request, Team& team) {
    if (request.settings.optimizer.method == Method::lbfgs) return minimise(request, team);
    Run<T> run(request, team);
    TrainingHistory history;
    try {
        history = run.epochs();
    } catch (...) {
        run.remember(request.memory);
        throw;
    }
    run.remember(request.memory);
    run.write_average(request.network.shape(), request.average);
    return history;
}

template TrainingHistory train(const TrainingRequest<float>&, Team&);
template TrainingHistory train(const TrainingRequest<double>&, Team&);

}  // namespace rosenblatt
