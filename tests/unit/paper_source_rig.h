/* paper_source_rig: a paper venue that shows somebody else's prices, and another one on the same loop.
 * Include after cmocka. */
#ifndef TESTS_PAPER_SOURCE_RIG_H
#define TESTS_PAPER_SOURCE_RIG_H

#include <unistd.h>

#include "base/mem.h"
#include "paper_fixture.h"

#define WAIT_MS 10000
struct rig {
        char folder[64], file[96];
        struct paper_options options;
        struct paper_fixture f;
        struct paper_wallet alice;
        /* another venue on the same loop */
        struct paper *other;
};

static inline int setup(void **state)
{
        struct rig *rig = calloc(1, sizeof(*rig));

        (void)snprintf(rig->folder, sizeof(rig->folder), "/tmp/perpgate-source-XXXXXX");
        assert_non_null(mkdtemp(rig->folder));
        (void)snprintf(rig->file, sizeof(rig->file), "%s/recording", rig->folder);
        rig->options = (struct paper_options){.seed = 7, .is_mainnet = true};
        *state = rig;
        return 0;
}

static inline int teardown(void **state)
{
        struct rig *rig = *state;

        (void)unlink(rig->file);
        (void)rmdir(rig->folder);
        free(rig);
        return 0;
}

static inline json_t *book(struct rig *rig, const char *coin)
{
        return paper_fixture_info(&rig->f, "{\"type\":\"l2Book\",\"coin\":\"%s\"}", coin);
}

/* Until the best price of that side is px ("" for none). */
static inline void wait_best(struct rig *rig, const char *coin, int side, const char *px)
{
        int64_t until = clock_mono_ms(loop_clock(rig->f.loop)) + WAIT_MS;
        char path[32], last[64] = "";

        (void)snprintf(path, sizeof(path), "levels.%d.0.px", side);
        do {
                json_t *levels = book(rig, coin);

                (void)text_copy(last, sizeof(last), paper_fixture_text(levels, path));
                json_decref(levels);
                if (!strcmp(last, px))
                        return;
                loop_turn(rig->f.loop, 10);
        } while (clock_mono_ms(loop_clock(rig->f.loop)) < until);
        fail_msg("%s best %d is %s, not %s", coin, side, last, px);
}

static inline void expect_status(struct rig *rig, const char *part)
{
        json_t *status = paper_fixture_info(&rig->f, "{\"type\":\"exchangeStatus\"}");
        const char *text = paper_fixture_text(status, "specialStatuses");

        if (part ? !strstr(text, part) : !json_is_null(json_object_get(status, "specialStatuses")))
                fail_msg("specialStatuses: %s", text);
        json_decref(status);
}

static inline json_t *order(struct rig *rig, bool is_buy, const char *price, const char *size,
                            const char *tif)
{
        json_t *answer = paper_fixture_act(
                &rig->f, &rig->alice, NULL,
                "{\"type\":\"order\",\"orders\":[{\"a\":0,\"b\":%s,\"p\":\"%s\",\"s\":\"%s\","
                "\"r\":false,\"t\":{\"limit\":{\"tif\":\"%s\"}}}],\"grouping\":\"na\"}",
                is_buy ? "true" : "false", price, size, tif);

        if (!paper_fixture_is_ok(answer))
                fail_msg("%s", paper_fixture_refusal(answer));
        return answer;
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
