/* Questions: whose fate is to be looked up, when, and how often. */
#include <string.h>

#include "api/order_watch_impl.h"
#include "base/mem.h"

#define ASK_MS     200   /* after a hint: words that are on their way come first */
#define AGAIN_MS   500   /* doubled with each try */
#define TRIES_MAX  6     /* of what the venue does not know */
#define FAILING_MS 30000 /* between tries while it can't be asked */
#define MATCHES    8     /* orders that one trade may have been of */
#define GONE_MS    10000

static bool is_same(const struct order_watch_question *a, uint64_t oid, const struct cloid *cloid)
{
        if (oid || a->oid)
                return a->oid == oid;
        return hex_cloid_equal(&a->cloid, cloid);
}

static struct order_watch_open_question *find(struct order_watch *w, uint64_t oid,
                                              const struct cloid *cloid)
{
        for (size_t i = 0; i < w->n_questions; i++)
                if (is_same(&w->question[i].what, oid, cloid))
                        return &w->question[i];
        return NULL;
}

void order_watch_add_question(struct order_watch *w, uint64_t oid, const struct cloid *cloid,
                              bool must_end, int64_t due_at)
{
        struct order_watch_open_question *q = find(w, oid, cloid);

        if (!q && w->n_questions == ORDER_WATCH_QUESTIONS) {
                w->wants_lists = true;
                return;
        }
        if (!q && w->n_questions == w->cap_questions) {
                w->cap_questions = w->cap_questions ? w->cap_questions * 2 : 8;
                w->question = xrealloc(w->question, w->cap_questions * sizeof *w->question);
        }
        if (!q) {
                q = &w->question[w->n_questions++];
                *q = (struct order_watch_open_question){.what.oid = oid, .due_at = due_at};
                if (!oid)
                        q->what.cloid = *cloid;
        }
        q->must_end |= must_end;
        if (q->is_asked)
                q->again = true;
        else if (due_at < q->due_at)
                q->due_at = due_at;
}

void order_watch_ask(struct order_watch *w, uint64_t oid, const struct cloid *cloid, int64_t now)
{
        const struct order_watch_entry *e = NULL;

        if (!oid && !cloid)
                return;
        if (oid)
                e = order_watch_find(w, oid);
        if (e && e->is_over)
                return;
        order_watch_add_question(w, oid, cloid, false, now + ASK_MS);
}

bool order_watch_next_question(struct order_watch *w, int64_t now, struct order_watch_question *out)
{
        for (size_t i = 0; i < w->n_questions; i++) {
                struct order_watch_open_question *q = &w->question[i];
                if (q->is_asked || q->due_at > now)
                        continue;
                q->is_asked = true;
                q->again = false;
                *out = q->what;
                return true;
        }
        return false;
}

bool order_watch_is_asking(const struct order_watch *w)
{
        for (size_t i = 0; i < w->n_questions; i++)
                if (!w->question[i].is_asked)
                        return true;
        return w->wants_lists;
}

bool order_watch_take_wants_lists(struct order_watch *w)
{
        bool wants = w->wants_lists;

        w->wants_lists = false;
        return wants;
}

static void drop(struct order_watch *w, struct order_watch_open_question *q)
{
        *q = w->question[--w->n_questions];
}

static void ask_again(struct order_watch_open_question *q, int64_t now, int64_t longest_ms)
{
        int64_t pause = (int64_t)AGAIN_MS << q->tries;

        q->is_asked = false;
        q->due_at = now + (pause < longest_ms ? pause : longest_ms);
        if (q->tries < 16)
                q->tries++;
}

/* The venue does not know the order. One that stood has gone, and nobody can tell how. */
static void not_found(struct order_watch *w, struct order_watch_open_question *q, int64_t now)
{
        struct order_watch_entry *e = q->what.oid ? order_watch_find(w, q->what.oid) : NULL;

        if (q->tries < TRIES_MAX) {
                ask_again(q, now, FAILING_MS);
                return;
        }
        drop(w, q);
        if (!e || e->is_over)
                return;
        e->is_lost = true;
        order_watch_settle(w, e, now);
}

void order_watch_answered(struct order_watch *w, const struct order_watch_question *question,
                          const struct venue_order_status *status, int64_t now)
{
        struct order_watch_open_question *q = find(w, question->oid, &question->cloid);
        const struct order_watch_entry *e;

        must(q != NULL && q->is_asked);
        if (!status) {
                ask_again(q, now, FAILING_MS);
                return;
        }
        if (!status->found) {
                not_found(w, q, now);
                return;
        }
        order_watch_status(w, status, now);
        e = order_watch_find(w, status->order.oid);
        if (q->again)
                ask_again(q, now, AGAIN_MS);
        else if (q->must_end && e && !e->is_over && q->tries < TRIES_MAX)
                ask_again(q, now, FAILING_MS);
        else
                drop(w, q);
}

/* --- hints --- */

/* An order of ours that was cancelled, as its answer said: what was filled before that is not told. */
static bool is_unsure(const struct order_watch_entry *e, int64_t now)
{
        return e->is_over && e->life.end.at == 0 && now - e->heard_at < GONE_MS;
}

static bool may_match(const struct order_watch_entry *e, const char *symbol, enum side side,
                      struct px price)
{
        if (e->order.side != side || strcmp(e->order.symbol, symbol) != 0)
                return false;
        return e->life.is_trigger || !price.v || e->order.price.v == price.v;
}

bool order_watch_traded(struct order_watch *w, const char *symbol, enum side side, struct px price,
                        int64_t now)
{
        unsigned n = 0;

        list_each (it, &w->open) {
                struct order_watch_entry *e = list_entry(it, struct order_watch_entry, link);
                if (n == MATCHES)
                        break;
                if (!may_match(e, symbol, side, price))
                        continue;
                order_watch_add_question(w, e->life.oid, NULL, false, now + ASK_MS);
                n++;
        }
        for (struct list *it = w->over.prev; it != &w->over && n < MATCHES; it = it->prev) {
                struct order_watch_entry *e = list_entry(it, struct order_watch_entry, link);
                if (now - e->heard_at >= GONE_MS)
                        break;
                if (!is_unsure(e, now) || !may_match(e, symbol, side, price))
                        continue;
                order_watch_add_question(w, e->life.oid, NULL, false, now + ASK_MS);
                n++;
        }
        return n > 0;
}

void order_watch_filled(struct order_watch *w, const struct venue_fill *fill, int64_t now)
{
        const struct order_watch_entry *e = order_watch_find(w, fill->oid);

        if (!fill->oid || (!e && fill->oid <= w->forgotten_oid))
                return;
        if (!e && fill->at <= w->base_at)
                return; /* of before the watch: what stands was read */
        if (e && e->is_over && !is_unsure(e, now))
                return;
        order_watch_add_question(w, fill->oid, NULL, false, now + ASK_MS);
}
