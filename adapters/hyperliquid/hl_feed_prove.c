#include <string.h>

#include "adapters/hyperliquid/hl_feed_state.h"
#include "base/log.h"

/* Pings. They keep the connection, and prove it: frames come in order, so that with the answer everything
 * has come that the venue said before it was asked. Answers carry no number: only when all are answered is it
 * known which one the last was for. */

#define KEEP_MS    20000 /* the venue closes after a silent minute */
#define AT_MOST_MS 1000

static const char ping[] = "{\"method\":\"ping\"}";

void hl_feed_prove_begin(struct hl_feed_conn *c)
{
        c->n_pings = 0;
        c->pinged_at = c->proven_at = 0;
        c->pinged_until = hl_feed_mono(c->feed);
        c->must_prove = false;
}

/* The least that any of its connections has proven: 0 where one has not. */
static int64_t proven_by_all(const struct hl_feed_topic *t)
{
        int64_t least = INT64_MAX;

        list_each (it, &t->wires) {
                const struct hl_feed_wire *w = hl_feed_wire_at(t, it);

                if (w->state == HL_FEED_REFUSED && hl_feed_wire_is_optional(t, w))
                        continue;
                least = w->conn->proven_at < least ? w->conn->proven_at : least;
        }
        return least == INT64_MAX ? 0 : least;
}

/* What was not live when it was asked has proven nothing. */
static void check_proven(struct hl_feed *f, struct hl_feed_topic *t)
{
        struct feed_event event = {.kind = FEED_PROVEN, .since = proven_by_all(t)};

        if (!t->is_live || event.since <= t->live_since || event.since <= t->proven_at)
                return;
        t->proven_at = event.since;
        hl_feed_tell(f, t, &event);
}

void hl_feed_prove_pong(struct hl_feed_conn *c, const json_t *data)
{
        struct hl_feed *f = c->feed;

        (void)data;
        if (!c->n_pings || --c->n_pings)
                return;
        c->proven_at = c->pinged_at;
        for (unsigned rank = 0; rank < HL_FEED_CLASSES; rank++) {
                list_each (it, &f->topics[rank])
                        check_proven(f, list_entry(it, struct hl_feed_topic, in_class));
        }
}

static void say_ping(struct hl_feed_conn *c, int64_t now)
{
        c->pinged_until = now;
        if (ws_client_send(c->client, ping, strlen(ping)))
                return; /* tried again when it is due again */
        c->n_pings++;
        c->must_prove = false;
        c->pinged_at = hl_feed_wall(c->feed);
}

static bool is_due(struct hl_feed_conn *c, int64_t now)
{
        int64_t since = now - c->pinged_until;

        if (since >= KEEP_MS)
                return true;
        /* Those beyond what keeps it count as messages. */
        return c->must_prove && !c->n_pings && since >= AT_MOST_MS &&
               hl_budget_take(&c->feed->messages, 1, true, now) == 0;
}

void hl_feed_prove_tick(struct hl_feed *f)
{
        int64_t now = hl_feed_mono(f);

        for (unsigned i = 0; i < f->limits.connections && !f->is_closed; i++) {
                struct hl_feed_conn *c = f->conn[i];

                if (!c || !c->is_open)
                        continue;
                if (c->n_pings && c->heard_at < c->pinged_at &&
                    now - c->pinged_until > f->limits.answer_ms) {
                        log_event(LOG_WARN, "feed connection does not answer", "url",
                                  f->options.url, NULL);
                        hl_feed_prove_begin(c);
                        ws_client_restart(c->client, "a ping was not answered");
                } else if (is_due(c, now)) {
                        say_ping(c, now);
                }
        }
}

void hl_feed_prove(struct hl_feed *f)
{
        for (unsigned i = 0; i < f->limits.connections; i++) {
                if (f->conn[i])
                        f->conn[i]->must_prove = true;
        }
}
