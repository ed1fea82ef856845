/* POST /info: from what polling brought, from the cache, or from the venue, as its servers wrote it. */
#include <stdlib.h>
#include <string.h>

#include "compat/compat_cache.h"
#include "compat/compat_impl.h"

#define POLLED_MAX_AGE_MS 10000

struct row {
        const char *type;
        struct venue_wire_cost cost;
        int64_t keep_ms;
};

static const struct row rows[] = {
#define INFO(type, weight, items, keep_ms) {type, {weight, items}, keep_ms},
#include "compat/compat_info.def"
#undef INFO
};

static const struct row *find(const char *type)
{
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
                if (strcmp(rows[i].type, type) == 0)
                        return &rows[i];
        return NULL;
}

/* The question that polling asks names a dex and nothing else; NULL for another one. */
static const char *polled_dex(const json_t *body)
{
        bool has_dex = !hl_raw_is_absent(body, "dex");
        const char *dex = has_dex ? hl_raw_get_text(body, "dex", NULL) : "";
        size_t n = 1 + (json_object_get(body, "dex") != NULL);

        return json_object_size(body) == n ? dex : NULL;
}

static bool give_polled(struct compat *compat, struct call *call, const struct row *row,
                        const json_t *body)
{
        const struct venue *venue = compat->api->o.venue;
        const char *dex = polled_dex(body);
        struct venue_wire_polled polled;

        if (!dex || !venue->ops->wire_polled(venue, row->type, dex, &polled) ||
            state_now(compat->api) - polled.at > POLLED_MAX_AGE_MS)
                return false;
        compat_count(compat, "perpgate_compat_info_total", "result", "polled",
                     "Questions on /info, by where their answer came from.");
        call_reply_raw(call, 200, "application/json", polled.body, polled.len, NULL, 0);
        return true;
}

static void ask(struct compat *compat, struct call *call, const struct row *row, const json_t *body)
{
        char *key = json_dumps(body, JSON_SORT_KEYS | JSON_COMPACT);
        struct compat_question question = {
                .key = key,
                .key_len = key ? strlen(key) : 0,
                .body = call->body,
                .body_len = call->body_len,
                .cost = row->cost,
                .keep_ms = row->keep_ms,
        };

        if (key)
                compat_cache_ask(compat->cache, call, &question);
        else
                compat_text(call, 422, COMPAT_422);
        free(key);
}

void compat_info_run(struct compat *compat, struct call *call)
{
        json_t *body = hl_raw_load(call->body, call->body_len, NULL);
        const char *type = hl_raw_get_text(body, "type", NULL);
        const struct row *row = type ? find(type) : NULL;

        if (!row)
                compat_text(call, 422, COMPAT_422);
        else if (compat_pay(call, compat, COMPAT_READS, row->cost.weight) &&
                 !give_polled(compat, call, row, body))
                ask(compat, call, row, body);
        json_decref(body);
}
