// Shape: offsets into theta.
#include "model/shape.hpp"

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <utility>

#include "base/assert.hpp"

namespace rosenblatt {

Shape::Shape(std::vector<std::size_t> sizes, std::vector<Activation> activations)
    : Shape(std::move(sizes), std::move(activations), 1) {}

Shape Shape::filled_up(std::size_t unit) const { return Shape(sizes_, activations_, unit); }

Shape::Shape(std::vector<std::size_t> sizes, std::vector<Activation> activations, std::size_t unit)
    : unit_(unit), sizes_(std::move(sizes)), activations_(std::move(activations)), offsets_{0} {
    ROSENBLATT_ASSERT(sizes_.size() >= 2 && activations_.size() + 1 == sizes_.size());
    constexpr std::size_t most = std::numeric_limits<std::size_t>::max() / 64;
    for (std::size_t layer = 0; layer < n_layers(); ++layer) {
        if (n_in(layer) >= most / columns(layer) - 1) throw std::length_error("too many parameters");
        const std::size_t size = (n_in(layer) + 1) * columns(layer);
        if (size > most - offsets_.back()) throw std::length_error("too many parameters");
        offsets_.push_back(offsets_.back() + size);
    }
}

std::size_t Shape::widest_hidden() const noexcept {
    std::size_t widest = 0;
    for (std::size_t layer = 1; layer < n_layers(); ++layer) widest = std::max(widest, n_in(layer));
    return widest;
}

std::size_t Shape::widest_output() const noexcept { return fill_up(std::max(widest_hidden(), n_outputs())); }

std::size_t Shape::largest_W_transposed() const noexcept {
    std::size_t largest = 0;
    for (std::size_t layer = 0; layer < n_layers(); ++layer)
        largest = std::max(largest, fill_up(n_in(layer)) * n_out(layer));
    return largest;
}

}  // namespace rosenblatt
