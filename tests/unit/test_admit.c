/* admit: the brand's policy, route by route over the whole table, and rule by rule. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "api/admit.h"
#include "base/mem.h"

/* Every route that does more than read or reduce. One that is not here fails the test: whoever adds it
 * decides. */
static const struct {
        enum http_method method;
        const char *path;
        enum admit_when when;
} expected[] = {
        {METHOD_POST, "/v1/orders", ADMIT_BY_REQUEST},
        {METHOD_POST, "/v1/orders/batch", ADMIT_BY_REQUEST},
        {METHOD_POST, "/v1/orders/submit", ADMIT_BY_REQUEST},
        {METHOD_PATCH, "/v1/orders/{id}", ADMIT_BY_REQUEST},
        {METHOD_PUT, "/v1/positions/{symbol}/leverage", ADMIT_BY_REQUEST},
        {METHOD_POST, "/v1/positions/{symbol}/margin", ADMIT_BY_REQUEST},
        {METHOD_PUT, "/v1/positions/{symbol}/guard", ADMIT_AT_DOOR},
        {METHOD_POST, "/v1/agent/approve", ADMIT_BY_REQUEST},
        {METHOD_POST, "/v1/builder-fee/approve", ADMIT_AT_DOOR},
        {METHOD_POST, "/v1/api-keys", ADMIT_AT_DOOR},
        {METHOD_POST, "/v1/transfer", ADMIT_BY_REQUEST},
        {METHOD_POST, "/v1/transfer/submit", ADMIT_BY_REQUEST},
        {METHOD_POST, "/v1/sub-accounts", ADMIT_AT_DOOR},
        {METHOD_POST, "/v1/sub-accounts/{address}/transfer", ADMIT_BY_REQUEST},
        {METHOD_POST, "/v1/withdraw", ADMIT_ALWAYS},
        {METHOD_POST, "/v1/withdraw/submit", ADMIT_ALWAYS},
};
#define N_EXPECTED (sizeof expected / sizeof *expected)

static void every_route_has_its_place(void **state)
{
        size_t n_found = 0;

        (void)state;
        for (size_t i = 0; i < route_count(); i++) {
                const struct route *r = route_at(i);
                bool harmless = r->risk == ROUTE_READS || r->risk == ROUTE_REDUCES_RISK;
                size_t k = 0;
                while (k < N_EXPECTED &&
                       (expected[k].method != r->method || strcmp(expected[k].path, r->path) != 0))
                        k++;
                if (k < N_EXPECTED && harmless)
                        fail_msg("%s has lost its label", r->path);
                if (k == N_EXPECTED && !harmless)
                        fail_msg("%s opens risk or moves funds: when is it stopped?", r->path);
                if (admit_when(r) != (k < N_EXPECTED ? expected[k].when : ADMIT_ALWAYS))
                        fail_msg("%s is stopped at %d", r->path, (int)admit_when(r));
                n_found += k < N_EXPECTED;
        }
        assert_int_equal(n_found, N_EXPECTED);
}

/* A label without a special case: stopped before the handler. */
static void what_is_new_is_stopped_at_the_door(void **state)
{
        struct route route = {.method = METHOD_POST, .path = "/v1/new", .risk = ROUTE_OPENS_RISK};

        (void)state;
        assert_int_equal(admit_when(&route), ADMIT_AT_DOOR);
        route.risk = ROUTE_MOVES_FUNDS;
        assert_int_equal(admit_when(&route), ADMIT_AT_DOOR);
        route.risk = ROUTE_REDUCES_RISK;
        assert_int_equal(admit_when(&route), ADMIT_ALWAYS);
}

struct rig {
        struct api api;
        struct brand brand;
        struct route route;
        struct call call;
        struct addr blocked;
};

static bool was_handled;

static void handler(struct call *call)
{
        (void)call;
        was_handled = true;
}

static void rig_init(struct rig *rig)
{
        memset(rig, 0, sizeof *rig);
        rig->api.o.metrics = metrics_new();
        text_copy(rig->brand.id, sizeof rig->brand.id, "one");
        text_copy(rig->brand.name, sizeof rig->brand.name, "One");
        text_copy(rig->brand.terms_version, sizeof rig->brand.terms_version, "2");
        memset(rig->blocked.b, 7, sizeof rig->blocked.b);
        rig->brand.blocked = &rig->blocked;
        rig->brand.n_blocked = 1;
        rig->route = (struct route){.method = METHOD_POST,
                                    .path = "/v1/new",
                                    .risk = ROUTE_OPENS_RISK,
                                    .handler = handler};
        rig->call.api = &rig->api;
        rig->call.brand = &rig->brand;
        rig->call.route = &rig->route;
        rig->call.has_session = true;
}

static void rig_fini(struct rig *rig)
{
        metrics_free(rig->api.o.metrics);
}

static void expect_counted(const struct rig *rig, const char *line)
{
        struct buf out;

        buf_init(&out, 65536);
        metrics_print(rig->api.o.metrics, &out);
        if (!strstr(buf_cstr(&out), line))
                fail_msg("expected %s in:\n%s", line, buf_cstr(&out));
        buf_fini(&out);
}

static void each_rule_refuses_with_its_code(void **state)
{
        struct rig rig;
        struct err err = {.code = E_OK};

        (void)state;
        rig_init(&rig);
        assert_int_equal(admit_check(&rig.call, ADMIT_OPENING, &err), E_OK);
        assert_int_equal(err.code, E_OK);

        rig.call.terms_due = true;
        assert_int_equal(admit_check(&rig.call, ADMIT_OPENING, &err), E_FORBIDDEN);
        assert_string_equal(err.hint, "POST /v1/terms {\"version\":\"2\"}");
        assert_int_equal(admit_check(&rig.call, ADMIT_FUNDS_IN, &err), E_OK);

        err = (struct err){.code = E_OK};
        rig.call.region = BRAND_REGION_BLOCKED;
        assert_int_equal(admit_check(&rig.call, ADMIT_OPENING, &err), E_REGION_BLOCKED);
        assert_int_equal(err_http_status(err.code), 451);
        assert_string_equal(err.hint, "Closing, cancelling and withdrawing stay possible.");
        assert_int_equal(admit_check(&rig.call, ADMIT_FUNDS_IN, &err), E_REGION_BLOCKED);

        err = (struct err){.code = E_OK};
        rig.call.region = BRAND_REGION_UNKNOWN;
        assert_int_equal(admit_check(&rig.call, ADMIT_OPENING, &err), E_REGION_BLOCKED);

        err = (struct err){.code = E_OK};
        rig.call.session.address = rig.blocked;
        assert_int_equal(admit_check(&rig.call, ADMIT_OPENING, &err), E_ADDRESS_BLOCKED);
        assert_int_equal(err_http_status(err.code), 451);

        expect_counted(&rig, "perpgate_policy_denied_total{rule=\"terms_not_accepted\"} 1\n");
        expect_counted(&rig, "perpgate_policy_denied_total{rule=\"region_blocked\"} 2\n");
        expect_counted(&rig, "perpgate_policy_denied_total{rule=\"region_unknown\"} 1\n");
        expect_counted(&rig, "perpgate_policy_denied_total{rule=\"address_blocked\"} 1\n");
        rig_fini(&rig);
}

static void who_is_blocked_does_not_sign_in(void **state)
{
        const struct addr other = {{1}};
        struct rig rig;
        struct err err = {.code = E_OK};

        (void)state;
        rig_init(&rig);
        assert_int_equal(admit_sign_in(&rig.call, &other, &err), E_OK);
        assert_int_equal(admit_sign_in(&rig.call, &rig.blocked, &err), E_ADDRESS_BLOCKED);
        expect_counted(&rig, "perpgate_policy_denied_total{rule=\"address_blocked\"} 1\n");
        /* From a blocked region one may: how else would a position be closed? */
        rig.call.region = BRAND_REGION_BLOCKED;
        err = (struct err){.code = E_OK};
        assert_int_equal(admit_sign_in(&rig.call, &other, &err), E_OK);
        rig_fini(&rig);
}

static void what_reduces_passes_the_door(void **state)
{
        static const enum route_risk risks[] = {ROUTE_READS, ROUTE_REDUCES_RISK};
        struct rig rig;

        (void)state;
        rig_init(&rig);
        rig.call.region = BRAND_REGION_BLOCKED;
        rig.call.session.address = rig.blocked;
        rig.brand.terms_required = true;
        for (size_t i = 0; i < 2; i++) {
                rig.route.risk = risks[i];
                was_handled = false;
                admit_enter(&rig.call);
                assert_true(was_handled);
        }
        rig_fini(&rig);
}

/* A gateway that ends opens nothing; closing and funds go on. */
static void what_ends_opens_nothing(void **state)
{
        struct rig rig;
        struct buf out;
        struct err err = {.code = E_OK};

        (void)state;
        rig_init(&rig);
        rig.api.draining = true;
        assert_int_equal(admit_check(&rig.call, ADMIT_OPENING, &err), E_DRAINING);
        assert_int_equal(err_http_status(err.code), 503);
        assert_true(admit_refuses(&rig.call, ADMIT_OPENING));
        assert_int_equal(admit_check(&rig.call, ADMIT_FUNDS_IN, &err), E_OK);
        rig.route.risk = ROUTE_REDUCES_RISK;
        was_handled = false;
        admit_enter(&rig.call);
        assert_true(was_handled);
        buf_init(&out, 65536);
        metrics_print(rig.api.o.metrics, &out);
        assert_null(strstr(buf_cstr(&out), "policy_denied")); /* no rule of the brand's */
        buf_fini(&out);
        rig_fini(&rig);
}

static void a_restriction_is_shown_and_not_counted(void **state)
{
        struct rig rig;
        struct buf out;

        (void)state;
        rig_init(&rig);
        buf_init(&out, 4096);
        buf_putc(&out, '{');
        admit_show(&out, &rig.call);
        assert_string_equal(buf_cstr(&out), "{\"restriction\":null");
        rig.call.region = BRAND_REGION_BLOCKED;
        admit_show(&out, &rig.call);
        assert_non_null(strstr(buf_cstr(&out), "\"restriction\":{\"code\":\"region_blocked\""));
        assert_true(admit_refuses(&rig.call, ADMIT_OPENING));
        buf_fini(&out);
        buf_init(&out, 65536);
        metrics_print(rig.api.o.metrics, &out);
        assert_null(strstr(buf_cstr(&out), "policy_denied"));
        buf_fini(&out);
        rig_fini(&rig);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_route_has_its_place),
                cmocka_unit_test(what_is_new_is_stopped_at_the_door),
                cmocka_unit_test(each_rule_refuses_with_its_code),
                cmocka_unit_test(who_is_blocked_does_not_sign_in),
                cmocka_unit_test(what_reduces_passes_the_door),
                cmocka_unit_test(what_ends_opens_nothing),
                cmocka_unit_test(a_restriction_is_shown_and_not_counted),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
