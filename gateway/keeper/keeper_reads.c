/* Reads: what a caller waits for at once, what the mirror needs within the budget of polls. One read of
 * an account is under way at a time; who asks meanwhile waits for the same. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "keeper/keeper_impl.h"

#define MINUTE_MS     60000
#define WEIGHT_STATE  2 /* the venue's prices, adapters/hyperliquid */
#define WEIGHT_ORDERS 20
#define WEIGHT_MODE   20
#define WEIGHT_ORDER  2
#define WEIGHT_FILLS  20
#define POLLS_A_TICK  16

struct waiter {
        struct waiter *next;
        keeper_done *done;
        void *cookie;
};

struct read {
        struct list at;
        struct keeper *keeper;
        struct addr user;
        char dex[DEX_NAME_MAX];
        char symbol[SYMBOL_MAX]; /* whose setting is read too; "" none */
        int64_t asked_at;
        int64_t from, until; /* of fills, both included */
        bool is_poll;
        unsigned parts;
        unsigned open; /* answers to come */
        struct err err;
        struct waiter *waiters; /* owned; first come, first told */
};

/* --- ending --- */

static void tell_waiters(struct waiter *waiters, const struct err *err)
{
        while (waiters) {
                struct waiter *next = waiters->next;
                waiters->done(waiters->cookie, err);
                free(waiters);
                waiters = next;
        }
}

static void finish(struct read *read)
{
        struct keeper *keeper = read->keeper;
        struct waiter *waiters = read->waiters;
        struct err err = read->err;

        list_remove(&read->at);
        keeper->n_reads -= read->is_poll;
        keeper->n_done++;
        if (err.code) {
                keeper->n_failed++;
                if (read->parts)
                        mirror_read_failed(keeper->mirror, &read->user, read->dex,
                                           keeper_impl_now(keeper));
        }
        free(read);
        tell_waiters(waiters, &err);
}

/* One of the answers: with the keeper gone there is nobody to tell. */
static void one_answered(struct read *read, const struct err *err)
{
        if (err->code && !read->err.code)
                read->err = *err;
        if (--read->open)
                return;
        if (read->keeper)
                finish(read);
        else
                free(read);
}

static struct mirror_reading reading_of(const struct read *read)
{
        return (struct mirror_reading){read->asked_at, keeper_impl_now(read->keeper)};
}

/* What may be late is of the time that it names, as what is pushed. */
static struct mirror_reading reading_of_state(const struct read *read,
                                              const struct venue_account *account)
{
        struct mirror_reading reading = reading_of(read);

        if (account->may_be_late)
                reading.asked_at = 0;
        return reading;
}

static struct mirror_reading reading_of_orders(const struct read *read)
{
        struct mirror_reading reading = reading_of(read);
        struct venue_budget budget;

        read->keeper->o.venue->ops->budget(read->keeper->o.venue, &budget);
        if (read->is_poll)
                reading.asked_at -= budget.polls_late_ms;
        return reading;
}

/* A mark that a reading tells is newer than those of the feed. */
static void take_mark(struct keeper *keeper, const char *symbol, struct px mark)
{
        const struct venue *venue = keeper->o.venue;
        const struct market *m = venue->ops->market_by_symbol(venue, symbol);
        struct feed_context row;

        if (!m || !m->context_at || mark.v <= 0)
                return;
        row = (struct feed_context){.mark = mark,
                                    .oracle = m->oracle,
                                    .mid = m->mid,
                                    .has_mid = m->has_mid,
                                    .funding = m->funding,
                                    .open_interest = m->open_interest};
        must(text_copy(row.symbol, sizeof row.symbol, symbol));
        mirror_contexts(keeper->mirror, &row, 1, keeper_impl_now(keeper));
}

/* Position value over size, where a price of the market is just that: of dust it can't be told. */
static void take_marks(struct keeper *keeper, const struct venue_account *account)
{
        const struct venue *venue = keeper->o.venue;

        for (unsigned i = 0; i < account->n_positions; i++) {
                const struct venue_position *p = &account->position[i];
                const struct market *m = venue->ops->market_by_symbol(venue, p->symbol);
                struct qty size = {num_abs(p->p.size.v)};
                struct usd value;
                struct px mark;

                if (!m || num_px_for(&mark, p->p.value, size, NUM_NEAREST))
                        continue;
                mark.v = num_to_step(mark.v, num_pow10(NUM_DECIMALS - m->price_max_decimals),
                                     NUM_NEAREST);
                if (num_notional(&value, mark, size, NUM_NEAREST) ||
                    num_abs(value.v - p->p.value.v) > NUM_MICRO)
                        continue;
                take_mark(keeper, p->symbol, mark);
        }
}

void keeper_heard_state(struct keeper *keeper, const struct addr *user, const char *dex,
                        const struct mirror_reading *reading, const struct venue_account *account)
{
        take_marks(keeper, account);
        if (reading->asked_at)
                keeper->ahead_ms = account->as_of - reading->at;
        mirror_state(keeper->mirror, user, dex, reading, account);
}

void keeper_heard_setting(struct keeper *keeper, const struct addr *user, const char *symbol,
                          const struct mirror_reading *reading, const struct venue_setting *setting)
{
        mirror_setting(keeper->mirror, user, symbol, reading, setting->mode, setting->leverage);
        take_mark(keeper, symbol, setting->mark);
}

static void state_read(void *cookie, const struct err *err, struct venue_account *account)
{
        struct read *read = cookie;

        if (!err->code && read->keeper) {
                struct mirror_reading reading = reading_of_state(read, account);
                keeper_heard_state(read->keeper, &read->user, read->dex, &reading, account);
        }
        one_answered(read, err);
}

static void orders_read(void *cookie, const struct err *err, const struct venue_open_order *orders,
                        size_t n)
{
        struct read *read = cookie;

        if (!err->code && read->keeper) {
                struct mirror_reading reading = reading_of_orders(read);
                mirror_orders(read->keeper->mirror, &read->user, read->dex, &reading, orders, n);
        }
        one_answered(read, err);
}

static void mode_read(void *cookie, const struct err *err, const char *text)
{
        struct read *read = cookie;

        if (!err->code && read->keeper)
                mirror_pool(read->keeper->mirror, &read->user, mirror_pool_from(text),
                            keeper_impl_now(read->keeper));
        one_answered(read, err);
}

static void order_read(void *cookie, const struct err *err, const struct venue_order_status *status)
{
        struct read *read = cookie;

        if (!err->code && read->keeper && status->found)
                mirror_order_status(read->keeper->mirror, &read->user, status,
                                    keeper_impl_now(read->keeper));
        one_answered(read, err);
}

static void fills_read(void *cookie, const struct err *err, const struct venue_fill *fills,
                       size_t n, const struct venue_span *span)
{
        struct read *read = cookie;

        if (!err->code && read->keeper && span->part == VENUE_WHOLE)
                mirror_history(read->keeper->mirror, &read->user, read->dex, read->from,
                               read->until, fills, n);
        one_answered(read, err);
}

static void setting_read(void *cookie, const struct err *err, const struct venue_setting *s)
{
        struct read *read = cookie;

        if (!err->code && read->keeper) {
                struct mirror_reading reading = reading_of(read);
                keeper_heard_setting(read->keeper, &read->user, read->symbol, &reading, s);
        }
        one_answered(read, err);
}

/* --- starting --- */

/* One that was asked for in this very moment, for another caller: an older one may have been asked before
 * what this caller knows happened. */
static struct read *find(const struct keeper *keeper, const struct addr *user, const char *dex)
{
        int64_t now = keeper_impl_now(keeper);

        for (struct list *at = keeper->reads.next; at != &keeper->reads; at = at->next) {
                struct read *read = list_entry(at, struct read, at);
                if (!read->is_poll && read->asked_at == now &&
                    memcmp(&read->user, user, sizeof *user) == 0 && strcmp(read->dex, dex) == 0)
                        return read;
        }
        return NULL;
}

static struct read *begin(struct keeper *keeper, const struct addr *user, const char *dex,
                          unsigned parts, bool is_poll)
{
        struct read *read = xcalloc(1, sizeof *read);

        read->keeper = keeper;
        read->user = *user;
        must(text_copy(read->dex, sizeof read->dex, dex));
        read->asked_at = keeper_impl_now(keeper);
        read->is_poll = is_poll;
        read->parts = parts;
        keeper->n_reads += is_poll;
        list_push_back(&keeper->reads, &read->at);
        return read;
}

static struct read *start(struct keeper *keeper, const struct addr *user, const char *dex,
                          unsigned parts, const struct market *setting_of, bool is_poll)
{
        struct venue *venue = keeper->o.venue;
        struct read *read = begin(keeper, user, dex, parts, is_poll);

        read->open = ((parts & PART_STATE) != 0) + 0U + ((parts & PART_ORDERS) != 0) +
                     ((parts & PART_POOL) != 0) + (setting_of != NULL);
        must(read->open > 0);
        if (parts & PART_STATE)
                (is_poll ? venue->ops->poll_account : venue->ops->read_account)(venue, user, dex,
                                                                                state_read, read);
        if (parts & PART_ORDERS)
                (is_poll ? venue->ops->poll_open_orders
                         : venue->ops->read_open_orders)(venue, user, dex, orders_read, read);
        if (parts & PART_POOL)
                venue->ops->read_mode(venue, user, mode_read, read);
        if (setting_of) {
                must(text_copy(read->symbol, sizeof read->symbol, setting_of->symbol));
                venue->ops->read_setting(venue, user, setting_of, setting_read, read);
        }
        return read;
}

/* What the mirror lacks of the account besides its state. */
static unsigned missing(struct keeper *keeper, const struct addr *user, const char *dex)
{
        struct mirror_view view = {.position_max = 0};
        enum errc rc = mirror_view(keeper->mirror, user, dex, keeper_impl_now(keeper), &view);
        unsigned parts = PART_STATE;

        if (rc == E_NOT_FOUND)
                return PART_STATE | PART_ORDERS | PART_POOL;
        if (!view.orders_known || (view.doubts & DOUBT_ORDERS))
                parts |= PART_ORDERS;
        if (view.pool == MARGIN_POOL_UNKNOWN)
                parts |= PART_POOL;
        return parts;
}

static void wait_for(struct read *read, keeper_done *done, void *cookie)
{
        struct waiter *waiter = xcalloc(1, sizeof *waiter), **last = &read->waiters;

        waiter->done = done;
        waiter->cookie = cookie;
        while (*last)
                last = &(*last)->next;
        *last = waiter;
}

void keeper_read(struct keeper *keeper, const struct addr *user, const char *dex, unsigned parts,
                 const char *symbol, keeper_done *done, void *cookie)
{
        const struct venue *venue = keeper->o.venue;
        struct read *read = find(keeper, user, dex);
        const struct market *m = NULL;

        if (symbol[0])
                m = venue->ops->market_by_symbol(venue, symbol);
        parts |= missing(keeper, user, dex);
        if (!read || (parts & ~read->parts) || (m && strcmp(read->symbol, symbol) != 0))
                read = start(keeper, user, dex, parts, m, false);
        wait_for(read, done, cookie);
}

void keeper_read_order(struct keeper *keeper, const struct addr *user, const char *dex,
                       uint64_t oid)
{
        struct venue *venue = keeper->o.venue;
        struct read *read = begin(keeper, user, dex, 0, true);

        keeper->polled += WEIGHT_ORDER;
        read->open = 1;
        venue->ops->lookup(venue, user, NULL, oid, order_read, read);
}

void keeper_read_fills(struct keeper *keeper, const struct addr *user, const char *dex,
                       int64_t from, int64_t until)
{
        struct venue *venue = keeper->o.venue;
        struct read *read = begin(keeper, user, dex, 0, true);

        keeper->polled += WEIGHT_FILLS;
        read->from = from;
        read->until = until;
        read->open = 1;
        venue->ops->read_past_fills(venue, user, from, until + 1, fills_read, read);
}

/* --- polls --- */

static unsigned weight_of(unsigned parts, bool is_free)
{
        unsigned mode = parts & PART_POOL ? WEIGHT_MODE : 0U;

        if (is_free)
                return mode;
        return mode + (parts & PART_STATE ? WEIGHT_STATE : 0U) +
               (parts & PART_ORDERS ? WEIGHT_ORDERS : 0U);
}

/* The keeper's own share of each address's minute, and never the last that callers could use. */
static bool has_weight(struct keeper *keeper, const struct venue_budget *budget, int64_t now)
{
        if (now / MINUTE_MS != keeper->minute) {
                keeper->minute = now / MINUTE_MS;
                keeper->polled = 0;
        }
        return keeper->polled < keeper->o.poll_weight * budget->n_addresses &&
               budget->weight_left > budget->order_reserve + budget->weight_per_minute / 8;
}

/* False: no more polls now. */
static bool poll_next(struct keeper *keeper, const struct venue_budget *budget, int64_t now)
{
        bool is_free = budget->free_polls > 0, may_spend = has_weight(keeper, budget, now);
        struct mirror_need need;

        if ((!is_free && !may_spend) || !mirror_next_need(keeper->mirror, now, &need))
                return false;
        if (!may_spend)
                need.parts &= ~(unsigned)PART_POOL;
        keeper->polled += weight_of(need.parts, is_free);
        if (need.parts)
                (void)start(keeper, &need.user, need.dex, need.parts, NULL, true);
        return true;
}

static unsigned at_least(unsigned v, unsigned least)
{
        return v > least ? v : least;
}

void keeper_reads_tick(struct keeper *keeper, int64_t now)
{
        struct venue_budget budget;
        unsigned n, at_once;

        keeper->o.venue->ops->budget(keeper->o.venue, &budget);
        n = at_least(POLLS_A_TICK, budget.free_polls);
        at_once = at_least(keeper->o.polls_at_once, budget.free_polls);
        while (n-- > 0 && keeper->n_reads < at_once && poll_next(keeper, &budget, now))
                keeper->o.venue->ops->budget(keeper->o.venue, &budget);
}

void keeper_reads_close(struct keeper *keeper)
{
        struct err err = {.code = E_OK};

        (void)err_set(&err, E_INTERNAL, "The gateway is ending.");
        while (!list_empty(&keeper->reads)) {
                struct read *read = list_entry(keeper->reads.next, struct read, at);
                struct waiter *waiters = read->waiters;

                list_remove(&read->at);
                read->waiters = NULL;
                read->keeper = NULL; /* freed with its last answer */
                tell_waiters(waiters, &err);
        }
}
