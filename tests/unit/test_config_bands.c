/* Every liquidation distance that alerts costs marks of every position: the gateway watches three over all
 * its brands. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "brand/config.h"

static char root[] = P_tmpdir "/test_bands_XXXXXX";

static void write_to(const char *name, const char *text)
{
        char path[512];
        FILE *f;

        (void)snprintf(path, sizeof path, "%s/%s", root, name);
        f = fopen(path, "w");
        assert_non_null(f);
        assert_true(fputs(text, f) >= 0);
        assert_int_equal(fclose(f), 0);
}

static void write_brand(const char *id, const char *distances)
{
        char name[64], text[1024];

        (void)snprintf(name, sizeof name, "%s/brand.yaml", id);
        (void)snprintf(text, sizeof text,
                       "name: A\nhosts: [%s.example]\ntheme: {primary: \"#112233\", background: "
                       "\"#000000\", text: \"#ffffff\", accent: \"#aabbcc\"}\n"
                       "alerts: {liquidationDistances: [%s]}\n",
                       id, distances);
        write_to(name, text);
}

static int make_tree(void **state)
{
        char path[512];

        (void)state;
        if (!mkdtemp(root))
                return -1;
        for (int i = 0; i < 2; i++) {
                (void)snprintf(path, sizeof path, "%s/%s", root, i ? "two" : "one");
                if (mkdir(path, 0700))
                        return -1;
        }
        write_to("gateway.yaml",
                 "paper: {enabled: true}\nstore: {dataDir: .}\nbrands: [one, two]\n");
        return 0;
}

static int remove_tree(void **state)
{
        static const char *const names[] = {"gateway.yaml", "one/brand.yaml", "two/brand.yaml"};
        static const char *const folders[] = {"one", "two"};
        char path[512];

        (void)state;
        for (size_t i = 0; i < 3; i++) {
                (void)snprintf(path, sizeof path, "%s/%s", root, names[i]);
                (void)unlink(path);
        }
        for (size_t i = 0; i < 2; i++) {
                (void)snprintf(path, sizeof path, "%s/%s", root, folders[i]);
                (void)rmdir(path);
        }
        return rmdir(root);
}

static bool loads(char problems_out[512])
{
        struct config *config;
        struct buf problems;
        char path[512];

        buf_init(&problems, 65536);
        (void)snprintf(path, sizeof path, "%s/gateway.yaml", root);
        config = config_load(path, &problems);
        (void)snprintf(problems_out, 512, "%s", buf_cstr(&problems));
        buf_fini(&problems);
        config_free(config);
        return config != NULL;
}

static void brands_share_three_distances(void **state)
{
        static const struct {
                const char *one, *two;
                bool is_good;
        } cases[] = {
                {"\"0.2\", \"0.1\", \"0.05\"", "\"0.2\", \"0.1\", \"0.05\"", true},
                {"\"0.2\", \"0.1\", \"0.05\"", "\"0.05\"", true},
                {"\"0.2\"", "\"0.1\", \"0.05\"", true},
                {"", "\"0.3\"", true},
                {"\"0.2\", \"0.1\", \"0.05\"", "\"0.15\"", false},
                {"\"0.4\", \"0.3\"", "\"0.2\", \"0.1\"", false},
        };
        char problems[512];

        (void)state;
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                write_brand("one", cases[i].one);
                write_brand("two", cases[i].two);
                if (loads(problems) != cases[i].is_good)
                        fail_msg("case %zu: %s", i, problems);
                assert_int_equal(strstr(problems, "expected at most 3 different") == NULL,
                                 cases[i].is_good);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(brands_share_three_distances),
        };

        return cmocka_run_group_tests(tests, make_tree, remove_tree);
}
