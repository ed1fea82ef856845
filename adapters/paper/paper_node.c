#include <string.h>

#include "adapters/hyperliquid/hl_raw.h"
#include "adapters/paper/jot.h"
#include "adapters/paper/paper_info.h"
#include "adapters/paper/paper_show.h"
#include "adapters/paper/wire.h"

/* The same venue as a node beside it answers: without limits, and only what follows from the present
 * state. A rented one answers everything, and many accounts at once. */

#define ACCOUNTS_MAX 1000

static bool is_of_state(const char *type)
{
        static const char *const types[] = {
                "meta",        "spotMeta",           "clearinghouseState", "spotClearinghouseState",
                "openOrders",  "frontendOpenOrders", "activeAssetData",    "extraAgents",
                "subAccounts", "userFees",           "userRateLimit",      "maxBuilderFee",
                "userRole",    "marginTable",        "perpDexs",           NULL};
        size_t i = 0;

        while (types[i] && strcmp(types[i], type) != 0)
                i++;
        return types[i] != NULL;
}

static void status(struct paper *p, struct buf *out)
{
        jot_object(out, NULL);
        jot_int(out, "time", paper_now(p) - p->node.lag_ms);
        jot_null(out, "specialStatuses");
        jot_end_object(out);
}

/* {"successful_states":[[address, state], ...],"failed_wallets":[...]} */
static int states(struct paper *p, struct buf *out, const json_t *request)
{
        const json_t *users = json_object_get(request, "users");
        size_t n = json_array_size(users);
        struct addr user;
        unsigned dex;

        if (n == 0 || n > ACCOUNTS_MAX)
                return PAPER_INFO_SHAPE;
        if (!paper_info_dex(p, request, &dex))
                return PAPER_INFO_UNKNOWN;
        jot_object(out, NULL);
        jot_array(out, "successful_states");
        for (size_t i = 0; i < n; i++) {
                size_t len = 0;
                const char *text = hl_raw_text(json_array_get(users, i), &len);

                if (!text || hex_parse_addr(&user, text, len))
                        return PAPER_INFO_SHAPE;
                jot_array(out, NULL);
                jot_addr(out, NULL, &user);
                paper_show_account(p, out, NULL, &user, dex);
                jot_end_array(out);
        }
        jot_end_array(out);
        jot_array(out, "failed_wallets");
        jot_end_array(out);
        jot_end_object(out);
        return PAPER_INFO_OK;
}

static void answer_states(struct paper *p, struct paper_answer *answer, const json_t *body)
{
        int code = states(p, &answer->body, body);

        p->node.batches++;
        if (code == PAPER_INFO_SHAPE || code == PAPER_INFO_UNKNOWN)
                paper_answer_text(answer, 422, PAPER_422);
        else if (buf_check(&answer->body))
                paper_answer_text(answer, 500, "The answer is too large.");
}

void paper_node_run(struct paper *p, struct paper_answer *answer, const json_t *body, bool rented)
{
        const char *type = hl_raw_get_text(body, "type", NULL);

        p->node.requests++;
        if (p->node.is_down)
                paper_answer_text(answer, 503, "Service Unavailable");
        else if (type && !strcmp(type, "exchangeStatus"))
                status(p, &answer->body);
        else if (type && rented && !strcmp(type, "batchClearinghouseStates"))
                answer_states(p, answer, body);
        else if (type && (rented || is_of_state(type)))
                paper_info_run(p, answer, body);
        else
                paper_answer_text(answer, 422, PAPER_422);
}

void paper_node_show(struct paper *p, struct buf *out)
{
        jot_object(out, NULL);
        jot_bool(out, "isDown", p->node.is_down);
        jot_int(out, "lagMs", p->node.lag_ms);
        jot_uint(out, "requests", p->node.requests);
        jot_uint(out, "batches", p->node.batches);
        jot_end_object(out);
}
