#include "adapters/venue.h"

#include <stdlib.h>

#include "adapters/registry.h"

struct venue *venue_open(struct loop *loop, const struct venue_options *options, struct err *err)
{
        const char *kind = options->kind ? options->kind : "";
        registry_open_fn *open = registry_find(kind);

        if (!open) {
                (void)err_field(err, E_CONFIG, "kind", "there is no venue of kind \"%s\"", kind);
                return NULL;
        }
        return open(loop, options, err);
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
