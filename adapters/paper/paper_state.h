/* paper_state: the venue's state as a file: everything that /info and later actions depend on, bit for
 * bit: what was saved, loaded and saved again is the same file, while no time passes in between.
 * Not in it: /paper/ledger, faults, open connections. STATE.md has the format.
 * Loop thread only; the venue stands still while it saves. */
#ifndef PAPER_STATE_H
#define PAPER_STATE_H

#include "adapters/paper/archive.h"
#include "adapters/paper/wire.h"

#define PAPER_STATE_MAX (512u << 20)

/* The whole file's bytes into out (initialised here). */
MUST_USE enum errc paper_state_write(struct paper *p, struct buf *out, struct err *err);
/* Makes the engine and everything beside it from such bytes. p has its universe and empty markets,
 * users, agents and nonces, and no engine. On an error p may be filled in part and is of no use. */
MUST_USE enum errc paper_state_read(struct paper *p, const void *data, size_t len, struct err *err);

/* p->state_file: written beside it, made durable, then put in its place. checksum may be NULL. */
MUST_USE enum errc paper_state_save(struct paper *p, size_t *n_bytes, struct hash32 *checksum,
                                    struct err *err);
/* E_NOT_FOUND when there is no such file yet. */
MUST_USE enum errc paper_state_load(struct paper *p, struct err *err);

/* Parts, each one walk for both directions. */
void paper_state_market(struct paper *p, struct archive *archive, uint32_t asset);
void paper_state_agents(struct paper *p, struct archive *archive);
void paper_state_users(struct paper *p, struct archive *archive); /* after the agents */
/* paper_state_more.c: modes, sub-accounts, referrals, signers, what became of TWAPs. */
void paper_state_more(struct paper *p, struct archive *archive, struct paper_user *user);
/* TWAPs that run; after the users, whose families are checked, too. */
void paper_state_twaps(struct paper *p, struct archive *archive);
void paper_state_nonces(struct paper *p, struct archive *archive);
/* paper_nonces.c: one signer's; *set is made when reading. */
struct paper_nonces;
void paper_nonces_archive(struct archive *archive, struct paper_nonces **set);

#endif
