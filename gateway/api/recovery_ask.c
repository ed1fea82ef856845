/* What became of a step: the venue is asked about the orders it named, about the leverage or the cash of
 * the position, and what it says is put into one word. */
#include <string.h>

#include "api/mirrored.h"
#include "api/recovery_impl.h"
#include "base/mem.h"
#include "plan/order_life.h"

/* --- orders and cancels, one name after another --- */

static void look_next(struct recovery_case *c);

static bool is_over(enum venue_item_status status)
{
        switch (status) {
        case ITEM_RESTING:
        case ITEM_WAITING_PARENT:
        case ITEM_TRIGGER_PENDING: return false;
        case ITEM_FILLED:
        case ITEM_CANCELLED:
        case ITEM_REFUSED: return true;
        }
        never("item status");
}

static void take_status(struct recovery_item *item, const struct venue_order_status *s)
{
        struct venue_item *out = &item->item;

        item->was_asked = true;
        item->is_found = s->found;
        *out = (struct venue_item){.status = ITEM_REFUSED};
        if (!s->found)
                return;
        text_copy(item->word, sizeof item->word, s->status);
        if (!order_life_item(out, s))
                out->status = ITEM_RESTING; /* there, in a state of its own */
        out->oid = s->order.oid;
        out->filled.v = s->order.original_size.v - s->order.size.v;
        if (out->status == ITEM_REFUSED) {
                out->refusal = E_VENUE_REJECTED;
                text_copy(out->venue_message, sizeof out->venue_message, s->status);
        }
}

/* An action is taken as a whole: where one of its orders is known, those that are not were refused. */
static enum recover_word orders_say(struct recovery_case *c, struct recovery_step *s)
{
        bool is_found = false, arrived = false;

        for (unsigned i = 0; i < s->n_items; i++) {
                is_found |= c->item[s->first_item + i].is_found;
                arrived |= recovery_case_item_arrived(&c->item[s->first_item + i]);
        }
        if (!is_found)
                return RECOVER_SAYS_MISSING;
        if (s->n_items > 1 && !recovery_case_is_batch(c) && strcmp(c->intent.kind, "tpsl") != 0)
                arrived = recovery_case_item_arrived(
                        &c->item[s->first_item]); /* the others are its legs */
        return arrived ? RECOVER_SAYS_DONE : RECOVER_SAYS_REFUSED;
}

/* A cancel is done where what it named is gone; where that was filled, there was nothing to cancel. */
static enum recover_word cancels_say(struct recovery_case *c, struct recovery_step *s)
{
        bool is_filled = s->n_items > 0;

        for (unsigned i = 0; i < s->n_items; i++) {
                const struct recovery_item *item = &c->item[s->first_item + i];
                if (item->is_found && !is_over(item->item.status))
                        return RECOVER_SAYS_MISSING;
                is_filled &= item->is_found && item->item.status == ITEM_FILLED;
        }
        if (!is_filled)
                return RECOVER_SAYS_DONE;
        (void)err_set(&s->refusal, E_NOT_FOUND,
                      "The order was filled before it could be cancelled.");
        return RECOVER_SAYS_REFUSED;
}

static void looked_up(void *cookie, const struct err *err, const struct venue_order_status *status)
{
        struct recovery_case *c = cookie;
        struct recovery_step *s = recovery_impl_step(c);

        if (err->code) {
                recovery_impl_heard(c, RECOVER_SAYS_NOTHING);
                return;
        }
        take_status(&c->item[s->first_item + c->looking], status);
        c->looking++;
        look_next(c);
}

static void look_next(struct recovery_case *c)
{
        struct recovery_step *s = recovery_impl_step(c);
        const struct venue_cancel *name = &c->item[s->first_item + c->looking].name;

        if (c->looking < s->n_items)
                mirrored_lookup(c->api, &c->key.account, name->by_cloid ? &name->cloid : NULL,
                                name->oid, looked_up, c);
        else
                recovery_impl_heard(c, s->kind == REC_ORDER ? orders_say(c, s) : cancels_say(c, s));
}

/* --- leverage --- */

static void setting_read(void *cookie, const struct err *err, const struct venue_setting *setting)
{
        struct recovery_case *c = cookie;
        const struct letter *l = &recovery_impl_step(c)->letter;

        if (err->code)
                recovery_impl_heard(c, RECOVER_SAYS_NOTHING);
        else
                recovery_impl_heard(c, setting->mode == l->mode && setting->leverage == l->leverage
                                               ? RECOVER_SAYS_DONE
                                               : RECOVER_SAYS_MISSING);
}

/* --- margin: the position's own cash tells --- */

static const struct venue_position *position_of(const struct venue_account *account,
                                                const char *symbol)
{
        for (unsigned i = 0; i < account->n_positions; i++)
                if (strcmp(account->position[i].symbol, symbol) == 0)
                        return &account->position[i];
        return NULL;
}

/* Funding moves the cash too, and is small beside what is moved on purpose. */
static enum recover_word cash_says(struct recovery_step *s, const struct venue_position *p)
{
        const struct letter *l = &s->letter;
        int64_t moved;

        if (!p || p->p.size.v != l->held_size.v) {
                s->note = "The position has changed since, and nothing tells any more whether the "
                          "margin was moved: it counts as moved.";
                return RECOVER_SAYS_DONE;
        }
        moved = p->p.raw_usd.v - l->held_cash.v;
        if (l->amount.v > 0 ? moved > l->amount.v / 2 : moved < l->amount.v / 2)
                return RECOVER_SAYS_DONE;
        return RECOVER_SAYS_MISSING;
}

static void account_read(void *cookie, const struct err *err, struct venue_account *account)
{
        struct recovery_case *c = cookie;

        if (err->code)
                recovery_impl_heard(c, RECOVER_SAYS_NOTHING);
        else
                recovery_impl_heard(c, cash_says(recovery_impl_step(c),
                                                 position_of(account, c->market.symbol)));
}

/* --- by kind --- */

static void ask_setting(struct recovery_case *c)
{
        struct venue *venue = c->api->o.venue;

        venue->ops->read_setting(venue, &c->key.account, &c->market, setting_read, c);
}

static void ask_cash(struct recovery_case *c)
{
        struct venue *venue = c->api->o.venue;

        venue->ops->read_account(venue, &c->key.account, c->market.dex, account_read, c);
}

/* Not read yet, or gone for good: then nobody can be asked. */
static enum recover_word without_market(const struct recovery_case *c)
{
        struct venue_status status;

        c->api->o.venue->ops->status(c->api->o.venue, &status);
        return status.markets_at ? RECOVER_SAYS_MISSING : RECOVER_SAYS_NOTHING;
}

void recovery_ask(struct recovery_case *c)
{
        struct recovery_step *s = recovery_impl_step(c);

        switch (s->kind) {
        case REC_ORDER:
        case REC_CANCEL:
                c->looking = 0;
                look_next(c);
                break;
        case REC_LEVERAGE:
        case REC_MARGIN:
                if (!recovery_impl_market(c, s))
                        recovery_impl_heard(c, without_market(c));
                else if (s->kind == REC_LEVERAGE)
                        ask_setting(c);
                else
                        ask_cash(c);
                break;
        case REC_AGENT:
        case REC_BUILDER_FEE:
        case REC_FUNDS:
        case REC_SUB_ACCOUNT:
        case REC_SUB_TRANSFER: recovery_ask_more(c); break;
        case REC_UNTOLD: recovery_impl_heard(c, RECOVER_SAYS_MISSING); break;
        }
}
