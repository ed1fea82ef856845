#include <stdio.h>
#include <string.h>

#include "adapters/paper/wire.h"
#include "base/mem.h"

/* Agents: one unnamed and PAPER_AGENTS_NAMED named per account, two more for each sub-account. An approval under a taken name
 * replaces the agent that had it; approving the zero address under a name removes it. An address
 * is approved once, ever: its nonces stay known, so that what it signed can't be replayed.
 * Builder approvals: a highest fee per builder and account. */

#define AGENT_DEFAULT_MS (90 * PAPER_DAY_MS)
#define AGENT_LONGEST_MS (180 * PAPER_DAY_MS)
#define REMOVAL_MS       INT64_C(5000)
#define BUILDER_FEE_CAP  1000 /* tenths of a basis point: 1 percent, for spot */
#define BUILDER_MIN_USD  (100 * NUM_SCALE)

static bool refuse(char text[PAPER_TEXT_MAX], const char *why)
{
        (void)text_copy(text, PAPER_TEXT_MAX, why);
        return false;
}

struct paper_agent *paper_agents_get(const struct paper *p, const struct addr *agent)
{
        return map_get(p->agents, agent, sizeof(*agent));
}

bool paper_agents_is_live(const struct paper *p, const struct paper_agent *agent, int64_t at)
{
        (void)p;
        return agent && !agent->is_removed && at < agent->valid_until;
}

static bool is_empty(struct paper *p, const struct paper_user *user)
{
        for (unsigned token = 0; token < PAPER_TOKENS; token++)
                if (user->spot[token].v > 0)
                        return false;
        return !engine_dex_is_used(p->engine, &user->address);
}

/* An account that has run out of money, in its sub-accounts too, loses its agents: each when it is
 * used next. */
static void drop_if_broke(struct paper *p, struct paper_agent *agent)
{
        struct paper_user *user = paper_users_get(p, &agent->master);

        if (!user || !is_empty(p, user))
                return;
        for (unsigned i = 0; i < user->n_subs; i++) {
                const struct paper_user *sub = paper_users_get(p, &user->sub[i]);

                if (sub && !is_empty(p, sub))
                        return;
        }
        for (int i = 0; i <= PAPER_AGENTS_MAX; i++)
                if (user->agent[i] == agent)
                        user->agent[i] = NULL;
        agent->is_removed = true;
}

bool paper_agents_resolve(struct paper *p, const struct addr *signer, struct addr *account,
                          char text[PAPER_TEXT_MAX])
{
        struct paper_agent *agent = paper_agents_get(p, signer);
        char hex[ADDR_STR_MAX];

        if (agent && !agent->is_removed)
                drop_if_broke(p, agent);
        if (agent && agent->is_removed) {
                (void)snprintf(text, PAPER_TEXT_MAX,
                               "Must deposit before performing actions. User: %s",
                               hex_print_addr(hex, &agent->master));
                return false;
        }
        if (paper_agents_is_live(p, agent, paper_now(p))) {
                *account = agent->master;
                return true;
        }
        if (!agent && paper_users_get(p, signer)) {
                *account = *signer;
                return true;
        }
        (void)snprintf(text, PAPER_TEXT_MAX, "User or API Wallet %s does not exist.",
                       hex_print_addr(hex, signer));
        return false;
}

unsigned paper_agents_named(const struct paper_user *user)
{
        return PAPER_AGENTS_NAMED + 2 * user->n_subs;
}

/* Expired agents give up their slots. */
static void prune(const struct paper *p, struct paper_user *user, int64_t at)
{
        for (int i = 0; i <= PAPER_AGENTS_MAX; i++) {
                if (!user->agent[i] || paper_agents_is_live(p, user->agent[i], at))
                        continue;
                user->agent[i] = NULL;
        }
}

/* The slot that name has or may take; 0 is the unnamed one, -1 when all named ones are taken. */
static int slot_for(const struct paper_user *user, const char *name)
{
        int spare = -1;

        if (name[0] == '\0')
                return 0;
        for (int i = 1; i <= (int)paper_agents_named(user); i++) {
                const struct paper_agent *agent = user->agent[i];

                if (agent && !strcmp(agent->name, name))
                        return i;
                if (spare < 0 && !agent)
                        spare = i;
        }
        return spare;
}

static bool remove_agent(struct paper_user *user, const char *name, int64_t at)
{
        for (int i = 0; i <= PAPER_AGENTS_MAX; i++) {
                struct paper_agent *agent = user->agent[i];

                if (!agent || strcmp(agent->name, name) != 0)
                        continue;
                agent->is_removed = true;
                user->agent[i] = NULL;
                user->agent_removed_at = at;
        }
        return true;
}

bool paper_agents_approve(struct paper *p, struct paper_user *user, const struct addr *address,
                          const char *name, const int64_t *valid_until, char text[PAPER_TEXT_MAX])
{
        int64_t at = paper_now(p), until = valid_until ? *valid_until : at + AGENT_DEFAULT_MS;
        struct paper_agent *agent;
        int slot;

        if (strlen(name) >= PAPER_AGENT_NAME)
                return refuse(text, "Agent name is too long.");
        if (user->agent_removed_at && at - user->agent_removed_at < REMOVAL_MS)
                return refuse(text, "User has pending agent removal");
        if (hex_addr_zero(address))
                return remove_agent(user, name, at);
        if (until <= at || until > at + AGENT_LONGEST_MS)
                return refuse(text, "Agent valid_until already expired.");
        if (paper_agents_get(p, address) || paper_users_get(p, address))
                return refuse(text, "Extra agent already used.");
        prune(p, user, at);
        slot = slot_for(user, name);
        if (slot < 0) {
                (void)snprintf(text, PAPER_TEXT_MAX,
                               "Too many extra agents for cumulative volume traded. Current limit "
                               "is %u",
                               paper_agents_named(user));
                return false;
        }
        if (user->agent[slot])
                user->agent[slot]->is_removed = true;
        agent = xcalloc(1, sizeof(*agent));
        agent->address = *address;
        agent->master = user->address;
        agent->valid_until = until;
        (void)text_copy(agent->name, sizeof(agent->name), name);
        (void)map_put(p->agents, address, sizeof(*address), agent);
        user->agent[slot] = agent;
        paper_users_changed(p, user);
        return true;
}

/* ---- Builders -------------------------------------------------------------------------------- */

/* Index among the account's approvals, or -1. */
static int find_builder(const struct paper_user *user, const struct addr *address)
{
        for (unsigned i = 0; i < user->n_builders; i++)
                if (hex_addr_equal(&user->builder[i].address, address))
                        return (int)i;
        return -1;
}

int paper_agents_builder_fee(const struct paper_user *user, const struct addr *address)
{
        int i = user ? find_builder(user, address) : -1;

        return i < 0 ? -1 : (int)user->builder[i].fee;
}

bool paper_agents_approve_builder(struct paper *p, struct paper_user *user,
                                  const struct addr *address, unsigned fee,
                                  char text[PAPER_TEXT_MAX])
{
        int i = find_builder(user, address);
        struct engine_account account;

        if (fee > BUILDER_FEE_CAP)
                return refuse(text, "Percentage is invalid.");
        if (i >= 0) {
                user->builder[i].fee = fee;
                return true;
        }
        engine_account(p->engine, address, &account);
        if (account.account_value.v < BUILDER_MIN_USD)
                return refuse(text, "Builder has insufficient balance to be approved.");
        if (user->n_builders == PAPER_BUILDERS_MAX)
                return refuse(text, "Too many approved builders. Current limit is 10");
        user->builder[user->n_builders++] = (struct paper_builder){*address, fee};
        return true;
}
