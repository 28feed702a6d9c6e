// Product: matrix products cut into tiles of the result for a team, and each tile into blocks that stay in the caches.
// An element's sum is never divided: a block of terms continues the sum of the block before.
#pragma once

#include <algorithm>
#include <cstddef>

#include "base/assert.hpp"
#include "base/views.hpp"
#include "kernels/table.hpp"
#include "model/team.hpp"

namespace rosenblatt {

// A part of a result: `rows` x `cols` from (row, col) on.
struct Tile {
    std::size_t row;
    std::size_t col;
    std::size_t rows;
    std::size_t cols;

    template <class T>
    Panels<T> of(Panels<T> m) const noexcept {
        return m.part(row, col, rows, cols);
    }
    template <class T>
    Matrix<T> of(Matrix<T> m) const noexcept {
        return {m.row(row) + col, rows, cols, m.stride};
    }
};

// L R for L (rows, terms) and R (terms, cols).
template <class T>
struct Product {
    LeftOperand<T> L;
    RightOperand<T> R;

    double work() const noexcept {
        return static_cast<double>(L.rows()) * static_cast<double>(R.cols()) * static_cast<double>(L.terms());
    }

    // The operands of a tile of the result.
    Product part(Tile tile) const noexcept {
        const LeftOperand<T> left = L.transposed ? LeftOperand<T>{L.M.part(0, tile.row, L.M.rows, tile.rows), true}
                                                 : LeftOperand<T>{L.M.part(tile.row, 0, tile.rows, L.M.cols), false};
        if (R.transposed) return {left, {R.M.part(tile.col, 0, tile.cols, R.M.cols), true}};
        return {left, {R.M.part(0, tile.col, R.M.rows, tile.cols), false}};
    }

    // The terms from `first` on, `count` of them.
    Product terms(std::size_t first, std::size_t count) const noexcept {
        const LeftOperand<T> left = L.transposed ? LeftOperand<T>{L.M.part(first, 0, count, L.M.cols), true}
                                                 : LeftOperand<T>{L.M.part(0, first, L.M.rows, count), false};
        if (R.transposed) return {left, {R.M.part(0, first, R.M.rows, count), true}};
        return {left, {R.M.part(first, 0, count, R.M.cols), false}};
    }
};

// Rows are cut in multiples of this: 3 register tiles of 14 rows, or 7 of 6.
inline constexpr std::size_t row_multiple = 42;

// How a result (rows, cols) is cut for a team: by columns in whole panels first, for then a tile of each product of a
// layer reads the same part of W; by rows, in multiples of the tallest register tiles, if there are too few columns.
class Tiling {
  public:
    template <class T>
    Tiling(const Product<T>& product, Team& team) noexcept
        : rows_(product.L.rows()), cols_(product.R.cols()), work_(product.work()) {
        ROSENBLATT_ASSERT(product.L.terms() == product.R.terms());
        if (work_ <= Team::work_of_a_thread) return;
        const std::size_t wanted = team.tiles_worth(work_);
        if (wanted == 1) return;
        const std::size_t panels = (cols_ + panel_cols<T> - 1) / panel_cols<T>;
        tile_cols_ = (panels + wanted - 1) / wanted * panel_cols<T>;
        col_tiles_ = (cols_ + tile_cols_ - 1) / tile_cols_;
        const std::size_t row_tiles = (wanted + col_tiles_ - 1) / col_tiles_;
        tile_rows_ = ((rows_ + row_tiles - 1) / row_tiles + row_multiple - 1) / row_multiple * row_multiple;
        row_tiles_ = (rows_ + tile_rows_ - 1) / tile_rows_;
    }

    std::size_t count() const noexcept { return row_tiles_ * col_tiles_; }
    double work_of_a_tile() const noexcept { return count() == 1 ? work_ : work_ / static_cast<double>(count()); }

    Tile tile(std::size_t i) const noexcept {
        if (count() == 1) return {0, 0, rows_, cols_};
        const std::size_t row = i % row_tiles_ * tile_rows_;
        const std::size_t col = i / row_tiles_ * tile_cols_;
        return {row, col, std::min(tile_rows_, rows_ - row), std::min(tile_cols_, cols_ - col)};
    }

  private:
    std::size_t rows_;
    std::size_t cols_;
    double work_;
    std::size_t tile_rows_ = 0;
    std::size_t tile_cols_ = 0;
    std::size_t row_tiles_ = 1;
    std::size_t col_tiles_ = 1;
};

// How a tile is cut for the caches, and whether R is copied so that it is read sequentially.
struct Blocks {
    std::size_t rows;
    std::size_t terms;
    bool copies_L;
    bool copies_R;
    std::size_t panels;  // of R that are copied at a time

    // `whole`: in one block of terms, for a result that takes the sums only when they are complete. The numbers are
    // those that were fastest of 128 to 4,096 rows and terms, copied and not, for batches of 32 to 4,096 and up to
    // 4,096 units: rows that come back from the third cache cost less than going through R, or through C, once more.
    template <class T>
    Blocks(const Product<T>& product, bool whole) noexcept : panels(panels_at_once(product.L.rows())) {
        constexpr std::size_t panel = panel_cols<T>;
        // A panel of R stays in the second cache while rows pass by: 4,096 terms are half of 1 MB.
        constexpr std::size_t most_terms = 4096;
        terms = whole ? product.L.terms() : even_blocks(product.L.terms(), most_terms, panel);
        // Columns of L are copied if at least four tiles of two registers read them and terms are far apart.
        copies_L = product.L.transposed && terms >= kernels<T>().least_terms_copied && terms <= most_terms &&
                   product.L.rows() * sizeof(T) >= 1024 && product.R.cols() >= 8 * kernels<T>().width;
        // The rows come back for every panel, from the L3 cache: 16 MB of them, 4 MB if they are read by columns.
        const double most_bytes = (product.L.transposed && !copies_L ? 4.0 : 16.0) * 1024 * 1024;
        const auto most_rows = static_cast<std::size_t>(most_bytes / static_cast<double>(terms * sizeof(T)));
        rows = even_blocks(product.L.rows(), std::max(most_rows, row_multiple), row_multiple);
        // Many rows of R, pages apart.
        const bool far_apart = product.R.M.panel_stride == panel && product.R.M.row_stride * sizeof(T) >= 8192;
        copies_R = product.R.transposed || (!copies_L && far_apart && rows >= 56 && terms >= 512);
    }

    // The size of blocks of at most about `most`, as even as multiples of `unit` allow; n if that is no more.
    static std::size_t even_blocks(std::size_t n, std::size_t most, std::size_t unit) noexcept {
        if (n <= most) return n;
        const std::size_t count = (n + most - 1) / most;
        return ((n + count - 1) / count + unit - 1) / unit * unit;
    }

    // Room for the copies, in numbers.
    template <class T>
    std::size_t scratch_size() const noexcept {
        constexpr std::size_t of_a_pointer = 8 / sizeof(T);  // no pointer is larger
        if (copies_L) return (columns_copied + of_a_pointer) * terms;
        return copies_R ? panels * panel_cols<T> * terms : 0;
    }
};

// Computes a tile of a product block by block: multiply(operands, init, tile) for all blocks of terms but the last,
// then finish(operands, init, tile), where `tile` is the part of the tile that the block's rows are, with rows counted
// in it.
template <class T, class Multiply, class Finish>
void in_blocks(const Product<T>& product, const Blocks& blocks, const T* initial, Prefetch<T> prefetch, T* scratch,
               Multiply multiply, Finish finish) noexcept {
    T* const L_copy = blocks.copies_L ? scratch : nullptr;
    T* const R_copy = blocks.copies_R ? scratch : nullptr;
    const std::size_t n_rows = product.L.rows();
    const std::size_t n_terms = product.L.terms();
    const std::size_t cols = product.R.cols();
    for (std::size_t row = 0; row < n_rows; row += blocks.rows) {
        const Tile tile{row, 0, std::min(blocks.rows, n_rows - row), cols};
        const Product<T> rows = product.part(tile);
        std::size_t first = 0;
        do {
            const std::size_t count = std::min(blocks.terms, n_terms - first);
            const Product<T> block = rows.terms(first, count);
            const Operands<T> operands{block.L, block.R,       L_copy,
                                       R_copy,  blocks.panels, row == 0 ? prefetch : Prefetch<T>{}};
            const Init<T> init{initial, first > 0};
            first += count;
            if (first == n_terms) finish(operands, init, tile);
            else multiply(operands, init, tile);
        } while (first < n_terms);
    }
}

// The form of the sums; the layer's sizes decide, see interleaved().
enum class Chains { single, sixteen };

inline Chains chains(std::size_t n_terms, std::size_t n_results) noexcept {
    return interleaved(n_terms, n_results) ? Chains::sixteen : Chains::single;
}

// Computes C = end(initial + L R) on the team: finish(operands, init, tile) computes the last block of terms of a part
// of C, `tile` of it, and ends it. initial (cols,) or null for 0. Throws Stopped.
template <class T, class Finish>
void multiply(const Product<T>& product, const T* initial, Panels<T> C, Prefetch<T> prefetch, Team& team,
              Finish finish) {
    constexpr double little = 1e6;  // multiply-adds, too few to be cut or copied for
    if (product.work() <= little && !product.R.transposed) {
        team.tiles(1, product.work(), [&](std::size_t) noexcept {
            finish(Operands<T>{.L = product.L, .R = product.R, .prefetch = prefetch}, Init<T>{initial},
                   Tile{0, 0, C.rows, C.cols});
        });
        return;
    }
    const Tiling tiling(product, team);
    const std::size_t count = tiling.count();
    const auto compute = [&](std::size_t i, const Blocks& blocks, T* scratch) noexcept {
        const Tile tile = tiling.tile(i);
        in_blocks<T>(
            product.part(tile), blocks, initial == nullptr ? nullptr : initial + tile.col, prefetch.part(i, count),
            scratch,
            [&](const Operands<T>& LR, Init<T> init, Tile block) noexcept {
                kernels<T>().multiply(LR, init, block.of(tile.of(C)));
            },
            [&](const Operands<T>& LR, Init<T> init, Tile block) noexcept {
                finish(LR, init, Tile{tile.row + block.row, tile.col, block.rows, block.cols});
            });
    };
    const Blocks blocks(product.part(tiling.tile(0)), false);
    team.tiles_with_scratch<T>(count, tiling.work_of_a_tile(), blocks.scratch_size<T>(),
                               [&](std::size_t i, T* scratch) noexcept { compute(i, blocks, scratch); });
}

// C = initial + L R, with initial (cols,) or null for 0 and C (rows, cols). Throws Stopped.
template <class T>
void multiply(const Product<T>& product, const T* initial, Panels<T> C, Chains chains, Team& team) {
    if (chains == Chains::single) {
        multiply<T>(product, initial, C, Prefetch<T>{}, team,
                    [&](const Operands<T>& LR, Init<T> init, Tile tile) noexcept {
                        kernels<T>().multiply(LR, init, tile.of(C));
                    });
        return;
    }
    Product<T> by_columns = product;
    constexpr std::size_t worth_a_transpose = 4;  // rows
    if (!product.R.transposed && C.cols > 1 && C.rows >= worth_a_transpose) {
        const Panels<const T> R = product.R.M;
        const Matrix<T> columns = team.scratch<T>(C.cols, row_stride<T>(R.rows)).columns(R.rows);
        kernels<T>().transpose({R.data, R.rows, R.cols, R.row_stride}, columns);
        by_columns.R = {in_panels<const T>(columns), true};
    }
    team.slices(C.rows, product.work() / static_cast<double>(C.rows),
                [&](std::size_t first, std::size_t count) noexcept {
                    const Tile tile{first, 0, count, C.cols};
                    const Product<T> part = by_columns.part(tile);
                    kernels<T>().multiply_interleaved({.L = part.L, .R = part.R}, initial, tile.of(C));
                });
}

// dC/dW as a product, from A (n, n_in) and Delta (n, columns), together with `as_product_of(W)`: A^T Delta; if there
// is one output, its transpose, so that registers run along the inputs: then the rows of A lie evenly spaced.
template <class T>
Product<T> weight_gradient(Scattered<const T> A, Scattered<const T> Delta) noexcept {
    const auto evenly_spaced = [](Scattered<const T> m) {
        ROSENBLATT_ASSERT(m.stride != 0);
        return in_panels(Matrix<const T>{m.row[0] + m.first, m.rows, m.cols, m.stride});
    };
    if (Delta.cols == 1) {
        ROSENBLATT_ASSERT(Delta.stride == 1);
        return {{{Delta.row, 1, Delta.rows, Delta.first, Delta.rows}}, {evenly_spaced(A)}};
    }
    return {{A, true}, {evenly_spaced(Delta)}};
}

template <class T>
Panels<T> as_product_of(Panels<T> W) noexcept {
    if (W.cols == 1) return {W.data, 1, W.rows, W.rows, panel_cols<T>};
    return W;
}

}  // namespace rosenblatt
