/* paper_info: /info request types as a table. A handler writes the answer's JSON into out and returns
 * 0, or an HTTP status: 422 for a request of the wrong shape, 500 for one about nothing known. */
#ifndef PAPER_INFO_H
#define PAPER_INFO_H

#include "adapters/paper/wire.h"

#define PAPER_INFO_OK      0
#define PAPER_INFO_SHAPE   422
#define PAPER_INFO_UNKNOWN 500

typedef int paper_info_fn(struct paper *p, struct buf *out, const json_t *request);
struct paper_info_row {
        const char *type;
        paper_info_fn *run;
};
/* All ended by a NULL type. */
const struct paper_info_row *paper_info_market_rows(void);
const struct paper_info_row *paper_info_dex_rows(void);
const struct paper_info_row *paper_info_account_rows(void);
const struct paper_info_row *paper_info_person_rows(void);

/* The array of a dex's markets that take no more open interest. */
void paper_info_dex_capped(struct paper *p, struct buf *out, const char *key, unsigned dex);

/* Shared readers; false: wrong shape. */
bool paper_info_asset(const struct paper *p, const json_t *request, const char *key, int *asset);
/* The dex named, the first where none is. False: there is no such dex. */
bool paper_info_dex(const struct paper *p, const json_t *request, unsigned *dex);
bool paper_info_user(const json_t *request, const char *key, struct addr *user);
/* startTime and endTime; absent ones leave from and until as they are. */
bool paper_info_range(const json_t *request, int64_t *from, int64_t *until);
/* nSigFigs, mantissa and fast of l2Book. */
bool paper_info_grid(const json_t *request, struct paper_grid *grid);

#endif
