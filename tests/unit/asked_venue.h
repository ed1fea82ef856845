/* asked_venue: a venue that is asked for past orders and for single ones, and answers when it is told to. */
#ifndef TESTS_ASKED_VENUE_H
#define TESTS_ASKED_VENUE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "adapters/venue.h"

#define ASKED_MAX 16

struct question {
        struct addr user;
        bool is_history;
        struct cloid id;
        venue_past_orders_fn *orders;
        venue_status_fn *status;
        void *cookie;
};

static struct {
        struct venue venue;
        unsigned n_histories, n_lookups; /* asked for so far */
        unsigned n;                      /* not answered */
        struct question open[ASKED_MAX];
} asked;

static inline void take(const struct question *question)
{
        assert_true(asked.n < ASKED_MAX);
        asked.open[asked.n++] = *question;
}

static inline void read_past_orders(struct venue *venue, const struct addr *user,
                                    venue_past_orders_fn *done, void *cookie)
{
        (void)venue;
        asked.n_histories++;
        take(&(struct question){
                .user = *user, .is_history = true, .orders = done, .cookie = cookie});
}

static inline void lookup(struct venue *venue, const struct addr *user, const struct cloid *cloid,
                          uint64_t oid, venue_status_fn *done, void *cookie)
{
        (void)venue;
        assert_int_equal(oid, 0);
        asked.n_lookups++;
        take(&(struct question){.user = *user, .id = *cloid, .status = done, .cookie = cookie});
}

static const struct venue_ops ops = {.read_past_orders = read_past_orders, .lookup = lookup};

static inline struct question next(void)
{
        struct question q;

        assert_true(asked.n > 0);
        q = asked.open[0];
        asked.n--;
        memmove(asked.open, asked.open + 1, asked.n * sizeof q);
        return q;
}

static inline void answer_history(const struct venue_order_status *orders, size_t n)
{
        static const struct err fine;
        struct question q = next();

        assert_true(q.is_history);
        q.orders(q.cookie, &fine, orders, n);
}

static inline void fail_next(void)
{
        struct err err = {.code = E_OK};
        struct question q = next();

        (void)err_set(&err, E_VENUE_UNAVAILABLE, "It does not answer.");
        if (q.is_history)
                q.orders(q.cookie, &err, NULL, 0);
        else
                q.status(q.cookie, &err, NULL);
}

/* Of an order that was placed then; 0: there is none. */
static inline void answer_lookup(int64_t placed_at)
{
        static const struct err fine;
        struct venue_order_status status = {.found = placed_at != 0};
        struct question q = next();

        assert_false(q.is_history);
        status.order.placed_at = placed_at;
        q.status(q.cookie, &fine, &status);
}

static inline void answer_lookups_with_nothing(void)
{
        while (asked.n > 0 && !asked.open[0].is_history)
                answer_lookup(0);
}

#endif
