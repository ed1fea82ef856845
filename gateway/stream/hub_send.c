/* Frames, and whom they reach. */
#include <inttypes.h>
#include <string.h>

#include "stream/hub_impl.h"

#define SLOW_REASON "it reads too slowly for what may not be left out; resume"

size_t hub_send_frame_max(const struct stream_hub *hub)
{
        return hub->o.queue_bytes / 2;
}

static void put_member(struct buf *out, const char *name, const char *value)
{
        buf_printf(out, ",\"%s\":", name);
        buf_put_json(out, value, strlen(value));
}

struct buf *hub_send_begin(struct stream_channel *c, const char *type, const char *id)
{
        struct buf *out = &c->hub->text;

        buf_reset(out);
        buf_printf(out, "{\"type\":\"%s\"", type);
        if (id)
                buf_printf(out, ",\"id\":%s", id);
        put_member(out, "channel", c->source->name);
        if (c->source->by_symbol)
                put_member(out, "symbol", c->subject.symbol);
        if (c->source->by_interval)
                put_member(out, "interval", c->subject.interval);
        return out;
}

struct httpd_frame *hub_send_frame(struct stream_hub *hub, size_t *len)
{
        if (buf_check(&hub->text) || hub->text.len > hub_send_frame_max(hub))
                return NULL;
        *len = hub->text.len;
        return hub->o.wire.make(hub->text.data, hub->text.len);
}

static void lag(struct hub_reader *reader)
{
        if (reader->is_lagging)
                return;
        reader->is_lagging = true;
        list_push_back(&reader->hub->lagging, &reader->at_lagging);
}

void hub_send_slow(struct hub_reader *reader)
{
        struct stream_hub *hub = reader->hub;

        if (reader->is_closed)
                return;
        reader->is_closed = true;
        hub->stats.closed_slow++;
        hub->o.wire.close(hub->o.wire.cookie, reader->peer, HUB_CLOSE_SLOW, SLOW_REASON);
}

void hub_send_text(struct hub_reader *reader, const struct buf *text)
{
        struct stream_hub *hub = reader->hub;
        struct httpd_frame *frame;

        if (reader->is_closed)
                return;
        must(buf_check(text) == E_OK);
        frame = hub->o.wire.make(text->data, text->len);
        if (hub->o.wire.share(hub->o.wire.cookie, reader->peer, frame) == E_LIMIT)
                hub_send_slow(reader);
        hub->o.wire.drop(frame);
}

static bool give(struct hub_sub *sub, struct httpd_frame *frame)
{
        struct stream_hub *hub = sub->reader->hub;
        enum errc rc = hub->o.wire.share(hub->o.wire.cookie, sub->reader->peer, frame);

        if (rc == E_LIMIT)
                lag(sub->reader);
        if (rc)
                return false;
        hub->stats.delivered++;
        return true;
}

struct httpd_frame *hub_send_print(struct stream_channel *c, uint64_t seq, size_t *len)
{
        struct stream_hub *hub = c->hub;
        struct httpd_frame *frame = NULL;
        struct buf *out;

        buf_reset(&hub->data);
        if (!c->source->snapshot(c->source->cookie, c, &hub->data)) {
                c->is_ready = false;
                return NULL;
        }
        out = hub_send_begin(c, "snapshot", NULL);
        buf_printf(out,
                   ",\"epoch\":\"%s\",\"seq\":%" PRIu64 ",\"at\":%" PRId64 ",\"data\":", c->epoch,
                   seq, clock_wall_ms(hub->o.clock));
        buf_put(out, hub->data.data, hub->data.len);
        buf_putc(out, '}');
        if (!buf_check(&hub->data))
                frame = hub_send_frame(hub, len);
        if (frame)
                return frame;
        c->is_ready = false;
        c->is_oversized = true;
        list_remove(&c->at);
        list_push_back(&hub->oversized, &c->at);
        return NULL;
}

/* The snapshot of now as a frame, printed once however many want it. NULL: it can't be had. */
static struct httpd_frame *snapshot_of(struct stream_channel *c)
{
        size_t len;

        if (c->snapshot || !c->is_ready)
                return c->snapshot;
        c->snapshot = hub_send_print(c, c->seq, &len);
        if (c->snapshot)
                c->hub->stats.encoded++;
        return c->snapshot;
}

static void pump_snapshot(struct hub_sub *sub)
{
        struct stream_channel *c = sub->channel;
        struct httpd_frame *frame;

        if (!sub->needs_snapshot)
                return;
        frame = snapshot_of(c);
        if (!frame || !give(sub, frame))
                return;
        c->hub->stats.snapshots++;
        sub->needs_snapshot = false;
        sub->has_base = true;
        sub->sent = c->seq;
}

static bool has_room(const struct hub_sub *sub)
{
        const struct stream_hub *hub = sub->reader->hub;

        return hub->o.wire.queued(hub->o.wire.cookie, sub->reader->peer) <= hub->o.queue_bytes / 2;
}

/* What it misses, the newest snapshot replaces. */
static void pump_state(struct hub_sub *sub)
{
        struct stream_channel *c = sub->channel;

        while (!sub->needs_snapshot && sub->sent < c->seq) {
                struct hub_row *row = hub_channel_row(c, sub->sent + 1);
                if (row && has_room(sub) && give(sub, row->frame)) {
                        sub->sent++;
                        continue;
                }
                sub->needs_snapshot = true;
                c->hub->stats.conflated++;
        }
        if (!sub->needs_snapshot)
                return;
        if (has_room(sub))
                pump_snapshot(sub);
        else
                lag(sub->reader);
}

/* Nothing is left out: what finds no room waits in the ring. */
static void pump_events(struct hub_sub *sub)
{
        struct stream_channel *c = sub->channel;

        while (sub->has_base && sub->sent < c->seq) {
                struct hub_row *row = hub_channel_row(c, sub->sent + 1);
                if (!row) {
                        hub_send_slow(sub->reader);
                        return;
                }
                if (!give(sub, row->frame)) {
                        if (sub->reader->is_lagging && !sub->late_until)
                                sub->late_until = clock_mono_ms(c->hub->o.clock) + c->hub->o.lag_ms;
                        return;
                }
                sub->sent++;
        }
        sub->late_until = 0;
        pump_snapshot(sub);
}

void hub_send_pump(struct hub_sub *sub)
{
        if (sub->reader->is_closed)
                return;
        switch (sub->channel->source->kind) {
        case STREAM_STATE: pump_state(sub); break;
        case STREAM_EVENTS: pump_events(sub); break;
        }
}

void hub_send_all(struct stream_channel *c)
{
        list_each (it, &c->subs)
                hub_send_pump(list_entry(it, struct hub_sub, at_channel));
}

/* Half a ring is left to come back with. */
void hub_send_judge(struct hub_sub *sub)
{
        struct stream_channel *c = sub->channel;
        const struct hub_options *o = &c->hub->o;
        struct hub_row *row;

        if (!sub->late_until)
                return;
        row = hub_channel_row(c, sub->sent + 1);
        if (!row || c->seq - sub->sent > o->ring_frames / 2 ||
            c->bytes - row->bytes_before > o->ring_bytes / 2 ||
            clock_mono_ms(o->clock) >= sub->late_until)
                hub_send_slow(sub->reader);
}
