/* sign: recoverable ECDSA: known answers, round trips, and what recovery and parsing refuse. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/secret.h"
#include "sign/eip712.h"
#include "sign/secp.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static void assert_hash(const struct hash32 *h, const char *expected)
{
        char text[HASH_STR_MAX];

        assert_string_equal(hex_print_hash(text, h), expected);
}

static struct hash32 hash_from(const char *hex)
{
        struct hash32 h;

        assert_int_equal(hex_parse_hash(&h, hex, strlen(hex)), E_OK);
        return h;
}

static const char half_order[] =
        "0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0";
static const char order[] = "0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";

/* n - s */
static void negate(struct hash32 *s)
{
        struct hash32 n = hash_from(order);
        int borrow = 0;

        for (int i = 31; i >= 0; i--) {
                int digit = n.b[i] - s->b[i] - borrow;
                borrow = digit < 0;
                s->b[i] = (uint8_t)(digit + (borrow ? 256 : 0));
        }
}

static int secp_setup(void **state)
{
        *state = secp_new();
        return 0;
}

static int secp_teardown(void **state)
{
        secp_free(*state);
        secp_free(NULL);
        return 0;
}

static void known_signature(void **state)
{
        const struct secp *secp = *state;
        struct hash32 key =
                hash_from("0x4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318");
        struct signature sig, parsed;
        struct hash32 digest;
        struct addr address, signer;
        char text[ADDR_STR_MAX];
        const char *wallet = "0xb91467e570a6466aa9e9876cbcd013baba02900b8979d43fe208a4a4f339f5fd"
                             "6007e74cd82e037b800186422fc2da167c747ef045e5d18a5f5d4300f8e1a0291c";

        eip191_digest(&digest, "Some data", 9);
        assert_int_equal(secp_sign(secp, &sig, &digest, key.b), E_OK);
        assert_hash(&sig.r, "0xb91467e570a6466aa9e9876cbcd013baba02900b8979d43fe208a4a4f339f5fd");
        assert_hash(&sig.s, "0x6007e74cd82e037b800186422fc2da167c747ef045e5d18a5f5d4300f8e1a029");
        assert_int_equal(sig.v, 28);
        assert_int_equal(secp_parse_signature(&parsed, wallet, strlen(wallet)), E_OK);
        assert_memory_equal(&parsed, &sig, sizeof sig);
        assert_int_equal(secp_address(secp, &address, key.b), E_OK);
        assert_string_equal(hex_print_addr(text, &address),
                            "0x2c7536e3605d9c16a7a3d7b1898e529396a65c23");
        assert_int_equal(secp_recover(secp, &signer, &digest, &sig), E_OK);
        assert_true(hex_addr_equal(&signer, &address));
}

static void the_key_one(void **state)
{
        struct hash32 key = {{0}};
        char text[ADDR_STR_MAX];
        struct addr address;

        key.b[31] = 1;
        assert_int_equal(secp_address(*state, &address, key.b), E_OK);
        assert_string_equal(hex_print_addr(text, &address),
                            "0x7e5f4552091a69125d5dfcb7b8c2659029395bdf");
}

static void not_every_number_is_a_key(void **state)
{
        struct hash32 zero = {{0}}, n = hash_from(order), digest = {{1}};
        struct signature sig;
        struct addr address;

        assert_int_equal(secp_address(*state, &address, zero.b), E_CRYPTO);
        assert_int_equal(secp_address(*state, &address, n.b), E_CRYPTO);
        assert_int_equal(secp_sign(*state, &sig, &digest, zero.b), E_CRYPTO);
        assert_int_equal(secp_sign(*state, &sig, &digest, n.b), E_CRYPTO);
        n.b[31]--;
        assert_int_equal(secp_address(*state, &address, n.b), E_OK);
}

static void what_is_signed_recovers(void **state)
{
        const struct secp *secp = *state;
        struct hash32 half = hash_from(half_order);

        for (int i = 0; i < 200; i++) {
                struct hash32 key, digest;
                struct signature sig;
                struct addr address, signer;
                secret_random(&key, sizeof key);
                secret_random(&digest, sizeof digest);
                assert_int_equal(secp_address(secp, &address, key.b), E_OK);
                assert_int_equal(secp_sign(secp, &sig, &digest, key.b), E_OK);
                assert_true(memcmp(sig.s.b, half.b, 32) <= 0);
                assert_int_equal(secp_recover(secp, &signer, &digest, &sig), E_OK);
                assert_true(hex_addr_equal(&signer, &address));
                /* Another digest is another signer, or none. */
                digest.b[i % 32] ^= 1;
                if (!secp_recover(secp, &signer, &digest, &sig))
                        assert_false(hex_addr_equal(&signer, &address));
        }
}

static void twins_and_nonsense_are_refused(void **state)
{
        const struct secp *secp = *state;
        struct hash32 key = {{7}}, digest = {{9}}, zero = {{0}};
        struct signature good, sig;
        struct addr signer;

        assert_int_equal(secp_sign(secp, &good, &digest, key.b), E_OK);

        sig = good; /* the twin: same signer, other bytes */
        negate(&sig.s);
        sig.v = sig.v == 27 ? 28 : 27;
        assert_int_equal(secp_recover(secp, &signer, &digest, &sig), E_CRYPTO);

        sig = good;
        sig.s = hash_from(half_order);
        assert_int_equal(secp_recover(secp, &signer, &digest, &sig), E_OK);
        sig.s.b[31]++;
        assert_int_equal(secp_recover(secp, &signer, &digest, &sig), E_CRYPTO);
        sig.s = hash_from(order);
        assert_int_equal(secp_recover(secp, &signer, &digest, &sig), E_CRYPTO);
        sig.s = zero;
        assert_int_equal(secp_recover(secp, &signer, &digest, &sig), E_CRYPTO);

        sig = good;
        sig.r = zero;
        assert_int_equal(secp_recover(secp, &signer, &digest, &sig), E_CRYPTO);
        sig.r = hash_from(order);
        assert_int_equal(secp_recover(secp, &signer, &digest, &sig), E_CRYPTO);

        static const uint8_t bad_v[] = {0, 1, 2, 26, 29, 30, 255};
        for (size_t i = 0; i < COUNT(bad_v); i++) {
                sig = good;
                sig.v = bad_v[i];
                assert_int_equal(secp_recover(secp, &signer, &digest, &sig), E_CRYPTO);
        }
}

/* JSON-style halves may lack their leading zeros; the whole must still recover. */
static void unpadded_halves_recover(void **state)
{
        const struct secp *secp = *state;
        struct hash32 key = {{7}}, digest = {{0}};
        struct addr address, signer;
        struct signature sig;
        uint32_t counter = 0;
        char text[HASH_STR_MAX];

        assert_int_equal(secp_address(secp, &address, key.b), E_OK);
        do { /* about one in 128 */
                counter++;
                memcpy(digest.b, &counter, sizeof counter);
                assert_int_equal(secp_sign(secp, &sig, &digest, key.b), E_OK);
        } while (sig.r.b[0] != 0 && sig.s.b[0] != 0);
        struct hash32 *halves[] = {&sig.r, &sig.s};
        for (size_t i = 0; i < COUNT(halves); i++) {
                char *digits = hex_print_hash(text, halves[i]) + 2;
                while (*digits == '0')
                        digits++;
                digits[-1] = 'x'; /* "0x" again, before the first digit that counts */
                digits[-2] = '0';
                memset(halves[i], 0xee, sizeof *halves[i]);
                assert_int_equal(hex_parse_padded(halves[i], digits - 2, strlen(digits - 2)), E_OK);
        }
        assert_int_equal(secp_recover(secp, &signer, &digest, &sig), E_OK);
        assert_true(hex_addr_equal(&signer, &address));
}

static void wallet_signatures_parse_exactly(void **state)
{
        static const struct {
                const char *v;
                enum errc rc;
                int parsed;
        } cases[] = {{"00", E_OK, 27},    {"01", E_OK, 28},     {"1b", E_OK, 27},
                     {"1C", E_OK, 28},    {"02", E_SYNTAX, 0},  {"1a", E_SYNTAX, 0},
                     {"1d", E_SYNTAX, 0}, {"ff", E_SYNTAX, 0},  {"1", E_SYNTAX, 0},
                     {"", E_SYNTAX, 0},   {"1b0", E_SYNTAX, 0}, {"1b00", E_SYNTAX, 0},
                     {"1g", E_SYNTAX, 0}};
        struct signature sig;
        char text[160];

        (void)state;
        for (size_t i = 0; i < COUNT(cases); i++) {
                memset(text, 'a', sizeof text);
                text[0] = '0';
                text[1] = 'x';
                assert_int_equal(text_copy(text + 130, sizeof text - 130, cases[i].v), 1);
                assert_int_equal(secp_parse_signature(&sig, text, strlen(text)), cases[i].rc);
                if (!cases[i].rc)
                        assert_int_equal(sig.v, cases[i].parsed);
        }
        text[1] = 'X';
        assert_int_equal(text_copy(text + 130, sizeof text - 130, "1b"), 1);
        assert_int_equal(secp_parse_signature(&sig, text, strlen(text)), E_SYNTAX);
        assert_int_equal(secp_parse_signature(&sig, NULL, 0), E_SYNTAX);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(known_signature),
                cmocka_unit_test(the_key_one),
                cmocka_unit_test(not_every_number_is_a_key),
                cmocka_unit_test(what_is_signed_recovers),
                cmocka_unit_test(twins_and_nonsense_are_refused),
                cmocka_unit_test(unpadded_halves_recover),
                cmocka_unit_test(wallet_signatures_parse_exactly),
        };

        return cmocka_run_group_tests(tests, secp_setup, secp_teardown);
}
