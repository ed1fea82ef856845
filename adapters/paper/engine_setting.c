#include "adapters/paper/engine_internal.h"

/* What can be traded on a side, as margin: what is free, and against the position also what closing
 * it sets free and the margin that the closed part itself never needs. */
static struct usd available(const struct account *account, unsigned dex, const struct slot *slot,
                            bool is_buy)
{
        int64_t sum = engine_account_free_margin(account, dex).v;
        int64_t held = slot ? slot->p.size.v : 0;
        struct usd used = {0};

        if (held && is_buy == (held < 0)) {
                must(margin_initial(&used, slot->p.value, slot->leverage, NUM_DOWN) == E_OK);
                used.v = num_to_step(used.v, NUM_MICRO, NUM_DOWN);
                sum = add_exact(sum, used.v);
                sum = add_exact(sum, slot->p.mode == MARGIN_CROSS ? used.v
                                                                  : isolated_equity(&slot->p).v);
        }
        return (struct usd){sum > 0 ? sum : 0};
}

static struct qty size_for(const struct listing *listing, unsigned leverage, struct usd margin)
{
        struct px mark = listing->mark;
        int64_t size = 0;

        if (!mark.v)
                return (struct qty){0};
        if (num_div_wide(&size, (num_wide)margin.v * leverage * NUM_SCALE, mark.v, NUM_DOWN))
                size = INT64_MAX;
        return (struct qty){
                num_to_step(size, num_pow10(NUM_DECIMALS - listing->spec.sz_decimals), NUM_DOWN)};
}

void engine_setting(const struct engine *engine, const struct addr *user, uint32_t asset,
                    struct engine_setting *out)
{
        struct account *account = engine_account_find(engine, user);
        const struct listing *listing;
        struct slot *slot;

        *out = (struct engine_setting){.mode = MARGIN_CROSS};
        if (asset >= engine->n_listings)
                return;
        listing = &engine->listing[asset];
        slot = account ? account->slot[asset] : NULL;
        out->mode = engine_account_default_mode(listing);
        out->leverage = engine_account_default_leverage(listing);
        if (!account)
                return;
        if (slot) {
                out->mode = slot->mode;
                out->leverage = slot->leverage;
        }
        for (int side = 0; side < 2; side++) {
                out->available[side] = available(account, listing->spec.dex, slot, side == 0);
                out->max_trade_size[side] = size_for(listing, out->leverage, out->available[side]);
        }
}
