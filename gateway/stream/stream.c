#include "stream/stream.h"

#include <inttypes.h>
#include <string.h>

#include "base/attr.h"
#include "stream/hub_impl.h"

void stream_register(struct stream_hub *hub, const struct stream_source *source)
{
        must(hub->n_sources < HUB_SOURCES_MAX && !hub_source(hub, source->name));
        hub->source[hub->n_sources++] = *source;
}

void stream_set_cookie(struct stream_channel *c, void *cookie)
{
        c->cookie = cookie;
}

void *stream_cookie(const struct stream_channel *c)
{
        return c->cookie;
}

const struct stream_subject *stream_subject(const struct stream_channel *c)
{
        return &c->subject;
}

bool stream_is_heard(const struct stream_channel *c)
{
        return c->n_subs > 0;
}

static void judge_all(struct stream_channel *c)
{
        if (c->source->kind != STREAM_EVENTS)
                return;
        list_each (it, &c->subs)
                hub_send_judge(list_entry(it, struct hub_sub, at_channel));
}

/* What mends a gap of EVENTS is numbered too, and stays in the ring: whoever lags behind, or comes back,
 * gets it in its place. */
static void mend_events(struct stream_channel *c)
{
        size_t len = 0;
        struct httpd_frame *frame = hub_send_print(c, c->seq + 1, &len);

        if (!frame)
                return;
        hub_channel_push(c, frame, len);
        c->snapshot = c->hub->o.wire.hold(frame);
        c->in_gap = false;
}

void stream_ready(struct stream_channel *c)
{
        c->is_ready = c->was_ready = true;
        hub_channel_forget_snapshot(c);
        if (c->in_gap && c->source->kind == STREAM_EVENTS)
                mend_events(c);
        else
                c->in_gap = false;
        hub_send_all(c);
        judge_all(c);
}

static bool push(struct stream_channel *c)
{
        size_t len = 0;
        struct httpd_frame *frame = hub_send_frame(c->hub, &len);

        if (!frame)
                return false;
        hub_channel_push(c, frame, len);
        hub_send_all(c);
        judge_all(c);
        return true;
}

static struct buf *begin_numbered(struct stream_channel *c, const char *type, int64_t at)
{
        struct buf *out = hub_send_begin(c, type, NULL);

        buf_printf(out, ",\"epoch\":\"%s\",\"seq\":%" PRIu64 ",\"at\":%" PRId64, c->epoch,
                   c->seq + 1, at);
        return out;
}

void stream_update(struct stream_channel *c, int64_t at, const char *data, size_t len)
{
        struct buf *out = begin_numbered(c, "update", at);

        buf_puts(out, ",\"data\":");
        buf_put(out, data, len);
        buf_putc(out, '}');
        if (push(c))
                return;
        if (c->source->kind == STREAM_STATE) {
                stream_renew(c);
                return;
        }
        stream_gap(c, at, at);
        stream_ready(c);
}

void stream_gap(struct stream_channel *c, int64_t at, int64_t since)
{
        struct buf *out;

        if (c->in_gap || !c->was_ready)
                return;
        out = begin_numbered(c, "gap", at);
        if (since)
                buf_printf(out, ",\"since\":%" PRId64 "}", since);
        else
                buf_puts(out, ",\"since\":null}");
        must(push(c));
        c->is_ready = false;
        c->in_gap = true;
        c->gap_seq = c->seq;
        c->hub->stats.gaps++;
        hub_channel_forget_snapshot(c);
        if (c->source->kind == STREAM_STATE)
                list_each (it, &c->subs)
                        list_entry(it, struct hub_sub, at_channel)->needs_snapshot = true;
}

void stream_renew(struct stream_channel *c)
{
        must(c->source->kind == STREAM_STATE);
        hub_channel_clear(c);
        c->seq++;
        list_each (it, &c->subs)
                list_entry(it, struct hub_sub, at_channel)->needs_snapshot = true;
        hub_send_all(c);
}

void stream_end(struct stream_channel *c, const struct err *err)
{
        hub_channel_end(c);
        while (!list_empty(&c->subs)) {
                struct hub_sub *sub = list_entry(c->subs.next, struct hub_sub, at_channel);
                struct buf *out = hub_send_begin(c, "error", NULL);
                buf_puts(out, ",\"problem\":");
                c->hub->o.problem(out, err);
                buf_putc(out, '}');
                hub_send_text(sub->reader, out);
                hub_drop_sub(sub);
        }
}
