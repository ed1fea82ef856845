#include <string.h>

#include "base/mem.h"
#include "mirror/mirror_core.h"
#include "risk/show.h"

/* Doubts that no reading of the account takes away at once, or that say nothing of its figures. */
#define NOT_OF_FIGURES ((uint32_t)DOUBT_ORDERS)

struct viewing {
        struct mirror *mirror;
        struct shadow *s;
        int64_t now;
        struct mirror_view *view;
        struct shadow_value value;
        bool marks_moved; /* since the state */
};

static struct mirror_trust estimate(uint32_t doubts)
{
        return (struct mirror_trust){SOURCE_ESTIMATE, mirror_doubt_text(doubts)};
}

/* Doubts that touch one isolated position: its own, and those of the account as a whole. */
static uint32_t doubts_of(const struct viewing *v, const struct shadow_position *p)
{
        static const uint32_t whole = DOUBT_UNREAD | DOUBT_DRIFT | DOUBT_OUTCOME |
                                      DOUBT_LIQUIDATED | DOUBT_TOLD | DOUBT_RANGE | DOUBT_FILL |
                                      DOUBT_FUNDING;
        uint32_t doubts = v->view->doubts & whole;

        if (p->mode == MARGIN_CROSS)
                return v->view->doubts & ~NOT_OF_FIGURES;
        if (p->flags & POSITION_RERATED)
                doubts |= DOUBT_RERATED;
        if (p->flags & POSITION_TIERS_GUESSED)
                doubts |= DOUBT_TIERS;
        if (p->flags & POSITION_SETTING_GUESSED)
                doubts |= DOUBT_SETTING;
        if (mirror_has_gap(v->mirror, v->s, p->market))
                doubts |= DOUBT_GAP;
        return doubts;
}

/* What backs it is not all here: the rule of a standard account is off by percents. */
static bool is_pooled(const struct viewing *v, const struct shadow_position *p)
{
        return v->s->pool != MARGIN_POOL_STANDARD && p->mode == MARGIN_CROSS;
}

/* Figures of an isolated position but those that its mark moves stand as the venue said them. */
static struct mirror_trust trust_of(const struct viewing *v, const struct shadow_position *p)
{
        uint32_t doubts = doubts_of(v, p);
        bool is_venues = !v->s->n_log && p->flags & POSITION_PRINTED &&
                         (p->mode == MARGIN_ISOLATED || !v->marks_moved);

        /* The venue knows how it is pooled. */
        if (is_venues && is_pooled(v, p))
                doubts &= ~(uint32_t)DOUBT_POOLED;
        if (doubts)
                return estimate(doubts);
        return (struct mirror_trust){is_venues ? SOURCE_VENUE : SOURCE_EXACT, ""};
}

/* As the venue shows it: cut to as many decimals as the market's prices may have. */
static struct px entry_of(const struct mirror_place *place, const struct shadow_position *p)
{
        struct px entry = {0};

        if (num_px_for(&entry, p->entry_notional, (struct qty){num_abs(p->size.v)}, NUM_DOWN))
                entry.v = INT64_MAX;
        else if (place->has_market)
                entry.v = num_to_step(entry.v, num_pow10(2u + place->size_decimals), NUM_DOWN);
        return entry;
}

static enum errc show_position(struct viewing *v, struct venue_position *out,
                               const struct shadow_position *p, struct mirror_trust *trust)
{
        const struct mirror_place *place = &v->mirror->place[p->market];
        struct margin_figures figures;
        enum errc rc;

        memset(out, 0, sizeof *out);
        must(text_copy(out->symbol, sizeof out->symbol, place->symbol));
        rc = shadow_value_position(&out->p, p, place->mark, v->mirror->table);
        if (rc)
                goto done;
        rc = margin_position_figures(&figures, &out->p, &v->value.cross);
        if (rc)
                goto done;
        out->tiers_known = !(p->flags & (POSITION_TIERS_GUESSED | POSITION_RERATED));
        out->entry = entry_of(place, p);
        out->max_leverage = p->max_leverage;
        out->margin_used = figures.margin_used;
        out->unrealized_pnl = figures.unrealized_pnl;
        out->funding_since_open = p->funding;
        show_rate10(out->return_on_equity, figures.return_on_equity);
        *trust = trust_of(v, p);
        /* Of a pooled position what the venue said last is nearer than what could be computed. */
        if (trust->source == SOURCE_VENUE || (is_pooled(v, p) && p->flags & POSITION_PRINTED))
                must(text_copy(out->liquidation_px, sizeof out->liquidation_px, p->liquidation));
        else
                (void)show_liquidation(out->liquidation_px, &figures.liquidation);
done:
        return rc;
}

static enum errc show_positions(struct viewing *v)
{
        struct mirror_view *view = v->view;
        enum errc rc = E_OK;

        for (uint32_t i = 0; i < v->s->book.n && !rc; i++) {
                const struct shadow_position *p = &v->s->book.position[i];
                struct mirror_trust trust;

                rc = view->account.n_positions == view->position_max ? E_LIMIT : E_OK;
                if (rc)
                        break;
                rc = show_position(v, &view->position[i], p, &trust);
                if (rc)
                        break;
                if (view->trust)
                        view->trust[i] = trust;
                view->account.n_positions++;
        }
        return rc;
}

static void show_order(struct venue_open_order *out, const struct mirror *mirror,
                       const struct shadow_order *o)
{
        *out = (struct venue_open_order){
                .asset = mirror->place[o->market].asset,
                .side = (enum side)o->side,
                .price = o->price,
                .size = o->size,
                .original_size = o->original_size,
                .oid = o->oid,
                .placed_at = o->placed_at,
                .has_cloid = o->has_cloid,
                .cloid = o->cloid,
                .reduce_only = o->reduce_only,
                .is_trigger = o->is_trigger,
                .is_position_tpsl = o->is_position_tpsl,
                .trigger_is_market = o->trigger_is_market,
                .waits_for_parent = o->waits_for_parent,
                .trigger = (enum trigger_kind)o->trigger,
                .trigger_price = o->trigger_price,
        };
        must(text_copy(out->symbol, sizeof out->symbol, mirror->place[o->market].symbol));
        must(text_copy(out->tif, sizeof out->tif, o->tif));
}

static enum errc show_orders(struct viewing *v)
{
        struct mirror_view *view = v->view;

        view->n_orders = v->s->n_orders;
        view->orders_known = v->s->orders_known && !(v->s->doubts & DOUBT_ORDERS);
        if (!view->order)
                return E_OK;
        if (view->order_max < v->s->n_orders)
                return E_LIMIT;
        for (uint32_t i = 0; i < v->s->n_orders; i++)
                show_order(&view->order[i], v->mirror, &v->s->order[i]);
        return E_OK;
}

static enum errc show_account(struct viewing *v, unsigned *unknown)
{
        struct venue_account *account = &v->view->account;
        struct margin_cross cross = v->value.cross;
        enum errc rc;

        *account = (struct venue_account){
                .as_of = v->s->as_of,
                .account_value = v->value.account_value,
                .total_raw_usd = v->value.raw_usd,
                .total_margin_used = v->value.margin_used,
                .total_notional = v->value.notional,
                .cross = v->value.cross,
                .position = v->view->position,
        };
        rc = shadow_reserved(&v->view->resting, unknown, v->s);
        if (rc)
                goto done;
        cross.resting = v->view->resting;
        rc = margin_withdrawable(&account->withdrawable, &cross);
done:
        return rc;
}

static bool have_marks_moved(const struct mirror *mirror, const struct shadow *s)
{
        for (uint32_t i = 0; i < s->book.n; i++) {
                const struct mirror_place *place = &mirror->place[s->book.position[i].market];

                if (s->book.position[i].mode == MARGIN_CROSS && place->context_at > s->asked_at)
                        return true;
        }
        return false;
}

enum errc mirror_view(struct mirror *mirror, const struct addr *user, const char *dex, int64_t now,
                      struct mirror_view *view)
{
        struct viewing v = {.mirror = mirror, .now = now, .view = view};
        struct shadow_marks marks = mirror_marks(mirror);
        unsigned unknown = 0;
        uint32_t doubts;
        enum errc rc = E_NOT_FOUND;

        v.s = mirror_shadow_named(mirror, user, dex);
        if (!v.s || !v.s->state_at)
                goto done;
        rc = shadow_value_book(&v.value, &v.s->book, &marks, mirror->table);
        if (rc)
                goto done;
        rc = show_account(&v, &unknown);
        if (rc)
                goto done;
        view->doubts = mirror_doubts(mirror, v.s, now) | (unknown ? (uint32_t)DOUBT_ORDERS : 0);
        view->pool = (enum margin_pool)v.s->pool;
        view->as_of = v.s->as_of;
        view->confirmed_at = v.s->confirmed_at;
        view->is_drifted = v.s->is_drifted;
        v.marks_moved = have_marks_moved(mirror, v.s);
        doubts = view->doubts & ~NOT_OF_FIGURES;
        if (doubts)
                view->total = estimate(doubts);
        else if (v.s->n_log || v.s->book.n)
                view->total = (struct mirror_trust){SOURCE_EXACT, ""};
        else
                view->total = (struct mirror_trust){SOURCE_VENUE, ""};
        rc = show_positions(&v);
        if (rc)
                goto done;
        rc = show_orders(&v);
done:
        return rc;
}

enum errc mirror_view_setting(struct mirror *mirror, const struct addr *user, const char *symbol,
                              int64_t now, struct venue_setting *out)
{
        struct shadow_marks marks = mirror_marks(mirror);
        const struct mirror_place *place = mirror_place(mirror, symbol);
        struct shadow *s = place ? mirror_shadow(mirror, user, place->dex) : NULL;
        const struct shadow_setting *setting;
        const struct shadow_position *p;
        struct shadow_value value;
        unsigned unknown;
        uint32_t market;
        enum errc rc = E_NOT_FOUND;

        if (!s || !s->state_at)
                goto done;
        market = mirror_place_number(mirror, place);
        setting = shadow_setting(s, market);
        /* No state shows it and no event tells of it: it may have been changed elsewhere. */
        if (setting && now - setting->at > mirror->options.setting_max_age_ms)
                setting = NULL;
        p = shadow_position(&s->book, market);
        if (!setting && (!p || p->flags & POSITION_SETTING_GUESSED))
                goto done;
        *out = (struct venue_setting){.mark = place->mark};
        out->mode = (p ? p->mode : setting->mode) == MARGIN_CROSS ? MARGIN_CROSS : MARGIN_ISOLATED;
        out->leverage = p ? p->leverage : setting->leverage;
        rc = shadow_value_book(&value, &s->book, &marks, mirror->table);
        if (rc)
                goto done;
        rc = shadow_value_resting(&value.cross.resting, &unknown, s);
        if (rc)
                goto done;
        rc = margin_free(&out->available[SIDE_BUY], &value.cross);
        if (rc)
                goto done;
        out->available[SIDE_SELL] = out->available[SIDE_BUY];
done:
        return rc;
}

/* What a look at the venue would answer; a gap that is open stays open, so that a look of just now
 * must do. */
static uint32_t must_read(const struct mirror *mirror, const struct shadow *s, int64_t now)
{
        static const uint32_t lasting =
                DOUBT_POOLED | DOUBT_CONTEXT | DOUBT_RERATED | DOUBT_TIERS | DOUBT_FUNDING;
        uint32_t doubts = mirror_doubts(mirror, s, now) & ~lasting;

        if (s->n_sent && !(s->doubts & DOUBT_OUTCOME))
                doubts &= ~(uint32_t)DOUBT_OUTCOME;
        if (now - s->confirmed_at <= MIRROR_SLACK_MS && !(s->doubts & DOUBT_GAP))
                doubts &= ~(uint32_t)DOUBT_GAP;
        return doubts;
}

bool mirror_ready(struct mirror *mirror, const struct addr *user, const char *dex,
                  const char *symbol, int64_t now, int64_t max_age, const char **reason)
{
        const struct shadow *s = mirror_shadow_named(mirror, user, dex);
        const struct mirror_place *place = symbol[0] ? mirror_place(mirror, symbol) : NULL;
        uint32_t market = place ? mirror_place_number(mirror, place) : 0;
        const char *why = "";
        uint32_t doubts;

        if (!s) {
                why = "The account is not watched.";
        } else if ((doubts = must_read(mirror, s, now))) {
                why = mirror_doubt_text(doubts);
        } else if (now - s->confirmed_at > max_age) {
                why = "The account was read too long ago.";
        } else if (symbol[0] && (!place || place->dex != s->dex)) {
                why = "The market is not known.";
        } else if (place && !mirror_context_fresh(mirror, market, now)) {
                why = mirror_doubt_text(DOUBT_CONTEXT);
        }
        if (reason)
                *reason = why;
        return !why[0];
}
