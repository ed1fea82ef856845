/* nonce: grows whatever the clock does, differs within a millisecond, survives a restart. */
#include "store_rig.h"

#include "journal/nonce.h"

#define NOW    INT64_C(1790000000000)
#define DAY_MS INT64_C(86400000)

struct bench {
        struct rig *rig;
        struct clock_manual clock;
        struct nonce_ledger *ledger;
};

static void on_ready(void *cookie, enum errc rc)
{
        rig_count(cookie, rc);
}

static void open_ledger(struct bench *bench)
{
        bench->ledger = nonce_ledger_new(bench->rig->store, &bench->clock.clock);
}

static int setup(void **state)
{
        struct bench *bench = xcalloc(1, sizeof *bench);
        void *rig;

        rig_setup(&rig);
        bench->rig = rig;
        clock_manual_init(&bench->clock, NOW);
        open_ledger(bench);
        *state = bench;
        return 0;
}

static int teardown(void **state)
{
        struct bench *bench = *state;
        void *rig = bench->rig;

        nonce_ledger_free(bench->ledger);
        rig_teardown(&rig);
        free(bench);
        return 0;
}

static enum errc load(struct bench *bench, const struct addr *signer)
{
        struct reply reply = {0};

        nonce_ledger_load(bench->ledger, signer, on_ready, &reply);
        assert_int_equal(reply.n, 0); /* never before the call returns */
        rig_wait(bench->rig, &reply, 1);
        return reply.rc;
}

static uint64_t take(struct bench *bench, const struct addr *signer, unsigned n)
{
        uint64_t first = 0;

        assert_int_equal(nonce_ledger_take(bench->ledger, signer, n, &first), E_OK);
        return first;
}

static void an_unknown_signer_has_none(void **state)
{
        struct bench *bench = *state;
        struct addr signer = rig_addr(2), other = rig_addr(3);
        uint64_t first = 7;

        assert_int_equal(nonce_ledger_take(bench->ledger, &signer, 1, &first), E_NOT_FOUND);
        assert_int_equal(load(bench, &signer), E_OK);
        assert_int_equal(nonce_ledger_take(bench->ledger, &other, 1, &first), E_NOT_FOUND);
        assert_int_equal(first, 7);
}

static void a_nonce_is_the_time_and_never_the_same(void **state)
{
        struct bench *bench = *state;
        struct addr signer = rig_addr(2), other = rig_addr(3);

        assert_int_equal(load(bench, &signer), E_OK);
        assert_int_equal(load(bench, &other), E_OK);
        assert_int_equal(take(bench, &signer, 1), NOW);
        assert_int_equal(take(bench, &signer, 3), NOW + 1);
        assert_int_equal(take(bench, &signer, 1), NOW + 4);
        assert_int_equal(take(bench, &other, 1), NOW); /* signers do not share */
        clock_manual_advance(&bench->clock, 4);
        assert_int_equal(take(bench, &signer, 1), NOW + 5);
        clock_manual_advance(&bench->clock, 100);
        assert_int_equal(take(bench, &signer, 1), NOW + 104);
}

static void it_grows_when_the_clock_steps_back(void **state)
{
        struct bench *bench = *state;
        struct addr signer = rig_addr(2);

        assert_int_equal(load(bench, &signer), E_OK);
        assert_int_equal(take(bench, &signer, 1), NOW);
        bench->clock.now_wall_ms = NOW - 3600 * 1000;
        assert_int_equal(take(bench, &signer, 1), NOW + 1);
        assert_int_equal(take(bench, &signer, 1), NOW + 2);
        bench->clock.now_wall_ms = NOW + 3600 * 1000;
        assert_int_equal(take(bench, &signer, 1), NOW + 3600 * 1000);
        bench->clock.now_wall_ms = NOW + 10;
        assert_int_equal(take(bench, &signer, 1), NOW + 3600 * 1000 + 1);
}

static void a_mark_the_venue_would_refuse_is_not_handed_out(void **state)
{
        struct bench *bench = *state;
        struct addr signer = rig_addr(2);
        uint64_t first = 0;

        assert_int_equal(load(bench, &signer), E_OK);
        bench->clock.now_wall_ms = NOW + DAY_MS; /* a clock that ran ahead, then was set right */
        assert_int_equal(take(bench, &signer, 1), NOW + DAY_MS);
        bench->clock.now_wall_ms = NOW;
        assert_int_equal(nonce_ledger_take(bench->ledger, &signer, 1, &first), E_RANGE);
        bench->clock.now_wall_ms = NOW + 1;
        assert_int_equal(nonce_ledger_take(bench->ledger, &signer, 2, &first), E_RANGE);
        assert_int_equal(take(bench, &signer, 1), NOW + DAY_MS + 1); /* E_RANGE took nothing */
        assert_int_equal(nonce_ledger_take(bench->ledger, &signer, 1, &first), E_RANGE);
        bench->clock.now_wall_ms = NOW + DAY_MS;
        assert_int_equal(nonce_ledger_take(bench->ledger, &signer, UINT32_MAX, &first), E_RANGE);
        assert_int_equal(take(bench, &signer, 1), NOW + DAY_MS + 2);
}

static void a_restart_goes_on_above_what_was_written(void **state)
{
        struct bench *bench = *state;
        struct store_intent in = rig_intent(1);

        assert_int_equal(load(bench, &in.signer), E_OK);
        in.step[0].nonce = take(bench, &in.signer, 1) + 500;
        assert_int_equal(rig_insert(bench->rig, &in), E_OK);
        nonce_ledger_free(bench->ledger);
        rig_reopen(bench->rig);
        open_ledger(bench);
        bench->clock.now_wall_ms = NOW - 1000;
        assert_int_equal(load(bench, &in.signer), E_OK);
        assert_int_equal(take(bench, &in.signer, 1), NOW + 501);
}

static void loading_again_does_not_go_back(void **state)
{
        struct bench *bench = *state;
        struct addr signer = rig_addr(2);
        struct reply reply = {0};

        nonce_ledger_load(bench->ledger, &signer, on_ready, &reply);
        nonce_ledger_load(bench->ledger, &signer, on_ready, &reply); /* joins the first */
        assert_int_equal(reply.n, 0);
        rig_wait(bench->rig, &reply, 2);
        assert_int_equal(reply.n_ok, 2);
        assert_int_equal(take(bench, &signer, 9), NOW);
        assert_int_equal(load(bench, &signer), E_OK); /* nothing of this is in the store */
        assert_int_equal(take(bench, &signer, 1), NOW + 9);
}

static void a_ledger_may_go_before_its_answers(void **state)
{
        struct bench *bench = *state;
        struct addr signer = rig_addr(2), other = rig_addr(3);
        struct reply reply = {0};

        assert_int_equal(load(bench, &other), E_OK);
        nonce_ledger_load(bench->ledger, &signer, on_ready, &reply);
        nonce_ledger_load(bench->ledger, &other, on_ready, &reply);
        nonce_ledger_free(bench->ledger);
        bench->ledger = NULL;
        rig_wait(bench->rig, &reply, 2);
        assert_int_equal(reply.n_ok, 2);
}

int main(void)
{
#define BENCH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
        const struct CMUnitTest tests[] = {
                BENCH(an_unknown_signer_has_none),
                BENCH(a_nonce_is_the_time_and_never_the_same),
                BENCH(it_grows_when_the_clock_steps_back),
                BENCH(a_mark_the_venue_would_refuse_is_not_handed_out),
                BENCH(a_restart_goes_on_above_what_was_written),
                BENCH(loading_again_does_not_go_back),
                BENCH(a_ledger_may_go_before_its_answers),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
