#include "adapters/hyperliquid/hl_feed_state.h"

static void put_head(struct buf *out, const char *name, const char *type, const char *help)
{
        buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void put_counter(struct buf *out, const char *name, const char *help, uint64_t value)
{
        put_head(out, name, "counter", help);
        buf_printf(out, "%s %llu\n", name, (unsigned long long)value);
}

static void put_gauge(struct buf *out, const char *name, const char *help, long long value)
{
        put_head(out, name, "gauge", help);
        buf_printf(out, "%s %lld\n", name, value);
}

static const char *kind_name(enum feed_kind kind)
{
        switch (kind) {
        case FEED_CONTEXTS: return "contexts";
        case FEED_TRADES: return "trades";
        case FEED_USER_FILLS: return "userFills";
        case FEED_USER_EVENTS: return "userEvents";
        case FEED_USER_STATE: return "userState";
        case FEED_USER_ORDERS: return "userOrders";
        case FEED_BOOK: return "book";
        case FEED_BBO: return "bbo";
        case FEED_CANDLES: return "candles";
        case FEED_VERBATIM: return "verbatim";
        }
        never("a kind of the enum");
}

static const char *ignored_name(enum hl_feed_ignored why)
{
        switch (why) {
        case HL_FEED_RUBBISH: return "rubbish";
        case HL_FEED_UNKNOWN_CHANNEL: return "unknownChannel";
        case HL_FEED_NOT_OURS: return "notOurs";
        case HL_FEED_NOT_UNDERSTOOD: return "notUnderstood";
        case HL_FEED_ERROR_TEXT: return "error";
        }
        never("a reason of the enum");
}

/* Over all feeds. */
struct totals {
        uint64_t frames[HL_FEED_CHANNELS], ignored[HL_FEED_IGNORED];
        uint64_t refused[FEED_KINDS];
        uint64_t messages, gaps, resubscribes, reconnects, refusals, unknown_statuses;
        unsigned wanted[FEED_KINDS], live[FEED_KINDS];
        unsigned connections, subscriptions, users, users_max;
        int64_t contexts_at;
};

static void add_topics(struct totals *all, const struct hl_feed *f)
{
        for (unsigned rank = 0; rank < HL_FEED_CLASSES; rank++) {
                list_each (it, &f->topics[rank]) {
                        const struct hl_feed_topic *t =
                                list_entry(it, struct hl_feed_topic, in_class);

                        all->wanted[t->topic.kind] += t->n_wants > 0;
                        all->live[t->topic.kind] += t->n_wants > 0 && t->is_live;
                }
        }
}

static void add_connections(struct totals *all, const struct hl_feed *f)
{
        for (unsigned i = 0; i < f->limits.connections; i++) {
                const struct hl_feed_conn *c = f->conn[i];

                all->connections += c && c->is_open;
                if (!c)
                        continue;
                list_each (it, &c->wires)
                        all->subscriptions += hl_feed_wire_is_at_venue(
                                list_entry(it, struct hl_feed_wire, in_conn));
        }
}

static void add(struct totals *all, const struct hl_feed *f)
{
        for (unsigned i = 0; i < HL_FEED_CHANNELS; i++)
                all->frames[i] += f->count.frames[i];
        for (unsigned i = 0; i < HL_FEED_IGNORED; i++)
                all->ignored[i] += f->count.ignored[i];
        for (unsigned i = 0; i < FEED_KINDS; i++)
                all->refused[i] += f->count.refused[i];
        all->messages += f->count.messages;
        all->gaps += f->count.gaps;
        all->resubscribes += f->count.resubscribes;
        all->reconnects += f->count.reconnects;
        all->refusals += f->count.refusals;
        all->unknown_statuses += f->count.unknown_statuses;
        all->users += hl_feed_fit_users(f);
        all->users_max += f->users_max;
        if (f->contexts_at > all->contexts_at)
                all->contexts_at = f->contexts_at;
        add_topics(all, f);
        add_connections(all, f);
}

static void put_topics(const struct totals *all, struct buf *out)
{
        put_head(out, "perpgate_feed_topics_wanted", "gauge", "Topics that are wanted.");
        for (unsigned i = 0; i < FEED_KINDS; i++)
                buf_printf(out, "perpgate_feed_topics_wanted{kind=\"%s\"} %u\n",
                           kind_name((enum feed_kind)i), all->wanted[i]);
        put_head(out, "perpgate_feed_topics_live", "gauge", "Wanted topics that are whole now.");
        for (unsigned i = 0; i < FEED_KINDS; i++)
                buf_printf(out, "perpgate_feed_topics_live{kind=\"%s\"} %u\n",
                           kind_name((enum feed_kind)i), all->live[i]);
}

static void put_frames(const struct totals *all, struct buf *out)
{
        put_head(out, "perpgate_feed_frames_total", "counter", "Frames from the venue.");
        for (size_t i = 0; hl_feed_frame_channel(i); i++)
                buf_printf(out, "perpgate_feed_frames_total{channel=\"%s\"} %llu\n",
                           hl_feed_frame_channel(i), (unsigned long long)all->frames[i]);
        put_head(out, "perpgate_feed_ignored_frames_total", "counter",
                 "Frames that were of no use, by reason.");
        for (unsigned i = 0; i < HL_FEED_IGNORED; i++)
                buf_printf(out, "perpgate_feed_ignored_frames_total{reason=\"%s\"} %llu\n",
                           ignored_name((enum hl_feed_ignored)i),
                           (unsigned long long)all->ignored[i]);
        put_head(out, "perpgate_feed_refused_frames_total", "counter",
                 "Frames of wanted topics that can't be true: a gap, and asked for anew.");
        for (unsigned i = 0; i < FEED_KINDS; i++)
                buf_printf(out, "perpgate_feed_refused_frames_total{kind=\"%s\"} %llu\n",
                           kind_name((enum feed_kind)i), (unsigned long long)all->refused[i]);
}

static void put_connections(const struct totals *all, struct buf *out)
{
        put_gauge(out, "perpgate_feed_connections", "Connections to the venue that are open.",
                  all->connections);
        put_gauge(out, "perpgate_feed_subscriptions", "Subscriptions the venue counts.",
                  all->subscriptions);
        put_gauge(out, "perpgate_feed_users", "Users subscribed to, or about to be.", all->users);
        put_gauge(out, "perpgate_feed_users_max", "Users the venue takes now.", all->users_max);
}

void hl_feed_metrics(const struct feed *const *feeds, unsigned n, struct buf *out)
{
        struct totals all = {.messages = 0};
        int64_t now = 0;

        for (unsigned i = 0; i < n; i++) {
                const struct hl_feed *f = (const struct hl_feed *)(const void *)feeds[i];

                add(&all, f);
                now = hl_feed_wall(f);
        }
        put_frames(&all, out);
        put_topics(&all, out);
        put_connections(&all, out);
        put_counter(out, "perpgate_feed_messages_total", "Subscriptions asked for and given up.",
                    all.messages);
        put_counter(out, "perpgate_feed_gaps_total", "Times a topic was not whole any more.",
                    all.gaps);
        put_counter(out, "perpgate_feed_resubscribes_total",
                    "Subscriptions made anew on a connection that lives.", all.resubscribes);
        put_counter(out, "perpgate_feed_reconnects_total", "Connections that were lost.",
                    all.reconnects);
        put_counter(out, "perpgate_feed_refusals_total", "Subscriptions the venue refused.",
                    all.refusals);
        put_counter(out, "perpgate_feed_unknown_order_statuses_total",
                    "Orders pushed with a status that is not known here.", all.unknown_statuses);
        if (all.contexts_at > 0)
                put_gauge(out, "perpgate_feed_contexts_age_ms", "Age of the last prices.",
                          (long long)(now - all.contexts_at));
}
