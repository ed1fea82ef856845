/* call: one API request from the moment its route is known until it is answered. It outlives the
 * peer: a client that leaves changes nothing about what was started. Every handler answers its call
 * exactly once, now or later, through call_reply or call_fail, which free it. */
#ifndef API_CALL_H
#define API_CALL_H

#include <jansson.h>

#include "api/state.h"
#include "base/buf.h"

struct field;
struct inbound;
struct route;

#define CALL_PARAM_MAX 80
#define CALL_KEY_MAX   65 /* an Idempotency-Key, NUL included */

struct call {
        struct api *api;
        struct handle request;
        const struct route *route;
        struct brand_set *brands; /* keeps brand alive over a reload */
        const struct brand *brand;
        char request_id[37];
        char peer[46];
        char client[46]; /* whose request it is: peer, or whom a trusted proxy names */
        char origin[256];
        char accept[256];
        char *path;                    /* as routed, owned */
        char *query;                   /* raw, owned; "" if none */
        char param[CALL_PARAM_MAX];    /* the path's {parameter}, "" if none */
        char symbol_query[SYMBOL_MAX]; /* ?symbol=, "" if none or too long */
        bool has_query;                /* the target has a query, whatever is in it */
        char key[CALL_KEY_MAX];        /* Idempotency-Key, "" if none */
        int64_t key_day;               /* it came on: days since 1970 */
        bool is_keyed;                 /* the key is under way: idempotency.c */
        char *body;                    /* owned, NUL-terminated */
        size_t body_len;
        json_t *json; /* the parsed body; owned */
        struct limit_state limit;
        enum brand_region region; /* where it comes from, by the brand's rules */
        bool terms_due;           /* the terms in force are not accepted; where risk is opened */
        bool has_session;
        bool has_key; /* the session stands for an API key */
        struct auth_session session;
        /* Whose money it is about: the session's, or a sub-account's of it. What is signed, approved
         * and counted stays the session's. */
        struct addr account;
        bool for_sub_account;
        bool replayed; /* the answer is a stored one */
        /* A call of the gateway's own: nobody waits for it but this. Called once, in place of a reply. */
        void (*answered)(void *cookie, int status, const char *body);
        void *answered_cookie;
        /* A call that came over a socket (api_socket.h): told in place of a reply. */
        void (*told)(void *cookie, int status, const char *content_type, const char *body,
                     size_t len, bool replayed);
        void *told_cookie;
        bool any_scope;      /* asks for no scope of a key: it only says who asks */
        unsigned key_scopes; /* of the key that asks: enum api_key_scope */
        int64_t started_mono_ms;
};

/* The sub-account that the call acts for, as venue ops take it: NULL for the wallet's own account. */
static inline const struct addr *call_sub_account(const struct call *call)
{
        return call->for_sub_account ? &call->account : NULL;
}

/* The id of the API key that asked, 16 bytes; NULL for a session. */
static inline const uint8_t *call_key_id(const struct call *call)
{
        return call->has_key ? call->session.token_hash : NULL;
}

/* Takes what it needs from the request; brand may be NULL for routes that need none. */
struct call *call_new(struct api *api, const struct inbound *in, const struct route *route,
                      struct brand_set *brands, const struct brand *brand, const char *param);

/* A call that the gateway makes for a trader of its own accord, such as a margin guard's: it has a
 * session, passes every check of the pipeline and stands in the journal. The caller sets key, answered
 * and its cookie. account is wallet, or a sub-account of it. NULL when the brand is not served. */
struct call *call_internal(struct api *api, const char *brand, const struct addr *wallet,
                           const struct addr *account, enum http_method method, const char *route,
                           const char *param);
/* The "code" of a problem document; "" when it has none. */
#define CALL_CODE_MAX 48
void call_problem_code(char out[CALL_CODE_MAX], const char *body);

/* Reads the query by a table of fields, as call_fields does a body: texts, words, whole numbers and
 * times. A parameter that is not in the table is an error. */
MUST_USE enum errc call_query(struct call *call, void *out, const struct field *fields, size_t n,
                              struct err *err);

/* Answers with body (JSON; emptied) and frees the call. */
void call_reply(struct call *call, int status, struct buf *body);
/* The same with another content type; body borrowed. */
void call_reply_raw(struct call *call, int status, const char *content_type, const void *body,
                    size_t len, const struct httpd_header_pair *extra, size_t n_extra);
/* Answers with a problem document and frees the call. */
void call_fail(struct call *call, const struct err *err);
/* A problem whose detail is the code's own sentence. */
void call_fail_code(struct call *call, enum errc code);
/* A problem with further members: `more` is JSON text of members, e.g. "\"plan\":[]", or "". */
void call_fail_with(struct call *call, const struct err *err, const char *more);

/* Answers a request that has no call yet. */
void call_refuse(struct api *api, const struct inbound *in, const struct brand *brand,
                 const struct limit_state *limit, const struct err *err);

/* The body as a JSON object, owned by the call, or NULL with err set: syntax, depth, duplicates. An
 * absent body counts as {}. */
const json_t *call_json(struct call *call, struct err *err);
/* Reads the body by a table of fields (api/schema.h) into out. Text taken as FIELD_RAW lives as long
 * as the call. E_SYNTAX, E_INVALID. */
MUST_USE enum errc call_fields(struct call *call, void *out, const struct field *fields, size_t n,
                               struct err *err);

#endif
