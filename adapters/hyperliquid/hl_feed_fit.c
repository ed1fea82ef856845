#include "adapters/hyperliquid/hl_feed_state.h"

/* Who has room within the venue's limits: contexts first, then users, then trades, then what is only watched,
 * and among equals the older. What does not fit is parked, and comes back when there is room. */

struct room {
        size_t subscriptions;
        unsigned n_users; /* of f->users */
};

static bool is_new_user(const struct hl_feed *f, const struct room *room, const struct addr *user)
{
        for (unsigned i = 0; i < room->n_users; i++) {
                if (hex_addr_equal(&f->users[i], user))
                        return false;
        }
        return true;
}

/* Takes the topic's room, if it is there. */
static bool take(const struct hl_feed *f, struct room *room, const struct hl_feed_topic *t)
{
        size_t n = hl_feed_wire_count(f, t);
        bool is_user = !hex_addr_zero(&t->user) && is_new_user(f, room, &t->user);

        if (room->subscriptions + n > f->limits.subscriptions ||
            (is_user && room->n_users >= f->users_max))
                return false;
        room->subscriptions += n;
        if (is_user)
                f->users[room->n_users++] = t->user;
        return true;
}

/* Of those wanted, down to a class. */
static void take_all(const struct hl_feed *f, struct room *room, enum hl_feed_class last)
{
        for (unsigned rank = 0; rank <= (unsigned)last; rank++) {
                list_each (it, &f->topics[rank]) {
                        const struct hl_feed_topic *t =
                                list_entry(it, struct hl_feed_topic, in_class);

                        if (t->n_wants > 0)
                                (void)take(f, room, t);
                }
        }
}

bool hl_feed_fit_has_room(const struct hl_feed *f, const struct hl_feed_topic *t)
{
        struct room room = {0};

        take_all(f, &room, hl_feed_topic_class(t));
        return take(f, &room, t);
}

/* Those that would be read may do without; one connection is theirs, so that nobody's wish for a book of
 * another kind takes it. */
bool hl_feed_fit_has_place(const struct hl_feed *f, const struct hl_feed_topic *t)
{
        bool is_of_orders = t->key.type == HL_FEED_ORDER_UPDATES;
        unsigned n = 0;

        if (t->topic.kind != FEED_VERBATIM || hl_feed_key_is_told_apart(&t->key) ||
            hl_feed_wire_is_shared(f, t))
                return true;
        /* As the gateway reads it. */
        if (!t->key.detail[0] && t->key.type != HL_FEED_EVENTS_ALONE && !is_of_orders &&
            t->key.type != HL_FEED_NOTIFICATION)
                return true;
        for (unsigned rank = 0; rank < HL_FEED_CLASSES; rank++) {
                list_each (it, &f->topics[rank]) {
                        const struct hl_feed_topic *o =
                                list_entry(it, struct hl_feed_topic, in_class);

                        if (o->n_wants == 0 || o == t)
                                continue;
                        if (o->topic.kind == FEED_VERBATIM)
                                n += hl_feed_key_conflicts(&o->key, &t->key) &&
                                     (o->key.detail[0] || !t->key.detail[0]);
                        else
                                n += is_of_orders && o->topic.kind == FEED_USER_ORDERS &&
                                     !hex_addr_equal(&o->user, &t->user);
                }
        }
        return n + (is_of_orders ? 0 : 1) < f->limits.connections;
}

unsigned hl_feed_fit_users(const struct hl_feed *f)
{
        struct room room = {0};

        take_all(f, &room, HL_FEED_USERS);
        return room.n_users;
}

static void park(struct hl_feed *f, struct hl_feed_topic *t)
{
        if (t->is_parked)
                return;
        t->is_parked = true;
        list_each_safe (it, &t->wires)
                hl_feed_wire_leave(f, t, hl_feed_wire_at(t, it));
        hl_feed_lose(f, t, E_LIMIT);
}

static void bring_back(struct hl_feed *f, struct hl_feed_topic *t)
{
        t->is_parked = false;
        hl_feed_wire_sync(f, t);
        hl_feed_check_live(f, t);
        if (t->is_live && !t->is_fed)
                hl_feed_verbatim_again(f, t);
}

/* Those that nobody wants now, but may want again at once. They make room for all others. */
static void fit_lingering(struct hl_feed *f, struct room *room)
{
        for (unsigned rank = HL_FEED_PUBLIC; rank < HL_FEED_CLASSES; rank++) {
                list_each (it, &f->topics[rank]) {
                        struct hl_feed_topic *t = list_entry(it, struct hl_feed_topic, in_class);

                        if (t->n_wants > 0 || take(f, room, t))
                                continue;
                        t->linger_until = 0;
                        hl_feed_kick(f);
                }
        }
}

void hl_feed_fit(struct hl_feed *f)
{
        struct room room = {0};

        /* First judged, then done: whoever is told may want more, and that is judged in the same place. */
        for (unsigned rank = 0; rank < HL_FEED_CLASSES; rank++) {
                list_each (it, &f->topics[rank]) {
                        struct hl_feed_topic *t = list_entry(it, struct hl_feed_topic, in_class);

                        t->fits = t->n_wants > 0 && take(f, &room, t);
                }
        }
        fit_lingering(f, &room);
        for (unsigned rank = 0; rank < HL_FEED_CLASSES; rank++) {
                list_each (it, &f->topics[rank]) {
                        struct hl_feed_topic *t = list_entry(it, struct hl_feed_topic, in_class);

                        if (t->n_wants > 0 && !t->fits)
                                park(f, t);
                        else if (t->n_wants > 0)
                                bring_back(f, t);
                }
        }
}
