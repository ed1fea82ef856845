#include "adapters/hyperliquid/hl_fields.h"

#include <string.h>

#include "adapters/hyperliquid/hl_raw.h"
#include "base/attr.h"

void hl_fields_begin(struct hl_fields *f, const json_t *value, struct err *err)
{
        *f = (struct hl_fields){.object = value, .err = err};
        if (!json_is_object(value))
                f->rc = err_set(err, E_SYNTAX, "An object was expected.");
}

void hl_fields_fail(struct hl_fields *f, enum errc code, const char *key, const char *expected)
{
        if (!f->rc)
                f->rc = err_field(f->err, code, key, "%s", expected);
}

static bool is_known(const struct hl_fields *f, const char *key)
{
        for (unsigned i = 0; i < f->n; i++) {
                if (strcmp(f->known[i], key) == 0)
                        return true;
        }
        return false;
}

enum errc hl_fields_end(struct hl_fields *f)
{
        json_t *object;
        void *it;

        if (f->rc)
                return f->rc;
        object = hl_raw_mutable(f->object);
        for (it = json_object_iter(object); it; it = json_object_iter_next(object, it)) {
                if (!is_known(f, json_object_iter_key(it)))
                        hl_fields_fail(f, E_SYNTAX, json_object_iter_key(it), "unknown field");
        }
        return f->rc;
}

const json_t *hl_fields_optional(struct hl_fields *f, const char *key)
{
        const json_t *value;

        if (f->rc)
                return NULL;
        must(f->n < HL_FIELDS_MAX);
        f->known[f->n++] = key;
        value = json_object_get(f->object, key);
        return json_is_null(value) ? NULL : value;
}

const json_t *hl_fields_value(struct hl_fields *f, const char *key)
{
        const json_t *value = hl_fields_optional(f, key);

        if (!value)
                hl_fields_fail(f, E_SYNTAX, key, "missing");
        return value;
}

const char *hl_fields_text(struct hl_fields *f, const char *key, size_t *len)
{
        const json_t *value = hl_fields_value(f, key);
        const char *s = value ? hl_raw_text(value, len) : NULL;

        if (!s)
                hl_fields_fail(f, E_SYNTAX, key, "a string was expected");
        return s;
}

void hl_fields_u64(struct hl_fields *f, const char *key, uint64_t *out)
{
        const json_t *value = hl_fields_value(f, key);

        if (value && hl_raw_uint(out, value))
                hl_fields_fail(f, E_SYNTAX, key, "a whole number was expected");
}

void hl_fields_u32(struct hl_fields *f, const char *key, uint32_t *out)
{
        uint64_t wide = 0;

        hl_fields_u64(f, key, &wide);
        if (wide > UINT32_MAX)
                hl_fields_fail(f, E_RANGE, key, "too large");
        if (!f->rc)
                *out = (uint32_t)wide;
}

void hl_fields_i64(struct hl_fields *f, const char *key, int64_t *out)
{
        const json_t *value = hl_fields_value(f, key);

        if (value && hl_raw_int(out, value))
                hl_fields_fail(f, E_SYNTAX, key, "a whole number was expected");
}

void hl_fields_bool(struct hl_fields *f, const char *key, bool *out)
{
        const json_t *value = hl_fields_value(f, key);

        if (value && !json_is_boolean(value))
                hl_fields_fail(f, E_SYNTAX, key, "true or false was expected");
        if (!f->rc)
                *out = json_is_true(value);
}

void hl_fields_flag(struct hl_fields *f, const char *key, bool *out)
{
        const json_t *value = hl_fields_optional(f, key);

        if (value && !json_is_boolean(value))
                hl_fields_fail(f, E_SYNTAX, key, "true or false was expected");
        *out = value && json_is_true(value);
}

/* Decimals: E_SYNTAX for what is not one, E_RANGE for what does not fit. */
static void decimal(struct hl_fields *f, const char *key, int64_t *out)
{
        size_t len = 0;
        const char *s = hl_fields_text(f, key, &len);
        enum errc rc;

        if (!s)
                return;
        rc = num_parse(out, s, len, NUM_DECIMALS, NUM_REFUSE);
        if (rc)
                hl_fields_fail(f, rc, key, "a decimal number was expected");
}

void hl_fields_px(struct hl_fields *f, const char *key, struct px *out)
{
        decimal(f, key, &out->v);
}

void hl_fields_qty(struct hl_fields *f, const char *key, struct qty *out)
{
        decimal(f, key, &out->v);
}

void hl_fields_addr(struct hl_fields *f, const char *key, struct addr *out)
{
        size_t len = 0;
        const char *s = hl_fields_text(f, key, &len);

        if (s && hex_parse_addr(out, s, len))
                hl_fields_fail(f, E_SYNTAX, key, "an address was expected");
}

void hl_fields_cloid(struct hl_fields *f, const char *key, struct cloid *out)
{
        size_t len = 0;
        const char *s = hl_fields_text(f, key, &len);

        if (s && hex_parse_cloid(out, s, len))
                hl_fields_fail(f, E_SYNTAX, key, "0x and 32 hex digits were expected");
}

unsigned hl_fields_choice(struct hl_fields *f, const char *key, const char *const *names,
                          unsigned n)
{
        size_t len = 0;
        const char *s = hl_fields_text(f, key, &len);

        for (unsigned i = 0; s && i < n; i++) {
                if (strlen(names[i]) == len && memcmp(names[i], s, len) == 0)
                        return i;
        }
        hl_fields_fail(f, E_SYNTAX, key, "another word was expected");
        return 0;
}
