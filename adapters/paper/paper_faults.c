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

static struct paper_fault take_at(struct paper *p, unsigned i)
{
        struct paper_fault *fault = &p->fault[i], taken = *fault;

        p->n_fault_hits[fault->kind]++;
        if (--fault->count == 0) {
                memmove(fault, fault + 1, (p->n_faults - i - 1) * sizeof(*fault));
                p->n_faults--;
        }
        return taken;
}

struct paper_fault paper_faults_take(struct paper *p, enum paper_path path)
{
        for (unsigned i = 0; i < p->n_faults; i++) {
                bool is_any = p->fault[i].path == PAPER_PATH_ANY && path != PAPER_PATH_WS;

                if (p->fault[i].path == path || is_any)
                        return take_at(p, i);
        }
        return (struct paper_fault){.kind = PAPER_FAULT_NONE};
}

/* New sockets meet faults of their own. */
static bool meets(enum paper_fault_kind kind, bool is_once, bool is_book)
{
        return kind == PAPER_FAULT_LOST_EVENT     ? is_once
               : kind == PAPER_FAULT_CROSSED_BOOK ? is_book
                                                  : kind != PAPER_FAULT_HALF_OPEN;
}

struct paper_fault paper_faults_take_event(struct paper *p, bool is_once, bool is_book)
{
        for (unsigned i = 0; i < p->n_faults; i++) {
                if (p->fault[i].path == PAPER_PATH_WS && meets(p->fault[i].kind, is_once, is_book))
                        return take_at(p, i);
        }
        return (struct paper_fault){.kind = PAPER_FAULT_NONE};
}

bool paper_faults_take_open(struct paper *p)
{
        for (unsigned i = 0; i < p->n_faults; i++) {
                if (p->fault[i].kind == PAPER_FAULT_HALF_OPEN) {
                        (void)take_at(p, i);
                        return true;
                }
        }
        return false;
}

void paper_faults_clear(struct paper *p)
{
        p->n_faults = 0;
}
