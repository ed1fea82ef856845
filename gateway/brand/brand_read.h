/* brand_read: the table of a brand.yaml's keys. Private to brand. */
#ifndef BRAND_BRAND_READ_H
#define BRAND_BRAND_READ_H

#include "brand/brand.h"
#include "brand/problem.h"
#include "brand/yaml_doc.h"

#define BRAND_LEVERAGE_MAX    1000
#define BRAND_BUILDER_FEE_MAX 100 /* tenths of a basis point: 0.1%, the most a venue takes */

/* What the table fills: the brand, and what needs a second look once everything is read. */
struct brand_reading {
        struct brand brand;
        unsigned host_line[BRAND_HOSTS_MAX];
        unsigned webhook_line[BRAND_HOOKS_MAX];
        char builder_address[ADDR_STR_MAX];
};

void brand_read(struct problem_sink *sink, const struct yaml_node *root,
                struct brand_reading *reading);

#endif
