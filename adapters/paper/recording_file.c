#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/paper/recording.h"
#include "base/attr.h"
#include "base/mem.h"

/* The line at recording.next, without its newline; NULL at the end. A line without a newline is cut
 * off: *is_whole is false. */
static const char *take_line(struct recording *r, size_t *len, bool *is_whole)
{
        const char *line = r->text + r->next;
        const char *end;

        if (r->next == r->len)
                return NULL;
        end = memchr(line, '\n', r->len - r->next);
        *is_whole = end != NULL;
        *len = end ? (size_t)(end - line) : r->len - r->next;
        r->next += *len + (end ? 1 : 0);
        r->line++;
        return line;
}

static enum errc check_line(struct recording *r, const char *line, size_t len, struct err *err)
{
        struct recording_event event;
        enum errc rc;

        if (r->line == 1)
                return recording_parse_header(line, len, err);
        rc = recording_parse(&event, line, len, err);
        if (!rc && event.at < r->last_at)
                rc = err_set(err, E_SYNTAX, "the line is older than the one before");
        r->last_at = event.at;
        return rc;
}

enum errc recording_open(struct recording *out, char *text, size_t len, const char *name,
                         struct err *err)
{
        struct err why = {.code = E_OK};
        enum errc rc = E_OK;
        bool is_whole = true;
        const char *line;
        size_t n;

        *out = (struct recording){.text = text, .len = len};
        while (!rc && (line = take_line(out, &n, &is_whole))) {
                rc = check_line(out, line, n, &why);
                if (!rc && !is_whole)
                        rc = err_set(&why, E_SYNTAX, "the line is cut off");
        }
        if (!rc && out->line < 2) {
                out->line++;
                rc = err_set(&why, E_SYNTAX, "the recording is empty");
        }
        if (rc) {
                rc = err_set(err, E_CONFIG, "%s:%zu: %s", name, out->line, why.detail);
                recording_close(out);
                return rc;
        }
        recording_rewind(out);
        return E_OK;
}

enum errc recording_open_file(struct recording *out, const char *file, struct err *err)
{
        FILE *stream = fopen(file, "re");
        size_t cap = 1u << 20, len = 0;
        char *text = NULL;

        memset(out, 0, sizeof(*out));
        if (!stream)
                return err_set(err, E_CONFIG, "%s: can't be opened", file);
        do {
                cap = len ? 2 * len : cap;
                text = xrealloc(text, cap);
                len += fread(text + len, 1, cap - len, stream);
        } while (len == cap && len <= RECORDING_FILE_MAX);
        if (ferror(stream) || len > RECORDING_FILE_MAX) {
                (void)fclose(stream);
                free(text);
                return err_set(err, E_CONFIG, "%s: can't be read, or is larger than %u bytes", file,
                               RECORDING_FILE_MAX);
        }
        (void)fclose(stream);
        return recording_open(out, text, len, file, err);
}

void recording_close(struct recording *r)
{
        free(r->text);
        memset(r, 0, sizeof(*r));
}

bool recording_next(struct recording *r, struct recording_event *out)
{
        bool is_whole = true;
        size_t len = 0;
        const char *line = take_line(r, &len, &is_whole);

        if (!line)
                return false;
        must(recording_parse(out, line, len, NULL) == E_OK); /* recording_open has read it */
        return true;
}

void recording_rewind(struct recording *r)
{
        bool is_whole = true;
        size_t len = 0;

        r->next = r->line = 0;
        (void)take_line(r, &len, &is_whole);
}
