// Own activation: the way back through it.
#include "model/own_activation.hpp"

#include "base/buffer.hpp"
#include "kernels/table.hpp"

namespace rosenblatt {

template <class T>
void OwnActivation::through(Matrix<const T> Z, Matrix<T> Delta) const {
    Buffer<T> numbers(Z.rows * Z.cols);
    const Matrix<T> S = numbers.matrix(Z.rows, Z.cols);
    slope(Z, S);
    kernels<T>().multiply_numbers(Delta, S, Delta);
}

template void OwnActivation::through(Matrix<const float>, Matrix<float>) const;
template void OwnActivation::through(Matrix<const double>, Matrix<double>) const;

}  // namespace rosenblatt
