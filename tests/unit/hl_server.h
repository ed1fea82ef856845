/* hl_server: a small scripted venue for tests: one request per connection, on a thread of its own. */
#ifndef HL_SERVER_H
#define HL_SERVER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* What becomes of a request. */
enum server_mode { GOOD, BAD_META, HTTP_429, HTTP_502, HTTP_422, RUBBISH, HANG_UP, SILENT };
#define HELD_MAX 64

struct hl_server {
        pthread_t thread;
        pthread_mutex_t lock;
        int listener;
        uint16_t port;
        enum server_mode meta_mode;
        enum server_mode exchange_mode;
        enum server_mode info_mode;
        const char *exchange_answer;
        char exchange_body[16384]; /* the latest */
        unsigned n_meta, n_info, n_exchange;
        enum server_mode dexes_mode, dex_meta_mode;
        const char *dexes_answer; /* perpDexs */
        char dex_meta_answer[4096];
        unsigned n_dexes, n_tokens, n_dex_meta;
        char info_body[1024];    /* the latest of other reads */
        const char *info_answer; /* to other reads; NULL: what they usually get */
        /* What comes to /node/info. */
        enum server_mode node_mode, status_mode;
        int64_t node_lag_ms;
        const char *batch_answer; /* to batchClearinghouseStates; NULL: a pair for each user */
        char node_body[8192];     /* the latest but status */
        unsigned n_status, n_node, n_batch;
        int held[HELD_MAX]; /* connections never answered */
        unsigned n_held;
};
extern struct hl_server hl_server;

void hl_server_start(void);
void hl_server_stop(void);
void hl_server_set(enum server_mode *which, enum server_mode mode);
void hl_server_answer_exchange(const char *answer); /* borrowed */
void hl_server_answer_dexes(const char *answer);    /* borrowed */
void hl_server_answer_batch(const char *answer);    /* borrowed */
void hl_server_set_lag(int64_t ms);
void hl_server_answer_info(const char *answer); /* borrowed */
/* What the dex xyz's markets are: its universe's entries, as many contexts, its collateral. */
void hl_server_answer_dex(const char *markets, unsigned n, unsigned collateral);
unsigned hl_server_count(const unsigned *which);

#endif
