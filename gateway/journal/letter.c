#include "journal/letter.h"

#include <string.h>

#include "base/mem.h"

#define VERSION     1
#define HEAD_BYTES  5
#define FIXED_BYTES (7 + 3 * 4 + 6 * 8 + 20 + 1)
#define NAME_BYTES  21
#define MODE_LAST   MARGIN_CROSS

enum flag {
        FLAG_APPROVAL = 1,
        FLAG_PUT_BACK = 2,
        FLAG_BEFORE = 4,
        FLAG_PENDING = 8,
        FLAG_DEPOSIT = 16,
        FLAGS_ALL = 31,
};

/* The numbers that stand for kinds on disk: a new kind is added at the end, and to LAST_KIND. */
#define LAST_KIND VENUE_SCHEDULE_CANCEL
_Static_assert(VENUE_SET_LEVERAGE == 0 && VENUE_ORDER == 1 && VENUE_ADJUST_MARGIN == 2 &&
                       VENUE_CANCEL == 3 && VENUE_MODIFY == 4 && VENUE_CREATE_SUB_ACCOUNT == 5 &&
                       VENUE_FUND_SUB_ACCOUNT == 6 && VENUE_SCHEDULE_CANCEL == 7,
               "the kinds of actions are part of the format");
_Static_assert(APPROVE_AGENT == 0 && APPROVE_BUILDER_FEE == 1 && APPROVE_WITHDRAWAL == 2 &&
                       APPROVE_CLASS_TRANSFER == 3 && MARGIN_ISOLATED == 0 && MARGIN_CROSS == 1,
               "and so are those of approvals, and margin modes");

/* --- from an action --- */

static void name_orders(struct letter *out, struct venue_cancel *name,
                        const struct venue_action *action)
{
        out->n_names = action->u.order.n;
        for (unsigned i = 0; i < action->u.order.n; i++) {
                const struct venue_order *o = &action->u.order.order[i];

                name[i] = (struct venue_cancel){.asset = action->u.order.own_assets ? o->asset
                                                                                    : action->asset,
                                                .by_cloid = true,
                                                .cloid = o->cloid};
        }
}

void letter_of_action(struct letter *out, struct venue_cancel name[VENUE_CANCELS_MAX],
                      const struct venue_action *action)
{
        *out = (struct letter){.kind = action->kind, .asset = action->asset, .name = name};
        switch (action->kind) {
        case VENUE_SET_LEVERAGE:
                out->mode = action->u.leverage.mode;
                out->leverage = action->u.leverage.leverage;
                break;
        case VENUE_ORDER:
        case VENUE_MODIFY: name_orders(out, name, action); break;
        case VENUE_ADJUST_MARGIN: out->amount = action->u.margin.amount; break;
        case VENUE_CANCEL:
                out->n_names = action->u.cancel.n;
                memcpy(name, action->u.cancel.cancel, out->n_names * sizeof *name);
                break;
        case VENUE_CREATE_SUB_ACCOUNT:
                must(text_copy(out->text, sizeof out->text, action->u.sub_name));
                break;
        case VENUE_FUND_SUB_ACCOUNT:
                out->peer = action->u.fund.sub_account;
                out->is_deposit = action->u.fund.is_deposit;
                out->amount = action->u.fund.amount;
                break;
        case VENUE_SCHEDULE_CANCEL: break;
        }
}

/* --- writing --- */

static void put_name(struct buf *out, const struct venue_cancel *name)
{
        buf_put_u8(out, name->by_cloid);
        buf_put_be32(out, name->asset);
        if (name->by_cloid) {
                buf_put(out, name->cloid.b, sizeof name->cloid.b);
        } else {
                buf_put_be64(out, 0);
                buf_put_be64(out, name->oid);
        }
}

void letter_put(struct buf *out, const struct letter *l)
{
        size_t text_len = strlen(l->text);
        size_t rest = FIXED_BYTES + text_len + (size_t)l->n_names * NAME_BYTES + l->len;

        must(l->step <= UINT8_MAX && l->n_items <= UINT8_MAX && l->n_names <= VENUE_CANCELS_MAX &&
             rest <= UINT32_MAX);
        buf_put_u8(out, VERSION);
        buf_put_be32(out, (uint32_t)rest);
        buf_put_u8(out, (uint8_t)l->step);
        buf_put_u8(out, l->is_approval ? (uint8_t)l->approval : (uint8_t)l->kind);
        buf_put_u8(
                out,
                (uint8_t)((l->is_approval ? FLAG_APPROVAL : 0) |
                          (l->is_put_back ? FLAG_PUT_BACK : 0) | (l->has_before ? FLAG_BEFORE : 0) |
                          (l->is_pending ? FLAG_PENDING : 0) | (l->is_deposit ? FLAG_DEPOSIT : 0)));
        buf_put_u8(out, (uint8_t)l->n_items);
        buf_put_u8(out, (uint8_t)l->n_names);
        buf_put_u8(out, (uint8_t)l->mode);
        buf_put_u8(out, (uint8_t)l->mode_before);
        buf_put_be32(out, l->asset);
        buf_put_be32(out, l->leverage);
        buf_put_be32(out, l->leverage_before);
        buf_put_be64(out, (uint64_t)l->amount.v);
        buf_put_be64(out, (uint64_t)l->size.v);
        buf_put_be64(out, (uint64_t)l->held_size.v);
        buf_put_be64(out, (uint64_t)l->held_cash.v);
        buf_put_be64(out, (uint64_t)l->since);
        buf_put_be64(out, l->count);
        buf_put(out, l->peer.b, sizeof l->peer.b);
        buf_put_u8(out, (uint8_t)text_len);
        buf_put(out, l->text, text_len);
        for (unsigned i = 0; i < l->n_names; i++)
                put_name(out, &l->name[i]);
        if (l->len)
                buf_put(out, l->bytes, l->len);
}

/* --- reading --- */

static uint64_t get(const uint8_t **p, unsigned n)
{
        uint64_t v = 0;

        for (unsigned i = 0; i < n; i++)
                v = v << 8 | *(*p)++;
        return v;
}

/* The venue's enums and the flags, whose values come from a file. */
static enum errc read_words(struct letter *l, const uint8_t **p)
{
        uint64_t kind, flags, mode, mode_before;

        l->step = (unsigned)get(p, 1);
        kind = get(p, 1);
        flags = get(p, 1);
        l->n_items = (unsigned)get(p, 1);
        l->n_names = (unsigned)get(p, 1);
        mode = get(p, 1);
        mode_before = get(p, 1);
        l->is_approval = flags & FLAG_APPROVAL;
        if (flags > FLAGS_ALL || mode > MODE_LAST || mode_before > MODE_LAST ||
            l->n_names > VENUE_CANCELS_MAX || l->n_items > VENUE_CANCELS_MAX ||
            kind > (l->is_approval ? (uint64_t)APPROVE_CLASS_TRANSFER : (uint64_t)LAST_KIND))
                return E_SYNTAX;
        if (l->is_approval)
                l->approval = (enum venue_approval_kind)kind;
        else
                l->kind = (enum venue_action_kind)kind;
        l->is_put_back = flags & FLAG_PUT_BACK;
        l->has_before = flags & FLAG_BEFORE;
        l->is_pending = flags & FLAG_PENDING;
        l->is_deposit = flags & FLAG_DEPOSIT;
        l->mode = (enum margin_mode)mode;
        l->mode_before = (enum margin_mode)mode_before;
        return E_OK;
}

enum errc letter_read(struct letter *l, const uint8_t **bytes, size_t *len)
{
        const uint8_t *p = *bytes, *end;
        size_t rest, text_len;

        *l = (struct letter){.step = 0};
        if (*len == 0)
                return E_NOT_FOUND;
        if (*len < HEAD_BYTES + FIXED_BYTES || get(&p, 1) != VERSION)
                return E_SYNTAX;
        rest = get(&p, 4);
        if (rest < FIXED_BYTES || rest > *len - HEAD_BYTES)
                return E_SYNTAX;
        end = p + rest;
        if (read_words(l, &p))
                return E_SYNTAX;
        l->asset = (uint32_t)get(&p, 4);
        l->leverage = (unsigned)get(&p, 4);
        l->leverage_before = (unsigned)get(&p, 4);
        l->amount.v = (int64_t)get(&p, 8);
        l->size.v = (int64_t)get(&p, 8);
        l->held_size.v = (int64_t)get(&p, 8);
        l->held_cash.v = (int64_t)get(&p, 8);
        l->since = (int64_t)get(&p, 8);
        l->count = get(&p, 8);
        memcpy(l->peer.b, p, sizeof l->peer.b);
        p += sizeof l->peer.b;
        text_len = get(&p, 1);
        if (text_len >= sizeof l->text ||
            (size_t)(end - p) < text_len + (size_t)l->n_names * NAME_BYTES)
                return E_SYNTAX;
        memcpy(l->text, p, text_len);
        l->packed_names = p + text_len;
        p += text_len + (size_t)l->n_names * NAME_BYTES;
        l->len = (size_t)(end - p);
        l->bytes = l->len ? p : NULL;
        *bytes = end;
        *len -= HEAD_BYTES + rest;
        return E_OK;
}

struct venue_cancel letter_name(const struct letter *letter, unsigned i)
{
        const uint8_t *p = letter->packed_names + (size_t)i * NAME_BYTES;
        struct venue_cancel name = {.asset = 0};

        must(letter->packed_names && i < letter->n_names);
        name.by_cloid = get(&p, 1) != 0;
        name.asset = (uint32_t)get(&p, 4);
        if (name.by_cloid) {
                memcpy(name.cloid.b, p, sizeof name.cloid.b);
        } else {
                (void)get(&p, 8);
                name.oid = get(&p, 8);
        }
        return name;
}
