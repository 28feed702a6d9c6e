// The kernel table: the mathematics on views, one set of functions per instruction set. No kernel allocates, checks
// or starts a thread; shapes are asserted in the model and checked at the door. Outputs come last and overlap no input
// unless the comment says so. The arithmetic is docs/arithmetic.md, to the bit.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/views.hpp"
#include "kernels/functions.hpp"

namespace rosenblatt {

// What the samples of a batch should give: rows of numbers, or a label a sample. Exactly one is set.
template <class T>
struct Targets {
    Matrix<const T> Y;                     // (n, n_outputs)
    const std::int64_t* labels = nullptr;  // (n,)

    constexpr Targets slice(std::size_t first, std::size_t count) const noexcept {
        if (labels != nullptr) return {{}, labels + first};
        return {Y.slice(first, count), nullptr};
    }
};

// A sum with many terms and few results runs as 16 interleaved chains (docs/arithmetic.md, section 1). The numbers
// part of the specification: below them a single chain is no slower.
constexpr bool interleaved(std::size_t n_terms, std::size_t n_results) noexcept {
    return n_terms >= 256 && n_results <= 16;
}

template <class T>
struct SgdStep {
    T learning_rate;
    T momentum;
    bool nesterov;
};

template <class T>
struct Kernels {
    // C[r][j] = start[j] + sum_t L[r][t] R[t][j], a chain over t. L (rows, terms), R (terms, cols), start (cols,) or
    // null for 0, C (rows, cols). Is z = W a + b, dC/da = W^T delta and dC/dW = delta a^T alike.
    void (*multiply)(StridedMatrix<const T> L, Matrix<const T> R, const T* start, Matrix<T> C) noexcept;

    // The same for a large product, faster, by way of copies in `space`, packing_space numbers aligned as a Buffer is. L has
    // a step of 1 along its rows or its columns.
    void (*multiply_packed)(StridedMatrix<const T> L, Matrix<const T> R, const T* start, Matrix<T> C,
                            T* space) noexcept;
    std::size_t packing_space;

    // The same as multiply with 16 interleaved chains.
    void (*multiply_interleaved)(StridedMatrix<const T> L, Matrix<const T> R, const T* start, Matrix<T> C) noexcept;

    // A = f(start + L R) for an f that acts on each number by itself, not softmax. A (rows, cols).
    void (*multiply_activate)(StridedMatrix<const T> L, Matrix<const T> R, const T* start, Activation f,
                              Matrix<T> A) noexcept;

    // w := w - epsilon (L R), the gradient and the step in one pass over W (rows, cols). v as W, null without momentum.
    void (*multiply_descend)(StridedMatrix<const T> L, Matrix<const T> R, SgdStep<T> step, Matrix<T> v,
                             Matrix<T> W) noexcept;

    // The numbers in a register.
    std::size_t width;

    // B = A^T, filled up with 0. A (rows, cols), B (cols, rows or more).
    void (*transpose)(Matrix<const T> A, Matrix<T> B) noexcept;

    // s[j] = A[0][j] + A[1][j] + ..., from 0. A (rows, cols), s (cols,).
    void (*sum_rows)(Matrix<const T> A, T* s) noexcept;

    // A = f(Z). Both (rows, cols); A may be Z.
    void (*activate)(Activation f, Matrix<const T> Z, Matrix<T> A) noexcept;

    // Delta = dC/dz from Delta = dC/da, in place. A = f(Z), both (rows, cols).
    void (*through_activation)(Activation f, Matrix<const T> A, Matrix<T> Delta) noexcept;

    // The output A = f(Z), the loss of each sample and delta^(L) = dC/dz^(L). Z, A, Delta (rows, n_outputs), scale and c
    // (rows,): sample i has the loss c[i] and the share scale[i] in the cost. Delta may be null: only A and c are wanted.
    void (*loss)(Loss loss, Activation output, Matrix<const T> Z, Targets<T> targets, const T* scale, Matrix<T> A,
                 double* c, Matrix<T> Delta) noexcept;

    // w := w - epsilon dC/dw over n parameters; v (n,) are the velocities, null without momentum. w, v are updated.
    void (*sgd_step)(SgdStep<T> step, const T* dw, std::size_t n, T* v, T* w) noexcept;

    // The index of the first NaN or infinity among n numbers, or n.
    std::size_t (*first_non_finite)(const T* x, std::size_t n) noexcept;

    // y = f(x) over n numbers, for the tests and the benchmarks of simd/math.hpp.
    void (*exp)(const T* x, std::size_t n, T* y) noexcept;
    void (*log)(const T* x, std::size_t n, T* y) noexcept;
    void (*log1p)(const T* x, std::size_t n, T* y) noexcept;
    void (*tanh)(const T* x, std::size_t n, T* y) noexcept;
    void (*logistic)(const T* x, std::size_t n, T* y) noexcept;
};

struct KernelTable {
    const char* isa;
    Kernels<float> f32;
    Kernels<double> f64;
};

// The tables that this machine can run, the best one first; the last runs on every machine of its kind: "neon" on
// arm64, "baseline" elsewhere.
struct KernelTables {
    const KernelTable* of[4];
    std::size_t count;
};
const KernelTables& available_tables() noexcept;

// The table in use: the best one, until another is chosen. Every table gives the same bits.
const KernelTable& kernel_table() noexcept;
void use(const KernelTable& table) noexcept;

template <class T>
const Kernels<T>& kernels() noexcept;
template <>
inline const Kernels<float>& kernels<float>() noexcept {
    return kernel_table().f32;
}
template <>
inline const Kernels<double>& kernels<double>() noexcept {
    return kernel_table().f64;
}

}  // namespace rosenblatt
