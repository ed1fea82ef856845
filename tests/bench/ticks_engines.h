/* ticks_engines: ways to keep up with marks, behind one struct, so that bench_ticks measures each of
 * them with the same world. */
#ifndef BENCH_TICKS_ENGINES_H
#define BENCH_TICKS_ENGINES_H

#include "bench/ticks_world.h"

struct engine_counts {
        uint64_t positions; /* touched: figures computed anew, or a threshold passed */
        uint64_t looks;     /* at a cross account */
        uint64_t changes;   /* levels found reached, or left again */
};

struct engine {
        void *state;
        /* A frame's marks, of different markets. */
        void (*marks)(void *state, const struct world_mark *mark, size_t n);
        void (*counts)(const void *state, struct engine_counts *out);
        void (*free)(void *state);
};

/* The gateway's mirror (mirror/mirror.h), fed as the keeper feeds it. */
struct engine engine_mirror(const struct world *world);
/* Every position and account that holds a market of the frame, each once. The world outlives it. */
struct engine engine_plain(struct world *world);

#endif
