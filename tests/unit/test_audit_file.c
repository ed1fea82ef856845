/* audit_file: an attacker who may write anything into the database changes nothing of the log unseen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "store/audit_file.h"
#include "store_rig.h"

#define PER_BRAND 5

/* --- a log, and hands that are not the gateway's --- */

static void fill(struct rig *rig)
{
        struct reply reply = {0};

        for (int i = 0; i < PER_BRAND; i++) {
                store_audit(rig->store, BRAND_A, "0xaa", "signed", "{\"nonce\":1}", 100 + i,
                            rig_on_done, &reply);
                store_audit(rig->store, BRAND_B, "0xbb", "refused", "{}", 200 + i, rig_on_done,
                            &reply);
        }
        rig_wait(rig, &reply, 2 * PER_BRAND);
        assert_int_equal(reply.n_ok, 2 * PER_BRAND);
}

static void tamper(const struct rig *rig, const char *sql)
{
        sqlite3 *conn = NULL;
        char *why = NULL;

        assert_int_equal(sqlite3_open(rig->file, &conn), SQLITE_OK);
        if (sqlite3_exec(conn, sql, NULL, NULL, &why))
                fail_msg("%s: %s", sql, why);
        sqlite3_close(conn);
}

static void drop_triggers(const struct rig *rig)
{
        tamper(rig, "DROP TRIGGER audit_no_update; DROP TRIGGER audit_no_delete;"
                    " PRAGMA ignore_check_constraints = ON");
}

struct seen {
        struct audit_verdict verdict;
        struct audit_head head[2];
        size_t n_heads;
};

static void verify(struct seen *seen, const struct rig *rig, const struct audit_head *noted,
                   const char *brand)
{
        struct err err = {.code = E_OK};
        struct audit_file *file = audit_file_open(rig->file, &err);
        struct audit_chain *chain = audit_chain_new();

        memset(seen, 0, sizeof *seen);
        if (!file)
                fail_msg("%s", err.detail);
        if (noted)
                assert_int_equal(audit_chain_expect(chain, noted), E_OK);
        if (audit_file_verify(file, &seen->verdict, chain, brand, &err))
                fail_msg("%s", err.detail);
        seen->n_heads = audit_chain_brands(chain);
        for (size_t i = 0; i < seen->n_heads && i < 2; i++)
                seen->head[i] = *audit_chain_head(chain, i);
        audit_chain_free(chain);
        audit_file_close(file);
}

/* The log as it is after sql, which is undone again. */
static enum audit_fault after(const struct rig *rig, const char *sql,
                              const struct audit_head *noted)
{
        char copy[400], command[1200];
        struct rig other = *rig;
        struct seen seen;

        snprintf(copy, sizeof copy, "%s/copy.db", rig->folder);
        snprintf(command, sizeof command, "VACUUM INTO '%s'", copy);
        unlink(copy);
        tamper(rig, command);
        snprintf(other.file, sizeof other.file, "%s/copy.db", rig->folder);
        drop_triggers(&other);
        tamper(&other, sql);
        verify(&seen, &other, noted, NULL);
        unlink(copy);
        return seen.verdict.fault;
}

/* --- tests --- */

static void a_whole_log_is_whole_while_the_gateway_runs(void **state)
{
        struct rig *rig = *state;
        struct seen seen;

        fill(rig);
        verify(&seen, rig, NULL, NULL);
        assert_int_equal(seen.verdict.fault, AUDIT_WHOLE);
        assert_int_equal(seen.verdict.records, 2 * PER_BRAND);
        assert_int_equal(seen.n_heads, 2);
        assert_string_equal(seen.head[0].brand, BRAND_A);
        assert_int_equal(seen.head[0].seq, PER_BRAND);
        assert_int_equal(seen.head[1].at, 200 + PER_BRAND - 1);
        struct audit_head noted = seen.head[0];
        fill(rig); /* what was noted earlier stays true */
        verify(&seen, rig, &noted, NULL);
        assert_int_equal(seen.verdict.fault, AUDIT_WHOLE);
        verify(&seen, rig, NULL, BRAND_B);
        assert_int_equal(seen.verdict.fault, AUDIT_WHOLE);
        assert_int_equal(seen.verdict.records, 2 * PER_BRAND);
}

static void a_copy_is_read_as_the_original_is(void **state)
{
        struct rig *rig = *state;

        fill(rig);
        /* Nothing but the triggers is gone, and that is told too. */
        assert_int_equal(after(rig, "SELECT 1", NULL), AUDIT_UNGUARDED);
        assert_int_equal(after(rig,
                               "CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT"
                               " RAISE(ABORT, 'x'); END; CREATE TRIGGER audit_no_delete BEFORE"
                               " DELETE ON audit BEGIN SELECT RAISE(ABORT, 'x'); END",
                               NULL),
                         AUDIT_WHOLE);
        assert_int_equal(after(rig,
                               "CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit WHEN 0 BEGIN"
                               " SELECT RAISE(ABORT, 'x'); END; CREATE TRIGGER audit_no_delete"
                               " BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'x'); END",
                               NULL),
                         AUDIT_UNGUARDED);
}

static void each_column_of_each_record_counts(void **state)
{
        static const struct {
                const char *set;
                enum audit_fault fault;
        } changes[] = {
                {"at = at + 1", AUDIT_CHANGED},
                {"at = -at", AUDIT_CHANGED},
                {"actor = 'ops'", AUDIT_CHANGED},
                {"actor = actor || ' '", AUDIT_CHANGED},
                {"actor = actor || char(0)", AUDIT_CHANGED},
                {"action = 'halted'", AUDIT_CHANGED},
                {"detail = ''", AUDIT_CHANGED},
                {"detail = detail || 'x'", AUDIT_CHANGED},
                /* The same bytes in all, cut elsewhere. */
                {"actor = actor || substr(action, 1, 1), action = substr(action, 2)",
                 AUDIT_CHANGED},
                {"prev_hash = randomblob(32)", AUDIT_UNLINKED},
                {"hash = zeroblob(32)", AUDIT_CHANGED},
                {"hash = zeroblob(31)", AUDIT_MALFORMED},
                {"prev_hash = 'x'", AUDIT_MALFORMED},
                {"detail = CAST(detail AS BLOB)", AUDIT_MALFORMED},
                {"actor = NULL", AUDIT_MALFORMED},
                {"at = 'then'", AUDIT_MALFORMED},
                {"seq = seq + 100", AUDIT_GAP},
                {"seq = -seq", AUDIT_ORDER},
        };
        struct rig *rig = *state;
        char sql[400];

        fill(rig);
        for (size_t i = 0; i < sizeof changes / sizeof *changes; i++)
                for (int seq = 1; seq <= PER_BRAND; seq += 2) {
                        enum audit_fault fault;

                        snprintf(
                                sql, sizeof sql,
                                "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql ="
                                " replace(replace(sql, 'NOT NULL', ''), 'PRIMARY KEY (brand, seq)',"
                                " 'UNIQUE (brand, seq)') WHERE name = 'audit'; PRAGMA"
                                " writable_schema = RESET; PRAGMA ignore_check_constraints = ON;"
                                " UPDATE audit SET %s WHERE brand = 'meridian' AND seq = %d",
                                changes[i].set, seq);
                        fault = after(rig, sql, NULL);
                        if (fault != changes[i].fault)
                                fail_msg("%s at %d: %s", changes[i].set, seq,
                                         audit_chain_fault_name(fault));
                }
}

static void what_is_taken_out_put_in_or_moved_is_found(void **state)
{
        static const struct {
                const char *sql;
                enum audit_fault fault;
        } changes[] = {
                {"DELETE FROM audit WHERE brand = 'meridian' AND seq = 1", AUDIT_GAP},
                {"DELETE FROM audit WHERE brand = 'meridian' AND seq = 3", AUDIT_GAP},
                {"DELETE FROM audit WHERE brand = 'meridian' AND seq < 5", AUDIT_GAP},
                /* The hole closed behind it. */
                {"DELETE FROM audit WHERE brand = 'meridian' AND seq = 3; UPDATE audit SET seq ="
                 " seq - 1 WHERE brand = 'meridian' AND seq > 3",
                 AUDIT_UNLINKED},
                /* Two records change places: by number, by place, and by content. */
                {"UPDATE audit SET seq = 99 WHERE brand = 'meridian' AND seq = 2; UPDATE audit SET"
                 " seq = 2 WHERE brand = 'meridian' AND seq = 3; UPDATE audit SET seq = 3 WHERE"
                 " brand = 'meridian' AND seq = 99",
                 AUDIT_GAP},
                {"UPDATE audit SET rowid = 99 WHERE rowid = 3; UPDATE audit SET rowid = 3 WHERE"
                 " rowid = 5; UPDATE audit SET rowid = 5 WHERE rowid = 99",
                 AUDIT_GAP},
                {"UPDATE audit SET (at, hash) = (SELECT o.at, o.hash FROM audit o WHERE o.brand ="
                 " 'meridian' AND o.seq = 3) WHERE brand = 'meridian' AND seq = 2",
                 AUDIT_CHANGED},
                {"INSERT INTO audit SELECT brand, 6, at, actor, action, detail, hash, hash FROM"
                 " audit WHERE brand = 'meridian' AND seq = 5",
                 AUDIT_CHANGED},
                {"INSERT INTO audit SELECT brand, 0, at, actor, action, detail, prev_hash, hash"
                 " FROM audit WHERE brand = 'meridian' AND seq = 5",
                 AUDIT_ORDER},
                {"INSERT INTO audit (rowid, brand, seq, at, actor, action, detail, prev_hash, hash)"
                 " SELECT 0, 'third', 1, at, actor, action, detail, prev_hash, hash FROM audit"
                 " WHERE brand = 'meridian' AND seq = 1",
                 AUDIT_CHANGED},
                {"UPDATE audit SET brand = 'third' WHERE brand = 'meridian'", AUDIT_CHANGED},
                {"UPDATE audit SET brand = 'meridian', seq = 6 WHERE brand = 'atlas' AND seq = 5",
                 AUDIT_UNLINKED},
                {"UPDATE audit SET brand = '' WHERE brand = 'atlas'", AUDIT_BRANDS},
                {"UPDATE audit SET brand = hex(zeroblob(40)) WHERE brand = 'atlas'", AUDIT_BRANDS},
        };
        struct rig *rig = *state;

        fill(rig);
        for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
                enum audit_fault fault = after(rig, changes[i].sql, NULL);

                if (fault != changes[i].fault)
                        fail_msg("%s: %s", changes[i].sql, audit_chain_fault_name(fault));
        }
}

static void an_end_that_was_cut_off_is_told_by_a_noted_head(void **state)
{
        static const char cut[] = "DELETE FROM audit WHERE brand = 'atlas' AND seq = 5";
        static const char cut_all[] = "DELETE FROM audit WHERE brand = 'atlas'";
        struct rig *rig = *state;
        struct audit_head noted;
        struct seen seen;

        fill(rig);
        verify(&seen, rig, NULL, NULL);
        noted = seen.head[1];
        assert_string_equal(noted.brand, BRAND_B);
        /* Without it a shorter log is a log. */
        assert_int_equal(after(rig, cut, NULL), AUDIT_UNGUARDED);
        assert_int_equal(after(rig, cut, &noted), AUDIT_TRUNCATED);
        assert_int_equal(after(rig, cut_all, &noted), AUDIT_TRUNCATED);
        noted.hash.b[0] ^= 1; /* as one that was made anew from some record on would have */
        assert_int_equal(after(rig, "SELECT 1", &noted), AUDIT_NOT_HEAD);
}

static void the_first_broken_record_is_named(void **state)
{
        struct rig *rig = *state;
        struct seen seen;

        fill(rig);
        drop_triggers(rig);
        tamper(rig, "UPDATE audit SET detail = 'no' WHERE brand = 'atlas' AND seq = 4;"
                    " UPDATE audit SET detail = 'no' WHERE brand = 'meridian' AND seq = 5");
        verify(&seen, rig, NULL, NULL);
        assert_int_equal(seen.verdict.fault, AUDIT_CHANGED);
        assert_string_equal(seen.verdict.brand, BRAND_B);
        assert_int_equal(seen.verdict.seq, 4);
        verify(&seen, rig, NULL, BRAND_A);
        assert_int_equal(seen.verdict.seq, 5);
}

static void what_is_no_gateways_database_is_not_judged(void **state)
{
        struct rig *rig = *state;
        struct rig other = *rig;
        struct err err = {.code = E_OK};

        assert_null(audit_file_open("/nowhere/at/all.db", &err));
        assert_int_equal(err.code, E_CONFIG);
        snprintf(other.file, sizeof other.file, "%s/other.db", rig->folder);
        tamper(&other, "CREATE TABLE audit (brand TEXT)");
        err = (struct err){.code = E_OK};
        assert_null(audit_file_open(other.file, &err));
        assert_int_equal(err.code, E_CONFIG);
        /* One that shows what is nowhere. */
        tamper(&other, "DROP TABLE audit; PRAGMA application_id = 1886853221;"
                       " CREATE VIEW audit AS SELECT 'meridian' AS brand");
        err = (struct err){.code = E_OK};
        assert_null(audit_file_open(other.file, &err));
        unlink(other.file);
        err = (struct err){.code = E_OK};
        assert_null(audit_file_open(rig->folder, &err));
}

static void a_head_is_read_whole_or_not_at_all(void **state)
{
        static const char *const bad[] = {
                "", ":", "1", "1:", "1:ab", ":1:00", "a:b:c", "meridian::00", "-1:00",
        };
        char text[200], zeros[65] = {0};
        struct audit_head head;

        (void)state;
        memset(zeros, '0', 64);
        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
                assert_int_not_equal(audit_chain_parse_head(&head, bad[i], "meridian"), E_OK);
        snprintf(text, sizeof text, "12:%s", zeros);
        assert_int_equal(audit_chain_parse_head(&head, text, "meridian"), E_OK);
        assert_int_equal(head.seq, 12);
        assert_int_not_equal(audit_chain_parse_head(&head, text, NULL), E_OK);
        snprintf(text, sizeof text, "meridian:999999999999999999:%s", zeros);
        assert_int_equal(audit_chain_parse_head(&head, text, NULL), E_OK);
        assert_int_not_equal(audit_chain_parse_head(&head, text, "atlas"), E_OK);
        snprintf(text, sizeof text, "meridian:9999999999999999999:%s", zeros);
        assert_int_not_equal(audit_chain_parse_head(&head, text, NULL), E_OK);
        snprintf(text, sizeof text, "meridian:1:%s0", zeros);
        assert_int_not_equal(audit_chain_parse_head(&head, text, NULL), E_OK);
}

int main(void)
{
#define RIG(test) cmocka_unit_test_setup_teardown(test, rig_setup, rig_teardown)
        const struct CMUnitTest tests[] = {
                RIG(a_whole_log_is_whole_while_the_gateway_runs),
                RIG(a_copy_is_read_as_the_original_is),
                RIG(each_column_of_each_record_counts),
                RIG(what_is_taken_out_put_in_or_moved_is_found),
                RIG(an_end_that_was_cut_off_is_told_by_a_noted_head),
                RIG(the_first_broken_record_is_named),
                RIG(what_is_no_gateways_database_is_not_judged),
                cmocka_unit_test(a_head_is_read_whole_or_not_at_all),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
