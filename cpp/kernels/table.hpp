// The kernel table: the mathematics on views, one set of functions per instruction set. No kernel allocates, checks
// or starts a thread; shapes are asserted in the model and checked in the bindings. Outputs are last and overlap no input
// unless the comment says so. The arithmetic is docs/arithmetic.md, to the bit.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/views.hpp"
#include "kernels/functions.hpp"
#include "kernels/rules.hpp"

namespace rosenblatt {

// What the samples of a batch should give: rows of numbers, or a label a sample. Exactly one is set.
template <class T>
struct Targets {
    Matrix<const T> Y;                     // (n, n_targets), a target for each output but with gaussian_nll
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

// The states of n parameters, those that their rule has: (n,) each.
template <class T>
struct States {
    T* of[max_states] = {};
};

// The states of a weight matrix, in its layout.
template <class T>
struct PanelStates {
    Panels<T> of[max_states] = {};

    // What belongs to n numbers of the matrix from (i, j) on, of one row and panel.
    ROSENBLATT_INLINE constexpr States<T> at(std::size_t i, std::size_t j, std::size_t count) const noexcept {
        States<T> states;
        for (std::size_t k = 0; k < count; ++k) states.of[k] = of[k].at(i, j);
        return states;
    }
};

// The right factor of a product: M or its transpose, (terms, cols). M is a weight matrix, or the rows of a batch.
template <class T>
struct RightOperand {
    Panels<const T> M;
    bool transposed = false;

    constexpr std::size_t terms() const noexcept { return transposed ? M.cols : M.rows; }
    constexpr std::size_t cols() const noexcept { return transposed ? M.rows : M.cols; }
};

// The left factor of a product: the rows of a batch, or its columns: M or its transpose, (rows, terms).
template <class T>
struct LeftOperand {
    Scattered<const T> M;
    bool transposed = false;

    constexpr std::size_t rows() const noexcept { return transposed ? M.cols : M.rows; }
    constexpr std::size_t terms() const noexcept { return transposed ? M.rows : M.cols; }
};

// Panels of R that are copied at a time: those that a tile reads side by side; tiles are wider if L has few rows.
constexpr std::size_t panels_at_once(std::size_t n_rows) noexcept { return n_rows <= 2 ? 4 : n_rows <= 6 ? 2 : 1; }

// Rows of the next batch, prefetched one cache line per term of the running product.
template <class T>
struct Prefetch {
    const T* first_row = nullptr;  // of all samples, (n_samples, row_size) row-major
    std::size_t row_size = 0;
    const std::size_t* next = nullptr;  // the indices of the rows that are still to be requested
    const std::size_t* end = nullptr;
    std::size_t asked = 0;  // bytes of the next row that were requested

    // The i-th of n parts.
    constexpr Prefetch part(std::size_t i, std::size_t n) const noexcept {
        const auto rows = static_cast<std::size_t>(end - next);
        return {first_row, row_size, next + rows * i / n, next + rows * (i + 1) / n, 0};
    }

    // Start of the next `terms` requests, and the bytes from one to the next: a cache line, or less if less is
    // left of the row. Null if all is done.
    ROSENBLATT_INLINE const unsigned char* take(std::size_t terms, std::size_t& step) noexcept {
        constexpr std::size_t line = 64;
        step = 0;
        if (next == end) return nullptr;
        const auto* const row = reinterpret_cast<const unsigned char*>(first_row + *next * row_size);
        const unsigned char* const from = row + asked;
        const std::size_t left = row_size * sizeof(T) - asked;
        if (left > terms * line) {
            step = line;
            asked += terms * line;
        } else {
            step = (left + terms - 1) / terms;
            asked = 0;
            ++next;
        }
        return from;
    }
};

// Columns of L that are copied at a time in a product by columns.
constexpr std::size_t columns_copied = 56;

// L R, a product as a kernel gets it. L (rows, terms), R (terms, cols).
template <class T>
struct Operands {
    LeftOperand<T> L;
    RightOperand<T> R;
    // Where columns_copied columns of a transposed L are copied first, (terms, columns_copied), followed by `terms`
    // pointers; null if L is read in place.
    T* L_copy = nullptr;
    // Where panels of R are copied first, (panels, terms, panel_cols), to be read from one end to the other: always
    // if R is transposed; null if R is read in place.
    T* R_copy = nullptr;
    std::size_t panels = 0;
    Prefetch<T> prefetch = {};
};

// Initial sums of a product: `row` (cols,) for every row, zero if it is null, or the result itself if an earlier block
// of terms is continued.
template <class T>
struct Init {
    const T* row = nullptr;
    bool continues = false;
};

// The random words of the rows of an epoch: those of the Philox counters (block, row, epoch, purpose).
struct RowStream {
    std::uint32_t key[2];
    std::uint32_t purpose;
    std::uint32_t epoch;
    std::size_t first_row;  // the position in the epoch of the first row

    // The words that another layer draws for the same purpose.
    constexpr RowStream of_layer(std::size_t layer) const noexcept {
        return {{key[0], key[1]}, purpose + (static_cast<std::uint32_t>(layer) << 8), epoch, first_row};
    }
    constexpr RowStream from(std::size_t row) const noexcept {
        return {{key[0], key[1]}, purpose, epoch, first_row + row};
    }
};

// Dropout of what goes into a layer: a unit whose random word is below `dropped_below` becomes 0, another one times
// `scale`.
template <class T>
struct Drop {
    std::uint32_t dropped_below = 0;
    T scale = 1;
    Matrix<T> mask = {};     // (n, n_in), written: 0 or scale; null without dropout
    Matrix<T> dropped = {};  // (n, n_in), written: what is left

    constexpr Drop slice(std::size_t first, std::size_t count) const noexcept {
        return {dropped_below, scale, mask.slice(first, count), dropped.slice(first, count)};
    }
};

// A layer of a small network, and what a step computes into. W, b, A and Delta are filled up to whole registers
// (model/shape.hpp), `columns` of them.
template <class T>
struct SmallLayer {
    Panels<T> W;  // (n_in, columns)
    T* b;         // (columns,)
    PanelStates<T> state_W;
    States<T> state_b;
    Activation f;
    std::size_t n_out;
    Matrix<T> A;  // (batch_size, columns), and pointers to its rows
    const T* const* A_rows;
    Matrix<T> Delta;  // same
    const T* const* Delta_rows;
    Matrix<T> Z;   // (batch_size, columns) if f' is computed from z; null for the other hidden layers
    Drop<T> drop;  // dropout of the input, and pointers to the rows after it
    const T* const* dropped_rows;

    // What f' of a hidden layer is computed from.
    ROSENBLATT_INLINE Matrix<T> derivative_from() const noexcept { return Z.data != nullptr ? Z : A; }
};

// A small network, and everything that a step needs except the samples.
template <class T>
struct SmallNetwork {
    const SmallLayer<T>* layers;
    std::size_t n_layers;
    LossRule loss;
    const UpdateRule<T>* rule;
    Matrix<T> Z;          // of the output, (batch_size, columns)
    T* scale;             // (batch_size,), the share of each sample in the cost
    double* sample_loss;  // (batch_size,)
    T* db;                // scratch for the gradient of any b
    T* scratch;           // for the transposed panels of any W but the first: panels_at_once * panel_cols * n_out
    RowStream dropout;    // of layer 0, for this step
};

// A layer and its derivatives along a direction: z, a, R{z}, R{a}, each (n, n_out). R{x} is the derivative of x with
// respect to t if theta moves as theta + t v. Source: Pearlmutter, Neural Computation 6, 1994.
template <class T>
struct LayerAlong {
    Matrix<const T> Z;
    Matrix<const T> A;
    Matrix<const T> R_Z;
    Matrix<const T> R_A;

    constexpr LayerAlong slice(std::size_t first, std::size_t count) const noexcept {
        return {Z.slice(first, count), A.slice(first, count), R_Z.slice(first, count), R_A.slice(first, count)};
    }
};

template <class T>
struct Kernels {
    // C = init + L R: C[r][j] is a chain over t of L[r][t] R[t][j]. C (rows, cols). Is z = W a + b, dC/da = W^T delta
    // and dC/dW = delta a^T.
    void (*multiply)(const Operands<T>& LR, Init<T> init, Panels<T> C) noexcept;

    // The same with 16 interleaved chains. L not transposed, C of at most 16 columns; from some rows on R is best
    // transposed.
    void (*multiply_interleaved)(const Operands<T>& LR, const T* init, Panels<T> C) noexcept;

    // A = f(init + L R) for an f that acts on each number by itself, not on rows. A (rows, cols) row-major.
    void (*multiply_activate)(const Operands<T>& LR, Init<T> init, Activation f, Panels<T> A) noexcept;

    // Delta = (init + L R) * mask * f'(z), element by element: dC/dz from the sums dC/da. f' is computed from z or a,
    // as derivative_from_z(f) says; `mask` may be null. From, mask, Delta (rows, cols) row-major.
    void (*multiply_activation_backward)(const Operands<T>& LR, Init<T> init, Activation f, Matrix<const T> From,
                                         Matrix<const T> mask, Panels<T> Delta) noexcept;

    // Updates W (rows, cols) along its gradient L R in one pass. states: as W, one per state of the rule.
    void (*multiply_update)(const Operands<T>& LR, const UpdateRule<T>& rule, const PanelStates<T>& states,
                            Panels<T> W) noexcept;

    // A whole step of a small network on the rows of X (n, n_features), by all of the above; weights (n,) of the
    // samples, or null, and their sum. Returns C; if it is not finite, nothing is updated. No layer's input gradient
    // is interleaved.
    double (*small_step)(const SmallNetwork<T>& network, Scattered<const T> X, Targets<T> targets,
                         const double* weights, double weight, Prefetch<T> prefetch) noexcept;

    // The numbers in a register, and whether the processor has a fused multiply-add.
    std::size_t width;
    bool fma_in_hardware;
    std::size_t least_terms_copied;  // of a product by columns, from which on it pays to copy columns of L

    // B = A^T, filled up with 0. A (rows, cols), B (cols, rows or more).
    void (*transpose)(Matrix<const T> A, Matrix<T> B) noexcept;

    // C = init + L R for sparse rows, init (cols,) or null for 0, C (rows, cols): the sums run over these.
    void (*multiply_sparse)(SparseRows<const T> L, std::size_t rows, const T* init, Panels<const T> R,
                            Matrix<T> C) noexcept;

    // The same with 16 interleaved chains, for at most 16 columns: the element in column k is a term of chain k mod 16.
    void (*multiply_sparse_interleaved)(SparseRows<const T> L, std::size_t rows, const T* init, Panels<const T> R,
                                        Matrix<T> C) noexcept;

    // dW = A^T Delta, the rows k of dW for which A has elements: sums over these, from 0. Delta (rows of A, columns).
    void (*gradient_of_sparse)(SparseColumns<T> A, Matrix<const T> Delta, Panels<T> dW) noexcept;

    // W := W - epsilon A^T Delta, the same rows of W.
    void (*descend_sparse)(SparseColumns<T> A, Matrix<const T> Delta, T learning_rate, Panels<T> W) noexcept;

    // s[j] = A[0][j] + A[1][j] + ..., from 0. A (rows, cols), s (cols,).
    void (*sum_rows)(Matrix<const T> A, T* s) noexcept;

    // A = f(Z). Both (rows, cols); A may be Z.
    void (*activate)(Activation f, Matrix<const T> Z, Matrix<T> A) noexcept;

    // Delta = dC/dz from Delta = dC/da, in place, and from z or a as derivative_from_z(f) says. Both (rows, cols).
    void (*activation_backward)(Activation f, Matrix<const T> From, Matrix<T> Delta) noexcept;

    // R_Delta += G R{f'(z)}: the change of f' along a direction, from X and R{X}, which are z or a as
    // derivative_from_z(f) says. All (rows, cols).
    void (*add_slope_along)(Activation f, Matrix<const T> X, Matrix<const T> R_X, Matrix<const T> G,
                            Matrix<T> R_Delta) noexcept;

    // The output A = f(Z), the loss of each sample and delta^(L) = dC/dz^(L). Z, A, Delta (rows, n_outputs), scale and
    // c (rows,): sample i has the loss c[i] and the share scale[i] in the cost. Delta may be null: only A and c are
    // wanted.
    void (*loss)(LossRule rule, Activation output, Matrix<const T> Z, Targets<T> targets, const T* scale, Matrix<T> A,
                 double* c, Matrix<T> Delta) noexcept;

    // R_slope = R{slope} scale of the output, for slopes dc/da, or dc/dz if slopes_by_z(loss). If a slope jumps, its
    // derivative is that of the piece that the slope belongs to. scale (n,), R_slope (n, n_outputs).
    void (*loss_slopes_along)(LossRule rule, Activation output, const LayerAlong<T>& at, Targets<T> targets,
                              const T* scale, Matrix<T> R_slope) noexcept;

    // Updates n parameters w and their states along the gradients dw, all (n,).
    void (*update)(const UpdateRule<T>& rule, const T* dw, std::size_t n, const States<T>& states, T* w) noexcept;

    // y := y + a x over n numbers.
    void (*axpy)(T a, const T* x, std::size_t n, T* y) noexcept;

    // dw := dw + l2 w + l1 sign(w) over n weights.
    void (*penalise)(T l1, T l2, const T* w, std::size_t n, T* dw) noexcept;

    // dw := scale dw, within -limit ... limit, over n numbers.
    void (*clip)(T scale, T limit, std::size_t n, T* dw) noexcept;

    // mean := mean + rest (w - mean) over n numbers.
    void (*average)(T rest, const T* w, std::size_t n, T* mean) noexcept;

    // s[j] := s[j] + A[0][j] B[0][j] + A[1][j] B[1][j] + ... in float64. A, B (rows, cols), s (cols,).
    void (*sum_products)(Panels<const T> A, Panels<const T> B, double* s) noexcept;

    // Max-norm: rescales every column of W (rows, cols) whose L2 norm exceeds `most` to that norm.
    void (*limit_norms)(Panels<T> W, double most) noexcept;

    // 64 random bits each for the indices 32 i ... 32 i + 31 of a stream (base/rng.hpp), bits (32,).
    void (*random_bits)(const RowStream& stream, std::size_t i, std::uint64_t* bits) noexcept;

    // Draws the mask of rows A (rows, cols) and applies it.
    void (*drop)(const RowStream& stream, Scattered<const T> A, const Drop<T>& rule) noexcept;

    // noisy[r][k] = X[r][k] + deviation * a standard normal number, both (rows, n_features).
    void (*add_noise)(const RowStream& stream, T deviation, Scattered<const T> X, Matrix<T> noisy) noexcept;

    // C = A * B, number by number, all (rows, cols); C may be A or B.
    void (*multiply_numbers)(Matrix<const T> A, Matrix<const T> B, Matrix<T> C) noexcept;

    // Normalisation (kernels/normalise.inl has the formulas). U (rows, cols) is W a, then u_hat = (u - mean) rstd; g,
    // b, db, dg and what is of columns (cols,), what is of rows (rows,); rstd = 1 / sqrt(variance + eps).
    void (*column_moments)(Matrix<const T> U, T* mean, T* variance) noexcept;
    void (*reciprocal_roots)(const T* variance, std::size_t n, T eps, T* rstd) noexcept;
    void (*normalise_columns)(const T* mean, const T* rstd, Matrix<T> U) noexcept;
    void (*normalise_rows)(T eps, Matrix<T> U, T* rstd) noexcept;                              // rstd may be null
    void (*scale_and_shift)(Matrix<const T> U, const T* g, const T* b, Matrix<T> Z) noexcept;  // Z may be U

    // s[j] = A[0][j] B[0][j] + A[1][j] B[1][j] + ..., a chain from 0: dC/dg. A, B (rows, cols), s (cols,).
    void (*sum_row_products)(Matrix<const T> A, Matrix<const T> B, T* s) noexcept;

    // dU = dC/du from Delta = dC/dz and U = u_hat. db and dg null: mean and rstd are no function of u.
    void (*normalise_columns_backward)(const T* g, const T* rstd, const T* db, const T* dg, Matrix<const T> U,
                                       Matrix<const T> Delta, Matrix<T> dU) noexcept;
    void (*normalise_rows_backward)(const T* g, const T* rstd, Matrix<const T> U, Matrix<const T> Delta,
                                    Matrix<T> dU) noexcept;

    // The index of the first NaN or infinity among n numbers, or n.
    std::size_t (*first_non_finite)(const T* x, std::size_t n) noexcept;

    // y = f(x) over n numbers: for the initial weights, and the tests and the benchmarks of simd/math.hpp.
    void (*exp)(const T* x, std::size_t n, T* y) noexcept;
    void (*log)(const T* x, std::size_t n, T* y) noexcept;
    void (*log1p)(const T* x, std::size_t n, T* y) noexcept;
    void (*tanh)(const T* x, std::size_t n, T* y) noexcept;
    void (*logistic)(const T* x, std::size_t n, T* y) noexcept;
    void (*expm1)(const T* x, std::size_t n, T* y) noexcept;
    void (*softplus)(const T* x, std::size_t n, T* y) noexcept;
    void (*sin)(const T* x, std::size_t n, T* y) noexcept;
    void (*cos)(const T* x, std::size_t n, T* y) noexcept;
    void (*normal_cdf)(const T* x, std::size_t n, T* y) noexcept;
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
