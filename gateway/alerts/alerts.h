/* alerts: what a trader has to be told of an account. Each is kept once for its cause, listed at
 * GET /v1/alerts, and posted to the brand's webhooks until they take it. Loop thread only. */
#ifndef ALERTS_ALERTS_H
#define ALERTS_ALERTS_H

#include "brand/brand.h"
#include "loop/loop.h"
#include "ops/metrics.h"
#include "store/store_alert.h"

struct alerts;

enum alert_kind {
        ALERT_LIQUIDATION_DISTANCE, /* crossed one of the brand's bands, either way */
        ALERT_FUNDING_CHARGED,
        ALERT_STOP_TRIGGERED,
        ALERT_LIQUIDATED,
        ALERT_GUARD_ACTED,
        ALERT_AGENT_EXPIRES,
        ALERT_DRIFT,
        ALERT_DEAD_MAN_FIRED,
};
#define ALERT_KINDS 8
const char *alerts_kind_name(enum alert_kind kind); /* "liquidationDistance", ... */

struct alert {
        const char *brand;
        struct addr account;
        enum alert_kind kind;
        const char *symbol; /* "" where it is not about a market */
        int64_t at;         /* wall ms */
        /* The same cause is told once per brand and account, restarts included; of causes with the
         * same topic, each is told unless it was the last. topic may be NULL. */
        const char *cause, *topic;
        const char *detail; /* a JSON object of less than STORE_ALERT_DETAIL bytes */
};

struct alerts_options {
        struct loop *loop;
        struct store *store;     /* borrowed */
        struct metrics *metrics; /* borrowed */
        const char *ca_file;     /* trust anchors for webhooks instead of the system's, or NULL */
};
struct alerts *alerts_new(const struct alerts_options *options);
/* Deliveries under way end; what was not taken stays due. Accepts NULL. */
void alerts_free(struct alerts *alerts);

/* Takes over the brands' webhooks and reads their secrets: whole, or E_CONFIG and nothing changes. */
MUST_USE enum errc alerts_configure(struct alerts *alerts, const struct brand_set *brands,
                                    struct err *err);

/* Keeps it, and delivers it from then on. Fire and forget: where the store is down it is lost, which is
 * counted and logged. told may be NULL; it fires once, with alert's number, unless the cause was told
 * before or the store is down. */
typedef void alerts_told_fn(void *cookie, const struct store_alert *alert);
void alerts_raise(struct alerts *alerts, const struct alert *alert, alerts_told_fn *told,
                  void *cookie);

/* Who hears of every alert that was kept, once each; one at a time, NULL: nobody. */
void alerts_listen(struct alerts *alerts, alerts_told_fn *heard, void *cookie);

/* The alert as the API and the webhooks show it: a JSON object. */
void alert_json(struct buf *out, const struct store_alert *alert, bool with_account);

#endif
