/* Bandwidth: how many bytes per second one core reads from a block that lies in a cache, or in memory.

   Usage: bandwidth SECONDS BYTES..., with SECONDS for each block. It prints one line of JSON, GB/s for each block in
   their order. A block is read from one end to the other, again and again, in registers of the widest kind that it
   was compiled for; eight of them are combined apart, so that no load waits for another. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#if defined(__AVX512F__)
#define WIDTH 64
#elif defined(__AVX2__)
#define WIDTH 32
#else
#define WIDTH 16
#endif
#define STREAMS 8
#define CHUNK ((size_t)(WIDTH * STREAMS)) /* bytes that one turn of the loop reads */

typedef uint64_t Vector __attribute__((vector_size(WIDTH)));

static volatile uint64_t sink;

/* The process's own time: what others take from the core is not the core's fault. */
static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Reads block, (chunks * STREAMS) registers, `times` times. */
__attribute__((noinline)) static void read_all(const Vector* block, size_t chunks, size_t times) {
    Vector x[STREAMS] = {{0}};
    for (size_t turn = 0; turn < times; ++turn) {
        const Vector* next = block;
        for (size_t i = 0; i < chunks; ++i, next += STREAMS) {
            _Pragma("GCC unroll 8") for (int j = 0; j < STREAMS; ++j) x[j] ^= next[j];
        }
        __asm__ volatile("" ::: "memory"); /* each turn reads anew */
    }
    for (int j = 1; j < STREAMS; ++j) x[0] ^= x[j];
    sink = x[0][0];
}

/* GB/s of a block; 0 where there is no memory for it. */
static double rate(size_t bytes, double limit) {
    const size_t chunks = bytes / CHUNK;
    Vector* const block = chunks ? aligned_alloc(4096, (chunks * CHUNK + 4095) / 4096 * 4096) : 0;
    if (!block) return 0;
    for (size_t i = 0; i < chunks * CHUNK / sizeof(uint64_t); ++i) ((uint64_t*)block)[i] = i; /* touches every page */
    const size_t times = 1 + ((size_t)1 << 20) / (chunks * CHUNK); /* a megabyte between two looks at the clock */
    read_all(block, chunks, times);
    double read = 0, seconds;
    const double began = now();
    do {
        read_all(block, chunks, times);
        read += (double)(chunks * CHUNK * times);
        seconds = now() - began;
    } while (seconds < limit);
    free(block);
    return 1e-9 * read / seconds;
}

int main(int count, char** arguments) {
    const double seconds = count > 2 ? atof(arguments[1]) : 0;
    if (!(seconds > 0)) return 2;
    for (int i = 2; i < count; ++i) {
        printf("%s%.2f", i == 2 ? "[" : ", ", rate(strtoull(arguments[i], 0, 10), seconds));
    }
    printf("]\n");
    return 0;
}
