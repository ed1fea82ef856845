#include "api/errand.h"

#include <stdlib.h>
#include <string.h>

#include "api/accounts.h"
#include "api/letters.h"
#include "api/mirrored.h"
#include "api/recovery.h"
#include "api/signer.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/secret.h"

struct way {
        struct api *api;
        struct errand what;
        struct store_account record;
        struct venue_compiled compiled;
        struct signature sig;
        struct store_intent intent;
        struct err err;
        errand_fn *done;
        void *cookie;
};

static bool is_sub_account(const struct way *way)
{
        return !hex_addr_equal(&way->what.wallet, &way->what.account);
}

static void end(struct way *way, enum errc rc, enum intent_state state)
{
        way->api->open_runs--;
        way->done(way->cookie, rc, state, &way->err);
        venue_compiled_fini(&way->compiled);
        free(way);
}

/* --- sent --- */

static void settled(void *cookie, enum errc rc)
{
        struct way *way = cookie;

        if (rc)
                log_event(LOG_ERROR, "outcome not recorded", "what", way->what.kind, "code",
                          err_constant(rc), NULL);
        recovery_after(way->api->recovery, &way->intent, rc);
        end(way, E_OK, way->intent.state);
}

static enum intent_state state_after(const struct venue_outcome *outcome)
{
        switch (outcome->result) {
        case VENUE_DONE: return INTENT_DONE;
        case VENUE_REFUSED: return INTENT_REJECTED;
        case VENUE_UNKNOWN: return INTENT_UNKNOWN;
        }
        never("venue result");
}

static void submitted(void *cookie, const struct venue_outcome *outcome)
{
        struct way *way = cookie;
        struct store_intent *it = &way->intent;

        it->state = it->step[0].state = state_after(outcome);
        it->updated_at = state_now(way->api);
        way->err = outcome->err;
        store_intent_update(way->api->o.store, it, settled, way);
}

/* --- journal, then send --- */

static void journaled(void *cookie, enum errc rc)
{
        struct way *way = cookie;

        if (!rc && way->api->ended)
                rc = E_DRAINING; /* found in the journal after the next start */
        if (rc)
                end(way, rc, INTENT_REJECTED);
        else
                mirrored_submit(way->api, &way->what.account, &way->what.action, &way->compiled,
                                &way->sig, submitted, way);
}

static void fill(struct way *way, uint64_t nonce)
{
        struct store_intent *it = &way->intent;
        const struct errand *what = &way->what;

        if (what->has_id)
                it->id = what->id;
        else
                secret_random(it->id.b, sizeof it->id.b);
        text_copy(it->brand, sizeof it->brand, what->brand);
        it->account = what->account;
        it->has_master = is_sub_account(way);
        it->master = what->wallet;
        it->signer = way->record.agent;
        text_copy(it->kind, sizeof it->kind, what->kind);
        text_copy(it->symbol, sizeof it->symbol, what->symbol);
        it->created_at = it->updated_at = state_now(way->api);
        text_copy(it->owner, sizeof it->owner, way->api->o.node);
        it->epoch = 1;
        it->n_steps = 1;
        text_copy(it->step[0].action, sizeof it->step[0].action, what->step);
        it->step[0].nonce = nonce;
        it->step[0].expires_after = way->compiled.expires_after;
        it->step[0].digest = way->compiled.digest;
}

static enum errc sign(struct way *way, struct buf *letters)
{
        struct venue_cancel name[VENUE_CANCELS_MAX];
        const struct errand *what = &way->what;
        struct letter letter;
        enum errc rc;

        rc = signer_sign(&way->sig, way->api, what->brand, &what->wallet, &way->record,
                         &way->compiled.digest, &way->err);
        letter_of_action(&letter, name, &what->action);
        letter.is_put_back = what->is_put_back;
        letter.held_size = what->held_size;
        letter.held_cash = what->held_cash;
        return rc ? rc
                  : letters_add(letters, &letter, way->api->o.venue, &way->compiled, &way->sig);
}

static void nonces_ready(void *cookie, enum errc rc)
{
        struct way *way = cookie;
        struct api *api = way->api;
        int64_t life = api->o.expires_after_ms;
        uint64_t expires = life ? (uint64_t)(state_now(api) + life) : 0;
        struct buf letters = {.max = 0};
        uint64_t nonce = 0;

        if (!rc)
                rc = nonce_ledger_take(api->o.nonces, &way->record.agent, 1, &nonce);
        if (!rc)
                rc = api->o.venue->ops->compile(api->o.venue, &way->compiled, &way->what.action,
                                                is_sub_account(way) ? &way->what.account : NULL,
                                                nonce, expires, &way->err);
        if (!rc)
                rc = sign(way, &letters);
        if (rc) {
                end(way, rc, INTENT_REJECTED);
        } else {
                fill(way, nonce);
                letters_attach(&way->intent, &letters);
                way->intent.reduces_risk = way->what.action.kind == VENUE_CANCEL;
                store_intent_insert(api->o.store, &way->intent, journaled, way);
                way->intent.letters = NULL; /* copied */
        }
        letters_wipe(&letters);
}

static void record_read(void *cookie, enum errc rc, const struct store_account *account)
{
        struct way *way = cookie;

        if (!rc && !(account->has_agent && account->agent_approved))
                rc = E_AGENT;
        if (rc) {
                end(way, rc, INTENT_REJECTED);
                return;
        }
        way->record = *account;
        nonce_ledger_load(way->api->o.nonces, &account->agent, nonces_ready, way);
}

void errand_start(struct api *api, const struct errand *what, errand_fn *done, void *cookie)
{
        struct way *way = xcalloc(1, sizeof *way);

        way->api = api;
        way->what = *what;
        way->done = done;
        way->cookie = cookie;
        api->open_runs++;
        accounts_get(api->accounts, what->brand, &what->wallet, record_read, way);
}
