// Network: a shape and its parameters, one contiguous theta with W, b and g as views into it, and the running
// statistics of batch norm.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "base/buffer.hpp"
#include "model/initial_weights.hpp"
#include "model/shape.hpp"
#include "model/team.hpp"

namespace rosenblatt {

template <class T>
class Network {
  public:
    // Weights and biases are drawn from `seed` as `initial` says for each weight layer, or automatically; gains are 1,
    // running means 0 and running variances 1. Throws std::bad_alloc and Stopped.
    Network(Shape shape, std::uint64_t seed, const std::vector<InitialLayer>& initial, Team& team);
    Network(Shape shape, std::uint64_t seed, Team& team);

    // A network whose parameters are 0.
    explicit Network(Shape shape) : shape_(std::move(shape)), theta_(shape_.n_params()), running_(shape_.n_running()) {}

    const Shape& shape() const noexcept { return shape_; }
    Vector<T> theta() noexcept { return theta_.view(); }
    Vector<const T> theta() const noexcept { return theta_.view(); }
    Panels<T> W(std::size_t layer) noexcept { return shape_.W(theta_.data(), layer); }
    Panels<const T> W(std::size_t layer) const noexcept { return shape_.W(theta_.data(), layer); }
    Vector<T> b(std::size_t layer) noexcept { return shape_.b(theta_.data(), layer); }
    Vector<const T> b(std::size_t layer) const noexcept { return shape_.b(theta_.data(), layer); }
    Vector<T> g(std::size_t layer) noexcept { return shape_.g(theta_.data(), layer); }
    Vector<const T> g(std::size_t layer) const noexcept { return shape_.g(theta_.data(), layer); }

    // The statistics that batch norm has when the network is not being trained; no parameters, for no gradient changes
    // them.
    Vector<T> running() noexcept { return running_.view(); }
    Vector<const T> running() const noexcept { return running_.view(); }
    Vector<T> running_mean(std::size_t layer) noexcept { return shape_.running_mean(running_.data(), layer); }
    Vector<const T> running_mean(std::size_t layer) const noexcept {
        return shape_.running_mean(running_.data(), layer);
    }
    Vector<T> running_variance(std::size_t layer) noexcept { return shape_.running_variance(running_.data(), layer); }
    Vector<const T> running_variance(std::size_t layer) const noexcept {
        return shape_.running_variance(running_.data(), layer);
    }

  private:
    Shape shape_;
    Buffer<T> theta_;
    Buffer<T> running_;
};

// Copies numbers in the layout of theta (n_params,) to another shape of the same sizes; shapes may be filled up
// differently.
template <class T>
void copy_theta(const Shape& from_shape, const T* from, const Shape& to_shape, T* to) noexcept;

// The parameters and running statistics of one network to another of the same sizes; their shapes may be filled up
// differently.
template <class T>
void copy_parameters(const Network<T>& from, Network<T>& to) noexcept;

// The same, which can be stopped in the middle. Throws Stopped.
template <class T>
void copy_parameters(const Network<T>& from, Network<T>& to, Team& team);

}  // namespace rosenblatt
