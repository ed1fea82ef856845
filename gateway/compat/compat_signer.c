#include "compat/compat_signer.h"

#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"
#include "compat/compat_impl.h"
#include "keeper/keeper.h"

#define ENTRIES_MAX     65536
#define WAITING_MAX     1024
#define ROLE_WEIGHT     60
#define MISSING_KEEP_MS 5000 /* who deposits is known a moment later */
#define MINUTE_MS       60000
#define SHARE           4 /* of the venue's weight: a fourth may go into asking who somebody is */

struct compat_signers {
        struct compat *compat;
        struct map *entries; /* address -> struct entry */
        struct list used;    /* the longest unused first */
        struct limit *all;   /* under one key */
        unsigned n_waiting;
};

struct entry {
        struct compat *compat;
        struct list used;
        struct addr signer, account;
        enum compat_standing standing;
        int64_t until; /* SIGNER_MISSING: monotonic */
        bool is_asked;
        struct list waiting;
};

struct waiter {
        struct list node;
        struct compat *compat;
        struct compat_who who;
        compat_signer_fn *done;
        void *cookie;
};

struct compat_signers *compat_signer_new(struct compat *compat)
{
        struct compat_signers *signers = xcalloc(1, sizeof *signers);
        const struct venue *venue = compat->api->o.venue;
        struct venue_budget budget = {.weight_per_minute = 0};
        unsigned n;

        venue->ops->budget(venue, &budget);
        n = budget.weight_per_minute / SHARE / ROLE_WEIGHT;
        signers->compat = compat;
        signers->entries = map_new();
        signers->all = limit_new(n ? n : 1, MINUTE_MS, 1);
        list_init(&signers->used);
        return signers;
}

static void forget(struct compat_signers *signers, struct entry *e)
{
        must(map_take(signers->entries, e->signer.b, sizeof e->signer.b) == e);
        list_remove(&e->used);
        free(e);
}

void compat_signer_free(struct compat_signers *signers)
{
        if (!signers)
                return;
        must(signers->n_waiting == 0);
        list_each_safe (it, &signers->used)
                forget(signers, list_entry(it, struct entry, used));
        map_free(signers->entries, NULL);
        limit_free(signers->all);
        free(signers);
}

/* --- what is remembered --- */

static struct entry *find(const struct compat *compat, const struct addr *signer)
{
        return map_get(compat->signers->entries, signer->b, sizeof signer->b);
}

static struct entry *make(struct compat *compat, const struct addr *signer)
{
        struct compat_signers *signers = compat->signers;
        struct entry *e = find(compat, signer);

        if (e)
                return e;
        list_each_safe (it, &signers->used) {
                struct entry *old = list_entry(it, struct entry, used);

                if (map_size(signers->entries) < ENTRIES_MAX)
                        break;
                if (!old->is_asked)
                        forget(signers, old);
        }
        e = xcalloc(1, sizeof *e);
        e->compat = compat;
        e->signer = *signer;
        list_init(&e->waiting);
        list_push_back(&signers->used, &e->used);
        map_put(signers->entries, e->signer.b, sizeof e->signer.b, e);
        return e;
}

bool compat_signer_known(struct compat *compat, const struct addr *signer, struct compat_who *who)
{
        struct entry *e = find(compat, signer);
        int64_t now = clock_mono_ms(compat->api->o.clock);

        *who = (struct compat_who){.standing = SIGNER_KNOWN, .account = *signer};
        if (e && e->standing == SIGNER_KNOWN) {
                list_remove(&e->used);
                list_push_back(&compat->signers->used, &e->used);
                who->account = e->account;
                return true;
        }
        /* Whoever is mirrored is an account that the venue has. */
        if (keeper_watches(compat->api->o.keeper, signer))
                return true;
        who->standing = SIGNER_MISSING;
        return e && e->standing == SIGNER_MISSING && e->until > now;
}

void compat_signer_learn(struct compat *compat, const struct addr *agent,
                         const struct addr *account)
{
        struct entry *e = make(compat, agent);

        e->standing = SIGNER_KNOWN;
        e->account = *account;
}

void compat_signer_forget(struct compat *compat, const struct addr *signer)
{
        struct entry *e = find(compat, signer);

        if (e)
                e->standing = SIGNER_UNRESOLVED;
}

/* --- asking --- */

static void tell(struct waiter *w)
{
        w->compat->signers->n_waiting--;
        w->done(w->cookie, &w->who);
        free(w);
}

static void tell_later(void *waiter)
{
        tell(waiter);
}

static void role_read(void *cookie, const struct err *err, const struct venue_identity *identity)
{
        struct entry *e = cookie;
        struct compat_who who = {.standing = SIGNER_UNRESOLVED, .err = *err};

        e->is_asked = false;
        if (!err->code) {
                e->standing = identity->role == ROLE_MISSING ? SIGNER_MISSING : SIGNER_KNOWN;
                e->account = identity->role == ROLE_AGENT ? identity->of : e->signer;
                e->until = clock_mono_ms(e->compat->api->o.clock) + MISSING_KEEP_MS;
                who.standing = e->standing;
                who.account = e->account;
        }
        while (!list_empty(&e->waiting)) {
                struct waiter *w = list_entry(e->waiting.next, struct waiter, node);

                list_remove(&w->node);
                w->who = who;
                tell(w);
        }
}

static bool may_ask(struct compat *compat, struct call *call)
{
        struct limit_state unused;

        return compat_take(call, compat, COMPAT_READS, ROLE_WEIGHT) &&
               limit_take(compat->signers->all, "", 1, clock_mono_ms(compat->api->o.clock),
                          &unused);
}

void compat_signer_ask(struct compat *compat, struct call *call, const struct addr *signer,
                       compat_signer_fn *done, void *cookie)
{
        struct waiter *w = xcalloc(1, sizeof *w);
        struct venue *venue = compat->api->o.venue;
        struct entry *e = find(compat, signer);

        w->compat = compat;
        w->done = done;
        w->cookie = cookie;
        compat->signers->n_waiting++;
        if (compat_signer_known(compat, signer, &w->who)) {
                loop_post(compat->api->o.loop, tell_later, w);
                return;
        }
        if (compat->signers->n_waiting > WAITING_MAX ||
            (!(e && e->is_asked) && !may_ask(compat, call))) {
                w->who = (struct compat_who){.standing = SIGNER_UNRESOLVED};
                (void)err_set(&w->who.err, E_RATE_LIMITED,
                              "the venue is asked about too many signers at the moment.");
                loop_post(compat->api->o.loop, tell_later, w);
                return;
        }
        e = make(compat, signer);
        list_push_back(&e->waiting, &w->node);
        if (e->is_asked)
                return;
        e->is_asked = true;
        venue->ops->read_role(venue, signer, role_read, e);
}
