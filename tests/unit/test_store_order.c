/* store: what the journal knows of orders by their names, and whose they are. */
#include "store_rig.h"

static struct {
        unsigned n_calls;
        enum errc rc;
        size_t n;
        struct store_order order[4];
        unsigned n_owners;
        struct store_owner owner[4];
} seen;

static void on_orders(void *cookie, enum errc rc, const struct store_order *orders, size_t n)
{
        rig_on_done(cookie, rc);
        seen.n = n;
        if (n)
                memcpy(seen.order, orders, n * sizeof *orders);
}

static void on_owner(void *cookie, const struct store_owner *owner)
{
        (void)cookie;
        assert_in_range(seen.n_owners, 0, 3);
        seen.owner[seen.n_owners++] = *owner;
}

static void look_up(struct rig *rig, const char *brand, unsigned account, const unsigned *tags,
                    size_t n)
{
        struct addr address = rig_addr(account);
        struct cloid cloids[4];
        struct reply reply = {0};

        for (size_t i = 0; i < n; i++)
                cloids[i] = rig_cloid(tags[i]);
        memset(&seen, 0, sizeof seen);
        store_order_lookup(rig->store, brand, &address, cloids, n, on_orders, &reply);
        rig_wait(rig, &reply, 1);
        assert_int_equal(reply.rc, E_OK);
        assert_int_equal(seen.n, n);
}

static struct store_intent an_order_with_a_stop(void)
{
        struct store_intent in = rig_intent(1);

        in.n_orders = 2;
        in.order[0] = (struct store_intent_order){.cloid = rig_cloid(1), .role = "order"};
        in.order[1] = (struct store_intent_order){.cloid = rig_cloid(101), .role = "sl"};
        text_copy(in.client_id, sizeof in.client_id, "mine");
        return in;
}

static void orders_are_told_by_their_names(void **state)
{
        static const unsigned tags[] = {101, 7, 1};
        struct store_intent in = an_order_with_a_stop();
        struct cloid first = rig_cloid(1);
        struct rig *rig = *state;

        assert_int_equal(rig_insert(rig, &in), E_OK);
        look_up(rig, BRAND_A, 1, tags, 3);
        assert_true(seen.order[0].is_known);
        assert_string_equal(seen.order[0].role, "sl");
        assert_true(hex_cloid_equal(&seen.order[0].first, &first));
        assert_false(seen.order[1].is_known);
        assert_string_equal(seen.order[1].client_id, "");
        assert_true(seen.order[2].is_known);
        assert_string_equal(seen.order[2].role, "order");
        assert_string_equal(seen.order[2].client_id, "mine");
        look_up(rig, BRAND_A, 1, tags, 0);
        /* Others' orders are nobody's business. */
        look_up(rig, BRAND_B, 1, tags, 3);
        assert_false(seen.order[0].is_known || seen.order[2].is_known);
        look_up(rig, BRAND_A, 2, tags, 3);
        assert_false(seen.order[0].is_known || seen.order[2].is_known);
}

static void an_intent_without_orders_names_none(void **state)
{
        static const unsigned tags[] = {1};
        struct store_intent in = rig_intent(1);
        struct rig *rig = *state;

        in.n_orders = 0;
        assert_int_equal(rig_insert(rig, &in), E_OK);
        look_up(rig, BRAND_A, 1, tags, 1);
        assert_false(seen.order[0].is_known);
}

static void owners_are_told_once(void **state)
{
        struct store_intent in = an_order_with_a_stop(), other = rig_intent(2),
                            none = rig_intent(3);
        struct reply reply = {0};
        struct rig *rig = *state;

        assert_int_equal(rig_insert(rig, &in), E_OK);
        in = an_order_with_a_stop();
        in.id = in.order[0].cloid = rig_cloid(4);
        in.order[1].cloid = rig_cloid(104);
        in.step[0].nonce += 50;
        text_copy(in.client_id, sizeof in.client_id, "another");
        in.idempotency_key[0] = '\0';
        assert_int_equal(rig_insert(rig, &in), E_OK);
        text_copy(other.brand, sizeof other.brand, BRAND_B);
        other.n_orders = 1;
        other.has_master = true; /* its account is a sub-account */
        other.master = rig_addr(7);
        other.order[0] = (struct store_intent_order){.cloid = rig_cloid(2), .role = "order"};
        assert_int_equal(rig_insert(rig, &other), E_OK);
        none.account = rig_addr(9); /* moved margin, say */
        none.n_orders = 0;
        assert_int_equal(rig_insert(rig, &none), E_OK);
        memset(&seen, 0, sizeof seen);
        store_order_owners(rig->store, on_owner, rig_on_done, &reply);
        rig_wait(rig, &reply, 1);
        assert_int_equal(reply.rc, E_OK);
        assert_int_equal(seen.n_owners, 2);
        for (unsigned i = 0; i < 2; i++) {
                bool is_sub = strcmp(seen.owner[i].brand, BRAND_B) == 0;
                struct addr wallet = is_sub ? other.master : in.has_master ? in.master : in.account;
                assert_memory_equal(&seen.owner[i].wallet, &wallet, sizeof wallet);
        }
        assert_string_not_equal(seen.owner[0].brand, seen.owner[1].brand);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(orders_are_told_by_their_names, rig_setup,
                                                rig_teardown),
                cmocka_unit_test_setup_teardown(an_intent_without_orders_names_none, rig_setup,
                                                rig_teardown),
                cmocka_unit_test_setup_teardown(owners_are_told_once, rig_setup, rig_teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
