#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "adapters/paper/engine_internal.h"

#define FILLS_MAX 2000
#define TID_BITS  50

/* A position and its cross account as a fill would leave them. */
struct outcome {
        struct margin_position p;
        struct margin_cross before, after;
        struct usd realized;
        int64_t cash;     /* change of the account's cross cash */
        int64_t absorbed; /* loss beyond an isolated position's cash, borne by the backstop */
};

static int64_t charge(num_wide top, num_wide bottom)
{
        int64_t micro = 0;

        /* Charges are rounded up, rebates down: both in the venue's favour. */
        must(num_div_wide(&micro, top, bottom * NUM_MICRO, top > 0 ? NUM_UP : NUM_DOWN) == E_OK);
        return micro * NUM_MICRO;
}

struct usd engine_fill_fee(const struct slot *slot, struct usd notional, bool is_taker,
                           uint32_t builder_fee, struct usd *builder_part)
{
        const struct engine_market_spec *spec = &slot->listing->spec;
        const struct account *account = slot->account;
        struct rate rate = is_taker ? account->taker : account->maker;
        int64_t share = rate.v > 0 ? spec->fee_share : spec->rebate_share;
        int64_t part = 0;

        builder_part->v = 0;
        if (account->is_house)
                return (struct usd){0};
        if (builder_fee)
                part = charge((num_wide)notional.v * builder_fee, 100000);
        builder_part->v = part;
        return (struct usd){add_exact(
                charge((num_wide)notional.v * rate.v * share, (num_wide)NUM_RATE_SCALE * 1000),
                part)};
}

/* A flip is a close and an opening; its fee is shared by size, in whole 0.000001. */
static bool apply(struct outcome *out, int64_t size, struct px price, int64_t fee, struct px mark)
{
        int64_t held = out->p.size.v;
        bool flips = held && (held < 0) != (size < 0) && num_abs(size) > num_abs(held);
        struct margin_fill part = {.size = {flips ? -held : size}, .price = price, .fee = {fee}};
        struct margin_fill rest = {.size = {size + held}, .price = price};

        if (flips) {
                if (num_muldiv(&part.fee.v, fee, num_abs(held), num_abs(size), NUM_NEAREST))
                        return false;
                part.fee.v = num_to_step(part.fee.v, NUM_MICRO, NUM_NEAREST);
                rest.fee.v = fee - part.fee.v;
        }
        if (margin_apply_fill(&out->p, &out->after, &part, mark, &out->realized))
                return false;
        return !flips || !margin_apply_fill(&out->p, &out->after, &rest, mark, NULL);
}

static bool simulate(struct outcome *out, const struct slot *slot, int64_t size, struct px price,
                     struct usd fee)
{
        int64_t value = value_of(price, (struct qty){size}).v;
        int64_t cost = size < 0 ? -value : value;
        int64_t raw = 0;

        *out = (struct outcome){.p = slot->p};
        engine_account_cross(slot->account, slot->listing->spec.dex, &out->before);
        out->after = out->before;
        if (!apply(out, size, price, fee.v, slot->listing->mark))
                return false;
        out->cash = add_exact(out->after.account_value.v, -out->before.account_value.v);
        if (slot->p.mode == MARGIN_CROSS)
                out->cash = add_exact(out->cash, signed_value(&slot->p) - signed_value(&out->p));
        else
                raw = add_exact(out->p.raw_usd.v, -slot->p.raw_usd.v);
        out->absorbed = add_exact(add_exact(out->cash, raw), add_exact(cost, fee.v));
        must(out->absorbed >= 0);
        return true;
}

/* The part of a fill that closes must be paid for by what it closes: of a flip too, since a loss
 * beyond an isolated position's cash counts as absorbed. */
static bool closing_is_covered(const struct slot *slot, const struct outcome *out)
{
        if (out->absorbed)
                return false;
        if (slot->p.mode == MARGIN_ISOLATED)
                return !out->p.size.v || isolated_equity(&out->p).v >= 0;
        return out->after.account_value.v >= 0 ||
               out->after.account_value.v >= out->before.account_value.v;
}

/* Initial margin, at the leverage set, for everything the account would hold and have resting. */
static bool opening_is_covered(const struct order *order, const struct outcome *out,
                               struct qty size)
{
        const struct slot *slot = order->slot;
        struct resting resting[2] = {slot->resting[0], slot->resting[1]};
        struct resting *own = &resting[order->pub.is_buy ? 0 : 1];
        int64_t reserved;

        if (order->state == ORDER_BOOK && !order->pub.reduce_only) {
                own->size -= size.v;
                own->notional -= value_of(order->pub.price, size).v;
        }
        reserved = add_exact(pool_of(slot)->reserved.v, -slot->reserved.v);
        reserved = add_exact(
                reserved, engine_account_reserve(slot, out->p.size.v, resting, slot->leverage).v);
        if (out->p.mode == MARGIN_ISOLATED && isolated_equity(&out->p).v < 0)
                return false;
        if (margin_max_leverage(&out->p.tiers, out->p.value) < slot->leverage)
                return false;
        return out->after.account_value.v >= add_exact(out->after.margin_used.v, reserved);
}

bool engine_fill_allowed(const struct engine *engine, const struct order *order, struct qty size,
                         struct px price, bool is_taker)
{
        const struct slot *slot = order->slot;
        int64_t held = slot->p.size.v;
        int64_t delta = signed_size(order->pub.is_buy, size.v);
        bool is_opposite = held && (held < 0) != (delta < 0);
        bool opens = !is_opposite || size.v > num_abs(held);
        struct usd part;
        struct usd fee;
        struct outcome out;

        fee = engine_fill_fee(slot, value_of(price, size), is_taker, order->pub.builder_fee, &part);
        if (!simulate(&out, slot, delta, price, fee))
                return false;
        if (opens && out.p.value.v > engine->value_cap.v)
                return false;
        if (slot->account->is_house)
                return true;
        if (opens && !opening_is_covered(order, &out, size))
                return false;
        return !is_opposite || closing_is_covered(slot, &out);
}

static const char *direction(int64_t held, int64_t size, const struct liquidation *liquidation,
                             const struct slot *slot)
{
        bool is_isolated = slot->mode == MARGIN_ISOLATED;

        if (liquidation && liquidation->is_backstop && liquidation->account == slot->account) {
                if (held > 0)
                        return is_isolated ? "Liquidated Isolated Long" : "Liquidated Cross Long";
                return is_isolated ? "Liquidated Isolated Short" : "Liquidated Cross Short";
        }
        if (!held || (held < 0) == (size < 0))
                return size > 0 ? "Open Long" : "Open Short";
        if (num_abs(size) > num_abs(held))
                return held > 0 ? "Long > Short" : "Short > Long";
        return held > 0 ? "Close Long" : "Close Short";
}

const char *engine_fill_direction(const char *text)
{
        static const char *const known[] = {
                "Open Long",
                "Open Short",
                "Close Long",
                "Close Short",
                "Long > Short",
                "Short > Long",
                "Liquidated Isolated Long",
                "Liquidated Cross Long",
                "Liquidated Isolated Short",
                "Liquidated Cross Short",
        };

        for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
                if (!strcmp(known[i], text))
                        return known[i];
        return NULL;
}

/* Kept newest last; the oldest makes room. */
static void keep(struct account *account, const struct engine_fill *fill)
{
        struct fill_node *node;

        if (account->n_fills == FILLS_MAX) {
                node = list_entry(account->fills.next, struct fill_node, in_account);
                list_remove(&node->in_account);
        } else {
                node = xcalloc(1, sizeof *node);
                account->n_fills++;
        }
        node->fill = *fill;
        list_push_back(&account->fills, &node->in_account);
}

static void describe(struct engine *engine, struct engine_fill *out, const struct side *side,
                     const struct liquidation *liquidation)
{
        const struct slot *slot = side->slot;

        *out = (struct engine_fill){
                .oid = side->order ? side->order->pub.oid : ++engine->last_oid,
                .asset = slot->listing->asset,
                .user = slot->account->addr,
                .is_buy = side->size > 0,
                .size = {num_abs(side->size)},
                .start_position = slot->p.size,
                .crossed = side->is_taker,
                .at = engine->now,
                .hash = *engine_call_hash(engine),
                .direction = direction(slot->p.size.v, side->size, liquidation, slot),
        };
        if (side->order && side->order->pub.has_cloid) {
                out->has_cloid = true;
                out->cloid = side->order->pub.cloid;
        }
        if (side->order && side->order->pub.twap_id) {
                out->twap_id = side->order->pub.twap_id;
                out->hash = (struct hash32){{0}};
        }
        if (liquidation) {
                out->is_liquidation = true;
                out->liquidation_is_backstop = liquidation->is_backstop;
                out->liquidated_user = liquidation->account->addr;
                out->liquidation_mark = slot->listing->mark;
        }
}

/* A liquidation that leaves part of an isolated position leaves it the whole margin: were a share of
 * it released, what remains would be as close to the edge as before. */
static void keep_margin(struct outcome *out)
{
        if (out->p.mode != MARGIN_ISOLATED || !out->p.size.v)
                return;
        out->p.raw_usd.v = add_exact(out->p.raw_usd.v, out->cash);
        out->cash = 0;
}

/* Where a fee goes: the builder's part to an account it has here, the rest to the venue. */
static void collect(struct engine *engine, const struct order *order, struct usd fee,
                    struct usd part)
{
        unsigned dex = order->slot->listing->spec.dex;
        struct account *builder = part.v ? engine_account_find(engine, &order->pub.builder) : NULL;

        if (builder && builder->is_known) {
                builder->pool[dex].cash.v = add_exact(builder->pool[dex].cash.v, part.v);
                fee.v -= part.v;
        }
        engine->fees[dex].v = add_exact(engine->fees[dex].v, fee.v);
}

void engine_fill_book(struct engine *engine, const struct side *side, struct px price, uint64_t tid,
                      const struct liquidation *liquidation, struct engine_fill *out)
{
        struct slot *slot = side->slot;
        struct account *account = slot->account;
        struct usd *backstop = &engine->backstop->pool[slot->listing->spec.dex].cash;
        uint32_t builder_fee = side->order ? side->order->pub.builder_fee : 0;
        bool is_transfer = !side->order;
        struct usd fee = {0};
        struct usd part = {0};
        struct outcome after;

        describe(engine, out, side, liquidation);
        if (!is_transfer)
                fee = engine_fill_fee(slot, value_of(price, out->size), side->is_taker, builder_fee,
                                      &part);
        must(simulate(&after, slot, side->size, price, fee));
        if (liquidation && liquidation->account == account)
                keep_margin(&after);
        pool_of(slot)->cash.v = add_exact(pool_of(slot)->cash.v, after.cash);
        engine_account_set_position(slot, &after.p);
        backstop->v = add_exact(backstop->v, -after.absorbed);
        if (fee.v)
                collect(engine, side->order, fee, part);
        out->tid = tid;
        out->price = price;
        out->fee = fee;
        out->builder_fee = part;
        out->closed_pnl.v = num_to_step(after.realized.v, NUM_MICRO, NUM_NEAREST);
        keep(account, out);
        if (engine->sink.fill)
                engine->sink.fill(engine->sink.cookie, out);
}

/* Every number of 50 bits once, in no visible order: the multiplier is odd. */
uint64_t engine_fill_next_tid(struct engine *engine)
{
        const uint64_t multiplier = UINT64_C(0x2545F4914F6CD);

        return ++engine->last_trade * multiplier & ((UINT64_C(1) << TID_BITS) - 1);
}

void engine_fills(const struct engine *engine, const struct addr *user,
                  void (*each)(void *cookie, const struct engine_fill *fill), void *cookie)
{
        struct account *account = engine_account_find(engine, user);

        if (!account)
                return;
        for (struct list *it = account->fills.prev; it != &account->fills; it = it->prev)
                each(cookie, &list_entry(it, struct fill_node, in_account)->fill);
}
