/* prepare: plans that wait for their trader's signatures: by whom, for how long, how often. The calls'
 * answers and the pipeline behind are taken down instead of run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/handlers.h"
#include "api/prepare.h"
#include "api/route.h"
#include "api/run.h"
#include "base/mem.h"

#define NOW  INT64_C(1800000000000)
#define LIFE 60000

void __wrap_call_reply(struct call *call, int status, struct buf *body);
void __wrap_call_fail(struct call *call, const struct err *err);
void __wrap_pipeline_fail(struct run *run);
void __wrap_pipeline_free(struct run *run);
void __wrap_pipeline_resume(struct run *run, struct call *call);

/* What became of the latest call. */
static char answered[4096];
static struct err failed;
static struct run *resumed;
static unsigned n_resumed;

void __wrap_call_reply(struct call *call, int status, struct buf *body)
{
        (void)call;
        assert_int_equal(status, 200);
        text_copy(answered, sizeof answered, buf_cstr(body));
        buf_fini(body);
}

void __wrap_call_fail(struct call *call, const struct err *err)
{
        (void)call;
        failed = *err;
}

void __wrap_pipeline_fail(struct run *run)
{
        failed = run->err;
        run->call = NULL;
        free(run);
}

void __wrap_pipeline_free(struct run *run)
{
        run->api->open_runs--;
        free(run->asked);
        free(run);
}

void __wrap_pipeline_resume(struct run *run, struct call *call)
{
        (void)call;
        resumed = run;
        n_resumed++;
        run->api->open_runs++;
}

struct rig {
        struct clock_manual clock;
        struct secp *secp;
        struct api api;
        struct brand brand;
        struct route route;
        struct call call;
        struct venue venue;
        uint8_t key[32], other_key[32];
        struct addr other;
        bool other_is_agent;
        venue_number_fn *asked; /* whether other may sign */
        void *cookie;
};

static struct rig *rig;

static void read_agent(struct venue *venue, const struct addr *user, const struct addr *agent,
                       venue_number_fn *done, void *cookie)
{
        (void)venue;
        assert_memory_equal(user, &rig->call.session.address, sizeof *user);
        assert_memory_equal(agent, &rig->other, sizeof *agent);
        rig->asked = done;
        rig->cookie = cookie;
}

static const struct venue_ops ops = {.read_agent = read_agent};

static int setup(void **state)
{
        rig = xcalloc(1, sizeof *rig);
        *state = rig;
        clock_manual_init(&rig->clock, NOW);
        rig->secp = secp_new();
        memset(rig->key, 7, sizeof rig->key);
        memset(rig->other_key, 9, sizeof rig->other_key);
        rig->venue.ops = &ops;
        rig->api.o.clock = &rig->clock.clock;
        rig->api.o.secp = rig->secp;
        rig->api.o.venue = &rig->venue;
        rig->api.prepare = prepare_new(&rig->api);
        text_copy(rig->brand.id, sizeof rig->brand.id, "harbor");
        rig->brand.keys = BRAND_KEYS_NONE;
        rig->route = (struct route){.path = "/v1/orders/submit", .risk = ROUTE_OPENS_RISK};
        rig->call.api = &rig->api;
        rig->call.brand = &rig->brand;
        rig->call.route = &rig->route;
        rig->call.has_session = true;
        assert_int_equal(secp_address(rig->secp, &rig->call.session.address, rig->key), 0);
        assert_int_equal(secp_address(rig->secp, &rig->other, rig->other_key), 0);
        failed = (struct err){.code = E_OK};
        answered[0] = '\0';
        resumed = NULL;
        n_resumed = 0;
        return 0;
}

static int teardown(void **state)
{
        (void)state;
        if (resumed)
                __wrap_pipeline_free(resumed);
        prepare_free(rig->api.prepare);
        assert_int_equal(rig->api.open_runs, 0);
        secp_free(rig->secp);
        free(rig);
        return 0;
}

/* A run that has been compiled: n steps, of which the last may be one that is settled later. */
static struct run *compiled(enum run_kind kind, unsigned n, bool last_is_pending)
{
        struct run *run = xcalloc(1, sizeof *run);

        run->api = &rig->api;
        run->call = &rig->call;
        rig->call.body = (char *)(uintptr_t) "{}";
        run->q.kind = kind;
        run->q.prepare = true;
        run->plan.n_steps = n;
        for (unsigned i = 0; i < n; i++) {
                run->plan.step[i].name = "step";
                run->plan.step[i].action.kind = VENUE_CANCEL;
                run->intent.step[i].expires_after = NOW + LIFE;
                memset(run->intent.step[i].digest.b, (int)i + 1, 32);
        }
        run->plan.step[n - 1].amount_pending = last_is_pending;
        rig->api.open_runs++;
        return run;
}

/* Puts it aside; its id as answered. */
static const char *keep(struct run *run)
{
        static char id[CLOID_STR_MAX];
        struct buf steps;

        failed = (struct err){.code = E_OK};
        buf_init(&steps, 64);
        buf_puts(&steps, "[]");
        prepare_keep(rig->api.prepare, run, &steps);
        buf_fini(&steps);
        if (failed.code)
                return "";
        assert_memory_equal(answered, "{\"id\":\"0x", 9);
        memcpy(id, answered + 7, 34);
        id[34] = '\0';
        return id;
}

/* Submits n signatures, by key, over the digests of the steps; expects this. */
static void submit(const char *id, unsigned n, const uint8_t *key, enum errc expected)
{
        char body[2048], r[HASH_STR_MAX], s[HASH_STR_MAX];
        size_t len = (size_t)snprintf(body, sizeof body, "{\"id\":\"%s\",\"signatures\":[", id);

        for (unsigned i = 0; i < n; i++) {
                struct signature sig;
                struct hash32 digest;
                memset(digest.b, (int)i + 1, sizeof digest.b);
                assert_int_equal(secp_sign(rig->secp, &sig, &digest, key), 0);
                hex_print_hash(r, &sig.r);
                hex_print_hash(s, &sig.s);
                len += (size_t)snprintf(body + len, sizeof body - len, "%s\"%s%s%02x\"",
                                        i ? "," : "", r, s + 2, sig.v);
        }
        len += (size_t)snprintf(body + len, sizeof body - len, "]}");
        rig->call.body = body;
        rig->call.body_len = len;
        failed = (struct err){.code = E_OK};
        rig->asked = NULL;
        prepare_submit(&rig->call);
        if (rig->asked) {
                static const struct err ok = {.code = E_OK};
                rig->asked(rig->cookie, &ok, rig->other_is_agent);
        }
        json_decref(rig->call.json);
        rig->call.json = NULL;
        if (failed.code != expected)
                fail_msg("expected %s, got %s: %s", err_constant(expected),
                         err_constant(failed.code), failed.detail);
}

static void a_plan_goes_once_with_its_signatures(void **state)
{
        const char *id = keep(compiled(RUN_CLOSE, 2, false));

        (void)state;
        assert_int_equal(rig->api.open_runs, 0); /* it holds no drain */
        submit(id, 2, rig->key, E_OK);
        assert_int_equal(n_resumed, 1);
        assert_true(resumed->is_given);
        assert_memory_equal(&resumed->account.agent, &rig->call.session.address,
                            sizeof resumed->account.agent);
        submit(id, 2, rig->key, E_NOT_FOUND);
        assert_int_equal(n_resumed, 1);
}

static void one_that_has_expired_is_gone(void **state)
{
        const char *id = keep(compiled(RUN_CLOSE, 1, false));

        (void)state;
        clock_manual_advance(&rig->clock, LIFE);
        submit(id, 1, rig->key, E_NOT_FOUND);
        id = keep(compiled(RUN_CLOSE, 1, false)); /* its steps expire when the first one's did */
        submit(id, 1, rig->key, E_NOT_FOUND);
        assert_int_equal(n_resumed, 0);
}

static void the_last_moment_is_in_time(void **state)
{
        const char *id = keep(compiled(RUN_CLOSE, 1, false));

        (void)state;
        clock_manual_advance(&rig->clock, LIFE - 1);
        submit(id, 1, rig->key, E_OK);
        assert_int_equal(n_resumed, 1);
}

static void a_step_that_is_settled_later_takes_no_signature(void **state)
{
        const char *id = keep(compiled(RUN_PLACE, 3, true));

        (void)state;
        submit(id, 3, rig->key, E_INVALID);
        submit(id, 1, rig->key, E_INVALID);
        submit(id, 2, rig->key, E_OK);
        assert_true(resumed->given[0].v >= 27 && resumed->given[1].v >= 27);
        assert_int_equal(resumed->given[2].v, 0);
}

static void a_stranger_goes_nowhere_and_spoils_nothing(void **state)
{
        const char *id = keep(compiled(RUN_CLOSE, 1, false));

        (void)state;
        submit(id, 1, rig->other_key, E_SIGNATURE_MISMATCH);
        assert_int_equal(n_resumed, 0);
        rig->other_is_agent = true;
        submit(id, 1, rig->other_key, E_OK);
        assert_memory_equal(&resumed->account.agent, &rig->other, sizeof rig->other);
}

static void what_opens_is_stopped_by_what_was_prepared(void **state)
{
        static const struct {
                enum run_kind kind;
                bool reduces, opens;
        } cases[] = {
                {RUN_PLACE, false, true},    {RUN_PLACE, true, false},  {RUN_MODIFY, false, true},
                {RUN_MODIFY, true, false},   {RUN_MARGIN, false, true}, {RUN_CLOSE, false, false},
                {RUN_LEVERAGE, false, true}, {RUN_TPSL, false, false},  {RUN_CANCEL, false, false},
        };

        (void)state;
        rig->api.draining = true;
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                struct run *run = compiled(cases[i].kind, 1, false);
                run->q.order.reduce_only = run->old.reduce_only = cases[i].reduces;
                n_resumed = 0;
                submit(keep(run), 1, rig->key, cases[i].opens ? E_DRAINING : E_OK);
                assert_int_equal(n_resumed, cases[i].opens ? 0 : 1);
                if (resumed)
                        __wrap_pipeline_free(resumed);
                resumed = NULL;
        }
}

static void an_accounts_newest_take_the_place_of_its_oldest(void **state)
{
        char first[CLOID_STR_MAX], second[CLOID_STR_MAX];

        (void)state;
        text_copy(first, sizeof first, keep(compiled(RUN_PLACE, 1, false)));
        for (int i = 1; i < 16; i++) {
                struct run *run = compiled(RUN_PLACE, 1, false);
                run->intent.step[0].expires_after += (uint64_t)i;
                text_copy(second, sizeof second, keep(run));
        }
        assert_true(keep(compiled(RUN_CLOSE, 1, false))[0]);
        submit(first, 1, rig->key, E_NOT_FOUND);
        submit(second, 1, rig->key, E_OK);
}

static void what_reduces_finds_room(void **state)
{
        const struct addr mine = rig->call.session.address;

        (void)state;
        for (unsigned i = 0; i < 1024; i++) {
                rig->call.session.address = (struct addr){{1, (uint8_t)(i / 16)}};
                assert_true(keep(compiled(i == 0 ? RUN_CLOSE : RUN_PLACE, 1, false))[0]);
        }
        rig->call.session.address = mine;
        assert_string_equal(keep(compiled(RUN_PLACE, 1, false)), "");
        assert_int_equal(failed.code, E_RATE_LIMITED);
        rig->api.open_runs--; /* the pipeline's business */
        submit(keep(compiled(RUN_CLOSE, 1, false)), 1, rig->key, E_OK);
        clock_manual_advance(&rig->clock, LIFE); /* those that expired are nobody's */
        struct run *run = compiled(RUN_PLACE, 1, false);
        run->intent.step[0].expires_after += LIFE;
        assert_true(keep(run)[0]);
}

static enum errc ask(const char *query, enum run_kind kind, enum brand_keys keys, bool *prepares)
{
        struct run_request request = {.kind = kind};
        struct err err = {.code = E_OK};
        enum errc rc;

        rig->call.query = (char *)(uintptr_t)query;
        rig->brand.keys = keys;
        rc = prepare_is_asked(&request, &rig->call, &err);
        *prepares = request.prepare;
        assert_int_equal(rc, err.code);
        return rc;
}

static void brand_and_query_decide(void **state)
{
        static const char *const wrong[] = {
                "prepare=false", "prepare=", "prepare",    "prepare=TRUE",
                "prepar=true",   "x=1",      "symbol=BTC", "prepare=true&prepare=true"};
        const enum brand_keys keeps = BRAND_KEYS_AGENT;
        bool prepares;
        struct run_request preview = {.kind = RUN_TPSL, .preview = true};
        struct err err = {.code = E_OK};

        (void)state;
        assert_int_equal(ask("", RUN_PLACE, keeps, &prepares), E_OK);
        assert_false(prepares);
        assert_int_equal(ask("prepare=true", RUN_PLACE, keeps, &prepares), E_OK);
        assert_true(prepares);
        assert_int_equal(ask("", RUN_TPSL, BRAND_KEYS_NONE, &prepares), E_OK);
        assert_true(prepares);
        assert_int_equal(prepare_is_asked(&preview, &rig->call, &err), E_OK);
        assert_false(preview.prepare);
        assert_int_equal(ask("symbol=BTC&prepare=true", RUN_CANCEL, keeps, &prepares), E_OK);
        assert_true(prepares);
        for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
                if (ask(wrong[i], RUN_PLACE, keeps, &prepares) != E_INVALID)
                        fail_msg("%s passes", wrong[i]);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(a_plan_goes_once_with_its_signatures, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(one_that_has_expired_is_gone, setup, teardown),
                cmocka_unit_test_setup_teardown(the_last_moment_is_in_time, setup, teardown),
                cmocka_unit_test_setup_teardown(a_step_that_is_settled_later_takes_no_signature,
                                                setup, teardown),
                cmocka_unit_test_setup_teardown(a_stranger_goes_nowhere_and_spoils_nothing, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(what_opens_is_stopped_by_what_was_prepared, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(an_accounts_newest_take_the_place_of_its_oldest,
                                                setup, teardown),
                cmocka_unit_test_setup_teardown(what_reduces_finds_room, setup, teardown),
                cmocka_unit_test_setup_teardown(brand_and_query_decide, setup, teardown),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
