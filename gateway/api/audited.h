/* audited: what the gateway refuses and does of its own accord, in the audit log. What is signed, and every
 * change of rights, is audited by the store itself, in the transaction that writes it down
 * (store/store_audit_acts.h).
 *
 * Which refusals: of requests that would trade, move money or change rights; a refused read or preview
 * asks for nothing. So that nobody fills the disk by being refused, a refusal has a record of its own
 * only where its sender is known, at most AUDITED_PER_ACCOUNT a minute for an account and
 * AUDITED_PER_BRAND for a brand. The rest is counted by its code, and once a minute one record tells the counts;
 * a crash loses those of the minute it falls into, no more. */
#ifndef API_AUDITED_H
#define API_AUDITED_H

#include "base/err.h"

struct api;
struct audited;
struct brand;
struct call;
struct route;

#define AUDITED_PER_ACCOUNT 10
#define AUDITED_PER_BRAND   60

struct audited *audited_new(struct api *api);
void audited_free(struct audited *audited); /* accepts NULL */

/* Before the refusal is answered. */
void audited_refusal(const struct call *call, const struct err *err);
/* Of a request that came to no call. route may be NULL: then there is nothing that was refused. */
void audited_stranger(struct api *api, const struct brand *brand, const struct route *route,
                      const struct err *err);
/* An act of whoever runs the gateway, in the log of every brand that is served; detail is JSON. */
void audited_act(struct api *api, const char *action, const char *detail);
/* Writes what was counted and the last record, and logs where each chain ends. At the end, before the store closes. */
void audited_flush(struct audited *audited);

#endif
