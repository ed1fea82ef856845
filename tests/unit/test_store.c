/* store: accounts and agents, sessions, nonces, audit, brand keys. */
#include "store_rig.h"

#include <sodium.h>
#include <sqlite3.h>

#include "base/buf.h"
#include "store/store_op.h" /* to look into the tables */

static void on_account(void *cookie, enum errc rc, const struct store_account *account)
{
        struct reply *reply = cookie;

        rig_count(reply, rc);
        assert_true((rc == E_OK) == (account != NULL));
        if (account)
                reply->account = *account;
}

static void on_session(void *cookie, enum errc rc, const struct store_session *session)
{
        struct reply *reply = cookie;

        rig_count(reply, rc);
        if (session)
                reply->session = *session;
}

static void on_nonce(void *cookie, enum errc rc, uint64_t highest, uint64_t next)
{
        struct reply *reply = cookie;

        (void)next;
        rig_count(reply, rc);
        reply->highest = highest;
}

static enum errc put_account(struct rig *rig, const struct store_account *account)
{
        struct reply reply = {0};

        store_account_put(rig->store, account, rig_on_done, &reply);
        rig_wait(rig, &reply, 1);
        return reply.rc;
}

static enum errc get_account(struct rig *rig, const char *brand, unsigned tag, struct reply *reply)
{
        struct addr address = rig_addr(tag);

        *reply = (struct reply){0};
        store_account_get(rig->store, brand, &address, on_account, reply);
        assert_int_equal(reply->n, 0); /* never before the call returns */
        rig_wait(rig, reply, 1);
        return reply->rc;
}

static struct store_account an_account(unsigned tag)
{
        return (struct store_account){
                .brand = BRAND_A,
                .address = rig_addr(tag),
                .terms_version = "2026-01",
                .terms_at = 77,
                .created_at = 66,
                .has_agent = true,
                .agent = rig_addr(1000 + tag),
                .agent_name = "perpgate",
                .agent_sealed = {1, 2, 0, 4},
                .agent_sealed_len = 73,
                .agent_approved = true,
                .agent_valid_until = 99,
                .agent_nonce = 1700000000123,
                .builder_nonce = 1700000000456,
                .builder_fee_tenth_bp = 50,
                .builder = rig_addr(3000 + tag),
        };
}

static void an_account_comes_back_as_it_was_put(void **state)
{
        struct rig *rig = *state;
        struct store_account a = an_account(1);
        struct reply reply;

        assert_int_equal(get_account(rig, BRAND_A, 1, &reply), E_NOT_FOUND);
        assert_int_equal(put_account(rig, &a), E_OK);
        rig_reopen(rig);
        assert_int_equal(get_account(rig, BRAND_A, 1, &reply), E_OK);
        assert_memory_equal(&reply.account, &a, sizeof a);

        a.terms_version[6] = '2';
        a.agent_name[7] = '8';
        a.agent_approved = false;
        a.agent_sealed_len = sizeof a.agent_sealed;
        a.builder_fee_tenth_bp = 0;
        a.builder = (struct addr){{0}};
        assert_int_equal(put_account(rig, &a), E_OK);
        assert_int_equal(get_account(rig, BRAND_A, 1, &reply), E_OK);
        assert_memory_equal(&reply.account, &a, sizeof a);
}

static void brands_do_not_see_each_other(void **state)
{
        struct rig *rig = *state;
        struct store_account a = an_account(1);
        struct reply reply;

        assert_int_equal(put_account(rig, &a), E_OK);
        assert_int_equal(get_account(rig, BRAND_B, 1, &reply), E_NOT_FOUND);
        assert_int_equal(
                get_account(rig, "a brand whose name is longer than any can be", 1, &reply),
                E_NOT_FOUND);
}

static void an_agent_address_is_never_used_twice(void **state)
{
        struct rig *rig = *state;
        struct store_account a = an_account(1), other = an_account(2), again;
        struct reply reply;

        assert_int_equal(put_account(rig, &a), E_OK);
        again = a;
        a.agent = rig_addr(1500);
        assert_int_equal(put_account(rig, &a), E_OK); /* retires the first */
        assert_int_equal(get_account(rig, BRAND_A, 1, &reply), E_OK);
        assert_memory_equal(&reply.account, &a, sizeof a);

        assert_int_equal(put_account(rig, &again), E_EXISTS); /* retired */
        other.agent = a.agent;
        assert_int_equal(put_account(rig, &other), E_EXISTS);                /* another's */
        assert_int_equal(get_account(rig, BRAND_A, 2, &reply), E_NOT_FOUND); /* undone whole */
        assert_int_equal(get_account(rig, BRAND_A, 1, &reply), E_OK);
        assert_memory_equal(&reply.account, &a, sizeof a);

        a.has_agent = false;
        assert_int_equal(put_account(rig, &a), E_OK);
        assert_int_equal(get_account(rig, BRAND_A, 1, &reply), E_OK);
        assert_false(reply.account.has_agent);
        a.has_agent = true;
        assert_int_equal(put_account(rig, &a), E_EXISTS);
}

static void a_retired_agents_key_is_erased(void **state)
{
        struct rig *rig = *state;
        struct store_account a = an_account(1);
        struct db *db;
        sqlite3_stmt *q;

        assert_int_equal(put_account(rig, &a), E_OK);
        a.has_agent = false;
        assert_int_equal(put_account(rig, &a), E_OK);
        db = store_op_lock(rig->store);
        q = db_query(db, "SELECT sealed IS NULL, retired_at > 0, name FROM agent");
        assert_int_equal(db_step(db, q), E_OK);
        assert_int_equal(db_get_int(q, 0), 1);
        assert_int_equal(db_get_int(q, 1), 1);
        assert_int_equal(db_step(db, q), E_NOT_FOUND);
        store_op_unlock(rig->store);
}

static void a_successor_waits_beside_the_agent_and_takes_its_place(void **state)
{
        struct rig *rig = *state;
        struct store_account a = an_account(1);
        struct addr first = a.agent;
        struct reply reply;
        sqlite3_stmt *q;

        a.has_next = true;
        a.next = (struct store_agent){.address = rig_addr(2000),
                                      .name = "perpgate-2",
                                      .sealed = {5, 0, 6},
                                      .sealed_len = 73,
                                      .valid_until = 100,
                                      .nonce = 1700000000124};
        assert_int_equal(put_account(rig, &a), E_OK);
        rig_reopen(rig);
        assert_int_equal(get_account(rig, BRAND_A, 1, &reply), E_OK);
        assert_memory_equal(&reply.account, &a, sizeof a);

        a.next.address = rig_addr(2001); /* another one instead: the first is erased */
        assert_int_equal(put_account(rig, &a), E_OK);
        a.agent = a.next.address;
        a.has_next = false;
        memset(&a.next, 0, sizeof a.next);
        assert_int_equal(put_account(rig, &a), E_OK);
        assert_int_equal(get_account(rig, BRAND_A, 1, &reply), E_OK);
        assert_memory_equal(&reply.account, &a, sizeof a);

        q = db_query(store_op_lock(rig->store),
                     "SELECT count(*) FROM agent WHERE sealed IS NULL AND retired_at IS NOT NULL");
        assert_int_equal(sqlite3_step(q), SQLITE_ROW);
        assert_int_equal(db_get_int(q, 0), 2);
        db_reset(q);
        store_op_unlock(rig->store);

        a.has_next = true; /* retired once, retired for good */
        a.next.address = first;
        a.next.sealed_len = 73;
        assert_int_equal(put_account(rig, &a), E_EXISTS);
        a.next.address = rig_addr(2000);
        assert_int_equal(put_account(rig, &a), E_EXISTS);
        a.next.sealed_len = sizeof a.next.sealed + 1;
        assert_int_equal(put_account(rig, &a), E_INVALID);
}

static void numbers_that_do_not_fit_are_refused(void **state)
{
        struct rig *rig = *state;
        struct store_account a = an_account(1);

        a.agent_nonce = UINT64_MAX;
        assert_int_equal(put_account(rig, &a), E_RANGE);
        a.agent_nonce = INT64_MAX;
        a.builder_nonce = (uint64_t)INT64_MAX + 1;
        assert_int_equal(put_account(rig, &a), E_RANGE);
        a.builder_nonce = INT64_MAX;
        assert_int_equal(put_account(rig, &a), E_OK);
        a.agent_sealed_len = sizeof a.agent_sealed + 1;
        assert_int_equal(put_account(rig, &a), E_INVALID);
}

static void sessions_live_until_deleted_or_purged(void **state)
{
        struct rig *rig = *state;
        struct store_session s = {.token_hash = {9, 0, 9},
                                  .brand = BRAND_A,
                                  .address = rig_addr(3),
                                  .created_at = 100,
                                  .expires_at = 200};
        struct store_session later = {.token_hash = {8},
                                      .brand = BRAND_A,
                                      .address = rig_addr(3),
                                      .created_at = 201,
                                      .expires_at = 300};
        struct reply reply = {0};

        store_session_get(rig->store, s.token_hash, on_session, &reply);
        rig_wait(rig, &reply, 1);
        assert_int_equal(reply.rc, E_NOT_FOUND);
        store_session_put(rig->store, &s, rig_on_done, &reply);
        store_session_get(rig->store, s.token_hash, on_session, &reply);
        rig_wait(rig, &reply, 3);
        assert_int_equal(reply.rc, E_OK);
        /* Field by field: the padding between them is nobody's. */
        assert_memory_equal(reply.session.token_hash, s.token_hash, sizeof s.token_hash);
        assert_string_equal(reply.session.brand, s.brand);
        assert_true(hex_addr_equal(&reply.session.address, &s.address));
        assert_int_equal(reply.session.created_at, s.created_at);
        assert_int_equal(reply.session.expires_at, s.expires_at);

        store_session_put(rig->store, &later, rig_on_done, &reply);
        store_session_get(rig->store, s.token_hash, on_session, &reply);
        rig_wait(rig, &reply, 5);
        assert_int_equal(reply.rc, E_NOT_FOUND); /* expired, gone with the new one */

        store_session_delete(rig->store, later.token_hash, rig_on_done, &reply);
        store_session_delete(rig->store, later.token_hash, rig_on_done, &reply);
        store_session_get(rig->store, later.token_hash, on_session, &reply);
        rig_wait(rig, &reply, 8);
        assert_int_equal(reply.rc, E_NOT_FOUND);
        assert_int_equal(reply.n_ok, 5); /* to delete twice is no error */
}

static void nonces_only_rise(void **state)
{
        struct rig *rig = *state;
        struct store_intent in = rig_intent(10);
        struct reply reply = {0};

        store_nonce_get(rig->store, &in.signer, 0, on_nonce, &reply);
        rig_wait(rig, &reply, 1);
        assert_int_equal(reply.rc, E_OK);
        assert_int_equal(reply.highest, 0);

        assert_int_equal(rig_insert(rig, &in), E_OK);
        in = rig_intent(4); /* a lower nonce */
        assert_int_equal(rig_insert(rig, &in), E_OK);
        rig_reopen(rig);
        store_nonce_get(rig->store, &in.signer, 0, on_nonce, &reply);
        rig_wait(rig, &reply, 2);
        assert_int_equal(reply.highest, 5010);

        in.n_steps = 2; /* an update raises it as well */
        in.step[1] = in.step[0];
        in.step[1].nonce = 9000;
        assert_int_equal(rig_update(rig, &in), E_OK);
        store_nonce_get(rig->store, &in.signer, 0, on_nonce, &reply);
        rig_wait(rig, &reply, 3);
        assert_int_equal(reply.highest, 9000);
}

/* What a wallet signs for an account is one line with what it signs for intents. */
static void an_accounts_approvals_raise_its_wallets_nonce(void **state)
{
        struct rig *rig = *state;
        struct store_account a = an_account(1);
        struct reply reply = {0};

        a.has_next = true;
        a.next.address = rig_addr(2000);
        a.next.nonce = 1700000000999;
        assert_int_equal(put_account(rig, &a), E_OK);
        rig_reopen(rig);
        store_nonce_get(rig->store, &a.address, 0, on_nonce, &reply);
        rig_wait(rig, &reply, 1);
        assert_int_equal(reply.highest, 1700000000999);
        a.has_next = false;
        a.next = (struct store_agent){.nonce = 0};
        a.agent_nonce = 1; /* a lower one takes nothing back */
        assert_int_equal(put_account(rig, &a), E_OK);
        store_nonce_get(rig->store, &a.address, 0, on_nonce, &reply);
        rig_wait(rig, &reply, 2);
        assert_int_equal(reply.highest, 1700000000999);
        store_nonce_get(rig->store, &a.agent, 0, on_nonce, &reply);
        rig_wait(rig, &reply, 3);
        assert_int_equal(reply.highest, 0); /* the agent's own is another */
}

static void brand_keys_are_read_and_written_at_start(void **state)
{
        struct rig *rig = *state;
        const uint8_t key[5] = {1, 0, 3, 0, 5};
        uint8_t out[8] = {0};
        sqlite3_stmt *q;
        size_t len = 0;

        assert_int_equal(store_brand_key_load(rig->store, BRAND_A, out, sizeof out, &len),
                         E_NOT_FOUND);
        assert_int_equal(store_brand_key_save(rig->store, BRAND_A, key, sizeof key), E_OK);
        assert_int_equal(store_brand_key_load(rig->store, BRAND_A, out, sizeof out, &len), E_OK);
        assert_int_equal(len, sizeof key);
        assert_memory_equal(out, key, sizeof key);
        assert_int_equal(store_brand_key_load(rig->store, BRAND_A, out, 4, &len), E_LIMIT);
        assert_int_equal(store_brand_key_load(rig->store, BRAND_B, out, sizeof out, &len),
                         E_NOT_FOUND);
        assert_int_equal(store_brand_key_save(rig->store, BRAND_A, key, 2), E_OK); /* rewrapped */
        q = db_query(store_op_lock(rig->store),
                     "SELECT count(*) FROM audit WHERE brand = 'meridian' AND actor = 'operator'"
                     " AND action = 'brand_key_made'");
        assert_int_equal(sqlite3_step(q), SQLITE_ROW);
        assert_int_equal(db_get_int(q, 0), 2); /* once each time, with what it tells */
        db_reset(q);
        store_op_unlock(rig->store);
        rig_reopen(rig);
        assert_int_equal(store_brand_key_load(rig->store, BRAND_A, out, sizeof out, &len), E_OK);
        assert_int_equal(len, 2);
}

/* The chain as the schema describes it, computed here a second time. */
static void chain(uint8_t hash[32], const char *brand, uint64_t seq, uint64_t at, const char *actor,
                  const char *action, const char *detail)
{
        struct buf buf;

        buf_init(&buf, 4096);
        buf_put(&buf, hash, 32);
        buf_put_be64(&buf, strlen(brand));
        buf_puts(&buf, brand);
        buf_put_be64(&buf, seq);
        buf_put_be64(&buf, at);
        buf_put_be64(&buf, strlen(actor));
        buf_puts(&buf, actor);
        buf_put_be64(&buf, strlen(action));
        buf_puts(&buf, action);
        buf_put_be64(&buf, strlen(detail));
        buf_puts(&buf, detail);
        assert_int_equal(buf_check(&buf), E_OK);
        crypto_generichash(hash, 32, buf.data, buf.len, NULL, 0);
        buf_fini(&buf);
}

static void audit_entries_form_a_chain_per_brand(void **state)
{
        struct rig *rig = *state;
        struct reply reply = {0};
        uint8_t hash[32] = {0};
        struct db *db;
        sqlite3_stmt *q;

        store_audit(rig->store, BRAND_A, "ops", "halt", "{}", 11, rig_on_done, &reply);
        store_audit(rig->store, BRAND_B, "0x1", "login", "", 12, rig_on_done, &reply);
        store_audit(rig->store, BRAND_A, "ops", "resume", "\"it's over\"", 13, NULL, NULL);
        store_audit(rig->store, BRAND_A, "ops", "halt", "again", 14, rig_on_done, &reply);
        rig_wait(rig, &reply, 3);
        assert_int_equal(reply.n_ok, 3);

        db = store_op_lock(rig->store);
        q = db_query(db, "SELECT hash FROM audit WHERE brand = 'meridian' AND seq = 3");
        assert_int_equal(db_step(db, q), E_OK);
        chain(hash, BRAND_A, 1, 11, "ops", "halt", "{}");
        chain(hash, BRAND_A, 2, 13, "ops", "resume", "\"it's over\"");
        chain(hash, BRAND_A, 3, 14, "ops", "halt", "again");
        assert_memory_equal(sqlite3_column_blob(q, 0), hash, 32);
        db_reset(q);
        assert_int_equal(db_exec(db, "UPDATE audit SET detail = 'x'"), E_INVALID);
        assert_int_equal(db_exec(db, "DELETE FROM audit"), E_INVALID);
        q = db_query(db, "SELECT count(*) FROM audit");
        assert_int_equal(db_step(db, q), E_OK);
        assert_int_equal(db_get_int(q, 0), 4);
        db_reset(q);
        store_op_unlock(rig->store);
}

static void an_audit_entry_that_is_too_large_is_refused(void **state)
{
        struct rig *rig = *state;
        char *detail = xcalloc(1, STORE_BLOB_MAX + 2);
        struct reply reply = {0};

        for (size_t i = 0; i <= STORE_BLOB_MAX; i++)
                detail[i] = 'x';
        store_audit(rig->store, BRAND_A, "ops", "note", detail, 1, rig_on_done, &reply);
        assert_int_equal(reply.n, 0);
        rig_wait(rig, &reply, 1);
        assert_int_equal(reply.rc, E_TOO_LARGE);
        detail[STORE_BLOB_MAX] = '\0';
        store_audit(rig->store, BRAND_A, "ops", "note", detail, 1, rig_on_done, &reply);
        rig_wait(rig, &reply, 2);
        assert_int_equal(reply.rc, E_OK);
        free(detail);
}

int main(void)
{
#define RIG(test) cmocka_unit_test_setup_teardown(test, rig_setup, rig_teardown)
        const struct CMUnitTest tests[] = {
                RIG(an_account_comes_back_as_it_was_put),
                RIG(brands_do_not_see_each_other),
                RIG(an_agent_address_is_never_used_twice),
                RIG(a_retired_agents_key_is_erased),
                RIG(a_successor_waits_beside_the_agent_and_takes_its_place),
                RIG(numbers_that_do_not_fit_are_refused),
                RIG(sessions_live_until_deleted_or_purged),
                RIG(nonces_only_rise),
                RIG(an_accounts_approvals_raise_its_wallets_nonce),
                RIG(brand_keys_are_read_and_written_at_start),
                RIG(audit_entries_form_a_chain_per_brand),
                RIG(an_audit_entry_that_is_too_large_is_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
