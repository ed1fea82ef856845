/* store_api_key: keys come back as they were put, per brand and account, and only so many. */
#include "store_rig.h"

#include "store/store_api_key.h"

struct answer {
        struct reply reply;
        unsigned n;
        struct store_api_key keys[STORE_API_KEYS_MAX];
};

static void on_keys(void *cookie, enum errc rc, const struct store_api_key *keys, unsigned n)
{
        struct answer *a = cookie;

        rig_count(&a->reply, rc);
        a->n = n;
        if (n)
                memcpy(a->keys, keys, n * sizeof *keys);
}

static struct store_api_key a_key(unsigned tag)
{
        struct store_api_key k = {.id = {(uint8_t)(tag >> 8), (uint8_t)tag},
                                  .brand = BRAND_A,
                                  .account = rig_addr(1),
                                  .name = "bot",
                                  .kind = API_KEY_HMAC,
                                  .scopes = API_KEY_READ | API_KEY_TRADE,
                                  .ip_allow = "192.0.2.0/24 2001:db8::/32",
                                  .material = {9, 0, 7},
                                  .material_len = 73,
                                  .created_at = 1000 + tag};
        return k;
}

static enum errc put(struct rig *rig, const struct store_api_key *key)
{
        struct reply reply = {0};

        store_api_key_put(rig->store, key, rig_on_done, &reply);
        rig_wait(rig, &reply, 1);
        return reply.rc;
}

static enum errc get(struct rig *rig, unsigned tag, struct answer *a)
{
        struct store_api_key k = a_key(tag);

        memset(a, 0, sizeof *a);
        store_api_key_get(rig->store, k.id, on_keys, a);
        rig_wait(rig, &a->reply, 1);
        return a->reply.rc;
}

static unsigned list(struct rig *rig, const char *brand, unsigned account, struct answer *a)
{
        struct addr address = rig_addr(account);

        memset(a, 0, sizeof *a);
        store_api_key_list(rig->store, brand, &address, on_keys, a);
        rig_wait(rig, &a->reply, 1);
        assert_int_equal(a->reply.rc, E_OK);
        return a->n;
}

static enum errc drop(struct rig *rig, const char *brand, unsigned account, unsigned tag)
{
        struct store_api_key k = a_key(tag);
        struct addr address = rig_addr(account);
        struct reply reply = {0};

        store_api_key_delete(rig->store, brand, &address, k.id, rig_on_done, &reply);
        rig_wait(rig, &reply, 1);
        return reply.rc;
}

static void a_key_comes_back_as_it_was_put(void **state)
{
        struct rig *rig = *state;
        struct store_api_key k = a_key(1), e = a_key(2);
        struct answer a;

        e.kind = API_KEY_ED25519;
        e.material_len = 32;
        e.scopes = API_KEY_READ;
        e.ip_allow[0] = e.name[0] = '\0';
        memset(e.ip_allow, 0, sizeof e.ip_allow);
        memset(e.name, 0, sizeof e.name);
        e.expires_at = 5000;
        e.has_sub_account = true;
        e.sub_account = rig_addr(6);
        assert_int_equal(get(rig, 1, &a), E_NOT_FOUND);
        assert_int_equal(put(rig, &k), E_OK);
        assert_int_equal(put(rig, &e), E_OK);
        assert_int_equal(put(rig, &k), E_EXISTS);
        rig_reopen(rig);
        assert_int_equal(get(rig, 1, &a), E_OK);
        assert_memory_equal(&a.keys[0], &k, sizeof k);
        assert_int_equal(get(rig, 2, &a), E_OK);
        assert_memory_equal(&a.keys[0], &e, sizeof e);
}

static void keys_are_listed_and_deleted_by_their_owner_alone(void **state)
{
        struct rig *rig = *state;
        struct store_api_key k = a_key(1), other = a_key(2), elsewhere = a_key(3);
        struct answer a;

        other.account = rig_addr(2);
        text_copy(elsewhere.brand, sizeof elsewhere.brand, BRAND_B);
        assert_int_equal(put(rig, &elsewhere), E_OK);
        assert_int_equal(put(rig, &other), E_OK);
        assert_int_equal(put(rig, &k), E_OK);
        assert_int_equal(list(rig, BRAND_A, 1, &a), 1);
        assert_memory_equal(&a.keys[0], &k, sizeof k);
        assert_int_equal(list(rig, BRAND_B, 1, &a), 1);
        assert_int_equal(list(rig, BRAND_B, 2, &a), 0);
        assert_int_equal(drop(rig, BRAND_A, 1, 2), E_NOT_FOUND);
        assert_int_equal(drop(rig, BRAND_A, 1, 3), E_NOT_FOUND);
        assert_int_equal(drop(rig, BRAND_A, 1, 1), E_OK);
        assert_int_equal(drop(rig, BRAND_A, 1, 1), E_NOT_FOUND);
        assert_int_equal(get(rig, 1, &a), E_NOT_FOUND);
        assert_int_equal(get(rig, 2, &a), E_OK);
}

static void an_account_has_so_many_and_the_expired_give_way(void **state)
{
        struct rig *rig = *state;
        struct store_api_key k;
        struct answer a;

        for (unsigned i = 0; i < STORE_API_KEYS_MAX; i++) {
                k = a_key(i);
                k.expires_at = i == 3 ? 2000 : 0;
                assert_int_equal(put(rig, &k), E_OK);
        }
        k = a_key(100);
        assert_int_equal(put(rig, &k), E_LIMIT);
        assert_int_equal(list(rig, BRAND_A, 1, &a), STORE_API_KEYS_MAX);
        for (unsigned i = 1; i < STORE_API_KEYS_MAX; i++)
                assert_true(a.keys[i].created_at > a.keys[i - 1].created_at);
        k = a_key(101);
        k.account = rig_addr(2);
        assert_int_equal(put(rig, &k), E_OK); /* another account's */
        k = a_key(102);
        k.created_at = 2000;
        assert_int_equal(put(rig, &k), E_OK);
        assert_int_equal(get(rig, 3, &a), E_NOT_FOUND);
}

static void what_does_not_fit_is_refused(void **state)
{
        struct rig *rig = *state;
        struct store_api_key k = a_key(1);

        k.material_len = sizeof k.material + 1;
        assert_int_equal(put(rig, &k), E_INVALID);
}

int main(void)
{
#define RIG(test) cmocka_unit_test_setup_teardown(test, rig_setup, rig_teardown)
        const struct CMUnitTest tests[] = {
                RIG(a_key_comes_back_as_it_was_put),
                RIG(keys_are_listed_and_deleted_by_their_owner_alone),
                RIG(an_account_has_so_many_and_the_expired_give_way),
                RIG(what_does_not_fit_is_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
