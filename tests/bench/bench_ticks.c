/* What keeping up with the marks costs the gateway's mirror.
 *
 * Accounts with two isolated and three cross positions each, in 200 markets with margin tiers, under
 * marks that walk as real ones do, on one core: what share of it 200 marks a second take (paced by the
 * clock), how many marks a second there is room for, what memory an account takes, and the same marks
 * against plain recomputation of everybody who holds the market. Marks come one in a frame, and 200 in a
 * frame as venues send them.
 * Then the growth from 1,000 to 100,000 accounts: what a touched position costs, beside what a load
 * from memory costs on this machine when it is spread over as many bytes.
 *
 * Usage: bench_ticks [ACCOUNTS] [SECONDS] [SEED] */
#include <errno.h>
#include <malloc.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "bench/ticks_engines.h"

#define PER_SECOND   WORLD_MARKETS
#define WARM_UP      (20u * PER_SECOND)
#define ROUND        (100u * PER_SECOND)
#define ROUNDS       6u
#define PLAIN_MARKS  (2u * PER_SECOND)
#define ACCOUNTS_MAX 3000000u
#define SECONDS_MAX  3600u
#define CACHE_LINE   64u
#define LOADS        1000000u
#define LOAD_ROUNDS  4u

static int64_t clock_ns(clockid_t clock)
{
        struct timespec t;

        clock_gettime(clock, &t);
        return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* One core for everything, where the kernel lets us choose. */
static void stay_on_one_core(void)
{
        cpu_set_t one;
        int cpu = sched_getcpu();

        CPU_ZERO(&one);
        CPU_SET((size_t)(cpu < 0 ? 0 : cpu), &one);
        if (sched_setaffinity(0, sizeof one, &one))
                fprintf(stderr, "bench_ticks: not bound to one core\n");
}

/* a / b with so many decimals. */
static const char *quotient(char buf[NUM_STR_MAX], uint64_t a, uint64_t b, unsigned decimals)
{
        num_wide scaled = (num_wide)a * num_pow10(decimals);

        return num_print(buf, b ? (int64_t)(scaled / b) : 0, decimals, 0);
}

/* --- marks --- */

struct result {
        size_t marks;
        uint64_t cpu_ns;
        struct engine_counts counts; /* of these marks alone */
};

static void wait_until(int64_t at)
{
        struct timespec until = {at / 1000000000, at % 1000000000};

        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
                ;
}

/* Runs the marks, so many in a frame; with a pace, each frame at its time. */
static struct result run(const struct engine *engine, const struct world_mark *mark, size_t n,
                         size_t in_frame, bool is_paced)
{
        struct result result = {.marks = n};
        int64_t pace_ns = (int64_t)(INT64_C(1000000000) * in_frame / PER_SECOND);
        struct engine_counts before;
        int64_t cpu, next;

        engine->counts(engine->state, &before);
        cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
        next = clock_ns(CLOCK_MONOTONIC);
        for (size_t i = 0; i < n; i += in_frame) {
                engine->marks(engine->state, mark + i, in_frame);
                next += pace_ns;
                if (is_paced)
                        wait_until(next);
        }
        result.cpu_ns = (uint64_t)(clock_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu);
        engine->counts(engine->state, &result.counts);
        result.counts.positions -= before.positions;
        result.counts.looks -= before.looks;
        result.counts.changes -= before.changes;
        return result;
}

static uint64_t cost_of(const struct result *result) /* ps per mark */
{
        return result->cpu_ns * 1000 / result->marks;
}

/* The cheapest of several rounds: the others were disturbed. */
static struct result run_rounds(const struct engine *engine, const struct world_mark *mark,
                                size_t round, size_t in_frame)
{
        struct result best = run(engine, mark, round, in_frame, false);

        for (unsigned i = 1; i < ROUNDS; i++) {
                struct result result = run(engine, mark + i * round, round, in_frame, false);

                if (cost_of(&result) < cost_of(&best))
                        best = result;
        }
        return best;
}

/* --- memory --- */

struct memory {
        uint64_t allocated, resident; /* bytes */
};

static struct memory memory_now(void)
{
        struct mallinfo2 info = mallinfo2();
        struct memory memory = {.allocated = info.uordblks + info.hblkhd};
        FILE *file = fopen("/proc/self/statm", "re");
        char line[128] = "", *at = line;

        if (file && fgets(line, sizeof line, file)) {
                (void)strtoul(line, &at, 10);
                memory.resident = strtoul(at, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE);
        }
        if (file)
                fclose(file);
        return memory;
}

/* What one load costs that has to wait for the one before it, anywhere in so many bytes, in ps. */
static uint64_t load_cost(size_t bytes, uint64_t seed)
{
        size_t lines = bytes / CACHE_LINE;
        uint32_t *line = xmalloc(lines * CACHE_LINE);
        uint32_t at = 0;
        int64_t cpu, least = INT64_MAX;

        for (size_t i = 0; i < lines; i++)
                line[i * (CACHE_LINE / sizeof *line)] = (uint32_t)i;
        /* Sattolo's shuffle: one cycle through all of them. */
        for (size_t i = lines - 1; i > 0; i--) {
                uint32_t *a = &line[i * (CACHE_LINE / sizeof *line)], *b, swapped;

                seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
                b = &line[(seed >> 33) % i * (CACHE_LINE / sizeof *line)];
                swapped = *a;
                *a = *b;
                *b = swapped;
        }
        for (unsigned k = 0; k < LOAD_ROUNDS; k++) {
                cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
                for (size_t i = 0; i < LOADS; i++)
                        at = line[at * (CACHE_LINE / sizeof *line)];
                cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu;
                least = cpu < least ? cpu : least;
        }
        __asm__ volatile("" : : "r"(at));
        free(line);
        return (uint64_t)least * 1000 / LOADS;
}

/* --- the comparison --- */

static void print_run(const char *what, const struct result *result)
{
        char a[NUM_STR_MAX], b[NUM_STR_MAX], c[NUM_STR_MAX], d[NUM_STR_MAX];

        printf("    %-21s %s us a mark, %s marks/s at saturation, %s positions touched a mark; "
               "200 marks/s are %s percent of a core\n",
               what, quotient(a, result->cpu_ns, result->marks * 1000, 2),
               quotient(b, result->marks * 1000000000, result->cpu_ns, 0),
               quotient(c, result->counts.positions, result->marks, 2),
               quotient(d, result->cpu_ns, result->marks * 50000, 2));
}

/* One way of framing: the mirror paced, then as fast as it goes, then plain recomputation. */
static void compare(size_t accounts, size_t seconds, uint64_t seed, size_t in_frame)
{
        size_t n_paced = seconds * PER_SECOND;
        struct memory before, after;
        struct world world;
        struct world_mark *marks;
        struct engine engine;
        struct result result, first, plain;
        char a[NUM_STR_MAX], b[NUM_STR_MAX];

        printf("%zu mark%s in a frame\n", in_frame, in_frame > 1 ? "s" : "");
        world_init(&world, accounts, seed);
        marks = world_marks(&world, PLAIN_MARKS + WARM_UP + n_paced + ROUNDS * ROUND);
        (void)malloc_trim(0); /* what is free counts as resident only once it is used */
        before = memory_now();
        engine = engine_mirror(&world);
        first = run(&engine, marks, PLAIN_MARKS, in_frame, false);
        run(&engine, marks + PLAIN_MARKS, WARM_UP, in_frame, false);
        after = memory_now();
        printf("    bytes an account:     %s from the allocator, %s resident\n",
               quotient(a, after.allocated - before.allocated, accounts, 0),
               quotient(b, after.resident - before.resident, accounts, 0));
        result = run(&engine, marks + PLAIN_MARKS + WARM_UP, n_paced, in_frame, true);
        printf("    paced for %zu s:       %s percent of a core; %s levels changed a second\n",
               seconds, quotient(a, result.cpu_ns, seconds * UINT64_C(10000000), 2),
               quotient(b, result.counts.changes, seconds, 1));
        result = run_rounds(&engine, marks + PLAIN_MARKS + WARM_UP + n_paced, ROUND, in_frame);
        print_run("as fast as it goes:", &result);
        engine.free(engine.state);
        world_fini(&world);

        world_init(&world, accounts, seed);
        engine = engine_plain(&world);
        plain = run(&engine, marks, PLAIN_MARKS, in_frame, false);
        print_run("plain recomputation:", &plain);
        printf("    gain:                 %s times less CPU a mark; on the first %u marks, the "
               "same for both, %s times, and %llu levels changed by both%s\n",
               quotient(a, cost_of(&plain), cost_of(&result), 0), PLAIN_MARKS,
               quotient(b, cost_of(&plain), cost_of(&first), 0),
               (unsigned long long)first.counts.changes,
               first.counts.changes == plain.counts.changes ? "" : " NOT: something was missed");
        engine.free(engine.state);
        world_fini(&world);
        free(marks);
}

/* --- growth --- */

#define SIZES 3u
static const size_t sizes[SIZES] = {1000, 10000, 100000};

struct growth {
        struct result result;
        uint64_t touch_ps, load_ps; /* of a touched position, of a load */
};

/* What marks cost that touch nobody. */
static uint64_t idle_cost(uint64_t seed, size_t in_frame)
{
        struct world world;
        struct world_mark *marks;
        struct engine engine;
        struct result result;

        world_init(&world, 0, seed);
        marks = world_marks(&world, ROUNDS * ROUND);
        engine = engine_mirror(&world);
        result = run_rounds(&engine, marks, ROUND, in_frame);
        engine.free(engine.state);
        world_fini(&world);
        free(marks);
        return cost_of(&result);
}

static struct growth grow(size_t accounts, uint64_t seed, size_t in_frame, uint64_t idle_ps)
{
        struct growth growth;
        struct memory before, after;
        struct world world;
        struct world_mark *marks;
        struct engine engine;
        uint64_t touched;
        /* Few accounts are touched rarely: more marks, for something to measure. */
        size_t round = ROUND * (accounts < 10000 ? 10 : 1);

        world_init(&world, accounts, seed);
        marks = world_marks(&world, WARM_UP + ROUNDS * round);
        before = memory_now();
        engine = engine_mirror(&world);
        run(&engine, marks, WARM_UP, in_frame, false);
        after = memory_now();
        growth.result = run_rounds(&engine, marks + WARM_UP, round, in_frame);
        touched = growth.result.counts.positions ? growth.result.counts.positions : 1;
        growth.touch_ps = (growth.result.cpu_ns * 1000 - growth.result.marks * idle_ps) / touched;
        engine.free(engine.state);
        world_fini(&world);
        free(marks);
        growth.load_ps = load_cost(after.allocated - before.allocated, seed);
        return growth;
}

static void grow_all(uint64_t seed, size_t in_frame)
{
        uint64_t idle_ps = idle_cost(seed, in_frame);
        struct growth growth[SIZES];
        char buf[6][NUM_STR_MAX];

        printf("growth, %zu mark%s in a frame; %s ns are of a mark that touches nobody\n"
               "    %8s %12s %12s %10s %14s %10s %18s\n",
               in_frame, in_frame > 1 ? "s" : "", quotient(buf[0], idle_ps, 1000, 0), "accounts",
               "touched/mark", "ns/touched", "ratio", "ns/load there", "ratio", "loads it grew by");
        for (unsigned i = 0; i < SIZES; i++) {
                const struct growth *g = &growth[i], *least = growth;

                growth[i] = grow(sizes[i], seed, in_frame, idle_ps);
                printf("    %8zu %12s %12s %10s %14s %10s %18s\n", sizes[i],
                       quotient(buf[0], g->result.counts.positions, g->result.marks, 3),
                       quotient(buf[1], g->touch_ps, 1000, 0),
                       quotient(buf[2], g->touch_ps, least->touch_ps, 2),
                       quotient(buf[3], g->load_ps, 1000, 1),
                       quotient(buf[4], g->load_ps, least->load_ps, 2),
                       i && g->touch_ps > least->touch_ps && g->load_ps > least->load_ps
                               ? quotient(buf[5], g->touch_ps - least->touch_ps,
                                          g->load_ps - least->load_ps, 1)
                               : "-");
        }
}

static unsigned long argument(int argc, char **argv, int i, unsigned long fallback,
                              unsigned long max)
{
        unsigned long v = argc > i ? strtoul(argv[i], NULL, 10) : fallback;

        if (v < 1 || v > max) {
                fprintf(stderr, "usage: bench_ticks [ACCOUNTS] [SECONDS] [SEED]\n");
                exit(2);
        }
        return v;
}

int main(int argc, char **argv)
{
        size_t accounts = argument(argc, argv, 1, 100000, ACCOUNTS_MAX);
        size_t seconds = argument(argc, argv, 2, 10, SECONDS_MAX);
        uint64_t seed = argument(argc, argv, 3, 1, 1000000);

        stay_on_one_core();
        setvbuf(stdout, NULL, _IOLBF, 0);
        printf("%zu accounts, %u isolated and %u cross positions each, %u markets, seed %llu\n",
               accounts, WORLD_ISOLATED, WORLD_CROSS, WORLD_MARKETS, (unsigned long long)seed);
        compare(accounts, seconds, seed, 1);
        compare(accounts, seconds, seed, WORLD_MARKETS);
        grow_all(seed, 1);
        grow_all(seed, WORLD_MARKETS);
        return 0;
}
