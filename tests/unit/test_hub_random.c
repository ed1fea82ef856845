/* Random histories: clients that come, go, sleep and resume, sources that change and lose, small bounds. At
 * every frame a client believes what it was promised; in the end it knows what the source knows. */
#include <time.h>

#include "hub_world.h"

static void step(struct world *w)
{
        struct world_client *c = &w->client[world_roll(w, WORLD_CLIENTS)];
        unsigned channel = world_roll(w, WORLD_CHANNELS);
        unsigned what = world_roll(w, 100);

        if (c->closed || (c->reader && what < 2)) {
                world_read(c, world_roll(w, 2) ? WORLD_WAITING : world_roll(w, 20));
                world_leave(c);
        }
        if (!c->reader) {
                world_connect(c);
                return;
        }
        /* Beginning anew means something once all that was sent before is read. */
        if (what < 10 && c->view[channel].wanted && c->n)
                return;
        if (what < 10)
                assert_int_equal(world_subscribe(c, channel), E_OK);
        else if (what < 70)
                world_change(w, channel);
        else if (what < 73)
                world_lose(w, channel);
        else if (what < 80)
                world_mend(w, channel);
        else if (what < 82)
                clock_manual_advance(&w->clock, world_roll(w, 4000));
        else if (what < 84)
                hub_tick(w->hub);
        else if (c < &w->client[WORLD_CLIENTS / 2]) /* the others hardly ever read */
                world_read(c, world_roll(w, 30));
        else if (what == 99)
                world_read(c, WORLD_WAITING);
}

/* Once all is mended and read, everybody knows what the sources know. */
static void settle(struct world *w, unsigned counts[4])
{
        for (unsigned i = 0; i < WORLD_CHANNELS; i++)
                world_mend(w, i);
        for (unsigned i = 0; i < WORLD_CLIENTS; i++) {
                struct world_client *c = &w->client[i];
                for (unsigned turn = 0; turn < 200 && c->n; turn++)
                        world_read(c, WORLD_WAITING);
                counts[3] += c->closes;
                for (unsigned k = 0; k < WORLD_CHANNELS; k++) {
                        counts[0] += c->view[k].resumed;
                        counts[1] += c->view[k].gaps;
                        counts[2] += c->view[k].snapshots;
                        if (c->reader && !c->closed && c->view[k].wanted)
                                assert_true(world_agrees(c, k));
                }
        }
}

static void nobody_has_a_hole_unknowingly(void **state)
{
        const struct hub_options bounds[] = {
                {.ring_frames = 64, .ring_bytes = 16384, .linger_ms = 3000},
                {.ring_frames = 8, .ring_bytes = 4096, .rings_bytes = 9000},
                {.ring_frames = 512, .lag_ms = 2000, .events_linger_ms = 5000},
                {.channels = WORLD_CHANNELS},
        };
        const char *given = getenv("PERPGATE_SEED");
        uint64_t seed = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
        unsigned counts[4] = {0};

        (void)state;
        printf("seed %llu\n", (unsigned long long)seed);
        for (unsigned run = 0; run < 60; run++) {
                struct world *w = malloc(sizeof *w);
                assert_non_null(w);
                world_open(w, &bounds[run % 4], seed * 1000 + run);
                for (unsigned i = 0; i < 3000; i++)
                        step(w);
                settle(w, counts);
                world_close(w);
                free(w);
        }
        printf("  resumed %u, gaps %u, snapshots %u, closed %u\n", counts[0], counts[1], counts[2],
               counts[3]);
        for (unsigned i = 0; i < 4; i++)
                assert_true(counts[i] > 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(nobody_has_a_hole_unknowingly),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
