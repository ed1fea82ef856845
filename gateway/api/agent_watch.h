/* agent_watch: once an hour looks at everybody who trades: they are mirrored, and told when their agent
 * is about to end. */
#ifndef API_AGENT_WATCH_H
#define API_AGENT_WATCH_H

struct api;
struct agent_watch;

struct agent_watch *agent_watch_new(struct api *api); /* the first look follows at once */
void agent_watch_free(struct agent_watch *watch);     /* accepts NULL */

#endif
