/* The mirror against the paper venue's engine, with random trading and faults on the line. */
#include <stdlib.h>

#include "mirror_world.h"

static void print_stats(const struct world *w)
{
        struct mirror_stats s;

        mirror_stats(w->mirror, &s);
        printf("  states %llu (clean %llu, stale %llu), trades %llu, known %llu, again %llu, old "
               "%llu, "
               "refused %llu, reads %zu, drifted %llu, wrong at most %lld ms, crossed %zu\n",
               (unsigned long long)s.states, (unsigned long long)s.states_clean,
               (unsigned long long)s.states_stale, (unsigned long long)s.trades,
               (unsigned long long)s.trades_known, (unsigned long long)s.trades_seen_before,
               (unsigned long long)s.trades_old, (unsigned long long)s.refused, w->n_reads,
               (unsigned long long)s.drifted_ever, (long long)s.wrong_ms_max, w->n_crossed);
        for (unsigned i = 0; i < MIRROR_FIELDS; i++) {
                if (s.drift_explained[i] || s.drift_unexplained[i])
                        printf("  %s: %llu explained, %llu not\n",
                               mirror_field_name((enum mirror_field)i),
                               (unsigned long long)s.drift_explained[i],
                               (unsigned long long)s.drift_unexplained[i]);
        }
}

static void expect_clean(struct world *w)
{
        struct mirror_stats before, after;

        world_settle(w);
        mirror_stats(w->mirror, &before);
        world_settle(w);
        mirror_stats(w->mirror, &after);
        print_stats(w);
        assert_int_equal(after.states - before.states, after.states_clean - before.states_clean);
        assert_int_equal(after.drifted_now, 0);
        for (unsigned user = 1; user < WORLD_USERS; user++)
                world_compare(w, user);
}

static void run(const struct world_faults *faults, unsigned steps, struct mirror_stats *stats)
{
        struct world *w = malloc(sizeof *w);

        assert_non_null(w);
        world_open(w, faults, dice_new());
        world_settle(w);
        w->faults = *faults;
        world_run(w, steps);
        expect_clean(w);
        mirror_stats(w->mirror, stats);
        world_close(w);
        free(w);
}

static void nothing_is_wrong_without_a_reason(void **state)
{
        struct world_faults faults = {0};
        struct mirror_stats stats;

        (void)state;
        run(&faults, 6000, &stats);
        assert_true(stats.trades_known > 500);
        for (unsigned i = 0; i < MIRROR_FIELDS; i++)
                assert_int_equal(stats.drift_unexplained[i], 0);
        assert_int_equal(stats.drifted_ever, 0);
}

static void late_and_repeated_events_do_no_harm(void **state)
{
        struct world_faults faults = {.late_ms = 1500, .twice = 20, .reads_lost = 10};
        struct mirror_stats stats;

        (void)state;
        run(&faults, 6000, &stats);
        assert_true(stats.trades_seen_before > 50);
}

static void gaps_that_are_told_are_closed(void **state)
{
        struct world_faults faults = {
                .late_ms = 800, .twice = 10, .gaps = true, .elsewhere = true, .unknown = 10};
        struct mirror_stats stats;

        (void)state;
        run(&faults, 6000, &stats);
}

static void what_is_lost_in_silence_is_found(void **state)
{
        struct world_faults faults = {.late_ms = 1500,
                                      .twice = 10,
                                      .lost = 15,
                                      .reads_lost = 20,
                                      .unknown = 10,
                                      .gaps = true,
                                      .elsewhere = true};
        struct mirror_stats stats;

        (void)state;
        run(&faults, 8000, &stats);
        assert_true(stats.drift_explained[FIELD_SIZE] + stats.drift_unexplained[FIELD_SIZE] > 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(nothing_is_wrong_without_a_reason),
                cmocka_unit_test(late_and_repeated_events_do_no_harm),
                cmocka_unit_test(gaps_that_are_told_are_closed),
                cmocka_unit_test(what_is_lost_in_silence_is_found),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
