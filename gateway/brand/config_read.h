/* config_read: the table of gateway.yaml's keys. Private to brand. */
#ifndef BRAND_CONFIG_READ_H
#define BRAND_CONFIG_READ_H

#include "brand/config.h"
#include "brand/problem.h"
#include "brand/yaml_doc.h"

#define CONFIG_BRANDS_MAX 64

/* What the table fills: the configuration, and what is not kept once it is checked. */
struct config_reading {
        struct config config;
        bool allow_remote_admin;
        size_t n_brands;
        char brand_folder[CONFIG_BRANDS_MAX][256];
};

void config_read(struct problem_sink *sink, const struct yaml_node *root,
                 struct config_reading *reading);

#endif
