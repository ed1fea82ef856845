/* inbound: a request as the checks see it, whichever way it came: over HTTP, or as a frame of a socket. A
 * value; everything in it is borrowed. Texts that were not sent are "". */
#ifndef API_INBOUND_H
#define API_INBOUND_H

#include "edge/httpd.h"

struct inbound {
        struct handle handle; /* HTTP's; zero for a frame */
        enum http_method method;
        const char *path, *query;
        const char *body;
        size_t body_len;
        const char *peer;    /* who is connected */
        const char *client;  /* whose request it is: peer, or whom a trusted proxy names */
        const char *country; /* as a trusted proxy names it */
        const char *request_id;
        const char *origin, *accept, *content_type;
        const char *key; /* Idempotency-Key */
        const char *authorization;
        const char *api_key, *timestamp, *signature, *window;
        const char *sub_account;
};

#endif
