#include "adapters/hyperliquid/hl_pass.h"

#include <stdlib.h>
#include <string.h>

#include "adapters/hyperliquid/hl_outcome.h"
#include "adapters/hyperliquid/hl_parse.h"
#include "adapters/hyperliquid/hl_raw.h"
#include "adapters/hyperliquid/hl_reads.h"
#include "base/attr.h"
#include "base/mem.h"

#define ROLE_BODY_MAX 128

/* ---- A walk over JSON's outline ---- */

/* The venue's own answers, already loaded once or only counted: no more than brackets are looked at. */
struct outline {
        unsigned depth;
        bool in_text, is_escaped;
};

static void outline_step(struct outline *o, char c)
{
        if (o->in_text) {
                if (o->is_escaped)
                        o->is_escaped = false;
                else if (c == '\\')
                        o->is_escaped = true;
                else if (c == '"')
                        o->in_text = false;
                return;
        }
        if (c == '"')
                o->in_text = true;
        else if (c == '[' || c == '{')
                o->depth++;
        else if ((c == ']' || c == '}') && o->depth > 0)
                o->depth--;
}

static size_t count_items(const char *s, size_t len)
{
        struct outline o = {.depth = 0};
        size_t n = 0;

        for (size_t i = 0; i < len; i++) {
                n += s[i] == ',' && o.depth == 1 && !o.in_text;
                outline_step(&o, s[i]);
        }
        return len > 2 ? n + 1 : 0;
}

/* ---- Passing ---- */

struct pass {
        struct hl_venue *v;
        bool is_action;
        struct venue_wire_action action;
        unsigned items_per_weight;
        venue_wire_fn *done;
        void *cookie;
};

static void charge(const struct pass *pass, const struct http_answer *answer)
{
        size_t n;

        if (!pass->items_per_weight || answer->result != HTTP_ANSWERED || answer->status != 200)
                return;
        n = count_items(answer->body, answer->body_len);
        /* Counted there in twenties. */
        hl_rest_charge_items(pass->v->rest, HL_REST_PASSED, n / pass->items_per_weight * 20);
}

static void describe(struct venue_wire_answer *out, const struct pass *pass,
                     const struct http_answer *answer, enum errc refused)
{
        *out = (struct venue_wire_answer){
                .status = (int)answer->status,
                .content_type = answer->content_type,
                .body = answer->body,
                .len = answer->body_len,
        };
        switch (answer->result) {
        case HTTP_ANSWERED: out->end = WIRE_ANSWERED; return;
        case HTTP_NOT_SENT:
                out->end = WIRE_NOT_SENT;
                (void)err_set(&out->err, refused ? refused : E_VENUE_UNAVAILABLE, "%s",
                              answer->reason);
                return;
        case HTTP_UNKNOWN:
                /* A question that got lost can be asked again; nothing hangs on it. */
                out->end = WIRE_UNKNOWN;
                (void)err_set(&out->err, pass->is_action ? E_OUTCOME_UNKNOWN : E_VENUE_UNAVAILABLE,
                              "%s", answer->reason);
                return;
        }
}

static void on_answer(void *cookie, const struct http_answer *answer, enum errc refused)
{
        struct pass *pass = cookie;
        struct venue_outcome *outcome = NULL;
        struct venue_wire_answer told;

        describe(&told, pass, answer, refused);
        charge(pass, answer);
        if (pass->is_action && pass->action.has_kind) {
                outcome = xmalloc(sizeof *outcome); /* too large for the stack */
                hl_outcome_read(outcome, (enum venue_action_kind)pass->action.kind,
                                pass->action.n_items, answer, refused, &pass->v->unknown_texts);
                told.outcome = outcome;
        }
        pass->done(pass->cookie, &told);
        free(outcome);
        free(pass);
}

void hl_pass_ask(struct venue *venue, const void *body, size_t len,
                 const struct venue_wire_cost *cost, venue_wire_fn *done, void *cookie)
{
        struct pass *pass = xcalloc(1, sizeof *pass);

        *pass = (struct pass){.v = hl_venue_of(venue),
                              .items_per_weight = cost->items_per_weight,
                              .done = done,
                              .cookie = cookie};
        hl_rest_post(pass->v->rest, HL_REST_PASSED, body, len, cost->weight,
                     pass->v->read_deadline_ms, on_answer, pass);
}

void hl_pass_act(struct venue *venue, const void *body, size_t len,
                 const struct venue_wire_action *action, venue_wire_fn *done, void *cookie)
{
        struct pass *pass = xcalloc(1, sizeof *pass);

        must(!action->has_kind || action->n_items <= VENUE_CANCELS_MAX);
        *pass = (struct pass){.v = hl_venue_of(venue),
                              .is_action = true,
                              .action = *action,
                              .done = done,
                              .cookie = cookie};
        hl_rest_post(pass->v->rest, HL_REST_EXCHANGE, body, len, action->n_items,
                     pass->v->order_deadline_ms, on_answer, pass);
}

/* ---- What polling brought ---- */

/* The first part of [meta, contexts]. */
static void find_meta(const char *s, size_t len, size_t *at, size_t *n)
{
        struct outline o = {.depth = 0};
        size_t begin = 0;

        *at = *n = 0;
        for (size_t i = 0; i < len; i++) {
                unsigned before = o.depth;

                outline_step(&o, s[i]);
                if (before == 1 && o.depth == 2)
                        begin = i;
                if (before != 2 || o.depth != 1)
                        continue;
                *at = begin;
                *n = i + 1 - begin;
                return;
        }
}

void hl_pass_keep(struct hl_venue *v, unsigned dex, const struct http_answer *answer)
{
        free(v->dex[dex].raw);
        v->dex[dex].raw = xstrndup(answer->body, answer->body_len);
        v->dex[dex].raw_len = answer->body_len;
        find_meta(v->dex[dex].raw, answer->body_len, &v->dex[dex].meta_at, &v->dex[dex].meta_len);
}

bool hl_pass_polled(const struct venue *venue, const char *type, const char *dex,
                    struct venue_wire_polled *out)
{
        const struct hl_venue *v = hl_venue_of_const(venue);
        bool is_meta = strcmp(type, "meta") == 0;

        if (!is_meta && strcmp(type, hl_rest_kind_name(HL_REST_META)) != 0)
                return false;
        for (unsigned i = 0; i < v->markets.n; i++) {
                if (!v->dex[i].raw || strcmp(v->markets.dex[i].name, dex) != 0)
                        continue;
                *out = (struct venue_wire_polled){
                        .body = v->dex[i].raw + (is_meta ? v->dex[i].meta_at : 0),
                        .len = is_meta ? v->dex[i].meta_len : v->dex[i].raw_len,
                        .at = v->dex[i].contexts_at,
                };
                return out->len > 0;
        }
        return false;
}

/* ---- Roles ---- */

struct asked {
        struct hl_venue *v;
        venue_role_fn *done;
        void *cookie;
};

/* {"role":"missing"|"user"|"vault"}, {"role":"agent","data":{"user"}}, {"role":"subAccount","data":{"master"}} */
static enum errc read_role(struct venue_identity *out, const json_t *answer, struct err *err)
{
        static const struct {
                const char *word;
                enum venue_role role;
                const char *of;
        } words[] = {
                {"missing", ROLE_MISSING, NULL},
                {"user", ROLE_USER, NULL},
                {"vault", ROLE_VAULT, NULL},
                {"agent", ROLE_AGENT, "user"},
                {"subAccount", ROLE_SUB_ACCOUNT, "master"},
        };
        const char *role = hl_raw_get_text(answer, "role", NULL);

        *out = (struct venue_identity){.role = ROLE_MISSING};
        for (size_t i = 0; role && i < sizeof words / sizeof *words; i++) {
                if (strcmp(role, words[i].word) != 0)
                        continue;
                out->role = words[i].role;
                if (words[i].of &&
                    hl_raw_get_addr(&out->of, json_object_get(answer, "data"), words[i].of))
                        break;
                return E_OK;
        }
        return hl_parse_failed(err, "userRole", "role");
}

static void on_role(void *cookie, const struct http_answer *answer, enum errc refused)
{
        struct asked *asked = cookie;
        struct venue_identity who = {.role = ROLE_MISSING};
        struct err err = {0};
        json_t *root = hl_reads_load(answer, refused, HL_REST_USER_ROLE, &err);

        if (root && read_role(&who, root, &err))
                asked->v->bad_answers++;
        asked->done(asked->cookie, &err, &who);
        json_decref(root);
        free(asked);
}

void hl_pass_role(struct venue *venue, const struct addr *who, venue_role_fn *done, void *cookie)
{
        struct asked *asked = xmalloc(sizeof *asked);
        char address[ADDR_STR_MAX];
        struct buf body;

        *asked = (struct asked){hl_venue_of(venue), done, cookie};
        buf_init(&body, ROLE_BODY_MAX);
        buf_printf(&body, "{\"type\":\"userRole\",\"user\":\"%s\"}", hex_print_addr(address, who));
        must(buf_check(&body) == E_OK);
        hl_rest_post(asked->v->rest, HL_REST_USER_ROLE, body.data, body.len, 0,
                     asked->v->read_deadline_ms, on_role, asked);
        buf_fini(&body);
}
