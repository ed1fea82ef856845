#include "keeper/tell.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define HOUR_MS INT64_C(3600000)

struct tell {
        struct alerts *alerts;
        struct keeper *keeper;
        struct brand_set *brands; /* one reference */
};

/* --- details, as JSON --- */

static void text(struct buf *out, const char *name, const char *value)
{
        buf_printf(out, "%s\"%s\":\"%s\"", out->len > 1 ? "," : "", name, value);
}

static void px(struct buf *out, const char *name, struct px value)
{
        char number[NUM_STR_MAX];

        text(out, name, num_print_px(number, value));
}

static void usd(struct buf *out, const char *name, struct usd value)
{
        char number[NUM_STR_MAX];

        text(out, name, num_print_usd(number, value));
}

static void rate(struct buf *out, const char *name, struct rate value)
{
        char number[NUM_STR_MAX];

        text(out, name, num_print_rate(number, value));
}

static void yes_or_no(struct buf *out, const char *name, bool value)
{
        buf_printf(out, "%s\"%s\":%s", out->len > 1 ? "," : "", name, value ? "true" : "false");
}

/* --- raising --- */

struct note {
        const struct addr *user;
        enum alert_kind kind;
        const char *symbol;
        int64_t at;
        char topic[96], cause[96];
        struct buf detail; /* begun, without its end */
};

static void begin(struct note *note, const struct addr *user, enum alert_kind kind,
                  const char *symbol, int64_t at)
{
        *note = (struct note){.user = user, .kind = kind, .symbol = symbol, .at = at};
        buf_init(&note->detail, STORE_ALERT_DETAIL - 1);
        buf_putc(&note->detail, '{');
}

static bool alerts_at(const struct brand *brand, struct rate band)
{
        for (unsigned i = 0; brand && i < brand->n_bands; i++)
                if (brand->band[i].v == band.v)
                        return true;
        return false;
}

/* To every brand of the address; band: only to those that alert at it, NULL: to all. */
static void raise_note(const struct tell *tell, struct note *note, const struct rate *band)
{
        const char *brand[KEEPER_BRANDS_MAX];
        unsigned n = keeper_watchers(tell->keeper, note->user, brand);
        struct alert alert = {.account = *note->user,
                              .kind = note->kind,
                              .symbol = note->symbol,
                              .at = note->at,
                              .cause = note->cause,
                              .topic = note->topic[0] ? note->topic : NULL};

        buf_putc(&note->detail, '}');
        must(buf_check(&note->detail) == E_OK);
        alert.detail = buf_cstr(&note->detail);
        for (unsigned i = 0; i < n; i++) {
                if (band && !alerts_at(brand_by_id(tell->brands, brand[i]), *band))
                        continue;
                alert.brand = brand[i];
                alerts_raise(tell->alerts, &alert, NULL, NULL);
        }
        buf_fini(&note->detail);
}

/* --- hooks --- */

static void on_crossed(void *cookie, const struct mirror_crossing *c)
{
        char band[NUM_STR_MAX];
        struct note note;

        if (c->level == LEVEL_LIQUIDATION)
                return; /* the liquidation itself is told when it is one */
        begin(&note, c->user, ALERT_LIQUIDATION_DISTANCE, c->symbol, c->at);
        num_print_rate(band, c->band);
        snprintf(note.topic, sizeof note.topic, "distance %s %s", c->symbol, band);
        snprintf(note.cause, sizeof note.cause, "distance %s %s %s", c->symbol, band,
                 c->reached ? "reached" : "left");
        text(&note.detail, "band", band);
        text(&note.detail, "crossed", c->reached ? "nearer" : "farther");
        rate(&note.detail, "distance", c->distance);
        px(&note.detail, "markPrice", c->mark);
        px(&note.detail, "liquidationPrice", c->liquidation);
        text(&note.detail, "marginMode", c->is_cross ? "cross" : "isolated");
        text(&note.detail, "source", risk_source_name(c->source));
        raise_note(cookie, &note, &c->band);
}

static void on_funding(void *cookie, const struct mirror_funding_charge *f)
{
        struct note note;

        if (f->amount.v == 0)
                return;
        begin(&note, f->user, ALERT_FUNDING_CHARGED, f->symbol, f->at);
        snprintf(note.cause, sizeof note.cause, "funding %s %" PRId64, f->symbol, f->at / HOUR_MS);
        usd(&note.detail, "amount", f->amount);
        rate(&note.detail, "rate", f->rate);
        text(&note.detail, "source", f->is_exact ? "venue" : "estimate");
        raise_note(cookie, &note, NULL);
}

static void on_liquidated(void *cookie, const struct mirror_liquidation_note *l)
{
        char number[NUM_STR_MAX];
        struct note note;

        begin(&note, l->user, ALERT_LIQUIDATED, l->symbol, l->at);
        snprintf(note.cause, sizeof note.cause, "liquidated %s %" PRId64, l->symbol, l->at);
        text(&note.detail, "size", num_print_qty(number, l->size));
        text(&note.detail, "marginMode", l->is_isolated ? "isolated" : "cross");
        usd(&note.detail, "lost", l->lost);
        usd(&note.detail, "kept", l->kept);
        yes_or_no(&note.detail, "certain", l->is_certain);
        raise_note(cookie, &note, NULL);
}

/* A push has no trigger. Where that is all there is, the venue is asked, and tells it whole. */
static void on_triggered(void *cookie, const struct mirror_trigger_note *t)
{
        const struct tell *tell = cookie;
        char oid[24];
        struct note note;

        if (!t->trigger_price.v) {
                keeper_read_order(tell->keeper, t->user, t->dex, t->oid);
                return;
        }
        begin(&note, t->user, ALERT_STOP_TRIGGERED, t->symbol, t->at);
        snprintf(oid, sizeof oid, "%" PRIu64, t->oid);
        snprintf(note.cause, sizeof note.cause, "triggered %s", oid);
        text(&note.detail, "venueOrderId", oid);
        text(&note.detail, "kind", t->trigger == TRIGGER_TAKE_PROFIT ? "takeProfit" : "stopLoss");
        px(&note.detail, "triggerPrice", t->trigger_price);
        raise_note(cookie, &note, NULL);
}

static void on_vanished(void *cookie, const struct mirror_vanished_note *v)
{
        const struct tell *tell = cookie;

        keeper_read_order(tell->keeper, v->user, v->dex, v->oid);
}

static void on_unexplained(void *cookie, const struct mirror_unexplained_note *u)
{
        const struct tell *tell = cookie;

        keeper_read_fills(tell->keeper, u->user, u->dex, u->from, u->until);
}

static void on_drift(void *cookie, const struct mirror_drift_note *d)
{
        struct note note;

        begin(&note, d->user, ALERT_DRIFT, "", d->wrong_until);
        snprintf(note.topic, sizeof note.topic, "drift %s", d->dex);
        snprintf(note.cause, sizeof note.cause, "drift %s %s", d->dex,
                 d->is_drifted ? "began" : "over");
        yes_or_no(&note.detail, "drifted", d->is_drifted);
        usd(&note.detail, "amount", d->amount);
        buf_puts(&note.detail, ",\"fields\":[");
        for (unsigned i = 0, n = 0; i < MIRROR_FIELDS; i++)
                if (d->fields & 1u << i)
                        buf_printf(&note.detail, "%s\"%s\"", n++ ? "," : "",
                                   mirror_field_name((enum mirror_field)i));
        buf_printf(&note.detail, "],\"wrongFrom\":%" PRId64 ",\"wrongUntil\":%" PRId64,
                   d->wrong_from, d->wrong_until);
        raise_note(cookie, &note, NULL);
}

/* --- life --- */

struct tell *tell_new(struct alerts *alerts)
{
        struct tell *tell = xcalloc(1, sizeof *tell);

        tell->alerts = alerts;
        return tell;
}

void tell_free(struct tell *tell)
{
        if (!tell)
                return;
        brand_set_unref(tell->brands);
        free(tell);
}

struct mirror_hooks tell_hooks(struct tell *tell)
{
        return (struct mirror_hooks){
                .crossed = on_crossed,
                .funding = on_funding,
                .liquidated = on_liquidated,
                .triggered = on_triggered,
                .vanished = on_vanished,
                .unexplained = on_unexplained,
                .drift = on_drift,
                .cookie = tell,
        };
}

void tell_keeper(struct tell *tell, struct keeper *keeper)
{
        tell->keeper = keeper;
}

void tell_brands(struct tell *tell, struct brand_set *brands)
{
        brand_set_unref(tell->brands);
        tell->brands = brand_set_ref(brands);
}

static enum errc insert(struct rate band[MIRROR_BANDS_MAX], unsigned *n, struct rate wanted)
{
        unsigned at = 0;

        while (at < *n && band[at].v > wanted.v)
                at++;
        if (at < *n && band[at].v == wanted.v)
                return E_OK;
        if (*n == MIRROR_BANDS_MAX)
                return E_LIMIT;
        memmove(&band[at + 1], &band[at], (*n - at) * sizeof *band);
        band[at] = wanted;
        ++*n;
        return E_OK;
}

enum errc tell_bands(struct rate band[MIRROR_BANDS_MAX], unsigned *n,
                     const struct brand_set *brands)
{
        enum errc rc = E_OK;

        *n = 0;
        for (size_t i = 0; i < brands->n; i++)
                for (unsigned k = 0; k < brands->brand[i]->n_bands && !rc; k++)
                        rc = insert(band, n, brands->brand[i]->band[k]);
        return rc;
}
