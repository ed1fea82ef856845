#include <stdio.h>

#include "adapters/paper/engine_internal.h"

static bool refuse(char err[ENGINE_TEXT_MAX], const char *text)
{
        snprintf(err, ENGINE_TEXT_MAX, "%s", text);
        return false;
}

/* Whether what is open and resting on the symbol is covered at the new, lower leverage. */
static bool is_covered(const struct slot *slot, unsigned leverage)
{
        struct usd reserved = engine_account_reserve(slot, slot->p.size.v, slot->resting, leverage);
        int64_t free_margin = engine_account_free_margin(slot->account, slot->listing->spec.dex).v;
        struct usd before = {0};
        struct usd after = {0};

        must(margin_initial(&before, slot->p.value, slot->p.leverage, NUM_DOWN) == E_OK);
        must(margin_initial(&after, slot->p.value, leverage, NUM_UP) == E_OK);
        if (slot->p.mode == MARGIN_ISOLATED) {
                if (slot->p.size.v && isolated_equity(&slot->p).v < after.v)
                        return false;
                after = before;
        }
        free_margin = add_exact(free_margin, slot->reserved.v - reserved.v);
        free_margin = add_exact(free_margin, before.v - after.v);
        return free_margin >= 0 || (reserved.v == slot->reserved.v && after.v == before.v);
}

static bool leverage_allowed(const struct slot *slot, enum margin_mode mode, uint32_t leverage,
                             char err[ENGINE_TEXT_MAX])
{
        const struct engine_market_spec *spec = &slot->listing->spec;

        if (!leverage || leverage > spec->max_leverage ||
            (slot->p.size.v && leverage > slot->leverage &&
             leverage > margin_max_leverage(&slot->p.tiers, slot->p.value)))
                return refuse(err, "Invalid leverage value");
        if (mode == MARGIN_CROSS && spec->only_isolated)
                return refuse(err, "Cross margin is not allowed for this asset.");
        if (mode != slot->mode && (slot->p.size.v || slot->n_open_orders))
                return refuse(err, "Cannot switch leverage type with open position.");
        if (leverage >= slot->leverage || slot->account->is_house || is_covered(slot, leverage))
                return true;
        return refuse(err, mode == MARGIN_CROSS
                                   ? "Cross position does not have sufficient margin available to "
                                     "decrease leverage. To decrease leverage, deposit more "
                                     "collateral."
                                   : "Isolated position does not have sufficient margin available "
                                     "to decrease leverage. To decrease leverage, add margin to "
                                     "the position.");
}

bool engine_update_leverage(struct engine *engine, const struct addr *user, uint32_t asset,
                            bool is_cross, uint32_t leverage, char err[ENGINE_TEXT_MAX], int64_t at)
{
        enum margin_mode mode = is_cross ? MARGIN_CROSS : MARGIN_ISOLATED;
        struct account *account = engine_account_find(engine, user);
        struct slot *slot;
        char text[ADDR_STR_MAX];

        err[0] = '\0';
        if (!account || !account->is_known) {
                snprintf(err, ENGINE_TEXT_MAX, "Must deposit before performing actions. User: %s",
                         hex_print_addr(text, user));
                return false;
        }
        if (asset >= engine->n_listings) {
                snprintf(err, ENGINE_TEXT_MAX, "Unknown coin %u", asset);
                return false;
        }
        engine_begin(engine, at);
        slot = engine_account_slot(engine, account, asset);
        if (leverage_allowed(slot, mode, leverage, err)) {
                slot->mode = mode;
                slot->leverage = leverage;
                slot->p.mode = mode;
                slot->p.leverage = leverage;
                engine_account_reserve_update(slot);
        }
        engine_end(engine);
        return !err[0];
}

static bool margin_allowed(const struct slot *slot, struct usd amount, char err[ENGINE_TEXT_MAX])
{
        struct usd must_stay = {0};

        if (!slot || !slot->p.size.v)
                return refuse(err, "Cannot update margin for empty position.");
        if (slot->p.mode != MARGIN_ISOLATED)
                return refuse(err, "Position does not use isolated margin.");
        if (amount.v > 0) {
                if (amount.v <=
                    engine_account_free_margin(slot->account, slot->listing->spec.dex).v)
                        return true;
                return refuse(err,
                              "Account does not have sufficient margin available for increase.");
        }
        if (slot->listing->spec.strict_isolated)
                return refuse(err, "Cannot remove isolated margin for this asset. To remove "
                                   "margin, reduce the position.");
        must(margin_transfer_requirement(&must_stay, slot->p.value, slot->p.leverage) == E_OK);
        if (add_exact(isolated_equity(&slot->p).v, amount.v) < must_stay.v)
                return refuse(err, "Position does not have sufficient margin for reduction.");
        return true;
}

bool engine_update_isolated_margin(struct engine *engine, const struct addr *user, uint32_t asset,
                                   int64_t ntli_micro, char err[ENGINE_TEXT_MAX], int64_t at)
{
        /* More than any balance holds, and still far from overflowing below. */
        const int64_t bound = INT64_MAX / 4 / NUM_MICRO;
        struct account *account = engine_account_find(engine, user);
        struct usd amount;
        struct slot *slot;

        err[0] = '\0';
        if (!account || !account->is_known)
                return refuse(err, "Unknown user while updating isolated margin.");
        if (asset >= engine->n_listings) {
                snprintf(err, ENGINE_TEXT_MAX, "Unknown coin %u", asset);
                return false;
        }
        if (!ntli_micro)
                return refuse(err, "Update to isolated margin cannot be zero.");
        if (ntli_micro > bound)
                ntli_micro = bound;
        if (ntli_micro < -bound)
                ntli_micro = -bound;
        slot = account->slot[asset];
        amount.v = ntli_micro * NUM_MICRO;
        if (!margin_allowed(slot, amount, err))
                return false;
        engine_begin(engine, at);
        slot->p.raw_usd.v = add_exact(slot->p.raw_usd.v, amount.v);
        pool_of(slot)->cash.v = add_exact(pool_of(slot)->cash.v, -amount.v);
        engine_end(engine);
        return true;
}
