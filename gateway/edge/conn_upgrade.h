/* conn_upgrade: an HTTP request becomes a WebSocket. Private to this folder. */
#ifndef EDGE_CONN_UPGRADE_H
#define EDGE_CONN_UPGRADE_H

struct conn;

/* 0, or the status that the upgrade is refused with; *why is a fixed sentence then. */
int conn_upgrade_check(struct conn *conn, const char **why);
/* Accepts it, within the library's callback. Not zero: to be closed. */
int conn_upgrade_accept(struct conn *conn);
/* Once more, of one that was held back. */
void conn_upgrade_again(struct conn *conn);

#endif
