/* schema: reads a JSON object into a struct by a table of fields. Unknown fields, wrong types,
 * numbers where strings belong and values out of bounds are reported by field, all at once. */
#ifndef API_SCHEMA_H
#define API_SCHEMA_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum field_type {
        FIELD_TEXT, /* char[size], 1..size-1 printable bytes */
        FIELD_RAW,  /* const char * borrowed from the JSON, any text of up to size bytes */
        FIELD_PX,   /* decimal strings, > 0 */
        FIELD_QTY,
        FIELD_USD,
        FIELD_SIGNED_USD, /* decimal string, any sign, not zero */
        FIELD_RATE,       /* decimal string, > 0 and at most 1 */
        FIELD_WORD,       /* an enum: index into words, stored as int */
        FIELD_BOOL,
        FIELD_UINT,           /* unsigned, 1..max */
        FIELD_UINT_OR_NULL,   /* unsigned, 0..max; null is 0 */
        FIELD_ADDRESS,        /* struct addr */
        FIELD_OBJECT,         /* sub-table into a struct at offset */
        FIELD_OBJECT_OR_NULL, /* the same; null sets the bool at offset `null` instead */
        FIELD_TIME,           /* int64_t, wall ms, 0..253402300799999 (the year 9999) */
        FIELD_SECONDS,        /* int64_t, Unix seconds of any sign, to the year 9999 */
        FIELD_TEXTS,   /* struct field_texts: 1..FIELD_TEXTS_MAX strings of up to size bytes */
        FIELD_STRINGS, /* const json_t * borrowed from the JSON: an array of 1..size strings */
        FIELD_LIST,    /* the same: an array of 1..size objects */
};

#define FIELD_TEXTS_MAX 16
struct field_texts {
        unsigned n;
        const char *item[FIELD_TEXTS_MAX]; /* borrowed from the JSON */
};

#define FIELD_NO_FLAG ((size_t)-1)

struct field {
        const char *name;
        enum field_type type;
        bool required;
        size_t offset;  /* of the value in the struct */
        size_t present; /* of a bool that says it was there, or FIELD_NO_FLAG */
        size_t size;    /* TEXT, RAW, TEXTS: bytes; UINT: largest value; LIST, STRINGS: items */
        const char *const *words; /* WORD: NULL-terminated */
        const struct field *sub;  /* OBJECT */
        size_t n_sub;
        size_t null; /* OBJECT_OR_NULL */
};

/* A table that a route reads its body or query by, for whoever describes the route. */
struct field_table {
        const struct field *field;
        size_t n;
};
#define FIELD_TABLE(name, fields)                                                                  \
        const struct field_table name = {fields, sizeof(fields) / sizeof *(fields)}

/* Fills out (zeroed by the caller). E_INVALID with every offending field in err. */
MUST_USE enum errc schema_read(void *out, const json_t *object, const struct field *fields,
                               size_t n, struct err *err);

#endif
