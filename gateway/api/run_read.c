/* What the venue says now: account, setting, book, fees, and open orders where they matter. */
#include <stdlib.h>
#include <string.h>

#include "api/mirrored.h"
#include "api/run.h"
#include "base/mem.h"

/* The market's copy takes the prices that were read for this request: those of the poll may be
 * seconds old. */
static void freshen(struct run *run)
{
        const struct venue_book *book = &run->book;

        if (run->setting.mark.v > 0) {
                run->market.mark = run->setting.mark;
                run->market.context_at = state_now(run->api);
        }
        if (run->has_book && book->n[0] && book->n[1]) {
                int64_t bid = book->level[0][0].price.v, ask = book->level[1][0].price.v;
                run->market.mid.v = bid + (ask - bid) / 2;
                run->market.has_mid = true;
        }
}

static void read_done(struct run *run, const struct err *err)
{
        if (err->code && !run->err.code)
                run->err = *err;
        if (--run->reading)
                return;
        if (run->err.code) {
                pipeline_fail(run);
                return;
        }
        freshen(run);
        pipeline_next(run);
}

static void orders_read(void *cookie, const struct err *err, const struct venue_open_order *orders,
                        size_t n)
{
        struct run *run = cookie;

        if (!err->code) {
                run->orders = xcalloc(n + 1, sizeof *run->orders);
                if (n)
                        memcpy(run->orders, orders, n * sizeof *orders);
                run->n_orders = n;
                if (run->q.kind == RUN_MODIFY)
                        run_find_again(run);
        }
        read_done(run, err);
}

/* A check may stand on the mirror; what it refuses is looked at again as the venue says. */
static enum mirrored_age age_of(const struct run *run)
{
        return run->is_second_look ? MIRRORED_NOW : MIRRORED_CHECK;
}

/* Removing margin must not put the liquidation price before a stop that stands. */
static bool may_remove_margin(const struct run *run)
{
        return run->q.target.has_price || run->q.target.has_leverage || run->q.amount.v < 0;
}

/* Open orders matter where the mode would change: they would be in its way. */
bool run_read_plans_orders(const struct run *run)
{
        enum margin_mode wanted = run->policy.default_mode;

        if (run->q.kind == RUN_LEVERAGE || run->q.kind == RUN_MODIFY || run->q.kind == RUN_TPSL)
                return true;
        if (run->q.kind == RUN_MARGIN)
                return may_remove_margin(run);
        if (!run_is_order(run))
                return false;
        if (run->q.order.has_mode)
                wanted = run->q.order.mode;
        return wanted != run->setting.mode;
}

/* The order comes from somebody who sets them apart from it. */
static void keep_setting(struct run *run)
{
        struct plan_order_request *order = &run->q.order;

        order->has_mode = true;
        order->mode = run->setting.mode;
        order->has_leverage = run->setting.leverage > 0;
        order->leverage = run->setting.leverage;
}

/* Resting orders stand in the way of another mode, and a preview shows those that protect the position;
 * of one that is asked for its verdict nobody sees them. */
static void setting_known(struct run *run)
{
        static const struct err ok = {.code = E_OK};
        bool is_shown = run->q.preview && !run->q.keeps_setting;

        if (run->q.keeps_setting)
                keep_setting(run);
        if (is_shown || run_read_plans_orders(run))
                mirrored_orders(run->api, &run->call->account, run->market.dex, age_of(run),
                                orders_read, run);
        else
                read_done(run, &ok);
}

static void setting_read(void *cookie, const struct err *err, const struct venue_setting *s)
{
        struct run *run = cookie;

        if (err->code) {
                read_done(run, err);
                return;
        }
        run->setting = *s;
        setting_known(run);
}

/* An open position tells leverage and mode; a flat symbol has to be asked for them. */
static void account_state_read(void *cookie, const struct err *err, struct venue_account *account)
{
        struct run *run = cookie;

        if (err->code) {
                read_done(run, err);
                return;
        }
        run->before = *account;
        *account = (struct venue_account){.n_positions = 0};
        for (unsigned i = 0; i < run->before.n_positions; i++) {
                const struct venue_position *p = &run->before.position[i];
                if (strcmp(p->symbol, run->q.symbol) != 0)
                        continue;
                run->setting.mode = p->p.mode;
                run->setting.leverage = p->p.leverage;
                (void)!num_px_for(&run->setting.mark, p->p.value,
                                  (struct qty){num_abs(p->p.size.v)}, NUM_NEAREST);
                setting_known(run);
                return;
        }
        mirrored_setting(run->api, &run->call->account, &run->market, age_of(run), setting_read,
                         run);
}

static void book_read(void *cookie, const struct err *err, const struct venue_book *book)
{
        static const struct err none = {.code = E_OK};
        struct run *run = cookie;

        if (!err->code) {
                run->book = *book;
                run->has_book = true;
        }
        /* A close bounds its price without the book: it is not held up by one that can't be read. */
        read_done(run, run->q.kind == RUN_CLOSE ? &none : err);
}

/* Where collateral is pooled over dexes and spot, the account's own figures don't tell its risk: what
 * opens risk is refused, what reduces it is not. */
static void check_mode(struct run *run)
{
        bool reduces = run->q.kind == RUN_CLOSE || run->q.kind == RUN_TPSL ||
                       (run_is_order(run) && run->q.order.reduce_only) ||
                       (run->q.kind == RUN_MODIFY && run->old.reduce_only);

        if (!reduces && strcmp(run->facts.mode, "standard") != 0)
                (void)err_set(&run->err, E_FORBIDDEN,
                              "The account's collateral mode is %s, whose risk can't be judged "
                              "here; positions can be closed and reduced.",
                              run->facts.mode);
}

static void facts_read(void *cookie, const struct err *err, const struct account_facts *facts)
{
        struct run *run = cookie;

        if (!err->code) {
                run->facts = *facts;
                check_mode(run);
        }
        read_done(run, err);
}

void run_read_again(struct run *run)
{
        venue_account_fini(&run->before);
        run->before = (struct venue_account){.n_positions = 0};
        free(run->orders);
        run->orders = NULL;
        run->n_orders = 0;
        run->has_book = false;
        run->plan = (struct plan){.n_steps = 0};
        run->err = (struct err){.code = E_OK};
        run->is_second_look = true;
        run_read(run);
}

void run_read(struct run *run)
{
        const struct venue_ops *ops = run->venue->ops;
        const struct addr *user = &run->call->account;
        bool wants_book =
                run->q.kind == RUN_CLOSE ||
                (run_is_order(run) && plan_order_may_meet_book(&run->q.order, &run->market));

        if (!pipeline_has_market(run->q.kind)) {
                run_sub_read(run);
                return;
        }
        run->reading = 2 + (wants_book ? 1 : 0);
        mirrored_account(run->api, user, run->market.dex, age_of(run), account_state_read, run);
        accounts_facts(run->api->accounts, user, facts_read, run);
        if (wants_book)
                ops->read_book(run->venue, &run->market, book_read, run);
}
