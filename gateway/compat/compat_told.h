/* compat_told: who else hears of an action that goes on: the audit log before, the mirror before and after. */
#ifndef COMPAT_TOLD_H
#define COMPAT_TOLD_H

#include "adapters/hyperliquid/hl_raw.h"
#include "api/call.h"
#include "store/store.h"

struct compat_told {
        struct api *api;
        struct addr account;
        bool is_mirrored;
        bool has_ticket;
        uint64_t ticket;
        bool has_action;
        struct venue_action action;
};

/* "action_forwarded", with who signed and for whom; done after it is on disk. */
void compat_told_audit(const struct call *call, const struct hl_request *request,
                       const struct addr *signer, store_done *done, void *cookie);

/* Before it is sent. typed may be NULL. wire: what its outcome is to be read as. */
void compat_told_sent(struct compat_told *told, struct api *api, const struct addr *account,
                      const struct hl_action *typed, struct venue_wire_action *wire);
/* After it; exactly once. */
void compat_told_outcome(const struct compat_told *told, const struct venue_wire_answer *answer);

#endif
