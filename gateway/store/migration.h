/* migration: the files of store/migrations, built into the program. The n-th file (from 1) takes a
 * database from schema version n - 1 to n. */
#ifndef STORE_MIGRATION_H
#define STORE_MIGRATION_H

struct migration {
        const char *name;
        const char *sql;
};

extern const struct migration migration_table[];
extern const unsigned migration_count;

#endif
