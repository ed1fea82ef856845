/* Beside the first dex there is one request at a time: the list, the tokens, or one dex. What was never
 * read is read at once, one after another; all else waits for its turn. */
#include "adapters/hyperliquid/hl_poll.h"

#include <stdlib.h>
#include <string.h>

#include "adapters/hyperliquid/hl_pass.h"
#include "adapters/hyperliquid/hl_raw.h"
#include "adapters/hyperliquid/hl_reads.h"
#include "base/log.h"
#include "base/mem.h"

#define FAILED_POLLS_IF_DOWN 3
#define BODY_MAX             128

static int64_t wall(const struct hl_venue *v)
{
        return clock_wall_ms(loop_clock(v->loop));
}

/* ---- Health: that of the first dex ---- */

static const char *health_name(enum venue_health health)
{
        switch (health) {
        case VENUE_UP: return "up";
        case VENUE_DEGRADED: return "degraded";
        case VENUE_DOWN: return "down";
        }
        must(false && "a health of the enum");
}

static void set_health(struct hl_venue *v, enum venue_health health, const char *reason)
{
        (void)text_copy(v->status.reason, sizeof v->status.reason, reason);
        if (v->status.health == health)
                return;
        v->status.health = health;
        v->status.since = wall(v);
        log_event(health == VENUE_UP ? LOG_INFO : LOG_WARN, "venue health", "health",
                  health_name(health), "reason", reason, NULL);
}

/* ---- A dex's markets ---- */

static void free_universe(void *universe)
{
        hl_meta_free(universe);
}

static void drop_universe(struct hl_venue *v, unsigned dex)
{
        if (v->markets.dex[dex].universe)
                loop_free_later(v->loop, free_universe, v->markets.dex[dex].universe);
        v->markets.dex[dex].universe = NULL;
}

/* Are these the markets we have, in the same places? Contexts are told apart by place alone. */
static bool same_markets(const struct hl_universe *u, const json_t *meta)
{
        const json_t *entries = json_object_get(meta, "universe");

        if (json_array_size(entries) != u->n)
                return false;
        for (size_t i = 0; i < u->n; i++) {
                const char *name = hl_raw_get_text(json_array_get(entries, i), "name", NULL);

                if (!name || strcmp(name, u->market[i].symbol) != 0)
                        return false;
        }
        return true;
}

/* A whole new universe with its contexts replaces the one we have, which may still be borrowed in
 * this turn; a bad one leaves everything as it was. */
static enum errc replace_universe(struct hl_venue *v, unsigned dex, const json_t *meta,
                                  const json_t *contexts, struct err *err)
{
        struct hl_universe *fresh = hl_meta_parse(meta, dex ? &v->dex[dex].facts : NULL, err);
        enum errc rc = E_VENUE_UNAVAILABLE;

        if (!fresh)
                return rc;
        rc = hl_meta_contexts(fresh, contexts, wall(v), err);
        if (rc) {
                hl_meta_free(fresh);
                return rc;
        }
        drop_universe(v, dex);
        v->markets.dex[dex].universe = fresh;
        v->dex[dex].markets_at = wall(v);
        v->status.universes++;
        return E_OK;
}

static enum errc take_markets(struct hl_venue *v, unsigned dex, const json_t *answer,
                              struct err *err)
{
        struct hl_universe *u = v->markets.dex[dex].universe;
        const json_t *meta = json_array_get(answer, 0);
        const json_t *contexts = json_array_get(answer, 1);
        bool is_due = wall(v) - v->dex[dex].markets_at >= v->markets_every_ms;
        enum errc rc;

        if (!u || is_due || !same_markets(u, meta))
                rc = replace_universe(v, dex, meta, contexts, err);
        else
                rc = hl_meta_contexts(u, contexts, wall(v), err);
        if (!rc)
                v->dex[dex].contexts_at = wall(v);
        else
                v->bad_answers++;
        return rc;
}

/* ---- The first dex ---- */

static void on_markets(void *cookie, const struct http_answer *answer, enum errc refused)
{
        struct hl_venue *v = cookie;
        struct err err = {0};
        json_t *root = hl_reads_load(answer, refused, HL_REST_META, &err);

        v->poll_in_flight = false;
        if (root && take_markets(v, 0, root, &err) == E_OK) {
                hl_pass_keep(v, 0, answer);
                v->failed_polls = 0;
                v->status.markets_at = v->dex[0].markets_at;
                v->status.contexts_at = v->dex[0].contexts_at;
                set_health(v, VENUE_UP, "");
        } else {
                v->failed_polls++;
                set_health(v,
                           !v->markets.dex[0].universe || v->failed_polls >= FAILED_POLLS_IF_DOWN
                                   ? VENUE_DOWN
                                   : VENUE_DEGRADED,
                           err.detail);
        }
        json_decref(root);
}

/* ---- The other dexes ---- */

static void set_dex_health(struct hl_venue *v, unsigned dex, const struct err *err)
{
        bool is_up = !err->code;

        if (v->dex[dex].is_up != is_up || !v->dex[dex].was_judged)
                log_event(is_up ? LOG_INFO : LOG_WARN, "dex health", "dex",
                          v->markets.dex[dex].name, "health", is_up ? "up" : "down", "reason",
                          err->detail, NULL);
        v->dex[dex].was_judged = true;
        v->dex[dex].is_up = is_up;
}

/* A dex keeps its place in the list for ever: another one of the name would be another dex, whose markets
 * have other ids. */
static void look_for(struct hl_venue *v, unsigned dex, const json_t *list)
{
        struct hl_dex_facts *known = &v->dex[dex].facts;
        struct hl_dex_facts found;
        struct err err = {0};
        enum errc rc = hl_dexes_find(&found, list, v->markets.dex[dex].name, &err);

        if (rc == E_VENUE_UNAVAILABLE) {
                v->bad_answers++;
        } else if (rc || found.index != known->index) {
                drop_universe(v, dex);
                *known = found;
        } else {
                *known = found;
        }
        if (rc)
                set_dex_health(v, dex, &err);
}

static void take_list(struct hl_venue *v, const json_t *list)
{
        v->listed_at = wall(v);
        for (unsigned i = 1; i < v->markets.n; i++)
                look_for(v, i, list);
}

static void take_tokens(struct hl_venue *v, const json_t *answer)
{
        struct err err = {0};
        struct hl_tokens *tokens = hl_dexes_tokens(answer, &err);

        if (!tokens) {
                v->bad_answers++;
                return;
        }
        hl_dexes_tokens_free(v->tokens);
        v->tokens = tokens;
        v->tokens_at = wall(v);
}

static void ask_never_read(struct hl_venue *v);

static void on_answer(void *cookie, const struct http_answer *answer, enum errc refused)
{
        struct hl_venue *v = cookie;
        struct err err = {0};
        json_t *root = hl_reads_load(answer, refused, v->asked, &err);
        enum errc rc = E_OK;

        v->dex_in_flight = false;
        if (v->asked == HL_REST_META) {
                rc = root ? take_markets(v, v->turn, root, &err) : err.code;
                if (!rc)
                        hl_pass_keep(v, v->turn, answer);
                set_dex_health(v, v->turn, &err);
        } else if (root && v->asked == HL_REST_DEXES) {
                take_list(v, root);
        } else if (root) {
                take_tokens(v, root);
        }
        json_decref(root);
        /* After a failure the next turn is soon enough. */
        if (root && !rc && v->poll_timer)
                ask_never_read(v);
}

static void ask(struct hl_venue *v, enum hl_rest_kind kind)
{
        struct buf body;

        buf_init(&body, BODY_MAX);
        buf_printf(&body, "{\"type\":\"%s\"", hl_rest_kind_name(kind));
        if (kind == HL_REST_META)
                buf_printf(&body, ",\"dex\":\"%s\"", v->markets.dex[v->turn].name);
        buf_putc(&body, '}');
        must(buf_check(&body) == E_OK);
        v->asked = kind;
        v->dex_in_flight = true;
        hl_rest_post(v->rest, kind, body.data, body.len, 0, v->read_deadline_ms, on_answer, v);
        buf_fini(&body);
}

/* The next dex that is listed; false when none is. */
static bool next_turn(struct hl_venue *v, bool only_never_read)
{
        for (unsigned k = 0; k + 1 < v->markets.n; k++) {
                v->turn = v->turn + 1 < v->markets.n ? v->turn + 1 : 1;
                v->dex[v->turn].facts.tokens = v->tokens;
                if (v->dex[v->turn].facts.index && !(only_never_read && v->dex[v->turn].was_judged))
                        return true;
        }
        return false;
}

static void ask_never_read(struct hl_venue *v)
{
        if (!v->tokens)
                ask(v, HL_REST_TOKENS);
        else if (next_turn(v, true))
                ask(v, HL_REST_META);
}

static void poll_dexes(struct hl_venue *v)
{
        int64_t long_ago = wall(v) - v->markets_every_ms;

        if (v->markets.n < 2 || v->dex_in_flight)
                return;
        /* A list that can't be read must not keep the dexes waiting that are known. */
        v->asks_lists = !v->asks_lists;
        if (v->asks_lists && (!v->listed_at || v->listed_at <= long_ago))
                ask(v, HL_REST_DEXES);
        else if (v->asks_lists && (!v->tokens || v->tokens_at <= long_ago))
                ask(v, HL_REST_TOKENS);
        else if (next_turn(v, false))
                ask(v, HL_REST_META);
}

/* ---- Both ---- */

static void on_poll(void *cookie)
{
        static const char body[] = "{\"type\":\"metaAndAssetCtxs\"}";
        struct hl_venue *v = cookie;

        poll_dexes(v);
        if (v->poll_in_flight)
                return; /* it has a deadline of its own */
        v->poll_in_flight = true;
        hl_rest_post(v->rest, HL_REST_META, body, sizeof body - 1, 0, v->read_deadline_ms,
                     on_markets, v);
}

void hl_poll_start(struct hl_venue *v, int64_t every_ms)
{
        v->status = (struct venue_status){.health = VENUE_DOWN, .since = wall(v)};
        (void)text_copy(v->status.reason, sizeof v->status.reason,
                        "No market data has arrived yet.");
        v->poll_timer = loop_timer_new(v->loop, on_poll, v);
        loop_timer_start(v->poll_timer, 0, every_ms);
}

void hl_poll_stop(struct hl_venue *v)
{
        loop_timer_free(v->poll_timer);
        v->poll_timer = NULL;
}

void hl_poll_drop(struct hl_venue *v)
{
        for (unsigned i = 0; i < v->markets.n; i++) {
                drop_universe(v, i);
                free(v->dex[i].raw);
                v->dex[i].raw = NULL;
        }
        hl_dexes_tokens_free(v->tokens);
        v->tokens = NULL;
}
