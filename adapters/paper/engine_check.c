#include <stdio.h>

#include "adapters/paper/engine_internal.h"

#define PRICE_DECIMALS_MAX  6
#define SIGNIFICANT_FIGURES 5
#define OPEN_ORDERS_MAX     1000
#define HOUSE_ORDERS_MAX    20000
#define ACTION_ORDERS_MAX   200

static const struct usd minimum_value = {10 * NUM_SCALE};

void engine_check_text(const struct engine *engine, char out[ENGINE_TEXT_MAX], const char *text,
                       uint32_t asset)
{
        snprintf(out, ENGINE_TEXT_MAX, "%.140s asset=%u", text,
                 asset < engine->n_listings ? engine->listing[asset].spec.id : asset);
}

/* Whether the limit price lies more than 80 percent away from its reference: the mark, or the
 * price at which a trigger fires. */
static bool is_out_of_band(const struct engine *engine, const struct engine_order_request *request)
{
        num_wide reference = engine->listing[request->asset].mark.v;
        num_wide apart;

        if (request->is_trigger && request->trigger_price.v > 0)
                reference = request->trigger_price.v;
        apart = request->price.v - reference;
        return 5 * (apart < 0 ? -apart : apart) > 4 * reference;
}

/* A group's orders concern one market; what protects is on the other side of what it protects. */
static bool group_fits(const struct engine_order_request *orders, size_t n,
                       enum engine_grouping grouping)
{
        size_t first = grouping == ENGINE_NORMAL_TPSL ? 1 : 0;

        if (grouping == ENGINE_NA)
                return true;
        if (n < first + 1 || n > first + ENGINE_CHILDREN_MAX || (first && orders[0].is_trigger))
                return false;
        for (size_t i = first; i < n; i++) {
                if (!orders[i].is_trigger || orders[i].asset != orders[0].asset)
                        return false;
                if (first && orders[i].is_buy == orders[0].is_buy)
                        return false;
        }
        return n < first + 2 || orders[first].is_take_profit != orders[first + 1].is_take_profit;
}

bool engine_check_payload(const struct engine *engine, const struct account *account,
                          const struct engine_order_request *orders, size_t n,
                          enum engine_grouping grouping, char err[ENGINE_TEXT_MAX])
{
        if (!n || n > ACTION_ORDERS_MAX) {
                snprintf(err, ENGINE_TEXT_MAX, "%s",
                         n ? "Signed action over weight limit of 200." : "Order action is empty.");
                return false;
        }
        if (!group_fits(orders, n, grouping)) {
                snprintf(err, ENGINE_TEXT_MAX, "Unexpected number of trigger orders");
                return false;
        }
        for (size_t i = 0; i < n; i++) {
                if (orders[i].tif == ENGINE_LIQUIDATION_MARKET) {
                        snprintf(err, ENGINE_TEXT_MAX, "Order has invalid time in force.");
                        return false;
                }
                if (orders[i].is_trigger && !orders[i].reduce_only) {
                        engine_check_text(engine, err, "TP/SL orders must be reduce-only.",
                                          orders[i].asset);
                        return false;
                }
                /* The house quotes where the price is about to be. */
                if (!account->is_house && orders[i].asset < engine->n_listings &&
                    orders[i].price.v > 0 && is_out_of_band(engine, &orders[i])) {
                        engine_check_text(engine, err,
                                          "Order price cannot be more than 80% away from the "
                                          "reference price",
                                          orders[i].asset);
                        return false;
                }
        }
        return true;
}

/* Integers always; else at most five significant figures and 6 - sz_decimals decimals. */
static bool price_fits(struct px price, unsigned sz_decimals)
{
        int64_t v = price.v;

        if (v % NUM_SCALE == 0)
                return true;
        if (v % num_pow10(NUM_DECIMALS - PRICE_DECIMALS_MAX + sz_decimals))
                return false;
        while (v % 10 == 0)
                v /= 10;
        return v < num_pow10(SIGNIFICANT_FIGURES);
}

static bool size_fits(struct qty size, unsigned sz_decimals)
{
        return size.v > 0 && size.v % num_pow10(NUM_DECIMALS - sz_decimals) == 0;
}

struct check {
        const struct engine *engine;
        const struct account *account;
        const struct slot *slot;
        const struct listing *listing;
        const struct engine_order_request *request, *parent;
        bool is_position_tpsl;
        uint32_t builder_fee;
        struct refusal *out;
};

/* The venue has no order by an id for what it could not read. */
static bool refuse_unread(const struct check *c, const char *text)
{
        engine_check_text(c->engine, c->out->text, text, c->request->asset);
        return false;
}

static bool refuse(const struct check *c, enum order_end end, const char *text)
{
        engine_check_text(c->engine, c->out->text, text, c->request->asset);
        c->out->end = end;
        c->out->is_recorded = true;
        return false;
}

static bool form_fits(const struct check *c)
{
        const struct engine_order_request *r = c->request;
        unsigned decimals = c->listing->spec.sz_decimals;
        struct usd notional;

        if (c->listing->spec.is_delisted)
                return refuse_unread(c, "Trading is halted.");
        if (r->price.v <= 0)
                return refuse_unread(c, "Order has invalid price.");
        if (r->is_trigger && r->trigger_price.v <= 0)
                return refuse_unread(c, "Invalid TP/SL price.");
        if (!r->size.v && !c->is_position_tpsl)
                return refuse_unread(c, "Order has zero size.");
        if (r->size.v && !size_fits(r->size, decimals))
                return refuse_unread(c, "Order has invalid size.");
        if (!price_fits(r->price, decimals) ||
            (r->is_trigger && !price_fits(r->trigger_price, decimals)))
                return refuse(c, END_TICK_REJECTED, "Price must be divisible by tick size.");
        if (num_notional(&notional, r->price, r->size, NUM_UP) ||
            notional.v > c->engine->value_cap.v)
                return refuse_unread(c, "Order has invalid size.");
        return true;
}

/* A trigger must not lie where it would fire at once: against the mark, or, for a child, against
 * the price at which its parent can fill. */
static bool trigger_fits(const struct check *c)
{
        const struct engine_order_request *r = c->request;
        int64_t reference = c->listing->mark.v;
        bool is_above = r->is_buy != r->is_take_profit;

        if (c->parent && c->parent->is_buy == (c->parent->price.v < reference))
                reference = c->parent->price.v;
        if (is_above ? r->trigger_price.v > reference : r->trigger_price.v < reference)
                return true;
        return refuse(c, END_TRIGGER_REJECTED, "Invalid TP/SL price.");
}

static bool reduces(const struct check *c)
{
        int64_t position = c->slot->p.size.v;

        return position && c->request->is_buy == (position < 0);
}

static bool minimum_is_met(const struct check *c)
{
        const struct engine_order_request *r = c->request;
        int64_t whole = c->parent ? c->parent->size.v : num_abs(c->slot->p.size.v);
        bool closes = c->parent || reduces(c);

        if (c->is_position_tpsl || r->twap_id || value_of(r->price, r->size).v >= minimum_value.v)
                return true;
        if (closes && (r->size.v == whole || (r->reduce_only && r->size.v > whole)))
                return true;
        return refuse(c, END_MINIMUM_REJECTED, "Order must have minimum value of $10.");
}

/* What closing the position would give back to the cross margin. */
static int64_t released(const struct slot *slot)
{
        struct usd used = {0};

        if (slot->p.mode == MARGIN_ISOLATED)
                return isolated_equity(&slot->p).v > 0 ? isolated_equity(&slot->p).v : 0;
        must(margin_initial(&used, slot->p.value, slot->p.leverage, NUM_DOWN) == E_OK);
        return num_to_step(used.v, NUM_MICRO, NUM_DOWN);
}

/* Initial margin of what the order would add, at its price (a sell fills at the mark or better, so
 * at the mark where that is higher), and the fees of all of it. */
static bool margin_suffices(const struct check *c)
{
        const struct engine_order_request *r = c->request;
        const struct slot *slot = c->slot;
        int64_t held = slot->p.size.v;
        int64_t closing = reduces(c) ? num_abs(held) : 0;
        int64_t added = r->size.v - closing;
        struct px price = r->price;
        int64_t free_margin, need;
        struct usd value, part;

        if (added <= 0 || slot->account->is_house)
                return true;
        if (!r->is_buy && price.v < c->listing->mark.v)
                price = c->listing->mark;
        must(num_div_wide(&need, value_of(price, (struct qty){added}).v,
                          (num_wide)slot->leverage * NUM_MICRO, NUM_UP) == E_OK);
        need = add_exact(
                need * NUM_MICRO,
                engine_fill_fee(slot, value_of(price, r->size), true, c->builder_fee, &part).v);
        free_margin = engine_account_free_margin(slot->account, c->listing->spec.dex).v;
        if (closing)
                free_margin = add_exact(free_margin, released(slot));
        if (need > free_margin)
                return refuse(c, END_MARGIN_REJECTED, "Insufficient margin to place order.");
        added = closing ? added : add_exact(added, num_abs(held));
        if (num_notional(&value, price, (struct qty){added}, NUM_UP) ||
            value.v > c->engine->value_cap.v || engine_dex_is_capped(c->engine, r->asset))
                return refuse(c, END_CAP_REJECTED,
                              "Order would increase open interest while open interest is capped");
        if (margin_max_leverage(&slot->p.tiers, value) < slot->leverage)
                return refuse(c, END_TIER_REJECTED,
                              "Order would cause position to exceed margin tier limit at current "
                              "leverage");
        return true;
}

static bool passes(const struct check *c)
{
        const struct engine_order_request *r = c->request;
        size_t max = c->account->is_house ? HOUSE_ORDERS_MAX : OPEN_ORDERS_MAX;

        if (!form_fits(c))
                return false;
        if (c->account->n_open >= max)
                return refuse(c, END_TOO_MANY_REJECTED, "Too many open orders.");
        if (r->is_trigger && !trigger_fits(c))
                return false;
        if (r->reduce_only && !c->parent && !reduces(c))
                return refuse(c, END_REDUCE_REJECTED, "Reduce only order would increase position.");
        if (!minimum_is_met(c))
                return false;
        return r->reduce_only || margin_suffices(c);
}

void engine_check_order(struct engine *engine, struct account *account,
                        const struct engine_order_request *request,
                        const struct engine_order_request *parent, bool is_position_tpsl,
                        uint32_t builder_fee, struct refusal *out)
{
        struct check c = {
                .engine = engine,
                .account = account,
                .request = request,
                .parent = parent,
                .is_position_tpsl = is_position_tpsl,
                .builder_fee = builder_fee,
                .out = out,
        };

        *out = (struct refusal){.text = ""};
        if (request->asset >= engine->n_listings) {
                (void)refuse_unread(&c, "Order has invalid asset.");
                return;
        }
        c.listing = &engine->listing[request->asset];
        c.slot = engine_account_slot(engine, account, request->asset);
        (void)passes(&c);
}
