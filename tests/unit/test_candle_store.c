/* candle_store: candles come back as they were kept, spans tell what is whole, and both are bounded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "store/candle_store.h"

#define MINUTE INT64_C(60000)
#define TURNS  60000

struct rig {
        struct loop *loop;
        struct candle_store *store;
        char folder[256], file[300];
        size_t max_rows;
};

static void open_store(struct rig *rig)
{
        struct err err = {.code = E_OK};

        rig->store = candle_store_open(rig->loop, rig->file, rig->max_rows, &err);
        if (!rig->store)
                fail_msg("%s", err.detail);
}

static int set_up(void **state)
{
        struct rig *rig = xcalloc(1, sizeof *rig);

        rig->max_rows = 1000000;
        snprintf(rig->folder, sizeof rig->folder, "%s/perpgate-candles-XXXXXX", P_tmpdir);
        assert_non_null(mkdtemp(rig->folder));
        snprintf(rig->file, sizeof rig->file, "%s/candles.db", rig->folder);
        rig->loop = loop_new();
        open_store(rig);
        *state = rig;
        return 0;
}

static int tear_down(void **state)
{
        struct rig *rig = *state;
        char command[320];

        candle_store_close(rig->store);
        loop_free(rig->loop);
        snprintf(command, sizeof command, "rm -rf %s", rig->folder);
        assert_int_equal(system(command), 0);
        free(rig);
        return 0;
}

static const struct candle_series btc = {"BTC", "1m"}, eth = {"ETH", "1m"}, btc5 = {"BTC", "5m"};

static struct candle_row row_at(int64_t minute)
{
        struct candle_row row = {.open_at = minute * MINUTE,
                                 .close_at = (minute + 1) * MINUTE - 1,
                                 .open = {minute},
                                 .high = {minute + 2},
                                 .low = {minute - 2},
                                 .close = {minute + 1},
                                 .trades = 7};

        snprintf(row.volume, sizeof row.volume, "%lld.5", (long long)minute);
        return row;
}

/* Keeps the rows of the minutes [from, to), and says that there are no others. */
static void keep(struct rig *rig, const struct candle_series *series, int64_t from, int64_t to,
                 int64_t now)
{
        struct candle_row *row = xcalloc((size_t)(to - from) + 1, sizeof *row);
        struct candle_span span = {from * MINUTE, to * MINUTE};

        for (int64_t m = from; m < to; m++)
                row[m - from] = row_at(m);
        candle_store_write(rig->store, series, &span, row, (size_t)(to - from), now);
        free(row);
}

struct found {
        unsigned n_told;
        enum errc rc;
        size_t n;
        struct candle_row row[64];
        unsigned n_spans;
        struct candle_span span[CANDLE_STORE_SPANS_MAX];
        int64_t before;
};

static void told(void *cookie, enum errc rc, const struct candle_slice *slice)
{
        struct found *found = cookie;

        found->n_told++;
        found->rc = rc;
        if (rc)
                return;
        found->n = slice->n;
        for (size_t i = 0; i < slice->n && i < 64; i++)
                found->row[i] = slice->row[i];
        found->n_spans = slice->n_spans;
        memcpy(found->span, slice->span, sizeof found->span);
        found->before = slice->before;
}

static void look(struct rig *rig, const struct candle_series *series, int64_t from, int64_t to,
                 size_t limit, struct found *found)
{
        struct candle_span window = {from * MINUTE, to * MINUTE};

        memset(found, 0, sizeof *found);
        candle_store_read(rig->store, series, &window, limit, told, found);
        assert_int_equal(found->n_told, 0);
        for (int i = 0; i < TURNS && !found->n_told; i++)
                loop_turn(rig->loop, 2);
        assert_int_equal(found->n_told, 1);
}

static void expect_spans(const struct found *found, unsigned n, const int64_t (*minutes)[2])
{
        assert_int_equal(found->n_spans, n);
        for (unsigned i = 0; i < n; i++) {
                assert_int_equal(found->span[i].start, minutes[i][0] * MINUTE);
                assert_int_equal(found->span[i].end, minutes[i][1] * MINUTE);
        }
}

static void what_is_kept_comes_back(void **state)
{
        struct rig *rig = *state;
        struct candle_row same = row_at(12);
        struct found f;

        look(rig, &btc, 0, 100, 10, &f);
        assert_int_equal(f.rc, E_OK);
        assert_int_equal(f.n + f.n_spans, 0);
        keep(rig, &btc, 10, 20, 1);
        look(rig, &btc, 12, 15, 10, &f);
        assert_int_equal(f.n, 3);
        assert_memory_equal(&f.row[0], &same, sizeof same);
        assert_int_equal(f.row[2].open_at, 14 * MINUTE);
        assert_int_equal(f.before, 11 * MINUTE);
        look(rig, &btc, 0, 100, 4, &f); /* the newest of them */
        assert_int_equal(f.n, 4);
        assert_int_equal(f.row[0].open_at, 16 * MINUTE);
        assert_int_equal(f.before, 0);
        look(rig, &eth, 0, 100, 4, &f);
        assert_int_equal(f.n, 0);
        look(rig, &btc5, 0, 100, 4, &f);
        assert_int_equal(f.n, 0);
}

static void what_is_told_anew_replaces(void **state)
{
        struct rig *rig = *state;
        struct candle_span span = {11 * MINUTE, 12 * MINUTE};
        struct candle_row row = row_at(11);
        struct found f;

        keep(rig, &btc, 10, 13, 1);
        row.close.v = 999;
        candle_store_write(rig->store, &btc, &span, &row, 1, 2);
        look(rig, &btc, 10, 13, 10, &f);
        assert_int_equal(f.n, 3);
        assert_int_equal(f.row[1].close.v, 999);
        assert_int_equal(f.row[2].close.v, 13);
}

static void spans_join_where_they_touch(void **state)
{
        struct rig *rig = *state;
        struct found f;

        keep(rig, &btc, 10, 20, 1);
        keep(rig, &btc, 40, 50, 1);
        look(rig, &btc, 0, 100, 64, &f);
        expect_spans(&f, 2, (const int64_t[][2]){{10, 20}, {40, 50}});
        look(rig, &btc, 21, 39, 64, &f);
        assert_int_equal(f.n_spans, 0);
        keep(rig, &btc, 20, 25, 1); /* touches */
        look(rig, &btc, 0, 100, 64, &f);
        expect_spans(&f, 2, (const int64_t[][2]){{10, 25}, {40, 50}});
        keep(rig, &btc, 12, 14, 1); /* lies inside */
        keep(rig, &btc, 24, 45, 1); /* closes the hole */
        look(rig, &btc, 0, 100, 64, &f);
        expect_spans(&f, 1, (const int64_t[][2]){{10, 50}});
        assert_int_equal(f.n, 40);
}

static void nothing_traded_is_known_too(void **state)
{
        struct rig *rig = *state;
        struct candle_span span = {10 * MINUTE, 30 * MINUTE};
        struct found f;

        candle_store_write(rig->store, &btc, &span, NULL, 0, 1);
        look(rig, &btc, 15, 20, 10, &f);
        assert_int_equal(f.n, 0);
        expect_spans(&f, 1, (const int64_t[][2]){{10, 30}});
}

static void it_outlives_the_program(void **state)
{
        struct rig *rig = *state;
        struct stat st;
        struct found f;

        keep(rig, &btc, 10, 20, 1);
        candle_store_close(rig->store); /* finishes what is queued */
        open_store(rig);
        look(rig, &btc, 0, 100, 64, &f);
        assert_int_equal(f.n, 10);
        assert_int_equal(stat(rig->file, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
}

static void write_rubbish(const struct rig *rig, long at)
{
        FILE *file = fopen(rig->file, "r+");

        assert_non_null(file);
        assert_int_equal(fseek(file, at, SEEK_SET), 0);
        for (int i = 0; i < 60000; i++)
                fputc(0xa5, file);
        assert_int_equal(fclose(file), 0);
}

static void a_damaged_file_is_begun_anew(void **state)
{
        struct rig *rig = *state;
        struct found f;

        keep(rig, &btc, 10, 2000, 1);
        candle_store_close(rig->store);
        write_rubbish(rig, 0); /* not a database at all */
        open_store(rig);
        look(rig, &btc, 0, 100, 64, &f);
        assert_int_equal(f.rc, E_OK);
        assert_int_equal(f.n, 0);

        keep(rig, &btc, 10, 2000, 1);
        candle_store_close(rig->store);
        write_rubbish(rig, 4096); /* found out when it is read */
        open_store(rig);
        look(rig, &btc, 0, 2000, 64, &f);
        keep(rig, &btc, 10, 20, 1);
        look(rig, &btc, 0, 2000, 64, &f);
        assert_int_equal(f.rc, E_OK);
        assert_int_equal(f.n, 10);
}

static void a_series_keeps_its_newest(void **state)
{
        struct rig *rig = *state;
        int64_t n = CANDLE_STORE_SERIES_MAX;
        struct found f;

        keep(rig, &btc, 10, 10 + n, 1);
        look(rig, &btc, 10, 20, 10, &f);
        assert_int_equal(f.n, 10);
        keep(rig, &btc, 10 + n, 13 + n, 1);
        look(rig, &btc, 0, 20, 20, &f);
        assert_int_equal(f.row[0].open_at, 13 * MINUTE);
        assert_int_equal(f.n, 7);
        assert_true(f.span[0].start > 12 * MINUTE && f.span[0].start <= 13 * MINUTE);
        look(rig, &btc, 0, 20 + n, 5, &f);
        assert_int_equal(f.row[4].open_at, (12 + n) * MINUTE);
}

static void what_was_written_the_longest_ago_gives_way(void **state)
{
        struct rig *rig = *state;
        struct found f;

        candle_store_close(rig->store);
        rig->max_rows = 100;
        open_store(rig);
        keep(rig, &btc, 0, 60, 1);
        keep(rig, &eth, 0, 30, 2);
        keep(rig, &btc, 60, 61, 3); /* now ETH is the older one */
        keep(rig, &btc5, 0, 30, 4);
        look(rig, &eth, 0, 100, 64, &f);
        assert_int_equal(f.n + f.n_spans, 0);
        look(rig, &btc, 0, 100, 64, &f);
        assert_int_equal(f.n, 61);
        look(rig, &btc5, 0, 100, 64, &f);
        assert_int_equal(f.n, 30);
        keep(rig, &eth, 0, 200, 5); /* above the bound alone: what was just written stays */
        look(rig, &eth, 0, 200, 64, &f);
        assert_int_equal(f.n, 64);
        look(rig, &btc, 0, 100, 64, &f);
        assert_int_equal(f.n, 0);
}

static void spans_are_few(void **state)
{
        struct rig *rig = *state;
        struct found f;

        for (int64_t i = 0; i < CANDLE_STORE_SPANS_MAX + 5; i++)
                keep(rig, &btc, 10 * i, 10 * i + 1, 1);
        look(rig, &btc, 0, 10000, 64, &f);
        assert_int_equal(f.n_spans, CANDLE_STORE_SPANS_MAX);
        assert_int_equal(f.span[0].start, 50 * MINUTE);
}

int main(void)
{
#define RIG(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
        const struct CMUnitTest tests[] = {
                RIG(what_is_kept_comes_back),
                RIG(what_is_told_anew_replaces),
                RIG(spans_join_where_they_touch),
                RIG(nothing_traded_is_known_too),
                RIG(it_outlives_the_program),
                RIG(a_damaged_file_is_begun_anew),
                RIG(a_series_keeps_its_newest),
                RIG(what_was_written_the_longest_ago_gives_way),
                RIG(spans_are_few),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
