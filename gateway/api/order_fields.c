#include "api/order_fields.h"

#include <string.h>

#include "api/schema.h"
#include "api/tables.h"
#include "base/mem.h"

/* Indexes are the enums' values. */
static const char *const side_words[] = {"buy", "sell", NULL};
static const char *const type_words[] = {
        "limit", "market", "stopMarket", "stopLimit", "takeProfitMarket", "takeProfitLimit", NULL};
static const char *const tif_words[] = {"gtc", "ioc", "alo", NULL};
static const char *const mode_words[] = {"isolated", "cross", NULL};

struct leg_fields {
        bool has_trigger, has_price;
        struct px trigger, price;
};

struct fields {
        char symbol[SYMBOL_MAX];
        int side, type, tif, mode;
        bool has_size, has_notional, has_margin, has_price, has_trigger, has_tif, has_slippage,
                has_mode, has_leverage, has_take_profit, has_stop_loss;
        struct qty size;
        struct usd notional, margin;
        struct px price, trigger;
        bool reduce_only;
        struct rate slippage;
        unsigned leverage;
        struct leg_fields take_profit, stop_loss;
        char client_id[64];
};

#define AT(member)   .offset = offsetof(struct fields, member)
#define FLAG(member) .present = offsetof(struct fields, member)
#define NO_FLAG      .present = FIELD_NO_FLAG

static const struct field leg_table[] = {
        {.name = "triggerPrice",
         .type = FIELD_PX,
         .required = true,
         .offset = offsetof(struct leg_fields, trigger),
         .present = offsetof(struct leg_fields, has_trigger)},
        {.name = "price",
         .type = FIELD_PX,
         .offset = offsetof(struct leg_fields, price),
         .present = offsetof(struct leg_fields, has_price)},
};

static const struct field table[] = {
        {.name = "symbol",
         .type = FIELD_TEXT,
         .required = true,
         AT(symbol),
         NO_FLAG,
         .size = SYMBOL_MAX},
        {.name = "side",
         .type = FIELD_WORD,
         .required = true,
         AT(side),
         NO_FLAG,
         .words = side_words},
        {.name = "type",
         .type = FIELD_WORD,
         .required = true,
         AT(type),
         NO_FLAG,
         .words = type_words},
        {.name = "size", .type = FIELD_QTY, AT(size), FLAG(has_size)},
        {.name = "notional", .type = FIELD_USD, AT(notional), FLAG(has_notional)},
        {.name = "margin", .type = FIELD_USD, AT(margin), FLAG(has_margin)},
        {.name = "price", .type = FIELD_PX, AT(price), FLAG(has_price)},
        {.name = "triggerPrice", .type = FIELD_PX, AT(trigger), FLAG(has_trigger)},
        {.name = "timeInForce", .type = FIELD_WORD, AT(tif), FLAG(has_tif), .words = tif_words},
        {.name = "reduceOnly", .type = FIELD_BOOL, AT(reduce_only), NO_FLAG},
        {.name = "slippage", .type = FIELD_RATE, AT(slippage), FLAG(has_slippage)},
        {.name = "marginMode", .type = FIELD_WORD, AT(mode), FLAG(has_mode), .words = mode_words},
        {.name = "leverage", .type = FIELD_UINT, AT(leverage), FLAG(has_leverage), .size = 1000},
        {.name = "takeProfit",
         .type = FIELD_OBJECT,
         AT(take_profit),
         FLAG(has_take_profit),
         .sub = leg_table,
         .n_sub = 2},
        {.name = "stopLoss",
         .type = FIELD_OBJECT,
         AT(stop_loss),
         FLAG(has_stop_loss),
         .sub = leg_table,
         .n_sub = 2},
        {.name = "clientId", .type = FIELD_TEXT, AT(client_id), NO_FLAG, .size = 64},
};
FIELD_TABLE(order_fields_table, table);

static void leg(struct plan_leg *out, bool present, const struct leg_fields *f)
{
        out->present = present;
        out->trigger_price = f->trigger;
        out->has_price = f->has_price;
        out->price = f->price;
}

enum errc order_fields_read(struct plan_order_request *out, const json_t *json, struct err *err)
{
        struct fields f = {.side = 0};
        enum errc rc = schema_read(&f, json, table, sizeof table / sizeof table[0], err);

        if (rc)
                return rc;
        if (f.has_size + f.has_notional + f.has_margin != 1) {
                (void)err_set(err, E_INVALID,
                              "Say how much by exactly one of size, notional, margin.");
                return err_field(err, E_INVALID, "size", "exactly one of size, notional, margin");
        }
        *out = (struct plan_order_request){
                .side = (enum side)f.side,
                .type = (enum order_type)f.type,
                .sizing = f.has_size       ? SIZING_SIZE
                          : f.has_notional ? SIZING_NOTIONAL
                                           : SIZING_MARGIN,
                .size = f.size,
                .amount = f.has_notional ? f.notional : f.margin,
                .has_price = f.has_price,
                .price = f.price,
                .has_trigger = f.has_trigger,
                .trigger_price = f.trigger,
                .has_tif = f.has_tif,
                .tif = (enum time_in_force)f.tif,
                .reduce_only = f.reduce_only,
                .has_slippage = f.has_slippage,
                .slippage = f.slippage,
                .has_mode = f.has_mode,
                .mode = (enum margin_mode)f.mode,
                .has_leverage = f.has_leverage,
                .leverage = f.leverage,
        };
        leg(&out->take_profit, f.has_take_profit, &f.take_profit);
        leg(&out->stop_loss, f.has_stop_loss, &f.stop_loss);
        text_copy(out->symbol, sizeof out->symbol, f.symbol);
        text_copy(out->client_id, sizeof out->client_id, f.client_id);
        return E_OK;
}
