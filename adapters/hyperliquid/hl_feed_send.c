#include "adapters/hyperliquid/hl_feed_state.h"

/* What is asked of the venue, in order and within its limits: first what is given up, since that makes
 * room, then contexts, users, trades, and what is only watched. What can't be sent now stays in its state and is looked at again by
 * the next tick. The venue counts a subscription until it has answered that it is gone. */

struct sending {
        struct hl_feed *f;
        int64_t now;
        size_t subscriptions; /* that the venue counts */
        unsigned n_users;     /* of f->users */
        bool is_over;         /* no more messages now */
};

static bool knows_user(const struct sending *s, const struct addr *user)
{
        for (unsigned i = 0; i < s->n_users; i++) {
                if (hex_addr_equal(&s->f->users[i], user))
                        return true;
        }
        return false;
}

static void count_user(struct sending *s, const struct addr *user)
{
        if (!hex_addr_zero(user) && s->n_users < s->f->limits.users && !knows_user(s, user))
                s->f->users[s->n_users++] = *user;
}

static void count_all(struct sending *s)
{
        for (unsigned i = 0; i < s->f->limits.connections; i++) {
                const struct hl_feed_conn *c = s->f->conn[i];

                if (!c)
                        continue;
                list_each (it, &c->wires) {
                        const struct hl_feed_wire *w = list_entry(it, struct hl_feed_wire, in_conn);

                        if (!hl_feed_wire_is_at_venue(w) && !w->must_leave_first)
                                continue;
                        s->subscriptions++;
                        count_user(s, &w->key.user);
                }
        }
}

static bool say(struct sending *s, struct hl_feed_wire *w, const char *method)
{
        struct hl_feed *f = s->f;
        bool is_read = w->topic != NULL || w->state == HL_FEED_LEAVING;
        struct buf text;
        enum errc rc;

        /* Whatever strangers wish for leaves messages for what the gateway reads itself. */
        if (hl_budget_take(&f->messages, 1, is_read, s->now) > 0) {
                s->is_over = is_read;
                return false;
        }
        buf_init(&text, 512);
        buf_printf(&text, "{\"method\":\"%s\",\"subscription\":", method);
        hl_feed_key_print(&text, &w->key);
        buf_putc(&text, '}');
        rc = buf_check(&text);
        if (!rc)
                rc = ws_client_send(w->conn->client, text.data, text.len);
        buf_fini(&text);
        if (!rc)
                f->count.messages++;
        s->is_over = rc != E_OK;
        return rc == E_OK;
}

static void give_up(struct sending *s, struct hl_feed_conn *c)
{
        list_each (it, &c->wires) {
                struct hl_feed_wire *w = list_entry(it, struct hl_feed_wire, in_conn);

                if (s->is_over || w->state != HL_FEED_LEAVING)
                        continue;
                if (!say(s, w, "unsubscribe"))
                        return;
                w->state = HL_FEED_LEFT;
                w->asked_until = s->now;
        }
}

static bool has_room(const struct sending *s, const struct hl_feed_wire *w)
{
        bool is_new_user = !hex_addr_zero(&w->key.user) && !knows_user(s, &w->key.user);

        return s->subscriptions < s->f->limits.subscriptions &&
               (!is_new_user || s->n_users < s->f->users_max);
}

static void ask(struct sending *s, struct hl_feed_wire *w)
{
        struct hl_feed *f = s->f;

        if (w->state != HL_FEED_WAITING || !w->conn->is_open || s->now < w->not_before_until)
                return;
        if (w->must_leave_first) {
                if (!say(s, w, "unsubscribe"))
                        return;
                w->must_leave_first = false;
                s->subscriptions--;
        }
        if (!has_room(s, w) || !say(s, w, "subscribe"))
                return;
        s->subscriptions++;
        count_user(s, &w->key.user);
        w->state = HL_FEED_ASKED;
        w->asked_until = w->heard_until = s->now;
        w->turn = ++f->turn;
        w->has_data = false;
        w->is_first = true;
}

void hl_feed_send(struct hl_feed *f)
{
        struct sending s = {.f = f, .now = hl_feed_mono(f)};

        count_all(&s);
        for (unsigned i = 0; i < f->limits.connections; i++) {
                if (f->conn[i] && f->conn[i]->is_open)
                        give_up(&s, f->conn[i]);
        }
        for (unsigned rank = 0; rank < HL_FEED_CLASSES; rank++) {
                list_each (it, &f->topics[rank]) {
                        struct hl_feed_topic *t = list_entry(it, struct hl_feed_topic, in_class);

                        list_each (at, &t->wires) {
                                if (!s.is_over && t->n_wants > 0)
                                        ask(&s, hl_feed_wire_at(t, at));
                        }
                }
        }
}
