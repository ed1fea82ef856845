/* nonce: grows whatever the clock does, differs within a millisecond, survives a restart. */
#include "store_rig.h"

#include "dice.h"
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

/* --- a clock that was far ahead --- */

static enum errc keep(struct bench *bench, unsigned tag, uint64_t nonce)
{
        struct store_intent in = rig_intent(tag);

        in.step[0].nonce = nonce;
        in.client_id[0] = in.idempotency_key[0] = '\0';
        return rig_insert(bench->rig, &in);
}

static void restart(struct bench *bench)
{
        nonce_ledger_free(bench->ledger);
        rig_reopen(bench->rig);
        open_ledger(bench);
}

static void a_clock_that_was_far_ahead_leaves_no_signer_without(void **state)
{
        struct bench *bench = *state;
        struct addr signer = rig_intent(1).signer;

        for (int restarts = 0; restarts < 2; restarts++) {
                unsigned tag = 10 * (unsigned)restarts;
                uint64_t far = (uint64_t)(NOW + (30 + restarts) * DAY_MS);
                uint64_t first;

                assert_int_equal(load(bench, &signer), E_OK);
                first = take(bench, &signer, 1);
                assert_int_equal(keep(bench, tag + 1, first), E_OK);
                bench->clock.now_wall_ms = (int64_t)far;
                assert_int_equal(load(bench, &signer), E_OK);
                assert_int_equal(take(bench, &signer, 1), far);
                assert_int_equal(keep(bench, tag + 2, far), E_OK);
                bench->clock.now_wall_ms = NOW + 5;
                if (restarts)
                        restart(bench);
                assert_int_equal(load(bench, &signer), E_OK);
                uint64_t again = take(bench, &signer, 1);
                assert_int_equal(again, first + 1 > NOW + 5 ? first + 1 : NOW + 5);
                assert_int_equal(keep(bench, tag + 3, again), E_OK);
        }
}

/* Handed out, and not on disk yet when the clock comes back: not handed out again. */
static void what_is_on_its_way_is_not_handed_out_again(void **state)
{
        struct bench *bench = *state;
        struct addr signer = rig_addr(2);
        uint64_t first;

        assert_int_equal(load(bench, &signer), E_OK);
        first = take(bench, &signer, 7);
        bench->clock.now_wall_ms = NOW + 9 * DAY_MS;
        assert_int_equal(load(bench, &signer), E_OK);
        assert_int_equal(take(bench, &signer, 1), NOW + 9 * DAY_MS);
        bench->clock.now_wall_ms = NOW;
        assert_int_equal(load(bench, &signer), E_OK);
        assert_int_equal(take(bench, &signer, 1), first + 7);
}

static void an_approvals_nonce_is_remembered_when_the_clock_comes_back(void **state)
{
        struct bench *bench = *state;
        struct store_account account = {.brand = BRAND_A,
                                        .address = rig_addr(7),
                                        .terms_version = "1",
                                        .created_at = NOW,
                                        .builder_nonce = NOW + 40};
        struct reply reply = {0};

        store_account_put(bench->rig->store, &account, rig_on_done, &reply);
        rig_wait(bench->rig, &reply, 1);
        assert_int_equal(reply.rc, E_OK);
        bench->clock.now_wall_ms = NOW + 3 * DAY_MS;
        assert_int_equal(load(bench, &account.address), E_OK);
        struct store_intent in = rig_intent(1);
        in.account = in.signer = account.address;
        in.step[0].nonce = take(bench, &account.address, 1);
        assert_int_equal(rig_insert(bench->rig, &in), E_OK);
        bench->clock.now_wall_ms = NOW;
        restart(bench);
        assert_int_equal(load(bench, &account.address), E_OK);
        assert_int_equal(take(bench, &account.address, 1), NOW + 41);
}

/* --- whatever the clock does --- */

#define ROUNDS 400

static int64_t leap(struct dice *dice, int64_t now)
{
        switch (dice_between(dice, 0, 9)) {
        case 0: return now + dice_between(dice, 0, 40) * DAY_MS;
        case 1: return now - dice_between(dice, 0, 40) * DAY_MS;
        case 2: return NOW + dice_between(dice, 0, 3600000);
        case 3: return now - dice_between(dice, 0, 5000);
        default: return now + dice_between(dice, 0, 3);
        }
}

/* Each is used once (the store takes none twice), within the venue's window as the clock has it, and while
 * the clock does not lie by a day they grow. */
static void no_clock_makes_two_alike(void **state)
{
        struct bench *bench = *state;
        struct dice dice = dice_new();
        struct addr signer = rig_intent(1).signer;
        unsigned tag = 0, n_refused = 0;

        for (unsigned i = 0; i < ROUNDS; i++) {
                unsigned n = (unsigned)dice_between(&dice, 1, 4);
                uint64_t first = 0;

                if (dice_between(&dice, 0, 19) == 0)
                        restart(bench);
                bench->clock.now_wall_ms = leap(&dice, bench->clock.now_wall_ms);
                if (bench->clock.now_wall_ms < NOW / 2)
                        bench->clock.now_wall_ms = NOW;
                assert_int_equal(load(bench, &signer), E_OK);
                if (nonce_ledger_take(bench->ledger, &signer, n, &first)) {
                        n_refused++; /* a day's worth is used up to the last */
                        continue;
                }
                assert_true(first + n - 1 <= (uint64_t)(bench->clock.now_wall_ms + DAY_MS));
                assert_true(first >= (uint64_t)bench->clock.now_wall_ms);
                for (unsigned k = 0; k < n; k++)
                        assert_int_equal(keep(bench, ++tag, first + k), E_OK);
        }
        assert_true(n_refused < ROUNDS / 20);
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
                BENCH(a_clock_that_was_far_ahead_leaves_no_signer_without),
                BENCH(what_is_on_its_way_is_not_handed_out_again),
                BENCH(an_approvals_nonce_is_remembered_when_the_clock_comes_back),
                BENCH(no_clock_makes_two_alike),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
