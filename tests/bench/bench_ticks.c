/* What keeping up with the marks costs.
 *
 * Accounts with two isolated and three cross positions each, in 200 markets with margin tiers, under
 * marks that walk as real ones do: how much of one core 200 marks a second take (paced by the clock),
 * how many marks a second it takes when they come as fast as it goes, and how many bytes an account
 * needs. Then the same marks against plain recomputation of everybody who holds the market, and the
 * growth from 10,000 to 200,000 accounts: what each recomputed position costs must stay what it is.
 *
 * Usage: bench_ticks [ACCOUNTS] [SECONDS] [SEED] */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "bench/ticks_engines.h"

#define PER_SECOND   WORLD_MARKETS
#define WARM_UP      (20u * PER_SECOND)
#define SATURATED    (600u * PER_SECOND)
#define PLAIN_MARKS  (2u * PER_SECOND)
#define ACCOUNTS_MAX 3000000u
#define SECONDS_MAX  3600u

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

struct result {
        size_t accounts, marks;
        int64_t cpu_ns;
        struct engine_counts counts; /* of these marks alone */
};

/* Runs the marks; with a pace, each at its time. Only the engine's own work is timed. */
static struct result run(const struct engine *engine, size_t accounts,
                         const struct world_mark *mark, size_t n, int64_t pace_ns)
{
        struct result result = {.accounts = accounts, .marks = n};
        struct engine_counts before;
        int64_t cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
        int64_t next = clock_ns(CLOCK_MONOTONIC);

        engine->counts(engine->state, &before);
        for (size_t i = 0; i < n; i++) {
                struct timespec until;

                engine->mark(engine->state, mark[i].market, mark[i].price);
                if (!pace_ns)
                        continue;
                next += pace_ns;
                until.tv_sec = next / 1000000000;
                until.tv_nsec = next % 1000000000;
                while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
                        ;
        }
        result.cpu_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu;
        engine->counts(engine->state, &result.counts);
        result.counts.positions -= before.positions;
        result.counts.changes -= before.changes;
        return result;
}

/* a / b with so many decimals. */
static const char *quotient(char buf[NUM_STR_MAX], uint64_t a, uint64_t b, unsigned decimals)
{
        num_wide scaled = (num_wide)a * num_pow10(decimals);

        return num_print(buf, b ? (int64_t)(scaled / b) : 0, decimals, 0);
}

static void print_run(const char *what, const struct result *result)
{
        uint64_t cpu = (uint64_t)result->cpu_ns, marks = result->marks;
        char per_second[NUM_STR_MAX], share[NUM_STR_MAX], positions[NUM_STR_MAX], us[NUM_STR_MAX];

        printf("%s: %s marks per second of CPU (%s us each), %s positions recomputed per mark; "
               "200 a second are %s percent of a core\n",
               what, quotient(per_second, marks * 1000000000, cpu, 0),
               quotient(us, cpu, marks * 1000, 1),
               quotient(positions, result->counts.positions, marks, 2),
               quotient(share, cpu, marks * 50000, 2));
}

/* The main measurement: paced, as fast as it goes, and against the plain way on the same marks. */
static void compare(size_t accounts, size_t seconds, uint64_t seed)
{
        size_t n_paced = seconds * PER_SECOND;
        struct world world;
        struct world_mark *marks;
        struct engine engine;
        struct result result, first, plain;
        char a[NUM_STR_MAX], b[NUM_STR_MAX], c[NUM_STR_MAX];

        world_init(&world, accounts, seed);
        marks = world_marks(&world, PLAIN_MARKS + WARM_UP + n_paced + SATURATED);
        engine = engine_ticks(&world);
        first = run(&engine, accounts, marks, PLAIN_MARKS, 0);
        run(&engine, accounts, marks + PLAIN_MARKS, WARM_UP, 0);
        result = run(&engine, accounts, marks + PLAIN_MARKS + WARM_UP, n_paced,
                     1000000000 / PER_SECOND);
        printf("%zu accounts, 2 isolated and 3 cross positions each, %u markets, seed %llu\n",
               accounts, WORLD_MARKETS, (unsigned long long)seed);
        printf("paced, 200 marks a second for %zu s: %s percent of one core; %s positions "
               "recomputed and %s levels changed per second\n",
               seconds, quotient(a, (uint64_t)result.cpu_ns, seconds * UINT64_C(10000000), 2),
               quotient(b, result.counts.positions, seconds, 0),
               quotient(c, result.counts.changes, seconds, 1));
        result = run(&engine, accounts, marks + PLAIN_MARKS + WARM_UP + n_paced, SATURATED, 0);
        print_run("as fast as it goes", &result);
        printf("bytes per account: %s for thresholds and bands, %zu for the account itself\n",
               quotient(a, result.counts.bytes, accounts, 0), sizeof *world.account);
        engine.free(engine.state);
        world_fini(&world);

        world_init(&world, accounts, seed);
        engine = engine_plain(&world);
        plain = run(&engine, accounts, marks, PLAIN_MARKS, 0);
        print_run("plain recomputation", &plain);
        printf("gain: %s times less CPU on the same %u marks, %s against the long run; levels "
               "changed in them: %llu found, %llu by plain recomputation\n",
               quotient(a, (uint64_t)plain.cpu_ns, (uint64_t)first.cpu_ns, 0), PLAIN_MARKS,
               quotient(b, (uint64_t)plain.cpu_ns * (SATURATED / PLAIN_MARKS),
                        (uint64_t)result.cpu_ns, 0),
               (unsigned long long)first.counts.changes, (unsigned long long)plain.counts.changes);
        engine.free(engine.state);
        world_fini(&world);
        free(marks);
}

static void grow(size_t accounts, uint64_t seed)
{
        struct world world;
        struct world_mark *marks;
        struct engine engine;
        struct result result;
        char each[NUM_STR_MAX], bytes[NUM_STR_MAX], what[64];

        world_init(&world, accounts, seed);
        marks = world_marks(&world, WARM_UP + SATURATED);
        engine = engine_ticks(&world);
        run(&engine, accounts, marks, WARM_UP, 0);
        result = run(&engine, accounts, marks + WARM_UP, SATURATED, 0);
        snprintf(what, sizeof what, "%zu accounts", accounts);
        print_run(what, &result);
        printf("    %s ns of CPU per position recomputed, %s bytes per account\n",
               quotient(each, (uint64_t)result.cpu_ns, result.counts.positions, 0),
               quotient(bytes, result.counts.bytes, accounts, 0));
        engine.free(engine.state);
        world_fini(&world);
        free(marks);
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
        uint64_t seed = argument(argc, argv, 3, 1, UINT64_MAX);

        stay_on_one_core();
        compare(accounts, seconds, seed);
        puts("growth");
        grow(10000, seed);
        grow(100000, seed);
        grow(200000, seed);
        return 0;
}
