/* api_sign, ip_net, replay: what a signed request must say, from where it may come, and only once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "auth/api_sign.h"
#include "auth/ip_net.h"
#include "auth/replay.h"
#include "base/hex.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])
#define NOW      INT64_C(1700000000000)
#define KEY      "00112233445566778899aabbccddeeff"
#define MAC      "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static enum errc read_at(const char *timestamp, const char *window)
{
        const struct api_sign_headers h = {KEY, timestamp, MAC, window};
        struct api_sign sign;
        struct err err = {0};
        enum errc rc = api_sign_read(&sign, &h, NOW, &err);

        assert_true(!rc || err.detail[0]);
        return rc;
}

static void the_window_bounds_the_time_stamp(void **state)
{
        static const struct {
                int64_t off;
                const char *window;
                enum errc rc;
        } cases[] = {
                {0, "", E_OK},
                {5000, "", E_OK},
                {-5000, "", E_OK},
                {5001, "", E_UNAUTHORIZED},
                {-5001, "", E_UNAUTHORIZED},
                {60000, "60000", E_OK},
                {-60001, "60000", E_UNAUTHORIZED},
                {2, "1", E_UNAUTHORIZED},
                {1, "1", E_OK},
                {0, "60001", E_UNAUTHORIZED},
                {0, "0", E_UNAUTHORIZED},
                {0, "-1", E_UNAUTHORIZED},
                {0, "5s", E_UNAUTHORIZED},
        };
        static const char *const bad[] = {"",
                                          "-1",
                                          "1.7e12",
                                          "1700000000000.0",
                                          " 1700000000000",
                                          "01700000000000",
                                          "99999999999999999999",
                                          "now"};
        char text[32];

        (void)state;
        for (size_t i = 0; i < COUNT(cases); i++) {
                snprintf(text, sizeof text, "%lld", (long long)(NOW + cases[i].off));
                if (read_at(text, cases[i].window) != cases[i].rc)
                        fail_msg("off %lld, window %s", (long long)cases[i].off, cases[i].window);
        }
        for (size_t i = 0; i < COUNT(bad); i++)
                assert_int_equal(read_at(bad[i], "60000"), E_UNAUTHORIZED);
}

static void headers_are_hex_of_the_right_length(void **state)
{
        static const struct api_sign_headers bad[] = {
                {"0011", "1700000000000", MAC, ""},
                {KEY "00", "1700000000000", MAC, ""},
                {"zz112233445566778899aabbccddeeff", "1700000000000", MAC, ""},
                {KEY, "1700000000000", "", ""},
                {KEY, "1700000000000", MAC "00", ""},
                {KEY, "1700000000000", MAC MAC MAC, ""},
                {KEY, "1700000000000", "zz" MAC, ""},
        };
        const struct api_sign_headers good = {KEY, "1700000000000", MAC MAC, ""};
        struct api_sign sign;

        (void)state;
        for (size_t i = 0; i < COUNT(bad); i++)
                assert_int_equal(api_sign_read(&sign, &bad[i], NOW, NULL), E_UNAUTHORIZED);
        assert_int_equal(api_sign_read(&sign, &good, NOW, NULL), E_OK);
        assert_int_equal(sign.signature_len, 64);
        assert_int_equal(sign.key[15], 0xff);
}

static void the_text_has_everything_in_order(void **state)
{
        struct buf out;

        (void)state;
        buf_init(&out, 256);
        api_sign_text(&out, "17", "POST", "/v1/orders", "a=1&b=%3A", "{}", 2);
        assert_string_equal(buf_cstr(&out), "17POST/v1/orders?a=1&b=%3A{}");
        buf_reset(&out);
        api_sign_text(&out, "17", "GET", "/v1/orders", "", "", 0);
        assert_string_equal(buf_cstr(&out), "17GET/v1/orders");
        buf_fini(&out);
}

static void a_path_is_encoded_strictly(void **state)
{
        struct buf out;

        (void)state;
        buf_init(&out, 256);
        api_sign_strict_path(&out, "/v1/positions/xyz:GOLD/tpsl");
        assert_string_equal(buf_cstr(&out), "/v1/positions/xyz%3AGOLD/tpsl");
        buf_reset(&out);
        api_sign_strict_path(&out, "/-._~%?=\xc3\xa9");
        assert_string_equal(buf_cstr(&out), "/-._~%25%3F%3D%C3%A9");
        buf_fini(&out);
}

static void a_query_is_encoded_strictly(void **state)
{
        struct buf out;

        (void)state;
        buf_init(&out, 256);
        api_sign_strict(&out, "symbol=xyz:A&x=a=b&y&z=%20(1)-._~");
        assert_string_equal(buf_cstr(&out), "symbol=xyz%3AA&x=a%3Db&y&z=%20%281%29-._~");
        buf_reset(&out);
        api_sign_strict(&out, "");
        assert_string_equal(buf_cstr(&out), "");
        buf_fini(&out);
}

/* RFC 8032, 7.1, test 2. */
static void an_ed25519_signature_is_checked(void **state)
{
        static const char public_key[] =
                "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";
        static const char signature[] =
                "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
                "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00";
        struct api_sign sign = {.signature_len = 64};
        uint8_t key[32], mac[32] = {0};

        (void)state;
        assert_int_equal(api_sign_public_key(key, public_key), E_OK);
        assert_int_equal(hex_decode(sign.signature, 64, signature, 128), E_OK);
        assert_int_equal(api_sign_check_ed25519(&sign, key, "\x72", 1), E_OK);
        assert_int_equal(api_sign_check_ed25519(&sign, key, "\x73", 1), E_UNAUTHORIZED);
        assert_int_equal(api_sign_check_ed25519(&sign, key, "", 0), E_UNAUTHORIZED);
        for (size_t i = 0; i < 64; i++) {
                sign.signature[i] ^= 1;
                assert_int_equal(api_sign_check_ed25519(&sign, key, "\x72", 1), E_UNAUTHORIZED);
                sign.signature[i] ^= 1;
        }
        assert_int_equal(api_sign_check_mac(&sign, mac), E_UNAUTHORIZED); /* of the other kind */
        sign.signature_len = 32;
        assert_int_equal(api_sign_check_ed25519(&sign, key, "\x72", 1), E_UNAUTHORIZED);
        memset(sign.signature, 0, sizeof sign.signature);
        assert_int_equal(api_sign_check_mac(&sign, mac), E_OK);
        mac[31] = 1;
        assert_int_equal(api_sign_check_mac(&sign, mac), E_UNAUTHORIZED);
}

static void weak_public_keys_are_refused(void **state)
{
        static const char *const bad[] = {
                "",
                "3d4017c3",
                /* the neutral element, points of small order, no point at all */
                "0100000000000000000000000000000000000000000000000000000000000000",
                "0000000000000000000000000000000000000000000000000000000000000000",
                "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                "0200000000000000000000000000000000000000000000000000000000000000",
        };
        uint8_t key[32];

        (void)state;
        for (size_t i = 0; i < COUNT(bad); i++)
                assert_int_equal(api_sign_public_key(key, bad[i]), E_SYNTAX);
        assert_int_equal(api_sign_public_key(key, "0x3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec496"
                                                  "8cc0cd55f12af4660c"),
                         E_OK);
}

/* --- networks --- */

static void networks_hold_their_addresses(void **state)
{
        static const struct {
                const char *net, *address;
                bool inside;
        } cases[] = {
                {"192.0.2.7", "192.0.2.7", true},
                {"192.0.2.7", "192.0.2.8", false},
                {"192.0.2.0/24", "192.0.2.255", true},
                {"192.0.2.0/24", "192.0.3.0", false},
                {"192.0.2.128/25", "192.0.2.127", false},
                {"0.0.0.0/0", "203.0.113.9", true},
                {"0.0.0.0/0", "2001:db8::1", false},
                {"2001:db8::/32", "2001:db8:ffff::1", true},
                {"2001:db8::/32", "2001:db9::1", false},
                {"2001:db8::/33", "2001:db8:8000::", false},
                {"::1", "::1", true},
                {"192.0.2.7", "::ffff:192.0.2.7", true},
                {"::ffff:192.0.2.7", "192.0.2.7", true},
                {"::/0", "192.0.2.7", true},
                {"192.0.2.7", "", false},
                {"192.0.2.7", "example", false},
        };
        struct ip_net net;

        (void)state;
        for (size_t i = 0; i < COUNT(cases); i++) {
                assert_int_equal(ip_net_parse(&net, cases[i].net), E_OK);
                if (ip_net_has(&net, cases[i].address) != cases[i].inside)
                        fail_msg("%s in %s", cases[i].address, cases[i].net);
        }
}

static void networks_are_written_one_way(void **state)
{
        static const char *const bad[] = {
                "",           "192.0.2",    "192.0.2.256", "192.0.2.0/33", "192.0.2.0/",
                "1.2.3.4/-1", "1.2.3.4/01", "1.2.3.4/ 8",  "1.2.3.4/8.",   "1.2.3.4/8.0",
                "01.2.3.4",   "::/129",     "::1/x",       "host",         "1.2.3.4/24/8"};
        char text[IP_NET_STR_MAX];
        struct ip_net net;

        (void)state;
        for (size_t i = 0; i < COUNT(bad); i++)
                if (ip_net_parse(&net, bad[i]) != E_SYNTAX)
                        fail_msg("%s was taken", bad[i]);
        assert_int_equal(ip_net_parse(&net, "10.1.2.3/8"), E_INVALID);
        assert_string_equal(ip_net_print(text, &net), "10.0.0.0/8");
        assert_int_equal(ip_net_parse(&net, "2001:DB8:0::/48"), E_OK);
        assert_string_equal(ip_net_print(text, &net), "2001:db8::/48");
        assert_int_equal(ip_net_parse(&net, "192.0.2.7/32"), E_OK);
        assert_string_equal(ip_net_print(text, &net), "192.0.2.7");
}

/* --- once --- */

static void a_request_is_taken_once_while_it_could_be_repeated(void **state)
{
        struct replay *r = replay_new(4, 3, 100);
        const uint8_t a[16] = {1}, b[16] = {2};
        uint8_t digest[32] = {0};

        (void)state;
        assert_int_equal(replay_take(r, a, digest, 0), E_OK);
        assert_int_equal(replay_take(r, a, digest, 99), E_EXISTS);
        assert_int_equal(replay_take(r, b, digest, 99), E_OK);  /* another key's */
        assert_int_equal(replay_take(r, a, digest, 100), E_OK); /* out of the window by now */
        digest[0] = 1;
        assert_int_equal(replay_take(r, a, digest, 100), E_OK);
        digest[0] = 2;
        assert_int_equal(replay_take(r, a, digest, 100), E_OK);
        digest[0] = 3;
        assert_int_equal(replay_take(r, a, digest, 100), E_LIMIT); /* of the key */
        digest[0] = 4;
        assert_int_equal(replay_take(r, b, digest, 100), E_LIMIT); /* of all */
        assert_int_equal(replay_take(r, b, digest, 199), E_OK);
        digest[0] = 2;
        assert_int_equal(replay_take(r, a, digest, 199), E_EXISTS);
        replay_free(r);
        replay_free(NULL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_window_bounds_the_time_stamp),
                cmocka_unit_test(headers_are_hex_of_the_right_length),
                cmocka_unit_test(the_text_has_everything_in_order),
                cmocka_unit_test(a_path_is_encoded_strictly),
                cmocka_unit_test(a_query_is_encoded_strictly),
                cmocka_unit_test(an_ed25519_signature_is_checked),
                cmocka_unit_test(weak_public_keys_are_refused),
                cmocka_unit_test(networks_hold_their_addresses),
                cmocka_unit_test(networks_are_written_one_way),
                cmocka_unit_test(a_request_is_taken_once_while_it_could_be_repeated),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
