/* After the last step's end is known: leverage that was set for an order of which nothing stands is put
 * back, margin that was to follow a fill is moved. Both are signed anew, by the agent of now, as intents of
 * their own (kind "repair") whose ids follow from the plan's, so that each is done once at most. */
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "api/errand.h"
#include "api/recovery_impl.h"
#include "base/mem.h"
#include "plan/plan.h"

static void end(struct recovery_case *c, enum recover_word word, const char *note)
{
        if (note)
                recovery_impl_step(c)->note = note;
        recovery_impl_heard(c, word);
}

static void repaired(void *cookie, enum errc rc, enum intent_state state, const struct err *err)
{
        struct recovery_case *c = cookie;
        bool is_done = rc == E_EXISTS || (!rc && state == INTENT_DONE);

        if (rc == E_STORE_DOWN || rc == E_DRAINING || rc == E_RANGE) {
                end(c, RECOVER_SAYS_NOTHING, NULL);
        } else if (is_done) {
                c->was_put_back |= c->now.act == RECOVER_PUT_BACK;
                end(c, RECOVER_SAYS_DONE, NULL);
        } else if (!rc && state == INTENT_UNKNOWN) {
                end(c, RECOVER_SAYS_REFUSED, "The venue did not say yet whether this was done.");
        } else {
                recovery_impl_step(c)->refusal = *err;
                end(c, RECOVER_SAYS_REFUSED,
                    rc == E_AGENT ? "The account has no approved agent any more." : NULL);
        }
}

static void errand(struct recovery_case *c, struct errand *what)
{
        static const char context[crypto_generichash_KEYBYTES] = "perpgate repair";
        uint8_t seed[sizeof c->key.id.b + 1];

        text_copy(what->brand, sizeof what->brand, c->key.brand);
        what->account = c->key.account;
        what->wallet = c->intent.has_master ? c->intent.master : c->intent.account;
        text_copy(what->kind, sizeof what->kind, "repair");
        text_copy(what->symbol, sizeof what->symbol, c->market.symbol);
        memcpy(seed, c->key.id.b, sizeof c->key.id.b);
        seed[sizeof c->key.id.b] = (uint8_t)c->now.step;
        what->has_id = true;
        must(crypto_generichash(what->id.b, sizeof what->id.b, seed, sizeof seed,
                                (const uint8_t *)context, sizeof context) == 0);
        errand_start(c->api, what, repaired, c);
}

static const struct venue_position *position_of(const struct venue_account *account,
                                                const char *symbol)
{
        for (unsigned i = 0; i < account->n_positions; i++)
                if (strcmp(account->position[i].symbol, symbol) == 0)
                        return &account->position[i];
        return NULL;
}

/* --- leverage: only while it is as the plan has left it, and nobody counts on it --- */

static void put_back(struct recovery_case *c)
{
        const struct letter *l = &recovery_impl_step(c)->letter;
        struct errand what = {.step = "setLeverage", .is_put_back = true};

        what.action.kind = VENUE_SET_LEVERAGE;
        what.action.asset = l->asset;
        what.action.u.leverage.mode = l->mode_before;
        what.action.u.leverage.leverage = l->leverage_before;
        errand(c, &what);
}

static void orders_read(void *cookie, const struct err *err, const struct venue_open_order *orders,
                        size_t n)
{
        struct recovery_case *c = cookie;

        if (err->code) {
                end(c, RECOVER_SAYS_NOTHING, NULL);
                return;
        }
        for (size_t i = 0; i < n; i++) {
                if (strcmp(orders[i].symbol, c->market.symbol) != 0 ||
                    orders[i].placed_at < c->created_at)
                        continue;
                end(c, RECOVER_SAYS_REFUSED,
                    "It stays: an order was placed since that may count on it.");
                return;
        }
        put_back(c);
}

static void account_read(void *cookie, const struct err *err, struct venue_account *account)
{
        struct recovery_case *c = cookie;
        struct venue *venue = c->api->o.venue;
        const struct venue_position *p = NULL;
        int64_t size;

        if (err->code) {
                end(c, RECOVER_SAYS_NOTHING, NULL);
                return;
        }
        p = position_of(account, c->market.symbol);
        size = p ? p->p.size.v : 0;
        if (size != recovery_impl_step(c)->letter.held_size.v)
                end(c, RECOVER_SAYS_REFUSED, "It stays: the position has changed since.");
        else
                venue->ops->read_open_orders(venue, &c->key.account, c->market.dex, orders_read, c);
}

static void setting_read(void *cookie, const struct err *err, const struct venue_setting *setting)
{
        struct recovery_case *c = cookie;
        struct venue *venue = c->api->o.venue;
        const struct letter *l = &recovery_impl_step(c)->letter;

        if (err->code)
                end(c, RECOVER_SAYS_NOTHING, NULL);
        else if (setting->mode != l->mode || setting->leverage != l->leverage)
                end(c, RECOVER_SAYS_REFUSED, "It was set anew since.");
        else
                venue->ops->read_account(venue, &c->key.account, c->market.dex, account_read, c);
}

static void put_back_in_line(struct recovery_case *c)
{
        struct venue *venue = c->api->o.venue;

        if (c->api->draining || !recovery_impl_market(c, recovery_impl_step(c)))
                end(c, RECOVER_SAYS_NOTHING, NULL);
        else
                venue->ops->read_setting(venue, &c->key.account, &c->market, setting_read, c);
}

void recovery_repair_put_back(struct recovery_case *c)
{
        recovery_impl_enter(c, put_back_in_line);
}

/* --- margin: as much as the plan would have moved, judged by the account as it is now --- */

static struct qty filled(const struct recovery_case *c)
{
        int order = recovery_case_order_step(c);

        must(order >= 0 && c->step[order].n_items);
        return c->item[c->step[order].first_item].item.filled;
}

static void plan_again(struct plan *plan, const struct recovery_case *c, const struct letter *l)
{
        text_copy(plan->symbol, sizeof plan->symbol, c->market.symbol);
        plan->asset = l->asset;
        plan->n_steps = 1;
        plan->order_step = -1;
        plan->adjust_step = 0;
        plan->step[0].action.kind = VENUE_ADJUST_MARGIN;
        plan->step[0].action.asset = l->asset;
        plan->step[0].status = STEP_PENDING;
        plan->step[0].amount_pending = true;
        plan->size = l->size;
        plan->risk.size_after = l->held_size;
        plan->margin_asked = l->amount;
        plan->collateral_before = l->held_cash;
}

static void move_margin(struct recovery_case *c, const struct plan *plan,
                        const struct venue_account *account)
{
        const struct venue_position *p = position_of(account, c->market.symbol);
        struct errand what = {.step = "adjustMargin", .action = plan->step[0].action};

        if (p) {
                what.held_size = p->p.size;
                what.held_cash = p->p.raw_usd;
        }
        c->moved = what.action.u.margin.amount;
        errand(c, &what);
}

static void account_after(void *cookie, const struct err *err, struct venue_account *account)
{
        struct recovery_case *c = cookie;
        struct plan *plan = xcalloc(1, sizeof *plan); /* too large for the stack */

        plan_again(plan, c, &recovery_impl_step(c)->letter);
        if (err->code || plan_adjust_after_fill(plan, filled(c), account))
                end(c, RECOVER_SAYS_NOTHING, NULL);
        else if (plan->step[0].status == STEP_PENDING)
                move_margin(c, plan, account);
        else
                end(c, RECOVER_SAYS_REFUSED,
                    "There is no margin to move: the position has what was asked for, or is not "
                    "what this order made it.");
        free(plan);
}

static void margin_in_line(struct recovery_case *c)
{
        struct venue *venue = c->api->o.venue;

        if (c->api->draining || !recovery_impl_market(c, recovery_impl_step(c)))
                end(c, RECOVER_SAYS_NOTHING, NULL);
        else
                venue->ops->read_account(venue, &c->key.account, c->market.dex, account_after, c);
}

void recovery_repair_add_margin(struct recovery_case *c)
{
        recovery_impl_enter(c, margin_in_line);
}
