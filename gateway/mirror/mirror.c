#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "mirror/mirror_core.h"

struct key {
        uint8_t user[20];
        uint8_t dex;
};
_Static_assert(sizeof(struct key) == 21, "a key has no padding");

static struct key key_of(const struct addr *user, unsigned dex)
{
        struct key key;

        memcpy(key.user, user->b, sizeof key.user);
        key.dex = (uint8_t)dex;
        return key;
}

static void options_fill(struct mirror_options *o)
{
        static const int64_t percent = NUM_RATE_SCALE / 100;

        o->accounts_max = o->accounts_max ? o->accounts_max : 1000000;
        o->markets_max = o->markets_max ? o->markets_max : 4096;
        o->sent_max = o->sent_max ? o->sent_max : 4096;
        o->seen_trades = o->seen_trades ? o->seen_trades : 1024;
        o->hysteresis.v = o->hysteresis.v ? o->hysteresis.v : 5 * percent;
        o->drift_share.v = o->drift_share.v ? o->drift_share.v : percent / 10;
        o->drift_least.v = o->drift_least.v ? o->drift_least.v : NUM_SCALE / 100;
        o->context_max_age_ms = o->context_max_age_ms ? o->context_max_age_ms : 15000;
        o->setting_max_age_ms = o->setting_max_age_ms ? o->setting_max_age_ms : 600000;
        o->verify_after_ms = o->verify_after_ms ? o->verify_after_ms : 5000;
        o->danger_every_ms = o->danger_every_ms ? o->danger_every_ms : 60000;
        o->attended_every_ms = o->attended_every_ms ? o->attended_every_ms : 300000;
        o->sweep_every_ms = o->sweep_every_ms ? o->sweep_every_ms : 5400000;
        o->retry_ms = o->retry_ms ? o->retry_ms : 2000;
        if (!o->n_bands) {
                o->n_bands = 3;
                o->band[0].v = 20 * percent;
                o->band[1].v = 10 * percent;
                o->band[2].v = 5 * percent;
        }
        must(o->n_bands <= MIRROR_BANDS_MAX);
}

struct mirror *mirror_new(const struct mirror_options *options)
{
        struct mirror *mirror = xcalloc(1, sizeof *mirror);
        struct ticks_hooks hooks = {mirror_levels_crossed, mirror_levels_look, mirror_levels_fetch,
                                    mirror};

        mirror->options = *options;
        options_fill(&mirror->options);
        mirror->ticks = ticks_new(mirror->options.markets_max, &hooks);
        mirror->accounts = map_new();
        mirror->symbols = map_new();
        mirror->place = xcalloc(mirror->options.markets_max, sizeof *mirror->place);
        mirror->sent = xcalloc(mirror->options.sent_max, sizeof(struct mirror_sent *));
        mirror->n_dexes = 1; /* "" */
        /* Table 0 stands for tiers that can't be known: the least leverage a market has. */
        mirror->cap_tables = 64;
        mirror->table = xcalloc(mirror->cap_tables, sizeof *mirror->table);
        mirror->table[0] = (struct margin_table){.n = 1, .tier = {{.max_leverage = 1}}};
        mirror->n_tables = 1;
        mirror->rules = (struct shadow_rules){mirror->table, mirror_rule, mirror};
        mirror->next_ticket = 1;
        list_init(&mirror->suspicions);
        return mirror;
}

static void shadow_release(void *shadow)
{
        shadow_fini(shadow);
        free(shadow);
}

void mirror_free(struct mirror *mirror)
{
        if (!mirror)
                return;
        for (uint32_t i = 0; i < mirror->n_slots; i++) {
                if (mirror->shadow[i])
                        suspicion_drop(mirror, mirror->shadow[i]);
        }
        map_free(mirror->accounts, shadow_release);
        map_free(mirror->symbols, NULL);
        ticks_free(mirror->ticks);
        for (uint32_t i = 0; i < mirror->n_places; i++)
                free(mirror->place[i].seen);
        for (size_t i = 0; i < mirror->n_sent; i++)
                free(mirror->sent[i]);
        for (unsigned i = 0; i < MIRROR_RANKS; i++)
                free(mirror->heap[i].slot);
        free(mirror->place);
        free(mirror->sent);
        free(mirror->table);
        free(mirror->shadow);
        free(mirror->free_slot);
        free(mirror);
}

int mirror_dex_find(const struct mirror *mirror, const char *dex)
{
        for (unsigned i = 0; i < mirror->n_dexes; i++) {
                if (!strcmp(mirror->dex[i], dex))
                        return (int)i;
        }
        return -1;
}

static enum errc dex_make(int *out, struct mirror *mirror, const char *dex)
{
        *out = mirror_dex_find(mirror, dex);
        if (*out >= 0)
                return E_OK;
        if (strlen(dex) >= MIRROR_DEX_MAX)
                return E_INVALID;
        if (mirror->n_dexes == MIRROR_DEXES_MAX)
                return E_LIMIT;
        must(text_copy(mirror->dex[mirror->n_dexes], MIRROR_DEX_MAX, dex));
        *out = (int)mirror->n_dexes++;
        return E_OK;
}

struct shadow *mirror_shadow(const struct mirror *mirror, const struct addr *user, unsigned dex)
{
        struct key key = key_of(user, dex);

        return map_get(mirror->accounts, &key, sizeof key);
}

struct shadow *mirror_shadow_named(const struct mirror *mirror, const struct addr *user,
                                   const char *dex)
{
        int number = mirror_dex_find(mirror, dex);

        return number < 0 ? NULL : mirror_shadow(mirror, user, (unsigned)number);
}

void mirror_each_of(struct mirror *mirror, const struct addr *user,
                    void (*each)(struct mirror *mirror, struct shadow *s, void *cookie),
                    void *cookie)
{
        for (unsigned dex = 0; dex < mirror->n_dexes; dex++) {
                struct shadow *s = mirror->n_of_dex[dex] ? mirror_shadow(mirror, user, dex) : NULL;

                if (s)
                        each(mirror, s, cookie);
        }
}

static uint32_t slot_take(struct mirror *mirror)
{
        if (mirror->n_free)
                return mirror->free_slot[--mirror->n_free];
        if (mirror->n_slots == mirror->cap_slots) {
                mirror->cap_slots = mirror->cap_slots ? mirror->cap_slots * 2 : 64;
                mirror->shadow =
                        xrealloc(mirror->shadow, mirror->cap_slots * sizeof(struct shadow *));
        }
        return mirror->n_slots++;
}

static void slot_give(struct mirror *mirror, uint32_t slot)
{
        if (mirror->n_free == mirror->cap_free) {
                mirror->cap_free = mirror->cap_free ? mirror->cap_free * 2 : 64;
                mirror->free_slot =
                        xrealloc(mirror->free_slot, mirror->cap_free * sizeof *mirror->free_slot);
        }
        mirror->shadow[slot] = NULL;
        mirror->free_slot[mirror->n_free++] = slot;
}

enum errc mirror_watch(struct mirror *mirror, const struct addr *user, const char *dex)
{
        struct shadow *s;
        struct key key;
        int number;
        enum errc rc;

        rc = dex_make(&number, mirror, dex);
        if (rc)
                goto done;
        key = key_of(user, (unsigned)number);
        s = map_get(mirror->accounts, &key, sizeof key);
        if (s) {
                s->watchers++;
                goto done;
        }
        rc = E_LIMIT;
        if (map_size(mirror->accounts) >= mirror->options.accounts_max)
                goto done;
        s = xcalloc(1, sizeof *s);
        s->user = *user;
        s->dex = key.dex;
        s->watchers = 1;
        s->doubts = DOUBT_UNREAD;
        s->heap_at = SHADOW_NOT_DUE;
        s->slot = slot_take(mirror);
        mirror->shadow[s->slot] = s;
        mirror->n_of_dex[s->dex]++;
        map_put(mirror->accounts, &key, sizeof key, s);
        mirror_needs_set(mirror, s, 0);
        rc = E_OK;
done:
        return rc;
}

void mirror_unwatch(struct mirror *mirror, const struct addr *user, const char *dex)
{
        struct shadow *s = mirror_shadow_named(mirror, user, dex);
        struct key key;

        if (!s || --s->watchers)
                return;
        key = key_of(user, s->dex);
        mirror_needs_drop(mirror, s);
        ticks_drop_account(mirror->ticks, s->slot);
        slot_give(mirror, s->slot);
        mirror->n_of_dex[s->dex]--;
        mirror->stats.drifted_now -= s->is_drifted;
        suspicion_drop(mirror, s);
        must(map_take(mirror->accounts, &key, sizeof key) == s);
        shadow_release(s);
}

bool mirror_watches(const struct mirror *mirror, const struct addr *user, const char *dex)
{
        return mirror_shadow_named(mirror, user, dex) != NULL;
}

void mirror_settle(struct mirror *mirror, struct shadow *s, int64_t now)
{
        const struct mirror_listener *listener = &mirror->listener;

        mirror_levels_set(mirror, s, now);
        mirror_needs_set(mirror, s, now);
        if (mirror_is_heard(mirror, s))
                listener->settled(listener->cookie, &s->user, mirror->dex[s->dex]);
}

static void touched(struct mirror *mirror, struct shadow *s, void *now)
{
        mirror_mark(s, DOUBT_TOLD, *(const int64_t *)now);
        mirror_needs_set(mirror, s, *(const int64_t *)now);
}

void mirror_touched(struct mirror *mirror, const struct addr *user, const char *dex, int64_t now)
{
        struct shadow *s = mirror_shadow_named(mirror, user, dex);

        if (s)
                touched(mirror, s, &now);
        else
                mirror->stats.refused++;
        if (mirror_is_heard(mirror, s))
                mirror->listener.touched(mirror->listener.cookie, user, dex);
}

struct pooled {
        enum margin_pool pool;
        int64_t at;
};

static void set_pool(struct mirror *mirror, struct shadow *s, void *cookie)
{
        const struct pooled *pooled = cookie;

        /* Figures of before are another mode's. */
        if (s->pool != MARGIN_POOL_UNKNOWN && s->pool != (uint8_t)pooled->pool)
                mirror_mark(s, DOUBT_TOLD, pooled->at);
        s->pool = (uint8_t)pooled->pool;
        mirror_settle(mirror, s, pooled->at);
}

void mirror_pool(struct mirror *mirror, const struct addr *user, enum margin_pool pool, int64_t at)
{
        struct pooled pooled = {pool, at};

        mirror_each_of(mirror, user, set_pool, &pooled);
}

enum margin_pool mirror_pool_from(const char *word)
{
        if (!strcmp(word, "standard"))
                return MARGIN_POOL_STANDARD;
        if (!strcmp(word, "unified"))
                return MARGIN_POOL_UNIFIED;
        return !strcmp(word, "portfolioMargin") ? MARGIN_POOL_PORTFOLIO : MARGIN_POOL_UNKNOWN;
}

static void set_fees(struct mirror *mirror, struct shadow *s, void *cookie)
{
        const struct venue_fees *fees = cookie;

        (void)mirror;
        s->fees_known = true;
        s->taker = fees->taker;
        s->maker = fees->maker;
}

void mirror_fees(struct mirror *mirror, const struct addr *user, const struct venue_fees *fees)
{
        struct venue_fees copy = *fees;

        mirror_each_of(mirror, user, set_fees, &copy);
}

void mirror_setting(struct mirror *mirror, const struct addr *user, const char *symbol,
                    const struct mirror_reading *reading, enum margin_mode mode, unsigned leverage)
{
        struct mirror_place *place = mirror_place_make(mirror, symbol);
        struct shadow *s = place ? mirror_shadow(mirror, user, place->dex) : NULL;
        const struct shadow_setting *known;
        uint32_t market;

        if (!s || !leverage || leverage > UINT16_MAX) {
                mirror->stats.refused++;
                return;
        }
        market = mirror_place_number(mirror, place);
        known = shadow_setting(s, market);
        /* What we did after the question was asked is newer than its answer. */
        if (known && known->at > (reading->asked_at ? reading->asked_at : reading->at))
                return;
        shadow_setting_put(s, &(struct shadow_setting){.market = market,
                                                       .leverage = (uint16_t)leverage,
                                                       .mode = (uint8_t)mode,
                                                       .at = reading->at});
}
