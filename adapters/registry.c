/* registry: the venues there are, one row each. */
#include <stdlib.h>
#include <string.h>

#include "adapters/hyperliquid/hl_venue.h"
#include "adapters/venue.h"

static const struct {
        const char *kind;
        struct venue *(*open)(struct loop *loop, const struct venue_options *options,
                              struct err *err);
} venues[] = {
        {"hyperliquid", hl_venue_open},
};

struct venue *venue_open(struct loop *loop, const struct venue_options *options, struct err *err)
{
        const char *kind = options->kind ? options->kind : "";

        for (size_t i = 0; i < sizeof venues / sizeof *venues; i++) {
                if (strcmp(venues[i].kind, kind) == 0)
                        return venues[i].open(loop, options, err);
        }
        (void)err_field(err, E_CONFIG, "kind", "there is no venue of kind \"%s\"", kind);
        return NULL;
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
