/* The deadline has passed. What is open is read from the venue, dex by dex, and cancelled through the
 * pipeline like a trader's own request; then it is read again, until nothing is left. A last look comes
 * when whatever was signed before the deadline can't arrive any more. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alerts/alerts.h"
#include "api/dead_man_impl.h"
#include "api/mirrored.h"
#include "api/pipeline.h"
#include "base/log.h"
#include "base/mem.h"

#define LATE_MS      2000 /* after the last signed action has expired */
#define AGAIN_MS     500  /* after a look that failed, doubled each time */
#define AGAIN_MAX_MS 30000
#define PASSES_MAX   20 /* in one look */
#define ORDERS_MAX   20000

struct fire {
        struct dead_men *men;
        struct api *api;
        struct dead_man *man; /* stays while it fires */
        int64_t deadline;
        unsigned dex, passes;
        struct venue_open_order *orders; /* owned */
        size_t n, next;                  /* those before next are cancelled */
};

static void read_next(struct fire *fire);

static int64_t late_at(const struct fire *fire)
{
        int64_t life = fire->api->o.expires_after_ms;

        return fire->deadline + (life ? life + LATE_MS : 0);
}

/* --- the end of a look --- */

static void end(struct fire *fire)
{
        struct dead_man *man = fire->man;
        struct store_dead_man row = man->row;

        man->is_firing = false;
        fire->api->open_runs--;
        (void)dead_man_impl_keep(fire->men, &row); /* it may have been disarmed meanwhile */
        free(fire->orders);
        free(fire);
}

static void give_up(struct fire *fire, const char *why)
{
        struct dead_man *man = fire->man;
        int64_t pause = AGAIN_MS;

        for (unsigned i = 0; i < man->failures && pause < AGAIN_MAX_MS; i++)
                pause *= 2;
        man->failures++;
        man->rest_until = state_now(fire->api) + (pause < AGAIN_MAX_MS ? pause : AGAIN_MAX_MS);
        log_event(LOG_WARN, "dead man's switch could not cancel", "brand", man->row.brand, "why",
                  why, NULL);
        end(fire);
}

/* A restart between the last cancel and what is written of it fires again: the same deadline is the same cause. */
static void tell(const struct fire *fire, const struct store_dead_man *row)
{
        char cause[96], key[33] = "account";
        struct alert alert = {.brand = row->brand,
                              .account = row->account,
                              .kind = ALERT_DEAD_MAN_FIRED,
                              .symbol = "",
                              .at = row->fired_at,
                              .cause = cause};

        if (row->has_key)
                (void)hex_encode(key, row->key, sizeof row->key);
        snprintf(cause, sizeof cause, "dead-man %s %" PRId64, key, fire->deadline);
        alert.detail =
                log_fmt("{\"scope\":\"%s\",\"deadline\":%" PRId64 ",\"cancelled\":%" PRId64 "}",
                        row->has_key ? "apiKey" : "account", fire->deadline, row->cancelled);
        alerts_raise(fire->api->o.alerts, &alert, NULL, NULL);
        log_event(LOG_INFO, "dead man's switch fired", "brand", row->brand, "cancelled",
                  log_int(row->cancelled), NULL);
}

/* Nothing is open any more. */
static void passed(struct fire *fire)
{
        struct dead_man *man = fire->man;
        struct store_dead_man row = man->row;
        bool is_first = !man->is_passed;
        int64_t now = state_now(fire->api);

        man->failures = 0;
        if (fire->api->ended) {
                end(fire);
                return;
        }
        row.cancelled = man->cancelled;
        if (is_first)
                row.fired_at = now;
        if (row.deadline == fire->deadline && now >= late_at(fire))
                row.deadline = row.timeout_ms = 0;
        man->is_passed = true;
        man->rest_until = late_at(fire);
        if (is_first)
                tell(fire, &row);
        dead_man_impl_write(fire->men, &row, is_first ? "dead_man_fired" : NULL, NULL, NULL);
        end(fire);
}

/* --- cancelling --- */

static unsigned count_cancelled(const char *body)
{
        json_t *answer = json_loads(body, 0, NULL);
        json_t *results = json_object_get(answer, "results"), *row;
        unsigned n = 0;
        size_t i;

        json_array_foreach(results, i, row)
        {
                const char *status = json_string_value(json_object_get(row, "status"));

                n += status && strcmp(status, "cancelled") == 0;
        }
        json_decref(answer);
        return n;
}

static void cancel_next(struct fire *fire);

static void answered(void *cookie, int status, const char *body)
{
        struct fire *fire = cookie;
        char code[CALL_CODE_MAX];

        if (status == 200) {
                fire->man->cancelled += count_cancelled(body);
                cancel_next(fire);
                return;
        }
        call_problem_code(code, body);
        give_up(fire, code);
}

static void cancel_next(struct fire *fire)
{
        const struct store_dead_man *row = &fire->man->row;
        struct run_request request = {.kind = RUN_CANCEL};
        struct call *call;

        if (fire->next == fire->n) {
                if (++fire->passes == PASSES_MAX)
                        give_up(fire, "orders are still open");
                else
                        read_next(fire);
                return;
        }
        call = fire->api->ended ? NULL
                                : call_internal(fire->api, row->brand, &row->wallet, &row->account,
                                                METHOD_DELETE, "/v1/orders", "");
        if (!call) {
                give_up(fire, "the brand is not served any more");
                return;
        }
        for (; fire->next < fire->n && request.n_cancels < VENUE_CANCELS_MAX; fire->next++) {
                const struct venue_open_order *o = &fire->orders[fire->next];
                unsigned i = request.n_cancels++;

                request.cancel[i] = (struct venue_cancel){.asset = o->asset, .oid = o->oid};
                must(text_copy(request.cancel_id[i], sizeof request.cancel_id[i],
                               log_fmt("%llu", (unsigned long long)o->oid)));
        }
        call->answered = answered;
        call->answered_cookie = fire;
        pipeline_start(call, &request);
}

static void cancel_all(struct fire *fire)
{
        fire->dex = 0;
        fire->next = 0;
        if (fire->n == 0)
                passed(fire);
        else
                cancel_next(fire);
}

/* --- which --- */

static void told_whose(void *cookie, enum errc rc, const bool *mine, size_t n)
{
        struct fire *fire = cookie;
        size_t kept = 0;

        if (rc) {
                give_up(fire, err_wire(rc));
                return;
        }
        for (size_t i = 0; i < n; i++)
                if (mine[i])
                        fire->orders[kept++] = fire->orders[i];
        fire->n = kept;
        cancel_all(fire);
}

static void all_read(struct fire *fire)
{
        const struct store_dead_man *row = &fire->man->row;
        struct cloid *cloid;

        /* The last look is for what was on its way: what came later is not this deadline's. */
        if (!row->has_key && !fire->man->is_passed) {
                cancel_all(fire);
                return;
        }
        cloid = xcalloc(fire->n + 1, sizeof *cloid);
        for (size_t i = 0; i < fire->n; i++)
                if (fire->orders[i].has_cloid) /* what has none was not asked for here */
                        cloid[i] = fire->orders[i].cloid;
        store_dead_man_mine(fire->api->o.store, row->brand, &row->account,
                            row->has_key ? row->key : NULL,
                            fire->man->is_passed ? fire->deadline : INT64_MAX, cloid, fire->n,
                            told_whose, fire);
        free(cloid);
}

static void orders_read(void *cookie, const struct err *err, const struct venue_open_order *orders,
                        size_t n)
{
        struct fire *fire = cookie;

        if (err->code || fire->api->ended) {
                give_up(fire, err->code ? err_wire(err->code) : "the gateway ends");
                return;
        }
        if (fire->n + n > ORDERS_MAX)
                n = ORDERS_MAX - fire->n; /* the rest comes with the next pass */
        fire->orders = xrealloc(fire->orders, (fire->n + n + 1) * sizeof *orders);
        if (n)
                memcpy(fire->orders + fire->n, orders, n * sizeof *orders);
        fire->n += n;
        fire->dex++;
        read_next(fire);
}

/* The next dex that there is; when all were read, what is to be cancelled. */
static void read_next(struct fire *fire)
{
        struct venue *venue = fire->api->o.venue;
        struct venue_dex dex;

        if (fire->api->ended) {
                give_up(fire, "the gateway ends");
                return;
        }
        if (fire->dex == 0)
                fire->n = 0;
        for (; fire->dex < venue->ops->dex_count(venue); fire->dex++) {
                venue->ops->dex_at(venue, fire->dex, &dex);
                if (dex.is_gone)
                        continue;
                mirrored_orders(fire->api, &fire->man->row.account, dex.name, MIRRORED_NOW,
                                orders_read, fire);
                return;
        }
        all_read(fire);
}

void dead_man_fire_look(struct dead_man *man, int64_t now)
{
        struct fire *fire;

        if (man->is_firing || !man->row.deadline || now < man->row.deadline)
                return;
        if (man->firing_for != man->row.deadline) {
                man->firing_for = man->row.deadline;
                man->is_passed = false;
                man->cancelled = 0;
                man->rest_until = 0;
        }
        if (now < man->rest_until)
                return;
        fire = xcalloc(1, sizeof *fire);
        fire->men = man->men;
        fire->api = man->men->api;
        fire->man = man;
        fire->deadline = man->row.deadline;
        man->is_firing = true;
        fire->api->open_runs++;
        read_next(fire);
}
