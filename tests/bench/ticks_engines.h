/* ticks_engines: ways to keep up with marks, behind one struct, so that bench_ticks measures each of
 * them with the same world. Another one (the mirror as a whole) is one more function here. */
#ifndef BENCH_TICKS_ENGINES_H
#define BENCH_TICKS_ENGINES_H

#include "bench/ticks_world.h"

struct engine_counts {
        uint64_t positions; /* figures computed anew */
        uint64_t changes;   /* levels found reached, or left again */
        size_t bytes;       /* beside the accounts themselves */
};

struct engine {
        const char *name;
        void *state;
        void (*mark)(void *state, uint32_t market, struct px mark);
        void (*counts)(const void *state, struct engine_counts *out);
        void (*free)(void *state);
};

/* Thresholds and bands (mirror/ticks.h, mirror/band.h): only who is touched. The world outlives it. */
struct engine engine_ticks(struct world *world);
/* Every position and account that holds the market, at each mark. */
struct engine engine_plain(struct world *world);

#endif
