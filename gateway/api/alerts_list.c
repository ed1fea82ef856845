/* What the trader was told: kept alerts, newest first. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "alerts/alerts.h"
#include "api/call.h"
#include "api/handlers.h"
#include "api/schema.h"
#include "api/tables.h"
#include "base/mem.h"

#define LIMIT_DEFAULT 50
#define BODY_MAX      (1u << 20)

struct alerts_query {
        int kind;
        bool has_kind, has_limit, has_cursor;
        unsigned limit;
        char cursor[20];
};

/* In the order of enum alert_kind. */
static const char *const kind_words[ALERT_KINDS + 1] = {
        "liquidationDistance", "fundingCharged", "stopTriggered", "liquidated", "guardActed",
        "agentExpires",        "drift",          "deadManFired",  NULL};
static const struct field fields[] = {
        {.name = "kind",
         .type = FIELD_WORD,
         .offset = offsetof(struct alerts_query, kind),
         .present = offsetof(struct alerts_query, has_kind),
         .words = kind_words},
        {.name = "limit",
         .type = FIELD_UINT,
         .offset = offsetof(struct alerts_query, limit),
         .present = offsetof(struct alerts_query, has_limit),
         .size = STORE_ALERTS_PAGE - 1},
        {.name = "cursor",
         .type = FIELD_TEXT,
         .offset = offsetof(struct alerts_query, cursor),
         .present = offsetof(struct alerts_query, has_cursor),
         .size = sizeof((struct alerts_query *)NULL)->cursor},
};
FIELD_TABLE(alerts_list_table, fields);

struct listing {
        struct call *call;
        unsigned limit;
};

static void answer(struct call *call, const struct store_alert *alerts, size_t shown, bool more)
{
        struct buf body;

        buf_init(&body, BODY_MAX);
        buf_puts(&body, "{\"data\":[");
        for (size_t i = 0; i < shown; i++) {
                if (i)
                        buf_putc(&body, ',');
                alert_json(&body, &alerts[i], false);
        }
        buf_puts(&body, "],\"nextCursor\":");
        if (more)
                buf_printf(&body, "\"%" PRIu64 "\"}", alerts[shown - 1].number);
        else
                buf_puts(&body, "null}");
        call_reply(call, 200, &body);
}

/* One more than the page was asked for: it tells whether there is another page. */
static void listed(void *cookie, enum errc rc, const struct store_alert *alerts, size_t n)
{
        struct listing *listing = cookie;

        if (rc)
                call_fail_code(listing->call, rc);
        else
                answer(listing->call, alerts, n > listing->limit ? listing->limit : n,
                       n > listing->limit);
        free(listing);
}

static enum errc read_cursor(uint64_t *before, const char *text, struct err *err)
{
        size_t len = strlen(text);

        *before = 0;
        for (size_t i = 0; i < len; i++)
                if (text[i] >= '0' && text[i] <= '9' && *before <= INT64_MAX / 10 - 1)
                        *before = *before * 10 + (uint64_t)(text[i] - '0');
                else
                        return err_field(err, E_INVALID, "cursor",
                                         "is not a nextCursor of this list");
        return *before ? E_OK
                       : err_field(err, E_INVALID, "cursor", "is not a nextCursor of this list");
}

void alerts_list(struct call *call)
{
        struct alerts_query q = {.limit = LIMIT_DEFAULT};
        struct err err = {.code = E_OK};
        struct listing *listing;
        uint64_t before = 0;

        if (call_query(call, &q, fields, sizeof fields / sizeof *fields, &err) ||
            (q.has_cursor && read_cursor(&before, q.cursor, &err))) {
                call_fail(call, &err);
                return;
        }
        listing = xcalloc(1, sizeof *listing);
        *listing = (struct listing){call, q.limit};
        store_alert_list(call->api->o.store, call->brand->id, &call->account,
                         q.has_kind ? kind_words[q.kind] : "", before, q.limit + 1, listed,
                         listing);
}
