#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "edge/ws_deflate.h"

static void test_offers(void **state)
{
        static const char *const taken[] = {
                "permessage-deflate",
                "Permessage-Deflate",
                "permessage-deflate; client_max_window_bits",
                "permessage-deflate; client_max_window_bits=10",
                "permessage-deflate;client_max_window_bits=\"15\" ; server_no_context_takeover",
                "permessage-deflate; server_max_window_bits=15; client_no_context_takeover",
                "x-webkit-deflate-frame, permessage-deflate",
                "permessage-deflate; server_max_window_bits=10, permessage-deflate",
        };
        static const char *const passed_over[] = {
                "",
                ",",
                ";",
                "deflate",
                "permessage-deflatex",
                "permessage-deflate; server_max_window_bits",
                "permessage-deflate; server_max_window_bits=10", /* would need a window of its own */
                "permessage-deflate; server_max_window_bits=16",
                "permessage-deflate; client_max_window_bits=7",
                "permessage-deflate; client_max_window_bits=",
                "permessage-deflate; client_max_window_bits=010",
                "permessage-deflate; client_max_window_bits=\"",
                "permessage-deflate; client_no_context_takeover=1",
                "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
                "permessage-deflate; unknown",
                "permessage-deflate; =",
        };

        (void)state;
        for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
                if (!ws_deflate_is_offered(taken[i]))
                        fail_msg("%s was not taken", taken[i]);
        for (size_t i = 0; i < sizeof(passed_over) / sizeof(passed_over[0]); i++)
                if (ws_deflate_is_offered(passed_over[i]))
                        fail_msg("%s was taken", passed_over[i]);
}

static void test_there_and_back(void **state)
{
        static const size_t lens[] = {16, 300, 1024, 16383, 16384, 16385, 100000};
        struct ws_deflate *d = ws_deflate_new();

        (void)state;
        for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
                char *text = malloc(lens[i]);
                struct buf packed, back;

                for (size_t k = 0; k < lens[i]; k++)
                        text[k] = (char)('a' + (k * k / 7) % 5 * (k % 3));
                buf_init(&packed, 2 * lens[i]);
                buf_init(&back, lens[i]);
                buf_puts(&packed, "before");
                if (i == 0) { /* hardly anything to find */
                        (void)ws_deflate_pack(d, &packed, text, lens[i]);
                        packed.len = 6;
                }
                memset(text, 'a', lens[i] / 2);
                assert_true(ws_deflate_pack(d, &packed, text, lens[i]) || i == 0);
                assert_memory_equal(packed.data, "before", 6);
                assert_true(packed.len - 6 < lens[i]);
                if (packed.len > 6) {
                        assert_int_equal(
                                ws_deflate_unpack(d, &back, packed.data + 6, packed.len - 6), E_OK);
                        assert_int_equal(back.len, lens[i]);
                        assert_memory_equal(back.data, text, lens[i]);
                }
                buf_fini(&packed);
                buf_fini(&back);
                free(text);
        }
        ws_deflate_free(d);
}

static void test_noise_stays_as_it_is(void **state)
{
        struct ws_deflate *d = ws_deflate_new();
        uint8_t noise[4096];
        struct buf packed;
        uint32_t x = 1;

        (void)state;
        for (size_t i = 0; i < sizeof(noise); i++)
                noise[i] = (uint8_t)((x = x * 1664525 + 1013904223) >> 24);
        buf_init(&packed, sizeof(noise));
        assert_false(ws_deflate_pack(d, &packed, noise, sizeof(noise)));
        assert_int_equal(packed.len, 0);
        assert_int_equal(buf_check(&packed), E_OK);
        buf_fini(&packed);
        ws_deflate_free(d);
}

static void test_vectors(void **state)
{
        /* "Hello", from RFC 7692, section 7.2.3: a fixed block; stored; with the last block marked; in two */
        static const struct {
                const char *bytes;
                size_t len;
        } hello[] = {
                {"\xf2\x48\xcd\xc9\xc9\x07\x00", 7},
                {"\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00", 11},
                {"\xf3\x48\xcd\xc9\xc9\x07\x00\x00", 8},
                {"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00", 13},
        };
        struct ws_deflate *d = ws_deflate_new();
        struct buf out;

        (void)state;
        buf_init(&out, 100);
        for (size_t i = 0; i < sizeof(hello) / sizeof(hello[0]); i++) {
                buf_reset(&out);
                assert_int_equal(ws_deflate_unpack(d, &out, hello[i].bytes, hello[i].len), E_OK);
                assert_int_equal(out.len, 5);
                assert_memory_equal(out.data, "Hello", 5);
        }
        buf_reset(&out);
        assert_int_equal(ws_deflate_unpack(d, &out, "\x00", 1), E_OK); /* an empty message */
        assert_int_equal(out.len, 0);
        assert_int_equal(ws_deflate_unpack(d, &out, "\xff\xff\xff\xff", 4), E_SYNTAX);
        buf_reset(&out); /* a block of a message before that is not kept */
        assert_int_equal(ws_deflate_unpack(d, &out, "\xf2\x00\x11\x00\x00", 5), E_SYNTAX);
        for (size_t len = 1; len < 7; len++) { /* cut short anywhere */
                buf_reset(&out);
                assert_int_equal(ws_deflate_unpack(d, &out, "\xf2\x48\xcd\xc9\xc9\x07\x00", len),
                                 E_SYNTAX);
                buf_reset(&out);
                assert_int_equal(ws_deflate_unpack(d, &out, "\xf3\x48\xcd\xc9\xc9\x07\x00", len),
                                 E_SYNTAX);
        }
        buf_fini(&out);
        ws_deflate_free(d);
}

/* A thousand zeros for each byte that is sent: no more is made of it than may be. */
static void test_bombs(void **state)
{
        enum { BOMB = 10000000, MAY = 65536 };
        struct ws_deflate *d = ws_deflate_new();
        char *zeros = calloc(1, BOMB);
        struct buf packed, out;

        (void)state;
        buf_init(&packed, BOMB);
        buf_init(&out, MAY);
        assert_true(ws_deflate_pack(d, &packed, zeros, BOMB));
        assert_true(packed.len < BOMB / 500);
        assert_int_equal(ws_deflate_unpack(d, &out, packed.data, packed.len), E_TOO_LARGE);
        assert_true(out.cap <= 2 * MAY);
        buf_reset(&packed);
        buf_reset(&out);
        assert_true(ws_deflate_pack(d, &packed, zeros, MAY)); /* just fits */
        assert_int_equal(ws_deflate_unpack(d, &out, packed.data, packed.len), E_OK);
        assert_int_equal(out.len, MAY);
        buf_reset(&packed);
        buf_reset(&out);
        assert_true(ws_deflate_pack(d, &packed, zeros, MAY + 1));
        assert_int_equal(ws_deflate_unpack(d, &out, packed.data, packed.len), E_TOO_LARGE);
        free(zeros);
        buf_fini(&packed);
        buf_fini(&out);
        ws_deflate_free(d);
        ws_deflate_free(NULL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_offers),
                cmocka_unit_test(test_there_and_back),
                cmocka_unit_test(test_noise_stays_as_it_is),
                cmocka_unit_test(test_vectors),
                cmocka_unit_test(test_bombs),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
