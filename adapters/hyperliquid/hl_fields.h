/* hl_fields: reads a JSON object strictly, field by field. The first error sticks and every later
 * read does nothing, so a parser is a plain list of reads and one check at the end; whatever was
 * not asked for is an unknown field, and refused. */
#ifndef HL_FIELDS_H
#define HL_FIELDS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/hex.h"
#include "base/num.h"

#define HL_FIELDS_MAX 16

struct hl_fields {
        const json_t *object; /* borrowed */
        struct err *err;
        enum errc rc;
        unsigned n;
        const char *known[HL_FIELDS_MAX]; /* asked for so far */
};

void hl_fields_begin(struct hl_fields *f, const json_t *value, struct err *err);
/* Marks an error at key unless there is one. */
void hl_fields_fail(struct hl_fields *f, enum errc code, const char *key, const char *expected);
/* E_SYNTAX when the object has a field that was not asked for; else the first error. */
MUST_USE enum errc hl_fields_end(struct hl_fields *f);

/* The value; NULL after an error, or when it is absent or null (an error unless optional). */
const json_t *hl_fields_value(struct hl_fields *f, const char *key);
const json_t *hl_fields_optional(struct hl_fields *f, const char *key);

/* Required scalars: text out is borrowed. */
const char *hl_fields_text(struct hl_fields *f, const char *key, size_t *len);
void hl_fields_u32(struct hl_fields *f, const char *key, uint32_t *out);
void hl_fields_u64(struct hl_fields *f, const char *key, uint64_t *out);
void hl_fields_i64(struct hl_fields *f, const char *key, int64_t *out);
void hl_fields_bool(struct hl_fields *f, const char *key, bool *out);
void hl_fields_px(struct hl_fields *f, const char *key, struct px *out);
void hl_fields_qty(struct hl_fields *f, const char *key, struct qty *out);
void hl_fields_addr(struct hl_fields *f, const char *key, struct addr *out);
void hl_fields_cloid(struct hl_fields *f, const char *key, struct cloid *out);
/* Index of the text in names (n of them); 0 after an error. */
unsigned hl_fields_choice(struct hl_fields *f, const char *key, const char *const *names,
                          unsigned n);
/* False when absent or null. */
void hl_fields_flag(struct hl_fields *f, const char *key, bool *out);

#endif
