#include <stdlib.h>
#include <string.h>

#include "adapters/hyperliquid/hl_feed_state.h"
#include "base/log.h"
#include "base/mem.h"

#define MESSAGE_MAX  (8u << 20)
#define QUEUE_MAX    (1u << 20)
#define IDLE_MS      45000
#define UNUSED_MS    2000 /* a connection without subscriptions is kept so long */
#define TRY_AGAIN_MS 10000

/* ---- What the socket says ---------------------------------------------------------------------- */

static bool may_connect(void *cookie)
{
        struct hl_feed_conn *c = cookie;

        return hl_budget_take(&c->feed->connects, 1, true, hl_feed_mono(c->feed)) == 0;
}

/* What the venue refused, it may take now. */
static void on_opened(void *cookie)
{
        struct hl_feed_conn *c = cookie;
        struct hl_feed *f = c->feed;

        log_event(LOG_INFO, "feed connection is open", "host", f->host, "from", f->address, NULL);
        c->is_open = true;
        c->must_restart = false;
        c->heard_at = hl_feed_wall(f);
        hl_feed_prove_begin(c);
        if (c == f->conn[0]) /* where contexts and states are */
                f->contexts_level = f->states_level = 0;
        f->users_wait_ms = 0;
        list_each (it, &c->wires) {
                struct hl_feed_wire *w = list_entry(it, struct hl_feed_wire, in_conn);

                if (w->state == HL_FEED_REFUSED)
                        w->state = HL_FEED_WAITING;
        }
        hl_feed_kick(f);
}

static void on_message(void *cookie, const char *text, size_t len)
{
        struct hl_feed_conn *c = cookie;

        c->heard_at = hl_feed_wall(c->feed);
        hl_feed_frame(c, text, len);
}

/* Nobody waits for anything on it any more. */
static void wire_lost(struct hl_feed_wire *w)
{
        bool was_at_venue = hl_feed_wire_is_at_venue(w);

        w->has_data = w->must_leave_first = false;
        w->not_before_until = 0;
        if (!w->topic && !w->verbatim) {
                w->state = HL_FEED_GONE;
                return;
        }
        if (w->topic)
                w->topic->is_hit = w->topic->is_hit || was_at_venue;
        if (w->verbatim)
                w->verbatim->is_hit = w->verbatim->is_hit || was_at_venue;
        if (w->state != HL_FEED_REFUSED)
                w->state = HL_FEED_WAITING;
}

static void on_closed(void *cookie, const char *reason)
{
        struct hl_feed_conn *c = cookie;
        struct hl_feed *f = c->feed;

        log_event(LOG_WARN, "feed connection is closed", "host", f->host, "from", f->address,
                  "reason", reason, NULL);
        if (!c->is_open)
                return;
        c->is_open = c->must_restart = false;
        hl_feed_prove_begin(c);
        f->count.reconnects++;
        list_each (it, &c->wires)
                wire_lost(list_entry(it, struct hl_feed_wire, in_conn));
        for (int rank = 0; rank < HL_FEED_CLASSES; rank++) {
                list_each (it, &f->topics[rank]) {
                        struct hl_feed_topic *t = list_entry(it, struct hl_feed_topic, in_class);

                        if (t->is_hit)
                                hl_feed_lose(f, t, E_OK);
                        t->is_hit = false;
                }
        }
        hl_feed_kick(f);
}

/* ---- Life -------------------------------------------------------------------------------------- */

static struct ws_client *client_new(struct hl_feed *f, struct hl_feed_conn *c, struct err *err)
{
        struct ws_client_options options = {
                .url = f->options.url,
                .max_message_bytes = MESSAGE_MAX,
                .max_queue_bytes = QUEUE_MAX,
                .idle_ms = IDLE_MS,
                .ca_file = f->options.ca_file,
                .bind_address = f->address[0] ? f->address : NULL,
                .may_connect = may_connect,
                .opened = on_opened,
                .message = on_message,
                .closed = on_closed,
                .cookie = c,
        };

        return ws_client_new(f->loop, &options, err);
}

bool hl_feed_conn_check(struct hl_feed *f, struct err *err)
{
        struct hl_feed_conn none = {.feed = f};
        struct ws_client *client = client_new(f, &none, err); /* it does not connect at once */

        ws_client_free(client);
        return client != NULL;
}

static struct hl_feed_conn *conn_new(struct hl_feed *f)
{
        struct hl_feed_conn *c;
        struct err err = {0};

        if (hl_feed_mono(f) < f->no_conn_until)
                return NULL;
        c = xcalloc(1, sizeof *c);
        c->feed = f;
        c->used_until = hl_feed_mono(f);
        list_init(&c->wires);
        c->client = client_new(f, c, &err);
        if (c->client)
                return c;
        log_event(LOG_ERROR, "no feed connection can be made", "reason", err.detail, NULL);
        f->no_conn_until = hl_feed_mono(f) + TRY_AGAIN_MS;
        free(c);
        return NULL;
}

void hl_feed_conn_free(struct hl_feed_conn *c)
{
        if (!c)
                return;
        ws_client_free(c->client);
        list_each_safe (it, &c->wires)
                hl_feed_wire_free(list_entry(it, struct hl_feed_wire, in_conn));
        free(c);
}

/* One that was left counts too: what is still under way would be taken for the next one's. */
static bool has_conflict(const struct hl_feed_conn *c, const struct hl_feed_key *key)
{
        if (hl_feed_key_is_told_apart(key))
                return false;
        list_each (it, &c->wires) {
                if (hl_feed_key_conflicts(&list_entry(it, struct hl_feed_wire, in_conn)->key, key))
                        return true;
        }
        return false;
}

struct hl_feed_conn *hl_feed_conn_for(struct hl_feed *f, const struct hl_feed_key *key)
{
        for (unsigned i = 0; i < f->limits.connections; i++) {
                if (!f->conn[i])
                        f->conn[i] = conn_new(f);
                if (!f->conn[i] || !has_conflict(f->conn[i], key))
                        return f->conn[i];
        }
        return NULL;
}

static void free_gone(struct hl_feed_conn *c, int64_t now)
{
        list_each_safe (it, &c->wires) {
                struct hl_feed_wire *w = list_entry(it, struct hl_feed_wire, in_conn);

                if (w->state == HL_FEED_GONE ||
                    (w->state == HL_FEED_LEFT && now - w->asked_until > c->feed->limits.answer_ms))
                        hl_feed_wire_free(w);
        }
}

void hl_feed_conn_sweep(struct hl_feed *f)
{
        int64_t now = hl_feed_mono(f);

        for (unsigned i = 0; i < f->limits.connections; i++) {
                struct hl_feed_conn *c = f->conn[i];

                if (!c)
                        continue;
                free_gone(c, now);
                if (!list_empty(&c->wires))
                        c->used_until = now;
                if (now - c->used_until < UNUSED_MS)
                        continue;
                hl_feed_conn_free(c);
                f->conn[i] = NULL;
        }
}
