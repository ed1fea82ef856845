#include <string.h>

#include "adapters/hyperliquid/hl_raw.h"
#include "adapters/paper/jot.h"
#include "adapters/paper/paper_info.h"

/* /info about the perps dexs: who made them, what they may hold. */

static int perp_dexs(struct paper *p, struct buf *out, const json_t *request)
{
        (void)request;
        jot_array(out, NULL);
        for (unsigned dex = 0; dex < p->universe.n_dexes; dex++)
                paper_dexes_show(out, &p->universe, dex);
        jot_end_array(out);
        return PAPER_INFO_OK;
}

/* Nothing is known of the first dex here: it has no such limits. */
static int limits(struct paper *p, struct buf *out, const json_t *request)
{
        const struct paper_dex *dex;
        unsigned number;

        if (!hl_raw_get_text(request, "dex", NULL))
                return PAPER_INFO_SHAPE;
        if (!paper_info_dex(p, request, &number) || number == 0) {
                jot_null(out, NULL);
                return PAPER_INFO_OK;
        }
        dex = &p->universe.dex[number];
        jot_object(out, NULL);
        jot_usd(out, "totalOiCap", (struct usd){dex->oi_cap.v * dex->n});
        jot_text(out, "oiSzCapPerPerp", "10000000000.0");
        jot_usd(out, "maxTransferNtl", dex->oi_cap);
        jot_array(out, "coinToOiCap");
        for (uint32_t i = dex->first; i < dex->first + dex->n; i++) {
                jot_array(out, NULL);
                jot_text(out, NULL, paper_coin(p, i));
                jot_usd(out, NULL, p->universe.spec[i].open_interest_cap);
                jot_end_array(out);
        }
        jot_end_array(out);
        jot_end_object(out);
        return PAPER_INFO_OK;
}

static int status(struct paper *p, struct buf *out, const json_t *request)
{
        unsigned dex;

        if (!hl_raw_get_text(request, "dex", NULL))
                return PAPER_INFO_SHAPE;
        if (!paper_info_dex(p, request, &dex))
                return PAPER_INFO_UNKNOWN;
        jot_object(out, NULL);
        jot_usd(out, "totalNetDeposit", engine_dex_deposited(p->engine, dex));
        jot_end_object(out);
        return PAPER_INFO_OK;
}

void paper_info_dex_capped(struct paper *p, struct buf *out, const char *key, unsigned number)
{
        const struct paper_dex *dex = &p->universe.dex[number];

        jot_array(out, key);
        for (uint32_t i = dex->first; i < dex->first + dex->n; i++)
                if (engine_dex_is_capped(p->engine, i))
                        jot_text(out, NULL, paper_coin(p, i));
        jot_end_array(out);
}

static int at_cap(struct paper *p, struct buf *out, const json_t *request)
{
        unsigned dex;

        if (!paper_info_dex(p, request, &dex))
                return PAPER_INFO_UNKNOWN;
        paper_info_dex_capped(p, out, NULL, dex);
        return PAPER_INFO_OK;
}

const struct paper_info_row *paper_info_dex_rows(void)
{
        static const struct paper_info_row rows[] = {
                {"perpDexs", perp_dexs},
                {"perpDexLimits", limits},
                {"perpDexStatus", status},
                {"perpsAtOpenInterestCap", at_cap},
                {NULL, NULL},
        };

        return rows;
}
