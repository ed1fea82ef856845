#include "adapters/hyperliquid/hl_feed_state.h"
#include "base/log.h"

/* Silence, topic by topic. A subscription that should have spoken is asked for anew; if that does not
 * help, the connection is opened anew, unless it is a market's and others speak; then both in turn, ever
 * more rarely, because others live there. */

#define STRIKES_SHIFT_MAX 6
#define REFUSED_MS        300000 /* a market may be listed later */
#define BROKEN_MS         2000
#define LIES_SHIFT_MAX    5 /* a minute at most */
#define LIES_FORGOTTEN_MS 600000

static int64_t patience(const struct hl_feed_wire *w, int64_t base)
{
        unsigned shift = w->strikes < 2 ? 0 : w->strikes - 1;

        return base << (shift < STRIKES_SHIFT_MAX ? shift : STRIKES_SHIFT_MAX);
}

/* How long it may say nothing; negative: for ever. */
static int64_t silence_of(const struct hl_feed *f, const struct hl_feed_wire *w)
{
        int64_t read = -1, verbatim = -1;

        if (w->topic && w->key.type != HL_FEED_EVENTS && w->key.type != HL_FEED_ORDER_UPDATES)
                read = f->limits.silent_ms[w->topic->topic.kind];
        if (w->verbatim)
                verbatim = f->limits.silent_ms[FEED_VERBATIM];
        if (w->verbatim && verbatim == 0)
                verbatim = hl_feed_key_silent_ms(&w->key);
        if (read < 0 || (verbatim >= 0 && verbatim < read))
                read = verbatim;
        /* A market that had nothing to say when it was asked may have nothing to say for longer. */
        return read < 0 ? -1 : read << w->quiet;
}

static bool is_silent(const struct hl_feed *f, const struct hl_feed_wire *w, int64_t now)
{
        int64_t base = silence_of(f, w);
        bool is_answered =
                w->state == HL_FEED_HELD && (w->has_data || !hl_feed_key_has_first(&w->key));

        if (!is_answered && (base < 0 || base > f->limits.answer_ms || w->state == HL_FEED_ASKED))
                return now - w->asked_until > patience(w, f->limits.answer_ms);
        return base >= 0 && now - w->heard_until > patience(w, base);
}

void hl_feed_judge_anew(struct hl_feed *f, struct hl_feed_wire *w, int64_t wait_ms)
{
        f->count.resubscribes++;
        w->state = HL_FEED_WAITING;
        w->has_data = false;
        w->must_leave_first = true;
        w->not_before_until = hl_feed_mono(f) + wait_ms;
        hl_feed_kick(f);
}

/* A market that the venue does not speak of is no reason to lose the others. */
static bool is_alone_silent(const struct hl_feed_wire *w)
{
        bool is_of_market =
                !w->topic || hl_feed_class_is_market(hl_feed_class_of(w->topic->topic.kind));

        return is_of_market && hex_addr_zero(&w->key.user) && w->conn->spoke_until > w->heard_until;
}

static void strike(struct hl_feed *f, struct hl_feed_wire *w)
{
        log_event(LOG_WARN, "feed topic is silent", "type", hl_feed_key_name(&w->key), "name",
                  w->key.name, "strikes", log_int(w->strikes + 1), NULL);
        if (++w->strikes % 2 == 1 || is_alone_silent(w)) {
                hl_feed_judge_anew(f, w, 0);
        } else {
                w->heard_until = w->asked_until = hl_feed_mono(f);
                ws_client_restart(w->conn->client, "a topic stayed silent");
        }
        hl_feed_lose_wire(f, w, E_OK);
}

/* What lies again soon is asked ever more rarely. */
static int64_t distrust(unsigned *lies, int64_t *lied_until, int64_t now)
{
        int64_t wait_ms;

        if (*lies > 0 && now - *lied_until > LIES_FORGOTTEN_MS)
                *lies = 0;
        wait_ms = (int64_t)BROKEN_MS << *lies;
        if (*lies < LIES_SHIFT_MAX)
                ++*lies;
        *lied_until = now;
        return wait_ms;
}

void hl_feed_judge_broken(struct hl_feed *f, struct hl_feed_wire *w)
{
        w->strikes += w->strikes % 2 ? 2 : 1; /* it is not silent: the connection may stay */
        hl_feed_judge_anew(f, w, distrust(&w->lies, &w->lied_until, hl_feed_mono(f)));
        hl_feed_lose_wire(f, w, E_OK);
}

void hl_feed_judge_garbled(struct hl_feed_conn *c)
{
        int64_t now = hl_feed_mono(c->feed);

        if (c->must_restart)
                return;
        c->restart_until = now + distrust(&c->garbled, &c->garbled_until, now) - BROKEN_MS;
        c->must_restart = true;
        list_each (it, &c->wires) {
                struct hl_feed_wire *w = list_entry(it, struct hl_feed_wire, in_conn);

                if (hl_feed_wire_is_at_venue(w))
                        hl_feed_lose_wire(c->feed, w, E_OK);
        }
        hl_feed_kick(c->feed);
}

static void restart_garbled(struct hl_feed *f, int64_t now)
{
        for (unsigned i = 0; i < f->limits.connections; i++) {
                struct hl_feed_conn *c = f->conn[i];

                if (!c || !c->must_restart || !c->is_open || now < c->restart_until)
                        continue;
                log_event(LOG_WARN, "feed connection says what can't be read", "host", f->host,
                          NULL);
                c->restart_until = INT64_MAX;
                ws_client_restart(c->client, "what it said could not be read");
        }
}

static void judge_wire(struct hl_feed *f, struct hl_feed_wire *w, int64_t now)
{
        bool is_asked = w->state == HL_FEED_ASKED || w->state == HL_FEED_HELD;

        if (w->state == HL_FEED_REFUSED && now - w->asked_until > REFUSED_MS)
                w->state = HL_FEED_WAITING;
        else if (is_asked && w->conn->is_open && is_silent(f, w, now))
                strike(f, w);
}

/* Whoever else used the venue's room for users may be gone. */
static void raise_users(struct hl_feed *f, int64_t now)
{
        if (f->users_max < f->limits.users && now >= f->users_raise_until)
                f->users_max = f->limits.users;
}

void hl_feed_judge(struct hl_feed *f)
{
        int64_t now = hl_feed_mono(f);

        raise_users(f, now);
        restart_garbled(f, now);
        for (unsigned rank = 0; rank < HL_FEED_CLASSES; rank++) {
                list_each (it, &f->topics[rank]) {
                        struct hl_feed_topic *t = list_entry(it, struct hl_feed_topic, in_class);

                        list_each (at, &t->wires) {
                                if (t->n_wants > 0)
                                        judge_wire(f, hl_feed_wire_at(t, at), now);
                        }
                }
        }
}
