/* The net: the venue's own timer (scheduleCancel). The venue has one for an account; when it fires, every
 * open order of the account goes, and the venue lets it fire ten times a day. So it is kept behind the earliest
 * deadline, by more than the gateway needs to cancel by itself, and is moved in steps of some seconds and
 * not with each request. */
#include <stdlib.h>
#include <string.h>

#include "api/accounts.h"
#include "api/dead_man_impl.h"
#include "api/mirrored.h"
#include "api/recovery.h"
#include "api/signer.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/secret.h"

#define SLACK_MIN_MS  10000 /* least between two moves, as long as the client asks */
#define SLACK_MAX_MS  60000
#define PAUSE_MS      5000 /* between two of any kind */
#define AGAIN_MS      60000
#define AGAIN_RULE_MS 3600000 /* after a refusal by a rule that a minute does not change */

struct job {
        struct dead_account *account;
        struct api *api;
        int64_t wanted; /* 0: none any more */
        struct store_account record;
        struct venue_action action;
        struct venue_compiled compiled;
        struct store_intent intent;
};

/* --- when --- */

static int64_t slack_of(int64_t timeout_ms)
{
        int64_t half = timeout_ms / 2;

        if (half < SLACK_MIN_MS)
                return SLACK_MIN_MS;
        return half > SLACK_MAX_MS ? SLACK_MAX_MS : half;
}

/* Where it should be; 0: nowhere. */
static int64_t wanted(const struct dead_account *account, int64_t *slack)
{
        int64_t timeout_ms = 0, deadline = dead_man_impl_earliest(account, &timeout_ms);

        *slack = slack_of(timeout_ms);
        return deadline ? deadline + DEAD_MAN_LEAD_MS + *slack : 0;
}

bool dead_man_net_is_due(const struct dead_account *account, int64_t now)
{
        int64_t slack, latest = wanted(account, &slack);

        if (account->is_busy || now < account->rest_until)
                return false;
        if (!latest)
                return account->net != NET_OFF;
        if (latest <= now + DEAD_MAN_MIN_MS) /* too late for it: the gateway acts */
                return false;
        return account->net != NET_ARMED || account->at < latest - slack || account->at > latest;
}

/* --- the end --- */

/* The venue has no timer any more: switches that waited for that are done with. */
static void mark_off(struct dead_account *account)
{
        list_each_safe (it, &account->switches) {
                struct dead_man *man = list_entry(it, struct dead_man, link);
                struct store_dead_man row = man->row;

                if (row.deadline || !row.may_be_set)
                        continue;
                row.may_be_set = false;
                dead_man_impl_write(account->men, &row, NULL, NULL, NULL);
        }
}

static void end(struct job *job, enum dead_net net, const char *reason, int64_t pause_ms)
{
        struct dead_account *account = job->account;
        struct call *waiting = account->waiting;

        if (net == NET_REFUSED && account->net != NET_REFUSED)
                log_event(LOG_WARN, "the venue takes no timer", "brand", account->key.brand,
                          "reason", reason, NULL);
        account->net = net;
        account->at = job->wanted;
        account->rest_until = state_now(job->api) + pause_ms;
        (void)text_copy(account->reason, sizeof account->reason, reason);
        account->waiting = NULL;
        if (waiting)
                dead_man_set_answer(waiting);
        if (net == NET_OFF && !job->api->ended)
                mark_off(account);
        account->is_busy = false;
        dead_man_impl_release(account);
        job->api->open_runs--;
        venue_compiled_fini(&job->compiled);
        free(job);
}

static void end_with(struct job *job, const struct err *err)
{
        const char *text = err->venue_message[0] ? err->venue_message
                           : err->detail[0]      ? err->detail
                                                 : err_text(err->code);
        bool is_rule = err->code == E_FORBIDDEN || err->code == E_AGENT;
        bool is_away = err_retryable(err->code) || err->code == E_OUTCOME_UNKNOWN;

        enum dead_net net = is_away ? NET_PENDING : NET_REFUSED;

        /* One that can't be taken off may be there still; without an agent it can't ever. */
        if (!job->wanted && !is_away)
                net = is_rule ? NET_OFF : NET_PENDING;
        end(job, net, text, is_away ? PAUSE_MS : is_rule ? AGAIN_RULE_MS : AGAIN_MS);
}

static void fail(struct job *job, enum errc rc)
{
        struct err err = {.code = E_OK};

        (void)err_set(&err, rc, "%s", err_text(rc));
        end_with(job, &err);
}

/* --- journal, sign, send --- */

struct settling {
        struct api *api;
        struct store_intent intent;
};

static void settled(void *cookie, enum errc rc)
{
        struct settling *settling = cookie;

        if (rc)
                log_event(LOG_ERROR, "outcome not recorded", "what", "deadMan", "code",
                          err_constant(rc), NULL);
        recovery_after(settling->api->recovery, &settling->intent, rc);
        settling->api->open_runs--;
        free(settling);
}

static void settle(struct job *job, enum intent_state state)
{
        struct settling *settling = xcalloc(1, sizeof *settling);

        settling->api = job->api;
        settling->intent = job->intent;
        settling->intent.state = settling->intent.step[0].state = state;
        settling->intent.updated_at = state_now(job->api);
        job->api->open_runs++;
        store_intent_update(job->api->o.store, &settling->intent, settled, settling);
}

static void submitted(void *cookie, const struct venue_outcome *outcome)
{
        struct job *job = cookie;

        settle(job, outcome->result == VENUE_DONE      ? INTENT_DONE
                    : outcome->result == VENUE_REFUSED ? INTENT_REJECTED
                                                       : INTENT_UNKNOWN);
        if (outcome->result == VENUE_DONE)
                end(job, job->wanted ? NET_ARMED : NET_OFF, "", PAUSE_MS);
        else if (outcome->err.code)
                end_with(job, &outcome->err);
        else
                fail(job, E_OUTCOME_UNKNOWN);
}

static void journaled(void *cookie, enum errc rc)
{
        struct job *job = cookie;
        struct signature sig;
        struct err err = {.code = E_OK};

        if (rc)
                fail(job, rc);
        else if (signer_sign(&sig, job->api, job->account->key.brand, &job->account->wallet,
                             &job->record, &job->compiled.digest, &err)) {
                settle(job, INTENT_REJECTED);
                end_with(job, &err);
        } else {
                mirrored_submit(job->api, &job->account->key.account, &job->action, &job->compiled,
                                &sig, submitted, job);
        }
}

static void journal(struct job *job, uint64_t nonce)
{
        struct store_intent *it = &job->intent;
        struct api *api = job->api;

        secret_random(it->id.b, sizeof it->id.b);
        text_copy(it->brand, sizeof it->brand, job->account->key.brand);
        it->account = job->account->key.account;
        it->master = job->account->wallet;
        it->has_master = !hex_addr_equal(&it->account, &it->master);
        it->signer = job->record.agent;
        text_copy(it->kind, sizeof it->kind, "deadMan");
        it->created_at = it->updated_at = state_now(api);
        text_copy(it->owner, sizeof it->owner, api->o.node);
        it->epoch = 1;
        it->n_steps = 1;
        text_copy(it->step[0].action, sizeof it->step[0].action, "scheduleCancel");
        it->step[0].nonce = nonce;
        it->step[0].expires_after = job->compiled.expires_after;
        it->step[0].digest = job->compiled.digest;
        it->reduces_risk = true;
        store_intent_insert(api->o.store, it, journaled, job);
}

static void nonces_ready(void *cookie, enum errc rc)
{
        struct job *job = cookie;
        struct api *api = job->api;
        const struct dead_account *account = job->account;
        bool is_sub = !hex_addr_equal(&account->key.account, &account->wallet);
        int64_t life = api->o.expires_after_ms;
        uint64_t expires = life ? (uint64_t)(state_now(api) + life) : 0, nonce = 0;
        struct err err = {.code = E_OK};

        if (!rc)
                rc = nonce_ledger_take(api->o.nonces, &job->record.agent, 1, &nonce);
        if (!rc && !api->ended)
                rc = api->o.venue->ops->compile(api->o.venue, &job->compiled, &job->action,
                                                is_sub ? &account->key.account : NULL, nonce,
                                                expires, &err);
        if (rc)
                fail(job, rc);
        else if (api->ended)
                fail(job, E_VENUE_UNAVAILABLE);
        else
                journal(job, nonce);
}

static void record_read(void *cookie, enum errc rc, const struct store_account *record)
{
        struct job *job = cookie;

        if (!rc && !(record->has_agent && record->agent_approved))
                rc = E_AGENT;
        if (rc) {
                fail(job, rc == E_NOT_FOUND ? E_AGENT : rc);
                return;
        }
        job->record = *record;
        nonce_ledger_load(job->api->o.nonces, &record->agent, nonces_ready, job);
}

void dead_man_net_look(struct dead_account *account, int64_t now)
{
        struct api *api = account->men->api;
        int64_t slack;
        struct job *job;

        if (!dead_man_net_is_due(account, now))
                return;
        job = xcalloc(1, sizeof *job);
        job->account = account;
        job->api = api;
        job->wanted = wanted(account, &slack);
        job->action.kind = VENUE_SCHEDULE_CANCEL;
        job->action.u.cancel_all_at = job->wanted;
        account->is_busy = true;
        api->open_runs++;
        accounts_get(api->accounts, account->key.brand, &account->wallet, record_read, job);
}
