/* history: pages of the past: order, duplicates, cursors, the walk back through time, CSV. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "api/csv.h"
#include "api/history_page.h"
#include "api/history_walk.h"
#include "base/mem.h"

static struct history_row fill(int64_t at, uint64_t tid, const char *symbol)
{
        struct history_row row = {.u.fill = {.at = at, .tid = tid, .oid = 9}};

        text_copy(row.u.fill.symbol, sizeof row.u.fill.symbol, symbol);
        history_page_place(&row, HISTORY_FILLS);
        return row;
}

static void rows_are_newest_first_and_there_once(void **state)
{
        struct history_row rows[] = {fill(5, 2, "BTC"), fill(7, 1, "BTC"), fill(5, 2, "ETH"),
                                     fill(5, 2, "BTC"), fill(5, 3, "BTC"), fill(7, 1, "BTC")};
        size_t n = history_page_tidy(rows, 6);

        (void)state;
        assert_int_equal(n, 4);
        assert_int_equal(rows[0].u.fill.at, 7);
        assert_int_equal(rows[1].u.fill.tid, 3);
        assert_string_equal(rows[2].u.fill.symbol, "ETH");
        assert_string_equal(rows[3].u.fill.symbol, "BTC");
        assert_int_equal(history_page_tidy(NULL, 0), 0);
}

static void rows_of_one_millisecond_with_zero_hashes_stay_apart(void **state)
{
        struct history_row rows[] = {{.u.payment = {.at = 1, .symbol = "A"}},
                                     {.u.payment = {.at = 1, .symbol = "B"}},
                                     {.u.payment = {.at = 1, .symbol = "A"}}};

        (void)state;
        for (int i = 0; i < 3; i++)
                history_page_place(&rows[i], HISTORY_FUNDING);
        assert_int_equal(history_page_tidy(rows, 3), 2);
}

static void a_cursor_comes_back_as_it_was(void **state)
{
        struct history_row row = fill(1700000000123, 18446744073709551615u, "kPEPE");
        struct history_place place;
        char cursor[HISTORY_CURSOR_MAX];

        (void)state;
        history_page_print_cursor(cursor, HISTORY_FILLS, &row.place);
        assert_int_equal(history_page_parse_cursor(&place, HISTORY_FILLS, cursor), E_OK);
        assert_int_equal(history_page_compare(&place, &row.place), 0);
        /* of another list */
        assert_int_equal(history_page_parse_cursor(&place, HISTORY_FUNDING, cursor), E_INVALID);
        /* every change of one character is refused or names another place */
        for (size_t i = 0; cursor[i]; i++) {
                char was = cursor[i];
                cursor[i] = was == '!' ? 'A' : '!';
                assert_int_equal(history_page_parse_cursor(&place, HISTORY_FILLS, cursor),
                                 E_INVALID);
                cursor[i] = was;
        }
}

static void bad_cursors_are_refused(void **state)
{
        static const char *const bad[] = {
                "",        "Zg",      "Zmk",     "Zmk6",
                "Zmk1",    "ZmkxOgA", "ZmktMTo", "Zmk5OTk5OTk5OTk5OTk5OTk5OTo",
                "Zmk1OgEB"};
        struct history_place place;
        char ok[HISTORY_CURSOR_MAX];

        (void)state;
        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
                if (history_page_parse_cursor(&place, HISTORY_FILLS, bad[i]) != E_INVALID)
                        fail_msg("%s was taken", bad[i]);
        history_page_print_cursor(ok, HISTORY_FILLS, &(struct history_place){.at = 5});
        assert_int_equal(history_page_parse_cursor(&place, HISTORY_FILLS, ok), E_OK);
        assert_string_equal(place.id, "");
}

/* --- the walk against a venue that answers at most `cap` rows --- */

enum habit { NEWEST_FIRST, OLDEST_FIRST };

static int64_t *times;
static size_t n_times;

/* Counts rows of [from, to) and tells which part of them the venue would answer. */
static struct venue_span ask_venue(int64_t from, int64_t to, size_t cap, enum habit habit)
{
        struct venue_span span = {.part = VENUE_WHOLE};
        size_t lo = 0, hi = n_times;

        while (lo < n_times && times[lo] < from)
                lo++;
        while (hi > lo && times[hi - 1] >= to)
                hi--;
        if (hi - lo >= cap && habit == OLDEST_FIRST)
                hi = lo + cap;
        else if (hi - lo >= cap)
                lo = hi - cap;
        if (hi - lo >= cap)
                span.part = habit == OLDEST_FIRST ? VENUE_NEWER_MISSING : VENUE_OLDER_MISSING;
        if (hi > lo) {
                span.oldest_at = times[lo];
                span.newest_at = times[hi - 1];
        }
        return span;
}

static int by_value(const void *a, const void *b)
{
        int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

        return (x > y) - (x < y);
}

/* What lies above the floor is known: so every row must be inside a stretch that was taken. */
static void walk_to_the_start(size_t cap, enum habit habit)
{
        struct history_walk walk;
        size_t seen = 0, reads = 0;

        history_walk_begin(&walk, 0, 2000000);
        while (!history_walk_is_done(&walk)) {
                int64_t from = walk.from, above = walk.floor;
                struct venue_span span = ask_venue(from, above, cap, habit);

                assert_true(from >= walk.start && from < above);
                assert_true(reads++ < 4 * n_times + 100);
                if (!history_walk_take(&walk, &span)) {
                        assert_int_equal(walk.floor, above);
                        assert_true(walk.from > from); /* shorter each time */
                        continue;
                }
                assert_true(walk.floor < above);
                for (size_t i = 0; i < n_times; i++)
                        if (times[i] >= walk.floor && times[i] < above)
                                seen += times[i] >=
                                        (span.part == VENUE_WHOLE ? from : span.oldest_at);
        }
        assert_int_equal(seen, n_times);
}

static void the_walk_misses_nothing(void **state)
{
        unsigned seed = (unsigned)time(NULL);

        (void)state;
        print_message("seed %u\n", seed);
        srand(seed);
        for (int round = 0; round < 60; round++) {
                n_times = (size_t)(rand() % 300);
                times = xcalloc(n_times + 1, sizeof *times);
                for (size_t i = 0; i < n_times; i++)
                        times[i] = round % 2 ? rand() % 2000000
                                             : 1900000 + rand() % 1000 * (1 + rand() % 90);
                qsort(times, n_times, sizeof *times, by_value);
                /* Distinct times, so that a millisecond never holds more than the venue answers. */
                for (size_t i = 1; i < n_times; i++)
                        if (times[i] <= times[i - 1])
                                times[i] = times[i - 1] + 1;
                while (n_times && times[n_times - 1] >= 2000000)
                        n_times--;
                walk_to_the_start(10, NEWEST_FIRST);
                walk_to_the_start(10, OLDEST_FIRST);
                free(times);
        }
}

static void the_walk_ends_where_a_millisecond_is_too_full(void **state)
{
        int64_t same[50];

        (void)state;
        for (size_t i = 0; i < 50; i++)
                same[i] = 1000;
        for (int habit = NEWEST_FIRST; habit <= OLDEST_FIRST; habit++) {
                struct history_walk walk;
                unsigned reads = 0;

                times = same;
                n_times = 50;
                history_walk_begin(&walk, 0, 2000);
                while (!history_walk_is_done(&walk)) {
                        struct venue_span span =
                                ask_venue(walk.from, walk.floor, 10, (enum habit)habit);
                        (void)history_walk_take(&walk, &span);
                        assert_true(reads++ < 200);
                }
        }
}

/* --- CSV --- */

static void expect_csv(const char *value, const char *expected)
{
        struct buf out;

        buf_init(&out, 4096);
        csv_text(&out, value);
        assert_string_equal(buf_cstr(&out), expected);
        buf_fini(&out);
}

static void csv_is_data_and_never_a_formula(void **state)
{
        (void)state;
        expect_csv("BTC", "BTC");
        expect_csv("", "\"\"");
        expect_csv(NULL, "\"\"");
        expect_csv("a,b", "\"a,b\"");
        expect_csv("say \"x\"", "\"say \"\"x\"\"\"");
        expect_csv("two\r\nlines", "\"two\r\nlines\"");
        expect_csv("=1+1", "\"'=1+1\"");
        expect_csv("+1", "\"'+1\"");
        expect_csv("-1", "\"'-1\"");
        expect_csv("@SUM(A1)", "\"'@SUM(A1)\"");
        expect_csv("\t=1", "\"'\t=1\"");
        expect_csv("\r=1", "\"'\r=1\"");
        expect_csv("Long > Short", "Long > Short");
}

static void csv_numbers_stay_numbers(void **state)
{
        struct buf out;

        (void)state;
        buf_init(&out, 4096);
        csv_number(&out, "-1.5");
        csv_int(&out, -7);
        csv_number(&out, "");
        csv_number(&out, "=1");
        csv_end(&out);
        csv_text(&out, "");
        csv_text(&out, "x");
        csv_end(&out);
        assert_string_equal(buf_cstr(&out), "-1.5,-7,\"\",\"'=1\"\r\n\"\",x\r\n");
        buf_fini(&out);
}

static void csv_is_answered_where_it_is_asked_for(void **state)
{
        (void)state;
        assert_true(csv_wanted("text/csv"));
        assert_true(csv_wanted("Text/CSV; charset=utf-8"));
        assert_true(csv_wanted("text/html, text/csv;q=0.5, */*"));
        assert_false(csv_wanted(""));
        assert_false(csv_wanted("*/*"));
        assert_false(csv_wanted("text/csvx"));
        assert_false(csv_wanted("text/csv;q=0"));
        assert_false(csv_wanted("text/csv;q=0.0"));
        assert_false(csv_wanted("application/json, text/csv"));
}

static void a_fill_splits_its_fee(void **state)
{
        struct history_row row = fill(5, 7, "BTC");
        struct buf out;

        (void)state;
        row.u.fill.fee.v = 5 * NUM_SCALE / 10;
        row.u.fill.builder_fee.v = NUM_SCALE / 10;
        text_copy(row.u.fill.fee_token, sizeof row.u.fill.fee_token, "USDC");
        buf_init(&out, 4096);
        history_page_json(&out, HISTORY_FILLS, &row);
        assert_non_null(
                strstr(buf_cstr(&out),
                       "\"fees\":{\"venue\":\"0.4\",\"builder\":\"0.1\",\"token\":\"USDC\"}"));
        buf_reset(&out);
        row.u.fill.fee.v = -NUM_SCALE / 10; /* a rebate, the builder paid out of it */
        history_page_csv(&out, HISTORY_FILLS, &row);
        assert_non_null(strstr(buf_cstr(&out), ",-0.2,0.1,USDC\r\n"));
        buf_fini(&out);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(rows_are_newest_first_and_there_once),
                cmocka_unit_test(rows_of_one_millisecond_with_zero_hashes_stay_apart),
                cmocka_unit_test(a_cursor_comes_back_as_it_was),
                cmocka_unit_test(bad_cursors_are_refused),
                cmocka_unit_test(the_walk_misses_nothing),
                cmocka_unit_test(the_walk_ends_where_a_millisecond_is_too_full),
                cmocka_unit_test(csv_is_data_and_never_a_formula),
                cmocka_unit_test(csv_numbers_stay_numbers),
                cmocka_unit_test(csv_is_answered_where_it_is_asked_for),
                cmocka_unit_test(a_fill_splits_its_fee),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
