#include "risk/margin_account.h"

/* *to += delta and its doubts; a sum with an unknown part is unknown. */
static enum errc add(struct margin_money *to, const struct margin_money *part, int sign)
{
        enum errc rc = 0;

        to->doubts |= part->doubts;
        to->known = to->known && part->known;
        if (to->known)
                rc = sign < 0 ? num_usd_sub(&to->v, to->v, part->v)
                              : num_usd_add(&to->v, to->v, part->v);
        return rc;
}

static struct margin_money known(struct usd v, unsigned doubts)
{
        return (struct margin_money){.known = true, .v = v, .doubts = doubts};
}

static struct margin_money unknown(unsigned doubts)
{
        return (struct margin_money){.doubts = doubts};
}

static int side_of(const struct margin_holding *h)
{
        return h->p.size.v < 0 ? -1 : 1;
}

static struct margin_money value_of(const struct margin_holding *h)
{
        if (!h->has_value)
                return unknown(MARGIN_DOUBT_INPUT);
        return known(h->p.value, 0);
}

static enum errc maintenance_of(struct margin_money *out, const struct margin_holding *h)
{
        enum errc rc = 0;

        *out = unknown(MARGIN_DOUBT_INPUT);
        if (h->has_value && h->p.tiers.n) {
                rc = margin_maintenance(&out->v, &h->p.tiers, h->p.value);
                *out = known(out->v, h->tier_doubts);
        }
        return rc;
}

static enum errc margin_used_of(struct margin_money *out, const struct margin_holding *h)
{
        struct margin_money value = value_of(h);
        enum errc rc = 0;

        *out = unknown(MARGIN_DOUBT_INPUT);
        if (h->p.mode == MARGIN_ISOLATED) {
                if (!h->has_raw_usd)
                        goto done;
                *out = known(h->p.raw_usd, 0);
                rc = add(out, &value, side_of(h));
                goto done;
        }
        if (!h->has_value || !h->p.leverage)
                goto done;
        rc = margin_initial(&out->v, h->p.value, h->p.leverage, NUM_DOWN);
        if (rc)
                goto done;
        out->v.v = num_to_step(out->v.v, NUM_MICRO, NUM_DOWN);
        *out = known(out->v, 0);
done:
        return rc;
}

/* ---- Sums ---- */

static enum errc add_holding(struct margin_sums *s, const struct margin_holding *h,
                             struct margin_money *isolated)
{
        struct margin_money value = value_of(h), used, maintenance;
        enum errc rc;

        rc = margin_used_of(&used, h);
        if (rc)
                goto done;
        rc = add(&s->margin_used, &used, 1);
        if (rc)
                goto done;
        if (h->p.mode == MARGIN_ISOLATED) {
                rc = add(isolated, &used, 1);
                goto done;
        }
        rc = maintenance_of(&maintenance, h);
        if (rc)
                goto done;
        rc = add(&s->maintenance, &maintenance, 1);
        if (rc)
                goto done;
        rc = add(&s->cross_margin_used, &used, 1);
        if (rc)
                goto done;
        rc = add(&s->cross_notional, &value, 1);
        if (rc)
                goto done;
        rc = add(&s->cross_account_value, &value, side_of(h));
done:
        return rc;
}

/* The cross account's own sums and what leaves it, where no list of positions tells them. */
static void from_summaries(struct margin_sums *s, const struct margin_account *account)
{
        struct margin_money partial = unknown(MARGIN_DOUBT_LIST);

        *s = (struct margin_sums){.account_value = partial,
                                  .margin_used = partial,
                                  .cross_margin_used = partial,
                                  .cross_notional = partial,
                                  .withdrawable = partial,
                                  .free = partial,
                                  .cross_account_value = partial,
                                  .maintenance = partial};
        if (account->has_cross) {
                s->cross_account_value = known(account->account_value, account->doubts);
                s->maintenance = known(account->maintenance, account->doubts);
        }
}

static enum errc what_can_leave(struct margin_sums *s, const struct margin_account *account)
{
        unsigned doubts = account->doubts | s->cross_account_value.doubts |
                          s->cross_margin_used.doubts | s->cross_notional.doubts;
        struct margin_cross cross = {.account_value = s->cross_account_value.v,
                                     .margin_used = s->cross_margin_used.v,
                                     .notional = s->cross_notional.v,
                                     .resting = account->resting};
        enum errc rc = 0;

        if (!account->has_resting)
                doubts |= MARGIN_DOUBT_RESTING;
        s->withdrawable = s->free = unknown(doubts);
        /* In the other modes money leaves, and is free, by the spot balance. */
        if (account->pool == MARGIN_POOL_UNIFIED || account->pool == MARGIN_POOL_PORTFOLIO) {
                s->withdrawable.doubts |= MARGIN_DOUBT_SPOT;
                s->free.doubts |= MARGIN_DOUBT_SPOT;
                goto done;
        }
        if (!s->cross_account_value.known || !s->cross_margin_used.known ||
            !s->cross_notional.known)
                goto done;
        rc = margin_withdrawable(&s->withdrawable.v, &cross);
        if (rc)
                goto done;
        s->withdrawable.known = true;
        rc = margin_free(&s->free.v, &cross);
        s->free.known = true;
done:
        return rc;
}

/* The balance that all cross positions of a unified account share. */
static enum errc shared_balance(struct margin_money *equity, const struct margin_account *account,
                                const struct margin_money *own, struct usd used,
                                const struct margin_money *isolated)
{
        struct margin_money other_isolated = known(account->other_isolated, 0);
        enum errc rc;

        *equity = known(account->spot_total, account->doubts);
        if (!account->has_other_dexes)
                equity->doubts |= MARGIN_DOUBT_DEXES;
        if (account->spot_hold.v < used.v / 2) {
                equity->doubts |= MARGIN_DOUBT_SPOT;
                rc = add(equity, own, 1);
                goto done;
        }
        rc = add(equity, isolated, -1);
        if (rc)
                goto done;
        rc = add(equity, &other_isolated, -1);
done:
        return rc;
}

/* What cross positions are judged by. used: the margin of those listed. */
static enum errc judge(struct margin_sums *s, const struct margin_account *account, struct usd used,
                       const struct margin_money *isolated)
{
        struct margin_money other_maintenance = known(account->other_maintenance, 0);
        enum errc rc = 0;

        s->equity = s->cross_account_value;
        s->requirement = s->maintenance;
        switch (account->pool) {
        case MARGIN_POOL_STANDARD: goto done;
        case MARGIN_POOL_UNKNOWN: s->equity.doubts |= MARGIN_DOUBT_MODE; goto done;
        case MARGIN_POOL_PORTFOLIO: s->equity = unknown(MARGIN_DOUBT_PORTFOLIO); goto done;
        case MARGIN_POOL_UNIFIED: break;
        }
        s->equity = unknown(account->doubts | MARGIN_DOUBT_SPOT);
        if (!account->has_spot)
                goto done;
        rc = shared_balance(&s->equity, account, &s->cross_account_value, used, isolated);
        if (rc)
                goto done;
        rc = add(&s->requirement, &other_maintenance, 1);
done:
        return rc;
}

enum errc margin_account_sums(struct margin_sums *out, const struct margin_account *account)
{
        struct margin_money zero = known((struct usd){0}, account->doubts), isolated = zero;
        struct usd used;
        enum errc rc = 0;

        *out = (struct margin_sums){.margin_used = zero,
                                    .cross_margin_used = zero,
                                    .cross_notional = zero,
                                    .maintenance = zero};
        out->cross_account_value = account->has_cash
                                           ? known(account->cash, account->doubts)
                                           : unknown(account->doubts | MARGIN_DOUBT_INPUT);
        for (size_t i = 0; i < account->n && !rc; i++)
                rc = add_holding(out, &account->holding[i], &isolated);
        if (rc)
                goto done;
        used = out->cross_margin_used.v;
        if (account->is_complete) {
                out->account_value = out->cross_account_value;
                rc = add(&out->account_value, &isolated, 1);
                if (!rc)
                        rc = what_can_leave(out, account);
        } else {
                from_summaries(out, account);
                isolated.doubts |= MARGIN_DOUBT_LIST;
        }
        if (!rc)
                rc = judge(out, account, used, &isolated);
done:
        return rc;
}

/* ---- One position ---- */

static enum errc profit(struct margin_holding_figures *out, const struct margin_holding *h)
{
        struct margin_money entry = known(h->p.entry_notional, h->entry_doubts);
        num_wide top;
        enum errc rc = 0;

        out->unrealized_pnl = unknown(MARGIN_DOUBT_INPUT);
        out->return_on_equity.doubts = MARGIN_DOUBT_INPUT;
        if (!h->has_value || !h->has_entry)
                goto done;
        out->unrealized_pnl = known(h->p.value, 0);
        rc = add(&out->unrealized_pnl, &entry, -1);
        if (rc)
                goto done;
        out->unrealized_pnl.v.v *= side_of(h);
        if (!h->p.leverage || h->p.entry_notional.v <= 0)
                goto done;
        top = (num_wide)out->unrealized_pnl.v.v * h->p.leverage * NUM_RATE_SCALE;
        /* Cut here: the one rounding is where it is printed, with ten decimals. */
        rc = num_div_wide(&out->return_on_equity.v.v, top, h->p.entry_notional.v, NUM_DOWN);
        out->return_on_equity.known = !rc;
        out->return_on_equity.doubts = h->entry_doubts;
        rc = 0; /* a return beyond what a rate holds is left out */
done:
        return rc;
}

static enum errc liquidation(struct margin_holding_figures *out, const struct margin_holding *h,
                             const struct margin_sums *sums)
{
        struct margin_cross cross = {.account_value = sums->equity.v,
                                     .maintenance = sums->requirement.v};
        bool is_cross = h->p.mode == MARGIN_CROSS;
        bool is_told = h->p.tiers.n && (is_cross ? h->has_value : h->has_raw_usd);
        bool enough = is_told && (!is_cross || (sums->equity.known && sums->requirement.known));
        enum errc rc = 0;

        out->liquidation.known = enough;
        out->liquidation.doubts = h->tier_doubts;
        if (is_cross)
                out->liquidation.doubts |= sums->equity.doubts | sums->requirement.doubts;
        if (!is_told)
                out->liquidation.doubts |= MARGIN_DOUBT_INPUT;
        if (enough)
                rc = margin_liquidation(&out->liquidation.v, &h->p, &cross);
        return rc;
}

enum errc margin_account_holding(struct margin_holding_figures *out,
                                 const struct margin_account *account,
                                 const struct margin_sums *sums, size_t i)
{
        const struct margin_holding *h = &account->holding[i];
        enum errc rc;

        *out = (struct margin_holding_figures){0};
        rc = profit(out, h);
        if (rc)
                goto done;
        rc = margin_used_of(&out->margin_used, h);
        if (rc)
                goto done;
        rc = maintenance_of(&out->maintenance, h);
        if (rc)
                goto done;
        rc = liquidation(out, h, sums);
        if (rc)
                goto done;
        out->unrealized_pnl.doubts |= account->doubts;
        out->margin_used.doubts |= account->doubts;
        out->maintenance.doubts |= account->doubts;
        out->return_on_equity.doubts |= account->doubts;
        out->liquidation.doubts |= account->doubts;
done:
        return rc;
}
