#include "api/schema.h"

#include <stdio.h>
#include <string.h>

#include "base/hex.h"
#include "base/mem.h"
#include "base/num.h"

#define TIME_MAX_MS INT64_C(253402300799999)
#define SECONDS_MAX INT64_C(253402300799)

static void *at(void *out, size_t offset)
{
        return (char *)out + offset;
}

static enum errc read_decimal(void *value, const json_t *v, const struct field *f, const char *path,
                              struct err *err)
{
        unsigned decimals = f->type == FIELD_RATE ? NUM_RATE_DECIMALS : NUM_DECIMALS;
        int64_t n = 0;
        enum errc rc = E_INVALID;

        if (!json_is_string(v))
                return err_field(err, E_INVALID, path, "must be a decimal string, like \"0.25\"");
        rc = num_parse(&n, json_string_value(v), json_string_length(v), decimals, NUM_REFUSE);
        if (rc == E_RANGE)
                return err_field(err, E_INVALID, path, "is too large");
        if (rc)
                return err_field(err, E_INVALID, path,
                                 "must be a plain decimal with at most %u decimals", decimals);
        if (f->type == FIELD_SIGNED_USD ? n == 0 : n <= 0)
                return err_field(err, E_INVALID, path,
                                 f->type == FIELD_SIGNED_USD ? "must not be zero"
                                                             : "must be above zero");
        if (f->type == FIELD_RATE && n > NUM_RATE_SCALE)
                return err_field(err, E_INVALID, path, "must be at most 1");
        memcpy(value, &n, sizeof n);
        return E_OK;
}

static enum errc read_text(char *value, const json_t *v, const struct field *f, const char *path,
                           struct err *err)
{
        const char *s = json_string_value(v);
        size_t n = s ? json_string_length(v) : 0;

        if (!s || n == 0 || n >= f->size)
                return err_field(err, E_INVALID, path, "must be a string of 1 to %zu characters",
                                 f->size - 1);
        for (size_t i = 0; i < n; i++)
                if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f)
                        return err_field(err, E_INVALID, path, "must not hold control characters");
        memcpy(value, s, n);
        value[n] = '\0';
        return E_OK;
}

static enum errc read_raw(const char **value, const json_t *v, const struct field *f,
                          const char *path, struct err *err)
{
        const char *s = json_string_value(v);

        if (!s || json_string_length(v) > f->size || strlen(s) != json_string_length(v))
                return err_field(err, E_INVALID, path, "must be a string of at most %zu bytes",
                                 f->size);
        *value = s;
        return E_OK;
}

static enum errc read_word(int *value, const json_t *v, const struct field *f, const char *path,
                           struct err *err)
{
        const char *s = json_string_value(v);
        char all[128] = "";
        size_t len = 0;

        for (int i = 0; f->words[i]; i++) {
                if (s && strcmp(s, f->words[i]) == 0) {
                        *value = i;
                        return E_OK;
                }
                int n = snprintf(all + len, sizeof all - len, "%s%s", i ? ", " : "", f->words[i]);
                if (n > 0 && (size_t)n < sizeof all - len)
                        len += (size_t)n;
        }
        return err_field(err, E_INVALID, path, "must be one of: %s", all);
}

static enum errc read_uint(unsigned *value, const json_t *v, const struct field *f,
                           const char *path, struct err *err)
{
        json_int_t n = json_integer_value(v);

        if (!json_is_integer(v) || n < 1 || (unsigned long long)n > f->size)
                return err_field(err, E_INVALID, path, "must be a whole number from 1 to %zu",
                                 f->size);
        *value = (unsigned)n;
        return E_OK;
}

static enum errc read_uint_or_null(unsigned *value, const json_t *v, const struct field *f,
                                   const char *path, struct err *err)
{
        json_int_t n = json_integer_value(v); /* 0 for null */

        if ((!json_is_integer(v) && !json_is_null(v)) || n < 0 || (unsigned long long)n > f->size)
                return err_field(err, E_INVALID, path,
                                 "must be a whole number from 0 to %zu, or null", f->size);
        *value = (unsigned)n;
        return E_OK;
}

static enum errc read_address(struct addr *value, const json_t *v, const char *path,
                              struct err *err)
{
        const char *s = json_string_value(v);

        if (!s || hex_parse_addr(value, s, json_string_length(v)))
                return err_field(err, E_INVALID, path, "must be an address: 0x and 40 hex digits");
        return E_OK;
}

static enum errc read_list(const json_t **value, const json_t *v, const struct field *f,
                           const char *path, struct err *err)
{
        size_t n = json_array_size(v);

        if (!json_is_array(v) || n == 0 || n > f->size)
                return err_field(err, E_INVALID, path, "must be an array of 1 to %zu %s", f->size,
                                 f->type == FIELD_LIST ? "objects" : "strings");
        for (size_t i = 0; i < n; i++)
                if (f->type == FIELD_LIST ? !json_is_object(json_array_get(v, i))
                                          : !json_is_string(json_array_get(v, i)))
                        return err_field(err, E_INVALID, path, "must hold %s only",
                                         f->type == FIELD_LIST ? "objects" : "strings");
        *value = v;
        return E_OK;
}

static enum errc read_seconds(int64_t *out, const json_t *v, const char *path, struct err *err)
{
        json_int_t n = json_integer_value(v);

        if (!json_is_integer(v) || n < -SECONDS_MAX || n > SECONDS_MAX)
                return err_field(err, E_INVALID, path, "must be whole seconds since 1970");
        *out = n;
        return E_OK;
}

static enum errc read_time(int64_t *value, const json_t *v, const char *path, struct err *err)
{
        json_int_t n = json_integer_value(v);

        if (!json_is_integer(v) || n < 0 || n > TIME_MAX_MS)
                return err_field(err, E_INVALID, path, "must be a time in milliseconds since 1970");
        *value = n;
        return E_OK;
}

static enum errc read_texts(struct field_texts *value, const json_t *v, const struct field *f,
                            const char *path, struct err *err)
{
        size_t n = json_array_size(v);

        if (!json_is_array(v) || n == 0 || n > FIELD_TEXTS_MAX)
                return err_field(err, E_INVALID, path, "must be a list of 1 to %d strings",
                                 FIELD_TEXTS_MAX);
        for (size_t i = 0; i < n; i++) {
                enum errc rc = read_raw(&value->item[i], json_array_get(v, i), f, path, err);
                if (rc)
                        return rc;
        }
        value->n = (unsigned)n;
        return E_OK;
}

static enum errc read_object(void *out, const json_t *object, const struct field *fields, size_t n,
                             const char *prefix, struct err *err);

static enum errc read_one(void *out, const json_t *v, const struct field *f, const char *path,
                          struct err *err)
{
        void *value = at(out, f->offset);

        switch (f->type) {
        case FIELD_PX:
        case FIELD_QTY:
        case FIELD_USD:
        case FIELD_SIGNED_USD:
        case FIELD_RATE: return read_decimal(value, v, f, path, err);
        case FIELD_TEXT: return read_text(value, v, f, path, err);
        case FIELD_RAW: return read_raw(value, v, f, path, err);
        case FIELD_WORD: return read_word(value, v, f, path, err);
        case FIELD_UINT: return read_uint(value, v, f, path, err);
        case FIELD_UINT_OR_NULL: return read_uint_or_null(value, v, f, path, err);
        case FIELD_ADDRESS: return read_address(value, v, path, err);
        case FIELD_TIME: return read_time(value, v, path, err);
        case FIELD_SECONDS: return read_seconds(value, v, path, err);
        case FIELD_TEXTS: return read_texts(value, v, f, path, err);
        case FIELD_BOOL:
                if (!json_is_boolean(v))
                        return err_field(err, E_INVALID, path, "must be true or false");
                *(bool *)value = json_is_true(v);
                return E_OK;
        case FIELD_STRINGS:
        case FIELD_LIST: return read_list(value, v, f, path, err);
        case FIELD_OBJECT_OR_NULL:
                if (json_is_null(v)) {
                        *(bool *)at(out, f->null) = true;
                        return E_OK;
                }
                if (!json_is_object(v))
                        return err_field(err, E_INVALID, path, "must be an object or null");
                return read_object(value, v, f->sub, f->n_sub, path, err);
        case FIELD_OBJECT:
                if (!json_is_object(v))
                        return err_field(err, E_INVALID, path, "must be an object");
                return read_object(value, v, f->sub, f->n_sub, path, err);
        }
        never("field type");
}

static const struct field *find(const struct field *fields, size_t n, const char *name)
{
        for (size_t i = 0; i < n; i++)
                if (strcmp(fields[i].name, name) == 0)
                        return &fields[i];
        return NULL;
}

static void join(char *path, size_t cap, const char *prefix, const char *name)
{
        int n = snprintf(path, cap, "%s%s%.40s", prefix, prefix[0] ? "." : "", name);

        must(n >= 0);
}

static enum errc read_object(void *out, const json_t *object, const struct field *fields, size_t n,
                             const char *prefix, struct err *err)
{
        enum errc rc = E_OK;
        char path[64];
        const char *name;
        json_t *v;

        /* jansson's iteration macro casts away const; nothing is changed. */
        json_object_foreach((json_t *)(uintptr_t)object, name, v)
        {
                const struct field *f = find(fields, n, name);
                enum errc one;
                join(path, sizeof path, prefix, name);
                if (!f)
                        one = err_field(err, E_INVALID, path, "is not a field of this request");
                else
                        one = read_one(out, v, f, path, err);
                if (one)
                        rc = one;
                else if (f && f->present != FIELD_NO_FLAG && !json_is_null(v))
                        *(bool *)at(out, f->present) = true;
        }
        for (size_t i = 0; i < n; i++) {
                if (!fields[i].required || json_object_get(object, fields[i].name))
                        continue;
                join(path, sizeof path, prefix, fields[i].name);
                rc = err_field(err, E_INVALID, path, "is required");
        }
        return rc;
}

enum errc schema_read(void *out, const json_t *object, const struct field *fields, size_t n,
                      struct err *err)
{
        return read_object(out, object, fields, n, "", err);
}
