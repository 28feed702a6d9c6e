// Train for Python: arguments are checked and kept, then one call is the whole training, alone or among others; Python
// is called once per epoch if it has callbacks.
#include <pybind11/numpy.h>
#include <pybind11/stl.h>
#include <pybind11/typing.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <deque>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include "base/jobs.hpp"
#include "base/thread_pool.hpp"
#include "bindings/arrays.hpp"
#include "bindings/bindings.hpp"
#include "bindings/checkpoints.hpp"
#include "bindings/losses.hpp"
#include "bindings/optimizers.hpp"
#include "bindings/scalings.hpp"
#include "model/train.hpp"

namespace rosenblatt::bindings {

namespace {

using EpochCallback = py::typing::Callable<bool(std::size_t, double, std::optional<double>, std::optional<double>,
                                                std::optional<double>, double)>;
using StepCallback = py::typing::Callable<bool(std::size_t, std::size_t, double)>;
using OrderCallback = py::typing::Callable<Array<std::int64_t>(std::size_t)>;

// epoch_done(epoch, loss, validation_loss, learning_rate, gradient_norm, penalty) and step_done(epoch, batch, loss),
// which return True to stop the run, and order(epoch), which returns the indices of the samples.
using PythonCallbacks =
    std::tuple<std::optional<EpochCallback>, std::optional<StepCallback>, std::optional<OrderCallback>>;

class PythonObserver final : public Observer {
  public:
    explicit PythonObserver(PythonCallbacks callbacks)
        : epoch_done_(std::move(std::get<0>(callbacks))),
          step_done_(std::move(std::get<1>(callbacks))),
          order_(std::move(std::get<2>(callbacks))) {}

    bool gives_order(std::size_t epoch, Vector<std::size_t> order) override {
        if (!order_) return false;
        const WithInterpreter python;
        take_order("shuffle", call(*order_, epoch).cast<Array<std::int64_t>>(), order);
        return true;
    }

    bool watches_epochs() const override { return epoch_done_.has_value(); }

    bool epoch_done(std::size_t epoch, const EpochNumbers& of) override {
        const WithInterpreter python;
        return py::bool_(
            call(*epoch_done_, epoch, of.loss, of.validation_loss, of.learning_rate, of.gradient_norm, of.penalty));
    }

    bool watches_steps() const override { return step_done_.has_value(); }

    bool step_done(std::size_t epoch, std::size_t batch, double loss) override {
        const WithInterpreter python;
        return py::bool_(call(*step_done_, epoch, batch, loss));
    }

  private:
    std::optional<EpochCallback> epoch_done_;
    std::optional<StepCallback> step_done_;
    std::optional<OrderCallback> order_;
};

// A cost in Python: of_batch(A, rows) gives (C, dC/dA), where rows are the indices of the batch's samples, and
// of_validation(A) gives C. Both check what the user's function gives. A and dC/dA are in the user's units.
template <class T>
using BatchCost = py::typing::Callable<std::pair<double, Array<T>>(Array<T>, py::object)>;
template <class T>
using ValidationCost = py::typing::Callable<double(Array<T>)>;
template <class T>
using PythonCost = std::pair<BatchCost<T>, ValidationCost<T>>;

template <class T>
class CalledCost final : public CustomCost<T> {
  public:
    CalledCost(PythonCost<T> cost, const Scalings<T>& scalings) : cost_(std::move(cost)), scalings_(scalings) {}

    double of_batch(Matrix<const T> A, const std::size_t* indices, std::size_t first, Matrix<T> dC_dA) override {
        const WithInterpreter python;
        const auto [C, G] =
            call(cost_.first, outputs(A), rows(indices, first, A.rows)).template cast<std::pair<double, Array<T>>>();
        copy_given("dC/dA of the loss", G, dC_dA);
        if (scalings_.targets) scalings_.targets->divide_by_factor(dC_dA);
        return C;
    }

    double of_validation(Matrix<const T> A) override {
        const WithInterpreter python;
        return call(cost_.second, outputs(A)).template cast<double>();
    }

  private:
    Array<T> outputs(Matrix<const T> A) const {
        Array<T> array = copied(A);
        if (scalings_.targets) scalings_.targets->unscale(writeable(array));
        return array;
    }

    // What Python takes rows of an array with.
    static py::object rows(const std::size_t* indices, std::size_t first, std::size_t n) {
        if (indices == nullptr)
            return py::slice(static_cast<py::ssize_t>(first), static_cast<py::ssize_t>(first + n), 1);
        Array<std::int64_t> array(static_cast<py::ssize_t>(n));
        std::copy_n(indices, n, array.mutable_data());
        return array;
    }

    PythonCost<T> cost_;
    const Scalings<T>& scalings_;
};

// What a set of samples is made of: X, Y, weights.
template <class T>
using ArraysOfSamples = std::tuple<DenseOrSparse<T>, py::array, std::optional<Array<double>>>;

// Y is checked if the loss is a named one.
template <class T>
TakenSamples<T> take_samples(const std::array<const char*, 3>& names, const ArraysOfSamples<T>& arrays,
                             const std::optional<LossRule>& rule, const Shape& shape) {
    const auto& [X, Y, weights] = arrays;
    TakenSamples<T> samples = take_inputs(names[0], X, shape);
    const std::size_t n = samples.view.size();
    if (rule) samples.view.Y = take_Y<T>(names[1], Y, n, rule->loss, shape, samples.indices);
    samples.view.weights = take_weights(names[2], weights, n);
    return samples;
}

// How a training diverged: the epoch, from 0, and what was no longer finite.
using Divergence = std::pair<std::size_t, const char*>;

constexpr const char* stop_reasons[] = {"epochs", "callback", "time_limit", "converged"};

// A training whose arguments are checked. It holds its network and the arrays that it reads.
class TrainingJob {
  public:
    TrainingJob() = default;
    TrainingJob(const TrainingJob&) = delete;
    TrainingJob& operator=(const TrainingJob&) = delete;
    virtual ~TrainingJob() = default;

    // Locks the network for this run: RuntimeError if another call uses it.
    virtual void begin() = 0;

    // Runs it without the interpreter's lock, on any thread. Throws what rosenblatt::train throws.
    void train(Team& team) {
        const Clock::time_point began = Clock::now();
        begun_ = true;
        run(team, began);
        seconds_ = std::chrono::duration<double>(Clock::now() - began).count();
    }

    // Whether the training was begun, so that the network may have changed.
    bool begun() const noexcept { return begun_; }

    // Gives the network back.
    virtual void end() noexcept = 0;

    // the curves, why it ended, the average of the weights if one was kept, seconds
    using Result = std::tuple<NamedCurves, const char*, std::optional<py::array>, double>;
    Result result() const {
        return {named_curves(history_), stop_reasons[static_cast<std::size_t>(history_.stop_reason)], average_,
                seconds_};
    }

    // The state of the optimiser at the end, as Learner has it; none if it was not requested, or is empty.
    using Memory = std::pair<std::vector<double>, std::vector<py::array>>;
    virtual std::optional<Memory> memory() const = 0;

  protected:
    using Clock = std::chrono::steady_clock;

    virtual void run(Team& team, Clock::time_point began) = 0;

    TrainingHistory history_;
    std::optional<py::array> average_;

  private:
    double seconds_ = 0;
    bool begun_ = false;
};

// What is trained, on what, and how. Either a named loss or a cost of the user's.
template <class T>
struct Arguments {
    ArraysOfSamples<T> samples;
    std::optional<ArraysOfSamples<T>> validation;
    std::optional<NamedLoss> loss;
    std::optional<PythonCost<T>> cost;
    std::optional<double> time_limit;
    std::optional<SavedCheckpoint<T>> resumed;
    std::optional<PythonCheckpointFunctions<T>> keeping;
    bool remember;  // what the optimiser does
};

template <class T>
class TrainingJobOf final : public TrainingJob {
  public:
    TrainingJobOf(BoundNetwork<T>& bound, Arguments<T> arguments, const Training& training, PythonObserver observer,
                  const ScalingKinds& scaling_kinds, int threads)
        : owner_(py::cast(&bound)),
          bound_(bound),
          arguments_(std::move(arguments)),
          training_(training),
          observer_(std::move(observer)) {
        const Access::Reading reading(bound_.access);
        const Shape& shape = bound_.network.shape();
        std::optional<LossRule> rule;
        if (arguments_.loss) rule = take_loss<T>(*arguments_.loss, shape);
        training_.loss = rule.value_or(LossRule{});
        samples_ = take_samples<T>({"X", "Y", "sample_weight"}, arguments_.samples, rule, shape);
        if (arguments_.validation)
            validation_samples_ = take_samples<T>({"validation[0]", "validation[1]", "validation[2]"},
                                                  *arguments_.validation, rule, shape);
        scalings_ = fit_scalings(bound_, samples_.view, rule, scaling_kinds, threads);
        if (validation_samples_) check_scaled_inputs("validation[0]", scalings_, validation_samples_->view);
        if (arguments_.cost) cost_.emplace(std::move(*arguments_.cost), scalings_);
        if (arguments_.resumed) {
            const auto& [network, parts] = *arguments_.resumed;
            owner_of_resumed_ = py::cast(network);
            if (!network->network.shape().lies_like(shape))
                throw BadCheckpoint("network: got another shape, expected that of the network to train");
            from_ = take_checkpoint<T>(parts, training_.optimizer, shape);
        }
        if (arguments_.keeping) checkpoint_writer_.emplace(std::move(*arguments_.keeping));
        if (training_.optimizer.regularisation.ema > 0) {
            Array<T> average(static_cast<py::ssize_t>(shape.n_params()));
            average_out_ = {average.mutable_data(), shape.n_params()};
            average_ = std::move(average);
        }
    }

    void begin() override { writing_.emplace(bound_.access); }
    void end() noexcept override { writing_.reset(); }

    std::optional<Memory> memory() const override {
        if (memory_.numbers.empty()) return {};
        Memory found{memory_.numbers, {}};
        for (Array<T>& vector : arrays_of(memory_.vectors)) found.second.push_back(std::move(vector));
        return found;
    }

  protected:
    void run(Team& team, Clock::time_point began) override {
        const ScaledSamples<T> scaled(samples_.view, scalings_);
        std::optional<ScaledSamples<T>> scaled_validation;
        if (validation_samples_) scaled_validation.emplace(validation_samples_->view, scalings_);
        std::optional<Samples<T>> validation;
        if (scaled_validation) validation = scaled_validation->samples();
        if (arguments_.time_limit)
            training_.deadline = began + std::chrono::duration_cast<Clock::duration>(
                                             std::chrono::duration<double>(*arguments_.time_limit));
        writing_->move_to_this_thread();
        bound_.scalings = scalings_;
        if (from_) copy_parameters(arguments_.resumed->first->network, bound_.network);
        history_ = rosenblatt::train<T>({.network = bound_.network,
                                         .samples = scaled.samples(),
                                         .validation = validation,
                                         .settings = training_,
                                         .cost = cost_ ? &*cost_ : nullptr,
                                         .observer = observer_,
                                         .resumed = from_ ? &*from_ : nullptr,
                                         .checkpoint_writer = checkpoint_writer_ ? &*checkpoint_writer_ : nullptr,
                                         .average = average_out_,
                                         .memory = arguments_.remember ? &memory_ : nullptr},
                                        team);
    }

  private:
    py::object owner_;  // of what follows, for as long
    BoundNetwork<T>& bound_;
    Arguments<T> arguments_;
    Training training_;
    PythonObserver observer_;
    TakenSamples<T> samples_;
    std::optional<TakenSamples<T>> validation_samples_;
    Scalings<T> scalings_;
    std::optional<CalledCost<T>> cost_;
    py::object owner_of_resumed_;
    std::optional<Checkpoint<T>> from_;
    std::optional<PythonCheckpointWriter<T>> checkpoint_writer_;
    Vector<T> average_out_;
    Checkpoint<T> memory_;
    std::optional<Access::Writing> writing_;
};

// A prepared run on its way through Python. A capsule, because registering an object of a bound class can fail where
// pybind11 can only abort.
constexpr const char* name_of_capsule = "rosenblatt.TrainingJob";

py::object in_capsule(std::unique_ptr<TrainingJob> training) {
    py::capsule capsule(training.get(), name_of_capsule, [](void* held) { delete static_cast<TrainingJob*>(held); });
    training.release();
    return capsule;
}

TrainingJob& from_capsule(const py::object& capsule) {
    if (PyCapsule_IsValid(capsule.ptr(), name_of_capsule) == 0)
        throw py::type_error("training: got " + py::str(py::type::of(capsule)).cast<std::string>() +
                             ", expected what prepare returns");
    return *static_cast<TrainingJob*>(PyCapsule_GetPointer(capsule.ptr(), name_of_capsule));
}

// The settings of a run: batch_size, epochs, shuffle, seed, dropout, input_noise, gradient_norm, time_limit.
using TrainingSettings =
    std::tuple<std::size_t, std::size_t, bool, std::uint64_t, std::vector<double>, double, bool, std::optional<double>>;

template <class T>
py::object prepare(BoundNetwork<T>& network, ArraysOfSamples<T> samples, std::optional<ArraysOfSamples<T>> validation,
                   std::optional<NamedLoss> loss, std::optional<PythonCost<T>> cost, const NamedOptimizer& optimizer,
                   const TrainingSettings& settings, const ScalingKinds& scalings, PythonCallbacks callbacks,
                   std::optional<SavedCheckpoint<T>> resumed, std::optional<PythonCheckpointFunctions<T>> keeping,
                   bool remember, int threads) {
    const auto& [batch_size, epochs, shuffle, seed, dropout, input_noise, gradient_norm, time_limit] = settings;
    return in_capsule(std::make_unique<TrainingJobOf<T>>(
        network,
        Arguments<T>{std::move(samples), std::move(validation), std::move(loss), std::move(cost), time_limit,
                     std::move(resumed), std::move(keeping), remember},
        Training{
            {}, take_optimizer<T>(optimizer), batch_size, epochs, shuffle, seed, dropout, input_noise, gradient_norm},
        PythonObserver(std::move(callbacks)), scalings, threads));
}

// A training that has its network.
class ExclusiveAccess {
  public:
    explicit ExclusiveAccess(TrainingJob& training) : training_(training) { training_.begin(); }
    ~ExclusiveAccess() { training_.end(); }
    ExclusiveAccess(const ExclusiveAccess&) = delete;
    ExclusiveAccess& operator=(const ExclusiveAccess&) = delete;

  private:
    TrainingJob& training_;
};

// What became of a training: its result, or how it diverged.
using Outcome = std::variant<TrainingJob::Result, Divergence>;

Outcome train_one(const py::object& capsule, int threads) {
    TrainingJob& training = from_capsule(capsule);
    const ExclusiveAccess begun(training);
    try {
        compute(threads, [&](Team& team) { training.train(team); });
    } catch (const Diverged& diverged) {
        return Divergence{diverged.epoch, diverged.what};
    }
    return training.result();
}

// Each on one thread. Ctrl-C and the exception of a callback end all of them; a divergence ends its own.
std::vector<Outcome> train_many(const std::vector<py::object>& capsules, int threads) {
    std::vector<TrainingJob*> trainings;
    for (const py::object& capsule : capsules) trainings.push_back(&from_capsule(capsule));
    std::deque<ExclusiveAccess> begun;
    for (TrainingJob* const training : trainings) begun.emplace_back(*training);
    std::vector<std::optional<Diverged>> diverged(trainings.size());
    std::vector<std::exception_ptr> failures(trainings.size());
    const int hired = is_shutting_down() ? 0 : threads == 0 ? available_threads() : threads;
    {
        const WithoutInterpreter released;
        Stop stop(python_was_interrupted);
        const auto train = [&](std::size_t i) noexcept {
            if (stop.requested()) return;
            Stop own(&stop);
            Team team(1, own);
            try {
                trainings[i]->train(team);
            } catch (const Diverged& how) {
                diverged[i] = how;
            } catch (const Stopped&) {
                return;
            } catch (...) {
                failures[i] = std::current_exception();
                stop.request();
            }
        };
        run_jobs(trainings.size(), hired, train, [&]() noexcept { stop.ask(); });
    }
    if (PyErr_Occurred() != nullptr) throw py::error_already_set();
    for (const std::exception_ptr& failure : failures)
        if (failure) std::rethrow_exception(failure);
    std::vector<Outcome> outcomes;
    for (std::size_t i = 0; i < trainings.size(); ++i) {
        if (diverged[i]) outcomes.emplace_back(Divergence{diverged[i]->epoch, diverged[i]->what});
        else outcomes.emplace_back(trainings[i]->result());
    }
    return outcomes;
}

// The cost of every step of a training that may diverge: up to the last one that was finite.
template <class T>
std::vector<double> costs_of_steps(BoundNetwork<T>& self, const ArraysOfSamples<T>& arrays, const NamedLoss& named_loss,
                                   const NamedOptimizer& named_optimizer, std::size_t batch_size, std::size_t epochs,
                                   std::uint64_t seed, int threads) {
    const Access::Writing writing(self.access);
    const LossRule rule = take_loss<T>(named_loss, self.network.shape());
    const TakenSamples<T> samples = take_samples<T>({"X", "Y", "sample_weight"}, arrays, rule, self.network.shape());
    std::vector<double> costs;
    Training training{rule, take_optimizer<T>(named_optimizer), batch_size, epochs, true, seed};
    training.optimizer.step_losses = &costs;
    PythonObserver silent({});
    try {
        compute(threads, [&](Team& team) {
            const ScaledSamples<T> scaled(samples.view, self.scalings);
            train<T>({.network = self.network, .samples = scaled.samples(), .settings = training, .observer = silent},
                     team);
        });
    } catch (const Diverged&) {  // expected: the rates rise until it does
    }
    return costs;
}

// The learning rates of the first steps; `losses` holds the known losses of the epochs.
std::vector<double> rates(const NamedSchedule& named, std::uint64_t steps, std::uint64_t steps_per_epoch,
                          const std::vector<double>& losses) {
    const FloatMode mode;
    const Schedule schedule = take_schedule(named);
    Plateau plateau = schedule.plateau();
    std::vector<double> found;
    for (std::uint64_t step = 0; step < steps; ++step) {
        const std::uint64_t epoch = step / steps_per_epoch;
        if (step > 0 && step % steps_per_epoch == 0 && epoch <= losses.size())
            schedule.end_epoch(plateau, losses[epoch - 1]);
        found.push_back(schedule.rate(step, epoch, plateau));
    }
    return found;
}

template <class T>
void bind(py::module_& module) {
    module.def("prepare", &prepare<T>, py::arg("network"), py::arg("samples").noconvert(),
               py::arg("validation").noconvert(), py::kw_only(), py::arg("loss"), py::arg("cost"), py::arg("optimizer"),
               py::arg("settings"), py::arg("scalings"), py::arg("callbacks"), py::arg("resumed").noconvert(),
               py::arg("keeping"), py::arg("remember"), py::arg("threads"));
    module.def("costs_of_steps", &costs_of_steps<T>, py::arg("network"), py::arg("samples").noconvert(), py::kw_only(),
               py::arg("loss"), py::arg("optimizer"), py::arg("batch_size"), py::arg("epochs"), py::arg("seed"),
               py::arg("threads"));
}

}  // namespace

void bind_train(py::module_& module) {
    bind<float>(module);
    bind<double>(module);
    module.def("rates", &rates, py::arg("schedule"), py::arg("steps"), py::arg("steps_per_epoch"), py::arg("losses"));
    module.def(
        "memory", [](const py::object& training) { return from_capsule(training).memory(); }, py::arg("training"));
    module.def("begun", [](const py::object& training) { return from_capsule(training).begun(); }, py::arg("training"));
    module.def("train", &train_one, py::arg("training"), py::arg("threads"));
    module.def("train_many", &train_many, py::arg("trainings"), py::arg("threads"));
}

}  // namespace rosenblatt::bindings
