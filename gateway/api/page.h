/* page: pages in the brand's looks, from the templates page.html and docs.html embedded at build
 * time. */
#ifndef API_PAGE_H
#define API_PAGE_H

#include "base/buf.h"
#include "brand/brand.h"

extern const char page_template[], docs_template[]; /* generated */

/* Fills a template for brand; what the operator wrote is escaped for HTML. nonce: hex. */
void page_print(struct buf *out, const char *page, const struct brand *brand, const char *nonce);

#endif
