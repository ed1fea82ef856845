/* sign_vectors: the driver reproduces every published vector it claims to support, byte for byte.
 * Our own few vectors stand beside the shared ones; own-l1-001 and own-phantom-001 are the worked
 * example of the venue's documentation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "adapters/hyperliquid/hl_raw.h"

#define OUTPUTS_MAX 8

struct kind {
        const char *name;
        const char *outputs[OUTPUTS_MAX]; /* what the driver prints; "result" is "expected" there */
};

static const struct kind kinds[] = {
        {"l1", {"msgpack", "actionHash", "digest", "r", "s", "v"}},
        {"phantomAgent", {"digest", "r", "s", "v"}},
        {"userSigned", {"domainSeparator", "typeHash", "structHash", "digest", "r", "s", "v"}},
        {"address", {"signer"}},
        {"number", {"result"}},
        {"multiSig", {"innerDigests", "msgpack", "multiSigActionHash", "digest", "r", "s", "v"}},
        {"multiSigOuter", {"msgpack", "multiSigActionHash", "digest", "r", "s", "v"}},
};

static const struct kind *kind_of(const json_t *entry)
{
        const char *name = json_string_value(json_object_get(entry, "kind"));

        for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
                if (name && strcmp(kinds[i].name, name) == 0)
                        return &kinds[i];
        }
        return NULL;
}

static json_t *load(const char *path)
{
        FILE *in = fopen(path, "r");
        char *text;
        size_t len;
        struct err err = {0};
        json_t *root;

        if (!in)
                return NULL;
        text = malloc(16 * 1024 * 1024);
        assert_non_null(text);
        len = fread(text, 1, 16 * 1024 * 1024, in);
        (void)fclose(in);
        root = hl_raw_load(text, len, &err);
        if (!root)
                fail_msg("%s: %s", path, err.detail);
        free(text);
        return root;
}

/* Integers above 2^63-1 must reach the driver as numbers, so the inputs are printed by our walk. */
static void put_inputs(FILE *out, const json_t *entry)
{
        static const char *const inputs[] = {
                "id",
                "kind",
                "privateKey",
                "isMainnet",
                "action",
                "nonce",
                "vaultAddress",
                "expiresAfter",
                "primaryType",
                "types",
                "op",
                "input",
                "szDecimals",
                "market",
                "maxDecimals",
                "privateKeys",
                "innerPrimaryType",
                "innerTypes",
                "signedAction",
        };
        json_t *line = json_object();
        bool is_phantom = strcmp(kind_of(entry)->name, "phantomAgent") == 0;
        struct hl_json j;
        struct buf text;

        for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++) {
                json_t *value = json_object_get(entry, inputs[i]);

                if (value)
                        json_object_set(line, inputs[i], value);
        }
        if (is_phantom)
                json_object_set(line, "actionHash", json_object_get(entry, "actionHash"));
        buf_init(&text, 4 * 1024 * 1024);
        hl_json_init(&j, &text);
        assert_int_equal(hl_raw_walk(line, &j.emit), 0);
        assert_int_equal(buf_check(&text), 0);
        (void)fprintf(out, "%s\n", buf_cstr(&text));
        buf_fini(&text);
        json_decref(line);
}

static void check(const json_t *entry, const char *line)
{
        const struct kind *kind = kind_of(entry);
        const char *id = json_string_value(json_object_get(entry, "id"));
        json_t *answer = json_loads(line, 0, NULL);

        assert_non_null(answer);
        assert_string_equal(json_string_value(json_object_get(answer, "id")), id);
        for (size_t i = 0; i < OUTPUTS_MAX && kind->outputs[i]; i++) {
                const char *name = kind->outputs[i];
                json_t *want =
                        json_object_get(entry, strcmp(name, "result") == 0 ? "expected" : name);
                json_t *got = json_object_get(answer, name);

                if (!want || !got || !json_equal(want, got))
                        fail_msg("%s: %s differs: %s", id, name, line);
        }
        json_decref(answer);
}

/* Returns how many entries were checked. */
static size_t run(const json_t *entries)
{
        char path[] = "/tmp/perpgate-vectors-XXXXXX";
        int fd = mkstemp(path);
        FILE *in = fd >= 0 ? fdopen(fd, "w") : NULL;
        FILE *out;
        char command[512];
        char *line = NULL;
        size_t cap = 0;
        size_t n = 0;

        assert_non_null(in);
        for (size_t i = 0; i < json_array_size(entries); i++) {
                if (kind_of(json_array_get(entries, i)))
                        put_inputs(in, json_array_get(entries, i));
        }
        assert_int_equal(fclose(in), 0);
        (void)snprintf(command, sizeof command, "'%s' < %s", SIGN_VECTORS, path);
        out = popen(command, "r");
        assert_non_null(out);
        for (size_t i = 0; i < json_array_size(entries); i++) {
                if (!kind_of(json_array_get(entries, i)))
                        continue;
                assert_true(getline(&line, &cap, out) > 0);
                check(json_array_get(entries, i), line);
                n++;
        }
        free(line);
        assert_int_equal(pclose(out), 0);
        (void)unlink(path);
        return n;
}

static void own_vectors_reproduce(void **state)
{
        json_t *entries = load(TESTS_DIR "/vectors/signing.json");

        (void)state;
        assert_non_null(entries);
        assert_true(run(entries) >= 15);
        json_decref(entries);
}

static void shared_vectors_reproduce(void **state)
{
        json_t *entries = load(SHARED_DIR "/vectors/signing.json");
        size_t n;

        (void)state;
        if (!entries) {
                print_message("shared vectors are not here: skipped\n");
                skip();
        }
        n = run(entries);
        print_message("%zu of %zu shared vectors checked\n", n, json_array_size(entries));
        assert_true(n >= 309);
        json_decref(entries);
}

static void bad_entries_are_told_and_passed_over(void **state)
{
        FILE *out = popen(
                "printf '%s\\n' 'rubbish' '{\"id\":\"a\",\"kind\":\"multiSig\"}' "
                "'{\"id\":\"b\",\"op\":\"nope\",\"input\":\"1\"}' "
                "'{\"id\":\"c\",\"action\":{\"type\":\"x\",\"v\":1.5},\"nonce\":1,"
                "\"isMainnet\":true,\"privateKey\":\"0x01\"}' "
                "'{\"id\":\"d\",\"op\":\"floatToWire\",\"input\":\"2000.0\"}' | '" SIGN_VECTORS "'",
                "r");
        static const char *const ids[] = {NULL, "a", "b", "c"};
        char *line = NULL;
        size_t cap = 0;
        json_t *answer;

        (void)state;
        assert_non_null(out);
        for (size_t i = 0; i < 4; i++) {
                assert_true(getline(&line, &cap, out) > 0);
                answer = json_loads(line, 0, NULL);
                assert_non_null(json_object_get(answer, "error"));
                if (ids[i])
                        assert_string_equal(json_string_value(json_object_get(answer, "id")),
                                            ids[i]);
                json_decref(answer);
        }
        assert_true(getline(&line, &cap, out) > 0);
        assert_string_equal(line, "{\"id\":\"d\",\"result\":\"2000\"}\n");
        free(line);
        assert_int_equal(pclose(out), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(own_vectors_reproduce),
                cmocka_unit_test(shared_vectors_reproduce),
                cmocka_unit_test(bad_entries_are_told_and_passed_over),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
