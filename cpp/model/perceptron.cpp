// Perceptron: the loop over the samples, with w kept as a scale times a vector so that an l2 step is one
// multiplication.
#include "model/perceptron.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "base/assert.hpp"
#include "base/buffer.hpp"
#include "model/product.hpp"
#include "model/rows.hpp"

namespace rosenblatt {

namespace {

// The elements of a sample: value[j] in column[j], or in column j if `column` is null.
template <class T>
struct Entries {
    const T* value;
    const std::int32_t* column;
    std::size_t size;

    // f(column, value) for each, in order.
    template <class F>
    ROSENBLATT_INLINE void each(F f) const noexcept {
        if (column == nullptr)
            for (std::size_t j = 0; j < size; ++j) f(j, value[j]);
        else
            for (std::size_t j = 0; j < size; ++j) f(static_cast<std::size_t>(column[j]), value[j]);
    }
};

template <class T>
Entries<T> entries(const PerceptronRows<T>& X, std::size_t i) noexcept {
    if (X.dense.data != nullptr) return {X.dense.row(i), nullptr, X.dense.cols};
    const std::int64_t begin = X.sparse.start[i];
    return {X.sparse.value + begin, X.sparse.column + begin, static_cast<std::size_t>(X.sparse.start[i + 1] - begin)};
}

// w = scale * v. Source of the representation: Bottou, "Stochastic gradient descent tricks", 2012.
template <class T>
class ScaledWeights {
  public:
    // measures: true if the norms are needed.
    ScaledWeights(Vector<T> v, bool measures) noexcept : v_(v), measures_(measures) {
        for (std::size_t j = 0; j < v.size; ++j) {
            square_ += static_cast<double>(v[j] * v[j]);
            sum_ += static_cast<double>(std::abs(v[j]));
        }
    }

    // v . x
    double product(Entries<T> x) const noexcept {
        double sum = 0;
        x.each([&](std::size_t j, T value) noexcept { sum += static_cast<double>(v_[j] * value); });
        return sum;
    }

    double scale() const noexcept { return scale_; }
    T norm() const noexcept { return static_cast<T>(std::sqrt(square_)); }
    T sum() const noexcept { return static_cast<T>(sum_); }
    Vector<T> unscaled() const noexcept { return v_; }

    // w := w + c x. The norms become those of the elements that x has, as scikit-learn has it.
    void add(Entries<T> x, T c) noexcept {
        const T scale = static_cast<T>(scale_);
        const double step = static_cast<double>(c / scale);
        const auto moved = [&](std::size_t j, T value) noexcept {
            return v_[j] = static_cast<T>(static_cast<double>(v_[j]) + static_cast<double>(value) * step);
        };
        if (!measures_) return x.each([&](std::size_t j, T value) noexcept { moved(j, value); });
        double square = 0;
        double sum = 0;
        x.each([&](std::size_t j, T value) noexcept {
            const T w = moved(j, value);
            square += static_cast<double>(w * w);
            sum += static_cast<double>(std::abs(w));
        });
        square_ = square * static_cast<double>(scale * scale);
        sum_ = sum * static_cast<double>(scale);
    }

    // w := c w. True if v changed.
    bool shrink(T c) noexcept {
        constexpr double smallest = sizeof(T) == 4 ? 1e-6 : 1e-9;
        scale_ *= static_cast<double>(c);
        square_ *= static_cast<double>(c * c);
        sum_ *= static_cast<double>(std::abs(c));
        if (scale_ >= smallest) return false;
        apply_scale();
        return true;
    }

    void apply_scale() noexcept {
        const T scale = static_cast<T>(scale_);
        for (std::size_t j = 0; j < v_.size; ++j) v_[j] *= scale;
        scale_ = 1;
    }

    // The elements that x has come nearer to 0, by what `total` of l1 they have not had yet; had (n_features,) is what
    // they had. Source: Tsuruoka, Tsujii, Ananiadou, ACL 2009.
    void pull(Entries<T> x, double total, T* had) noexcept {
        x.each([&](std::size_t j, T) noexcept {
            const auto before = static_cast<double>(v_[j]);
            const auto taken = static_cast<double>(had[j]);
            double w = before;
            if (scale_ * before > 0) w = std::max(0.0, before - (total + taken) / scale_);
            else if (scale_ * before < 0) w = std::min(0.0, before + (total - taken) / scale_);
            v_[j] = static_cast<T>(w);
            had[j] = static_cast<T>(taken + scale_ * (static_cast<double>(v_[j]) - before));
        });
    }

  private:
    Vector<T> v_;
    bool measures_;
    double scale_ = 1;
    double square_ = 0;  // the sum of the squares of w
    double sum_ = 0;     // that of its sizes
};

// v . x of the samples in their order, some computed ahead of their turn: one sum waits for its own last addition, so
// four next to each other take no longer. They hold until v changes.
template <class T>
class Products {
  public:
    Products(const ScaledWeights<T>& w, const PerceptronRows<T>& X, const std::size_t* order) noexcept
        : w_(w), X_(X), order_(order), n_(X.n()) {}

    double at(std::size_t i) noexcept {
        if (X_.dense.data == nullptr) return w_.product(entries(X_, order_[i]));  // rows of different lengths
        if (i < first_ || i >= end_) look_ahead(i);
        return found_[i - first_];
    }

    void forget() noexcept { end_ = first_; }

  private:
    static constexpr std::size_t at_once = 4;

    void look_ahead(std::size_t i) noexcept {
        first_ = i;
        if (n_ - i < at_once) {
            end_ = i + 1;
            found_[0] = w_.product(entries(X_, order_[i]));
            return;
        }
        end_ = i + at_once;
        const T* const v = w_.unscaled().data;
        const T* x[at_once];
        for (std::size_t k = 0; k < at_once; ++k) x[k] = X_.dense.row(order_[i + k]);
        double sum[at_once] = {};
        for (std::size_t j = 0; j < X_.dense.cols; ++j)
            for (std::size_t k = 0; k < at_once; ++k) sum[k] += static_cast<double>(v[j] * x[k][j]);
        std::copy_n(sum, at_once, found_.data());
    }

    const ScaledWeights<T>& w_;
    const PerceptronRows<T>& X_;
    const std::size_t* order_;
    std::size_t n_;
    std::size_t first_ = 0;
    std::size_t end_ = 0;
    std::array<double, at_once> found_{};
};

// scikit-learn's order: a Fisher-Yates shuffle from the front by a 32-bit xorshift, the same one on the order of the
// epoch before. Source: Marsaglia, Journal of Statistical Software 8(14), 2003.
void shuffle_again(std::uint32_t seed, Vector<std::size_t> order) noexcept {
    if (seed == 0) seed = 1;
    const std::size_t n = order.size;
    for (std::size_t i = 0; i + 1 < n; ++i) {
        seed ^= seed << 13;
        seed ^= seed >> 17;
        seed ^= seed << 5;
        const std::uint32_t random = seed & 0x7FFFFFFF;
        std::swap(order[i], order[i + random % (n - i)]);
    }
}

// Whether to stop: no progress by tol in n_iter_no_change epochs in a row. Progress is a smaller objective or a larger
// score; that the two are compared differently is scikit-learn's.
class Patience {
  public:
    explicit Patience(const PerceptronSettings& settings) noexcept : settings_(settings) {}

    bool ends_with_score(double score) noexcept {
        const bool idle = settings_.tol > -infinity && score < best_score_ + settings_.tol;
        best_score_ = std::max(best_score_, score);
        return ends(idle);
    }

    bool ends_with_objective(double objective) noexcept {
        const bool idle = settings_.tol > -infinity && objective > best_objective_ - settings_.tol;
        best_objective_ = std::min(best_objective_, objective);
        return ends(idle);
    }

  private:
    static constexpr double infinity = std::numeric_limits<double>::infinity();

    bool ends(bool idle) noexcept {
        epochs_idle_ = idle ? epochs_idle_ + 1 : 0;
        return epochs_idle_ >= settings_.n_iter_no_change;
    }

    const PerceptronSettings& settings_;
    std::size_t epochs_idle_ = 0;
    double best_objective_ = infinity;
    double best_score_ = -infinity;
};

template <class T>
class Learning {
  public:
    Learning(const PerceptronSettings& settings, const PerceptronSamples<T>& samples, const OneAgainstRest<T>& problem,
             Vector<T> w, double intercept, PerceptronObserver* observer, Stop& stop)
        : settings_(settings),
          samples_(samples),
          problem_(problem),
          observer_(observer),
          stop_(stop),
          n_(samples.X.n()),
          n_learned_(n_ - static_cast<std::size_t>(std::count(samples.held_out, samples.held_out + n_, true))),
          sums_(observer != nullptr || !settings.early_stopping),
          has_l1_(settings.penalty == PerceptronPenalty::l1 || settings.penalty == PerceptronPenalty::elasticnet),
          has_l2_(settings.penalty == PerceptronPenalty::l2 || settings.penalty == PerceptronPenalty::elasticnet),
          order_(n_),
          had_(has_l1_ ? w.size : 0),
          w_(w, observer != nullptr || (sums_ && settings.penalty != PerceptronPenalty::none)),
          products_(w_, samples.X, order_.data()),
          intercept_(intercept) {
        for (std::size_t i = 0; i < n_; ++i) order_.data()[i] = i;
    }

    LearnedPerceptron epochs() {
        Patience patience(settings_);
        std::size_t epoch = 0;
        while (epoch < settings_.max_iter) {
            one_epoch();
            ++epoch;
            if (!finite()) return {intercept_, epoch, false};
            const auto n = static_cast<double>(n_learned_);
            const double score = settings_.early_stopping ? score_of_held_out() : 0;
            const bool ends = settings_.early_stopping ? patience.ends_with_score(score)
                                                       : patience.ends_with_objective(objective_ / n);
            if (observer_ != nullptr)
                observer_->epoch_done({epoch, static_cast<double>(w_.norm()), n_not_zero(), intercept_,
                                       epoch * n_learned_, loss_ / n, objective_ / n, score, ends});
            if (ends) break;
        }
        w_.apply_scale();
        return {intercept_, epoch, true};
    }

  private:
    void one_epoch() {
        loss_ = 0;
        objective_ = 0;
        if (settings_.shuffle) shuffle_again(problem_.seed, order_.view());
        products_.forget();
        for (std::size_t i = 0; i < n_; ++i) {
            const std::size_t sample = order_.data()[i];
            if (samples_.held_out[sample]) continue;
            const Entries<T> x = entries(samples_.X, sample);
            one_sample(i, sample, x);
            constexpr std::size_t work_per_sample = 16;
            stop_.look(static_cast<double>(x.size + work_per_sample));
            stop_.throw_if_requested();
        }
    }

    void one_sample(std::size_t i, std::size_t sample, Entries<T> x) noexcept {
        const bool positive = samples_.label[sample] == problem_.label;
        const double y = positive ? 1 : -1;
        const double z = y * (static_cast<double>(static_cast<T>(products_.at(i) * w_.scale())) + intercept_);
        const bool mistake = z <= 0;
        if (sums_) add_to_sums(mistake ? 0 - z : 0);
        const T weight = (positive ? problem_.positive_weight : problem_.negative_weight) * samples_.weight[sample];
        const double update = mistake ? settings_.eta * y * static_cast<double>(weight) : 0;
        if (has_l2_) {
            const double kept = 1 - (1 - settings_.l1_ratio) * settings_.eta * settings_.alpha;
            if (w_.shrink(static_cast<T>(std::max(0.0, kept)))) products_.forget();
        }
        if (update != 0) {
            w_.add(x, static_cast<T>(update));
            if (settings_.intercept_share != 0) intercept_ += update * settings_.intercept_share;
            products_.forget();
        }
        if (has_l1_) {
            l1_total_ += settings_.l1_ratio * settings_.eta * settings_.alpha;
            w_.pull(x, l1_total_, had_.data());
            products_.forget();
        }
    }

    void add_to_sums(double loss) noexcept {
        loss_ += loss;
        objective_ += loss;
        if (settings_.penalty == PerceptronPenalty::none) return;
        const auto square = static_cast<double>(w_.norm() * w_.norm());
        objective_ += settings_.alpha *
                      ((1 - settings_.l1_ratio) * 0.5 * square + settings_.l1_ratio * static_cast<double>(w_.sum()));
    }

    // The part of the weight that is on the right side, by v as scikit-learn has it.
    double score_of_held_out() const {
        double right = 0;
        double total = 0;
        for (std::size_t i = 0; i < n_; ++i) {
            if (!samples_.held_out[i]) continue;
            const auto weight = static_cast<double>(samples_.weight[i]);
            const Entries<T> x = entries(samples_.X, i);
            const bool above = w_.product(x) + intercept_ > 0;
            stop_.look(static_cast<double>(x.size));
            stop_.throw_if_requested();
            total += weight;
            if (above == (samples_.label[i] == problem_.label)) right += weight;
        }
        return static_cast<double>(static_cast<T>(right) / static_cast<T>(total));
    }

    bool finite() const noexcept {
        const Vector<T> v = w_.unscaled();
        return std::isfinite(intercept_) && kernels<T>().first_non_finite(v.data, v.size) == v.size;
    }

    std::size_t n_not_zero() const noexcept {
        const Vector<T> v = w_.unscaled();
        return v.size - static_cast<std::size_t>(std::count(v.data, v.data + v.size, T{0}));
    }

    const PerceptronSettings& settings_;
    const PerceptronSamples<T>& samples_;
    const OneAgainstRest<T>& problem_;
    PerceptronObserver* observer_;
    Stop& stop_;
    std::size_t n_;
    std::size_t n_learned_;
    bool sums_;
    bool has_l1_;
    bool has_l2_;
    Buffer<std::size_t> order_;
    Buffer<T> had_;
    ScaledWeights<T> w_;
    Products<T> products_;
    double intercept_;
    double l1_total_ = 0;
    double loss_ = 0;
    double objective_ = 0;
};

// z of one sample and class: a chain over its stored elements.
template <class T>
T chain(T start, Entries<T> x, const T* w) noexcept {
    T z = start;
    x.each([&](std::size_t k, T value) noexcept { z = std::fma(value, w[k], z); });
    return z;
}

}  // namespace

template <class T>
LearnedPerceptron learn(const PerceptronSettings& settings, const PerceptronSamples<T>& samples,
                        const OneAgainstRest<T>& problem, Vector<T> w, double intercept, PerceptronObserver* observer,
                        Stop& stop) {
    return Learning<T>(settings, samples, problem, w, intercept, observer, stop).epochs();
}

template <class T>
void decide(const PerceptronRows<T>& X, Matrix<const T> W, const T* b, Matrix<T> Z, Team& team) {
    if (X.dense.data != nullptr) {
        RowPointers<const T> rows(X.n());
        const RightOperand<T> weights = W.rows == 1 ? RightOperand<T>{{W.data, W.cols, 1, 1, panel_cols<T>}, false}
                                                    : RightOperand<T>{in_panels(W), true};
        multiply<T>({{rows.to(X.dense)}, weights}, b, in_panels(Z), Chains::single, team);
        return;
    }
    const double mean_size = static_cast<double>(X.sparse.start[X.n()]) / static_cast<double>(X.n()) + 1;
    team.slices(X.n(), mean_size * static_cast<double>(W.rows), [&](std::size_t first, std::size_t count) noexcept {
        for (std::size_t i = first; i < first + count; ++i)
            for (std::size_t j = 0; j < W.rows; ++j) Z.row(i)[j] = chain(b[j], entries(X, i), W.row(j));
    });
}

template LearnedPerceptron learn(const PerceptronSettings&, const PerceptronSamples<float>&,
                                 const OneAgainstRest<float>&, Vector<float>, double, PerceptronObserver*, Stop&);
template LearnedPerceptron learn(const PerceptronSettings&, const PerceptronSamples<double>&,
                                 const OneAgainstRest<double>&, Vector<double>, double, PerceptronObserver*, Stop&);
template void decide(const PerceptronRows<float>&, Matrix<const float>, const float*, Matrix<float>, Team&);
template void decide(const PerceptronRows<double>&, Matrix<const double>, const double*, Matrix<double>, Team&);

}  // namespace rosenblatt
