/* idempotency: no route that changes something is left out, and order ids follow from keys and their days. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "api/idempotency.h"
#include "api/identity.h"
#include "api/route.h"
#include "base/mem.h"

#define DAY INT64_C(86400000)

/* Whoever adds a route that changes something finds it here: it is covered, or there is a reason why not. */
static void every_route_that_changes_something_is_covered_or_has_a_reason(void **state)
{
        unsigned covered = 0, exempt = 0;

        (void)state;
        for (size_t i = 0; i < route_count(); i++) {
                const struct route *r = route_at(i);
                bool changes = r->risk != ROUTE_READS;
                const char *why = idempotency_exempt(r);

                if (changes && !route_is_private(r))
                        fail_msg("%s changes something, and is open to all", r->path);
                if (changes != (idempotency_covers(r) || why))
                        fail_msg("%s %s", http_method_name(r->method), r->path);
                if (why && (idempotency_covers(r) || strlen(why) < 10))
                        fail_msg("%s: %s", r->path, why);
                covered += idempotency_covers(r);
                exempt += why != NULL;
        }
        assert_true(covered >= 12);
        assert_true(exempt < covered);
}

static void what_places_orders_is_covered(void **state)
{
        static const struct {
                enum http_method method;
                const char *path;
        } all[] = {
                {METHOD_POST, "/v1/orders"},
                {METHOD_POST, "/v1/orders/batch"},
                {METHOD_POST, "/v1/orders/submit"},
                {METHOD_PATCH, "/v1/orders/{id}"},
                {METHOD_DELETE, "/v1/orders/{id}"},
                {METHOD_DELETE, "/v1/orders"},
                {METHOD_DELETE, "/v1/positions/{symbol}"},
                {METHOD_PUT, "/v1/positions/{symbol}/leverage"},
                {METHOD_PUT, "/v1/positions/{symbol}/tpsl"},
                {METHOD_POST, "/v1/positions/{symbol}/margin"},
                {METHOD_POST, "/v1/sub-accounts"},
                {METHOD_POST, "/v1/sub-accounts/{address}/transfer"},
        };

        (void)state;
        for (size_t i = 0; i < sizeof all / sizeof *all; i++)
                assert_true(idempotency_covers(route_by_pattern(all[i].method, all[i].path)));
        assert_false(idempotency_covers(route_by_pattern(METHOD_GET, "/v1/orders")));
        assert_false(idempotency_covers(route_by_pattern(METHOD_POST, "/v1/orders/preview")));
}

/* --- order ids --- */

static struct brand brand = {.id = "harbor"};

static struct call call_of(const char *key)
{
        struct call call = {.brand = &brand, .account = {{1, 2, 3}}};

        assert_true(text_copy(call.key, sizeof call.key, key));
        return call;
}

static struct cloid id_of(const struct call *call, int64_t day)
{
        struct cloid id;

        identity_cloids_of_day(&id, 1, call, day);
        return id;
}

static void the_same_key_on_the_same_day_is_the_same_order(void **state)
{
        struct call a = call_of("k"), b = call_of("k"), other = call_of("l");
        struct cloid ids[61], id = id_of(&a, 20000), is;

        (void)state;
        is = id_of(&b,
                   20000); /* of another process, or after a restart: nothing else goes into it */
        assert_true(hex_cloid_equal(&is, &id));
        is = id_of(&other, 20000);
        assert_false(hex_cloid_equal(&is, &id));
        is = id_of(&a, 20001);
        assert_false(hex_cloid_equal(&is, &id));
        b.account.b[19] = 1; /* a sub-account's */
        is = id_of(&b, 20000);
        assert_false(hex_cloid_equal(&is, &id));
        identity_cloids_of_day(ids, 61, &a, 20000);
        assert_true(hex_cloid_equal(&ids[0], &id));
        for (unsigned i = 0; i < 61; i++)
                for (unsigned k = 0; k < i; k++)
                        assert_false(hex_cloid_equal(&ids[i], &ids[k]));
}

/* A key is free again after a day, whatever the hour: its order is then another. A retry within the day came on the
 * day of the first request or the one after it. */
static void a_day_later_it_is_another_day(void **state)
{
        (void)state;
        for (int64_t t = 0; t < 3 * DAY; t += 999983) {
                int64_t at = INT64_C(1700000000000) + t;
                assert_true((at + DAY) / DAY > at / DAY);
                assert_true((at + DAY - 1) / DAY - at / DAY <= 1);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_route_that_changes_something_is_covered_or_has_a_reason),
                cmocka_unit_test(what_places_orders_is_covered),
                cmocka_unit_test(the_same_key_on_the_same_day_is_the_same_order),
                cmocka_unit_test(a_day_later_it_is_another_day),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
