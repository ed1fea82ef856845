#include "api/acting.h"

#include <stdlib.h>
#include <string.h>

#include "api/inbound.h"
#include "api/route.h"
#include "base/list.h"
#include "base/mem.h"

#define FAMILIES_MAX   16384 /* wallets remembered; those nobody waits for are forgotten when full */
#define ASK_EVERY_MS   10000 /* after this, an address that was not on the list may be by now */
#define SUB_HEADER_STR "X-Sub-Account"

/* A wallet and its sub-accounts, as far as they are known. */
struct family {
        struct acting *acting;
        struct addr wallet;
        struct addr sub[VENUE_SUB_ACCOUNTS_MAX];
        unsigned n;
        bool is_asked; /* the venue's answer is on its way */
        bool is_answered;
        int64_t answered_at;   /* monotonic ms of the last one */
        struct list questions; /* that wait for it */
        unsigned n_open;       /* questions not answered yet, those included */
};

struct question {
        struct list link; /* in family.questions */
        struct family *family;
        struct addr sub;
        struct err err;
        acting_fn *done;
        void *cookie;
};

struct acting {
        struct api *api;
        struct map *families; /* wallet -> struct family */
};

struct acting *acting_new(struct api *api)
{
        struct acting *a = xcalloc(1, sizeof *a);

        a->api = api;
        a->families = map_new();
        return a;
}

static void family_free(void *value)
{
        struct family *f = value;

        must(f->n_open == 0);
        free(f);
}

void acting_free(struct acting *a)
{
        if (!a)
                return;
        map_free(a->families, family_free);
        free(a);
}

/* --- families --- */

static void forget_idle(void *cookie, const void *key, size_t key_len, void *value)
{
        struct acting *a = cookie;
        struct family *f = value;

        if (f->n_open == 0)
                family_free(map_take(a->families, key, key_len));
}

static struct family *family_of(struct acting *a, const struct addr *wallet)
{
        struct family *f = map_get(a->families, wallet->b, sizeof wallet->b);

        if (f)
                return f;
        if (map_size(a->families) >= FAMILIES_MAX)
                map_each(a->families, forget_idle, a);
        f = xcalloc(1, sizeof *f);
        f->acting = a;
        f->wallet = *wallet;
        list_init(&f->questions);
        map_put(a->families, wallet->b, sizeof wallet->b, f);
        return f;
}

static bool has(const struct family *f, const struct addr *sub)
{
        for (unsigned i = 0; i < f->n; i++)
                if (hex_addr_equal(&f->sub[i], sub))
                        return true;
        return false;
}

static void add(struct family *f, const struct addr *sub)
{
        if (!has(f, sub) && f->n < VENUE_SUB_ACCOUNTS_MAX)
                f->sub[f->n++] = *sub;
}

void acting_add(struct acting *a, const struct addr *wallet, const struct addr *sub)
{
        add(family_of(a, wallet), sub);
}

void acting_learn(struct acting *a, const struct addr *wallet, const struct venue_sub_account *subs,
                  size_t n)
{
        struct family *f = family_of(a, wallet);

        for (size_t i = 0; i < n; i++)
                add(f, &subs[i].address);
        f->is_answered = true;
        f->answered_at = clock_mono_ms(a->api->o.clock);
}

/* --- questions --- */

/* The same words whoever's it is, and whether it exists or not. */
static void answer(struct question *q)
{
        if (!has(q->family, &q->sub) && !q->err.code)
                (void)err_field(&q->err, E_NOT_FOUND, SUB_HEADER_STR,
                                "is not the address of a sub-account of this wallet");
        list_remove(&q->link);
        q->done(q->cookie, &q->err);
        q->family->n_open--;
        free(q);
}

static void answer_later(void *arg)
{
        answer(arg);
}

static void listed(void *cookie, const struct err *err, const struct venue_sub_account *subs,
                   size_t n)
{
        struct family *f = cookie;
        struct list waiting;

        f->is_asked = false;
        if (!err->code)
                acting_learn(f->acting, &f->wallet, subs, n);
        /* Who asks anew while they are answered waits for an answer of its own. */
        list_init(&waiting);
        while (!list_empty(&f->questions)) {
                struct list *first = f->questions.next;
                list_remove(first);
                list_push_back(&waiting, first);
        }
        while (!list_empty(&waiting)) {
                struct question *q = list_entry(waiting.next, struct question, link);
                q->err = *err;
                answer(q);
        }
}

static bool may_ask(const struct family *f)
{
        int64_t now = clock_mono_ms(f->acting->api->o.clock);

        return !f->is_answered || now - f->answered_at >= ASK_EVERY_MS;
}

void acting_check(struct acting *a, const struct addr *wallet, const struct addr *sub,
                  acting_fn *done, void *cookie)
{
        struct family *f = family_of(a, wallet);
        struct venue *venue = a->api->o.venue;
        struct question *q = xcalloc(1, sizeof *q);

        *q = (struct question){.family = f, .sub = *sub, .done = done, .cookie = cookie};
        f->n_open++;
        if (has(f, sub) || (!f->is_asked && !may_ask(f))) {
                list_init(&q->link);
                loop_post(a->api->o.loop, answer_later, q);
                return;
        }
        list_push_back(&f->questions, &q->link);
        if (f->is_asked)
                return;
        f->is_asked = true;
        venue->ops->read_sub_accounts(venue, wallet, listed, f);
}

/* --- requests --- */

enum errc acting_take(struct call *call, const struct inbound *in, struct err *err)
{
        const char *header = in->sub_account;

        if (!header[0])
                return E_OK;
        if (call->route->auth != ROUTE_SESSION)
                return err_field(err, E_INVALID, SUB_HEADER_STR,
                                 "is not for this route: it is about the wallet itself");
        if (hex_parse_addr(&call->account, header, strlen(header)))
                return err_field(err, E_INVALID, SUB_HEADER_STR,
                                 "must be an address: 0x and 40 hex digits");
        call->for_sub_account = true;
        return E_OK;
}

struct entry {
        struct call *call;
        void (*go)(struct call *call);
};

static void checked(void *cookie, const struct err *err)
{
        struct entry *entry = cookie;

        if (err->code)
                call_fail(entry->call, err);
        else
                entry->go(entry->call);
        free(entry);
}

void acting_enter(struct call *call, void (*go)(struct call *call))
{
        struct entry *entry = xcalloc(1, sizeof *entry);

        entry->call = call;
        entry->go = go;
        acting_check(call->api->acting, &call->session.address, &call->account, checked, entry);
}
