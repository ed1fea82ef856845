/* store_op: one operation on its way to the store's thread and back. Embedded as the first member of
 * a struct with the operation's own input, output and callback; allocated with xcalloc, freed by the
 * store after finish. */
#ifndef STORE_STORE_OP_H
#define STORE_STORE_OP_H

#include "loop/worker.h"
#include "store/db.h"
#include "store/store.h"

struct store_op {
        struct worker_job job;
        struct store *store;
        struct store_op
                *next; /* in the batch on the store's thread, in the refused list on the loop's */
        bool writes;
        bool in_transaction; /* saw or made changes that the batch commits */
        bool is_commit;      /* the batch's first write: counts its commit */
        bool in_reserve;     /* the database failed, the reserve has it */
        bool reads_reserve;  /* a read: what the reserve has comes first */
        bool reads_both;     /* and both are asked in any case */
        enum errc rc;        /* set on submission: refused as it is, and exec is not called */

        /* On the store's thread. A write is undone when it returns an error, and may be run a second
         * time to the same effect: it changes nothing but the database. Cheapest when what can be
         * refused is refused before the first change. */
        enum errc (*exec)(struct store_op *op, struct db *db);
        /* The same while the database takes no writes; NULL: fails. On disk in the reserve alone, later taken
         * over; main is for reading what is there. */
        enum errc (*exec_reserve)(struct store_op *op, struct db *reserve, struct db *main);
        /* On the store's thread after the batch has ended, outside of any transaction; may be NULL. */
        void (*after)(struct store_op *op, struct db *db);
        /* On the loop. rc is final. Calls the callback and frees what the operation owns, not op. */
        void (*finish)(struct store_op *op);
};

/* finish is called exactly once, never before this returns. */
void store_op_submit(struct store *store, struct store_op *op);

/* Common operations whose callback is a store_done. */
struct store_op_write {
        struct store_op op;
        store_done *done;
        void *cookie;
};
void store_op_finish_write(struct store_op *op); /* calls done unless it is NULL */

/* Raises the highest nonce of signer; one that is lower changes nothing. For an exec. E_RANGE. */
MUST_USE enum errc store_nonce_raise(struct db *db, const struct addr *signer, uint64_t nonce);

/* Adds a record to the brand's audit chain. For an exec: it is on disk with what it tells, or neither is. */
MUST_USE enum errc store_audit_add(struct db *db, const char *brand, const char *actor,
                                   const char *action, const char *detail, int64_t at);

/* The database for the synchronous calls at start-up; locks out the store's thread meanwhile. */
struct db *store_op_lock(struct store *store);
void store_op_unlock(struct store *store);

#endif
