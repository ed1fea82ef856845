#include "adapters/paper/jot.h"
#include "adapters/paper/paper_info.h"

/* /info about who somebody is: roles, agents, builders, sub-accounts, modes, referrals, budgets. */

static int user_role(struct paper *p, struct buf *out, const json_t *request)
{
        const struct paper_agent *agent;
        const struct paper_user *known;
        struct addr user;

        if (!paper_info_user(request, "user", &user))
                return PAPER_INFO_SHAPE;
        agent = paper_agents_get(p, &user);
        known = paper_users_get(p, &user);
        jot_object(out, NULL);
        if (paper_agents_is_live(p, agent, paper_now(p))) {
                jot_text(out, "role", "agent");
                jot_object(out, "data");
                jot_addr(out, "user", &agent->master);
                jot_end_object(out);
        } else if (known && known->is_sub) {
                jot_text(out, "role", "subAccount");
                jot_object(out, "data");
                jot_addr(out, "master", &known->master);
                jot_end_object(out);
        } else {
                jot_text(out, "role", known ? "user" : "missing");
        }
        jot_end_object(out);
        return PAPER_INFO_OK;
}

static int extra_agents(struct paper *p, struct buf *out, const json_t *request)
{
        const struct paper_user *user;
        struct addr address;

        if (!paper_info_user(request, "user", &address))
                return PAPER_INFO_SHAPE;
        user = paper_users_get(p, &address);
        jot_array(out, NULL);
        for (int i = 1; user && i <= PAPER_AGENTS_MAX; i++) {
                const struct paper_agent *agent = user->agent[i];

                if (!paper_agents_is_live(p, agent, paper_now(p)))
                        continue;
                jot_object(out, NULL);
                jot_text(out, "name", agent->name);
                jot_addr(out, "address", &agent->address);
                jot_int(out, "validUntil", agent->valid_until);
                jot_end_object(out);
        }
        jot_end_array(out);
        return PAPER_INFO_OK;
}

static int max_builder_fee(struct paper *p, struct buf *out, const json_t *request)
{
        struct addr user, builder;
        int fee;

        if (!paper_info_user(request, "user", &user) ||
            !paper_info_user(request, "builder", &builder))
                return PAPER_INFO_SHAPE;
        fee = paper_agents_builder_fee(paper_users_get(p, &user), &builder);
        jot_int(out, NULL, fee < 0 ? 0 : fee);
        return PAPER_INFO_OK;
}

static int approved_builders(struct paper *p, struct buf *out, const json_t *request)
{
        const struct paper_user *user;
        struct addr address;

        if (!paper_info_user(request, "user", &address))
                return PAPER_INFO_SHAPE;
        user = paper_users_get(p, &address);
        jot_array(out, NULL);
        for (unsigned i = 0; user && i < user->n_builders; i++)
                jot_addr(out, NULL, &user->builder[i].address);
        jot_end_array(out);
        return PAPER_INFO_OK;
}

static int family(struct paper *p, struct buf *out, const json_t *request, bool is_by_dex)
{
        struct addr user;

        if (!paper_info_user(request, "user", &user))
                return PAPER_INFO_SHAPE;
        paper_family_show(p, out, paper_users_get(p, &user), is_by_dex);
        return PAPER_INFO_OK;
}

static int sub_accounts(struct paper *p, struct buf *out, const json_t *request)
{
        return family(p, out, request, false);
}

static int sub_accounts2(struct paper *p, struct buf *out, const json_t *request)
{
        return family(p, out, request, true);
}

static int abstraction(struct paper *p, struct buf *out, const json_t *request)
{
        struct addr user;

        if (!paper_info_user(request, "user", &user))
                return PAPER_INFO_SHAPE;
        jot_text(out, NULL, paper_mode_name(paper_users_get(p, &user)));
        return PAPER_INFO_OK;
}

static int referral(struct paper *p, struct buf *out, const json_t *request)
{
        struct addr user;

        if (!paper_info_user(request, "user", &user))
                return PAPER_INFO_SHAPE;
        paper_referral_show(p, out, paper_users_get(p, &user));
        return PAPER_INFO_OK;
}

static int signers(struct paper *p, struct buf *out, const json_t *request)
{
        struct addr user;

        if (!paper_info_user(request, "user", &user))
                return PAPER_INFO_SHAPE;
        paper_multi_sig_show(out, paper_users_get(p, &user));
        return PAPER_INFO_OK;
}

static int rate_limit(struct paper *p, struct buf *out, const json_t *request)
{
        struct addr user;

        if (!paper_info_user(request, "user", &user))
                return PAPER_INFO_SHAPE;
        paper_budget_show(out, paper_users_get(p, &user));
        return PAPER_INFO_OK;
}

const struct paper_info_row *paper_info_person_rows(void)
{
        static const struct paper_info_row rows[] = {
                {"userRole", user_role},
                {"extraAgents", extra_agents},
                {"maxBuilderFee", max_builder_fee},
                {"approvedBuilders", approved_builders},
                {"subAccounts", sub_accounts},
                {"subAccounts2", sub_accounts2},
                {"userAbstraction", abstraction},
                {"referral", referral},
                {"userRateLimit", rate_limit},
                {"userToMultiSigSigners", signers},
                {NULL, NULL},
        };

        return rows;
}
