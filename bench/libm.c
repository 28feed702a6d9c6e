/* The C library's functions over arrays of n numbers: what a plain loop in C gets, one call for each. */
#include <math.h>
#include <stddef.h>

#define LOOP(NAME, NUMBER, FORMULA)                               \
    void NAME(const NUMBER* x, NUMBER* y, size_t n) {             \
        for (size_t i = 0; i < n; ++i) y[i] = FORMULA;            \
    }

LOOP(exp_float32, float, expf(x[i]))
LOOP(exp_float64, double, exp(x[i]))
LOOP(log_float32, float, logf(x[i]))
LOOP(log_float64, double, log(x[i]))
LOOP(log1p_float32, float, log1pf(x[i]))
LOOP(log1p_float64, double, log1p(x[i]))
LOOP(tanh_float32, float, tanhf(x[i]))
LOOP(tanh_float64, double, tanh(x[i]))
LOOP(logistic_float32, float, 1.0f / (1.0f + expf(-x[i])))
LOOP(logistic_float64, double, 1.0 / (1.0 + exp(-x[i])))
