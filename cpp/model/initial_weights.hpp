// Initial weights: how W and b of a layer are drawn before training begins (docs/arithmetic.md, section 6).
#pragma once

#include <cstdint>

#include "base/rng.hpp"
#include "base/views.hpp"
#include "kernels/functions.hpp"
#include "model/team.hpp"

namespace rosenblatt {

enum class Initialiser : std::uint8_t {
    automatic,
    glorot_uniform,
    glorot_normal,
    he_uniform,
    he_normal,
    lecun_uniform,
    lecun_normal,
    uniform,
    normal,
    orthogonal,
    zeros
};
inline constexpr const char* initialiser_names[] = {"auto",      "glorot_uniform", "glorot_normal", "he_uniform",
                                                    "he_normal", "lecun_uniform",  "lecun_normal",  "uniform",
                                                    "normal",    "orthogonal",     "zeros"};

// An initialiser with its parameter: the limit of `uniform`, the standard deviation of `normal`, the gain of
// `orthogonal`; the others read none.
struct InitialWeights {
    Initialiser initialiser = Initialiser::automatic;
    double parameter = 0;
};

// How biases are drawn; `uniform` has the limit 1 / sqrt(n_in).
enum class InitialBiases : std::uint8_t { automatic, zeros, uniform };
inline constexpr const char* bias_initialiser_names[] = {"auto", "zeros", "uniform"};

// How the parameters of a weight layer are drawn.
struct InitialLayer {
    InitialWeights weights = {};
    InitialBiases biases = InitialBiases::automatic;
};

// What `automatic` is for weights that lead to an activation.
Initialiser initialiser_for(Activation f) noexcept;

// Draws W (n_in, n_out) of a layer that ends in f, from the layer's own stream of random numbers. Throws std::bad_alloc
// and Stopped.
template <class T>
void draw(InitialWeights weights, Activation f, RandomStream random, Panels<T> W, Team& team);

// Draws b (n_out,), uniform within 1 / sqrt(n_in), from the layer's own stream of random numbers. Throws Stopped.
template <class T>
void draw_uniform_biases(std::size_t n_in, RandomStream random, Vector<T> b, Team& team);

}  // namespace rosenblatt
