/* app: the whole program as one value: what main runs and app_parts.c puts together. Private to gateway. */
#ifndef APP_H
#define APP_H

#include <stdbool.h>
#include <stdint.h>

#include "adapters/paper/paper.h"
#include "adapters/venue.h"
#include "alerts/alerts.h"
#include "api/api.h"
#include "api/live.h"
#include "api/sockets.h"
#include "auth/auth.h"
#include "brand/config.h"
#include "compat/compat.h"
#include "compat/compat_ws.h"
#include "edge/httpd.h"
#include "journal/nonce.h"
#include "keeper/keeper.h"
#include "keeper/tell.h"
#include "loop/loop.h"
#include "ops/metrics.h"
#include "options.h"
#include "sign/vault.h"
#include "store/candle_store.h"
#include "store/store.h"
#include "store/store_backup.h"
#include "ws_paths.h"

struct app {
        struct options options;
        struct config *config;
        char data_dir[256];
        char node[32];     /* the process's name in the journal */
        bool data_is_ours; /* a temporary folder of this run, removed at the end */
        struct loop *loop;
        struct httpd *httpd;
        struct httpd *paper_httpd; /* apart: while we drain, the venue goes on answering */
        struct httpd_listener *public_listener, *admin_listener;
        struct secp *secp;
        struct vault *vault;
        struct store *store;
        struct store_backup *backup;
        struct candle_store *candles;
        struct nonce_ledger *nonces;
        struct auth *auth;
        struct paper *paper;
        struct venue *venue;
        struct metrics *metrics;
        struct alerts *alerts;
        struct tell *tell;
        struct keeper *keeper;
        struct api *api;
        struct compat *compat;
        struct compat_ws *compat_ws;
        struct sockets *sockets;
        struct live *live;
        struct ws_paths *ws_paths;
        struct loop_signal *on_term, *on_int, *on_hup;
        struct loop_timer *ready_timer, *drain_timer;
        int64_t drain_until;
        bool draining;
        int status;
};

/* Prints err on standard error: what failed, and why. */
void app_complain(const struct err *err, const char *what);

/* Opens every part in the order in which they stand on each other; tells what fails, and then answers -1:
 * app_parts_close takes apart what stands. */
MUST_USE int app_parts_open(struct app *app);
/* In reverse. With requests under way past the drain's deadline the process ends here. */
void app_parts_close(struct app *app);

#endif
