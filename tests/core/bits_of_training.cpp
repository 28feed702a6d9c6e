// The bits of training, without Python: trains networks of every kind with one instruction set and prints a name and a
// hash of all that came out, a line a case, for test_neon.py to compare between processors.
//
//     bits_of_training          the names of the kernel tables that this machine can run
//     bits_of_training NAME     the lines, computed with that table
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "base/buffer.hpp"
#include "base/float_mode.hpp"
#include "base/rng.hpp"
#include "kernels/table.hpp"
#include "model/backward.hpp"
#include "model/forward.hpp"
#include "model/hessian.hpp"
#include "model/jacobian.hpp"
#include "model/loss.hpp"
#include "model/network.hpp"
#include "model/sample_gradients.hpp"
#include "model/team.hpp"
#include "model/train.hpp"

using namespace rosenblatt;

namespace {

constexpr std::size_t n_samples = 47;  // 23 leaves a batch of one, 8 one of seven

// FNV-1a of 64 bits, over bytes in memory. Source: Fowler, Noll, Vo; the IETF draft "The FNV Non-Cryptographic Hash".
class Hash {
  public:
    template <class T>
    void add(const T* x, std::size_t n) noexcept {
        for (std::size_t i = 0; i < n; ++i) {
            unsigned char bytes[sizeof(T)];
            std::memcpy(bytes, x + i, sizeof(T));
            for (const unsigned char byte : bytes) value_ = (value_ ^ byte) * 0x100000001B3;
            finite_ = finite_ && x[i] - x[i] == T{0};
        }
    }

    void print(const std::string& name) const { std::printf("%s %016" PRIx64 "\n", name.c_str(), value_); }
    bool finite() const noexcept { return finite_; }

  private:
    std::uint64_t value_ = 0xCBF29CE484222325;
    bool finite_ = true;
};

// Uniform in [0, 1), by the project's own random numbers: the same on every machine. `epoch` keeps the streams of a case
// apart.
double random(std::uint32_t epoch, std::uint64_t index) noexcept {
    return RandomStream{2024, Purpose::shuffle, epoch}.uniform(index);
}

// Uniform in 0 ... bound - 1.
int random_below(int bound, std::uint32_t epoch, std::uint64_t index) noexcept {
    return static_cast<int>(random(epoch, index) * bound);
}

template <class T>
const char* type_name() noexcept {
    return sizeof(T) == 4 ? "float32" : "float64";
}

enum class TargetKind : std::uint8_t { labels, targets };

struct Case {
    std::vector<std::size_t> sizes;
    std::vector<Activation> activations;
    Loss loss;
    TargetKind answers;
    std::vector<double> parameters;  // of the loss
    HiddenLayers hidden = {};

    Shape shape() const { return Shape(sizes, activations, {}, hidden); }
    LossRule rule() const noexcept { return {loss, {parameters.data(), parameters.size()}}; }
};

// Every activation, hidden and as an output; every loss with every kind of answer; rows of 1 to 300 numbers; sums that
// are interleaved forward (300 to 1, 300 to 16) and backward (9 to 300); norms and skips, alone and together.
std::vector<Case> cases() {
    using enum Activation;
    using enum Loss;
    using enum TargetKind;
    using enum Norm;
    return {
        {{5, 7, 33, 17, 3, 3}, {tanh, logistic, relu, softmax, softmax}, log_loss, labels, {0}},
        {{31, 64, 10}, {relu, softmax}, log_loss, targets, {0}},
        {{31, 40, 2}, {identity, logistic}, log_loss, labels, {0}},
        {{11, 20, 5}, {tanh, logistic}, log_loss, targets, {0}},
        {{300, 1}, {logistic}, log_loss, labels, {0}},
        {{300, 16, 1}, {relu, identity}, squared_error, targets, {}},
        {{300, 5}, {tanh}, squared_error, targets, {}},
        {{9, 300, 4}, {logistic, softmax}, squared_error, targets, {}},
        {{6, 19, 7}, {softmax, logistic}, squared_error, targets, {}},
        {{14, 15, 13}, {identity, relu}, squared_error, targets, {}},
        {{7, 9, 21}, {tanh, softmax}, log_loss, labels, {0.1}},
        {{7, 9, 21}, {tanh, logistic}, log_loss, targets, {0.1}},
        {{7, 9, 21}, {tanh, identity}, absolute_error, targets, {}},
        {{7, 9, 21}, {tanh, tanh}, huber, targets, {0.25}},
        {{7, 9, 3}, {tanh, softmax}, quantile, targets, {0.1, 0.5, 0.9}},
        {{7, 9, 21}, {tanh, logistic}, cosine, targets, {}},
        {{7, 9, 21}, {tanh, softmax}, kl_divergence, targets, {}},
        {{7, 9, 21}, {tanh, identity}, hinge, labels, {}},
        {{7, 9, 1}, {tanh, tanh}, squared_hinge, labels, {}},
        {{7, 9, 21}, {tanh, identity}, poisson, targets, {1}},
        {{7, 9, 21}, {tanh, logistic}, poisson, targets, {0}},
        {{7, 9, 22}, {tanh, identity}, gaussian_nll, targets, {}},
        {{7, 9, 21}, {tanh, softmax}, focal, targets, {2}},
        {{7, 9, 21}, {tanh, logistic}, focal, labels, {0.5}},
        {{7, 19, 33, 9, 3}, {gelu, sin, silu, gelu}, squared_error, targets, {}},
        {{7, 19, 33, 9, 3}, {mish, gelu_tanh, softplus, mish}, squared_error, targets, {}},
        {{7, 19, 33, 9, 3}, {leaky_relu, elu, selu, sin}, absolute_error, targets, {}},
        {{7, 19, 33, 9, 3}, {softsign, hard_tanh, relu6, hard_sigmoid}, squared_error, targets, {}},
        {{7, 19, 33, 9, 3}, {log_softmax, softsign, leaky_relu, log_softmax}, squared_error, targets, {}},
        {{9, 300, 4, 2}, {silu, log_softmax, softplus}, poisson, targets, {0}},
        {{300, 16, 300, 1}, {gelu, elu, hard_tanh}, hinge, labels, {}},
        {{5, 7, 7, 33, 3},
         {tanh, gelu, softmax, softmax},
         log_loss,
         labels,
         {0},
         {{batch, layer, none}, {false, true, false}}},
        {{300, 16, 16, 1}, {relu, tanh, identity}, squared_error, targets, {}, {{layer, layer}, {false, true}}},
        {{9, 300, 300, 4}, {silu, logistic, identity}, squared_error, targets, {}, {{layer, batch}, {false, true}}},
        {{6, 6, 6, 2}, {tanh, relu, identity}, squared_error, targets, {}, {{}, {true, true}}},
    };
}

struct Way {
    const char* name;
    OptimizerSettings optimizer;
    double dropout = 0;  // of what goes into every layer
    double input_noise = 0;
};

// Gradient descent in its three forms: on every case.
std::vector<Way> descents() {
    return {{"plain", sgd(0.01, 0.0, false)}, {"momentum", sgd(0.01, 0.5, false)}, {"nesterov", sgd(0.01, 0.5, true)}};
}

OptimizerSettings adaptive(Method method, Schedule learning_rate, bool variant, Regularisation regularisation = {}) {
    MethodSettings settings;
    settings.momentum = variant ? 0.5 : 0;
    settings.beta1 = 0.9;
    settings.beta2 = 0.95;
    settings.eps = 1e-6;
    settings.weight_decay = variant ? 0.1 : 0;
    settings.centered = settings.amsgrad = variant ? 1 : 0;
    settings.momentum_decay = 0.25;
    settings.initial_sum = 0.5;
    settings.shrink = 0.5;
    settings.grow = 1.25;
    settings.smallest = 1e-6;
    settings.largest = 0.5;
    return {method, settings, std::move(learning_rate), regularisation};
}

// Every other rule, every schedule and every regularisation, noise and dropout: on the cases of `few_cases`.
std::vector<Way> other_ways() {
    using enum Method;
    using enum ScheduleKind;
    const auto scheduled = [](std::vector<SchedulePart> parts, bool per_epoch) {
        return Schedule(std::move(parts), per_epoch, {});
    };
    const Regularisation fused{.l1 = 0.001, .l2 = 0.01, .clip_value = 0.05, .max_norm = 0.9, .ema = 0.9};
    const Regularisation whole{.l1 = 0.001, .clip_norm = 0.1, .clip_value = 0.05};
    return {
        {"adagrad", adaptive(adagrad, scheduled({{step_decay, {0.01, 0.5, 2}}}, false), false)},
        {"rmsprop", adaptive(rmsprop, scheduled({{exponential, {0.01, 0.9}}}, false), false)},
        {"rmsprop-all", adaptive(rmsprop, scheduled({{inverse_scaling, {0.01, 0.5, 0.75}}}, false), true)},
        {"adadelta", adaptive(adadelta, scheduled({{exponential, {1, 0.9}}}, false), false)},
        {"adam", adaptive(adam, scheduled({{cosine, {0.01, 0.001, 3, 2}}}, false), false)},
        {"adamw-amsgrad", adaptive(adam, scheduled({{one_cycle, {0.01, 10, 0.3, 25, 100}}}, false), true)},
        {"nadam", adaptive(nadam, scheduled({{warm_up, {3, 0.25}}, {exponential, {0.01, 0.9}}}, false), false)},
        {"lion", adaptive(lion, scheduled({{plateau, {0.01, 0.5, 0, 0.5, 0, 0}}}, true), true)},
        {"rprop", adaptive(rprop, Schedule(0.01), false)},
        {"momentum-fused", adaptive(Method::sgd, Schedule(0.01), true, fused)},
        {"plain-fused", adaptive(Method::sgd, Schedule(0.01), false, fused)},
        {"adam-fused", adaptive(adam, Schedule(0.01), false, fused)},
        {"plain-whole", adaptive(Method::sgd, Schedule(0.01), false, whole)},
        {"nadam-whole", adaptive(nadam, Schedule(0.01), false, whole)},
        {"noise", adaptive(Method::sgd, Schedule(0.01), true), 0, 0.25},
        {"noise-dropout", adaptive(adam, Schedule(0.01), false), 0.25, 0.25},
    };
}

constexpr std::size_t few_cases[] = {0, 1, 4, 5, 31};  // deep, wide, of one output, with both norms

constexpr std::size_t batch_sizes[] = {1, 8, 23};

// Batch norm needs two samples in every batch.
bool suits(const Case& of, std::size_t batch_size) {
    return !of.shape().has_batch_norm() || (batch_size > 1 && n_samples % batch_size != 1);
}

// The samples of a case: X in (-1, 1); labels, or targets in (0, 1), each row with the sum 1 where there are several.
template <class T>
class Drawn {
  public:
    explicit Drawn(const Case& of)
        : X_(n_samples * of.sizes.front()), Y_(n_samples * of.sizes.back()), labels_(n_samples), weights_(n_samples) {
        const std::size_t n_outputs = of.sizes.back();
        for (std::size_t i = 0; i < X_.size(); ++i) X_.data()[i] = static_cast<T>(random(0, i) * 2.0 - 1.0);
        for (std::size_t i = 0; i < n_samples; ++i) {
            double sum = 0;
            for (std::size_t j = 0; j < n_outputs; ++j) sum += random(1, i * n_outputs + j);
            for (std::size_t j = 0; j < n_outputs; ++j) {
                const double y = random(1, i * n_outputs + j);
                Y_.data()[i * n_outputs + j] = static_cast<T>(n_outputs == 1 ? y : y / sum);
            }
            labels_.data()[i] = random_below(n_outputs == 1 ? 2 : static_cast<int>(n_outputs), 2, i);
            weights_.data()[i] = random(3, i) + 0.5;
        }
        samples_.X = X_.matrix(n_samples, of.sizes.front());
        if (of.answers == TargetKind::labels) samples_.Y.labels = labels_.data();
        else samples_.Y.Y = Y_.matrix(n_samples, n_targets(of.loss, n_outputs));
    }

    const Samples<T>& samples() const noexcept { return samples_; }
    const double* weights() const noexcept { return weights_.data(); }

  private:
    Buffer<T> X_;
    Buffer<T> Y_;
    Buffer<std::int64_t> labels_;
    Buffer<double> weights_;
    Samples<T> samples_;
};

struct Nobody : Observer {
    bool epoch_done(std::size_t, const EpochNumbers&) override { return false; }
};

std::string name_of(const Case& of) {
    std::string name = std::to_string(of.sizes.front());
    for (std::size_t layer = 0; layer < of.activations.size(); ++layer) {
        name += "-" + std::to_string(of.sizes[layer + 1]) + activation_names[static_cast<int>(of.activations[layer])];
        if (of.shape().normalises(layer))
            name += std::string("+") + norm_names[static_cast<int>(of.shape().norm(layer))];
        if (of.shape().skips(layer)) name += "+skip";
    }
    name += std::string("/") + loss_names[static_cast<int>(of.loss)];
    for (const double parameter : of.parameters) name += "/" + std::to_string(parameter);
    return name + (of.answers == TargetKind::labels ? "/labels" : "/targets");
}

// The whole gradient, that of the features included, and the cost, with weights of the samples; and the outputs.
template <class T>
void add_gradients(const Case& of, const Network<T>& network, const Drawn<T>& drawn, Team& team, Hash& hash) {
    const Shape& shape = network.shape();
    const Samples<T>& samples = drawn.samples();
    Workspace<T> work(shape, n_samples);
    const Batch<T> batch{work.as_batch(samples.X), samples.Y, drawn.weights()};
    Buffer<T> grad(shape.n_params());
    Buffer<T> dX(n_samples * shape.n_features());
    Buffer<T> A(n_samples * shape.n_outputs());
    forward(network, batch.X, work, team);
    const double C = loss(of.rule(), network, batch, work, team);
    backpropagate(network, n_samples, work, team);
    weight_gradients(network, batch.X, work, grad.view(), team);
    input_gradients(network, work, dX.matrix(n_samples, shape.n_features()), team);
    predict(network, samples.X, A.matrix(n_samples, shape.n_outputs()), team);
    hash.add(&C, 1);
    hash.add(grad.data(), grad.size());
    hash.add(dX.data(), dX.size());
    hash.add(A.data(), A.size());
}

// The Jacobian, the gradient of each sample, and the Hessian times the parameters, with weights of the samples.
template <class T>
void add_further_derivatives(const Case& of, const Network<T>& network, const Drawn<T>& drawn, Team& team, Hash& hash) {
    const Shape& shape = network.shape();
    Samples<T> samples = drawn.samples();
    Buffer<T> J(n_samples * shape.n_outputs() * shape.n_features());
    Buffer<T> each(n_samples * shape.n_params());
    Buffer<T> Hv(shape.n_params());
    jacobian(network, samples.X, J.data(), team);
    sample_gradients(of.rule(), network, samples, each.matrix(n_samples, shape.n_params()), team);
    samples.weights = drawn.weights();
    hessian_vector_product(of.rule(), network, samples, network, Hv.view(), team);
    hash.add(J.data(), J.size());
    hash.add(each.data(), each.size());
    hash.add(Hv.data(), Hv.size());
}

// Returns whether all that came out was finite: the bits of a NaN are not specified, and would prove nothing.
template <class T>
bool train_case(const Case& of, const Way& way, std::size_t batch_size, Team& team) {
    const Drawn<T> drawn(of);
    Network<T> network(of.shape(), 7, team);
    Training training{of.rule(), way.optimizer, batch_size, 2, true, 5};
    if (way.dropout > 0) training.dropout.assign(network.shape().n_layers(), way.dropout);
    training.input_noise = way.input_noise;
    Nobody nobody;
    Buffer<T> average(network.shape().n_params());
    const TrainingHistory history = train<T>({.network = network,
                                              .samples = drawn.samples(),
                                              .validation = drawn.samples(),
                                              .settings = training,
                                              .observer = nobody,
                                              .average = average.view()},
                                             team);
    Hash hash;
    hash.add(average.data(), average.size());
    hash.add(network.theta().data, network.theta().size);
    hash.add(network.running().data, network.running().size);
    hash.add(history.loss_curve.data(), history.loss_curve.size());
    hash.add(history.validation_curve.data(), history.validation_curve.size());
    add_gradients(of, network, drawn, team, hash);
    add_further_derivatives(of, network, drawn, team, hash);
    const std::string name =
        std::string(type_name<T>()) + "/" + name_of(of) + "/" + way.name + "/batch=" + std::to_string(batch_size);
    hash.print(name);
    if (!hash.finite()) std::fprintf(stderr, "bits_of_training: %s is not finite\n", name.c_str());
    return hash.finite();
}

// The samples of a case by one number of four, the others being 0.
template <class T>
class Thinned {
  public:
    explicit Thinned(const Samples<T>& full)
        : value_(full.size() * full.X.cols), column_(value_.size()), start_(full.size() + 1), samples_(full) {
        std::size_t n = 0;
        for (std::size_t i = 0; i < full.size(); ++i) {
            for (std::size_t k = 0; k < full.X.cols; ++k) {
                if (random_below(4, 7, i * full.X.cols + k) != 0) continue;
                value_.data()[n] = full.X.row(i)[k];
                column_.data()[n++] = static_cast<std::int32_t>(k);
            }
            start_.data()[i + 1] = static_cast<std::int64_t>(n);
        }
        samples_.sparse = {value_.data(), column_.data(), start_.data(), full.size(), full.X.cols};
        samples_.X = {nullptr, full.size(), full.X.cols, 0};
    }

    const Samples<T>& samples() const noexcept { return samples_; }

  private:
    Buffer<T> value_;
    Buffer<std::int32_t> column_;
    Buffer<std::int64_t> start_;
    Samples<T> samples_;
};

// Training and outputs where X is sparse.
template <class T>
bool train_sparse_case(const Case& of, const Way& way, std::size_t batch_size, Team& team) {
    const Drawn<T> drawn(of);
    const Thinned<T> thinned(drawn.samples());
    const Samples<T>& samples = thinned.samples();
    Network<T> network(of.shape(), 7, team);
    const Training training{of.rule(), way.optimizer, batch_size, 2, true, 5};
    Nobody nobody;
    const TrainingHistory history = train<T>(
        {.network = network, .samples = samples, .validation = samples, .settings = training, .observer = nobody},
        team);
    Buffer<T> A(n_samples * network.shape().n_outputs());
    predict(network, samples.sparse, A.matrix(n_samples, network.shape().n_outputs()), team);
    Hash hash;
    hash.add(network.theta().data, network.theta().size);
    hash.add(history.validation_curve.data(), history.validation_curve.size());
    hash.add(A.data(), A.size());
    hash.print(std::string(type_name<T>()) + "/sparse/" + name_of(of) + "/" + way.name +
               "/batch=" + std::to_string(batch_size));
    return hash.finite();
}

// Numbers of every size and sign, down to the subnormals: s 2^e u with e in [lowest, highest) and u in [1, 2).
template <class T>
Buffer<T> numbers_of_every_size(std::size_t n, int lowest, int highest) {
    Buffer<T> x(n);
    for (std::size_t i = 0; i < n; ++i) {
        const int exponent = lowest + random_below(highest - lowest, 4, i);
        const double u = 1.0 + random(5, i);
        const double sign = random_below(2, 6, i) == 0 ? 1.0 : -1.0;
        x.data()[i] = static_cast<T>(__builtin_ldexp(sign * u, exponent));
    }
    return x;
}

// Every function of the table: most of anything but a NaN; log of finite x >= 1; log1p of 0 <= x <= 1, expm1 of x <= 0, sin
// and cos of finite x.
template <class T>
void evaluate_functions() {
    using limits = std::numeric_limits<T>;
    constexpr std::size_t n = 4001;  // no multiple of a register
    const Kernels<T>& k = kernels<T>();
    Buffer<T> anything = numbers_of_every_size<T>(n, -30, 11);  // beyond +-1000 everything has saturated
    const Buffer<T> tiny = numbers_of_every_size<T>(n, limits::min_exponent - limits::digits, -20);
    const Buffer<T> large = numbers_of_every_size<T>(n, 0, limits::max_exponent);
    Buffer<T> at_least_one(n);
    Buffer<T> up_to_one(n);
    Buffer<T> finite(n);
    Buffer<T> negative(n);
    const T special[] = {T{0}, -T{0}, limits::infinity(), -limits::infinity(), limits::denorm_min(), T{1}, -T{1}};
    for (std::size_t i = 0; i < n; ++i) {
        if (i % 5 == 0) anything.data()[i] = tiny.data()[i];
        if (i % 571 < std::size(special)) anything.data()[i] = special[i % 571];
        const T x = i % 2 == 0 ? large.data()[i] : static_cast<T>(1.0 + random(7, i));
        at_least_one.data()[i] = x < T{0} ? -x : x;
        const T u = i % 2 == 0 ? tiny.data()[i] : static_cast<T>(random(8, i));
        up_to_one.data()[i] = u < T{0} ? -u : u;
        const T any = anything.data()[i];
        finite.data()[i] = any - any == T{0} ? any : T{0.5};
        negative.data()[i] = any < T{0} ? any : -any;
    }
    const struct {
        const char* name;
        void (*f)(const T*, std::size_t, T*) noexcept;
        const Buffer<T>& x;
    } functions[] = {{"exp", k.exp, anything},
                     {"tanh", k.tanh, anything},
                     {"logistic", k.logistic, anything},
                     {"log", k.log, at_least_one},
                     {"log1p", k.log1p, up_to_one},
                     {"expm1", k.expm1, negative},
                     {"softplus", k.softplus, anything},
                     {"sin", k.sin, finite},
                     {"cos", k.cos, finite},
                     {"normal_cdf", k.normal_cdf, anything}};
    for (const auto& [name, f, x] : functions) {
        Buffer<T> y(n);
        f(x.data(), n, y.data());
        Hash hash;
        hash.add(y.data(), n);
        hash.print(std::string(type_name<T>()) + "/" + name);
    }
}

// The parameters of every initialiser, for a wide and for a tall matrix, with drawn biases.
template <class T>
void draw_weights(Team& team) {
    for (std::size_t i = 0; i < std::size(initialiser_names); ++i) {
        const InitialLayer layer{{static_cast<Initialiser>(i), 0.75}, InitialBiases::uniform};
        const Network<T> network(Shape({23, 9, 40}, {Activation::selu, Activation::gelu}), 11, {layer, layer}, team);
        Hash hash;
        hash.add(network.theta().data, network.theta().size);
        hash.print(std::string(type_name<T>()) + "/" + initialiser_names[i]);
    }
}

template <class T>
bool all_cases() {
    Stop stop([] { return false; });
    Team team(1, stop);
    bool finite = true;
    evaluate_functions<T>();
    draw_weights<T>(team);
    const std::vector<Case> all = cases();
    for (const Case& of : all)
        for (const Way& way : descents())
            for (const std::size_t batch_size : batch_sizes)
                if (suits(of, batch_size)) finite = train_case<T>(of, way, batch_size, team) && finite;
    for (const Case& of : all)
        for (const Way& way : descents())
            for (const std::size_t batch_size : batch_sizes)
                if (suits(of, batch_size)) finite = train_sparse_case<T>(of, way, batch_size, team) && finite;
    for (const std::size_t i : few_cases)
        for (const Way& way : other_ways())
            for (const std::size_t batch_size : batch_sizes)
                if (suits(all[i], batch_size)) finite = train_case<T>(all[i], way, batch_size, team) && finite;
    return finite;
}

}  // namespace

int main(int argc, char** argv) {
    const KernelTables& tables = available_tables();
    for (std::size_t i = 0; i < tables.count; ++i) {
        if (argc < 2) std::puts(tables.of[i]->isa);
        else if (std::strcmp(argv[1], tables.of[i]->isa) == 0) {
            use(*tables.of[i]);
            const FloatMode mode;
            const bool finite32 = all_cases<float>();
            const bool finite64 = all_cases<double>();
            return finite32 && finite64 ? 0 : 1;
        }
    }
    if (argc < 2) return 0;
    std::fprintf(stderr, "bits_of_training: this machine has no kernel table '%s'\n", argv[1]);
    return 2;
}
