/* GET /v1/deposit: where a deposit goes, as the operator has configured it. What is not configured is not
 * guessed: money sent to a wrong contract is gone. */
#include <string.h>

#include "api/call.h"
#include "api/handlers.h"
#include "api/out.h"

static void configured(struct buf *out, const struct config_deposit *d)
{
        out_text(out, "method", "transfer");
        out_text(out, "address", d->address);
        out_text(out, "token", d->token);
        out_int(out, "chainId", (int64_t)d->chain_id);
        out_text(out, "minimum", d->minimum[0] ? d->minimum : NULL);
        out_text(out, "detail",
                 "Send the token from your own wallet to the address, on that chain, and not less "
                 "than the minimum: it is credited to the sender's account at the venue.");
}

void deposit_get(struct call *call)
{
        const struct api *api = call->api;
        const struct config_deposit *d = &api->deposit;
        char account[ADDR_STR_MAX];
        struct buf body;

        if (!d->address[0] && !api->is_paper) {
                struct err err = {.code = E_OK};
                (void)err_set(&err, E_NOT_FOUND, "%s names no way to deposit; use the venue's own.",
                              call->brand->name);
                call_fail(call, &err);
                return;
        }
        buf_init(&body, 4096);
        buf_putc(&body, '{');
        out_text(&body, "account", hex_print_addr(account, &call->session.address));
        out_text(&body, "network", api->o.venue->ops->caps(api->o.venue)->network);
        if (api->is_paper) {
                out_text(&body, "method", "faucet");
                out_text(&body, "detail",
                         "This is a paper venue: POST /paper/faucet {user, amount} there makes "
                         "money.");
        } else {
                configured(&body, d);
        }
        buf_putc(&body, '}');
        call_reply(call, 200, &body);
}
