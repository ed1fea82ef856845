#include <string.h>

#include "adapters/hyperliquid/hl_raw.h"
#include "adapters/paper/jot.h"
#include "adapters/paper/paper_info.h"
#include "adapters/paper/paper_show.h"
#include "adapters/paper/paper_tape.h"
#include "adapters/paper/paper_twap.h"

/* /info about accounts. Unknown accounts answer zeros and empty lists, as at the venue. What this
 * venue does not have (staking, vaults) is answered as for an
 * account that does not use it. */

static int clearinghouse_state(struct paper *p, struct buf *out, const json_t *request)
{
        struct addr user;
        unsigned dex;

        if (!paper_info_user(request, "user", &user))
                return PAPER_INFO_SHAPE;
        if (!paper_info_dex(p, request, &dex))
                return PAPER_INFO_UNKNOWN;
        paper_show_account(p, out, NULL, &user, dex);
        return PAPER_INFO_OK;
}

static int spot_state(struct paper *p, struct buf *out, const json_t *request)
{
        struct addr user;

        if (!paper_info_user(request, "user", &user))
                return PAPER_INFO_SHAPE;
        paper_show_spot(p, out, NULL, &user);
        return PAPER_INFO_OK;
}

static int active_asset_data(struct paper *p, struct buf *out, const json_t *request)
{
        struct addr user;
        int asset;

        if (!paper_info_user(request, "user", &user) ||
            !paper_info_asset(p, request, "coin", &asset))
                return PAPER_INFO_SHAPE;
        if (asset < 0)
                return PAPER_INFO_UNKNOWN;
        paper_show_setting(p, out, NULL, &user, (uint32_t)asset);
        return PAPER_INFO_OK;
}

static int list_orders(struct paper *p, struct buf *out, const json_t *request, bool is_full)
{
        struct addr user;
        unsigned dex;

        if (!paper_info_user(request, "user", &user))
                return PAPER_INFO_SHAPE;
        if (!paper_info_dex(p, request, &dex))
                return PAPER_INFO_UNKNOWN;
        paper_show_open_orders(p, out, NULL, &user, dex, is_full);
        return PAPER_INFO_OK;
}

static int open_orders(struct paper *p, struct buf *out, const json_t *request)
{
        return list_orders(p, out, request, false);
}

static int frontend_open_orders(struct paper *p, struct buf *out, const json_t *request)
{
        return list_orders(p, out, request, true);
}

static int order_status(struct paper *p, struct buf *out, const json_t *request)
{
        const json_t *oid = json_object_get(request, "oid");
        const struct engine_order *order = NULL;
        struct addr user;
        struct cloid cloid;
        size_t len = 0;
        const char *text = hl_raw_text(oid, &len);
        uint64_t number;

        if (!paper_info_user(request, "user", &user))
                return PAPER_INFO_SHAPE;
        if (text && !hex_parse_cloid(&cloid, text, len))
                order = engine_order_by_cloid(p->engine, &user, &cloid);
        else if (!text && !hl_raw_uint(&number, oid))
                order = engine_order_by_oid(p->engine, &user, number);
        else
                return PAPER_INFO_SHAPE;
        jot_object(out, NULL);
        jot_text(out, "status", order ? "order" : "unknownOid");
        if (order)
                paper_show_order_status(p, out, "order", order, true);
        jot_end_object(out);
        return PAPER_INFO_OK;
}

static int historical_orders(struct paper *p, struct buf *out, const json_t *request)
{
        struct addr user;

        if (!paper_info_user(request, "user", &user))
                return PAPER_INFO_SHAPE;
        paper_show_history(p, out, NULL, &user);
        return PAPER_INFO_OK;
}

static int user_fills(struct paper *p, struct buf *out, const json_t *request)
{
        struct addr user;

        if (!paper_info_user(request, "user", &user))
                return PAPER_INFO_SHAPE;
        paper_show_fills(p, out, NULL, &user, 0, INT64_MAX, false);
        return PAPER_INFO_OK;
}

static int user_fills_by_time(struct paper *p, struct buf *out, const json_t *request)
{
        int64_t from = 0, until = INT64_MAX;
        struct addr user;
        bool is_reversed = false;

        if (!paper_info_user(request, "user", &user) || hl_raw_is_absent(request, "startTime") ||
            !paper_info_range(request, &from, &until))
                return PAPER_INFO_SHAPE;
        if (!hl_raw_is_absent(request, "reversed") &&
            hl_raw_get_bool(&is_reversed, request, "reversed"))
                return PAPER_INFO_SHAPE;
        paper_show_fills(p, out, NULL, &user, from, until, !is_reversed);
        return PAPER_INFO_OK;
}

static int twap_history(struct paper *p, struct buf *out, const json_t *request)
{
        struct addr user;

        if (!paper_info_user(request, "user", &user))
                return PAPER_INFO_SHAPE;
        paper_twap_show_history(p, out, NULL, paper_users_get(p, &user));
        return PAPER_INFO_OK;
}

static int slice_fills(struct paper *p, struct buf *out, const json_t *request)
{
        int64_t from = 0, until = INT64_MAX;
        struct addr user;

        if (!paper_info_user(request, "user", &user) || !paper_info_range(request, &from, &until))
                return PAPER_INFO_SHAPE;
        paper_show_slice_fills(p, out, NULL, &user, from, until);
        return PAPER_INFO_OK;
}

static int slice_fills_by_time(struct paper *p, struct buf *out, const json_t *request)
{
        if (hl_raw_is_absent(request, "startTime"))
                return PAPER_INFO_SHAPE;
        return slice_fills(p, out, request);
}

static int user_funding(struct paper *p, struct buf *out, const json_t *request)
{
        int64_t from = 0, until = INT64_MAX;
        struct addr user;

        if (!paper_info_user(request, "user", &user) || !paper_info_range(request, &from, &until))
                return PAPER_INFO_SHAPE;
        paper_show_payments(p, out, NULL, paper_users_get(p, &user), from, until, true);
        return PAPER_INFO_OK;
}

static int user_ledger(struct paper *p, struct buf *out, const json_t *request)
{
        int64_t from = 0, until = INT64_MAX;
        struct addr user;

        if (!paper_info_user(request, "user", &user) || !paper_info_range(request, &from, &until))
                return PAPER_INFO_SHAPE;
        paper_show_rows(out, NULL, paper_users_get(p, &user), from, until);
        return PAPER_INFO_OK;
}

static void fee_schedule(struct buf *out)
{
        jot_object(out, "feeSchedule");
        jot_text(out, "cross", "0.00045");
        jot_text(out, "add", "0.00015");
        jot_text(out, "spotCross", "0.0007");
        jot_text(out, "spotAdd", "0.0004");
        jot_raw(out, "tiers", "{\"vip\":[],\"mm\":[]}");
        jot_text(out, "referralDiscount", "0.04");
        jot_raw(out, "stakingDiscountTiers", "[]");
        jot_end_object(out);
}

static int user_fees(struct paper *p, struct buf *out, const json_t *request)
{
        const struct paper_user *known;
        struct rate taker, maker;
        struct addr user;
        bool is_referred;

        if (!paper_info_user(request, "user", &user))
                return PAPER_INFO_SHAPE;
        engine_fees(p->engine, &user, &taker, &maker);
        known = paper_users_get(p, &user);
        is_referred = known && known->is_referred;
        if (is_referred) { /* rates stand before the referral discount */
                taker.v = taker.v * 100 / 96;
                maker.v = maker.v * 100 / 96;
        }
        jot_object(out, NULL);
        jot_raw(out, "dailyUserVlm", "[]");
        fee_schedule(out);
        jot_rate(out, "userCrossRate", taker);
        jot_rate(out, "userAddRate", maker);
        jot_text(out, "userSpotCrossRate", "0.0007");
        jot_text(out, "userSpotAddRate", "0.0004");
        jot_text(out, "activeReferralDiscount", is_referred ? "0.04" : "0.0");
        jot_null(out, "trial");
        jot_text(out, "feeTrialEscrow", "0.0");
        jot_null(out, "nextTrialAvailableTimestamp");
        jot_null(out, "stakingLink");
        jot_raw(out, "activeStakingDiscount", "{\"bpsOfMaxSupply\":\"0.0\",\"discount\":\"0.0\"}");
        jot_end_object(out);
        return PAPER_INFO_OK;
}

static int portfolio(struct paper *p, struct buf *out, const json_t *request)
{
        static const char *const periods[] = {"day",     "week",     "month",     "allTime",
                                              "perpDay", "perpWeek", "perpMonth", "perpAllTime"};
        const struct paper_user *user;
        struct engine_account account;
        struct usd profit = {0};
        struct addr address;
        char volume[NUM_STR_MAX];

        if (!paper_info_user(request, "user", &address))
                return PAPER_INFO_SHAPE;
        user = paper_users_get(p, &address);
        engine_account(p->engine, &address, &account);
        if (user && num_usd_sub(&profit, account.account_value, user->ledger))
                profit.v = 0;
        jot_array(out, NULL);
        for (size_t i = 0; i < sizeof(periods) / sizeof(periods[0]); i++) {
                const char *const lists[] = {"accountValueHistory", "pnlHistory"};
                struct usd value[] = {account.account_value, profit};

                jot_array(out, NULL);
                jot_text(out, NULL, periods[i]);
                jot_object(out, NULL);
                for (int k = 0; k < 2; k++) {
                        jot_array(out, lists[k]);
                        jot_array(out, NULL);
                        jot_int(out, NULL, paper_now(p));
                        jot_usd(out, NULL, value[k]);
                        jot_end_array(out);
                        jot_end_array(out);
                }
                jot_text(out, "vlm", num_print(volume, user ? user->volume_micro : 0, 6, 1));
                jot_end_object(out);
                jot_end_array(out);
        }
        jot_end_array(out);
        return PAPER_INFO_OK;
}

static int web_data2(struct paper *p, struct buf *out, const json_t *request)
{
        const struct paper_user *user;
        const struct paper_agent *agent;
        struct addr address;

        if (!paper_info_user(request, "user", &address))
                return PAPER_INFO_SHAPE;
        user = paper_users_get(p, &address);
        agent = user && paper_agents_is_live(p, user->agent[0], paper_now(p)) ? user->agent[0]
                                                                              : NULL;
        jot_object(out, NULL);
        paper_show_account(p, out, "clearinghouseState", &address, 0);
        jot_raw(out, "leadingVaults", "[]");
        jot_text(out, "totalVaultEquity", "0.0");
        paper_show_open_orders(p, out, "openOrders", &address, 0, true);
        if (agent) {
                jot_addr(out, "agentAddress", &agent->address);
                jot_int(out, "agentValidUntil", agent->valid_until);
        } else {
                jot_null(out, "agentAddress");
                jot_null(out, "agentValidUntil");
        }
        jot_usd(out, "cumLedger", user ? user->ledger : (struct usd){0});
        jot_raw(out, "meta", p->universe.dex[0].meta_json);
        paper_tape_contexts(p, out, "assetCtxs", 0);
        jot_int(out, "serverTime", paper_now(p));
        jot_bool(out, "isVault", false);
        jot_addr(out, "user", &address);
        paper_twap_show_states(p, out, "twapStates", &address, 0);
        paper_show_spot(p, out, "spotState", &address);
        jot_raw(out, "spotAssetCtxs", "[]");
        jot_raw(out, "perpsAtOpenInterestCap", "[]");
        jot_end_object(out);
        return PAPER_INFO_OK;
}

static int pre_transfer_check(struct paper *p, struct buf *out, const json_t *request)
{
        struct addr user;

        if (!paper_info_user(request, "user", &user))
                return PAPER_INFO_SHAPE;
        jot_object(out, NULL);
        jot_text(out, "fee", "0.0");
        jot_bool(out, "isSanctioned", false);
        jot_bool(out, "userExists", paper_users_get(p, &user) != NULL);
        jot_bool(out, "userHasSentTx", false);
        jot_end_object(out);
        return PAPER_INFO_OK;
}

/* Answers that are the same for everybody here; the request must still name a user. */
static int constant(struct buf *out, const json_t *request, const char *json)
{
        struct addr user;

        if (!paper_info_user(request, "user", &user))
                return PAPER_INFO_SHAPE;
        buf_puts(out, json);
        return PAPER_INFO_OK;
}

#define CONSTANT(name, json)                                                                       \
        static int name(struct paper *p, struct buf *out, const json_t *request)                   \
        {                                                                                          \
                (void)p;                                                                           \
                return constant(out, request, json);                                               \
        }
CONSTANT(empty_list, "[]")
CONSTANT(no_answer, "null")
CONSTANT(not_true, "false")
CONSTANT(legal_check, "{\"acceptedTerms\":true,\"userAllowed\":true,"
                      "\"restrictions\":\"n\"}")
CONSTANT(delegator_summary, "{\"delegated\":\"0.0\",\"undelegated\":\"0.0\","
                            "\"totalPendingWithdrawal\":\"0.0\",\"nPendingWithdrawals\":0}")

const struct paper_info_row *paper_info_account_rows(void)
{
        static const struct paper_info_row rows[] = {
                {"clearinghouseState", clearinghouse_state},
                {"spotClearinghouseState", spot_state},
                {"activeAssetData", active_asset_data},
                {"openOrders", open_orders},
                {"frontendOpenOrders", frontend_open_orders},
                {"orderStatus", order_status},
                {"historicalOrders", historical_orders},
                {"userFills", user_fills},
                {"userFillsByTime", user_fills_by_time},
                {"userFunding", user_funding},
                {"userNonFundingLedgerUpdates", user_ledger},
                {"userFees", user_fees},
                {"userDexAbstraction", no_answer},
                {"portfolio", portfolio},
                {"webData2", web_data2},
                {"preTransferCheck", pre_transfer_check},
                {"legalCheck", legal_check},
                {"isVip", not_true},
                {"twapHistory", twap_history},
                {"userTwapSliceFills", slice_fills},
                {"userTwapSliceFillsByTime", slice_fills_by_time},
                {"userVaultEquities", empty_list},
                {"delegations", empty_list},
                {"delegatorSummary", delegator_summary},
                {"delegatorHistory", empty_list},
                {"delegatorRewards", empty_list},
                {NULL, NULL},
        };

        return rows;
}
