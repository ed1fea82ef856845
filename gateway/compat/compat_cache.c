#include "compat/compat_cache.h"

#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"
#include "compat/compat_impl.h"

#define ENTRIES_MAX 2048
#define BYTES_MAX   (64u << 20)
#define ASKING_MAX  48   /* under way at the venue */
#define WAITING_MAX 4096 /* calls that wait for an answer */

struct compat_cache {
        struct compat *compat;
        struct map *entries;
        struct list used; /* the longest unused first */
        size_t bytes;
        unsigned n_asking, n_waiting;
};

struct entry {
        struct compat_cache *cache;
        struct list used;
        char *key; /* NULL: an answer for one asker, in no map */
        size_t key_len;
        char *body; /* NULL: none yet */
        size_t len;
        char content_type[64];
        int64_t keep_ms, until; /* monotonic */
        bool is_asked;
        struct list waiting;
};

struct waiter {
        struct list node;
        struct call *call;
};

static void count(struct compat_cache *cache, const char *result)
{
        compat_count(cache->compat, "perpgate_compat_info_total", "result", result,
                     "Questions on /info, by where their answer came from.");
}

struct compat_cache *compat_cache_new(struct compat *compat)
{
        struct compat_cache *cache = xcalloc(1, sizeof *cache);

        cache->compat = compat;
        cache->entries = map_new();
        list_init(&cache->used);
        return cache;
}

static void entry_free(struct entry *e)
{
        must(list_empty(&e->waiting));
        list_remove(&e->used);
        e->cache->bytes -= e->len;
        free(e->body);
        free(e->key);
        free(e);
}

void compat_cache_free(struct compat_cache *cache)
{
        if (!cache)
                return;
        must(cache->n_waiting == 0);
        list_each_safe (it, &cache->used)
                entry_free(list_entry(it, struct entry, used));
        map_free(cache->entries, NULL);
        free(cache);
}

/* --- room --- */

static void forget(struct entry *e)
{
        if (e->key)
                must(map_take(e->cache->entries, e->key, e->key_len) == e);
        entry_free(e);
}

static void make_room(struct compat_cache *cache)
{
        list_each_safe (it, &cache->used) {
                struct entry *e = list_entry(it, struct entry, used);

                if (map_size(cache->entries) <= ENTRIES_MAX && cache->bytes <= BYTES_MAX)
                        return;
                if (!e->is_asked)
                        forget(e);
        }
}

static struct entry *entry_new(struct compat_cache *cache, const struct compat_question *question)
{
        struct entry *e = xcalloc(1, sizeof *e);

        e->cache = cache;
        e->keep_ms = question->keep_ms;
        list_init(&e->waiting);
        list_init(&e->used);
        list_push_back(&cache->used, &e->used);
        if (question->keep_ms == 0)
                return e;
        e->key = xmalloc(question->key_len + 1);
        memcpy(e->key, question->key, question->key_len);
        e->key_len = question->key_len;
        map_put(cache->entries, e->key, e->key_len, e);
        return e;
}

/* --- answers --- */

static void wait_for(struct entry *e, struct call *call)
{
        struct waiter *w = xmalloc(sizeof *w);

        w->call = call;
        list_push_back(&e->waiting, &w->node);
        e->cache->n_waiting++;
}

static struct call *next_waiting(struct entry *e)
{
        struct waiter *w = list_entry(e->waiting.next, struct waiter, node);
        struct call *call = w->call;

        list_remove(&w->node);
        e->cache->n_waiting--;
        free(w);
        return call;
}

static void tell(struct call *call, const struct venue_wire_answer *answer)
{
        if (answer->end != WIRE_ANSWERED)
                compat_no_answer(call, &answer->err);
        else if (answer->status < 200 || answer->status > 599)
                compat_text(call, 502, "The venue's answer was not understood.");
        else
                call_reply_raw(call, answer->status,
                               answer->content_type[0] ? answer->content_type : "text/plain",
                               answer->body, answer->len, NULL, 0);
}

static void keep(struct entry *e, const struct venue_wire_answer *answer)
{
        struct compat_cache *cache = e->cache;

        cache->bytes -= e->len;
        free(e->body);
        e->body = xmalloc(answer->len + 1);
        memcpy(e->body, answer->body, answer->len);
        e->len = answer->len;
        cache->bytes += e->len;
        if (!text_copy(e->content_type, sizeof e->content_type, answer->content_type))
                e->content_type[0] = '\0';
        e->until = clock_mono_ms(cache->compat->api->o.clock) + e->keep_ms;
}

static void on_answer(void *cookie, const struct venue_wire_answer *answer)
{
        struct entry *e = cookie;
        struct compat_cache *cache = e->cache;
        bool is_good = answer->end == WIRE_ANSWERED && answer->status == 200;

        cache->n_asking--;
        if (e->key && is_good)
                keep(e, answer);
        while (!list_empty(&e->waiting))
                tell(next_waiting(e), answer);
        e->is_asked = false;
        if (!e->key || !is_good)
                forget(e);
        make_room(cache);
}

static void give(struct entry *e, struct call *call)
{
        list_remove(&e->used);
        list_push_back(&e->cache->used, &e->used);
        call_reply_raw(call, 200, e->content_type[0] ? e->content_type : "application/json",
                       e->body, e->len, NULL, 0);
}

void compat_cache_ask(struct compat_cache *cache, struct call *call,
                      const struct compat_question *q)
{
        static const struct err full = {.code = E_RATE_LIMITED,
                                        .detail = "too many questions wait for the venue."};
        struct venue *venue = cache->compat->api->o.venue;
        struct entry *e = q->keep_ms ? map_get(cache->entries, q->key, q->key_len) : NULL;
        int64_t now = clock_mono_ms(cache->compat->api->o.clock);

        if (e && e->body && e->until > now) {
                count(cache, "hit");
                give(e, call);
                return;
        }
        if (cache->n_waiting >= WAITING_MAX ||
            (!(e && e->is_asked) && cache->n_asking >= ASKING_MAX)) {
                count(cache, "refused");
                compat_no_answer(call, &full);
                return;
        }
        if (e && e->is_asked) {
                count(cache, "joined");
                wait_for(e, call);
                return;
        }
        count(cache, q->keep_ms ? "miss" : "passed");
        if (!e)
                e = entry_new(cache, q);
        wait_for(e, call);
        e->is_asked = true;
        cache->n_asking++;
        venue->ops->wire_ask(venue, q->body, q->body_len, &q->cost, on_answer, e);
}
