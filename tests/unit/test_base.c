/* base: errors, buffers, hex, text, clocks, secrets and must(). */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/hex.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/secret.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

/* err */

static void every_error_has_a_wire_form(void **state)
{
        (void)state;
        for (int i = 1; i < E_COUNT_; i++) {
                enum errc code = (enum errc)i;
                assert_int_equal(strncmp(err_constant(code), "E_", 2), 0);
                assert_true(strlen(err_wire(code)) > 0);
                assert_true(strlen(err_text(code)) > 0);
                assert_in_range(err_http_status(code), 400, 504);
        }
        assert_string_equal(err_constant(E_OK), "E_OK");
        assert_string_equal(err_constant(E_TICK), "E_TICK");
        assert_string_equal(err_wire(E_TICK), "invalid_tick");
        assert_int_equal(err_http_status(E_TICK), 422);
        assert_int_equal(err_retryable(E_TICK), 0);
        assert_int_equal(err_retryable(E_RATE_LIMITED), 1);
}

static void the_first_cause_wins(void **state)
{
        struct err err = {0};

        (void)state;
        assert_int_equal(err_set(&err, E_TICK, "price %d", 5), E_TICK);
        assert_int_equal(err_set(&err, E_LOT, "size"), E_LOT);
        assert_int_equal(err.code, E_TICK);
        assert_string_equal(err.detail, "price 5");
        err_hint(&err, "try %d", 4);
        err_hint(&err, "try %d", 6);
        assert_string_equal(err.hint, "try 6");

        assert_int_equal(err_set(NULL, E_LOT, "nobody listens"), E_LOT);
        assert_int_equal(err_field(NULL, E_LOT, "size", "nobody listens"), E_LOT);
        err_hint(NULL, "nobody listens");
}

static void fields_add_up_to_a_bound(void **state)
{
        struct err err = {0};
        char path[200], text[400];

        (void)state;
        assert_int_equal(err_field(&err, E_INVALID, "size", "must be above %d", 0), E_INVALID);
        assert_string_equal(err.detail, "size: must be above 0");
        for (int i = 0; i < 20; i++) {
                snprintf(path, sizeof path, "orders[%d].price", i);
                err_field(&err, E_TICK, path, "must be a number");
        }
        assert_int_equal(err.code, E_INVALID);
        assert_int_equal(err.n_fields, ERR_FIELDS_MAX);
        assert_string_equal(err.field[0].path, "size");
        assert_string_equal(err.field[0].text, "must be above 0");
        assert_string_equal(err.field[7].path, "orders[6].price");

        /* Longer than any field: cut, terminated. */
        memset(path, 'p', sizeof path - 1);
        path[sizeof path - 1] = '\0';
        memset(text, 't', sizeof text - 1);
        text[sizeof text - 1] = '\0';
        err = (struct err){0};
        err_field(&err, E_INVALID, path, "%s", text);
        err_hint(&err, "%s", text);
        assert_int_equal(strlen(err.field[0].path), sizeof err.field[0].path - 1);
        assert_int_equal(strlen(err.field[0].text), sizeof err.field[0].text - 1);
        assert_int_equal(strlen(err.hint), sizeof err.hint - 1);
        assert_true(strlen(err.detail) < sizeof err.detail);
}

/* buf */

static void buffers_grow_to_their_bound(void **state)
{
        struct buf buf;

        (void)state;
        buf_init(&buf, 1000);
        assert_string_equal(buf_cstr(&buf), "");
        for (int i = 0; i < 1000; i++)
                buf_putc(&buf, (char)('a' + i % 26));
        assert_int_equal(buf_check(&buf), E_OK);
        assert_int_equal(buf.len, 1000);
        assert_int_equal(strlen(buf_cstr(&buf)), 1000);
        assert_int_equal(buf_cstr(&buf)[999], 'a' + 999 % 26);
        buf_putc(&buf, '!');
        assert_int_equal(buf_check(&buf), E_LIMIT);
        assert_int_equal(buf.len, 1000);
        buf_reset(&buf);
        assert_int_equal(buf_check(&buf), E_OK);
        assert_string_equal(buf_cstr(&buf), "");
        buf_fini(&buf);
        buf_fini(&buf);
        buf_fini(NULL);
}

static void nothing_follows_a_dropped_write(void **state)
{
        struct buf buf;

        (void)state;
        buf_init(&buf, 8);
        buf_puts(&buf, "abcd");
        buf_puts(&buf, "too long");
        buf_putc(&buf, 'e'); /* would fit, but not at this place */
        buf_printf(&buf, "%d", 5);
        buf_put_be32(&buf, 1);
        assert_string_equal(buf_cstr(&buf), "abcd");
        assert_int_equal(buf_check(&buf), E_LIMIT);
        buf_fini(&buf);

        struct buf zeroed = {0};
        buf_putc(&zeroed, 'x');
        assert_int_equal(buf_check(&zeroed), E_LIMIT);
        buf_fini(&zeroed);
}

static void buffers_hold_numbers_and_formats(void **state)
{
        static const uint8_t expected[] = {0xff, 0x12, 0x34, 0x12, 0x34, 0x56, 0x78, 0x01,
                                           0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef};
        struct buf buf;
        size_t len;

        (void)state;
        buf_init(&buf, 100);
        buf_put_u8(&buf, 0xff);
        buf_put_be16(&buf, 0x1234);
        buf_put_be32(&buf, 0x12345678);
        buf_put_be64(&buf, 0x0123456789abcdef);
        buf_put(&buf, NULL, 0);
        assert_int_equal(buf.len, sizeof expected);
        assert_memory_equal(buf.data, expected, sizeof expected);

        uint8_t *taken = buf_take(&buf, &len);
        assert_int_equal(len, sizeof expected);
        assert_memory_equal(taken, expected, sizeof expected);
        free(taken);
        assert_int_equal(buf.len, 0);
        assert_null(buf_take(&buf, NULL));

        buf_printf(&buf, "%s", ""); /* still usable, with the old bound */
        buf_printf(&buf, "%0*d", 100, 7);
        assert_int_equal(buf_check(&buf), E_OK);
        assert_int_equal(buf.len, 100);
        buf_reset(&buf);
        buf_printf(&buf, "%0*d", 101, 7);
        assert_int_equal(buf_check(&buf), E_LIMIT);
        assert_int_equal(buf.len, 0);
        buf_fini(&buf);
}

static void json_strings_are_escaped(void **state)
{
#define BAD "\xef\xbf\xbd"
        static const struct {
                const char *in;
                size_t len;
                const char *out;
        } cases[] = {
#define CASE(in, out) {in, sizeof in - 1, out}
                CASE("", "\"\""),
                CASE("plain /text", "\"plain /text\""),
                CASE("a\"b\\c", "\"a\\\"b\\\\c\""),
                CASE("\b\f\n\r\t", "\"\\b\\f\\n\\r\\t\""),
                CASE("\0\x01\x1f\x7f", "\"\\u0000\\u0001\\u001f\\u007f\""),
                CASE("\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80",
                     "\"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\""),
                CASE("\xf4\x8f\xbf\xbf", "\"\xf4\x8f\xbf\xbf\""),
                /* Stray and missing continuations, overlong forms, surrogates, too large. */
                CASE("\x80", "\"" BAD "\""),
                CASE("a\xc3", "\"a" BAD "\""),
                CASE("\xc3(", "\"" BAD "(\""),
                CASE("\xe2\x82", "\"" BAD BAD "\""),
                CASE("\xe2\x82\"", "\"" BAD BAD "\\\"\""),
                CASE("\xc0\xaf", "\"" BAD BAD "\""),
                CASE("\xe0\x80\xaf", "\"" BAD BAD BAD "\""),
                CASE("\xed\xa0\x80", "\"" BAD BAD BAD "\""),
                CASE("\xf4\x90\x80\x80", "\"" BAD BAD BAD BAD "\""),
                CASE("\xf5\xff", "\"" BAD BAD "\""),
#undef CASE
        };
        struct buf buf;

        (void)state;
        buf_init(&buf, 200);
        for (size_t i = 0; i < COUNT(cases); i++) {
                /* An exact copy, so that reading past the end is seen. */
                char *copy = xmalloc(cases[i].len);
                memcpy(copy, cases[i].in, cases[i].len);
                buf_reset(&buf);
                buf_put_json(&buf, copy, cases[i].len);
                assert_string_equal(buf_cstr(&buf), cases[i].out);
                free(copy);
        }
        buf_reset(&buf);
        buf_put_json(&buf, NULL, 0);
        assert_string_equal(buf_cstr(&buf), "\"\"");
        buf_fini(&buf);
#undef BAD
}

/* hex */

static void hex_is_exact(void **state)
{
        static const char *const bad[] = {
                "",
                "0x",
                "5e9ee1089755c3435139848e47e6635505d5a13a",     /* no prefix */
                "0X5e9ee1089755c3435139848e47e6635505d5a13a",   /* another prefix */
                "0x5e9ee1089755c3435139848e47e6635505d5a13",    /* short */
                "0x5e9ee1089755c3435139848e47e6635505d5a13a0",  /* long, odd */
                "0x5e9ee1089755c3435139848e47e6635505d5a13a00", /* long */
                "0x5e9ee1089755c3435139848e47e6635505d5a13g",
                "0x5e9ee1089755c343 139848e47e6635505d5a13a",
                "0x-e9ee1089755c3435139848e47e6635505d5a13a",
        };
        const char *text = "0x5E9ee1089755c3435139848e47e6635505d5a13a";
        char out[ADDR_STR_MAX];
        struct addr a, b;

        (void)state;
        assert_int_equal(hex_parse_addr(&a, text, strlen(text)), E_OK);
        assert_int_equal(a.b[0], 0x5e);
        assert_int_equal(a.b[19], 0x3a);
        assert_string_equal(hex_print_addr(out, &a), "0x5e9ee1089755c3435139848e47e6635505d5a13a");
        for (size_t i = 0; i < COUNT(bad); i++)
                assert_int_equal(hex_parse_addr(&b, bad[i], strlen(bad[i])), E_SYNTAX);
        b = a;
        assert_true(hex_addr_equal(&a, &b));
        b.b[19] ^= 1;
        assert_false(hex_addr_equal(&a, &b));
        assert_false(hex_addr_zero(&a));
        memset(&a, 0, sizeof a);
        assert_true(hex_addr_zero(&a));
}

static void hashes_may_come_unpadded(void **state)
{
        const char *full = "0x00ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff";
        char out[HASH_STR_MAX];
        struct hash32 h, padded;

        (void)state;
        assert_int_equal(hex_parse_hash(&h, full, strlen(full)), E_OK);
        assert_string_equal(hex_print_hash(out, &h), full);
        assert_int_equal(hex_parse_padded(&padded, full, strlen(full)), E_OK);
        assert_memory_equal(&h, &padded, sizeof h);
        char unpadded[HASH_STR_MAX] = "0x";
        memcpy(unpadded + 2, full + 4, strlen(full + 4));
        assert_int_equal(hex_parse_padded(&padded, unpadded, strlen(unpadded)), E_OK);
        assert_memory_equal(&h, &padded, sizeof h);
        assert_int_equal(hex_parse_hash(&h, unpadded, strlen(unpadded)), E_SYNTAX);
        assert_int_equal(hex_parse_padded(&padded, "0xF", 3), E_OK);
        assert_int_equal(padded.b[31], 15);
        assert_int_equal(padded.b[30], 0);
        assert_int_equal(hex_parse_padded(&padded, "0x", 2), E_SYNTAX);
        assert_int_equal(hex_parse_padded(&padded, "", 0), E_SYNTAX);
        assert_int_equal(hex_parse_padded(&padded, "0x1g", 4), E_SYNTAX);
        char longer[HASH_STR_MAX + 1];
        snprintf(longer, sizeof longer, "%s0", full);
        assert_int_equal(hex_parse_padded(&padded, longer, strlen(longer)), E_SYNTAX);
}

static void client_ids_travel_as_hex(void **state)
{
        const char *text = "0x1234567890abcdef1234567890abcdef";
        char out[CLOID_STR_MAX];
        struct cloid c, other;
        uint8_t bytes[2];

        (void)state;
        assert_int_equal(hex_parse_cloid(&c, text, strlen(text)), E_OK);
        assert_string_equal(hex_print_cloid(out, &c), text);
        other = c;
        assert_true(hex_cloid_equal(&c, &other));
        other.b[0] ^= 0x80;
        assert_false(hex_cloid_equal(&c, &other));
        assert_int_equal(hex_decode(bytes, 2, "00fF", 4), E_OK);
        assert_int_equal(bytes[1], 255);
        assert_int_equal(hex_decode(bytes, 2, "00f", 3), E_SYNTAX);
        assert_int_equal(hex_decode(bytes, 1, "0\xc0", 2), E_SYNTAX);
        assert_string_equal(hex_encode(out, NULL, 0), "");
}

/* mem, clock, secret */

static void text_is_cut_to_fit(void **state)
{
        char dst[4] = "xxx";
        char *copy = xstrndup("abcdef", 3);

        (void)state;
        assert_int_equal(text_copy(dst, sizeof dst, "abc"), 1);
        assert_string_equal(dst, "abc");
        assert_int_equal(text_copy(dst, sizeof dst, "abcd"), 0);
        assert_string_equal(dst, "abc");
        assert_int_equal(text_copy(dst, 1, ""), 1);
        assert_string_equal(dst, "");
        assert_int_equal(text_copy(dst, 1, "a"), 0);
        assert_string_equal(dst, "");
        assert_string_equal(copy, "abc");
        free(copy);
        copy = xstrndup("ab", 10);
        assert_string_equal(copy, "ab");
        free(copy);
}

static void a_manual_clock_moves_when_told(void **state)
{
        struct clock_manual manual;
        const struct clock *system = clock_system();

        (void)state;
        clock_manual_init(&manual, 1790000000000);
        int64_t mono_ms = clock_mono_ms(&manual.clock);
        assert_int_equal(clock_wall_ms(&manual.clock), 1790000000000);
        assert_int_not_equal(mono_ms, 0);
        clock_manual_advance(&manual, 1500);
        assert_int_equal(clock_wall_ms(&manual.clock), 1790000001500);
        assert_int_equal(clock_mono_ms(&manual.clock), mono_ms + 1500);
        manual.now_wall_ms -= 60000; /* somebody set the wall clock back */
        assert_int_equal(clock_wall_ms(&manual.clock), 1789999941500);
        assert_int_equal(clock_mono_ms(&manual.clock), mono_ms + 1500);
        assert_true(clock_wall_ms(system) > 1600000000000);
        assert_true(clock_mono_ms(system) <= clock_mono_ms(system));
}

static void secrets_start_zeroed_and_end_empty(void **state)
{
        static const uint8_t zero[32];
        struct secret secret;
        uint8_t a[32], b[32];

        (void)state;
        secret_init(&secret, 32);
        assert_int_equal(secret.len, 32);
        assert_true(secret_equal(secret.data, zero, 32));
        secret_random(secret.data, 32);
        assert_false(secret_equal(secret.data, zero, 32));
        secret_fini(&secret);
        assert_null(secret.data);
        assert_int_equal(secret.len, 0);
        secret_fini(&secret);
        secret_fini(NULL);

        secret_random(a, sizeof a);
        memcpy(b, a, sizeof b);
        assert_true(secret_equal(a, b, sizeof a));
        b[31] ^= 1;
        assert_false(secret_equal(a, b, sizeof a));
        secret_wipe(a, sizeof a);
        assert_memory_equal(a, zero, sizeof a);
        {
                SECRET_LOCAL local = {NULL, 0};
                secret_init(&local, 1);
        } /* the leak checker sees whether this was freed */
}

/* must */

static void run_failing_must(void)
{
        must(1 + 1 == 3);
}

static void run_null_in_map(void)
{
        struct map *map = map_new();

        map_put(map, "k", 1, NULL);
}

static void run_dumping(void)
{
        secret_process_init(); /* core dumps are off, so aborting leaves nothing behind */
        abort();
}

static void the_impossible_aborts(void **state)
{
        void (*const bodies[])(void) = {run_failing_must, run_null_in_map, run_dumping};

        (void)state;
        for (size_t i = 0; i < COUNT(bodies); i++) {
                int status;
                pid_t pid = fork();
                assert_true(pid >= 0);
                if (pid == 0) {
                        signal(SIGABRT, SIG_DFL);
                        close(STDERR_FILENO);
                        bodies[i]();
                        _exit(0);
                }
                assert_int_equal(waitpid(pid, &status, 0), pid);
                assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
                if (bodies[i] == run_dumping)
                        assert_false(WCOREDUMP(status));
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_error_has_a_wire_form),
                cmocka_unit_test(the_first_cause_wins),
                cmocka_unit_test(fields_add_up_to_a_bound),
                cmocka_unit_test(buffers_grow_to_their_bound),
                cmocka_unit_test(nothing_follows_a_dropped_write),
                cmocka_unit_test(buffers_hold_numbers_and_formats),
                cmocka_unit_test(json_strings_are_escaped),
                cmocka_unit_test(hex_is_exact),
                cmocka_unit_test(hashes_may_come_unpadded),
                cmocka_unit_test(client_ids_travel_as_hex),
                cmocka_unit_test(text_is_cut_to_fit),
                cmocka_unit_test(a_manual_clock_moves_when_told),
                cmocka_unit_test(secrets_start_zeroed_and_end_empty),
                cmocka_unit_test(the_impossible_aborts),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
