#include "compat/compat_told.h"

#include <string.h>

#include "api/out.h"
#include "compat/compat_action.h"
#include "keeper/keeper.h"

#define DETAIL_MAX 4096

void compat_told_audit(const struct call *call, const struct hl_request *request,
                       const struct addr *signer, store_done *done, void *cookie)
{
        struct api *api = call->api;
        char who[ADDR_STR_MAX], account[ADDR_STR_MAX];
        struct buf detail;

        buf_init(&detail, DETAIL_MAX);
        buf_putc(&detail, '{');
        out_text(&detail, "request", call->request_id);
        out_text(&detail, "type", request->type);
        out_int(&detail, "items", compat_action_items(request->action));
        out_int(&detail, "nonce", (int64_t)(request->envelope.nonce & INT64_MAX));
        out_text(&detail, "signer", hex_print_addr(who, signer));
        out_text(&detail, "account", hex_print_addr(account, &call->account));
        buf_putc(&detail, '}');
        must(buf_check(&detail) == E_OK);
        store_audit(api->o.store, call->brand->id, hex_print_addr(who, &call->session.address),
                    "action_forwarded", buf_cstr(&detail), state_now(api), done, cookie);
        buf_fini(&detail);
}

void compat_told_sent(struct compat_told *told, struct api *api, const struct addr *account,
                      const struct hl_action *typed, struct venue_wire_action *wire)
{
        struct mirror *mirror = keeper_mirror(api->o.keeper);

        told->api = api;
        told->account = *account;
        told->is_mirrored = keeper_watches(api->o.keeper, account);
        told->has_action = typed && compat_action_mirrored(&told->action, typed);
        if (told->has_action) {
                wire->has_kind = true;
                wire->kind = (int)told->action.kind;
        }
        told->has_ticket = told->is_mirrored && told->has_action;
        if (told->has_ticket)
                told->ticket = mirror_sent(mirror, account, &told->action, state_now(api));
}

/* What has no form of its own there, or an outcome that can't be read: that something changed. */
static void touch(const struct compat_told *told)
{
        const struct venue *venue = told->api->o.venue;
        struct mirror *mirror = keeper_mirror(told->api->o.keeper);
        struct venue_dex dex;

        for (unsigned i = 0; i < venue->ops->dex_count(venue); i++) {
                venue->ops->dex_at(venue, i, &dex);
                mirror_touched(mirror, &told->account, dex.name, state_now(told->api));
        }
}

void compat_told_outcome(const struct compat_told *told, const struct venue_wire_answer *answer)
{
        if (told->has_ticket)
                mirror_outcome(keeper_mirror(told->api->o.keeper), told->ticket, answer->outcome,
                               state_now(told->api));
        else if (told->is_mirrored && answer->end != WIRE_NOT_SENT)
                touch(told);
}
