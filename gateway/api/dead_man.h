/* dead_man: dead man's switches: whoever stops asking has the open orders cancelled. One for an account, which
 * covers all its orders, and one for each API key, which covers those that the key asked for.
 *
 * At a switch's deadline the gateway cancels by itself. For the case that it is not there to do so, it keeps the
 * venue's own timer (one for an account, and it cancels everything) some seconds behind the earliest
 * deadline: the net. README.md has the rules. Loop thread only. */
#ifndef API_DEAD_MAN_H
#define API_DEAD_MAN_H

struct api;
struct dead_men;

struct dead_men *dead_man_new(struct api *api); /* loads what there is; nothing fires before that */
void dead_man_free(struct dead_men *men);       /* accepts NULL */

#endif
