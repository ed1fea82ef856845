/* test_engine_saved: an engine of the kit's world as bytes and back. */
#ifndef TEST_ENGINE_SAVED_H
#define TEST_ENGINE_SAVED_H

#include "adapters/paper/archive.h"
#include "test_engine_kit.h"

static inline void saved_write(const struct engine *engine, struct buf *out)
{
        struct archive archive;
        struct err err = {.code = E_OK};

        buf_init(out, 64u << 20);
        archive_write(&archive, out);
        engine_state_save(engine, &archive);
        assert_int_equal(archive_finish(&archive, &err), E_OK);
}

/* NULL when refused, also for bytes left over. why may be NULL. */
static inline struct engine *saved_read(struct kit *kit, const void *data, size_t len,
                                        const char **why)
{
        struct engine_market_spec spec[N_MARKETS];
        struct engine_sink sink = kit_sink(kit);
        struct archive archive;
        struct engine *engine;

        kit_markets(spec);
        archive_read(&archive, data, len);
        engine = engine_state_load(spec, N_MARKETS, &sink, &archive);
        if (why)
                *why = archive.why;
        if (archive_finish(&archive, NULL)) {
                engine_free(engine);
                return NULL;
        }
        assert_non_null(engine);
        return engine;
}

#endif
