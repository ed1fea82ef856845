/* yaml_read: fills structs from YAML maps by tables of fields. A row says the key, the type, where
 * it goes, its bounds and what stands there when the key is absent; every deviation becomes a
 * problem with its line, and reading goes on, so that one run tells all. Private to brand. */
#ifndef BRAND_YAML_READ_H
#define BRAND_YAML_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "brand/problem.h"
#include "brand/yaml_doc.h"

enum yaml_field_type {
        FIELD_TEXT,   /* char[size]; min..max bytes, one line; accepts() decides the rest */
        FIELD_UINT,   /* unsigned integer of size bytes (2, 4, 8); min..max */
        FIELD_BOOL,   /* true or false */
        FIELD_WORD,   /* an enum: the index of the word in words */
        FIELD_RATE,   /* struct rate from a decimal; min..max in rate units */
        FIELD_MAP,    /* nested: fields, stored into the same object */
        FIELD_CUSTOM, /* read() does it; called with NULL when the key is absent */
};

struct yaml_field {
        const char *key;
        enum yaml_field_type type;
        bool required;
        size_t offset, size;
        int64_t min, max;
        const char *fallback;              /* read as if it stood in the file; NULL: stays zeroed */
        const char *const *words;          /* FIELD_WORD; ended by NULL */
        bool (*accepts)(const char *text); /* FIELD_TEXT; may be NULL */
        const char *expected;              /* what accepts() takes, in words */
        const struct yaml_field *fields;   /* FIELD_MAP; ended by a row without key */
        void (*read)(struct problem_sink *sink, const char *path, const struct yaml_node *node,
                     void *object); /* FIELD_CUSTOM */
};

#define YAML_FIELD_AT(type, member)                                                                \
        .offset = offsetof(struct type, member), .size = sizeof(((struct type *)NULL)->member)

/* Reads map (NULL: absent, every key takes its fallback) into object. path is the map's own, ""
 * for the root; line is where a missing required key is reported. */
void yaml_read_map(struct problem_sink *sink, const char *path, const struct yaml_node *map,
                   unsigned line, const struct yaml_field *fields, void *object);

/* One scalar by a row, for the items of lists. False (and a problem told) when it does not fit. */
bool yaml_read_value(struct problem_sink *sink, const char *path, const struct yaml_node *node,
                     const struct yaml_field *field, void *object);

/* Whether node is of the kind a custom reader needs; tells a problem when it is not. */
bool yaml_read_is_list(struct problem_sink *sink, const char *path, const struct yaml_node *node,
                       size_t max);
bool yaml_read_is_map(struct problem_sink *sink, const char *path, const struct yaml_node *node,
                      size_t max);

/* Digits alone, without a leading zero, at most max. */
bool yaml_read_digits(const char *text, uint64_t max, uint64_t *out);

#endif
