#include "alerts/webhooks.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/secret_file.h"
#include "loop/http_client.h"

#define AT_ONCE         8 /* posts under way, of one hook */
#define POSTS_MAX       64
#define POST_DEADLINE   10000
#define ANSWER_MAX      65536
#define LOOK_MS         1000 /* how often what is due again is looked for */
#define PAUSE_MIN_MS    1000
#define PAUSE_MAX_MS    INT64_C(3600000)
#define GIVE_UP_MS      INT64_C(86400000)
#define BODY_MAX        4096
#define SIGNATURE_BYTES crypto_auth_hmacsha256_BYTES

struct hook {
        struct list at;
        char brand[STORE_BRAND_MAX];
        char url[STORE_ALERT_HOOK_MAX];
        struct secret secret;
        bool is_looking;    /* in the store, for what is due */
        bool is_woken;      /* there may be more than what is under way */
        unsigned under_way; /* posts, and their results on the way to disk */
        bool is_gone;       /* not configured any more; freed when nothing names it */
};

struct webhooks {
        struct alerts_options o;
        struct http_client *http;
        struct loop_timer *timer;
        struct list hooks;
        unsigned open; /* operations that will call back */
        bool is_closed;
};

struct post {
        struct webhooks *webhooks;
        struct hook *hook;
        uint64_t number;
        int64_t at; /* of the alert */
        unsigned attempts;
};

/* --- life --- */

static int64_t now(const struct webhooks *w)
{
        return clock_wall_ms(loop_clock(w->o.loop));
}

static bool is_idle(const struct hook *hook)
{
        return !hook->is_looking && hook->under_way == 0;
}

static void hook_free(struct hook *hook)
{
        list_remove(&hook->at);
        secret_fini(&hook->secret);
        free(hook);
}

/* What called back named hook: it, and the whole, may be waiting for that to go. */
static void settle(struct webhooks *w, struct hook *hook)
{
        w->open--;
        if (hook->is_gone && is_idle(hook))
                hook_free(hook);
        if (w->is_closed && w->open == 0)
                free(w);
}

static void look_all(void *cookie);

struct webhooks *webhooks_new(const struct alerts_options *options)
{
        struct webhooks *w = xcalloc(1, sizeof *w);
        struct http_client_options http = {
                .max_in_flight = POSTS_MAX,
                .max_waiting = POSTS_MAX * 4,
                .max_body_bytes = ANSWER_MAX,
                .ca_file = options->ca_file,
        };

        w->o = *options;
        list_init(&w->hooks);
        w->http = http_client_new(options->loop, &http);
        w->timer = loop_timer_new(options->loop, look_all, w);
        return w;
}

/* Those that are idle go now, the others with their last callback. */
static void drop_hooks(struct webhooks *w)
{
        struct list *next;

        for (struct list *at = w->hooks.next; at != &w->hooks; at = next) {
                struct hook *hook = list_entry(at, struct hook, at);
                next = at->next;
                hook->is_gone = true;
                if (is_idle(hook))
                        hook_free(hook);
        }
}

void webhooks_free(struct webhooks *w)
{
        if (!w)
                return;
        w->is_closed = true;
        w->open++; /* ours: until the end of this function */
        loop_timer_free(w->timer);
        http_client_free(w->http);
        drop_hooks(w);
        if (--w->open == 0)
                free(w);
}

/* --- configuration --- */

static struct hook *find(const struct webhooks *w, const char *brand, const char *url)
{
        for (struct list *at = w->hooks.next; at != &w->hooks; at = at->next) {
                struct hook *hook = list_entry(at, struct hook, at);
                if (!hook->is_gone && strcmp(hook->brand, brand) == 0 &&
                    strcmp(hook->url, url) == 0)
                        return hook;
        }
        return NULL;
}

static enum errc add(struct list *hooks, const struct brand *brand,
                     const struct brand_webhook *wanted, struct err *err)
{
        struct hook *hook = xcalloc(1, sizeof *hook);

        must(text_copy(hook->brand, sizeof hook->brand, brand->id));
        must(text_copy(hook->url, sizeof hook->url, wanted->url));
        list_push_back(hooks, &hook->at);
        return secret_file_read(&hook->secret, wanted->secret_file, BRAND_WEBHOOK_SECRET_MAX, err);
}

static void free_all(struct list *hooks)
{
        while (!list_empty(hooks))
                hook_free(list_entry(hooks->next, struct hook, at));
}

enum errc webhooks_configure(struct webhooks *w, const struct brand_set *brands, struct err *err)
{
        struct list fresh;
        enum errc rc = E_OK;

        list_init(&fresh);
        for (size_t i = 0; i < brands->n && !rc; i++)
                for (unsigned j = 0; j < brands->brand[i]->n_webhooks && !rc; j++)
                        rc = add(&fresh, brands->brand[i], &brands->brand[i]->webhook[j], err);
        if (rc) {
                free_all(&fresh);
                return rc;
        }
        drop_hooks(w);
        while (!list_empty(&fresh)) {
                struct list *first = fresh.next;
                list_remove(first);
                list_push_back(&w->hooks, first);
        }
        loop_timer_stop(w->timer);
        if (!list_empty(&w->hooks))
                loop_timer_start(w->timer, 0, LOOK_MS);
        return E_OK;
}

unsigned webhooks_of(const struct webhooks *w, const char *brand,
                     const char *url[STORE_ALERT_HOOKS])
{
        unsigned n = 0;

        for (struct list *at = w->hooks.next; at != &w->hooks; at = at->next) {
                const struct hook *hook = list_entry(at, struct hook, at);
                if (!hook->is_gone && strcmp(hook->brand, brand) == 0 && n < STORE_ALERT_HOOKS)
                        url[n++] = hook->url;
        }
        return n;
}

/* --- results --- */

static void look(struct webhooks *w, struct hook *hook);

static void count(struct webhooks *w, const struct hook *hook, const char *result)
{
        char labels[STORE_BRAND_MAX + 64];

        snprintf(labels, sizeof labels, "brand=\"%s\",result=\"%s\"", hook->brand, result);
        metrics_add(w->o.metrics, "perpgate_webhook_posts_total", labels, 1,
                    "Posts to webhooks, by what became of them.");
}

static void noted(void *cookie, enum errc rc)
{
        struct post *post = cookie;
        struct webhooks *w = post->webhooks;
        struct hook *hook = post->hook;

        (void)rc; /* where the store was down the delivery is still due, and is made again */
        hook->under_way--;
        if (!w->is_closed && !hook->is_gone && hook->under_way == 0 && hook->is_woken)
                look(w, hook);
        free(post);
        settle(w, hook);
}

/* Twice as long after each failure, with up to a quarter more so that many don't come at once. */
static int64_t pause_ms(unsigned attempts)
{
        int64_t pause = PAUSE_MIN_MS;

        for (unsigned i = 0; i < attempts && pause < PAUSE_MAX_MS; i++)
                pause *= 2;
        if (pause > PAUSE_MAX_MS)
                pause = PAUSE_MAX_MS;
        return pause + (int64_t)randombytes_uniform((uint32_t)(pause / 4));
}

static void answered(void *cookie, const struct http_answer *answer)
{
        struct post *post = cookie;
        struct webhooks *w = post->webhooks;
        const struct hook *hook = post->hook;
        bool taken = answer->result == HTTP_ANSWERED && answer->status / 100 == 2;
        int64_t at = now(w), pause = pause_ms(post->attempts);

        if (taken) {
                count(w, hook, "taken");
                store_alert_delivered(w->o.store, hook->brand, hook->url, post->number, noted,
                                      post);
                return;
        }
        if (at - post->at > GIVE_UP_MS) {
                count(w, hook, "givenUp");
                log_event(LOG_WARN, "webhook_given_up", "brand", hook->brand, NULL);
                store_alert_delivered(w->o.store, hook->brand, hook->url, post->number, noted,
                                      post);
                return;
        }
        count(w, hook, "failed");
        if (answer->retry_after_ms > pause)
                pause = answer->retry_after_ms < PAUSE_MAX_MS ? answer->retry_after_ms
                                                              : PAUSE_MAX_MS;
        store_alert_retry(w->o.store, hook->brand, hook->url, post->number, at + pause, noted,
                          post);
}

/* --- posting --- */

static void sign(char hex[2 * SIGNATURE_BYTES + 1], const struct hook *hook, const char *timestamp,
                 struct buf *body)
{
        crypto_auth_hmacsha256_state state;
        uint8_t mac[SIGNATURE_BYTES];

        crypto_auth_hmacsha256_init(&state, hook->secret.data, hook->secret.len);
        crypto_auth_hmacsha256_update(&state, (const uint8_t *)timestamp, strlen(timestamp));
        crypto_auth_hmacsha256_update(&state, (const uint8_t *)".", 1);
        crypto_auth_hmacsha256_update(&state, body->data, body->len);
        crypto_auth_hmacsha256_final(&state, mac);
        secret_wipe(&state, sizeof state);
        hex_encode(hex, mac, sizeof mac);
}

static void post_one(struct webhooks *w, struct hook *hook, const struct store_alert *alert)
{
        struct post *post = xcalloc(1, sizeof *post);
        char delivery[64], timestamp[64], signature[160], hex[2 * SIGNATURE_BYTES + 1], wall[24];
        const char *header[] = {delivery, timestamp, signature};
        struct buf body;

        *post = (struct post){.webhooks = w,
                              .hook = hook,
                              .number = alert->number,
                              .at = alert->at,
                              .attempts = alert->attempts};
        buf_init(&body, BODY_MAX);
        alert_json(&body, alert, true);
        must(buf_check(&body) == E_OK);
        snprintf(wall, sizeof wall, "%" PRId64, now(w));
        sign(hex, hook, wall, &body);
        snprintf(delivery, sizeof delivery, "X-Perpgate-Delivery: %" PRIu64, alert->number);
        snprintf(timestamp, sizeof timestamp, "X-Perpgate-Timestamp: %s", wall);
        snprintf(signature, sizeof signature, "X-Perpgate-Signature: %s", hex);
        hook->under_way++;
        w->open++;
        http_client_post_with(w->http, hook->url, header, 3, body.data, body.len, POST_DEADLINE,
                              answered, post);
        buf_fini(&body);
}

struct search {
        struct webhooks *webhooks;
        struct hook *hook;
};

static void due_found(void *cookie, enum errc rc, const struct store_alert *alerts, size_t n)
{
        struct search *search = cookie;
        struct webhooks *w = search->webhooks;
        struct hook *hook = search->hook;

        hook->is_looking = false;
        if (!rc && !w->is_closed && !hook->is_gone) {
                /* A full answer: there may be more. */
                hook->is_woken = hook->is_woken || n == AT_ONCE;
                for (size_t i = 0; i < n; i++)
                        post_one(w, hook, &alerts[i]);
        }
        free(search);
        settle(w, hook);
}

/* The deliveries under way stand in the store as due: nothing is looked for until all are noted. */
static void look(struct webhooks *w, struct hook *hook)
{
        struct search *search;

        if (hook->is_gone || !is_idle(hook))
                return;
        search = xcalloc(1, sizeof *search);
        *search = (struct search){w, hook};
        hook->is_looking = true;
        hook->is_woken = false;
        w->open++;
        store_alert_due(w->o.store, hook->brand, hook->url, now(w), AT_ONCE, due_found, search);
}

static void look_all(void *cookie)
{
        struct webhooks *w = cookie;

        for (struct list *at = w->hooks.next; at != &w->hooks; at = at->next)
                look(w, list_entry(at, struct hook, at));
}

void webhooks_wake(struct webhooks *w, const char *brand)
{
        const char *url[STORE_ALERT_HOOKS];
        unsigned n = webhooks_of(w, brand, url);

        for (unsigned i = 0; i < n; i++) {
                struct hook *hook = find(w, brand, url[i]);
                hook->is_woken = true;
                look(w, hook);
        }
}
