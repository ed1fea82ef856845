/* webhooks: alerts posted to the brands' webhooks, signed, tried again until they are taken. What is
 * due stands in the store; here is only what is under way. Private to alerts. */
#ifndef ALERTS_WEBHOOKS_H
#define ALERTS_WEBHOOKS_H

#include "alerts/alerts.h"

struct webhooks;

struct webhooks *webhooks_new(const struct alerts_options *options);
void webhooks_free(struct webhooks *webhooks); /* accepts NULL */
MUST_USE enum errc webhooks_configure(struct webhooks *webhooks, const struct brand_set *brands,
                                      struct err *err);
/* The URLs of a brand's hooks, borrowed until the next configuration; how many. */
unsigned webhooks_of(const struct webhooks *webhooks, const char *brand,
                     const char *url[STORE_ALERT_HOOKS]);
/* There is something new for a brand's hooks. */
void webhooks_wake(struct webhooks *webhooks, const char *brand);

#endif
