/* compat_answer: refusals in the venue's own shapes. All are 200 there; each frees its call. */
#ifndef COMPAT_ANSWER_H
#define COMPAT_ANSWER_H

#include "adapters/hyperliquid/hl_action.h"
#include "api/call.h"

/* {"status":"err","response":text}: of an action as a whole. */
void compat_answer_err(struct call *call, const char *text);
/* The same refusal in the audit log. */
void compat_answer_refuse(struct call *call, const struct err *err, const char *text);
/* Why item of the action was refused, where the venue would say it: among the statuses of orders, or as a
 * whole; in its words where it has some, since clients go by them. */
void compat_answer_item(struct call *call, const struct hl_action *action, unsigned item,
                        const struct err *err);

#endif
