/* Sub-accounts of the session's wallet: listed, made, funded. Acting for one is a header on the other
 * routes: acting.c. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "api/acting.h"
#include "api/call.h"
#include "api/handlers.h"
#include "api/out.h"
#include "api/pipeline.h"
#include "api/schema.h"
#include "api/tables.h"
#include "base/mem.h"

#define BODY_MAX 65536

/* --- listing --- */

static void listed(void *cookie, const struct err *err, const struct venue_sub_account *subs,
                   size_t n)
{
        struct call *call = cookie;
        char address[ADDR_STR_MAX];
        struct buf body;

        if (err->code) {
                call_fail(call, err);
                return;
        }
        acting_learn(call->api->acting, &call->session.address, subs, n);
        buf_init(&body, BODY_MAX);
        buf_puts(&body, "{\"data\":[");
        for (size_t i = 0; i < n; i++) {
                buf_puts(&body, i ? ",{" : "{");
                out_text(&body, "address", hex_print_addr(address, &subs[i].address));
                out_text(&body, "name", subs[i].name);
                out_usd(&body, "equity", subs[i].equity);
                out_usd(&body, "withdrawable", subs[i].withdrawable);
                buf_putc(&body, '}');
        }
        buf_puts(&body, "]}");
        call_reply(call, 200, &body);
}

void sub_accounts_list(struct call *call)
{
        struct venue *venue = call->api->o.venue;
        struct err err = {.code = E_OK};

        if (call_query(call, NULL, NULL, 0, &err))
                call_fail(call, &err);
        else
                venue->ops->read_sub_accounts(venue, &call->session.address, listed, call);
}

/* --- making --- */

struct make_request {
        char name[VENUE_SUB_NAME_MAX + 1];
};

static const struct field make_fields[] = {
        {.name = "name",
         .type = FIELD_TEXT,
         .required = true,
         .offset = offsetof(struct make_request, name),
         .present = FIELD_NO_FLAG,
         .size = VENUE_SUB_NAME_MAX + 1},
};
FIELD_TABLE(sub_accounts_make_table, make_fields);

void sub_accounts_make(struct call *call)
{
        struct run_request request = {.kind = RUN_SUB_ACCOUNT};
        struct make_request fields = {.name = ""};
        struct err err = {.code = E_OK};

        if (call_fields(call, &fields, make_fields, 1, &err)) {
                call_fail(call, &err);
                return;
        }
        text_copy(request.sub_name, sizeof request.sub_name, fields.name);
        pipeline_start(call, &request);
}

/* --- funding --- */

struct transfer_request {
        struct usd amount;
        int direction;
};

static const char *const direction_words[] = {"deposit", "withdraw", NULL};
static const struct field transfer_fields[] = {
        {.name = "amount",
         .type = FIELD_USD,
         .required = true,
         .offset = offsetof(struct transfer_request, amount),
         .present = FIELD_NO_FLAG},
        {.name = "direction",
         .type = FIELD_WORD,
         .required = true,
         .offset = offsetof(struct transfer_request, direction),
         .present = FIELD_NO_FLAG,
         .words = direction_words},
};
FIELD_TABLE(sub_accounts_transfer_table, transfer_fields);

struct transfer {
        struct call *call;
        struct run_request request;
};

static void checked(void *cookie, const struct err *err)
{
        struct transfer *t = cookie;

        if (err->code == E_NOT_FOUND) /* it was named in the path, not in a header */
                call_fail_code(t->call, E_NOT_FOUND);
        else if (err->code)
                call_fail(t->call, err);
        else
                pipeline_start(t->call, &t->request);
        free(t);
}

void sub_accounts_transfer(struct call *call)
{
        struct transfer *t = xcalloc(1, sizeof *t);
        struct transfer_request fields = {.direction = 0};
        struct err err = {.code = E_OK};

        t->call = call;
        t->request.kind = RUN_SUB_TRANSFER;
        if (hex_parse_addr(&t->request.sub_account, call->param, strlen(call->param)))
                (void)err_set(&err, E_NOT_FOUND, "%s", err_text(E_NOT_FOUND));
        else if (call_fields(call, &fields, transfer_fields, 2, &err) == E_OK &&
                 fields.amount.v % NUM_MICRO)
                (void)err_field(&err, E_INVALID, "amount", "must be whole units of 0.000001");
        if (err.code) {
                call_fail(call, &err);
                free(t);
                return;
        }
        t->request.amount = fields.amount;
        t->request.is_deposit = fields.direction == 0;
        acting_check(call->api->acting, &call->session.address, &t->request.sub_account, checked,
                     t);
}
