#include "adapters/paper/paper_twap.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/paper/jot.h"
#include "base/attr.h"
#include "base/mem.h"

#define SLICE_MS        INT64_C(30000)
#define MINUTE_MS       INT64_C(60000)
#define MINUTES_MIN     5
#define MINUTES_MAX     10080 /* 7 days */
#define MINUTE_VALUE    (10 * NUM_SCALE)
#define SLIPPAGE_PERMIL 30
#define CATCH_UP        3
#define TWAPS_MAX       100 /* of one account at a time */
#define TWAPS_ALL_MAX   100000
#define HISTORY_FIRST   8

/* ---- History --------------------------------------------------------------------------------- */

static void record(struct paper *p, struct paper_twap *twap, enum paper_twap_status status,
                   int64_t at)
{
        struct paper_user *user = paper_users_get(p, &twap->user);
        struct paper_twap_row *row;

        must(user);
        twap->status = status;
        if (user->n_twap_rows < PAPER_ROWS_MAX &&
            (user->n_twap_rows == 0 || (user->n_twap_rows >= HISTORY_FIRST &&
                                        (user->n_twap_rows & (user->n_twap_rows - 1)) == 0))) {
                size_t cap = user->n_twap_rows ? 2 * (size_t)user->n_twap_rows : HISTORY_FIRST;

                if (cap > PAPER_ROWS_MAX)
                        cap = PAPER_ROWS_MAX;
                user->twap_rows = xrealloc(user->twap_rows, cap * sizeof(*user->twap_rows));
        }
        row = &user->twap_rows[user->n_twap_rows++ % PAPER_ROWS_MAX];
        row->at = at;
        row->twap = *twap;
        list_init(&row->twap.in_paper);
        paper_users_changed(p, user);
}

static void end(struct paper *p, struct paper_twap *twap, enum paper_twap_status status, int64_t at)
{
        record(p, twap, status, at);
        list_remove(&twap->in_paper);
        p->n_twaps--;
        free(twap);
}

void paper_twap_fini(struct paper *p)
{
        list_each_safe (it, &p->twaps)
                free(list_entry(it, struct paper_twap, in_paper));
        list_init(&p->twaps);
        p->n_twaps = 0;
}

/* ---- Slices ---------------------------------------------------------------------------------- */

void paper_twap_on_fill(struct paper *p, const struct engine_fill *fill)
{
        struct paper_twap *twap = p->twap_now;
        struct usd notional, sum;

        if (!twap || fill->twap_id != twap->id ||
            num_notional(&notional, fill->price, fill->size, NUM_DOWN) ||
            num_usd_add(&sum, twap->executed_notional, notional))
                return;
        twap->executed.v += fill->size.v;
        twap->executed_notional = sum;
}

/* How much a slice takes now: what is missing to the share of the time passed. */
static struct qty slice_size(struct paper *p, const struct paper_twap *twap, int64_t at)
{
        int64_t total_ms = twap->ask.minutes * MINUTE_MS, passed = at - twap->started_at + SLICE_MS;
        int64_t lot = num_pow10(NUM_DECIMALS - p->universe.spec[twap->ask.asset].sz_decimals);
        int64_t left = twap->ask.size.v - twap->executed.v, want = left, most, percent;

        must(!num_muldiv(&most, twap->ask.size.v, CATCH_UP * SLICE_MS, total_ms, NUM_UP));
        if (passed < total_ms) {
                must(!num_muldiv(&want, twap->ask.size.v, passed, total_ms, NUM_DOWN));
                want -= twap->executed.v;
                if (want < 0)
                        want = 0;
                percent = twap->ask.randomize
                                  ? 80 + (int64_t)(paper_candles_random(&p->twap_random) % 41)
                                  : 100;
                must(!num_muldiv(&want, want, percent, 100, NUM_DOWN));
        }
        if (want > most)
                want = most > lot ? most : lot;
        if (want > left)
                want = left;
        return (struct qty){num_to_step(want, lot, NUM_DOWN)};
}

static struct px worst_price(struct paper *p, const struct hl_twap *ask)
{
        struct px price = engine_mark(p->engine, ask->asset);

        (void)paper_market_mid(p, ask->asset, &price);
        must(!num_muldiv(&price.v, price.v,
                         ask->is_buy ? 1000 + SLIPPAGE_PERMIL : 1000 - SLIPPAGE_PERMIL, 1000,
                         NUM_DOWN));
        return paper_market_round(price, p->universe.spec[ask->asset].sz_decimals,
                                  ask->is_buy ? NUM_DOWN : NUM_UP);
}

/* A book that does not meet the slice is waited out; anything else ends the TWAP. */
static bool is_passing(const char *text)
{
        static const char *const passing[] = {"Order could not immediately match",
                                              "No liquidity available"};

        for (size_t i = 0; i < sizeof(passing) / sizeof(passing[0]); i++)
                if (!strncmp(text, passing[i], strlen(passing[i])))
                        return true;
        return false;
}

/* False when the TWAP can't go on; its description then says why. */
static bool place_slice(struct paper *p, struct paper_twap *twap, int64_t at)
{
        struct engine_order_request request = {
                .asset = twap->ask.asset,
                .is_buy = twap->ask.is_buy,
                .price = worst_price(p, &twap->ask),
                .size = slice_size(p, twap, at),
                .reduce_only = twap->ask.reduce_only,
                .tif = ENGINE_IOC,
                .twap_id = twap->id,
        };
        struct engine_order_result result;
        char text[PAPER_TEXT_MAX];
        bool is_taken;

        if (request.size.v == 0)
                return true;
        p->twap_now = twap;
        is_taken = engine_place(p->engine, &twap->user, &request, 1, ENGINE_NA, NULL, 0, &result,
                                text, at);
        p->twap_now = NULL;
        if (is_taken && (result.status != ENGINE_ERROR || is_passing(result.error)))
                return true;
        (void)text_copy(twap->description, sizeof(twap->description),
                        is_taken ? result.error : text);
        return false;
}

/* ---- Time ------------------------------------------------------------------------------------ */

static bool is_beyond(struct px mark, struct px price, bool is_above)
{
        return is_above ? mark.v >= price.v : mark.v <= price.v;
}

static void start(struct paper *p, struct paper_twap *twap, int64_t at)
{
        twap->started_at = twap->next_at = at;
        record(p, twap, PAPER_TWAP_ACTIVATED, at);
}

static void run(struct paper *p, struct paper_twap *twap, int64_t at)
{
        struct px mark = engine_mark(p->engine, twap->ask.asset);

        if (twap->started_at == 0 &&
            is_beyond(mark, twap->ask.trigger_price, twap->ask.trigger_is_above))
                start(p, twap, at);
        if (twap->ask.has_stop && is_beyond(mark, twap->ask.stop_price, twap->stop_is_above)) {
                end(p, twap, PAPER_TWAP_STOPPED, at);
                return;
        }
        if (twap->started_at == 0)
                return;
        if (at - twap->started_at >= twap->ask.minutes * MINUTE_MS) {
                end(p, twap, PAPER_TWAP_FINISHED, at);
                return;
        }
        if (at < twap->next_at)
                return;
        if (!place_slice(p, twap, at)) {
                end(p, twap, PAPER_TWAP_ERROR, at);
                return;
        }
        twap->next_at = at + SLICE_MS;
        paper_users_changed(p, paper_users_get(p, &twap->user));
        if (twap->executed.v >= twap->ask.size.v)
                end(p, twap, PAPER_TWAP_FINISHED, at);
}

void paper_twap_tick(struct paper *p, int64_t at)
{
        if (list_empty(&p->twaps))
                return;
        list_each_safe (it, &p->twaps)
                run(p, list_entry(it, struct paper_twap, in_paper), at);
        paper_market_refill(p, at);
}

int64_t paper_twap_next(const struct paper *p)
{
        int64_t next = INT64_MAX;

        list_each (it, &p->twaps) {
                const struct paper_twap *twap = list_entry(it, struct paper_twap, in_paper);

                if (twap->started_at && twap->next_at < next)
                        next = twap->next_at;
        }
        return next;
}

/* ---- Placing and cancelling ------------------------------------------------------------------ */

static bool refuse(char text[PAPER_TEXT_MAX], const char *why)
{
        (void)text_copy(text, PAPER_TEXT_MAX, why);
        return false;
}

static bool reduces(struct paper *p, const struct addr *user, const struct hl_twap *ask)
{
        struct engine_account account;

        engine_dex_account(p->engine, user, paper_dex_of(p, ask->asset), &account);
        for (size_t i = 0; i < account.n_positions; i++)
                if (account.position[i].asset == ask->asset)
                        return (account.position[i].p.size.v < 0) == ask->is_buy;
        return false;
}

static unsigned count_of(const struct paper *p, const struct addr *user)
{
        unsigned n = 0;

        list_each (it, &p->twaps)
                n += hex_addr_equal(&list_entry(it, struct paper_twap, in_paper)->user, user);
        return n;
}

static bool is_valid(struct paper *p, const struct paper_user *user, const struct hl_twap *ask,
                     char text[PAPER_TEXT_MAX])
{
        int64_t lot = num_pow10(NUM_DECIMALS - p->universe.spec[ask->asset].sz_decimals);
        struct usd value;

        if (ask->minutes < MINUTES_MIN || ask->minutes > MINUTES_MAX) {
                (void)snprintf(text, PAPER_TEXT_MAX, "Invalid TWAP duration: %" PRIu32 " min(s)",
                               ask->minutes);
                return false;
        }
        if (ask->size.v < 0 || ask->size.v % lot != 0)
                return refuse(text, "Order has invalid size.");
        if (ask->has_details && ((ask->has_trigger && ask->trigger_price.v <= 0) ||
                                 (ask->has_stop && ask->stop_price.v <= 0)))
                return refuse(text, "Order has invalid price.");
        if (num_notional(&value, engine_mark(p->engine, ask->asset), ask->size, NUM_DOWN))
                return refuse(text, "Order has invalid size.");
        if (value.v < ask->minutes * MINUTE_VALUE) {
                (void)snprintf(text, PAPER_TEXT_MAX,
                               "TWAP order value too small. Min is $%" PRIu32
                               ", which is $10 per minute.",
                               10 * ask->minutes);
                return false;
        }
        if (ask->reduce_only && !reduces(p, &user->address, ask))
                return refuse(text, "Reduce-only TWAP order would increase position.");
        if (p->n_twaps >= TWAPS_ALL_MAX || count_of(p, &user->address) >= TWAPS_MAX)
                return refuse(text, "Too many TWAP orders.");
        return true;
}

static void answer_begin(struct paper_outcome *out, const char *type)
{
        jot_object(&out->response, NULL);
        jot_text(&out->response, "type", type);
        jot_object(&out->response, "data");
}

static void answer_error(struct paper_outcome *out, const char *text)
{
        jot_object(&out->response, "status");
        jot_text(&out->response, "error", text);
        jot_end_object(&out->response);
        out->n_failed++;
}

static void answer_end(struct paper_outcome *out)
{
        jot_end_object(&out->response);
        jot_end_object(&out->response);
}

static struct paper_twap *make(struct paper *p, const struct paper_user *user,
                               const struct hl_twap *ask, int64_t at)
{
        struct paper_twap *twap = xcalloc(1, sizeof(*twap));

        twap->id = ++p->last_twap_id;
        twap->user = user->address;
        twap->ask = *ask;
        twap->stop_is_above = ask->stop_price.v > engine_mark(p->engine, ask->asset).v;
        twap->placed_at = at;
        list_init(&twap->in_paper);
        list_push_back(&p->twaps, &twap->in_paper);
        p->n_twaps++;
        return twap;
}

void paper_twap_order(struct paper *p, struct paper_outcome *out, struct paper_user *user,
                      const struct hl_twap *ask)
{
        int64_t at = paper_now(p);
        char text[PAPER_TEXT_MAX];
        struct paper_twap *twap;

        answer_begin(out, "twapOrder");
        if (!is_valid(p, user, ask, text)) {
                answer_error(out, text);
                answer_end(out);
                return;
        }
        twap = make(p, user, ask, at);
        jot_object(&out->response, "status");
        jot_object(&out->response, "running");
        jot_uint(&out->response, "twapId", twap->id);
        jot_end_object(&out->response);
        jot_end_object(&out->response);
        answer_end(out);
        out->n_done++;
        if (ask->has_trigger)
                record(p, twap, PAPER_TWAP_WAITING, at);
        else
                start(p, twap, at);
        run(p, twap, at);
}

void paper_twap_cancel(struct paper *p, struct paper_outcome *out, struct paper_user *user,
                       uint32_t asset, uint64_t id)
{
        struct paper_twap *found = NULL;

        list_each (it, &p->twaps) {
                struct paper_twap *twap = list_entry(it, struct paper_twap, in_paper);

                if (twap->id == id && twap->ask.asset == asset &&
                    hex_addr_equal(&twap->user, &user->address))
                        found = twap;
        }
        answer_begin(out, "twapCancel");
        if (found) {
                end(p, found, PAPER_TWAP_TERMINATED, paper_now(p));
                jot_text(&out->response, "status", "success");
                out->n_done++;
        } else {
                answer_error(out, "TWAP was never placed, already canceled, or filled.");
        }
        answer_end(out);
}

/* ---- Showing --------------------------------------------------------------------------------- */

static const char *status_name(enum paper_twap_status status)
{
        switch (status) {
        case PAPER_TWAP_WAITING: return "waitingForTrigger";
        case PAPER_TWAP_ACTIVATED: return "activated";
        case PAPER_TWAP_FINISHED: return "finished";
        case PAPER_TWAP_TERMINATED: return "terminated";
        case PAPER_TWAP_STOPPED: return "stopped";
        case PAPER_TWAP_ERROR: return "error";
        }
        must(false);
        return "";
}

static void show_state(struct paper *p, struct buf *out, const char *key,
                       const struct paper_twap *twap)
{
        const struct hl_twap *ask = &twap->ask;

        jot_object(out, key);
        jot_text(out, "coin", paper_coin(p, ask->asset));
        jot_addr(out, "user", &twap->user);
        jot_text(out, "side", ask->is_buy ? "B" : "A");
        jot_qty(out, "sz", ask->size);
        jot_qty(out, "executedSz", twap->executed);
        jot_usd(out, "executedNtl", twap->executed_notional);
        jot_uint(out, "minutes", ask->minutes);
        jot_bool(out, "reduceOnly", ask->reduce_only);
        jot_bool(out, "randomize", ask->randomize);
        jot_int(out, "timestamp", twap->started_at ? twap->started_at : twap->placed_at);
        if (ask->has_trigger) {
                jot_object(out, "trigger");
                jot_px(out, "px", ask->trigger_price);
                jot_bool(out, "above", ask->trigger_is_above);
                jot_end_object(out);
        } else {
                jot_null(out, "trigger");
        }
        if (ask->has_stop)
                jot_px(out, "stopPx", ask->stop_price);
        else
                jot_null(out, "stopPx");
        jot_end_object(out);
}

void paper_twap_show_row(struct paper *p, struct buf *out, const struct paper_twap_row *row)
{
        jot_object(out, NULL);
        jot_int(out, "time", row->at / 1000); /* seconds, here alone */
        show_state(p, out, "state", &row->twap);
        jot_object(out, "status");
        jot_text(out, "status", status_name(row->twap.status));
        if (row->twap.status == PAPER_TWAP_ERROR)
                jot_text(out, "description", row->twap.description);
        jot_end_object(out);
        jot_uint(out, "twapId", row->twap.id);
        jot_end_object(out);
}

void paper_twap_show_history(struct paper *p, struct buf *out, const char *key,
                             const struct paper_user *user)
{
        uint64_t n = user ? user->n_twap_rows : 0;
        uint64_t oldest = n > PAPER_ROWS_MAX ? n - PAPER_ROWS_MAX : 0;

        jot_array(out, key);
        for (uint64_t i = n; i > oldest; i--)
                paper_twap_show_row(p, out, &user->twap_rows[(i - 1) % PAPER_ROWS_MAX]);
        jot_end_array(out);
}

void paper_twap_show_states(struct paper *p, struct buf *out, const char *key,
                            const struct addr *user, unsigned dex)
{
        jot_array(out, key);
        list_each (it, &p->twaps) {
                const struct paper_twap *twap = list_entry(it, struct paper_twap, in_paper);

                if (!hex_addr_equal(&twap->user, user) || paper_dex_of(p, twap->ask.asset) != dex)
                        continue;
                jot_array(out, NULL);
                jot_uint(out, NULL, twap->id);
                show_state(p, out, NULL, twap);
                jot_end_array(out);
        }
        jot_end_array(out);
}
