#include <string.h>

#include "adapters/paper/wire.h"

/* Faults asked for through /paper/fault, in the order they came. Each applies to the next `count`
 * requests (or pushed events) on its path and is then gone. */

bool paper_faults_add(struct paper *p, const struct paper_fault *fault)
{
        if (p->n_faults == PAPER_FAULTS_MAX)
                return false;
        p->fault[p->n_faults++] = *fault;
        return true;
}

struct paper_fault paper_faults_take(struct paper *p, enum paper_path path)
{
        struct paper_fault taken = {.kind = PAPER_FAULT_NONE};

        for (unsigned i = 0; i < p->n_faults; i++) {
                struct paper_fault *fault = &p->fault[i];
                bool is_any = fault->path == PAPER_PATH_ANY && path != PAPER_PATH_WS;

                if (fault->path != path && !is_any)
                        continue;
                taken = *fault;
                p->n_fault_hits[fault->kind]++;
                if (--fault->count == 0) {
                        memmove(fault, fault + 1, (p->n_faults - i - 1) * sizeof(*fault));
                        p->n_faults--;
                }
                break;
        }
        return taken;
}

void paper_faults_clear(struct paper *p)
{
        p->n_faults = 0;
}
