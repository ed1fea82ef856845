#include "brand/brand_load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/secret_file.h"
#include "brand/block_list.h"
#include "brand/brand_read.h"
#include "brand/check.h"
#include "brand/file.h"
#include "brand/logo.h"
#include "brand/yaml_doc.h"

static void check_hosts(struct problem_sink *sink, const struct brand_reading *r)
{
        const struct brand *b = &r->brand;

        for (unsigned i = 0; i < b->n_hosts; i++)
                for (unsigned j = 0; j < i; j++)
                        if (strcmp(b->host[i], b->host[j]) == 0)
                                problem_add(sink, r->host_line[i],
                                            "hosts: expected each host once: \"%s\" is on line %u",
                                            b->host[i], r->host_line[j]);
}

static void check_margin(struct problem_sink *sink, const struct yaml_node *root,
                         const struct brand *b)
{
        if (!brand_allows_mode(b, b->default_margin_mode))
                problem_add(sink, yaml_doc_line(root, "margin.defaultMode"),
                            "margin.defaultMode: expected one of margin.modes");
        if (b->max_leverage > 0 && b->default_leverage > b->max_leverage)
                problem_add(sink, yaml_doc_line(root, "leverage.default"),
                            "leverage.default: expected at most leverage.max, %u", b->max_leverage);
        if (b->default_slippage.v > b->max_slippage.v)
                problem_add(sink, yaml_doc_line(root, "slippage.default"),
                            "slippage.default: expected at most slippage.max");
}

/* A fee without anybody to receive it, or an address that is charged nothing, is a slip. */
static void check_builder(struct problem_sink *sink, const struct yaml_node *root,
                          struct brand_reading *r)
{
        struct brand *b = &r->brand;
        unsigned line = yaml_doc_line(root, "builder.address");
        bool has_address = r->builder_address[0] != '\0';

        if (!has_address && b->builder_fee_tenth_bp > 0)
                problem_add(sink, yaml_doc_line(root, "builder.feeTenthBp"),
                            "builder.feeTenthBp: expected builder.address beside a fee");
        if (!has_address)
                return;
        if (hex_parse_addr(&b->builder, r->builder_address, strlen(r->builder_address)) ||
            hex_addr_zero(&b->builder)) {
                problem_add(sink, line,
                            "builder.address: expected 0x and 40 hexadecimal digits, not all zero");
                return;
        }
        b->has_builder = true;
}

static void check_terms(struct problem_sink *sink, const struct yaml_node *root,
                        const struct brand *b)
{
        if (b->terms_required && b->terms_version[0] == '\0')
                problem_add(sink, yaml_doc_line(root, "terms.required"),
                            "terms.required: expected terms.version, which is what is accepted");
}

/* Each is of no use without the other; half a policy is taken for a whole one. */
static void check_regions(struct problem_sink *sink, const struct yaml_node *root,
                          const struct brand *b)
{
        if (b->n_regions > 0 && !b->region_header[0])
                problem_add(sink, yaml_doc_line(root, "regions.blocked"),
                            "regions.blocked: expected regions.header, which names the country");
        if (b->n_regions == 0 && b->region_header[0])
                problem_add(sink, yaml_doc_line(root, "regions.header"),
                            "regions.header: expected countries in regions.blocked");
}

/* Symbols capped but not offered are most likely misspelt. */
static void check_caps(struct problem_sink *sink, const struct yaml_node *root,
                       const struct brand *b)
{
        for (unsigned i = 0; i < b->n_caps; i++) {
                char path[64];
                if (brand_offers(b, b->cap[i].symbol))
                        continue;
                snprintf(path, sizeof path, "leverage.caps.%s", b->cap[i].symbol);
                problem_add(sink, yaml_doc_line(root, path),
                            "%s: expected a market that the brand offers", path);
        }
}

static void load_logo(struct problem_sink *sink, const struct yaml_node *root, const char *folder,
                      struct brand *b)
{
        unsigned line = yaml_doc_line(root, "logo");
        unsigned logo_line = 0;
        const char *why = NULL;
        char path[1024];

        if (b->logo_file[0] == '\0')
                return;
        if (!file_join(path, sizeof path, folder, b->logo_file)) {
                problem_add(sink, line, "logo: expected a shorter path");
                return;
        }
        b->logo = file_read(path, LOGO_BYTES_MAX, &b->logo_len, &why);
        if (!b->logo) {
                problem_add(sink, line,
                            "logo: expected a readable file of at most %zu bytes at \"%s\": %s",
                            LOGO_BYTES_MAX, path, why);
                return;
        }
        const char *type = logo_type(b->logo, b->logo_len, &why, &logo_line);
        if (type)
                text_copy(b->logo_type, sizeof b->logo_type, type);
        else
                problem_add(sink, line, "logo: expected %s (%s, line %u)", why, b->logo_file,
                            logo_line);
}

static void load_blocked(struct problem_sink *sink, const struct yaml_node *root,
                         const char *folder, struct brand *b)
{
        unsigned line = yaml_doc_line(root, "addresses.blockedFile");
        const char *why = NULL;
        char path[1024];
        size_t len = 0;

        if (b->blocked_file[0] == '\0')
                return;
        if (!file_join(path, sizeof path, folder, b->blocked_file)) {
                problem_add(sink, line, "addresses.blockedFile: expected a shorter path");
                return;
        }
        uint8_t *text = file_read(path, BLOCK_LIST_BYTES_MAX, &len, &why);
        if (!text) {
                problem_add(sink, line,
                            "addresses.blockedFile: expected a readable file of at most %zu bytes "
                            "at \"%s\": %s",
                            BLOCK_LIST_BYTES_MAX, path, why);
                return;
        }
        struct problem_sink of_list = {.file = path, .out = sink->out};
        b->blocked = block_list_parse(&of_list, text, len, &b->n_blocked);
        sink->n += of_list.n;
        free(text);
}

/* Read here only to tell at once what is wrong with it: whoever signs reads it again. */
static void check_webhooks(struct problem_sink *sink, const char *folder, struct brand_reading *r)
{
        for (unsigned i = 0; i < r->brand.n_webhooks; i++) {
                struct brand_webhook *hook = &r->brand.webhook[i];
                SECRET_LOCAL secret = {NULL, 0};
                struct err err = {.code = E_OK};
                char path[1024];

                if (!hook->secret_file[0])
                        continue; /* told already */
                if (!file_join(path, sizeof path, folder, hook->secret_file) ||
                    !text_copy(hook->secret_file, sizeof hook->secret_file, path))
                        problem_add(sink, r->webhook_line[i],
                                    "alerts.webhooks[%u].secretFile: expected a shorter path", i);
                else if (secret_file_read(&secret, path, BRAND_WEBHOOK_SECRET_MAX, &err))
                        problem_add(sink, r->webhook_line[i], "alerts.webhooks[%u].secretFile: %s",
                                    i, err.detail);
                else if (secret.len < BRAND_WEBHOOK_SECRET_MIN)
                        problem_add(sink, r->webhook_line[i],
                                    "alerts.webhooks[%u].secretFile: expected at least %d "
                                    "characters in %s",
                                    i, BRAND_WEBHOOK_SECRET_MIN, path);
        }
}

static bool read_id(struct problem_sink *sink, const char *folder, struct brand *b)
{
        size_t len = strlen(folder);

        while (len > 1 && folder[len - 1] == '/')
                len--;
        size_t start = len;
        while (start > 0 && folder[start - 1] != '/')
                start--;
        if (len - start < sizeof b->id) {
                memcpy(b->id, folder + start, len - start);
                if (check_folder_id(b->id))
                        return true;
        }
        problem_add(sink, 0,
                    "expected a folder named by the brand's id: a-z first, then a-z, 0-9 and "
                    "'-', at most %d characters",
                    BRAND_ID_MAX - 1);
        return false;
}

static void read_all(struct problem_sink *sink, const struct yaml_node *root, const char *folder,
                     struct brand_reading *r)
{
        (void)read_id(sink, folder, &r->brand);
        brand_read(sink, root, r);
        load_logo(sink, root, folder, &r->brand);
        load_blocked(sink, root, folder, &r->brand);
        check_webhooks(sink, folder, r);
        check_hosts(sink, r);
        check_builder(sink, root, r);
        check_terms(sink, root, &r->brand);
        /* These compare values with one another: only where the values could be read. */
        if (sink->n > 0)
                return;
        check_margin(sink, root, &r->brand);
        check_regions(sink, root, &r->brand);
        check_caps(sink, root, &r->brand);
}

struct brand *brand_load_text(const char *folder, const void *text, size_t len,
                              struct brand_source *source, struct buf *problems)
{
        struct problem_sink sink = {.file = source->file, .out = problems};
        struct brand_reading *r = xcalloc(1, sizeof *r);
        struct yaml_node *root = yaml_doc_parse(text, len, &sink);
        struct brand *brand = xcalloc(1, sizeof *brand);

        if (root)
                read_all(&sink, root, folder, r);
        memcpy(source->host_line, r->host_line, sizeof source->host_line);
        *brand = r->brand;
        yaml_doc_free(root);
        free(r);
        if (root && sink.n == 0)
                return brand;
        brand_free(brand);
        return NULL;
}

struct brand *brand_load(const char *folder, struct brand_source *source, struct buf *problems)
{
        struct problem_sink sink = {.file = folder, .out = problems};
        const char *why = NULL;
        size_t len = 0;

        if (!file_join(source->file, sizeof source->file, folder, "brand.yaml")) {
                problem_add(&sink, 0, "expected a shorter path");
                return NULL;
        }
        sink.file = source->file;
        uint8_t *text = file_read(source->file, YAML_DOC_BYTES_MAX, &len, &why);
        if (!text) {
                problem_add(&sink, 0, "expected a readable brand.yaml: %s", why);
                return NULL;
        }
        struct brand *brand = brand_load_text(folder, text, len, source, problems);
        free(text);
        return brand;
}
