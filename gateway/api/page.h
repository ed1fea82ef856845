/* page: the brand's front page, from the template page.html embedded at build time. */
#ifndef API_PAGE_H
#define API_PAGE_H

#include "base/buf.h"
#include "brand/brand.h"

/* Fills the template for brand; what the operator wrote is escaped for HTML. nonce: hex. */
void page_print(struct buf *out, const struct brand *brand, const char *nonce);

#endif
