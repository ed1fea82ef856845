#include "hub_world.h"

#include <inttypes.h>

#include "base/mem.h"

struct httpd_frame {
        struct world *world;
        unsigned refs;
        size_t len;
        char text[];
};

static struct world *the_world; /* of hub_wire.make, which has no cookie */

static const char *const names[WORLD_CHANNELS] = {"s0", "e1", "s2", "e3", "s4", "e5"};

/* ---- the wire ---- */

static struct httpd_frame *make(const void *text, size_t len)
{
        struct httpd_frame *f = malloc(sizeof *f + len + 1);

        assert_non_null(f);
        f->world = the_world;
        f->refs = 1;
        f->len = len;
        memcpy(f->text, text, len);
        f->text[len] = '\0';
        the_world->frames++;
        return f;
}

static struct httpd_frame *hold(struct httpd_frame *f)
{
        f->refs++;
        return f;
}

static void drop(struct httpd_frame *f)
{
        assert_true(f->refs > 0);
        if (--f->refs)
                return;
        f->world->frames--;
        free(f);
}

static struct world_client *client_of(struct world *w, struct handle peer)
{
        for (unsigned i = 0; i < WORLD_CLIENTS; i++)
                if (w->client[i].reader && w->client[i].peer.slot == peer.slot &&
                    w->client[i].peer.generation == peer.generation)
                        return &w->client[i];
        return NULL;
}

static enum errc share(void *cookie, struct handle peer, struct httpd_frame *f)
{
        struct world_client *c = client_of(cookie, peer);

        if (!c || c->closed)
                return E_NOT_FOUND;
        if (c->bytes + f->len > WORLD_QUEUE || c->n == WORLD_WAITING) {
                c->owes_drained = true;
                return E_LIMIT;
        }
        c->queue[c->n++] = hold(f);
        c->bytes += f->len;
        if (c->bytes > WORLD_QUEUE / 2)
                c->owes_drained = true;
        return E_OK;
}

static size_t queued(void *cookie, struct handle peer)
{
        struct world_client *c = client_of(cookie, peer);

        return c ? c->bytes : 0;
}

static void close_peer(void *cookie, struct handle peer, uint16_t code, const char *reason)
{
        struct world_client *c = client_of(cookie, peer);

        assert_non_null(c);
        assert_true(strlen(reason) > 0);
        assert_int_equal(c->closed, 0);
        c->closed = code;
        c->closes++;
}

/* ---- sources ---- */

static enum errc open_feed(void *cookie, struct stream_channel *channel,
                           const struct stream_subject *subject, struct err *err)
{
        struct world_feed *feed = cookie;

        if (strcmp(subject->symbol, "NONE") == 0)
                return err_set(err, E_MARKET_NOT_OFFERED, "is not offered");
        assert_null(feed->channel);
        feed->channel = channel;
        stream_set_cookie(channel, feed);
        feed->opened++;
        if (feed->can_print)
                stream_ready(channel);
        return E_OK;
}

static void close_feed(void *cookie, struct stream_channel *channel)
{
        struct world_feed *feed = cookie;

        assert_ptr_equal(feed, stream_cookie(channel));
        if (feed->channel == channel)
                feed->channel = NULL;
        feed->closed++;
}

static bool print_feed(void *cookie, struct stream_channel *channel, struct buf *out)
{
        struct world_feed *feed = cookie;

        assert_ptr_equal(feed->channel, channel);
        if (!feed->can_print)
                return false;
        buf_printf(out, "[%" PRIu64, feed->last);
        for (unsigned i = 0; i < WORLD_CELLS; i++)
                buf_printf(out, ",%" PRIu64, feed->cell[i]);
        buf_putc(out, ']');
        for (size_t i = 0; i < feed->padding; i++)
                buf_putc(out, ' ');
        return true;
}

static void print_problem(struct buf *out, const struct err *err)
{
        buf_printf(out, "{\"code\":\"%s\"}", err_wire(err->code));
}

void world_open(struct world *w, const struct hub_options *bounds, uint64_t seed)
{
        struct hub_options o = *bounds;

        memset(w, 0, sizeof *w);
        the_world = w;
        clock_manual_init(&w->clock, 1700000000000);
        w->dice = seed ? seed : 1;
        o.wire = (struct hub_wire){make, hold, drop, share, queued, close_peer, w};
        o.clock = &w->clock.clock;
        o.problem = print_problem;
        o.queue_bytes = WORLD_QUEUE;
        w->hub = hub_new(&o);
        for (unsigned i = 0; i < WORLD_CHANNELS; i++) {
                w->feed[i].world = w;
                w->feed[i].can_print = true;
                struct stream_source source = {
                        .name = names[i],
                        .kind = i % 2 ? STREAM_EVENTS : STREAM_STATE,
                        .by_symbol = true,
                        .open = open_feed,
                        .close = close_feed,
                        .snapshot = print_feed,
                        .cookie = &w->feed[i],
                };
                stream_register(w->hub, &source);
        }
        for (unsigned i = 0; i < WORLD_CLIENTS; i++) {
                w->client[i].world = w;
                w->client[i].peer = (struct handle){i, 0};
        }
}

void world_close(struct world *w)
{
        struct hub_stats stats;

        for (unsigned i = 0; i < WORLD_CLIENTS; i++)
                world_leave(&w->client[i]);
        hub_stats(w->hub, &stats);
        assert_int_equal(stats.readers, 0);
        assert_int_equal(stats.subscriptions, 0);
        hub_free(w->hub);
        assert_int_equal(w->frames, 0);
        for (unsigned i = 0; i < WORLD_CHANNELS; i++)
                assert_int_equal(w->feed[i].opened, w->feed[i].closed);
}

unsigned world_roll(struct world *w, unsigned below)
{
        w->dice ^= w->dice << 13;
        w->dice ^= w->dice >> 7;
        w->dice ^= w->dice << 17;
        return (unsigned)((w->dice >> 11) % below);
}

/* ---- clients ---- */

void world_connect(struct world_client *c)
{
        assert_null(c->reader);
        c->peer.generation++;
        c->closed = 0;
        c->owes_drained = false;
        c->reader = hub_join(c->world->hub, c->peer);
        for (unsigned i = 0; i < WORLD_CHANNELS; i++)
                c->view[i].subscribed = c->view[i].wanted = false;
}

static void discard(struct world_client *c, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                c->bytes -= c->queue[i]->len;
                drop(c->queue[i]);
        }
        memmove(c->queue, c->queue + n, (c->n - n) * sizeof *c->queue);
        c->n -= n;
}

void world_leave(struct world_client *c)
{
        discard(c, c->n);
        hub_leave(c->reader);
        c->reader = NULL;
}

enum errc world_subscribe(struct world_client *c, unsigned channel)
{
        struct stream_subject subject = {.symbol = "BTC"};
        struct world_view *v = &c->view[channel];
        struct hub_place from;
        struct err err = {.code = E_OK};

        v->wanted = true;
        if (!v->has_place)
                return hub_subscribe(c->reader, names[channel], &subject, "7", NULL, &err);
        memcpy(from.epoch, v->epoch, sizeof from.epoch);
        from.seq = v->seq;
        return hub_subscribe(c->reader, names[channel], &subject, NULL, &from, &err);
}

static bool text_of(const char *frame, const char *name, char *out, size_t cap)
{
        char key[32];
        const char *at;
        size_t len;

        snprintf(key, sizeof key, "\"%s\":\"", name);
        at = strstr(frame, key);
        if (!at)
                return false;
        at += strlen(key);
        len = strcspn(at, "\"");
        assert_true(len < cap);
        memcpy(out, at, len);
        out[len] = '\0';
        return true;
}

static uint64_t number_of(const char *frame, const char *name)
{
        char key[32];
        const char *at;

        snprintf(key, sizeof key, "\"%s\":", name);
        at = strstr(frame, key);
        assert_non_null(at);
        return strtoull(at + strlen(key), NULL, 10);
}

static void take_subscribed(struct world_view *v, const char *frame)
{
        char epoch[17];

        assert_true(text_of(frame, "epoch", epoch, sizeof epoch));
        v->subscribed = true;
        if (strstr(frame, "\"resumed\":true")) {
                assert_true(v->has_place);
                assert_string_equal(v->epoch, epoch);
                v->resumed++;
                return;
        }
        v->has_place = v->has_base = false;
        memcpy(v->epoch, epoch, sizeof epoch);
}

static void take_snapshot(struct world_view *v, const char *frame, uint64_t seq)
{
        const char *at = strstr(frame, "\"data\":[");

        assert_non_null(at);
        at += strlen("\"data\":[");
        if (v->has_place)
                assert_true(seq >= v->seq);
        v->last = strtoull(at, (char **)(uintptr_t)&at, 10);
        for (unsigned i = 0; i < WORLD_CELLS; i++)
                v->cell[i] = strtoull(at + 1, (char **)(uintptr_t)&at, 10);
        v->has_place = v->has_base = true;
        v->is_stale = false;
        v->seq = seq;
        v->snapshots++;
}

static void take_update(struct world_view *v, const char *frame, bool is_events)
{
        uint64_t cell = number_of(frame, "cell"), last = number_of(frame, "last");

        assert_true(v->has_base);
        assert_in_range(cell, 0, WORLD_CELLS - 1);
        /* No event is left out, but where that was told. */
        if (is_events && !v->is_stale)
                assert_int_equal(last, v->last + 1);
        v->cell[cell] = number_of(frame, "value");
        v->last = last;
        v->updates++;
}

static void take(struct world_client *c, const char *frame)
{
        char type[16], name[16], epoch[17];
        struct world_view *v;
        uint64_t seq;
        unsigned i = 0;

        assert_true(text_of(frame, "type", type, sizeof type));
        assert_true(text_of(frame, "channel", name, sizeof name));
        while (strcmp(names[i], name) != 0)
                i++;
        v = &c->view[i];
        if (strcmp(type, "subscribed") == 0) {
                take_subscribed(v, frame);
                return;
        }
        if (strcmp(type, "unsubscribed") == 0 || strcmp(type, "error") == 0) {
                v->subscribed = v->wanted = false;
                return;
        }
        assert_true(v->subscribed);
        assert_true(text_of(frame, "epoch", epoch, sizeof epoch));
        assert_string_equal(epoch, v->epoch);
        seq = number_of(frame, "seq");
        if (strcmp(type, "snapshot") == 0) {
                take_snapshot(v, frame, seq);
                return;
        }
        assert_true(v->has_place);
        assert_int_equal(seq, v->seq + 1);
        v->seq = seq;
        if (strcmp(type, "update") == 0) {
                take_update(v, frame, i % 2);
                return;
        }
        assert_string_equal(type, "gap");
        v->is_stale = true;
        v->gaps++;
}

void world_read(struct world_client *c, size_t n)
{
        n = n < c->n ? n : c->n;
        for (size_t i = 0; i < n; i++)
                take(c, c->queue[i]->text);
        discard(c, n);
        if (c->reader && !c->closed && c->owes_drained && c->bytes <= WORLD_QUEUE / 4) {
                c->owes_drained = false;
                hub_drained(c->reader);
        }
}

const char *world_peek(const struct world_client *c, size_t i)
{
        return i < c->n ? c->queue[i]->text : "";
}

/* ---- what happens ---- */

static unsigned alter(struct world_feed *feed)
{
        unsigned cell = world_roll(feed->world, WORLD_CELLS);

        feed->last++;
        feed->cell[cell] = feed->last * 10 + cell;
        return cell;
}

void world_change(struct world *w, unsigned channel)
{
        struct world_feed *feed = &w->feed[channel];
        unsigned cell = alter(feed);
        char data[600], fill[400];
        int n;

        if (!feed->channel)
                return;
        memset(fill, 'x', sizeof fill);
        n = snprintf(data, sizeof data,
                     "{\"cell\":%u,\"value\":%" PRIu64 ",\"last\":%" PRIu64 ",\"fill\":\"%.*s\"}",
                     cell, feed->cell[cell], feed->last, (int)world_roll(w, sizeof fill), fill);
        stream_update(feed->channel, w->clock.now_wall_ms, data, (size_t)n);
}

void world_lose(struct world *w, unsigned channel)
{
        struct world_feed *feed = &w->feed[channel];

        for (unsigned n = world_roll(w, 3); n > 0; n--)
                (void)alter(feed);
        feed->can_print = false;
        if (feed->channel)
                stream_gap(feed->channel, w->clock.now_wall_ms, 0);
}

void world_mend(struct world *w, unsigned channel)
{
        struct world_feed *feed = &w->feed[channel];

        feed->can_print = true;
        if (feed->channel)
                stream_ready(feed->channel);
}

bool world_agrees(const struct world_client *c, unsigned channel)
{
        const struct world_view *v = &c->view[channel];
        const struct world_feed *feed = &c->world->feed[channel];

        return v->has_base && !v->is_stale && v->last == feed->last &&
               memcmp(v->cell, feed->cell, sizeof v->cell) == 0;
}
