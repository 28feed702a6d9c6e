// Perceptron: Rosenblatt's rule, a sample at a time. Where y z <= 0, w := w + eta y x and b := b + eta y; one class
// against the others. The arithmetic is docs/arithmetic.md, section 10. Sources: Rosenblatt, Psychological Review
// 65(6), 1958; the rules for stopping, the penalties and the order of the samples are those of scikit-learn's
// Perceptron.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/sparse.hpp"
#include "base/views.hpp"
#include "model/team.hpp"

namespace rosenblatt {

enum class PerceptronPenalty : std::uint8_t { none, l1, l2, elasticnet };
inline constexpr const char* perceptron_penalty_names[] = {"none", "l1", "l2", "elasticnet"};

struct PerceptronSettings {
    PerceptronPenalty penalty;
    double alpha;
    double l1_ratio;  // of the penalty, the rest being l2: 0 for l2, 1 for l1
    double eta;
    double intercept_share;  // of an update; 0 keeps the intercept
    std::size_t max_iter;
    double tol;  // minus infinity to go on to the last epoch
    std::size_t n_iter_no_change;
    bool shuffle;
    bool early_stopping;  // by the score of what is held out, not by the objective
};

// X (n, n_features), dense or sparse. Exactly one is set.
template <class T>
struct PerceptronRows {
    Matrix<const T> dense;
    CsrView<T> sparse;

    std::size_t n() const noexcept { return dense.data != nullptr ? dense.rows : sparse.rows; }
};

// Each (n,) but X.
template <class T>
struct PerceptronSamples {
    PerceptronRows<T> X;
    const std::int64_t* label;
    const T* weight;
    const bool* held_out;  // not learned from, but scored for early_stopping
};

// A class against the others: y is 1 for its label and -1 for every other.
template <class T>
struct OneAgainstRest {
    std::int64_t label;
    T positive_weight;
    T negative_weight;
    std::uint32_t seed;  // of the order of the samples
};

// What scikit-learn prints of an epoch.
struct PerceptronEpoch {
    std::size_t epoch;
    double norm;
    std::size_t n_not_zero;
    double intercept;
    std::size_t n_samples_seen;
    double mean_loss;
    double mean_objective;
    double score;  // of what is held out, 0 without early_stopping
    bool converged;
};

// Receives epoch events. It may throw.
class PerceptronObserver {
  public:
    virtual ~PerceptronObserver() = default;
    virtual void epoch_done(const PerceptronEpoch& epoch) = 0;
};

struct LearnedPerceptron {
    double intercept;
    std::size_t n_iter;
    bool finite;  // otherwise learning ended in epoch n_iter, and w is worth nothing
};

// w (n_features,), updated, and the intercept, from where they are. observer may be null. Throws Stopped, and what the
// observer throws.
template <class T>
LearnedPerceptron learn(const PerceptronSettings& settings, const PerceptronSamples<T>& samples,
                        const OneAgainstRest<T>& problem, Vector<T> w, double intercept, PerceptronObserver* observer,
                        Stop& stop);

// Z (n, n_classes) = b + X W^T: single chains over the features, with W (n_classes, n_features) and b (n_classes,).
// Throws Stopped.
template <class T>
void decide(const PerceptronRows<T>& X, Matrix<const T> W, const T* b, Matrix<T> Z, Team& team);

}  // namespace rosenblatt
