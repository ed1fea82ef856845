/* The hub's promise: whoever reads has the newest state, or knows that it has not. */
#include "hub_world.h"

static const struct hub_options wide = {.channels = 100};

static struct world *open_world(const struct hub_options *bounds, uint64_t seed)
{
        struct world *w = malloc(sizeof *w);

        assert_non_null(w);
        world_open(w, bounds, seed);
        return w;
}

static void end(struct world *w)
{
        world_close(w);
        free(w);
}

static bool has(const char *frame, const char *part)
{
        return strstr(frame, part) != NULL;
}

static void the_first_frame_is_a_snapshot_and_updates_follow(void **state)
{
        struct world *w = open_world(&wide, 1);
        struct world_client *c = &w->client[0];

        (void)state;
        world_connect(c);
        assert_int_equal(world_subscribe(c, 0), E_OK);
        assert_true(has(world_peek(c, 0), "{\"type\":\"subscribed\",\"id\":7,\"channel\":\"s0\","
                                          "\"symbol\":\"BTC\",\"epoch\":\""));
        assert_true(has(world_peek(c, 0), "\"resumed\":false}"));
        assert_true(has(world_peek(c, 1), "{\"type\":\"snapshot\",\"channel\":\"s0\""));
        world_change(w, 0);
        world_change(w, 0);
        assert_int_equal(c->n, 4);
        world_read(c, 4);
        assert_int_equal(c->view[0].updates, 2);
        assert_true(world_agrees(c, 0));
        end(w);
}

static void a_snapshot_comes_when_there_is_one(void **state)
{
        struct world *w = open_world(&wide, 1);
        struct world_client *c = &w->client[0];

        (void)state;
        w->feed[1].can_print = false;
        world_connect(c);
        assert_int_equal(world_subscribe(c, 1), E_OK);
        world_change(w, 1); /* means nothing to who has no snapshot */
        assert_int_equal(c->n, 1);
        world_mend(w, 1);
        assert_int_equal(c->n, 2);
        world_change(w, 1);
        world_read(c, 3);
        assert_int_equal(c->view[1].updates, 1);
        assert_true(world_agrees(c, 1));
        end(w);
}

static void a_frame_is_made_once_for_all(void **state)
{
        struct world *w = open_world(&wide, 1);
        struct hub_stats stats;

        (void)state;
        for (unsigned i = 0; i < WORLD_CLIENTS; i++) {
                world_connect(&w->client[i]);
                assert_int_equal(world_subscribe(&w->client[i], 0), E_OK);
        }
        for (unsigned i = 0; i < 5; i++)
                world_change(w, 0);
        hub_stats(w->hub, &stats);
        assert_int_equal(stats.encoded, 1 + 5);
        assert_int_equal(stats.delivered, WORLD_CLIENTS * 6);
        for (unsigned i = 1; i < WORLD_CLIENTS; i++)
                assert_ptr_equal(w->client[i].queue[6], w->client[0].queue[6]);
        end(w);
}

static void a_gap_is_told_once_and_mended_by_a_snapshot(void **state)
{
        struct world *w = open_world(&wide, 1);
        struct world_client *c = &w->client[0];

        (void)state;
        world_connect(c);
        assert_int_equal(world_subscribe(c, 3), E_OK);
        world_change(w, 3);
        world_lose(w, 3);
        world_lose(w, 3);
        world_read(c, 10);
        assert_int_equal(c->view[3].gaps, 1);
        assert_true(c->view[3].is_stale);
        world_change(w, 3);
        world_mend(w, 3);
        world_read(c, 10);
        assert_int_equal(c->view[3].snapshots, 2);
        assert_true(world_agrees(c, 3));
        end(w);
}

/* What a client had before it lost its socket, and what it gets when it resumes. */
static void who_comes_back_gets_what_was_missed(void **state)
{
        struct world *w = open_world(&wide, 1);
        struct world_client *c = &w->client[0];

        (void)state;
        for (unsigned channel = 0; channel < 2; channel++) {
                world_connect(c);
                assert_int_equal(world_subscribe(c, channel), E_OK);
                world_change(w, channel);
                world_read(c, 10);
                world_leave(c);
                for (unsigned i = 0; i < 5; i++)
                        world_change(w, channel);
                world_connect(c);
                assert_int_equal(world_subscribe(c, channel), E_OK);
                world_read(c, 10);
                assert_int_equal(c->view[channel].resumed, 1);
                assert_int_equal(c->view[channel].snapshots, 1);
                assert_int_equal(c->view[channel].updates, 6);
                assert_true(world_agrees(c, channel));
                world_leave(c);
        }
        end(w);
}

/* A place that the gateway never gave, of another epoch or ahead of it, is answered by a snapshot. */
static void a_place_that_is_not_ours_is_answered_by_a_snapshot(void **state)
{
        struct world *w = open_world(&wide, 1);
        struct world_client *c = &w->client[0];

        (void)state;
        world_connect(c);
        assert_int_equal(world_subscribe(c, 1), E_OK);
        world_change(w, 1);
        world_read(c, 10);
        c->view[1].seq += 1;
        assert_int_equal(world_subscribe(c, 1), E_OK);
        world_read(c, 10);
        c->view[1].epoch[0] = c->view[1].epoch[0] == 'a' ? 'b' : 'a';
        assert_int_equal(world_subscribe(c, 1), E_OK);
        world_read(c, 10);
        assert_int_equal(c->view[1].resumed, 0);
        assert_int_equal(c->view[1].snapshots, 3);
        assert_true(world_agrees(c, 1));
        end(w);
}

/* It lost its socket between the gap and the snapshot: resuming brings the snapshot. */
static void a_gap_is_mended_for_who_left_meanwhile(void **state)
{
        struct world *w = open_world(&wide, 1);
        struct world_client *c = &w->client[0];

        (void)state;
        for (unsigned channel = 0; channel < 2; channel++) {
                world_connect(c);
                assert_int_equal(world_subscribe(c, channel), E_OK);
                world_change(w, channel);
                world_lose(w, channel);
                world_read(c, 10);
                world_leave(c);
                world_mend(w, channel);
                world_change(w, channel);
                world_connect(c);
                assert_int_equal(world_subscribe(c, channel), E_OK);
                world_read(c, 10);
                assert_int_equal(c->view[channel].resumed, channel % 2);
                assert_int_equal(c->view[channel].gaps, 1);
                assert_true(world_agrees(c, channel));
                world_leave(c);
        }
        end(w);
}

static void a_ring_that_has_moved_on_is_answered_by_a_snapshot(void **state)
{
        struct hub_options o = {.ring_frames = 8};
        struct world *w = open_world(&o, 1);
        struct world_client *c = &w->client[0];

        (void)state;
        world_connect(c);
        assert_int_equal(world_subscribe(c, 1), E_OK);
        world_read(c, 10);
        world_leave(c);
        for (unsigned i = 0; i < 9; i++)
                world_change(w, 1);
        world_connect(c);
        assert_int_equal(world_subscribe(c, 1), E_OK);
        world_read(c, 20);
        assert_int_equal(c->view[1].resumed, 0);
        assert_int_equal(c->view[1].snapshots, 2);
        assert_true(world_agrees(c, 1));
        end(w);
}

static void a_slow_reader_of_state_gets_the_newest(void **state)
{
        struct world *w = open_world(&wide, 1);
        struct world_client *c = &w->client[0];
        struct hub_stats stats;

        (void)state;
        world_connect(c);
        assert_int_equal(world_subscribe(c, 0), E_OK);
        for (unsigned i = 0; i < 500; i++)
                world_change(w, 0);
        assert_true(c->bytes <= WORLD_QUEUE * 3 / 4); /* half is others' */
        assert_int_equal(c->closed, 0);
        for (unsigned i = 0; i < 20; i++)
                world_read(c, 10);
        assert_true(world_agrees(c, 0));
        assert_int_equal(c->view[0].snapshots, 2);
        assert_true(c->view[0].updates < 500);
        hub_stats(w->hub, &stats);
        assert_true(stats.conflated > 0);
        end(w);
}

static void a_reader_too_slow_for_events_is_closed_and_resumes(void **state)
{
        struct hub_options o = {.ring_frames = 128};
        struct world *w = open_world(&o, 1);
        struct world_client *c = &w->client[0];
        unsigned n = 0;

        (void)state;
        world_connect(c);
        assert_int_equal(world_subscribe(c, 1), E_OK);
        for (; !c->closed && n < 500; n++)
                world_change(w, 1);
        assert_int_equal(c->closed, HUB_CLOSE_SLOW);
        world_read(c, WORLD_WAITING); /* what had been queued arrives before the close */
        world_leave(c);
        world_connect(c);
        assert_int_equal(world_subscribe(c, 1), E_OK);
        for (unsigned i = 0; i < 100; i++)
                world_read(c, 10);
        assert_int_equal(c->view[1].resumed, 1);
        assert_int_equal(c->view[1].snapshots, 1);
        assert_int_equal(c->view[1].updates, n);
        end(w);
}

static void who_lags_behind_events_for_long_is_closed(void **state)
{
        struct world *w = open_world(&wide, 1);
        struct world_client *c = &w->client[0];

        (void)state;
        world_connect(c);
        assert_int_equal(world_subscribe(c, 1), E_OK);
        for (unsigned i = 0; i < 80; i++)
                world_change(w, 1);
        assert_true(c->owes_drained);
        assert_int_equal(c->closed, 0);
        hub_tick(w->hub);
        clock_manual_advance(&w->clock, 19999);
        hub_tick(w->hub);
        assert_int_equal(c->closed, 0);
        clock_manual_advance(&w->clock, 1);
        hub_tick(w->hub);
        assert_int_equal(c->closed, HUB_CLOSE_SLOW);
        end(w);
}

static void channels_live_on_for_a_while(void **state)
{
        struct world *w = open_world(&wide, 1);
        struct world_client *c = &w->client[0];

        (void)state;
        world_connect(c);
        assert_int_equal(world_subscribe(c, 0), E_OK);
        assert_int_equal(world_subscribe(c, 1), E_OK);
        world_leave(c);
        clock_manual_advance(&w->clock, 9999);
        hub_tick(w->hub);
        assert_non_null(w->feed[0].channel);
        clock_manual_advance(&w->clock, 1);
        hub_tick(w->hub);
        assert_null(w->feed[0].channel);
        assert_non_null(w->feed[1].channel);
        clock_manual_advance(&w->clock, 290000);
        hub_tick(w->hub);
        assert_null(w->feed[1].channel);
        end(w);
}

static void bounds_are_kept(void **state)
{
        struct hub_options o = {.channels = 2, .subscriptions = 2};
        struct world *w = open_world(&o, 1);
        struct world_client *a = &w->client[0], *b = &w->client[1];

        (void)state;
        world_connect(a);
        world_connect(b);
        assert_int_equal(world_subscribe(a, 0), E_OK);
        assert_int_equal(world_subscribe(a, 1), E_OK);
        assert_int_equal(world_subscribe(a, 2), E_RATE_LIMITED);
        assert_int_equal(world_subscribe(a, 0), E_OK); /* it has that one */
        assert_int_equal(world_subscribe(b, 2), E_RATE_LIMITED);
        world_leave(a);
        assert_int_equal(world_subscribe(b, 2), E_OK); /* in place of one that nobody hears */
        assert_null(w->feed[0].channel);
        assert_non_null(w->feed[1].channel);
        end(w);
}

static void a_refusal_of_the_source_keeps_nothing(void **state)
{
        struct world *w = open_world(&wide, 1);
        struct world_client *c = &w->client[0];
        struct stream_subject subject = {.symbol = "NONE"};
        struct err err = {.code = E_OK};
        struct hub_stats stats;

        (void)state;
        world_connect(c);
        assert_int_equal(hub_subscribe(c->reader, "s0", &subject, NULL, NULL, &err),
                         E_MARKET_NOT_OFFERED);
        assert_string_equal(err.detail, "is not offered");
        err = (struct err){.code = E_OK};
        assert_int_equal(hub_subscribe(c->reader, "nope", &subject, NULL, NULL, &err), E_NOT_FOUND);
        assert_int_equal(hub_unsubscribe(c->reader, "s0", &subject, NULL), E_NOT_FOUND);
        assert_int_equal(hub_unsubscribe(c->reader, "nope", &subject, NULL), E_NOT_FOUND);
        assert_int_equal(c->n, 0);
        hub_stats(w->hub, &stats);
        assert_int_equal(stats.channels, 0);
        end(w);
}

static void what_ends_is_told_and_opened_anew(void **state)
{
        struct world *w = open_world(&wide, 1);
        struct world_client *c = &w->client[0];
        struct err err = {.code = E_NOT_FOUND};

        (void)state;
        world_connect(c);
        assert_int_equal(world_subscribe(c, 0), E_OK);
        world_read(c, 10);
        stream_end(w->feed[0].channel, &err);
        assert_true(has(world_peek(c, 0), "{\"type\":\"error\",\"channel\":\"s0\""));
        assert_true(has(world_peek(c, 0), "\"problem\":{\"code\":\"not_found\"}}"));
        world_read(c, 10);
        w->feed[0].channel = NULL;
        assert_int_equal(world_subscribe(c, 0), E_OK);
        world_read(c, 10);
        assert_int_equal(w->feed[0].opened, 2);
        assert_int_equal(c->view[0].resumed, 0);
        hub_tick(w->hub);
        assert_int_equal(w->feed[0].closed, 1);
        world_change(w, 0);
        world_read(c, 10);
        assert_true(world_agrees(c, 0));
        end(w);
}

static void a_renewed_state_is_shown_whole(void **state)
{
        struct world *w = open_world(&wide, 1);
        struct world_client *c = &w->client[0];

        (void)state;
        world_connect(c);
        assert_int_equal(world_subscribe(c, 0), E_OK);
        world_read(c, 10);
        w->feed[0].cell[3] = 99;
        stream_renew(w->feed[0].channel);
        world_read(c, 10);
        assert_int_equal(c->view[0].snapshots, 2);
        assert_true(world_agrees(c, 0));
        /* While nobody hears it, renewing is what makes a place too old. */
        world_leave(c);
        w->feed[0].cell[3] = 100;
        stream_renew(w->feed[0].channel);
        world_connect(c);
        assert_int_equal(world_subscribe(c, 0), E_OK);
        world_read(c, 10);
        assert_true(world_agrees(c, 0));
        end(w);
}

/* More than a frame may hold ends the channel, in words, and nothing else. */
static void a_snapshot_too_large_ends_the_channel(void **state)
{
        struct world *w = open_world(&wide, 1);
        struct world_client *c = &w->client[0];

        (void)state;
        w->feed[0].padding = WORLD_QUEUE / 2;
        world_connect(c);
        assert_int_equal(world_subscribe(c, 0), E_OK);
        assert_int_equal(world_subscribe(c, 1), E_OK);
        world_read(c, 10);
        assert_int_equal(c->view[0].snapshots, 0);
        hub_tick(w->hub);
        assert_true(has(world_peek(c, 0), "payload_too_large"));
        assert_int_equal(hub_subscriptions(c->reader), 1);
        assert_null(w->feed[0].channel);
        end(w);
}

/* So does one whom somebody joins before it has ended. */
static void who_joins_a_channel_that_ends_is_told(void **state)
{
        struct world *w = open_world(&wide, 1);

        (void)state;
        w->feed[0].padding = WORLD_QUEUE / 2;
        for (unsigned i = 0; i < 2; i++) {
                world_connect(&w->client[i]);
                assert_int_equal(world_subscribe(&w->client[i], 0), E_OK);
                world_read(&w->client[i], 10);
        }
        hub_tick(w->hub);
        for (unsigned i = 0; i < 2; i++) {
                assert_true(has(world_peek(&w->client[i], 0), "payload_too_large"));
                assert_int_equal(hub_subscriptions(w->client[i].reader), 0);
        }
        assert_null(w->feed[0].channel);
        end(w);
}

static enum errc not_btc(void *cookie, const struct stream_source *source,
                         const struct stream_subject *subject, struct err *err)
{
        (void)cookie;
        if (strcmp(source->name, "s0") == 0 && strcmp(subject->symbol, "BTC") == 0)
                return err_set(err, E_MARKET_NOT_OFFERED, "no more");
        return E_OK;
}

static void what_may_stay_no_longer_goes(void **state)
{
        struct world *w = open_world(&wide, 1);
        struct world_client *c = &w->client[0];

        (void)state;
        world_connect(c);
        assert_int_equal(world_subscribe(c, 0), E_OK);
        assert_int_equal(world_subscribe(c, 1), E_OK);
        world_read(c, 10);
        hub_review(c->reader, not_btc, NULL);
        assert_true(has(world_peek(c, 0), "market_not_offered"));
        assert_int_equal(c->n, 1);
        assert_int_equal(hub_subscriptions(c->reader), 1);
        end(w);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_first_frame_is_a_snapshot_and_updates_follow),
                cmocka_unit_test(a_snapshot_comes_when_there_is_one),
                cmocka_unit_test(a_frame_is_made_once_for_all),
                cmocka_unit_test(a_gap_is_told_once_and_mended_by_a_snapshot),
                cmocka_unit_test(who_comes_back_gets_what_was_missed),
                cmocka_unit_test(a_place_that_is_not_ours_is_answered_by_a_snapshot),
                cmocka_unit_test(a_gap_is_mended_for_who_left_meanwhile),
                cmocka_unit_test(a_ring_that_has_moved_on_is_answered_by_a_snapshot),
                cmocka_unit_test(a_slow_reader_of_state_gets_the_newest),
                cmocka_unit_test(a_reader_too_slow_for_events_is_closed_and_resumes),
                cmocka_unit_test(who_lags_behind_events_for_long_is_closed),
                cmocka_unit_test(channels_live_on_for_a_while),
                cmocka_unit_test(bounds_are_kept),
                cmocka_unit_test(a_refusal_of_the_source_keeps_nothing),
                cmocka_unit_test(what_ends_is_told_and_opened_anew),
                cmocka_unit_test(a_renewed_state_is_shown_whole),
                cmocka_unit_test(a_snapshot_too_large_ends_the_channel),
                cmocka_unit_test(who_joins_a_channel_that_ends_is_told),
                cmocka_unit_test(what_may_stay_no_longer_goes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
