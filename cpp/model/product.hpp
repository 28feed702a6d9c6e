// Product: matrix products cut into tiles of the result for a team. The sums themselves are never cut.
#pragma once

#include <algorithm>
#include <cstddef>

#include "base/assert.hpp"
#include "base/views.hpp"
#include "kernels/table.hpp"
#include "model/team.hpp"

namespace rosenblatt {

// A part of a matrix: `rows` x `cols` from (row, col) on.
struct Tile {
    std::size_t row;
    std::size_t col;
    std::size_t rows;
    std::size_t cols;

    template <class T>
    Matrix<T> of(Matrix<T> m) const noexcept {
        return {m.row(row) + col, rows, cols, m.stride};
    }
};

// L R, where L is (rows, terms) and R (terms, cols): the operands of one tile of the result.
template <class T>
struct Product {
    StridedMatrix<const T> L;
    Matrix<const T> R;

    double work() const noexcept {
        return static_cast<double>(L.rows) * static_cast<double>(R.cols) * static_cast<double>(L.cols);
    }

    Product part(Tile tile) const noexcept {
        return {{L.data + tile.row * L.row_step, tile.rows, L.cols, L.row_step, L.col_step},
                {R.data + tile.col, R.rows, tile.cols, R.stride}};
    }
};

// How a result (rows, cols) is cut: whole registers side by side (128 columns are whole tiles of every instruction set), and
// rows in multiples of the tallest register tile, as many as make a tile's work. A large product
// is computed from copies of its operands, in tiles so large that the copies pay.
class Tiling {
  public:
    template <class T>
    explicit Tiling(Product<T> product) noexcept : rows_(product.L.rows), cols_(product.R.cols), work_(product.work()) {
        ROSENBLATT_ASSERT(product.L.cols == product.R.rows);
        if (work_ <= Team::work_of_a_tile) return;
        large_ = rows_ >= 56 && cols_ >= 64 && work_ >= 16 * Team::work_of_a_tile && wants_copies(product);
        tile_cols_ = std::min<std::size_t>(cols_, large_ ? 512 : 128);
        if (large_) {
            tile_rows_ = std::min<std::size_t>(rows_, 448);  // two blocks of packed rows: 15 ms for 4,096 terms
        } else {
            constexpr std::size_t tallest = 14;
            const double work_of_a_row = static_cast<double>(product.L.cols) * static_cast<double>(tile_cols_);
            const auto wanted = static_cast<std::size_t>(Team::work_of_a_tile / work_of_a_row);
            tile_rows_ = std::min(rows_, (wanted / tallest + 1) * tallest);
        }
        row_tiles_ = (rows_ + tile_rows_ - 1) / tile_rows_;
        col_tiles_ = (cols_ + tile_cols_ - 1) / tile_cols_;
    }

    bool large() const noexcept { return large_; }
    std::size_t count() const noexcept { return row_tiles_ * col_tiles_; }
    double work_of_a_tile() const noexcept { return count() == 1 ? work_ : work_ / static_cast<double>(count()); }

    Tile tile(std::size_t i) const noexcept {
        if (count() == 1) return {0, 0, rows_, cols_};
        const std::size_t row = i % row_tiles_ * tile_rows_;
        const std::size_t col = i / row_tiles_ * tile_cols_;
        return {row, col, std::min(tile_rows_, rows_ - row), std::min(tile_cols_, cols_ - col)};
    }

  private:
    // Measured: read where they lie, operands are as fast until a panel of R is no longer in the second cache, or rows
    // a multiple of a page apart fall on each other's place in it.
    template <class T>
    static bool wants_copies(Product<T> product) noexcept {
        constexpr std::size_t page = 4096 / sizeof(T);
        constexpr std::size_t many_terms = 768;
        return product.L.cols >= many_terms || (product.L.cols >= 128 && product.R.stride % page == 0);
    }

    std::size_t rows_;
    std::size_t cols_;
    double work_;
    bool large_ = false;
    std::size_t tile_rows_ = 0;
    std::size_t tile_cols_ = 0;
    std::size_t row_tiles_ = 1;
    std::size_t col_tiles_ = 1;
};

// The form of the sums; the layer's sizes decide, see interleaved().
enum class Chains { single, sixteen };

inline Chains chains(std::size_t n_terms, std::size_t n_results) noexcept {
    return interleaved(n_terms, n_results) ? Chains::sixteen : Chains::single;
}

// C = start + L R, with start (cols,) or null for 0 and C (rows, cols). Throws Stopped.
template <class T>
void multiply(Product<T> product, const T* start, Matrix<T> C, Chains chains, Team& team) {
    const Tiling tiling(product);
    if (tiling.large() && chains == Chains::single) {
        team.tiles_with_space<T>(
            tiling.count(), tiling.work_of_a_tile(), kernels<T>().packing_space, [&](std::size_t i, T* space) noexcept {
                const Tile tile = tiling.tile(i);
                const Product<T> part = product.part(tile);
                kernels<T>().multiply_packed(part.L, part.R, start == nullptr ? nullptr : start + tile.col, tile.of(C),
                                             space);
            });
        return;
    }
    const auto kernel = chains == Chains::sixteen ? kernels<T>().multiply_interleaved : kernels<T>().multiply;
    team.tiles(tiling.count(), tiling.work_of_a_tile(), [&](std::size_t i) noexcept {
        const Tile tile = tiling.tile(i);
        const Product<T> part = product.part(tile);
        kernel(part.L, part.R, start == nullptr ? nullptr : start + tile.col, tile.of(C));
    });
}

// dC/dW as a product, from A (n, n_in) and Delta (n, columns), together with `as_product_of(W)`: A^T Delta; where there is
// one output, its transpose, so that registers run along the inputs.
template <class T>
Product<T> weight_gradient(Matrix<const T> A, Matrix<const T> Delta) noexcept {
    if (Delta.cols == 1) return {transposed(Delta), A};
    return {transposed(A), Delta};
}

template <class T>
Matrix<T> as_product_of(Matrix<T> W) noexcept {
    if (W.cols == 1) return {W.data, 1, W.rows, W.rows};
    return W;
}

}  // namespace rosenblatt
