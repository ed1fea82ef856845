/* api: the operator's HTTP API. Takes whole requests from edge/httpd.h, finds brand and route, checks
 * limits and session, and hands them to one handler per route (route.def).
 * Loop thread only. */
#ifndef API_API_H
#define API_API_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct alerts;
struct api;
struct auth;
struct brand_set;
struct candle_store;
struct clock;
struct config;
struct httpd;
struct httpd_request;
struct keeper;
struct loop;
struct metrics;
struct nonce_ledger;
struct secp;
struct stream_hub;
struct store;
struct vault;
struct venue;

/* Everything is borrowed and must outlive the api. */
struct api_options {
        struct loop *loop;
        const struct clock *clock;
        struct httpd *httpd;
        struct store *store;
        struct store_backup *backup;
        struct candle_store *candles; /* NULL: none are kept */
        struct auth *auth;
        struct vault *vault;
        const struct secp *secp;
        struct nonce_ledger *nonces;
        struct venue *venue;
        struct metrics *metrics;
        struct alerts *alerts;
        struct keeper *keeper;
        int64_t expires_after_ms; /* life of a signed trading action, 0: no end */
        const char *node;         /* name of this process in the journal */
};

struct api *api_new(const struct api_options *options, const struct config *config,
                    struct err *err);
void api_free(struct api *api); /* no call may be open; accepts NULL */

/* Takes over another configuration's brands and limits; whole or not at all. */
MUST_USE enum errc api_reload(struct api *api, const struct config *config, struct err *err);

/* httpd_handler of the public listener; cookie is the api. */
void api_handle(void *cookie, const struct httpd_request *request);
/* Offers the private channels there; closed before the api is freed. */
void api_stream(struct api *api, struct stream_hub *hub);
/* Refuses what would start something new from now on. */
void api_drain(struct api *api);
/* Orders and other signed actions under way. */
unsigned api_open_runs(const struct api *api);
/* Requests not answered yet, those whose peer has left included: while there are any, the parts the api
 * stands on must not be closed. */
unsigned api_open_calls(const struct api *api);
/* Notes an act of whoever runs the gateway in the audit log of every brand; detail is JSON. */
void api_note(struct api *api, const char *action, const char *detail);
/* Writes the audit log's last records; before the store is closed. */
void api_flush(struct api *api);
/* The loop has stopped for good: whatever still calls back, nothing is signed. */
void api_end(struct api *api);

#endif
