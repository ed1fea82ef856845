/* One heap a rank, by the time from which an account is due. An account stands in one of them, or in
 * none when there is nothing to read of it. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "mirror/mirror_core.h"

#define TAKEN_MS  30000
#define SWEEP_LOT 4096 /* accounts looked at by one tick */
#define SAMPLE_MS 600000

static bool sooner(const struct mirror *mirror, uint32_t a, uint32_t b)
{
        const struct shadow *x = mirror->shadow[a], *y = mirror->shadow[b];

        return x->due_at != y->due_at ? x->due_at < y->due_at : a < b;
}

static void place_at(struct mirror *mirror, struct mirror_heap *heap, uint32_t i, uint32_t slot)
{
        heap->slot[i] = slot;
        mirror->shadow[slot]->heap_at = i;
}

static void sift(struct mirror *mirror, struct mirror_heap *heap, uint32_t i)
{
        uint32_t slot = heap->slot[i];

        while (i && sooner(mirror, slot, heap->slot[(i - 1) / 2])) {
                place_at(mirror, heap, i, heap->slot[(i - 1) / 2]);
                i = (i - 1) / 2;
        }
        for (;;) {
                uint32_t child = 2 * i + 1;

                if (child + 1 < heap->n && sooner(mirror, heap->slot[child + 1], heap->slot[child]))
                        child++;
                if (child >= heap->n || !sooner(mirror, heap->slot[child], slot))
                        break;
                place_at(mirror, heap, i, heap->slot[child]);
                i = child;
        }
        place_at(mirror, heap, i, slot);
}

void mirror_needs_drop(struct mirror *mirror, struct shadow *s)
{
        struct mirror_heap *heap = &mirror->heap[s->rank];
        uint32_t i = s->heap_at;
        uint32_t last;

        if (i == SHADOW_NOT_DUE)
                return;
        s->heap_at = SHADOW_NOT_DUE;
        last = heap->slot[--heap->n];
        if (last == s->slot)
                return;
        place_at(mirror, heap, i, last);
        sift(mirror, heap, i);
}

static void add(struct mirror *mirror, struct shadow *s, enum mirror_rank rank, int64_t due_at)
{
        struct mirror_heap *heap = &mirror->heap[rank];

        if (s->heap_at != SHADOW_NOT_DUE && s->rank == (uint8_t)rank && s->due_at == due_at)
                return;
        mirror_needs_drop(mirror, s);
        s->rank = (uint8_t)rank;
        s->due_at = due_at;
        if (heap->n == heap->cap) {
                heap->cap = heap->cap ? heap->cap * 2 : 64;
                heap->slot = xrealloc(heap->slot, heap->cap * sizeof *heap->slot);
        }
        place_at(mirror, heap, heap->n++, s->slot);
        sift(mirror, heap, heap->n - 1);
}

static bool gapped(const struct mirror *mirror, const struct shadow *s, bool *is_open)
{
        bool found = false;

        *is_open = false;
        for (uint32_t i = 0; i < s->book.n + s->n_orders; i++) {
                uint32_t market =
                        i < s->book.n ? s->book.position[i].market : s->order[i - s->book.n].market;

                if (!mirror_has_gap(mirror, s, market))
                        continue;
                found = true;
                *is_open |= !mirror->place[market].is_live;
        }
        return found;
}

static uint8_t reached(const struct shadow *s)
{
        uint8_t bits = s->reached;

        for (uint32_t i = 0; i < s->book.n; i++)
                bits |= s->book.position[i].reached;
        return bits;
}

/* Why and when the account is to be read next. False: not at all. */
static bool choose(const struct mirror *mirror, const struct shadow *s, enum mirror_rank *rank,
                   int64_t *due_at)
{
        static const uint32_t curable = DOUBT_GAP | DOUBT_TOLD | DOUBT_RANGE | DOUBT_LIQUIDATED |
                                        DOUBT_OUTCOME | DOUBT_FILL;
        const struct mirror_options *o = &mirror->options;
        bool is_open, has_gap = gapped(mirror, s, &is_open);

        *due_at = 0;
        if (s->is_waited_for) {
                *rank = RANK_WAITING;
        } else if (s->verify_at) {
                *rank = RANK_VERIFY;
                *due_at = s->verify_at;
        } else if ((s->state_at && (s->doubts & curable)) || has_gap || s->is_drifted) {
                *rank = RANK_GAP;
                /* While trades are missing reading again and again is all there is. */
                if (is_open)
                        *due_at = s->confirmed_at ? s->confirmed_at + o->danger_every_ms : 0;
                else if (s->is_drifted)
                        *due_at = s->confirmed_at + o->verify_after_ms;
        } else if (s->state_at && (s->doubts & DOUBT_ORDERS)) {
                *rank = RANK_GAP;
                *due_at = s->orders_at ? s->orders_at + o->verify_after_ms : 0;
        } else if (reached(s)) {
                *rank = RANK_DANGER;
                *due_at = s->confirmed_at + o->danger_every_ms;
        } else if (s->attended > 0 || s->n_orders) {
                *rank = RANK_ATTENDED;
                *due_at = s->confirmed_at ? s->confirmed_at + o->attended_every_ms : 0;
        } else if (s->book.n || !s->state_at) {
                *rank = RANK_SWEEP;
                *due_at = s->confirmed_at ? s->confirmed_at + o->sweep_every_ms : 0;
        } else {
                return false;
        }
        return true;
}

void mirror_needs_set(struct mirror *mirror, struct shadow *s, int64_t now)
{
        enum mirror_rank rank;
        int64_t due_at;

        (void)now;
        if (!choose(mirror, s, &rank, &due_at)) {
                mirror_needs_drop(mirror, s);
                return;
        }
        if (due_at < s->retry_at)
                due_at = s->retry_at;
        if (s->is_taken && due_at < s->taken_at + TAKEN_MS)
                due_at = s->taken_at + TAKEN_MS;
        add(mirror, s, rank, due_at);
}

static unsigned parts_of(const struct shadow *s)
{
        bool wants_orders = s->is_waited_for || s->attended > 0 || s->n_orders;
        unsigned parts = PART_STATE;

        if ((wants_orders && !s->orders_known) || (s->doubts & DOUBT_ORDERS))
                parts |= PART_ORDERS;
        if (s->pool == MARGIN_POOL_UNKNOWN)
                parts |= PART_POOL;
        return parts;
}

bool mirror_next_need(struct mirror *mirror, int64_t now, struct mirror_need *need)
{
        for (unsigned rank = 0; rank < MIRROR_RANKS; rank++) {
                struct mirror_heap *heap = &mirror->heap[rank];
                struct shadow *s = heap->n ? mirror->shadow[heap->slot[0]] : NULL;

                if (!s || s->due_at > now)
                        continue;
                *need = (struct mirror_need){.user = s->user,
                                             .rank = (enum mirror_rank)rank,
                                             .parts = parts_of(s),
                                             .due_at = s->due_at};
                must(text_copy(need->dex, sizeof need->dex, mirror->dex[s->dex]));
                s->parts = (uint8_t)need->parts;
                s->is_taken = true;
                s->taken_at = now;
                mirror_needs_set(mirror, s, now);
                return true;
        }
        return false;
}

void mirror_read_failed(struct mirror *mirror, const struct addr *user, const char *dex,
                        int64_t now)
{
        struct shadow *s = mirror_shadow_named(mirror, user, dex);

        if (!s) {
                mirror->stats.refused++;
                return;
        }
        s->is_taken = false;
        s->retry_at = now + (mirror->options.retry_ms << s->failures);
        s->failures = s->failures < 5 ? (uint8_t)(s->failures + 1) : s->failures;
        mirror_needs_set(mirror, s, now);
}

void mirror_want(struct mirror *mirror, const struct addr *user, const char *dex, int64_t now)
{
        struct shadow *s = mirror_shadow_named(mirror, user, dex);

        if (!s) {
                mirror->stats.refused++;
                return;
        }
        s->is_waited_for = true;
        s->retry_at = 0;
        mirror_needs_set(mirror, s, now);
}

struct attention {
        int change;
        int64_t now;
};

static void attend(struct mirror *mirror, struct shadow *s, void *cookie)
{
        const struct attention *attention = cookie;

        s->attended += attention->change;
        if (s->attended < 0) {
                mirror->stats.refused++;
                s->attended = 0;
        }
        mirror_needs_set(mirror, s, attention->now);
}

void mirror_attend(struct mirror *mirror, const struct addr *user, int change, int64_t now)
{
        struct attention attention = {change, now};

        mirror_each_of(mirror, user, attend, &attention);
}

void mirror_needs_sweep(struct mirror *mirror)
{
        mirror->sweep_left = mirror->n_slots;
}

void mirror_tick(struct mirror *mirror, int64_t now)
{
        mirror_funding_go_on(mirror, now);
        suspicion_tick(mirror, now);
        for (unsigned i = 0; i < SWEEP_LOT && mirror->sweep_left; i++, mirror->sweep_left--) {
                struct shadow *s;

                if (mirror->sweep_at >= mirror->n_slots)
                        mirror->sweep_at = 0;
                s = mirror->shadow[mirror->sweep_at++];
                if (s && (s->book.n || s->n_orders))
                        mirror_needs_set(mirror, s, now);
        }
}

/* What a subscription would be worth to the account. */
static unsigned worth(const struct shadow *s)
{
        uint8_t bits = reached(s);
        unsigned points = 0;

        for (; bits; bits &= (uint8_t)(bits - 1))
                points += 4;
        points += s->attended > 0 ? 3 : 0;
        points += s->n_orders ? 2 : 0;
        points += s->book.n ? 1 : 0;
        return points;
}

static bool chosen(const struct addr *out, size_t n, const struct addr *user)
{
        for (size_t i = 0; i < n; i++) {
                if (hex_addr_equal(&out[i], user))
                        return true;
        }
        return false;
}

/* Those that hold something, from a place that moves on with time. */
static size_t sample(struct mirror *mirror, int64_t now, struct addr *out, size_t n, size_t max)
{
        uint64_t turn = (uint64_t)(now / SAMPLE_MS);
        uint32_t from = mirror->n_slots ? (uint32_t)(turn * 2654435761u % mirror->n_slots) : 0;

        for (uint32_t i = 0; i < mirror->n_slots && n < max; i++) {
                const struct shadow *s = mirror->shadow[(from + i) % mirror->n_slots];

                if (s && s->book.n && !chosen(out, n, &s->user))
                        out[n++] = s->user;
        }
        return n;
}

size_t mirror_user_slots(struct mirror *mirror, int64_t now, struct addr *out, size_t max)
{
        size_t best_max = max - max / 4, n = 0;
        unsigned *points = xcalloc(max + 1, sizeof *points);

        for (uint32_t i = 0; i < mirror->n_slots && best_max; i++) {
                const struct shadow *s = mirror->shadow[i];
                unsigned w = s ? worth(s) : 0;
                size_t at = n;

                if (w < 2 || (n == best_max && w <= points[n - 1]) || chosen(out, n, &s->user))
                        continue;
                n += n < best_max;
                at = n - 1;
                for (; at && points[at - 1] < w; at--) {
                        points[at] = points[at - 1];
                        out[at] = out[at - 1];
                }
                points[at] = w;
                out[at] = s->user;
        }
        free(points);
        return sample(mirror, now, out, n, max);
}
