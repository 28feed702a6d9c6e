// Custom activation: backward.
#include "model/custom_activation.hpp"

#include "base/buffer.hpp"
#include "kernels/table.hpp"

namespace rosenblatt {

template <class T>
void CustomActivation::backward(Matrix<const T> Z, Matrix<T> Delta) const {
    Buffer<T> numbers(Z.rows * Z.cols);
    const Matrix<T> S = numbers.matrix(Z.rows, Z.cols);
    slope(Z, S);
    kernels<T>().multiply_numbers(Delta, S, Delta);
}

template void CustomActivation::backward(Matrix<const float>, Matrix<float>) const;
template void CustomActivation::backward(Matrix<const double>, Matrix<double>) const;

}  // namespace rosenblatt
