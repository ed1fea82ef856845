/* yaml_doc: a YAML document as a tree of nodes with line numbers, in the subset a configuration
 * needs: maps, lists and scalars. Refused with their line: anchors, aliases and merge keys (a
 * value stands where it is used), tags (the reader decides types), further documents, duplicate
 * and non-scalar keys, and whatever is above the bounds. Private to brand. */
#ifndef BRAND_YAML_DOC_H
#define BRAND_YAML_DOC_H

#include <stdbool.h>
#include <stddef.h>

#include "brand/problem.h"

#define YAML_DOC_BYTES_MAX ((size_t)256 * 1024)
#define YAML_DOC_DEPTH_MAX 8
#define YAML_DOC_NODES_MAX 8192
#define YAML_DOC_TEXT_MAX  4096 /* bytes of one scalar */

enum yaml_node_kind {
        NODE_BAD, /* its problem has been told: readers pass over it */
        NODE_SCALAR,
        NODE_LIST,
        NODE_MAP,
};

struct yaml_node {
        enum yaml_node_kind kind;
        unsigned line; /* from 1 */
        char *text;    /* scalar; without NUL inside */
        bool is_plain; /* scalar: written without quotes */
        size_t n;      /* children of a list or map */
        size_t cap;
        struct yaml_node **key; /* map */
        struct yaml_node **child;
};

/* The root, or NULL when the text is not one YAML document; problems are in sink. An empty text is
 * an empty map. yaml_doc_free takes it back. */
struct yaml_node *yaml_doc_parse(const void *text, size_t len, struct problem_sink *sink);
void yaml_doc_free(struct yaml_node *node); /* accepts NULL */

/* The value under key of a map; NULL where there is none or map is not one (or NULL). Borrowed. */
const struct yaml_node *yaml_doc_get(const struct yaml_node *map, const char *key);

/* The line of what stands at path ("margin.defaultMode"), or of its nearest ancestor. */
unsigned yaml_doc_line(const struct yaml_node *root, const char *path);

#endif
