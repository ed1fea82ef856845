/* ws_paths: which part speaks on which WebSocket path of a listener. A listener has one handler and one set
 * of ops; this stands between it and the parts. Loop thread only. */
#ifndef WS_PATHS_H
#define WS_PATHS_H

#include "edge/httpd.h"

#define WS_PATHS_MAX 4

struct ws_paths;

/* handler takes what is no WebSocket, with its cookie. */
struct ws_paths *ws_paths_new(httpd_handler *handler, void *cookie);
void ws_paths_free(struct ws_paths *paths); /* no peer may be open; accepts NULL */
/* path and ops are borrowed. Before the listener is made. */
void ws_paths_add(struct ws_paths *paths, const char *path, const struct httpd_ws_ops *ops,
                  void *cookie);
/* Fills the listener's options: handler, ops, paths and cookie. */
void ws_paths_listen(const struct ws_paths *paths, struct httpd_listen_options *options);

#endif
