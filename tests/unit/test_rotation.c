/* rotation: another master key for all brand keys at once, or for none. */
#include "store_rig.h"

#include <dirent.h>

#include "ctl/rotation.h"

#define NOW      INT64_C(1790000000000)
#define N_BRANDS 3

static const char *const brands[N_BRANDS] = {"atlas", "harbor", "meridian"};

struct bench {
        struct rig *rig;
        struct secp *secp;
        char key[300], next[310];
        struct addr agent;
        struct vault_sealed sealed; /* of the first brand */
};

static struct vault *vault_from(const struct bench *b, const char *file)
{
        struct secret master = {.data = NULL};
        struct err err = {0};

        if (vault_read_master(&master, file, NULL, &err))
                fail_msg("%s", err.detail);
        return vault_new(&master, b->secp);
}

static int setup(void **state)
{
        struct bench *b = xcalloc(1, sizeof *b);
        struct err err = {0};
        void *rig;

        rig_setup(&rig);
        b->rig = rig;
        b->secp = secp_new();
        snprintf(b->key, sizeof b->key, "%s/master.key", b->rig->folder);
        snprintf(b->next, sizeof b->next, "%s.next", b->key);
        assert_int_equal(vault_make_master_file(b->key, &err), E_OK);
        struct vault *vault = vault_from(b, b->key);
        for (int i = 0; i < N_BRANDS; i++) {
                struct vault_sealed wrapped;
                struct addr account = rig_addr(7);
                assert_int_equal(vault_brand_create(vault, &wrapped, brands[i]), E_OK);
                assert_int_equal(
                        store_brand_key_save(b->rig->store, brands[i], wrapped.b, sizeof wrapped.b),
                        E_OK);
                if (i > 0)
                        continue;
                struct vault_brand *brand = vault_brand_open(vault, brands[i], &wrapped, &err);
                assert_int_equal(vault_agent_create(vault, brand, &b->agent, &b->sealed, &account),
                                 E_OK);
        }
        vault_free(vault);
        store_close(b->rig->store);
        b->rig->store = NULL;
        *state = b;
        return 0;
}

static int teardown(void **state)
{
        struct bench *b = *state;
        DIR *dir = opendir(b->rig->folder);
        struct dirent *entry;
        void *rig = b->rig;
        char path[600];

        while (dir && (entry = readdir(dir))) {
                snprintf(path, sizeof path, "%s/%s", b->rig->folder, entry->d_name);
                unlink(path);
        }
        if (dir)
                closedir(dir);
        secp_free(b->secp);
        rig_teardown(&rig);
        free(b);
        return 0;
}

/* How many of the store's keys open under the key in file. */
static int count_open(struct bench *b, const char *file)
{
        struct vault *vault = vault_from(b, file);
        int n = 0;

        rig_open(b->rig);
        for (int i = 0; i < N_BRANDS; i++) {
                struct vault_sealed wrapped;
                size_t len;
                assert_int_equal(store_brand_key_load(b->rig->store, brands[i], wrapped.b,
                                                      sizeof wrapped.b, &len),
                                 E_OK);
                n += vault_brand_opens(vault, brands[i], &wrapped);
        }
        store_close(b->rig->store);
        b->rig->store = NULL;
        vault_free(vault);
        return n;
}

/* What the brand's key protects is as it was. */
static void expect_agent_signs(struct bench *b)
{
        struct vault_binding binding = {
                .brand = brands[0], .account = rig_addr(7), .agent = b->agent};
        struct vault *vault = vault_from(b, b->key);
        struct hash32 digest = {{1}};
        struct vault_sealed wrapped;
        struct signature sig;
        struct err err = {0};
        size_t len;

        rig_open(b->rig);
        assert_int_equal(
                store_brand_key_load(b->rig->store, brands[0], wrapped.b, sizeof wrapped.b, &len),
                E_OK);
        struct vault_brand *brand = vault_brand_open(vault, brands[0], &wrapped, &err);
        assert_non_null(brand);
        assert_int_equal(vault_agent_sign(vault, brand, &sig, &binding, &b->sealed, &digest), E_OK);
        store_close(b->rig->store);
        b->rig->store = NULL;
        vault_free(vault);
}

static struct rotation_result rotate(struct bench *b)
{
        struct rotation_result result;
        struct err err = {0};

        if (rotation_run(b->rig->file, b->key, NOW, &result, &err))
                fail_msg("%s", err.detail);
        return result;
}

static void expect_mode_0600(const char *file)
{
        struct stat st;

        assert_int_equal(stat(file, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
}

static void the_new_key_opens_all_and_the_old_none(void **state)
{
        struct bench *b = *state;
        struct rotation_result result = rotate(b);

        assert_int_equal(result.brands, N_BRANDS);
        assert_false(result.was_begun);
        assert_int_equal(count_open(b, b->key), N_BRANDS);
        assert_int_equal(count_open(b, result.kept), 0);
        assert_int_equal(access(b->next, F_OK), -1);
        expect_mode_0600(b->key);
        expect_mode_0600(result.kept);
        expect_agent_signs(b);
}

static void expect_refused(struct bench *b, const char *key, const char *word)
{
        struct rotation_result result;
        struct err err = {0};

        assert_int_not_equal(rotation_run(b->rig->file, key, NOW, &result, &err), E_OK);
        if (!strstr(err.detail, word))
                fail_msg("\"%s\" does not say \"%s\"", err.detail, word);
}

static void a_wrong_key_changes_nothing(void **state)
{
        struct bench *b = *state;
        char other[300];
        struct err err = {0};

        snprintf(other, sizeof other, "%s/other.key", b->rig->folder);
        expect_refused(b, other, "No such file");
        assert_int_equal(vault_make_master_file(other, &err), E_OK);
        expect_refused(b, other, "not their master key");
        char other_next[320];
        snprintf(other_next, sizeof other_next, "%s.next", other);
        assert_int_equal(access(other_next, F_OK), -1); /* nothing is left behind */
        assert_int_equal(count_open(b, b->key), N_BRANDS);
        chmod(b->key, 0644);
        expect_refused(b, b->key, "mode");
        chmod(b->key, 0600);
        rig_open(b->rig);
        expect_refused(b, b->key, "in use");
        store_close(b->rig->store);
        b->rig->store = NULL;
        assert_int_equal(count_open(b, b->key), N_BRANDS);
}

static struct vault *picked(struct bench *b)
{
        struct vault *vault = vault_from(b, b->key);

        rig_open(b->rig);
        rotation_pick(&vault, b->rig->store, b->key, b->secp);
        store_close(b->rig->store);
        b->rig->store = NULL;
        return vault;
}

static int count_picked(struct bench *b)
{
        struct vault *vault = picked(b);
        int n = 0;

        rig_open(b->rig);
        for (int i = 0; i < N_BRANDS; i++) {
                struct vault_sealed wrapped;
                size_t len;
                assert_int_equal(store_brand_key_load(b->rig->store, brands[i], wrapped.b,
                                                      sizeof wrapped.b, &len),
                                 E_OK);
                n += vault_brand_opens(vault, brands[i], &wrapped);
        }
        store_close(b->rig->store);
        b->rig->store = NULL;
        vault_free(vault);
        return n;
}

static void interrupted_before_the_commit_it_begins_again(void **state)
{
        struct bench *b = *state;
        struct err err = {0};

        assert_int_equal(vault_make_master_file(b->next, &err), E_OK);
        assert_int_equal(count_picked(b), N_BRANDS); /* the gateway starts with the old one */
        struct rotation_result result = rotate(b);
        assert_true(result.was_begun);
        assert_int_equal(count_open(b, b->key), N_BRANDS);
        assert_int_equal(count_open(b, result.kept), 0);
        expect_agent_signs(b);
}

static void interrupted_after_the_commit_it_is_finished(void **state)
{
        struct bench *b = *state;
        struct rotation_result result = rotate(b);

        /* As if it had ended before the files changed their names. */
        assert_int_equal(rename(b->key, b->next), 0);
        assert_int_equal(rename(result.kept, b->key), 0);
        assert_int_equal(count_open(b, b->key), 0);
        assert_int_equal(count_picked(b), N_BRANDS); /* the gateway starts with the new one */
        result = rotate(b);
        assert_true(result.was_begun);
        assert_int_equal(count_open(b, b->key), N_BRANDS);
        assert_int_equal(access(b->next, F_OK), -1);
        expect_agent_signs(b);
}

static void a_foreign_next_key_is_not_used(void **state)
{
        struct bench *b = *state;
        char key[300];
        struct err err = {0};

        assert_int_equal(vault_make_master_file(b->next, &err), E_OK);
        memcpy(key, b->key, sizeof key);
        snprintf(b->key, sizeof b->key, "%s/other.key", b->rig->folder);
        assert_int_equal(vault_make_master_file(b->key, &err), E_OK);
        assert_int_equal(count_picked(b), 0);
        expect_refused(b, b->key, "not their master key");
        memcpy(b->key, key, sizeof key);
        assert_int_equal(count_open(b, b->key), N_BRANDS);
}

static void the_kept_key_opens_what_was_copied_before(void **state)
{
        struct bench *b = *state;
        char old_store[320], command[700];

        snprintf(old_store, sizeof old_store, "%s-before", b->rig->file);
        snprintf(command, sizeof command, "cp %s %s", b->rig->file, old_store);
        assert_int_equal(system(command), 0);
        struct rotation_result result = rotate(b);
        assert_int_equal(rename(old_store, b->rig->file), 0);
        assert_int_equal(count_open(b, b->key), 0);
        assert_int_equal(count_open(b, result.kept), N_BRANDS);
}

int main(void)
{
#define BENCH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
        const struct CMUnitTest tests[] = {
                BENCH(the_new_key_opens_all_and_the_old_none),
                BENCH(a_wrong_key_changes_nothing),
                BENCH(interrupted_before_the_commit_it_begins_again),
                BENCH(interrupted_after_the_commit_it_is_finished),
                BENCH(a_foreign_next_key_is_not_used),
                BENCH(the_kept_key_opens_what_was_copied_before),
        };

        secret_process_init();
        return cmocka_run_group_tests(tests, NULL, NULL);
}
