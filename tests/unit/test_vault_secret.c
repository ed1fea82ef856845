/* vault_secret: a secret is shown once, computes codes, and opens nowhere else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "base/secret.h"
#include "sign/vault_secret.h"

static struct secp *secp;
static struct vault *vault;
static struct vault_brand *brand;
static struct vault_secret_binding binding = {.brand = "meridian"};
static struct vault_sealed sealed;
static char text[VAULT_SECRET_TEXT_MAX];

static int setup(void **state)
{
        struct vault_sealed wrapped;
        struct secret master;

        (void)state;
        secret_init(&master, 32);
        memset(master.data, 0x11, 32);
        secp = secp_new();
        vault = vault_new(&master, secp);
        assert_int_equal(vault_brand_create(vault, &wrapped, "meridian"), E_OK);
        brand = vault_brand_open(vault, "meridian", &wrapped, NULL);
        memset(binding.account.b, 0xaa, 20);
        memset(binding.id, 0xbb, 16);
        assert_int_equal(vault_secret_create(vault, brand, text, &sealed, &binding), E_OK);
        return 0;
}

static int teardown(void **state)
{
        (void)state;
        vault_free(vault);
        secp_free(secp);
        return 0;
}

static enum errc mac(const struct vault_secret_binding *b, const struct vault_sealed *s)
{
        uint8_t out[32];

        return vault_secret_mac(vault, brand, out, b, s, "x", 1);
}

static void the_code_is_that_of_the_text_that_was_shown(void **state)
{
        uint8_t ours[32], theirs[32];
        crypto_auth_hmacsha256_state hmac;

        (void)state;
        assert_int_equal(strlen(text), 64);
        assert_int_equal(strspn(text, "0123456789abcdef"), 64);
        crypto_auth_hmacsha256_init(&hmac, (const unsigned char *)text, 64);
        crypto_auth_hmacsha256_update(&hmac, (const unsigned char *)"hello", 5);
        crypto_auth_hmacsha256_final(&hmac, theirs);
        for (int i = 0; i < 2; i++) {
                assert_int_equal(
                        vault_secret_mac(vault, brand, ours, &binding, &sealed, "hello", 5), E_OK);
                assert_memory_equal(ours, theirs, 32);
        }
}

static void two_secrets_differ(void **state)
{
        char other[VAULT_SECRET_TEXT_MAX];
        struct vault_sealed s;

        (void)state;
        assert_int_equal(vault_secret_create(vault, brand, other, &s, &binding), E_OK);
        assert_string_not_equal(other, text);
        assert_int_equal(mac(&binding, &s), E_OK);
}

static void a_secret_moved_or_changed_does_not_open(void **state)
{
        struct vault_secret_binding moved;
        struct vault_sealed changed;
        struct addr agent;

        (void)state;
        for (size_t i = 0; i < 16; i++) {
                moved = binding;
                moved.id[i] ^= 1;
                assert_int_equal(mac(&moved, &sealed), E_CRYPTO);
        }
        moved = binding;
        moved.account.b[19] ^= 1;
        assert_int_equal(mac(&moved, &sealed), E_CRYPTO);
        moved = binding;
        moved.brand = "harbor";
        assert_int_equal(mac(&moved, &sealed), E_CRYPTO);
        moved.brand = "";
        assert_int_equal(mac(&moved, &sealed), E_CRYPTO);
        for (size_t i = 0; i < VAULT_SEALED_BYTES; i++) {
                changed = sealed;
                changed.b[i] ^= 0x80;
                assert_int_equal(mac(&binding, &changed), E_CRYPTO);
        }
        /* An agent's key is no secret, and the other way round. */
        assert_int_equal(vault_agent_create(vault, brand, &agent, &changed, &binding.account),
                         E_OK);
        assert_int_equal(mac(&binding, &changed), E_CRYPTO);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(the_code_is_that_of_the_text_that_was_shown, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(two_secrets_differ, setup, teardown),
                cmocka_unit_test_setup_teardown(a_secret_moved_or_changed_does_not_open, setup,
                                                teardown),
        };

        secret_process_init();
        return cmocka_run_group_tests(tests, NULL, NULL);
}
