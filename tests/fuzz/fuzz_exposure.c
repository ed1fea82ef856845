/* Account states that others kept: {"meta", "state", "spot"?, "mode"?}. Whatever is in them, the figures
 * come out or a reason does; a figure that is not known has no price. */
#include <stdint.h>
#include <string.h>

#include "adapters/hyperliquid/hl_exposure.h"
#include "adapters/hyperliquid/hl_raw.h"
#include "base/attr.h"
#include "risk/show.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void figures(const struct hl_exposure *x)
{
        struct margin_holding_figures f;
        struct margin_sums s;
        char buf[NUM_STR_MAX];

        if (margin_account_sums(&s, &x->account))
                return;
        must(s.account_value.known || s.account_value.doubts);
        must(s.withdrawable.known || s.withdrawable.doubts);
        must(!s.withdrawable.known || s.withdrawable.v.v >= 0);
        (void)show_money(buf, s.account_value.v);
        for (size_t i = 0; i < x->account.n; i++) {
                if (margin_account_holding(&f, &x->account, &s, i))
                        continue;
                must(f.liquidation.known || f.liquidation.doubts);
                must(f.liquidation.known || !f.liquidation.v.exists);
                must(!f.liquidation.v.exists || f.liquidation.v.price.v > 0);
                must(strlen(show_liquidation(buf, &f.liquidation.v) ? buf : "") < sizeof buf);
                (void)show_rate10(buf, f.return_on_equity.v);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        json_t *entry = hl_raw_load((const char *)data, size, NULL);
        struct hl_universe *u = hl_meta_read(json_object_get(entry, "meta"));
        struct hl_exposure x;

        for (size_t i = 0; u && i < u->n; i++)
                must(margin_table_check(&u->market[i].tiers) == E_OK);
        if (hl_exposure_read(&x, json_object_get(entry, "state"), u, NULL) == E_OK) {
                x.account.pool = hl_exposure_pool(hl_raw_get_text(entry, "mode", NULL));
                figures(&x);
                if (hl_exposure_spot(&x, json_object_get(entry, "spot"), 0) == E_OK)
                        figures(&x);
        }
        hl_exposure_fini(&x);
        hl_meta_free(u);
        json_decref(entry);
        return 0;
}
