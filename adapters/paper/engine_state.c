#include <string.h>

#include "adapters/paper/engine_state.h"
#include "base/mem.h"

/* The engine's state as bytes (archive.h), in this order:
 *
 *   markets     how many; of each what makes it the same market, then its prices
 *   counters    fees, last oid, last trade, calls, time
 *   accounts    in the order they came: balances by dex, settings and positions, open orders and ended ones
 *               (each list oldest first), fills
 *   ladders     of each market: which orders stand where, since time priority is not otherwise known;
 *               then who holds a position, in the order in which they are looked at
 *   distressed  accounts waiting for a liquidation
 *
 * Margin reserved, open interest, sizes of levels and the indexes follow from these and are made
 * anew. A member added to the structs named here belongs here too. */

#define STATUS_TEXT_MAX 48

/* ---- Fields: the same walk writes and reads -------------------------------------------------- */

/* A text that is a constant of the program. */
static void word(struct archive *a, const char **text, const char *(*find)(const char *text))
{
        char copy[STATUS_TEXT_MAX] = "";

        if (!archive_is_reading(a))
                (void)text_copy(copy, sizeof copy, *text);
        archive_text(a, copy, sizeof copy);
        if (!archive_is_reading(a))
                return;
        *text = find(copy);
        (void)archive_want(a, *text != NULL, "a status or direction is unknown");
}

static void request_fields(struct archive *a, struct engine_order *o)
{
        unsigned tif = o->tif;

        archive_bool(a, &o->is_buy);
        archive_px(a, &o->price);
        archive_qty(a, &o->size);
        archive_qty(a, &o->original_size);
        archive_bool(a, &o->reduce_only);
        archive_bool(a, &o->is_trigger);
        archive_bool(a, &o->trigger_is_market);
        archive_bool(a, &o->is_take_profit);
        archive_bool(a, &o->is_position_tpsl);
        archive_px(a, &o->trigger_price);
        archive_choice(a, &tif, ENGINE_LIQUIDATION_MARKET);
        o->tif = (enum engine_tif)tif;
        archive_bool(a, &o->has_cloid);
        archive_bytes(a, o->cloid.b, sizeof o->cloid.b);
        archive_u64(a, &o->twap_id);
}

void engine_state_order(struct archive *a, struct engine_order *o)
{
        archive_u64(a, &o->oid);
        archive_u32(a, &o->asset);
        request_fields(a, o);
        archive_i64(a, &o->placed_at);
        word(a, &o->status, engine_order_status);
        archive_i64(a, &o->status_at);
        archive_u64(a, &o->parent_oid);
        archive_addr(a, &o->builder);
        archive_u32(a, &o->builder_fee);
}

void engine_state_fill(struct archive *a, struct engine_fill *f)
{
        archive_u64(a, &f->tid);
        archive_u64(a, &f->oid);
        archive_u32(a, &f->asset);
        archive_bool(a, &f->is_buy);
        archive_px(a, &f->price);
        archive_qty(a, &f->size);
        archive_qty(a, &f->start_position);
        archive_usd(a, &f->closed_pnl);
        archive_usd(a, &f->fee);
        archive_usd(a, &f->builder_fee);
        archive_bool(a, &f->crossed);
        archive_i64(a, &f->at);
        archive_bytes(a, f->hash.b, sizeof f->hash.b);
        archive_bool(a, &f->has_cloid);
        archive_bytes(a, f->cloid.b, sizeof f->cloid.b);
        archive_u64(a, &f->twap_id);
        word(a, &f->direction, engine_fill_direction);
        archive_bool(a, &f->is_liquidation);
        archive_bool(a, &f->liquidation_is_backstop);
        archive_addr(a, &f->liquidated_user);
        archive_px(a, &f->liquidation_mark);
}

void engine_state_slot(struct archive *a, struct slot *s)
{
        unsigned mode = s->mode;

        archive_choice(a, &mode, MARGIN_CROSS);
        s->mode = (enum margin_mode)mode;
        archive_unsigned(a, &s->leverage);
        archive_qty(a, &s->p.size);
        archive_usd(a, &s->p.value);
        archive_usd(a, &s->p.entry_notional);
        archive_usd(a, &s->p.raw_usd);
        mode = s->p.mode;
        archive_choice(a, &mode, MARGIN_CROSS);
        s->p.mode = (enum margin_mode)mode;
        archive_unsigned(a, &s->p.leverage);
        archive_usd(a, &s->funding_all_time);
        archive_usd(a, &s->funding_since_open);
        archive_usd(a, &s->funding_since_change);
}

void engine_state_account(struct archive *a, struct account *account)
{
        archive_bool(a, &account->is_known);
        archive_bool(a, &account->is_house);
        archive_rate(a, &account->taker);
        archive_rate(a, &account->maker);
        for (unsigned dex = 0; dex < ENGINE_DEXES_MAX; dex++)
                archive_usd(a, &account->pool[dex].cash);
        archive_i64(a, &account->cooldown_until);
}

/* What must be the same for the state to mean the same. */
static void spec_fields(struct archive *a, struct engine_market_spec *s)
{
        archive_text(a, s->name, sizeof s->name);
        archive_unsigned(a, &s->sz_decimals);
        archive_unsigned(a, &s->max_leverage);
        archive_unsigned(a, &s->tiers.n);
        (void)archive_want(a, s->tiers.n <= MARGIN_TIERS_MAX, "a market has too many tiers");
        for (unsigned i = 0; i < s->tiers.n && i < MARGIN_TIERS_MAX; i++) {
                archive_usd(a, &s->tiers.tier[i].lower_bound);
                archive_unsigned(a, &s->tiers.tier[i].max_leverage);
        }
        archive_bool(a, &s->only_isolated);
        archive_bool(a, &s->strict_isolated);
        archive_bool(a, &s->is_delisted);
        archive_unsigned(a, &s->dex);
        archive_u32(a, &s->id);
        archive_unsigned(a, &s->fee_share);
        archive_unsigned(a, &s->rebate_share);
        archive_usd(a, &s->open_interest_cap);
}

static bool is_same_market(const struct engine_market_spec *a, const struct engine_market_spec *b)
{
        if (strcmp(a->name, b->name) != 0 || a->sz_decimals != b->sz_decimals ||
            a->max_leverage != b->max_leverage || a->tiers.n != b->tiers.n ||
            a->only_isolated != b->only_isolated || a->strict_isolated != b->strict_isolated ||
            a->is_delisted != b->is_delisted || a->dex != b->dex || a->id != b->id ||
            a->fee_share != b->fee_share || a->rebate_share != b->rebate_share ||
            a->open_interest_cap.v != b->open_interest_cap.v)
                return false;
        for (unsigned i = 0; i < a->tiers.n; i++)
                if (a->tiers.tier[i].lower_bound.v != b->tiers.tier[i].lower_bound.v ||
                    a->tiers.tier[i].max_leverage != b->tiers.tier[i].max_leverage)
                        return false;
        return true;
}

static void market_fields(struct archive *a, struct listing *listing)
{
        struct engine_market_spec spec = {.name = ""};

        if (!archive_is_reading(a))
                spec = listing->spec;
        spec_fields(a, &spec);
        if (!archive_want(a, is_same_market(&spec, &listing->spec),
                          "it was saved with other markets"))
                return;
        archive_px(a, &listing->mark);
        archive_px(a, &listing->oracle);
        archive_px(a, &listing->last);
        (void)archive_want(a,
                           listing->mark.v >= 0 && listing->oracle.v >= 0 && listing->last.v >= 0,
                           "a price is negative");
}

void engine_state_head(struct archive *a, struct engine *engine)
{
        size_t n = engine->n_listings;

        archive_size(a, &n);
        if (!archive_want(a, n == engine->n_listings, "it was saved with other markets"))
                return;
        for (size_t i = 0; i < n; i++)
                market_fields(a, &engine->listing[i]);
        for (unsigned dex = 0; dex < ENGINE_DEXES_MAX; dex++)
                archive_usd(a, &engine->fees[dex]);
        for (unsigned dex = 0; dex < ENGINE_DEXES_MAX; dex++)
                archive_usd(a, &engine->deposited[dex]);
        archive_u64(a, &engine->last_oid);
        archive_u64(a, &engine->last_trade);
        archive_u64(a, &engine->calls);
        archive_i64(a, &engine->now);
}

/* ---- Saving ---------------------------------------------------------------------------------- */

static void count(struct archive *a, size_t n)
{
        archive_size(a, &n);
}

static void id(struct archive *a, const struct order *order)
{
        uint64_t oid = order ? order->pub.oid : 0;

        archive_u64(a, &oid);
}

static void save_orders(const struct engine *engine, struct archive *a, const struct list *orders,
                        size_t n)
{
        count(a, n);
        list_each (it, orders) {
                struct order *order = list_entry(it, struct order, in_account);
                bool is_named = engine_order_is_named(engine, order);
                unsigned state = order->state;

                engine_state_order(a, &order->pub);
                archive_choice(a, &state, ORDER_DONE);
                archive_qty(a, &order->filled);
                archive_bool(a, &order->follows_position);
                archive_bool(a, &is_named);
                for (size_t i = 0; i < ENGINE_CHILDREN_MAX; i++)
                        id(a, order->child[i]);
                id(a, order->sibling);
        }
}

static void save_account(const struct engine *engine, struct archive *a, struct account *account)
{
        size_t n = 0;

        archive_addr(a, &account->addr);
        engine_state_account(a, account);
        for (size_t i = 0; i < engine->n_listings; i++)
                n += account->slot[i] != NULL;
        count(a, n);
        for (uint32_t i = 0; i < engine->n_listings; i++) {
                uint32_t asset = i;

                if (!account->slot[i])
                        continue;
                archive_u32(a, &asset);
                engine_state_slot(a, account->slot[i]);
        }
        save_orders(engine, a, &account->open, account->n_open);
        save_orders(engine, a, &account->done, account->n_done);
        count(a, account->n_fills);
        list_each (it, &account->fills)
                engine_state_fill(a, &list_entry(it, struct fill_node, in_account)->fill);
}

static void save_ladder(struct archive *a, const struct ladder *ladder)
{
        count(a, ladder->n);
        for (size_t i = 0; i < ladder->n; i++) {
                archive_px(a, &ladder->level[i]->price);
                count(a, ladder->level[i]->n_orders);
                list_each (it, &ladder->level[i]->orders)
                        id(a, list_entry(it, struct order, in_level));
        }
}

static void save_holders(struct archive *a, const struct listing *listing)
{
        size_t n = 0;

        list_each (it, &listing->holders)
                n++;
        count(a, n);
        list_each (it, &listing->holders)
                archive_addr(a, &list_entry(it, struct slot, in_holders)->account->addr);
}

void engine_state_save(const struct engine *engine, struct archive *a)
{
        struct engine head = *engine; /* written through, as reading needs it; never changed */
        size_t n = 0;

        engine_state_head(a, &head);
        count(a, engine->n_accounts);
        for (size_t i = 0; i < engine->n_accounts; i++)
                save_account(engine, a, engine->account[i]);
        for (size_t i = 0; i < engine->n_listings; i++) {
                for (int side = 0; side < 2; side++) {
                        save_ladder(a, &engine->listing[i].book[side]);
                        save_ladder(a, &engine->listing[i].trigger[side]);
                }
                save_holders(a, &engine->listing[i]);
        }
        list_each (it, &engine->distressed)
                n++;
        count(a, n);
        list_each (it, &engine->distressed)
                archive_addr(a, &list_entry(it, struct account, in_distressed)->addr);
}
