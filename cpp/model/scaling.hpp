// Scaling: between the user's numbers and those that a network works on, x' = (x - offset) * factor for every column.
// At training the samples are scaled once; outputs are scaled back. The arithmetic is docs/arithmetic.md, section 8.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/buffer.hpp"
#include "model/network.hpp"
#include "model/team.hpp"
#include "model/workspace.hpp"

namespace rosenblatt {

// How offset and factor come from a column: its mean and standard deviation; its smallest number and its range; its
// median and the distance of its quartiles.
enum class ScalingRule : std::uint8_t { standard, minmax, robust };
inline constexpr const char* scaling_names[] = {"standard", "minmax", "robust"};

template <class T>
class Scaling {
  public:
    explicit Scaling(std::size_t size) : offset_(size), factor_(size) {}

    std::size_t size() const noexcept { return offset_.size(); }
    Vector<T> offset() noexcept { return offset_.view(); }  // (size,)
    Vector<T> factor() noexcept { return factor_.view(); }  // (size,), above 0
    Vector<const T> offset() const noexcept { return offset_.view(); }
    Vector<const T> factor() const noexcept { return factor_.view(); }

    // to = (from - offset) * factor. Both (n, size), as all below.
    void scale(Matrix<const T> from, Matrix<T> to) const noexcept;

    // x = x' / factor + offset, in place.
    void unscale(Matrix<T> rows) const noexcept;

    // d/dx = d/dx' * factor, and the other way round, in place.
    void multiply_by_factor(Matrix<T> rows) const noexcept;
    void divide_by_factor(Matrix<T> rows) const noexcept;

  private:
    Buffer<T> offset_;
    Buffer<T> factor_;
};

// A network's scalings; without one the numbers are the user's.
template <class T>
struct Scalings {
    std::optional<Scaling<T>> inputs;   // of n_features columns
    std::optional<Scaling<T>> targets;  // of n_outputs columns, for an identity output
};

// offset and factor (cols,) in float64 from X (n, cols). The factor of a column without spread is 1; one whose spread
// is too small or too large for a float64 has a factor that is infinite, 0 or NaN. Throws Stopped.
template <class T>
void fit(ScalingRule rule, Matrix<const T> X, Vector<double> offset, Vector<double> factor, Team& team);

// Samples as the network reads them: as they came, or scaled copies. Where X is sparse, the offsets of its scaling are
// 0: others would fill it up.
template <class T>
class ScaledSamples {
  public:
    ScaledSamples(Samples<T> samples, const Scalings<T>& scalings);
    ScaledSamples(const ScaledSamples&) = delete;
    ScaledSamples& operator=(const ScaledSamples&) = delete;

    const Samples<T>& samples() const noexcept { return samples_; }

  private:
    Samples<T> samples_;
    Buffer<T> X_;
    Buffer<T> Y_;
};

// A (n, n_outputs) = the outputs of X (n, n_features), both in the user's numbers. Throws Stopped.
template <class T>
void predict(const Network<T>& network, const Scalings<T>& scalings, Matrix<const T> X, Matrix<T> A, Team& team);
template <class T>
void predict(const Network<T>& network, const Scalings<T>& scalings, const CsrView<T>& X, Matrix<T> A, Team& team);

}  // namespace rosenblatt
