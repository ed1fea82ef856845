#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "edge/ws_parser.h"

#define CAP 70000

struct seen {
        enum ws_parser_result result;
        char text[64]; /* of the message, or of the control frame */
        size_t len;
};

/* Feeds the bytes in pieces of step, and notes what came of them, up to max things or the first refusal. */
static size_t feed(struct seen *seen, size_t max, const char *bytes, size_t len, size_t step,
                   bool takes_packed)
{
        struct ws_parser parser;
        struct buf message;
        size_t n = 0;

        ws_parser_init(&parser, takes_packed);
        buf_init(&message, CAP);
        for (size_t at = 0; at < len && n < max; at += step) {
                size_t left = len - at < step ? len - at : step;
                uint8_t *copy = malloc(left); /* of its size, so that reading beyond shows */
                uint8_t *data = copy;
                enum ws_parser_result result;

                memcpy(copy, bytes + at, left);
                while (n < max && (result = ws_parser_next(&parser, &message, &data, &left)) !=
                                          WS_PARSER_MORE) {
                        bool is_message = result == WS_PARSER_MESSAGE;
                        const void *text =
                                is_message ? (const void *)buf_cstr(&message) : parser.control;

                        seen[n] = (struct seen){.result = result,
                                                .len = is_message ? message.len : parser.n_control};
                        memcpy(seen[n].text, text, seen[n].len < 64 ? seen[n].len : 64);
                        n++;
                        if (is_message)
                                buf_reset(&message);
                        if (result >= WS_PARSER_BROKEN) {
                                assert_non_null(parser.complaint);
                                max = n;
                        }
                }
                free(copy);
        }
        buf_fini(&message);
        return n;
}

#define FEED(seen, bytes, step) feed(seen, 8, bytes, sizeof(bytes) - 1, step, false)

static void test_messages_in_any_pieces(void **state)
{
        /* "abc" in two fragments with a ping between, an empty message, "hello" */
        static const char bytes[] = "\x01\x82\x01\x02\x03\x04`` \x89\x81\0\0\0\0p"
                                    "\x80\x81\x10\0\0\0s\x81\x80zzzz"
                                    "\x81\x85\0\0\0\0hello\x8a\x80\0\0\0\0\x88\x82\0\0\0\0\x03\xe8";
        char fixed[sizeof(bytes)];

        (void)state;
        memcpy(fixed, bytes, sizeof(bytes));
        fixed[6] = 'a' ^ 1; /* masked with 01 02 03 04 */
        fixed[7] = 'b' ^ 2;
        memmove(fixed + 8, fixed + 9,
                sizeof(bytes) - 9); /* the blank that keeps the literal apart */
        for (size_t step = 1; step < sizeof(bytes); step++) {
                struct seen seen[8];

                assert_int_equal(feed(seen, 8, fixed, sizeof(bytes) - 2, step, false), 6);
                assert_int_equal(seen[0].result, WS_PARSER_PING);
                assert_memory_equal(seen[0].text, "p", 1);
                assert_int_equal(seen[1].result, WS_PARSER_MESSAGE);
                assert_int_equal(seen[1].len, 3);
                assert_memory_equal(seen[1].text, "abc", 3);
                assert_int_equal(seen[2].result, WS_PARSER_MESSAGE);
                assert_int_equal(seen[2].len, 0);
                assert_int_equal(seen[3].result, WS_PARSER_MESSAGE);
                assert_memory_equal(seen[3].text, "hello", 5);
                assert_int_equal(seen[4].result, WS_PARSER_PONG);
                assert_int_equal(seen[5].result, WS_PARSER_CLOSE);
                assert_memory_equal(seen[5].text, "\x03\xe8", 2);
        }
}

static void test_lengths(void **state)
{
        static const size_t lens[] = {0, 1, 125, 126, 127, 65535, 65536, CAP};
        char *bytes = malloc(CAP + 14);

        (void)state;
        for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
                size_t len = lens[i], head = len < 126 ? 2 : len < 65536 ? 4 : 10;
                static const size_t steps[] = {1, 3, 4096, CAP + 14};

                memset(bytes, 0, CAP + 14);
                bytes[0] = (char)0x81;
                bytes[1] = (char)(0x80 | (head == 2 ? len : head == 4 ? 126 : 127));
                for (size_t k = 2; k < head; k++)
                        bytes[k] = (char)((uint64_t)len >> (8 * (head - 1 - k)));
                memcpy(bytes + head, "\x05\x06\x07\x08", 4);
                for (size_t k = 0; k < len; k++)
                        bytes[head + 4 + k] = (char)('z' ^ (5 + k % 4));
                for (size_t k = 0; k < 4; k++) {
                        struct seen seen[2] = {0};

                        assert_int_equal(feed(seen, 2, bytes, head + 4 + len, steps[k], false), 1);
                        assert_int_equal(seen[0].result, WS_PARSER_MESSAGE);
                        assert_int_equal(seen[0].len, len);
                        for (size_t j = 0; j < len && j < 64; j++)
                                assert_int_equal(seen[0].text[j], 'z');
                }
        }
        free(bytes);
}

static void refused(const char *bytes, size_t len, bool takes_packed, enum ws_parser_result why)
{
        for (size_t step = 1; step <= len; step++) {
                struct seen seen[8];
                size_t n = feed(seen, 8, bytes, len, step, takes_packed);

                assert_true(n >= 1);
                assert_int_equal(seen[n - 1].result, why);
        }
}

#define REFUSED(bytes, why) refused(bytes, sizeof(bytes) - 1, false, why)

static void test_refusals(void **state)
{
        (void)state;
        REFUSED("\x81\x01x", WS_PARSER_BROKEN);        /* not masked */
        REFUSED("\xc1\x80\0\0\0\0", WS_PARSER_BROKEN); /* reserved bits */
        REFUSED("\xa1\x80\0\0\0\0", WS_PARSER_BROKEN);
        REFUSED("\x91\x80\0\0\0\0", WS_PARSER_BROKEN);
        REFUSED("\x83\x80\0\0\0\0", WS_PARSER_BROKEN); /* opcodes */
        REFUSED("\x87\x80\0\0\0\0", WS_PARSER_BROKEN);
        REFUSED("\x8b\x80\0\0\0\0", WS_PARSER_BROKEN);
        REFUSED("\x8f\x80\0\0\0\0", WS_PARSER_BROKEN);
        REFUSED("\x80\x80\0\0\0\0", WS_PARSER_BROKEN);       /* continues nothing */
        REFUSED("\x09\x80\0\0\0\0", WS_PARSER_BROKEN);       /* a ping in pieces */
        REFUSED("\x89\xfe\0\x7e\0\0\0\0", WS_PARSER_BROKEN); /* of 126 bytes */
        REFUSED("\x81\xfe\0\x7d\0\0\0\0", WS_PARSER_BROKEN); /* 125 in the longer form */
        REFUSED("\x81\xff\0\0\0\0\0\0\xff\xff\0\0\0\0", WS_PARSER_BROKEN);
        REFUSED("\x81\xff\x80\0\0\0\0\0\0\0\0\0\0\0", WS_PARSER_BROKEN);
        REFUSED("\x01\x81\0\0\0\0a\x81\x81\0\0\0\0b", WS_PARSER_BROKEN); /* one inside another */
        REFUSED("\x82\x80\0\0\0\0", WS_PARSER_BINARY);
        REFUSED("\x02\x80\0\0\0\0", WS_PARSER_BINARY);
        REFUSED("\x81\xff\0\0\0\0\0\x01\x11\x71\0\0\0\0",
                WS_PARSER_TOO_BIG); /* 70,001: refused at once */
        REFUSED("\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0", WS_PARSER_TOO_BIG);
        REFUSED("\x01\x81\0\0\0\0a\x80\xff\0\0\0\0\0\x01\x11\x70\0\0\0\0",
                WS_PARSER_TOO_BIG); /* together */
}

static void test_compressed(void **state)
{
        struct seen seen[8];

        (void)state;
        assert_int_equal(feed(seen, 8, "\xc1\x81\0\0\0\0x", 7, 7, true), 1);
        assert_int_equal(seen[0].result, WS_PARSER_MESSAGE);
        assert_int_equal(feed(seen, 8, "\x41\x81\0\0\0\0x\x80\x80\0\0\0\0", 13, 13, true), 1);
        assert_int_equal(seen[0].result, WS_PARSER_MESSAGE);
        refused("\xc9\x80\0\0\0\0", 6, true, WS_PARSER_BROKEN); /* only messages are */
        refused("\x41\x81\0\0\0\0x\xc0\x80\0\0\0\0", 13, true, WS_PARSER_BROKEN); /* told once */
        refused("\xe1\x80\0\0\0\0", 6, true, WS_PARSER_BROKEN);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_messages_in_any_pieces),
                cmocka_unit_test(test_lengths),
                cmocka_unit_test(test_refusals),
                cmocka_unit_test(test_compressed),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
