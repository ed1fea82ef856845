/* client: what a trader's side needs to play the story: a wallet, HTTP calls to a brand, and the
 * programs under it. Test code: it blocks, and a failed call ends the program with a sentence. */
#ifndef STORY_CLIENT_H
#define STORY_CLIENT_H

#include <jansson.h>
#include <stdbool.h>

#include "base/hex.h"

struct secp;

struct world { /* a running demo */
        int pid;
        int out; /* its standard output */
        char http[128], paper[128];
        char host[2][64]; /* brand A (isolated by default) and B (cross) */
};

/* Starts argv[0]; it is killed when the story fails. */
void client_run(int *pid, int *out, const char *const argv[]);
/* The same, and reads its first line: a JSON object with "ready":true (a new reference). */
json_t *client_spawn(int *pid, int *out, const char *const argv[]);
/* Ends it by SIGTERM; its exit status. */
int client_end(int pid, int out);

/* Starts the program as `PROGRAM demo --http 0 --paper 0` and reads its line. */
void client_start(struct world *world, const char *program);
/* Ends it by SIGTERM; returns its exit status. */
int client_stop(struct world *world);

struct trader {
        const struct world *world;
        const struct secp *secp;
        const char *host;
        unsigned char key[32];
        struct addr address;
        char address_text[ADDR_STR_MAX];
        char token[80]; /* "" until signed in */
};
void client_trader(struct trader *trader, const struct world *world, const struct secp *secp,
                   const char *host);

/* One request; the answer's JSON (a new reference). body NULL: none. *status may not be NULL. */
json_t *client_call(const struct trader *trader, const char *method, const char *path, json_t *body,
                    long *status);
/* The same, but anything other than 200 ends the story. Takes body's reference. */
json_t *client_must(const struct trader *trader, const char *method, const char *path,
                    json_t *body);
/* A request that must be refused with code; returns the problem document. Takes body's reference. */
json_t *client_refused(const struct trader *trader, const char *method, const char *path,
                       json_t *body, const char *code);
/* POST to the paper venue. Takes body's reference. */
json_t *client_paper(const struct world *world, const char *path, json_t *body);

/* Signs a message as personal_sign, or typed data as eth_signTypedData_v4: "0x" and 130 digits. */
void client_sign_message(const struct trader *trader, const char *message, char out[133]);
void client_sign_typed(const struct trader *trader, const json_t *typed_data, char out[133]);

/* Ends the program with a sentence. */
void client_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

#endif
