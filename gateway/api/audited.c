#include "api/audited.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "api/call.h"
#include "api/out.h"
#include "api/route.h"
#include "base/log.h"
#include "base/mem.h"
#include "store/store_audit.h"

#define MINUTE_MS    60000
#define HEADS_EVERY  60 /* minutes: how often the ends of the chains are logged */
#define ACCOUNTS_MAX 4096
#define BRANDS_MAX   4096
#define DETAIL_MAX   8192

struct audited {
        struct api *api;
        struct loop_timer *timer;
        struct limit *per_account, *per_brand;
        struct map *counts; /* brand -> struct count, owned */
        unsigned minutes;
};

struct count {
        char brand[STORE_BRAND_MAX];
        uint64_t total;
        uint32_t by_code[E_COUNT_];
};

/* --- which --- */

static bool is_preview(const struct route *route)
{
        /* What a session reads with a POST: previews, sizes, plans to sign. */
        return route->risk == ROUTE_READS && route->auth == ROUTE_SESSION;
}

static bool is_act(const struct route *route)
{
        return route && route->method != METHOD_GET && !is_preview(route);
}

/* --- counting --- */

static void count(struct audited *a, const char *brand, enum errc code)
{
        struct count *c = map_get(a->counts, brand, strlen(brand));

        if (!c) {
                if (map_size(a->counts) >= BRANDS_MAX)
                        return;
                c = xcalloc(1, sizeof *c);
                must(text_copy(c->brand, sizeof c->brand, brand));
                map_put(a->counts, brand, strlen(brand), c);
        }
        c->total++;
        if (c->by_code[code] < UINT32_MAX)
                c->by_code[code]++;
}

static void write_count(void *cookie, const void *key, size_t len, void *value)
{
        struct audited *a = cookie;
        struct count *c = value;
        struct buf detail;

        (void)key;
        (void)len;
        if (c->total == 0)
                return;
        buf_init(&detail, DETAIL_MAX);
        buf_putc(&detail, '{');
        for (unsigned i = 0; i < E_COUNT_; i++)
                if (c->by_code[i])
                        out_int(&detail, err_constant((enum errc)i), c->by_code[i]);
        buf_putc(&detail, '}');
        must(buf_check(&detail) == E_OK);
        store_audit(a->api->o.store, c->brand, "gateway", "refusals_counted", buf_cstr(&detail),
                    state_now(a->api), NULL, NULL);
        buf_fini(&detail);
        c->total = 0;
        memset(c->by_code, 0, sizeof c->by_code);
}

/* --- one by one --- */

static bool has_room(struct audited *a, const struct call *call)
{
        int64_t now = clock_mono_ms(a->api->o.clock);
        char key[STORE_BRAND_MAX + ADDR_STR_MAX], address[ADDR_STR_MAX];
        struct limit_state unused;

        (void)text_copy(
                key, sizeof key,
                log_fmt("%s %s", call->brand->id, hex_print_addr(address, &call->session.address)));
        return limit_take(a->per_account, key, 1, now, &unused) &&
               limit_take(a->per_brand, call->brand->id, 1, now, &unused);
}

/* Whose sentences may repeat what was sent, whatever that was. */
static bool repeats_input(enum errc code)
{
        return code == E_SYNTAX || code == E_INVALID;
}

static void write_refusal(const struct call *call, const struct err *err)
{
        char actor[ADDR_STR_MAX], account[ADDR_STR_MAX];
        struct buf detail;

        buf_init(&detail, DETAIL_MAX);
        buf_putc(&detail, '{');
        out_text(&detail, "request", call->request_id);
        out_text(&detail, "method", http_method_name(call->route->method));
        out_text(&detail, "route", call->route->path);
        if (call->for_sub_account)
                out_text(&detail, "account", hex_print_addr(account, &call->account));
        out_text(&detail, "code", err_wire(err->code));
        if (err->n_fields)
                out_text(&detail, "field", err->field[0].path);
        out_text(&detail, "detail",
                 err->detail[0] && !repeats_input(err->code) ? err->detail : err_text(err->code));
        buf_putc(&detail, '}');
        must(buf_check(&detail) == E_OK);
        store_audit(call->api->o.store, call->brand->id,
                    hex_print_addr(actor, &call->session.address), "refused", buf_cstr(&detail),
                    state_now(call->api), NULL, NULL);
        buf_fini(&detail);
}

void audited_refusal(const struct call *call, const struct err *err)
{
        struct audited *a = call->api->audited;

        if (!call->brand || !is_act(call->route))
                return;
        if (call->has_session && err->code != E_RATE_LIMITED && has_room(a, call))
                write_refusal(call, err);
        else
                count(a, call->brand->id, err->code);
}

void audited_stranger(struct api *api, const struct brand *brand, const struct route *route,
                      const struct err *err)
{
        if (brand && is_act(route))
                count(api->audited, brand->id, err->code);
}

void audited_act(struct api *api, const char *action, const char *detail)
{
        for (size_t i = 0; i < api->brands->n; i++)
                store_audit(api->o.store, api->brands->brand[i]->id, "operator", action, detail,
                            state_now(api), NULL, NULL);
}

/* --- the clock --- */

/* Whoever keeps the log elsewhere can tell later whether the chain was cut here. */
static void log_heads(void *cookie, enum errc rc, const struct audit_head *heads, size_t n)
{
        char hash[HASH_STR_MAX];

        (void)cookie;
        (void)rc;
        for (size_t i = 0; i < n; i++)
                log_event(LOG_INFO, "audit head", "brand", heads[i].brand, "seq",
                          log_int(heads[i].seq), "hash",
                          hex_encode(hash, heads[i].hash.b, sizeof heads[i].hash.b), NULL);
}

void audited_flush(struct audited *a)
{
        map_each(a->counts, write_count, a);
        audited_act(a->api, "gateway_stopped", "{}");
        store_audit_heads(a->api->o.store, log_heads, NULL);
}

static void tick(void *cookie)
{
        struct audited *a = cookie;

        map_each(a->counts, write_count, a);
        if (++a->minutes % HEADS_EVERY == 0)
                store_audit_heads(a->api->o.store, log_heads, NULL);
}

struct audited *audited_new(struct api *api)
{
        struct audited *a = xcalloc(1, sizeof *a);

        a->api = api;
        a->counts = map_new();
        a->per_account = limit_new(AUDITED_PER_ACCOUNT, MINUTE_MS, ACCOUNTS_MAX);
        a->per_brand = limit_new(AUDITED_PER_BRAND, MINUTE_MS, BRANDS_MAX);
        a->timer = loop_timer_new(api->o.loop, tick, a);
        loop_timer_start(a->timer, MINUTE_MS, MINUTE_MS);
        return a;
}

void audited_free(struct audited *a)
{
        if (!a)
                return;
        loop_timer_free(a->timer);
        limit_free(a->per_account);
        limit_free(a->per_brand);
        map_free(a->counts, free);
        free(a);
}
