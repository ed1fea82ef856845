/* agent_life: names, slots, expiry and succession of agents. Pure.
 * An approval under a name that is taken replaces the agent that has it, so a successor has a name of its
 * own: both can sign until the change is known to have worked. */
#ifndef API_AGENT_LIFE_H
#define API_AGENT_LIFE_H

#include "adapters/venue.h"
#include "base/buf.h"
#include "store/store.h"

#define AGENT_LIFE_NAME_MAX 17 /* as shown, without the venue's expiry suffix; with its NUL */

/* The one with this address; NULL. */
const struct venue_agent *agent_life_find(const struct venue_agent *agents, size_t n,
                                          const struct addr *address);
/* name without its suffix. */
void agent_life_base(char out[64], const char *name);

struct agent_life_request {
        char name[AGENT_LIFE_NAME_MAX]; /* "": ours to choose */
        bool replace;                   /* may take the place of an agent of that name */
};
/* The name of the agent to make, given what the venue lists and how many it allows. E_INVALID: the name
 * of the agent in use; E_FORBIDDEN: somebody's name, or no slot is left. */
MUST_USE enum errc agent_life_choose(char out[AGENT_LIFE_NAME_MAX],
                                     const struct agent_life_request *request, const char *brand,
                                     const struct store_account *record,
                                     const struct venue_agent *agents, size_t n, unsigned slots,
                                     struct err *err);

/* The successor, if address is its, becomes the current agent; the current one is approved. */
void agent_life_approved(struct store_account *record, const struct addr *address);
/* Takes over what the venue says: agents that it lists are approved, until when it says. True when
 * something changed. */
bool agent_life_follow(struct store_account *record, const struct venue_agent *agents, size_t n);

/* Days of the nearest warning that has been reached: 30, 7, 1; 0: none, also where the end is not
 * known. */
unsigned agent_life_warning(int64_t valid_until, int64_t now);
/* "warnings":[...] as a member, empty unless the agent is active and near its end. */
void agent_life_warn(struct buf *out, const struct store_account *record, bool is_active,
                     int64_t now);

#endif
