/* http_load: requests over kept HTTP/1.1 connections, one under way on each. Every answer must be a 200
 * with a length; what isn't ends the program with a sentence. */
#ifndef HTTP_LOAD_H
#define HTTP_LOAD_H

#include <stddef.h>

#define HTTP_LOAD_LANES_MAX   64
#define HTTP_LOAD_REQUEST_MAX 4096

struct http_lane {
        unsigned number; /* 0, 1, ... in the order of the lanes */
        int fd;
        char request[HTTP_LOAD_REQUEST_MAX]; /* what is sent next */
        size_t request_len;
        char *answer; /* of the last request: head and body, NUL-terminated */
        size_t have;
        size_t head_len, body_len; /* head_len 0: not known yet */
};

/* base: "http://ADDRESS:PORT" on this machine. */
void http_load_open(struct http_lane *lanes, unsigned n_lanes, const char *base);
void http_load_close(struct http_lane *lanes, unsigned n_lanes);

/* Makes the lane's request; authorization may be "". */
void http_load_post(struct http_lane *lane, const char *path, const char *host,
                    const char *authorization, const char *body);

/* Called before each request is sent, to change it; may be NULL. */
typedef void http_load_fn(void *cookie, struct http_lane *lane);

/* Sends n requests over all lanes. expect: what stands in every answer; NULL: not looked at. */
void http_load_run(struct http_lane *lanes, unsigned n_lanes, unsigned n, const char *expect,
                   http_load_fn *before, void *cookie);

#endif
