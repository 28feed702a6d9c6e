// Train: the loop that the other files of this folder are the parts of.
#include "model/train.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/table.hpp"
#include "model/backward.hpp"
#include "model/batches.hpp"
#include "model/forward.hpp"
#include "model/lbfgs.hpp"
#include "model/loss.hpp"
#include "model/noise.hpp"

namespace rosenblatt {

namespace {

// The network's numbers as they were at the end of the last good epoch.
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

// The mean of numbers in their order, none where there are none.
class Mean {
  public:
    void add(double x) noexcept {
        total_ = total_ + x;
        ++n_;
    }
    std::optional<double> mean() const noexcept {
        if (n_ == 0) return {};
        return total_ / static_cast<double>(n_);
    }

  private:
    double total_ = 0;
    std::size_t n_ = 0;
};

// Throws Stopped.
template <class T>
bool finite(Vector<T> theta, Team& team) {
    bool all = true;
    team.in_order(theta.size, 1, [&](std::size_t first, std::size_t count) noexcept {
        all = all && kernels<T>().first_non_finite(theta.data + first, count) == count;
    });
    return all;
}

// A network so small that a step of it is one call of a kernel, on one thread.
template <class T>
class SmallSteps {
  public:
    // Whether a step is worth no more than that: its multiply-adds, no sum of the way back that is interleaved, none of
    // the way forward that wants a transpose, and no activation of somebody's own.
    static bool suit(const Shape& shape, std::size_t batch_size) noexcept {
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

    SmallSteps(Network<T>& network, const Training& training, Optimizer<T>& optimizer, Workspace<T>& work)
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
        space_ = Buffer<T>(panels_at_once(1) * panel_cols<T> * widest);
        step_ = {layers_.data(),
                 layers_.size(),
                 training.loss,
                 optimizer.descent(),
                 optimizer.descends() ? nullptr : &optimizer.step(),
                 work.Z(layers_.size() - 1, n),
                 work.scale().data,
                 work.sample_loss().data,
                 work.db(),
                 space_.data(),
                 dropout_.stream()};
    }

    // The cost C of the batch, before the step. Throws nothing, for the step is taken.
    double take(const Batch<T>& batch, Prefetch<T> prefetch, Team& team) {
        double C = 0;
        step_.rule = optimizer_.descent();
        step_.dropout = dropout_.stream();
        share_of_samples(batch, {step_.scale, batch.size()});
        team.alone(multiply_adds_ * static_cast<double>(batch.size()), [&]() noexcept {
            C = kernels<T>().small_step(step_, batch.X, batch.Y, batch.weights, batch.weight(), prefetch);
        });
        return C;
    }

  private:
    double multiply_adds_;
    const Optimizer<T>& optimizer_;
    Dropout<T>& dropout_;
    std::vector<StepLayer<T>> layers_;
    Buffer<T> space_;
    Step<T> step_;
};

// The network as the epochs work on it: filled up to whole registers. Its parameters go back to the user's network
// after every epoch, whenever somebody can look, and at the latest when it goes out of scope.
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
    // Both leave the two alike. Somebody may change the original between write_back() and read().
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

// A training at work.
template <class T>
class Run {
  public:
    Run(Network<T>& original, const Samples<T>& samples, const std::optional<Samples<T>>& validation,
        const Training& training, CustomCost<T>* custom, Observer& observer, Team& team, const Checkpoint<T>* from,
        CheckpointWriter<T>* checkpoint_writer)
        : training_(training),
          validation_(validation),
          custom_(custom),
          observer_(observer),
          checkpoint_writer_(checkpoint_writer),
          team_(team),
          original_(original),
          copy_(original, team),
          is_sparse_(samples.is_sparse()),
          batch_size_(std::min(training.batch_size, samples.size())),
          batches_(samples, batch_size_, training.shuffle, training.seed, shape().n_out(0) == 1),
          noise_(training.input_noise, shape().n_features(), batch_size_, training.seed),
          work_(shape(), batch_size_),
          optimizer_(training.optimizer, shape()),
          grad_(in_one_pass() ? 0 : shape().n_params()),
          norm_room_(training.gradient_norm ? shape().widest_output() : 0),
          validation_work_(shape(), validation ? rows_at_once(validation->size()) : 0) {
        work_.dropout() = Dropout<T>(training.dropout, shape(), batch_size_, training.seed, is_sparse_);
        work_.normalised().use_batch_statistics();
        if (observer.watches_steps()) good_.emplace(network());
        if (from != nullptr) {
            optimizer_.load_state(*from, original.shape());
            history_ = from->history;
        }
        if (custom != nullptr) {
            dC_dA_ = Rows<T>(batch_size_, shape().n_outputs());
            if (validation) validation_A_ = Rows<T>(validation->size(), shape().n_outputs());
        } else if (in_one_pass() && !is_sparse_ && SmallSteps<T>::suit(shape(), batch_size_)) {
            small_.emplace(network(), training, optimizer_, work_);
        }
    }

    TrainingHistory epochs() {
        for (std::size_t epoch = history_.epochs(); epoch < training_.epochs; ++epoch) {
            const std::optional<double> mean_loss = one_epoch(epoch);
            if (!finite(network().theta(), team_)) diverged(epoch, "weights");
            if (!finite(network().running(), team_)) diverged(epoch, "running statistics");
            if (mean_loss) finish_epoch(epoch, *mean_loss);
            if (mean_loss && checkpoint_writer_ != nullptr) offer_checkpoint(epoch);
            if (history_.stop_reason != StopReason::epochs) break;
            if (good_) good_->take(network());
        }
        return std::move(history_);
    }

    void remember(Checkpoint<T>* memory) const {
        if (memory != nullptr) optimizer_.save_state(*memory, original_.shape());
    }

    // The average of the weights, if the optimiser keeps one.
    void write_average(const Shape& shape_of_original, Vector<T> average) {
        if (optimizer_.average() != nullptr)
            copy_theta<T>(shape(), optimizer_.average(), shape_of_original, average.data);
    }

  private:
    Network<T>& network() noexcept { return copy_.network(); }
    const Shape& shape() noexcept { return network().shape(); }
    bool in_one_pass() noexcept {
        return !training_.gradient_norm && descends_in_one_pass(optimizer_, shape(), batch_size_, is_sparse_);
    }

    // Returns its mean loss, none where it was left before its last step.
    std::optional<double> one_epoch(std::size_t epoch) {
        if (!training_.shuffle || !observer_.gives_order(epoch, batches_.order())) batches_.begin_epoch(epoch, team_);
        const bool watched = observer_.watches_steps();
        double total = 0;
        double weight = 0;
        double penalty = 0;
        norms_ = {};
        for (std::size_t i = 0; i < batches_.count(); ++i) {
            Batch<T> batch = batches_.take(i, team_);
            const double weight_of_batch = batch.weight();
            if (weight_of_batch == 0) continue;  // nothing to learn from
            if (noise_.active()) batch.X = noise_.on(batch.X, epoch, i * batch_size_, team_);
            work_.dropout().begin_step(epoch, i * batch_size_);
            penalty += optimizer_.penalty(network(), team_);
            const double C = one_step(batch, i);
            if (!std::isfinite(C)) diverged(epoch, "loss");
            optimizer_.end_step(network(), C, team_);
            team_.throw_if_stopped();
            total += weight_of_batch * C;
            weight += weight_of_batch;
            if (watched) show([&] { return observer_.step_done(epoch, i, C); });
            look_at_the_clock();
            if (history_.stop_reason != StopReason::epochs && i + 1 < batches_.count()) return {};
        }
        penalty_ = penalty / weight;
        return total / weight;
    }

    void look_at_the_clock() {
        if (training_.deadline && std::chrono::steady_clock::now() >= *training_.deadline)
            history_.stop_reason = StopReason::deadline;
    }

    void finish_epoch(std::size_t epoch, double mean_loss) {
        EpochNumbers numbers{mean_loss, {}, optimizer_.learning_rate(), norms_.mean(), penalty_};
        if (validation_) {
            numbers.validation_loss = cost_of_validation();
            if (!std::isfinite(*numbers.validation_loss)) diverged(epoch, "validation loss");
        }
        history_.add(numbers);
        optimizer_.end_epoch(mean_loss, numbers.validation_loss);
        if (observer_.watches_epochs()) show([&] { return observer_.epoch_done(epoch, numbers); });
        else copy_.write_back();
        // Running out of epochs wins over the deadline as stop reason.
        if (history_.stop_reason == StopReason::deadline && epoch + 1 == training_.epochs)
            history_.stop_reason = StopReason::epochs;
    }

    // The cost C of a batch, before the step. Where C is not finite nothing is updated.
    double one_step(const Batch<T>& batch, std::size_t i) {
        copy_.go_ahead();
        if (small_) {
            optimizer_.begin_step(batch.weight());
            return small_->take(batch, batches_.prefetch_after(i), team_);
        }
        forward(network(), batch.X, work_, team_);  // z and a of every layer
        const double C = cost_and_delta(batch, i);  // C, and delta of the output
        if (!std::isfinite(C)) return C;
        backpropagate(network(), batch.size(), work_, team_);  // delta of every layer
        if (grad_.size() == 0) {
            optimizer_.begin_step(batch.weight());  // epsilon, and what else the step depends on
            descend(network(), batch.X, work_, optimizer_, batches_.prefetch_after(i),
                    team_);  // w := w - epsilon dC/dw
        } else {
            weight_gradients(network(), batch.X, work_, grad_.view(), team_);  // dW, db of every layer
            if (training_.gradient_norm) norms_.add(norm<T>(shape(), grad_.data(), norm_room_.data(), team_));
            optimizer_.begin_step(batch.weight());
            update(network(), grad_.view(), optimizer_, team_);
        }
        if (shape().has_batch_norm()) follow_batch(network(), work_.normalised(), batch.size());
        return C;
    }

    double cost_and_delta(const Batch<T>& batch, std::size_t i) {
        if (custom_ == nullptr) return loss(training_.loss, network(), batch, work_, team_);
        const std::size_t n = batch.size();
        const Matrix<T> dC_dA = dC_dA_.first(n);
        const double C = custom_->of_batch(output_activations(network(), n, work_, team_), batches_.indices(i),
                                           i * batch_size_, dC_dA);
        output_delta<T>(network(), dC_dA, work_, team_);
        return C;
    }

    double cost_of_validation() {
        if (custom_ == nullptr) return cost(training_.loss, network(), *validation_, validation_work_, team_);
        const Matrix<T> A = validation_A_.first(validation_->size());
        predict(network(), *validation_, A, team_);
        return custom_->of_validation(A);
    }

    void offer_checkpoint(std::size_t epoch) {
        const bool is_last = history_.stop_reason != StopReason::epochs || epoch + 1 == training_.epochs;
        if (!checkpoint_writer_->wants(is_last)) return;
        Checkpoint<T> checkpoint{history_, {}, {}};
        optimizer_.save_state(checkpoint, original_.shape());
        checkpoint_writer_->write(checkpoint);
    }

    // Lets somebody see the network, and change it; they say whether the training shall stop.
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
    const std::optional<Samples<T>>& validation_;
    CustomCost<T>* custom_;
    Observer& observer_;
    CheckpointWriter<T>* checkpoint_writer_;
    Team& team_;
    const Network<T>& original_;
    WorkingCopy<T> copy_;
    bool is_sparse_;
    std::size_t batch_size_;
    Batches<T> batches_;
    InputNoise<T> noise_;
    Workspace<T> work_;
    Optimizer<T> optimizer_;
    Buffer<T> grad_;  // (n_params,), or empty to descend in one pass
    Buffer<double> norm_room_;
    Mean norms_;  // of the gradients of this epoch
    std::optional<SmallSteps<T>> small_;
    std::optional<Snapshot<T>>
        good_;  // where the user's network is shown within epochs; else that is the last good one
    ForwardWorkspace<T> validation_work_;
    double penalty_ = 0;    // of the last epoch
    Rows<T> dC_dA_;         // of a custom cost
    Rows<T> validation_A_;  // likewise
    TrainingHistory history_;
};

}  // namespace

template <class T>
TrainingHistory train(Network<T>& network, const Samples<T>& samples, const std::optional<Samples<T>>& validation,
                      const Training& training, CustomCost<T>* cost, Observer& observer, Team& team, Vector<T> average,
                      const Checkpoint<T>* from, CheckpointWriter<T>* checkpoint_writer, Checkpoint<T>* memory) {
    if (training.optimizer.method == Method::lbfgs)
        return minimise(network, samples, validation, training, cost, observer, team, from, checkpoint_writer);
    Run<T> run(network, samples, validation, training, cost, observer, team, from, checkpoint_writer);
    TrainingHistory history;
    try {
        history = run.epochs();
    } catch (...) {
        run.remember(memory);
        throw;
    }
    run.remember(memory);
    run.write_average(network.shape(), average);
    return history;
}

template TrainingHistory train(Network<float>&, const Samples<float>&, const std::optional<Samples<float>>&,
                               const Training&, CustomCost<float>*, Observer&, Team&, Vector<float>,
                               const Checkpoint<float>*, CheckpointWriter<float>*, Checkpoint<float>*);
template TrainingHistory train(Network<double>&, const Samples<double>&, const std::optional<Samples<double>>&,
                               const Training&, CustomCost<double>*, Observer&, Team&, Vector<double>,
                               const Checkpoint<double>*, CheckpointWriter<double>*, Checkpoint<double>*);

}  // namespace rosenblatt
