/* sub_account: an account without a key of its own: whoever signs for its master acts for it. A value
 * of venue.h. */
#ifndef ADAPTERS_SUB_ACCOUNT_H
#define ADAPTERS_SUB_ACCOUNT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/hex.h"
#include "base/num.h"

#define VENUE_SUB_ACCOUNTS_MAX 50 /* of one account */
#define VENUE_SUB_NAME_MAX     16 /* characters */

struct venue_sub_account {
        struct addr address;
        char name[64];
        struct usd equity, withdrawable;
};
/* Money between it and its master. */
struct venue_funding {
        struct addr sub_account;
        bool is_deposit;   /* from the master, else to it */
        struct usd amount; /* > 0; whole 0.000001 */
};
/* err->code 0 means success; subs is borrowed for the call. */
typedef void venue_sub_accounts_fn(void *cookie, const struct err *err,
                                   const struct venue_sub_account *subs, size_t n);

#endif
