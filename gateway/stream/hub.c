#include "stream/hub.h"

#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/mem.h"
#include "stream/hub_impl.h"

#define QUEUE_BYTES      (1u << 20)
#define CHANNELS         20000
#define SUBSCRIPTIONS    100
#define RING_FRAMES      512
#define RING_BYTES       (256u << 10)
#define RINGS_BYTES      (128u << 20)
#define LINGER_MS        10000
#define EVENTS_LINGER_MS 300000
#define LAG_MS           20000

static void fill(struct hub_options *o)
{
        o->queue_bytes = o->queue_bytes ? o->queue_bytes : QUEUE_BYTES;
        o->channels = o->channels ? o->channels : CHANNELS;
        o->subscriptions = o->subscriptions ? o->subscriptions : SUBSCRIPTIONS;
        o->ring_frames = o->ring_frames ? o->ring_frames : RING_FRAMES;
        o->ring_bytes = o->ring_bytes ? o->ring_bytes : RING_BYTES;
        o->rings_bytes = o->rings_bytes ? o->rings_bytes : RINGS_BYTES;
        o->linger_ms = o->linger_ms ? o->linger_ms : LINGER_MS;
        o->events_linger_ms = o->events_linger_ms ? o->events_linger_ms : EVENTS_LINGER_MS;
        o->lag_ms = o->lag_ms ? o->lag_ms : LAG_MS;
}

struct stream_hub *hub_new(const struct hub_options *options)
{
        struct stream_hub *hub = xcalloc(1, sizeof *hub);

        hub->o = *options;
        fill(&hub->o);
        hub->channels = map_new();
        list_init(&hub->idle[STREAM_STATE]);
        list_init(&hub->idle[STREAM_EVENTS]);
        list_init(&hub->ended);
        list_init(&hub->oversized);
        list_init(&hub->lagging);
        buf_init(&hub->text, hub->o.queue_bytes);
        buf_init(&hub->data, hub->o.queue_bytes / 2 - HUB_FRAME_HEAD);
        return hub;
}

void hub_free(struct stream_hub *hub)
{
        if (!hub)
                return;
        must(hub->stats.readers == 0);
        hub_channel_fini(hub);
        buf_fini(&hub->text);
        buf_fini(&hub->data);
        free(hub);
}

const struct stream_source *hub_source(const struct stream_hub *hub, const char *name)
{
        for (unsigned i = 0; i < hub->n_sources; i++)
                if (strcmp(hub->source[i].name, name) == 0)
                        return &hub->source[i];
        return NULL;
}

/* ---- readers ---- */

struct hub_reader *hub_join(struct stream_hub *hub, struct handle peer)
{
        struct hub_reader *reader = xcalloc(1, sizeof *reader);

        reader->hub = hub;
        reader->peer = peer;
        list_init(&reader->subs);
        list_init(&reader->at_lagging);
        hub->stats.readers++;
        return reader;
}

void hub_leave(struct hub_reader *reader)
{
        if (!reader)
                return;
        while (!list_empty(&reader->subs))
                hub_drop_sub(list_entry(reader->subs.next, struct hub_sub, at_reader));
        list_remove(&reader->at_lagging);
        reader->hub->stats.readers--;
        free(reader);
}

void hub_drained(struct hub_reader *reader)
{
        reader->is_lagging = false;
        list_remove(&reader->at_lagging);
        /* What may not be left out goes first. */
        for (int kind = STREAM_EVENTS; kind >= STREAM_STATE; kind--)
                list_each (it, &reader->subs) {
                        struct hub_sub *sub = list_entry(it, struct hub_sub, at_reader);
                        if ((int)sub->channel->source->kind == kind)
                                hub_send_pump(sub);
                }
}

/* Should a peer have drained without a word, what waits for it must not wait for ever. */
static void look_after(struct hub_reader *reader)
{
        struct stream_hub *hub = reader->hub;

        if (hub->o.wire.queued(hub->o.wire.cookie, reader->peer) <= hub->o.queue_bytes / 4)
                hub_drained(reader);
        list_each (it, &reader->subs)
                hub_send_judge(list_entry(it, struct hub_sub, at_reader));
}

void hub_tick(struct stream_hub *hub)
{
        const struct err oversized = {.code = E_TOO_LARGE};
        struct list lagging;

        while (!list_empty(&hub->oversized))
                stream_end(list_entry(hub->oversized.next, struct stream_channel, at), &oversized);
        hub_channel_sweep(hub);
        list_init(&lagging);
        while (!list_empty(&hub->lagging)) {
                struct hub_reader *reader =
                        list_entry(hub->lagging.next, struct hub_reader, at_lagging);
                list_remove(&reader->at_lagging);
                list_push_back(&lagging, &reader->at_lagging);
        }
        while (!list_empty(&lagging)) {
                struct hub_reader *reader = list_entry(lagging.next, struct hub_reader, at_lagging);
                list_remove(&reader->at_lagging);
                list_push_back(&hub->lagging, &reader->at_lagging);
                look_after(reader);
        }
}

void hub_say(struct hub_reader *reader, const char *text, size_t len)
{
        struct buf view = {.data = (uint8_t *)(uintptr_t)text, .len = len, .max = len};

        hub_send_text(reader, &view);
}

unsigned hub_subscriptions(const struct hub_reader *reader)
{
        return reader->n_subs;
}

/* ---- subscriptions ---- */

void hub_drop_sub(struct hub_sub *sub)
{
        struct stream_channel *c = sub->channel;

        list_remove(&sub->at_reader);
        list_remove(&sub->at_channel);
        sub->reader->n_subs--;
        c->hub->stats.subscriptions--;
        c->n_subs--;
        free(sub);
        if (c->n_subs == 0)
                hub_channel_left(c);
}

static struct hub_sub *find_sub(const struct hub_reader *reader, const struct stream_channel *c)
{
        list_each (it, &reader->subs) {
                struct hub_sub *sub = list_entry(it, struct hub_sub, at_reader);
                if (sub->channel == c)
                        return sub;
        }
        return NULL;
}

static struct hub_sub *add_sub(struct hub_reader *reader, struct stream_channel *c)
{
        struct hub_sub *sub = xcalloc(1, sizeof *sub);

        sub->reader = reader;
        sub->channel = c;
        list_push_back(&reader->subs, &sub->at_reader);
        list_push_back(&c->subs, &sub->at_channel);
        if (!c->is_oversized)
                list_remove(&c->at); /* of those left by all */
        reader->n_subs++;
        c->n_subs++;
        c->hub->stats.subscriptions++;
        return sub;
}

/* Whether all that came after the place is in the ring. STATE that had a gap since, or may not have been
 * mended for this reader, begins with a snapshot. */
static bool can_resume(const struct stream_channel *c, const struct hub_place *from)
{
        if (strcmp(from->epoch, c->epoch) != 0 || from->seq > c->seq || c->seq - from->seq > c->n)
                return false;
        return c->source->kind == STREAM_EVENTS || !c->gap_seq || from->seq > c->gap_seq;
}

enum errc hub_subscribe(struct hub_reader *reader, const char *name,
                        const struct stream_subject *subject, const char *id,
                        const struct hub_place *from, struct err *err)
{
        struct stream_hub *hub = reader->hub;
        const struct stream_source *source = hub_source(hub, name);
        struct stream_channel *c;
        struct hub_sub *sub;
        struct buf *out;
        bool resumed;

        if (!source)
                return err_set(err, E_NOT_FOUND, "There is no such channel.");
        c = hub_channel_find(hub, source, subject);
        sub = c ? find_sub(reader, c) : NULL;
        if (!sub && reader->n_subs >= hub->o.subscriptions)
                return err_set(err, E_RATE_LIMITED, "A socket holds at most %u subscriptions.",
                               hub->o.subscriptions);
        if (!c)
                c = hub_channel_get(hub, source, subject, err);
        if (!c)
                return err ? err->code : E_NOT_FOUND;
        if (!sub)
                sub = add_sub(reader, c);
        resumed = from && can_resume(c, from);
        if (from && resumed)
                hub->stats.resumed++;
        else if (from)
                hub->stats.resumed_by_snapshot++;
        out = hub_send_begin(c, "subscribed", id);
        buf_printf(out, ",\"epoch\":\"%s\",\"resumed\":%s}", c->epoch, resumed ? "true" : "false");
        hub_send_text(reader, out);
        sub->has_base = resumed;
        sub->needs_snapshot = !resumed;
        sub->late_until = 0;
        sub->sent = resumed ? from->seq : 0;
        hub_send_pump(sub);
        return E_OK;
}

enum errc hub_unsubscribe(struct hub_reader *reader, const char *name,
                          const struct stream_subject *subject, const char *id)
{
        const struct stream_source *source = hub_source(reader->hub, name);
        struct stream_channel *c = source ? hub_channel_find(reader->hub, source, subject) : NULL;
        struct hub_sub *sub = c ? find_sub(reader, c) : NULL;
        struct buf *out;

        if (!sub)
                return E_NOT_FOUND;
        out = hub_send_begin(c, "unsubscribed", id);
        buf_putc(out, '}');
        hub_send_text(reader, out);
        hub_drop_sub(sub);
        return E_OK;
}

void hub_review(struct hub_reader *reader,
                enum errc (*why)(void *cookie, const struct stream_source *source,
                                 const struct stream_subject *subject, struct err *err),
                void *cookie)
{
        list_each_safe (it, &reader->subs) {
                struct hub_sub *sub = list_entry(it, struct hub_sub, at_reader);
                struct stream_channel *c = sub->channel;
                struct err err = {.code = E_OK};
                struct buf *out;

                if (!why(cookie, c->source, &c->subject, &err))
                        continue;
                out = hub_send_begin(c, "error", NULL);
                buf_puts(out, ",\"problem\":");
                c->hub->o.problem(out, &err);
                buf_putc(out, '}');
                hub_send_text(reader, out);
                hub_drop_sub(sub);
        }
}

void hub_stats(const struct stream_hub *hub, struct hub_stats *out)
{
        *out = hub->stats;
        out->channels_idle = 0;
        for (unsigned kind = STREAM_STATE; kind <= STREAM_EVENTS; kind++)
                list_each (it, &hub->idle[kind])
                        out->channels_idle++;
}
