#include "journal/nonce.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/map.h"
#include "base/mem.h"

#define DAY_MS    INT64_C(86400000)
#define JUMP_MS   3600000 /* from one nonce to the next: what lies before it is remembered */
#define JUMPS_MAX 8

struct waiter {
        struct waiter *next;
        nonce_ready_fn *done;
        void *cookie;
};

struct mark {
        struct nonce_ledger *ledger;
        struct addr signer;
        uint64_t last; /* the highest handed out, 0 for none */
        /* The lowest that was reserved by a clock that was ahead, 0: none. Once it lies within the day,
         * the mark goes on above it and its like. */
        uint64_t ceiling;
        /* Where the mark leapt, from and to: on disk they may not be yet. */
        struct {
                uint64_t from, to;
        } jump[JUMPS_MAX];
        unsigned n_jumps;
        bool is_loaded, is_known; /* ever loaded */
        uint64_t below;           /* of the load under way or the last one */
        struct waiter *waiters;   /* while it is being loaded, in order */
        struct waiter **waiters_tail;
};

struct nonce_ledger {
        struct store *store;
        const struct clock *clock;
        struct map *marks;  /* address -> mark */
        unsigned n_loading; /* store calls out, which hold the ledger */
        bool is_freed;
};

static struct mark *mark_get(const struct nonce_ledger *ledger, const struct addr *signer)
{
        return map_get(ledger->marks, signer->b, sizeof signer->b);
}

struct nonce_ledger *nonce_ledger_new(struct store *store, const struct clock *clock)
{
        struct nonce_ledger *ledger = xcalloc(1, sizeof *ledger);

        ledger->store = store;
        ledger->clock = clock;
        ledger->marks = map_new();
        return ledger;
}

static void destroy(struct nonce_ledger *ledger)
{
        map_free(ledger->marks, free);
        free(ledger);
}

void nonce_ledger_free(struct nonce_ledger *ledger)
{
        if (!ledger)
                return;
        ledger->is_freed = true;
        if (ledger->n_loading == 0)
                destroy(ledger);
}

static void answer_waiters(struct waiter *waiter, enum errc rc)
{
        while (waiter) {
                struct waiter *next = waiter->next;
                waiter->done(waiter->cookie, rc);
                free(waiter);
                waiter = next;
        }
}

/* The venue takes nothing that is a day or more ahead of its clock. */
static uint64_t limit_of(const struct nonce_ledger *ledger)
{
        int64_t now = clock_wall_ms(ledger->clock);

        must(now > 0);
        return (uint64_t)(now + DAY_MS);
}

static bool is_of_use(const struct mark *mark, uint64_t limit)
{
        return mark->is_loaded && mark->last < limit && (!mark->ceiling || limit <= mark->ceiling);
}

static void take_in(struct mark *mark, uint64_t nonce)
{
        if (nonce < mark->below && nonce > mark->last)
                mark->last = nonce;
        if (nonce >= mark->below && (!mark->ceiling || nonce < mark->ceiling))
                mark->ceiling = nonce;
}

/* What the store says, and what was handed out since and may not be there yet. */
static void set_mark(struct mark *mark, uint64_t highest, uint64_t next)
{
        uint64_t last = mark->is_known ? mark->last : 0;

        mark->last = highest;
        mark->ceiling = next;
        take_in(mark, last);
        for (unsigned i = 0; i < JUMPS_MAX; i++) {
                take_in(mark, mark->jump[i].from);
                take_in(mark, mark->jump[i].to);
        }
        mark->is_known = mark->is_loaded = true;
}

static void loaded(void *cookie, enum errc rc, uint64_t highest, uint64_t next)
{
        struct mark *mark = cookie;
        struct nonce_ledger *ledger = mark->ledger;
        struct waiter *waiters = mark->waiters;

        mark->waiters = NULL;
        ledger->n_loading--;
        if (rc) {
                /* Unknown again: the next load asks the store anew. */
                must(map_take(ledger->marks, mark->signer.b, sizeof mark->signer.b) == mark);
                free(mark);
        } else {
                set_mark(mark, highest, next);
        }
        if (ledger->is_freed && ledger->n_loading == 0)
                destroy(ledger);
        answer_waiters(waiters, rc);
}

static void say_known(void *arg)
{
        answer_waiters(arg, E_OK);
}

void nonce_ledger_load(struct nonce_ledger *ledger, const struct addr *signer, nonce_ready_fn *done,
                       void *cookie)
{
        struct mark *mark = mark_get(ledger, signer);
        struct waiter *waiter = xcalloc(1, sizeof *waiter);

        waiter->done = done;
        waiter->cookie = cookie;
        if (mark && is_of_use(mark, limit_of(ledger))) {
                loop_post(store_loop(ledger->store), say_known, waiter);
                return;
        }
        if (mark && !mark->is_loaded) {
                *mark->waiters_tail = waiter;
                mark->waiters_tail = &waiter->next;
                return;
        }
        if (!mark) {
                mark = xcalloc(1, sizeof *mark);
                mark->ledger = ledger;
                mark->signer = *signer;
                must(!map_put(ledger->marks, signer->b, sizeof signer->b, mark));
        }
        mark->is_loaded = false;
        mark->below = limit_of(ledger);
        mark->waiters = waiter;
        mark->waiters_tail = &waiter->next;
        ledger->n_loading++;
        store_nonce_get(ledger->store, signer, mark->below, loaded, mark);
}

static void remember_jump(struct mark *mark, uint64_t next)
{
        if (!mark->last || next - mark->last <= JUMP_MS)
                return;
        mark->jump[mark->n_jumps % JUMPS_MAX].from = mark->last;
        mark->jump[mark->n_jumps++ % JUMPS_MAX].to = next;
}

enum errc nonce_ledger_take(struct nonce_ledger *ledger, const struct addr *signer, unsigned n,
                            uint64_t *first)
{
        struct mark *mark = mark_get(ledger, signer);
        int64_t now = clock_wall_ms(ledger->clock);

        must(n > 0);
        if (!mark || !mark->is_loaded)
                return E_NOT_FOUND;
        uint64_t limit = limit_of(ledger);
        if (!is_of_use(mark, limit))
                return E_RANGE;
        uint64_t next = mark->last + 1 > (uint64_t)now ? mark->last + 1 : (uint64_t)now;
        if (n - 1 > limit - next || (mark->ceiling && next + n - 1 >= mark->ceiling))
                return E_RANGE;
        *first = next;
        remember_jump(mark, next);
        mark->last = next + (n - 1);
        return E_OK;
}
