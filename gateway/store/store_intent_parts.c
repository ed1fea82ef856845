#include "store/store_intent_parts.h"

#include <string.h>

/* The numbers that stand for the states on disk. */
_Static_assert(INTENT_RESERVED == 0 && INTENT_SENT == 1 && INTENT_DONE == 2 &&
                       INTENT_REJECTED == 3 && INTENT_UNKNOWN == 4,
               "the states' numbers are part of the schema");

static uint8_t *put(uint8_t *p, const void *data, size_t len)
{
        memcpy(p, data, len);
        return p + len;
}

/* cap bytes, filled up with zeros. */
static uint8_t *put_word(uint8_t *p, const char *word, size_t cap)
{
        size_t len = strnlen(word, cap - 1);

        memcpy(p, word, len);
        memset(p + len, 0, cap - len);
        return p + cap;
}

static uint8_t *put_u64(uint8_t *p, uint64_t v)
{
        for (int i = 0; i < 8; i++)
                p[i] = (uint8_t)(v >> (56 - 8 * i));
        return p + 8;
}

static const uint8_t *get(const uint8_t *p, void *out, size_t len)
{
        memcpy(out, p, len);
        return p + len;
}

static const uint8_t *get_u64(const uint8_t *p, uint64_t *out)
{
        *out = 0;
        for (int i = 0; i < 8; i++)
                *out = *out << 8 | p[i];
        return p + 8;
}

enum errc store_intent_parts_pack(struct store_intent_parts *out, const struct store_intent *in)
{
        uint8_t *p = out->steps;

        for (unsigned i = 0; i < in->n_steps; i++) {
                const struct store_intent_step *step = &in->step[i];

                if (step->nonce > INT64_MAX || step->expires_after > INT64_MAX)
                        return E_RANGE;
                p = put_word(p, step->action, sizeof step->action);
                *p++ = (uint8_t)step->state;
                p = put_u64(p, step->nonce);
                p = put_u64(p, step->expires_after);
                p = put(p, step->digest.b, sizeof step->digest.b);
        }
        out->steps_len = (size_t)(p - out->steps);
        p = out->orders;
        for (unsigned i = 0; i < in->n_orders; i++) {
                const struct store_intent_order *order = &in->order[i];

                if (order->oid > INT64_MAX)
                        return E_RANGE;
                p = put(p, order->cloid.b, sizeof order->cloid.b);
                p = put_u64(p, order->oid);
                p = put_word(p, order->role, sizeof order->role);
        }
        out->orders_len = (size_t)(p - out->orders);
        return E_OK;
}

enum errc store_intent_parts_steps(struct store_intent *out, const uint8_t *bytes, size_t len)
{
        const uint8_t *p = bytes;

        out->n_steps = 0;
        if (len % STORE_STEP_BYTES || len > sizeof((struct store_intent_parts *)0)->steps)
                return E_STORE_DOWN;
        while (out->n_steps < len / STORE_STEP_BYTES) {
                struct store_intent_step *step = &out->step[out->n_steps];

                p = get(p, step->action, sizeof step->action);
                if (step->action[sizeof step->action - 1] || *p > INTENT_UNKNOWN)
                        return E_STORE_DOWN;
                step->state = (enum intent_state)p[0];
                p++;
                p = get_u64(p, &step->nonce);
                p = get_u64(p, &step->expires_after);
                p = get(p, step->digest.b, sizeof step->digest.b);
                out->n_steps++;
        }
        return E_OK;
}

enum errc store_intent_parts_orders(struct store_intent *out, const uint8_t *bytes, size_t len)
{
        const uint8_t *p = bytes;

        out->n_orders = 0;
        if (len % STORE_ORDER_BYTES || len > sizeof((struct store_intent_parts *)0)->orders)
                return E_STORE_DOWN;
        while (out->n_orders < len / STORE_ORDER_BYTES) {
                struct store_intent_order *order = &out->order[out->n_orders];

                p = get(p, order->cloid.b, sizeof order->cloid.b);
                p = get_u64(p, &order->oid);
                p = get(p, order->role, sizeof order->role);
                if (order->role[sizeof order->role - 1])
                        return E_STORE_DOWN;
                out->n_orders++;
        }
        return E_OK;
}
