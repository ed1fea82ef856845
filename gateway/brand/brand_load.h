/* brand_load: reads branding/<id>/brand.yaml and the logo beside it, and checks them whole.
 * Private to brand. */
#ifndef BRAND_BRAND_LOAD_H
#define BRAND_BRAND_LOAD_H

#include "brand/brand.h"
#include "brand/problem.h"

/* Where things stood, for checks that need several brands at once. */
struct brand_source {
        char file[512];
        unsigned host_line[BRAND_HOSTS_MAX];
};

/* folder's last segment is the brand's id. NULL when anything is wrong: problems has at least one
 * more line then. */
struct brand *brand_load(const char *folder, struct brand_source *source, struct buf *problems);

/* The same from a text in memory; folder is where the logo is looked for. */
struct brand *brand_load_text(const char *folder, const void *text, size_t len,
                              struct brand_source *source, struct buf *problems);

#endif
