/* order_page: pages of orders, newest first, and the cursors between them. Pure. An order's place is
 * its time and, within that, the venue's number; a cursor names the place of the last one shown, so that
 * orders which come and go meanwhile shift nothing. */
#ifndef API_ORDER_PAGE_H
#define API_ORDER_PAGE_H

#include "adapters/venue.h"

#define ORDER_CURSOR_MAX 80

/* What the times of a list are: a cursor of one list says nothing in the other. */
enum order_list_kind { ORDER_LIST_OPEN, ORDER_LIST_PAST };

struct order_place {
        int64_t at;
        uint64_t oid;
};

void order_page_print_cursor(char out[ORDER_CURSOR_MAX], enum order_list_kind kind,
                             const struct order_place *place);
/* E_INVALID for anything that was not printed here, for this kind. */
MUST_USE enum errc order_page_parse_cursor(struct order_place *out, enum order_list_kind kind,
                                           const char *cursor);

struct order_place order_page_place(const struct venue_order_status *row);
/* Leaves the latest state of each order, newest first; how many are left. */
size_t order_page_tidy(struct venue_order_status *rows, size_t n);
/* How many of the tidy rows are shown before those behind the place. */
size_t order_page_behind(const struct venue_order_status *rows, size_t n,
                         const struct order_place *place);

#endif
