#include "adapters/paper/jot.h"
#include "adapters/paper/paper_show.h"

/* spotClearinghouseState: tokens outside the perps, or all of them where the account is unified. */

static void show_balance(struct buf *out, unsigned token, struct usd total, struct usd hold)
{
        jot_object(out, NULL);
        jot_text(out, "coin", paper_dexes_token[token].name);
        jot_uint(out, "token", token);
        jot_usd(out, "total", total);
        jot_usd(out, "hold", hold);
        jot_text(out, "entryNtl", "0.0");
        jot_end_object(out);
}

/* What is there with profits and losses, and what positions and orders hold. USDC always shows. */
static void show_backing(struct paper *p, struct buf *out, const struct addr *address, unsigned dex)
{
        struct engine_account a;
        struct usd hold = {0};

        engine_dex_account(p->engine, address, dex, &a);
        if (num_usd_sub(&hold, a.account_value, a.withdrawable) || hold.v < 0)
                hold.v = 0;
        if (dex == 0 || a.account_value.v)
                show_balance(out, p->universe.dex[dex].token, a.account_value, hold);
}

/* What would be left at the edge of liquidation. */
static void show_after(struct paper *p, struct buf *out, const struct addr *address, unsigned dex)
{
        struct engine_account a;
        struct usd after = {0};

        engine_dex_account(p->engine, address, dex, &a);
        if (dex > 0 && !a.account_value.v)
                return;
        if (num_usd_sub(&after, a.cross.account_value, a.cross.maintenance) || after.v < 0)
                after.v = 0;
        jot_array(out, NULL);
        jot_uint(out, NULL, p->universe.dex[dex].token);
        jot_usd(out, NULL, after);
        jot_end_array(out);
}

/* All of a token backs the dex that it is the collateral of. */
static void show_unified(struct paper *p, struct buf *out, const char *key,
                         const struct addr *address)
{
        jot_object(out, key);
        jot_array(out, "balances");
        for (unsigned dex = 0; dex < p->universe.n_dexes; dex++)
                show_backing(p, out, address, dex);
        jot_end_array(out);
        jot_array(out, "tokenToAvailableAfterMaintenance");
        for (unsigned dex = 0; dex < p->universe.n_dexes; dex++)
                show_after(p, out, address, dex);
        jot_end_array(out);
        jot_end_object(out);
}

void paper_show_spot(struct paper *p, struct buf *out, const char *key, const struct addr *address)
{
        const struct paper_user *user = paper_users_get(p, address);

        if (user && user->mode == PAPER_MODE_UNIFIED) {
                show_unified(p, out, key, address);
                return;
        }
        jot_object(out, key);
        jot_array(out, "balances");
        for (unsigned token = 0; user && token < PAPER_TOKENS; token++)
                if (user->spot[token].v > 0)
                        show_balance(out, token, user->spot[token], (struct usd){0});
        jot_end_array(out);
        jot_end_object(out);
}
