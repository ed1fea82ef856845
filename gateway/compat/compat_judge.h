/* compat_judge: the shadow pre-check of an action that somebody else made: each order that opens, each change of
 * leverage or margin goes through the pipeline's own stages up to the signature, with the mode and leverage
 * that are set at the venue. The first refusal ends it, since an action goes on whole or not at all. */
#ifndef COMPAT_JUDGE_H
#define COMPAT_JUDGE_H

#include "adapters/hyperliquid/hl_action.h"
#include "api/call.h"

struct compat_verdict {
        struct err err; /* code 0: nothing stands against it */
        unsigned item;  /* of the action: which one was refused */
};
typedef void compat_judge_fn(void *cookie, const struct compat_verdict *verdict);

/* call: whose wallet and account it is about. action is borrowed until done has fired, which it does once,
 * perhaps before return. */
void compat_judge(const struct call *call, const struct hl_action *action, compat_judge_fn *done,
                  void *cookie);

#endif
