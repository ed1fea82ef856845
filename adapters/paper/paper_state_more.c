#include <string.h>

#include "adapters/hyperliquid/hl_multi_sig.h"
#include "adapters/paper/paper_state.h"
#include "adapters/paper/paper_twap.h"
#include "base/mem.h"

/* What accounts are to each other and to their signers, and TWAPs. */

#define MINUTES_MAX   10080
#define TWAPS_MAX     100000
#define TWAP_BYTES    120
#define HISTORY_FIRST 8

static void family(struct archive *a, struct paper_user *user)
{
        archive_bool(a, &user->is_sub);
        archive_addr(a, &user->master);
        archive_text(a, user->name, sizeof(user->name));
        archive_unsigned(a, &user->n_subs);
        if (!archive_want(a, user->n_subs <= PAPER_SUBS_MAX,
                          "an account has too many sub-accounts"))
                user->n_subs = 0;
        for (unsigned i = 0; i < user->n_subs; i++)
                archive_addr(a, &user->sub[i]);
}

static void referral(struct paper *p, struct archive *a, struct paper_user *user)
{
        archive_text(a, user->code, sizeof(user->code));
        archive_bool(a, &user->is_referred);
        archive_addr(a, &user->referrer);
        archive_unsigned(a, &user->n_referred);
        if (archive_is_reading(a) && archive_is_good(a) && user->code[0])
                (void)archive_want(a, !map_put(p->codes, user->code, strlen(user->code), user),
                                   "two accounts have one referral code");
}

static void signers(struct archive *a, struct paper_user *user)
{
        bool has_signers = user->signers != NULL;

        archive_bool(a, &has_signers);
        if (!has_signers)
                return;
        if (archive_is_reading(a))
                user->signers = xcalloc(1, sizeof(*user->signers));
        archive_unsigned(a, &user->signers->n_users);
        archive_unsigned(a, &user->signers->threshold);
        if (!archive_want(a,
                          user->signers->n_users <= HL_MULTI_SIG_USERS_MAX &&
                                  user->signers->threshold >= 1 &&
                                  user->signers->threshold <= user->signers->n_users,
                          "an account's signers are none"))
                user->signers->n_users = 0;
        for (unsigned i = 0; i < user->signers->n_users; i++)
                archive_addr(a, &user->signers->user[i]);
}

/* ---- TWAPs ----------------------------------------------------------------------------------- */

static void ask(struct archive *a, struct hl_twap *twap)
{
        archive_u32(a, &twap->asset);
        archive_bool(a, &twap->is_buy);
        archive_qty(a, &twap->size);
        archive_bool(a, &twap->reduce_only);
        archive_u32(a, &twap->minutes);
        archive_bool(a, &twap->randomize);
        archive_bool(a, &twap->has_details);
        archive_bool(a, &twap->has_trigger);
        archive_px(a, &twap->trigger_price);
        archive_bool(a, &twap->trigger_is_above);
        archive_bool(a, &twap->has_stop);
        archive_px(a, &twap->stop_price);
}

static void twap(struct paper *p, struct archive *a, struct paper_twap *twap)
{
        unsigned status = twap->status;

        archive_u64(a, &twap->id);
        archive_addr(a, &twap->user);
        ask(a, &twap->ask);
        archive_bool(a, &twap->stop_is_above);
        archive_i64(a, &twap->placed_at);
        archive_i64(a, &twap->started_at);
        archive_i64(a, &twap->next_at);
        archive_qty(a, &twap->executed);
        archive_usd(a, &twap->executed_notional);
        archive_choice(a, &status, PAPER_TWAP_ERROR);
        archive_text(a, twap->description, sizeof(twap->description));
        twap->status = (enum paper_twap_status)status;
        if (!archive_want(a,
                          twap->ask.asset < p->universe.n && twap->ask.minutes > 0 &&
                                  twap->ask.minutes <= MINUTES_MAX && twap->ask.size.v > 0 &&
                                  twap->executed.v >= 0 && twap->executed.v <= twap->ask.size.v &&
                                  twap->started_at >= 0 && twap->next_at >= 0,
                          "a TWAP is out of all bounds"))
                twap->ask.asset = 0;
}

/* Room as it would have grown (paper_twap.c). */
static size_t history_room(uint64_t n)
{
        size_t cap = HISTORY_FIRST;

        while (cap < n && cap < PAPER_ROWS_MAX)
                cap *= 2;
        return cap < PAPER_ROWS_MAX ? cap : PAPER_ROWS_MAX;
}

static void history(struct paper *p, struct archive *a, struct paper_user *user)
{
        uint64_t n;

        archive_u64(a, &user->n_twap_rows);
        n = user->n_twap_rows < PAPER_ROWS_MAX ? user->n_twap_rows : PAPER_ROWS_MAX;
        if (archive_is_reading(a)) {
                if (!archive_want(a, n <= a->n_in / TWAP_BYTES,
                                  "a ring is longer than what follows"))
                        user->n_twap_rows = n = 0;
                if (n)
                        user->twap_rows =
                                xcalloc(history_room(user->n_twap_rows), sizeof(*user->twap_rows));
                user->n_twap_rows_pushed = user->n_twap_rows;
        }
        for (uint64_t i = user->n_twap_rows - n; i < user->n_twap_rows; i++) {
                struct paper_twap_row *row = &user->twap_rows[i % PAPER_ROWS_MAX];

                archive_i64(a, &row->at);
                twap(p, a, &row->twap);
                list_init(&row->twap.in_paper);
        }
}

void paper_state_more(struct paper *p, struct archive *a, struct paper_user *user)
{
        unsigned mode = user->mode;

        archive_u64(a, &user->n_reserved);
        archive_i64(a, &user->over_budget_at);
        archive_choice(a, &mode, PAPER_MODE_UNIFIED);
        user->mode = (enum paper_mode)mode;
        family(a, user);
        referral(p, a, user);
        signers(a, user);
        history(p, a, user);
}

struct check {
        struct paper *p;
        struct archive *a;
};

static void check_family(void *cookie, const void *key, size_t key_len, void *value)
{
        const struct check *check = cookie;
        const struct paper_user *user = value;

        (void)key;
        (void)key_len;
        for (unsigned i = 0; i < user->n_subs; i++) {
                const struct paper_user *sub = paper_users_get(check->p, &user->sub[i]);

                (void)archive_want(check->a,
                                   sub && sub->is_sub &&
                                           hex_addr_equal(&sub->master, &user->address),
                                   "a sub-account is not its master's");
        }
}

static void read_twap(struct paper *p, struct archive *a)
{
        struct paper_twap *one = xcalloc(1, sizeof(*one));

        list_init(&one->in_paper);
        list_push_back(&p->twaps, &one->in_paper);
        p->n_twaps++;
        twap(p, a, one);
        (void)archive_want(a, paper_users_get(p, &one->user) != NULL, "a TWAP is nobody's");
}

void paper_state_twaps(struct paper *p, struct archive *a)
{
        struct check check = {p, a};
        size_t n = p->n_twaps;

        map_each(p->users, check_family, &check);
        archive_u64(a, &p->last_twap_id);
        archive_u64(a, &p->twap_random);
        archive_count(a, &n, TWAPS_MAX, TWAP_BYTES);
        if (archive_is_reading(a)) {
                for (size_t i = 0; i < n && archive_is_good(a); i++)
                        read_twap(p, a);
                return;
        }
        list_each (it, &p->twaps)
                twap(p, a, list_entry(it, struct paper_twap, in_paper));
}
