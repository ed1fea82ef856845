#include "adapters/paper/recording.h"

#include <jansson.h>
#include <string.h>

#include "adapters/hyperliquid/hl_raw.h"
#include "adapters/paper/jot.h"
#include "base/attr.h"
#include "base/mem.h"

#define AT_MAX    (INT64_C(1) << 48)
#define PRICE_MAX (INT64_C(1000000000) * NUM_SCALE)

static const char *const type_name[] = {
        [RECORDING_PRICE] = "price",
        [RECORDING_BOOK] = "book",
        [RECORDING_TRADE] = "trade",
        [RECORDING_GAP] = "gap",
};
#define N_TYPES (sizeof(type_name) / sizeof(type_name[0]))

bool recording_coin_fits(const char *coin)
{
        size_t len = coin ? strlen(coin) : 0;

        if (len == 0 || len >= RECORDING_COIN)
                return false;
        for (size_t i = 0; i < len; i++)
                if (coin[i] <= ' ' || coin[i] > '~' || coin[i] == '"' || coin[i] == '\\')
                        return false;
        return true;
}

bool recording_price_fits(struct px price)
{
        return price.v > 0 && price.v <= PRICE_MAX;
}

bool recording_book_fits(const struct recording_event *e)
{
        for (size_t side = 0; side < 2; side++) {
                for (size_t i = 0; i < e->n_levels[side]; i++) {
                        const struct recording_level *level = &e->level[side][i];
                        int64_t before = i ? level[-1].price.v : 0;

                        if (!recording_price_fits(level->price) || level->size.v <= 0)
                                return false;
                        if (i && (side == 0 ? level->price.v >= before : level->price.v <= before))
                                return false;
                }
        }
        return !e->n_levels[0] || !e->n_levels[1] ||
               e->level[0][0].price.v < e->level[1][0].price.v;
}

/* ---- Writing --------------------------------------------------------------------------------- */

/* Lines are put together apart: what stands before one is none of its business. */
static void put_line(struct buf *out, struct buf *line)
{
        buf_put(out, line->data, line->len);
        buf_putc(out, '\n');
        buf_fini(line);
}

void recording_print_header(struct buf *out, const char *source, int64_t at)
{
        char name[RECORDING_SOURCE];
        struct buf line;

        (void)text_copy(name, sizeof(name), source);
        buf_init(&line, RECORDING_LINE_MAX);
        jot_object(&line, NULL);
        jot_text(&line, "format", "perpgate-recording");
        jot_int(&line, "version", RECORDING_VERSION);
        jot_text(&line, "source", name);
        jot_int(&line, "recordedAt", at);
        jot_end_object(&line);
        put_line(out, &line);
}

static void print_side(struct buf *out, const char *key, const struct recording_level *level,
                       size_t n)
{
        jot_array(out, key);
        for (size_t i = 0; i < n; i++) {
                jot_array(out, NULL);
                jot_px(out, NULL, level[i].price);
                jot_qty(out, NULL, level[i].size);
                jot_uint(out, NULL, level[i].n_orders);
                jot_end_array(out);
        }
        jot_end_array(out);
}

void recording_print(struct buf *out, const struct recording_event *e)
{
        struct buf line;

        buf_init(&line, RECORDING_LINE_MAX);
        jot_object(&line, NULL);
        jot_text(&line, "type", type_name[e->type]);
        jot_int(&line, "at", e->at);
        if (e->type != RECORDING_GAP)
                jot_text(&line, "coin", e->coin);
        switch (e->type) {
        case RECORDING_PRICE:
                jot_px(&line, "mark", e->mark);
                jot_px(&line, "oracle", e->oracle);
                break;
        case RECORDING_BOOK:
                print_side(&line, "bids", e->level[0], e->n_levels[0]);
                print_side(&line, "asks", e->level[1], e->n_levels[1]);
                break;
        case RECORDING_TRADE:
                jot_text(&line, "side", e->is_buy ? "B" : "A");
                jot_px(&line, "price", e->price);
                jot_qty(&line, "size", e->size);
                break;
        case RECORDING_GAP: break;
        }
        jot_end_object(&line);
        put_line(out, &line);
}

/* ---- Reading --------------------------------------------------------------------------------- */

static bool read_at(const json_t *root, const char *key, int64_t *out)
{
        return !hl_raw_get_int(out, root, key) && *out >= 0 && *out < AT_MAX;
}

static bool read_px(const json_t *value, struct px *out)
{
        size_t len;
        const char *text = hl_raw_text(value, &len);

        return text && !num_parse_px(out, text, len) && recording_price_fits(*out);
}

static bool read_qty(const json_t *value, struct qty *out)
{
        size_t len;
        const char *text = hl_raw_text(value, &len);

        return text && !num_parse_qty(out, text, len) && out->v > 0;
}

static bool read_side(const json_t *array, struct recording_level *level, size_t *n)
{
        *n = json_array_size(array);
        if (!json_is_array(array) || *n > RECORDING_LEVELS)
                return false;
        for (size_t i = 0; i < *n; i++) {
                const json_t *row = json_array_get(array, i);
                uint64_t n_orders;

                if (json_array_size(row) != 3 ||
                    !read_px(json_array_get(row, 0), &level[i].price) ||
                    !read_qty(json_array_get(row, 1), &level[i].size) ||
                    hl_raw_uint(&n_orders, json_array_get(row, 2)) || n_orders > UINT32_MAX)
                        return false;
                level[i].n_orders = (uint32_t)n_orders;
        }
        return true;
}

static bool read_side_of_trade(const json_t *root, bool *is_buy)
{
        const char *side = hl_raw_get_text(root, "side", NULL);

        *is_buy = side && !strcmp(side, "B");
        return *is_buy || (side && !strcmp(side, "A"));
}

/* How many members a line of this type has; that these are all it has follows from the count. */
static size_t n_members(enum recording_type type)
{
        switch (type) {
        case RECORDING_PRICE:
        case RECORDING_BOOK: return 5;
        case RECORDING_TRADE: return 6;
        case RECORDING_GAP: return 2;
        }
        never("type");
}

static bool read_members(struct recording_event *e, const json_t *root)
{
        const char *coin = hl_raw_get_text(root, "coin", NULL);

        if (json_object_size(root) != n_members(e->type) || !read_at(root, "at", &e->at))
                return false;
        if (e->type == RECORDING_GAP)
                return true;
        if (!recording_coin_fits(coin))
                return false;
        (void)text_copy(e->coin, sizeof(e->coin), coin);
        if (e->type == RECORDING_PRICE)
                return read_px(json_object_get(root, "mark"), &e->mark) &&
                       read_px(json_object_get(root, "oracle"), &e->oracle);
        if (e->type == RECORDING_TRADE)
                return read_side_of_trade(root, &e->is_buy) &&
                       read_px(json_object_get(root, "price"), &e->price) &&
                       read_qty(json_object_get(root, "size"), &e->size);
        return read_side(json_object_get(root, "bids"), e->level[0], &e->n_levels[0]) &&
               read_side(json_object_get(root, "asks"), e->level[1], &e->n_levels[1]) &&
               recording_book_fits(e);
}

static json_t *load(const char *line, size_t len, struct err *err)
{
        json_t *root;

        if (len > RECORDING_LINE_MAX) {
                (void)err_set(err, E_SYNTAX, "the line is longer than %d bytes",
                              RECORDING_LINE_MAX);
                return NULL;
        }
        root = hl_raw_load(line, len, NULL);
        if (json_is_object(root))
                return root;
        json_decref(root);
        (void)err_set(err, E_SYNTAX, "the line is not one JSON object");
        return NULL;
}

enum errc recording_parse(struct recording_event *out, const char *line, size_t len,
                          struct err *err)
{
        json_t *root = load(line, len, err);
        const char *name = hl_raw_get_text(root, "type", NULL);
        enum errc rc = E_OK;
        size_t type = 0;

        memset(out, 0, sizeof(*out));
        if (!root)
                return E_SYNTAX;
        while (type < N_TYPES && (!name || strcmp(type_name[type], name) != 0))
                type++;
        if (type == N_TYPES) {
                rc = err_set(err, E_SYNTAX, "type must be price, book, trade or gap");
        } else {
                out->type = (enum recording_type)type;
                if (!read_members(out, root))
                        rc = err_set(err, E_SYNTAX, "this is no line of type %s", type_name[type]);
        }
        json_decref(root);
        return rc;
}

enum errc recording_parse_header(const char *line, size_t len, struct err *err)
{
        json_t *root = load(line, len, err);
        const char *format = hl_raw_get_text(root, "format", NULL);
        enum errc rc = E_OK;
        uint64_t version;
        int64_t at;

        if (!root)
                return E_SYNTAX;
        if (!format || strcmp(format, "perpgate-recording") != 0)
                rc = err_set(err, E_SYNTAX, "this is no recording");
        else if (hl_raw_get_uint(&version, root, "version") || version != RECORDING_VERSION)
                rc = err_set(err, E_SYNTAX, "version must be %d", RECORDING_VERSION);
        else if (json_object_size(root) != 4 || !hl_raw_get_text(root, "source", NULL) ||
                 !read_at(root, "recordedAt", &at))
                rc = err_set(err, E_SYNTAX, "the header needs source and recordedAt, and no more");
        json_decref(root);
        return rc;
}
