#include "adapters/hyperliquid/hl_family.h"

#include <stdlib.h>

#include "adapters/hyperliquid/hl_parse.h"
#include "adapters/hyperliquid/hl_raw.h"
#include "adapters/hyperliquid/hl_reads.h"
#include "adapters/hyperliquid/hl_venue.h"
#include "base/mem.h"

#define BODY_MAX 256

static enum errc parse_row(struct venue_sub_account *row, const json_t *json,
                           const struct addr *master)
{
        const json_t *state = json_object_get(json, "clearinghouseState");
        struct addr of;

        if (hl_raw_get_addr(&row->address, json, "subAccountUser") ||
            hl_raw_get_addr(&of, json, "master") || !hex_addr_equal(&of, master) ||
            hl_parse_text(row->name, sizeof row->name, json, "name"))
                return E_SYNTAX;
        if (hl_parse_usd(&row->equity, json_object_get(state, "marginSummary"), "accountValue") ||
            hl_parse_usd(&row->withdrawable, state, "withdrawable"))
                return E_SYNTAX;
        return E_OK;
}

enum errc hl_family_parse(struct venue_sub_account **out, size_t *n, const json_t *answer,
                          const struct addr *master, struct err *err)
{
        const char *name = hl_rest_kind_name(HL_REST_SUB_ACCOUNTS);
        struct venue_sub_account *rows;
        size_t count = json_array_size(answer);

        *out = NULL;
        *n = 0;
        if (json_is_null(answer)) /* none */
                return E_OK;
        if (!json_is_array(answer) || count > VENUE_SUB_ACCOUNTS_MAX)
                return hl_parse_failed(err, name, "not a list that is accepted");
        rows = xcalloc(count + 1, sizeof *rows);
        for (size_t i = 0; i < count; i++) {
                if (parse_row(&rows[i], json_array_get(answer, i), master)) {
                        free(rows);
                        return hl_parse_failed(err, name, "row");
                }
        }
        *out = rows;
        *n = count;
        return E_OK;
}

struct ask {
        struct hl_venue *v;
        struct addr user;
        venue_sub_accounts_fn *done;
        void *cookie;
};

static void on_answer(void *cookie, const struct http_answer *answer, enum errc refused)
{
        struct ask *ask = cookie;
        struct venue_sub_account *rows = NULL;
        struct err err = {0};
        size_t n = 0;
        json_t *root = hl_reads_load(answer, refused, HL_REST_SUB_ACCOUNTS, &err);
        bool is_bad = !root && !refused && answer->status == 200;

        if (root)
                is_bad = hl_family_parse(&rows, &n, root, &ask->user, &err) != E_OK;
        ask->v->bad_answers += is_bad;
        ask->done(ask->cookie, &err, rows, n);
        json_decref(root);
        free(rows);
        free(ask);
}

void hl_family_read(struct venue *venue, const struct addr *user, venue_sub_accounts_fn *done,
                    void *cookie)
{
        struct ask *ask = xcalloc(1, sizeof *ask);
        char address[ADDR_STR_MAX];
        struct buf body;

        *ask = (struct ask){.v = hl_venue_of(venue), .user = *user, .done = done, .cookie = cookie};
        buf_init(&body, BODY_MAX);
        buf_printf(&body, "{\"type\":\"%s\",\"user\":\"%s\"}",
                   hl_rest_kind_name(HL_REST_SUB_ACCOUNTS), hex_print_addr(address, user));
        must(buf_check(&body) == E_OK);
        hl_rest_post(ask->v->rest, HL_REST_SUB_ACCOUNTS, body.data, body.len, 0,
                     ask->v->read_deadline_ms, on_answer, ask);
        buf_fini(&body);
}
