/* hl_node: a node beside the venue, own or rented, that answers reads without limits. It is used while
 * its own clock says that it keeps up, looked at each second; else it is left alone. Loop thread only. */
#ifndef HL_NODE_H
#define HL_NODE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "loop/http_client.h"
#include "loop/loop.h"

struct hl_node;

struct hl_node_options {
        const char *info_url; /* base: "/info" is added */
        const char *ca_file;  /* or NULL */
        int64_t max_lag_ms;
};

/* Strings are copied. It is not fresh until it has answered. */
struct hl_node *hl_node_new(struct loop *loop, const struct hl_node_options *options);
/* Ends what flies: the callbacks fire. Accepts NULL, as hl_node_free does, which comes after it. */
void hl_node_end(struct hl_node *node);
void hl_node_free(struct hl_node *node);

bool hl_node_is_fresh(const struct hl_node *node); /* NULL is not */
/* How late what it says may be, while it is fresh. */
int64_t hl_node_lag_ms(const struct hl_node *node);
#define HL_NODE_IN_FLIGHT 64
void hl_node_post(struct hl_node *node, const void *body, size_t body_len, int64_t deadline_ms,
                  http_client_done *done, void *cookie);
/* It could not be used: it is left alone until it was looked at again. */
void hl_node_fail(struct hl_node *node, const char *reason);
void hl_node_metrics(const struct hl_node *node, struct buf *out);

#endif
