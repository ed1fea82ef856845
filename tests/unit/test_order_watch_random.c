/* order_watch: words of orders in random histories, lost, doubled and overtaken: what is told is what happened. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/order_watch.h"
#include "base/mem.h"
#include "dice.h"

#define LOT 100
#define T0  1000000

static struct order_watch *watch;

static int setup(void **state)
{
        (void)state;
        watch = order_watch_new();
        return 0;
}

static int teardown(void **state)
{
        (void)state;
        order_watch_free(watch);
        return 0;
}

static struct venue_open_order bid(uint64_t oid, int64_t left)
{
        struct venue_open_order o = {.symbol = "BTC",
                                     .side = SIDE_BUY,
                                     .price = {900},
                                     .size = {left},
                                     .original_size = {10 * LOT},
                                     .oid = oid,
                                     .placed_at = T0 + (int64_t)oid,
                                     .tif = "Gtc"};

        return o;
}

static struct venue_order_status word(uint64_t oid, const char *text, int64_t left, int64_t at)
{
        struct venue_order_status s = {.found = true, .status_at = at, .order = bid(oid, left)};

        assert_true(text_copy(s.status, sizeof s.status, text));
        return s;
}

static void begin_empty(void)
{
        order_watch_list(watch, "", T0, NULL, 0, T0);
        order_watch_begin(watch, T0);
}

#define ORDERS 40
#define WORDS  8
#define HEARD  2000

/* What the venue went through with one order, and what it says when it is asked. */
struct life {
        struct venue_order_status word[WORDS];
        unsigned n;
        unsigned told; /* words that were told in changes */
        int64_t filled;
        char last[16];
};

struct world {
        struct dice dice;
        struct life life[ORDERS + 1];
        unsigned n;
        int64_t now;
        struct venue_order_status heard[HEARD]; /* on their way */
        unsigned n_heard;
        unsigned lost; /* words that never arrive */
};

static void send(struct world *w, const struct venue_order_status *s)
{
        unsigned copies = dice_between(&w->dice, 0, 9) == 0 ? 2 : 1;

        if (dice_between(&w->dice, 0, 3) == 0) {
                w->lost++;
                return;
        }
        while (copies-- > 0 && w->n_heard < HEARD)
                w->heard[w->n_heard++] = *s;
}

static void happen(struct world *w, uint64_t oid, const char *text, int64_t left)
{
        struct life *l = &w->life[oid];

        l->word[l->n] = word(oid, text, left, ++w->now);
        send(w, &l->word[l->n++]);
}

static bool is_open(const struct life *l)
{
        return l->n && strcmp(l->word[l->n - 1].status, "open") == 0;
}

static void step(struct world *w)
{
        uint64_t oid = (uint64_t)dice_between(&w->dice, 1, ORDERS);
        struct life *l = &w->life[oid];
        int64_t left;

        if (w->n < ORDERS && dice_between(&w->dice, 0, 2) == 0) {
                happen(w, ++w->n, "open", 10 * LOT);
                return;
        }
        if (!is_open(l))
                return;
        left = l->word[l->n - 1].order.size.v;
        if (l->n < WORDS - 1 && left > LOT && dice_between(&w->dice, 0, 2))
                happen(w, oid, "open", left - dice_between(&w->dice, 1, left / LOT - 1) * LOT);
        else if (dice_between(&w->dice, 0, 1))
                happen(w, oid, "filled", 0);
        else
                happen(w, oid, "canceled", left);
}

/* Any of those that are on their way arrives. */
static void deliver(struct world *w)
{
        unsigned i;

        if (!w->n_heard)
                return;
        i = (unsigned)dice_between(&w->dice, 0, w->n_heard - 1);
        order_watch_status(watch, &w->heard[i], w->now);
        w->heard[i] = w->heard[--w->n_heard];
}

static void list_now(struct world *w)
{
        struct venue_open_order rows[ORDERS];
        unsigned n = 0;

        w->now++;
        for (unsigned i = 1; i <= w->n; i++)
                if (is_open(&w->life[i]))
                        rows[n++] = w->life[i].word[w->life[i].n - 1].order;
        order_watch_list(watch, "", w->now, rows, n, w->now);
}

static void answer_all(struct world *w)
{
        struct order_watch_question q;

        w->now += 40000;
        while (order_watch_next_question(watch, w->now, &q)) {
                const struct life *l = &w->life[q.oid];
                bool fails = dice_between(&w->dice, 0, 4) == 0;
                order_watch_answered(watch, &q, fails ? NULL : &l->word[l->n - 1], w->now);
        }
}

/* Each is one of what happened, and later than the one before. */
static void take_changes(struct world *w)
{
        struct order_watch_row row;
        bool is_named;

        while (order_watch_first_change(watch, &row, &is_named)) {
                struct life *l = &w->life[row.status.order.oid];
                int64_t filled = row.status.order.original_size.v - row.status.order.size.v;
                bool is_same = strcmp(l->last, row.word) == 0 && l->filled == filled;
                bool is_true = false;

                assert_false(is_same);
                assert_true(filled >= l->filled);
                assert_string_not_equal(l->last, "filled");
                for (unsigned i = 0; i < l->n; i++)
                        is_true |= l->word[i].order.size.v == row.status.order.size.v;
                assert_true(is_true);
                l->filled = filled;
                (void)text_copy(l->last, sizeof l->last, row.word);
                order_watch_pop_change(watch);
        }
}

static const char *ends_as(const struct life *l)
{
        const struct venue_order_status *s = &l->word[l->n - 1];

        if (strcmp(s->status, "open") != 0)
                return strcmp(s->status, "filled") == 0 ? "filled" : "cancelled";
        return s->order.size.v < 10 * LOT ? "partiallyFilled" : "resting";
}

/* However words are lost, doubled and overtaken: after a list and what it lets ask, all has been told. */
static void nothing_is_lost_and_nothing_is_told_twice(void **state)
{
        struct world *w = xcalloc(1, sizeof *w);

        (void)state;
        w->dice = dice_new();
        w->now = T0;
        begin_empty();
        for (int i = 0; i < 3000; i++) {
                int64_t what = dice_between(&w->dice, 0, 19);

                if (what < 8)
                        step(w);
                else if (what < 17)
                        deliver(w);
                else if (what == 17)
                        list_now(w);
                else if (what == 18)
                        answer_all(w);
                take_changes(w);
        }
        while (w->n_heard)
                deliver(w);
        take_changes(w);
        w->now += 1000;
        list_now(w);
        for (int i = 0; i < 200 && order_watch_is_asking(watch); i++) {
                answer_all(w);
                take_changes(w);
        }
        take_changes(w);
        assert_true(w->lost > 0);
        for (unsigned i = 1; i <= w->n; i++) {
                const struct life *l = &w->life[i];
                const struct venue_order_status *s = &l->word[l->n - 1];

                /* One of which no word ever arrived, and that no list has had, was never seen. */
                if (!l->last[0] && strcmp(s->status, "open") != 0)
                        continue;
                assert_string_equal(l->last, ends_as(l));
                assert_int_equal(l->filled, s->order.original_size.v - s->order.size.v);
        }
        assert_false(order_watch_is_lost(watch));
        free(w);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(nothing_is_lost_and_nothing_is_told_twice, setup,
                                                teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
