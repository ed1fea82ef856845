/* metrics: the text that a scraper reads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "ops/metrics.h"

#define TAIL(n)                                                                                    \
        "# HELP perpgate_metrics_dropped_total Samples dropped: too many series, or labels not "   \
        "well formed.\n# TYPE perpgate_metrics_dropped_total counter\n"                            \
        "perpgate_metrics_dropped_total " n "\n"

static void expect_print(const struct metrics *m, const char *expected)
{
        struct buf out;

        buf_init(&out, 1 << 20);
        metrics_print(m, &out);
        assert_int_equal(buf_check(&out), 0);
        assert_string_equal(buf_cstr(&out), expected);
        buf_fini(&out);
}

static void empty(void **state)
{
        (void)state;
        struct metrics *m = metrics_new();
        expect_print(m, TAIL("0"));
        metrics_free(m);
        metrics_free(NULL);
}

static void counters_and_gauges(void **state)
{
        (void)state;
        struct metrics *m = metrics_new();

        metrics_add(m, "perpgate_requests_total", "route=\"/v1/orders\",code=\"200\"", 2,
                    "Requests.");
        metrics_set(m, "perpgate_open", "", 7, "Open.");
        metrics_add(m, "perpgate_requests_total", "route=\"/\",code=\"404\"", 1, "ignored");
        metrics_add(m, "perpgate_requests_total", "route=\"/v1/orders\",code=\"200\"", 3, NULL);
        metrics_set(m, "perpgate_open", "", -1, NULL);
        expect_print(m, "# HELP perpgate_requests_total Requests.\n"
                        "# TYPE perpgate_requests_total counter\n"
                        "perpgate_requests_total{route=\"/v1/orders\",code=\"200\"} 5\n"
                        "perpgate_requests_total{route=\"/\",code=\"404\"} 1\n"
                        "# HELP perpgate_open Open.\n"
                        "# TYPE perpgate_open gauge\n"
                        "perpgate_open -1\n" TAIL("0"));
        metrics_free(m);
}

static void histogram_is_cumulative(void **state)
{
        static const int64_t samples[] = {-5, 0, 1, 2, 3, 5, 10000, 10001};
        (void)state;
        struct metrics *m = metrics_new();

        for (size_t i = 0; i < sizeof samples / sizeof *samples; i++)
                metrics_observe_ms(m, "perpgate_wait_ms", "q=\"a\"", samples[i], "Wait.");
        expect_print(m, "# HELP perpgate_wait_ms Wait.\n"
                        "# TYPE perpgate_wait_ms histogram\n"
                        "perpgate_wait_ms_bucket{q=\"a\",le=\"1\"} 3\n"
                        "perpgate_wait_ms_bucket{q=\"a\",le=\"2\"} 4\n"
                        "perpgate_wait_ms_bucket{q=\"a\",le=\"5\"} 6\n"
                        "perpgate_wait_ms_bucket{q=\"a\",le=\"10\"} 6\n"
                        "perpgate_wait_ms_bucket{q=\"a\",le=\"25\"} 6\n"
                        "perpgate_wait_ms_bucket{q=\"a\",le=\"50\"} 6\n"
                        "perpgate_wait_ms_bucket{q=\"a\",le=\"100\"} 6\n"
                        "perpgate_wait_ms_bucket{q=\"a\",le=\"250\"} 6\n"
                        "perpgate_wait_ms_bucket{q=\"a\",le=\"500\"} 6\n"
                        "perpgate_wait_ms_bucket{q=\"a\",le=\"1000\"} 6\n"
                        "perpgate_wait_ms_bucket{q=\"a\",le=\"2500\"} 6\n"
                        "perpgate_wait_ms_bucket{q=\"a\",le=\"5000\"} 6\n"
                        "perpgate_wait_ms_bucket{q=\"a\",le=\"10000\"} 7\n"
                        "perpgate_wait_ms_bucket{q=\"a\",le=\"+Inf\"} 8\n"
                        "perpgate_wait_ms_sum{q=\"a\"} 20012\n"
                        "perpgate_wait_ms_count{q=\"a\"} 8\n" TAIL("0"));
        metrics_free(m);
}

static void histogram_without_labels(void **state)
{
        struct buf out;
        (void)state;
        struct metrics *m = metrics_new();

        buf_init(&out, 1 << 16);
        metrics_observe_ms(m, "perpgate_wait_ms", "", 1, "Wait.");
        metrics_print(m, &out);
        assert_non_null(strstr(buf_cstr(&out), "perpgate_wait_ms_bucket{le=\"1\"} 1\n"));
        assert_non_null(strstr(buf_cstr(&out), "perpgate_wait_ms_sum 1\n"));
        buf_fini(&out);
        metrics_free(m);
}

static void labels_that_would_forge_are_dropped(void **state)
{
        static const char *const bad[] = {
                "a",
                "a=",
                "a=b",
                "a=\"b",
                "a=\"b\"c",
                "a=\"b\",",
                ",a=\"b\"",
                "A=\"b\"",
                "a=\"b\nx 1\"",
                "a=\"b\\\"",
                "a=\"\\x\"",
                "a=\"b\" ",
                "le=\"1\"",
                "a=\"b\",le=\"1\"",
                "=\"b\"",
                "a=\"b\\",
        };
        char expected[600];
        (void)state;
        struct metrics *m = metrics_new();

        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
                metrics_add(m, "perpgate_x_total", bad[i], 1, "X.");
        snprintf(expected, sizeof expected, TAIL("%zu"), sizeof bad / sizeof *bad);
        expect_print(m, expected);
        metrics_free(m);
}

static void escaping(void **state)
{
        char out[64], labels[80];
        (void)state;

        assert_string_equal(metrics_escape(out, sizeof out, "a\\b\"c\nd\te"), "a\\\\b\\\"c\\nd?e");
        assert_string_equal(metrics_escape(out, 4, "abcdef"), "abc");
        assert_string_equal(metrics_escape(out, 4, "ab\"c"), "ab");
        assert_string_equal(metrics_escape(out, 1, "x"), "");
        assert_string_equal(metrics_escape(out, 5, "abc\xc3\xa9"), "abc");
        assert_string_equal(metrics_escape(out, 6, "abc\xc3\xa9"), "abc\xc3\xa9");
        assert_string_equal(metrics_escape(out, 6,
                                           "ab\xe2\x82\xac"
                                           "c"),
                            "ab\xe2\x82\xac");
        assert_string_equal(metrics_escape(out, 5,
                                           "ab\xe2\x82\xac"
                                           "c"),
                            "ab");
        /* What comes out is always taken. */
        struct metrics *m = metrics_new();
        snprintf(labels, sizeof labels, "v=\"%s\"", metrics_escape(out, 16, "\"}\nx 1\n\\"));
        metrics_add(m, "perpgate_x_total", labels, 1, "a\\b\nc");
        expect_print(m, "# HELP perpgate_x_total a\\\\b\\nc\n# TYPE perpgate_x_total counter\n"
                        "perpgate_x_total{v=\"\\\"}\\nx 1\\n\\\\\"} 1\n" TAIL("0"));
        metrics_free(m);
}

static void bounded(void **state)
{
        char labels[64];
        struct buf out;
        (void)state;
        struct metrics *m = metrics_new();

        for (int i = 0; i < 2010; i++) {
                snprintf(labels, sizeof labels, "n=\"%d\"", i);
                metrics_add(m, "perpgate_x_total", labels, 1, "X.");
        }
        metrics_add(m, "perpgate_x_total", "n=\"0\"", 1, "X.");
        buf_init(&out, 1 << 20);
        metrics_print(m, &out);
        assert_non_null(strstr(buf_cstr(&out), "perpgate_metrics_dropped_total 10\n"));
        assert_non_null(strstr(buf_cstr(&out), "perpgate_x_total{n=\"1999\"} 1\n"));
        assert_null(strstr(buf_cstr(&out), "n=\"2000\""));
        assert_non_null(strstr(buf_cstr(&out), "perpgate_x_total{n=\"0\"} 2\n"));
        buf_fini(&out);
        metrics_free(m);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(empty),
                cmocka_unit_test(counters_and_gauges),
                cmocka_unit_test(histogram_is_cumulative),
                cmocka_unit_test(histogram_without_labels),
                cmocka_unit_test(labels_that_would_forge_are_dropped),
                cmocka_unit_test(escaping),
                cmocka_unit_test(bounded),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
