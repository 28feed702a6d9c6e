/* Peak: how many fused multiply-adds per second the cores reach with nothing to wait for.

   Usage: peak SECONDS THREADS, with SECONDS for each kind. It prints one line of JSON: GFLOP/s (two operations per
   multiply-add) by register width in bits and number type, for the widths that it was compiled for. Each thread
   runs CHAINS independent chains, more than latency times throughput of any core (4 cycles, 2 per cycle), few
   enough for the 16 registers of AVX2. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#define CHAINS 12
#define BURST 20000

/* The thread's own time: what others take from the core is not the core's fault. */
static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* The factor below 1 keeps the numbers ordinary: they tend to addend / (1 - factor) = 2. */
static volatile double factor = 0.5, addend = 1.0;
static volatile double sink;

typedef double (*Burst)(void); /* runs BURST rounds of all chains, returns floating-point operations */

#define KIND(NAME, VECTOR, NUMBER, SPREAD, FMA, FIRST)                          \
    static double NAME(void) {                                                  \
        const VECTOR m = SPREAD((NUMBER)factor), c = SPREAD((NUMBER)addend);    \
        VECTOR x[CHAINS];                                                       \
        for (int i = 0; i < CHAINS; ++i) x[i] = SPREAD((NUMBER)i);              \
        for (int round = 0; round < BURST; ++round) {                           \
            _Pragma("GCC unroll 12") for (int i = 0; i < CHAINS; ++i) x[i] = FMA(x[i], m, c); \
        }                                                                       \
        double sum = 0;                                                         \
        for (int i = 0; i < CHAINS; ++i) sum += (double)FIRST(x[i]);            \
        sink = sum;                                                             \
        return 2.0 * (sizeof(VECTOR) / sizeof(NUMBER)) * CHAINS * BURST;        \
    }

struct Kind {
    const char* name;
    Burst burst;
};

#if defined(__AVX512F__)
KIND(wide_float, __m512, float, _mm512_set1_ps, _mm512_fmadd_ps, _mm512_cvtss_f32)
KIND(wide_double, __m512d, double, _mm512_set1_pd, _mm512_fmadd_pd, _mm512_cvtsd_f64)
#endif
#if defined(__AVX2__) && defined(__FMA__)
KIND(half_float, __m256, float, _mm256_set1_ps, _mm256_fmadd_ps, _mm256_cvtss_f32)
KIND(half_double, __m256d, double, _mm256_set1_pd, _mm256_fmadd_pd, _mm256_cvtsd_f64)
#endif
#if defined(__aarch64__)
#define NEON_FMA_F32(x, m, c) vfmaq_f32(c, x, m)
#define NEON_FMA_F64(x, m, c) vfmaq_f64(c, x, m)
#define NEON_FIRST_F32(x) vgetq_lane_f32(x, 0)
#define NEON_FIRST_F64(x) vgetq_lane_f64(x, 0)
KIND(neon_float, float32x4_t, float, vdupq_n_f32, NEON_FMA_F32, NEON_FIRST_F32)
KIND(neon_double, float64x2_t, double, vdupq_n_f64, NEON_FMA_F64, NEON_FIRST_F64)
#endif

static const struct Kind kinds[] = {
#if defined(__AVX512F__)
    {"512 float32", wide_float},
    {"512 float64", wide_double},
#endif
#if defined(__AVX2__) && defined(__FMA__)
    {"256 float32", half_float},
    {"256 float64", half_double},
#endif
#if defined(__aarch64__)
    {"128 float32", neon_float},
    {"128 float64", neon_double},
#endif
    {0, 0}};

struct Thread {
    Burst burst;
    double limit, seconds, flops; /* asked for, taken, done */
    pthread_t id;
};

static void* run(void* argument) {
    struct Thread* const thread = argument;
    const double began = now();
    do {
        thread->flops += thread->burst();
        thread->seconds = now() - began;
    } while (thread->seconds < thread->limit);
    return 0;
}

int main(int count, char** arguments) {
    if (count != 3) return 2;
    const double seconds = atof(arguments[1]);
    const int n = atoi(arguments[2]);
    if (!(seconds > 0) || n < 1 || n > 1024) return 2;
    struct Thread* const threads = calloc((size_t)n, sizeof *threads);
    if (!threads) return 1;
    printf("{");
    for (const struct Kind* kind = kinds; kind->name; ++kind) {
        double rate = 0;
        for (int i = 0; i < n; ++i) {
            threads[i] = (struct Thread){kind->burst, seconds, 0, 0, 0};
            if (pthread_create(&threads[i].id, 0, run, &threads[i])) return 1;
        }
        for (int i = 0; i < n; ++i) {
            pthread_join(threads[i].id, 0);
            rate += threads[i].flops / threads[i].seconds;
        }
        printf("%s\"%s\": %.2f", kind == kinds ? "" : ", ", kind->name, 1e-9 * rate);
    }
    printf("}\n");
    free(threads);
    return 0;
}
