/* store_alert: what traders were told, and the webhooks that still have to be told. As store.h: loop
 * thread only, callbacks fire once and later. */
#ifndef STORE_STORE_ALERT_H
#define STORE_STORE_ALERT_H

#include "store/store.h"

#define STORE_ALERTS_KEPT    1000 /* of one account; older ones go, delivered or not */
#define STORE_ALERTS_PAGE    200
#define STORE_ALERT_DETAIL   1024
#define STORE_ALERT_HOOKS    4 /* of one brand */
#define STORE_ALERT_HOOK_MAX 256

struct store_alert {
        uint64_t number; /* set by the store; grows */
        char brand[STORE_BRAND_MAX];
        struct addr account;
        char topic[96]; /* what it is about; "": the cause itself */
        char cause[96]; /* what the latest alert of the topic did not say already */
        char kind[32];
        char symbol[32]; /* "" where it is not about a market */
        int64_t at;
        char detail[STORE_ALERT_DETAIL]; /* a JSON object */
        unsigned attempts;               /* of a due delivery: those that failed */
};

/* Keeps the alert, and a delivery due at once for each hook. alert->number is told in the callback.
 * E_EXISTS: the latest alert of the topic has that cause; nothing is changed. */
typedef void store_alert_fn(void *cookie, enum errc rc, uint64_t number);
void store_alert_put(struct store *store, const struct store_alert *alert, const char *const *hook,
                     unsigned n_hooks, store_alert_fn *done, void *cookie);
/* alerts is borrowed for the call. */
typedef void store_alerts_fn(void *cookie, enum errc rc, const struct store_alert *alerts,
                             size_t n);
/* An account's, newest first: below the number `before` (0: from the newest), of one kind ("": all),
 * at most limit (<= STORE_ALERTS_PAGE). */
void store_alert_list(struct store *store, const char *brand, const struct addr *account,
                      const char *kind, uint64_t before, unsigned limit, store_alerts_fn *done,
                      void *cookie);
/* Deliveries of a brand's hook that are due at now, oldest first, at most limit. */
void store_alert_due(struct store *store, const char *brand, const char *hook, int64_t now,
                     unsigned limit, store_alerts_fn *done, void *cookie);
/* A delivery is over: it succeeded, or is given up. */
void store_alert_delivered(struct store *store, const char *brand, const char *hook,
                           uint64_t number, store_done *done, void *cookie);
/* A delivery failed, and is due again at next_at. */
void store_alert_retry(struct store *store, const char *brand, const char *hook, uint64_t number,
                       int64_t next_at, store_done *done, void *cookie);

#endif
