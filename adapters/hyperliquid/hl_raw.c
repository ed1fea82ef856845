#include "adapters/hyperliquid/hl_raw.h"

#include <string.h>

#include "base/attr.h"
#include "base/buf.h"

/* ---- Loading ---- */

/* One pass over the text before jansson sees it: bounds the nesting, refuses NUL, and finds the
 * integers that need a carrier. Everything else that is wrong is left for jansson to find. */
struct scan {
        const char *s;
        size_t len;
        size_t i;
        unsigned depth;
        struct buf *out;   /* NULL in the first pass: only look */
        bool has_carriers; /* there is an integer above 2^63-1 */
};

static bool starts_number(char c)
{
        return c == '-' || (c >= '0' && c <= '9');
}

static bool continues_number(char c)
{
        return starts_number(c) || c == '+' || c == '.' || c == 'e' || c == 'E';
}

/* Digits alone, above 2^63-1 and at most 2^64-1. */
static bool needs_carrier(const char *s, size_t len)
{
        static const char int64_max[] = "9223372036854775807";
        static const char uint64_max[] = "18446744073709551615";

        if (s[0] == '0')
                return false;
        for (size_t i = 0; i < len; i++) {
                if (s[i] < '0' || s[i] > '9')
                        return false;
        }
        if (len == sizeof int64_max - 1)
                return memcmp(s, int64_max, len) > 0;
        return len == sizeof uint64_max - 1 && memcmp(s, uint64_max, len) <= 0;
}

static void scan_number(struct scan *scan)
{
        const char *start = scan->s + scan->i;
        size_t n = 0;
        bool carried;

        while (scan->i + n < scan->len && continues_number(start[n]))
                n++;
        carried = needs_carrier(start, n);
        scan->has_carriers |= carried;
        scan->i += n;
        if (!scan->out)
                return;
        if (carried)
                buf_puts(scan->out, "\"\\u0000");
        buf_put(scan->out, start, n);
        if (carried)
                buf_putc(scan->out, '"');
}

/* A string, quotes included. NUL would pass for a carrier. */
static enum errc scan_string(struct scan *scan)
{
        static const char nul[] = "\\u0000";
        size_t start = scan->i++;

        while (scan->i < scan->len && scan->s[scan->i] != '"') {
                if (scan->s[scan->i] == '\0')
                        return E_SYNTAX;
                if (scan->s[scan->i] != '\\') {
                        scan->i++;
                        continue;
                }
                if (scan->len - scan->i >= 6 && memcmp(scan->s + scan->i, nul, 6) == 0)
                        return E_SYNTAX;
                scan->i += 2; /* the escaped character can't end the string */
        }
        if (scan->i >= scan->len)
                return E_SYNTAX;
        scan->i++;
        if (scan->out)
                buf_put(scan->out, scan->s + start, scan->i - start);
        return E_OK;
}

static enum errc scan_text(struct scan *scan)
{
        while (scan->i < scan->len) {
                char c = scan->s[scan->i];

                if (c == '"') {
                        if (scan_string(scan))
                                return E_SYNTAX;
                        continue;
                }
                if (starts_number(c)) {
                        scan_number(scan);
                        continue;
                }
                if ((c == '{' || c == '[') && ++scan->depth > HL_RAW_DEPTH_MAX)
                        return E_SYNTAX;
                if ((c == '}' || c == ']') && scan->depth > 0)
                        scan->depth--;
                if (scan->out)
                        buf_putc(scan->out, c);
                scan->i++;
        }
        return E_OK;
}

json_t *hl_raw_load(const char *text, size_t len, struct err *err)
{
        struct scan scan = {.s = text, .len = len};
        struct buf copy;
        json_error_t where;
        json_t *root = NULL;

        buf_init(&copy, len * 2 + 64); /* a carrier adds 8 bytes to at least 19 */
        if (scan_text(&scan)) {
                (void)err_set(err, E_SYNTAX,
                              "The text is not JSON, or is nested more than %d deep.",
                              HL_RAW_DEPTH_MAX);
                goto done;
        }
        if (scan.has_carriers) {
                scan = (struct scan){.s = text, .len = len, .out = &copy};
                must(scan_text(&scan) == E_OK && buf_check(&copy) == E_OK);
                root = json_loadb((const char *)copy.data, copy.len,
                                  JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL,
                                  &where);
        } else {
                root = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &where);
        }
        if (!root)
                (void)err_set(err, E_SYNTAX, "The text is not JSON: %s (at byte %d).", where.text,
                              where.position);
done:
        buf_fini(&copy);
        return root;
}

/* ---- Values ---- */

static bool is_carrier(const json_t *value)
{
        return json_is_string(value) && json_string_length(value) > 1 &&
               json_string_value(value)[0] == '\0';
}

enum errc hl_raw_uint(uint64_t *out, const json_t *value)
{
        uint64_t v = 0;

        if (json_is_integer(value)) {
                if (json_integer_value(value) < 0)
                        return E_SYNTAX;
                *out = (uint64_t)json_integer_value(value);
                return E_OK;
        }
        if (!is_carrier(value))
                return E_SYNTAX;
        for (size_t i = 1; i < json_string_length(value); i++)
                v = v * 10 + (uint64_t)(json_string_value(value)[i] - '0');
        *out = v;
        return E_OK;
}

enum errc hl_raw_int(int64_t *out, const json_t *value)
{
        if (!json_is_integer(value))
                return E_SYNTAX;
        *out = json_integer_value(value);
        return E_OK;
}

const char *hl_raw_text(const json_t *value, size_t *len)
{
        if (!json_is_string(value) || is_carrier(value))
                return NULL;
        if (len)
                *len = json_string_length(value);
        return json_string_value(value);
}

enum errc hl_raw_get_uint(uint64_t *out, const json_t *object, const char *key)
{
        return hl_raw_uint(out, json_object_get(object, key));
}

enum errc hl_raw_get_int(int64_t *out, const json_t *object, const char *key)
{
        return hl_raw_int(out, json_object_get(object, key));
}

enum errc hl_raw_get_bool(bool *out, const json_t *object, const char *key)
{
        const json_t *value = json_object_get(object, key);

        if (!json_is_boolean(value))
                return E_SYNTAX;
        *out = json_is_true(value);
        return E_OK;
}

enum errc hl_raw_get_addr(struct addr *out, const json_t *object, const char *key)
{
        size_t len = 0;
        const char *s = hl_raw_get_text(object, key, &len);

        return s ? hex_parse_addr(out, s, len) : E_SYNTAX;
}

const char *hl_raw_get_text(const json_t *object, const char *key, size_t *len)
{
        return hl_raw_text(json_object_get(object, key), len);
}

bool hl_raw_is_absent(const json_t *object, const char *key)
{
        const json_t *value = json_object_get(object, key);

        return !value || json_is_null(value);
}

json_t *hl_raw_mutable(const json_t *value)
{
        union {
                const json_t *in;
                json_t *out;
        } cast = {.in = value};

        return cast.out;
}

/* ---- The walk ---- */

static enum errc walk(const json_t *value, struct hl_emit *emit, unsigned depth);

static enum errc walk_object(const json_t *value, struct hl_emit *emit, unsigned depth)
{
        json_t *object = hl_raw_mutable(value);
        enum errc rc = E_OK;

        emit->map(emit, (unsigned)json_object_size(object));
        for (void *it = json_object_iter(object); it && !rc;
             it = json_object_iter_next(object, it)) {
                emit->key(emit, json_object_iter_key(it));
                rc = walk(json_object_iter_value(it), emit, depth + 1);
        }
        emit->end(emit);
        return rc;
}

static enum errc walk_array(const json_t *value, struct hl_emit *emit, unsigned depth)
{
        enum errc rc = E_OK;

        emit->array(emit, (unsigned)json_array_size(value));
        for (size_t i = 0; i < json_array_size(value) && !rc; i++)
                rc = walk(json_array_get(value, i), emit, depth + 1);
        emit->end(emit);
        return rc;
}

static enum errc walk_string(const json_t *value, struct hl_emit *emit)
{
        uint64_t number;

        if (!is_carrier(value)) {
                emit->text(emit, json_string_value(value), json_string_length(value));
                return E_OK;
        }
        must(hl_raw_uint(&number, value) == E_OK);
        emit->uint(emit, number);
        return E_OK;
}

static enum errc walk(const json_t *value, struct hl_emit *emit, unsigned depth)
{
        if (!value || depth >= HL_RAW_DEPTH_MAX)
                return E_SYNTAX;
        switch (json_typeof(value)) {
        case JSON_OBJECT: return walk_object(value, emit, depth);
        case JSON_ARRAY: return walk_array(value, emit, depth);
        case JSON_STRING: return walk_string(value, emit);
        case JSON_INTEGER: emit->sint(emit, json_integer_value(value)); return E_OK;
        case JSON_REAL: return E_SYNTAX;
        case JSON_TRUE: emit->boolean(emit, true); return E_OK;
        case JSON_FALSE: emit->boolean(emit, false); return E_OK;
        case JSON_NULL: emit->null(emit); return E_OK;
        }
        return E_SYNTAX;
}

enum errc hl_raw_walk(const json_t *value, struct hl_emit *emit)
{
        return walk(value, emit, 0);
}

/* ---- Kinds ---- */

/* Known to the venue, but not given a type of their own here. */
static const char *const other_l1[] = {
        "agentEnableDexAbstraction",
        "agentSendAsset",
        "claimRewards",
        "setDisplayName",
        "subAccountSpotTransfer",
        "createVault",
        "vaultTransfer",
        "vaultModify",
        "vaultDistribute",
        "evmUserModify",
        "spotUser",
        "borrowLend",
        "userOutcome",
        "gossipPriorityBid",
        "hip3LiquidatorTransfer",
        "validatorL1Stream",
        "authorizeAqav2Role",
        "finalizeEvmContract",
        "CSignerAction",
        "CValidatorAction",
        "perpDeploy",
        "spotDeploy",
        "outcomeDeploy",
        "activateOutcomeDeployer",
};

enum hl_raw_kind hl_raw_kind(const char *type)
{
        for (int t = HL_ORDER; t <= HL_NOOP; t++) {
                if (strcmp(type, hl_action_type_name((enum hl_action_type)t)) == 0)
                        return HL_RAW_TYPED;
        }
        if (strcmp(type, "multiSig") == 0)
                return HL_RAW_MULTI_SIG;
        if (hl_raw_user_type(type))
                return HL_RAW_USER;
        for (size_t i = 0; i < sizeof other_l1 / sizeof *other_l1; i++) {
                if (strcmp(type, other_l1[i]) == 0)
                        return HL_RAW_L1;
        }
        return HL_RAW_UNKNOWN;
}
