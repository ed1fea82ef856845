/* store: an intent's letters are there while it is open, and gone from the file when it is final. */
#include "store_rig.h"

struct seen_letters {
        unsigned n;
        size_t len;
        char text[64];
};

static void on_letters(void *cookie, enum errc rc, const struct store_intent *intent)
{
        struct seen_letters *seen = cookie;

        seen->n++;
        assert_int_equal(rc, E_OK);
        seen->len = intent->letters_len;
        assert_true(seen->len < sizeof seen->text);
        assert_true(!intent->letters == !seen->len);
        if (seen->len)
                memcpy(seen->text, intent->letters, seen->len);
        seen->text[seen->len] = '\0';
}

static const char *letters_of(struct rig *rig, const struct store_intent *in)
{
        static struct seen_letters seen;

        seen = (struct seen_letters){.n = 0};
        store_intent_by_cloid(rig->store, in->brand, &in->account, &in->id, on_letters, &seen);
        for (int i = 0; i < 500 && !seen.n; i++)
                loop_turn(rig->loop, 100);
        assert_int_equal(seen.n, 1);
        return seen.text;
}

static void set_letters(struct store_intent *in, const char *text)
{
        in->letters = text;
        in->letters_len = text ? strlen(text) : 0;
}

static bool file_has(const char *file, const char *text)
{
        size_t len = 0, n = strlen(text);
        char *all = xmalloc(4u << 20);
        FILE *f = fopen(file, "rb");
        bool has = false;

        if (f) {
                len = fread(all, 1, 4u << 20, f);
                fclose(f);
        }
        for (size_t i = 0; i + n <= len && !has; i++)
                has = memcmp(all + i, text, n) == 0;
        free(all);
        return has;
}

static void letters_last_as_long_as_the_intent_is_open(void **state)
{
        static const char first[] = "the-first-signed-bytes",
                          second[] = "signed-once-it-was-filled";
        struct rig *rig = *state;
        struct store_intent in = rig_intent(1);

        set_letters(&in, first);
        assert_int_equal(rig_insert(rig, &in), E_OK);
        assert_string_equal(letters_of(rig, &in), first);
        set_letters(&in, NULL);
        in.state = INTENT_UNKNOWN;
        assert_int_equal(rig_update(rig, &in), E_OK);
        assert_string_equal(letters_of(rig, &in), first); /* NULL leaves them */
        set_letters(&in, second);
        assert_int_equal(rig_update(rig, &in), E_OK);
        assert_string_equal(letters_of(rig, &in), second);
        rig_reopen(rig);
        assert_string_equal(letters_of(rig, &in), second);
        assert_true(file_has(rig->file, second));
        in.state = INTENT_DONE;
        assert_int_equal(rig_update(rig, &in), E_OK);
        assert_string_equal(letters_of(rig, &in), "");
        rig_reopen(rig); /* a close moves the log into the file */
        assert_false(file_has(rig->file, first));
        assert_false(file_has(rig->file, second));
}

static void an_intent_that_is_final_at_once_leaves_no_letters(void **state)
{
        static const char text[] = "never-to-be-found-in-the-file";
        struct rig *rig = *state;
        struct store_intent in = rig_intent(1);

        in.state = INTENT_REJECTED;
        set_letters(&in, text);
        assert_int_equal(rig_insert(rig, &in), E_OK);
        assert_string_equal(letters_of(rig, &in), "");
        rig_reopen(rig);
        assert_false(file_has(rig->file, text));
}

static void letters_have_a_bound(void **state)
{
        struct rig *rig = *state;
        struct store_intent in = rig_intent(1);
        char *big = xcalloc(1, STORE_BLOB_MAX + 1);

        in.letters = big;
        in.letters_len = STORE_BLOB_MAX + 1;
        assert_int_equal(rig_insert(rig, &in), E_TOO_LARGE);
        free(big);
}

int main(void)
{
#define RIG(test) cmocka_unit_test_setup_teardown(test, rig_setup, rig_teardown)
        const struct CMUnitTest tests[] = {
                RIG(letters_last_as_long_as_the_intent_is_open),
                RIG(an_intent_that_is_final_at_once_leaves_no_letters),
                RIG(letters_have_a_bound),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
