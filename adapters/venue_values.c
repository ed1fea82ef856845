/* What belongs to the values that pass a venue's interface, whichever venue it is. */
#include <stdlib.h>

#include "adapters/venue.h"
#include "base/mem.h"

void venue_item_err(struct err *out, const struct venue_item *item)
{
        *out = (struct err){.code = E_OK};
        (void)err_set(out, item->refusal, "%s", err_text(item->refusal));
        (void)text_copy(out->venue_message, sizeof out->venue_message, item->venue_message);
}

void venue_compiled_fini(struct venue_compiled *compiled)
{
        if (compiled)
                buf_fini(&compiled->body);
}

void venue_account_fini(struct venue_account *account)
{
        if (!account)
                return;
        free(account->position);
        account->position = NULL;
        account->n_positions = 0;
}
