/* POST /v1/terms: the brand's terms, accepted apart from signing in, where they changed since. */
#include <stdlib.h>
#include <string.h>

#include "api/accounts.h"
#include "api/call.h"
#include "api/handlers.h"
#include "api/out.h"
#include "api/schema.h"
#include "api/tables.h"
#include "base/mem.h"

struct acceptance {
        struct call *call;
        char version[32];
        int64_t at;
};

static const struct field fields[] = {
        {.name = "version",
         .type = FIELD_TEXT,
         .required = true,
         .offset = offsetof(struct acceptance, version),
         .present = FIELD_NO_FLAG,
         .size = sizeof((struct acceptance *)NULL)->version},
};

FIELD_TABLE(terms_accept_table, fields);

static void answer(struct acceptance *a)
{
        struct buf body;

        buf_init(&body, 1024);
        buf_putc(&body, '{');
        out_text(&body, "version", a->version);
        out_int(&body, "acceptedAt", a->at);
        buf_putc(&body, '}');
        call_reply(a->call, 200, &body);
        free(a);
}

static void recorded(void *cookie, enum errc rc)
{
        struct acceptance *a = cookie;
        struct call *call = a->call;

        if (rc) {
                call_fail_code(call, rc);
                free(a);
                return;
        }
        answer(a);
}

static void record_read(void *cookie, enum errc rc, const struct store_account *account)
{
        struct acceptance *a = cookie;
        struct store_account record;

        if (rc) {
                call_fail_code(a->call, rc);
                free(a);
                return;
        }
        /* Accepted before: the time of the first acceptance stands. */
        if (account->created_at && strcmp(account->terms_version, a->version) == 0) {
                a->at = account->terms_at;
                answer(a);
                return;
        }
        record = *account;
        a->at = state_now(a->call->api);
        if (!record.created_at)
                record.created_at = a->at;
        text_copy(record.terms_version, sizeof record.terms_version, a->version);
        record.terms_at = a->at;
        accounts_put(a->call->api->accounts, &record, recorded, a);
}

void terms_accept(struct call *call)
{
        struct acceptance *a = xcalloc(1, sizeof *a);
        const char *current = call->brand->terms_version;
        struct err err = {.code = E_OK};

        a->call = call;
        if (!current[0])
                (void)err_set(&err, E_NOT_FOUND, "%s has no terms to accept.", call->brand->name);
        else if (call_fields(call, a, fields, 1, &err) == E_OK && strcmp(a->version, current) != 0)
                (void)err_field(&err, E_INVALID, "version", "must be the version in force, %s",
                                current);
        if (err.code) {
                call_fail(call, &err);
                free(a);
                return;
        }
        accounts_get(call->api->accounts, call->brand->id, &call->session.address, record_read, a);
}
