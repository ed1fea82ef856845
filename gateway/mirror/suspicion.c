/* suspicion: a difference without a reason. The reason may still come: a trade that a state held before it
 * was told; word that the feed was cut off unnoticed at the time. Only when all that the venue had told up to
 * then has come, proven by an answer on the same connections, is it drift. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "mirror/mirror_core.h"

#define OF_ACCOUNT 8 /* more are one with the newest */
/* How much later than a state the venue may tell of what is in it. */
#define GRACE_MS 1000
/* A feed that gives no proof at all: what it could explain it would have by then. */
#define GIVE_UP_MS 90000
/* The venue's list of fills, asked for last of all: again when no answer comes, and not for ever. */
#define HISTORY_AGAIN_MS 5000
#define HISTORY_MS       90000

static struct suspicion *make(struct mirror *mirror, struct shadow *s)
{
        struct suspicion *one = xcalloc(1, sizeof *one);

        one->shadow = s;
        one->next = s->suspicion;
        s->suspicion = one;
        list_push_back(&mirror->suspicions, &one->in_mirror);
        mirror->stats.suspicions++;
        return one;
}

static void drop(struct mirror *mirror, struct suspicion *one)
{
        struct suspicion **at = &one->shadow->suspicion;

        while (*at != one)
                at = &(*at)->next;
        *at = one->next;
        list_remove(&one->in_mirror);
        mirror->stats.suspicions--;
        shadow_book_fini(&one->had);
        free(one);
}

static unsigned count_of(const struct shadow *s)
{
        unsigned n = 0;

        for (const struct suspicion *one = s->suspicion; one; one = one->next)
                n++;
        return n;
}

static void add_row(struct suspicion *one, const struct drift_row *row)
{
        for (uint32_t i = 0; i < one->n_rows; i++) {
                if (one->row[i].market == row->market) {
                        one->row[i].size += row->size;
                        one->row[i].is_of_margin &= row->is_of_margin;
                        return;
                }
        }
        if (one->n_rows < DRIFT_ROWS)
                one->row[one->n_rows++] = *row;
}

void suspicion_open(struct mirror *mirror, struct shadow *s, const struct drift_state *state)
{
        const struct drift_result *result = state->result;
        struct suspicion *one = s->suspicion;

        if (!one || count_of(s) < OF_ACCOUNT || one->is_of_orders) {
                one = make(mirror, s);
                one->is_of_orders = result->fields == 1u << FIELD_WITHDRAWABLE;
                shadow_book_copy(&one->had, state->had);
                one->from = s->clean_at;
                one->venue_from = state->venue_from;
        }
        one->is_merged |= one->fields != 0;
        one->fields |= result->fields;
        one->amount.v = result->amount.v > one->amount.v ? result->amount.v : one->amount.v;
        one->cash += result->cash;
        one->until = state->at;
        one->venue_until = state->venue_until;
        for (uint32_t i = 0; i < result->n_rows; i++)
                add_row(one, &result->row[i]);
        s->verify_at = state->at + mirror->options.verify_after_ms;
        /* Orders that came or went elsewhere between the list and the state show in the next list. */
        if (one->is_of_orders && !(s->topics & TOPIC_ORDERS_LIVE))
                mirror_mark_orders(s, state->at);
}

/* What they reserve, seen in the state read with the list, is of the same cause. */
static struct suspicion *reserve_of(struct shadow *s, int64_t from)
{
        struct suspicion *one = s->suspicion;

        while (one && !(one->is_of_orders && !one->n_oids && one->until >= from))
                one = one->next;
        return one;
}

void suspicion_open_orders(struct mirror *mirror, struct shadow *s, const uint64_t *oid,
                           const int64_t *was, size_t n, int64_t from, int64_t at)
{
        struct suspicion *one = reserve_of(s, from);

        if (!one) {
                one = make(mirror, s);
                one->from = from;
        }
        one->is_of_orders = true;
        one->fields |= 1u << FIELD_ORDERS;
        one->until = at;
        for (size_t i = 0; i < n && one->n_oids < DRIFT_ROWS; i++) {
                one->was[one->n_oids] = was[i];
                one->oid[one->n_oids++] = oid[i];
        }
}

size_t suspicion_bytes(const struct shadow *s)
{
        size_t bytes = 0;

        for (const struct suspicion *one = s->suspicion; one; one = one->next)
                bytes += sizeof *one + one->had.cap * sizeof *one->had.position;
        return bytes;
}

void suspicion_drop(struct mirror *mirror, struct shadow *s)
{
        while (s->suspicion)
                drop(mirror, s->suspicion);
}

/* ---- A reason came ----------------------------------------------------------------------------- */

void suspicion_explain(struct mirror *mirror, struct suspicion *one, enum mirror_cause cause)
{
        drift_count(mirror, one->fields, cause);
        drift_was_wrong(mirror, one->from, one->until);
        drop(mirror, one);
}

/* The trades that came late account for the size, to the last lot. Margin of a position that is otherwise the
 * same is moved by no trade. */
static bool is_settled(const struct drift_row *row)
{
        return !row->size && (row->is_heard || row->is_of_margin);
}

static bool is_accounted_for(const struct suspicion *one)
{
        for (uint32_t i = 0; i < one->n_rows; i++) {
                if (!is_settled(&one->row[i]))
                        return false;
        }
        return true;
}

static bool concerns(struct suspicion *one, uint32_t market, struct drift_row **row)
{
        *row = NULL;
        for (uint32_t i = 0; i < one->n_rows && !*row; i++)
                *row = one->row[i].market == market ? &one->row[i] : NULL;
        return *row || !one->n_rows;
}

void suspicion_trade(struct mirror *mirror, struct shadow *s, uint32_t market, int64_t size,
                     int64_t at)
{
        struct suspicion *found = NULL;
        struct drift_row *row;

        /* The oldest state that held it is the one that it was missing from. */
        for (struct suspicion *one = s->suspicion; one; one = one->next) {
                if (!one->is_of_orders && at > one->venue_from && at <= one->venue_until &&
                    concerns(one, market, &row))
                        found = one;
        }
        if (!found)
                return;
        (void)concerns(found, market, &row);
        if (row) {
                row->is_heard = true;
                row->size -= size;
        }
        if (is_accounted_for(found))
                suspicion_explain(mirror, found, CAUSE_LATE);
}

/* Of what no list has named yet, any order that the state knew of may be the one. */
static bool is_heard(struct suspicion *one, uint64_t oid, int64_t venue_at)
{
        uint32_t kept = 0;

        if (!one->n_oids)
                return venue_at > one->venue_from - MIRROR_SLACK_MS && venue_at <= one->venue_until;
        for (uint32_t i = 0; i < one->n_oids; i++) {
                if (one->oid[i] == oid)
                        continue;
                one->was[kept] = one->was[i];
                one->oid[kept++] = one->oid[i];
        }
        one->n_oids = kept;
        return !kept;
}

void suspicion_order(struct mirror *mirror, struct shadow *s, uint64_t oid, int64_t venue_at)
{
        for (struct suspicion *one = s->suspicion, *next; one; one = next) {
                next = one->next;
                if (one->is_of_orders && is_heard(one, oid, venue_at))
                        suspicion_explain(mirror, one, CAUSE_LATE);
        }
}

bool suspicion_order_back(struct mirror *mirror, struct shadow *s, uint64_t oid, int64_t size)
{
        bool is_back = false;

        for (struct suspicion *one = s->suspicion, *next; one; one = next) {
                bool is_this = false;

                next = one->next;
                for (uint32_t i = 0; i < one->n_oids; i++)
                        is_this |= one->oid[i] == oid && one->was[i] == size;
                is_back |= is_this;
                if (is_this && is_heard(one, oid, 0))
                        suspicion_explain(mirror, one, CAUSE_LATE);
        }
        return is_back;
}

void suspicion_orders(struct mirror *mirror, struct shadow *s)
{
        for (struct suspicion *one = s->suspicion, *next; one; one = next) {
                next = one->next;
                if (one->is_of_orders)
                        suspicion_explain(mirror, one, CAUSE_LATE);
        }
}

void suspicion_list(struct mirror *mirror, struct shadow *s, const uint64_t *oid, size_t n,
                    enum mirror_cause cause)
{
        for (struct suspicion *one = s->suspicion, *next; one; one = next) {
                bool is_of_then = false;

                next = one->next;
                for (size_t i = 0; i < n && one->is_of_orders && !one->n_oids; i++) {
                        const struct shadow_order *order = shadow_order(s, oid[i]);

                        is_of_then |= !order || order->placed_at <= one->venue_until;
                }
                if (is_of_then)
                        suspicion_explain(mirror, one, cause);
        }
}

static bool is_hit(struct suspicion *one, const struct mirror *mirror,
                   const struct mirror_place *place, const struct addr *user, enum feed_kind kind)
{
        const struct shadow *s = one->shadow;
        struct drift_row *row;

        if (user)
                return hex_addr_equal(&s->user, user) &&
                       kind == (one->is_of_orders ? FEED_USER_ORDERS : FEED_USER_FILLS);
        return !one->is_of_orders && place->dex == s->dex &&
               concerns(one, mirror_place_number(mirror, place), &row);
}

void suspicion_gap(struct mirror *mirror, const struct mirror_place *place, const struct addr *user,
                   enum feed_kind kind, int64_t since)
{
        list_each_safe (it, &mirror->suspicions) {
                struct suspicion *one = list_entry(it, struct suspicion, in_mirror);

                if (since < one->until + GRACE_MS && is_hit(one, mirror, place, user, kind))
                        suspicion_explain(mirror, one, CAUSE_GAP);
        }
}

/* ---- No reason can come any more ---------------------------------------------------------------- */

/* The account's own fills are no substitute: those of a TWAP are not among them. */
bool suspicion_has_gap(const struct mirror *mirror, uint32_t market, int64_t since)
{
        const struct mirror_place *place = &mirror->place[market];

        return !place->is_live || place->live_at > since;
}

static bool is_proven(const struct mirror *mirror, const struct suspicion *one)
{
        const struct shadow *s = one->shadow;
        int64_t at = one->until + GRACE_MS;

        if (one->is_of_orders)
                return s->topics & TOPIC_ORDERS_LIVE ? s->orders_proven_at >= at
                                                     : s->orders_asked_at > one->until;
        if ((s->topics & TOPIC_FILLS_LIVE) && s->fills_proven_at < at)
                return false;
        for (uint32_t i = 0; i < one->n_rows; i++) {
                const struct mirror_place *place = &mirror->place[one->row[i].market];

                if (place->is_live && place->proven_at < at)
                        return false;
        }
        for (uint32_t i = 0; i < mirror->n_places && !one->n_rows; i++) {
                const struct mirror_place *place = &mirror->place[i];

                if (place->dex == s->dex && place->is_live && place->proven_at < at)
                        return false;
        }
        return true;
}

/* Who closes a position is named in a trade, and so is he who is liquidated into the book. What goes whole
 * and without one is taken by the venue's backstop, if marks were such that it may. */
static const struct shadow_position *taken(const struct mirror *mirror, struct suspicion *one,
                                           const struct drift_row *row)
{
        const struct shadow_position *had = shadow_position(&one->had, row->market);

        return had && !row->is_heard && row->size == -had->size.v &&
                               mirror_liquidation_possible(mirror, &one->had, row->market)
                       ? had
                       : NULL;
}

/* The margin of an isolated position is lost with it: some of it coming back means that somebody closed it. */
static bool came_back(const struct suspicion *one, const struct shadow_position *had)
{
        num_wide margin = (num_wide)had->raw_usd.v +
                          (had->size.v < 0 ? -1 : 1) * (num_wide)had->entry_notional.v;

        return had->mode == MARGIN_ISOLATED && one->cash > NUM_MICRO && one->cash <= margin;
}

static bool is_of_liquidation(const struct mirror *mirror, struct suspicion *one)
{
        const struct shadow_position *only = NULL;
        unsigned n_taken = 0, n_traded = 0;

        for (uint32_t i = 0; i < one->n_rows; i++) {
                const struct drift_row *row = &one->row[i];
                const struct shadow_position *had = taken(mirror, one, row);

                if (!had && !is_settled(row))
                        return false;
                only = had ? had : only;
                n_taken += had != NULL;
                n_traded += row->is_heard;
        }
        /* With trades beside it cash moves by them. */
        return n_taken && !(n_taken == 1 && !n_traded && came_back(one, only));
}

/* True: the venue's list of fills is asked for, or on its way. */
static bool ask_history(struct mirror *mirror, struct suspicion *one, int64_t now)
{
        const struct mirror_hooks *hooks = &mirror->options.hooks;
        struct mirror_unexplained_note note = {&one->shadow->user, mirror->dex[one->shadow->dex],
                                               one->venue_from, one->venue_until};

        if (!hooks->unexplained || one->is_of_orders || one->is_merged || !one->n_rows ||
            one->is_answered || (one->history_at && now - one->history_at >= HISTORY_MS))
                return false;
        if (!one->history_at)
                one->history_at = now;
        if (now < one->again_at)
                return true;
        one->again_at = now + HISTORY_AGAIN_MS;
        hooks->unexplained(hooks->cookie, &note);
        return true;
}

static void conclude(struct mirror *mirror, struct suspicion *one, int64_t now)
{
        struct shadow *s = one->shadow;
        int64_t from = one->from, until = one->until;
        struct usd amount = one->amount;
        uint32_t fields = one->fields;

        if (is_of_liquidation(mirror, one)) {
                for (uint32_t i = 0; i < one->n_rows; i++) {
                        const struct shadow_position *had = taken(mirror, one, &one->row[i]);

                        if (had)
                                mirror_liquidation_tell(mirror, s, had, false, until);
                }
                suspicion_explain(mirror, one, CAUSE_LIQUIDATION);
                return;
        }
        if (ask_history(mirror, one, now))
                return;
        drop(mirror, one);
        drift_conclude(mirror, s, amount, fields, from, until);
}

void suspicion_tick(struct mirror *mirror, int64_t now)
{
        list_each_safe (it, &mirror->suspicions) {
                struct suspicion *one = list_entry(it, struct suspicion, in_mirror);
                struct shadow *s = one->shadow;

                if (now - one->until < GRACE_MS ||
                    (!is_proven(mirror, one) && now - one->until < GIVE_UP_MS))
                        continue;
                conclude(mirror, one, now);
                mirror_needs_set(mirror, s, now);
        }
}

bool suspicion_wants_proof(const struct mirror *mirror, int64_t now)
{
        list_each (it, &mirror->suspicions) {
                const struct suspicion *one = list_entry(it, struct suspicion, in_mirror);

                if (now - one->until >= GRACE_MS && !one->history_at)
                        return true;
        }
        return false;
}
