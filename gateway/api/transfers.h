/* transfers: money that leaves the perps balance. Only the trader's wallet can sign for it: the typed
 * data is shown, waits here for its signature, is bounded, expires, and is sent once. */
#ifndef API_TRANSFERS_H
#define API_TRANSFERS_H

struct api;
struct transfers;

struct transfers *transfers_new(struct api *api);
void transfers_free(struct transfers *transfers); /* accepts NULL */

#endif
