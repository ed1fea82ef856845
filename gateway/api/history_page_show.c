/* Rows of an account's past as JSON and as CSV, with the same names. */
#include <inttypes.h>
#include <stdio.h>

#include "api/csv.h"
#include "api/history_page.h"
#include "api/out.h"

#define ID_MAX 48

/* An order goes by its client order id where it has one, as everywhere. */
static const char *order_id(char out[ID_MAX], const struct venue_fill *f)
{
        if (f->has_cloid)
                return hex_print_cloid(out, &f->cloid);
        snprintf(out, ID_MAX, "%" PRIu64, f->oid);
        return out;
}

static struct usd venue_fee(const struct venue_fill *f)
{
        struct usd fee = f->fee;

        /* Both come from one answer; where they don't fit together the whole is the venue's. */
        if (num_usd_sub(&fee, f->fee, f->builder_fee))
                fee = f->fee;
        return fee;
}

static void fill_json(struct buf *out, const struct venue_fill *f)
{
        char id[ID_MAX];

        snprintf(id, sizeof id, "%" PRIu64, f->tid);
        out_text(out, "id", id);
        out_int(out, "time", f->at);
        out_text(out, "symbol", f->symbol);
        out_text(out, "side", out_side(f->side));
        out_px(out, "price", f->price);
        out_qty(out, "size", f->size);
        out_text(out, "direction", f->direction);
        out_usd(out, "closedPnl", f->closed_pnl);
        out_text(out, "liquidity", f->is_taker ? "taker" : "maker");
        out_text(out, "orderId", order_id(id, f));
        out_key(out, "fees");
        buf_putc(out, '{');
        out_usd(out, "venue", venue_fee(f));
        out_usd(out, "builder", f->builder_fee);
        out_text(out, "token", f->fee_token);
        buf_putc(out, '}');
}

static void payment_json(struct buf *out, const struct venue_payment *p)
{
        out_int(out, "time", p->at);
        out_text(out, "symbol", p->symbol);
        out_usd(out, "amount", p->amount);
        out_text(out, "token", p->token[0] ? p->token : NULL);
        out_qty(out, "positionSize", p->size);
        out_rate(out, "rate", p->rate, 12);
}

static const char *or_null(const char *text)
{
        return text[0] ? text : NULL;
}

static void ledger_json(struct buf *out, const struct venue_ledger_row *r)
{
        char peer[ADDR_STR_MAX];

        out_int(out, "time", r->at);
        out_text(out, "type", r->type);
        out_text(out, "amount", or_null(r->amount));
        out_text(out, "token", or_null(r->token));
        out_text(out, "fee", or_null(r->fee));
        out_text(out, "counterparty", r->has_peer ? hex_print_addr(peer, &r->peer) : NULL);
        out_text(out, "hash", r->hash);
}

void history_page_json(struct buf *out, enum history_kind kind, const struct history_row *row)
{
        buf_putc(out, '{');
        switch (kind) {
        case HISTORY_FILLS: fill_json(out, &row->u.fill); break;
        case HISTORY_FUNDING: payment_json(out, &row->u.payment); break;
        case HISTORY_LEDGER: ledger_json(out, &row->u.ledger); break;
        }
        buf_putc(out, '}');
}

void history_page_csv_head(struct buf *out, enum history_kind kind)
{
        switch (kind) {
        case HISTORY_FILLS:
                buf_puts(out,
                         "id,time,symbol,side,price,size,direction,closedPnl,liquidity,orderId,"
                         "venueFee,builderFee,feeToken");
                break;
        case HISTORY_FUNDING: buf_puts(out, "time,symbol,amount,token,positionSize,rate"); break;
        case HISTORY_LEDGER: buf_puts(out, "time,type,amount,token,fee,counterparty,hash"); break;
        }
        csv_end(out);
}

static void fill_csv(struct buf *out, const struct venue_fill *f)
{
        char s[NUM_STR_MAX];

        snprintf(s, sizeof s, "%" PRIu64, f->tid);
        csv_number(out, s);
        csv_int(out, f->at);
        csv_text(out, f->symbol);
        csv_text(out, out_side(f->side));
        csv_number(out, num_print_px(s, f->price));
        csv_number(out, num_print_qty(s, f->size));
        csv_text(out, f->direction);
        csv_number(out, num_print_usd(s, f->closed_pnl));
        csv_text(out, f->is_taker ? "taker" : "maker");
        csv_text(out, order_id(s, f));
        csv_number(out, num_print_usd(s, venue_fee(f)));
        csv_number(out, num_print_usd(s, f->builder_fee));
        csv_text(out, f->fee_token);
}

static void payment_csv(struct buf *out, const struct venue_payment *p)
{
        char s[NUM_STR_MAX];

        csv_int(out, p->at);
        csv_text(out, p->symbol);
        csv_number(out, num_print_usd(s, p->amount));
        csv_text(out, p->token);
        csv_number(out, num_print_qty(s, p->size));
        csv_number(out, num_print_rate(s, p->rate));
}

static void ledger_csv(struct buf *out, const struct venue_ledger_row *r)
{
        char peer[ADDR_STR_MAX];

        csv_int(out, r->at);
        csv_text(out, r->type);
        csv_number(out, r->amount);
        csv_text(out, r->token);
        csv_number(out, r->fee);
        csv_text(out, r->has_peer ? hex_print_addr(peer, &r->peer) : NULL);
        csv_text(out, r->hash);
}

void history_page_csv(struct buf *out, enum history_kind kind, const struct history_row *row)
{
        switch (kind) {
        case HISTORY_FILLS: fill_csv(out, &row->u.fill); break;
        case HISTORY_FUNDING: payment_csv(out, &row->u.payment); break;
        case HISTORY_LEDGER: ledger_csv(out, &row->u.ledger); break;
        }
        csv_end(out);
}
