#include "adapters/paper/jot.h"
#include "adapters/paper/paper_show.h"

/* spotClearinghouseState: USDC outside the perps, or all of it where the account is unified. */

/* All USDC backs the perps: what is there with profits and losses, what positions and orders hold, and
 * what would be left at the edge of liquidation. */
static void show_unified(struct paper *p, struct buf *out, const char *key,
                         const struct addr *address)
{
        struct engine_account a;
        struct usd hold = {0}, after = {0};

        engine_account(p->engine, address, &a);
        if (num_usd_sub(&hold, a.account_value, a.withdrawable) || hold.v < 0)
                hold.v = 0;
        if (num_usd_sub(&after, a.cross.account_value, a.cross.maintenance) || after.v < 0)
                after.v = 0;
        jot_object(out, key);
        jot_array(out, "balances");
        jot_object(out, NULL);
        jot_text(out, "coin", "USDC");
        jot_int(out, "token", 0);
        jot_usd(out, "total", a.account_value);
        jot_usd(out, "hold", hold);
        jot_text(out, "entryNtl", "0.0");
        jot_end_object(out);
        jot_end_array(out);
        jot_array(out, "tokenToAvailableAfterMaintenance");
        jot_array(out, NULL);
        jot_int(out, NULL, 0);
        jot_usd(out, NULL, after);
        jot_end_array(out);
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
        if (user && user->spot.v > 0) {
                jot_object(out, NULL);
                jot_text(out, "coin", "USDC");
                jot_int(out, "token", 0);
                jot_usd(out, "total", user->spot);
                jot_text(out, "hold", "0.0");
                jot_text(out, "entryNtl", "0.0");
                jot_end_object(out);
        }
        jot_end_array(out);
        jot_end_object(out);
}
