/* store: intents, from the reservation to the answer, and what must be unique about them. */
#include "store_rig.h"

static enum errc by_cloid(struct rig *rig, struct reply *reply, const char *brand,
                          const struct addr *account, unsigned tag)
{
        struct cloid cloid = rig_cloid(tag);

        *reply = (struct reply){0};
        store_intent_by_cloid(rig->store, brand, account, &cloid, rig_on_intent, reply);
        rig_wait(rig, reply, 1);
        return reply->rc;
}

static enum errc by_client_id(struct rig *rig, struct reply *reply, const char *client_id)
{
        struct addr account = rig_addr(1);

        *reply = (struct reply){0};
        store_intent_by_client_id(rig->store, BRAND_A, &account, client_id, rig_on_intent, reply);
        rig_wait(rig, reply, 1);
        return reply->rc;
}

/* A bracket order that changes the leverage first: every array in use. */
static struct store_intent a_full_intent(void)
{
        struct store_intent in = rig_intent(1);

        in.n_steps = 3;
        in.step[1] = in.step[0];
        in.step[1].nonce = 7001;
        in.step[2] = (struct store_intent_step){.action = "adjustMargin"};
        in.n_orders = 3;
        in.order[1] = (struct store_intent_order){.cloid = rig_cloid(101), .role = "tp"};
        in.order[2] = (struct store_intent_order){.cloid = rig_cloid(102), .role = "sl"};
        in.request_digest[31] = 0xee;
        return in;
}

static void expect_same(const struct store_intent *a, const struct store_intent *b)
{
        assert_string_equal(a->brand, b->brand);
        assert_memory_equal(&a->id, &b->id, sizeof a->id);
        assert_memory_equal(&a->account, &b->account, sizeof a->account);
        assert_memory_equal(&a->signer, &b->signer, sizeof a->signer);
        assert_string_equal(a->kind, b->kind);
        assert_string_equal(a->symbol, b->symbol);
        assert_string_equal(a->client_id, b->client_id);
        assert_string_equal(a->idempotency_key, b->idempotency_key);
        assert_memory_equal(a->request_digest, b->request_digest, sizeof a->request_digest);
        assert_int_equal(a->created_at, b->created_at);
        assert_int_equal(a->updated_at, b->updated_at);
        assert_int_equal(a->state, b->state);
        assert_string_equal(a->owner, b->owner);
        assert_int_equal(a->epoch, b->epoch);
        assert_int_equal(a->n_steps, b->n_steps);
        for (unsigned i = 0; i < a->n_steps; i++) {
                assert_string_equal(a->step[i].action, b->step[i].action);
                assert_int_equal(a->step[i].state, b->step[i].state);
                assert_int_equal(a->step[i].nonce, b->step[i].nonce);
                assert_int_equal(a->step[i].expires_after, b->step[i].expires_after);
                assert_memory_equal(&a->step[i].digest, &b->step[i].digest, 32);
        }
        assert_int_equal(a->n_orders, b->n_orders);
        for (unsigned i = 0; i < a->n_orders; i++) {
                assert_memory_equal(&a->order[i].cloid, &b->order[i].cloid, 16);
                assert_int_equal(a->order[i].oid, b->order[i].oid);
                assert_string_equal(a->order[i].role, b->order[i].role);
        }
        assert_int_equal(a->answer_status, b->answer_status);
        assert_true((a->request == NULL) == (b->request == NULL));
        if (a->request)
                assert_string_equal(a->request, b->request);
        assert_true((a->answer == NULL) == (b->answer == NULL));
        if (a->answer)
                assert_string_equal(a->answer, b->answer);
}

static void an_intent_is_found_by_each_of_its_names(void **state)
{
        struct rig *rig = *state;
        struct store_intent in = a_full_intent();
        struct addr account = rig_addr(1), stranger = rig_addr(9);
        struct reply reply;

        assert_int_equal(rig_insert(rig, &in), E_OK);
        rig_reopen(rig);
        assert_int_equal(rig_by_key(rig, &reply, "key-1"), E_OK);
        expect_same(&reply.intent, &in);
        assert_int_equal(by_client_id(rig, &reply, "client-1"), E_OK);
        expect_same(&reply.intent, &in);
        assert_int_equal(by_cloid(rig, &reply, BRAND_A, &account, 1), E_OK);
        expect_same(&reply.intent, &in);
        assert_int_equal(by_cloid(rig, &reply, BRAND_A, &account, 102), E_OK); /* the stop's */
        expect_same(&reply.intent, &in);

        assert_int_equal(rig_by_key(rig, &reply, "key-2"), E_NOT_FOUND);
        assert_int_equal(rig_by_key(rig, &reply, ""), E_NOT_FOUND);
        assert_int_equal(by_client_id(rig, &reply, ""), E_NOT_FOUND);
        assert_int_equal(by_cloid(rig, &reply, BRAND_A, &account, 103), E_NOT_FOUND);
        assert_int_equal(by_cloid(rig, &reply, BRAND_B, &account, 1), E_NOT_FOUND);
        assert_int_equal(by_cloid(rig, &reply, BRAND_A, &stranger, 1), E_NOT_FOUND);
}

static void the_callers_struct_is_only_borrowed(void **state)
{
        struct rig *rig = *state;
        struct store_intent in = rig_intent(1), same = in;
        char request[] = "{\"a\":1}";
        struct reply reply = {0};

        in.request = request;
        same.request = "{\"a\":1}";
        store_intent_insert(rig->store, &in, rig_on_done, &reply);
        for (size_t i = 0; i < sizeof request; i++)
                request[i] = 'x';
        in = rig_intent(2);
        rig_wait(rig, &reply, 1);
        assert_int_equal(rig_by_key(rig, &reply, "key-1"), E_OK);
        expect_same(&reply.intent, &same);
}

static void an_update_records_what_became_of_it(void **state)
{
        struct rig *rig = *state;
        struct store_intent in = a_full_intent();
        struct reply reply;

        assert_int_equal(rig_insert(rig, &in), E_OK);
        in.state = INTENT_SENT;
        in.updated_at = 2000;
        in.step[0].state = INTENT_DONE;
        in.step[2].nonce = 7002;
        in.n_steps = 4;
        in.step[3] = (struct store_intent_step){.action = "setLeverage", .state = INTENT_UNKNOWN};
        in.order[0].oid = INT64_MAX;
        assert_int_equal(rig_update(rig, &in), E_OK);
        assert_int_equal(rig_by_key(rig, &reply, "key-1"), E_OK);
        expect_same(&reply.intent, &in);

        in.state = INTENT_DONE;
        in.answer = "{\"status\":\"filled\"}";
        in.answer_status = 201;
        in.n_steps = 3;
        assert_int_equal(rig_update(rig, &in), E_OK);
        assert_int_equal(rig_by_key(rig, &reply, "key-1"), E_OK);
        expect_same(&reply.intent, &in);

        /* An update that does not know the answer leaves it. */
        const char *answer = in.answer;
        in.answer = NULL;
        in.answer_status = 0;
        assert_int_equal(rig_update(rig, &in), E_OK);
        assert_int_equal(rig_by_key(rig, &reply, "key-1"), E_OK);
        in.answer = answer;
        in.answer_status = 201;
        expect_same(&reply.intent, &in);
}

static void updating_what_is_not_there_is_refused(void **state)
{
        struct rig *rig = *state;
        struct store_intent in = rig_intent(1);
        struct reply reply;

        assert_int_equal(rig_update(rig, &in), E_NOT_FOUND);
        assert_int_equal(rig_by_key(rig, &reply, "key-1"), E_NOT_FOUND);
}

static void a_node_that_lost_the_intent_may_not_touch_it(void **state)
{
        struct rig *rig = *state;
        struct store_intent in = rig_intent(1), stale = in;
        struct reply reply;

        in.epoch = stale.epoch = 4;
        assert_int_equal(rig_insert(rig, &in), E_OK);
        in.epoch = 5;
        text_copy(in.owner, sizeof in.owner, "node-2");
        in.state = INTENT_UNKNOWN;
        assert_int_equal(rig_update(rig, &in), E_OK);
        stale.state = INTENT_DONE;
        assert_int_equal(rig_update(rig, &stale), E_FORBIDDEN);
        assert_int_equal(rig_by_key(rig, &reply, "key-1"), E_OK);
        expect_same(&reply.intent, &in);
}

static void an_idempotency_key_is_taken_once_per_account(void **state)
{
        struct rig *rig = *state;
        struct store_intent in = rig_intent(1), twin = rig_intent(2);

        assert_int_equal(rig_insert(rig, &in), E_OK);
        text_copy(twin.idempotency_key, sizeof twin.idempotency_key, in.idempotency_key);
        assert_int_equal(rig_insert(rig, &twin), E_EXISTS);
        twin.account = rig_addr(7);
        assert_int_equal(rig_insert(rig, &twin), E_OK);
        twin = rig_intent(3);
        text_copy(twin.idempotency_key, sizeof twin.idempotency_key, in.idempotency_key);
        text_copy(twin.brand, sizeof twin.brand, BRAND_B);
        assert_int_equal(rig_insert(rig, &twin), E_OK);
        for (unsigned i = 10; i < 12; i++) { /* none at all is not unique */
                twin = rig_intent(i);
                twin.idempotency_key[0] = twin.client_id[0] = '\0';
                assert_int_equal(rig_insert(rig, &twin), E_OK);
        }
}

static void a_client_id_names_one_order(void **state)
{
        struct rig *rig = *state;
        struct store_intent in = rig_intent(1), twin = rig_intent(2);
        struct reply reply;

        assert_int_equal(rig_insert(rig, &in), E_OK);
        text_copy(twin.client_id, sizeof twin.client_id, in.client_id);
        assert_int_equal(rig_insert(rig, &twin), E_EXISTS);
        assert_int_equal(rig_by_key(rig, &reply, "key-2"), E_NOT_FOUND); /* undone whole */
        /* A cancel carries the client id of what it cancels. */
        text_copy(twin.kind, sizeof twin.kind, "cancel");
        assert_int_equal(rig_insert(rig, &twin), E_OK);
        assert_int_equal(by_client_id(rig, &reply, "client-1"), E_OK);
        assert_memory_equal(&reply.intent.id, &in.id, sizeof in.id);
}

static void a_nonce_signs_one_thing(void **state)
{
        struct rig *rig = *state;
        struct store_intent in = rig_intent(1), twin = rig_intent(2);
        struct reply reply;

        assert_int_equal(rig_insert(rig, &in), E_OK);
        twin.step[0].nonce = in.step[0].nonce;
        assert_int_equal(rig_insert(rig, &twin), E_INTERNAL);
        assert_int_equal(rig_by_key(rig, &reply, "key-2"), E_NOT_FOUND);
        twin.signer = rig_addr(8); /* another signer's nonces are its own */
        assert_int_equal(rig_insert(rig, &twin), E_OK);
}

static void ids_and_cloids_are_unique(void **state)
{
        struct rig *rig = *state;
        struct store_intent in = rig_intent(1), twin = rig_intent(2);

        assert_int_equal(rig_insert(rig, &in), E_OK);
        twin.id = in.id;
        assert_int_equal(rig_insert(rig, &twin), E_EXISTS);
        twin = rig_intent(2);
        twin.order[0].cloid = in.order[0].cloid;
        assert_int_equal(rig_insert(rig, &twin), E_EXISTS);
}

static void what_is_too_large_is_refused(void **state)
{
        struct rig *rig = *state;
        struct store_intent in = rig_intent(1);
        char *text = xcalloc(1, STORE_BLOB_MAX + 2);

        for (size_t i = 0; i <= STORE_BLOB_MAX; i++)
                text[i] = 'x';
        in.request = text;
        assert_int_equal(rig_insert(rig, &in), E_TOO_LARGE);
        text[STORE_BLOB_MAX] = '\0';
        assert_int_equal(rig_insert(rig, &in), E_OK);
        in = rig_intent(2);
        in.order[0].oid = UINT64_MAX;
        assert_int_equal(rig_insert(rig, &in), E_RANGE);
        in = rig_intent(2);
        in.step[0].nonce = UINT64_MAX;
        assert_int_equal(rig_insert(rig, &in), E_RANGE);
        in = rig_intent(2);
        in.epoch = UINT64_MAX;
        assert_int_equal(rig_insert(rig, &in), E_RANGE);
        free(text);
}

/* --- recovery's list --- */

struct listing {
        struct reply done;
        unsigned n;
        int64_t last_created_at;
};

static void on_open_intent(void *cookie, enum errc rc, const struct store_intent *intent)
{
        struct listing *listing = cookie;

        assert_int_equal(rc, E_OK);
        assert_int_equal(listing->done.n, 0);
        assert_true(intent->created_at >= listing->last_created_at); /* oldest first */
        assert_true(intent->state != INTENT_DONE && intent->state != INTENT_REJECTED);
        assert_int_equal(intent->n_steps, 1);
        assert_string_equal(intent->request, "{\"symbol\":\"BTC\"}");
        listing->last_created_at = intent->created_at;
        listing->n++;
}

static void on_listed(void *cookie, enum errc rc)
{
        rig_count(&((struct listing *)cookie)->done, rc);
}

static void expect_open(struct rig *rig, unsigned n)
{
        struct listing listing = {0};

        store_intent_open(rig->store, on_open_intent, on_listed, &listing);
        rig_wait(rig, &listing.done, 1);
        assert_int_equal(listing.done.rc, E_OK);
        assert_int_equal(listing.n, n);
}

static void open_intents_are_listed_once_each_oldest_first(void **state)
{
        struct rig *rig = *state;
        static const enum intent_state states[] = {INTENT_RESERVED, INTENT_SENT, INTENT_DONE,
                                                   INTENT_REJECTED, INTENT_UNKNOWN};
        struct reply reply = {0};
        unsigned n = 500; /* several pages, with equal times across their borders */

        expect_open(rig, 0);
        for (unsigned i = 0; i < n; i++) {
                struct store_intent in = rig_intent((i * 211) % n);
                in.created_at = 1000 + (i * 211) % n / 7;
                in.state = states[i % 5];
                store_intent_insert(rig->store, &in, rig_on_done, &reply);
        }
        rig_wait(rig, &reply, n);
        assert_int_equal(reply.n_ok, n);
        rig_reopen(rig);
        expect_open(rig, n / 5 * 3);
}

static void exactly_one_page_ends_too(void **state)
{
        struct rig *rig = *state;
        struct reply reply = {0};

        for (unsigned i = 0; i < 64; i++) {
                struct store_intent in = rig_intent(i);
                store_intent_insert(rig->store, &in, rig_on_done, &reply);
        }
        rig_wait(rig, &reply, 64);
        expect_open(rig, 64);
}

int main(void)
{
#define RIG(test) cmocka_unit_test_setup_teardown(test, rig_setup, rig_teardown)
        const struct CMUnitTest tests[] = {
                RIG(an_intent_is_found_by_each_of_its_names),
                RIG(the_callers_struct_is_only_borrowed),
                RIG(an_update_records_what_became_of_it),
                RIG(updating_what_is_not_there_is_refused),
                RIG(a_node_that_lost_the_intent_may_not_touch_it),
                RIG(an_idempotency_key_is_taken_once_per_account),
                RIG(a_client_id_names_one_order),
                RIG(a_nonce_signs_one_thing),
                RIG(ids_and_cloids_are_unique),
                RIG(what_is_too_large_is_refused),
                RIG(open_intents_are_listed_once_each_oldest_first),
                RIG(exactly_one_page_ends_too),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
