/* order_life: the venue's words, and that late, doubled and reordered events change nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "plan/order_life.h"

#define OID 77

static struct venue_order_status told(const char *word, int64_t at, int64_t left)
{
        struct venue_order_status s = {.found = true, .status_at = at, .order = {.oid = OID}};

        assert_true(text_copy(s.status, sizeof s.status, word));
        s.order.original_size.v = 10;
        s.order.size.v = left;
        return s;
}

static const char *word_of(const char *venue_word, int64_t left, bool is_trigger)
{
        struct venue_order_status s = told(venue_word, 1000, left);

        s.order.is_trigger = is_trigger;
        return order_life_word_of(&s);
}

static void the_venue_s_words_become_ours(void **state)
{
        (void)state;
        assert_string_equal(word_of("open", 10, false), "resting");
        assert_string_equal(word_of("open", 4, false), "partiallyFilled");
        assert_string_equal(word_of("open", 10, true), "triggerPending");
        assert_string_equal(word_of("waitingForTrigger", 10, true), "triggerPending");
        assert_string_equal(word_of("triggered", 10, true), "resting");
        assert_string_equal(word_of("filled", 0, false), "filled");
        assert_string_equal(word_of("filled", 10, false), "filled"); /* it does not say how much */
        assert_string_equal(word_of("scheduledCancel", 10, false), "cancelled");
        assert_string_equal(word_of("internalCancel", 10, false), "cancelled");
        assert_string_equal(word_of("canceled", 4, false), "cancelled");
        assert_string_equal(word_of("rejected", 10, false), "rejected");
        /* Made like those that end an order. */
        assert_string_equal(word_of("cometCanceled", 10, false), "cancelled");
        assert_string_equal(word_of("cometRejected", 10, false), "rejected");
        /* A word of which nothing is known ends nothing. */
        assert_string_equal(word_of("somethingNew", 10, false), "unknown");
        assert_string_equal(word_of("CanceledMaybe", 10, false), "unknown");
        assert_string_equal(word_of("Canceled", 10, false), "unknown");
        assert_string_equal(word_of("", 10, false), "unknown");
        assert_false(order_life_knows("cometCanceled"));
        assert_false(order_life_knows("Open"));
        assert_true(order_life_knows("open"));
}

static bool ends_with(const char *word, const char *end)
{
        size_t n = strlen(word), k = strlen(end);

        return n > k && strcmp(word + n - k, end) == 0;
}

/* Section 4.3 of the wire reference, word for word. */
static void every_status_of_the_reference_is_in_the_table(void **state)
{
        static const char *const all[] = {"open",
                                          "filled",
                                          "canceled",
                                          "triggered",
                                          "rejected",
                                          "marginCanceled",
                                          "vaultWithdrawalCanceled",
                                          "openInterestCapCanceled",
                                          "selfTradeCanceled",
                                          "reduceOnlyCanceled",
                                          "siblingFilledCanceled",
                                          "delistedCanceled",
                                          "liquidatedCanceled",
                                          "outcomeSettledCanceled",
                                          "scheduledCancel",
                                          "internalCancel",
                                          "tickRejected",
                                          "minTradeNtlRejected",
                                          "perpMarginRejected",
                                          "reduceOnlyRejected",
                                          "badAloPxRejected",
                                          "iocCancelRejected",
                                          "badTriggerPxRejected",
                                          "marketOrderNoLiquidityRejected",
                                          "positionIncreaseAtOpenInterestCapRejected",
                                          "positionFlipAtOpenInterestCapRejected",
                                          "tooAggressiveAtOpenInterestCapRejected",
                                          "openInterestIncreaseRejected",
                                          "insufficientSpotBalanceRejected",
                                          "oracleRejected",
                                          "perpMaxPositionRejected",
                                          "tooManyOpenOrdersRejected"};
        size_t n = 0;

        (void)state;
        for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
                const char *ours = word_of(all[i], 10, false);
                assert_true(order_life_knows(all[i]));
                assert_string_not_equal(ours, "unknown");
                if (ends_with(all[i], "Canceled"))
                        assert_string_equal(ours, "cancelled");
                if (ends_with(all[i], "Rejected"))
                        assert_string_equal(ours, "rejected");
        }
        while (order_life_word_at(n)) {
                for (size_t i = 0; i < n; i++)
                        assert_string_not_equal(order_life_word_at(i), order_life_word_at(n));
                assert_true(strlen(order_life_word_at(n)) < VENUE_STATUS_MAX);
                n++;
        }
        assert_true(n >= sizeof all / sizeof *all);
}

static void an_end_stays_an_end(void **state)
{
        struct venue_order_status filled = told("filled", 2000, 0), open = told("open", 3000, 10),
                                  cancelled = told("canceled", 2500, 5), odd = told("new", 4000, 9);
        struct order_life life = {.oid = 0};

        (void)state;
        assert_int_equal(order_life_state(&life), LIFE_UNTOLD);
        order_life_take(&life, &filled);
        order_life_take(&life, &open);
        order_life_take(&life, &cancelled);
        order_life_take(&life, &odd);
        assert_int_equal(order_life_state(&life), LIFE_FILLED);
        assert_string_equal(order_life_fact(&life)->word, "filled");
        assert_int_equal(order_life_filled(&life).v, 10);
}

static void an_unknown_word_is_kept_and_makes_unknown_until_more_is_told(void **state)
{
        struct venue_order_status open = told("open", 1000, 10),
                                  odd = told("hibernating", 2000, 10),
                                  again = told("open", 3000, 10);
        struct order_life life = {.oid = 0};

        (void)state;
        order_life_take(&life, &odd);
        order_life_take(&life, &open); /* late */
        assert_int_equal(order_life_state(&life), LIFE_UNKNOWN);
        assert_string_equal(order_life_fact(&life)->word, "hibernating");
        order_life_take(&life, &again);
        assert_int_equal(order_life_state(&life), LIFE_RESTING);
}

static void what_was_filled_only_grows(void **state)
{
        struct venue_order_status most = told("open", 1000, 2), less = told("open", 2000, 6);
        struct order_life life = {.oid = 0};

        (void)state;
        order_life_take(&life, &most);
        order_life_take(&life, &less);
        assert_int_equal(order_life_filled(&life).v, 8);
        assert_string_equal(order_life_word(&life), "partiallyFilled");
}

static void nothing_of_what_was_rejected_was_filled(void **state)
{
        struct venue_order_status s = told("tickRejected", 1000, 0); /* nothing of it is left */
        struct venue_item item;

        (void)state;
        assert_true(order_life_item(&item, &s));
        assert_int_equal(item.status, ITEM_REFUSED);
        assert_int_equal(item.filled.v, 0);
        assert_int_equal(item.refusal, E_VENUE_REJECTED);
        assert_string_equal(item.venue_message, "tickRejected");
}

static void an_immediate_order_that_filled_in_part_is_no_cancelled_one(void **state)
{
        struct venue_order_status s = told("canceled", 1000, 7);
        struct venue_item item = {.status = ITEM_FILLED, .oid = OID, .filled = {3}};
        struct venue_order order = {.kind = ORDER_LIMIT, .tif = TIF_IOC, .size = {10}};

        (void)state;
        assert_string_equal(order_life_word_of(&s), "cancelled");
        text_copy(s.order.tif, sizeof s.order.tif, "Ioc");
        assert_string_equal(order_life_word_of(&s), "partiallyFilled");
        s.order.size.v = 10;
        assert_string_equal(order_life_word_of(&s), "cancelled");
        /* The answer says the same of it. */
        assert_string_equal(order_life_word_of_item(&item, &order), "partiallyFilled");
        item.filled.v = 10;
        assert_string_equal(order_life_word_of_item(&item, &order), "filled");
        order.tif = TIF_GTC;
        item.filled.v = 3;
        assert_string_equal(order_life_word_of_item(&item, &order), "partiallyFilled");
        item.filled.v = 0; /* not told how much */
        assert_string_equal(order_life_word_of_item(&item, &order), "filled");
}

static void a_newer_order_under_the_same_name_is_another(void **state)
{
        struct venue_order_status old = told("canceled", 5000, 3), fresh = told("open", 4000, 10);
        struct order_life life = {.oid = 0}, other = {.oid = 0};

        (void)state;
        fresh.order.oid = OID + 1;
        order_life_take(&life, &old);
        order_life_take(&life, &fresh);
        order_life_take(&other, &fresh);
        order_life_take(&other, &old);
        assert_string_equal(order_life_word(&life), "resting");
        assert_memory_equal(&life.oid, &other.oid, sizeof life.oid);
        assert_string_equal(order_life_word(&other), "resting");
        assert_int_equal(order_life_filled(&other).v, 0);
}

static void nothing_found_tells_nothing(void **state)
{
        struct venue_order_status s = {.found = false};
        struct venue_item item;

        (void)state;
        assert_false(order_life_item(&item, &s));
        assert_int_equal(order_life_state_of(&s), LIFE_UNTOLD);
        assert_string_equal(order_life_word_of(&s), "unknown");
}

static void rows_of_one_order_become_the_one_that_tells(void **state)
{
        struct venue_order_status rows[] = {told("open", 3000, 10), told("triggered", 2000, 6),
                                            told("open", 1000, 10)};
        size_t i;

        (void)state;
        rows[0].order.is_trigger = rows[1].order.is_trigger = rows[2].order.is_trigger = true;
        i = order_life_merge(rows, 3);
        assert_string_equal(order_life_word_of(&rows[i]), "partiallyFilled");
        assert_int_equal(rows[i].order.size.v, 6);
        /* Of a plain order what is left only shrinks. */
        for (size_t k = 0; k < 3; k++)
                rows[k] = told("open", 1000 + (int64_t)k, 4 + (int64_t)k);
        i = order_life_merge(rows, 3);
        assert_int_equal(rows[i].status_at, 1002);
        assert_int_equal(rows[i].order.size.v, 4);
}

/* Its size follows the fills of the order that it protects. */
static void a_leg_may_grow(void **state)
{
        struct venue_order_status rows[] = {told("open", 1000, 3), told("open", 2000, 8)};
        size_t i;

        (void)state;
        rows[0].order.is_trigger = rows[1].order.is_trigger = true;
        i = order_life_merge(rows, 2);
        assert_int_equal(rows[i].order.size.v, 8);
        assert_string_equal(order_life_word_of(&rows[i]), "triggerPending");
        rows[0] = told("open", 1000, 0); /* nothing of it yet: it is not over for that */
        rows[0].order.is_trigger = true;
        assert_int_equal(order_life_state_of(&rows[0]), LIFE_PENDING);
}

/* --- any order of events --- */

#define EVENTS_MAX 12

struct event {
        bool is_item;
        struct venue_order_status status;
        struct venue_item item;
};

static uint64_t seed;

static unsigned below(unsigned n)
{
        seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        return (unsigned)(seed >> 33) % n;
}

/* A history as a venue makes it, oldest first. */
static unsigned make_history(struct event *out)
{
        static const char *const ends[] = {"filled", "canceled", "marginCanceled", "tickRejected",
                                           "cometCanceled"};
        bool is_trigger = below(3) == 0;
        int64_t at = 1000, left = 10;
        unsigned n = 0;

        if (below(2))
                out[n++] = (struct event){.is_item = true,
                                          .item = {.status = below(2)     ? ITEM_RESTING
                                                             : is_trigger ? ITEM_TRIGGER_PENDING
                                                                          : ITEM_RESTING,
                                                   .oid = below(2) ? OID : 0}};
        for (unsigned more = below(5); more; more--) {
                out[n] = (struct event){.status = told("open", at, left)};
                out[n++].status.order.is_trigger = is_trigger && below(2);
                at += below(3) * 100; /* two in one millisecond, now and then */
                if (left > 1)
                        left -= below(2);
        }
        if (is_trigger && below(2))
                out[n++] = (struct event){.status = told("triggered", at, left)};
        if (below(4) == 0)
                out[n++] = (struct event){.status = told("somethingNew", at, left)};
        at += 100;
        if (below(3) == 0)
                return n;
        unsigned end = below(5);
        out[n++] = (struct event){.status = told(ends[end], at, end == 0 ? 0 : left)};
        if (below(3) == 0) /* said otherwise later: it was over */
                out[n++] = (struct event){.status = told(ends[below(5)], at + 100, left)};
        return n;
}

static void take(struct order_life *life, const struct event *e)
{
        if (e->is_item)
                order_life_take_item(life, &e->item);
        else
                order_life_take(life, &e->status);
}

/* What a plain machine makes of events that come one by one, in order. */
static const char *in_order(const struct event *e, unsigned n)
{
        bool is_trigger = false, was_triggered = false;
        const char *word = NULL;

        for (unsigned i = 0; i < n; i++) {
                is_trigger |= e[i].is_item ? e[i].item.status == ITEM_TRIGGER_PENDING
                                           : e[i].status.order.is_trigger;
                if (e[i].is_item)
                        continue;
                was_triggered |= strcmp(e[i].status.status, "triggered") == 0;
        }
        for (unsigned i = 0; i < n; i++) {
                struct venue_order_status s = e[i].status;
                const char *ours;

                s.order.is_trigger = is_trigger && !was_triggered;
                ours = e[i].is_item ? s.order.is_trigger ? "triggerPending" : "resting"
                                    : order_life_word_of(&s);
                if (!word || strcmp(word, "cancelled") != 0)
                        if (!word || (strcmp(word, "filled") != 0 && strcmp(word, "rejected") != 0))
                                word = ours;
        }
        return word ? word : "unknown";
}

static void same(const struct order_life *a, const struct order_life *b)
{
        assert_int_equal(a->oid, b->oid);
        assert_int_equal(order_life_state(a), order_life_state(b));
        assert_string_equal(order_life_word(a), order_life_word(b));
        assert_int_equal(order_life_filled(a).v, order_life_filled(b).v);
        assert_string_equal(order_life_fact(a)->word, order_life_fact(b)->word);
        assert_int_equal(order_life_fact(a)->at, order_life_fact(b)->at);
}

static void any_order_and_any_copies_of_a_history_end_the_same(void **state)
{
        (void)state;
        for (unsigned round = 0; round < 20000; round++) {
                struct event history[EVENTS_MAX], shuffled[3 * EVENTS_MAX];
                struct order_life straight = {.oid = 0}, other = {.oid = 0};
                unsigned n = make_history(history), m = 0;
                int64_t filled = 0;

                assert_true(n <= EVENTS_MAX);
                for (unsigned i = 0; i < n; i++) {
                        take(&straight, &history[i]);
                        for (unsigned copies = 1 + below(3); copies; copies--)
                                shuffled[m++] = history[i];
                }
                for (unsigned i = m; i > 1; i--) {
                        unsigned k = below(i);
                        struct event e = shuffled[k];
                        shuffled[k] = shuffled[i - 1];
                        shuffled[i - 1] = e;
                }
                for (unsigned i = 0; i < m; i++) {
                        bool was_over = order_life_is_over(order_life_state(&other));
                        take(&other, &shuffled[i]);
                        assert_true(other.filled.v >= filled);
                        filled = other.filled.v;
                        if (was_over)
                                assert_true(order_life_is_over(order_life_state(&other)));
                }
                same(&straight, &other);
                if (n)
                        assert_string_equal(order_life_word(&straight), in_order(history, n));
        }
}

/* The same with histories that make no sense at all: whatever a venue says, the way it came is nothing. */
static void even_of_nonsense_the_order_does_not_matter(void **state)
{
        (void)state;
        for (unsigned round = 0; round < 20000; round++) {
                struct event e[6];
                struct order_life a = {.oid = 0}, b = {.oid = 0};
                unsigned n = 1 + below(6);

                for (unsigned i = 0; i < n; i++) {
                        size_t words = 0;
                        while (order_life_word_at(words))
                                words++;
                        unsigned w = below((unsigned)words + 2);
                        e[i] = (struct event){.status = told(w < words    ? order_life_word_at(w)
                                                             : w == words ? "xRejected"
                                                                          : "y",
                                                             below(4) * 500, below(11))};
                        e[i].status.order.oid = OID + below(2);
                        e[i].status.order.is_trigger = below(2);
                        text_copy(e[i].status.order.tif, sizeof e[i].status.order.tif,
                                  below(2) ? "Ioc" : "");
                }
                for (unsigned i = 0; i < n; i++)
                        take(&a, &e[i]);
                for (unsigned i = n; i > 0; i--)
                        take(&b, &e[i - 1]);
                same(&a, &b);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_venue_s_words_become_ours),
                cmocka_unit_test(every_status_of_the_reference_is_in_the_table),
                cmocka_unit_test(an_end_stays_an_end),
                cmocka_unit_test(an_unknown_word_is_kept_and_makes_unknown_until_more_is_told),
                cmocka_unit_test(what_was_filled_only_grows),
                cmocka_unit_test(nothing_of_what_was_rejected_was_filled),
                cmocka_unit_test(an_immediate_order_that_filled_in_part_is_no_cancelled_one),
                cmocka_unit_test(a_newer_order_under_the_same_name_is_another),
                cmocka_unit_test(nothing_found_tells_nothing),
                cmocka_unit_test(rows_of_one_order_become_the_one_that_tells),
                cmocka_unit_test(a_leg_may_grow),
                cmocka_unit_test(any_order_and_any_copies_of_a_history_end_the_same),
                cmocka_unit_test(even_of_nonsense_the_order_does_not_matter),
        };
        const char *given = getenv("SEED");

        seed = given ? strtoull(given, NULL, 10) : UINT64_C(20260923);
        printf("seed %llu\n", (unsigned long long)seed);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
