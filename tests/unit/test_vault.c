/* vault: what opens, what must not, and how the master key is read. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "sign/vault.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])
#define ENV      "TEST_VAULT_MASTER"

static const char digits[] = "000102030405060708090a0b0c0d0e0f101112131415161718191A1B1C1D1E1F";

/* One vault with one brand and one agent. */
struct rig {
        struct secp *secp;
        struct vault *vault;
        struct vault_sealed wrapped;
        struct vault_brand *brand;
        struct vault_binding binding;
        struct vault_sealed sealed;
};

static struct rig rig;
static char folder[64], path[96];

static struct vault *vault_with(uint8_t fill)
{
        struct secret master;

        secret_init(&master, 32);
        memset(master.data, fill, 32);
        struct vault *vault = vault_new(&master, rig.secp);
        assert_null(master.data); /* taken */
        return vault;
}

static int setup(void **state)
{
        (void)state;
        rig.secp = secp_new();
        rig.vault = vault_with(0x11);
        memset(rig.binding.account.b, 0xaa, 20);
        rig.binding.brand = "meridian";
        assert_int_equal(vault_brand_create(rig.vault, &rig.wrapped, "meridian"), E_OK);
        rig.brand = vault_brand_open(rig.vault, "meridian", &rig.wrapped, NULL);
        assert_non_null(rig.brand);
        assert_int_equal(vault_agent_create(rig.vault, rig.brand, &rig.binding.agent, &rig.sealed,
                                            &rig.binding.account),
                         E_OK);
        return 0;
}

static int teardown(void **state)
{
        (void)state;
        vault_free(rig.vault);
        vault_free(NULL);
        secp_free(rig.secp);
        return 0;
}

static enum errc sign(const struct vault_binding *binding, const struct vault_sealed *sealed)
{
        const struct hash32 digest = {{1, 2, 3}};
        struct signature sig;
        struct addr signer;
        enum errc rc = vault_agent_sign(rig.vault, rig.brand, &sig, binding, sealed, &digest);

        if (rc)
                return rc;
        assert_int_equal(secp_recover(rig.secp, &signer, &digest, &sig), E_OK);
        assert_true(hex_addr_equal(&signer, &binding->agent));
        return E_OK;
}

static void an_agent_signs_as_itself(void **state)
{
        struct vault_sealed second;
        struct vault_binding other = rig.binding;

        (void)state;
        for (int i = 0; i < 3; i++)
                assert_int_equal(sign(&rig.binding, &rig.sealed), E_OK);
        assert_false(hex_addr_zero(&rig.binding.agent));
        assert_int_equal(vault_agent_create(rig.vault, rig.brand, &other.agent, &second,
                                            &rig.binding.account),
                         E_OK);
        assert_false(hex_addr_equal(&other.agent, &rig.binding.agent));
        assert_memory_not_equal(&second, &rig.sealed, sizeof second);
        assert_int_equal(sign(&other, &second), E_OK);
        assert_int_equal(sign(&rig.binding, &second), E_CRYPTO);
        assert_int_equal(sign(&other, &rig.sealed), E_CRYPTO);
}

static void a_changed_byte_anywhere_is_refused(void **state)
{
        (void)state;
        for (size_t i = 0; i < VAULT_SEALED_BYTES; i++) {
                for (unsigned bit = 0; bit < 8; bit++) {
                        struct vault_sealed changed = rig.sealed, wrapped = rig.wrapped;
                        struct err err = {0};
                        changed.b[i] ^= (uint8_t)(1 << bit);
                        wrapped.b[i] ^= (uint8_t)(1 << bit);
                        assert_int_equal(sign(&rig.binding, &changed), E_CRYPTO);
                        assert_null(vault_brand_open(rig.vault, "meridian", &wrapped, &err));
                        assert_int_equal(err.code, E_CRYPTO);
                }
        }
        assert_int_equal(sign(&rig.binding, &rig.sealed), E_OK);
}

static void a_key_moved_elsewhere_does_not_open(void **state)
{
        static const char *const brands[] = {
                "meridiam", "meridia", "meridiann", "",
                "0123456789012345678901234567890123456789012345678901234567890123456789"};
        struct vault_binding moved;

        (void)state;
        for (size_t i = 0; i < 20; i++) {
                moved = rig.binding;
                moved.account.b[i] ^= 1;
                assert_int_equal(sign(&moved, &rig.sealed), E_CRYPTO);
                moved = rig.binding;
                moved.agent.b[i] ^= 1;
                assert_int_equal(sign(&moved, &rig.sealed), E_CRYPTO);
        }
        for (size_t i = 0; i < COUNT(brands); i++) {
                moved = rig.binding;
                moved.brand = brands[i];
                assert_int_equal(sign(&moved, &rig.sealed), E_CRYPTO);
        }
        /* Account and agent swapped are the same bytes in another order. */
        moved = rig.binding;
        moved.account = rig.binding.agent;
        moved.agent = rig.binding.account;
        assert_int_equal(sign(&moved, &rig.sealed), E_CRYPTO);
}

static void brands_do_not_open_each_others_keys(void **state)
{
        const struct hash32 digest = {{5}};
        struct vault_sealed wrapped;
        struct signature sig;

        (void)state;
        assert_int_equal(vault_brand_create(rig.vault, &wrapped, "northwind"), E_OK);
        struct vault_brand *other = vault_brand_open(rig.vault, "northwind", &wrapped, NULL);
        assert_non_null(other);
        assert_ptr_not_equal(other, rig.brand);
        /* Even when the binding still names the right brand. */
        assert_int_equal(
                vault_agent_sign(rig.vault, other, &sig, &rig.binding, &rig.sealed, &digest),
                E_CRYPTO);
        assert_null(vault_brand_open(rig.vault, "elsewhere", &wrapped, NULL));
        /* A wrapped brand key is no agent key, though both are sealed alike. */
        assert_int_equal(sign(&rig.binding, &rig.wrapped), E_CRYPTO);
        assert_null(vault_brand_open(rig.vault, "meridian", &rig.sealed, NULL));
}

static void another_master_key_opens_nothing(void **state)
{
        struct vault *vault = vault_with(0x12);
        struct err err = {0};

        (void)state;
        assert_null(vault_brand_open(vault, "meridian", &rig.wrapped, &err));
        assert_int_equal(err.code, E_CRYPTO);
        assert_non_null(strstr(err.detail, "meridian"));
        vault_free(vault);
}

static void the_same_master_key_opens_all_again(void **state)
{
        struct vault *vault = vault_with(0x11);
        const struct hash32 digest = {{5}};
        struct signature sig, again;

        (void)state;
        struct vault_brand *brand = vault_brand_open(vault, "meridian", &rig.wrapped, NULL);
        assert_non_null(brand);
        assert_int_equal(vault_agent_sign(vault, brand, &sig, &rig.binding, &rig.sealed, &digest),
                         E_OK);
        assert_int_equal(
                vault_agent_sign(rig.vault, rig.brand, &again, &rig.binding, &rig.sealed, &digest),
                E_OK);
        assert_memory_equal(&sig, &again, sizeof sig);
        vault_free(vault);
}

static void opening_a_brand_again_keeps_its_key(void **state)
{
        struct vault_sealed wrapped;
        struct err err = {0};

        (void)state;
        assert_ptr_equal(vault_brand_open(rig.vault, "meridian", &rig.wrapped, &err), rig.brand);
        assert_int_equal(err.code, E_OK);
        assert_int_equal(vault_brand_create(rig.vault, &wrapped, "meridian"), E_OK);
        assert_null(vault_brand_open(rig.vault, "meridian", &wrapped, &err));
        assert_int_equal(err.code, E_EXISTS);
        assert_int_equal(sign(&rig.binding, &rig.sealed), E_OK);
}

static void brand_ids_are_bounded(void **state)
{
        struct vault_sealed wrapped;
        char id[70];

        (void)state;
        memset(id, 'b', sizeof id);
        id[64] = '\0';
        assert_int_equal(vault_brand_create(rig.vault, &wrapped, id), E_OK);
        assert_non_null(vault_brand_open(rig.vault, id, &wrapped, NULL));
        id[64] = 'b';
        id[65] = '\0';
        assert_int_equal(vault_brand_create(rig.vault, &wrapped, id), E_LIMIT);
        assert_null(vault_brand_open(rig.vault, id, &wrapped, NULL));
        assert_int_equal(vault_brand_create(rig.vault, &wrapped, ""), E_LIMIT);
}

/* The master key's file. */

static void write_file(const char *text, size_t len)
{
        unlink(path);
        int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, len), (ssize_t)len);
        close(fd);
}

static enum errc read_master(struct secret *out)
{
        struct err err = {0};
        enum errc rc = vault_read_master(out, path, ENV, &err);

        assert_int_equal(err.code, rc);
        if (rc) {
                assert_null(out->data);
                assert_null(strstr(err.detail, "00010203")); /* no key in an error */
        }
        return rc;
}

static void assert_refused(void)
{
        struct secret master;

        assert_int_equal(read_master(&master), E_CONFIG);
}

static void assert_reads(void)
{
        SECRET_LOCAL master = {NULL, 0};

        assert_int_equal(read_master(&master), E_OK);
        assert_int_equal(master.len, 32);
        for (uint8_t i = 0; i < 32; i++)
                assert_int_equal(master.data[i], i);
}

static int files_setup(void **state)
{
        (void)state;
        unsetenv(ENV);
        snprintf(folder, sizeof folder, "/tmp/test_vault.XXXXXX");
        assert_non_null(mkdtemp(folder));
        snprintf(path, sizeof path, "%s/master.key", folder);
        return 0;
}

static int files_teardown(void **state)
{
        (void)state;
        unlink(path);
        return rmdir(folder);
}

static void a_master_file_is_64_digits(void **state)
{
        static const char *const bad[] = {
                "",
                "\n",
                "000102030405060708090a0b0c0d0e0f101112131415161718191A1B1C1D1E1",
                "000102030405060708090a0b0c0d0e0f101112131415161718191A1B1C1D1E1\n",
                "000102030405060708090a0b0c0d0e0f101112131415161718191A1B1C1D1E1Ff",
                "000102030405060708090a0b0c0d0e0f101112131415161718191A1B1C1D1E1F\n\n",
                "000102030405060708090a0b0c0d0e0f101112131415161718191A1B1C1D1E1F\r\n",
                "000102030405060708090a0b0c0d0e0f101112131415161718191A1B1C1D1E1F ",
                "000102030405060708090a0b0c0d0e0f101112131415161718191A1B1C1D1E1Fmore and more",
                "0x0102030405060708090a0b0c0d0e0f101112131415161718191A1B1C1D1E1F",
                "000102030405060708090a0b0c0d0e0f101112131415161718191A1B1C1D1E1g",
        };

        (void)state;
        write_file(digits, 64);
        assert_reads();
        write_file("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n", 65);
        assert_reads();
        for (size_t i = 0; i < COUNT(bad); i++) {
                write_file(bad[i], strlen(bad[i]));
                assert_refused();
        }
        unlink(path);
        assert_refused();
}

static void a_file_others_may_touch_is_refused(void **state)
{
        static const mode_t bad[] = {0604, 0640, 0620, 0602, 0601, 0610, 0644, 0666, 0777};

        (void)state;
        write_file(digits, 64);
        for (size_t i = 0; i < COUNT(bad); i++) {
                assert_int_equal(chmod(path, bad[i]), 0);
                assert_refused();
        }
        assert_int_equal(chmod(path, 0400), 0);
        assert_reads();
        if (geteuid() == 0) { /* only root can give a file away */
                assert_int_equal(chown(path, 12345, 12345), 0);
                assert_refused();
        }
}

static void only_a_regular_file_will_do(void **state)
{
        char target[120];

        (void)state;
        write_file(digits, 64);
        snprintf(target, sizeof target, "%s/target", folder);
        assert_int_equal(rename(path, target), 0);
        assert_int_equal(symlink(target, path), 0);
        assert_refused();
        unlink(path);
        unlink(target);
        assert_int_equal(mkdir(path, 0700), 0);
        assert_refused();
        rmdir(path);
        assert_int_equal(mkfifo(path, 0600), 0);
        assert_refused(); /* and does not wait for a writer */
        unlink(path);
}

/* The environment. */

static void the_environment_is_emptied(void **state)
{
        static const char bad[] = "this is not a key, but may be the start of one";
        struct secret master;

        (void)state;
        assert_int_equal(setenv(ENV, digits, 1), 0);
        const char *value = getenv(ENV);
        unlink(path); /* not looked at */
        assert_reads();
        assert_null(getenv(ENV));
        for (size_t i = 0; i < strlen(digits); i++)
                assert_int_equal(value[i], 0);
        assert_refused(); /* neither one nor the other */

        assert_int_equal(setenv(ENV, bad, 1), 0);
        value = getenv(ENV);
        write_file(digits, 64); /* a bad variable does not fall back to the file */
        assert_int_equal(read_master(&master), E_CONFIG);
        assert_null(getenv(ENV));
        for (size_t i = 0; i < strlen(bad); i++)
                assert_int_equal(value[i], 0);
        assert_int_equal(setenv(ENV, "", 1), 0); /* an empty one does */
        assert_reads();
        assert_int_equal(vault_read_master(&master, NULL, NULL, NULL), E_CONFIG);
}

/* Making one. */

static void a_made_master_file_is_private_and_kept(void **state)
{
        SECRET_LOCAL first = {NULL, 0};
        SECRET_LOCAL second = {NULL, 0};
        struct err err = {0};
        struct stat st;

        (void)state;
        unlink(path);
        mode_t mask = umask(0);
        assert_int_equal(vault_make_master_file(path, &err), E_OK);
        umask(mask);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
        assert_int_equal(st.st_size, 65);
        assert_int_equal(read_master(&first), E_OK);

        assert_int_equal(vault_make_master_file(path, &err), E_EXISTS);
        assert_int_equal(err.code, E_EXISTS);
        assert_int_equal(read_master(&second), E_OK);
        assert_true(secret_equal(first.data, second.data, 32));
        secret_fini(&second);

        unlink(path);
        assert_int_equal(vault_make_master_file(path, NULL), E_OK);
        assert_int_equal(read_master(&second), E_OK);
        assert_false(secret_equal(first.data, second.data, 32));
        assert_int_equal(vault_make_master_file("/nowhere/at/all/master.key", NULL), E_IO);
}

int main(void)
{
        const struct CMUnitTest keys[] = {
                cmocka_unit_test(an_agent_signs_as_itself),
                cmocka_unit_test(a_changed_byte_anywhere_is_refused),
                cmocka_unit_test(a_key_moved_elsewhere_does_not_open),
                cmocka_unit_test(brands_do_not_open_each_others_keys),
                cmocka_unit_test(another_master_key_opens_nothing),
                cmocka_unit_test(the_same_master_key_opens_all_again),
                cmocka_unit_test(opening_a_brand_again_keeps_its_key),
                cmocka_unit_test(brand_ids_are_bounded),
        };
        const struct CMUnitTest files[] = {
                cmocka_unit_test(a_master_file_is_64_digits),
                cmocka_unit_test(a_file_others_may_touch_is_refused),
                cmocka_unit_test(only_a_regular_file_will_do),
                cmocka_unit_test(the_environment_is_emptied),
                cmocka_unit_test(a_made_master_file_is_private_and_kept),
        };
        int failed = cmocka_run_group_tests(keys, setup, teardown);

        return failed + cmocka_run_group_tests(files, files_setup, files_teardown);
}
