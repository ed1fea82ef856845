#include "adapters/venue.h"

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
