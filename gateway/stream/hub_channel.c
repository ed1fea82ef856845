/* Channels and their rings. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/secret.h"
#include "stream/hub_impl.h"

#define NAME_MAX_   16
#define FIRST_ROWS  8
#define STATE_SHARE 4 /* a ring of STATE has so much less, since a snapshot serves as well */

struct key {
        char name[NAME_MAX_];
        struct stream_subject subject;
};

/* Subjects are compared byte by byte: what stands behind a text's end must not count. */
static void key_of(struct key *key, const struct stream_source *source,
                   const struct stream_subject *subject)
{
        memset(key, 0, sizeof *key);
        must(text_copy(key->name, sizeof key->name, source->name));
        must(text_copy(key->subject.brand, sizeof key->subject.brand, subject->brand));
        must(text_copy(key->subject.symbol, sizeof key->subject.symbol, subject->symbol));
        must(text_copy(key->subject.interval, sizeof key->subject.interval, subject->interval));
        key->subject.account = subject->account;
        key->subject.owner = subject->owner;
        key->subject.is_sub_account = subject->is_sub_account;
}

static void make_epoch(struct stream_channel *c)
{
        uint8_t random[8];

        secret_random(random, sizeof random);
        hex_encode(c->epoch, random, sizeof random);
}

void hub_channel_forget_snapshot(struct stream_channel *c)
{
        if (c->snapshot)
                c->hub->o.wire.drop(c->snapshot);
        c->snapshot = NULL;
}

static struct hub_row *row_at(const struct stream_channel *c, uint64_t seq)
{
        return &c->row[seq % c->cap];
}

static void drop_oldest(struct stream_channel *c)
{
        struct hub_row *row = row_at(c, c->seq - c->n + 1);

        c->hub->o.wire.drop(row->frame);
        c->ring_bytes -= row->len;
        c->hub->stats.rings_bytes -= row->len;
        c->n--;
}

void hub_channel_clear(struct stream_channel *c)
{
        hub_channel_forget_snapshot(c);
        while (c->n)
                drop_oldest(c);
}

struct hub_row *hub_channel_row(const struct stream_channel *c, uint64_t seq)
{
        if (seq > c->seq || c->seq - seq >= c->n)
                return NULL;
        return row_at(c, seq);
}

static void grow(struct stream_channel *c)
{
        unsigned cap = c->cap ? c->cap * 2 : FIRST_ROWS;
        struct hub_row *old = c->row;
        unsigned old_cap = c->cap;

        if (cap > c->hub->o.ring_frames)
                cap = c->hub->o.ring_frames;
        c->row = xcalloc(cap, sizeof *c->row);
        c->cap = cap;
        for (unsigned i = 0; i < c->n; i++) {
                uint64_t seq = c->seq - i;
                *row_at(c, seq) = old[seq % old_cap];
        }
        free(old);
}

static bool is_over(const struct stream_channel *c)
{
        const struct hub_options *o = &c->hub->o;
        size_t max = o->ring_bytes;

        if (c->source->kind == STREAM_STATE)
                max /= STATE_SHARE;
        return c->ring_bytes > max || c->hub->stats.rings_bytes > o->rings_bytes;
}

void hub_channel_push(struct stream_channel *c, struct httpd_frame *frame, size_t len)
{
        hub_channel_forget_snapshot(c);
        if (c->n == c->cap && c->cap < c->hub->o.ring_frames)
                grow(c);
        if (c->n == c->cap)
                drop_oldest(c);
        c->seq++;
        *row_at(c, c->seq) = (struct hub_row){frame, len, c->bytes};
        c->n++;
        c->bytes += len;
        c->ring_bytes += len;
        c->hub->stats.rings_bytes += len;
        c->hub->stats.encoded++;
        while (c->n > 1 && is_over(c))
                drop_oldest(c);
}

struct stream_channel *hub_channel_find(struct stream_hub *hub, const struct stream_source *source,
                                        const struct stream_subject *subject)
{
        struct key key;

        key_of(&key, source, subject);
        return map_get(hub->channels, &key, sizeof key);
}

static void free_channel(struct stream_channel *c)
{
        hub_channel_clear(c);
        list_remove(&c->at);
        c->hub->stats.channels--;
        free(c->row);
        free(c);
}

static void close_channel(struct stream_channel *c)
{
        struct key key;

        must(c->n_subs == 0);
        key_of(&key, c->source, &c->subject);
        if (map_get(c->hub->channels, &key, sizeof key) == c)
                (void)map_take(c->hub->channels, &key, sizeof key);
        if (c->source->close)
                c->source->close(c->source->cookie, c);
        free_channel(c);
}

/* Where all channels are taken, one that nobody listens to makes room: of STATE before EVENTS, since
 * nothing is lost with it; the one left longest ago. */
static bool make_room(struct stream_hub *hub)
{
        if (hub->stats.channels < hub->o.channels)
                return true;
        for (unsigned kind = STREAM_STATE; kind <= STREAM_EVENTS; kind++) {
                if (list_empty(&hub->idle[kind]))
                        continue;
                close_channel(list_entry(hub->idle[kind].next, struct stream_channel, at));
                return true;
        }
        hub->stats.refused_full++;
        return false;
}

static struct stream_channel *open_channel(struct stream_hub *hub,
                                           const struct stream_source *source,
                                           const struct stream_subject *subject, struct err *err)
{
        struct stream_channel *c;
        struct key key;
        enum errc rc;

        if (!make_room(hub)) {
                (void)err_set(err, E_RATE_LIMITED,
                              "No more channels can be opened at the moment; try again later.");
                return NULL;
        }
        key_of(&key, source, subject);
        c = xcalloc(1, sizeof *c);
        c->hub = hub;
        c->source = source;
        c->subject = key.subject;
        list_init(&c->subs);
        list_init(&c->at);
        make_epoch(c);
        hub->stats.channels++;
        map_put(hub->channels, &key, sizeof key, c);
        rc = source->open(source->cookie, c, &c->subject, err);
        if (!rc)
                return c;
        (void)err_set(err, rc, "%s", err_text(rc));
        (void)map_take(hub->channels, &key, sizeof key);
        free_channel(c);
        return NULL;
}

struct stream_channel *hub_channel_get(struct stream_hub *hub, const struct stream_source *source,
                                       const struct stream_subject *subject, struct err *err)
{
        struct stream_channel *c = hub_channel_find(hub, source, subject);

        return c ? c : open_channel(hub, source, subject, err);
}

void hub_channel_left(struct stream_channel *c)
{
        struct hub_options *o = &c->hub->o;
        bool is_state = c->source->kind == STREAM_STATE;

        if (!list_empty(&c->at))
                return; /* it ends anyway */
        c->idle_until = clock_mono_ms(o->clock) + (is_state ? o->linger_ms : o->events_linger_ms);
        list_push_back(&c->hub->idle[c->source->kind], &c->at);
}

void hub_channel_end(struct stream_channel *c)
{
        struct key key;

        key_of(&key, c->source, &c->subject);
        if (map_get(c->hub->channels, &key, sizeof key) == c)
                (void)map_take(c->hub->channels, &key, sizeof key);
        list_remove(&c->at);
        list_push_back(&c->hub->ended, &c->at);
}

void hub_channel_sweep(struct stream_hub *hub)
{
        int64_t now = clock_mono_ms(hub->o.clock);

        while (!list_empty(&hub->ended))
                close_channel(list_entry(hub->ended.next, struct stream_channel, at));
        for (unsigned kind = STREAM_STATE; kind <= STREAM_EVENTS; kind++) {
                while (!list_empty(&hub->idle[kind])) {
                        struct stream_channel *c =
                                list_entry(hub->idle[kind].next, struct stream_channel, at);
                        if (c->idle_until > now)
                                break;
                        close_channel(c);
                }
        }
}

static void close_one(void *cookie, const void *key, size_t len, void *value)
{
        struct stream_channel *c = value;

        (void)cookie;
        (void)key;
        (void)len;
        close_channel(c);
}

void hub_channel_fini(struct stream_hub *hub)
{
        hub_channel_sweep(hub);
        map_each(hub->channels, close_one, NULL);
        map_free(hub->channels, NULL);
}
