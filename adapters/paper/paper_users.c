#include <stdlib.h>
#include <string.h>

#include "adapters/paper/jot.h"
#include "adapters/paper/paper_ledger.h"
#include "adapters/paper/wire.h"
#include "base/attr.h"
#include "base/mem.h"

/* What the venue keeps of an account beside the engine: spot balance, ledger, funding history,
 * agents, builder approvals, schedules. An account exists once money has reached it. */

#define RING_FIRST      16
#define SCHEDULES_A_DAY 10

struct paper_user *paper_users_get(struct paper *p, const struct addr *user)
{
        return map_get(p->users, user, sizeof(*user));
}

struct paper_user *paper_users_make(struct paper *p, const struct addr *address)
{
        struct paper_user *user = paper_users_get(p, address);

        if (user || map_size(p->users) >= PAPER_USERS_MAX)
                return user;
        user = xcalloc(1, sizeof(*user));
        user->address = *address;
        list_init(&user->in_changed);
        (void)map_put(p->users, address, sizeof(*address), user);
        return user;
}

void paper_users_free(void *cookie)
{
        struct paper_user *user = cookie;
        uint64_t n = user->n_rows < PAPER_ROWS_MAX ? user->n_rows : PAPER_ROWS_MAX;

        for (uint64_t i = 0; i < n; i++)
                free(user->rows[i].delta);
        free(user->rows);
        free(user->payments);
        free(user->twap_rows);
        free(user->signers);
        free(user);
}

/* Makes room for one more element of a ring that grows up to PAPER_ROWS_MAX; returns its slot. */
static size_t ring_slot(void **ring, uint64_t n, size_t size)
{
        if (n < PAPER_ROWS_MAX && (n == 0 || (n >= RING_FIRST && (n & (n - 1)) == 0))) {
                size_t cap = n == 0 ? RING_FIRST : (size_t)n * 2;

                if (cap > PAPER_ROWS_MAX)
                        cap = PAPER_ROWS_MAX;
                *ring = xrealloc(*ring, cap * size);
        }
        return (size_t)(n % PAPER_ROWS_MAX);
}

static struct paper_ledger_event *add_event(struct paper *p, const struct addr *user, uint64_t row)
{
        struct paper_events *e = &p->events;
        struct paper_ledger_event *event;

        if (e->n_rows == e->cap_rows) {
                e->cap_rows = e->cap_rows ? 2 * e->cap_rows : RING_FIRST;
                e->row = xrealloc(e->row, e->cap_rows * sizeof(*e->row));
        }
        event = &e->row[e->n_rows++];
        memset(event, 0, sizeof(*event));
        event->user = *user;
        event->row = row;
        return event;
}

void paper_users_row(struct paper *p, struct paper_user *user, const char *delta, int64_t at)
{
        void *ring = user->rows;
        size_t i = ring_slot(&ring, user->n_rows, sizeof(*user->rows));

        user->rows = ring;
        if (user->n_rows >= PAPER_ROWS_MAX)
                free(user->rows[i].delta);
        user->rows[i] = (struct paper_row){at, paper_next_hash(p), xstrdup(delta)};
        (void)add_event(p, &user->address, user->n_rows++);
        paper_users_changed(p, user);
}

void paper_users_payment(struct paper *p, struct paper_user *user,
                         const struct paper_payment *payment)
{
        void *ring = user->payments;
        size_t i = ring_slot(&ring, user->n_payments, sizeof(*user->payments));

        user->payments = ring;
        user->payments[i] = *payment;
        add_event(p, &user->address, user->n_payments++)->is_funding = true;
        paper_users_changed(p, user);
}

void paper_users_changed(struct paper *p, struct paper_user *user)
{
        if (user->is_changed)
                return;
        user->is_changed = true;
        list_push_back(&p->changed, &user->in_changed);
}

void paper_users_deposit(struct paper *p, const struct addr *address, unsigned dex,
                         struct usd amount)
{
        struct paper_user *user = paper_users_make(p, address);
        int64_t at = paper_now(p);
        struct usd sum;
        struct buf delta;

        if (!user || num_usd_add(&sum, user->ledger, amount))
                return;
        if (dex == 0)
                user->ledger = sum;
        engine_dex_deposit(p->engine, address, dex, amount, at);
        buf_init(&delta, 256);
        jot_object(&delta, NULL);
        jot_text(&delta, "type", "deposit");
        jot_usd(&delta, "usdc", amount);
        jot_end_object(&delta);
        paper_users_row(p, user, buf_cstr(&delta), at);
        buf_fini(&delta);
}

/* ---- Scheduled cancels ----------------------------------------------------------------------- */

struct tick {
        struct paper *p;
        int64_t at;
};

static void tick_user(void *cookie, const void *key, size_t key_len, void *value)
{
        const struct tick *tick = cookie;
        struct paper_user *user = value;
        int64_t day = tick->at / PAPER_DAY_MS;

        (void)key;
        (void)key_len;
        if (user->cancel_all_at == 0 || user->cancel_all_at > tick->at)
                return;
        user->cancel_all_at = 0;
        if (user->cancel_all_day != day) {
                user->cancel_all_day = day;
                user->cancel_all_fired = 0;
        }
        if (user->cancel_all_fired >= SCHEDULES_A_DAY)
                return;
        user->cancel_all_fired++;
        engine_cancel_all(tick->p->engine, &user->address, tick->at);
}

void paper_users_tick(struct paper *p, int64_t at)
{
        struct tick tick = {p, at};

        map_each(p->users, tick_user, &tick);
}
