/* store_impl: the store's two sides: store.c on the loop, store_batch.c on its own thread. */
#ifndef STORE_STORE_IMPL_H
#define STORE_STORE_IMPL_H

#include <pthread.h>
#include <stdatomic.h>

#include "store/store_op.h"
#include "store/store_reserve.h"

struct store {
        struct loop *loop;
        struct worker *worker;

        /* Loop thread. */
        struct store_op *refused; /* in order; finished by the timer */
        struct store_op **refused_tail;
        struct loop_timer *refused_timer;
        struct loop_timer *probe_timer;
        struct store_stats stats;
        bool is_down;
        int64_t down_since;
        bool probe_is_out;
        bool is_closing;

        /* Held by the store's thread during a batch, by start-up calls for a moment. */
        pthread_mutex_t mutex;
        struct db *db;
        struct store_reserve *reserve; /* NULL: none */

        /* Written by the store's thread, read by anybody. */
        struct {
                atomic_uint_fast64_t reserve_records, reopened;
                atomic_uint reserve_pages, log_frames;
                atomic_bool is_full;
        } seen;

        /* Store's thread: the batch. */
        struct store_op *batch;
        struct store_op **batch_tail;
        bool in_transaction;
        bool has_savepoints; /* each write has one */
        bool is_sunk;        /* the database failed: nothing of this batch stands */
        bool is_failing;     /* since a batch that sank */
};

/* The worker's hooks; the state is the store. */
void store_batch_begin(void *state);
void store_batch_run(struct worker_job *job, void *state);
void store_batch_end(void *state);

/* After a failure, before anything else is written: the file is read anew where it can't be trusted, and
 * takes over what the reserve has, in a commit of its own. While that fails nobody's reads see changes
 * that are undone. E_STORE_DOWN. */
MUST_USE enum errc store_batch_come_back(struct store *store);
/* A small write, to find out whether the disk takes one. */
MUST_USE enum errc store_batch_probe(struct db *db);
void store_batch_tell(struct store *store); /* brings store->seen up to date */

#endif
