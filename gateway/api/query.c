/* A query becomes a JSON object of its parameters, so that one reader knows all the rules. */
#include "api/query.h"

#include <string.h>

#include "base/hex.h"
#include "base/mem.h"
#include "base/num.h"

#define NAME_MAX_BYTES 64

static const struct field *find(const struct field *fields, size_t n, const char *name)
{
        for (size_t i = 0; i < n; i++)
                if (strcmp(fields[i].name, name) == 0)
                        return &fields[i];
        return NULL;
}

/* Percent-encoding undone. E_SYNTAX for what is not well encoded or does not fit; a NUL would cut
 * what is compared later. */
static enum errc decode(char *out, size_t cap, const char *s, size_t len)
{
        size_t n = 0;

        for (size_t i = 0; i < len; i++) {
                uint8_t byte = (uint8_t)s[i];

                if (s[i] == '%') {
                        if (len - i < 3 || hex_decode(&byte, 1, s + i + 1, 2))
                                return E_SYNTAX;
                        i += 2;
                }
                if (byte == 0 || n + 1 >= cap)
                        return E_SYNTAX;
                out[n++] = (char)byte;
        }
        out[n] = '\0';
        return E_OK;
}

/* Numbers are digits in a query and integers in the tables. */
static json_t *value_of(const struct field *field, const char *text)
{
        bool is_signed = field && field->type == FIELD_SECONDS;
        bool is_number = field && (field->type == FIELD_UINT || field->type == FIELD_TIME);
        size_t len = strlen(text), sign = is_signed && text[0] == '-';
        int64_t number = 0;

        if ((is_number || is_signed) && len > sign && len <= 18 &&
            strspn(text + sign, "0123456789") == len - sign &&
            num_parse(&number, text, len, 0, NUM_REFUSE) == E_OK)
                return json_integer(number);
        return json_string(text);
}

static enum errc add(json_t *object, const char *piece, size_t len, const struct field *fields,
                     size_t n, struct err *err)
{
        const char *equals = memchr(piece, '=', len);
        size_t name_len = equals ? (size_t)(equals - piece) : len;
        char name[NAME_MAX_BYTES], text[QUERY_VALUE_MAX];
        json_t *value;

        if (decode(name, sizeof name, piece, name_len))
                return err_set(err, E_INVALID, "A parameter of the query has no valid name.");
        if (decode(text, sizeof text, equals ? equals + 1 : "", equals ? len - name_len - 1 : 0))
                return err_field(err, E_INVALID, name, "is not a value that is taken here");
        if (json_object_get(object, name))
                return err_field(err, E_INVALID, name, "must be given once");
        value = value_of(find(fields, n, name), text);
        if (!value || json_object_set_new(object, name, value))
                return err_field(err, E_INVALID, name, "is not valid UTF-8");
        return E_OK;
}

enum errc query_read(void *out, const char *query, const struct field *fields, size_t n,
                     struct err *err)
{
        json_t *object = json_object();
        enum errc rc = E_OK;

        while (*query && !rc) {
                size_t len = strcspn(query, "&");

                if (len > 0)
                        rc = add(object, query, len, fields, n, err);
                query += len + (query[len] == '&');
        }
        if (!rc)
                rc = schema_read(out, object, fields, n, err);
        json_decref(object);
        return rc;
}
