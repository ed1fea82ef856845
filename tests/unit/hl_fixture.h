/* hl_fixture: the adapter opened on the scripted server, a loop to turn, and a key to sign with. */
#ifndef HL_FIXTURE_H
#define HL_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "adapters/venue.h"
#include "hl_server.h"
#include "loop/loop.h"

extern struct loop *loop;
extern struct venue *venue; /* a test that closes it sets it to NULL */
extern struct secp *secp;
extern const uint8_t key[32];
extern struct addr signer;

/* Options for the server; the URL is printed into url. */
struct venue_options hl_fixture_options(char *url, size_t cap);
void hl_fixture_open(const struct venue_options *o);
void hl_fixture_reopen(const struct venue_options *o);
/* Turns the loop until done() or a bound on turns; false at the bound. */
bool hl_fixture_turn_until(bool (*done)(void));
enum venue_health hl_fixture_health(void);
bool hl_fixture_is_up(void);

int hl_fixture_setup(void **state);
int hl_fixture_teardown(void **state);

#define HL_TEST(name) cmocka_unit_test_setup_teardown(name, hl_fixture_setup, hl_fixture_teardown)

#endif
