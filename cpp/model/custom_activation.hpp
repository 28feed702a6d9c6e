// Custom activation: f and f' supplied by the user, called for the rows of a batch instead of a kernel.
#pragma once

#include "base/views.hpp"

namespace rosenblatt {

// Each number of a result is of the same number z alone, or of its row; so no cut of a batch can change it. All may
// throw.
class CustomActivation {
  public:
    virtual ~CustomActivation() = default;

    virtual const char* name() const noexcept = 0;

    // A = f(Z), both (n, n_l); A may be Z.
    virtual void activate(Matrix<const float> Z, Matrix<float> A) const = 0;
    virtual void activate(Matrix<const double> Z, Matrix<double> A) const = 0;

    // Delta = dC/dz from Delta = dC/da, in place: Delta * f'(Z), number by number. Both (n, n_l).
    template <class T>
    void backward(Matrix<const T> Z, Matrix<T> Delta) const;

  protected:
    // S = f'(Z), both (n, n_l).
    virtual void slope(Matrix<const float> Z, Matrix<float> S) const = 0;
    virtual void slope(Matrix<const double> Z, Matrix<double> S) const = 0;
};

}  // namespace rosenblatt
