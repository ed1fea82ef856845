/* store: intents, from the reservation to the answer, and what must be unique about them. */
#include "store_rig.h"

#include "store/store_op.h" /* to damage a row */

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
        in.has_master = true;
        in.master = rig_addr(4);
        return in;
}

static void expect_same(const struct store_intent *a, const struct store_intent *b)
{
        assert_string_equal(a->brand, b->brand);
        assert_memory_equal(&a->id, &b->id, sizeof a->id);
        assert_memory_equal(&a->account, &b->account, sizeof a->account);
        assert_int_equal(a->has_master, b->has_master);
        if (a->has_master)
                assert_memory_equal(&a->master, &b->master, sizeof a->master);
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

static void all_steps_and_orders_come_back(void **state)
{
        struct rig *rig = *state;
        struct store_intent in = rig_intent(1);
        struct reply reply;

        in.n_steps = INTENT_STEPS_MAX;
        for (unsigned i = 0; i < INTENT_STEPS_MAX; i++) {
                in.step[i] = in.step[0];
                in.step[i].state = (enum intent_state)(i % 5);
                in.step[i].nonce = i % 2 ? 0 : 5000 + i;
                memset(in.step[i].digest.b, (int)(0xa0 + i), sizeof in.step[i].digest.b);
        }
        text_copy(in.step[5].action, sizeof in.step[5].action, "fifteen letters");
        in.step[5].nonce = in.step[5].expires_after = INT64_MAX;
        in.n_orders = INTENT_ORDERS_MAX;
        for (unsigned i = 0; i < INTENT_ORDERS_MAX; i++)
                in.order[i] = (struct store_intent_order){.cloid = rig_cloid(i), .role = "7 letts"};
        assert_int_equal(rig_insert(rig, &in), E_OK);
        assert_int_equal(rig_by_key(rig, &reply, "key-1"), E_OK);
        expect_same(&reply.intent, &in);

        for (unsigned i = 0; i < INTENT_ORDERS_MAX; i++)
                in.order[i].oid = UINT64_C(0x0102030405060708) + i;
        in.step[1].nonce = 6001;
        assert_int_equal(rig_update(rig, &in), E_OK);
        rig_reopen(rig);
        assert_int_equal(rig_by_key(rig, &reply, "key-1"), E_OK);
        expect_same(&reply.intent, &in);

        in.n_steps = in.n_orders = 0;
        assert_int_equal(rig_update(rig, &in), E_OK);
        assert_int_equal(rig_by_key(rig, &reply, "key-1"), E_OK);
        expect_same(&reply.intent, &in);
}

static void an_answer_may_come_with_the_intent(void **state)
{
        struct rig *rig = *state;
        struct store_intent in = rig_intent(1);
        struct reply reply;

        in.state = INTENT_REJECTED;
        in.answer = "{\"code\":\"no\"}";
        in.answer_status = 422;
        in.request = NULL;
        assert_int_equal(rig_insert(rig, &in), E_OK);
        assert_int_equal(rig_by_key(rig, &reply, "key-1"), E_OK);
        expect_same(&reply.intent, &in);
}

static void an_update_takes_new_nonces_and_gives_none_back(void **state)
{
        struct rig *rig = *state;
        struct store_intent in = a_full_intent(), twin = rig_intent(2);
        struct reply reply;

        assert_int_equal(rig_insert(rig, &in), E_OK);
        assert_int_equal(rig_insert(rig, &twin), E_OK);
        in.step[2].nonce = twin.step[0].nonce;
        assert_int_equal(rig_update(rig, &in), E_INTERNAL);
        in.step[2].nonce = 7002;
        assert_int_equal(rig_update(rig, &in), E_OK);
        in.n_steps = 1;
        assert_int_equal(rig_update(rig, &in), E_OK);
        for (uint64_t nonce = 7001; nonce <= 7002; nonce++) { /* of the steps that are gone */
                twin = rig_intent(3);
                twin.step[0].nonce = nonce;
                assert_int_equal(rig_insert(rig, &twin), E_INTERNAL);
        }
        assert_int_equal(rig_by_key(rig, &reply, "key-3"), E_NOT_FOUND);
        twin.n_steps = 2; /* nor twice within one intent */
        twin.step[0].nonce = 7003;
        twin.step[1] = twin.step[0];
        assert_int_equal(rig_insert(rig, &twin), E_INTERNAL);
}

static void an_id_and_a_cloid_share_their_names(void **state)
{
        struct rig *rig = *state;
        struct store_intent in = a_full_intent(), twin = rig_intent(2);

        assert_int_equal(rig_insert(rig, &in), E_OK);
        twin.id = in.order[2].cloid; /* the stop's */
        assert_int_equal(rig_update(rig, &twin), E_NOT_FOUND);
        assert_int_equal(rig_insert(rig, &twin), E_EXISTS);
        twin = rig_intent(2);
        twin.n_orders = 2;
        twin.order[1] = twin.order[0]; /* twice within one intent */
        twin.order[1].cloid = twin.order[0].cloid = rig_cloid(200);
        assert_int_equal(rig_insert(rig, &twin), E_EXISTS);
}

static void execute(struct rig *rig, const char *sql)
{
        struct db *db = store_op_lock(rig->store);

        assert_int_equal(db_exec(db, sql), E_OK);
        store_op_unlock(rig->store);
}

static void steps_that_make_no_sense_are_an_error(void **state)
{
        struct rig *rig = *state;
        static char odd_state[256]; /* statements are kept by address */
        struct store_intent in = rig_intent(1);
        struct reply reply;

        assert_int_equal(rig_insert(rig, &in), E_OK);
        snprintf(odd_state, sizeof odd_state, "UPDATE intent SET steps = x'%032d05%096d'", 0, 0);
        execute(rig, odd_state);
        assert_int_equal(rig_by_key(rig, &reply, "key-1"), E_STORE_DOWN);
        execute(rig, "UPDATE intent SET steps = zeroblob(81 * 65)"); /* one too many */
        assert_int_equal(rig_by_key(rig, &reply, "key-1"), E_STORE_DOWN);
        execute(rig, "UPDATE intent SET steps = CAST(replace(hex(zeroblob(32)), '0', 'x') || 'x'"
                     " AS BLOB)"); /* an action without an end */
        assert_int_equal(rig_by_key(rig, &reply, "key-1"), E_STORE_DOWN);
        execute(rig, "UPDATE intent SET steps = x'', orders = zeroblob(4 * 32)");
        assert_int_equal(rig_by_key(rig, &reply, "key-1"), E_STORE_DOWN);
        execute(rig, "UPDATE intent SET orders = zeroblob(32)");
        assert_int_equal(rig_by_key(rig, &reply, "key-1"), E_OK);
        assert_int_equal(reply.intent.n_steps, 0);
        assert_int_equal(reply.intent.n_orders, 1);
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

int main(void)
{
#define RIG(test) cmocka_unit_test_setup_teardown(test, rig_setup, rig_teardown)
        const struct CMUnitTest tests[] = {
                RIG(an_intent_is_found_by_each_of_its_names),
                RIG(the_callers_struct_is_only_borrowed),
                RIG(an_update_records_what_became_of_it),
                RIG(all_steps_and_orders_come_back),
                RIG(an_answer_may_come_with_the_intent),
                RIG(an_update_takes_new_nonces_and_gives_none_back),
                RIG(an_id_and_a_cloid_share_their_names),
                RIG(steps_that_make_no_sense_are_an_error),
                RIG(updating_what_is_not_there_is_refused),
                RIG(a_node_that_lost_the_intent_may_not_touch_it),
                RIG(an_idempotency_key_is_taken_once_per_account),
                RIG(a_client_id_names_one_order),
                RIG(a_nonce_signs_one_thing),
                RIG(ids_and_cloids_are_unique),
                RIG(what_is_too_large_is_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
