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

static void put_topics(const struct hl_feed *f, struct buf *out)
{
        unsigned wanted[FEED_KINDS] = {0}, live[FEED_KINDS] = {0};

        for (unsigned rank = 0; rank < HL_FEED_CLASSES; rank++) {
                list_each (it, &f->topics[rank]) {
                        const struct hl_feed_topic *t =
                                list_entry(it, struct hl_feed_topic, in_class);

                        wanted[t->topic.kind] += t->n_wants > 0;
                        live[t->topic.kind] += t->n_wants > 0 && t->is_live;
                }
        }
        put_head(out, "perpgate_feed_topics_wanted", "gauge", "Topics that are wanted.");
        for (unsigned i = 0; i < FEED_KINDS; i++)
                buf_printf(out, "perpgate_feed_topics_wanted{kind=\"%s\"} %u\n",
                           kind_name((enum feed_kind)i), wanted[i]);
        put_head(out, "perpgate_feed_topics_live", "gauge", "Wanted topics that are whole now.");
        for (unsigned i = 0; i < FEED_KINDS; i++)
                buf_printf(out, "perpgate_feed_topics_live{kind=\"%s\"} %u\n",
                           kind_name((enum feed_kind)i), live[i]);
}

static void put_frames(const struct hl_feed *f, struct buf *out)
{
        put_head(out, "perpgate_feed_frames_total", "counter", "Frames from the venue.");
        for (size_t i = 0; hl_feed_frame_channel(i); i++)
                buf_printf(out, "perpgate_feed_frames_total{channel=\"%s\"} %llu\n",
                           hl_feed_frame_channel(i), (unsigned long long)f->count.frames[i]);
        put_head(out, "perpgate_feed_ignored_frames_total", "counter",
                 "Frames that were of no use, by reason.");
        for (unsigned i = 0; i < HL_FEED_IGNORED; i++)
                buf_printf(out, "perpgate_feed_ignored_frames_total{reason=\"%s\"} %llu\n",
                           ignored_name((enum hl_feed_ignored)i),
                           (unsigned long long)f->count.ignored[i]);
}

static void put_connections(const struct hl_feed *f, struct buf *out)
{
        unsigned n = 0, subscriptions = 0;

        for (unsigned i = 0; i < f->limits.connections; i++) {
                const struct hl_feed_conn *c = f->conn[i];

                n += c && c->is_open;
                if (!c)
                        continue;
                list_each (it, &c->wires)
                        subscriptions += hl_feed_wire_is_at_venue(
                                list_entry(it, struct hl_feed_wire, in_conn));
        }
        put_gauge(out, "perpgate_feed_connections", "Connections to the venue that are open.", n);
        put_gauge(out, "perpgate_feed_subscriptions", "Subscriptions the venue counts.",
                  subscriptions);
        put_gauge(out, "perpgate_feed_users", "Users subscribed to, or about to be.",
                  hl_feed_fit_users(f));
        put_gauge(out, "perpgate_feed_users_max", "Users the venue takes now.", f->users_max);
}

void hl_feed_metrics(const struct hl_feed *f, struct buf *out)
{
        put_frames(f, out);
        put_topics(f, out);
        put_connections(f, out);
        put_counter(out, "perpgate_feed_messages_total", "Subscriptions asked for and given up.",
                    f->count.messages);
        put_counter(out, "perpgate_feed_gaps_total", "Times a topic was not whole any more.",
                    f->count.gaps);
        put_counter(out, "perpgate_feed_resubscribes_total",
                    "Subscriptions made anew on a connection that lives.", f->count.resubscribes);
        put_counter(out, "perpgate_feed_reconnects_total", "Connections that were lost.",
                    f->count.reconnects);
        put_counter(out, "perpgate_feed_refusals_total", "Subscriptions the venue refused.",
                    f->count.refusals);
        put_counter(out, "perpgate_feed_unknown_order_statuses_total",
                    "Orders pushed with a status that is not known here.",
                    f->count.unknown_statuses);
        if (f->contexts_at > 0)
                put_gauge(out, "perpgate_feed_contexts_age_ms", "Age of the last prices.",
                          (long long)(hl_feed_wall(f) - f->contexts_at));
}
