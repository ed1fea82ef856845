#include <string.h>

#include "plan/plan_build.h"

enum errc plan_read_prices(const struct market *market, struct err *err)
{
        if (market->context_at > 0 && market->mark.v > 0)
                return E_OK;
        return err_set(err, E_VENUE_UNAVAILABLE, "%s has no mark price at the moment.",
                       market->symbol);
}

const struct venue_position *plan_read_held(const struct venue_account *account, const char *symbol)
{
        const struct venue_position *found = NULL;

        for (unsigned i = 0; i < account->n_positions && !found; i++) {
                const struct venue_position *position = &account->position[i];

                if (position->p.size.v && !strcmp(position->symbol, symbol))
                        found = position;
        }
        return found;
}

struct margin_position plan_read_position(const struct plan_inputs *in,
                                          const struct venue_position *held)
{
        if (held)
                return held->p;
        return (struct margin_position){
                .mode = in->setting->mode,
                .leverage = in->setting->leverage,
                .tiers = in->market->tiers,
        };
}

/* Leverage at which an open order reserves margin; 0 where nothing read says it. */
static unsigned leverage_of(const struct plan_inputs *in, const struct venue_position *held,
                            const char *symbol)
{
        if (held)
                return held->p.leverage;
        return strcmp(symbol, in->market->symbol) ? 0 : in->setting->leverage;
}

/* What one open order reserves. Orders against the position reserve nothing, nor do reduce-only
 * orders and triggers. */
static enum errc reserved_by(struct usd *out, unsigned *unknown, const struct plan_inputs *in,
                             const struct venue_open_order *order)
{
        const struct venue_position *held = plan_read_held(in->account, order->symbol);
        unsigned leverage = leverage_of(in, held, order->symbol);
        struct usd notional;
        enum errc rc = 0;

        out->v = 0;
        if (order->reduce_only || order->is_trigger)
                goto done;
        if (held && (held->p.size.v > 0) != (order->side == SIDE_BUY))
                goto done;
        if (!leverage) {
                ++*unknown;
                goto done;
        }
        rc = num_notional(&notional, order->price, order->size, NUM_UP);
        if (rc)
                goto done;
        rc = margin_initial(out, notional, leverage, NUM_UP);
done:
        return rc;
}

enum errc plan_read_cross(struct margin_cross *out, unsigned *unknown, const struct plan_inputs *in)
{
        enum errc rc = 0;

        *out = in->account->cross;
        *unknown = 0;
        for (size_t i = 0; i < in->n_open_orders && !rc; i++) {
                struct usd reserved;

                rc = reserved_by(&reserved, unknown, in, &in->open_orders[i]);
                if (!rc)
                        rc = num_usd_add(&out->resting, out->resting, reserved);
        }
        return rc;
}

unsigned plan_read_orders_on(const struct plan_inputs *in, const char *symbol)
{
        unsigned n = 0;

        for (size_t i = 0; i < in->n_open_orders; i++)
                n += !strcmp(in->open_orders[i].symbol, symbol);
        return n;
}
